/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the model share among themselves. */
#ifndef S82_INTERNAL_H
#define S82_INTERNAL_H

#include <string.h>
#include "model.h"
#include "regs.h"

#define S82_BURST	64	/* packets executed under one hold of the lock */
#define S82_RARS	128
#define S82_MAC_SLOTS	512	/* of the hash, a power of two and at least 2 * S82_RARS */
#define S82_HASH_BYTES	36	/* longest input of the RSS hash: two IPv6 addresses, two ports */

#define S82_BIT(n)	(1ull << (n))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

/* A unicast or multicast address that an exact filter (RAL/RAH) holds. */
struct s82_mac_slot {
	uint64_t key;		/* the address with S82_MAC_USED set, 0: empty */
	uint64_t pools;		/* MPSAR */
};
#define S82_MAC_USED	S82_BIT(63)

/* A mirror rule: frames of these pools, of these VLVF entries, or of the port, to one more pool. */
#define S82_MIRRORS	4
struct s82_mirror {
	uint32_t what;		/* MRCTL's enables, 0: off */
	uint64_t to, pools, vlvf;
};

/* A piece of a function's memory as it lies in this process, while the lock is held. */
struct s82_window {
	uint64_t burst;		/* the hold of the lock that this is good for */
	uint64_t iova, len;
	uint8_t *host;
};

/*
 * A receive queue as it is for as long as the lock is held: where its ring lies in this process
 * (an unmap takes the lock), what its registers say, and what has been counted meanwhile.
 */
struct s82_rx_run {
	uint64_t burst;		/* the hold of the lock that this is good for */
	uint64_t (*desc)[2];	/* NULL if the ring does not lie in one piece */
	const struct s82_window *window;	/* of its function */
	uint32_t n, bsize;	/* descriptors; bytes of a buffer */
	uint32_t plain_max;	/* longest frame for the short way, 0: there is none */
	uint32_t port_max;	/* longest frame, CRC included, tag not */
	uint8_t func, pool;
	bool open, drop_en, legacy, strip, frozen, keep_crc;
	uint64_t packets, bytes, mcast;	/* not yet in the state's counters */
};

/*
 * Steering, derived from the registers when switch_gen moved, so that a packet costs look-ups
 * and no searches. Each process has its own.
 */
struct s82_switch {
	uint32_t gen;		/* of the registers that it was made from; 0: never */
	uint32_t rxctrl, fctrl, vlnctrl, mcstctrl, mrqc, vt_ctl, maxfrs, rxcsum;
	bool vt, jumbo, pad_small, keep_crc, loopback, tx_on, lpbk;
	uint32_t tx_vet;	/* ethertype of an inserted tag */
	uint8_t qpp;		/* queues per pool on the receive side */
	uint8_t pools;		/* pools there are */
	int def_pool;		/* -1: off */
	uint64_t vfre, vfte, spoof_mac, spoof_vlan;
	uint64_t to_self;	/* pools that get what they sent to themselves */
	struct s82_mirror mirror[S82_MIRRORS];
	uint32_t mirrors;	/* what any rule asks for; 0: there is none */
	uint64_t bam, rompe, rope, mpe, aupe;	/* pools that have the bit of VMOLR set */
	struct s82_mac_slot mac[S82_MAC_SLOTS];
	uint64_t vlan_pools[4096];	/* VLVF and VLVFB */
	uint8_t vlan_known[4096 / 8];	/* the VID is in some VLVF entry */
	uint32_t key[10];		/* the RSS key that `hash` was made from */
	bool hash_valid;
	uint32_t hash[S82_HASH_BYTES][256];	/* Toeplitz, one table an input byte */
	uint8_t reta[128];
	uint8_t pool_base[S82_POOLS], pool_mask[S82_POOLS];	/* first queue; RSS queues - 1 */
	uint64_t burst;		/* which hold of the lock this is */
	struct s82_rx_run rx[S82_QUEUES];
	struct s82_window window[S82_FUNCS];	/* the last one that DMA found */
	uint64_t rx_touched[2], tx_touched[2];	/* queues with counts to flush and a cause to raise */
};

/* What the parser found in a frame. */
struct s82_parsed {
	uint16_t type;		/* PKT_* */
	uint16_t l3, l4;	/* offsets of the headers, 0: none */
	uint8_t rss_type;	/* as in the descriptor, 0: not hashed */
	uint8_t frag;		/* an IP fragment */
	uint16_t tci;
	bool tagged;
	uint32_t hash;
	uint32_t status;	/* RXD_* bits about checksums */
};

/* What a context descriptor and its data descriptor ask for; lengths in bytes. */
enum s82_l4t { S82_L4T_UDP, S82_L4T_TCP, S82_L4T_SCTP };
struct s82_offload {
	uint32_t maclen, iplen, l4len, mss, paylen;
	uint32_t l4t;		/* enum s82_l4t, 3: reserved */
	bool ipv4, ixsm, txsm;
};
#define S82_CRC_ETHERNET 0xedb88320u
#define S82_CRC_SCTP	0x82f63b78u

/* A frame on its way through the card. */
struct s82_frame {
	const uint8_t *data;
	uint32_t len;
	int src_pool;		/* -1: from the wire */
	struct s82_parsed p;
};

static inline uint32_t
s82_reg(const struct s82_state *st, uint32_t off)
{
	return st->reg[off / 4];
}

static inline uint64_t
s82_reg64(const struct s82_state *st, uint32_t off)
{
	return s82_reg(st, off) | (uint64_t)s82_reg(st, off + 4) << 32;
}

static inline uint16_t
be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* --- queues.c */
int s82_pf_rxq(uint32_t off);
int s82_pf_txq(uint32_t off);
int s82_vf_queue(const struct s82_state *st, unsigned int vf, uint32_t off, uint32_t base);

/* --- regs.c */
void s82_reset_registers(struct s82_state *st);

/* --- pci.c */
void s82_pci_init(struct s82_state *st, unsigned int func);
/* A read of this function was answered with an error: its status word says so until cleared. */
void s82_pci_aborted(struct s82_state *st, unsigned int func);
bool s82_bus_master(const struct s82_state *st, unsigned int func);

/* --- nvm.c: EEPROM, SFP module */
void s82_nvm_mac(const struct s82_state *st, uint8_t mac[6]);
uint16_t s82_nvm_word(const struct s82_state *st, uint32_t addr);
uint32_t s82_eec_read(struct s82_state *st);
void s82_eec_write(struct s82_state *st, uint32_t val);
uint32_t s82_i2c_read(struct s82_state *st);
void s82_i2c_write(struct s82_state *st, uint32_t val);

/* --- irq.c. Locks: held. */
void s82_irq_other(struct s82_ctx *ctx, uint32_t causes);
void s82_irq_mailbox_vf(struct s82_ctx *ctx, unsigned int vf);
void s82_irq_touched(struct s82_ctx *ctx);
bool s82_irq_read(struct s82_ctx *ctx, uint32_t off, uint32_t *val);
bool s82_irq_write(struct s82_ctx *ctx, uint32_t off, uint32_t val);
bool s82_vf_irq_read(struct s82_ctx *ctx, unsigned int vf, uint32_t off, uint32_t *val);
bool s82_vf_irq_write(struct s82_ctx *ctx, unsigned int vf, uint32_t off, uint32_t val);

void s82_irq_release(struct s82_ctx *ctx, unsigned int func, uint64_t vectors);

/* --- timer.c. Locks: held. */
void s82_timer_queue(struct s82_ctx *ctx, unsigned int queue);
void s82_timer_irq(struct s82_ctx *ctx, unsigned int func, unsigned int vector);

/* --- mailbox.c. Locks: held. */
bool s82_mbox_pf_read(struct s82_ctx *ctx, uint32_t off, uint32_t *val);
bool s82_mbox_pf_write(struct s82_ctx *ctx, uint32_t off, uint32_t val);
bool s82_mbox_vf_read(struct s82_ctx *ctx, unsigned int vf, uint32_t off, uint32_t *val);
bool s82_mbox_vf_write(struct s82_ctx *ctx, unsigned int vf, uint32_t off, uint32_t val);
void s82_mbox_pf_reset(struct s82_ctx *ctx);	/* PF reset begins: RSTI at every VF */
void s82_mbox_pf_ready(struct s82_ctx *ctx);	/* PFRSTD: RSTD at every VF */
void s82_mbox_vf_reset(struct s82_ctx *ctx, unsigned int vf);	/* FLR or VFCTRL.RST */
void s82_mbox_tell(struct s82_ctx *ctx, unsigned int vf, enum s82_mbox_event what);

/* --- switch.c */
void s82_switch_update(struct s82_ctx *ctx);	/* first of all under each hold of the lock */
uint64_t s82_switch_rx(struct s82_ctx *ctx, const struct s82_frame *f, int *drop);
uint64_t s82_switch_tx(struct s82_ctx *ctx, const struct s82_frame *f, bool *to_wire, int *drop);

/*
 * The queue of a pool that a frame goes to [7.1.2.7, 7.10.2.7]: a RETA entry by the low seven
 * bits of the hash, queue 0 of the pool for what is not hashed.
 */
static inline unsigned int
s82_switch_queue(const struct s82_ctx *ctx, unsigned int pool, const struct s82_parsed *p)
{
	const struct s82_switch *sw = ctx->sw;
	unsigned int index = p->rss_type != 0 ? sw->reta[p->hash & 127] : 0;

	pool = sw->vt ? pool : 0;
	return sw->pool_base[pool] + (index & sw->pool_mask[pool]);
}
unsigned int s82_rss_queues(const struct s82_ctx *ctx, unsigned int pool);
unsigned int s82_func_of_pool(const struct s82_state *st, unsigned int pool);

/* --- rss.c */
void s82_rss_tables(struct s82_switch *sw, const uint32_t key[10]);
void s82_parse_l2(const struct s82_switch *sw, struct s82_frame *f);	/* the tag; clears f->p */
void s82_parse_l3(const struct s82_switch *sw, struct s82_frame *f);	/* type, checksums, hash */
uint32_t s82_sum16(const uint8_t *p, uint32_t len, uint32_t sum);

/* --- offload.c */
uint32_t s82_crc(uint32_t poly, uint32_t crc, const uint8_t *p, uint32_t len);
struct s82_offload s82_offload(const uint64_t ctx[2], uint32_t olinfo);
void s82_insert_checksums(uint8_t *d, uint32_t len, const struct s82_offload *o, uint32_t more);
void s82_insert_legacy(uint8_t *d, uint32_t len, uint32_t css, uint32_t cso);
bool s82_tso_valid(const struct s82_offload *o, uint32_t len);
void s82_tso_header(uint8_t *d, const struct s82_offload *o, uint32_t done, uint32_t n,
	uint32_t flags);

/* --- rx.c. Locks: held. */
#define S82_FIFO_REC	16	/* bytes in front of a frame that waits in the packet buffer */

/* Has the packet buffer room for a frame? */
static inline bool
s82_rx_room(const struct s82_state *st, uint32_t len)
{
	return st->fifo.bytes + S82_FIFO_REC + len <= S82_RX_FIFO;
}

uint64_t s82_rx_deliver(struct s82_ctx *ctx, const struct s82_frame *f, uint64_t pools, int *drop);
void s82_rx_drain(struct s82_ctx *ctx);
void s82_rx_discard(struct s82_state *st, bool whole);
void s82_rx_flush(struct s82_ctx *ctx);	/* counters of the touched queues, at a burst's end */
uint32_t s82_rx_free(const struct s82_state *st, unsigned int queue);

/* --- tx.c */
void s82_tx_kick(struct s82_ctx *ctx, unsigned int queue);	/* takes the lock */

/* --- dma.c. Locks: held. What a function reads and writes of its owner's memory. */
void *s82_dma(struct s82_ctx *ctx, unsigned int func, uint64_t iova, size_t len);
bool s82_dma_look_up(struct s82_ctx *ctx, unsigned int func, uint64_t iova);

/* Where `iova` lies here, and how many bytes follow it; NULL: not mapped. */
static inline uint8_t *
s82_dma_find(struct s82_ctx *ctx, unsigned int func, uint64_t iova, size_t *avail)
{
	const struct s82_window *w = &ctx->sw->window[func];

	if (unlikely(w->burst != ctx->sw->burst || iova - w->iova >= w->len) &&
			!s82_dma_look_up(ctx, func, iova))
		return NULL;
	*avail = w->len - (iova - w->iova);
	return w->host + (iova - w->iova);
}

/* As s82_dma, for a shortcut: what it does not find counts as no fault. */
static inline void *
s82_dma_try(struct s82_ctx *ctx, unsigned int func, uint64_t iova, size_t len)
{
	size_t avail;
	void *p = s82_dma_find(ctx, func, iova, &avail);

	return p != NULL && avail >= len ? p : NULL;
}

/*
 * Brings memory near that is about to be used, if it lies in the piece that DMA found last. A
 * hint only: `iova` may be anything, a written-back descriptor for instance.
 */
static inline void
s82_window_prefetch(const struct s82_window *w, uint64_t iova)
{
	if (iova - w->iova < w->len)
		__builtin_prefetch(w->host + (iova - w->iova), 1);
}

bool s82_dma_read(struct s82_ctx *ctx, unsigned int func, uint64_t iova, void *dst, size_t len);
bool s82_dma_write(struct s82_ctx *ctx, unsigned int func, uint64_t iova, const void *src,
	size_t len);

/* --- faults.c. Locks: held. */
void s82_link_changed(struct s82_ctx *ctx);
/* Is this to get lost, or to come later? Then the caller leaves it. */
bool s82_fault_irq(struct s82_ctx *ctx, unsigned int func, unsigned int vector);
bool s82_fault_mailbox(struct s82_ctx *ctx, unsigned int vf, enum s82_mbox_event what);

/* --- wire.c. Locks: held. */
bool s82_wire_room(const struct s82_state *st, uint32_t len);
void s82_wire_send(struct s82_ctx *ctx, const struct s82_frame *f, unsigned int queue);

/* --- stats.c. Locks: held. */
bool s82_stats_read(struct s82_state *st, uint32_t off, uint32_t *val);
void s82_stats_wire_rx(struct s82_state *st, const struct s82_frame *f);
void s82_stats_wire_tx(struct s82_state *st, const struct s82_frame *f);
void s82_stats_queue_rx(struct s82_state *st, unsigned int queue, uint64_t packets, uint64_t bytes);
void s82_stats_queue_tx(struct s82_state *st, unsigned int queue, uint64_t packets, uint64_t bytes);
void s82_stats_queue_drop(struct s82_state *st, unsigned int queue);
void s82_stats_missed(struct s82_state *st);
void s82_stats_bad_length(struct s82_state *st, int why);
void s82_stats_spoof(struct s82_state *st);

/* Counts a drop for a pool, or for the port if pool is -1. */
static inline void
s82_drop(struct s82_state *st, int pool, enum s82_drop why)
{
	if (pool >= 0)
		st->stats.pool[pool].drop[why]++;
	else
		st->stats.drop[why]++;
}

#endif
