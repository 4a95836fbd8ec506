/* SPDX-License-Identifier: BSD-3-Clause */
/* vfctl predict: where the packets of a capture go, by MAC, VLAN and RSS, offline */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <rss_flow.h>
#include <rss_pred.h>
#include <rss_why.h>
#include <vfp_out.h>
#include <vfp_parse.h>

#include "card.h"
#include "ctl.h"

#define MAX_QUEUES 4
#define MAX_WHY	   8
#define MAX_TOP	   50
#define MAX_FLOWS  (1 << 20)

struct pool {
	uint64_t packets;
	uint64_t queue[MAX_QUEUES];
	uint64_t note[RSS_NOTES];
	bool entry[RSS_RETA_SIZE], hashed[MAX_QUEUES];
};

struct predict {
	struct card card;
	uint64_t packets, untold; /* untold: of flows beyond the table's end */
	struct pool pool[CARD_POOLS];
	struct rss_flows *flows;
	struct {
		const char *reason; /* static, from the steering */
		uint64_t packets;
	} nowhere[MAX_WHY];
	/* what was asked */
	uint64_t limit;
	uint32_t top;
	bool json;
	const char *file, *measured;
	json_t *report;
};

static void
count_nowhere(struct predict *p, const char *reason)
{
	for (size_t i = 0; i < MAX_WHY; i++) {
		if (p->nowhere[i].reason && strcmp(p->nowhere[i].reason, reason) != 0)
			continue;
		p->nowhere[i].reason = reason;
		p->nowhere[i].packets++;
		return;
	}
}

static void
count_in(struct predict *p, unsigned int pool, const struct rss_tuple *t)
{
	const struct rss_oracle *o = &p->card.oracle;
	struct pool *to = &p->pool[pool];
	uint32_t hash = 0;
	unsigned int queue = 0;

	if (t->type != RSS_T_NONE) {
		hash = rss_oracle_hash(o, t->bytes, t->len);
		queue = rss_queue(&o->conf, card_queues(&p->card, pool), hash);
		to->entry[hash % RSS_RETA_SIZE] = to->hashed[queue] = true;
	}
	to->packets++;
	to->queue[queue]++;
	to->note[t->note]++;
	if (rss_flows_add(p->flows, pool, t, 1) < 0)
		p->untold++;
}

static int
each_frame(void *arg, const uint8_t *frame, size_t len)
{
	struct predict *p = arg;
	struct rss_tuple t;
	uint64_t pools;
	const char *why = sriov_steer_frame(&p->card.steer, frame, len, &pools);

	p->packets++;
	if (pools == 0)
		count_nowhere(p, why);
	rss_tuple(p->card.oracle.conf.fields, frame, len, &t);
	for (unsigned int pool = 0; pool <= p->card.steer.layout.pf_pool; pool++)
		if (pools >> pool & 1)
			count_in(p, pool, &t);
	return 0;
}

static double
imbalance(const struct pool *pool, unsigned int queues)
{
	uint64_t max = 0;

	for (unsigned int q = 0; q < queues; q++)
		max = pool->queue[q] > max ? pool->queue[q] : max;
	return pool->packets ? (double)max * queues / (double)pool->packets : 0;
}

/* What a run measured for a port's queue, or -1. */
static int64_t
measured(const struct predict *p, const char *port, unsigned int queue)
{
	size_t i, k;
	json_t *each, *q;

	json_array_foreach(json_object_get(p->report, "ports"), i, each)
	{
		const char *name = json_string_value(json_object_get(each, "name"));

		if (!name || strcmp(name, port) != 0)
			continue;
		json_array_foreach(json_object_get(each, "queues"), k, q)
		{
			if (json_integer_value(json_object_get(q, "id")) == (json_int_t)queue)
				return json_integer_value(json_object_get(q, "rx_packets"));
		}
	}
	return -1;
}

static void
put_queue(struct vfp_out *o, const struct predict *p, const char *name, unsigned int pool,
	unsigned int q, bool *same)
{
	const uint64_t all = p->pool[pool].packets, n = p->pool[pool].queue[q];
	const int64_t got = measured(p, name, q);

	vfp_out_open(o, NULL);
	vfp_out_u64(o, "id", q, VFP_PLAIN);
	vfp_out_u64(o, "packets", n, VFP_COUNT);
	vfp_out_double(o, "share", all ? (double)n / (double)all : 0, VFP_SHARE);
	if (p->report && got < 0) {
		vfp_out_null(o, "measured");
	} else if (p->report) {
		vfp_out_u64(o, "measured", got, VFP_COUNT);
		vfp_out_i64(o, "difference", got - (int64_t)n, VFP_PLAIN);
		*same &= (uint64_t)got == n;
	}
	vfp_out_close(o);
}

/* What the settings and the packets of a VF's pool say against spreading. */
static unsigned int
find_why(const struct predict *p, unsigned int pool, struct rss_why why[RSS_REASONS])
{
	const struct sriov_layout *l = &p->card.steer.layout;
	const struct pool *from = &p->pool[pool];
	struct rss_seen seen = {.packets = from->packets,
		.hashed = from->packets - from->note[RSS_N_FIELD_OFF] - from->note[RSS_N_NOT_IP]};
	const struct rss_facts f = {.is_vf = true, .pf_known = true,
		.rss_mode = l->mq == SRIOV_MQ_VMDQ_RSS, .pools = l->pools,
		.layout_queues = l->queues_per_pool, .granted = card_queues(&p->card, pool),
		.pf_queues = p->card.pf_rxq ? p->card.pf_rxq : l->pf_queues,
		.conf = &p->card.oracle.conf, .seen = &seen};

	if (pool == l->pf_pool || from->packets == 0)
		return 0;
	memcpy(seen.note, from->note, sizeof(seen.note));
	memcpy(seen.queue, from->queue, sizeof(from->queue));
	for (unsigned int i = 0; i < RSS_RETA_SIZE; i++)
		seen.entries_hit += from->entry[i];
	for (unsigned int q = 0; q < MAX_QUEUES; q++)
		seen.hashed_queues += from->hashed[q];
	return rss_why(&f, why);
}

static void
put_why(struct vfp_out *o, const struct predict *p, unsigned int pool)
{
	struct rss_why why[RSS_REASONS];
	const unsigned int n = find_why(p, pool, why);

	vfp_out_list(o, "why");
	for (unsigned int i = 0; i < n; i++) {
		vfp_out_open(o, NULL);
		vfp_out_str(o, "name", rss_reason_name(why[i].reason));
		vfp_out_bool(o, "stops", why[i].stops);
		vfp_out_str(o, "text", why[i].text);
		vfp_out_close(o);
	}
	vfp_out_close(o);
}

/* The same for people, below the tables. */
static void
say_why(struct vfp_out *o, const struct predict *p, unsigned int pool)
{
	struct rss_why why[RSS_REASONS];
	const unsigned int n = find_why(p, pool, why);
	char name[CFG_NAME], before[CFG_NAME + 24];

	card_pool_name(&p->card, pool, name);
	for (unsigned int i = 0; i < n; i++) {
		snprintf(before, sizeof(before), "%s%s: ", name,
			why[i].stops ? " does not spread" : "");
		vfp_out_note(o, "%s%s", before, why[i].text);
	}
}

static bool
put_pool(struct vfp_out *o, const struct predict *p, unsigned int pool)
{
	const struct sriov_layout *l = &p->card.steer.layout;
	char name[CFG_NAME];
	bool same = true;

	card_pool_name(&p->card, pool, name);
	vfp_out_open(o, NULL);
	vfp_out_str(o, "name", name);
	vfp_out_u64(o, "pool", pool, VFP_PLAIN);
	vfp_out_u64(o, "packets", p->pool[pool].packets, VFP_COUNT);
	if (p->pool[pool].packets)
		vfp_out_double(o, "max_to_mean",
			imbalance(&p->pool[pool], card_queues(&p->card, pool)), VFP_PLAIN);
	else
		vfp_out_null(o, "max_to_mean");
	vfp_out_list(o, "queues");
	for (unsigned int q = 0; q < l->queues_per_pool; q++)
		put_queue(o, p, name, pool, q, &same);
	vfp_out_close(o);
	if (vfp_out_format(o) == VFP_JSON)
		put_why(o, p, pool);
	vfp_out_close(o);
	return same;
}

static void
put_top(struct vfp_out *o, const struct predict *p)
{
	struct rss_flow_count top[MAX_TOP];
	const unsigned int n = rss_flows_top(p->flows, top, p->top);

	vfp_out_list(o, "heaviest");
	for (unsigned int i = 0; i < n; i++) {
		const struct rss_tuple *t = &top[i].tuple;
		const struct rss_oracle *or = &p->card.oracle;
		char text[RSS_FLOW_TEXT], name[CFG_NAME];
		const uint32_t hash = t->len ? rss_oracle_hash(or, t->bytes, t->len) : 0;
		const unsigned int queue =
			t->len ? rss_queue(&or->conf, card_queues(&p->card, top[i].pool), hash) : 0;

		card_pool_name(&p->card, top[i].pool, name);
		vfp_out_open(o, NULL);
		vfp_out_strf(o, "to", "%s:%u", name, queue);
		vfp_out_u64(o, "packets", top[i].packets, VFP_COUNT);
		vfp_out_double(o, "share",
			(double)top[i].packets / (double)p->pool[top[i].pool].packets, VFP_SHARE);
		vfp_out_str(o, "flow", rss_tuple_text(t, text));
		vfp_out_close(o);
	}
	vfp_out_close(o);
}

static int
put(const struct predict *p)
{
	struct vfp_out *o = vfp_out_new(p->json ? VFP_JSON : VFP_TEXT, stdout);
	bool same = true;

	vfp_out_str(o, "schema", "vfctl.predict/1");
	vfp_out_u64(o, "packets", p->packets, VFP_COUNT);
	vfp_out_u64(o, "flows", rss_flows_count(p->flows), VFP_COUNT);
	vfp_out_list(o, "pools");
	for (unsigned int pool = 0; pool <= p->card.steer.layout.pf_pool; pool++)
		same &= put_pool(o, p, pool);
	vfp_out_close(o);
	vfp_out_list(o, "nowhere");
	for (size_t i = 0; i < MAX_WHY && p->nowhere[i].reason; i++) {
		vfp_out_open(o, NULL);
		vfp_out_str(o, "reason", p->nowhere[i].reason);
		vfp_out_u64(o, "packets", p->nowhere[i].packets, VFP_COUNT);
		vfp_out_close(o);
	}
	vfp_out_close(o);
	put_top(o, p);
	for (unsigned int pool = 0; pool < p->card.steer.layout.pf_pool; pool++)
		say_why(o, p, pool);
	if (p->untold)
		vfp_out_note(o, "of more than %d flows; the others' packets are not listed above",
			MAX_FLOWS);
	if (p->report)
		vfp_out_bool(o, "as_measured", same);
	if (vfp_out_end(o) < 0)
		return VFP_EXIT_DEVICE;
	return same ? VFP_EXIT_OK : 1;
}

static int
read_options(int argc, char **argv, struct predict *p, struct vfp_err *err)
{
	static const struct option options[] = {
		CARD_OPTIONS,
		{"packets", required_argument, NULL, 'n'},
		{"top", required_argument, NULL, 'p'},
		{"measured", required_argument, NULL, 'r'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	int c, ret = 0;

	while (ret == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		ret = card_option(&p->card, c, optarg, err);
		if (ret <= 0)
			continue;
		ret = 0;
		if (c == 'n')
			ret = vfp_parse_u64(optarg, "--packets", 1, UINT64_MAX, &p->limit, err);
		else if (c == 'p')
			ret = vfp_parse_u32(optarg, "--top", 0, MAX_TOP, &p->top, err);
		else if (c == 'r')
			p->measured = optarg;
		else if (c == 'j')
			p->json = true;
		else
			ret = vfp_err_set(err, -EINVAL, "see above");
	}
	if (ret < 0)
		return ret;
	if (!p->card.have_config || optind + 1 != argc)
		return vfp_err_set(err, -EINVAL, "needs --config FILE and one capture");
	p->file = argv[optind];
	return 0;
}

static int
load_report(struct predict *p, struct vfp_err *err)
{
	json_error_t why;

	if (!p->measured)
		return 0;
	p->report = json_load_file(p->measured, 0, &why);
	if (!p->report)
		return vfp_err_set(err, -EINVAL, "--measured %s: %s", p->measured, why.text);
	if (!json_is_array(json_object_get(p->report, "ports")))
		return vfp_err_set(err, -EINVAL,
			"--measured %s: no list \"ports\" in it; vfplane --json writes such a report",
			p->measured);
	return 0;
}

int
cmd_predict(int argc, char **argv)
{
	static struct predict p = {.card.vfs = UINT32_MAX, .top = 5};
	struct vfp_err err = {0};
	int status;

	if (read_options(argc, argv, &p, &err) < 0 || card_solve(&p.card, &err) < 0 ||
		load_report(&p, &err) < 0)
		return ctl_usage("predict", "%s", err.text);
	p.flows = rss_flows_new(MAX_FLOWS);
	if (!p.flows) {
		fprintf(stderr, "vfctl predict: out of memory\n");
		return VFP_EXIT_DEVICE;
	}
	if (rss_pred_walk(p.file, p.limit, each_frame, &p, &err) < 0) {
		fprintf(stderr, "vfctl predict: %s\n", err.text);
		status = VFP_EXIT_USAGE;
	} else {
		status = put(&p);
	}
	json_decref(p.report);
	rss_flows_free(p.flows);
	return status;
}
