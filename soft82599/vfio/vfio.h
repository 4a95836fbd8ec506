/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VFIO user API. Every function returns what the system call would, with -errno for a
 * failure. Which errno: Linux v6.1, drivers/vfio/container.c, vfio_main.c, vfio_iommu_type1.c,
 * pci/vfio_pci_core.c and pci/vfio_pci_intrs.c.
 */
#ifndef S82_VFIO_H
#define S82_VFIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Opening "/dev/vfio/vfio" and "/dev/vfio/N". Both give a descriptor. */
int s82_container_open(int flags);
int s82_group_open(unsigned int group, int flags);

/* ioctl(2) on what s82_handle_of() found. */
int s82_container_ioctl(unsigned int domain, unsigned long request, void *arg);
int s82_group_ioctl(unsigned int func, unsigned long request, void *arg);
int s82_device_ioctl(unsigned int func, unsigned long request, void *arg);

/* pread(2), pwrite(2) and mmap(2) on a device. */
ssize_t s82_device_read(unsigned int func, void *buf, size_t len, uint64_t pos);
ssize_t s82_device_write(unsigned int func, const void *buf, size_t len, uint64_t pos);
void *s82_device_mmap(unsigned int func, void *addr, size_t len, int prot, int flags, uint64_t pos,
	int *err);

/* ---- backing.c: which file lies behind a piece of memory ---- */

struct s82_backing {
	uint64_t start, len;	/* the piece: address and bytes */
	uint64_t off;		/* offset in the file */
	int fd;			/* the caller closes it */
};

/*
 * Finds the file behind the memory at `start` and how much of [start, end) lies in it. Returns 0;
 * -EFAULT if nothing is mapped there; -ENOTSUP if it is private or anonymous memory, or no
 * writable descriptor of the file can be had.
 */
int s82_backing_find(uint64_t start, uint64_t end, struct s82_backing *piece);

#endif
