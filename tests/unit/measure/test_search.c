/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "meas_search.h"

/* A system under test: a limit, perhaps a generator's, perhaps a limit that is not steady. */
struct dut {
	double limit;      /* packets a second that pass; what is above is lost */
	double generator;  /* at most so many are sent; 0: all that is asked */
	double hiccups;    /* it may be as much slower than that */
	double floor_loss; /* lost at any rate */
	double wobble;     /* the limit moves by this share from trial to trial */
	double short_lies; /* a trial of short length sees a limit so much higher */
	uint64_t seed;
};

static double
random_share(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return (double)(*s * UINT64_C(2685821657736338717) >> 11) / 9007199254740992.0;
}

static void
run_trial(
	struct dut *d, const struct meas_trial *t, double *pps, uint64_t *sent, uint64_t *received)
{
	double limit = d->limit * (1 + d->wobble * (2 * random_share(&d->seed) - 1));

	if (t->seconds < 2)
		limit *= 1 + d->short_lies;
	*pps = d->generator > 0 ? fmin(t->pps, d->generator) : t->pps;
	*pps *= 1 - d->hiccups * random_share(&d->seed);
	*sent = (uint64_t)llround(*pps * t->seconds);
	*received = (uint64_t)floor(fmin(*pps, limit) * (1 - d->floor_loss) * t->seconds);
	if (*pps <= limit && d->floor_loss == 0)
		*received = *sent;
}

static struct meas_search_conf
conf_of(uint16_t n_sizes)
{
	struct meas_search_conf c;

	meas_search_default(&c);
	c.n_sizes = n_sizes;
	c.repeats = 3;
	return c;
}

/* Search to the end; the trials' seconds. */
static double
search(struct meas_search *s, struct dut *d)
{
	struct meas_trial t;
	double seconds = 0, left = INFINITY;
	unsigned int trials = 0;

	while (meas_search_next(s, &t) == 1) {
		double pps;
		uint64_t sent, received;

		run_trial(d, &t, &pps, &sent, &received);
		assert_int_equal(meas_search_told(s, &t, pps, sent, received, NULL), 0);
		assert_true(meas_search_left(s) >= 0);
		left = meas_search_left(s);
		seconds += t.seconds;
		assert_true(++trials < 3000);
	}
	assert_int_equal(meas_search_trials(s), trials);
	assert_true(left < INFINITY && meas_search_left(s) == 0);
	return seconds;
}

static void
it_finds_every_limit_within_its_precision(void **state)
{
	static const double limits[] = {1500, 20000, 1e6, 3.3e6, 8.1e6, 14.7e6};

	(void)state;
	for (unsigned int k = 0; k < sizeof(limits) / sizeof(limits[0]); k++) {
		struct meas_search_conf c = conf_of(1);
		struct dut d = {.limit = limits[k], .seed = 1};
		struct meas_result r;
		struct meas_search *s;

		assert_int_equal(meas_search_new(&c, &s, NULL), 0);
		search(s, &d);
		assert_int_equal(meas_search_result(s, 0, 0, &r), 0);
		assert_int_equal(r.repeats, 3);
		assert_true(r.mean_pps <= limits[k] * 1.0001 && r.mean_pps >= limits[k] * 0.995);
		/* The same every time: the interval has no width. */
		assert_true(r.high_pps - r.low_pps < 1e-6 * limits[k] && !r.limited);
		assert_int_equal(meas_search_result(s, 0, 1, &r), 0);
		/* 0.5 % may be lost: that much more may be offered. */
		assert_true(r.mean_pps <= limits[k] * 1.0051 && r.mean_pps >= limits[k] * 0.9999);
		meas_search_free(s);
	}
}

static void
it_is_not_taken_in_by_short_trials(void **state)
{
	struct meas_search_conf c = conf_of(1);
	struct dut d = {.limit = 4e6, .short_lies = 0.08, .seed = 2};
	struct meas_result r;
	struct meas_search *s;

	(void)state;
	/* A buffer that takes a second's surplus: only full trials see the limit. */
	assert_int_equal(meas_search_new(&c, &s, NULL), 0);
	search(s, &d);
	assert_int_equal(meas_search_result(s, 0, 0, &r), 0);
	assert_true(r.mean_pps <= 4.0001e6 && r.mean_pps >= 4e6 * 0.99);
	meas_search_free(s);
}

/* Short trials get their rate, full ones are held up: what these offered has passed all the same. */
static void
a_generator_that_is_held_up_finds_what_it_offered(void **state)
{
	struct meas_search_conf c = conf_of(1);
	struct meas_result r;
	struct meas_search *s;
	struct meas_trial t;

	(void)state;
	c.repeats = 1;
	assert_int_equal(meas_search_new(&c, &s, NULL), 0);
	while (meas_search_next(s, &t) == 1 && t.why != MEAS_LATENCY) {
		const double pps = t.why == MEAS_MEASURE ? fmin(t.pps, 2.5e6) : t.pps;
		const uint64_t sent = (uint64_t)llround(pps * t.seconds),
			       limit = (uint64_t)llround(3e6 * t.seconds);

		assert_int_equal(meas_search_told(s, &t, pps, sent, fmin(sent, limit), NULL), 0);
	}
	assert_int_equal(meas_search_result(s, 0, 0, &r), 0);
	assert_true(r.limited && r.mean_pps == 2.5e6);
	meas_search_free(s);
}

static void
the_link_or_the_generator_can_be_the_limit(void **state)
{
	struct meas_search_conf c = conf_of(1);
	struct dut fast = {.limit = 1e9, .seed = 3},
		   slow = {.limit = 1e9, .generator = 5e6, .seed = 3};
	struct meas_result r;
	struct meas_search *s;

	(void)state;
	assert_int_equal(meas_search_new(&c, &s, NULL), 0);
	search(s, &fast);
	assert_int_equal(meas_search_result(s, 0, 0, &r), 0);
	assert_true(r.limited && fabs(r.mean_pps / 14880952 - 1) < 1e-6);
	meas_search_free(s);
	assert_int_equal(meas_search_new(&c, &s, NULL), 0);
	search(s, &slow);
	assert_int_equal(meas_search_result(s, 0, 0, &r), 0);
	assert_true(r.limited && r.mean_pps == 5e6);
	meas_search_free(s);
}

/* As on a machine with other work, where trials at 1000 packets a second got 130 to 1000. */
static void
a_generator_that_cannot_keep_up_ends_the_search_and_is_named(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 50; seed++) {
		struct meas_search_conf c = conf_of(1);
		struct dut d = {.limit = 4e6, .generator = 5e6, .hiccups = 0.9, .seed = seed};
		struct meas_result r;
		struct meas_search *s;

		assert_int_equal(meas_search_new(&c, &s, NULL), 0);
		search(s, &d);
		assert_true(meas_search_trials(s) < 3 * 60);
		assert_int_equal(meas_search_result(s, 0, 0, &r), 0);
		assert_true(r.limited && r.mean_pps <= 4e6);
		meas_search_free(s);
	}
}

static void
what_always_loses_has_no_throughput(void **state)
{
	struct meas_search_conf c = conf_of(1);
	struct dut d = {.limit = 4e6, .floor_loss = 0.001, .seed = 4};
	struct meas_result r;
	struct meas_search *s;

	(void)state;
	assert_int_equal(meas_search_new(&c, &s, NULL), 0);
	search(s, &d);
	assert_int_equal(meas_search_result(s, 0, 0, &r), 0);
	assert_true(r.mean_pps == 0);
	assert_int_equal(meas_search_result(s, 0, 1, &r), 0);
	assert_true(r.mean_pps > 3.9e6 && r.mean_pps < 4.1e6);
	meas_search_free(s);
}

static void
an_unsteady_limit_gives_a_wide_interval_and_an_end(void **state)
{
	struct meas_search_conf c = conf_of(2);
	struct dut d = {.limit = 2e6, .wobble = 0.05, .seed = 5};
	struct meas_result r;
	struct meas_search *s;

	(void)state;
	c.repeats = 10;
	assert_int_equal(meas_search_new(&c, &s, NULL), 0);
	search(s, &d);
	assert_int_equal(meas_search_result(s, 1, 0, &r), 0);
	assert_int_equal(r.size, 128);
	assert_true(r.mean_pps > 1.85e6 && r.mean_pps < 2.1e6);
	assert_true(r.low_pps < r.mean_pps - 1000 && r.high_pps > r.mean_pps + 1000);
	assert_true(r.least_pps < r.mean_pps && r.most_pps > r.mean_pps);
	meas_search_free(s);
}

static void
latency_is_taken_at_shares_of_what_was_found(void **state)
{
	static const double want[] = {0.1, 0.5, 0.9};
	struct meas_search_conf c = conf_of(2);
	struct dut d = {.limit = 1e6, .seed = 6};
	struct meas_search *s;
	struct meas_result r;
	struct meas_trial t;
	unsigned int n = 0;

	(void)state;
	assert_int_equal(meas_search_new(&c, &s, NULL), 0);
	while (meas_search_next(s, &t) == 1) {
		uint64_t sent, received;
		double pps;

		if (t.why == MEAS_LATENCY) {
			assert_int_equal(meas_search_result(s, n / 3, 0, &r), 0);
			assert_int_equal(t.size, r.size);
			assert_true(t.load == want[n % 3] && t.pps == r.mean_pps * t.load);
			n++;
		}
		run_trial(&d, &t, &pps, &sent, &received);
		assert_int_equal(meas_search_told(s, &t, pps, sent, received, NULL), 0);
	}
	assert_int_equal(n, 6);
	meas_search_free(s);
}

static void
recorded_trials_bring_it_back_to_where_it_was(void **state)
{
	enum { KEPT = 37 };
	struct meas_search_conf c = conf_of(2);
	struct dut d = {.limit = 3e6, .wobble = 0.02, .seed = 7};
	struct {
		struct meas_trial t;
		double pps;
		uint64_t sent, received;
	} log[KEPT];
	struct meas_search *first, *again;
	struct meas_trial a, b;

	(void)state;
	assert_int_equal(meas_search_new(&c, &first, NULL), 0);
	assert_int_equal(meas_search_new(&c, &again, NULL), 0);
	for (unsigned int i = 0; i < KEPT; i++) {
		assert_int_equal(meas_search_next(first, &log[i].t), 1);
		run_trial(&d, &log[i].t, &log[i].pps, &log[i].sent, &log[i].received);
		assert_int_equal(meas_search_told(first, &log[i].t, log[i].pps, log[i].sent,
					 log[i].received, NULL),
			0);
	}
	for (unsigned int i = 0; i < KEPT; i++) {
		assert_int_equal(meas_search_next(again, &a), 1);
		assert_int_equal(meas_search_told(again, &log[i].t, log[i].pps, log[i].sent,
					 log[i].received, NULL),
			0);
	}
	assert_int_equal(meas_search_next(first, &a), 1);
	assert_int_equal(meas_search_next(again, &b), 1);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_true(meas_search_left(first) == meas_search_left(again));
	meas_search_free(first);
	meas_search_free(again);
}

static void
answers_that_cannot_be_are_refused(void **state)
{
	struct meas_search_conf c = conf_of(1);
	struct meas_search *s;
	struct meas_trial t, other;
	struct vfp_err err = {0};

	(void)state;
	assert_int_equal(meas_search_new(&c, &s, NULL), 0);
	assert_int_equal(meas_search_next(s, &t), 1);
	other = t;
	other.pps *= 1.01;
	assert_int_equal(meas_search_told(s, &other, other.pps, 10, 10, &err), -EINVAL);
	assert_int_equal(meas_search_told(s, &t, t.pps, 10, 11, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no more received than sent"));
	assert_int_equal(meas_search_told(s, &t, t.pps, 0, 0, &err), -EINVAL);
	assert_int_equal(meas_search_told(s, &t, t.pps, 10, 10, &err), 0);
	assert_int_equal(meas_search_told(s, &t, t.pps, 10, 10, &err), -EINVAL);
	meas_search_free(s);
}

static void
bad_requests_say_what_is_allowed(void **state)
{
	static const struct {
		size_t at;
		double value;
		const char *says;
	} bad[] = {
		{offsetof(struct meas_search_conf, precision), 0, "0.0005 to 0.1"},
		{offsetof(struct meas_search_conf, precision), NAN, "0.0005 to 0.1"},
		{offsetof(struct meas_search_conf, trial_s), 4000, "3600 s"},
		{offsetof(struct meas_search_conf, short_s), 11, "no longer"},
		{offsetof(struct meas_search_conf, min_pps), 0, "above 0"},
		{offsetof(struct meas_search_conf, max_pps), 10, "above the first"},
		{offsetof(struct meas_search_conf, loss), 0.6, "0 to 0.5"},
	};
	struct meas_search_conf c;
	struct meas_search *s;
	struct vfp_err err;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c = conf_of(1);
		memcpy((char *)&c + bad[i].at, &bad[i].value, sizeof(double));
		assert_int_equal(meas_search_new(&c, &s, &err), -EINVAL);
		assert_null(s);
		assert_non_null(strstr(err.text, bad[i].says));
	}
	c = conf_of(1);
	c.size[0] = 63;
	assert_int_equal(meas_search_new(&c, &s, &err), -EINVAL);
	c = conf_of(1);
	c.repeats = 0;
	assert_int_equal(meas_search_new(&c, &s, &err), -EINVAL);
	c = conf_of(1);
	c.loss[1] = 0;
	assert_int_equal(meas_search_new(&c, &s, &err), -EINVAL);
}

static void
students_t_and_the_line(void **state)
{
	(void)state;
	assert_true(isnan(meas_t95(1)));
	assert_true(meas_t95(2) == 12.706 && meas_t95(10) == 2.262);
	assert_true(fabs(meas_t95(50) - 2.010) < 0.002 && fabs(meas_t95(1000) - 1.962) < 0.002);
	assert_true(fabs(meas_line_pps(10e9, 64) - 14880952.4) < 0.1);
	assert_true(fabs(meas_line_pps(10e9, 1518) - 812743.8) < 0.1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_finds_every_limit_within_its_precision),
		cmocka_unit_test(it_is_not_taken_in_by_short_trials),
		cmocka_unit_test(a_generator_that_is_held_up_finds_what_it_offered),
		cmocka_unit_test(the_link_or_the_generator_can_be_the_limit),
		cmocka_unit_test(a_generator_that_cannot_keep_up_ends_the_search_and_is_named),
		cmocka_unit_test(what_always_loses_has_no_throughput),
		cmocka_unit_test(an_unsteady_limit_gives_a_wide_interval_and_an_end),
		cmocka_unit_test(latency_is_taken_at_shares_of_what_was_found),
		cmocka_unit_test(recorded_trials_bring_it_back_to_where_it_was),
		cmocka_unit_test(answers_that_cannot_be_are_refused),
		cmocka_unit_test(bad_requests_say_what_is_allowed),
		cmocka_unit_test(students_t_and_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
