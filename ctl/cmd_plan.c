/* SPDX-License-Identifier: BSD-3-Clause */
/* vfctl plan: the layout of pools and queues, offline */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <sriov_layout.h>
#include <vfp_out.h>
#include <vfp_parse.h>

#include "config.h"
#include "ctl.h"

static int
show(uint32_t pf, uint32_t vfs, uint32_t queues, struct vfp_out *o)
{
	struct sriov_layout l;
	struct vfp_err err = {0};

	if (sriov_layout_plan(vfs, queues, &l, &err) < 0)
		return ctl_usage("plan", "pf%u: %s", pf, err.text);
	vfp_out_open(o, NULL);
	vfp_out_u64(o, "pf", pf, VFP_PLAIN);
	vfp_out_u64(o, "vfs", l.n_vfs, VFP_PLAIN);
	vfp_out_u64(o, "pools", l.pools, VFP_PLAIN);
	vfp_out_u64(o, "queues_per_pool", l.queues_per_pool, VFP_PLAIN);
	vfp_out_u64(o, "pf_pool", l.pf_pool, VFP_PLAIN);
	vfp_out_u64(o, "pf_first_queue", sriov_layout_queue(&l, l.pf_pool, 0), VFP_PLAIN);
	vfp_out_close(o);
	return VFP_EXIT_OK;
}

static int
show_all(const struct config *c, bool have_config, uint32_t vfs, uint32_t queues, bool json)
{
	struct vfp_out *o = vfp_out_new(json ? VFP_JSON : VFP_TEXT, stdout);
	int status = VFP_EXIT_OK;

	vfp_out_list(o, "plan");
	if (!have_config)
		status = show(0, vfs, queues, o);
	for (uint32_t i = 0; have_config && status == VFP_EXIT_OK && i < c->n_pf; i++)
		status = show(c->pf[i].index, config_vf_count(c, c->pf[i].index),
			c->pf[i].queues_per_pool, o);
	vfp_out_close(o);
	if (vfp_out_end(o) < 0 && status == VFP_EXIT_OK)
		status = VFP_EXIT_DEVICE;
	return status;
}

int
cmd_plan(int argc, char **argv)
{
	static const struct option options[] = {
		{"vfs", required_argument, NULL, 'v'},
		{"queues", required_argument, NULL, 'q'},
		{"config", required_argument, NULL, 'c'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	static struct config conf;
	static char text[CFG_ERR_LEN];
	struct vfp_err err = {0};
	uint32_t vfs = 0, queues = 0;
	bool json = false, have_vfs = false, have_config = false;
	int c, ret = 0;

	while (ret == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'v') {
			ret = vfp_parse_u32(optarg, "--vfs", 0, SRIOV_MAX_VFS, &vfs, &err);
			have_vfs = true;
		} else if (c == 'q') {
			ret = vfp_parse_u32(optarg, "--queues", 2, 4, &queues, &err);
		} else if (c == 'c') {
			ret = config_load(optarg, &conf, text);
			snprintf(err.text, sizeof(err.text), "%.500s", text);
			have_config = true;
		} else if (c == 'j') {
			json = true;
		} else {
			return ctl_usage("plan", "see above");
		}
	}
	if (ret < 0)
		return ctl_usage("plan", "%s", err.text);
	if (have_vfs == have_config || optind != argc)
		return ctl_usage("plan", "give either --vfs or --config");
	return show_all(&conf, have_config, vfs, queues, json);
}
