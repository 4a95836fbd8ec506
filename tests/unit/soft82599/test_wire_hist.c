/* SPDX-License-Identifier: BSD-3-Clause */
/* The histogram behind the wire's latency. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>

#include "hist.h"

static struct hist h;

static int
setup(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	return 0;
}

static void
empty(void **state)
{
	(void)state;
	assert_int_equal(hist_percentile(&h, 0.5), 0);
	assert_true(hist_mean(&h) == 0 && hist_stddev(&h) == 0);
}

static void
small_values_are_exact(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < 100; v++)
		hist_add(&h, v);
	for (unsigned int p = 1; p <= 100; p++)
		assert_int_equal(hist_percentile(&h, p / 100.0), p - 1);
	assert_int_equal(h.min, 0);
	assert_int_equal(h.max, 99);
	assert_true(fabs(hist_mean(&h) - 49.5) < 1e-9);
	assert_true(fabs(hist_stddev(&h) - sqrt(833.25)) < 1e-6);
}

static void
every_value_within_a_256th(void **state)
{
	(void)state;
	for (unsigned int bit = 0; bit < HIST_MAX_BITS; bit++) {
		for (uint64_t add = 0; add < 3; add++) {
			uint64_t v = (1ull << bit) + add * ((1ull << bit) / 3);

			memset(&h, 0, sizeof(h));
			hist_add(&h, 0);
			hist_add(&h, v);
			hist_add(&h, UINT64_MAX >> (64 - HIST_MAX_BITS));
			assert_true(hist_percentile(&h, 0.6) >= v);
			assert_true(hist_percentile(&h, 0.6) - v <= v / 256);
		}
	}
}

static void
clipped_values_count(void **state)
{
	(void)state;
	hist_add(&h, 5);
	hist_add(&h, UINT64_MAX);
	assert_int_equal(h.clipped, 1);
	assert_int_equal(h.count, 2);
	assert_true(h.max == UINT64_MAX);
	assert_int_equal(hist_percentile(&h, 0.5), 5);
	assert_true(hist_percentile(&h, 1) <= h.max);
}

static void
percentiles_stay_between_min_and_max(void **state)
{
	(void)state;
	hist_add(&h, 100001);
	assert_int_equal(hist_percentile(&h, 0.0), 100001);
	assert_int_equal(hist_percentile(&h, 0.999), 100001);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(empty, setup),
		cmocka_unit_test_setup(small_values_are_exact, setup),
		cmocka_unit_test_setup(every_value_within_a_256th, setup),
		cmocka_unit_test_setup(clipped_values_count, setup),
		cmocka_unit_test_setup(percentiles_stay_between_min_and_max, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
