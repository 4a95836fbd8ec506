/* SPDX-License-Identifier: BSD-3-Clause */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include <vfp_parse.h>

#include "pci.h"

#define SOFT_VENDOR 0x5f82
#define SOFT_DEVICE 0x0599

static void
path_of(char path[PATH_MAX], const char *bdf, const char *file)
{
	const char *root = getenv("SYSFS_PCI_DEVICES");

	snprintf(path, PATH_MAX, "%s/%s/%s", root ? root : "/sys/bus/pci/devices", bdf, file);
}

static int
link_name(const char *bdf, const char *file, char *name, size_t len)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t n;

	path_of(path, bdf, file);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	strlcpy(name, basename(target), len);
	return 0;
}

bool
pci_exists(const char *bdf)
{
	char path[PATH_MAX];

	path_of(path, bdf, "vendor");
	return access(path, R_OK) == 0;
}

int
pci_vf_of(const char *pf, unsigned int n, char bdf[16])
{
	char file[24], name[32];
	int ret;

	snprintf(file, sizeof(file), "virtfn%u", n);
	ret = link_name(pf, file, name, sizeof(name));
	if (ret < 0)
		return ret;
	return vfp_bdf_normalise(name, file, bdf, NULL);
}

unsigned int
pci_vf_count(const char *pf)
{
	unsigned int n = 0;
	char bdf[16];

	while (n < 256 && pci_vf_of(pf, n, bdf) == 0)
		n++;
	return n;
}

int
pci_pf_of(const char *vf, char pf[16], unsigned int *n)
{
	char name[32], bdf[16];
	int ret = link_name(vf, "physfn", name, sizeof(name));

	if (ret < 0)
		return ret;
	ret = vfp_bdf_normalise(name, "physfn", pf, NULL);
	if (ret < 0)
		return ret;
	for (*n = 0; *n < 256; (*n)++) {
		if (pci_vf_of(pf, *n, bdf) < 0)
			return -ENOENT;
		if (strcmp(bdf, vf) == 0)
			return 0;
	}
	return -ENOENT;
}

int
pci_read_number(const char *bdf, const char *file, unsigned long *value)
{
	char path[PATH_MAX], text[32], *end;
	FILE *f;
	int ret = 0;

	path_of(path, bdf, file);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (!fgets(text, sizeof(text), f)) {
		ret = -EIO;
	} else {
		*value = strtoul(text, &end, 0);
		if (end == text)
			ret = -EINVAL;
	}
	fclose(f);
	return ret;
}

static int
status_word(const char *bdf, int flags, uint16_t *status)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd, ret = 0;

	path_of(path, bdf, "config");
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = flags == O_RDONLY ? pread(fd, status, sizeof(*status), PCI_STATUS)
			      : pwrite(fd, status, sizeof(*status), PCI_STATUS);
	if (n != sizeof(*status))
		ret = n < 0 ? -errno : -EIO;
	close(fd);
	return ret;
}

int
pci_status(const char *bdf, uint16_t *status)
{
	uint16_t raw;
	int ret = status_word(bdf, O_RDONLY, &raw);

	if (ret < 0)
		return ret;
	*status = le16toh(raw);
	return *status == UINT16_MAX ? -ENODEV : 0;
}

int
pci_status_clear(const char *bdf, uint16_t bits)
{
	uint16_t raw = htole16(bits);

	return status_word(bdf, O_WRONLY, &raw);
}

int
pci_is_software(const char *bdf)
{
	unsigned long vendor, device;
	int ret = pci_read_number(bdf, "subsystem_vendor", &vendor);

	if (ret == 0)
		ret = pci_read_number(bdf, "subsystem_device", &device);
	if (ret < 0)
		return ret;
	return vendor == SOFT_VENDOR && device == SOFT_DEVICE;
}

void
pci_driver(const char *bdf, char *driver, unsigned int len)
{
	if (link_name(bdf, "driver", driver, len) < 0)
		driver[0] = '\0';
}
