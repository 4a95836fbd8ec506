/* SPDX-License-Identifier: BSD-3-Clause */
/* A device: its regions, its interrupts, its reset. */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client.h"
#include "fault.h"
#include "vfio.h"

#define REGION_SHIFT	40	/* a region's index lies above its offset, as in Linux */
#define REGION_MASK	((1ull << REGION_SHIFT) - 1)
#define MSIX_BAR_SIZE	0x4000u	/* BAR 3 of the PF and of each VF */
#define CONFIG_SIZE	4096u
#define PAGE		4096u

static uint64_t
region_size(unsigned int func, unsigned int index)
{
	switch (index) {
	case VFIO_PCI_BAR0_REGION_INDEX:
		return func == S82_PF ? S82_PF_BAR0 : S82_VF_BAR0;
	case VFIO_PCI_BAR3_REGION_INDEX:
		return MSIX_BAR_SIZE;
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return CONFIG_SIZE;
	default:
		return 0;
	}
}

static int
device_info(struct vfio_device_info *info)
{
	if (info->argsz < offsetof(struct vfio_device_info, cap_offset))
		return -EINVAL;
	info->flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI;
	info->num_regions = VFIO_PCI_NUM_REGIONS;
	info->num_irqs = VFIO_PCI_NUM_IRQS;
	return 0;
}

static int
region_info(unsigned int func, struct vfio_region_info *info)
{
	if (info->argsz < sizeof(*info) || info->index >= VFIO_PCI_VGA_REGION_INDEX)
		return -EINVAL;
	info->size = region_size(func, info->index);
	info->offset = (uint64_t)info->index << REGION_SHIFT;
	info->cap_offset = 0;
	info->flags = 0;
	if (info->size > 0)
		info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (info->index == VFIO_PCI_BAR0_REGION_INDEX)
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	return 0;
}

static unsigned int
irq_count(unsigned int func, unsigned int index)
{
	switch (index) {
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return s82_client.st->func[func].vectors;
	case VFIO_PCI_ERR_IRQ_INDEX: case VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	default:	/* no INTx, no MSI */
		return 0;
	}
}

static int
irq_info(unsigned int func, struct vfio_irq_info *info)
{
	if (info->argsz < sizeof(*info) || info->index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info->count = irq_count(func, info->index);
	info->flags = VFIO_IRQ_INFO_EVENTFD;
	if (info->index == VFIO_PCI_INTX_IRQ_INDEX)
		info->flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	else
		info->flags |= VFIO_IRQ_INFO_NORESIZE;
	return 0;
}

/* ---- SET_IRQS ---- */

static bool
is_eventfd(int fd)
{
	char link[64], target[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	return strcmp(target, "anon_inode:[eventfd]") == 0;
}

static int
check_irqs(unsigned int func, const struct vfio_irq_set *set, size_t *width)
{
	size_t minsz = offsetof(struct vfio_irq_set, data);
	uint32_t action = set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK, num;

	if (set->argsz < minsz || set->index >= VFIO_PCI_NUM_IRQS ||
			set->count >= UINT32_MAX - set->start ||
			(set->flags & ~(uint32_t)(VFIO_IRQ_SET_DATA_TYPE_MASK |
				VFIO_IRQ_SET_ACTION_TYPE_MASK)))
		return -EINVAL;
	num = irq_count(func, set->index);
	if (set->start >= num || set->start + set->count > num)
		return -EINVAL;
	switch (set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE: *width = 0; break;
	case VFIO_IRQ_SET_DATA_BOOL: *width = 1; break;
	case VFIO_IRQ_SET_DATA_EVENTFD: *width = sizeof(int32_t); break;
	default: return -EINVAL;
	}
	if (set->argsz - minsz < set->count * *width)
		return -EINVAL;
	/* None of these can be masked through VFIO. */
	return action == VFIO_IRQ_SET_ACTION_TRIGGER ? 0 : -ENOTTY;
}

static int
arm_irqs(unsigned int func, const struct vfio_irq_set *set)
{
	struct s82_req req = { .op = S82_REQ_SET_IRQS, .arg = { func, set->start, set->count, 0,
		set->index } };
	int fds[S82_REQ_MAX_FDS], fd, rc;
	unsigned int i, n = 0, none = 0;
	struct s82_rep rep;

	for (i = 0; i < set->count; i++) {
		memcpy(&fd, set->data + i * sizeof(fd), sizeof(fd));
		if (fd < -1)
			return -EINVAL;
		if (fd == -1)
			continue;
		if (fcntl(fd, F_GETFD) < 0)
			return -EBADF;
		if (!is_eventfd(fd))
			return -EINVAL;
		req.arg[3] |= 1ull << i;
		fds[n++] = fd;
	}
	rc = s82_request(&req, fds, n, &rep, NULL, &none);
	if (rc < 0 || set->index != VFIO_PCI_MSIX_IRQ_INDEX)
		return rc;
	for (i = 0; i < set->count; i++) {
		memcpy(&fd, set->data + i * sizeof(fd), sizeof(fd));
		s82_irq_keep(func, set->start + i, fd);
	}
	return 0;
}

/* DATA_NONE and DATA_BOOL raise interrupts from software; none of zero disables them all. */
static int
trigger_irqs(unsigned int func, const struct vfio_irq_set *set, bool bools)
{
	struct s82_req req = { .op = S82_REQ_IRQ_TRIGGER, .arg = { func, set->start, set->count, 0,
		set->index, bools } };
	unsigned int i;

	for (i = 0; i < set->count; i++)
		if (!bools || set->data[i] != 0)
			req.arg[3] |= 1ull << i;
	return s82_ask(&req, NULL, NULL);
}

static int
set_irqs(unsigned int func, const struct vfio_irq_set *set)
{
	size_t width;
	int rc = check_irqs(func, set, &width);

	if (rc < 0)
		return rc;
	if (width == sizeof(int32_t))
		return arm_irqs(func, set);
	return trigger_irqs(func, set, width == 1);
}

int
s82_device_ioctl(unsigned int func, unsigned long request, void *arg)
{
	struct s82_req req = { .op = S82_REQ_DEVICE_RESET, .arg = { func } };

	if (request == VFIO_DEVICE_RESET)
		return s82_ask(&req, NULL, NULL);
	if (request != VFIO_DEVICE_GET_INFO && request != VFIO_DEVICE_GET_REGION_INFO &&
			request != VFIO_DEVICE_GET_IRQ_INFO && request != VFIO_DEVICE_SET_IRQS)
		return -ENOTTY;
	if (arg == NULL)
		return -EFAULT;
	switch (request) {
	case VFIO_DEVICE_GET_INFO:
		return device_info(arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return region_info(func, arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return irq_info(func, arg);
	default:
		return set_irqs(func, arg);
	}
}

/* ---- regions by read and write ---- */

/* As wide as alignment and length allow, at most 4 bytes: a register access. */
static unsigned int
width_at(uint64_t pos, size_t len)
{
	if (!(pos & 3) && len >= 4)
		return 4;
	return !(pos & 1) && len >= 2 ? 2 : 1;
}

static void
bar0_rw(unsigned int func, uint8_t *in, const uint8_t *out, size_t len, uint64_t pos)
{
	unsigned int w;
	uint64_t v;
	size_t i;

	for (i = 0; i < len; i += w) {
		w = width_at(pos + i, len - i);
		v = 0;
		if (in != NULL) {
			v = s82_reg_read(func, pos + i, w);
			memcpy(in + i, &v, w);
		} else {
			memcpy(&v, out + i, w);
			s82_reg_write(func, pos + i, v, w);
		}
	}
}

/* The vector table is the kernel's: programs see ones there and write nothing. */
static void
msix_read(unsigned int func, uint8_t *in, size_t len, uint64_t pos)
{
	uint64_t table = 16ull * s82_client.st->func[func].vectors;
	size_t i;

	for (i = 0; i < len; i++)
		in[i] = pos + i < table ? 0xff : 0;
}

/* Nobody writes the status word through VFIO: what it tells of errors stays for the host to see. */
static int
config_write(unsigned int func, const uint8_t *out, uint32_t len, uint32_t off)
{
	const uint32_t skip = off < PCI_STATUS + 2 ? PCI_STATUS + 2 - off : 0;
	int rc = 0;

	if (off < PCI_STATUS)
		rc = s82_cfg_write(&s82_client.ctx, func, off, out,
			len < PCI_STATUS - off ? len : PCI_STATUS - off);
	if (rc == 0 && len > skip)
		rc = s82_cfg_write(&s82_client.ctx, func, off + skip, out + skip, len - skip);
	return rc;
}

static ssize_t
device_rw(unsigned int func, void *in, const void *out, size_t len, uint64_t pos)
{
	unsigned int index = pos >> REGION_SHIFT;
	uint64_t off = pos & REGION_MASK, size = region_size(func, index);
	sigset_t old;
	int rc = 0;

	if (index >= VFIO_PCI_NUM_REGIONS || size == 0)
		return -EINVAL;
	if (len == 0)
		return 0;
	if (off >= size)
		return index == VFIO_PCI_CONFIG_REGION_INDEX ? -EFAULT : -EINVAL;
	if (len > size - off)
		len = size - off;
	s82_signals_block(&old);	/* the model takes the card's lock */
	if (index == VFIO_PCI_BAR0_REGION_INDEX)
		bar0_rw(func, in, out, len, off);
	else if (index == VFIO_PCI_BAR3_REGION_INDEX && in != NULL)
		msix_read(func, in, len, off);
	else if (index == VFIO_PCI_CONFIG_REGION_INDEX && !s82_card_alive())
		rc = -EIO;
	else if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		rc = in != NULL ? s82_cfg_read(&s82_client.ctx, func, off, in, len) :
			config_write(func, out, len, off);
	s82_signals_restore(&old);
	return rc < 0 ? rc : (ssize_t)len;
}

ssize_t
s82_device_read(unsigned int func, void *buf, size_t len, uint64_t pos)
{
	return device_rw(func, buf, NULL, len, pos);
}

ssize_t
s82_device_write(unsigned int func, const void *buf, size_t len, uint64_t pos)
{
	return device_rw(func, NULL, buf, len, pos);
}

void *
s82_device_mmap(unsigned int func, void *addr, size_t len, int prot, int flags, uint64_t pos,
	int *err)
{
	unsigned int index = pos >> REGION_SHIFT;
	uint64_t off = pos & REGION_MASK;
	long p;

	(void)prot;	/* every access has to fault */
	len = (len + PAGE - 1) & ~(size_t)(PAGE - 1);
	*err = -EINVAL;
	if (!(flags & MAP_SHARED) || index != VFIO_PCI_BAR0_REGION_INDEX || len == 0 ||
			(off & (PAGE - 1)) || off + len > region_size(func, index))
		return NULL;
	p = syscall(SYS_mmap, addr, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
		(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)), -1, 0);
	*err = p == -1 ? -errno : s82_bar_add((void *)p, len, func, off);
	if (*err == 0)
		*err = s82_fault_install();
	if (*err < 0 && p != -1) {
		s82_bar_remove((void *)p, len);
		syscall(SYS_munmap, p, len);
	}
	return *err < 0 ? NULL : (void *)p;
}
