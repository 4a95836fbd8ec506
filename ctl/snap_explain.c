/* SPDX-License-Identifier: BSD-3-Clause */
/* What a difference means, in a sentence. Pure. */
#include <fnmatch.h>
#include <string.h>

#include <bsd/string.h>

#include "snap.h"

/* The two snapshots of a device, and the fact that differs. */
struct view {
	const struct snap_dev *was, *is;
	const char *key, *before, *after;
};

static void say(char text[SNAP_TEXT], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
say(char text[SNAP_TEXT], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, SNAP_TEXT, fmt, ap);
	va_end(ap);
}

static bool
is(const char *text, const char *what)
{
	return text && strcmp(text, what) == 0;
}

static void
driver(const struct view *v, char text[SNAP_TEXT])
{
	const char *group = snap_get(v->is, "iommu_group");

	if (is(v->after, "vfio-pci") && group)
		say(text, "a program or a VM may have it now, by /dev/vfio/%s; what %s made of "
			"it, interface and interrupts, went with that driver", group,
			is(v->before, "none") ? "a kernel driver" : v->before);
	else if (is(v->after, "vfio-pci"))
		say(text, "vfio-pci has it, but it is in no IOMMU group: nothing confines its DMA");
	else if (is(v->after, "none"))
		say(text, "no driver has it: no interface and no interrupts until one takes it");
	else if (is(v->before, "vfio-pci"))
		say(text, "back with a kernel driver, which makes the interface again; programs "
			"can no longer open it");
	else
		say(text, "%s makes the interface and takes the interrupts", v->after);
}

static void
override(const struct view *v, char text[SNAP_TEXT])
{
	if (!v->after || v->after[0] == '(' || v->after[0] == '\0')
		say(text, "any driver that knows its id may take it again");
	else
		say(text, "only %s is offered this one device, whatever its id says; others of "
			"its kind are left alone, as with new_id and ids= they are not", v->after);
}

static void
vfs(const struct view *v, char text[SNAP_TEXT])
{
	if (!v->after)
		say(text, "the PF's VFs are gone, with their drivers and interfaces");
	else if (!v->before)
		say(text, "VFs came; each is a PCI device of its own, at the PF's address + "
			"offset + n x stride");
	else
		say(text, "another number of VFs: the kernel took all away before it made these");
}

static void
device(const struct view *v, char text[SNAP_TEXT])
{
	const struct snap_dev *dev = v->is ? v->is : v->was;
	const char *pf = snap_get(dev, "physfn");
	const char *drv = snap_get(dev, "driver"), *group = snap_get(dev, "iommu_group");

	if (!v->is)
		say(text, "%s", pf ? "this VF is gone: its PF has fewer, or none"
				   : "no such device any more: pulled out, or not looked at");
	else if (pf)
		say(text, "a VF of %s came, on driver %s, in IOMMU group %s: adding device to "
			"group in the log is this", pf, drv ? drv : "none", group ? group : "none");
	else
		say(text, "a device came, on driver %s: plugged in, or not looked at before",
			drv ? drv : "none");
}

static void
interface(const struct view *v, char text[SNAP_TEXT])
{
	const char *name = v->key + 4;
	const char *drv = snap_get(v->after ? v->is : v->was, "driver");

	if (!v->after)
		say(text, "interface %s was %s's and went with it; its address %s stays with the "
			"device, or comes anew if nobody assigned one", name,
			drv ? drv : "the driver",
			v->before);
	else if (!v->before)
		say(text, "interface %s came with its driver %s, with address %s", name,
			drv ? drv : "none", v->after);
	else
		say(text, "another address: a VF without an administrator's gets a random one at "
			"each start of its driver; assign it: ip link set dev PF vf N mac ADDRESS");
}

static unsigned int
words(const char *list)
{
	unsigned int n = list && list[0];

	for (; list && *list; list++)
		n += *list == ' ';
	return n;
}

static void
vectors(const struct view *v, char text[SNAP_TEXT])
{
	if (!v->after)
		say(text, "its driver freed its %u interrupt vectors when it let go; vfio-pci "
			"takes some only when a program asks", words(v->before));
	else if (!v->before)
		say(text, "a driver took %u interrupt vectors: one a queue and one for the rest, "
			"or one for the mailbox alone", words(v->after));
	else
		say(text, "%u vectors became %u: a driver started anew, perhaps with other "
			"queues; the kernel numbers them afresh", words(v->before),
			words(v->after));
}

static void
group(const struct view *v, char text[SNAP_TEXT])
{
	if (!v->before)
		say(text, "the IOMMU confines its DMA now; VFIO opens the group as /dev/vfio/%s",
			v->after);
	else if (!v->after)
		say(text, "it is in no IOMMU group: nothing confines its DMA, and VFIO refuses it");
	else
		say(text, "group numbers are given when a device comes: made anew, it got another");
}

static void
group_type(const struct view *v, char text[SNAP_TEXT])
{
	if (v->after && strncmp(v->after, "identity", 8) == 0)
		say(text, "uses identity mapping in the log: kernel drivers see physical "
			"addresses (iommu=pt); VFIO still confines what a program has");
	else
		say(text, "the kernel maps each buffer for the device, which reaches nothing else");
}

/* Facts with one sentence for all changes, or one for coming and one for going. */
static const struct {
	const char *key; /* a star stands for any end */
	const char *came, *went;
	void (*say)(const struct view *v, char text[SNAP_TEXT]);
} rows[] = {
	{"device", NULL, NULL, device},
	{"driver", NULL, NULL, driver},
	{"driver_override", NULL, NULL, override},
	{"vfs", NULL, NULL, vfs},
	{"msi_irqs", NULL, NULL, vectors},
	{"iommu_group", NULL, NULL, group},
	{"iommu_group.type", NULL, NULL, group_type},
	{"net.*.state", "up means that somebody set it up (IFF_UP), not that there is a carrier",
		NULL, NULL},
	{"net.*.mtu", "the longest packet that the interface takes", NULL, NULL},
	{"net.*", NULL, NULL, interface},
	{"sriov_numvfs", "written by somebody; from one number to another it goes through 0", NULL,
		NULL},
	{"sriov_drivers_autoprobe", "whether a kernel driver is offered new VFs by itself", NULL,
		NULL},
	{"iommu_group.members", "what is in one group is confined together: all of it must leave "
		"the kernel's drivers before a program can open any", NULL, NULL},
	{"physfn", "it is a VF now", "it is no VF now", NULL},
	{"vfio-dev", "vfio-pci made the node for iommufd, /dev/vfio/devices",
		"vfio-pci let go, and its node in /dev/vfio/devices went", NULL},
	{"enable", "how often the kernel was told to enable it: a driver does that, and undoes "
		"it", NULL,
		NULL},
	{"irq", "its old-style interrupt (INTx), or the first vector", NULL, NULL},
	{"power_state", "vfio-pci puts a device that nobody has open to sleep (D3hot); it wakes "
		"when opened", NULL, NULL},
	{"power/runtime_status", "asleep while nobody uses it; it wakes when opened", NULL, NULL},
	{"reset_method", "how the kernel can reset it between two users", NULL, NULL},
	{"id", "another device sits at this address: these are two different cards", NULL, NULL},
	{"kernel", "another kernel: the machine was started anew in between", NULL, NULL},
	{"vfio-pci", "whether the module is loaded; VFIO is a container /dev/vfio/vfio, groups in "
		"it, devices in these", NULL, NULL},
	{"vfio-pci.enable_sriov", "whether a PF on vfio-pci may have VFs",
		"the module vfio-pci is not loaded any more", NULL},
	{"iommu", "off means that the firmware or the kernel's command line has it off", NULL,
		NULL},
	{"entry.ptp", "the NIC's clock for PTP, made by its driver",
		"the driver's PTP clock went", NULL},
	{"entry.hwmon", "the driver's temperature readings", "the driver's temperatures went",
		NULL},
	{"entry.resource*", "a window of its registers that can be mapped",
		"a window of its registers went", NULL},
	{"entry.*", "made by the kernel or its driver", "it went with what had made it", NULL},
	{"config", "its configuration space could be read in one of the snapshots only", NULL,
		NULL},
	{"*", "it changed; there is no sentence for this one", NULL, NULL},
};

const char *
snap_explain(const struct snap_dev *was, const struct snap_dev *is_now, const char *key,
	char text[SNAP_TEXT])
{
	const struct view v = {was, is_now, key, snap_get(was, key), snap_get(is_now, key)};
	size_t i = 0;

	while (fnmatch(rows[i].key, key, 0) != 0)
		i++;
	if (rows[i].say)
		rows[i].say(&v, text);
	else
		strlcpy(text, rows[i].went && (!is_now || (was && !v.after)) ? rows[i].went
			: rows[i].came, SNAP_TEXT);
	return text;
}
