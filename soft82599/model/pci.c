/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCI configuration space [9.3 to 9.5], as VFIO shows it: a VF's ids and BARs are filled in
 * (the hardware's read as ones or zero), because the kernel emulates them.
 */
#include <errno.h>
#include "internal.h"

#define PCI_COMMAND	0x04
#define  COMMAND_MASTER	(1u << 2)
#define PCI_STATUS	0x06
#define  STATUS_ABORTED	(1u << 13)	/* received master abort */
#define PCI_BAR(i)	(0x10 + 4 * (i))
#define PCI_ROM		0x30
#define CAP_PM		0x40
#define CAP_MSIX	0x70
#define CAP_PCIE	0xa0
#define EXT_AER		0x100
#define EXT_ARI		0x150
#define EXT_SRIOV	0x160

static void
put16(struct s82_func *f, uint32_t off, uint16_t v)
{
	f->cfg[off] = (uint8_t)v;
	f->cfg[off + 1] = (uint8_t)(v >> 8);
}

static void
put32(struct s82_func *f, uint32_t off, uint32_t v)
{
	put16(f, off, (uint16_t)v);
	put16(f, off + 2, (uint16_t)(v >> 16));
}

bool
s82_bus_master(const struct s82_state *st, unsigned int func)
{
	return st->func[func].cfg[PCI_COMMAND] & COMMAND_MASTER;
}

void
s82_pci_aborted(struct s82_state *st, unsigned int func)
{
	st->func[func].cfg[PCI_STATUS + 1] |= STATUS_ABORTED >> 8;
}

static void
sriov_capability(const struct s82_state *st, struct s82_func *f)
{
	put32(f, EXT_SRIOV, 0x10 | 1 << 16);
	put32(f, EXT_SRIOV + 0x04, 0x2);	/* ARI capable */
	put16(f, EXT_SRIOV + 0x08, st->num_vfs ? 0x19 : 0);	/* VF enable, memory, ARI */
	put16(f, EXT_SRIOV + 0x0c, 64);		/* InitialVFs */
	put16(f, EXT_SRIOV + 0x0e, 64);		/* TotalVFs */
	put16(f, EXT_SRIOV + 0x10, (uint16_t)st->num_vfs);
	put16(f, EXT_SRIOV + 0x14, (uint16_t)st->vf_offset);
	put16(f, EXT_SRIOV + 0x16, (uint16_t)st->vf_stride);
	put16(f, EXT_SRIOV + 0x1a, 0x10ed);
	put32(f, EXT_SRIOV + 0x1c, 0x553);	/* page sizes */
	put32(f, EXT_SRIOV + 0x20, 1);
}

void
s82_pci_init(struct s82_state *st, unsigned int func)
{
	struct s82_func *f = &st->func[func];
	bool pf = func == S82_PF;

	memset(f->cfg, 0, sizeof(f->cfg));
	put16(f, 0x00, 0x8086);
	put16(f, 0x02, pf ? 0x10fb : 0x10ed);
	put16(f, 0x06, 0x0010);		/* status: capability list */
	put32(f, 0x08, 0x02000001);	/* Ethernet controller, revision 1 */
	f->cfg[0x0e] = pf ? 0x80 : 0x00;	/* a PF is one of two functions */
	put32(f, PCI_BAR(0), 0x4);	/* 64-bit memory */
	put32(f, PCI_BAR(3), 0x4);
	put16(f, 0x2c, S82_SUBVENDOR);
	put16(f, 0x2e, S82_SUBDEVICE);
	f->cfg[0x34] = pf ? CAP_PM : CAP_MSIX;
	if (pf) {
		f->cfg[0x3d] = 1;	/* INTA */
		put16(f, CAP_PM, 0x01 | CAP_MSIX << 8);
		put16(f, CAP_PM + 2, 0x0023);
	}
	put16(f, CAP_MSIX, 0x11 | CAP_PCIE << 8);
	put16(f, CAP_MSIX + 2, (uint16_t)(f->vectors - 1));
	put32(f, CAP_MSIX + 4, 3);		/* table: BAR 3, offset 0 */
	put32(f, CAP_MSIX + 8, 0x2000 | 3);	/* pending bits: BAR 3 */
	put16(f, CAP_PCIE, 0x10);
	put16(f, CAP_PCIE + 2, 0x0002);
	put32(f, CAP_PCIE + 0x04, 1u << 28 | 0x2);	/* FLR; 512 byte payload */
	put32(f, CAP_PCIE + 0x0c, 0x00000082);	/* 5 GT/s x8 */
	put16(f, CAP_PCIE + 0x12, 0x0082);
	put32(f, EXT_AER, 0x0001 | 1 << 16 | (uint32_t)EXT_ARI << 20);
	put32(f, EXT_ARI, 0x000e | 1 << 16 | (pf ? (uint32_t)EXT_SRIOV << 20 : 0));
	if (pf)
		sriov_capability(st, f);
}

/* The bits of a byte that software may change. */
static uint8_t
writable(uint32_t off)
{
	switch (off) {
	case PCI_COMMAND:
		return 0x46;	/* memory, bus master, parity */
	case PCI_COMMAND + 1:
		return 0x05;	/* SERR, INTx disable */
	case 0x0c:
	case 0x3c:
		return 0xff;	/* cache line size, interrupt line */
	case CAP_PM + 4:
		return 0x03;
	case CAP_MSIX + 3:
		return 0xc0;	/* MSI-X enable, function mask */
	case CAP_PCIE + 8:
		return 0xff;
	case CAP_PCIE + 9:
		return 0x7f;	/* without the FLR bit, which reads as zero */
	}
	return 0;
}

int
s82_cfg_read(struct s82_ctx *ctx, unsigned int func, uint32_t off, void *buf, uint32_t len)
{
	if (func >= S82_FUNCS || off + len > sizeof(ctx->st->func[0].cfg) || off + len < off)
		return -EINVAL;
	if (atomic_load(&ctx->st->dead) || atomic_load(&ctx->st->func[func].removed)) {
		memset(buf, 0xff, len);
		return 0;
	}
	ctx->ops->lock(ctx);
	memcpy(buf, ctx->st->func[func].cfg + off, len);
	ctx->ops->unlock(ctx);
	return 0;
}

/* A BAR answers with its size when all ones are written to it. */
static void
write_bar(struct s82_func *f, uint32_t off, uint8_t v, bool pf)
{
	uint32_t size = off < PCI_BAR(3) ? (pf ? S82_PF_BAR0 : S82_VF_BAR0) : 0x4000;
	uint32_t bar = off < PCI_BAR(3) ? PCI_BAR(0) : PCI_BAR(3);
	uint64_t mask = ~(uint64_t)(size - 1);
	uint32_t i = off - bar;

	f->cfg[off] = (uint8_t)((v & mask >> (8 * i)) | (i == 0 ? 4 : 0));
}

int
s82_cfg_write(struct s82_ctx *ctx, unsigned int func, uint32_t off, const void *buf, uint32_t len)
{
	const uint8_t *b = buf;
	struct s82_func *f;
	bool flr = false;
	uint32_t i;

	if (func >= S82_FUNCS || off + len > sizeof(f->cfg) || off + len < off)
		return -EINVAL;
	f = &ctx->st->func[func];
	if (atomic_load(&f->removed))
		return 0;
	ctx->ops->lock(ctx);
	for (i = off; i < off + len; i++, b++) {
		uint8_t w = writable(i);
		bool bar = (i >= PCI_BAR(0) && i < PCI_BAR(2)) || (i >= PCI_BAR(3) && i < PCI_BAR(5));

		if (bar)
			write_bar(f, i, *b, func == S82_PF);
		else if (i == PCI_STATUS + 1)	/* a one clears */
			f->cfg[i] &= ~(*b & STATUS_ABORTED >> 8);
		else
			f->cfg[i] = (uint8_t)((f->cfg[i] & ~w) | (*b & w));
		flr |= i == CAP_PCIE + 9 && *b & 0x80;
	}
	if (flr)
		s82_flr(ctx, func);
	ctx->ops->unlock(ctx);
	return 0;
}
