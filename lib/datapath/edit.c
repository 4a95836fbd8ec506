/* SPDX-License-Identifier: BSD-3-Clause */
/* The modes that look into packets: echo, and VLAN tags put on and taken off. */
#include <rte_ethdev.h>
#include <rte_ether.h>

#include "dp_internal.h"
#include "echo.h"

static void
end_packets(struct rte_mbuf **pkts, uint16_t n, uint64_t *counter)
{
	if (n == 0)
		return;
	rte_pktmbuf_free_bulk(pkts, n);
	dp_bump(counter, n);
}

/* The answer's length is known: let the mbuf have it. Growing never fails: room was told before. */
static void
set_length(struct rte_mbuf *m, uint16_t len)
{
	m->data_len = len;
	m->pkt_len = len;
}

uint16_t
dp_edit_echo(struct dp_flow *f, struct rte_mbuf **pkts, uint16_t n)
{
	struct rte_mbuf *rest[DP_MAX_BURST];
	uint16_t kept = 0, others = 0;
	struct dp_echo e = {
		.n = f->ext->opts.n_addresses,
		.addresses = f->ext->opts.addresses,
	};

	memcpy(e.mac, f->ext->mac, sizeof(e.mac));
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		uint16_t len = 0;

		if (m->nb_segs == 1)
			len = dp_echo_answer(&e, rte_pktmbuf_mtod(m, uint8_t *), m->data_len,
				m->data_len + rte_pktmbuf_tailroom(m));
		if (len == 0) {
			rest[others++] = m;
			continue;
		}
		set_length(m, len);
		pkts[kept++] = m;
	}
	end_packets(rest, others, &f->c.consumed);
	return kept;
}

static bool
push(struct rte_mbuf **m, uint16_t vid)
{
	(*m)->vlan_tci = vid;
	return rte_vlan_insert(m) == 0;
}

/* A tag comes off, the addresses are written, a tag is put on. */
uint16_t
dp_edit_vlan(struct dp_flow *f, struct rte_mbuf **pkts, uint16_t n)
{
	const struct dp_rule_opts *o = &f->ext->opts;
	struct rte_mbuf *rest[DP_MAX_BURST];
	uint16_t kept = 0, others = 0;

	for (uint16_t i = 0; o->vlan_pop && i < n; i++) {
		rte_vlan_strip(pkts[i]);
		/* The tag is gone: nobody behind us may put it on again. */
		pkts[i]->ol_flags &= ~(RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED);
	}
	dp_rewrite(f, pkts, n, f->ext->base);
	if (o->vlan_push == 0)
		return n;
	for (uint16_t i = 0; i < n; i++) {
		if (push(&pkts[i], o->vlan_push))
			pkts[kept++] = pkts[i];
		else
			rest[others++] = pkts[i];
	}
	end_packets(rest, others, &f->c.drops[DP_DROP_NO_ROOM]);
	return kept;
}

void
dp_poll_edit(struct dp_worker *w, struct dp_flow *f)
{
	struct rte_mbuf *pkts[DP_MAX_BURST];
	const uint64_t before = w->last;
	const uint16_t n = rte_eth_rx_burst(f->rx_id, f->rx_queue, pkts, f->burst);
	uint16_t kept;

	if (n == 0) {
		dp_poll_empty(w, f, before);
		return;
	}
	kept = f->ext->edit(f, pkts, n);
	dp_poll_done(w, f, n, before, kept > 0 ? dp_send(f, pkts, kept, before) : rte_rdtsc());
}
