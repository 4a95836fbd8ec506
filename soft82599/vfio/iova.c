/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "iova.h"

/* System calls by number: in a client, mmap and munmap are the interposed ones. */
static void *
raw_mmap(size_t len, int fd, uint64_t off)
{
	long p = syscall(SYS_mmap, NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off);

	return p == -1 ? NULL : (void *)p;
}

static void
drop_window(struct s82_iova_window *w)
{
	if (w->map != NULL)
		syscall(SYS_munmap, w->map, w->map_len);
	memset(w, 0, sizeof(*w));
}

/* Drops the windows whose extent is gone. */
static void
sweep(struct s82_iova *c, const struct s82_state *st)
{
	unsigned int i, top = 0;

	for (i = 0; i < c->top; i++) {
		if (c->window[i].serial == 0)
			continue;
		if (st->extent[i].domain == 0 || st->extent[i].serial != c->window[i].serial)
			drop_window(&c->window[i]);
		else
			top = i + 1;
	}
	c->top = top;
}

/* Maps an extent of another process. Files of huge pages want offsets of whole pages. */
static int
import(struct s82_iova *c, const struct s82_extent *e, struct s82_iova_window *w)
{
	uint64_t block, lo, hi;
	struct stat sb;
	int fd;

	fd = c->get_fd(c->arg, e->fd_id);
	if (fd < 0)
		return fd;
	block = fstat(fd, &sb) == 0 && sb.st_blksize > 4096 ? (uint64_t)sb.st_blksize : 4096;
	if (block & (block - 1))
		block = 4096;
	lo = e->off & ~(block - 1);
	hi = (e->off + e->len + block - 1) & ~(block - 1);
	w->map = raw_mmap(hi - lo, fd, lo);
	syscall(SYS_close, fd);
	if (w->map == NULL)
		return -ENOMEM;
	w->map_len = hi - lo;
	w->host = w->map + (e->off - lo);
	w->serial = e->serial;
	return 0;
}

static int
find_slot(const struct s82_state *st, unsigned int domain, uint64_t iova)
{
	unsigned int left = st->domain[domain].extents;
	int i;

	for (i = 0; i < S82_MAX_EXTENTS && left > 0; i++) {
		if (st->extent[i].domain != domain)
			continue;
		if (iova - st->extent[i].iova < st->extent[i].len)
			return i;
		left--;
	}
	return -1;
}

void *
s82_iova_miss(struct s82_iova *c, const struct s82_state *st, unsigned int domain, uint64_t iova,
	size_t *avail, size_t *before)
{
	const struct s82_extent *e;
	struct s82_iova_window *w;
	struct s82_iova_line *line;
	uint32_t gen;
	int slot;

	if (domain == 0 || domain >= S82_MAX_DOMAINS)
		return NULL;
	gen = atomic_load_explicit(&st->domain[domain].gen, memory_order_acquire);
	if (c->swept[domain] != gen) {
		sweep(c, st);
		c->swept[domain] = gen;
	}
	slot = find_slot(st, domain, iova);
	if (slot < 0)
		return NULL;
	e = &st->extent[slot];
	w = &c->window[slot];
	if (w->serial != e->serial) {
		drop_window(w);
		if (import(c, e, w) < 0)
			return NULL;
		if (c->top <= (unsigned int)slot)
			c->top = slot + 1;
	}
	line = &c->line[((iova >> S82_IOVA_SHIFT) ^ (domain * 37u)) & (S82_IOVA_LINES - 1)];
	line->lo = e->iova;
	line->len = e->len;
	line->host = w->host;
	line->domain = domain;
	line->gen = gen;
	*avail = e->iova + e->len - iova;
	*before = iova - e->iova;
	return w->host + (iova - e->iova);
}

void
s82_iova_own(struct s82_iova *c, const struct s82_state *st, const uint64_t *val, uint64_t iova,
	void *host)
{
	uint64_t serial = val[0], slot = val[1], before = val[2];
	const struct s82_extent *e = &st->extent[slot];
	struct s82_iova_window *w = &c->window[slot];
	uint8_t *begin;

	if (slot >= S82_MAX_EXTENTS || e->serial != serial)
		return;
	begin = (uint8_t *)host - (iova - e->iova);
	/* Longer than it was: ours as a whole only if what is in front of it lies in front here. */
	if (before != 0 && (w->serial != before || w->map != NULL || w->host != begin))
		return;
	drop_window(w);
	w->serial = serial;
	w->host = begin;
	if (c->top <= slot)
		c->top = slot + 1;
	/* A line may still hold what another thread mapped of it meanwhile. */
	memset(c->line, 0, sizeof(c->line));
}

void
s82_iova_forget_host(struct s82_iova *c, const struct s82_state *st, const void *addr, size_t len)
{
	const uint8_t *lo = addr, *hi = lo + len;
	struct s82_iova_window *w;
	unsigned int i, hits = 0;

	for (i = 0; i < c->top; i++) {
		w = &c->window[i];
		if (w->serial == 0 || w->map != NULL || st->extent[i].serial != w->serial)
			continue;
		if (w->host < hi && w->host + st->extent[i].len > lo) {
			memset(w, 0, sizeof(*w));
			hits++;
		}
	}
	if (hits > 0)
		memset(c->line, 0, sizeof(c->line));
}

void
s82_iova_reset(struct s82_iova *c)
{
	unsigned int i;

	for (i = 0; i < c->top; i++)
		drop_window(&c->window[i]);
	c->top = 0;
	memset(c->line, 0, sizeof(c->line));
	memset(c->swept, 0, sizeof(c->swept));
}
