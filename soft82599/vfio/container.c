/* SPDX-License-Identifier: BSD-3-Clause */
/* Containers and groups: who may reach the device, and which memory it may reach. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "vfio.h"

#define PAGE		4096ull
#define PGSIZES		(PAGE | (2ull << 20) | (1ull << 30))
#define IOVA_LAST	((1ull << 47) - 1)	/* what a 48-bit IOMMU leaves of user addresses */
#define MSI_FIRST	0xfee00000ull	/* interrupts are written there: no memory */
#define MSI_LAST	0xfeefffffull

/* A descriptor that the card made, with the flags that open(2) asked for. */
static int
with_flags(int fd, int flags)
{
	if (!(flags & O_CLOEXEC))
		fcntl(fd, F_SETFD, 0);
	return fd;
}

int
s82_container_open(int flags)
{
	struct s82_req req = { .op = S82_REQ_CONTAINER_OPEN };
	int fd, rc;

	rc = s82_ask(&req, NULL, &fd);
	return rc < 0 ? rc : with_flags(fd, flags);
}

int
s82_group_open(unsigned int group, int flags)
{
	struct s82_req req = { .op = S82_REQ_GROUP_OPEN, .arg = { group } };
	int fd, rc;

	rc = s82_ask(&req, NULL, &fd);
	return rc < 0 ? rc : with_flags(fd, flags);
}

/* ---- MAP_DMA ---- */

static int
check_map(const struct vfio_iommu_type1_dma_map *map)
{
	uint64_t last = map->iova + map->size - 1;

	if (map->flags & ~(uint32_t)(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE))
		return -EINVAL;
	if (map->flags == 0 || map->size == 0)
		return -EINVAL;
	if ((map->size | map->iova | map->vaddr) & (PAGE - 1))
		return -EINVAL;
	if (last < map->iova || map->vaddr + map->size - 1 < map->vaddr)
		return -EINVAL;
	if (last > IOVA_LAST || (map->iova <= MSI_LAST && last >= MSI_FIRST))
		return -EINVAL;
	return 0;
}

static void
explain_refusal(const struct vfio_iommu_type1_dma_map *map, uint64_t at)
{
	fprintf(stderr, "soft82599: cannot map %" PRIu64 " bytes at 0x%" PRIx64 " for DMA: the "
		"memory at 0x%" PRIx64 " is private, or no file can be reached behind it, so the "
		"card, which is another process, cannot share it. Use shared memory: hugepages, a "
		"memfd, or a file mapped MAP_SHARED (DPDK: hugepages or --no-huge; not "
		"--mp-alloc=anon).\n",
		(uint64_t)map->size, (uint64_t)map->vaddr, at);
}

/* Remembers that a piece is memory of this process. */
static void
own_memory(const struct s82_rep *rep, uint64_t iova, uint64_t vaddr)
{
	sigset_t old;

	s82_signals_block(&old);
	atomic_fetch_add(&s82_client.owns, 1);
	s82_client.ctx.ops->lock(&s82_client.ctx);
	s82_iova_own(&s82_client.iova, s82_client.ctx.st, rep->val, iova, (void *)(uintptr_t)vaddr);
	s82_client.ctx.ops->unlock(&s82_client.ctx);
	s82_signals_restore(&old);
}

static int
map_piece(unsigned int domain, const struct vfio_iommu_type1_dma_map *map,
	const struct s82_backing *piece)
{
	struct s82_req req = { .op = S82_REQ_DMA_MAP, .arg = { domain,
		map->iova + (piece->start - map->vaddr), piece->len, piece->off, map->iova,
		map->size } };
	unsigned int none = 0;
	struct s82_rep rep;
	int rc;

	rc = s82_request(&req, &piece->fd, 1, &rep, NULL, &none);
	s82_log(S82_LOG_DEBUG, "domain %u: map iova 0x%" PRIx64 ", %" PRIu64 " bytes at 0x%" PRIx64
		", offset 0x%" PRIx64 ": %d", domain, req.arg[1], piece->len, piece->start,
		piece->off, rc);
	if (rc == 0)
		own_memory(&rep, req.arg[1], piece->start);
	return rc;
}

static int
unmap(unsigned int domain, uint64_t iova, uint64_t size, bool all, uint64_t *unmapped)
{
	struct s82_req req = { .op = S82_REQ_DMA_UNMAP, .arg = { domain, iova, size, all } };
	struct s82_rep rep;
	int rc = s82_ask(&req, &rep, NULL);

	*unmapped = rc == 0 ? rep.val[0] : 0;
	s82_log(S82_LOG_DEBUG, "domain %u: unmap iova 0x%" PRIx64 ", %" PRIu64 " bytes: %d", domain,
		iova, *unmapped, rc);
	return rc;
}

static int
map_dma(unsigned int domain, const struct vfio_iommu_type1_dma_map *map)
{
	uint64_t at = map->vaddr, end = map->vaddr + map->size, ignored;
	struct s82_backing piece;
	int rc;

	rc = check_map(map);
	while (rc == 0 && at < end) {
		rc = s82_backing_find(at, end, &piece);
		if (rc == -ENOTSUP) {
			explain_refusal(map, at);
			rc = -EINVAL;
		}
		if (rc < 0)
			break;
		rc = map_piece(domain, map, &piece);
		close(piece.fd);
		at += piece.len;
		/* Refused at the first piece: nothing of this mapping was made. */
		if (rc < 0 && piece.start == map->vaddr)
			return rc;
	}
	if (rc < 0 && at > map->vaddr)
		unmap(domain, map->iova, map->size, false, &ignored);
	return rc;
}

static int
unmap_dma(unsigned int domain, struct vfio_iommu_type1_dma_unmap *un)
{
	bool all = un->flags & VFIO_DMA_UNMAP_FLAG_ALL;
	uint64_t done;
	int rc;

	if (un->flags & ~(uint32_t)VFIO_DMA_UNMAP_FLAG_ALL)
		return -EINVAL;
	if (all ? (un->iova != 0 || un->size != 0) :
			(un->size == 0 || ((un->size | un->iova) & (PAGE - 1)) ||
			 un->iova + un->size - 1 < un->iova))
		return -EINVAL;
	rc = unmap(domain, un->iova, un->size, all, &done);
	if (rc == 0)
		un->size = done;
	return rc;
}

/* ---- IOMMU_GET_INFO ---- */

/* vfio_iommu_type1_info_cap_iova_range with its two ranges, then the next capability. */
struct iommu_caps {
	struct {
		struct vfio_info_cap_header header;
		uint32_t nr_iovas, reserved;
	} range;
	struct vfio_iova_range ranges[2];
	struct vfio_iommu_type1_info_dma_avail avail;
};

static int
iommu_info(unsigned int domain, struct vfio_iommu_type1_info *info)
{
	struct s82_req req = { .op = S82_REQ_DOMAIN_STATUS, .arg = { domain } };
	size_t minsz = offsetof(struct vfio_iommu_type1_info, iova_pgsizes) + 8;
	size_t full = sizeof(*info) + sizeof(struct iommu_caps);
	struct s82_rep rep;
	struct iommu_caps caps;
	uint32_t argsz = info->argsz;
	int rc;

	if (argsz < minsz)
		return -EINVAL;
	rc = s82_ask(&req, &rep, NULL);
	if (rc < 0)
		return rc;
	memset(&caps, 0, sizeof(caps));
	caps.range.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	caps.range.header.version = 1;
	caps.range.header.next = sizeof(*info) + offsetof(struct iommu_caps, avail);
	caps.range.nr_iovas = 2;
	caps.ranges[0] = (struct vfio_iova_range){ 0, MSI_FIRST - 1 };
	caps.ranges[1] = (struct vfio_iova_range){ MSI_LAST + 1, IOVA_LAST };
	caps.avail.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL;
	caps.avail.header.version = 1;
	caps.avail.avail = (uint32_t)rep.val[1];
	info->flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	info->iova_pgsizes = PGSIZES;
	info->argsz = full;	/* always what it takes: a caller with less room comes again */
	if (argsz >= sizeof(*info))
		info->cap_offset = argsz < full ? 0 : sizeof(*info);
	if (argsz >= full)
		memcpy(info + 1, &caps, sizeof(caps));
	return 0;
}

static int
check_extension(unsigned long ext)
{
	return ext == VFIO_TYPE1_IOMMU || ext == VFIO_TYPE1v2_IOMMU || ext == VFIO_DMA_CC_IOMMU ||
		ext == VFIO_UNMAP_ALL;
}

/* MAP and UNMAP of a container without IOMMU are refused by the card: EINVAL. */
int
s82_container_ioctl(unsigned int domain, unsigned long request, void *arg)
{
	struct s82_req req = { .op = S82_REQ_SET_IOMMU, .arg = { domain, (uintptr_t)arg } };
	uint32_t argsz;

	switch (request) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return check_extension((uintptr_t)arg);
	case VFIO_SET_IOMMU:
		return s82_ask(&req, NULL, NULL);
	case VFIO_IOMMU_GET_INFO: case VFIO_IOMMU_MAP_DMA: case VFIO_IOMMU_UNMAP_DMA:
		break;
	default:
		return -ENOTTY;
	}
	if (arg == NULL)
		return -EFAULT;
	memcpy(&argsz, arg, sizeof(argsz));
	if (request == VFIO_IOMMU_GET_INFO)
		return iommu_info(domain, arg);
	if (request == VFIO_IOMMU_MAP_DMA)
		return argsz < sizeof(struct vfio_iommu_type1_dma_map) ? -EINVAL :
			map_dma(domain, arg);
	return argsz < offsetof(struct vfio_iommu_type1_dma_unmap, data) ? -EINVAL :
		unmap_dma(domain, arg);
}

/* ---- groups ---- */

static int
group_status(unsigned int func, struct vfio_group_status *status)
{
	struct s82_req req = { .op = S82_REQ_GROUP_STATUS, .arg = { func } };
	struct s82_rep rep;
	int rc;

	if (status == NULL)
		return -EFAULT;
	if (status->argsz < sizeof(*status))
		return -EINVAL;
	rc = s82_ask(&req, &rep, NULL);
	if (rc == 0)
		status->flags = (uint32_t)rep.val[0];
	return rc;
}

static int
group_set_container(unsigned int func, const int *container_fd)
{
	struct s82_req req = { .op = S82_REQ_GROUP_SET, .arg = { func } };
	unsigned int domain;

	if (container_fd == NULL)
		return -EFAULT;
	if (*container_fd < 0)
		return -EINVAL;
	if (fcntl(*container_fd, F_GETFD) < 0)
		return -EBADF;
	if (s82_handle_of(*container_fd, &domain) != S82_HANDLE_CONTAINER)
		return -EINVAL;
	req.arg[1] = domain;
	return s82_ask(&req, NULL, NULL);
}

static int
group_device_fd(unsigned int func, const char *text)
{
	struct s82_req req = { .op = S82_REQ_DEVICE_OPEN, .arg = { func } };
	int fd, rc;

	if (text == NULL)
		return -EFAULT;
	if (strnlen(text, sizeof(req.text)) >= sizeof(req.text))
		return -EINVAL;
	snprintf(req.text, sizeof(req.text), "%s", text);
	rc = s82_ask(&req, NULL, &fd);
	return rc < 0 ? rc : fd;
}

int
s82_group_ioctl(unsigned int func, unsigned long request, void *arg)
{
	struct s82_req req = { .op = S82_REQ_GROUP_UNSET, .arg = { func } };

	switch (request) {
	case VFIO_GROUP_GET_STATUS:
		return group_status(func, arg);
	case VFIO_GROUP_SET_CONTAINER:
		return group_set_container(func, arg);
	case VFIO_GROUP_UNSET_CONTAINER:
		return s82_ask(&req, NULL, NULL);
	case VFIO_GROUP_GET_DEVICE_FD:
		return group_device_fd(func, arg);
	default:
		return -ENOTTY;
	}
}
