/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "meas_compare.h"
#include "resample.h"

const char *const meas_figure_names[MEAS_FIGURES] = {"mean", "p50", "p99", "p999"};

/* The share of samples beyond a figure, and the share that may be lost: a mean hangs on its tail.
 */
static const double beyond[MEAS_FIGURES] = {0.1, 0.5, 0.01, 0.001};
static const double may_lose[MEAS_FIGURES] = {0.01, 0.5, 0.01, 0.001};

const char *
meas_verdict_name(enum meas_verdict v)
{
	static const char *const names[] = {"faster", "slower", "cannot tell", "refused"};

	return (unsigned int)v < sizeof(names) / sizeof(names[0]) ? names[v] : "unknown";
}

static void __attribute__((format(printf, 2, 3)))
refuse(struct meas_comparison *c, const char *fmt, ...)
{
	va_list ap;

	if (c->n_reasons == MEAS_REASONS)
		return;
	va_start(ap, fmt);
	vsnprintf(c->reason[c->n_reasons++], MEAS_REASON, fmt, ap);
	va_end(ap);
}

static void __attribute__((format(printf, 2, 3)))
note(struct meas_comparison *c, const char *fmt, ...)
{
	char text[MEAS_REASON];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (uint16_t i = 0; i < c->n_notes; i++)
		if (strcmp(c->note[i], text) == 0)
			return;
	if (c->n_notes < MEAS_REASONS)
		strlcpy(c->note[c->n_notes++], text, MEAS_REASON);
}

/* Two values of a fact: numbers within the tolerance, or equal texts. */
static bool
same_value(const struct meas_fact *f, const char *other)
{
	char *end_a, *end_b;
	const double a = strtod(f->value, &end_a), b = strtod(other, &end_b);

	if (f->tolerance > 0 && *end_a == '\0' && *end_b == '\0')
		return fabs(a - b) <= f->tolerance * fmax(fabs(a), fabs(b));
	return strcmp(f->value, other) == 0;
}

static bool
is_allowed(const struct meas_rules *rules, const char *key)
{
	for (uint16_t i = 0; i < rules->n_allowed; i++)
		if (strcmp(rules->allowed[i], key) == 0)
			return true;
	return false;
}

/* Runs of one side are to be runs of one setting. */
static void
check_side(const struct meas_side *s, struct meas_comparison *c)
{
	const struct meas_run *first = &s->runs[0];

	for (uint16_t r = 1; r < s->n_runs; r++)
		for (uint16_t i = 0; i < first->n_facts; i++) {
			const struct meas_fact *f = &first->facts[i];
			const char *other = meas_run_fact(&s->runs[r], f->key);

			if (other && !same_value(f, other))
				refuse(c,
					"%s: its runs differ in %s (%s, %s), so they are not "
					"repeats",
					s->label, f->key, f->value, other);
		}
}

static uint64_t
samples_of(const struct meas_side *s)
{
	uint64_t n = 0;

	for (uint16_t i = 0; i < s->n_runs; i++)
		n += s->runs[i].samples;
	return n;
}

static double
loss_of(const struct meas_side *s)
{
	double sent = 0, lost = 0;

	for (uint16_t i = 0; i < s->n_runs; i++) {
		sent += (double)s->runs[i].sent;
		lost += (double)s->runs[i].lost;
	}
	return sent > 0 ? lost / sent : 0;
}

static void
check_samples(const struct meas_side *s, struct meas_comparison *c)
{
	const uint64_t n = samples_of(s);
	uint32_t blocks = 0;
	bool summary = false;

	for (uint16_t i = 0; i < s->n_runs; i++) {
		blocks += s->runs[i].n_blocks;
		summary |= s->runs[i].summary_only;
	}
	if (n < MEAS_MIN_SAMPLES)
		refuse(c, "%s: %llu samples; %d are needed for a median with an interval", s->label,
			(unsigned long long)n, MEAS_MIN_SAMPLES);
	if (summary)
		refuse(c,
			"%s: a summary only; the interval needs the samples: ping without -q, a "
			"report "
			"with latency_series",
			s->label);
	else if (n >= MEAS_MIN_SAMPLES && blocks < MEAS_MIN_BLOCKS)
		refuse(c,
			"%s: %u stretches of time behind the warm-up; %d are needed: a longer run",
			s->label, blocks, MEAS_MIN_BLOCKS);
}

/* What both sides know and what differs. */
static void
check_facts(const struct meas_side *a, const struct meas_side *b, const struct meas_rules *rules,
	struct meas_comparison *c)
{
	const struct meas_run *x = &a->runs[0], *y = &b->runs[0];
	char differ[MEAS_REASON] = "";
	uint16_t n_differ = 0;

	for (uint16_t i = 0; i < x->n_facts; i++) {
		const struct meas_fact *f = &x->facts[i];
		const char *other = meas_run_fact(y, f->key);
		char text[2 * MEAS_VALUE];

		if (!other) {
			note(c, "%s is known of %s only (%s)", f->key, a->label, f->value);
			continue;
		}
		if (same_value(f, other))
			continue;
		snprintf(text, sizeof(text), "%s (%.60s, %.60s)", f->key, f->value, other);
		if (f->role == MEAS_MEANING) {
			refuse(c, "the numbers mean different things: %s", text);
			continue;
		}
		if (is_allowed(rules, f->key)) {
			note(c, "differs as allowed: %s", text);
			continue;
		}
		if (n_differ++ > 0)
			strlcat(differ, ", ", sizeof(differ));
		strlcat(differ, text, sizeof(differ));
		strlcpy(c->compared, f->key, sizeof(c->compared));
	}
	for (uint16_t i = 0; i < y->n_facts; i++)
		if (!meas_run_fact(x, y->facts[i].key))
			note(c, "%s is known of %s only (%s)", y->facts[i].key, b->label,
				y->facts[i].value);
	if (n_differ == 0)
		note(c, "no setting is known to differ: a difference is one between runs of the "
			"same");
	if (n_differ > 1) {
		refuse(c,
			"more than one thing differs, and nobody can tell which of them did it: %s",
			differ);
		c->compared[0] = '\0';
	}
}

static void
note_loss(const struct meas_side *s, struct meas_comparison *c)
{
	if (loss_of(s) <= 0)
		return;
	if (s->runs[0].summary_only)
		note(c,
			"%s lost %.3g %%; a summary does not tell loss from a warm-up (ARP, a link "
			"that "
			"comes up)",
			s->label, 100 * loss_of(s));
	else
		note(c,
			"%s lost %.3g %% behind the warm-up: how late those would have been, "
			"nobody "
			"knows",
			s->label, 100 * loss_of(s));
}

static void
add_notes(const struct meas_side *a, const struct meas_side *b, struct meas_comparison *c)
{
	const struct meas_side *sides[] = {a, b};

	for (unsigned int i = 0; i < 2; i++) {
		const struct meas_run *r = &sides[i]->runs[0];

		note_loss(sides[i], c);
		if (!meas_run_fact(r, "link_mbit") && strcmp(r->what, "ping") == 0)
			note(c,
				"%s: ping does not know the link's speed; say it in a line \"# "
				"link_mbit: "
				"10000\" above its output",
				sides[i]->label);
	}
	if (c->n_reasons == 0 && (a->n_runs == 1 || b->n_runs == 1))
		note(c, "one run a side: the intervals do not hold what changes from run to run; "
			"give "
			"several, A1,A2,A3");
}

/* May this figure be judged? Says why not. */
static bool
may_judge(const struct meas_side *s, enum meas_figure f, char *why, size_t size)
{
	const double needed = MEAS_BEYOND / beyond[f];

	if ((double)samples_of(s) < needed) {
		snprintf(why, size, "needs %.0f samples, %s has %llu", needed, s->label,
			(unsigned long long)samples_of(s));
		return false;
	}
	if (loss_of(s) >= may_lose[f]) {
		snprintf(why, size, "%s lost %.3g %%, more than may be beyond it", s->label,
			100 * loss_of(s));
		return false;
	}
	return true;
}

static int
by_double(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The two-sided percentile interval of so many resampled values, which it sorts. */
static void
interval(double *values, uint32_t n, double alpha, struct meas_interval *i)
{
	const double low = floor(alpha / 2 * n), high = ceil((1 - alpha / 2) * n) - 1;

	qsort(values, n, sizeof(*values), by_double);
	i->low = values[(uint32_t)low];
	i->high = values[(uint32_t)high];
}

static void
judge(struct meas_judged *j)
{
	if (j->ratio.high < 1)
		j->verdict = MEAS_FASTER;
	else if (j->ratio.low > 1)
		j->verdict = MEAS_SLOWER;
}

/* All resamples of both sides; values[side][figure][k]. */
static int
resample_all(const struct meas_side *a, const struct meas_side *b, const struct meas_rules *rules,
	struct meas_comparison *c)
{
	const uint32_t n = rules->resamples;
	double *va = malloc((size_t)n * MEAS_FIGURES * sizeof(*va));
	double *vb = malloc((size_t)n * MEAS_FIGURES * sizeof(*vb));
	double *ratio = malloc(n * sizeof(*ratio));
	unsigned int judged = 0;
	int ret = va && vb && ratio ? 0 : -ENOMEM;

	if (ret == 0)
		ret = resample(a, rules->seed, n, va);
	if (ret == 0)
		ret = resample(b, rules->seed + 1, n, vb);
	for (int f = 0; f < MEAS_FIGURES; f++)
		judged += c->figure[f].judged;
	for (int f = 0; ret == 0 && f < MEAS_FIGURES; f++) {
		struct meas_judged *j = &c->figure[f];

		if (!j->judged)
			continue;
		for (uint32_t k = 0; k < n; k++)
			ratio[k] = vb[f * n + k] / va[f * n + k];
		interval(ratio, n, 0.05 / judged, &j->ratio);
		interval(va + f * n, n, 0.05 / judged, &j->a);
		interval(vb + f * n, n, 0.05 / judged, &j->b);
		judge(j);
	}
	free(va);
	free(vb);
	free(ratio);
	return ret;
}

/* The figures' verdicts in one. */
static void
conclude(const char *label, struct meas_comparison *c)
{
	char faster[64] = "", slower[64] = "";

	for (int f = 0; f < MEAS_FIGURES; f++) {
		char *list = c->figure[f].verdict == MEAS_FASTER   ? faster
			     : c->figure[f].verdict == MEAS_SLOWER ? slower
								   : NULL;

		if (!list)
			continue;
		if (list[0])
			strlcat(list, ", ", sizeof(faster));
		strlcat(list, meas_figure_names[f], sizeof(faster));
	}
	c->verdict = faster[0] && !slower[0]   ? MEAS_FASTER
		     : slower[0] && !faster[0] ? MEAS_SLOWER
					       : MEAS_CANNOT_TELL;
	if (faster[0] && slower[0])
		snprintf(c->sentence, sizeof(c->sentence),
			"%s: cannot tell: faster in %s, slower in %s", label, faster, slower);
	else if (c->verdict == MEAS_CANNOT_TELL)
		snprintf(c->sentence, sizeof(c->sentence),
			"%s: cannot tell: every interval of the ratio holds 1", label);
	else
		snprintf(c->sentence, sizeof(c->sentence), "%s: %s, in %s", label,
			meas_verdict_name(c->verdict), faster[0] ? faster : slower);
}

static void
set_values(const struct meas_side *a, const struct meas_side *b, struct meas_comparison *c)
{
	for (int f = 0; f < MEAS_FIGURES; f++) {
		struct meas_judged *j = &c->figure[f];
		const double x = meas_side_figure(a, f), y = meas_side_figure(b, f);

		*j = (struct meas_judged){.a = {x, NAN, NAN},
			.b = {y, NAN, NAN},
			.ratio = {y / x, NAN, NAN},
			.verdict = MEAS_CANNOT_TELL};
		j->judged = may_judge(a, f, j->why_not, sizeof(j->why_not)) &&
			    may_judge(b, f, j->why_not, sizeof(j->why_not));
	}
}

int
meas_compare(const struct meas_side *a, const struct meas_side *b, const struct meas_rules *rules,
	struct meas_comparison *c)
{
	int ret;

	*c = (struct meas_comparison){.verdict = MEAS_REFUSED};
	check_samples(a, c);
	check_samples(b, c);
	check_side(a, c);
	check_side(b, c);
	check_facts(a, b, rules, c);
	add_notes(a, b, c);
	set_values(a, b, c);
	if (c->n_reasons > 0) {
		for (int f = 0; f < MEAS_FIGURES; f++)
			c->figure[f].judged = false;
		snprintf(c->sentence, sizeof(c->sentence), "%s: refused: this is no comparison",
			b->label);
		return 0;
	}
	ret = resample_all(a, b, rules, c);
	conclude(b->label, c);
	return ret;
}
