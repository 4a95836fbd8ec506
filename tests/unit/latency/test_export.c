/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lat_export.h"
#include "lat_series.h"

static struct lat_hist *
hist_new(void)
{
	struct lat_hist *h = malloc(sizeof(*h));

	assert_non_null(h);
	lat_hist_init(h);
	return h;
}

static uint64_t
next_random(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * UINT64_C(2685821657736338717);
}

/* Over many magnitudes: a random number of 64 bits without its last least .. least + spread - 1. */
static uint64_t
random_shifted(uint64_t *s, unsigned int least, unsigned int spread)
{
	const uint64_t value = next_random(s);

	return value >> (least + next_random(s) % spread);
}

/* What a writer writes, as a string. */
static char *
written(int (*write)(const struct lat_hist *ns, FILE *to), const struct lat_hist *h)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(write(h, f), 0);
	fclose(f);
	return text;
}

/*
 * By hand, from the rule of HdrHistogram's PercentileIterator: levels 0, 10, … 50 %, then five a
 * half distance; a line where the samples so far first reach the level, the last one at 100 %.
 */
static const char hgrm_of_four[] = "       Value     Percentile TotalCount 1/(1-Percentile)\n"
				   "\n"
				   "       1.000 0.000000000000          1           1.00\n"
				   "       1.000 0.100000000000          1           1.11\n"
				   "       1.000 0.200000000000          1           1.25\n"
				   "       1.500 0.300000000000          2           1.43\n"
				   "       1.500 0.400000000000          2           1.67\n"
				   "       1.500 0.500000000000          2           2.00\n"
				   "       2.000 0.550000000000          3           2.22\n"
				   "       2.000 0.600000000000          3           2.50\n"
				   "       2.000 0.650000000000          3           2.86\n"
				   "       2.000 0.700000000000          3           3.33\n"
				   "       2.000 0.750000000000          3           4.00\n"
				   "       4.001 0.775000000000          4           4.44\n"
				   "       4.001 1.000000000000          4\n"
				   "#[Mean    =        2.125, StdDeviation   =        1.139]\n"
				   "#[Max     =        4.001, Total count    =            4]\n"
				   "#[Buckets =           29, SubBuckets     =         2048]\n";

static void
hgrm_is_what_the_plotter_reads(void **state)
{
	struct lat_hist *h = hist_new();
	char *text;

	(void)state;
	lat_hist_add(h, 1000, 1);
	lat_hist_add(h, 1500, 1);
	lat_hist_add(h, 2000, 1);
	lat_hist_add(h, 4000, 1); /* buckets of two from 2048 on: 4000 and 4001 are one */
	text = written(lat_write_hgrm, h);
	assert_string_equal(text, hgrm_of_four);
	free(text);
	text = written(lat_write_csv, h);
	assert_ptr_equal(
		strstr(text, "\"Value\",\"Percentile\",\"TotalCount\",\"1/(1-Percentile)\"\n"
			     "1.000,0.000000000000,1,1.00\n"),
		text);
	assert_non_null(
		strstr(text, "\n4.001,0.775000000000,4,4.44\n4.001,1.000000000000,4,Infinity\n"));
	free(text);
	free(h);
}

static void
percentiles_of_a_list_never_fall(void **state)
{
	struct lat_hist *h = hist_new();
	double value, level, last_value = 0, last_level = -1;
	unsigned long long seen = 0;
	uint64_t seed = 7;
	unsigned int lines = 0;
	char *text, *save = NULL;

	(void)state;
	for (unsigned int i = 0; i < 1000000; i++)
		lat_hist_add(h, random_shifted(&seed, 30, 30), 1);
	text = written(lat_write_hgrm, h);
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (sscanf(l, "%lf %lf %llu", &value, &level, &seen) != 3)
			continue;
		assert_true(value >= last_value && level > last_level);
		/* What the line says is what the histogram says. */
		if (level > 0 && level < 1)
			assert_true(value * 1000 + 0.5 >= (double)lat_hist_quantile(h, level));
		assert_true((double)seen >= level * 1e6 - 1e-3);
		last_value = value;
		last_level = level;
		lines++;
	}
	assert_true(lines > 80 && last_level == 1 && seen == 1000000);
	free(text);
	free(h);
}

static void
nothing_has_no_percentiles(void **state)
{
	struct lat_hist *h = hist_new();

	(void)state;
	assert_int_equal(lat_write_hgrm(h, stderr), -EINVAL);
	assert_int_equal(lat_write_csv(h, stderr), -EINVAL);
	free(h);
}

static void
ticks_become_nanoseconds_within_a_thousandth(void **state)
{
	static const double hz[] = {1e9, 2.1e9, 3.7e9, 25e6};
	struct lat_hist *h = hist_new(), *ns = hist_new();
	uint64_t seed = 8;

	(void)state;
	for (unsigned int k = 0; k < sizeof(hz) / sizeof(hz[0]); k++) {
		lat_hist_init(h);
		for (unsigned int i = 0; i < 20000; i++)
			lat_hist_add(h, random_shifted(&seed, 31, 24), 3);
		lat_hist_to_ns(ns, h, hz[k]);
		assert_int_equal(lat_hist_count(ns), lat_hist_count(h));
		for (double q = 0.01; q < 1; q += 0.01) {
			const double want = (double)lat_hist_quantile(h, q) * 1e9 / hz[k];

			assert_true(
				fabs((double)lat_hist_quantile(ns, q) - want) <= want / 1000 + 1);
		}
		/* A maximum may be too long by a bucket, never too short. */
		for (unsigned int i = 0; i < 200; i++) {
			lat_hist_init(h);
			lat_hist_add(h, random_shifted(&seed, 31, 10), 1);
			lat_hist_to_ns(ns, h, hz[k]);
			assert_true((double)lat_hist_max(ns) >=
				    floor((double)lat_hist_max(h) * 1e9 / hz[k]));
		}
	}
	free(ns);
	free(h);
}

static void
text_holds_every_count(void **state)
{
	struct lat_hist *h = hist_new(), *back = hist_new();
	uint64_t seed = 9;

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		const uint64_t value = random_shifted(&seed, 25, 38);

		lat_hist_add(h, value, random_shifted(&seed, 13, 50));
	}
	lat_hist_add(h, LAT_HIST_MAX, UINT64_C(1) << 62);
	for (unsigned int twice = 1; twice <= 2; twice++) {
		char *text = lat_to_text(h);

		assert_non_null(text);
		assert_int_equal(lat_add_text(back, text), 0);
		for (uint32_t i = 0; i < LAT_HIST_BUCKETS; i++)
			assert_true(back->bucket[i] == twice * h->bucket[i]);
		free(text);
	}
	free(back);
	free(h);
}

/*
 * Not by our writer, so that reader and writer are not wrong together: a histogram of 0 digits
 * without counts, as a log in nosqlbench's documentation has it. Its layout is another one.
 */
#define EMPTY_ELSEWHERE "HISTFAAAABl42pNpmSzMwMDAyIAKYHwm+w9QFgA8ewJ6"

static void
what_others_wrote_is_read_or_refused(void **state)
{
	struct lat_hist *h = hist_new();
	char *text;

	(void)state;
	/* Another number of digits: another layout. */
	assert_int_equal(lat_add_text(h, EMPTY_ELSEWHERE), -EINVAL);
	assert_int_equal(lat_add_text(h, ""), -EINVAL);
	assert_int_equal(lat_add_text(h, "HIST"), -EINVAL);
	assert_int_equal(lat_add_text(h, "not base64!"), -EINVAL);
	lat_hist_add(h, 5, 5);
	text = lat_to_text(h);
	text[strlen(text) - 8] ^= 1;
	assert_int_equal(lat_add_text(h, text), -EINVAL);
	free(text);
	assert_int_equal(lat_hist_count(h), 5);
	free(h);
}

static void
packed_counts_that_lie_are_refused(void **state)
{
	static const uint8_t too_many_zeros[] = {0xff, 0xff, 0xff, 0xff, 0x0f, 0x02};
	static const uint8_t cut[] = {0x80};
	uint8_t beyond[] = {0xff, 0xdf, 0x03, 0x02, 0x02}; /* 30720 zeros, then counts */
	struct lat_hist *h = hist_new();

	(void)state;
	assert_int_equal(lat_unpack_add(h, too_many_zeros, sizeof(too_many_zeros)), -EINVAL);
	assert_int_equal(lat_unpack_add(h, cut, sizeof(cut)), -EINVAL);
	assert_int_equal(lat_unpack_add(h, beyond, sizeof(beyond)), -EINVAL);
	assert_int_equal(lat_hist_count(h), 0);
	beyond[0] = 0xfd; /* 30719 zeros: one count fits */
	assert_int_equal(lat_unpack_add(h, beyond, 4), 0);
	assert_int_equal(h->bucket[LAT_HIST_BUCKETS - 1], 1);
	free(h);
}

static void
a_series_keeps_every_sample_in_bounded_room(void **state)
{
	enum { MAX = 8 };
	struct lat_series *s = lat_series_new(MAX);
	struct lat_hist *total = hist_new(), *sum = hist_new(), *part = hist_new();
	uint64_t seed = 10;

	(void)state;
	assert_non_null(s);
	for (uint32_t take = 1; take <= 100; take++) {
		struct lat_point p;
		double at = 0;

		lat_hist_add(total, next_random(&seed) % 100000, take);
		lat_hist_add(total, LAT_HIST_MAX + 1, 1);
		assert_int_equal(lat_series_take(s, take, total), 0);
		assert_true(lat_series_points(s) <= MAX &&
			    lat_series_points(s) >= (take < 4 ? take : 4));
		lat_hist_init(sum);
		for (uint32_t i = 0; i < lat_series_points(s); i++) {
			assert_int_equal(lat_series_get(s, i, &p, part), 0);
			assert_true(p.at_s == at && p.seconds > 0);
			at += p.seconds;
			lat_hist_merge(sum, part);
		}
		assert_true(at == take);
		assert_memory_equal(sum, total, sizeof(*sum));
		assert_int_equal(lat_series_get(s, lat_series_points(s), &p, part), -ENOENT);
	}
	lat_series_free(s);
	free(total);
	free(sum);
	free(part);
}

static void
a_series_outlives_a_clear(void **state)
{
	struct lat_series *s = lat_series_new(8);
	struct lat_hist *total = hist_new(), *part = hist_new();
	struct lat_point p;

	(void)state;
	lat_hist_add(total, 100, 50);
	assert_int_equal(lat_series_take(s, 1, total), 0);
	/* Told: what lies between is nobody's. */
	lat_hist_add(total, 100, 7);
	assert_int_equal(lat_series_restart(s, 1.5, total), 0);
	lat_hist_add(total, 100, 3);
	assert_int_equal(lat_series_take(s, 2, total), 0);
	assert_int_equal(lat_series_get(s, 1, &p, part), 0);
	assert_int_equal(lat_hist_count(part), 3);
	assert_true(p.at_s == 1.5 && p.seconds == 0.5);
	/* Not told: less than before means that all is new. */
	lat_hist_init(total);
	lat_hist_add(total, 100, 20);
	assert_int_equal(lat_series_take(s, 3, total), 0);
	assert_int_equal(lat_series_get(s, 2, &p, part), 0);
	assert_int_equal(lat_hist_count(part), 20);
	lat_series_free(s);
	free(total);
	free(part);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hgrm_is_what_the_plotter_reads),
		cmocka_unit_test(percentiles_of_a_list_never_fall),
		cmocka_unit_test(nothing_has_no_percentiles),
		cmocka_unit_test(ticks_become_nanoseconds_within_a_thousandth),
		cmocka_unit_test(text_holds_every_count),
		cmocka_unit_test(what_others_wrote_is_read_or_refused),
		cmocka_unit_test(packed_counts_that_lie_are_refused),
		cmocka_unit_test(a_series_keeps_every_sample_in_bounded_room),
		cmocka_unit_test(a_series_outlives_a_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
