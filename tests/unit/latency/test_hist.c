/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lat_hist.h"
#include "lat_recorder.h"

#define SAMPLES 20000

/* A fixed sequence, so that a failure comes again (xorshift64*, Marsaglia 2003 and Vigna 2016). */
static uint64_t
next_random(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * UINT64_C(2685821657736338717);
}

/* Over all magnitudes, as latencies are. */
static uint64_t
random_ticks(uint64_t *s)
{
	return next_random(s) >> (64 - LAT_HIST_TOP_BITS) >> (next_random(s) % LAT_HIST_TOP_BITS);
}

static struct lat_hist *
hist_new(void)
{
	struct lat_hist *h = malloc(sizeof(*h));

	assert_non_null(h);
	lat_hist_init(h);
	return h;
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
every_value_lies_in_its_bucket(void **state)
{
	uint64_t seed = 1;

	(void)state;
	assert_int_equal(lat_hist_index(0), 0);
	assert_int_equal(lat_hist_index(LAT_HIST_MAX), LAT_HIST_BUCKETS - 1);
	for (unsigned int i = 0; i < 1000000; i++) {
		const uint64_t v = random_ticks(&seed);
		const uint32_t b = lat_hist_index(v);

		assert_true(lat_hist_low(b) <= v && v <= lat_hist_high(b));
		assert_true(lat_hist_high(b) - lat_hist_low(b) <= lat_hist_low(b) / 1024);
	}
}

static void
buckets_leave_no_gap(void **state)
{
	(void)state;
	for (uint32_t b = 1; b < LAT_HIST_BUCKETS; b++) {
		assert_true(lat_hist_low(b) == lat_hist_high(b - 1) + 1);
		assert_int_equal(lat_hist_index(lat_hist_low(b)), b);
		assert_int_equal(lat_hist_index(lat_hist_high(b)), b);
	}
}

static void
quantiles_are_right_within_half_a_bucket(void **state)
{
	static const double qs[] = {0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
	uint64_t *v = calloc(SAMPLES, sizeof(*v)), seed = 2;
	struct lat_hist *h = hist_new();
	double sum = 0, squares = 0;

	(void)state;
	for (unsigned int i = 0; i < SAMPLES; i++) {
		v[i] = random_ticks(&seed);
		lat_hist_add(h, v[i], 1);
		sum += (double)v[i];
	}
	qsort(v, SAMPLES, sizeof(*v), by_value);
	assert_int_equal(lat_hist_count(h), SAMPLES);
	assert_true(lat_hist_min(h) == lat_hist_low(lat_hist_index(v[0])));
	assert_true(lat_hist_max(h) == lat_hist_high(lat_hist_index(v[SAMPLES - 1])));
	for (unsigned int i = 0; i < sizeof(qs) / sizeof(qs[0]); i++) {
		const double rank = ceil(qs[i] * SAMPLES);
		const double want = (double)v[rank < 1 ? 0 : (unsigned int)rank - 1];
		const double got = (double)lat_hist_quantile(h, qs[i]);

		/* The last rank gives the upper edge instead: a whole bucket. */
		assert_true(fabs(got - want) <= want / (rank < SAMPLES ? 2000 : 1000) + 0.5);
	}
	assert_true(fabs(lat_hist_mean(h) * SAMPLES / sum - 1) < 0.0005);
	for (unsigned int i = 0; i < SAMPLES; i++)
		squares += ((double)v[i] - sum / SAMPLES) * ((double)v[i] - sum / SAMPLES);
	assert_true(fabs(lat_hist_stddev(h) / sqrt(squares / SAMPLES) - 1) < 0.001);
	free(v);
	free(h);
}

static void
a_weight_is_that_many_samples(void **state)
{
	struct lat_hist *one = hist_new(), *many = hist_new();
	uint64_t seed = 3;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		const uint64_t v = random_ticks(&seed), w = next_random(&seed) % 64 + 1;

		lat_hist_add(many, v, w);
		for (uint64_t k = 0; k < w; k++)
			lat_hist_add(one, v, 1);
	}
	assert_memory_equal(one, many, sizeof(*one));
	free(one);
	free(many);
}

static void
merging_loses_nothing(void **state)
{
	struct lat_hist *all = hist_new(), *parts[3] = {hist_new(), hist_new(), hist_new()};
	struct lat_hist *sum = hist_new();
	uint64_t seed = 4;

	(void)state;
	for (unsigned int i = 0; i < SAMPLES; i++) {
		const uint64_t v = random_ticks(&seed) * (i % 1000 == 0 ? 4 : 1);

		lat_hist_add(all, v, 1 + i % 7);
		lat_hist_add(parts[i % 3], v, 1 + i % 7);
	}
	for (unsigned int i = 0; i < 3; i++) {
		lat_hist_merge(sum, parts[i]);
		free(parts[i]);
	}
	assert_memory_equal(sum, all, sizeof(*sum));
	free(sum);
	free(all);
}

static void
what_is_too_long_is_counted_as_clipped(void **state)
{
	struct lat_hist *h = hist_new();
	struct lat_summary s;

	(void)state;
	lat_hist_add(h, LAT_HIST_MAX, 2);
	assert_int_equal(h->clipped, 0);
	lat_hist_add(h, LAT_HIST_MAX + 1, 3);
	lat_hist_add(h, UINT64_MAX, 1);
	assert_int_equal(h->clipped, 4);
	assert_int_equal(lat_hist_count(h), 6);
	assert_true(lat_hist_max(h) == LAT_HIST_MAX);
	lat_summarise(h, 1e9, &s);
	assert_int_equal(s.clipped, 4);
	assert_true(s.min_ns <= s.p50_ns && s.p50_ns <= s.p99_ns && s.p99_ns <= s.max_ns);
	free(h);
}

static void
it_reaches_from_1_ns_to_100_s(void **state)
{
	(void)state;
	assert_true((double)LAT_HIST_MAX / 5e9 > 100);
	/* At 1 GHz a tick is 1 ns, and has its own bucket. */
	assert_int_equal(lat_hist_index(1), 1);
	assert_true(sizeof(struct lat_hist) < 250000);
}

static void
a_clear_leaves_what_came_after(void **state)
{
	struct lat_hist *worker = hist_new(), *now = hist_new(), *want = hist_new();
	struct lat_view *view = malloc(sizeof(*view));
	uint64_t seed = 5;

	(void)state;
	lat_view_init(view);
	lat_hist_add(worker, 1, 1);
	lat_hist_add(worker, LAT_HIST_MAX * 2, 1);
	lat_hist_copy(now, worker);
	lat_view_apply(view, now);
	assert_memory_equal(now, worker, sizeof(*now));
	lat_view_clear(view, now);
	lat_hist_copy(now, worker);
	lat_view_apply(view, now);
	assert_int_equal(lat_hist_count(now), 0);
	assert_true(lat_hist_min(now) == 0 && lat_hist_max(now) == 0 && now->clipped == 0);

	for (unsigned int i = 0; i < SAMPLES; i++) {
		const uint64_t v = 100000 + next_random(&seed) % 100000;

		lat_hist_add(worker, v, 2);
		lat_hist_add(want, v, 2);
	}
	lat_hist_copy(now, worker);
	lat_view_apply(view, now);
	assert_memory_equal(now->bucket, want->bucket, sizeof(want->bucket));
	/* The extremes too are those of the samples after the clear. */
	assert_true(lat_hist_min(now) >= 99900 && lat_hist_min(now) < 101000);
	assert_true(lat_hist_max(now) <= 200200 && lat_hist_max(now) > 199000);
	assert_int_equal(now->clipped, 0);
	free(view);
	free(want);
	free(now);
	free(worker);
}

static void
nothing_is_known_of_an_empty_one(void **state)
{
	struct lat_hist *h = hist_new(), *copy = hist_new();
	struct lat_summary s;

	(void)state;
	lat_hist_copy(copy, h);
	assert_memory_equal(copy, h, sizeof(*h));
	lat_summarise(copy, 2.5e9, &s);
	assert_int_equal(s.count, 0);
	assert_true(isnan(s.min_ns) && isnan(s.p50_ns) && isnan(s.max_ns) && isnan(s.stddev_ns));
	lat_hist_merge(h, copy);
	assert_int_equal(lat_hist_count(h), 0);
	free(h);
	free(copy);
}

static void
ticks_become_nanoseconds_on_display(void **state)
{
	struct lat_hist *h = hist_new();
	struct lat_summary s;

	(void)state;
	lat_hist_add(h, 250, 99);
	lat_hist_add(h, 2000, 1);
	lat_summarise(h, 2.5e9, &s);
	assert_true(s.min_ns == 100 && s.p50_ns == 100 && s.p99_ns == 100 && s.max_ns == 800);
	assert_true(fabs(s.mean_ns - 107) < 0.1);
	free(h);
}

static void
a_full_burst_proves_nothing(void **state)
{
	static const uint16_t asked[] = {1, 3, 4, 7, 16, 30, 32, 33, 64, 256};
	static const uint16_t full[] = {1, 3, 4, 4, 16, 28, 32, 32, 32, 32};

	(void)state;
	for (unsigned int i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		assert_int_equal(lat_full_burst(asked[i]), full[i]);
}

static void *
write_samples(void *arg)
{
	uint64_t seed = 6;

	for (unsigned int i = 0; i < 2000000; i++)
		lat_hist_add(arg, random_ticks(&seed), 3);
	return NULL;
}

static void
copies_of_a_written_one_only_grow(void **state)
{
	struct lat_hist *h = hist_new(), *old = hist_new(), *now = hist_new();
	uint64_t count = 0;
	pthread_t writer;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, write_samples, h), 0);
	while (count < 2000000u * 3) {
		lat_hist_copy(now, h);
		count = lat_hist_count(now);
		assert_int_equal(count % 3, 0);
		assert_true(count >= lat_hist_count(old));
		for (uint32_t i = 0; i < LAT_HIST_BUCKETS; i++)
			assert_true(now->bucket[i] >= old->bucket[i]);
		memcpy(old, now, sizeof(*old));
	}
	pthread_join(writer, NULL);
	free(h);
	free(old);
	free(now);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_lies_in_its_bucket),
		cmocka_unit_test(buckets_leave_no_gap),
		cmocka_unit_test(quantiles_are_right_within_half_a_bucket),
		cmocka_unit_test(a_weight_is_that_many_samples),
		cmocka_unit_test(merging_loses_nothing),
		cmocka_unit_test(what_is_too_long_is_counted_as_clipped),
		cmocka_unit_test(it_reaches_from_1_ns_to_100_s),
		cmocka_unit_test(a_clear_leaves_what_came_after),
		cmocka_unit_test(nothing_is_known_of_an_empty_one),
		cmocka_unit_test(ticks_become_nanoseconds_on_display),
		cmocka_unit_test(a_full_burst_proves_nothing),
		cmocka_unit_test(copies_of_a_written_one_only_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
