/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dp_stats.h"

/* Two ports: 10 came in by port 0; 7 left by port 1, 1 was consumed, 2 were dropped there. */
static struct dp_queue_stats queues[] = {
	{.port_id = 0, .queue = 0, .rx = 6},
	{.port_id = 0, .queue = 1, .rx = 4},
	{.port_id = 1, .queue = 0, .tx = 7, .tx_dropped = 2},
};

static const struct dp_stats balanced = {
	.n_queues = 3,
	.queues = queues,
	.totals = {.rx = 10, .tx = 7, .consumed = 1, .drops = {[DP_DROP_TX_FULL] = 2}},
};

static void
what_balances_is_accounted_for(void **state)
{
	const struct dp_nic_port nic[] = {{.port_id = 0, .rx = 10}, {.port_id = 1, .tx = 7}};
	struct dp_account a;

	(void)state;
	dp_account(&balanced, nic, 2, &a);
	assert_int_equal(a.unaccounted, 0);
	assert_int_equal(a.boundary, 0);
	assert_int_equal(a.inside, 0);
}

static void
gaps_between_nic_and_workers_never_cancel(void **state)
{
	/* One packet that no worker saw, and one more sent than was given: boundary is 0. */
	const struct dp_nic_port nic[] = {{.port_id = 0, .rx = 11}, {.port_id = 1, .tx = 8}};
	struct dp_account a;

	(void)state;
	dp_account(&balanced, nic, 2, &a);
	assert_int_equal(a.ports[0].rx_gap, 1);
	assert_int_equal(a.ports[1].tx_gap, -1);
	assert_int_equal(a.boundary, 0);
	assert_int_equal(a.unaccounted, 2);
	/* Nor within one port. */
	dp_account(&balanced, &(const struct dp_nic_port){.port_id = 1, .rx = 1, .tx = 8}, 1, &a);
	assert_int_equal(a.boundary, 0);
	assert_int_equal(a.unaccounted, 2);
}

static void
a_packet_lost_inside_is_found(void **state)
{
	const struct dp_nic_port nic[] = {{.port_id = 0, .rx = 10}, {.port_id = 1, .tx = 7}};
	struct dp_stats s = balanced;
	struct dp_account a;

	(void)state;
	s.totals.drops[DP_DROP_TX_FULL] = 1;
	dp_account(&s, nic, 2, &a);
	assert_int_equal(a.inside, 1);
	assert_int_equal(a.unaccounted, 1);
	s = balanced;
	s.totals.generated = 3;
	dp_account(&s, nic, 2, &a);
	assert_int_equal(a.unaccounted, 3);
}

static void
a_port_without_counters_is_not_compared(void **state)
{
	const struct dp_nic_port nic[] = {{.port_id = 1, .tx = 7}};
	struct dp_account a;

	(void)state;
	dp_account(&balanced, nic, 1, &a);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.unaccounted, 0);
}

static void
counters_wrap_in_their_bits(void **state)
{
	struct dp_counter c = {0};

	(void)state;
	assert_int_equal(dp_counter_update(&c, 0xfffffff0, 32), 0);
	assert_int_equal(dp_counter_update(&c, 0xffffffff, 32), 15);
	assert_int_equal(dp_counter_update(&c, 4, 32), 20);
	assert_int_equal(dp_counter_update(&c, 4, 32), 20);
	c = (struct dp_counter){0};
	assert_int_equal(dp_counter_update(&c, 1000, 64), 0);
	assert_int_equal(dp_counter_update(&c, UINT64_C(0x100000000) + 1000, 64),
		UINT64_C(0x100000000));
}

static void
earlier_is_subtracted_by_name_and_number(void **state)
{
	struct dp_queue_stats q1[] = {{.port_id = 1, .queue = 1, .rx = 5}};
	struct dp_queue_stats q2[] = {{.port_id = 1, .queue = 0, .rx = 9},
		{.port_id = 1, .queue = 1, .rx = 12, .tx = 3}};
	struct dp_rule_stats r1[] = {{.name = "b", .counts = {.rx = 2}}};
	struct dp_rule_stats r2[] = {{.name = "a", .counts = {.rx = 7}},
		{.name = "b", .counts = {.rx = 7, .drops = {1}}}};
	struct dp_lcore_stats l1[] = {{.id = 4, .polls = 10, .bursts = {3}}};
	struct dp_lcore_stats l2[] = {{.id = 3, .polls = 10}, {.id = 4, .polls = 15, .bursts = {4}}};
	const struct dp_stats earlier = {.n_queues = 1, .n_rules = 1, .n_lcores = 1, .queues = q1,
		.rules = r1, .lcores = l1, .totals = {.rx = 2}};
	struct dp_stats now = {.n_queues = 2, .n_rules = 2, .n_lcores = 2, .queues = q2,
		.rules = r2, .lcores = l2, .totals = {.rx = 14, .tx = 1}};

	(void)state;
	dp_stats_subtract(&now, &earlier);
	assert_int_equal(q2[0].rx, 9);
	assert_int_equal(q2[1].rx, 7);
	assert_int_equal(q2[1].tx, 3);
	assert_int_equal(r2[0].counts.rx, 7);
	assert_int_equal(r2[1].counts.rx, 5);
	assert_int_equal(r2[1].counts.drops[0], 1);
	assert_int_equal(l2[0].polls, 10);
	assert_int_equal(l2[1].polls, 5);
	assert_int_equal(l2[1].bursts[0], 1);
	assert_int_equal(now.totals.rx, 12);
}

static void
derived_numbers_know_what_they_cannot(void **state)
{
	const struct dp_lcore_stats none = {0};
	const struct dp_lcore_stats l = {
		.polls = 10, .empty_polls = 6, .rx = 100, .busy_cycles = 3000, .idle_cycles = 1000};

	(void)state;
	assert_true(isnan(dp_lcore_busy(&none)));
	assert_true(isnan(dp_lcore_cycles_per_packet(&none)));
	assert_true(isnan(dp_lcore_packets_per_burst(&none)));
	assert_true(dp_lcore_busy(&l) == 0.75);
	assert_true(dp_lcore_cycles_per_packet(&l) == 30);
	assert_true(dp_lcore_packets_per_burst(&l) == 25);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_balances_is_accounted_for),
		cmocka_unit_test(gaps_between_nic_and_workers_never_cancel),
		cmocka_unit_test(a_packet_lost_inside_is_found),
		cmocka_unit_test(a_port_without_counters_is_not_compared),
		cmocka_unit_test(counters_wrap_in_their_bits),
		cmocka_unit_test(earlier_is_subtracted_by_name_and_number),
		cmocka_unit_test(derived_numbers_know_what_they_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
