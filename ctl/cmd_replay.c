/* SPDX-License-Identifier: BSD-3-Clause */
/* vfctl replay: what another policy would have answered to messages that were recorded */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <sriov_policy.h>
#include <vfp_out.h>
#include <vfp_parse.h>

#include "config.h"
#include "ctl.h"

/* Messages of one VF that were answered alike then, and are now. */
struct outcome {
	uint16_t vf;
	uint16_t type;
	bool granted, would; /* recorded, and by the other policy */
	const char *reason;  /* static */
	uint64_t count;
	char text[96]; /* the newest of them */
	struct outcome *next;
};

struct replay {
	struct config conf;
	struct sriov_port port;
	bool json, all, have_config;
	uint32_t vf; /* UINT32_MAX: all */
	const char *file;
	uint64_t messages, lost, now_granted, now_refused;
	struct outcome *first, **last;
};

static void
prepare(struct replay *r)
{
	r->port.n_vfs = SRIOV_MAX_VFS;
	r->last = &r->first;
	for (uint16_t v = 0; v < SRIOV_MAX_VFS; v++) {
		const struct cfg_vf_sec *sec = config_vf(&r->conf, 0, v);
		struct sriov_vf_policy *p = &r->port.policy[v];

		sriov_policy_default(p);
		if (sec)
			*p = sec->policy;
		sriov_policy_default_mac(0, v, p->mac);
		if (sec && sec->has_mac)
			memcpy(p->mac, sec->mac, sizeof(p->mac));
		for (uint32_t i = 0; sec && i < sec->n_vlans; i++)
			p->vlans[p->n_vlans++] = sec->vlans[i];
	}
}

static struct outcome *
find(struct replay *r, uint16_t vf, uint16_t type, bool granted, bool would, const char *reason)
{
	struct outcome *o;

	for (o = r->first; o; o = o->next)
		if (o->vf == vf && o->type == type && o->granted == granted && o->would == would &&
			strcmp(o->reason, reason) == 0)
			return o;
	o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	*o = (struct outcome){
		.vf = vf, .type = type, .granted = granted, .would = would, .reason = reason};
	*r->last = o;
	r->last = &o->next;
	return o;
}

static bool
grants(const char *answer)
{
	return strcmp(answer, "ack") == 0 || strcmp(answer, "pass") == 0;
}

/* Judge one recorded message as if it came now. */
static int
judge(struct replay *r, uint16_t vf, const uint32_t *words, uint64_t at_us, const char *answer)
{
	struct sriov_verdict v;
	struct outcome *o;
	struct sriov_msg m;
	bool would;

	sriov_mbox_decode(words, &m);
	v = sriov_policy_judge(&r->port, vf, &m, at_us / 1000 + 1);
	would = grants(sriov_answer_name(v.answer));
	r->messages++;
	r->now_granted += would && !grants(answer);
	r->now_refused += !would && grants(answer);
	o = find(r, vf, m.type, grants(answer), would, v.reason);
	if (!o)
		return -ENOMEM;
	o->count++;
	sriov_mbox_text(&m, o->text, sizeof(o->text));
	return 0;
}

/* One line of `record mailbox`: {"vf":…, "at_us":…, "answer":…, "words":[…]}, or {"lost":…}. */
static int
take_line(struct replay *r, json_t *line, struct vfp_err *err)
{
	const json_t *vf = json_object_get(line, "vf"), *at = json_object_get(line, "at_us");
	const json_t *answer = json_object_get(line, "answer"),
		     *lost = json_object_get(line, "lost");
	const json_t *list = json_object_get(line, "words");
	uint32_t words[SRIOV_MBOX_WORDS];

	if (json_is_integer(lost)) {
		r->lost += json_integer_value(lost);
		return 0;
	}
	if (!json_is_integer(vf) || !json_is_integer(at) || !json_is_string(answer) ||
		json_array_size(list) != SRIOV_MBOX_WORDS)
		return vfp_err_set(err, -EINVAL,
			"no record: vf, at_us, answer and %d words are needed", SRIOV_MBOX_WORDS);
	if (json_integer_value(vf) < 0 || json_integer_value(vf) >= SRIOV_MAX_VFS)
		return vfp_err_set(err, -EINVAL, "VF %lld: allowed: 0 to %d",
			(long long)json_integer_value(vf), SRIOV_MAX_VFS - 1);
	for (size_t i = 0; i < SRIOV_MBOX_WORDS; i++) {
		const json_t *word = json_array_get(list, i);

		if (!json_is_integer(word) || json_integer_value(word) < 0 ||
			json_integer_value(word) > UINT32_MAX)
			return vfp_err_set(err, -EINVAL, "word %zu: allowed: 32 bits", i);
		words[i] = json_integer_value(word);
	}
	if (r->vf != UINT32_MAX && json_integer_value(vf) != r->vf)
		return 0;
	return judge(r, json_integer_value(vf), words, json_integer_value(at),
		json_string_value(answer));
}

static int
walk(struct replay *r, struct vfp_err *err)
{
	FILE *f = strcmp(r->file, "-") == 0 ? stdin : fopen(r->file, "re");
	unsigned int number = 0;
	char *text = NULL;
	size_t size = 0;
	int ret = 0;

	if (!f)
		return vfp_err_set(err, -errno, "%s: %s", r->file, strerror(errno));
	while (ret == 0 && getline(&text, &size, f) > 0) {
		json_error_t why;
		json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, &why);

		number++;
		ret = line ? take_line(r, line, err) : vfp_err_set(err, -EINVAL, "%s", why.text);
		if (ret < 0)
			vfp_err_prefix(err, ret, "%s:%u", r->file, number);
		json_decref(line);
	}
	free(text);
	if (f != stdin)
		fclose(f);
	return ret;
}

static int
put(const struct replay *r)
{
	struct vfp_out *o = vfp_out_new(r->json ? VFP_JSON : VFP_TEXT, stdout);
	unsigned int rows = 0;
	char name[CFG_NAME];

	vfp_out_list(o, "replay");
	for (const struct outcome *one = r->first; one; one = one->next) {
		if (!r->all && one->granted == one->would)
			continue;
		config_vf_name(&r->conf, 0, one->vf, name);
		vfp_out_open(o, NULL);
		vfp_out_str(o, "vf", name);
		vfp_out_str(o, "message", one->text);
		vfp_out_u64(o, "n", one->count, VFP_COUNT);
		vfp_out_str(o, "was", one->granted ? "granted" : "refused");
		vfp_out_strf(o, "now", "%s: %s", one->would ? "granted" : "refused", one->reason);
		vfp_out_close(o);
		rows++;
	}
	vfp_out_close(o);
	if (rows == 0)
		vfp_out_note(o, "the same answers to all");
	vfp_out_note(o, "%llu messages; %llu refused then and granted now, %llu the other way%s",
		(unsigned long long)r->messages, (unsigned long long)r->now_granted,
		(unsigned long long)r->now_refused, r->lost ? "; the recording has gaps" : "");
	vfp_out_u64(o, "messages", r->messages, VFP_PLAIN | VFP_DETAIL);
	vfp_out_u64(o, "now_granted", r->now_granted, VFP_PLAIN | VFP_DETAIL);
	vfp_out_u64(o, "now_refused", r->now_refused, VFP_PLAIN | VFP_DETAIL);
	vfp_out_u64(o, "lost", r->lost, VFP_PLAIN | VFP_DETAIL);
	return vfp_out_end(o) < 0 ? VFP_EXIT_DEVICE : VFP_EXIT_OK;
}

static int
read_options(int argc, char **argv, struct replay *r, struct vfp_err *err)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"vf", required_argument, NULL, 'v'},
		{"all", no_argument, NULL, 'a'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	static char text[CFG_ERR_LEN];
	int c, ret = 0;

	while (ret == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'c') {
			ret = config_load(optarg, &r->conf, text);
			snprintf(err->text, sizeof(err->text), "%.500s", text);
			r->have_config = true;
		} else if (c == 'v') {
			ret = vfp_parse_u32(optarg, "--vf", 0, SRIOV_MAX_VFS - 1, &r->vf, err);
		} else if (c == 'a') {
			r->all = true;
		} else if (c == 'j') {
			r->json = true;
		} else {
			ret = vfp_err_set(err, -EINVAL, "see above");
		}
	}
	if (ret < 0)
		return ret;
	if (!r->have_config || optind + 1 != argc)
		return vfp_err_set(err, -EINVAL, "needs --config FILE and one recording");
	r->file = argv[optind];
	return 0;
}

int
cmd_replay(int argc, char **argv)
{
	static struct replay r = {.vf = UINT32_MAX};
	struct vfp_err err = {0};
	int status;

	if (read_options(argc, argv, &r, &err) < 0)
		return ctl_usage("replay", "%s", err.text);
	prepare(&r);
	if (walk(&r, &err) < 0) {
		fprintf(stderr, "vfctl replay: %s\n", err.text);
		return VFP_EXIT_USAGE;
	}
	status = put(&r);
	while (r.first) {
		struct outcome *next = r.first->next;

		free(r.first);
		r.first = next;
	}
	return status;
}
