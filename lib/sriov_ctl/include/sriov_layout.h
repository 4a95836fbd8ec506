/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SRIOV_LAYOUT_H
#define SRIOV_LAYOUT_H

/**
 * @file
 * How an 82599 with VFs is cut into pools and queues. Pure; any thread.
 *
 * Pool n belongs to VF n; the PF owns one pool, whose index is the number of VFs. RSS runs with 64
 * pools of 2 queues or 32 pools of 4, never with 16 pools (datasheet section 7.1.2.2 as drivers
 * apply it).
 */

#include <stdint.h>

#include <vfp_err.h>

#define SRIOV_MAX_VFS                                                                              \
	63 /**< pool 64 does not fit the 6-bit default pool field, so the PF's is 63 */

struct sriov_layout {
	uint16_t n_vfs;
	uint16_t pools; /**< 64 or 32; 0 without VFs (no pools, plain RSS) */
	uint16_t queues_per_pool;
	uint16_t pf_pool;
	uint16_t pf_queues; /**< RX queues the PF must configure: RETA reaches only so many */
};

/**
 * Plan a layout.
 *
 * The PF gets as many queues as a pool has: the redirection table is shared with all VFs and may
 * only name queues that the PF has, so a PF with one queue would leave every VF unspread.
 *
 * @param queues_per_pool  2, 4, or 0 for the most that fits (4 with at most 31 VFs, else 2)
 * @param err              why not, in a sentence; may be NULL
 * @return 0; -ERANGE (too many VFs), -EINVAL (queues that the hardware does not offer there)
 */
int sriov_layout_plan(unsigned int n_vfs, unsigned int queues_per_pool, struct sriov_layout *l,
	struct vfp_err *err);

/** The hardware's number of a pool's queue. */
static inline uint16_t
sriov_layout_queue(const struct sriov_layout *l, uint16_t pool, uint16_t queue)
{
	return pool * l->queues_per_pool + queue;
}

#endif
