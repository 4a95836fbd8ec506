/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which queue a register belongs to, and the store into RDT. Patched stores come here without
 * saving the vector registers: this file is compiled to use general registers only.
 */
#include "internal.h"

unsigned int
s82_queues_per_pool(const struct s82_state *st)
{
	switch (s82_reg(st, R_GCR_EXT) & GCR_EXT_VT_MODE) {
	case 1:
		return 8;
	case 2:
		return 4;
	case 3:
		return 2;
	}
	/* The PF has not said yet; a VF finds its queues where its driver's count puts them. */
	return st->num_vfs == 0 ? 1 : st->num_vfs >= 32 ? 2 : st->num_vfs >= 16 ? 4 : 8;
}

/* The queue whose registers lie at `off` of the PF's BAR, or -1. */
int
s82_pf_rxq(uint32_t off)
{
	if (off >= 0x1000 && off < 0x2000)
		return (int)(off - 0x1000) / 64;
	if (off >= 0xd000 && off < 0xe000)
		return 64 + (int)(off - 0xd000) / 64;
	return -1;
}

int
s82_pf_txq(uint32_t off)
{
	return off >= 0x6000 && off < 0x8000 ? (int)(off - 0x6000) / 64 : -1;
}

/* The absolute queue of a VF's queue register, or -1: not one, or beyond its pool. */
int
s82_vf_queue(const struct s82_state *st, unsigned int vf, uint32_t off, uint32_t base)
{
	unsigned int qpp = s82_queues_per_pool(st), i = (off - base) / 64;

	if (off < base || off >= base + 64 * 8 || i >= qpp)
		return -1;
	return vf * qpp + i < S82_QUEUES ? (int)(vf * qpp + i) : -1;
}

int
s82_rdt_queue(const struct s82_state *st, unsigned int func, uint32_t off)
{
	if ((off & 63) != Q_RDT || atomic_load(&st->func[func].removed))
		return -1;
	return func == S82_PF ? s82_pf_rxq(off) : s82_vf_queue(st, func, off, V_RXQ);
}

bool
s82_rdt_store(struct s82_state *st, unsigned int queue, uint32_t val)
{
	atomic_store(&st->rxq[queue].rdt, val & 0xffff);
	return !atomic_load(&st->fifo.busy);
}
