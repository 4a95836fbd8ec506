/* SPDX-License-Identifier: BSD-3-Clause */
/* Containers' memory: mappings by VFIO's type 1 rules, extents for everybody, backing files. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server_priv.h"

/* ---- backing files ---- */

int
s82_memory_fd(struct s82_server *s, uint32_t fd_id)
{
	int fd = -ENOENT;

	pthread_mutex_lock(&s->fds_lock);
	if (fd_id > 0 && fd_id <= s->backings && s->backing[fd_id - 1].fd >= 0) {
		fd = fcntl(s->backing[fd_id - 1].fd, F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			fd = -errno;
	}
	pthread_mutex_unlock(&s->fds_lock);
	return fd;
}

/* The name of the file behind `fd`, which is new to the card or known by its inode; or -errno. */
static int
take_backing(struct s82_server *s, int fd)
{
	unsigned int i, slot = S82_MAX_FDS;
	struct backing *b;
	struct stat sb;
	int id = -ENOSPC;

	if (fstat(fd, &sb) < 0)
		return -errno;
	pthread_mutex_lock(&s->fds_lock);
	for (i = 0; i < s->backings; i++) {
		b = &s->backing[i];
		if (b->fd >= 0 && b->ino == sb.st_ino && b->dev == sb.st_dev)
			break;
		if (b->fd < 0 && slot == S82_MAX_FDS)
			slot = i;
	}
	if (i == s->backings)
		i = slot < S82_MAX_FDS ? slot : i;
	if (i < S82_MAX_FDS) {
		b = &s->backing[i];
		if (i == s->backings || b->fd < 0)
			*b = (struct backing){ .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3),
				.dev = sb.st_dev, .ino = sb.st_ino };
		id = b->fd < 0 ? -errno : (int)i + 1;
		if (i == s->backings)
			s->backings++;
		if (id > 0)
			b->refs++;
	}
	pthread_mutex_unlock(&s->fds_lock);
	return id;
}

static void
hold_backing(struct s82_server *s, uint32_t fd_id)
{
	pthread_mutex_lock(&s->fds_lock);
	s->backing[fd_id - 1].refs++;
	pthread_mutex_unlock(&s->fds_lock);
}

static void
drop_backing(struct s82_server *s, uint32_t fd_id)
{
	struct backing *b = &s->backing[fd_id - 1];

	pthread_mutex_lock(&s->fds_lock);
	if (--b->refs == 0) {
		close(b->fd);
		b->fd = -1;
		while (s->backings > 0 && s->backing[s->backings - 1].fd < 0)
			s->backings--;
	}
	pthread_mutex_unlock(&s->fds_lock);
}

/* ---- mappings ---- */

/* The first mapping that ends after iova: the one that holds it, or the next. */
static unsigned int
lower_bound(const struct container *c, uint64_t iova)
{
	unsigned int lo = 0, hi = c->maps, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (c->map[mid].iova + (c->map[mid].size - 1) < iova)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int
new_map(struct container *c, uint64_t iova, uint64_t size)
{
	unsigned int at = lower_bound(c, iova);
	struct dma_map *grown;

	if (at < c->maps && c->map[at].iova <= iova + (size - 1))
		return -EEXIST;
	if (c->maps >= S82_MAX_MAPS)
		return -ENOSPC;
	if (c->maps == c->room) {
		grown = realloc(c->map, (c->room + 256) * sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		c->map = grown;
		c->room += 256;
	}
	memmove(&c->map[at + 1], &c->map[at], (c->maps - at) * sizeof(c->map[0]));
	c->map[at] = (struct dma_map){ iova, size };
	c->maps++;
	return 0;
}

static void
drop_map(struct container *c, unsigned int at)
{
	c->maps--;
	memmove(&c->map[at], &c->map[at + 1], (c->maps - at) * sizeof(c->map[0]));
}

/* ---- extents: under st->lock, so that no step is in flight ---- */

static int
free_slot(const struct s82_state *st)
{
	int i;

	for (i = 0; i < S82_MAX_EXTENTS; i++)
		if (st->extent[i].domain == 0)
			return i;
	return -ENOSPC;
}

/* The extent that `e` carries on, in memory and in its file; or -1. */
static int
find_front(const struct s82_state *st, const struct s82_extent *e)
{
	unsigned int left = st->domain[e->domain].extents;
	const struct s82_extent *front;
	int i;

	for (i = 0; i < S82_MAX_EXTENTS && left > 0; i++) {
		front = &st->extent[i];
		if (front->domain != e->domain)
			continue;
		left--;
		if (front->fd_id == e->fd_id && front->iova + front->len == e->iova &&
				front->off + front->len == e->off)
			return i;
	}
	return -1;
}

/*
 * Adds a piece of memory; its slot or -errno. *joined: 0, or the serial number of the extent
 * that it made longer. DPDK maps page by page since 23.03: 65535 extents would be slow to find,
 * and each burst would cross many.
 */
static int
add_extent(struct s82_server *s, const struct s82_extent *e, uint64_t *joined)
{
	struct s82_domain *d = &s->st->domain[e->domain];
	int slot = find_front(s->st, e);
	struct s82_extent *front;

	*joined = 0;
	if (slot >= 0) {
		front = &s->st->extent[slot];
		*joined = front->serial;
		front->serial = e->serial;
		front->len += e->len;
		drop_backing(s, e->fd_id);	/* one reference for each extent */
	} else {
		slot = free_slot(s->st);
		if (slot < 0)
			return slot;
		s->st->extent[slot] = *e;
		d->extents++;
	}
	d->bytes += e->len;
	atomic_fetch_add(&d->gen, 1);
	return slot;
}

static void
drop_extent(struct s82_server *s, struct s82_extent *e)
{
	struct s82_domain *d = &s->st->domain[e->domain];

	d->extents--;
	d->bytes -= e->len;
	drop_backing(s, e->fd_id);
	memset(e, 0, sizeof(*e));
}

/* Cuts [lo, last] out of an extent. 1 if what is behind became one more extent, 0, or -errno. */
static int
cut_extent(struct s82_server *s, struct s82_extent *e, uint64_t lo, uint64_t last)
{
	struct s82_domain *d = &s->st->domain[e->domain];
	uint64_t end = e->iova + (e->len - 1);
	struct s82_extent rest = *e;
	int slot;

	if (end <= last && e->iova >= lo) {
		drop_extent(s, e);
		return 0;
	}
	if (end > last) {
		rest.iova = last + 1;
		rest.len = end - last;
		rest.off += rest.iova - e->iova;
		rest.serial = ++s->serial;
	}
	if (e->iova >= lo) {
		d->bytes -= e->len - rest.len;
		*e = rest;
		return 0;
	}
	if (end > last) {
		slot = free_slot(s->st);
		if (slot < 0)
			return slot;
		s->st->extent[slot] = rest;
		hold_backing(s, rest.fd_id);
		d->extents++;
		d->bytes += rest.len;
	}
	d->bytes -= e->len - (lo - e->iova);
	e->len = lo - e->iova;
	return end > last;
}

static int
drop_extents(struct s82_server *s, unsigned int domain, uint64_t lo, uint64_t last)
{
	struct s82_domain *d = &s->st->domain[domain];
	struct s82_extent *e;
	unsigned int left;
	int i, rc = 0;

	s->ctx.ops->lock(&s->ctx);
	left = d->extents;
	for (i = 0; i < S82_MAX_EXTENTS && left > 0 && rc >= 0; i++) {
		e = &s->st->extent[i];
		if (e->domain != domain)
			continue;
		left--;
		if (e->iova > last || e->iova + (e->len - 1) < lo)
			continue;
		rc = cut_extent(s, e, lo, last);
		left += rc > 0;
	}
	atomic_fetch_add(&d->gen, 1);
	s->ctx.ops->unlock(&s->ctx);
	return rc < 0 ? rc : 0;
}

/* arg: see S82_REQ_DMA_MAP. */
int
s82_memory_map(struct s82_server *s, const uint64_t *arg, int fd, uint64_t *val)
{
	struct container *c = &s->container[arg[0]];
	struct s82_extent e = { .domain = (uint32_t)arg[0], .iova = arg[1], .len = arg[2],
		.off = arg[3] };
	int rc;

	if (c->iommu == 0)
		return -EINVAL;
	if (arg[2] == 0 || arg[1] < arg[4] || arg[1] - arg[4] + arg[2] > arg[5])
		return -EINVAL;
	if (arg[1] == arg[4]) {
		rc = new_map(c, arg[4], arg[5]);
		if (rc < 0)
			return rc;
	}
	rc = take_backing(s, fd);
	if (rc > 0) {
		e.fd_id = (uint32_t)rc;
		e.serial = ++s->serial;
		s->ctx.ops->lock(&s->ctx);
		rc = add_extent(s, &e, &val[2]);
		s->ctx.ops->unlock(&s->ctx);
		if (rc < 0)
			drop_backing(s, e.fd_id);
	}
	if (rc < 0) {
		/* Of later pieces the client undoes the whole. */
		if (arg[1] == arg[4])
			drop_map(c, lower_bound(c, arg[4]));
		return rc;
	}
	val[0] = e.serial;
	val[1] = (uint64_t)rc;
	return 0;
}

/* Type 1 version 2 refuses to cut a mapping in two. */
static int
check_cut(const struct container *c, uint64_t iova, uint64_t last)
{
	unsigned int at = lower_bound(c, iova);

	if (at < c->maps && c->map[at].iova < iova)
		return -EINVAL;
	at = lower_bound(c, last);
	if (at < c->maps && c->map[at].iova <= last &&
			c->map[at].iova + (c->map[at].size - 1) != last)
		return -EINVAL;
	return 0;
}

int
s82_memory_unmap(struct s82_server *s, unsigned int domain, uint64_t iova, uint64_t len, bool all,
	uint64_t *bytes)
{
	struct container *c = &s->container[domain];
	uint64_t last = all ? UINT64_MAX : iova + len - 1;
	struct dma_map m;
	unsigned int at;
	int rc;

	*bytes = 0;
	if (c->iommu == 0)
		return -EINVAL;
	if (all)
		iova = 0;
	rc = all || c->iommu != VFIO_TYPE1v2_IOMMU ? 0 : check_cut(c, iova, last);
	if (rc < 0)
		return rc;
	for (at = lower_bound(c, iova); at < c->maps && c->map[at].iova <= last;) {
		m = c->map[at];
		/* Version 1 stops where a mapping begins before the range. */
		if (m.iova < iova)
			break;
		rc = drop_extents(s, domain, m.iova, m.iova + (m.size - 1));
		if (rc < 0)
			return rc;
		drop_map(c, at);
		*bytes += m.size;
	}
	return 0;
}

void
s82_memory_clear(struct s82_server *s, unsigned int domain)
{
	struct container *c = &s->container[domain];

	drop_extents(s, domain, 0, UINT64_MAX);
	free(c->map);
	c->map = NULL;
	c->maps = c->room = 0;
	c->iommu = 0;
}
