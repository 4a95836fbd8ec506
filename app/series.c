/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bsd/string.h>

#include <rte_cycles.h>

#include <lat_export.h>
#include <lat_series.h>

#include "series.h"

#define MAX_POINTS 240 /* four minutes of single seconds */

struct kept {
	char rule[DP_NAME];
	enum lat_kind kind;
	struct lat_series *series;
};

struct series {
	uint64_t began; /* TSC */
	double last_s;
	uint32_t n;
	struct kept *kept;
};

static struct series *
series_of(struct app *app)
{
	if (!app->series) {
		app->series = calloc(1, sizeof(*app->series));
		if (app->series)
			app->series->began = rte_get_tsc_cycles();
	}
	return app->series;
}

static struct lat_series *
find(const struct series *s, const char *rule, enum lat_kind kind)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->kept[i].kind == kind && strcmp(s->kept[i].rule, rule) == 0)
			return s->kept[i].series;
	return NULL;
}

/* A new one begins where the last interval ended; without memory for it there is none. */
static void
begin(struct series *s, const char *rule, enum lat_kind kind, struct lat_hist *zero)
{
	struct kept *more = realloc(s->kept, (s->n + 1) * sizeof(*more)), *k;

	if (!more)
		return;
	s->kept = more;
	k = &more[s->n];
	k->kind = kind;
	k->series = lat_series_new(MAX_POINTS);
	strlcpy(k->rule, rule, sizeof(k->rule));
	lat_hist_init(zero);
	if (k->series && lat_series_restart(k->series, s->last_s, zero) == 0)
		s->n++;
	else
		lat_series_free(k->series);
}

/* One rule and kind; what never had a sample, such as the latency of a sink, has no series. */
static void
take_one(struct app *app, const char *rule, enum lat_kind kind, double now, struct lat_hist *hist)
{
	struct lat_series *one = find(app->series, rule, kind);

	if (dp_latency_total(app->dp, rule, kind, hist) < 0 || (!one && lat_hist_count(hist) == 0))
		return;
	if (!one) {
		struct lat_hist *zero = malloc(sizeof(*zero));

		if (zero)
			begin(app->series, rule, kind, zero);
		free(zero);
		one = find(app->series, rule, kind);
	}
	if (one)
		lat_series_take(one, now, hist);
}

void
series_take(struct app *app)
{
	const struct dp_plan *plan = app->dp ? dp_current_plan(app->dp) : NULL;
	struct series *s = plan ? series_of(app) : NULL;
	struct lat_hist *hist = s ? malloc(sizeof(*hist)) : NULL;
	double now;

	if (!hist)
		return;
	now = (double)(rte_get_tsc_cycles() - s->began) / (double)rte_get_tsc_hz();
	for (uint16_t i = 0; i < plan->n_rules; i++)
		for (int kind = 0; kind < LAT_KINDS; kind++)
			take_one(app, plan->rules[i].name, kind, now, hist);
	s->last_s = now;
	free(hist);
}

static void
put_text(struct vfp_out *o, const char *key, const struct lat_hist *ns)
{
	char *text = lat_to_text(ns);

	vfp_out_str(o, key, text);
	free(text);
}

static void
put_point(struct vfp_out *o, const struct lat_point *p, const struct lat_hist *ns)
{
	const uint64_t n = lat_hist_count(ns);

	vfp_out_open(o, NULL);
	vfp_out_double(o, "at_s", p->at_s, VFP_SECONDS);
	vfp_out_double(o, "seconds", p->seconds, VFP_SECONDS);
	vfp_out_u64(o, "count", n, VFP_COUNT);
	vfp_out_double(o, "p50_ns", n ? (double)lat_hist_quantile(ns, 0.5) : NAN, VFP_NS);
	vfp_out_double(o, "p99_ns", n ? (double)lat_hist_quantile(ns, 0.99) : NAN, VFP_NS);
	vfp_out_double(o, "p999_ns", n ? (double)lat_hist_quantile(ns, 0.999) : NAN, VFP_NS);
	vfp_out_double(o, "max_ns", n ? (double)lat_hist_max(ns) : NAN, VFP_NS);
	put_text(o, "hdr", ns);
	vfp_out_close(o);
}

static void
put_series(struct vfp_out *o, const struct kept *k, struct lat_hist work[2])
{
	struct lat_point p = {0};

	vfp_out_open(o, NULL);
	vfp_out_str(o, "name", k->rule);
	vfp_out_str(o, "kind", lat_kind_name(k->kind));
	lat_series_get(k->series, 0, &p, &work[0]);
	vfp_out_double(o, "interval_s", p.seconds, VFP_SECONDS);
	vfp_out_list(o, "points");
	for (uint32_t i = 0; lat_series_get(k->series, i, &p, &work[0]) == 0; i++) {
		lat_hist_to_ns(&work[1], &work[0], (double)rte_get_tsc_hz());
		put_point(o, &p, &work[1]);
	}
	vfp_out_close(o);
	vfp_out_close(o);
}

/* The whole histogram of a rule and kind in nanoseconds, into work[1]. */
static int
whole(const struct app *app, const struct kept *k, struct lat_hist work[2])
{
	const int ret = dp_latency(app->dp, k->rule, k->kind, &work[0]);

	if (ret == 0)
		lat_hist_to_ns(&work[1], &work[0], (double)rte_get_tsc_hz());
	return ret;
}

void
series_put(const struct app *app, struct vfp_out *o)
{
	const struct series *s = app->series;
	struct lat_hist *work = s ? calloc(2, sizeof(*work)) : NULL;

	vfp_out_list(o, "histograms");
	for (uint32_t i = 0; work && i < s->n; i++) {
		if (whole(app, &s->kept[i], work) < 0 || lat_hist_count(&work[1]) == 0)
			continue;
		vfp_out_open(o, NULL);
		vfp_out_str(o, "name", s->kept[i].rule);
		vfp_out_str(o, "kind", lat_kind_name(s->kept[i].kind));
		vfp_out_str(o, "unit", "ns");
		put_text(o, "hdr", &work[1]);
		vfp_out_close(o);
	}
	vfp_out_close(o);
	vfp_out_list(o, "latency_series");
	for (uint32_t i = 0; work && i < s->n; i++)
		put_series(o, &s->kept[i], work);
	vfp_out_close(o);
	free(work);
}

/* DIR/RULE.KIND.SUFFIX; a rule's name may have signs that a file's may not. */
static FILE *
open_file(const char *dir, const struct kept *k, const char *suffix, char *path, size_t size)
{
	char rule[DP_NAME];

	strlcpy(rule, k->rule, sizeof(rule));
	for (char *c = rule; *c; c++)
		if (*c == '/' || (c == rule && *c == '.'))
			*c = '_';
	snprintf(path, size, "%s/%s.%s.%s", dir, rule, lat_kind_name(k->kind), suffix);
	return fopen(path, "we");
}

static int
write_log(const struct app *app, const struct kept *k, struct lat_hist work[2], FILE *f)
{
	struct lat_point p;
	char what[DP_NAME + 64];
	int ret;

	snprintf(what, sizeof(what), "vfplane: %s of %s, nanoseconds", lat_kind_name(k->kind),
		k->rule);
	ret = lat_write_hlog_head(f, app->epoch_s, what);
	for (uint32_t i = 0; ret == 0 && lat_series_get(k->series, i, &p, &work[0]) == 0; i++) {
		lat_hist_to_ns(&work[1], &work[0], (double)rte_get_tsc_hz());
		ret = lat_write_hlog_line(f, p.at_s, p.seconds, &work[1]);
	}
	return ret;
}

static int
write_kept(const struct app *app, const char *dir, const struct kept *k, struct lat_hist work[2],
	struct vfp_err *err)
{
	static const char *const suffixes[] = {"hgrm", "csv", "hlog"};
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < RTE_DIM(suffixes); i++) {
		char path[512];
		FILE *f = open_file(dir, k, suffixes[i], path, sizeof(path));

		if (!f)
			return vfp_err_set(err, -errno, "%s: %s", path, strerror(errno));
		/* The log goes last, since it works in the same place. */
		ret = i == 0   ? lat_write_hgrm(&work[1], f)
		      : i == 1 ? lat_write_csv(&work[1], f)
			       : write_log(app, k, work, f);
		if (fclose(f) != 0 && ret == 0)
			ret = -errno;
		if (ret < 0)
			vfp_err_set(err, ret, "%s: %s", path, strerror(-ret));
	}
	return ret;
}

int
series_write(const struct app *app, const char *dir, struct vfp_err *err)
{
	const struct series *s = app->series;
	struct lat_hist *work = calloc(2, sizeof(*work));
	int ret = 0, n = 0;

	if (!work)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	if (mkdir(dir, 0777) < 0 && errno != EEXIST)
		ret = vfp_err_set(err, -errno, "%s: %s", dir, strerror(errno));
	for (uint32_t i = 0; ret == 0 && s && i < s->n; i++) {
		if (whole(app, &s->kept[i], work) < 0 || lat_hist_count(&work[1]) == 0)
			continue;
		ret = write_kept(app, dir, &s->kept[i], work, err);
		n += ret == 0;
	}
	free(work);
	return ret < 0 ? ret : n;
}

void
series_free(struct app *app)
{
	for (uint32_t i = 0; app->series && i < app->series->n; i++)
		lat_series_free(app->series->kept[i].series);
	if (app->series)
		free(app->series->kept);
	free(app->series);
	app->series = NULL;
}
