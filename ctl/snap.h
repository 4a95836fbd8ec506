/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFCTL_SNAP_H
#define VFCTL_SNAP_H

/**
 * @file
 * What sysfs says of PCI devices at one time, as facts: a key and a text each, sorted by key.
 * Taking one reads sysfs, comparing two is pure. Needs no rights; without root the kernel shows
 * 64 bytes of the configuration space only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <vfp_err.h>
#include <vfp_parse.h>

#define SNAP_SCHEMA "vfctl.snapshot/1"
#define SNAP_HOST   "host" /**< the device that stands for facts of the machine itself */
#define SNAP_TEXT   400

struct snap_fact {
	char *key;
	char *value;
};

struct snap_dev {
	char pci[VFP_BDF_TEXT];
	struct snap_fact *facts;
	size_t n;
};

struct snap {
	struct snap_dev *devs;
	size_t n;
};

/** One difference. before or after is NULL where the fact was not there. */
struct snap_change {
	char pci[VFP_BDF_TEXT];
	char *what;
	char *before, *after;
	char meaning[SNAP_TEXT];
};

struct snap_changes {
	struct snap_change *list;
	size_t n;
};

/** Add a fact, copied; keys may come in any order. 0 or -ENOMEM. */
int snap_add(struct snap_dev *dev, const char *key, const char *value);
/** A device by its address, added where there is none; NULL when out of memory. */
struct snap_dev *snap_dev(struct snap *s, const char *pci);
/** The value of a fact, or NULL. */
const char *snap_get(const struct snap_dev *dev, const char *key);
void snap_free(struct snap *s);

/** Read a device below ${SYSFS_ROOT:-/sys}, with its VFs; name: an address or an interface. */
int snap_take(struct snap *s, const char *name, struct vfp_err *err);
/** Every network device and everything on vfio-pci. */
int snap_take_all(struct snap *s, struct vfp_err *err);

/** As JSON; 0 or -errno. */
int snap_write(const struct snap *s, FILE *to);
int snap_read(struct snap *s, const char *file, struct vfp_err *err);

/** Everything that differs, each with a sentence. 0 or -ENOMEM. */
int snap_diff(const struct snap *before, const struct snap *after, struct snap_changes *out);
void snap_changes_free(struct snap_changes *c);

/** One more difference; for snap_diff() and the files that help it. */
int snap_change(struct snap_changes *out, const struct snap_dev *dev, const char *what,
	const char *before, const char *after, const char *meaning);

/** What a fact's change means; before and after may be NULL. Returns text. */
const char *snap_explain(const struct snap_dev *was, const struct snap_dev *is, const char *key,
	char text[SNAP_TEXT]);

/** The registers in which two configuration spaces (as hex) differ. 0 or -ENOMEM. */
int snap_diff_config(const struct snap_dev *dev, const char *before, const char *after,
	struct snap_changes *out);

#endif
