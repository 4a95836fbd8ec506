/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Invariants: every packet that came in was delivered, sent, dropped for a reason, or waits; no
 * two pools own a unicast address; rings are whole. Looked at when somebody asks: the data path
 * does nothing for it but count.
 */
#include "internal.h"

/* Reasons by where they strike. */
static const uint8_t rx_reasons[] = { S82_DROP_NO_DESC, S82_DROP_BUFFER_FULL, S82_DROP_RX_DISABLED,
	S82_DROP_OVERSIZE, S82_DROP_DMA_FAULT, S82_DROP_RESET };
static const uint8_t rx_queue_reasons[] = { S82_DROP_NO_DESC, S82_DROP_OVERSIZE,
	S82_DROP_DMA_FAULT };
static const uint8_t tx_reasons[] = { S82_DROP_SPOOF_MAC, S82_DROP_SPOOF_VLAN,
	S82_DROP_TX_DISABLED, S82_DROP_TX_BAD_DESC, S82_DROP_TX_DMA_FAULT };

static int64_t
sum(const uint64_t *drop, const uint8_t *reasons, unsigned int n)
{
	int64_t s = 0;

	while (n-- > 0)
		s += (int64_t)drop[reasons[n]];
	return s;
}

static void
check_counters(const struct s82_state *st, struct s82_invariants *inv)
{
	const struct s82_stats *s = &st->stats;
	int64_t tx = 0, tx_drops = 0;
	unsigned int i;

	inv->received = (int64_t)(s->wire_rx_packets + s->loop_packets + s->replicated) -
		st->fifo.copies - (int64_t)s->drop[S82_DROP_RESET];
	for (i = 0; i < S82_POOLS; i++) {
		const struct s82_pool_stats *p = &s->pool[i];

		inv->received -= (int64_t)p->rx_packets + sum(p->drop, rx_reasons, sizeof(rx_reasons));
		inv->rx_queues += (int64_t)p->rx_packets +
			sum(p->drop, rx_queue_reasons, sizeof(rx_queue_reasons));
		tx += (int64_t)p->tx_packets;
		tx_drops += sum(p->drop, tx_reasons, sizeof(tx_reasons));
		inv->sent -= (int64_t)p->drop[S82_DROP_LINK_DOWN];
	}
	inv->sent += tx + (int64_t)s->both_ways - (int64_t)(s->wire_tx_packets + s->loop_packets);
	inv->tx_queues = tx + tx_drops;
	for (i = 0; i < S82_QUEUES; i++) {
		inv->rx_queues -= (int64_t)(st->rxq[i].packets + st->rxq[i].drops);
		inv->tx_queues -= (int64_t)(st->txq[i].packets + st->txq[i].drops);
	}
}

static uint64_t
address(const struct s82_state *st, unsigned int rar)
{
	return s82_reg(st, R_RAL(rar)) | (uint64_t)(s82_reg(st, R_RAH(rar)) & 0xffff) << 32;
}

/* Unicast addresses that several pools get: by one filter, or by filters that are equal. */
static void
check_addresses(const struct s82_state *st, struct s82_invariants *inv)
{
	unsigned int i, j;

	for (i = 0; i < S82_RARS; i++) {
		uint64_t mac = address(st, i), pools = s82_reg64(st, R_MPSAR(i));
		bool first = true;

		if (!(s82_reg(st, R_RAH(i)) & RAH_AV) || mac & 1 || !(s82_reg(st, R_VT_CTL) & VT_CTL_ENA))
			continue;
		for (j = 0; j < S82_RARS; j++) {
			if (j == i || !(s82_reg(st, R_RAH(j)) & RAH_AV) || address(st, j) != mac)
				continue;
			first &= j > i;
			pools |= s82_reg64(st, R_MPSAR(j));
		}
		if (!first || !(pools & (pools - 1)))
			continue;
		if (inv->shares < sizeof(inv->shared) / sizeof(inv->shared[0])) {
			inv->shared[inv->shares][0] = mac;
			inv->shared[inv->shares][1] = pools;
		}
		inv->shares++;
	}
}

static void
check_rings(const struct s82_state *st, struct s82_invariants *inv)
{
	unsigned int i;

	for (i = 0; i < S82_QUEUES; i++) {
		const struct s82_rxq *rx = &st->rxq[i];
		const struct s82_txq *tx = &st->txq[i];
		uint32_t rdt = atomic_load_explicit(&rx->rdt, memory_order_relaxed);

		if (rx->rxdctl & RXDCTL_ENABLE && (rx->rdh >= rx->rdlen / 16 || rdt >= rx->rdlen / 16))
			inv->bad_rings++;
		if (tx->txdctl & TXDCTL_ENABLE &&
				(tx->tdh >= tx->tdlen / 16 || tx->tdt >= tx->tdlen / 16))
			inv->bad_rings++;
	}
}

void
s82_check(const struct s82_state *st, struct s82_invariants *inv)
{
	memset(inv, 0, sizeof(*inv));
	check_counters(st, inv);
	check_addresses(st, inv);
	check_rings(st, inv);
	inv->repaired = st->stats.lock_repairs != 0;
	inv->hold = inv->shares == 0 && inv->bad_rings == 0 && (inv->repaired ||
		(inv->received == 0 && inv->sent == 0 && inv->rx_queues == 0 && inv->tx_queues == 0));
}
