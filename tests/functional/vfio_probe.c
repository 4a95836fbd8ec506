/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A plain user of the VFIO API (linux/vfio.h), who knows nothing of soft82599: it checks, errno by
 * errno, that containers, groups and devices behave as Linux's do.
 *
 *   vfio_probe CASE     on a card with the PF 0000:03:00.1 and two VFs; 0 if all is as expected
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PF	"0000:03:00.1"
#define VF0	"0000:03:10.1"
#define VF1	"0000:03:10.3"
#define TOKEN	"14d63f20-8445-11ea-8900-1f9ce7d5650d"
#define OTHER	"24d63f20-8445-11ea-8900-1f9ce7d5650d"
#define PAGE	4096ull
#define IOVA	0x10000000ull

/* Registers whose meaning does not matter here: STATUS, and TDBAL and TDLEN of queue 0. */
#define REG_STATUS	0x00008
#define REG_TDBAL0	0x06000
#define VF_TDLEN0	0x02008

static unsigned int failures;

#define CHECK(what)	check((what), #what, __LINE__)
#define FAILS(err, call)	fails((err), (call), #call, __LINE__)

static void
check(bool ok, const char *what, int line)
{
	if (ok)
		return;
	failures++;
	printf("line %d: %s is false (errno %d, %s)\n", line, what, errno, strerror(errno));
}

static void
fails(int err, long rc, const char *what, int line)
{
	if (rc < 0 && errno == err)
		return;
	failures++;
	printf("line %d: %s: %ld, errno %d (%s) instead of %s\n", line, what, rc, errno,
		rc < 0 ? strerror(errno) : "none", strerror(err));
}

/* ---- shorthands ---- */

static int
group_number(const char *bdf)
{
	const char *dir = getenv("SYSFS_PCI_DEVICES");
	char path[512], target[512];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s/iommu_group", dir ? dir : "/sys/bus/pci/devices", bdf);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0) {
		printf("%s: %s\n", path, strerror(errno));
		exit(1);
	}
	target[n] = '\0';
	return atoi(strrchr(target, '/') + 1);
}

static int
open_group(const char *bdf)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", group_number(bdf));
	return open(path, O_RDWR | O_CLOEXEC);
}

static int
open_container(void)
{
	return open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
}

/* A device the short way. */
struct dev {
	int container, group, fd;
};

static struct dev
open_device(const char *bdf, const char *options)
{
	struct dev d = { .container = open_container(), .group = open_group(bdf) };
	char text[128];

	snprintf(text, sizeof(text), "%s%s", bdf, options);
	if (ioctl(d.group, VFIO_GROUP_SET_CONTAINER, &d.container) < 0 ||
			ioctl(d.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0)
		d.fd = -1;
	else
		d.fd = ioctl(d.group, VFIO_GROUP_GET_DEVICE_FD, text);
	return d;
}

static void
close_device(struct dev d)
{
	int saved = errno;

	if (d.fd >= 0)
		close(d.fd);
	close(d.group);
	close(d.container);
	errno = saved;
}

/* Opening that must fail: the result for FAILS, with nothing left open. */
static int
try_device(const char *bdf, const char *options)
{
	struct dev d = open_device(bdf, options);

	close_device(d);
	return d.fd < 0 ? -1 : 0;
}

static void *
map_bar(int fd, size_t len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static uint32_t
reg_read(int fd, uint32_t off)
{
	uint32_t v = 0;

	CHECK(pread(fd, &v, 4, off) == 4);
	return v;
}

static void
reg_write(int fd, uint32_t off, uint32_t v)
{
	CHECK(pwrite(fd, &v, 4, off) == 4);
}

static void *
shared_memory(size_t len, int *fd)
{
	void *p;

	*fd = memfd_create("vfio_probe", MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, (off_t)len) < 0)
		return MAP_FAILED;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	return p;
}

static int
dma_map(int container, const void *vaddr, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)vaddr, .iova = iova, .size = size };

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map);
}

/* Bytes unmapped, or -1. */
static long
dma_unmap(int container, uint64_t iova, uint64_t size, uint32_t flags)
{
	struct vfio_iommu_type1_dma_unmap un = { .argsz = sizeof(un), .iova = iova, .size = size,
		.flags = flags };

	return ioctl(container, VFIO_IOMMU_UNMAP_DMA, &un) < 0 ? -1 : (long)un.size;
}

static bool
rung(int efd)
{
	struct pollfd p = { .fd = efd, .events = POLLIN };
	eventfd_t v;

	return poll(&p, 1, 1000) == 1 && eventfd_read(efd, &v) == 0;
}

static bool
silent(int efd)
{
	eventfd_t v;

	return eventfd_read(efd, &v) < 0 && errno == EAGAIN;
}

static int
set_irqs(int fd, uint32_t index, uint32_t flags, uint32_t start, uint32_t count, const void *data,
	size_t len)
{
	char buf[sizeof(struct vfio_irq_set) + 64 * sizeof(int)];
	struct vfio_irq_set *set = (struct vfio_irq_set *)buf;

	set->argsz = (uint32_t)(sizeof(*set) + len);
	set->index = index;
	set->flags = flags;
	set->start = start;
	set->count = count;
	if (len > 0)
		memcpy(set->data, data, len);
	return ioctl(fd, VFIO_DEVICE_SET_IRQS, set);
}

/* ---- the cases ---- */

static void
case_container(void)
{
	int c = open_container(), memfd;
	void *mem = shared_memory(PAGE, &memfd);

	CHECK(c >= 0);
	CHECK(fcntl(c, F_GETFD) == FD_CLOEXEC);
	CHECK(ioctl(c, VFIO_GET_API_VERSION) == VFIO_API_VERSION);
	CHECK(ioctl(c, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU) == 1);
	CHECK(ioctl(c, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) == 1);
	CHECK(ioctl(c, VFIO_CHECK_EXTENSION, VFIO_UNMAP_ALL) == 1);
	CHECK(ioctl(c, VFIO_CHECK_EXTENSION, VFIO_NOIOMMU_IOMMU) == 0);
	CHECK(ioctl(c, VFIO_CHECK_EXTENSION, VFIO_SPAPR_TCE_IOMMU) == 0);
	/* without a group there is no IOMMU to set, and without one nothing to map */
	FAILS(EINVAL, ioctl(c, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	FAILS(EINVAL, dma_map(c, mem, IOVA, PAGE));
	FAILS(EINVAL, dma_unmap(c, IOVA, PAGE, 0));
	FAILS(ENOTTY, ioctl(c, VFIO_DEVICE_RESET));
	FAILS(ENODEV, (long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, c, 0));
	CHECK(close(c) == 0);
	FAILS(EBADF, ioctl(c, VFIO_GET_API_VERSION));
	/* another file's descriptor is not taken for ours */
	FAILS(ENOTTY, ioctl(memfd, VFIO_GET_API_VERSION));
}

static void
case_group(void)
{
	struct vfio_group_status st = { .argsz = sizeof(st) };
	int c = open_container(), g = open_group(VF0), bad = 999, none = -1;

	CHECK(g >= 0);
	FAILS(ENOENT, open("/dev/vfio/9999", O_RDWR));
	FAILS(EBUSY, open_group(VF0));
	CHECK(ioctl(g, VFIO_GROUP_GET_STATUS, &st) == 0);
	CHECK(st.flags == VFIO_GROUP_FLAGS_VIABLE);
	st.argsz = 4;
	FAILS(EINVAL, ioctl(g, VFIO_GROUP_GET_STATUS, &st));
	FAILS(EINVAL, ioctl(g, VFIO_GROUP_UNSET_CONTAINER));
	FAILS(EBADF, ioctl(g, VFIO_GROUP_SET_CONTAINER, &bad));
	FAILS(EINVAL, ioctl(g, VFIO_GROUP_SET_CONTAINER, &none));
	FAILS(EINVAL, ioctl(g, VFIO_GROUP_SET_CONTAINER, &g));
	FAILS(EINVAL, ioctl(g, VFIO_GROUP_GET_DEVICE_FD, VF0));
	CHECK(ioctl(g, VFIO_GROUP_SET_CONTAINER, &c) == 0);
	FAILS(EINVAL, ioctl(g, VFIO_GROUP_SET_CONTAINER, &c));
	st.argsz = sizeof(st);
	CHECK(ioctl(g, VFIO_GROUP_GET_STATUS, &st) == 0);
	CHECK(st.flags == (VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET));
	FAILS(EINVAL, ioctl(g, VFIO_GROUP_GET_DEVICE_FD, VF0));	/* no IOMMU yet */
	FAILS(ENODEV, ioctl(c, VFIO_SET_IOMMU, VFIO_SPAPR_TCE_IOMMU));
	CHECK(ioctl(c, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU) == 0);
	FAILS(EINVAL, ioctl(c, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	FAILS(ENODEV, ioctl(g, VFIO_GROUP_GET_DEVICE_FD, VF1));
	FAILS(ENODEV, ioctl(g, VFIO_GROUP_GET_DEVICE_FD, VF0 "x"));
	FAILS(EINVAL, ioctl(g, VFIO_GROUP_GET_DEVICE_FD, VF0 " colour=blue"));
	bad = ioctl(g, VFIO_GROUP_GET_DEVICE_FD, VF0);
	CHECK(bad >= 0);
	CHECK(fcntl(bad, F_GETFD) == FD_CLOEXEC);
	FAILS(EBUSY, ioctl(g, VFIO_GROUP_UNSET_CONTAINER));
	close(bad);
	CHECK(ioctl(g, VFIO_GROUP_UNSET_CONTAINER) == 0);
	FAILS(EINVAL, ioctl(g, VFIO_GROUP_GET_DEVICE_FD, VF0));
	close(g);
	close(c);
	g = open_group(VF0);
	CHECK(g >= 0);
	close(g);
}

/* A card that asks for tokens no more than it must. */
static void
case_token_lenient(void)
{
	struct dev pf, vf;

	FAILS(EINVAL, try_device(VF0, " vf_token=not-a-uuid"));
	FAILS(EACCES, try_device(VF0, " vf_token=" TOKEN));	/* the PF gave none yet */
	pf = open_device(PF, " vf_token=" TOKEN);
	CHECK(pf.fd >= 0);
	FAILS(EACCES, try_device(VF0, " vf_token=" OTHER));
	vf = open_device(VF0, " vf_token=" TOKEN);
	CHECK(vf.fd >= 0);
	close_device(vf);
	vf = open_device(VF0, "");
	CHECK(vf.fd >= 0);
	close_device(vf);
	close_device(pf);
}

/* A card that asks as Linux does. */
static void
case_token_strict(void)
{
	struct dev pf, vf;

	FAILS(EACCES, try_device(VF0, ""));
	FAILS(EACCES, try_device(VF0, " vf_token=" TOKEN));
	pf = open_device(PF, " vf_token=" TOKEN);
	CHECK(pf.fd >= 0);
	FAILS(EACCES, try_device(VF0, ""));
	FAILS(EACCES, try_device(VF0, " vf_token=" OTHER));
	vf = open_device(VF0, " vf_token=" TOKEN);
	CHECK(vf.fd >= 0);
	/* while a VF is in use, the PF is for those who know the token */
	close_device(pf);
	FAILS(EACCES, try_device(PF, ""));
	FAILS(EACCES, try_device(PF, " vf_token=" OTHER));
	pf = open_device(PF, " vf_token=" TOKEN);
	CHECK(pf.fd >= 0);
	close_device(vf);
	close_device(pf);
	/* and then it may be changed */
	pf = open_device(PF, " vf_token=" OTHER);
	CHECK(pf.fd >= 0);
	FAILS(EACCES, try_device(VF0, " vf_token=" TOKEN));
	close_device(pf);
}

static void
check_region(int fd, uint32_t index, uint64_t size, uint32_t flags)
{
	struct vfio_region_info ri = { .argsz = sizeof(ri), .index = index };

	CHECK(ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &ri) == 0);
	if (ri.size != size || ri.flags != flags)
		printf("region %u: %llu bytes, flags %u\n", index, (unsigned long long)ri.size,
			ri.flags);
	CHECK(ri.size == size);
	CHECK(ri.flags == flags);
}

static void
check_irq(int fd, uint32_t index, uint32_t count)
{
	struct vfio_irq_info ii = { .argsz = sizeof(ii), .index = index };

	CHECK(ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, &ii) == 0);
	CHECK(ii.count == count);
	CHECK(ii.flags & VFIO_IRQ_INFO_EVENTFD);
}

static void
check_device(const char *bdf, uint64_t bar0, uint32_t vectors)
{
	struct vfio_device_info di = { .argsz = sizeof(di) };
	struct vfio_region_info ri = { .argsz = sizeof(ri), .index = VFIO_PCI_NUM_REGIONS };
	struct vfio_irq_info ii = { .argsz = sizeof(ii), .index = VFIO_PCI_NUM_IRQS };
	struct dev d = open_device(bdf, "");
	uint32_t rw = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;

	CHECK(ioctl(d.fd, VFIO_DEVICE_GET_INFO, &di) == 0);
	CHECK(di.flags == (VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET));
	CHECK(di.num_regions == VFIO_PCI_NUM_REGIONS && di.num_irqs == VFIO_PCI_NUM_IRQS);
	di.argsz = 8;
	FAILS(EINVAL, ioctl(d.fd, VFIO_DEVICE_GET_INFO, &di));
	check_region(d.fd, VFIO_PCI_BAR0_REGION_INDEX, bar0, rw | VFIO_REGION_INFO_FLAG_MMAP);
	check_region(d.fd, VFIO_PCI_BAR1_REGION_INDEX, 0, 0);
	check_region(d.fd, VFIO_PCI_BAR3_REGION_INDEX, 0x4000, rw);
	check_region(d.fd, VFIO_PCI_ROM_REGION_INDEX, 0, 0);
	check_region(d.fd, VFIO_PCI_CONFIG_REGION_INDEX, 4096, rw);
	FAILS(EINVAL, ioctl(d.fd, VFIO_DEVICE_GET_REGION_INFO, &ri));
	ri.index = VFIO_PCI_VGA_REGION_INDEX;
	FAILS(EINVAL, ioctl(d.fd, VFIO_DEVICE_GET_REGION_INFO, &ri));
	check_irq(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, vectors);
	check_irq(d.fd, VFIO_PCI_MSI_IRQ_INDEX, 0);
	check_irq(d.fd, VFIO_PCI_ERR_IRQ_INDEX, 1);
	check_irq(d.fd, VFIO_PCI_REQ_IRQ_INDEX, 1);
	FAILS(EINVAL, ioctl(d.fd, VFIO_DEVICE_GET_IRQ_INFO, &ii));
	FAILS(ENOTTY, ioctl(d.fd, VFIO_GET_API_VERSION));
	close_device(d);
}

static void
case_info(void)
{
	check_device(PF, 0x20000, 64);
	check_device(VF0, 0x4000, 3);
	check_device(VF1, 0x4000, 3);
}

static void
case_config(void)
{
	struct dev d = open_device(PF, "");
	off_t config = (off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40;
	off_t bar3 = (off_t)VFIO_PCI_BAR3_REGION_INDEX << 40;
	uint16_t id[2] = { 0, 0 }, command = 0, again = 0;
	uint32_t word = 0;

	CHECK(pread(d.fd, id, 4, config) == 4);
	CHECK(id[0] == 0x8086 && id[1] == 0x10fb);
	CHECK(pread(d.fd, &command, 2, config + 4) == 2);
	command |= 4;	/* bus master */
	CHECK(pwrite(d.fd, &command, 2, config + 4) == 2);
	CHECK(pread(d.fd, &again, 2, config + 4) == 2);
	CHECK(again & 4);
	/* a reset leaves it as it was: the kernel saves and restores it */
	CHECK(ioctl(d.fd, VFIO_DEVICE_RESET) == 0);
	CHECK(pread(d.fd, &again, 2, config + 4) == 2);
	CHECK(again == command);
	FAILS(EINVAL, pread(d.fd, &word, 4, (off_t)VFIO_PCI_BAR1_REGION_INDEX << 40));
	FAILS(EINVAL, pread(d.fd, &word, 4, 0x20000));	/* beyond BAR 0 */
	FAILS(EINVAL, pread(d.fd, &word, 4, (off_t)20 << 40));
	CHECK(pread(d.fd, &word, 4, 0x1fffe) == 2);	/* cut at its end */
	/* the vector table belongs to the kernel */
	CHECK(pread(d.fd, &word, 4, bar3) == 4);
	CHECK(word == UINT32_MAX);
	CHECK(pwrite(d.fd, &word, 4, bar3) == 4);
	/* the page of a driver that reads its device as a file finds nothing to read */
	CHECK(read(d.fd, &word, 4) <= 0);
	close_device(d);
}

static sigjmp_buf out;
static volatile int caught;

static void
on_segv(int sig)
{
	caught = sig;
	siglongjmp(out, 1);
}

static bool
faults(volatile uint32_t *p)
{
	caught = 0;
	if (sigsetjmp(out, 1) == 0)
		(void)*p;
	return caught == SIGSEGV;
}

static void
case_mmap(void)
{
	struct dev d = open_device(PF, ""), vf = open_device(VF0, "");
	size_t len = 0x20000;
	volatile uint32_t *bar = map_bar(d.fd, len), *vbar, *again;
	volatile uint8_t *bytes = (volatile uint8_t *)bar;
	volatile uint64_t *words = (volatile uint64_t *)bar;

	FAILS(EINVAL, (long)map_bar(d.fd, len + PAGE));
	FAILS(EINVAL, (long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, d.fd,
		(off_t)VFIO_PCI_BAR3_REGION_INDEX << 40));
	FAILS(EINVAL, (long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, d.fd,
		(off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40));
	FAILS(EINVAL, (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, d.fd, 0));
	CHECK(bar != MAP_FAILED);
	/* memory and file agree, in all widths */
	CHECK(bar[REG_STATUS / 4] == reg_read(d.fd, REG_STATUS));
	CHECK(bar[REG_STATUS / 4] != UINT32_MAX);
	bar[REG_TDBAL0 / 4] = 0x12345680;
	CHECK(reg_read(d.fd, REG_TDBAL0) == 0x12345680);
	CHECK(bytes[REG_TDBAL0 + 1] == 0x56);
	CHECK((uint32_t)words[REG_TDBAL0 / 8] == 0x12345680);
	/* a second mapping, a part, of the same registers; and another function's */
	again = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, d.fd, REG_TDBAL0 & ~0xfff);
	CHECK(again != MAP_FAILED && again[(REG_TDBAL0 & 0xfff) / 4] == 0x12345680);
	vbar = map_bar(vf.fd, 0x4000);
	CHECK(vbar != MAP_FAILED && vbar[REG_STATUS / 4] != UINT32_MAX);
	/* the program's own handler gets its own faults, and none of the card's */
	signal(SIGSEGV, on_segv);
	CHECK(faults((volatile uint32_t *)16));
	CHECK(!faults(&bar[REG_STATUS / 4]));
	CHECK(signal(SIGSEGV, on_segv) == on_segv);
	/* what is unmapped is gone; what was not is not */
	CHECK(munmap((void *)(uintptr_t)bar, len) == 0);
	CHECK(faults(&bar[REG_STATUS / 4]));
	CHECK(again[(REG_TDBAL0 & 0xfff) / 4] == 0x12345680);
	/* plain memory in the place of registers is plain memory */
	CHECK(mmap((void *)(uintptr_t)again, PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)(uintptr_t)again);
	CHECK(again[(REG_TDBAL0 & 0xfff) / 4] == 0);
	close_device(vf);
	close_device(d);
}

static void
case_signals(void)
{
	struct dev d = open_device(PF, "");
	volatile uint32_t *bar = map_bar(d.fd, 0x20000);
	sigset_t all, old;

	/* a program that blocks all signals, as those with a signal thread do */
	sigfillset(&all);
	CHECK(sigprocmask(SIG_SETMASK, &all, &old) == 0);
	CHECK(bar[REG_STATUS / 4] != UINT32_MAX);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	close_device(d);
}

static _Atomic int in_main, elsewhere;
static _Atomic bool trapping;
static _Atomic pid_t sender;

static void
where_am_i(int sig, siginfo_t *info, void *uc)
{
	(void)sig;
	(void)uc;
	if (info->si_code != SI_USER || info->si_pid != sender)
		elsewhere += 1000;	/* not what was sent */
	else if (gettid() == getpid())
		in_main++;
	else
		elsewhere++;
}

static void *
trap_on(void *bar)
{
	while (trapping)
		CHECK(((volatile uint32_t *)bar)[REG_STATUS / 4] != UINT32_MAX);
	return NULL;
}

/* A polling thread traps without end; signals to the process are the main thread's all the same. */
static void
case_main_signal(void)
{
	struct sigaction act = { .sa_sigaction = where_am_i, .sa_flags = SA_SIGINFO };
	struct dev d = open_device(PF, "");
	int i, n, status, gate[2];
	pthread_t thread;
	char byte;
	pid_t pid;

	CHECK(sigaction(SIGUSR1, &act, NULL) == 0);
	trapping = true;
	CHECK(pthread_create(&thread, NULL, trap_on, (void *)map_bar(d.fd, 0x20000)) == 0);
	for (i = 0; i < 100; i++) {
		CHECK(pipe(gate) == 0);
		pid = fork();
		if (pid == 0)
			_exit(read(gate[0], &byte, 1) != 1 || kill(getppid(), SIGUSR1) != 0);
		sender = pid;
		CHECK(write(gate[1], "", 1) == 1);
		close(gate[0]);
		close(gate[1]);
		while (waitpid(pid, &status, 0) < 0)
			CHECK(errno == EINTR);
		CHECK(status == 0);
		for (n = 0; n < 1000 && in_main + elsewhere <= i; n++)
			usleep(1000);	/* or until the signal */
	}
	CHECK(in_main == 100 && elsewhere == 0);
	trapping = false;
	pthread_join(thread, NULL);
	close_device(d);
}

/* A container with VF 0's group and an IOMMU of that type. */
static struct dev
open_domain(int type)
{
	struct dev d = { .container = open_container(), .group = open_group(VF0), .fd = -1 };

	CHECK(ioctl(d.group, VFIO_GROUP_SET_CONTAINER, &d.container) == 0);
	CHECK(ioctl(d.container, VFIO_SET_IOMMU, type) == 0);
	return d;
}

static void
check_iommu_info(int c)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };

	CHECK(ioctl(c, VFIO_IOMMU_GET_INFO, &info) == 0);
	CHECK(info.flags & VFIO_IOMMU_INFO_PGSIZES && info.iova_pgsizes & PAGE);
	CHECK(info.argsz > sizeof(info));	/* there are capabilities for who makes room */
	info.argsz = 8;
	FAILS(EINVAL, ioctl(c, VFIO_IOMMU_GET_INFO, &info));
}

static void
check_refused_maps(int c, uint8_t *mem)
{
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map), .size = PAGE, .iova = IOVA,
		.vaddr = (uintptr_t)mem };
	void *own = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	FAILS(EINVAL, ioctl(c, VFIO_IOMMU_MAP_DMA, &map));	/* neither read nor write */
	map.flags = VFIO_DMA_MAP_FLAG_READ | 1u << 30;
	FAILS(EINVAL, ioctl(c, VFIO_IOMMU_MAP_DMA, &map));
	map.flags = VFIO_DMA_MAP_FLAG_READ;
	map.argsz = 16;
	FAILS(EINVAL, ioctl(c, VFIO_IOMMU_MAP_DMA, &map));
	FAILS(EINVAL, dma_map(c, mem, IOVA, 0));
	FAILS(EINVAL, dma_map(c, mem, IOVA + 1, PAGE));
	FAILS(EINVAL, dma_map(c, mem, IOVA, PAGE + 8));
	FAILS(EINVAL, dma_map(c, mem, ~0ull & ~(PAGE - 1), 2 * PAGE));
	FAILS(EINVAL, dma_map(c, mem, 0xfee00000, PAGE));	/* where interrupts are written */
	FAILS(EINVAL, dma_map(c, mem, 1ull << 60, PAGE));
	FAILS(EINVAL, dma_map(c, own, IOVA, PAGE));
	FAILS(EFAULT, dma_map(c, (void *)(uintptr_t)PAGE, IOVA, PAGE));
}

/* A mapping cannot be cut in two: version 1 then unmaps nothing, version 2 refuses. */
static void
check_unmap(int c, uint8_t *mem, int type)
{
	CHECK(dma_map(c, mem, IOVA, 4 * PAGE) == 0);
	FAILS(EEXIST, dma_map(c, mem, IOVA, PAGE));
	FAILS(EEXIST, dma_map(c, mem, IOVA - PAGE, 2 * PAGE));
	FAILS(EEXIST, dma_map(c, mem, IOVA + 3 * PAGE, 2 * PAGE));
	CHECK(dma_map(c, mem + 4 * PAGE, IOVA + 4 * PAGE, PAGE) == 0);
	if (type == VFIO_TYPE1v2_IOMMU) {
		FAILS(EINVAL, dma_unmap(c, IOVA + PAGE, PAGE, 0));
		FAILS(EINVAL, dma_unmap(c, IOVA, PAGE, 0));
	} else {
		CHECK(dma_unmap(c, IOVA + PAGE, PAGE, 0) == 0);
	}
	FAILS(EINVAL, dma_unmap(c, IOVA, 100, 0));
	FAILS(EINVAL, dma_unmap(c, IOVA, 0, 0));
	CHECK(dma_unmap(c, IOVA + 64 * PAGE, PAGE, 0) == 0);	/* nothing there */
	CHECK(dma_unmap(c, IOVA, 5 * PAGE, 0) == 5 * (long)PAGE);
	CHECK(dma_unmap(c, IOVA, 5 * PAGE, 0) == 0);
}

static void
case_dma(int type)
{
	const int shared = MAP_SHARED | MAP_FIXED, own = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	struct dev d = open_domain(type);
	int memfd, other, c = d.container;
	uint8_t *mem = shared_memory(16 * PAGE, &memfd);
	uint8_t *two = shared_memory(4 * PAGE, &other);
	uint8_t *third = mem + 2 * PAGE, *tenth = mem + 10 * PAGE;

	check_iommu_info(c);
	check_refused_maps(c, mem);
	check_unmap(c, mem, type);
	/* one mapping over two files */
	CHECK(mmap(third, 2 * PAGE, PROT_READ | PROT_WRITE, shared, other, 0) == third);
	CHECK(dma_map(c, mem, IOVA, 8 * PAGE) == 0);
	/* and one that fails half-way leaves nothing */
	CHECK(mmap(tenth, PAGE, PROT_READ, own, -1, 0) == tenth);
	FAILS(EINVAL, dma_map(c, mem + 8 * PAGE, IOVA + 8 * PAGE, 4 * PAGE));
	CHECK(dma_map(c, two, IOVA + 8 * PAGE, 4 * PAGE) == 0);
	FAILS(EINVAL, dma_unmap(c, IOVA, PAGE, VFIO_DMA_UNMAP_FLAG_ALL));
	CHECK(dma_unmap(c, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL) == 12 * (long)PAGE);
	close_device(d);
	/* with its last group the container loses its mappings */
	d = open_domain(type);
	CHECK(dma_map(d.container, two, IOVA, PAGE) == 0);
	CHECK(ioctl(d.group, VFIO_GROUP_UNSET_CONTAINER) == 0);
	FAILS(EINVAL, dma_unmap(d.container, IOVA, PAGE, 0));
	close_device(d);
}

static void
case_irqs(void)
{
	const uint32_t arm = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	const uint32_t none = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
	const uint32_t bools = VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER;
	struct dev d = open_device(VF0, "");
	int e[3], memfd, i, bad[2];
	uint8_t second[2] = { 0, 1 };

	for (i = 0; i < 3; i++)
		e[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	shared_memory(PAGE, &memfd);
	FAILS(EINVAL, set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, none, 0, 1, NULL, 0));	/* not on */
	FAILS(EINVAL, set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, arm, 0, 4, e, sizeof(e)));
	FAILS(EINVAL, set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, arm, 0, 3, e, 4));
	FAILS(EINVAL, set_irqs(d.fd, VFIO_PCI_INTX_IRQ_INDEX, arm, 0, 1, e, 4));
	FAILS(ENOTTY, set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE |
		VFIO_IRQ_SET_ACTION_MASK, 0, 1, NULL, 0));
	FAILS(EINVAL, set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, arm, 0, 1, &memfd, 4));
	bad[0] = 999;
	FAILS(EBADF, set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, arm, 0, 1, bad, 4));
	CHECK(set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, arm, 0, 2, e, 8) == 0);
	/* no more than at first, until it is switched off */
	FAILS(EINVAL, set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, arm, 2, 1, &e[2], 4));
	CHECK(set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, none, 0, 1, NULL, 0) == 0);
	CHECK(rung(e[0]) && silent(e[1]));
	CHECK(set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, bools, 0, 2, second, 2) == 0);
	CHECK(rung(e[1]) && silent(e[0]));
	bad[0] = -1;
	CHECK(set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, arm, 0, 1, bad, 4) == 0);
	CHECK(set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, none, 0, 2, NULL, 0) == 0);
	CHECK(rung(e[1]) && silent(e[0]));
	CHECK(set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, none, 0, 0, NULL, 0) == 0);
	FAILS(EINVAL, set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, none, 0, 1, NULL, 0));
	CHECK(set_irqs(d.fd, VFIO_PCI_MSIX_IRQ_INDEX, arm, 0, 3, e, 12) == 0);
	/* REQ: what programs arm to hear that the device is wanted back */
	CHECK(set_irqs(d.fd, VFIO_PCI_REQ_IRQ_INDEX, arm, 0, 1, &e[2], 4) == 0);
	CHECK(set_irqs(d.fd, VFIO_PCI_REQ_IRQ_INDEX, none, 0, 1, NULL, 0) == 0);
	CHECK(rung(e[2]));
	close_device(d);
}

/* Sends fd to ourselves, as to another process; the old one is closed while it is on its way. */
static int
through_socket(int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = { .buf = { 0 } };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.buf,
		.msg_controllen = sizeof(u.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int sv[2], got = -1;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	CHECK(sendmsg(sv[0], &m, 0) == 1);
	close(fd);
	CHECK(recvmsg(sv[1], &m, 0) == 1);
	c = CMSG_FIRSTHDR(&m);
	if (c != NULL)
		memcpy(&got, CMSG_DATA(c), sizeof(int));
	close(sv[0]);
	close(sv[1]);
	return got;
}

/* Whatever copies there are: the device is reset when the last one is closed, and no sooner. */
static void
case_last_close(void)
{
	struct dev d = open_device(VF0, "");
	int copy;

	reg_write(d.fd, VF_TDLEN0, 0x1000);
	copy = dup(d.fd);
	close(d.fd);
	CHECK(reg_read(copy, VF_TDLEN0) == 0x1000);
	d.fd = through_socket(copy);
	CHECK(d.fd >= 0 && reg_read(d.fd, VF_TDLEN0) == 0x1000);
	/* the group alone goes: the device keeps it */
	close(d.group);
	CHECK(reg_read(d.fd, VF_TDLEN0) == 0x1000);
	close(d.container);
	CHECK(reg_read(d.fd, VF_TDLEN0) == 0x1000);
	close(d.fd);
	d = open_device(VF0, "");
	CHECK(d.fd >= 0);
	CHECK(reg_read(d.fd, VF_TDLEN0) == 0);
	close_device(d);
}

static int
wait_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

/* A child is another process with the same descriptors and mappings. */
static void
case_fork(void)
{
	struct dev d = open_device(VF0, "");
	volatile uint32_t *bar = map_bar(d.fd, 0x4000);
	pid_t pid;

	bar[VF_TDLEN0 / 4] = 0x2000;
	pid = fork();
	if (pid == 0) {
		bool ok = bar[VF_TDLEN0 / 4] == 0x2000;

		bar[VF_TDLEN0 / 4] = 0x3000;
		_exit(ok && reg_read(d.fd, VF_TDLEN0) == 0x3000 && failures == 0 ? 0 : 1);
	}
	CHECK(wait_child(pid) == 0);
	/* its end was not the last close */
	CHECK(bar[VF_TDLEN0 / 4] == 0x3000);
	/* nor is ours, while a child holds on */
	pid = fork();
	if (pid == 0) {
		close_device(d);
		_exit(0);
	}
	CHECK(wait_child(pid) == 0);
	CHECK(bar[VF_TDLEN0 / 4] == 0x3000);
	close_device(d);
}

/* A process that is killed leaves a device that is free, and reset, within a second. */
/* Maps and unmaps registers and memory without end: so it is inside a lock when others fork. */
static void *
churn(void *arg)
{
	const struct dev *d = arg;
	int fd;
	void *mem = shared_memory(4 * PAGE, &fd), *p;

	for (;;) {
		p = map_bar(d->fd, 0x4000);
		dma_map(d->container, mem, IOVA, 4 * PAGE);
		dma_unmap(d->container, IOVA, 4 * PAGE, 0);
		munmap(p, 0x4000);
	}
	return NULL;
}

static void
case_fork_busy(void)
{
	struct dev d = open_device(VF0, "");
	volatile uint32_t *bar = map_bar(d.fd, 0x4000), *own;
	pthread_t thread;
	unsigned int i;
	pid_t pid;

	bar[VF_TDLEN0 / 4] = 0x2000;
	CHECK(pthread_create(&thread, NULL, churn, &d) == 0);
	for (i = 0; i < 300 && failures == 0; i++) {
		pid = fork();
		if (pid == 0) {
			alarm(10);	/* one that waits for a lock for ever */
			own = map_bar(d.fd, 0x4000);
			_exit(own[VF_TDLEN0 / 4] == 0x2000 &&
				munmap((void *)(uintptr_t)own, 0x4000) == 0 ? 0 : 1);
		}
		CHECK(wait_child(pid) == 0);
	}
}

static void
case_killed(void)
{
	struct timespec t0, t1;
	struct dev d;
	int pipefd[2], memfd, tries = 0;
	pid_t pid;
	char byte;

	CHECK(pipe(pipefd) == 0);
	pid = fork();
	if (pid == 0) {
		void *mem = shared_memory(PAGE, &memfd);

		d = open_device(VF0, "");
		reg_write(d.fd, VF_TDLEN0, 0x4000);
		dma_map(d.container, mem, IOVA, PAGE);
		byte = failures == 0 && d.fd >= 0;
		if (write(pipefd[1], &byte, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	CHECK(read(pipefd[0], &byte, 1) == 1 && byte == 1);
	FAILS(EBUSY, open_group(VF0));
	kill(pid, SIGKILL);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	CHECK(WIFSIGNALED(wait_child(pid)));
	do {
		d = open_device(VF0, "");
		clock_gettime(CLOCK_MONOTONIC, &t1);
		if (d.fd < 0)
			close_device(d);
	} while (d.fd < 0 && ++tries < 1000 && t1.tv_sec - t0.tv_sec < 2 && usleep(1000) == 0);
	CHECK(d.fd >= 0);
	CHECK((t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000 < 1000);
	CHECK(reg_read(d.fd, VF_TDLEN0) == 0);
	close_device(d);
}

/* The card is our parent. Once it is killed, registers read as of a card pulled out. */
static void
case_card_killed(void)
{
	struct dev d = open_device(PF, "");
	volatile uint32_t *bar = map_bar(d.fd, 0x20000);
	struct timespec t0, t1;
	uint32_t v;

	CHECK(bar[REG_STATUS / 4] != UINT32_MAX);
	CHECK(kill(getppid(), SIGKILL) == 0);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	do {
		v = bar[REG_STATUS / 4];
		clock_gettime(CLOCK_MONOTONIC, &t1);
	} while (v != UINT32_MAX && t1.tv_sec - t0.tv_sec < 2);
	CHECK(v == UINT32_MAX);
	bar[REG_TDBAL0 / 4] = 0x1000;
	CHECK(bar[REG_TDBAL0 / 4] == UINT32_MAX);
	FAILS(EIO, ioctl(d.fd, VFIO_DEVICE_RESET));
	FAILS(EIO, open_container());
	printf(failures == 0 ? "all ones\n" : "failed\n");
}

static void
case_dma_v1(void)
{
	case_dma(VFIO_TYPE1_IOMMU);
}

static void
case_dma_v2(void)
{
	case_dma(VFIO_TYPE1v2_IOMMU);
}

/* An instruction that no driver uses on registers stops the program with its bytes. */
static void
case_odd_instruction(void)
{
	struct dev d = open_device(PF, "");
	volatile uint32_t *bar = map_bar(d.fd, 0x20000);

	__asm__ volatile("movups (%0),%%xmm0" : : "r"(bar) : "xmm0", "memory");
	printf("it went on\n");
	failures++;
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "container", case_container }, { "group", case_group },
	{ "token-lenient", case_token_lenient }, { "token-strict", case_token_strict },
	{ "info", case_info }, { "config", case_config }, { "mmap", case_mmap },
	{ "signals", case_signals }, { "main-signal", case_main_signal },
	{ "dma-v1", case_dma_v1 }, { "dma-v2", case_dma_v2 },
	{ "irqs", case_irqs }, { "last-close", case_last_close }, { "fork", case_fork },
	{ "fork-busy", case_fork_busy },
	{ "killed", case_killed }, { "card-killed", case_card_killed },
	{ "odd-instruction", case_odd_instruction },
};

int
main(int argc, char **argv)
{
	unsigned int i;

	setvbuf(stdout, NULL, _IONBF, 0);
	for (i = 0; argc == 2 && i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(argv[1], cases[i].name) != 0)
			continue;
		cases[i].run();
		return failures > 0;
	}
	printf("usage: vfio_probe CASE\n");
	return 2;
}
