/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The libc calls by which a program reaches VFIO. Each looks, as cheaply as it can, whether the
 * call is about VFIO, and goes to libc (or the kernel) if it is not. They are called before this
 * library's constructors and from every thread, so they resolve what they need when first used.
 */
/* Both open() and open64() are ours here: no header may make one of the other. */
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "client.h"
#include "fault.h"
#include "patch.h"
#include "real.h"
#include "vfio.h"

#define EXPORT	__attribute__((visibility("default")))
#define VFIO_DIR	"/dev/vfio/"
#define VFIO_IOCTL_TYPE	';'

/* libc's function of that name; resolved once, by whoever is first. */
#define REAL(name)	((__typeof__(&name))resolve(&real_##name, #name))
#define DECLARE_REAL(name)	static void *_Atomic real_##name

static void *
resolve(void *_Atomic *slot, const char *name)
{
	void *p = atomic_load_explicit(slot, memory_order_acquire);

	if (p == NULL) {
		p = dlsym(RTLD_NEXT, name);
		atomic_store_explicit(slot, p, memory_order_release);
	}
	return p;
}

/* 0 or positive, or errno set and -1. */
static long
result(long rc)
{
	if (rc >= 0)
		return rc;
	errno = (int)-rc;
	return -1;
}

/* ---- paths ---- */

enum vfio_path { PATH_OTHER, PATH_CONTAINER, PATH_GROUP, PATH_DIR, PATH_MODULE };

/* Is the path one that VFIO makes? The first bytes decide for almost all. */
static enum vfio_path
classify(const char *path, unsigned int *group)
{
	static const char *const modules[] = { "/sys/module/vfio", "/sys/module/vfio_pci",
		"/sys/module/vfio_iommu_type1" };
	unsigned int i;
	char *end;
	unsigned long n;

	if (path == NULL || path[0] != '/')
		return PATH_OTHER;
	if (path[1] == 's' && strncmp(path, "/sys/module/vfio", 16) == 0) {
		for (i = 0; i < 3; i++)
			if (strcmp(path, modules[i]) == 0)
				return s82_enabled() ? PATH_MODULE : PATH_OTHER;
		return PATH_OTHER;
	}
	if (path[1] != 'd' || strncmp(path, VFIO_DIR, sizeof(VFIO_DIR) - 2) != 0 || !s82_enabled())
		return PATH_OTHER;
	path += sizeof(VFIO_DIR) - 2;
	if (path[0] == '\0' || strcmp(path, "/") == 0)
		return PATH_DIR;
	if (strcmp(path, "/vfio") == 0)
		return PATH_CONTAINER;
	if (path[0] != '/' || path[1] < '0' || path[1] > '9')
		return PATH_OTHER;
	n = strtoul(path + 1, &end, 10);
	if (*end != '\0' || n > INT_MAX)
		return PATH_OTHER;
	*group = (unsigned int)n;
	return PATH_GROUP;
}

/* True if the path is VFIO's; *fd is then what open(2) returns. */
static bool
open_vfio(const char *path, int flags, int *fd)
{
	unsigned int group = 0;
	enum vfio_path kind = classify(path, &group);
	int rc;

	if (kind != PATH_CONTAINER && kind != PATH_GROUP)
		return false;
	/* O_PATH and the like are no way in. */
	if (flags & (O_PATH | O_DIRECTORY))
		return false;
	rc = s82_attach();
	if (rc == 0)
		rc = kind == PATH_CONTAINER ? s82_container_open(flags) :
			s82_group_open(group, flags);
	*fd = (int)result(rc);
	return true;
}

static mode_t
mode_arg(int flags, va_list ap)
{
	if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE)
		return va_arg(ap, mode_t);
	return 0;
}

#define OPEN_BODY(name)							\
	do {								\
		va_list ap;						\
		mode_t mode;						\
		int fd;							\
									\
		if (open_vfio(path, flags, &fd))			\
			return fd;					\
		va_start(ap, flags);					\
		mode = mode_arg(flags, ap);				\
		va_end(ap);						\
		return REAL(name)(path, flags, mode);			\
	} while (0)

#define OPENAT_BODY(name)						\
	do {								\
		va_list ap;						\
		mode_t mode;						\
		int fd;							\
									\
		if (open_vfio(path, flags, &fd))			\
			return fd;					\
		va_start(ap, flags);					\
		mode = mode_arg(flags, ap);				\
		va_end(ap);						\
		return REAL(name)(dir, path, flags, mode);		\
	} while (0)

DECLARE_REAL(open);
DECLARE_REAL(open64);
DECLARE_REAL(openat);
DECLARE_REAL(openat64);

EXPORT int
open(const char *path, int flags, ...)
{
	OPEN_BODY(open);
}

EXPORT int
open64(const char *path, int flags, ...)
{
	OPEN_BODY(open64);
}

EXPORT int
openat(int dir, const char *path, int flags, ...)
{
	OPENAT_BODY(openat);
}

EXPORT int
openat64(int dir, const char *path, int flags, ...)
{
	OPENAT_BODY(openat64);
}

/* What _FORTIFY_SOURCE makes of them. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

EXPORT int
__open_2(const char *path, int flags)
{
	return open(path, flags);
}

EXPORT int
__open64_2(const char *path, int flags)
{
	return open64(path, flags);
}

EXPORT int
__openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}

EXPORT int
__openat64_2(int dir, const char *path, int flags)
{
	return openat64(dir, path, flags);
}

/* ---- stat ---- */

static bool
group_exists(unsigned int group)
{
	const struct s82_state *st;
	unsigned int i;

	if (s82_attach() < 0)
		return false;
	st = s82_client.st;
	for (i = 0; i < S82_FUNCS; i++)
		if (st->func[i].present && st->func[i].group == group &&
				st->func[i].driver == S82_DRV_VFIO)
			return true;
	return false;
}

/* What stat says of a path of VFIO's that the machine itself does not have. */
static bool
stat_vfio(const char *path, struct stat *sb)
{
	unsigned int group = 0;
	enum vfio_path kind = classify(path, &group);

	if (kind == PATH_OTHER || (kind == PATH_GROUP && !group_exists(group)))
		return false;
	memset(sb, 0, sizeof(*sb));
	sb->st_nlink = 1;
	sb->st_blksize = 4096;
	sb->st_mode = S_IFDIR | 0755;
	if (kind == PATH_CONTAINER || kind == PATH_GROUP) {
		sb->st_mode = S_IFCHR | 0666;
		sb->st_rdev = kind == PATH_CONTAINER ? makedev(10, 196) : makedev(511, group);
	}
	return true;
}

/* struct stat64 is struct stat here: there is one size of file offsets on x86-64. */
_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "x86-64 only");

#define STAT(name, type)						\
	DECLARE_REAL(name);						\
	EXPORT int							\
	name(const char *restrict path, struct type *restrict sb)	\
	{								\
		if (stat_vfio(path, (struct stat *)sb))			\
			return 0;					\
		return REAL(name)(path, sb);				\
	}

#define FSTATAT(name, type)						\
	DECLARE_REAL(name);						\
	EXPORT int							\
	name(int dir, const char *restrict path, struct type *restrict sb, int flags)	\
	{								\
		if (stat_vfio(path, (struct stat *)sb))			\
			return 0;					\
		return REAL(name)(dir, path, sb, flags);		\
	}

/* For programs that were built against a glibc older than 2.33. */
#define XSTAT(name, type)						\
	DECLARE_REAL(name);						\
	int name(int ver, const char *path, struct type *sb);		\
	EXPORT int							\
	name(int ver, const char *path, struct type *sb)		\
	{								\
		if (stat_vfio(path, (struct stat *)sb))			\
			return 0;					\
		return REAL(name)(ver, path, sb);			\
	}

STAT(stat, stat)
STAT(stat64, stat64)
STAT(lstat, stat)
STAT(lstat64, stat64)
FSTATAT(fstatat, stat)
FSTATAT(fstatat64, stat64)
XSTAT(__xstat, stat)
XSTAT(__xstat64, stat64)
XSTAT(__lxstat, stat)
XSTAT(__lxstat64, stat64)

DECLARE_REAL(access);
DECLARE_REAL(faccessat);

EXPORT int
access(const char *path, int mode)
{
	struct stat sb;

	if (stat_vfio(path, &sb))
		return 0;
	return REAL(access)(path, mode);
}

EXPORT int
faccessat(int dir, const char *path, int mode, int flags)
{
	struct stat sb;

	if (stat_vfio(path, &sb))
		return 0;
	return REAL(faccessat)(dir, path, mode, flags);
}

/* ---- ioctl ---- */

static bool
ioctl_vfio(int fd, unsigned long request, void *arg, int *rc)
{
	unsigned int index = 0;

	switch (s82_handle_of(fd, &index)) {
	case S82_HANDLE_CONTAINER:
		*rc = s82_container_ioctl(index, request, arg);
		return true;
	case S82_HANDLE_GROUP:
		*rc = s82_group_ioctl(index, request, arg);
		return true;
	case S82_HANDLE_DEVICE:
		*rc = s82_device_ioctl(index, request, arg);
		return true;
	default:
		return false;
	}
}

EXPORT int
ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;
	int rc;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (((request >> 8) & 0xff) == VFIO_IOCTL_TYPE && ioctl_vfio(fd, request, arg, &rc))
		return (int)result(rc);
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

/* ---- mmap ---- */

/* The program replaces what lies at [addr, addr + len): registers, or memory that DMA reaches. */
static void
leave_range(const void *addr, size_t len)
{
	struct s82_ctx *ctx = &s82_client.ctx;
	sigset_t old;

	s82_bar_remove(addr, len);
	if (!atomic_load_explicit(&s82_client.attached, memory_order_acquire) ||
			atomic_load_explicit(&s82_client.owns, memory_order_relaxed) == 0)
		return;
	s82_signals_block(&old);
	ctx->ops->lock(ctx);
	s82_iova_forget_host(&s82_client.iova, ctx->st, addr, len);
	ctx->ops->unlock(ctx);
	s82_signals_restore(&old);
}

static bool
mmap_vfio(void *addr, size_t len, int prot, int flags, int fd, off_t off, void **p)
{
	unsigned int func = 0;
	int err;

	if (s82_handle_of(fd, &func) != S82_HANDLE_DEVICE)
		return false;
	*p = s82_device_mmap(func, addr, len, prot, flags, (uint64_t)off, &err);
	if (*p == NULL) {
		errno = -err;
		*p = MAP_FAILED;
	}
	return true;
}

EXPORT void *
mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	void *p;

	if (fd >= 0 && !(flags & MAP_ANONYMOUS) && s82_enabled() &&
			mmap_vfio(addr, len, prot, flags, fd, off, &p))
		return p;
	if (flags & MAP_FIXED)
		leave_range(addr, len);
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, off);
}

EXPORT void *
mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return mmap(addr, len, prot, flags, fd, off);
}

EXPORT int
munmap(void *addr, size_t len)
{
	leave_range(addr, len);
	return (int)syscall(SYS_munmap, addr, len);
}

/* ---- pread, pwrite: a socket answers ESPIPE, so libc is asked first ---- */

static bool
device_of(int fd, unsigned int *func)
{
	int saved = errno;
	bool ours;

	ours = saved == ESPIPE && s82_enabled() && s82_handle_of(fd, func) == S82_HANDLE_DEVICE;
	errno = saved;
	return ours;
}

#define PREAD(name)							\
	DECLARE_REAL(name);						\
	EXPORT ssize_t							\
	name(int fd, void *buf, size_t len, off_t off)			\
	{								\
		ssize_t n = REAL(name)(fd, buf, len, off);		\
		unsigned int func;					\
									\
		if (n < 0 && device_of(fd, &func))			\
			n = result(s82_device_read(func, buf, len, (uint64_t)off));	\
		return n;						\
	}

#define PWRITE(name)							\
	DECLARE_REAL(name);						\
	EXPORT ssize_t							\
	name(int fd, const void *buf, size_t len, off_t off)		\
	{								\
		ssize_t n = REAL(name)(fd, buf, len, off);		\
		unsigned int func;					\
									\
		if (n < 0 && device_of(fd, &func))			\
			n = result(s82_device_write(func, buf, len, (uint64_t)off));	\
		return n;						\
	}

PREAD(pread)
PREAD(pread64)
PWRITE(pwrite)
PWRITE(pwrite64)

/* What _FORTIFY_SOURCE makes of pread. */
ssize_t __pread_chk(int fd, void *buf, size_t len, off_t off, size_t room);
ssize_t __pread64_chk(int fd, void *buf, size_t len, off_t off, size_t room);

EXPORT ssize_t
__pread_chk(int fd, void *buf, size_t len, off_t off, size_t room)
{
	if (len > room)
		abort();
	return pread(fd, buf, len, off);
}

EXPORT ssize_t
__pread64_chk(int fd, void *buf, size_t len, off_t off, size_t room)
{
	return __pread_chk(fd, buf, len, off, room);
}

/* ---- signals: SIGSEGV is the way registers work ---- */

DECLARE_REAL(sigaction);
DECLARE_REAL(signal);
DECLARE_REAL(sigprocmask);
DECLARE_REAL(pthread_sigmask);

int
s82_real_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	return REAL(sigaction)(sig, act, old);
}

EXPORT int
sigaction(int sig, const struct sigaction *restrict act, struct sigaction *restrict old)
{
	struct sigaction copy;
	int rc;

	if (sig == SIGSEGV && s82_fault_sigaction(act, old))
		return 0;
	/* A handler that runs with SIGSEGV blocked could not touch a register. */
	if (sig != SIGSEGV && act != NULL && s82_enabled() && sigismember(&act->sa_mask, SIGSEGV)) {
		copy = *act;
		sigdelset(&copy.sa_mask, SIGSEGV);
		act = &copy;
	}
	if (s82_defer_sigaction(sig, act, old, &rc))
		return rc;
	return REAL(sigaction)(sig, act, old);
}

EXPORT __sighandler_t
signal(int sig, __sighandler_t handler)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = SA_RESTART }, old;

	int rc;

	if (sig == SIGSEGV && s82_fault_sigaction(&act, &old))
		return old.sa_handler;
	if (s82_defer_sigaction(sig, &act, &old, &rc))
		return rc < 0 ? SIG_ERR : old.sa_handler;
	return REAL(signal)(sig, handler);
}

/* The kernel kills a thread that faults with SIGSEGV blocked: never let it be. */
static const sigset_t *
spare_segv(int how, const sigset_t *set, sigset_t *copy)
{
	if (set == NULL || how == SIG_UNBLOCK || !s82_enabled() || !sigismember(set, SIGSEGV))
		return set;
	*copy = *set;
	sigdelset(copy, SIGSEGV);
	return copy;
}

EXPORT int
sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	sigset_t copy;

	return REAL(sigprocmask)(how, spare_segv(how, set, &copy), old);
}

EXPORT int
pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	sigset_t copy;

	return REAL(pthread_sigmask)(how, spare_segv(how, set, &copy), old);
}
