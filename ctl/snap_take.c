/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts from sysfs */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bsd/string.h>

#include "snap.h"

#define CONFIG_MAX 4096

/* Names of a folder, joined by blanks: 64 VFs and the entries of a device fit well. */
#define LIST_MAX   8192

static void path_to(char path[PATH_MAX], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void
path_to(char path[PATH_MAX], const char *fmt, ...)
{
	const char *root = getenv("SYSFS_ROOT");
	int n = snprintf(path, PATH_MAX, "%s/", root && root[0] ? root : "/sys");
	va_list ap;

	if (n >= PATH_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(path + n, PATH_MAX - n, fmt, ap);
	va_end(ap);
}

/* The first line of a file, without its end; false where there is none. */
static bool
line_of(const char *path, char *line, size_t len)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(line, (int)len, f);

	if (ok)
		line[strcspn(line, "\n")] = '\0';
	if (f)
		fclose(f);
	return ok;
}

/* The name that a link ends in. */
static bool
end_of(const char *path, char *name, size_t len)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	strlcpy(name, basename(target), len);
	return true;
}

/* As a person expects it: numbers by their value, names by the alphabet. */
static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

static int
no_dots(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* The names in a folder, sorted; false where there is no such folder. */
static bool
names_in(const char *path, char list[LIST_MAX])
{
	struct dirent **all;
	int n = scandir(path, &all, no_dots, by_name);

	list[0] = '\0';
	for (int i = 0; i < n; i++) {
		if (i > 0)
			strlcat(list, " ", LIST_MAX);
		strlcat(list, all[i]->d_name, LIST_MAX);
		free(all[i]);
	}
	if (n >= 0)
		free(all);
	return n >= 0;
}

static int
add_line(struct snap_dev *dev, const char *key, const char *path)
{
	char line[512];

	return line_of(path, line, sizeof(line)) ? snap_add(dev, key, line) : 0;
}

/* Plain files of a device's folder. */
static int
add_files(struct snap_dev *dev)
{
	static const char *const files[] = {"class", "driver_override", "enable", "irq",
		"power_state", "power/runtime_status", "reset_method", "sriov_drivers_autoprobe",
		"sriov_numvfs", "sriov_totalvfs"};
	char path[PATH_MAX], id[2][16];
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < sizeof(files) / sizeof(files[0]); i++) {
		path_to(path, "bus/pci/devices/%s/%s", dev->pci, files[i]);
		ret = add_line(dev, files[i], path);
	}
	path_to(path, "bus/pci/devices/%s/vendor", dev->pci);
	if (ret < 0 || !line_of(path, id[0], sizeof(id[0])))
		return ret;
	path_to(path, "bus/pci/devices/%s/device", dev->pci);
	if (!line_of(path, id[1], sizeof(id[1])))
		return ret;
	snprintf(path, sizeof(path), "%s:%s", id[0] + 2, id[1] + 2);
	return snap_add(dev, "id", path);
}

/* Driver, PF, VFs: links. */
static int
add_links(struct snap_dev *dev)
{
	char path[PATH_MAX], name[64], key[32], vfs[LIST_MAX] = "";
	int ret;

	path_to(path, "bus/pci/devices/%s/driver", dev->pci);
	ret = snap_add(dev, "driver", end_of(path, name, sizeof(name)) ? name : "none");
	path_to(path, "bus/pci/devices/%s/physfn", dev->pci);
	if (ret == 0 && end_of(path, name, sizeof(name)))
		ret = snap_add(dev, "physfn", name);
	for (unsigned int n = 0; n < 256; n++) {
		snprintf(key, sizeof(key), "virtfn%u", n);
		path_to(path, "bus/pci/devices/%s/%s", dev->pci, key);
		if (!end_of(path, name, sizeof(name)))
			break;
		strlcat(vfs, n ? " " : "", sizeof(vfs));
		strlcat(vfs, name, sizeof(vfs));
	}
	return ret == 0 && vfs[0] ? snap_add(dev, "vfs", vfs) : ret;
}

static int
add_group(struct snap_dev *dev)
{
	char path[PATH_MAX], group[32], list[LIST_MAX];
	int ret;

	path_to(path, "bus/pci/devices/%s/iommu_group", dev->pci);
	if (!end_of(path, group, sizeof(group)))
		return 0;
	ret = snap_add(dev, "iommu_group", group);
	path_to(path, "kernel/iommu_groups/%s/type", group);
	if (ret == 0)
		ret = add_line(dev, "iommu_group.type", path);
	path_to(path, "kernel/iommu_groups/%s/devices", group);
	if (ret == 0 && names_in(path, list))
		ret = snap_add(dev, "iommu_group.members", list);
	return ret;
}

static int
add_interface(struct snap_dev *dev, const char *name)
{
	char path[PATH_MAX], key[64], line[64];
	int ret;

	path_to(path, "bus/pci/devices/%s/net/%s/address", dev->pci, name);
	snprintf(key, sizeof(key), "net.%s", name);
	ret = snap_add(dev, key, line_of(path, line, sizeof(line)) ? line : "no address");
	path_to(path, "bus/pci/devices/%s/net/%s/flags", dev->pci, name);
	snprintf(key, sizeof(key), "net.%s.state", name);
	if (ret == 0 && line_of(path, line, sizeof(line)))
		ret = snap_add(dev, key, strtoul(line, NULL, 0) & 1 ? "up" : "down");
	path_to(path, "bus/pci/devices/%s/net/%s/mtu", dev->pci, name);
	snprintf(key, sizeof(key), "net.%s.mtu", name);
	return ret == 0 ? add_line(dev, key, path) : ret;
}

/* What a driver makes: interfaces, interrupts, VFIO's node. */
static int
add_made(struct snap_dev *dev)
{
	char path[PATH_MAX], list[LIST_MAX], *rest = list, *name;
	int ret = 0;

	path_to(path, "bus/pci/devices/%s/net", dev->pci);
	if (names_in(path, list))
		while (ret == 0 && (name = strsep(&rest, " ")) != NULL && name[0])
			ret = add_interface(dev, name);
	path_to(path, "bus/pci/devices/%s/msi_irqs", dev->pci);
	if (ret == 0 && names_in(path, list) && list[0])
		ret = snap_add(dev, "msi_irqs", list);
	path_to(path, "bus/pci/devices/%s/vfio-dev", dev->pci);
	if (ret == 0 && names_in(path, list) && list[0])
		ret = snap_add(dev, "vfio-dev", list);
	path_to(path, "bus/pci/devices/%s", dev->pci);
	if (ret == 0 && names_in(path, list))
		ret = snap_add(dev, "entries", list);
	return ret;
}

static int
add_config(struct snap_dev *dev)
{
	static const char digit[] = "0123456789abcdef";
	uint8_t raw[CONFIG_MAX];
	char path[PATH_MAX], hex[2 * CONFIG_MAX + 1];
	ssize_t n;
	int fd;

	path_to(path, "bus/pci/devices/%s/config", dev->pci);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, raw, sizeof(raw));
	close(fd);
	for (ssize_t i = 0; i < n; i++) {
		hex[2 * i] = digit[raw[i] >> 4];
		hex[2 * i + 1] = digit[raw[i] & 15];
	}
	hex[n > 0 ? 2 * n : 0] = '\0';
	return snap_add(dev, "config", hex);
}

static int
add_device(struct snap *s, const char *pci, struct vfp_err *err)
{
	struct snap_dev *dev = snap_dev(s, pci);
	int ret;

	if (!dev)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	if (dev->n > 0)
		return 0;
	ret = add_files(dev);
	if (ret == 0)
		ret = add_links(dev);
	if (ret == 0)
		ret = add_group(dev);
	if (ret == 0)
		ret = add_made(dev);
	if (ret == 0)
		ret = add_config(dev);
	return ret < 0 ? vfp_err_set(err, ret, "out of memory") : 0;
}

/* What concerns all devices: the kernel, how many groups, vfio-pci's parameters. */
static int
add_host(struct snap *s, struct vfp_err *err)
{
	struct snap_dev *dev = snap_dev(s, SNAP_HOST);
	char path[PATH_MAX], list[LIST_MAX];
	struct utsname u;
	int ret = 0;

	if (dev && dev->n > 0)
		return 0;
	if (!dev || uname(&u) < 0)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	ret = snap_add(dev, "kernel", u.release);
	path_to(path, "bus/pci/drivers/vfio-pci");
	if (ret == 0)
		ret = snap_add(dev, "vfio-pci", access(path, F_OK) == 0 ? "loaded" : "not loaded");
	path_to(path, "module/vfio_pci/parameters/enable_sriov");
	if (ret == 0)
		ret = add_line(dev, "vfio-pci.enable_sriov", path);
	path_to(path, "kernel/iommu_groups");
	if (ret == 0)
		ret = snap_add(dev, "iommu", names_in(path, list) && list[0] ? "on" : "off");
	return ret < 0 ? vfp_err_set(err, ret, "out of memory") : 0;
}

/* An address or an interface's name as the address that sysfs has; -ENODEV. */
static int
find(const char *name, char pci[VFP_BDF_TEXT], struct vfp_err *err)
{
	char path[PATH_MAX], real[PATH_MAX], *last;

	if (vfp_bdf_normalise(name, name, pci, NULL) < 0) {
		path_to(path, "class/net/%s/device", name);
		if (strchr(name, '/') || !realpath(path, real))
			return vfp_err_set(err, -ENODEV,
				"%s is neither a PCI address (03:10.1) nor an interface of a PCI "
				"device here; bind_vfio.sh status lists them", name);
		/* virtio puts a device of its own between the interface and PCI. */
		while ((last = strrchr(real, '/')) != NULL &&
			vfp_bdf_normalise(last + 1, name, pci, NULL) < 0)
			*last = '\0';
		if (!last)
			return vfp_err_set(err, -ENODEV, "%s is no PCI device's", name);
	}
	path_to(path, "bus/pci/devices/%s", pci);
	if (access(path, F_OK) < 0)
		return vfp_err_set(err, -ENODEV,
			"there is no PCI device %s; bind_vfio.sh status lists them", pci);
	return 0;
}

int
snap_take(struct snap *s, const char *name, struct vfp_err *err)
{
	char pci[VFP_BDF_TEXT], vfs[LIST_MAX] = "", *rest = vfs, *vf;
	const char *text;
	int ret = find(name, pci, err);

	if (ret == 0)
		ret = add_host(s, err);
	if (ret == 0)
		ret = add_device(s, pci, err);
	if (ret < 0)
		return ret;
	text = snap_get(snap_dev(s, pci), "vfs");
	if (text)
		strlcpy(vfs, text, sizeof(vfs));
	while (ret == 0 && (vf = strsep(&rest, " ")) != NULL && vf[0])
		ret = add_device(s, vf, err);
	return ret;
}

int
snap_take_all(struct snap *s, struct vfp_err *err)
{
	char path[PATH_MAX], class[16], driver[64];
	struct dirent **all;
	int n, ret = add_host(s, err);

	path_to(path, "bus/pci/devices");
	n = scandir(path, &all, no_dots, by_name);
	if (n < 0)
		return vfp_err_set(err, -errno, "%s: %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		bool wanted;

		path_to(path, "bus/pci/devices/%s/class", all[i]->d_name);
		wanted = line_of(path, class, sizeof(class)) && strncmp(class, "0x02", 4) == 0;
		path_to(path, "bus/pci/devices/%s/driver", all[i]->d_name);
		wanted |= end_of(path, driver, sizeof(driver)) && strcmp(driver, "vfio-pci") == 0;
		if (ret == 0 && wanted)
			ret = add_device(s, all[i]->d_name, err);
		free(all[i]);
	}
	free(all);
	return ret;
}
