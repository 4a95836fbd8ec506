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

/* The card's 128 queues as two rows of signs. */
static void
picture(uint32_t pf, const struct sriov_want *want, struct vfp_out *o)
{
	struct sriov_layout l;
	char row[SRIOV_ROW + 1];

	if (sriov_layout_solve(want, &l, NULL) < 0 || l.pools == 0)
		return;
	for (unsigned int q = 0; q < SRIOV_NIC_QUEUES; q += SRIOV_ROW)
		vfp_out_note(o, "pf%u %3u-%-3u %s", pf, q, q + SRIOV_ROW - 1,
			sriov_layout_row(&l, q, row));
	vfp_out_note(o, "%s", sriov_layout_legend(&l));
}

/* Every pool that somebody owns. */
static void
put_pools(const struct sriov_layout *l, struct vfp_out *o)
{
	const unsigned int n = l->vmdq_pools ? l->vmdq_pools : l->pools ? l->pf_pool + 1u : 0;

	vfp_out_list(o, "owners");
	for (unsigned int p = 0; p < n; p++) {
		vfp_out_open(o, NULL);
		vfp_out_u64(o, "pool", p, VFP_PLAIN);
		if (p == l->pf_pool || l->vmdq_pools)
			vfp_out_str(o, "owner", "the PF");
		else
			vfp_out_strf(o, "owner", "VF %u", p);
		vfp_out_u64(o, "first_queue", sriov_layout_queue(l, p, 0), VFP_PLAIN);
		vfp_out_u64(o, "last_queue", sriov_layout_queue(l, p, l->queues_per_pool - 1),
			VFP_PLAIN);
		vfp_out_close(o);
	}
	vfp_out_close(o);
}

static int
show(uint32_t pf, const struct sriov_want *want, struct vfp_out *o)
{
	struct sriov_layout l;
	struct vfp_err err = {0};

	if (sriov_layout_solve(want, &l, &err) < 0)
		return ctl_usage("plan", "pf%u: %s", pf, err.text);
	vfp_out_open(o, NULL);
	vfp_out_u64(o, "pf", pf, VFP_PLAIN);
	vfp_out_u64(o, "vfs", l.n_vfs, VFP_PLAIN);
	vfp_out_u64(o, "pools", l.pools, VFP_PLAIN);
	vfp_out_u64(o, "queues_per_pool", l.queues_per_pool, VFP_PLAIN);
	vfp_out_str(o, "mode", sriov_layout_mode(&l));
	vfp_out_u64(o, "pf_pool", l.pf_pool, VFP_PLAIN);
	vfp_out_u64(o, "pf_first_queue", sriov_layout_queue(&l, l.pf_pool, 0), VFP_PLAIN);
	vfp_out_u64(o, "pf_queues", l.pf_queues, VFP_PLAIN);
	put_pools(&l, o);
	vfp_out_close(o);
	return VFP_EXIT_OK;
}

static int
show_all(const struct config *c, bool have_config, const struct sriov_want *asked, bool json)
{
	struct vfp_out *o = vfp_out_new(json ? VFP_JSON : VFP_TEXT, stdout);
	const uint32_t n = have_config ? c->n_pf : 1;
	struct sriov_want want[CFG_MAX_PF] = {*asked};
	int status = VFP_EXIT_OK;

	for (uint32_t i = 0; have_config && i < n; i++)
		config_want(c, &c->pf[i], config_vf_count(c, c->pf[i].index), &want[i]);
	vfp_out_list(o, "plan");
	for (uint32_t i = 0; status == VFP_EXIT_OK && i < n; i++)
		status = show(have_config ? c->pf[i].index : 0, &want[i], o);
	vfp_out_close(o);
	for (uint32_t i = 0; status == VFP_EXIT_OK && i < n; i++)
		picture(have_config ? c->pf[i].index : 0, &want[i], o);
	if (vfp_out_end(o) < 0 && status == VFP_EXIT_OK)
		status = VFP_EXIT_DEVICE;
	return status;
}

/* What the options say; -EINVAL with a sentence. */
static int
option(int c, const char *arg, struct sriov_want *w, struct vfp_err *err)
{
	switch (c) {
	case 'v':
		return vfp_parse_u32(arg, "--vfs", 0, SRIOV_MAX_VFS, &w->vfs, err);
	case 'q':
		return vfp_parse_u32(arg, "--queues", 1, 8, &w->queues, err);
	case 'n':
		return vfp_parse_u32(arg, "--vlans", 0, 4094, &w->vlans, err);
	case 'd':
		w->rss = false; /* the two exclude each other; --rss yes behind it gets the reason */
		return vfp_parse_u32(arg, "--dcb", 4, 8, &w->tcs, err);
	case 'p':
		w->rss = false;
		return vfp_parse_u32(arg, "--pools", 1, 64, &w->vmdq_pools, err);
	default:
		return vfp_parse_bool(arg, "--rss", &w->rss, err);
	}
}

int
cmd_plan(int argc, char **argv)
{
	static const struct option options[] = {
		{"vfs", required_argument, NULL, 'v'},
		{"queues", required_argument, NULL, 'q'},
		{"vlans", required_argument, NULL, 'n'},
		{"dcb", required_argument, NULL, 'd'},
		{"pools", required_argument, NULL, 'p'},
		{"rss", required_argument, NULL, 'r'},
		{"config", required_argument, NULL, 'c'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	static struct config conf;
	static char text[CFG_ERR_LEN];
	struct sriov_want want = {.rss = true};
	struct vfp_err err = {0};
	bool json = false, asked = false, have_config = false;
	int c, ret = 0;

	while (ret == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'c') {
			ret = config_load(optarg, &conf, text);
			snprintf(err.text, sizeof(err.text), "%.500s", text);
			have_config = true;
		} else if (c == 'j') {
			json = true;
		} else if (c == '?') {
			return ctl_usage("plan", "see above");
		} else {
			ret = option(c, optarg, &want, &err);
			asked |= c == 'v' || c == 'p';
		}
	}
	if (ret < 0)
		return ctl_usage("plan", "%s", err.text);
	if (asked == have_config || optind != argc)
		return ctl_usage("plan", "give either --vfs or --pools, or --config");
	return show_all(&conf, have_config, &want, json);
}
