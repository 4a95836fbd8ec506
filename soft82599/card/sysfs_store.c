/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What writing to sysfs does, with the errors of a kernel (drivers/base/bus.c, drivers/base/dd.c,
 * drivers/pci/pci-driver.c, drivers/pci/iov.c, drivers/vfio/pci).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs.h"

#define PAGE	4096

static int remove_vfs(struct sysfs *s);

static void
lock(struct sysfs *s)
{
	s->ctx->ops->lock(s->ctx);
}

static void
unlock(struct sysfs *s)
{
	s->ctx->ops->unlock(s->ctx);
}

/* How many descriptors of the function are open. */
static unsigned int
users(struct sysfs *s, unsigned int func)
{
	return s->server == NULL ? s->st->func[func].owner != 0 :
		s82_server_users(s->server, func);
}

/* Would `driver` take the function? An override decides alone; vfio-pci knows no id by itself. */
static bool
matches(struct sysfs *s, unsigned int driver, unsigned int func)
{
	if (s->driver_override[func] != NULL)
		return strcmp(s->driver_override[func], sysfs_drivers[driver]) == 0;
	for (unsigned int i = 0; i < SYSFS_DYNIDS; i++) {
		if (s->dynid[i].driver == driver && s->dynid[i].vendor == SYSFS_VENDOR &&
				s->dynid[i].device == sysfs_device(func))
			return true;
	}
	return driver == (func == S82_PF ? S82_DRV_IXGBE : S82_DRV_IXGBEVF);
}

/* pci_device_can_probe(): sriov_drivers_autoprobe is for VFs without an override. */
static bool
may_probe(const struct sysfs *s, unsigned int func)
{
	return func == S82_PF || s->vf_autoprobe || s->driver_override[func] != NULL;
}

/* vfio-pci refuses a PF that has VFs. */
static bool
refuses(const struct sysfs *s, unsigned int driver, unsigned int func)
{
	return driver == S82_DRV_VFIO && func == S82_PF && sysfs_vfs(s) > 0;
}

static void
set_driver(struct sysfs *s, unsigned int func, unsigned int driver)
{
	lock(s);
	s->st->func[func].driver = driver;
	unlock(s);
}

/* The first driver that wants a function without one, as the bus does. It keeps errors quiet. */
static void
probe(struct sysfs *s, unsigned int func)
{
	for (unsigned int d = S82_DRV_VFIO; d < SYSFS_DRIVERS; d++) {
		if (s->st->func[func].driver == S82_DRV_NONE && matches(s, d, func) &&
				may_probe(s, func) && !refuses(s, d, func))
			set_driver(s, func, d);
	}
}

/* driver_override: any name, bound or not; an empty one clears it. */
int
sysfs_store_driver_override(struct sysfs *s, unsigned int func, const char *value)
{
	char *copy = NULL;

	if (strlen(value) >= PAGE - 1)
		return -EINVAL;
	if (*value != '\0') {
		copy = strndup(value, strcspn(value, "\n"));
		if (copy == NULL)
			return -ENOMEM;
	}
	free(s->driver_override[func]);
	s->driver_override[func] = copy;
	return 0;
}

int
sysfs_store_bind(struct sysfs *s, unsigned int driver, const char *value)
{
	int func = sysfs_func(s, value);

	if (func < 0 || !matches(s, driver, func))
		return -ENODEV;
	if (s->st->func[func].driver != S82_DRV_NONE || refuses(s, driver, func))
		return -EBUSY;
	if (!may_probe(s, func))
		return -ENODEV;
	set_driver(s, func, driver);
	return 0;
}

/*
 * A kernel waits here without limit until the last user has closed a vfio device, and asks it to
 * by the REQ interrupt. A wait inside FUSE would hold up every other sysfs access, so a function
 * in use is EBUSY here at once.
 */
int
sysfs_store_unbind(struct sysfs *s, unsigned int driver, const char *value)
{
	int func = sysfs_func(s, value);

	if (func < 0 || s->st->func[func].driver != driver)
		return -ENODEV;
	if (driver == S82_DRV_VFIO && users(s, func) > 0)
		return -EBUSY;
	/* the VFs go with the driver of their PF (ixgbe_remove(), vfio_pci_core) */
	if (func == S82_PF && remove_vfs(s) != 0)
		return -EBUSY;
	set_driver(s, func, S82_DRV_NONE);
	return 0;
}

/* "VENDOR DEVICE", both hexadecimal; what may follow (subsystem, class) is not looked at. */
static int
read_id(const char *value, unsigned int *vendor, unsigned int *device)
{
	return sscanf(value, "%x %x", vendor, device) == 2 && *vendor <= 0xffff &&
		*device <= 0xffff ? 0 : -EINVAL;
}

int
sysfs_store_new_id(struct sysfs *s, unsigned int driver, const char *value)
{
	unsigned int vendor, device, slot = SYSFS_DYNIDS;

	if (read_id(value, &vendor, &device) != 0)
		return -EINVAL;
	for (unsigned int i = 0; i < SYSFS_DYNIDS; i++) {
		if (s->dynid[i].driver == driver && s->dynid[i].vendor == vendor &&
				s->dynid[i].device == device)
			return -EEXIST;
		if (s->dynid[i].driver == S82_DRV_NONE)
			slot = i;
	}
	if (slot == SYSFS_DYNIDS)
		return -ENOMEM;
	s->dynid[slot] = (struct sysfs_dynid){ driver, vendor, device };
	/* the kernel then looks through all devices without a driver (driver_attach) */
	for (unsigned int f = 0; f < S82_FUNCS; f++) {
		if (s->st->func[f].present && s->st->func[f].driver == S82_DRV_NONE &&
				matches(s, driver, f))
			set_driver(s, f, driver);
	}
	return 0;
}

int
sysfs_store_remove_id(struct sysfs *s, unsigned int driver, const char *value)
{
	unsigned int vendor, device;

	if (read_id(value, &vendor, &device) != 0)
		return -EINVAL;
	for (unsigned int i = 0; i < SYSFS_DYNIDS; i++) {
		if (s->dynid[i].driver == driver && s->dynid[i].vendor == vendor &&
				s->dynid[i].device == device) {
			s->dynid[i].driver = S82_DRV_NONE;
			return 0;
		}
	}
	return -ENODEV;
}

/* No driver that matches is not an error here. */
int
sysfs_store_drivers_probe(struct sysfs *s, unsigned int index, const char *value)
{
	int func = sysfs_func(s, value);

	(void)index;
	if (func < 0)
		return -ENODEV;
	probe(s, func);
	return 0;
}

unsigned int
sysfs_vfs(const struct sysfs *s)
{
	unsigned int n = 0;

	for (unsigned int v = 0; v < s->st->num_vfs; v++)
		n += s->st->func[v].present != 0;
	return n;
}

static void
set_present(struct sysfs *s, unsigned int vf, bool present)
{
	lock(s);
	s->st->func[vf].present = present;
	s->st->func[vf].driver = S82_DRV_NONE;
	unlock(s);
	free(s->driver_override[vf]);
	s->driver_override[vf] = NULL;
}

/* A kernel waits until nobody uses a VF any more, see unbind. */
static int
remove_vfs(struct sysfs *s)
{
	for (unsigned int v = 0; v < s->st->num_vfs; v++) {
		if (s->st->func[v].present && users(s, v) > 0)
			return -EBUSY;
	}
	for (unsigned int v = 0; v < s->st->num_vfs; v++)
		set_present(s, v, false);
	return 0;
}

static void
add_vfs(struct sysfs *s, unsigned int n)
{
	for (unsigned int v = 0; v < n; v++) {
		set_present(s, v, true);
		/* a PF on vfio-pci captures its VFs (vfio_pci_bus_notifier) */
		if (s->st->func[S82_PF].driver == S82_DRV_VFIO)
			sysfs_store_driver_override(s, v, sysfs_drivers[S82_DRV_VFIO]);
		if (s->drivers_autoprobe)
			probe(s, v);
	}
}

/* In the order of sriov_numvfs_store() and vfio_pci_core_sriov_configure(). */
int
sysfs_store_numvfs(struct sysfs *s, unsigned int func, const char *value)
{
	unsigned int driver = s->st->func[func].driver;
	char *end;
	unsigned long n = strtoul(value, &end, 0);

	if (*value == '\0' || *end != '\0')
		return -EINVAL;
	if (n > s->st->num_vfs)
		return -ERANGE;
	if (n == sysfs_vfs(s))
		return 0;
	if (driver == S82_DRV_NONE || (driver == S82_DRV_VFIO && !s->enable_sriov))
		return -ENOENT;
	if (n == 0)
		return remove_vfs(s);
	if (sysfs_vfs(s) > 0)
		return -EBUSY;
	add_vfs(s, n);
	return 0;
}

int
sysfs_store_enable_sriov(struct sysfs *s, unsigned int index, const char *value)
{
	(void)index;
	return sysfs_read_bool(value, &s->enable_sriov);
}

int
sysfs_store_reset(struct sysfs *s, unsigned int func, const char *value)
{
	if (strcmp(value, "1") != 0)
		return -EINVAL;
	lock(s);
	s82_flr(s->ctx, func);
	unlock(s);
	return 0;
}
