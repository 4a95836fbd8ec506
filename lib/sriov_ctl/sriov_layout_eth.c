/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_ethdev.h>

#include "sriov_layout.h"

/* Each pool of the PF's own by a VLAN tag of its number plus one, until the caller says otherwise;
 * one bit an entry, since the PMD drops the low half of a map that has a bit in the high one. */
static void
fill_vmdq(const struct sriov_layout *l, struct rte_eth_vmdq_rx_conf *v)
{
	v->nb_queue_pools = RTE_ETH_64_POOLS;
	v->nb_pool_maps = l->vmdq_pools;
	for (uint16_t i = 0; i < l->vmdq_pools; i++) {
		v->pool_map[i].vlan_id = i + 1;
		v->pool_map[i].pools = UINT64_C(1) << i;
	}
}

static void
fill_dcb(const struct sriov_layout *l, struct rte_eth_conf *c)
{
	const enum rte_eth_nb_pools pools = l->tcs == 8 ? RTE_ETH_16_POOLS : RTE_ETH_32_POOLS;

	c->rx_adv_conf.vmdq_dcb_conf.nb_queue_pools = pools;
	c->tx_adv_conf.vmdq_dcb_tx_conf.nb_queue_pools = pools;
	for (uint8_t up = 0; up < RTE_ETH_DCB_NUM_USER_PRIORITIES; up++)
		c->rx_adv_conf.vmdq_dcb_conf.dcb_tc[up] =
			c->tx_adv_conf.vmdq_dcb_tx_conf.dcb_tc[up] = up % l->tcs;
}

void
sriov_layout_eth_conf(const struct sriov_layout *l, struct rte_eth_conf *c)
{
	static const enum rte_eth_rx_mq_mode rx[] = {
		[SRIOV_MQ_NONE] = RTE_ETH_MQ_RX_NONE,
		[SRIOV_MQ_RSS] = RTE_ETH_MQ_RX_RSS,
		[SRIOV_MQ_VMDQ] = RTE_ETH_MQ_RX_VMDQ_ONLY,
		[SRIOV_MQ_VMDQ_RSS] = RTE_ETH_MQ_RX_VMDQ_RSS,
		[SRIOV_MQ_VMDQ_DCB] = RTE_ETH_MQ_RX_VMDQ_DCB,
	};

	c->rxmode.mq_mode = rx[l->mq];
	c->txmode.mq_mode = RTE_ETH_MQ_TX_NONE;
	if (l->mq == SRIOV_MQ_VMDQ || l->mq == SRIOV_MQ_VMDQ_RSS)
		c->txmode.mq_mode = RTE_ETH_MQ_TX_VMDQ_ONLY;
	if (l->vmdq_pools > 0)
		fill_vmdq(l, &c->rx_adv_conf.vmdq_rx_conf);
	if (l->mq == SRIOV_MQ_VMDQ_DCB) {
		c->txmode.mq_mode = RTE_ETH_MQ_TX_VMDQ_DCB;
		fill_dcb(l, c);
	}
}
