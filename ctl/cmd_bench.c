/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfctl bench throughput: the highest rate without loss (RFC 2544), by trials that a command of the
 * user runs. The search itself is meas_search.h's; here it gets its trials, a journal that a killed
 * search goes on from, and a voice.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include <meas_manifest.h>
#include <meas_search.h>
#include <vfp_out.h>
#include <vfp_parse.h>

#include "ctl.h"

#define SCHEMA	   "vfctl.throughput/1"
#define ANSWER_MAX 65536

struct bench {
	struct meas_search_conf conf;
	const char *command, *journal, *json;
	struct meas_search *search;
	FILE *log;	/* the journal, appended to */
	json_t *trials; /* all of them, as they are written into it */
	char date[32];
	char source[64];
};

static volatile sig_atomic_t stopped;

static void
on_signal(int sig)
{
	stopped = sig;
}

/* The command's output to its end, which is one JSON object. */
static int
read_answer(FILE *f, json_t **answer, struct vfp_err *err)
{
	char *text = malloc(ANSWER_MAX + 1);
	size_t n = text ? fread(text, 1, ANSWER_MAX, f) : 0;
	json_error_t where;

	*answer = NULL;
	if (!text)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	text[n] = '\0';
	*answer = json_loads(text, JSON_DISABLE_EOF_CHECK, &where);
	free(text);
	if (!json_is_object(*answer) || !json_is_integer(json_object_get(*answer, "sent")) ||
		!json_is_integer(json_object_get(*answer, "received"))) {
		json_decref(*answer);
		*answer = NULL;
		return vfp_err_set(err, -EPROTO,
			"--trial: its output is no {\"sent\": N, \"received\": N}");
	}
	return 0;
}

/* Run the command for one trial; it learns of it by its environment. */
static int
run_command(const char *command, const struct meas_trial *t, json_t **answer, struct vfp_err *err)
{
	char rate[32], size[16], seconds[32];
	int ret, status;
	FILE *f;

	snprintf(rate, sizeof(rate), "%.3f", t->pps);
	snprintf(size, sizeof(size), "%u", t->size);
	snprintf(seconds, sizeof(seconds), "%g", t->seconds);
	setenv("RATE_PPS", rate, 1);
	setenv("FRAME_BYTES", size, 1);
	setenv("SECONDS_LONG", seconds, 1);
	setenv("TRIAL_KIND", meas_why_name(t->why), 1);
	f = popen(command, "re");
	if (!f)
		return vfp_err_set(err, -errno, "--trial: %s", strerror(errno));
	ret = read_answer(f, answer, err);
	status = pclose(f);
	if (status != 0 && !stopped)
		ret = vfp_err_set(err, -EIO, "--trial: it ended with status %d",
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	if (ret < 0 || stopped) {
		json_decref(*answer);
		*answer = NULL;
	}
	return stopped ? -EINTR : ret;
}

/* What a trial was and what came of it: a line of the journal. */
static json_t *
record_of(const struct meas_trial *t, json_t *answer)
{
	json_t *pps = json_object_get(answer, "pps"), *latency = json_object_get(answer, "latency");
	json_t *r = json_pack("{s:s, s:i, s:i, s:f, s:f, s:f, s:O, s:O}", "why", meas_why_name(t->why),
		"size", t->size, "repeat", t->repeat, "asked_pps", t->pps, "pps",
		json_is_number(pps) ? json_number_value(pps) : t->pps, "seconds", t->seconds, "sent",
		json_object_get(answer, "sent"), "received", json_object_get(answer, "received"));

	if (t->why == MEAS_LATENCY)
		json_object_set_new(r, "load", json_real(t->load));
	if (json_is_object(latency))
		json_object_set(r, "latency", latency);
	return r;
}

static double
number_of(json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static int
tell(struct bench *b, const struct meas_trial *t, json_t *r, struct vfp_err *err)
{
	int ret = meas_search_told(b->search, t, number_of(r, "pps"),
		(uint64_t)json_integer_value(json_object_get(r, "sent")),
		(uint64_t)json_integer_value(json_object_get(r, "received")), err);

	if (ret == 0)
		json_array_append(b->trials, r);
	return ret;
}

/* The settings as one line: a journal of others is not gone on with. */
static json_t *
settings_of(const struct bench *b)
{
	const struct meas_search_conf *c = &b->conf;
	json_t *s = json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:i}", "schema", SCHEMA, "command",
		b->command, "max_pps", c->max_pps, "min_pps", c->min_pps, "line_bps", c->line_bps,
		"precision", c->precision, "trial_s", c->trial_s, "short_s", c->short_s, "repeats",
		c->repeats);
	json_t *sizes = json_array(), *losses = json_array();

	for (uint16_t i = 0; i < c->n_sizes; i++)
		json_array_append_new(sizes, json_integer(c->size[i]));
	for (uint16_t i = 0; i < c->n_losses; i++)
		json_array_append_new(losses, json_real(c->loss[i]));
	json_object_set_new(s, "sizes", sizes);
	json_object_set_new(s, "losses", losses);
	return s;
}

static void
write_line(FILE *f, json_t *line)
{
	json_dumpf(line, f, JSON_COMPACT | JSON_REAL_PRECISION(17));
	fputc('\n', f);
	fflush(f);
}

/* One line of the journal again: the trial must be the one that the search asks for next. */
static int
replay(struct bench *b, json_t *line, struct vfp_err *err)
{
	struct meas_trial t;
	const char *why = json_string_value(json_object_get(line, "why"));

	if (meas_search_next(b->search, &t) != 1 || !why || strcmp(why, meas_why_name(t.why)) != 0 ||
		json_integer_value(json_object_get(line, "size")) != t.size ||
		fabs(number_of(line, "asked_pps") / t.pps - 1) > 1e-9)
		return vfp_err_set(err, -EINVAL, "not the trial that comes next");
	return tell(b, &t, line, err);
}

/* A line that was cut by a kill is the last one: it is tried again. */
static int
replay_all(struct bench *b, FILE *f, struct vfp_err *err)
{
	json_t *settings = settings_of(b), *line;
	unsigned int n = 0;
	char *text = NULL;
	size_t room = 0;
	long good = 0;
	int ret = 0;

	while (ret == 0 && getline(&text, &room, f) > 0) {
		line = strchr(text, '\n') ? json_loads(text, 0, NULL) : NULL;
		n++;
		if (!line && !feof(f) && strchr(text, '\n'))
			ret = vfp_err_set(err, -EINVAL, "no JSON");
		else if (line && n == 1)
			ret = json_equal(line, settings)
				      ? 0
				      : vfp_err_set(err, -EINVAL,
						"the settings of another search; name another journal");
		else if (line)
			ret = replay(b, line, err);
		if (line && ret == 0)
			good = ftell(f);
		json_decref(line);
		if (ret < 0)
			vfp_err_prefix(err, ret, "%s:%u", b->journal, n);
	}
	free(text);
	json_decref(settings);
	if (ret == 0 && ftruncate(fileno(f), good) < 0)
		ret = vfp_err_set(err, -errno, "%s: %s", b->journal, strerror(errno));
	return ret < 0 ? ret : (int)meas_search_trials(b->search);
}

static int
open_journal(struct bench *b, struct vfp_err *err)
{
	json_t *settings;
	int fd, ret;

	if (!b->journal)
		return 0;
	fd = open(b->journal, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	b->log = fd >= 0 ? fdopen(fd, "r+") : NULL;
	if (!b->log)
		return vfp_err_set(err, -errno, "%s: %s", b->journal, strerror(errno));
	ret = replay_all(b, b->log, err);
	if (ret < 0)
		return ret;
	fseek(b->log, 0, SEEK_END);
	if (ret > 0)
		fprintf(stderr, "goes on from %s after %d trials\n", b->journal, ret);
	if (ftell(b->log) == 0) {
		settings = settings_of(b);
		write_line(b->log, settings);
		json_decref(settings);
	}
	return 0;
}

/* "64 bytes, 2 of 5, measure: 3.42 Mpps for 10 s: lost 0.0123 %; about 0:04:10 left" */
static void
progress(const struct bench *b, const struct meas_trial *t, json_t *r)
{
	const double sent = number_of(r, "sent"), left = meas_search_left(b->search);
	const long s = lround(left);
	char rate[32], turn[32];

	vfp_humanize(rate, sizeof(rate), number_of(r, "pps"), VFP_PPS);
	if (t->why == MEAS_LATENCY)
		snprintf(turn, sizeof(turn), "at %.0f %%", t->load * 100);
	else
		snprintf(turn, sizeof(turn), "%u of %u", t->repeat + 1, b->conf.repeats);
	fprintf(stderr, "%u bytes, %s, %s: %s for %g s: lost %.3g %%; about %ld:%02ld:%02ld left\n",
		t->size, turn, meas_why_name(t->why), rate, t->seconds,
		100 * (1 - number_of(r, "received") / sent), s / 3600, s / 60 % 60, s % 60);
}

static int
one_trial(struct bench *b, const struct meas_trial *t, struct vfp_err *err)
{
	json_t *answer, *r;
	const char *source;
	int ret = run_command(b->command, t, &answer, err);

	if (ret < 0)
		return ret;
	source = json_string_value(json_object_get(answer, "source"));
	if (source)
		snprintf(b->source, sizeof(b->source), "%s", source);
	r = record_of(t, answer);
	ret = tell(b, t, r, err);
	if (ret == 0) {
		if (b->log)
			write_line(b->log, r);
		progress(b, t, r);
	}
	json_decref(answer);
	json_decref(r);
	return ret;
}

static void
put_results(const struct bench *b, struct vfp_out *o)
{
	struct meas_result r;

	vfp_out_list(o, "results");
	for (uint16_t s = 0; s < b->conf.n_sizes; s++)
		for (uint16_t l = 0; l < b->conf.n_losses; l++) {
			if (meas_search_result(b->search, s, l, &r) < 0)
				continue;
			vfp_out_open(o, NULL);
			vfp_out_u64(o, "bytes", r.size, VFP_PLAIN);
			vfp_out_double(o, "may_lose", r.loss, VFP_SHARE);
			vfp_out_u64(o, "repeats", r.repeats, VFP_PLAIN);
			vfp_out_double(o, "mean_pps", r.mean_pps, VFP_PPS);
			vfp_out_double(o, "low_pps", r.low_pps, VFP_PPS);
			vfp_out_double(o, "high_pps", r.high_pps, VFP_PPS);
			vfp_out_double(o, "least_pps", r.least_pps, VFP_PPS | VFP_DETAIL);
			vfp_out_double(o, "most_pps", r.most_pps, VFP_PPS | VFP_DETAIL);
			vfp_out_double(o, "of_line", r.mean_pps / meas_line_pps(b->conf.line_bps, r.size),
				VFP_SHARE);
			vfp_out_str(o, "limit", r.limited ? "offered" : "found");
			vfp_out_close(o);
		}
	vfp_out_close(o);
}

static void
put_latency(const struct bench *b, struct vfp_out *o)
{
	json_t *t;
	size_t i;

	vfp_out_list(o, "latency");
	json_array_foreach(b->trials, i, t)
	{
		json_t *l = json_object_get(t, "latency"), *value;
		const char *key;

		if (!json_object_get(t, "load"))
			continue;
		vfp_out_open(o, NULL);
		vfp_out_u64(o, "bytes", (uint64_t)json_integer_value(json_object_get(t, "size")),
			VFP_PLAIN);
		vfp_out_double(o, "load", number_of(t, "load"), VFP_SHARE);
		vfp_out_double(o, "offered", number_of(t, "pps"), VFP_PPS);
		vfp_out_double(o, "lost", 1 - number_of(t, "received") / number_of(t, "sent"), VFP_SHARE);
		json_object_foreach(l, key, value)
			vfp_out_double(o, key, json_number_value(value), VFP_NS);
		vfp_out_close(o);
	}
	vfp_out_close(o);
}

static void
put_summary(const struct bench *b, FILE *to)
{
	struct vfp_out *o = vfp_out_new(VFP_TEXT, to);

	put_results(b, o);
	put_latency(b, o);
	vfp_out_note(o,
		"Loss ratio allowed, mean of the repetitions and its 95 %% interval (Student's t). limit: "
		"found, or all that was offered passed. Source: %s. Trials of %g s.",
		b->source[0] ? b->source : "not told by the trial", b->conf.trial_s);
	vfp_out_end(o);
}

/* The result for programs: settings, results, trials. */
static int
write_json(const struct bench *b, struct vfp_err *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct vfp_out *o = f ? vfp_out_new(VFP_JSON, f) : NULL;
	json_t *all = settings_of(b), *parts;
	int ret;

	put_results(b, o);
	put_latency(b, o);
	ret = vfp_out_end(o);
	if (f)
		fclose(f);
	parts = ret == 0 ? json_loads(text, 0, NULL) : NULL;
	free(text);
	json_object_set_new(all, "source", json_string(b->source[0] ? b->source : "unknown"));
	json_object_set_new(all, "date", json_string(b->date));
	json_object_update(all, parts);
	json_object_set(all, "trials", b->trials);
	if (!parts)
		ret = -ENOMEM;
	else if (strcmp(b->json, "-") == 0)
		ret = json_dumpf(all, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF ? 0 : -EIO;
	else
		ret = json_dump_file(all, b->json, JSON_INDENT(2)) == 0 ? 0 : -EIO;
	json_decref(parts);
	json_decref(all);
	return ret < 0 ? vfp_err_set(err, ret, "%s: could not be written", b->json) : 0;
}

static int
search_all(struct bench *b, struct vfp_err *err)
{
	struct meas_trial t;
	int ret = meas_search_new(&b->conf, &b->search, err);

	if (ret == 0)
		ret = open_journal(b, err);
	while (ret == 0 && !stopped && meas_search_next(b->search, &t) == 1)
		ret = one_trial(b, &t, err);
	if (ret == 0 && stopped)
		ret = -EINTR;
	if (ret == -EINTR)
		vfp_err_set(err, ret, "signal %d%s%s", (int)stopped,
			b->journal ? "; the same command goes on from " : "",
			b->journal ? b->journal : "");
	if (ret == 0 && !(b->json && strcmp(b->json, "-") == 0))
		put_summary(b, stdout);
	if (ret == 0 && b->json)
		ret = write_json(b, err);
	return ret;
}

static int
each_size(const char *item, void *arg, struct vfp_err *err)
{
	struct meas_search_conf *c = arg;

	if (c->n_sizes == MEAS_SIZES)
		return vfp_err_set(err, -E2BIG, "--sizes: at most %d", MEAS_SIZES);
	return vfp_parse_u16(item, "--sizes", 64, 9728, &c->size[c->n_sizes++], err);
}

static int
parse_real(const char *text, const char *what, double factor, double *value, struct vfp_err *err)
{
	char *end;
	const double v = strtod(text, &end);

	if (end == text || *end != '\0' || !isfinite(v))
		return vfp_err_set(err, -EINVAL, "%s %s: not a number", what, text);
	*value = v * factor;
	return 0;
}

static int
each_loss(const char *item, void *arg, struct vfp_err *err)
{
	struct meas_search_conf *c = arg;

	if (c->n_losses == MEAS_LOSSES)
		return vfp_err_set(err, -E2BIG, "--losses: at most %d", MEAS_LOSSES);
	return parse_real(item, "--losses", 0.01, &c->loss[c->n_losses++], err);
}

static int
parse_time(const char *text, const char *what, double *seconds, struct vfp_err *err)
{
	uint64_t ns;
	int ret = vfp_parse_duration(text, what, 1000000, 3600000000000, &ns, err);

	if (ret == 0)
		*seconds = (double)ns / 1e9;
	return ret;
}

static int
option(int opt, struct bench *b, struct vfp_err *err)
{
	struct meas_search_conf *c = &b->conf;

	switch (opt) {
	case 't':
		b->command = optarg;
		return 0;
	case 'j':
		b->json = optarg;
		return 0;
	case 'J':
		b->journal = optarg;
		return 0;
	case 's':
		c->n_sizes = 0;
		return vfp_parse_list(optarg, "--sizes", each_size, c, err);
	case 'l':
		c->n_losses = 0;
		return vfp_parse_list(optarg, "--losses", each_loss, c, err);
	case 'M':
		return parse_real(optarg, "--max-rate", 1, &c->max_pps, err);
	case 'm':
		return parse_real(optarg, "--min-rate", 1, &c->min_pps, err);
	case 'L':
		return parse_real(optarg, "--link-mbit", 1e6, &c->line_bps, err);
	case 'p':
		return parse_real(optarg, "--precision", 0.01, &c->precision, err);
	case 'T':
		return parse_time(optarg, "--trial-time", &c->trial_s, err);
	case 'S':
		return parse_time(optarg, "--short-time", &c->short_s, err);
	case 'r':
		return vfp_parse_u16(optarg, "--repeats", 1, MEAS_REPEATS, &c->repeats, err);
	default:
		return vfp_err_set(err, -EINVAL, "see above");
	}
}

static void
bench_free(struct bench *b)
{
	if (b->log)
		fclose(b->log);
	json_decref(b->trials);
	meas_search_free(b->search);
}

int
cmd_bench(int argc, char **argv)
{
	static const struct option options[] = {
		{"trial", required_argument, NULL, 't'},
		{"sizes", required_argument, NULL, 's'},
		{"losses", required_argument, NULL, 'l'},
		{"max-rate", required_argument, NULL, 'M'},
		{"min-rate", required_argument, NULL, 'm'},
		{"link-mbit", required_argument, NULL, 'L'},
		{"precision", required_argument, NULL, 'p'},
		{"trial-time", required_argument, NULL, 'T'},
		{"short-time", required_argument, NULL, 'S'},
		{"repeats", required_argument, NULL, 'r'},
		{"journal", required_argument, NULL, 'J'},
		{"json", required_argument, NULL, 'j'},
		{0},
	};
	struct sigaction sa = {.sa_handler = on_signal};
	struct bench b = {.trials = json_array()};
	struct vfp_err err = {0};
	int c, ret = 0;

	meas_search_default(&b.conf);
	meas_date((double)time(NULL), b.date);
	while (ret == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1)
		ret = option(c, &b, &err);
	if (ret == 0 && b.conf.short_s > b.conf.trial_s)
		b.conf.short_s = b.conf.trial_s;
	if (ret == 0 && (optind + 1 != argc || strcmp(argv[optind], "throughput") != 0))
		ret = vfp_err_set(&err, -EINVAL, "what is to be found? There is: throughput");
	if (ret == 0 && !b.command)
		ret = vfp_err_set(&err, -EINVAL, "needs --trial COMMAND, which runs one trial");
	if (ret < 0) {
		bench_free(&b);
		return ctl_usage("bench", "%s", err.text);
	}
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	ret = search_all(&b, &err);
	if (ret < 0)
		fprintf(stderr, "vfctl bench: %s\n", err.text);
	bench_free(&b);
	return ret == 0 ? VFP_EXIT_OK : ret == -EINVAL ? VFP_EXIT_USAGE : VFP_EXIT_DEVICE;
}
