/* SPDX-License-Identifier: BSD-3-Clause */
/* vfctl plot: pictures of reports and searches, drawn by gnuplot */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>
#include <jansson.h>

#include <lat_export.h>
#include <lat_hist.h>
#include <meas_run.h>
#include <vfp_out.h>

#include "ctl.h"
#include "plot.h"

#define MAX_RUNS 16
#define TEXT     512

struct request {
	const char *what, *output, *title;
	struct meas_choice choice;
	bool script;
	int n;
	char **files;
};

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* All samples of a run behind its warm-up. */
static void
gather(const struct meas_run *r, struct lat_hist *h)
{
	lat_hist_init(h);
	for (uint32_t b = 0; b < r->n_blocks; b++)
		for (uint32_t i = 0; i < r->blocks[b].n; i++)
			h->bucket[r->blocks[b].counts[i].bucket] += r->blocks[b].counts[i].count;
}

/* What the number is and where it is from: below the picture. */
static void
describe(const struct meas_run *r, char *text, size_t size)
{
	snprintf(text, size, "source: %s; %s, clock %s; stretches of %s, warm-up left out",
		meas_run_fact(r, "source"), meas_run_fact(r, "kind"), meas_run_fact(r, "clock"),
		r->unit);
}

/* Which run a line is. */
static void
put_key(FILE *to, const struct meas_run *r)
{
	char title[TEXT], n[32];

	vfp_humanize(n, sizeof(n), (double)r->samples, VFP_COUNT);
	if (strcmp(r->what, "ping") == 0)
		snprintf(title, sizeof(title), "%s: ping, n = %s", base_name(r->path), n);
	else
		snprintf(title, sizeof(title), "%s: %s of %s, %s, n = %s", base_name(r->path),
			meas_run_fact(r, "kind"), r->what, meas_run_fact(r, "source"), n);
	plot_quote(to, title);
}

/* The numbers of a .hgrm: value and 1/(1-percentile). */
static void
put_percentiles(FILE *to, unsigned int n, const struct lat_hist *h, double divide)
{
	char *text = NULL, *save = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	lat_write_hgrm(h, f);
	fclose(f);
	fprintf(to, "$run%u << EOD\n", n);
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		double us, percentile, beyond;

		if (sscanf(l, "%lf %lf %*u %lf", &us, &percentile, &beyond) == 3)
			fprintf(to, "%.12g %.9g\n", beyond, us * 1e3 / divide);
	}
	fputs("EOD\n", to);
	free(text);
}

static void
percentile_axes(FILE *to, const char *unit, bool logarithmic)
{
	fputs("set xlabel 'percentile'\n", to);
	if (logarithmic)
		plot_log_times(to);
	else
		fprintf(to, "set ylabel 'latency, %s'\nset yrange [0:*]\n", unit);
	fputs("set logscale x 10\nset xtics ('0' 1, '50' 2, '90' 10, '99' 100, '99.9' 1000, "
	      "'99.99' 1e4, '99.999' 1e5, '99.9999' 1e6, '99.99999' 1e7)\n",
		to);
	fputs("set xrange [1:*]\nset autoscale xfixmax\n"
	      "set key at graph 0.02, 0.98 left top vertical reverse Left\n",
		to);
}

/* Several runs over one axis of percentiles. */
static int
draw_percentiles(
	const struct request *q, struct meas_run *runs, struct lat_hist *h, struct vfp_err *err)
{
	double max = 0, min = INFINITY, divide;
	char caption[TEXT], one[TEXT];
	struct plot p;
	const char *unit;
	bool logarithmic;
	int ret;

	describe(&runs[0], caption, sizeof(caption));
	for (int i = 0; i < q->n; i++) {
		gather(&runs[i], h);
		if (lat_hist_count(h) == 0)
			return vfp_err_set(err, -EINVAL, "%s: a summary only, no samples to draw",
				runs[i].path);
		max = fmax(max, (double)lat_hist_max(h));
		min = fmin(min, (double)lat_hist_min(h));
		describe(&runs[i], one, sizeof(one));
		if (strcmp(one, caption) != 0)
			snprintf(caption, sizeof(caption),
				"runs of different make: see the key; warm-up left out");
	}
	unit = plot_time_unit(max, &divide);
	logarithmic = max > 20 * fmax(min, 1);
	if (logarithmic)
		divide = 1;
	ret = plot_begin(&p, q->output, q->script, q->title ? q->title : "latency by percentile",
		caption, err);
	if (ret < 0)
		return ret;
	percentile_axes(p.to, unit, logarithmic);
	for (int i = 0; i < q->n; i++) {
		gather(&runs[i], h);
		put_percentiles(p.to, i, h, divide);
	}
	fputs("plot", p.to);
	for (int i = 0; i < q->n; i++) {
		fprintf(p.to, "%s $run%d using 1:2 with lines lw 2.5 %s title ", i ? "," : "", i,
			plot_style(i));
		put_key(p.to, &runs[i]);
	}
	fputc('\n', p.to);
	return plot_end(&p, err);
}

static int
plot_percentiles(const struct request *q, struct vfp_err *err)
{
	struct meas_run *runs = calloc(MAX_RUNS, sizeof(*runs));
	struct lat_hist *h = malloc(sizeof(*h));
	int ret = runs && h ? 0 : vfp_err_set(err, -ENOMEM, "out of memory");
	int n = 0;

	while (ret == 0 && n < q->n) {
		ret = meas_run_load(q->files[n], &q->choice, &runs[n], err);
		n += ret == 0;
	}
	if (ret == 0)
		ret = draw_percentiles(q, runs, h, err);
	while (runs && n > 0)
		meas_run_free(&runs[--n]);
	free(runs);
	free(h);
	return ret;
}

static const char *
text_of(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static double
number_of(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

static json_t *
load_json(const char *path, const char *schema, struct vfp_err *err)
{
	json_error_t where;
	json_t *j = json_load_file(path, 0, &where);

	if (!j)
		vfp_err_set(err, -EINVAL, "%s: line %d: %s", path, where.line, where.text);
	else if (strcmp(text_of(j, "schema"), schema) != 0) {
		vfp_err_set(err, -EINVAL, "%s: schema \"%s\"; needed: \"%s\"", path,
			text_of(j, "schema"), schema);
		json_decref(j);
		j = NULL;
	}
	return j;
}

/* The series by name and kind, else the first. */
static json_t *
find_series(json_t *report, const struct meas_choice *c)
{
	json_t *s;
	size_t i;

	json_array_foreach(json_object_get(report, "latency_series"), i, s)
	{
		if ((!c->name || strcmp(text_of(s, "name"), c->name) == 0) &&
			(!c->kind || strcmp(text_of(s, "kind"), c->kind) == 0))
			return s;
	}
	return NULL;
}

/* A figure over time: each interval a step from its beginning to its end, gaps where nothing came.
 */
static void
put_steps(FILE *to, json_t *points, const char *key)
{
	json_t *p;
	size_t i;

	fprintf(to, "$%s << EOD\n", key);
	json_array_foreach(points, i, p)
	{
		const double at = number_of(p, "at_s"), v = number_of(p, key);

		if (isfinite(v))
			fprintf(to, "%.6g %.9g\n%.6g %.9g\n", at, v, at + number_of(p, "seconds"),
				v);
		else
			fputs("\n", to);
	}
	fputs("EOD\n", to);
}

static int
draw_time(const struct request *q, json_t *report, json_t *series, struct vfp_err *err)
{
	static const char *const keys[] = {"max_ns", "p999_ns", "p99_ns", "p50_ns"};
	static const char *const names[] = {"maximum", "99.9 %", "99 %", "median"};
	json_t *points = json_object_get(series, "points");
	char caption[TEXT], title[TEXT];
	struct plot p;
	int ret;

	snprintf(title, sizeof(title), "%s of %s over time", text_of(series, "kind"),
		text_of(series, "name"));
	snprintf(caption, sizeof(caption),
		"source: %s; clock %s; intervals of %.3g s; began %s; %s",
		text_of(report, "source"),
		text_of(json_object_get(json_object_get(report, "manifest"), "clock"), "name"),
		number_of(series, "interval_s"),
		text_of(json_object_get(report, "manifest"), "date"), base_name(q->files[0]));
	ret = plot_begin(&p, q->output, q->script, q->title ? q->title : title, caption, err);
	if (ret < 0)
		return ret;
	fputs("set xlabel 'time, s'\nset xrange [0:*]\nset autoscale xfixmax\n", p.to);
	plot_log_times(p.to);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		put_steps(p.to, points, keys[i]);
	fputs("plot", p.to);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		fprintf(p.to, "%s $%s using 1:2 with lines lw 2.5 %s title '%s'", i ? "," : "",
			keys[i], plot_style(i), names[i]);
	fputc('\n', p.to);
	return plot_end(&p, err);
}

static int
plot_time(const struct request *q, struct vfp_err *err)
{
	json_t *report = load_json(q->files[0], "vfplane.report/1", err), *series;
	int ret;

	if (!report)
		return -EINVAL;
	series = find_series(report, &q->choice);
	if (series && json_array_size(json_object_get(series, "points")) > 0)
		ret = draw_time(q, report, series, err);
	else
		ret = vfp_err_set(err, -ENOENT,
			"%s: no latency over time of that name and kind in it", q->files[0]);
	json_decref(report);
	return ret;
}

/* What came back over what was offered, one set of points a frame size. */
static void
put_trials(FILE *to, json_t *search, json_t *sizes)
{
	json_t *size, *t;
	size_t i, k;

	json_array_foreach(sizes, i, size)
	{
		fprintf(to, "$size%zu << EOD\n", i);
		json_array_foreach(json_object_get(search, "trials"), k, t)
		{
			const double pps = number_of(t, "pps");

			if (json_integer_value(json_object_get(t, "size")) !=
				json_integer_value(size))
				continue;
			fprintf(to, "%.9g %.9g\n", pps / 1e6,
				pps * number_of(t, "received") / number_of(t, "sent") / 1e6);
		}
		fputs("EOD\n", to);
	}
}

static int
draw_load(const struct request *q, json_t *search, struct vfp_err *err)
{
	json_t *sizes = json_object_get(search, "sizes"), *size;
	char caption[TEXT];
	struct plot p;
	size_t i;
	int ret;

	snprintf(caption, sizeof(caption),
		"source: %s; trials of %.3g s, short ones of %.3g s; began %s; %s",
		text_of(search, "source"), number_of(search, "trial_s"),
		number_of(search, "short_s"), text_of(search, "date"), base_name(q->files[0]));
	ret = plot_begin(&p, q->output, q->script,
		q->title ? q->title : "throughput over offered load", caption, err);
	if (ret < 0)
		return ret;
	/* Logarithmic: a tenth of the load of long frames stands beside the line rate of short
	 * ones. */
	fputs("set xlabel 'offered, Mpps'\nset ylabel 'received, Mpps'\nset logscale xy 10\n"
	      "set format xy '%g'\nset key at graph 0.02, 0.98 left top vertical reverse Left\n",
		p.to);
	put_trials(p.to, search, sizes);
	fputs("plot x with lines lw 1.5 dt 2 lc rgb '#909090' title 'nothing lost'", p.to);
	json_array_foreach(sizes, i, size)
		fprintf(p.to, ", $size%zu using 1:2 with points pt 7 ps 1 %s title '%lld bytes'", i,
			plot_style(i), (long long)json_integer_value(size));
	fputc('\n', p.to);
	return plot_end(&p, err);
}

static int
plot_load(const struct request *q, struct vfp_err *err)
{
	json_t *search = load_json(q->files[0], "vfctl.throughput/1", err);
	int ret;

	if (!search)
		return -EINVAL;
	if (json_array_size(json_object_get(search, "trials")) > 0)
		ret = draw_load(q, search, err);
	else
		ret = vfp_err_set(err, -EINVAL, "%s: no trials in it", q->files[0]);
	json_decref(search);
	return ret;
}

/* Each port's queues side by side, as shares of what the port received. */
static unsigned int
put_queues(FILE *to, json_t *report)
{
	unsigned int bars = 0;
	json_t *port, *queue;
	size_t i, k;

	fputs("$queues << EOD\n", to);
	json_array_foreach(json_object_get(report, "ports"), i, port)
	{
		json_t *queues = json_object_get(port, "queues");
		double sum = 0;

		json_array_foreach(queues, k, queue)
		{
			sum += number_of(queue, "rx_packets");
		}
		if (sum <= 0)
			continue;
		json_array_foreach(queues, k, queue)
		{
			fprintf(to, "%u %.6g %.6g \"%s:%lld\"\n", bars++,
				100 * number_of(queue, "rx_packets") / sum,
				100.0 / (double)json_array_size(queues), text_of(port, "name"),
				(long long)json_integer_value(json_object_get(queue, "id")));
		}
		bars++; /* a gap between ports */
	}
	fputs("EOD\n", to);
	return bars;
}

static int
plot_queues(const struct request *q, struct vfp_err *err)
{
	json_t *report = load_json(q->files[0], "vfplane.report/1", err);
	char caption[TEXT];
	unsigned int bars = 0;
	struct plot p;
	int ret;

	if (!report)
		return -EINVAL;
	snprintf(caption, sizeof(caption),
		"source: %s; the workers' counters over %.3g s; began %s; %s",
		text_of(report, "source"), number_of(report, "duration_s"),
		text_of(json_object_get(report, "manifest"), "date"), base_name(q->files[0]));
	ret = plot_begin(&p, q->output, q->script,
		q->title ? q->title : "received packets by queue", caption, err);
	if (ret == 0) {
		bars = put_queues(p.to, report);
		fprintf(p.to,
			"set ylabel 'share of what the port received, %%'\nset yrange [0:*]\n"
			"set xrange [-0.8:%u.8]\nset boxwidth 0.7\nset style fill solid 0.85\n"
			"set xtics %s scale 0\nset grid noxtics\n"
			"plot $queues using 1:2:xtic(4) with boxes %s title 'share', $queues using "
			"($1-0.4):3:(0.8):(0) with vectors nohead lw 2.5 %s title 'even'\n",
			bars > 1 ? bars - 2 : 0, bars > 12 ? "rotate by 60 right" : "norotate",
			plot_style(0), plot_style(1));
		ret = bars > 0 ? plot_end(&p, err)
			       : vfp_err_set(err, -EINVAL, "%s: no port in it received anything",
					 q->files[0]);
	}
	json_decref(report);
	return ret;
}

static const struct {
	const char *word;
	int most; /* files */
	int (*plot)(const struct request *q, struct vfp_err *err);
} pictures[] = {
	{"percentiles", MAX_RUNS, plot_percentiles},
	{"time", 1, plot_time},
	{"load", 1, plot_load},
	{"queues", 1, plot_queues},
};

#define N_PICTURES (sizeof(pictures) / sizeof(pictures[0]))

static int
draw(struct request *q, struct vfp_err *err)
{
	for (size_t i = 0; i < N_PICTURES; i++) {
		if (strcmp(pictures[i].word, q->what) != 0)
			continue;
		if (q->n < 1 || q->n > pictures[i].most)
			return vfp_err_set(err, -ERANGE, "%s: %d files; allowed: 1 to %d", q->what,
				q->n, pictures[i].most);
		return pictures[i].plot(q, err);
	}
	return vfp_err_set(err, -ERANGE,
		"no such picture: %s; there is percentiles, time, load, queues", q->what);
}

int
cmd_plot(int argc, char **argv)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"title", required_argument, NULL, 't'},
		{"name", required_argument, NULL, 'n'},
		{"kind", required_argument, NULL, 'k'},
		{"script", no_argument, NULL, 's'},
		{0},
	};
	struct request q = {.choice.warmup = -1};
	struct vfp_err err = {0};
	int c, ret;

	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		if (c == 'o')
			q.output = optarg;
		else if (c == 't')
			q.title = optarg;
		else if (c == 'n')
			q.choice.name = optarg;
		else if (c == 'k')
			q.choice.kind = optarg;
		else if (c == 's')
			q.script = true;
		else
			return ctl_usage("plot", "see above");
	}
	if (optind == argc || !q.output)
		return ctl_usage("plot", "%s",
			optind == argc ? "plot what?" : "where to? -o FILE.png|FILE.svg");
	q.what = argv[optind];
	q.files = argv + optind + 1;
	q.n = argc - optind - 1;
	signal(SIGPIPE, SIG_IGN);
	ret = draw(&q, &err);
	if (ret == -ERANGE)
		return ctl_usage("plot", "%s", err.text);
	if (ret < 0)
		fprintf(stderr, "vfctl plot: %s\n", err.text);
	return ret == 0                           ? VFP_EXIT_OK
	       : ret == -EINVAL || ret == -ENOENT ? VFP_EXIT_USAGE
						  : VFP_EXIT_DEVICE;
}
