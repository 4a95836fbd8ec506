/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tree as a FUSE file system in a mount namespace that only the card and COMMAND are in.
 * It is mounted by mount(2), so no setuid helper is needed, and it is gone with the last
 * process of the namespace; if the card dies before, accesses say ENOTCONN.
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "card.h"
#include "sysfs.h"

#define BUS	"/sys/bus/pci"
#define GROUPS	"/sys/kernel/iommu_groups"
#define MODULES	"/sys/module"

/* The tree, for the time of one request. */
static struct sysfs *
enter(void)
{
	struct sysfs *s = fuse_get_context()->private_data;

	pthread_mutex_lock(&s->gate);
	return s;
}

static int
leave(struct sysfs *s, int result)
{
	pthread_mutex_unlock(&s->gate);
	return result;
}

static int
op_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	struct sysfs_node node;
	struct sysfs *s = enter();
	int err = leave(s, sysfs_lookup(s, path, &node));

	(void)fi;
	if (err != 0)
		return err;
	memset(st, 0, sizeof(*st));
	st->st_uid = getuid();
	st->st_gid = getgid();
	st->st_nlink = node.type == SYSFS_DIR ? 2 : 1;
	st->st_mode = node.type == SYSFS_DIR ? S_IFDIR | 0755 :
		node.type == SYSFS_LINK ? S_IFLNK | 0777 : S_IFREG | node.attr->mode;
	st->st_size = node.type == SYSFS_DIR ? 0 : sysfs_size(&node);
	return 0;
}

static int
op_readlink(const char *path, char *buf, size_t size)
{
	struct sysfs_node node;
	struct sysfs *s = enter();
	int err = leave(s, sysfs_lookup(s, path, &node));

	if (err != 0 || node.type != SYSFS_LINK)
		return err != 0 ? err : -EINVAL;
	snprintf(buf, size, "%s", node.target);
	return 0;
}

struct fill {
	void *buf;
	fuse_fill_dir_t filler;
};

static void
fill_one(void *arg, const char *name)
{
	struct fill *fill = arg;

	fill->filler(fill->buf, name, NULL, 0, 0);
}

static int
op_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
	struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	struct fill fill = { buf, filler };
	struct sysfs *s = enter();

	(void)off, (void)fi, (void)flags;
	fill_one(&fill, ".");
	fill_one(&fill, "..");
	return leave(s, sysfs_list(s, path, fill_one, &fill));
}

static int
op_open(const char *path, struct fuse_file_info *fi)
{
	struct sysfs_node node;
	struct sysfs *s = enter();
	int err = leave(s, sysfs_lookup(s, path, &node));

	fi->direct_io = 1;	/* contents change under the reader, and each write is an act */
	return err;
}

static int
op_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct sysfs_node node;
	struct sysfs *s = enter();
	int err = sysfs_lookup(s, path, &node);

	(void)fi;
	return leave(s, err != 0 ? err : (int)sysfs_read(s, &node, buf, size, off));
}

/* libfuse sends it when who writes is killed; serve()'s threads have all signals blocked. */
static void
await_interrupt(void)
{
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwait(&set, &signal);
}

static int
op_write(const char *path, const char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct sysfs_node node;
	struct sysfs *s = enter();
	int err = sysfs_lookup(s, path, &node);

	(void)fi;
	if (err == 0)
		err = sysfs_fault_next(s);
	if (err == SYSFS_HANG) {
		leave(s, 0);
		await_interrupt();
		return -EINTR;
	}
	return leave(s, err != 0 ? err : (int)sysfs_write(s, &node, buf, size, off));
}

/* A shell's '>' truncates first. */
static int
op_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	(void)path, (void)size, (void)fi;
	return 0;
}

static void *
op_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	(void)conn;
	cfg->intr = 1; /* see await_interrupt() */
	cfg->intr_signal = SIGUSR1;
	cfg->entry_timeout = cfg->attr_timeout = cfg->negative_timeout = 0;
	cfg->direct_io = 1;
	return fuse_get_context()->private_data;
}

static const struct fuse_operations operations = {
	.init = op_init,
	.getattr = op_getattr,
	.readlink = op_readlink,
	.readdir = op_readdir,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.truncate = op_truncate,
};

static int
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = -errno;
	close(fd);
	return err;
}

/* Everybody keeps the ids he has; setgroups must be given up for that without root. */
static int
map_ids(uid_t uid, gid_t gid)
{
	char text[64];
	int err;

	snprintf(text, sizeof(text), "%u %u 1\n", uid, uid);
	err = write_file("/proc/self/uid_map", text);
	if (err == 0)
		err = write_file("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "%u %u 1\n", gid, gid);
	return err != 0 ? err : write_file("/proc/self/gid_map", text);
}

/* The machine's later mounts may come in, none of ours gets out. 0 or -errno. */
static int
keep_mounts_inside(void)
{
	/* all of them; but in a chroot / need not be a mount, then those that ours go on */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
		return 0;
	if (errno != EINVAL || mount(NULL, "/sys", NULL, MS_REC | MS_SLAVE, NULL) != 0 ||
			mount(NULL, "/dev", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return -errno;
	return 0;
}

int
sysfs_unshare(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int err;

	if (unshare(CLONE_NEWNS) != 0) {
		if (errno != EPERM)
			return -errno;
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
			return -errno;
		err = map_ids(uid, gid);
		if (err != 0)
			return err;
	}
	return keep_mounts_inside();
}

/*
 * In a user namespace of its own the card has all capabilities, COMMAND none; with them, `exec`
 * in COMMAND could not look at the card's namespaces (ptrace_may_access()).
 */
static void
drop_capabilities(void)
{
	struct __user_cap_header_struct hdr = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (geteuid() != 0 && syscall(SYS_capset, &hdr, none) != 0)
		card_log(CARD_LOG_DEBUG, "capabilities stay: %s", strerror(errno));
}

static void *
serve(void *arg)
{
	struct sysfs *s = arg;

	/* several threads only where one of them may hang */
	if (s->faults > 0)
		fuse_loop_mt(s->fuse, 0);
	else
		fuse_loop(s->fuse);
	return NULL;
}

static int
start_thread(struct sysfs *s)
{
	sigset_t all, before;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&thread, NULL, serve, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err == 0)
		pthread_detach(thread);	/* it ends with the process, as the mount does */
	return err;
}

/*
 * The whole tree goes over /sys/bus/pci first; from there its two branches are bound to where
 * they belong, the one of /sys/bus/pci last, since it hides the whole.
 */
static int
mount_tree(struct sysfs *s)
{
	char data[128];

	snprintf(data, sizeof(data),
		"fd=%d,rootmode=40755,user_id=%u,group_id=%u,allow_other,default_permissions",
		s->fuse_fd, geteuid(), getegid());
	if (mount("soft82599", BUS, "fuse", MS_NOSUID | MS_NODEV | MS_NOEXEC, data) != 0)
		return -errno;
	return 0;
}

static int
bind_branches(void)
{
	if (mount(BUS "/iommu_groups", GROUPS, NULL, MS_BIND, NULL) != 0)
		card_log(CARD_LOG_INFO, "%s is not shown: %s", GROUPS, strerror(errno));
	/* programs look there whether vfio-pci is loaded; the machine's modules stay visible */
	if (mount("soft82599", MODULES, "overlay", MS_RDONLY,
			"lowerdir=" BUS "/module:" MODULES) != 0)
		card_log(CARD_LOG_INFO, "vfio_pci is not shown in %s: %s", MODULES,
			strerror(errno));
	/* vfio-pci's own can be written */
	if (mount(BUS "/module/vfio_pci/parameters", MODULES "/vfio_pci/parameters", NULL, MS_BIND,
			NULL) != 0)
		card_log(CARD_LOG_INFO, "enable_sriov cannot be written: %s", strerror(errno));
	return mount(BUS "/pci", BUS, NULL, MS_BIND, NULL) == 0 ? 0 : -errno;
}

int
sysfs_fuse_start(struct sysfs *s)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	char where[32];
	int err;

	pthread_mutex_init(&s->gate, NULL);
	s->fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (s->fuse_fd < 0)
		return -errno;
	err = mount_tree(s);
	if (err != 0) {
		close(s->fuse_fd);
		return err;
	}
	/* libfuse takes a descriptor that is mounted already under this name */
	snprintf(where, sizeof(where), "/dev/fd/%d", s->fuse_fd);
	fuse_opt_add_arg(&args, "soft82599");
	s->fuse = fuse_new(&args, &operations, sizeof(operations), s);
	fuse_opt_free_args(&args);
	if (s->fuse == NULL || fuse_mount(s->fuse, where) != 0)
		err = -EIO;
	if (err == 0)
		err = start_thread(s);
	if (err == 0)
		err = bind_branches();
	if (err != 0)
		umount2(BUS, MNT_DETACH);
	drop_capabilities();
	s->mode = SYSFS_FUSE;
	return err;
}

void
sysfs_fuse_stop(struct sysfs *s)
{
	pthread_mutex_lock(&s->gate);
}
