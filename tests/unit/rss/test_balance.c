/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The balancer against the offline optimum, in simulated time: packets are drawn from 10,000 flows
 * by Zipf's law, a sample is taken and a plan carried out every 100 ms, and after each the true
 * loads (which the balancer never sees) say how even the table is.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rss_balance.h"
#include "rss_flow.h"

#define FLOWS     10000
#define QUEUES    4
#define PPS       400000
#define PERIOD_MS 100

static uint64_t state = 0x2545f4914f6cdd1d;

static double
uniform(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (double)(state >> 11) / (double)(UINT64_C(1) << 53);
}

struct sim {
	unsigned int size;
	double share[FLOWS], sum[FLOWS];
	uint16_t bucket[FLOWS];
	uint8_t table[RSS_TABLE_MAX];
	struct rss_balance b, truth;
	struct rss_move moves[RSS_TABLE_MAX];
};

static struct sim s;

/* Flow i of random endpoints: its entry is that of its hash. */
static void
draw_flows(double exponent)
{
	static struct rss_oracle o;
	struct rss_conf conf;
	double all = 0;

	rss_conf_default(&conf, QUEUES);
	rss_oracle_init(&o, &conf);
	for (unsigned int i = 0; i < FLOWS; i++) {
		uint8_t tuple[12];

		for (unsigned int k = 0; k < sizeof(tuple); k++)
			tuple[k] = (uint8_t)(uniform() * 256);
		s.bucket[i] = rss_oracle_hash(&o, tuple, sizeof(tuple)) % s.size;
		s.share[i] = pow(i + 1, -exponent);
		all += s.share[i];
	}
	for (unsigned int i = 0; i < FLOWS; i++) {
		s.share[i] /= all;
		s.sum[i] = s.share[i] + (i ? s.sum[i - 1] : 0);
	}
}

static void
set_truth(void)
{
	memset(s.truth.load, 0, sizeof(s.truth.load));
	for (unsigned int i = 0; i < FLOWS; i++)
		s.truth.load[s.bucket[i]] += s.share[i];
	s.truth.samples = 1;
}

static void
begin(unsigned int size, double exponent)
{
	s.size = size;
	rss_balance_init(&s.b, size, QUEUES);
	rss_balance_init(&s.truth, size, QUEUES);
	draw_flows(exponent);
	set_truth();
	for (unsigned int i = 0; i < size; i++)
		s.table[i] = i % QUEUES;
}

static unsigned int
draw_packet(void)
{
	const double u = uniform() * s.sum[FLOWS - 1];
	unsigned int low = 0, high = FLOWS - 1;

	while (low < high) {
		const unsigned int mid = (low + high) / 2;

		if (s.sum[mid] < u)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* One period of traffic, one sample, one plan; the moves. */
static unsigned int
step(void)
{
	static uint64_t count[RSS_TABLE_MAX];
	unsigned int n;

	memset(count, 0, sizeof(count));
	for (unsigned int i = 0; i < PPS / 1000 * PERIOD_MS; i++)
		count[s.bucket[draw_packet()]]++;
	rss_balance_sample(&s.b, count);
	n = rss_balance_plan(&s.b, s.table, s.moves);
	assert_true(n <= s.b.max_moves);
	rss_balance_apply(s.table, s.moves, n);
	return n;
}

static double
true_max(void)
{
	struct rss_spread spread;

	rss_balance_spread(&s.truth, s.table, &spread);
	return spread.max;
}

static void
converges(unsigned int size, double exponent)
{
	uint8_t best[RSS_TABLE_MAX];
	struct rss_spread spread;
	double optimum, before, at_2s, worst = 0;
	unsigned int moved = 0, later = 0;

	begin(size, exponent);
	rss_balance_spread(&s.truth, s.table, &spread);
	optimum = rss_balance_offline(&s.truth, best);
	assert_true(optimum >= rss_balance_floor(&spread) * (1 - 1e-9));
	before = true_max() / optimum;
	for (int ms = 0; ms < 2000; ms += PERIOD_MS)
		moved += step();
	at_2s = true_max() / optimum;
	for (int ms = 2000; ms < 10000; ms += PERIOD_MS) {
		later += step();
		worst = fmax(worst, true_max() / optimum);
	}
	print_message("# zipf %.1f, %4u entries, %d flows, %d queues: busiest queue %.4f of the load, "
		      "optimum %.4f (floor %.4f); x optimum: start %.3f, after 2 s %.4f, worst until "
		      "10 s %.4f; moves %u + %u\n",
		exponent, size, FLOWS, QUEUES, true_max(), optimum, rss_balance_floor(&spread),
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
	begin(RSS_RETA_SIZE, 1.1);
	for (int ms = 0; ms < 2000; ms += PERIOD_MS)
		step();
	for (unsigned int i = 0; i < FLOWS / 2; i++) {
		const uint16_t b = s.bucket[i];

		s.bucket[i] = s.bucket[FLOWS - 1 - i];
		s.bucket[FLOWS - 1 - i] = b;
	}
	set_truth();
	optimum = rss_balance_offline(&s.truth, best);
	assert_true(true_max() / optimum > 1.05);
	for (int ms = 0; ms < 4000; ms += PERIOD_MS)
		step();
	assert_true(true_max() / optimum <= 1.02);
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
		cmocka_unit_test(dry_run_and_bound),
		cmocka_unit_test(offline_is_near_the_optimum),
		cmocka_unit_test(zipf_software_table),
		cmocka_unit_test(zipf_hardware_table),
		cmocka_unit_test(follows_a_shift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
