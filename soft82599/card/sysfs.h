/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a kernel would show of this card in /sys/bus/pci and /sys/kernel/iommu_groups.
 *
 * sysfs_tree.c knows the tree (paths, attributes, links), sysfs_store.c what a write does;
 * neither makes a system call on it. sysfs_fuse.c serves the tree, sysfs_files.c copies it into
 * a folder where no FUSE or no namespace is to be had.
 *
 * A struct sysfs is used by one thread at a time.
 */
#ifndef S82_SYSFS_H
#define S82_SYSFS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "server.h"

#define SYSFS_VALUE	4096	/* longest text of an attribute, as in the kernel */
#define SYSFS_DYNIDS	32

#define SYSFS_FAULTS	4

enum sysfs_mode { SYSFS_FUSE, SYSFS_FILES };

/* For tests: what becomes of the writes FROM to TO (from 1) instead of their effect. */
struct sysfs_fault {
	uint64_t from, to;
	int err;		/* -errno; SYSFS_HANG: they never come back */
};

#define SYSFS_HANG	1


/* An id that was written to a driver's new_id. */
struct sysfs_dynid {
	uint32_t driver;	/* enum s82_driver, S82_DRV_NONE: free */
	uint16_t vendor, device;
};

struct sysfs {
	struct s82_state *st;
	struct s82_ctx *ctx;		/* of the thread that serves */
	const struct s82_server *server;	/* who uses a function; NULL: nobody (tests) */
	char *driver_override[S82_FUNCS];
	struct sysfs_dynid dynid[SYSFS_DYNIDS];
	bool drivers_autoprobe, vf_autoprobe;
	bool enable_sriov;		/* vfio-pci's parameter: a PF on it may have VFs */
	struct sysfs_fault fault[SYSFS_FAULTS];
	unsigned int faults;
	uint64_t writes;
	enum sysfs_mode mode;
	char dir[64];			/* SYSFS_FILES: the folder */
	int janitor_fd;			/* SYSFS_FILES: closed, it lets the janitor remove it */
	int fuse_fd;
	void *fuse;
	pthread_mutex_t gate;		/* SYSFS_FUSE: held while a request is served */
};

enum sysfs_type { SYSFS_DIR, SYSFS_FILE, SYSFS_LINK };

struct sysfs_attr;

/* Something in the tree. */
struct sysfs_node {
	enum sysfs_type type;
	const struct sysfs_attr *attr;	/* SYSFS_FILE */
	unsigned int index;		/* function, driver or group */
	char target[64];		/* SYSFS_LINK */
};

/* One file: where it is and what reading and writing it does. */
struct sysfs_attr {
	const char *name;
	uint16_t mode;
	uint16_t where;		/* SYSFS_ON_* */
	/* Writes the text into buf (SYSFS_VALUE bytes), returns its length or -errno. */
	int (*show)(struct sysfs *s, unsigned int index, char *buf);
	/* Acts on a value, of which a trailing newline was cut. Returns 0 or -errno. */
	int (*store)(struct sysfs *s, unsigned int index, const char *value);
};

#define SYSFS_ON_PF	1u
#define SYSFS_ON_VF	2u
#define SYSFS_ON_DEV	3u
#define SYSFS_ON_DRIVER	4u
#define SYSFS_ON_BUS	8u
#define SYSFS_ON_GROUP	16u
#define SYSFS_ON_MODULE	32u

/* The tree's root holds "pci", "iommu_groups" and "module". Paths start with '/'. 0 or -ENOENT. */
int sysfs_lookup(struct sysfs *s, const char *path, struct sysfs_node *node);

/* Calls `found` with each name in a folder. 0, -ENOENT or -ENOTDIR. */
int sysfs_list(struct sysfs *s, const char *path, void (*found)(void *arg, const char *name),
	void *arg);

/* Reads up to `size` bytes at `off` of a file. Bytes or -errno. */
ssize_t sysfs_read(struct sysfs *s, const struct sysfs_node *node, char *buf, size_t size,
	off_t off);

/* A write(2) of a whole value. Bytes or the kernel's -errno. */
ssize_t sysfs_write(struct sysfs *s, const struct sysfs_node *node, const char *buf, size_t size,
	off_t off);

/* "K:WHAT" or "K+:WHAT" (K and all later ones); WHAT: hang, or an errno by name. 0 or -EINVAL. */
int sysfs_fault_parse(const char *text, struct sysfs_fault *fault);

/* Counts a write. 0: it shall happen, -errno: it fails, SYSFS_HANG: it hangs. */
int sysfs_fault_next(struct sysfs *s);

/* Bytes that stat(2) reports. */
size_t sysfs_size(const struct sysfs_node *node);

extern const char *const sysfs_drivers[];	/* by enum s82_driver; [S82_DRV_NONE] is "" */
#define SYSFS_DRIVERS	4

#define SYSFS_VENDOR	0x8086
#define SYSFS_DEVICE_PF	0x10fb	/* 82599ES, SFI/SFP+ */
#define SYSFS_DEVICE_VF	0x10ed

static inline uint16_t
sysfs_device(unsigned int func)
{
	return func == S82_PF ? SYSFS_DEVICE_PF : SYSFS_DEVICE_VF;
}

/* kstrtobool(). 0 or -EINVAL. */
int sysfs_read_bool(const char *value, bool *result);

/* How many VFs there are. */
unsigned int sysfs_vfs(const struct sysfs *s);

/* The function of a BDF such as 0000:03:10.1, or -1. */
int sysfs_func(const struct sysfs *s, const char *bdf);

/* sysfs_store.c */
int sysfs_store_driver_override(struct sysfs *s, unsigned int func, const char *value);
int sysfs_store_bind(struct sysfs *s, unsigned int driver, const char *value);
int sysfs_store_unbind(struct sysfs *s, unsigned int driver, const char *value);
int sysfs_store_new_id(struct sysfs *s, unsigned int driver, const char *value);
int sysfs_store_remove_id(struct sysfs *s, unsigned int driver, const char *value);
int sysfs_store_drivers_probe(struct sysfs *s, unsigned int index, const char *value);
int sysfs_store_numvfs(struct sysfs *s, unsigned int func, const char *value);
int sysfs_store_enable_sriov(struct sysfs *s, unsigned int index, const char *value);
int sysfs_store_reset(struct sysfs *s, unsigned int func, const char *value);

/*
 * Gives this process, and what it forks, a mount namespace of its own: as root directly, else
 * in a user namespace. The process has one thread. 0 or -errno, with nothing changed.
 */
int sysfs_unshare(void);

/* Serves the tree in a thread and mounts it. The namespace is private. 0 or -errno. */
int sysfs_fuse_start(struct sysfs *s);

/* From now on requests wait, and fail when the process ends. It has to, soon. */
void sysfs_fuse_stop(struct sysfs *s);

/* Copies the tree into a new temporary folder. 0 or -errno. */
int sysfs_files_start(struct sysfs *s);
void sysfs_files_stop(struct sysfs *s);

#endif
