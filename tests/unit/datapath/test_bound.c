/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bound is never below the truth, and a residence close to it. The worker's own code runs over a
 * simulated clock and simulated NICs, which know when each packet really arrived and was accepted: one
 * queue or several, alike or not, under light load, bursts, backlog and overload, with a loop that is
 * held up at any place, TX that accepts in parts or is slow now and then, and drivers that return what
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
dp_housekeep(struct dp_worker *w, uint32_t polls)
{
	(void)w;
	return polls;
}

#define RING  512
#define FLOWS 5
#define GRAIN 2000 /* ticks */
#define US    2000 /* so many of them are a microsecond */

struct times {
	uint64_t arrived, asked, accepted;
};

/* Packets in their order. */
struct fifo {
	struct times at[4096];
	uint32_t head, n;
};

/* An RX queue and the TX queue that its packets go to. */
struct queue {
	uint64_t next;	   /* when the next packet arrives */
	struct fifo ring;  /* arrived */
	struct fifo held;  /* the worker has them */
	struct fifo taken; /* accepted, and not recorded yet */
	uint32_t cost;	   /* what each burst takes its TX besides */
	unsigned int stuck;
};

static struct {
	uint64_t now;	      /* ticks */
	uint64_t gap;	      /* mean between arrivals */
	uint16_t at_once;     /* arrive together */
	unsigned int held;    /* one of so many clock reads finds the thread held up */
	bool vector;	      /* at most 32, of a request floored to a multiple of 4 */
	unsigned int busy_tx; /* one of so many sends is accepted in part */
	unsigned int slow_tx; /* one of so many takes 5 us more */
	uint64_t slower_after; /* so many packets each send takes 1 us more */
	uint64_t grain;
	uint16_t n;
	struct queue queues[FLOWS];
	/* results */
	uint64_t packets, missed, dropped;
	uint64_t tight;	 /* whose bound is at most twice what it was at the reading */
	uint64_t coarse; /* whose residence is more than the grain from the truth */
} sim;

/* What the simulated NICs know, and what the worker tells. */
static struct lat_hist in_truth, told, bound_in_truth, bound_told;

static uint64_t seed = 1;

static uint32_t
draw(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((seed >> 33) * below >> 31);
}

static void
push(struct fifo *f, struct times t)
{
	assert_true(f->n < RTE_DIM(f->at));
	f->at[(f->head + f->n++) % RTE_DIM(f->at)] = t;
}

static struct times
pop(struct fifo *f)
{
	const struct times t = f->at[f->head];

	assert_true(f->n-- > 0);
	f->head = (f->head + 1) % RTE_DIM(f->at);
	return t;
}

/* Time passes, and what arrives meanwhile lies in the rings, or is missed. */
static void
pass(uint64_t ticks)
{
	sim.now += ticks;
	for (struct queue *q = sim.queues; q < sim.queues + sim.n; q++) {
		while (q->next <= sim.now) {
			for (uint16_t i = 0; i < sim.at_once; i++) {
				if (q->ring.n == RING)
					sim.missed++;
				else
					push(&q->ring, (struct times){q->next, 0, 0});
			}
			q->next += 1 + draw((uint32_t)(2 * sim.gap));
		}
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
	struct queue *const q = &sim.queues[port];
	const uint64_t asked = sim.now;

	(void)queue;
	assert_int_equal(q->held.n, 0);
	pass(draw(60));
	if (sim.vector && n >= 4)
		n = (n < 32 ? n : 32) & ~3;
	if (n > q->ring.n)
		n = (uint16_t)q->ring.n;
	for (uint16_t i = 0; i < n; i++) {
		struct times t = pop(&q->ring);

		t.asked = asked;
		push(&q->held, t);
		pkts[i] = NULL;
	}
	/* The queue may fill again before the call returns. */
	pass(draw(200));
	return n;
}

static uint16_t
sim_tx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct queue *const q = &sim.queues[port];

	(void)queue;
	(void)pkts;
	pass(q->cost + draw(200));
	if (sim.slow_tx > 0 && draw(sim.slow_tx) == 0)
		pass(5 * US);
	/* Now and then it takes nothing for longer than the worker tries. */
	if (sim.busy_tx > 0 && draw(500) == 0)
		q->stuck = draw(10);
	if (q->stuck > 0) {
		q->stuck--;
		return 0;
	}
	if (sim.busy_tx > 0 && draw(sim.busy_tx) == 0)
		n = (uint16_t)draw(n + 1u);
	for (uint16_t i = 0; i < n; i++) {
		struct times t = pop(&q->held);

		t.accepted = sim.now;
		push(&q->taken, t);
	}
	return n;
}

/* Only one queue's packets are held at a time. */
static void
sim_free(struct rte_mbuf **pkts, unsigned int n)
{
	(void)pkts;
	for (struct queue *q = sim.queues; q < sim.queues + sim.n; q++)
		for (; n > 0 && q->held.n > 0; n--) {
			pop(&q->held);
			sim.dropped++;
		}
	assert_int_equal(n, 0);
}

/* Only where a software table is, which is not simulated here. */
static void
sim_free_one(struct rte_mbuf *m)
{
	sim_free(&m, 1);
}

/* r is no recorder: it tells the queue. */
static void
sim_record(struct lat_recorder *r, uint64_t since_rx, uint64_t since_empty, uint64_t n)
{
	struct queue *const q = (struct queue *)(void *)r;

	if (since_rx > since_empty)
		fail_msg("residence %lu above the bound %lu", since_rx, since_empty);
	lat_hist_add(&told, since_rx, n);
	lat_hist_add(&bound_told, since_empty, n);
	for (uint64_t i = 0; i < n; i++) {
		const struct times t = pop(&q->taken);
		const uint64_t residence = t.accepted - t.asked, truth = t.accepted - t.arrived;

		if (since_empty < truth)
			fail_msg("packet %lu: bound %lu, in truth %lu", sim.packets, since_empty,
				truth);
		sim.tight += since_empty <= 2 * (sim.now - t.arrived);
		lat_hist_add(&in_truth, residence, 1);
		lat_hist_add(&bound_in_truth, truth, 1);
		sim.coarse += since_rx > residence + sim.grain || since_rx + sim.grain < residence;
		sim.packets++;
	}
}

/* Another card and clock: bunches of at_once packets, the mean gap between them in ticks. */
static void
anew(uint64_t grain, uint64_t gap, uint16_t at_once)
{
	memset(&sim, 0, sizeof(sim));
	sim.now = 1000000000;
	sim.grain = grain;
	sim.gap = gap;
	sim.at_once = at_once;
	sim.slower_after = UINT64_MAX;
}

/* What anew() made, with n queues. */
static void
run(uint16_t n, uint16_t burst, uint64_t packets)
{
	static struct dp_worker w;
	static struct dp_flow flows[FLOWS];
	struct dp_flow *f;
	uint32_t polled;

	lat_hist_init(&in_truth);
	lat_hist_init(&told);
	lat_hist_init(&bound_in_truth);
	lat_hist_init(&bound_told);
	memset(&w, 0, sizeof(w));
	memset(flows, 0, sizeof(flows));
	w.span = DP_SPAN_US * US;
	w.grain = sim.grain;
	w.too_long = UINT32_MAX;
	sim.n = n;
	for (uint16_t i = 0; i < n; i++) {
		f = &flows[i];
		f->rx_id = f->tx_id = i;
		f->burst = burst;
		f->full = lat_full_burst(burst);
		f->tx_retries = 4;
		f->rec = (struct lat_recorder *)(void *)&sim.queues[i];
		sim.queues[i].next = sim.now + 1;
		/* As at the start: nothing is known to be empty since before this. */
		f->last_empty = sim.now;
	}
	w.last = sim.now;
	for (f = circle(flows, n, &polled); sim.packets < packets; f = f->next) {
		poll_flow(&w, f);
		pass(draw(10)); /* housekeeping */
		if (sim.packets > sim.slower_after)
			sim.queues[f->rx_id].cost = US;
	}
	dp_read_clock(&w);
	for (uint16_t i = 0; i < n; i++) {
		assert_int_equal(flows[i].c.rx, flows[i].c.tx + flows[i].c.drops[DP_DROP_TX_FULL]);
		assert_int_equal(sim.queues[i].taken.n, 0);
	}
}

/* However many polls share a reading, each residence but a few is within the grain. */
static void
not_coarse(const char *of)
{
	if (sim.coarse > sim.packets / 50)
		fail_msg("%s: %lu of %lu too coarse", of, sim.coarse, sim.packets);
}

static void
no_bound_is_below_the_truth(void **state)
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
				anew(GRAIN, loads[l].gap, loads[l].at_once);
				sim.vector = kind & 1;
				sim.held = kind & 2 ? 5000 : 0;
				sim.busy_tx = kind & 4 ? 3 : 0;
				run(kind & 4 ? FLOWS : 1 + (kind & 1), bursts[b], 30000);
				not_coarse("all kinds");
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
	anew(GRAIN, 2000, 1);
	run(1, 32, 100000);
	assert_true(sim.tight > sim.packets / 2);
	/* Bunches that just fit: the poll before found nothing. */
	anew(GRAIN, 20000, 31);
	run(1, 32, 100000);
	assert_true(sim.tight > sim.packets / 2);
}

/* Nor where no poll finds its queue empty, only bursts are no full ones: 2 us are not much then. */
static void
between_short_bursts_it_is_close(void **state)
{
	(void)state;
	for (uint16_t n = 1; n <= FLOWS; n += 2) {
		uint64_t is, was;

		anew(GRAIN, 200, 1);
		run(n, 32, 100000);
		is = lat_hist_quantile(&bound_told, 0.5);
		was = lat_hist_quantile(&bound_in_truth, 0.5);
		if (is > was + 2 * US)
			fail_msg("%u queues: p50 of bound %lu, in truth %lu", n, is, was);
	}
}

static void
residence_is_as_fine_as_the_grain(void **state)
{
	static const uint16_t bursts[] = {1, 4, 32, 256};
	char of[80];

	(void)state;
	for (size_t b = 0; b < RTE_DIM(bursts); b++)
		for (uint16_t n = 1; n <= FLOWS; n += 2)
			for (uint64_t gap = 50; gap <= 5000; gap *= 10) {
				anew(GRAIN, gap, 1);
				run(n, bursts[b], 20000);
				snprintf(of, sizeof(of), "bursts of %u, %u queues, gap %lu", bursts[b],
					n, gap);
				not_coarse(of);
			}
}

/* One of the queues' drivers takes longer than a grain: its time is not the others'. */
static void
unlike_queues_keep_their_own_times(void **state)
{
	(void)state;
	anew(GRAIN, 6, 1);
	sim.queues[1].cost = 2 * GRAIN;
	run(2, 32, 200000);
	not_coarse("two queues, one slow");
}

static void
polls_that_become_slower_are_noticed(void **state)
{
	(void)state;
	anew(GRAIN, 6, 1);
	sim.slower_after = 100000;
	run(3, 32, 200000);
	not_coarse("slower");
	assert_true(lat_hist_quantile(&told, 0.9) > US);
}

/* Neither is more than 2 % or so many ticks from the other; and what two buckets round. */
static void
close_enough(const char *of, const char *what, uint64_t is, uint64_t was, uint64_t ticks)
{
	const double may = (double)RTE_MAX(was / 50, ticks) + 0.002 * (double)was;

	if (is > was + may || is < was - may)
		fail_msg("%s: %s of residence %lu, in truth %lu", of, what, is, was);
}

/* What a table shows of it is the truth as well, within 2 % or 1 us. */
static void
compare_percentiles(const char *of)
{
	close_enough(of, "p50", lat_hist_quantile(&told, 0.5), lat_hist_quantile(&in_truth, 0.5), US);
	close_enough(of, "p99", lat_hist_quantile(&told, 0.99), lat_hist_quantile(&in_truth, 0.99),
		US);
}

static void
its_percentiles_are_the_truths(void **state)
{
	static const uint16_t bursts[] = {1, 4, 32, 256};
	static const uint64_t gaps[] = {6, 50, 500, 5000}, grains[] = {GRAIN, 0};
	char of[80];

	(void)state;
	for (size_t b = 0; b < RTE_DIM(bursts); b++)
		for (size_t g = 0; g < RTE_DIM(gaps); g++)
			for (uint16_t n = 1; n <= FLOWS; n += 2)
				for (size_t i = 0; i < RTE_DIM(grains); i++) {
					anew(grains[i], gaps[g], 1);
					run(n, bursts[b], 50000);
					snprintf(of, sizeof(of), "bursts of %u, gap %lu, %u queues, grain %lu",
						bursts[b], gaps[g], n, grains[i]);
					compare_percentiles(of);
					close_enough(of, "max", lat_hist_max(&told),
						lat_hist_max(&in_truth), US);
				}
}

/*
 * Now and then a send takes 5 us more. What part of the packets that are decides, not what part of the
 * intervals has one. A maximum is not missed; two in an interval may be told as one of twice the time.
 */
static void
a_slow_poll_counts_once(void **state)
{
	char of[40];

	(void)state;
	for (unsigned int one_of = 50; one_of <= 400; one_of *= 2) {
		anew(GRAIN, 6, 1);
		sim.slow_tx = one_of;
		run(2, 32, 2000000);
		snprintf(of, sizeof(of), "one of %u slow", one_of);
		compare_percentiles(of);
		close_enough(of, "p99.9", lat_hist_quantile(&told, 0.999),
			lat_hist_quantile(&in_truth, 0.999), US);
		close_enough(of, "mean", (uint64_t)lat_hist_mean(&told), (uint64_t)lat_hist_mean(&in_truth),
			US / 20);
		assert_true(lat_hist_max(&told) + US > lat_hist_max(&in_truth));
	}
}

/* Packets that wait for the next reading of the clock, when control calls. */
static void
a_worker_that_is_called_leaves_nothing_uncounted(void **state)
{
	static struct dp dp;
	static struct dp_worker w;
	static struct dp_flow f;

	(void)state;
	anew(GRAIN, 6, 1);
	sim.n = 1;
	sim.queues[0].next = sim.now + 1;
	w = (struct dp_worker){.dp = &dp, .budget = BUDGET_MAX, .till_look = 1, .pace = 1 << 20,
		.too_long = UINT32_MAX, .last = sim.now, .gen = 1};
	f = (struct dp_flow){.burst = 32, .full = 32, .plain = true, .last_empty = sim.now,
		.rec = (struct lat_recorder *)(void *)&sim.queues[0]};
	dp.go = w.gen;
	f.next = &f;
	pass(1000);
	poll_flow(&w, &f);
	assert_int_equal(f.c.rx, 0);
	assert_int_equal(sim.queues[0].taken.n, 32);
	assert_int_equal(dp_worker_main(&w), 0);
	assert_int_equal(f.c.rx, 32);
	assert_int_equal(f.c.tx, 32);
	assert_int_equal(sim.queues[0].taken.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_bound_is_below_the_truth),
		cmocka_unit_test(under_light_load_it_is_close),
		cmocka_unit_test(between_short_bursts_it_is_close),
		cmocka_unit_test(residence_is_as_fine_as_the_grain),
		cmocka_unit_test(unlike_queues_keep_their_own_times),
		cmocka_unit_test(polls_that_become_slower_are_noticed),
		cmocka_unit_test(a_slow_poll_counts_once),
		cmocka_unit_test(a_worker_that_is_called_leaves_nothing_uncounted),
		cmocka_unit_test(its_percentiles_are_the_truths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
