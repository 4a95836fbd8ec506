/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "sriov_layout.h"

int
sriov_layout_plan(unsigned int n_vfs, unsigned int queues_per_pool, struct sriov_layout *l,
	struct vfp_err *err)
{
	if (n_vfs > SRIOV_MAX_VFS)
		return vfp_err_set(err, -ERANGE,
			"%u VFs: the PF needs a pool of its own, so at most %d VFs are possible",
			n_vfs, SRIOV_MAX_VFS);
	if (queues_per_pool != 0 && queues_per_pool != 2 && queues_per_pool != 4)
		return vfp_err_set(err, -EINVAL,
			"%u queues per pool: RSS needs 64 pools x 2 or 32 pools x 4 queues",
			queues_per_pool);
	if (queues_per_pool == 4 && n_vfs > 31)
		return vfp_err_set(err, -EINVAL,
			"%u VFs with 4 queues each: 4 queues leave 32 pools, one of them the PF's; "
			"use 2 queues per pool or at most 31 VFs",
			n_vfs);
	if (queues_per_pool == 0)
		queues_per_pool = n_vfs <= 31 ? 4 : 2;
	*l = (struct sriov_layout){
		.n_vfs = n_vfs,
		.pools = n_vfs == 0 ? 0 : 128 / queues_per_pool,
		.queues_per_pool = queues_per_pool,
		.pf_pool = n_vfs,
		.pf_queues = queues_per_pool,
	};
	return 0;
}
