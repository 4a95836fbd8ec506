/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "sriov_layout.h"

static int
check_counts(const struct sriov_want *w, struct vfp_err *err)
{
	if (w->vfs > SRIOV_MAX_VFS)
		return vfp_err_set(err, -ERANGE,
			"%u VFs: the PF needs a pool of its own, so at most %d VFs are possible",
			w->vfs, SRIOV_MAX_VFS);
	if (w->vlans > SRIOV_VLAN_FILTERS)
		return vfp_err_set(err, -ERANGE,
			"%u different VLANs: the card has %d VLAN filters for all VFs together",
			w->vlans, SRIOV_VLAN_FILTERS);
	if (w->vmdq_pools > 64)
		return vfp_err_set(err, -ERANGE, "%u pools: the card has 64", w->vmdq_pools);
	if (w->vmdq_pools > 0 && w->vfs > 0)
		return vfp_err_set(err, -ENOTSUP,
			"pools of the PF's own with VFs: DPDK's PF has exactly one pool then and "
			"ignores the pool map; use VFs instead, or no VFs");
	if (w->tcs != 0 && w->tcs != 4 && w->tcs != 8)
		return vfp_err_set(err, -EINVAL, "%u traffic classes: DCB has 4 or 8", w->tcs);
	if (w->tcs != 0 && w->rss)
		return vfp_err_set(err, -ENOTSUP,
			"DCB and RSS together: DPDK's PF refuses VMDQ_DCB_RSS; leave one out");
	if (w->tcs != 0 && w->vfs == 0)
		return vfp_err_set(err, -ENOTSUP, "DCB is planned with VFs only");
	return 0;
}

/* Without VFs. Pools of the PF's own run without RSS: asked for both, the PMD drops the pools. */
static int
solve_alone(const struct sriov_want *w, struct sriov_layout *l, struct vfp_err *err)
{
	unsigned int queues = w->queues ? w->queues : 4;

	if (w->vmdq_pools > 0 && w->rss)
		return vfp_err_set(err, -ENOTSUP,
			"RSS in pools needs VFs: without them DPDK's PF runs plain RSS and "
			"forgets the pools, silently");
	if (w->vmdq_pools > 0 && queues != 2 && w->queues != 0)
		return vfp_err_set(err, -EINVAL,
			"%u queues per pool: pools without VFs are 64 x 2, with one in use",
			w->queues);
	if (w->queues != 0 && w->queues != 2 && w->queues != 4 && w->vmdq_pools == 0)
		return vfp_err_set(err, -EINVAL,
			"%u queues per pool: RSS needs 64 pools x 2 or 32 pools x 4 queues",
			w->queues);
	if (w->vmdq_pools > 0) {
		*l = (struct sriov_layout){.pools = 64,
			.queues_per_pool = 2,
			.pf_queues = 2 * w->vmdq_pools,
			.vmdq_pools = w->vmdq_pools,
			.mq = SRIOV_MQ_VMDQ};
		return 0;
	}
	*l = (struct sriov_layout){.queues_per_pool = queues,
		.pf_queues = w->rss ? queues : 1,
		.mq = w->rss ? SRIOV_MQ_RSS : SRIOV_MQ_NONE};
	return 0;
}

static int
solve_rss(const struct sriov_want *w, struct sriov_layout *l, struct vfp_err *err)
{
	unsigned int queues = w->queues;

	if (queues != 0 && queues != 2 && queues != 4)
		return vfp_err_set(err, -EINVAL,
			"%u queues per pool: RSS needs 64 pools x 2 or 32 pools x 4 queues",
			queues);
	if (queues == 4 && w->vfs > 31)
		return vfp_err_set(err, -EINVAL,
			"%u VFs with 4 queues each: 4 queues leave 32 pools, one of them the PF's; "
			"use 2 queues per pool or at most 31 VFs",
			w->vfs);
	if (queues == 0)
		queues = w->vfs <= 31 ? 4 : 2;
	*l = (struct sriov_layout){.pools = SRIOV_NIC_QUEUES / queues,
		.queues_per_pool = queues,
		.pf_queues = queues,
		.mq = SRIOV_MQ_VMDQ_RSS};
	return 0;
}

/* The card's traffic classes are the queues of a pool: 8 leave 16 pools, 4 leave 32. */
static int
solve_dcb(const struct sriov_want *w, struct sriov_layout *l, struct vfp_err *err)
{
	unsigned int pools = SRIOV_NIC_QUEUES / w->tcs;

	if (w->vfs >= pools)
		return vfp_err_set(err, -EINVAL,
			"%u VFs with %u traffic classes: that leaves %u pools, one of them the "
			"PF's",
			w->vfs, w->tcs, pools);
	if (w->queues != 0 && w->queues != w->tcs)
		return vfp_err_set(err, -EINVAL,
			"%u queues per pool with %u traffic classes: each class is one queue",
			w->queues, w->tcs);
	*l = (struct sriov_layout){.pools = pools,
		.queues_per_pool = w->tcs,
		.pf_queues = w->tcs,
		.tcs = w->tcs,
		.mq = SRIOV_MQ_VMDQ_DCB};
	return 0;
}

/* Without RSS the PMD keeps what it chose at the probe, by the number of VFs. */
static int
solve_plain(const struct sriov_want *w, struct sriov_layout *l, struct vfp_err *err)
{
	if (w->queues > 1)
		return vfp_err_set(err, -EINVAL,
			"%u queues per pool without RSS: only the first of a pool would get "
			"packets",
			w->queues);
	*l = (struct sriov_layout){.pools = w->vfs < 16 ? 16 : w->vfs < 32 ? 32 : 64,
		.pf_queues = 1,
		.mq = SRIOV_MQ_VMDQ};
	l->queues_per_pool = SRIOV_NIC_QUEUES / l->pools;
	return 0;
}

int
sriov_layout_solve(const struct sriov_want *w, struct sriov_layout *l, struct vfp_err *err)
{
	int ret = check_counts(w, err);

	if (ret == 0 && w->vfs == 0)
		ret = solve_alone(w, l, err);
	else if (ret == 0 && w->tcs != 0)
		ret = solve_dcb(w, l, err);
	else if (ret == 0)
		ret = w->rss ? solve_rss(w, l, err) : solve_plain(w, l, err);
	if (ret == 0)
		l->n_vfs = l->pf_pool = w->vfs;
	return ret;
}

int
sriov_layout_plan(unsigned int n_vfs, unsigned int queues_per_pool, struct sriov_layout *l,
	struct vfp_err *err)
{
	const struct sriov_want want = {.vfs = n_vfs, .queues = queues_per_pool, .rss = true};

	return sriov_layout_solve(&want, l, err);
}

const char *
sriov_layout_mode(const struct sriov_layout *l)
{
	static const char *const names[] = {
		"one queue", "RSS", "VMDq", "VMDq + RSS", "VMDq + DCB"};

	return names[l->mq];
}

static char
sign_of(const struct sriov_layout *l, unsigned int queue)
{
	static const char signs[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+";
	unsigned int pool = queue / l->queues_per_pool;

	if (l->vmdq_pools > 0)
		return pool < l->vmdq_pools ? signs[pool < 63 ? pool : 62] : '.';
	if (pool > l->pf_pool)
		return '.';
	return pool == l->pf_pool ? '*' : signs[pool];
}

const char *
sriov_layout_row(const struct sriov_layout *l, unsigned int first, char *buf)
{
	for (unsigned int i = 0; i < SRIOV_ROW; i++)
		buf[i] = sign_of(l, first + i);
	buf[SRIOV_ROW] = '\0';
	return buf;
}

const char *
sriov_layout_legend(const struct sriov_layout *l)
{
	if (l->vmdq_pools > 0)
		return "0-9 a-z A-Z +: pool 0 to 62 or 63   .: free";
	return l->n_vfs ? "0-9 a-z A-Z +: VF 0 to 62   *: the PF   .: free" : "*: the PF   .: free";
}
