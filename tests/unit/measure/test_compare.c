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
#include "meas_compare.h"

static const struct meas_choice any = {.warmup = -1};
static const struct meas_rules rules = {.seed = 1, .resamples = 400};

static double
random_share(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return (double)(*s * UINT64_C(2685821657736338717) >> 11) / 9007199254740992.0;
}

/* Output of ping: n replies around `ms`, a slow drift that makes neighbours alike. */
static char *
ping_text(const char *notes, unsigned int n, double ms, double drift, uint64_t seed)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	double level = 0;

	assert_non_null(f);
	fprintf(f, "%sPING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n", notes);
	for (unsigned int i = 1; i <= n; i++) {
		level = 0.8 * level + drift * ms * (random_share(&seed) - 0.5);
		fprintf(f, "64 bytes from 10.0.0.2: icmp_seq=%u ttl=64 time=%.4f ms\n", i % 65536,
			ms * (1 + 0.2 * random_share(&seed)) + level);
	}
	fprintf(f,
		"\n--- 10.0.0.2 ping statistics ---\n"
		"%u packets transmitted, %u received, 0%% packet loss, time 1ms\n"
		"rtt min/avg/max/mdev = 0.1/0.2/0.3/0.04 ms\n",
		n, n);
	fclose(f);
	return text;
}

static void
parse(struct meas_run *r, const char *text)
{
	struct vfp_err err = {0};

	if (meas_run_parse("x", text, &any, r, &err) < 0)
		fail_msg("%s", err.text);
}

/* One side of one run, from a ping of that make. */
static void
side_of(struct meas_side *s, const char *label, const char *notes, unsigned int n, double ms,
	double drift, uint64_t seed)
{
	char *text = ping_text(notes, n, ms, drift, seed);

	*s = (struct meas_side){.n_runs = 1, .runs = calloc(1, sizeof(*s->runs))};
	strcpy(s->label, label);
	parse(s->runs, text);
	free(text);
}

static void
side_free(struct meas_side *s)
{
	for (uint16_t i = 0; i < s->n_runs; i++)
		meas_run_free(&s->runs[i]);
	free(s->runs);
}

static struct meas_comparison result;

static bool
says(const char *word)
{
	for (uint16_t i = 0; i < result.n_reasons; i++)
		if (strstr(result.reason[i], word))
			return true;
	for (uint16_t i = 0; i < result.n_notes; i++)
		if (strstr(result.note[i], word))
			return true;
	return false;
}

static void
a_real_difference_is_told_and_its_direction(void **state)
{
	struct meas_side a, b;

	(void)state;
	side_of(&a, "A", "# itr: off\n", 2000, 0.100, 0.02, 1);
	side_of(&b, "B", "# itr: on\n", 2000, 0.110, 0.02, 2);
	assert_int_equal(meas_compare(&a, &b, &rules, &result), 0);
	assert_int_equal(result.verdict, MEAS_SLOWER);
	assert_string_equal(result.compared, "itr");
	assert_true(result.figure[MEAS_P50].judged && result.figure[MEAS_P99].judged);
	assert_true(!result.figure[MEAS_P999].judged);
	assert_non_null(
		strstr(result.figure[MEAS_P999].why_not, "needs 10000 samples, A has 1999"));
	assert_true(result.figure[MEAS_P50].ratio.low < 1.1 &&
		    result.figure[MEAS_P50].ratio.high > 1.09);
	assert_int_equal(meas_compare(&b, &a, &rules, &result), 0);
	assert_int_equal(result.verdict, MEAS_FASTER);
	side_free(&a);
	side_free(&b);
}

/*
 * The point of it all: where nothing differs, a verdict comes seldom, though neighbouring samples
 * are alike. 5 % are promised. Of 200 pairs 10 are expected, and more than 22 once in 3000 times; a
 * bootstrap of single samples says "faster" or "slower" far more often.
 */
static void
equal_runs_are_seldom_told_apart(void **state)
{
	unsigned int told = 0;

	(void)state;
	for (uint64_t k = 0; k < 200; k++) {
		struct meas_side a, b;

		side_of(&a, "A", "", 1000, 0.1, 0.05, 100 + 2 * k);
		side_of(&b, "B", "", 1000, 0.1, 0.05, 101 + 2 * k);
		assert_int_equal(meas_compare(&a, &b, &rules, &result), 0);
		told += result.verdict != MEAS_CANNOT_TELL;
		side_free(&a);
		side_free(&b);
	}
	print_message("# %u of 200 equal pairs told apart\n", told);
	assert_true(told <= 22);
}

static void
the_same_seed_gives_the_same_digits(void **state)
{
	struct meas_rules other = rules;
	struct meas_interval first;
	struct meas_side a, b;

	(void)state;
	side_of(&a, "A", "", 500, 0.1, 0.02, 5);
	side_of(&b, "B", "", 500, 0.1, 0.02, 6);
	assert_int_equal(meas_compare(&a, &b, &rules, &result), 0);
	first = result.figure[MEAS_MEAN].ratio;
	assert_int_equal(meas_compare(&a, &b, &rules, &result), 0);
	assert_memory_equal(&first, &result.figure[MEAS_MEAN].ratio, sizeof(first));
	other.seed = 2;
	assert_int_equal(meas_compare(&a, &b, &other, &result), 0);
	assert_memory_not_equal(&first, &result.figure[MEAS_MEAN].ratio, sizeof(first));
	side_free(&a);
	side_free(&b);
}

static void
two_differences_are_refused_unless_one_is_allowed(void **state)
{
	struct meas_rules allow = {
		.seed = 1, .resamples = 400, .n_allowed = 1, .allowed = {"link_mbit"}};
	struct meas_side a, b;

	(void)state;
	side_of(&a, "A", "# link_mbit: 1000\n# sriov: no\n", 300, 0.4, 0.02, 7);
	side_of(&b, "B", "# link_mbit: 10000\n# sriov: yes\n", 300, 0.1, 0.02, 8);
	assert_int_equal(meas_compare(&a, &b, &rules, &result), 0);
	assert_int_equal(result.verdict, MEAS_REFUSED);
	assert_true(says("link_mbit (1000, 10000), sriov (no, yes)"));
	assert_string_equal(result.compared, "");
	assert_int_equal(meas_compare(&a, &b, &allow, &result), 0);
	assert_int_equal(result.verdict, MEAS_FASTER);
	assert_string_equal(result.compared, "sriov");
	assert_true(says("differs as allowed: link_mbit"));
	side_free(&a);
	side_free(&b);
}

static void
few_samples_and_summaries_are_refused(void **state)
{
	static const char summary[] =
		"PING 192.0.2.1 (192.0.2.1) 56(84) bytes of data.\n\n"
		"11 packets transmitted, 5 received, 54.5455% packet loss, time 10200ms\n"
		"rtt min/avg/max/mdev = 0.379/0.442/0.476/0.034 ms\n";
	struct meas_side a, b = {.label = "B", .n_runs = 1, .runs = calloc(1, sizeof(*b.runs))};

	(void)state;
	side_of(&a, "A", "", 99, 0.4, 0.02, 9);
	parse(b.runs, summary);
	assert_true(b.runs[0].summary_only && b.runs[0].samples == 5 && b.runs[0].mean_ns == 442e3);
	assert_int_equal(meas_compare(&a, &b, &rules, &result), 0);
	assert_int_equal(result.verdict, MEAS_REFUSED);
	assert_true(says("A: 98 samples; 100 are needed"));
	assert_true(says("B: 5 samples; 100 are needed"));
	assert_true(says("B: a summary only"));
	assert_true(says("B lost 54.5 %; a summary does not tell loss from a warm-up"));
	side_free(&a);
	side_free(&b);
}

static void
repeats_of_different_settings_are_no_repeats(void **state)
{
	struct meas_side a, b, more;

	(void)state;
	side_of(&a, "A", "# link_mbit: 10000\n", 300, 0.1, 0.02, 10);
	side_of(&b, "B", "# link_mbit: 10000\n", 300, 0.1, 0.02, 11);
	side_of(&more, "B", "# link_mbit: 1000\n", 300, 0.1, 0.02, 12);
	b.runs = realloc(b.runs, 2 * sizeof(*b.runs));
	b.runs[1] = more.runs[0];
	b.n_runs = 2;
	assert_int_equal(meas_compare(&a, &b, &rules, &result), 0);
	assert_int_equal(result.verdict, MEAS_REFUSED);
	assert_true(says("B: its runs differ in link_mbit (10000, 1000)"));
	side_free(&a);
	side_free(&b);
	free(more.runs);
}

/* What changes from run to run, and not within one, is in the interval once there are several runs.
 */
static void
several_runs_widen_the_interval_by_what_differs_among_them(void **state)
{
	static const double levels[2][3] = {{0.100, 0.112, 0.106}, {0.108, 0.103, 0.116}};
	struct meas_side s[2];
	uint64_t seed = 20;

	(void)state;
	for (int k = 0; k < 2; k++) {
		side_of(&s[k], k ? "B" : "A", "", 1000, levels[k][0], 0.001, seed++);
		s[k].runs = realloc(s[k].runs, 3 * sizeof(*s[k].runs));
		for (int i = 1; i < 3; i++) {
			struct meas_side one;

			side_of(&one, "x", "", 1000, levels[k][i], 0.001, seed++);
			s[k].runs[i] = one.runs[0];
			free(one.runs);
		}
	}
	assert_int_equal(meas_compare(&s[0], &s[1], &rules, &result), 0);
	assert_int_equal(result.verdict, MEAS_SLOWER);
	assert_true(says("one run a side"));
	s[0].n_runs = s[1].n_runs = 3;
	assert_int_equal(meas_compare(&s[0], &s[1], &rules, &result), 0);
	assert_int_equal(result.verdict, MEAS_CANNOT_TELL);
	assert_true(!says("one run a side"));
	side_free(&s[0]);
	side_free(&s[1]);
}

static void
loss_leaves_the_tail_unjudged(void **state)
{
	struct meas_side a, b;

	(void)state;
	side_of(&a, "A", "", 2000, 0.1, 0.02, 13);
	side_of(&b, "B", "", 2000, 0.1, 0.02, 14);
	b.runs[0].lost = 40;
	assert_int_equal(meas_compare(&a, &b, &rules, &result), 0);
	assert_true(result.figure[MEAS_P50].judged && !result.figure[MEAS_P99].judged);
	assert_true(!result.figure[MEAS_MEAN].judged);
	assert_non_null(strstr(result.figure[MEAS_P99].why_not, "B lost 2 %"));
	side_free(&a);
	side_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_difference_is_told_and_its_direction),
		cmocka_unit_test(equal_runs_are_seldom_told_apart),
		cmocka_unit_test(the_same_seed_gives_the_same_digits),
		cmocka_unit_test(two_differences_are_refused_unless_one_is_allowed),
		cmocka_unit_test(few_samples_and_summaries_are_refused),
		cmocka_unit_test(repeats_of_different_settings_are_no_repeats),
		cmocka_unit_test(several_runs_widen_the_interval_by_what_differs_among_them),
		cmocka_unit_test(loss_leaves_the_tail_unjudged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
