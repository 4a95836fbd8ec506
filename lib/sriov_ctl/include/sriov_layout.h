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
 *
 * The first configure of a PF counts: DPDK's PMD only ever lowers the queues per pool, so a PF that
 * was once configured with 2 gets 4 again by a new probe only.
 */

#include <stdbool.h>
#include <stdint.h>

#include <vfp_err.h>

#define SRIOV_MAX_VFS                                                                              \
	63 /**< pool 64 does not fit the 6-bit default pool field, so the PF's is 63 */
#define SRIOV_NIC_QUEUES   128
#define SRIOV_VLAN_FILTERS 63 /**< VLVF slots that can be used; slot 0 stays with VLAN 0 */

/** What RX does with the queues: RTE_ETH_MQ_RX_… of the same name, without EAL's headers. */
enum sriov_mq { SRIOV_MQ_NONE, SRIOV_MQ_RSS, SRIOV_MQ_VMDQ, SRIOV_MQ_VMDQ_RSS, SRIOV_MQ_VMDQ_DCB };

struct sriov_layout {
	uint16_t n_vfs;
	uint16_t pools; /**< 64, 32 or 16; 0 without pools (plain RSS) */
	uint16_t queues_per_pool;
	uint16_t pf_pool;
	uint16_t pf_queues; /**< RX queues the PF must configure: RETA reaches only so many */
	uint16_t vmdq_pools; /**< pools of the PF's own, without VFs; else 0 */
	uint16_t tcs;        /**< DCB traffic classes, 0 without DCB */
	enum sriov_mq mq;
};

/** What somebody wants of the card. */
struct sriov_want {
	unsigned int vfs;
	unsigned int queues; /**< per pool; 0: the most that fits */
	bool rss;
	unsigned int vlans;	 /**< different VLANs over all VFs */
	unsigned int tcs;	 /**< DCB traffic classes: 0, 4 or 8 */
	unsigned int vmdq_pools; /**< pools of the PF's own; only without VFs */
};

/**
 * Plan a layout, or say in a sentence why the card or DPDK's PMD cannot do it.
 *
 * @param err  may be NULL
 * @return 0; -ERANGE (too many VFs, pools or VLANs), -EINVAL (queues that the hardware does not
 *         offer there), -ENOTSUP (a mix that the PMD refuses or silently does otherwise)
 */
int sriov_layout_solve(const struct sriov_want *want, struct sriov_layout *l, struct vfp_err *err);

/**
 * Plan the usual layout: RSS, no DCB.
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

/** "VMDq + RSS": the mode for people. */
const char *sriov_layout_mode(const struct sriov_layout *l);

#define SRIOV_ROW 64 /**< queues in one row of the picture */

/**
 * One row of the picture: a sign for each of SRIOV_ROW queues from `first`: 0-9, a-z, A-Z and +
 * are VF 0 to 62 (or the PF's own pools), * is the PF, . is free. buf takes SRIOV_ROW + 1 bytes.
 * @return buf
 */
const char *sriov_layout_row(const struct sriov_layout *l, unsigned int first, char *buf);

/** What the signs of the rows mean, one line. */
const char *sriov_layout_legend(const struct sriov_layout *l);

struct rte_eth_conf;
/**
 * The part of the PF's rte_eth_conf that the layout decides: multi-queue modes, and the tables of
 * VMDq without VFs and of DCB. In sriov_pf, since it needs ethdev's header; pure all the same.
 */
void sriov_layout_eth_conf(const struct sriov_layout *l, struct rte_eth_conf *conf);

#endif
