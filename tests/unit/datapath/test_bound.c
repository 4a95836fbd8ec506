/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bound is never below the truth. The worker's own code runs over a simulated clock and a simulated
 * NIC, which knows when each packet really arrived: under light load, bursts, backlog and overload,
 * with a loop that is held up at any place, TX that accepts in parts, and drivers that return what
 * they are asked for or, as net_ixgbe's vector code, at most 32.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <rte_ring_elem.h>

#include "lat_recorder.h"

static uint64_t sim_clock(void);
static uint16_t sim_rx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);
static uint16_t sim_tx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);
static void sim_free(struct rte_mbuf **pkts, unsigned int n);
static void sim_free_one(struct rte_mbuf *m);
static void sim_record(struct lat_recorder *r, uint64_t since_rx, uint64_t since_empty, uint64_t n);

#define rte_rdtsc sim_clock
#define rte_eth_rx_burst sim_rx
#define rte_eth_tx_burst sim_tx
#define rte_pktmbuf_free_bulk sim_free
#define rte_pktmbuf_free sim_free_one
#define lat_record sim_record
#define rte_get_tsc_hz() UINT64_C(2000000000)
#include "../../../lib/datapath/worker.c"

/* Not part of this: the modes that need more than the loop. */
void
dp_poll_edit(struct dp_worker *w, struct dp_flow *f)
{
	(void)w;
	(void)f;
}

void
dp_poll_source(struct dp_worker *w, struct dp_flow *f)
{
	(void)w;
	(void)f;
}

void
dp_irqs_take(struct dp_worker *w, const struct dp_flow *flows, uint16_t n)
{
	(void)w;
	(void)flows;
	(void)n;
}

void
dp_irqs_drop(struct dp_worker *w)
{
	(void)w;
}

uint32_t
dp_housekeep(struct dp_worker *w, uint16_t polled, uint32_t loops)
{
	(void)w;
	(void)polled;
	return loops;
}

#define RING 512

static struct {
	uint64_t now;	    /* ticks */
	uint64_t next;	    /* when the next packet arrives */
	uint64_t gap;	    /* mean between arrivals */
	uint16_t at_once;   /* arrive together */
	unsigned int held;  /* one of so many clock reads finds the thread held up */
	bool vector;	    /* at most 32, of a request floored to a multiple of 4 */
	unsigned int busy_tx; /* one of so many sends is accepted in part */
	unsigned int stuck;
	uint64_t arrived[RING]; /* times of what waits in the ring, oldest at head */
	uint32_t head, n;
	uint64_t out[DP_MAX_BURST]; /* times of what the worker holds */
	uint32_t out_at, out_n;
	uint64_t rx_called; /* when the burst that it holds was asked for */
	/* results */
	uint64_t packets, missed, dropped;
	uint64_t tight; /* whose bound is at most twice the truth */
} sim;

static uint64_t seed = 1;

static uint32_t
draw(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((seed >> 33) * below >> 31);
}

/* Time passes, and what arrives meanwhile lies in the ring, or is missed. */
static void
pass(uint64_t ticks)
{
	sim.now += ticks;
	while (sim.next <= sim.now) {
		for (uint16_t i = 0; i < sim.at_once; i++) {
			if (sim.n == RING)
				sim.missed++;
			else
				sim.arrived[(sim.head + sim.n++) % RING] = sim.next;
		}
		sim.next += 1 + draw((uint32_t)(2 * sim.gap));
	}
}

static uint64_t
sim_clock(void)
{
	pass(1 + draw(40));
	if (sim.held > 0 && draw(sim.held) == 0)
		pass(draw(1000000));
	return sim.now;
}

static uint16_t
sim_rx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)port;
	(void)queue;
	assert_int_equal(sim.out_at, sim.out_n);
	sim.rx_called = sim.now;
	pass(draw(60));
	if (sim.vector && n >= 4)
		n = (n < 32 ? n : 32) & ~3;
	sim.out_n = sim.n < n ? sim.n : n;
	sim.out_at = 0;
	for (uint32_t i = 0; i < sim.out_n; i++) {
		sim.out[i] = sim.arrived[sim.head];
		sim.head = (sim.head + 1) % RING;
		sim.n--;
		pkts[i] = NULL;
	}
	/* The queue may fill again before the call returns. */
	pass(draw(200));
	return (uint16_t)sim.out_n;
}

static uint16_t
sim_tx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)port;
	(void)queue;
	(void)pkts;
	pass(draw(200));
	/* Now and then it takes nothing for longer than the worker tries. */
	if (sim.busy_tx > 0 && draw(500) == 0)
		sim.stuck = draw(10);
	if (sim.stuck > 0) {
		sim.stuck--;
		return 0;
	}
	return sim.busy_tx > 0 && draw(sim.busy_tx) == 0 ? (uint16_t)draw(n + 1u) : n;
}

static void
sim_free(struct rte_mbuf **pkts, unsigned int n)
{
	(void)pkts;
	sim.out_at += n;
	sim.dropped += n;
}

/* Only where a software table is, which is not simulated here. */
static void
sim_free_one(struct rte_mbuf *m)
{
	sim_free(&m, 1);
}

/* Those that were accepted: was each really no longer here than that? */
static void
sim_record(struct lat_recorder *r, uint64_t since_rx, uint64_t since_empty, uint64_t n)
{
	(void)r;
	assert_true(sim.out_at + n <= sim.out_n);
	if (since_rx > since_empty)
		fail_msg("residence %lu above the bound %lu", since_rx, since_empty);
	if (since_rx < sim.now - sim.rx_called)
		fail_msg("residence %lu, in truth %lu", since_rx, sim.now - sim.rx_called);
	for (uint64_t i = 0; i < n; i++) {
		const uint64_t truth = sim.now - sim.out[sim.out_at++];

		if (since_empty < truth)
			fail_msg("packet %lu: bound %lu, in truth %lu", sim.packets, since_empty,
				truth);
		sim.tight += since_empty <= 2 * truth;
		sim.packets++;
	}
}

static void
run(uint16_t burst, uint64_t packets)
{
	static struct dp_worker w;
	static struct dp_flow f;
	static struct lat_recorder *const rec = (void *)8;

	memset(&w, 0, sizeof(w));
	memset(&f, 0, sizeof(f));
	f.burst = burst;
	f.full = lat_full_burst(burst);
	f.tx_retries = 4;
	f.rec = rec;
	sim.next = sim.now + 1;
	/* As at the start: nothing is known to be empty since before this. */
	f.last_empty = w.last = sim.now;
	while (sim.packets < packets) {
		poll_flow(&w, &f);
		/* other queues, housekeeping */
		pass(draw(100));
		w.last = sim_clock();
	}
	assert_int_equal(f.c.rx, f.c.tx + f.c.drops[DP_DROP_TX_FULL]);
}

static void
the_bound_is_never_below_the_truth(void **state)
{
	static const uint16_t bursts[] = {1, 3, 4, 7, 8, 32, 33, 64, 256};
	static const struct {
		uint64_t gap;
		uint16_t at_once;
	} loads[] = {
		{2000, 1}, /* light */
		{4000, 40}, /* in bunches larger than a burst */
		{100, 1},
		{6, 1}, /* more than any loop can take: the ring is full all the time */
		{30000, 500},
	};
	uint64_t all = 0, missed = 0, dropped = 0;

	(void)state;
	for (size_t b = 0; b < RTE_DIM(bursts); b++)
		for (size_t l = 0; l < RTE_DIM(loads); l++)
			for (unsigned int kind = 0; kind < 8; kind++) {
				memset(&sim, 0, sizeof(sim));
				sim.now = 1000000000;
				sim.gap = loads[l].gap;
				sim.at_once = loads[l].at_once;
				sim.vector = kind & 1;
				sim.held = kind & 2 ? 5000 : 0;
				sim.busy_tx = kind & 4 ? 3 : 0;
				run(bursts[b], 30000);
				all += sim.packets;
				missed += sim.missed;
				dropped += sim.dropped;
			}
	/* There was backlog and overload in it, and drops. */
	assert_true(all >= 10000000);
	assert_true(missed > 1000000);
	assert_true(dropped > 1000);
}

/* A bound that always says "for ever" would pass above. */
static void
under_light_load_it_is_close(void **state)
{
	(void)state;
	memset(&sim, 0, sizeof(sim));
	sim.now = 1000000000;
	sim.gap = 2000;
	sim.at_once = 1;
	run(32, 100000);
	assert_true(sim.tight > sim.packets / 2);
	/* Bunches that just fit: the poll before found nothing. */
	memset(&sim, 0, sizeof(sim));
	sim.now = 1000000000;
	sim.gap = 20000;
	sim.at_once = 31;
	run(32, 100000);
	assert_true(sim.tight > sim.packets / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bound_is_never_below_the_truth),
		cmocka_unit_test(under_light_load_it_is_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
