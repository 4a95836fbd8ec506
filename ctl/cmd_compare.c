/* SPDX-License-Identifier: BSD-3-Clause */
/* vfctl compare: is one run faster than another, or can nobody tell */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <meas_compare.h>
#include <vfp_out.h>
#include <vfp_parse.h>

#include "ctl.h"

#define DEFAULT_SEED	  1
#define DEFAULT_RESAMPLES 4000

struct request {
	struct meas_choice choice;
	struct meas_rules rules;
	bool json;
};

/* "a.json,b.json": the runs of one side. */
static int
load_side(const char *arg, unsigned int index, const struct meas_choice *choice, struct meas_side *s,
	struct vfp_err *err)
{
	char *copy = strdup(arg), *save = NULL;
	int ret = copy ? 0 : vfp_err_set(err, -ENOMEM, "out of memory");

	snprintf(s->label, sizeof(s->label), "%c", 'A' + index);
	s->runs = calloc(MEAS_SIDE_RUNS, sizeof(*s->runs));
	if (!s->runs)
		ret = vfp_err_set(err, -ENOMEM, "out of memory");
	for (char *p = copy ? strtok_r(copy, ",", &save) : NULL; ret == 0 && p;
		p = strtok_r(NULL, ",", &save)) {
		if (s->n_runs == MEAS_SIDE_RUNS)
			ret = vfp_err_set(err, -E2BIG, "%s: more than %d runs", arg, MEAS_SIDE_RUNS);
		else
			ret = meas_run_load(p, choice, &s->runs[s->n_runs], err);
		s->n_runs += ret == 0;
	}
	if (ret == 0 && s->n_runs == 0)
		ret = vfp_err_set(err, -EINVAL, "\"%s\" names no run", arg);
	free(copy);
	return ret;
}

static void
put_loss(struct vfp_out *o, const struct meas_run *r)
{
	if (r->loss_known) {
		vfp_out_u64(o, "sent", r->sent, VFP_COUNT | VFP_DETAIL);
		vfp_out_u64(o, "lost", r->lost, VFP_COUNT);
	} else {
		if (vfp_out_format(o) == VFP_JSON)
			vfp_out_null(o, "sent");
		vfp_out_null(o, "lost");
	}
}

/* One line a run: the four numbers of ping, and percentiles. */
static void
put_run(struct vfp_out *o, const struct meas_side *s, uint16_t i)
{
	struct meas_run *r = &s->runs[i];
	const struct meas_side alone = {.n_runs = 1, .runs = r};

	vfp_out_open(o, NULL);
	vfp_out_strf(o, "run", "%s%.0u", s->label, s->n_runs > 1 ? i + 1 : 0);
	vfp_out_u64(o, "samples", r->samples, VFP_COUNT);
	put_loss(o, r);
	vfp_out_u64(o, "duplicates", r->duplicates, VFP_COUNT | VFP_DETAIL);
	vfp_out_double(o, "min_ns", r->min_ns, VFP_NS);
	vfp_out_double(o, "avg_ns", r->mean_ns, VFP_NS);
	vfp_out_double(o, "max_ns", r->max_ns, VFP_NS);
	vfp_out_double(o, "mdev_ns", r->stddev_ns, VFP_NS);
	vfp_out_double(o, "p50_ns", meas_side_figure(&alone, MEAS_P50), VFP_NS);
	vfp_out_double(o, "p99_ns", meas_side_figure(&alone, MEAS_P99), VFP_NS);
	vfp_out_double(o, "p999_ns", meas_side_figure(&alone, MEAS_P999), VFP_NS);
	vfp_out_close(o);
}

static void
put_warm_up(struct vfp_out *o, const struct meas_side *s, uint16_t i)
{
	const struct meas_run *r = &s->runs[i];

	vfp_out_open(o, NULL);
	vfp_out_strf(o, "run", "%s%.0u", s->label, s->n_runs > 1 ? i + 1 : 0);
	vfp_out_u64(o, "samples", r->warm_samples, VFP_COUNT);
	if (r->loss_known && !r->summary_only)
		vfp_out_u64(o, "lost", r->warm_lost, VFP_COUNT);
	else
		vfp_out_null(o, "lost");
	vfp_out_double(o, "avg_ns", r->warm_mean_ns, VFP_NS);
	vfp_out_double(o, "max_ns", r->warm_max_ns, VFP_NS);
	vfp_out_close(o);
}

static void
put_where(struct vfp_out *o, const struct meas_side *s, uint16_t i)
{
	const struct meas_run *r = &s->runs[i];

	if (vfp_out_format(o) == VFP_TEXT) {
		vfp_out_note(o, "%s%.0u: %s: %s, %s, clock %s, source %s", s->label,
			s->n_runs > 1 ? i + 1 : 0, r->path, r->what, meas_run_fact(r, "kind"),
			meas_run_fact(r, "clock"), meas_run_fact(r, "source"));
		return;
	}
	vfp_out_open(o, NULL);
	vfp_out_str(o, "side", s->label);
	vfp_out_str(o, "path", r->path);
	vfp_out_str(o, "what", r->what);
	vfp_out_open(o, "facts");
	for (uint16_t k = 0; k < r->n_facts; k++)
		vfp_out_str(o, r->facts[k].key, r->facts[k].value);
	vfp_out_close(o);
	vfp_out_close(o);
}

static void
put_sides(struct vfp_out *o, const struct meas_side *sides, unsigned int n)
{
	static const struct {
		const char *key;
		void (*put)(struct vfp_out *o, const struct meas_side *s, uint16_t i);
	} lists[] = {{"sources", put_where}, {"runs", put_run}, {"warm_up", put_warm_up}};

	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
		const bool list = l > 0 || vfp_out_format(o) == VFP_JSON;

		if (list)
			vfp_out_list(o, lists[l].key);
		for (unsigned int k = 0; k < n; k++)
			for (uint16_t i = 0; i < sides[k].n_runs; i++)
				lists[l].put(o, &sides[k], i);
		if (list)
			vfp_out_close(o);
	}
}

static void
put_interval(struct vfp_out *o, const char *key, const struct meas_interval *i, unsigned int unit)
{
	char low[32], high[32], value[32], name[32];

	if (vfp_out_format(o) == VFP_JSON) {
		vfp_out_open(o, key);
		vfp_out_double(o, "value", i->value, unit);
		vfp_out_double(o, "low", i->low, unit);
		vfp_out_double(o, "high", i->high, unit);
		vfp_out_close(o);
		return;
	}
	if (unit == VFP_NS) {
		vfp_humanize(low, sizeof(low), i->low, unit);
		vfp_humanize(high, sizeof(high), i->high, unit);
		vfp_humanize(value, sizeof(value), i->value, unit);
	} else {
		snprintf(low, sizeof(low), "%.4f", i->low);
		snprintf(high, sizeof(high), "%.4f", i->high);
		snprintf(value, sizeof(value), "%.4f", i->value);
	}
	snprintf(name, sizeof(name), "%s_interval", key);
	vfp_out_str(o, key, isfinite(i->value) ? value : NULL);
	if (isfinite(i->low))
		vfp_out_strf(o, name, "%s - %s", low, high);
	else
		vfp_out_null(o, name);
}

static void
put_figure(struct vfp_out *o, const struct meas_comparison *c, const char *b, int f)
{
	const struct meas_judged *j = &c->figure[f];
	char name[32];

	vfp_out_open(o, NULL);
	vfp_out_str(o, "figure", meas_figure_names[f]);
	if (vfp_out_format(o) == VFP_JSON) {
		put_interval(o, "a_ns", &j->a, VFP_NS);
		put_interval(o, "b_ns", &j->b, VFP_NS);
	} else {
		vfp_out_double(o, "A", j->a.value, VFP_NS);
		vfp_out_double(o, b, j->b.value, VFP_NS);
	}
	snprintf(name, sizeof(name), vfp_out_format(o) == VFP_JSON ? "ratio" : "%s/A", b);
	put_interval(o, name, &j->ratio, VFP_PLAIN);
	vfp_out_str(o, "verdict", j->judged ? meas_verdict_name(j->verdict) : "not judged");
	if (vfp_out_format(o) == VFP_JSON)
		vfp_out_str(o, "why_not", j->judged ? NULL : j->why_not);
	vfp_out_close(o);
}

static void
put_texts(struct vfp_out *o, const char *key, uint16_t n, const char text[][MEAS_REASON])
{
	vfp_out_list(o, key);
	for (uint16_t i = 0; i < n; i++)
		vfp_out_str(o, NULL, text[i]);
	vfp_out_close(o);
}

static void
say(struct vfp_out *o, const struct meas_comparison *c)
{
	vfp_out_note(o, "%s", "");
	vfp_out_note(o, "%s", c->sentence);
	for (uint16_t i = 0; i < c->n_reasons; i++)
		vfp_out_note(o, "- %s", c->reason[i]);
	if (c->n_notes > 0)
		vfp_out_note(o, "note:");
	for (uint16_t i = 0; i < c->n_notes; i++)
		vfp_out_note(o, "- %s", c->note[i]);
	for (int f = 0; c->n_reasons == 0 && f < MEAS_FIGURES; f++)
		if (!c->figure[f].judged)
			vfp_out_note(o, "- %s is not judged: %s", meas_figure_names[f],
				c->figure[f].why_not);
}

static void
put_comparison(struct vfp_out *o, const struct meas_comparison *c, const char *b)
{
	const bool json = vfp_out_format(o) == VFP_JSON;

	if (json) {
		vfp_out_open(o, NULL);
		vfp_out_str(o, "side", b);
		vfp_out_str(o, "verdict", meas_verdict_name(c->verdict));
		vfp_out_str(o, "sentence", c->sentence);
		vfp_out_str(o, "compared", c->compared[0] ? c->compared : NULL);
		put_texts(o, "reasons", c->n_reasons, c->reason);
		put_texts(o, "notes", c->n_notes, c->note);
	}
	if (json || c->n_reasons == 0) {
		vfp_out_list(o, "figures");
		for (int f = 0; f < MEAS_FIGURES; f++)
			put_figure(o, c, b, f);
		vfp_out_close(o);
	}
	if (json)
		vfp_out_close(o);
	else
		say(o, c);
}

static int
compare(const struct request *q, const struct meas_side *sides, unsigned int n)
{
	struct vfp_out *o = vfp_out_new(q->json ? VFP_JSON : VFP_TEXT, stdout);
	struct meas_comparison *c = malloc(sizeof(*c));
	int status = VFP_EXIT_OK;

	if (q->json) {
		vfp_out_str(o, "schema", "vfctl.compare/1");
		vfp_out_u64(o, "seed", q->rules.seed, VFP_PLAIN);
		vfp_out_u64(o, "resamples", q->rules.resamples, VFP_PLAIN);
	}
	put_sides(o, sides, n);
	if (q->json)
		vfp_out_list(o, "comparisons");
	for (unsigned int k = 1; k < n; k++) {
		if (!c || meas_compare(&sides[0], &sides[k], &q->rules, c) < 0) {
			fprintf(stderr, "vfctl compare: out of memory\n");
			status = VFP_EXIT_DEVICE;
			break;
		}
		if (c->verdict == MEAS_REFUSED)
			status = VFP_EXIT_REFUSED;
		put_comparison(o, c, sides[k].label);
	}
	if (q->json)
		vfp_out_close(o);
	else if (status == VFP_EXIT_OK)
		vfp_out_note(o,
			"Intervals: 95 %%, for all judged figures together; bootstrap of runs and of "
			"stretches of time, %u resamples, seed %llu.", q->rules.resamples,
			(unsigned long long)q->rules.seed);
	free(c);
	return vfp_out_end(o) < 0 ? VFP_EXIT_DEVICE : status;
}

static int
option(int opt, struct request *q, struct vfp_err *err)
{
	uint32_t n;
	int ret = 0;

	switch (opt) {
	case 'n':
		q->choice.name = optarg;
		return 0;
	case 'k':
		q->choice.kind = optarg;
		return 0;
	case 'w':
		ret = vfp_parse_u32(optarg, "--warmup", 0, 1000000, &n, err);
		q->choice.warmup = ret == 0 ? (int)n : -1;
		return ret;
	case 's':
		return vfp_parse_u64(optarg, "--seed", 0, UINT64_MAX, &q->rules.seed, err);
	case 'r':
		return vfp_parse_u32(optarg, "--resamples", 200, 100000, &q->rules.resamples, err);
	case 'a':
		if (q->rules.n_allowed == MEAS_ALLOWED)
			return vfp_err_set(err, -E2BIG, "--allow: at most %d of them", MEAS_ALLOWED);
		q->rules.allowed[q->rules.n_allowed++] = optarg;
		return 0;
	case 'j':
		q->json = true;
		return 0;
	default:
		return vfp_err_set(err, -EINVAL, "see above");
	}
}

int
cmd_compare(int argc, char **argv)
{
	static const struct option options[] = {
		{"name", required_argument, NULL, 'n'},
		{"kind", required_argument, NULL, 'k'},
		{"warmup", required_argument, NULL, 'w'},
		{"allow", required_argument, NULL, 'a'},
		{"seed", required_argument, NULL, 's'},
		{"resamples", required_argument, NULL, 'r'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	struct request q = {.choice.warmup = -1,
		.rules = {.seed = DEFAULT_SEED, .resamples = DEFAULT_RESAMPLES}};
	struct meas_side sides[MEAS_SIDES] = {0};
	struct vfp_err err = {0};
	int c, ret = 0, status, n;

	while (ret == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1)
		ret = option(c, &q, &err);
	n = argc - optind;
	if (ret == 0 && (n < 2 || n > MEAS_SIDES))
		ret = vfp_err_set(&err, -EINVAL, "%d runs; allowed: 2 to %d, the first is what the others "
			"are compared with", n, MEAS_SIDES);
	if (ret < 0)
		return ctl_usage("compare", "%s", err.text);
	for (int i = 0; ret == 0 && i < n; i++)
		ret = load_side(argv[optind + i], i, &q.choice, &sides[i], &err);
	if (ret < 0) {
		fprintf(stderr, "vfctl compare: %s\n", err.text);
		status = VFP_EXIT_USAGE;
	} else {
		status = compare(&q, sides, n);
	}
	for (int i = 0; i < n; i++) {
		for (uint16_t r = 0; r < sides[i].n_runs; r++)
			meas_run_free(&sides[i].runs[r]);
		free(sides[i].runs);
	}
	return status;
}
