/* SPDX-License-Identifier: BSD-3-Clause */
/* vfctl top: rates, load and latency of a running vfplane, again and again */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <vfp_out.h>
#include <vfp_parse.h>

#include "ctl.h"
#include "telemetry.h"

#define HOME_AND_CLEAR "\033[H\033[J"

static volatile sig_atomic_t stopped;

static void
on_signal(int sig)
{
	stopped = sig;
}

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
number(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);
	char milli[64];
	json_t *exact;

	snprintf(milli, sizeof(milli), "%s_milli", key);
	exact = json_object_get(o, milli);
	if (json_is_integer(exact))
		return (double)json_integer_value(exact) / 1000;
	return json_is_integer(v) ? (double)json_integer_value(v) : NAN;
}

/* How much a counter of a row grew, a second; NaN where it is not known. */
static double
rate(json_t *was, json_t *is, const char *key, double seconds)
{
	const double grown = number(is, key) - number(was, key);

	return grown >= 0 ? grown / seconds : NAN;
}

static void
put_ports(struct vfp_out *o, json_t *was, json_t *is, double seconds)
{
	json_t *old = json_object_get(was, "ports"), *ports = json_object_get(is, "ports"), *p;
	const char *key;

	vfp_out_list(o, "ports");
	json_object_foreach(ports, key, p)
	{
		json_t *before = json_object_get(old, key);

		vfp_out_open(o, NULL);
		vfp_out_str(o, "name", json_string_value(json_object_get(p, "name")));
		vfp_out_double(o, "rx", rate(before, p, "rx_packets", seconds), VFP_PPS);
		vfp_out_double(o, "tx", rate(before, p, "tx_packets", seconds), VFP_PPS);
		vfp_out_double(o, "rx_bits", 8 * rate(before, p, "rx_bytes", seconds), VFP_BPS);
		vfp_out_double(o, "missed", rate(before, p, "rx_missed", seconds), VFP_PPS);
		vfp_out_double(o, "tx_dropped", rate(before, p, "tx_dropped", seconds), VFP_PPS);
		vfp_out_close(o);
	}
	vfp_out_close(o);
}

static void
put_lcores(struct vfp_out *o, json_t *lcores)
{
	const char *key;
	json_t *l;

	vfp_out_list(o, "lcores");
	json_object_foreach(json_object_get(lcores, "lcores"), key, l)
	{
		vfp_out_open(o, NULL);
		vfp_out_double(o, "id", number(l, "id"), VFP_PLAIN);
		vfp_out_double(o, "busy", number(l, "busy"), VFP_SHARE);
		vfp_out_double(o, "cycles_per_packet", number(l, "cycles_per_packet"), VFP_FIXED1);
		vfp_out_double(o, "packets_per_burst", number(l, "packets_per_burst"), VFP_FIXED1);
		vfp_out_close(o);
	}
	vfp_out_close(o);
}

static void
put_latency(struct vfp_out *o, json_t *latency)
{
	static const char *const keys[] = {"count", "p50_ns", "p99_ns", "p999_ns", "max_ns"};
	const char *key;
	json_t *l;

	vfp_out_list(o, "latency");
	json_object_foreach(json_object_get(latency, "latency"), key, l)
	{
		vfp_out_open(o, NULL);
		vfp_out_str(o, "name", json_string_value(json_object_get(l, "name")));
		vfp_out_str(o, "kind", json_string_value(json_object_get(l, "kind")));
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			vfp_out_double(o, keys[i], number(l, keys[i]), i == 0 ? VFP_COUNT : VFP_NS);
		vfp_out_close(o);
	}
	vfp_out_close(o);
}

struct sample {
	double at;
	json_t *ports, *lcores, *latency;
};

static void
sample_free(struct sample *s)
{
	json_decref(s->ports);
	json_decref(s->lcores);
	json_decref(s->latency);
	*s = (struct sample){0};
}

static int
take(struct tel *t, struct sample *s, struct vfp_err *err)
{
	int ret = tel_ask(t, "/vfplane/ports", NULL, &s->ports, err);

	s->at = now_s();
	if (ret == 0)
		ret = tel_ask(t, "/vfplane/lcores", NULL, &s->lcores, err);
	if (ret == 0)
		ret = tel_ask(t, "/vfplane/latency", NULL, &s->latency, err);
	return ret;
}

static int
draw(const struct tel *t, const struct sample *was, const struct sample *is)
{
	struct vfp_out *o = vfp_out_new(VFP_TEXT, stdout);
	const double seconds = is->at - was->at;

	if (isatty(STDOUT_FILENO))
		fputs(HOME_AND_CLEAR, stdout);
	vfp_out_note(o, "%s: rates over the last %.1f s; lcores and latency since the start or clear",
		tel_path(t), seconds);
	put_ports(o, was->ports, is->ports, seconds);
	put_lcores(o, is->lcores);
	put_latency(o, is->latency);
	return vfp_out_end(o);
}

/* Until the interval is over or a signal comes. */
static void
wait_until(double then)
{
	while (!stopped) {
		const double left = then - now_s();
		const struct timespec t = {(time_t)left, (long)((left - floor(left)) * 1e9)};

		if (left <= 0)
			return;
		nanosleep(&t, NULL);
	}
}

static int
loop(struct tel *t, double interval, uint32_t count, struct vfp_err *err)
{
	struct sample was = {0}, is = {0};
	int ret = take(t, &was, err);

	for (uint32_t i = 0; ret == 0 && !stopped && (count == 0 || i < count); i++) {
		wait_until(was.at + interval);
		if (stopped)
			break;
		ret = take(t, &is, err);
		if (ret == 0)
			ret = draw(t, &was, &is);
		sample_free(&was);
		was = is;
		is = (struct sample){0};
	}
	sample_free(&was);
	sample_free(&is);
	return ret;
}

int
cmd_top(int argc, char **argv)
{
	static const struct option options[] = {
		{"prefix", required_argument, NULL, 'p'},
		{"socket", required_argument, NULL, 's'},
		{"interval", required_argument, NULL, 'i'},
		{"count", required_argument, NULL, 'c'},
		{0},
	};
	struct sigaction sa = {.sa_handler = on_signal};
	const char *socket = NULL, *prefix = NULL;
	uint64_t interval = 1000000000;
	struct vfp_err err = {0};
	struct tel *t = NULL;
	uint32_t count = 0;
	int c, ret = 0;

	while (ret == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'p')
			prefix = optarg;
		else if (c == 's')
			socket = optarg;
		else if (c == 'i')
			ret = vfp_parse_duration(optarg, "--interval", 100000000, 3600000000000,
				&interval, &err);
		else if (c == 'c')
			ret = vfp_parse_u32(optarg, "--count", 1, UINT32_MAX, &count, &err);
		else
			ret = vfp_err_set(&err, -EINVAL, "see above");
	}
	if (ret == 0 && optind != argc)
		ret = vfp_err_set(&err, -EINVAL, "unexpected argument %s", argv[optind]);
	if (ret < 0)
		return ctl_usage("top", "%s", err.text);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	ret = tel_open(socket, prefix, &t, &err);
	if (ret == 0)
		ret = loop(t, (double)interval / 1e9, count, &err);
	tel_close(t);
	if (ret < 0)
		fprintf(stderr, "vfctl top: %s\n", err.text);
	return ret < 0 ? VFP_EXIT_DEVICE : VFP_EXIT_OK;
}
