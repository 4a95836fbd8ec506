/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What clients ask for. Who may have what, and in which order, follows Linux v6.1:
 * drivers/vfio/container.c, vfio_main.c and pci/vfio_pci_core.c.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server_priv.h"

#define UUID_LEN	36
#define CTL_ANSWER	512

/* ---- descriptors ---- */

/*
 * Makes a descriptor for a client: a socket pair, whose other end hangs up at the last close.
 * Returns the client's end, or -errno.
 */
static int
new_handle(struct s82_server *s, enum s82_handle_kind kind, unsigned int index)
{
	struct s82_handle *h;
	unsigned int slot;
	struct stat sb;
	int sv[2], rc;

	for (slot = 0; slot < S82_MAX_HANDLES; slot++)
		if (s->handle_sock[slot] < 0)
			break;
	if (slot == S82_MAX_HANDLES)
		return -ENFILE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0)
		return -errno;
	/* Reading it gives end of file: nothing is ever sent. */
	shutdown(sv[0], SHUT_WR);
	rc = fstat(sv[1], &sb) < 0 ? -errno : 0;
	if (rc == 0)
		rc = s82_epoll_add(s->epfd, sv[0], 0, SRC_HANDLE, slot);
	if (rc < 0) {
		close(sv[0]);
		close(sv[1]);
		return rc;
	}
	s->handle_sock[slot] = sv[0];
	h = &s->st->handle[slot];
	h->index = index;
	h->dev = sb.st_dev;
	h->ino = sb.st_ino;
	atomic_store_explicit(&h->kind, kind, memory_order_release);
	return sv[1];
}

/* ---- containers ---- */

static int
container_open(struct s82_server *s, unsigned int client, struct s82_rep *rep, int *fd)
{
	unsigned int d;

	for (d = 1; d < S82_MAX_DOMAINS; d++)
		if (!s->st->domain[d].used)
			break;
	if (d == S82_MAX_DOMAINS)
		return -ENOMEM;
	*fd = new_handle(s, S82_HANDLE_CONTAINER, d);
	if (*fd < 0)
		return *fd;
	s->container[d].open = true;
	s->st->domain[d].client = client;
	s->st->domain[d].used = 1;
	rep->val[0] = d;
	return 0;
}

/* Without groups there is no IOMMU and no mapping; without descriptors too, no container. */
static void
container_put(struct s82_server *s, unsigned int domain)
{
	struct container *c = &s->container[domain];

	if (c->groups > 0)
		return;
	s82_memory_clear(s, domain);
	if (!c->open) {
		s->st->domain[domain].client = 0;
		s->st->domain[domain].used = 0;
	}
}

static bool
domain_ok(const struct s82_server *s, uint64_t domain)
{
	return domain > 0 && domain < S82_MAX_DOMAINS && s->st->domain[domain].used;
}

static int
set_iommu(struct s82_server *s, uint64_t domain, uint64_t type)
{
	struct container *c;

	if (!domain_ok(s, domain))
		return -EINVAL;
	c = &s->container[domain];
	if (c->groups == 0 || c->iommu != 0)
		return -EINVAL;
	if (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU)
		return -ENODEV;
	c->iommu = type;
	return 0;
}

static int
domain_status(struct s82_server *s, uint64_t domain, struct s82_rep *rep)
{
	if (!domain_ok(s, domain) || s->container[domain].iommu == 0)
		return -EINVAL;
	rep->val[0] = s->container[domain].iommu;
	rep->val[1] = S82_MAX_MAPS - s->container[domain].maps;
	return 0;
}

/* ---- groups ---- */

/* The function that is IOMMU group `group`, bound to vfio-pci or with its group still open. */
static int
func_of_group(const struct s82_server *s, uint64_t group)
{
	const struct s82_func *f;
	int i;

	for (i = 0; i < S82_FUNCS; i++) {
		f = &s->st->func[i];
		if (f->present && f->group == group)
			return f->driver == S82_DRV_VFIO || s->dev[i].group_open ? i : -ENOENT;
	}
	return -ENOENT;
}

static int
group_open(struct s82_server *s, unsigned int func, int *fd)
{
	if (s->st->func[func].driver != S82_DRV_VFIO)
		return -ENOENT;
	if (s->dev[func].group_open)
		return -EBUSY;
	*fd = new_handle(s, S82_HANDLE_GROUP, func);
	if (*fd < 0)
		return *fd;
	s->dev[func].group_open = true;
	return 0;
}

static int
group_set(struct s82_server *s, unsigned int func, uint64_t domain)
{
	struct device *d = &s->dev[func];

	if (d->domain != 0 || !domain_ok(s, domain))
		return -EINVAL;
	d->domain = (uint32_t)domain;
	s->container[domain].groups++;
	s->ctx.ops->lock(&s->ctx);
	s->st->func[func].domain = (uint32_t)domain;
	s->ctx.ops->unlock(&s->ctx);
	return 0;
}

static int
group_unset(struct s82_server *s, unsigned int func)
{
	struct device *d = &s->dev[func];
	uint32_t domain = d->domain;

	if (domain == 0)
		return -EINVAL;
	if (atomic_load(&d->handles) > 0)
		return -EBUSY;
	d->domain = 0;
	s->ctx.ops->lock(&s->ctx);
	s->st->func[func].domain = 0;
	s->ctx.ops->unlock(&s->ctx);
	s->container[domain].groups--;
	container_put(s, domain);
	return 0;
}

/* ---- devices ---- */

static int
hex_digit(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch = (char)tolower((unsigned char)ch);
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" */
static bool
parse_uuid(const char *text, uint8_t *uuid)
{
	unsigned int i, n = 0;
	int hi, lo;

	if (strnlen(text, UUID_LEN) < UUID_LEN)
		return false;
	for (i = 0; i < UUID_LEN;) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i++] != '-')
				return false;
			continue;
		}
		hi = hex_digit(text[i]);
		lo = hex_digit(text[i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		uuid[n++] = (uint8_t)(hi << 4 | lo);
		i += 2;
	}
	return true;
}

/* "BDF" or "BDF vf_token=UUID". 1: it is this function; 0: it is not; -EINVAL: what follows. */
static int
match_device(const struct s82_state *st, unsigned int func, const char *text, bool *has_token,
	uint8_t *token)
{
	uint16_t bdf = st->func[func].bdf;
	char name[16];
	size_t len;

	len = (size_t)snprintf(name, sizeof(name), "%04x:%02x:%02x.%x", st->pci_domain, bdf >> 8,
		(bdf >> 3) & 0x1f, bdf & 7);
	*has_token = false;
	if (strncmp(text, name, len) != 0)
		return 0;
	text += len;
	if (*text != '\0' && *text != ' ')
		return 0;
	while (*text != '\0') {
		if (isspace((unsigned char)*text)) {
			text++;
			continue;
		}
		if (*has_token || strncmp(text, "vf_token=", 9) != 0)
			return -EINVAL;
		if (!parse_uuid(text + 9, token))
			return -EINVAL;
		*has_token = true;
		text += 9 + UUID_LEN;
	}
	return 1;
}

static unsigned int
vfs_in_use(const struct s82_server *s)
{
	unsigned int i, n = 0;

	for (i = 0; i < S82_MAX_VFS; i++)
		n += atomic_load(&s->dev[i].handles) > 0;
	return n;
}

/* A VF of a PF on vfio-pci: the token is the PF owner's consent. */
static int
check_vf_token(const struct s82_state *st, bool given, const uint8_t *token)
{
	bool pf_on_vfio = st->func[S82_PF].driver == S82_DRV_VFIO;

	if (!pf_on_vfio)
		return given ? -EINVAL : 0;
	if (!given)
		return st->token_strict ? -EACCES : 0;
	/* Until the PF was opened with one, the token is a random number. */
	return st->token_set && memcmp(token, st->token, 16) == 0 ? 0 : -EACCES;
}

static int
check_pf_token(const struct s82_server *s, bool given, const uint8_t *token)
{
	struct s82_state *st = s->st;

	if (vfs_in_use(s) > 0) {
		if (!given)
			return st->token_strict ? -EACCES : 0;
		if (!st->token_set || memcmp(token, st->token, 16) != 0)
			return -EACCES;
	} else if (given) {
		memcpy(st->token, token, 16);
		st->token_set = 1;
	}
	return 0;
}

static int
device_open(struct s82_server *s, unsigned int client, unsigned int func, const char *text,
	struct s82_rep *rep, int *fd)
{
	struct device *d = &s->dev[func];
	uint8_t token[16];
	bool given;
	int rc;

	if (atomic_load(&s->st->func[func].removed))
		return -ENODEV;
	if (d->domain == 0 || s->container[d->domain].iommu == 0 ||
			s->st->func[func].driver != S82_DRV_VFIO)
		return -EINVAL;
	rc = match_device(s->st, func, text, &given, token);
	if (rc <= 0)
		return rc < 0 ? rc : -ENODEV;
	rc = func == S82_PF ? check_pf_token(s, given, token) :
		check_vf_token(s->st, given, token);
	if (rc < 0)
		return rc;
	*fd = new_handle(s, S82_HANDLE_DEVICE, func);
	if (*fd < 0)
		return *fd;
	if (atomic_fetch_add(&d->handles, 1) == 0) {
		s->ctx.ops->lock(&s->ctx);
		s->st->func[func].owner = client;
		s->ctx.ops->unlock(&s->ctx);
	}
	rep->val[0] = func;
	return 0;
}

/*
 * Linux saves the configuration space before the reset and restores it afterwards
 * (pci_try_reset_function): bus mastering, which DPDK sets first, survives.
 */
static int
device_reset(struct s82_server *s, unsigned int func)
{
	struct s82_func *f = &s->st->func[func];
	uint8_t cfg[sizeof(f->cfg)];

	s->ctx.ops->lock(&s->ctx);
	memcpy(cfg, f->cfg, sizeof(cfg));
	s82_flr(&s->ctx, func);
	memcpy(cfg + PCI_STATUS, f->cfg + PCI_STATUS, 2); /* ones in it clear, they do not set */
	memcpy(f->cfg, cfg, sizeof(cfg));
	s->ctx.ops->unlock(&s->ctx);
	return 0;
}

/* ---- the last close ---- */

static void
device_closed(struct s82_server *s, unsigned int func)
{
	struct device *d = &s->dev[func];

	if (atomic_fetch_sub(&d->handles, 1) > 1)
		return;
	/* The reset stops DMA, before any memory goes, and tells the PF (VFLR). */
	s->ctx.ops->lock(&s->ctx);
	s82_flr(&s->ctx, func);
	s->st->func[func].owner = 0;
	s->ctx.ops->unlock(&s->ctx);
	s82_irqs_clear(s, func);
	if (!d->group_open)
		group_unset(s, func);
}

void
s82_server_hangup(struct s82_server *s, unsigned int slot)
{
	struct s82_handle *h = &s->st->handle[slot];
	uint32_t kind = atomic_load(&h->kind), index = h->index;

	if (s->handle_sock[slot] < 0)
		return;
	atomic_store(&h->kind, S82_HANDLE_FREE);
	close(s->handle_sock[slot]);
	s->handle_sock[slot] = -1;
	switch (kind) {
	case S82_HANDLE_DEVICE:
		device_closed(s, index);
		break;
	case S82_HANDLE_GROUP:
		s->dev[index].group_open = false;
		if (atomic_load(&s->dev[index].handles) == 0)
			group_unset(s, index);
		break;
	case S82_HANDLE_CONTAINER:
		s->container[index].open = false;
		container_put(s, index);
		break;
	default:
		break;
	}
}

void
s82_server_orphan(struct s82_server *s, unsigned int id)
{
	struct s82_func *f;
	unsigned int i;

	s->ctx.ops->lock(&s->ctx);
	for (i = 0; i < S82_FUNCS; i++) {
		f = &s->st->func[i];
		if (f->owner == id)
			f->owner = S82_OWNER_GONE;
		if (atomic_load(&f->irq_client) == id)
			atomic_store(&f->irq_client, 0);
	}
	for (i = 0; i < S82_MAX_DOMAINS; i++)
		if (s->st->domain[i].client == id)
			s->st->domain[i].client = 0;
	s->ctx.ops->unlock(&s->ctx);
}

/* ---- ctl ---- */

/* The sentence goes back as a file, whose length says how long it is. */
static int
control(struct s82_server *s, const char *text, struct s82_rep *rep, int *fd)
{
	char answer[CTL_ANSWER] = "";
	int err;

	if (s->ctl == NULL)
		return -ENOTSUP;
	*fd = memfd_create("ctl", MFD_CLOEXEC);
	if (*fd < 0)
		return -errno;
	err = s->ctl(s->ctl_arg, text, answer, sizeof(answer));
	rep->val[0] = (uint64_t)-err;
	return write(*fd, answer, strlen(answer)) < 0 ? -errno : 0;
}

/* ---- dispatch ---- */

static int
on_domain(struct s82_server *s, const struct s82_req *req, const int *fds, unsigned int nfds,
	struct s82_rep *rep)
{
	const uint64_t *arg = req->arg;

	if (!domain_ok(s, arg[0]))
		return -EINVAL;
	switch (req->op) {
	case S82_REQ_SET_IOMMU:
		return set_iommu(s, arg[0], arg[1]);
	case S82_REQ_DOMAIN_STATUS:
		return domain_status(s, arg[0], rep);
	case S82_REQ_DMA_MAP:
		if (nfds != 1)
			return -EBADF;
		return s82_memory_map(s, arg, fds[0], rep->val);
	default:
		return s82_memory_unmap(s, (unsigned int)arg[0], arg[1], arg[2], arg[3] != 0,
			&rep->val[0]);
	}
}

static int
on_group(struct s82_server *s, unsigned int client, const struct s82_req *req, struct s82_rep *rep,
	int *fd)
{
	int func;

	/* An open group is known by its function; only opening goes by the number in its path. */
	func = req->op == S82_REQ_GROUP_OPEN ? func_of_group(s, req->arg[0]) : (int)req->arg[0];
	if (func < 0)
		return func;
	if (func >= S82_FUNCS)
		return -EINVAL;
	switch (req->op) {
	case S82_REQ_GROUP_OPEN:
		return group_open(s, func, fd);
	case S82_REQ_GROUP_STATUS:
		if (s->st->func[func].driver <= S82_DRV_VFIO)
			rep->val[0] = VFIO_GROUP_FLAGS_VIABLE;
		if (s->dev[func].domain != 0)
			rep->val[0] |= VFIO_GROUP_FLAGS_CONTAINER_SET;
		return 0;
	case S82_REQ_GROUP_SET:
		return group_set(s, func, req->arg[1]);
	case S82_REQ_GROUP_UNSET:
		return group_unset(s, func);
	default:
		return device_open(s, client, func, req->text, rep, fd);
	}
}

static int
on_device(struct s82_server *s, unsigned int client, const struct s82_req *req, const int *fds,
	unsigned int nfds)
{
	if (req->arg[0] >= S82_FUNCS || atomic_load(&s->dev[req->arg[0]].handles) == 0)
		return -EINVAL;
	if (req->op == S82_REQ_SET_IRQS)
		return s82_irqs_set(s, client, req->arg, fds, nfds);
	if (req->op == S82_REQ_IRQ_TRIGGER)
		return s82_irqs_trigger(s, req->arg);
	return device_reset(s, (unsigned int)req->arg[0]);
}

static int
dispatch(struct s82_server *s, unsigned int client, const struct s82_req *req, const int *fds,
	unsigned int nfds, struct s82_rep *rep, int *fd)
{
	switch (req->op) {
	case S82_REQ_CONTAINER_OPEN:
		return container_open(s, client, rep, fd);
	case S82_REQ_SET_IOMMU: case S82_REQ_DOMAIN_STATUS: case S82_REQ_DMA_MAP:
	case S82_REQ_DMA_UNMAP:
		return on_domain(s, req, fds, nfds, rep);
	case S82_REQ_GROUP_OPEN: case S82_REQ_GROUP_STATUS: case S82_REQ_GROUP_SET:
	case S82_REQ_GROUP_UNSET: case S82_REQ_DEVICE_OPEN:
		return on_group(s, client, req, rep, fd);
	case S82_REQ_SET_IRQS: case S82_REQ_IRQ_TRIGGER: case S82_REQ_DEVICE_RESET:
		return on_device(s, client, req, fds, nfds);
	case S82_REQ_SHOW:
		*fd = s->show != NULL ? s->show(s->show_arg) : -ENOTSUP;
		return *fd < 0 ? *fd : 0;
	case S82_REQ_CTL:
		return control(s, req->text, rep, fd);
	default:
		return -EINVAL;
	}
}

void
s82_server_request(struct s82_server *s, unsigned int client, const struct s82_req *req,
	const int *fds, unsigned int nfds, struct s82_rep *rep, int *fd)
{
	struct s82_req copy = *req;

	copy.text[sizeof(copy.text) - 1] = '\0';
	memset(rep, 0, sizeof(*rep));
	*fd = -1;
	rep->err = dispatch(s, client, &copy, fds, nfds, rep, fd);
	if (rep->err < 0)
		*fd = -1;
}
