/* SPDX-License-Identifier: BSD-3-Clause */
/* A report of vfplane, "vfplane.report/1": its series over time, and what its manifest says. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>
#include <jansson.h>

#include "lat_export.h"
#include "run_priv.h"

#define SCHEMA "vfplane.report/1"

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static double
number_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

static bool
wanted(const json_t *entry, const char *name, const char *kind)
{
	return (!name || strcmp(text_of(entry, "name"), name) == 0) &&
	       (!kind || strcmp(text_of(entry, "kind"), kind) == 0);
}

/* The entry of a list by name and kind. */
static const json_t *
find(const json_t *list, const char *name, const char *kind)
{
	size_t i;
	json_t *entry;

	json_array_foreach((json_t *)(uintptr_t)list, i, entry)
	{
		if (wanted(entry, name, kind))
			return entry;
	}
	return NULL;
}

/* All entries as "name/kind, …". */
static void
name_all(const json_t *list, char *buf, size_t size)
{
	size_t i;
	json_t *entry;

	buf[0] = '\0';
	json_array_foreach((json_t *)(uintptr_t)list, i, entry)
	{
		if (i > 0)
			strlcat(buf, ", ", size);
		strlcat(buf, text_of(entry, "name"), size);
		strlcat(buf, "/", size);
		strlcat(buf, text_of(entry, "kind"), size);
	}
}

static void
number_fact(struct meas_run *r, const char *key, double value, double tolerance)
{
	if (isfinite(value))
		run_fact(r, MEAS_SETTING, tolerance, key, "%.6g", value);
}

/* Sums over ports: what came in, and how long its frames were. */
static void
port_facts(const json_t *root, struct meas_run *r)
{
	const json_t *ports = json_object_get(root, "ports");
	double packets = 0, bytes = 0, rate = 0;
	size_t i;
	json_t *p;

	json_array_foreach((json_t *)(uintptr_t)ports, i, p)
	{
		packets += number_of(p, "rx_packets");
		bytes += number_of(p, "rx_bytes");
		rate += number_of(p, "rx_pps");
	}
	if (packets > 0)
		number_fact(r, "frame_bytes", bytes / packets, 0.02);
	number_fact(r, "rate_pps", rate, 0.05);
}

/* Each speed once: "10000", or "1000, 10000". */
static void
link_facts(const json_t *manifest, struct meas_run *r)
{
	const json_t *ports = json_object_get(manifest, "ports");
	char all[MEAS_VALUE] = "";
	size_t i;
	json_t *p;

	json_array_foreach((json_t *)(uintptr_t)ports, i, p)
	{
		char one[16];

		if (!json_is_integer(json_object_get(p, "link_mbit")))
			continue;
		snprintf(one, sizeof(one), "%lld",
			(long long)json_integer_value(json_object_get(p, "link_mbit")));
		if (strstr(all, one))
			continue;
		if (all[0])
			strlcat(all, ", ", sizeof(all));
		strlcat(all, one, sizeof(all));
	}
	run_fact(r, MEAS_SETTING, 0, "link_mbit", "%s", all);
}

static void
manifest_facts(const json_t *m, struct meas_run *r)
{
	static const char *const texts[] = {"vfplane", "dpdk", "kernel", "cpu", "microcode",
		"virtual", "governor", "turbo", "eal_args"};
	static const char *const isolation[] = {"isolated", "nohz_full"};
	const json_t *config = json_object_get(m, "configuration");

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		run_fact(r, MEAS_SETTING, 0, texts[i], "%s", text_of(m, texts[i]));
	for (size_t i = 0; i < sizeof(isolation) / sizeof(isolation[0]); i++)
		run_fact(r, MEAS_SETTING, 0, isolation[i], "%s",
			text_of(json_object_get(m, "isolation"), isolation[i]));
	run_fact(r, MEAS_SETTING, 0, "configuration", "%.12s", text_of(config, "sha256"));
	link_facts(m, r);
}

/* One block a point; those of the warm-up apart. */
static int
take_points(
	const json_t *series, const struct meas_choice *c, struct meas_run *r, struct vfp_err *err)
{
	const json_t *points = json_object_get(series, "points");
	struct lat_hist *all = calloc(1, sizeof(*all)), *warm = calloc(1, sizeof(*warm));
	struct lat_hist *one = malloc(sizeof(*one));
	const double begin = number_of(json_array_get(points, 0), "at_s");
	int ret = all && warm && one ? 0 : vfp_err_set(err, -ENOMEM, "out of memory");
	size_t i;
	json_t *p;

	json_array_foreach((json_t *)(uintptr_t)points, i, p)
	{
		const bool is_warm = c->warmup < 0 ? i == 0 && json_array_size(points) > 1
						   : number_of(p, "at_s") - begin < c->warmup;

		if (ret < 0)
			break;
		lat_hist_init(one);
		ret = lat_add_text(one, text_of(p, "hdr"));
		if (ret < 0) {
			vfp_err_set(err, ret, "%s: point %zu: not a histogram in V2 encoding",
				r->what, i);
			break;
		}
		lat_hist_merge(is_warm ? warm : all, one);
		ret = is_warm ? 0 : run_block(r, one);
	}
	if (ret == 0) {
		run_summarise(r, all);
		run_summarise_warm(r, warm);
		snprintf(r->unit, sizeof(r->unit), "%.3g s", number_of(series, "interval_s"));
	}
	free(all);
	free(warm);
	free(one);
	return ret;
}

/* A report without a series: a summary is all there is. */
static void
take_latency(const json_t *l, struct meas_run *r)
{
	r->summary_only = true;
	r->samples = (uint64_t)json_integer_value(json_object_get(l, "count"));
	r->min_ns = number_of(l, "min_ns");
	r->mean_ns = number_of(l, "mean_ns");
	r->max_ns = number_of(l, "max_ns");
	r->stddev_ns = number_of(l, "stddev_ns");
}

static int
take_entry(const json_t *root, const struct meas_choice *c, struct meas_run *r, struct vfp_err *err)
{
	const json_t *latency = json_object_get(root, "latency");
	const json_t *series = json_object_get(root, "latency_series");
	const char *kind = c->kind ? c->kind : find(latency, c->name, "rtt") ? "rtt" : "residence";
	const json_t *l = find(latency, c->name, kind), *s;

	name_all(latency, r->names, sizeof(r->names));
	if (!l)
		return vfp_err_set(err, -ENOENT, "no latency %s/%s in it; there is: %s",
			c->name ? c->name : "(any)", kind, r->names[0] ? r->names : "none");
	strlcpy(r->what, text_of(l, "name"), sizeof(r->what));
	run_fact(r, MEAS_MEANING, 0, "kind", "%s", kind);
	s = find(series, r->what, kind);
	if (s)
		return take_points(s, c, r, err);
	take_latency(l, r);
	return 0;
}

int
run_parse_report(
	const char *text, const struct meas_choice *c, struct meas_run *r, struct vfp_err *err)
{
	json_error_t where;
	json_t *root = json_loads(text, 0, &where);
	const json_t *manifest;
	int ret;

	if (!root)
		return vfp_err_set(err, -EINVAL, "line %d: %s", where.line, where.text);
	if (strcmp(text_of(root, "schema"), SCHEMA) != 0) {
		ret = vfp_err_set(err, -EINVAL, "schema \"%s\"; allowed: \"" SCHEMA "\"",
			text_of(root, "schema"));
		json_decref(root);
		return ret;
	}
	manifest = json_object_get(root, "manifest");
	run_fact(r, MEAS_MEANING, 0, "source", "%s", text_of(root, "source"));
	run_fact(r, MEAS_MEANING, 0, "clock", "%s",
		manifest ? text_of(json_object_get(manifest, "clock"), "name") : "TSC");
	ret = take_entry(root, c, r, err);
	if (ret == 0) {
		port_facts(root, r);
		manifest_facts(manifest, r);
	}
	json_decref(root);
	return ret;
}
