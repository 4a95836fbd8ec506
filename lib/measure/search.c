/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "meas_search.h"

#define WIRE_EXTRA  20 /* preamble, start of frame, gap between frames */
#define COARSE      10 /* short trials stop at so many times the precision */
#define STARVED     3  /* so many of them: the generator is the limit */
#define FALLS_SHORT 0.05
#define MAX_STEPS   40 /* of one search: more means that the system contradicts itself */

static const double loads[MEAS_LOADS] = {0.1, 0.5, 0.9};

/* One bound of one loss ratio. */
struct bound {
	double pps;
	bool known, full; /* full: from a trial of full length */
};

struct one {
	struct bound lower, upper;
	double passed; /* the highest rate that a trial of full length passed at; 0: none */
	double stride; /* by which factor to go on where one bound is not known */
	bool done;
	bool limited;
	unsigned int starved; /* trials in a row that got clearly less than was asked for */
	unsigned int steps;
};

struct meas_search {
	struct meas_search_conf conf;
	uint16_t size, repeat, load; /* where it stands */
	bool top_done;
	struct one one[MEAS_LOSSES];
	double found[MEAS_SIZES][MEAS_LOSSES][MEAS_REPEATS];
	bool limited[MEAS_SIZES][MEAS_LOSSES];
	uint16_t n_found[MEAS_SIZES];
	struct meas_trial asked;
	bool asking;
	uint32_t trials;
	double spent_s, spent_searches; /* of finished searches: for what is left */
	double this_s;
};

double
meas_line_pps(double bps, uint16_t size)
{
	return bps / (8.0 * (size + WIRE_EXTRA));
}

double
meas_t95(unsigned int n)
{
	static const double t[] = {NAN, NAN, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365,
		2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093,
		2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045};

	if (n < sizeof(t) / sizeof(t[0]))
		return t[n];
	/* Cornish-Fisher's first term is within 0.001 from here on. */
	return 1.960 + 2.372 / (n - 1);
}

void
meas_search_default(struct meas_search_conf *c)
{
	*c = (struct meas_search_conf){
		.n_sizes = 7,
		.size = {64, 128, 256, 512, 1024, 1280, 1518},
		.n_losses = 2,
		.loss = {0, 0.005},
		.min_pps = 1000,
		.line_bps = 10e9,
		.precision = 0.005,
		.trial_s = 10,
		.short_s = 1,
		.repeats = 5,
	};
}

const char *
meas_why_name(enum meas_why why)
{
	static const char *const names[] = {"top", "narrow", "measure", "latency"};

	return (unsigned int)why < sizeof(names) / sizeof(names[0]) ? names[why] : "unknown";
}

static int
check_lists(const struct meas_search_conf *c, struct vfp_err *err)
{
	if (c->n_sizes < 1 || c->n_sizes > MEAS_SIZES)
		return vfp_err_set(err, -EINVAL, "sizes: %u of them; allowed: 1 to %d", c->n_sizes,
			MEAS_SIZES);
	for (uint16_t i = 0; i < c->n_sizes; i++)
		if (c->size[i] < 64 || c->size[i] > 9728)
			return vfp_err_set(err, -EINVAL,
				"size %u; allowed: 64 to 9728 bytes, with FCS", c->size[i]);
	if (c->n_losses < 1 || c->n_losses > MEAS_LOSSES)
		return vfp_err_set(err, -EINVAL, "loss ratios: %u of them; allowed: 1 to %d",
			c->n_losses, MEAS_LOSSES);
	for (uint16_t i = 0; i < c->n_losses; i++)
		if (!(c->loss[i] >= 0 && c->loss[i] <= 0.5) ||
			(i > 0 && c->loss[i] <= c->loss[i - 1]))
			return vfp_err_set(err, -EINVAL,
				"loss ratio %g; allowed: 0 to 0.5, each above the one before it",
				c->loss[i]);
	return 0;
}

static int
check_conf(const struct meas_search_conf *c, struct vfp_err *err)
{
	int ret = check_lists(c, err);

	if (ret < 0)
		return ret;
	if (!(c->precision >= 0.0005 && c->precision <= 0.1))
		return vfp_err_set(
			err, -EINVAL, "precision %g; allowed: 0.0005 to 0.1", c->precision);
	if (c->repeats < 1 || c->repeats > MEAS_REPEATS)
		return vfp_err_set(
			err, -EINVAL, "repeats %u; allowed: 1 to %d", c->repeats, MEAS_REPEATS);
	if (!(c->trial_s > 0 && c->trial_s <= 3600) ||
		!(c->short_s > 0 && c->short_s <= c->trial_s))
		return vfp_err_set(err, -EINVAL,
			"trials of %g s and short ones of %g s; allowed: up to 3600 s, short ones "
			"no "
			"longer than the others",
			c->trial_s, c->short_s);
	if (!(c->min_pps > 0) || !(c->line_bps > 0) ||
		(c->max_pps != 0 && !(c->max_pps > c->min_pps)))
		return vfp_err_set(err, -EINVAL,
			"rates from %g to %g packets/s; allowed: the first above 0, the second "
			"above the "
			"first",
			c->min_pps, c->max_pps);
	return 0;
}

int
meas_search_new(const struct meas_search_conf *c, struct meas_search **s, struct vfp_err *err)
{
	int ret = check_conf(c, err);

	*s = NULL;
	if (ret < 0)
		return ret;
	*s = calloc(1, sizeof(**s));
	if (!*s)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	(*s)->conf = *c;
	return 0;
}

void
meas_search_free(struct meas_search *s)
{
	free(s);
}

static double
top_of(const struct meas_search *s)
{
	const double line = meas_line_pps(s->conf.line_bps, s->conf.size[s->size]);

	return s->conf.max_pps > 0 && s->conf.max_pps < line ? s->conf.max_pps : line;
}

static bool
narrow_enough(const struct one *o, double precision)
{
	return o->lower.known && o->upper.known && o->upper.pps <= o->lower.pps * (1 + precision);
}

/* Which rate to try for one loss ratio, and whether in full length. */
static void
ask_for(const struct meas_search *s, const struct one *o, struct meas_trial *t)
{
	const double top = top_of(s), bottom = s->conf.min_pps;
	bool full = false;

	if (!o->lower.known && !o->upper.known) {
		t->pps = top;
	} else if (!o->upper.known) {
		t->pps = fmin(top, o->lower.pps * o->stride);
	} else if (!o->lower.known) {
		t->pps = fmax(bottom, o->upper.pps / o->stride);
	} else {
		full = narrow_enough(o, s->conf.precision * COARSE);
		/* Rates multiply: the middle of an interval of rates is the geometric one. */
		t->pps = sqrt(o->lower.pps * o->upper.pps);
		if (full && !o->lower.full)
			t->pps = o->lower.pps;
		else if (full && narrow_enough(o, s->conf.precision))
			t->pps = o->upper.pps;
	}
	/* What it can offer is all there is to find: once more in full length, and that is it. */
	if (o->starved >= STARVED && o->lower.known) {
		t->pps = o->lower.pps;
		full = true;
	}
	full |= t->pps >= top || t->pps <= bottom;
	t->why = full ? MEAS_MEASURE : MEAS_NARROW;
	t->seconds = full ? s->conf.trial_s : s->conf.short_s;
}

static void
finish_one(struct meas_search *s, uint16_t i)
{
	struct one *o = &s->one[i];
	const double precision = s->conf.precision;

	if (o->upper.full && o->upper.pps <= s->conf.min_pps * (1 + precision))
		o->done = true; /* not even the lowest rate passes */
	if (o->lower.full && o->upper.full && narrow_enough(o, precision))
		o->done = true;
	/* Bounds that swap again and again: what it has is what there is. */
	if (o->steps >= MAX_STEPS)
		o->done = true;
}

/* All ratios of this search are done: keep what was found, go on to the next. */
static void
finish_search(struct meas_search *s)
{
	const uint16_t r = s->n_found[s->size]++;

	for (uint16_t i = 0; i < s->conf.n_losses; i++) {
		const struct one *o = &s->one[i];

		s->found[s->size][i][r] = o->passed;
		s->limited[s->size][i] |= o->limited;
	}
	memset(s->one, 0, sizeof(s->one));
	s->top_done = false;
	s->repeat++;
	s->spent_s += s->this_s;
	s->spent_searches++;
	s->this_s = 0;
}

static bool
ask_latency(struct meas_search *s, struct meas_trial *t)
{
	struct meas_result r;

	if (meas_search_result(s, s->size, 0, &r) < 0 || s->load >= MEAS_LOADS || r.mean_pps <= 0)
		return false;
	*t = (struct meas_trial){.why = MEAS_LATENCY,
		.size = s->conf.size[s->size],
		.repeat = s->load,
		.pps = r.mean_pps * loads[s->load],
		.seconds = s->conf.trial_s,
		.load = loads[s->load]};
	return true;
}

static bool
ask_search(struct meas_search *s, struct meas_trial *t)
{
	*t = (struct meas_trial){.size = s->conf.size[s->size], .repeat = s->repeat};
	if (!s->top_done) {
		t->why = MEAS_TOP;
		t->pps = top_of(s);
		t->seconds = s->conf.short_s;
		return true;
	}
	for (uint16_t i = 0; i < s->conf.n_losses; i++) {
		finish_one(s, i);
		if (s->one[i].done)
			continue;
		ask_for(s, &s->one[i], t);
		return true;
	}
	return false;
}

int
meas_search_next(struct meas_search *s, struct meas_trial *t)
{
	for (; s->size < s->conf.n_sizes; s->size++, s->repeat = s->load = 0) {
		while (s->repeat < s->conf.repeats) {
			s->asking = ask_search(s, t);
			if (s->asking) {
				s->asked = *t;
				return 1;
			}
			finish_search(s);
		}
		s->asking = ask_latency(s, t);
		if (s->asking) {
			s->asked = *t;
			return 1;
		}
	}
	return 0;
}

/*
 * A trial's word about one ratio. A short trial never overrules a full one; else the newer
 * overrules the older: a rate that failed takes a lower bound above it along, and the other way
 * round.
 */
static void
learn(struct one *o, double pps, bool passed, bool full, double precision)
{
	struct bound *mine = passed ? &o->lower : &o->upper,
		     *other = passed ? &o->upper : &o->lower;
	const bool further = passed ? pps > mine->pps : pps < mine->pps;
	const bool crosses = other->known && (passed ? pps >= other->pps : pps <= other->pps);

	if (crosses && other->full && !full)
		return;
	/* A held-up generator's full trial may lie far below what short ones passed at. */
	if (full && passed && pps > o->passed)
		o->passed = pps;
	if (full && !passed && pps <= o->passed)
		o->passed = 0;
	if (crosses) {
		*other = (struct bound){0};
		o->stride = 1 + precision * COARSE;
	}
	if (!mine->known || further ||
		(full && !mine->full && fabs(pps / mine->pps - 1) < precision))
		*mine = (struct bound){pps, true, full};
	if (!other->known)
		o->stride *= o->stride;
}

static void
learn_all(struct meas_search *s, double pps, double lost)
{
	const bool full = s->asked.why == MEAS_MEASURE;
	const bool at_top = s->asked.pps >= top_of(s) * (1 - 1e-9);

	for (uint16_t i = 0; i < s->conf.n_losses; i++) {
		struct one *o = &s->one[i];
		const bool passed = lost <= s->conf.loss[i];

		if (o->done)
			continue;
		o->steps++;
		learn(o, pps, passed, full, s->conf.precision);
		if (pps < s->asked.pps * (1 - FALLS_SHORT))
			o->starved++;
		else if (o->starved < STARVED)
			o->starved = 0;
		/* Also where the generator gave less than it was asked for. */
		if (full && passed && (at_top || o->starved >= STARVED))
			o->done = o->limited = true;
	}
}

/* The first trial at the top: the search begins around what came out. Where that guess is wrong, it
 * moves on. */
static void
learn_top(struct meas_search *s, double pps, double got, double lost)
{
	s->top_done = true;
	for (uint16_t i = 0; i < s->conf.n_losses; i++) {
		struct one *o = &s->one[i];

		*o = (struct one){.stride = 1.25};
		if (lost <= s->conf.loss[i])
			continue; /* then a full trial at the top comes next */
		o->upper = (struct bound){fmin(pps, got * 1.2), true, false};
		if (o->upper.pps < s->conf.min_pps * 2)
			o->upper.pps = s->conf.min_pps * 2;
	}
}

int
meas_search_told(struct meas_search *s, const struct meas_trial *t, double pps, uint64_t sent,
	uint64_t received, struct vfp_err *err)
{
	const double lost = sent == 0 ? 0 : 1 - (double)received / (double)sent;

	if (!s->asking || t->why != s->asked.why || t->size != s->asked.size ||
		t->repeat != s->asked.repeat || fabs(t->pps / s->asked.pps - 1) > 1e-9)
		return vfp_err_set(err, -EINVAL, "not the trial that the search asked for");
	if (sent == 0 || received > sent)
		return vfp_err_set(err, -EINVAL,
			"a trial that sent %llu and received %llu packets; allowed: at least one "
			"sent, "
			"no more received than sent",
			(unsigned long long)sent, (unsigned long long)received);
	if (!(pps > 0))
		return vfp_err_set(err, -EINVAL, "a trial at %g packets/s; allowed: above 0", pps);
	if (pps > t->pps)
		pps = t->pps;
	s->asking = false;
	s->trials++;
	s->this_s += t->why == MEAS_LATENCY ? 0 : t->seconds;
	if (t->why == MEAS_LATENCY)
		s->load++;
	else if (t->why == MEAS_TOP)
		learn_top(s, pps, pps * (1 - lost), lost);
	else
		learn_all(s, pps, lost);
	return 0;
}

/* The trials of one search, before any was finished: halvings to the coarse interval, then full. */
static double
guess_search_s(const struct meas_search *s)
{
	const double halvings = log2(0.2 / (s->conf.precision * COARSE)) + 1;

	return s->conf.short_s * (1 + (halvings > 1 ? halvings : 1)) +
	       s->conf.trial_s * s->conf.n_losses * (log2(COARSE) + 2);
}

double
meas_search_left(const struct meas_search *s)
{
	const double each =
		s->spent_searches > 0 ? s->spent_s / s->spent_searches : guess_search_s(s);
	const double sizes = s->conf.n_sizes - s->size;
	double left;

	if (s->size >= s->conf.n_sizes)
		return 0;
	left = (sizes * s->conf.repeats - s->repeat) * each - s->this_s;
	/* The search that runs may take longer than those before it: at least a trial then. */
	if (s->repeat < s->conf.repeats && left < s->conf.trial_s)
		left = s->conf.trial_s;
	return left + (sizes * MEAS_LOADS - s->load) * s->conf.trial_s;
}

uint32_t
meas_search_trials(const struct meas_search *s)
{
	return s->trials;
}

int
meas_search_result(const struct meas_search *s, uint16_t size, uint16_t loss, struct meas_result *r)
{
	const uint16_t n = size < s->conf.n_sizes ? s->n_found[size] : 0;
	double sum = 0, squares = 0;

	if (n == 0 || loss >= s->conf.n_losses)
		return -ENOENT;
	*r = (struct meas_result){.size = s->conf.size[size],
		.loss = s->conf.loss[loss],
		.repeats = n,
		.least_pps = INFINITY,
		.limited = s->limited[size][loss]};
	for (uint16_t i = 0; i < n; i++) {
		const double x = s->found[size][loss][i];

		sum += x;
		r->least_pps = fmin(r->least_pps, x);
		r->most_pps = fmax(r->most_pps, x);
	}
	r->mean_pps = sum / n;
	for (uint16_t i = 0; i < n; i++) {
		const double d = s->found[size][loss][i] - r->mean_pps;

		squares += d * d;
	}
	r->low_pps = r->mean_pps - meas_t95(n) * sqrt(squares / (n - 1) / n);
	r->high_pps = r->mean_pps + meas_t95(n) * sqrt(squares / (n - 1) / n);
	return 0;
}
