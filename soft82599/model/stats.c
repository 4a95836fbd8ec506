/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PF's statistics registers [8.2.3.23]: 32 bits, or 36 in a pair, cleared by reading. Of a
 * pair the low word is read first; it takes the counter, and the high word tells the rest.
 *
 * Bytes: GORC and QBRC count the CRC unless HLREG0.RXCRCSTRP takes it off; TOR and GOTC always.
 */
#include "internal.h"

enum hw {
	H_MPC,
	H_QPRC = H_MPC + 8,
	H_QBRC = H_QPRC + 16,
	H_QPRDC = H_QBRC + 16,
	H_QPTC = H_QPRDC + 16,
	H_QBTC = H_QPTC + 16,
	H_PRC = H_QBTC + 16,	/* by size: 64, 127, 255, 511, 1023, 1522 */
	H_PTC = H_PRC + 6,
	H_GPRC = H_PTC + 6, H_BPRC, H_MPRC, H_GPTC, H_GORC, H_GOTC, H_TOR, H_TPR, H_TPT, H_MPTC,
	H_BPTC, H_RUC, H_ROC, H_SSVPC,
	H_HIGH,			/* the high words that wait to be read, one a pair */
	H_HIGH_GORC = H_HIGH, H_HIGH_GOTC, H_HIGH_TOR,
	H_HIGH_QBRC, H_HIGH_QBTC = H_HIGH_QBRC + 16, H_END = H_HIGH_QBTC + 16,
};
_Static_assert(H_END <= sizeof(((struct s82_state *)0)->hw) / 8, "hw[] is too small");

/* Registers that are one counter each. */
static const struct { uint32_t off; uint16_t hw; } single[] = {
	{ R_GPRC, H_GPRC }, { R_BPRC, H_BPRC }, { R_MPRC, H_MPRC }, { R_GPTC, H_GPTC },
	{ R_TPR, H_TPR }, { R_TPT, H_TPT }, { R_MPTC, H_MPTC }, { R_BPTC, H_BPTC },
	{ R_RUC, H_RUC }, { R_ROC, H_ROC }, { R_SSVPC, H_SSVPC },
};

static const struct { uint32_t low; uint16_t hw, high; } pair[] = {
	{ R_GORCL, H_GORC, H_HIGH_GORC }, { R_GOTCL, H_GOTC, H_HIGH_GOTC },
	{ R_TORL, H_TOR, H_HIGH_TOR },
};

static uint32_t
take(struct s82_state *st, unsigned int hw)
{
	uint64_t v = st->hw[hw];

	st->hw[hw] = 0;
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;	/* counters stick at their end */
}

static uint32_t
take_low(struct s82_state *st, unsigned int hw, unsigned int high)
{
	uint64_t v = st->hw[hw];

	st->hw[hw] = 0;
	st->hw[high] = v >> 32 & 15;
	return (uint32_t)v;
}

static bool
in(uint32_t off, uint32_t first, unsigned int n, unsigned int *i)
{
	*i = (off - first) / 4;
	return off >= first && off < first + 4 * n;
}

static bool
read_queue_stats(struct s82_state *st, uint32_t off, uint32_t *val)
{
	unsigned int q = (off & 0xfff) / 64, sub = off & 63, i;

	if (off >= 0x1000 && off < 0x2000) {
		if (sub == Q_QPRC && q < 32)
			*val = take(st, q < 16 ? H_QPRC + q : H_QPRDC + q - 16);
		else if (sub == Q_QBRCL && q < 16)
			*val = take_low(st, H_QBRC + q, H_HIGH_QBRC + q);
		else if (sub == Q_QBRCH && q < 16)
			*val = take(st, H_HIGH_QBRC + q);
		else if (sub == Q_PVFGPRC)
			*val = (uint32_t)st->stats.pool[q].rx_packets;
		else if (sub == Q_PVFGORCL)
			*val = (uint32_t)st->stats.pool[q].rx_bytes;
		else if (sub == Q_PVFGORCH)
			*val = st->stats.pool[q].rx_bytes >> 32 & 15;
		else
			return false;
		return true;
	}
	if (off >= 0x6000 && off < 0x6400 && sub == Q_QPTC) {
		*val = take(st, H_QPTC + q);
		return true;
	}
	if (in(off, R_QBTC(0), 32, &i)) {
		*val = i & 1 ? take(st, H_HIGH_QBTC + i / 2) :
			take_low(st, H_QBTC + i / 2, H_HIGH_QBTC + i / 2);
		return true;
	}
	return false;
}

static bool
read_port_stats(struct s82_state *st, uint32_t off, uint32_t *val)
{
	unsigned int i;

	for (i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		if (off == single[i].off) {
			*val = take(st, single[i].hw);
			return true;
		}
	for (i = 0; i < sizeof(pair) / sizeof(pair[0]); i++) {
		if (off == pair[i].low) {
			*val = take_low(st, pair[i].hw, pair[i].high);
			return true;
		}
		if (off == pair[i].low + 4) {
			*val = take(st, pair[i].high);
			return true;
		}
	}
	if (in(off, R_MPC(0), 8, &i))
		*val = take(st, H_MPC + i);
	else if (in(off, R_PRC64, 6, &i))
		*val = take(st, H_PRC + i);
	else if (in(off, R_PTC64, 6, &i))
		*val = take(st, H_PTC + i);
	else if (in(off, R_PVFGPTC(0), S82_POOLS, &i))
		*val = (uint32_t)st->stats.pool[i].tx_packets;
	else if (in(off, R_PVFGOTC(0), 2 * S82_POOLS, &i))
		*val = (uint32_t)(st->stats.pool[i / 2].tx_bytes >> (i & 1 ? 32 : 0));
	else
		return false;
	return true;
}

bool
s82_stats_read(struct s82_state *st, uint32_t off, uint32_t *val)
{
	return read_queue_stats(st, off, val) || read_port_stats(st, off, val);
}

/* The counter by size that a frame of `len` bytes, CRC included, belongs to. */
static unsigned int
size_class(uint32_t len)
{
	return len <= 64 ? 0 : len <= 127 ? 1 : len <= 255 ? 2 : len <= 511 ? 3 : len <= 1023 ? 4 : 5;
}

static uint32_t
rx_crc(const struct s82_state *st)
{
	return s82_reg(st, R_HLREG0) & HLREG0_RXCRCSTRP ? 0 : 4;
}

static bool
broadcast(const uint8_t *d)
{
	return (d[0] & d[1] & d[2] & d[3] & d[4] & d[5]) == 0xff;
}

void
s82_stats_wire_rx(struct s82_state *st, const struct s82_frame *f)
{
	st->stats.wire_rx_packets++;
	st->stats.wire_rx_bytes += f->len;
	st->hw[H_TPR]++;
	st->hw[H_TOR] += f->len + 4;
	st->hw[H_GPRC]++;
	st->hw[H_GORC] += f->len + rx_crc(st);
	st->hw[H_PRC + size_class(f->len + 4)]++;
	if (broadcast(f->data))
		st->hw[H_BPRC]++;
	else if (f->data[0] & 1)
		st->hw[H_MPRC]++;
}

void
s82_stats_wire_tx(struct s82_state *st, const struct s82_frame *f)
{
	st->stats.wire_tx_packets++;
	st->stats.wire_tx_bytes += f->len;
	st->hw[H_TPT]++;
	st->hw[H_GPTC]++;
	st->hw[H_GOTC] += f->len + 4;
	st->hw[H_PTC + size_class(f->len + 4)]++;
	if (broadcast(f->data))
		st->hw[H_BPTC]++;
	else if (f->data[0] & 1)
		st->hw[H_MPTC]++;
}

/* RQSMR: which of the 16 counters a queue counts in, four queues a register. */
static unsigned int
rx_counter(const struct s82_state *st, unsigned int queue)
{
	return s82_reg(st, R_RQSMR(queue / 4)) >> (8 * (queue % 4)) & 15;
}

static unsigned int
tx_counter(const struct s82_state *st, unsigned int queue)
{
	return s82_reg(st, R_TQSM(queue / 4)) >> (8 * (queue % 4)) & 15;
}

void
s82_stats_queue_rx(struct s82_state *st, unsigned int queue, uint64_t packets, uint64_t bytes)
{
	unsigned int c = rx_counter(st, queue);

	st->hw[H_QPRC + c] += packets;
	st->hw[H_QBRC + c] += bytes + packets * rx_crc(st);
}

void
s82_stats_queue_tx(struct s82_state *st, unsigned int queue, uint64_t packets, uint64_t bytes)
{
	unsigned int c = tx_counter(st, queue);

	st->hw[H_QPTC + c] += packets;
	st->hw[H_QBTC + c] += bytes;
}

void
s82_stats_queue_drop(struct s82_state *st, unsigned int queue)
{
	st->hw[H_QPRDC + rx_counter(st, queue)]++;
}

void
s82_stats_missed(struct s82_state *st)
{
	st->hw[H_MPC]++;
}

/* RUC and ROC: what the MAC turned away for its length. */
void
s82_stats_bad_length(struct s82_state *st, int why)
{
	if (why == S82_DROP_UNDERSIZE)
		st->hw[H_RUC]++;
	else if (why == S82_DROP_OVERSIZE)
		st->hw[H_ROC]++;
}

void
s82_stats_spoof(struct s82_state *st)
{
	st->hw[H_SSVPC]++;
}

const char *
s82_drop_name(unsigned int drop)
{
	static const char *const name[S82_DROPS] = {
		[S82_DROP_NO_DESC] = "no_desc",
		[S82_DROP_BUFFER_FULL] = "buffer_full",
		[S82_DROP_L2_FILTER] = "l2_filter",
		[S82_DROP_VLAN_FILTER] = "vlan_filter",
		[S82_DROP_NO_POOL] = "no_pool",
		[S82_DROP_RX_DISABLED] = "rx_disabled",
		[S82_DROP_OVERSIZE] = "oversize",
		[S82_DROP_UNDERSIZE] = "undersize",
		[S82_DROP_SPOOF_MAC] = "spoof_mac",
		[S82_DROP_SPOOF_VLAN] = "spoof_vlan",
		[S82_DROP_TX_DISABLED] = "tx_disabled",
		[S82_DROP_TX_BAD_DESC] = "tx_bad_desc",
		[S82_DROP_DMA_FAULT] = "dma_fault",
		[S82_DROP_NO_LOOPBACK] = "no_loopback",
		[S82_DROP_LINK_DOWN] = "link_down",
		[S82_DROP_TX_DMA_FAULT] = "tx_dma_fault",
		[S82_DROP_RESET] = "reset",
	};

	return drop < S82_DROPS ? name[drop] : "unknown";
}
