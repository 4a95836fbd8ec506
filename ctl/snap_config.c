/* SPDX-License-Identifier: BSD-3-Clause */
/* The PCI configuration space, register by register: names and bits of PCI Local Bus 3.0 section 6
 * and PCI Express Base 3.0 section 7, as linux/pci_regs.h has them. Pure. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "snap.h"

#define SPACE 4096
#define EXT   0x1000 /* or'd to the id of an extended capability */

struct space {
	uint8_t byte[SPACE];
	unsigned int len;
};

struct bit {
	uint32_t mask;
	const char *on, *off;
};

struct reg {
	unsigned int cap; /* 0: the header */
	unsigned int offset, size;
	const char *name;
	const char *meaning; /* said where no bit says more */
	struct bit bits[6];
};

/* clang-format off */
static const struct reg regs[] = {
	{0, 0x04, 2, "COMMAND", "how the device may take part on the bus", {
		{0x0002, "it answers reads and writes of its registers: what the log calls "
			"enabling device",
			"it no longer answers reads and writes of its registers"},
		{0x0004, "it may do DMA (bus master)", "it may do no DMA (bus master off)"},
		{0x0001, "it answers I/O ports", "it no longer answers I/O ports"},
		{0x0400, "its INTx line is off: vectors are in use, or nobody listens",
			"its INTx line may be used"},
	}},
	{0, 0x06, 2, "STATUS", "error and interrupt bits; they stay until somebody clears them", {
		{0x0008, "an INTx interrupt waits", "no INTx interrupt waits"},
	}},
	{0, 0x0c, 1, "cache line size",
		"the kernel sets it when a driver enables the device", {{0}}},
	{0, 0x10, 24, "base addresses",
		"where its registers lie; of a VF they read 0, its PF has them", {{0}}},
	{0, 0x30, 4, "ROM address", "the expansion ROM moved or was switched", {{0}}},
	{0, 0x3c, 1, "interrupt line",
		"a note of the firmware's for INTx; vectors do not need it", {{0}}},
	{0x01, 4, 2, "power management", "power state and wake-up", {
		{0x0003, "it sleeps (D3hot): vfio-pci lets it while nobody has it open",
			"it is awake (D0)"},
		{0x0100, "it may wake the machine", "it may not wake the machine"},
	}},
	{0x05, 2, 2, "MSI control", "MSI vectors", {
		{0x0001, "MSI on: its driver took a vector", "MSI off: the vector was given back"},
	}},
	{0x11, 2, 2, "MSI-X control", "MSI-X vectors", {
		{0x8000, "MSI-X on: its driver took vectors",
			"MSI-X off: the vectors were given back"},
		{0x4000, "all vectors are masked", "its vectors are not masked"},
	}},
	{0x10, 8, 2, "PCIe device control", "payload sizes and ordering on the link", {
		{0x000f, "it reports errors to the root port", "it reports no errors"},
		{0x7000, "the largest read request changed", "the largest read request changed"},
	}},
	{0x10, 10, 2, "PCIe device status", "errors seen on the link since somebody cleared them", {
		{0x0020, "requests of its own are under way", "no request of its own is under way"},
		{0x000f, "the link saw an error, or a request that it does not support",
			"the error bits were cleared"},
	}},
	{0x10, 16, 2, "PCIe link control", "power saving of the link and its clock", {{0}}},
	{0x10, 18, 2, "PCIe link status", "speed or width of the link", {{0}}},
	{EXT | 0x01, 4, 44, "AER",
		"errors that were noticed, and which of them are reported", {{0}}},
	{EXT | 0x0e, 6, 2, "ARI control", "function numbers above 7, which VFs have", {{0}}},
	{EXT | 0x10, 8, 2, "SR-IOV control", "how the PF's VFs take part", {
		{0x0001, "its VFs are there", "its VFs are gone"},
		{0x0008, "its VFs answer reads and writes of their registers",
			"its VFs answer no longer"},
		{0x0010, "VFs may have function numbers above 7 (ARI)",
			"VFs have function numbers to 7 only"},
	}},
	{EXT | 0x10, 16, 2, "SR-IOV NumVFs", "how many VFs the PF has", {{0}}},
	{EXT | 0x10, 32, 28, "SR-IOV page size and addresses",
		"where the registers of all VFs lie", {{0}}},
};
/* clang-format on */

static const struct {
	unsigned int id;
	const char *name;
} caps[] = {{0x01, "power management"}, {0x03, "vital product data"}, {0x05, "MSI"},
	{0x09, "vendor specific"}, {0x10, "PCIe"}, {0x11, "MSI-X"}, {EXT | 0x01, "AER"},
	{EXT | 0x03, "serial number"}, {EXT | 0x0d, "ACS"}, {EXT | 0x0e, "ARI"},
	{EXT | 0x0f, "ATS"},
	{EXT | 0x10, "SR-IOV"}, {EXT | 0x17, "TPH"}, {EXT | 0x18, "LTR"}};

static unsigned int
nibble(char c)
{
	return c >= 'a' ? c - 'a' + 10u : (unsigned int)c - '0';
}

/* Only whole bytes of lower-case hex; what follows other signs is not looked at. */
static void
parse(const char *hex, struct space *s)
{
	const size_t good = strspn(hex, "0123456789abcdef") / 2;

	memset(s, 0, sizeof(*s));
	s->len = good < SPACE ? good : SPACE;
	for (unsigned int i = 0; i < s->len; i++)
		s->byte[i] = nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]);
}

static uint32_t
get(const struct space *s, unsigned int at, unsigned int size)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < size && i < 4 && at + i < s->len; i++)
		v |= (uint32_t)s->byte[at + i] << 8 * i;
	return v;
}

/* Which capability a byte belongs to: the last that begins before it. *start is where it does. */
static unsigned int
cap_at(const struct space *s, unsigned int at, unsigned int *start)
{
	unsigned int p, id = 0, hops = 0;

	*start = 0;
	if (at < 0x40)
		return 0;
	if (at < 0x100) {
		for (p = get(s, 0x34, 1) & 0xfc; p >= 0x40 && p < s->len && hops++ < 48;
			p = get(s, p + 1, 1) & 0xfc)
			if (p <= at && p >= *start) {
				*start = p;
				id = get(s, p, 1);
			}
		return id;
	}
	for (p = 0x100; p >= 0x100 && p < s->len && get(s, p, 4) != 0 && hops++ < 480;
		p = get(s, p, 4) >> 20 & 0xffc)
		if (p <= at && p >= *start) {
			*start = p;
			id = EXT | (get(s, p, 4) & 0xffff);
		}
	return id;
}

static const struct reg *
reg_at(unsigned int cap, unsigned int offset)
{
	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		if (regs[i].cap == cap && offset >= regs[i].offset &&
			offset < regs[i].offset + regs[i].size)
			return &regs[i];
	return NULL;
}

static const char *
cap_name(unsigned int id)
{
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		if (caps[i].id == id)
			return caps[i].name;
	return id == 0 ? "the header" : "a capability that has no name here";
}

/* The bits that turned, else what the register is. */
static void
bits_text(const struct reg *r, uint32_t was, uint32_t is, char text[SNAP_TEXT])
{
	text[0] = '\0';
	for (size_t i = 0; i < sizeof(r->bits) / sizeof(r->bits[0]) && r->bits[i].mask; i++) {
		const uint32_t mask = r->bits[i].mask;

		if ((was & mask) == (is & mask))
			continue;
		strlcat(text, text[0] ? "; " : "", SNAP_TEXT);
		strlcat(text, is & mask ? r->bits[i].on : r->bits[i].off, SNAP_TEXT);
	}
	if (!text[0])
		strlcpy(text, r->meaning, SNAP_TEXT);
}

static int
put_reg(const struct snap_dev *dev, const struct reg *r, const struct space *was,
	const struct space *is, unsigned int at, struct snap_changes *out)
{
	char what[64], before[16], after[16], text[SNAP_TEXT];
	const unsigned int size = r->size < 4 ? r->size : 4;
	const uint32_t b = get(was, at, size), a = get(is, at, size);

	snprintf(what, sizeof(what), "config %s", r->name);
	snprintf(before, sizeof(before), "%0*x", (int)size * 2, b);
	snprintf(after, sizeof(after), "%0*x", (int)size * 2, a);
	bits_text(r, b, a, text);
	return snap_change(out, dev, what, before, after, text);
}

static int
put_unknown(const struct snap_dev *dev, unsigned int cap, const struct space *was,
	const struct space *is, unsigned int at, struct snap_changes *out)
{
	char what[64], before[16], after[16], text[SNAP_TEXT];

	snprintf(what, sizeof(what), "config 0x%03x", at);
	snprintf(before, sizeof(before), "%08x", get(was, at, 4));
	snprintf(after, sizeof(after), "%08x", get(is, at, 4));
	snprintf(text, sizeof(text), "a register of %s; lspci -vvv may name it", cap_name(cap));
	return snap_change(out, dev, what, before, after, text);
}

int
snap_diff_config(const struct snap_dev *dev, const char *before, const char *after,
	struct snap_changes *out)
{
	struct space was, is;
	unsigned int at = 0, start;
	int ret = 0;

	parse(before, &was);
	parse(after, &is);
	if (was.len != is.len) {
		ret = snap_change(out, dev, "config", NULL, NULL,
			"one of the snapshots was taken without root, who alone sees more than 64 "
			"bytes: only what both have is compared");
		was.len = is.len = was.len < is.len ? was.len : is.len;
	}
	while (ret == 0 && at < is.len) {
		const struct reg *r;
		unsigned int cap, first;

		if (was.byte[at] == is.byte[at]) {
			at++;
			continue;
		}
		cap = cap_at(&is, at, &start);
		r = reg_at(cap, at - start);
		/* A long register is shown by the words of it that differ. */
		first = r && r->size <= 4 ? start + r->offset : at & ~3u;
		ret = r ? put_reg(dev, r, &was, &is, first, out)
			: put_unknown(dev, cap, &was, &is, first, out);
		at = first + (r && r->size <= 4 ? r->size : 4);
	}
	return ret;
}
