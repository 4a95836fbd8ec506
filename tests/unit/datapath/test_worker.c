/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The polling lcores over ports made of rings: what a test puts into a port's RX ring comes out of
 * another's TX ring. Every packet carries a number, so that lost, doubled and reordered ones show.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include "rings.h"

/* Offset of the number in a frame: behind both addresses and the ethertype. */
#define NUMBER_AT 16

static struct rte_mbuf *
frame(uint32_t number)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 0xd, 2, 0, 0, 0, 0, 0x5};
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	char *data;

	assert_non_null(m);
	data = rte_pktmbuf_mtod(m, char *);
	m->data_len = 64;
	m->pkt_len = 64;
	memset(data, 0, 64);
	memcpy(data, macs, sizeof(macs));
	memcpy(data + NUMBER_AT, &number, sizeof(number));
	return m;
}

static uint32_t
number_of(const struct rte_mbuf *m)
{
	uint32_t n;

	memcpy(&n, rte_pktmbuf_mtod_offset(m, const char *, NUMBER_AT), sizeof(n));
	return n;
}

/* Put frames from..to-1 into a ring; what does not fit is up to the caller. @return the next */
static uint32_t
feed(struct rte_ring *ring, uint32_t from, uint32_t to)
{
	while (from < to && rte_ring_free_count(ring) > 0) {
		assert_int_equal(rte_ring_enqueue(ring, frame(from)), 0);
		from++;
	}
	return from;
}

static int
group_setup(void **state)
{
	(void)state;
	return rings_open(512);
}

static int
setup(void **state)
{
	struct vfp_err err;

	for (unsigned int p = 0; p < PORTS; p++)
		rte_eth_stats_reset(port_id[p]);
	return dp_create(NULL, (struct dp **)state, &err);
}

static int
teardown(void **state)
{
	dp_free(*state);
	/* Whatever a test did: no mbuf may be left behind. */
	return rings_empty();
}

/* A plan for a -> b on `lcores` lcores, one queue each when two. */
static struct dp_plan *
plan_for(unsigned int from, unsigned int to, enum dp_mode mode, uint16_t lcores)
{
	struct dp_spec *s = spec_for(from, to, mode);
	struct dp_plan *plan = NULL;
	struct vfp_err err;

	s->n_lcores = lcores;
	for (uint16_t l = 0; l < lcores; l++)
		s->lcores[l].id = l + 1u;
	if (dp_plan_make(s, &plan, &err) != 0)
		fail_msg("%s", err.text);
	free(s);
	return plan;
}

static void
publish(struct dp *dp, struct dp_plan *plan)
{
	struct vfp_err err;

	if (patient_publish(dp, plan, &err) != 0)
		fail_msg("%s", err.text);
}

static void
wait_rx(struct dp *dp, uint64_t rx)
{
	const uint64_t until = deadline();

	while (totals(dp).rx < rx) {
		assert_true(rte_rdtsc() < until);
		sched_yield();
	}
}

static uint64_t
latency_count(struct dp *dp, enum lat_kind kind)
{
	struct lat_hist *h = malloc(sizeof(*h));
	uint64_t count;

	assert_non_null(h);
	assert_int_equal(dp_latency(dp, "rule", kind, h), 0);
	count = lat_hist_count(h);
	free(h);
	return count;
}

static void
io_moves_every_packet_in_order(void **state)
{
	struct dp *dp = *state;
	const uint32_t n = 20000;
	const uint64_t until = deadline();
	uint32_t fed = 0, got = 0;
	void *m;

	publish(dp, plan_for(PORT_A, PORT_B, DP_IO, 1));
	start(dp);
	while (got < n) {
		/* Never more under way than the TX ring holds: none needs to be dropped. */
		fed = feed(rx_ring[PORT_A][0], fed, RTE_MIN(n, got + RING / 2));
		while (rte_ring_dequeue(tx_ring[PORT_B][0], &m) == 0) {
			assert_int_equal(number_of(m), got);
			rte_pktmbuf_free(m);
			got++;
		}
		assert_true(rte_rdtsc() < until);
	}
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	assert_false(dp_running(dp));
	assert_int_equal(totals(dp).rx, n);
	assert_int_equal(totals(dp).tx, n);
	assert_int_equal(unaccounted(dp), 0);
	assert_int_equal(latency_count(dp, LAT_RESIDENCE), n);
	assert_int_equal(latency_count(dp, LAT_BOUND), n);
}

/* One packet through, as it was sent. */
static void
one_through(struct dp *dp, enum dp_mode mode, uint8_t macs[12])
{
	const uint64_t until = deadline();
	void *m;

	publish(dp, plan_for(PORT_A, PORT_B, mode, 1));
	feed(rx_ring[PORT_A][1], 77, 78);
	while (rte_ring_dequeue(tx_ring[PORT_B][1], &m) != 0)
		assert_true(rte_rdtsc() < until);
	memcpy(macs, rte_pktmbuf_mtod((struct rte_mbuf *)m, void *), 12);
	assert_int_equal(number_of(m), 77);
	rte_pktmbuf_free(m);
}

static void
modes_write_the_addresses_they_should(void **state)
{
	static const uint8_t io[12] = {2, 0, 0, 0, 0, 0xd, 2, 0, 0, 0, 0, 0x5};
	static const uint8_t swapped[12] = {2, 0, 0, 0, 0, 0x5, 2, 0, 0, 0, 0, 0xd};
	static const uint8_t mac[12] = {2, 0xb, 0, 0, 0, PORT_B, 2, 0xa, 0, 0, 0, PORT_B};
	struct dp *dp = *state;
	uint8_t got[12];

	publish(dp, plan_for(PORT_A, PORT_B, DP_IO, 1));
	start(dp);
	one_through(dp, DP_IO, got);
	assert_memory_equal(got, io, 12);
	one_through(dp, DP_MACSWAP, got);
	assert_memory_equal(got, swapped, 12);
	one_through(dp, DP_MAC, got);
	assert_memory_equal(got, mac, 12);
}

static void
a_full_tx_queue_drops_and_counts(void **state)
{
	struct dp *dp = *state;
	const uint32_t n = 2 * (RING - 1) - 100;
	const uint64_t until = deadline();
	struct dp_counts c;
	uint32_t fed = 0;

	publish(dp, plan_for(PORT_A, PORT_B, DP_IO, 1));
	start(dp);
	while (fed < n) {
		fed = feed(rx_ring[PORT_A][0], fed, n);
		assert_true(rte_rdtsc() < until);
	}
	wait_rx(dp, n);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	c = totals(dp);
	assert_int_equal(c.rx, n);
	assert_int_equal(c.tx, RING - 1);
	assert_int_equal(c.drops[DP_DROP_TX_FULL], n - (RING - 1));
	assert_int_equal(rte_ring_count(tx_ring[PORT_B][0]), RING - 1);
	assert_int_equal(unaccounted(dp), 0);
	/* A partial acceptance weighs what was accepted. */
	assert_int_equal(latency_count(dp, LAT_RESIDENCE), RING - 1);
}

static void
a_queue_that_drains_again_is_retried(void **state)
{
	struct dp *dp = *state;
	const uint64_t until = deadline();
	void *m;
	uint32_t got = 0;

	/* The RX ring holds more than the TX ring has room for, which frees one place at a time. */
	feed(tx_ring[PORT_B][0], 0, RING - 1 - 10);
	feed(rx_ring[PORT_A][0], 0, 32);
	publish(dp, plan_for(PORT_A, PORT_B, DP_IO, 1));
	start(dp);
	while (totals(dp).tx + totals(dp).drops[DP_DROP_TX_FULL] < 32) {
		if (rte_ring_dequeue(tx_ring[PORT_B][0], &m) == 0) {
			rte_pktmbuf_free(m);
			got++;
		}
		assert_true(rte_rdtsc() < until);
	}
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	assert_true(totals(dp).tx >= 10);
	assert_int_equal(latency_count(dp, LAT_RESIDENCE), totals(dp).tx);
	assert_int_equal(unaccounted(dp), 0);
}

static void
unread_ports_are_consumed(void **state)
{
	struct dp *dp = *state;
	struct dp_stats *s;

	publish(dp, plan_for(PORT_A, PORT_B, DP_IO, 1));
	start(dp);
	feed(rx_ring[PORT_B][0], 0, 300);
	feed(rx_ring[PORT_B][1], 0, 200);
	wait_rx(dp, 500);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	assert_int_equal(totals(dp).consumed, 500);
	assert_int_equal(unaccounted(dp), 0);
	assert_int_equal(dp_stats_take(dp, &s), 0);
	for (uint16_t r = 0; r < s->n_rules; r++)
		if (strcmp(s->rules[r].name, "unread-port1") == 0)
			assert_int_equal(s->rules[r].counts.consumed, 500);
	assert_int_equal(s->lcores[0].rx, 500);
	assert_true(s->lcores[0].polls > s->lcores[0].empty_polls);
	assert_int_equal(s->lcores[0].bursts[0], s->lcores[0].empty_polls);
	dp_stats_free(s);
}

/* Every number from each queue once. */
struct seen {
	uint32_t fed, got;
	uint8_t *times;
};

static void
collect(struct seen seen[QUEUES], uint32_t n)
{
	void *m;

	for (unsigned int q = 0; q < QUEUES; q++)
		while (rte_ring_dequeue(tx_ring[PORT_B][q], &m) == 0) {
			const uint32_t number = number_of(m);

			assert_true(number < QUEUES * n);
			seen[number / n].times[number % n]++;
			seen[number / n].got++;
			rte_pktmbuf_free(m);
		}
}

static void
plans_change_under_traffic_without_a_loss(void **state)
{
	static const enum dp_mode modes[] = {DP_IO, DP_MAC, DP_MACSWAP};
	struct dp *dp = *state;
	const uint32_t n = 10000;
	const uint64_t until = deadline();
	struct seen seen[QUEUES] = {0};
	unsigned int plans = 0;

	for (unsigned int q = 0; q < QUEUES; q++) {
		seen[q].times = calloc(n, 1);
		assert_non_null(seen[q].times);
	}
	publish(dp, plan_for(PORT_A, PORT_B, DP_IO, 1));
	start(dp);
	while (seen[0].got < n || seen[1].got < n) {
		for (unsigned int q = 0; q < QUEUES; q++)
			seen[q].fed = feed(rx_ring[PORT_A][q], q * n + seen[q].fed,
					      q * n + RTE_MIN(n, seen[q].got + RING / 4)) -
				q * n;
		/* Queues move between the lcores while they are full. */
		publish(dp, plan_for(PORT_A, PORT_B, modes[plans % 3], plans % 2 + 1));
		plans++;
		collect(seen, n);
		assert_true(rte_rdtsc() < until);
	}
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	assert_true(plans > 10);
	for (unsigned int q = 0; q < QUEUES; q++) {
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(seen[q].times[i], 1);
		free(seen[q].times);
	}
	assert_int_equal(totals(dp).rx, QUEUES * n);
	assert_int_equal(totals(dp).tx, QUEUES * n);
	assert_int_equal(latency_count(dp, LAT_BOUND), QUEUES * n);
	assert_int_equal(unaccounted(dp), 0);
}

static void
circulating_packets_end_when_the_drain_runs_out(void **state)
{
	struct dp *dp = *state;

	publish(dp, plan_for(PORT_LOOP, PORT_LOOP, DP_IO, 1));
	feed(rx_ring[PORT_LOOP][0], 0, 100);
	start(dp);
	wait_rx(dp, 1000);
	assert_int_equal(dp_drain(dp, 50, 0), 1);
	assert_int_equal(totals(dp).drops[DP_DROP_STOPPING], 100);
	assert_int_equal(rte_ring_count(rx_ring[PORT_LOOP][0]), 0);
	assert_int_equal(unaccounted(dp), 0);
	/* And a new start forwards again. */
	feed(rx_ring[PORT_LOOP][0], 0, 10);
	start(dp);
	wait_rx(dp, totals(dp).rx + 1000);
	assert_int_equal(totals(dp).drops[DP_DROP_STOPPING], 100);
}

static void
a_paused_port_is_left_alone(void **state)
{
	struct dp *dp = *state;
	struct vfp_err err;

	publish(dp, plan_for(PORT_A, PORT_B, DP_IO, 1));
	start(dp);
	/* What goes to a paused port is dropped and counted. */
	assert_int_equal(dp_port_pause(dp, port_id[PORT_B], true, &err), 0);
	feed(rx_ring[PORT_A][0], 0, 50);
	wait_rx(dp, 50);
	assert_int_equal(dp_port_pause(dp, port_id[PORT_A], true, &err), 0);
	assert_int_equal(totals(dp).drops[DP_DROP_NO_ROUTE], 50);
	/* What waits in a paused port's ring waits there. */
	feed(rx_ring[PORT_A][0], 50, 150);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	assert_int_equal(rte_ring_count(rx_ring[PORT_A][0]), 100);
	assert_int_equal(dp_port_pause(dp, port_id[PORT_B], false, &err), 0);
	assert_int_equal(dp_port_pause(dp, port_id[PORT_A], false, &err), 0);
	start(dp);
	wait_rx(dp, 150);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	assert_int_equal(totals(dp).tx, 100);
	assert_int_equal(unaccounted(dp), 0);
	assert_int_equal(dp_port_pause(dp, UINT16_MAX, true, &err), -ENOENT);
}

static void
latency_starts_afresh_after_a_clear(void **state)
{
	struct dp *dp = *state;

	publish(dp, plan_for(PORT_A, PORT_B, DP_IO, 1));
	start(dp);
	feed(rx_ring[PORT_A][0], 0, 40);
	wait_rx(dp, 40);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	assert_int_equal(dp_latency_clear(dp, "rule"), 0);
	assert_int_equal(latency_count(dp, LAT_RESIDENCE), 0);
	start(dp);
	feed(rx_ring[PORT_A][0], 0, 30);
	wait_rx(dp, 70);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	assert_int_equal(latency_count(dp, LAT_RESIDENCE), 30);
	assert_int_equal(latency_count(dp, LAT_BOUND), 30);
	assert_int_equal(dp_latency_clear(dp, NULL), 0);
	assert_int_equal(latency_count(dp, LAT_BOUND), 0);
	assert_int_equal(dp_latency_clear(dp, "nosuch"), -ENOENT);
}

static void
the_bound_covers_the_wait_in_the_ring(void **state)
{
	struct dp *dp = *state;
	struct lat_hist *h = malloc(sizeof(*h));
	uint64_t fed_at;
	double waited, bound;

	assert_non_null(h);
	publish(dp, plan_for(PORT_A, PORT_B, DP_IO, 1));
	start(dp);
	/* While the plan is held the packets wait; the bound must know, the residence must not. */
	feed(rx_ring[PORT_A][0], 0, 8);
	wait_rx(dp, 8);
	dp_stop(dp);
	fed_at = rte_rdtsc();
	feed(rx_ring[PORT_A][0], 8, 16);
	assert_int_equal(dp_latency_clear(dp, NULL), 0);
	rte_delay_us_block(2000);
	waited = (double)(rte_rdtsc() - fed_at);
	start(dp);
	wait_rx(dp, 16);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	assert_int_equal(dp_latency(dp, "rule", LAT_BOUND, h), 0);
	assert_int_equal(lat_hist_count(h), 8);
	bound = (double)lat_hist_max(h);
	assert_true(bound >= waited);
	/* The wait is in the bound alone, however long the forwarding itself was held up. */
	assert_int_equal(dp_latency(dp, "rule", LAT_RESIDENCE, h), 0);
	assert_true(bound - (double)lat_hist_min(h) >= 0.99 * waited);
	free(h);
}

static void
starting_and_stopping_again_loses_nothing(void **state)
{
	struct dp *dp = *state;

	publish(dp, plan_for(PORT_LOOP, PORT_LOOP, DP_IO, 2));
	feed(rx_ring[PORT_LOOP][0], 0, 100);
	for (unsigned int i = 0; i < 50; i++) {
		start(dp);
		start(dp);
		wait_rx(dp, totals(dp).rx + 100);
		dp_stop(dp);
		assert_false(dp_running(dp));
	}
	assert_int_equal(rte_ring_count(rx_ring[PORT_LOOP][0]) +
			rte_ring_count(rx_ring[PORT_LOOP][1]),
		100);
	assert_int_equal(totals(dp).tx, totals(dp).rx);
}

static void
what_cannot_run_is_told(void **state)
{
	struct dp *dp = *state;
	struct dp_plan *plan = plan_for(PORT_A, PORT_B, DP_IO, 1);
	struct vfp_err err;

	assert_int_equal(dp_start(dp, &err), -EINVAL);
	assert_string_equal(err.text, "there is no plan to run");
	plan->lcores[0].id = rte_get_main_lcore();
	publish(dp, plan);
	assert_int_equal(dp_start(dp, &err), -EBUSY);
	assert_non_null(strstr(err.text, "is the main lcore"));
	assert_false(dp_running(dp));
	plan = plan_for(PORT_A, PORT_B, DP_IO, 1);
	plan->ports[0].port_id = RTE_MAX_ETHPORTS - 1;
	assert_int_equal(dp_publish(dp, plan, &err), -EINVAL);
	dp_plan_free(plan);
	assert_int_equal(dp_drain(dp, 1, 0), 0);
}

static int
run_all(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(io_moves_every_packet_in_order),
		TEST(modes_write_the_addresses_they_should),
		TEST(a_full_tx_queue_drops_and_counts),
		TEST(a_queue_that_drains_again_is_retried),
		TEST(unread_ports_are_consumed),
		TEST(plans_change_under_traffic_without_a_loss),
		TEST(circulating_packets_end_when_the_drain_runs_out),
		TEST(a_paused_port_is_left_alone),
		TEST(latency_starts_afresh_after_a_clear),
		TEST(the_bound_covers_the_wait_in_the_ring),
		TEST(starting_and_stopping_again_loses_nothing),
		TEST(what_cannot_run_is_told),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}

int
main(void)
{
	return rings_main("worker", run_all);
}
