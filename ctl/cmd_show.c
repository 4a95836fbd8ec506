/* SPDX-License-Identifier: BSD-3-Clause */
/* vfctl show: what a running vfplane says, by its telemetry socket */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <vfp_out.h>

#include "ctl.h"
#include "telemetry.h"

static const struct {
	const char *word;
	int needs; /* a name: 0 none, 1 perhaps, 2 yes */
} words[] = {{"ports", 1}, {"vfs", 0}, {"vf", 2}, {"rss", 2}, {"latency", 1}, {"lcores", 0},
	{"mailbox", 0}, {"noise", 0}, {"drift", 0}};

#define N_WORDS (sizeof(words) / sizeof(words[0]))

static bool
ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text), e = strlen(end);

	return n >= e && strcmp(text + n - e, end) == 0;
}

/* Telemetry has no units: the keys tell them. */
static unsigned int
unit_of(const char *key)
{
	static const struct {
		const char *end;
		unsigned int unit;
	} ends[] = {{"_ns", VFP_NS}, {"_pps", VFP_PPS}, {"_bytes", VFP_BYTES},
		{"packets", VFP_COUNT}, {"count", VFP_COUNT}, {"missed", VFP_COUNT},
		{"dropped", VFP_COUNT}, {"busy", VFP_SHARE}, {"stolen", VFP_SHARE},
		{"waited", VFP_SHARE}, {"seconds", VFP_SECONDS}, {"_per_s", VFP_FIXED1},
		{"per_packet", VFP_FIXED1}, {"per_burst", VFP_FIXED1}};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends_with(key, ends[i].end))
			return ends[i].unit;
	return VFP_PLAIN;
}

/* What text leaves out, as vfplane's own tables do. */
static bool
is_detail(const char *key)
{
	static const char *const details[] = {"p90_ns", "mean_ns", "stddev_ns", "clipped",
		"rx_nombuf", "rx_bytes", "tx_bytes", "removed", "throttled", "remedy"};

	for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++)
		if (strcmp(key, details[i]) == 0)
			return true;
	return false;
}

/* A list went through telemetry as a dictionary of rows. */
static bool
was_list(json_t *o)
{
	const char *key;
	json_t *each;

	json_object_foreach(o, key, each)
	{
		if (!json_is_object(each))
			return false;
	}
	return true;
}

static void
put_scalar(struct vfp_out *o, json_t *of, const char *key, json_t *value)
{
	const unsigned int unit = unit_of(key);
	char milli[128];
	json_t *exact;

	if (is_detail(key) && vfp_out_format(o) == VFP_TEXT)
		return;
	snprintf(milli, sizeof(milli), "%s_milli", key);
	exact = json_object_get(of, milli);
	if (json_is_string(value) && strcmp(json_string_value(value), "unknown") == 0)
		vfp_out_null(o, key);
	else if (json_is_string(value))
		vfp_out_str(o, key, json_string_value(value));
	else if (json_is_integer(exact))
		vfp_out_double(o, key, (double)json_integer_value(exact) / 1000, unit);
	else
		vfp_out_u64(o, key, (uint64_t)json_integer_value(value), unit);
}

/* Of findings: each remedy once, below the table. */
static void
put_remedies(struct vfp_out *o, json_t *findings)
{
	const char *key, *other_key;
	json_t *each, *other;

	json_object_foreach(findings, key, each)
	{
		const char *text = json_string_value(json_object_get(each, "remedy"));
		bool first = true;

		json_object_foreach(findings, other_key, other)
		{
			if (other == each)
				break;
			first &= !json_equal(
				json_object_get(other, "remedy"), json_object_get(each, "remedy"));
		}
		if (text && first)
			vfp_out_note(o, "%s: %s", json_string_value(json_object_get(each, "what")),
				text);
	}
}

static void
put_tree(struct vfp_out *o, json_t *tree)
{
	const char *key, *row_key;
	json_t *value, *row;

	json_object_foreach(tree, key, value)
	{
		if (ends_with(key, "_milli"))
			continue;
		if (!json_is_object(value)) {
			put_scalar(o, tree, key, value);
			continue;
		}
		if (!was_list(value)) {
			vfp_out_open(o, key);
			put_tree(o, value);
			vfp_out_close(o);
			continue;
		}
		vfp_out_list(o, key);
		json_object_foreach(value, row_key, row)
		{
			vfp_out_open(o, NULL);
			put_tree(o, row);
			vfp_out_close(o);
		}
		vfp_out_close(o);
		put_remedies(o, value);
	}
}

static int
put_answer(json_t *answer, bool json)
{
	struct vfp_out *o = vfp_out_new(json ? VFP_JSON : VFP_TEXT, stdout);

	put_tree(o, answer);
	return vfp_out_end(o);
}

static int
word_index(const char *word)
{
	for (size_t i = 0; i < N_WORDS; i++)
		if (strcmp(words[i].word, word) == 0)
			return (int)i;
	return -1;
}

static int
show(const char *socket, const char *prefix, const char *word, const char *name, bool json)
{
	struct vfp_err err = {0};
	char command[64];
	json_t *answer = NULL;
	struct tel *t = NULL;
	int ret = tel_open(socket, prefix, &t, &err);

	snprintf(command, sizeof(command), "/vfplane/%s", word);
	if (ret == 0)
		ret = tel_ask(t, command, name, &answer, &err);
	if (ret == 0)
		ret = put_answer(answer, json);
	if (ret < 0)
		fprintf(stderr, "vfctl show: %s\n", err.text);
	json_decref(answer);
	tel_close(t);
	return ret < 0 ? VFP_EXIT_DEVICE : VFP_EXIT_OK;
}

int
cmd_show(int argc, char **argv)
{
	static const struct option options[] = {
		{"prefix", required_argument, NULL, 'p'},
		{"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	const char *socket = NULL, *prefix = NULL, *name;
	bool json = false;
	int c, word;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'p')
			prefix = optarg;
		else if (c == 's')
			socket = optarg;
		else if (c == 'j')
			json = true;
		else
			return ctl_usage("show", "see above");
	}
	if (optind == argc)
		return ctl_usage("show", "show what?");
	word = word_index(argv[optind]);
	name = optind + 1 < argc ? argv[optind + 1] : NULL;
	if (word < 0)
		return ctl_usage("show", "no such thing: %s", argv[optind]);
	if (optind + 2 < argc || (words[word].needs == 0 && name))
		return ctl_usage(
			"show", "%s takes no such argument: %s", argv[optind], argv[argc - 1]);
	if (words[word].needs == 2 && !name)
		return ctl_usage("show", "%s needs a port's name", argv[optind]);
	return show(socket, prefix, words[word].word, name, json);
}
