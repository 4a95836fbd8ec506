/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include <sriov_layout.h>
#include <vfp_err.h>

#include "check.h"

static int
check_pf(const struct config *c, const struct cfg_pf_sec *pf)
{
	struct sriov_layout l;
	struct vfp_err err = {0};
	char row[SRIOV_ROW + 1];
	unsigned int n = config_vf_count(c, pf->index);
	struct sriov_want want;

	config_want(c, pf, n, &want);
	if (sriov_layout_solve(&want, &l, &err) < 0) {
		fprintf(stderr, "vfplane: %s:%d: pf %u: %s\n", c->file, pf->line, pf->index,
			err.text);
		return -1;
	}
	printf("pf%u at %s: %u VFs named, %u pools x %u queues (%s), the PF's pool is %u\n",
		pf->index, pf->pci, n, l.pools ? l.pools : 1, l.queues_per_pool,
		sriov_layout_mode(&l), l.pf_pool);
	for (unsigned int q = 0; l.pools && q < SRIOV_NIC_QUEUES; q += SRIOV_ROW)
		printf("  queues %3u-%-3u %s\n", q, q + SRIOV_ROW - 1, sriov_layout_row(&l, q, row));
	if (l.pools)
		printf("  %s\n", sriov_layout_legend(&l));
	return 0;
}

static void
print_forward(const struct cfg_forward *f)
{
	printf("forward %s: %s %s %s", f->name, f->from, f->both ? "<->" : "->",
		f->to[0] ? f->to : f->mode == CFG_SINK ? "(none)" : f->from);
	for (uint32_t i = 0; i < f->n_more; i++)
		printf(", %s", f->more[i]);
	printf(", %s\n", config_mode_name(f->mode));
}

int
check_config(const struct config *c)
{
	for (uint32_t i = 0; i < c->n_pf; i++)
		if (check_pf(c, &c->pf[i]) < 0)
			return VFP_EXIT_USAGE;
	for (uint32_t i = 0; i < c->n_vf; i++)
		printf("%s: %s, %u VLANs\n", c->vf[i].name,
			c->vf[i].owner == CFG_OWNER_TENANT ? "a tenant's" : "polled here",
			c->vf[i].n_vlans);
	for (uint32_t i = 0; i < c->n_pool; i++)
		printf("%s: polled here, %u VLANs\n", c->pool[i].name, c->pool[i].n_vlans);
	for (uint32_t i = 0; i < c->n_forward; i++)
		print_forward(&c->forward[i]);
	for (uint32_t i = 0; i < c->n_lcore; i++)
		printf("lcore %u: %u queues\n", c->lcore[i].id, c->lcore[i].n_queues);
	printf("%s is good\n", c->file);
	return VFP_EXIT_OK;
}
