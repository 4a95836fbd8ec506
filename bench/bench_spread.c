/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_spread EAL-ARGS: what a software table costs a packet. 256 packets with hashes go round
 * through a port made of rings (net_ring), polled by one lcore or two: without a table, with one
 * that leaves every packet where it was polled, and with one that hands every other packet over.
 * Prints busy cycles a packet, the least of the rounds: on a busy machine the others hold the time
 * that a worker was not let run. Needs three lcores: -l 0-2, or --lcores '0@0,1@0,2@1'.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include <dp_spread.h>
#include <dp_stats.h>
#include <dp_worker.h>

#define PACKETS 256
#define ROUNDS	40
#define ROUND_US 50000

static uint16_t port;
static struct rte_ring *ring[2];
static struct rte_mempool *pool;

/* What a queue sends it receives; crossed, the other one does, and each packet is handed back. */
static int
make_port(const char *name, bool crossed)
{
	const struct rte_eth_conf conf = {0};
	struct rte_ring *tx[2] = {ring[crossed], ring[!crossed]};
	int id = rte_eth_from_rings(name, ring, 2, tx, 2, SOCKET_ID_ANY);

	if (id < 0 || rte_eth_dev_configure(id, 2, 2, &conf) != 0)
		return -1;
	port = (uint16_t)id;
	for (int q = 0; q < 2; q++)
		if (rte_eth_rx_queue_setup(id, q, 1024, SOCKET_ID_ANY, NULL, pool) != 0 ||
			rte_eth_tx_queue_setup(id, q, 1024, SOCKET_ID_ANY, NULL) != 0)
			return -1;
	return rte_eth_dev_start(id);
}

static void
fill(void)
{
	for (uint32_t i = 0; i < PACKETS; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

		m->data_len = m->pkt_len = 64;
		m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
		m->hash.rss = i * 2654435761u;
		rte_ring_enqueue(ring[i % 2], m);
	}
}

static void
empty(void)
{
	void *m = NULL;

	for (int q = 0; q < 2; q++)
		while (rte_ring_dequeue(ring[q], &m) == 0)
			rte_pktmbuf_free(m);
}

static struct dp_plan *
plan_for(uint16_t table, uint16_t lcores)
{
	struct dp_spec *s = calloc(1, sizeof(*s));
	struct dp_plan *plan = NULL;
	struct vfp_err err = {0};

	s->n_ports = s->n_rules = 1;
	strcpy(s->ports[0].name, "loop");
	s->ports[0].port_id = port;
	s->ports[0].nb_rxq = s->ports[0].nb_txq = 2;
	s->ports[0].spread = table;
	strcpy(s->rules[0].name, "loop");
	s->n_lcores = lcores;
	for (uint16_t l = 0; l < lcores; l++)
		s->lcores[l].id = l + 1u;
	if (dp_plan_make(s, &plan, &err) < 0)
		fprintf(stderr, "%s\n", err.text);
	free(s);
	return plan;
}

/* Busy cycles a packet that came from the port, in one round. */
static double
one_round(struct dp *dp)
{
	struct dp_stats *a, *b;
	double cycles = 0, packets;

	dp_stats_take(dp, &a);
	usleep(ROUND_US);
	dp_stats_take(dp, &b);
	dp_stats_subtract(b, a);
	for (uint16_t l = 0; l < b->n_lcores; l++)
		cycles += (double)b->lcores[l].busy_cycles;
	packets = (double)b->totals.rx;
	dp_stats_free(a);
	dp_stats_free(b);
	return packets > 0 ? cycles / packets : 1e9;
}

static double
measure(const char *what, uint16_t table, uint16_t lcores)
{
	struct dp_spread_view *v = malloc(sizeof(*v));
	struct vfp_err err = {0};
	struct dp *dp = NULL;
	double best = 1e9;

	fill();
	if (dp_create(NULL, &dp, &err) < 0 || dp_publish(dp, plan_for(table, lcores), &err) < 0 ||
		dp_start(dp, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	for (int r = 0; r < ROUNDS; r++) {
		const double c = one_round(dp);

		best = c < best ? c : best;
	}
	dp_drain(dp, 1000, 0);
	printf("  %-44s %7.1f cycles a packet", what, best);
	if (table && dp_spread_read(dp, port, v) == 0)
		printf(", %.0f%% handed over", 100.0 * (double)v->handed / (double)(v->handed + v->kept));
	printf("\n");
	dp_free(dp);
	empty();
	free(v);
	return best;
}

int
main(int argc, char **argv)
{
	if (rte_eal_init(argc, argv) < 0)
		return 1;
	pool = rte_pktmbuf_pool_create("bench", 4095, 0, 0, 512, SOCKET_ID_ANY);
	for (int q = 0; q < 2; q++)
		ring[q] = rte_ring_create(q ? "b1" : "b0", 1024, SOCKET_ID_ANY, 0);
	if (!pool || !ring[0] || !ring[1] || make_port("loop", false) < 0)
		return 1;
	printf("net_ring, %d packets going round, io, bursts of 32; the least of %d rounds\n", PACKETS,
		ROUNDS);
	measure("no table, 1 lcore", 0, 1);
	measure("table of 1024, 1 lcore: nothing to hand over", 1024, 1);
	measure("no table, 2 lcores", 0, 2);
	if (make_port("cross", true) < 0)
		return 1;
	measure("table of 1024, 2 lcores, all handed over", 1024, 2);
	rte_eal_cleanup();
	return 0;
}
