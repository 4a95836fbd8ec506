/* SPDX-License-Identifier: BSD-3-Clause */
/* The balancer against the offline optimum, in the simulated time of bench/zipf_sim.h. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "zipf_sim.h"

static void
converges(unsigned int size, double exponent)
{
	uint8_t best[RSS_TABLE_MAX];
	struct rss_spread spread;
	double optimum, before, at_2s, worst = 0;
	unsigned int moved = 0, later = 0;

	sim_begin(size, exponent);
	rss_balance_spread(&s.truth, s.table, &spread);
	optimum = rss_balance_offline(&s.truth, best);
	assert_true(optimum >= rss_balance_floor(&spread) * (1 - 1e-9));
	before = sim_max() / optimum;
	for (int ms = 0; ms < 2000; ms += PERIOD_MS) {
		const unsigned int n = sim_step();

		assert_true(n <= s.b.max_moves);
		moved += n;
	}
	at_2s = sim_max() / optimum;
	for (int ms = 2000; ms < 10000; ms += PERIOD_MS) {
		later += sim_step();
		worst = fmax(worst, sim_max() / optimum);
	}
	print_message("# zipf %.1f, %4u entries, %d flows, %d queues: busiest queue %.4f of the load, "
		      "optimum %.4f (floor %.4f); x optimum: start %.3f, after 2 s %.4f, worst until "
		      "10 s %.4f; moves %u + %u\n",
		exponent, size, FLOWS, QUEUES, sim_max(), optimum, rss_balance_floor(&spread),
		before, at_2s, worst, moved, later);
	assert_true(at_2s <= 1.02);
	assert_true(worst <= 1.02);
	/* few: what the even table got wrong, not the whole of it over and over */
	assert_true(moved + later <= size);
}

static void
zipf_software_table(void **unused)
{
	(void)unused;
	for (double e = 1.0; e < 1.35; e += 0.1)
		converges(4096, e);
}

static void
zipf_hardware_table(void **unused)
{
	(void)unused;
	for (double e = 1.0; e < 1.35; e += 0.1)
		converges(RSS_RETA_SIZE, e);
}

/* The heavy flows change places: even again after 2 s. */
static void
follows_a_shift(void **unused)
{
	uint8_t best[RSS_TABLE_MAX];
	double optimum;

	(void)unused;
	sim_begin(RSS_RETA_SIZE, 1.1);
	for (int ms = 0; ms < 2000; ms += PERIOD_MS)
		sim_step();
	for (unsigned int i = 0; i < FLOWS / 2; i++) {
		const uint16_t b = s.bucket[i];

		s.bucket[i] = s.bucket[FLOWS - 1 - i];
		s.bucket[FLOWS - 1 - i] = b;
	}
	set_truth();
	optimum = rss_balance_offline(&s.truth, best);
	assert_true(sim_max() / optimum > 1.05);
	for (int ms = 0; ms < 4000; ms += PERIOD_MS)
		sim_step();
	assert_true(sim_max() / optimum <= 1.02);
}

static void
even_load_is_left_alone(void **unused)
{
	static uint64_t count[RSS_TABLE_MAX];

	(void)unused;
	s.size = 128;
	rss_balance_init(&s.b, 128, QUEUES);
	for (unsigned int i = 0; i < 128; i++) {
		s.table[i] = i % QUEUES;
		count[i] = 1000;
	}
	assert_int_equal(rss_balance_plan(&s.b, s.table, s.moves), 0); /* nothing measured */
	rss_balance_sample(&s.b, count);
	assert_int_equal(rss_balance_plan(&s.b, s.table, s.moves), 0);
	memset(count, 0, sizeof(count));
	count[5] = 100; /* a single flow cannot be split: no dance */
	rss_balance_init(&s.b, 128, QUEUES);
	rss_balance_sample(&s.b, count);
	assert_int_equal(rss_balance_plan(&s.b, s.table, s.moves), 0);
}

/* 16 + 8 against 4: moving the 16 would only change the roles. */
static void
a_step_does_not_overshoot(void **unused)
{
	static uint64_t count[RSS_TABLE_MAX];

	(void)unused;
	memset(count, 0, sizeof(count));
	rss_balance_init(&s.b, 128, 2);
	memset(s.table, 0, sizeof(s.table));
	count[0] = 16;
	count[1] = 8;
	count[2] = 4;
	s.table[2] = 1;
	rss_balance_sample(&s.b, count);
	s.b.max_moves = 1;
	assert_int_equal(rss_balance_plan(&s.b, s.table, s.moves), 1);
	assert_int_equal(s.moves[0].entry, 1);
	assert_int_equal(s.moves[0].to, 1);
}

/* A plan alone changes nothing, and moves say where from. */
static void
dry_run_and_bound(void **unused)
{
	static uint64_t count[RSS_TABLE_MAX];
	uint8_t was[128];
	struct rss_spread before, after;
	unsigned int n;

	(void)unused;
	s.size = 128;
	rss_balance_init(&s.b, 128, QUEUES);
	for (unsigned int i = 0; i < 128; i++) {
		count[i] = 100 + i;
		s.table[i] = 0;
	}
	memcpy(was, s.table, sizeof(was));
	rss_balance_sample(&s.b, count);
	s.b.max_moves = 5;
	n = rss_balance_plan(&s.b, s.table, s.moves);
	assert_int_equal(n, 5);
	assert_memory_equal(was, s.table, sizeof(was));
	rss_balance_spread(&s.b, s.table, &before);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(s.moves[i].from, 0);
		assert_int_not_equal(s.moves[i].to, 0);
	}
	rss_balance_apply(s.table, s.moves, n);
	rss_balance_spread(&s.b, s.table, &after);
	assert_true(after.max < before.max);
	assert_true(fabs(rss_balance_imbalance(&before) - 4) < 1e-9);
}

/* Small and coarse cases, the hard ones, against every table there is. */
static void
offline_is_near_the_optimum(void **unused)
{
	double sum = 0;

	(void)unused;
	for (int round = 0; round < 200; round++) {
		struct rss_balance *b = &s.truth;
		uint8_t t[RSS_TABLE_MAX];
		double best = INFINITY, got;

		rss_balance_init(b, 9, 2);
		for (unsigned int i = 0; i < 9; i++)
			b->load[i] = 1 + floor(uniform() * 50);
		for (unsigned int code = 0; code < 512; code++) {
			double q[2] = {0};

			for (unsigned int i = 0; i < 9; i++)
				q[code >> i & 1] += b->load[i];
			best = fmin(best, fmax(q[0], q[1]));
		}
		got = rss_balance_offline(b, t);
		assert_true(got >= best - 1e-9);
		assert_true(got <= best * 7 / 6); /* Graham's bound for longest first */
		sum += got / best;
	}
	print_message("# offline solver: on average %.4f x the optimum of 9 entries\n", sum / 200);
	assert_true(sum / 200 <= 1.01);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(even_load_is_left_alone),
		cmocka_unit_test(a_step_does_not_overshoot),
		cmocka_unit_test(dry_run_and_bound),
		cmocka_unit_test(offline_is_near_the_optimum),
		cmocka_unit_test(zipf_software_table),
		cmocka_unit_test(zipf_hardware_table),
		cmocka_unit_test(follows_a_shift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
