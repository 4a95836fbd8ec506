/* SPDX-License-Identifier: BSD-3-Clause */
/* vfctl predict: where the packets of a capture go, by MAC, VLAN and RSS, offline */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rss_hash.h>
#include <rss_pred.h>
#include <sriov_steer.h>
#include <vfp_out.h>
#include <vfp_parse.h>

#include "config.h"
#include "ctl.h"

#define MAX_POOLS  (SRIOV_MAX_VFS + 1)
#define MAX_QUEUES 4
#define MAX_WHY    8

struct predict {
	struct sriov_steer steer;
	struct rss_conf rss;
	uint64_t packets;
	uint64_t queue[MAX_POOLS][MAX_QUEUES];
	struct {
		const char *reason; /* static, from the steering */
		uint64_t packets;
	} nowhere[MAX_WHY];
};

struct request {
	struct config conf;
	uint32_t vfs; /* UINT32_MAX: as many as the configuration names */
	uint64_t packets;
	uint8_t pf_mac[6];
	bool json, have_config;
	const char *file;
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

static int
each_frame(void *arg, const uint8_t *frame, size_t len)
{
	struct predict *p = arg;
	const struct sriov_layout *l = &p->steer.layout;
	struct rss_verdict v;
	uint64_t pools;
	const char *why = sriov_steer_frame(&p->steer, frame, len, &pools);

	p->packets++;
	if (pools == 0)
		count_nowhere(p, why);
	for (unsigned int pool = 0; pool <= l->pf_pool; pool++) {
		if (!(pools >> pool & 1))
			continue;
		/* net_ixgbe leaves PSRTYPE of the PF's pool at one queue. */
		rss_predict(&p->rss, pool == l->pf_pool ? 1 : l->queues_per_pool, frame, len, &v);
		p->queue[pool][v.queue]++;
	}
	return 0;
}

static int
prepare(const struct request *r, struct predict *p, struct vfp_err *err)
{
	const struct config *c = &r->conf;
	uint32_t queues = c->n_pf ? c->pf[0].queues_per_pool : 0;
	uint32_t vfs = r->vfs == UINT32_MAX ? config_vf_count(c, 0) : r->vfs;
	int ret = sriov_layout_plan(vfs, queues, &p->steer.layout, err);

	if (config_pool_count(c, 0) > 0)
		return vfp_err_set(err, -ENOTSUP, "pools of the PF's own are not predicted");
	if (ret < 0)
		return ret;
	/* vfplane's PF filters VLANs: what nobody registered is dropped at the port. */
	p->steer.vlan_filter = true;
	memcpy(p->steer.pf_mac, r->pf_mac, sizeof(p->steer.pf_mac));
	rss_conf_default(&p->rss, p->steer.layout.pf_queues);
	for (uint32_t v = 0; v < vfs; v++) {
		const struct cfg_vf_sec *sec = config_vf(c, 0, v);
		struct sriov_vf_policy *policy = &p->steer.vf[v];

		sriov_policy_default_mac(0, v, policy->mac);
		if (sec && sec->has_mac)
			memcpy(policy->mac, sec->mac, sizeof(policy->mac));
		for (uint32_t i = 0; sec && i < sec->n_vlans; i++)
			policy->vlans[policy->n_vlans++] = sec->vlans[i];
	}
	return 0;
}

static void
put_pool(struct vfp_out *o, const struct request *r, const struct predict *p, unsigned int pool)
{
	const struct sriov_layout *l = &p->steer.layout;
	char name[CFG_NAME] = "pf0";
	uint64_t sum = 0;

	if (pool != l->pf_pool)
		config_vf_name(&r->conf, 0, pool, name);
	for (unsigned int q = 0; q < l->queues_per_pool; q++)
		sum += p->queue[pool][q];
	vfp_out_open(o, NULL);
	vfp_out_str(o, "name", name);
	vfp_out_u64(o, "pool", pool, VFP_PLAIN);
	vfp_out_u64(o, "packets", sum, VFP_COUNT);
	vfp_out_list(o, "queues");
	for (unsigned int q = 0; q < l->queues_per_pool; q++) {
		vfp_out_open(o, NULL);
		vfp_out_u64(o, "id", q, VFP_PLAIN);
		vfp_out_u64(o, "packets", p->queue[pool][q], VFP_COUNT);
		vfp_out_close(o);
	}
	vfp_out_close(o);
	vfp_out_close(o);
}

static int
put(const struct request *r, const struct predict *p)
{
	struct vfp_out *o = vfp_out_new(r->json ? VFP_JSON : VFP_TEXT, stdout);

	vfp_out_str(o, "schema", "vfctl.predict/1");
	vfp_out_u64(o, "packets", p->packets, VFP_COUNT);
	vfp_out_list(o, "pools");
	for (unsigned int pool = 0; pool <= p->steer.layout.pf_pool; pool++)
		put_pool(o, r, p, pool);
	vfp_out_close(o);
	vfp_out_list(o, "nowhere");
	for (size_t i = 0; i < MAX_WHY && p->nowhere[i].reason; i++) {
		vfp_out_open(o, NULL);
		vfp_out_str(o, "reason", p->nowhere[i].reason);
		vfp_out_u64(o, "packets", p->nowhere[i].packets, VFP_COUNT);
		vfp_out_close(o);
	}
	vfp_out_close(o);
	return vfp_out_end(o) < 0 ? VFP_EXIT_DEVICE : VFP_EXIT_OK;
}

static int
read_options(int argc, char **argv, struct request *r, struct vfp_err *err)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"vfs", required_argument, NULL, 'v'},
		{"packets", required_argument, NULL, 'n'},
		{"pf-mac", required_argument, NULL, 'm'},
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
			ret = vfp_parse_u32(optarg, "--vfs", 1, SRIOV_MAX_VFS, &r->vfs, err);
		} else if (c == 'n') {
			ret = vfp_parse_u64(optarg, "--packets", 1, UINT64_MAX, &r->packets, err);
		} else if (c == 'm') {
			ret = vfp_parse_unicast_mac(optarg, "--pf-mac", r->pf_mac, err);
		} else if (c == 'j') {
			r->json = true;
		} else {
			ret = vfp_err_set(err, -EINVAL, "see above");
		}
	}
	if (ret < 0)
		return ret;
	if (!r->have_config || optind + 1 != argc)
		return vfp_err_set(err, -EINVAL, "needs --config FILE and one capture");
	r->file = argv[optind];
	return 0;
}

int
cmd_predict(int argc, char **argv)
{
	static struct request r = {.vfs = UINT32_MAX};
	static struct predict p;
	struct vfp_err err = {0};

	if (read_options(argc, argv, &r, &err) < 0 || prepare(&r, &p, &err) < 0)
		return ctl_usage("predict", "%s", err.text);
	if (rss_pred_walk(r.file, r.packets, each_frame, &p, &err) < 0) {
		fprintf(stderr, "vfctl predict: %s\n", err.text);
		return VFP_EXIT_USAGE;
	}
	return put(&r, &p);
}
