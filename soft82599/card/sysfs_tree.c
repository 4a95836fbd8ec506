/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tree:
 *	/pci/devices/BDF/...		attributes, driver, iommu_group, physfn, virtfnN
 *	/pci/drivers/DRIVER/...		bind, unbind, new_id, remove_id, BDF
 *	/pci/drivers_probe ...
 *	/iommu_groups/N/devices/BDF
 *	/module/vfio_pci ...		folders that say: loaded
 * In a kernel's /sys/bus/pci/devices the entries are links to /sys/devices; here they are
 * folders. All links are relative, and right once the two branches lie in /sys/bus/pci and in
 * /sys/kernel/iommu_groups.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs.h"

#define CFG_BYTES	4096
/* Where a BIOS might have put the BARs; nothing lies there. MSI-X is in BAR 3. */
#define PF_BAR0		0xf0000000ull
#define PF_BAR3		0xf0020000ull
#define VF_BAR0		0xf1000000ull
#define VF_BAR3		0xf1100000ull
#define MSIX_BAR	0x4000u
#define FLAGS_MEM64	0x140204ull	/* IORESOURCE_MEM | SIZEALIGN | MEM_64 | type bits */

const char *const sysfs_drivers[SYSFS_DRIVERS] = {
	[S82_DRV_NONE] = "", [S82_DRV_VFIO] = "vfio-pci",
	[S82_DRV_IXGBE] = "ixgbe", [S82_DRV_IXGBEVF] = "ixgbevf",
};

static char *
bdf_of(const struct sysfs *s, unsigned int func, char *buf)
{
	unsigned int bdf = s->st->func[func].bdf;

	sprintf(buf, "%04x:%02x:%02x.%x", s->st->pci_domain, bdf >> 8, (bdf >> 3) & 0x1f, bdf & 7);
	return buf;
}

int
sysfs_func(const struct sysfs *s, const char *bdf)
{
	char name[16];

	for (unsigned int f = 0; f < S82_FUNCS; f++) {
		if (s->st->func[f].present && strcmp(bdf_of(s, f, name), bdf) == 0)
			return f;
	}
	return -1;
}

/* ---- attributes ---- */

static int
show_vendor(struct sysfs *s, unsigned int func, char *buf)
{
	(void)s, (void)func;
	return sprintf(buf, "0x%04x\n", SYSFS_VENDOR);
}

static int
show_device(struct sysfs *s, unsigned int func, char *buf)
{
	(void)s;
	return sprintf(buf, "0x%04x\n", sysfs_device(func));
}

static int
show_subvendor(struct sysfs *s, unsigned int func, char *buf)
{
	(void)s, (void)func;
	return sprintf(buf, "0x%04x\n", S82_SUBVENDOR);
}

static int
show_subdevice(struct sysfs *s, unsigned int func, char *buf)
{
	(void)s, (void)func;
	return sprintf(buf, "0x%04x\n", S82_SUBDEVICE);
}

static int
show_revision(struct sysfs *s, unsigned int func, char *buf)
{
	(void)s, (void)func;
	return sprintf(buf, "0x01\n");
}

static int
show_class(struct sysfs *s, unsigned int func, char *buf)
{
	(void)s, (void)func;
	return sprintf(buf, "0x020000\n");
}

static int
show_modalias(struct sysfs *s, unsigned int func, char *buf)
{
	(void)s;
	return sprintf(buf, "pci:v%08Xd%08Xsv%08Xsd%08Xbc02sc00i00\n", SYSFS_VENDOR,
		sysfs_device(func), S82_SUBVENDOR, S82_SUBDEVICE);
}

static int
show_uevent(struct sysfs *s, unsigned int func, char *buf)
{
	unsigned int driver = s->st->func[func].driver;
	char bdf[16];
	int n = 0;

	if (driver != S82_DRV_NONE)
		n = sprintf(buf, "DRIVER=%s\n", sysfs_drivers[driver]);
	n += sprintf(buf + n, "PCI_CLASS=20000\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\n"
		"PCI_SLOT_NAME=%s\nMODALIAS=", SYSFS_VENDOR, sysfs_device(func), S82_SUBVENDOR,
		S82_SUBDEVICE, bdf_of(s, func, bdf));
	return n + show_modalias(s, func, buf + n);
}

static int
resource_line(char *buf, uint64_t start, uint64_t size)
{
	return sprintf(buf, "0x%016llx 0x%016llx 0x%016llx\n", (unsigned long long)start,
		size == 0 ? 0ull : (unsigned long long)(start + size - 1),
		size == 0 ? 0ull : FLAGS_MEM64);
}

/* 6 BARs, the ROM and, of a PF, the 6 BARs that its VFs share. */
static int
show_resource(struct sysfs *s, unsigned int func, char *buf)
{
	bool pf = func == S82_PF;
	int n = 0;

	for (unsigned int bar = 0; bar < (pf ? 13 : 7); bar++) {
		uint64_t start = 0, size = 0;

		if (bar == 0) {
			size = pf ? S82_PF_BAR0 : S82_VF_BAR0;
			start = pf ? PF_BAR0 : VF_BAR0 + func * size;
		} else if (bar == 3) {
			size = MSIX_BAR;
			start = pf ? PF_BAR3 : VF_BAR3 + func * size;
		} else if (pf && bar == 7 && s->st->num_vfs > 0) {
			size = (uint64_t)S82_VF_BAR0 * 64;
			start = VF_BAR0;
		} else if (pf && bar == 10 && s->st->num_vfs > 0) {
			size = (uint64_t)MSIX_BAR * 64;
			start = VF_BAR3;
		}
		n += resource_line(buf + n, start, size);
	}
	return n;
}

static int
show_numa_node(struct sysfs *s, unsigned int func, char *buf)
{
	(void)s, (void)func;
	return sprintf(buf, "-1\n");
}

static int
show_link_speed(struct sysfs *s, unsigned int func, char *buf)
{
	(void)s, (void)func;
	return sprintf(buf, "5.0 GT/s PCIe\n");
}

static int
show_link_width(struct sysfs *s, unsigned int func, char *buf)
{
	(void)s, (void)func;
	return sprintf(buf, "8\n");
}

static int
show_zero(struct sysfs *s, unsigned int index, char *buf)
{
	(void)s, (void)index;
	return sprintf(buf, "0\n");
}

static int
show_dma_bits(struct sysfs *s, unsigned int func, char *buf)
{
	(void)s, (void)func;
	return sprintf(buf, "64\n");
}

/* A driver enables its device. */
static int
show_enable(struct sysfs *s, unsigned int func, char *buf)
{
	return sprintf(buf, "%d\n", s->st->func[func].driver != S82_DRV_NONE);
}

static int
show_power_state(struct sysfs *s, unsigned int func, char *buf)
{
	(void)s, (void)func;
	return sprintf(buf, "D0\n");
}

static int
show_reset_method(struct sysfs *s, unsigned int func, char *buf)
{
	(void)s, (void)func;
	return sprintf(buf, "flr\n");
}

static int
show_driver_override(struct sysfs *s, unsigned int func, char *buf)
{
	const char *name = s->driver_override[func];

	return snprintf(buf, SYSFS_VALUE, "%s\n", name == NULL ? "(null)" : name);
}

static int
show_numvfs(struct sysfs *s, unsigned int func, char *buf)
{
	(void)func;
	return sprintf(buf, "%u\n", sysfs_vfs(s));
}

/* The card has 64; a driver may lower it (pci_sriov_set_totalvfs), as --vfs does. */
static int
show_totalvfs(struct sysfs *s, unsigned int func, char *buf)
{
	(void)func;
	return sprintf(buf, "%u\n", s->st->num_vfs);
}

static int
show_vf_offset(struct sysfs *s, unsigned int func, char *buf)
{
	(void)func;
	return sprintf(buf, "%u\n", s->st->vf_offset);
}

static int
show_vf_stride(struct sysfs *s, unsigned int func, char *buf)
{
	(void)func;
	return sprintf(buf, "%u\n", s->st->vf_stride);
}

static int
show_vf_device(struct sysfs *s, unsigned int func, char *buf)
{
	(void)s, (void)func;
	return sprintf(buf, "%x\n", SYSFS_DEVICE_VF);
}

static int
show_vf_autoprobe(struct sysfs *s, unsigned int func, char *buf)
{
	(void)func;
	return sprintf(buf, "%d\n", s->vf_autoprobe);
}

int
sysfs_read_bool(const char *value, bool *result)
{
	switch (*value) {
	case 'y': case 'Y': case '1':
		*result = true;
		return 0;
	case 'n': case 'N': case '0':
		*result = false;
		return 0;
	}
	return -EINVAL;
}

static int
store_vf_autoprobe(struct sysfs *s, unsigned int func, const char *value)
{
	(void)func;
	return sysfs_read_bool(value, &s->vf_autoprobe);
}

static int
show_drivers_autoprobe(struct sysfs *s, unsigned int index, char *buf)
{
	(void)index;
	return sprintf(buf, "%d\n", s->drivers_autoprobe);
}

static int
store_drivers_autoprobe(struct sysfs *s, unsigned int index, const char *value)
{
	(void)index;
	s->drivers_autoprobe = *value != '0';	/* bus.c: nothing but '0' turns it off */
	return 0;
}

/* A rescan finds nothing new; an event goes nowhere. */
static int
store_nothing(struct sysfs *s, unsigned int index, const char *value)
{
	(void)s, (void)index, (void)value;
	return 0;
}

static int
show_group_type(struct sysfs *s, unsigned int group, char *buf)
{
	(void)s, (void)group;
	return sprintf(buf, "DMA\n");
}

/* VFs may be made while the PF is on vfio-pci. */
static int
show_enable_sriov(struct sysfs *s, unsigned int index, char *buf)
{
	(void)index;
	return sprintf(buf, "%c\n", s->enable_sriov ? 'Y' : 'N');
}

static int
show_nothing(struct sysfs *s, unsigned int index, char *buf)
{
	(void)s, (void)index, (void)buf;
	return 0;
}

/* Read as bytes, not as text: see sysfs_read(). */
static const struct sysfs_attr config = { "config", 0644, SYSFS_ON_DEV, NULL, NULL };

static const struct sysfs_attr attrs[] = {
	{ "vendor", 0444, SYSFS_ON_DEV, show_vendor, NULL },
	{ "device", 0444, SYSFS_ON_DEV, show_device, NULL },
	{ "subsystem_vendor", 0444, SYSFS_ON_DEV, show_subvendor, NULL },
	{ "subsystem_device", 0444, SYSFS_ON_DEV, show_subdevice, NULL },
	{ "revision", 0444, SYSFS_ON_DEV, show_revision, NULL },
	{ "class", 0444, SYSFS_ON_DEV, show_class, NULL },
	{ "modalias", 0444, SYSFS_ON_DEV, show_modalias, NULL },
	{ "uevent", 0644, SYSFS_ON_DEV, show_uevent, store_nothing },
	{ "resource", 0444, SYSFS_ON_DEV, show_resource, NULL },
	{ "numa_node", 0444, SYSFS_ON_DEV, show_numa_node, NULL },
	{ "max_link_speed", 0444, SYSFS_ON_DEV, show_link_speed, NULL },
	{ "max_link_width", 0444, SYSFS_ON_DEV, show_link_width, NULL },
	{ "current_link_speed", 0444, SYSFS_ON_DEV, show_link_speed, NULL },
	{ "current_link_width", 0444, SYSFS_ON_DEV, show_link_width, NULL },
	{ "irq", 0444, SYSFS_ON_DEV, show_zero, NULL },
	{ "enable", 0444, SYSFS_ON_DEV, show_enable, NULL },
	{ "dma_mask_bits", 0444, SYSFS_ON_DEV, show_dma_bits, NULL },
	{ "consistent_dma_mask_bits", 0444, SYSFS_ON_DEV, show_dma_bits, NULL },
	{ "broken_parity_status", 0444, SYSFS_ON_DEV, show_zero, NULL },
	{ "ari_enabled", 0444, SYSFS_ON_DEV, show_zero, NULL },
	{ "power_state", 0444, SYSFS_ON_DEV, show_power_state, NULL },
	{ "driver_override", 0644, SYSFS_ON_DEV, show_driver_override,
		sysfs_store_driver_override },
	{ "reset", 0200, SYSFS_ON_DEV, NULL, sysfs_store_reset },
	{ "reset_method", 0444, SYSFS_ON_DEV, show_reset_method, NULL },
	{ "rescan", 0200, SYSFS_ON_DEV, NULL, store_nothing },
	{ "sriov_numvfs", 0644, SYSFS_ON_PF, show_numvfs, sysfs_store_numvfs },
	{ "sriov_totalvfs", 0444, SYSFS_ON_PF, show_totalvfs, NULL },
	{ "sriov_offset", 0444, SYSFS_ON_PF, show_vf_offset, NULL },
	{ "sriov_stride", 0444, SYSFS_ON_PF, show_vf_stride, NULL },
	{ "sriov_vf_device", 0444, SYSFS_ON_PF, show_vf_device, NULL },
	{ "sriov_drivers_autoprobe", 0644, SYSFS_ON_PF, show_vf_autoprobe, store_vf_autoprobe },
	{ "bind", 0200, SYSFS_ON_DRIVER, NULL, sysfs_store_bind },
	{ "unbind", 0200, SYSFS_ON_DRIVER, NULL, sysfs_store_unbind },
	{ "new_id", 0200, SYSFS_ON_DRIVER, NULL, sysfs_store_new_id },
	{ "remove_id", 0200, SYSFS_ON_DRIVER, NULL, sysfs_store_remove_id },
	{ "uevent", 0200, SYSFS_ON_DRIVER | SYSFS_ON_BUS, NULL, store_nothing },
	{ "drivers_probe", 0200, SYSFS_ON_BUS, NULL, sysfs_store_drivers_probe },
	{ "drivers_autoprobe", 0644, SYSFS_ON_BUS, show_drivers_autoprobe,
		store_drivers_autoprobe },
	{ "rescan", 0200, SYSFS_ON_BUS, NULL, store_nothing },
	{ "type", 0444, SYSFS_ON_GROUP, show_group_type, NULL },
	{ "enable_sriov", 0644, SYSFS_ON_MODULE, show_enable_sriov, sysfs_store_enable_sriov },
	{ "reserved_regions", 0444, SYSFS_ON_GROUP, show_nothing, NULL },
};

#define ATTRS	(sizeof(attrs) / sizeof(attrs[0]))

static int
find_attr(struct sysfs_node *node, unsigned int where, const char *name)
{
	node->type = SYSFS_FILE;
	if ((where & SYSFS_ON_DEV) != 0 && strcmp(name, config.name) == 0) {
		node->attr = &config;
		return 0;
	}
	for (unsigned int i = 0; i < ATTRS; i++) {
		if ((attrs[i].where & where) != 0 && strcmp(attrs[i].name, name) == 0) {
			node->attr = &attrs[i];
			return 0;
		}
	}
	return -ENOENT;
}

static void
list_attrs(unsigned int where, void (*found)(void *arg, const char *name), void *arg)
{
	for (unsigned int i = 0; i < ATTRS; i++) {
		if ((attrs[i].where & where) != 0)
			found(arg, attrs[i].name);
	}
}

/* ---- paths ---- */

/* The links of a device. */
static int
find_device_link(struct sysfs *s, unsigned int func, const char *name, struct sysfs_node *node)
{
	const struct s82_func *f = &s->st->func[func];
	char bdf[16], want[24];

	node->type = SYSFS_LINK;
	if (strcmp(name, "driver") == 0 && f->driver != S82_DRV_NONE) {
		sprintf(node->target, "../../drivers/%s", sysfs_drivers[f->driver]);
		return 0;
	}
	if (strcmp(name, "iommu_group") == 0) {
		sprintf(node->target, "../../../../kernel/iommu_groups/%u", f->group);
		return 0;
	}
	if (strcmp(name, "subsystem") == 0) {
		strcpy(node->target, "../../../../bus/pci");
		return 0;
	}
	if (strcmp(name, "physfn") == 0 && func != S82_PF) {
		sprintf(node->target, "../%s", bdf_of(s, S82_PF, bdf));
		return 0;
	}
	for (unsigned int v = 0; func == S82_PF && v < s->st->num_vfs; v++) {
		sprintf(want, "virtfn%u", v);
		if (s->st->func[v].present && strcmp(name, want) == 0) {
			sprintf(node->target, "../%s", bdf_of(s, v, bdf));
			return 0;
		}
	}
	return -ENOENT;
}

static void
list_device(struct sysfs *s, unsigned int func, void (*found)(void *arg, const char *name),
	void *arg)
{
	char name[24];

	list_attrs(func == S82_PF ? SYSFS_ON_PF : SYSFS_ON_VF, found, arg);
	found(arg, config.name);
	found(arg, "iommu_group");
	found(arg, "subsystem");
	if (s->st->func[func].driver != S82_DRV_NONE)
		found(arg, "driver");
	if (func != S82_PF)
		found(arg, "physfn");
	for (unsigned int v = 0; func == S82_PF && v < s->st->num_vfs; v++) {
		if (s->st->func[v].present) {
			sprintf(name, "virtfn%u", v);
			found(arg, name);
		}
	}
}

static int
driver_of(const char *name)
{
	for (unsigned int d = S82_DRV_VFIO; d < SYSFS_DRIVERS; d++) {
		if (strcmp(name, sysfs_drivers[d]) == 0)
			return d;
	}
	return -1;
}

/* The group of that number, or -1 if no function is in it. */
static int
group_of(struct sysfs *s, const char *name)
{
	char *end;
	unsigned long n = strtoul(name, &end, 10);

	for (unsigned int f = 0; *name != '\0' && *end == '\0' && f < S82_FUNCS; f++) {
		if (s->st->func[f].present && s->st->func[f].group == n)
			return n;
	}
	return -1;
}

/* A path cut at its slashes. */
struct parts {
	unsigned int n;
	char *part[8];
	char text[256];
};

static int
cut(struct parts *p, const char *path)
{
	char *save, *word;

	p->n = 0;
	if (strlen(path) >= sizeof(p->text))
		return -ENOENT;
	strcpy(p->text, path);
	for (word = strtok_r(p->text, "/", &save); word != NULL;
			word = strtok_r(NULL, "/", &save)) {
		if (p->n == sizeof(p->part) / sizeof(p->part[0]))
			return -ENOENT;
		p->part[p->n++] = word;
	}
	return 0;
}

static int
lookup_device(struct sysfs *s, const struct parts *p, struct sysfs_node *node)
{
	int func = sysfs_func(s, p->part[2]);

	if (func < 0 || p->n > 4)
		return -ENOENT;
	node->index = func;
	if (p->n == 3)
		return 0;
	if (find_device_link(s, func, p->part[3], node) == 0)
		return 0;
	return find_attr(node, func == S82_PF ? SYSFS_ON_PF : SYSFS_ON_VF, p->part[3]);
}

static int
lookup_driver(struct sysfs *s, const struct parts *p, struct sysfs_node *node)
{
	int driver = driver_of(p->part[2]), func;

	if (driver < 0 || p->n > 4)
		return -ENOENT;
	node->index = driver;
	if (p->n == 3)
		return 0;
	func = sysfs_func(s, p->part[3]);
	if (func >= 0 && s->st->func[func].driver == (unsigned int)driver) {
		node->type = SYSFS_LINK;
		snprintf(node->target, sizeof(node->target), "../../devices/%.16s", p->part[3]);
		return 0;
	}
	return find_attr(node, SYSFS_ON_DRIVER, p->part[3]);
}

static int
lookup_pci(struct sysfs *s, const struct parts *p, struct sysfs_node *node)
{
	bool devices, drivers;

	if (p->n == 1)
		return 0;
	devices = strcmp(p->part[1], "devices") == 0;
	drivers = strcmp(p->part[1], "drivers") == 0;
	if (p->n == 2 && (devices || drivers || strcmp(p->part[1], "slots") == 0))
		return 0;
	if (p->n == 2)
		return find_attr(node, SYSFS_ON_BUS, p->part[1]);
	return devices ? lookup_device(s, p, node) : drivers ? lookup_driver(s, p, node) :
		-ENOENT;
}

static int
lookup_group(struct sysfs *s, const struct parts *p, struct sysfs_node *node)
{
	int group, func;

	if (p->n == 1)
		return 0;
	group = group_of(s, p->part[1]);
	if (group < 0 || p->n > 4)
		return -ENOENT;
	node->index = group;
	if (p->n == 2 || (p->n == 3 && strcmp(p->part[2], "devices") == 0))
		return 0;
	if (p->n == 3)
		return find_attr(node, SYSFS_ON_GROUP, p->part[2]);
	func = sysfs_func(s, p->part[3]);
	if (strcmp(p->part[2], "devices") != 0 || func < 0 ||
			s->st->func[func].group != (unsigned int)group)
		return -ENOENT;
	node->type = SYSFS_LINK;
	snprintf(node->target, sizeof(node->target), "../../../../bus/pci/devices/%.16s",
		p->part[3]);
	return 0;
}

/* Those of the drivers, and what they need. */
static const char *const modules[] = {
	"vfio_pci", "vfio", "vfio_iommu_type1", "ixgbe", "ixgbevf",
};

#define MODULES	(sizeof(modules) / sizeof(modules[0]))

/* /module/NAME; vfio_pci has a folder "parameters" */
static int
lookup_module(const struct parts *p, struct sysfs_node *node)
{
	unsigned int i = 0;

	if (p->n == 1)
		return 0;
	while (i < MODULES && strcmp(p->part[1], modules[i]) != 0)
		i++;
	if (i == MODULES || (p->n > 2 && (i != 0 || strcmp(p->part[2], "parameters") != 0)))
		return -ENOENT;
	return p->n <= 3 ? 0 : p->n == 4 ? find_attr(node, SYSFS_ON_MODULE, p->part[3]) :
		-ENOENT;
}

static void
list_module(const struct parts *p, void (*found)(void *arg, const char *name), void *arg)
{
	for (unsigned int i = 0; p->n == 1 && i < MODULES; i++)
		found(arg, modules[i]);
	if (p->n == 2 && strcmp(p->part[1], modules[0]) == 0)
		found(arg, "parameters");
	if (p->n == 3)
		list_attrs(SYSFS_ON_MODULE, found, arg);
}

int
sysfs_lookup(struct sysfs *s, const char *path, struct sysfs_node *node)
{
	struct parts p;

	memset(node, 0, sizeof(*node));
	node->type = SYSFS_DIR;
	if (cut(&p, path) != 0)
		return -ENOENT;
	if (p.n == 0)
		return 0;
	if (strcmp(p.part[0], "pci") == 0)
		return lookup_pci(s, &p, node);
	if (strcmp(p.part[0], "iommu_groups") == 0)
		return lookup_group(s, &p, node);
	return strcmp(p.part[0], "module") == 0 ? lookup_module(&p, node) : -ENOENT;
}

/* The functions that a filter lets through, by BDF. */
static void
list_funcs(struct sysfs *s, int driver, int group, void (*found)(void *arg, const char *name),
	void *arg)
{
	char bdf[16];

	for (unsigned int f = 0; f < S82_FUNCS; f++) {
		if (s->st->func[f].present &&
				(driver < 0 || s->st->func[f].driver == (unsigned int)driver) &&
				(group < 0 || s->st->func[f].group == (unsigned int)group))
			found(arg, bdf_of(s, f, bdf));
	}
}

static void
list_pci(struct sysfs *s, const struct parts *p, const struct sysfs_node *node,
	void (*found)(void *arg, const char *name), void *arg)
{
	if (p->n == 1) {
		found(arg, "devices");
		found(arg, "drivers");
		found(arg, "slots");
		list_attrs(SYSFS_ON_BUS, found, arg);
	} else if (p->n == 2 && strcmp(p->part[1], "devices") == 0) {
		list_funcs(s, -1, -1, found, arg);
	} else if (p->n == 2 && strcmp(p->part[1], "drivers") == 0) {
		for (unsigned int d = S82_DRV_VFIO; d < SYSFS_DRIVERS; d++)
			found(arg, sysfs_drivers[d]);
	} else if (p->n == 3 && strcmp(p->part[1], "devices") == 0) {
		list_device(s, node->index, found, arg);
	} else if (p->n == 3 && strcmp(p->part[1], "drivers") == 0) {
		list_attrs(SYSFS_ON_DRIVER, found, arg);
		list_funcs(s, node->index, -1, found, arg);
	}
}

static void
list_groups(struct sysfs *s, const struct parts *p, const struct sysfs_node *node,
	void (*found)(void *arg, const char *name), void *arg)
{
	bool seen[S82_FUNCS + 1] = { false };
	char name[16];

	if (p->n == 2) {
		found(arg, "devices");
		list_attrs(SYSFS_ON_GROUP, found, arg);
	} else if (p->n == 3) {
		list_funcs(s, -1, node->index, found, arg);
	}
	for (unsigned int f = 0; p->n == 1 && f < S82_FUNCS; f++) {
		unsigned int group = s->st->func[f].group;

		/* several functions may share a group; numbers are small, but be sure */
		if (!s->st->func[f].present || (group <= S82_FUNCS && seen[group]))
			continue;
		if (group <= S82_FUNCS)
			seen[group] = true;
		sprintf(name, "%u", group);
		found(arg, name);
	}
}

int
sysfs_list(struct sysfs *s, const char *path, void (*found)(void *arg, const char *name),
	void *arg)
{
	struct sysfs_node node;
	struct parts p;
	int err = sysfs_lookup(s, path, &node);

	if (err != 0)
		return err;
	if (node.type != SYSFS_DIR)
		return -ENOTDIR;
	cut(&p, path);
	if (p.n == 0) {
		found(arg, "pci");
		found(arg, "iommu_groups");
		found(arg, "module");
	} else if (strcmp(p.part[0], "module") == 0) {
		list_module(&p, found, arg);
	} else if (strcmp(p.part[0], "pci") == 0) {
		list_pci(s, &p, &node, found, arg);
	} else {
		list_groups(s, &p, &node, found, arg);
	}
	return 0;
}

/* ---- contents ---- */

size_t
sysfs_size(const struct sysfs_node *node)
{
	return node->type == SYSFS_LINK ? strlen(node->target) : SYSFS_VALUE;
}

ssize_t
sysfs_read(struct sysfs *s, const struct sysfs_node *node, char *buf, size_t size, off_t off)
{
	char text[SYSFS_VALUE];
	int n, err;

	if (node->attr == &config) {
		if (off >= CFG_BYTES)
			return 0;
		if (size > (size_t)(CFG_BYTES - off))
			size = CFG_BYTES - off;
		err = s82_cfg_read(s->ctx, node->index, off, buf, size);
		return err < 0 ? err : (ssize_t)size;
	}
	if (node->attr->show == NULL)
		return -EIO;
	n = node->attr->show(s, node->index, text);
	if (n < 0 || off >= n)
		return n < 0 ? n : 0;
	if (size > (size_t)(n - off))
		size = n - off;
	memcpy(buf, text + off, size);
	return size;
}

ssize_t
sysfs_write(struct sysfs *s, const struct sysfs_node *node, const char *buf, size_t size,
	off_t off)
{
	char value[SYSFS_VALUE + 1];
	int err;

	if (node->attr == &config) {
		if (off >= CFG_BYTES || size > (size_t)(CFG_BYTES - off))
			return -EFBIG;
		err = s82_cfg_write(s->ctx, node->index, off, buf, size);
		return err < 0 ? err : (ssize_t)size;
	}
	if (node->attr->store == NULL)
		return -EIO;
	if (size > SYSFS_VALUE)
		size = SYSFS_VALUE;	/* kernfs cuts at a page */
	memcpy(value, buf, size);
	value[size] = '\0';
	value[strcspn(value, "\n")] = '\0';
	err = node->attr->store(s, node->index, value);
	return err < 0 ? err : (ssize_t)size;
}
