/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RSS_ETHDEV_H
#define RSS_ETHDEV_H

/**
 * @file
 * The one place where RSS reaches a NIC through rte_eth. Control thread.
 */

#include <stdint.h>

#include <rte_ethdev.h>

#include "rss_hash.h"

/** Fields as rte_eth spells them (RTE_ETH_RSS_*). */
uint64_t rss_fields_to_hf(uint32_t fields);
/** And back; bits that an 82599 does not hash are left out. */
uint32_t rss_fields_from_hf(uint64_t hf);

/**
 * Put RSS into a port's configuration, before rte_eth_dev_configure().
 *
 * Key and fields must be set there and not later: in 32-pool mode DPDK 22.11's
 * rte_eth_dev_rss_hash_update() looks at MRQC bit 0 only and refuses.
 *
 * @param mq_mode  RTE_ETH_MQ_RX_VMDQ_RSS for a PF with VFs, RTE_ETH_MQ_RX_RSS for a VF or a plain
 * port
 * @param queues   RX queues that will be configured; with 1 on a port without pools RSS stays off
 * @param conf     must live until the port is configured
 * @return 0; -ENOTSUP when the port hashes none of the fields (RSS is then left off)
 */
int rss_ethdev_prepare(const struct rte_eth_dev_info *info, enum rte_eth_rx_mq_mode mq_mode,
	unsigned int queues, struct rss_conf *conf, struct rte_eth_conf *eth);

/**
 * Write a port's whole table, or read it. The port must be started; under SR-IOV it is the PF's and
 * changes every VF. ethdev refuses a queue that the port itself has not. On a PF: as a job on the
 * interrupt thread (sriov_pf.h).
 */
int rss_ethdev_write_table(uint16_t port_id, const uint8_t reta[RSS_RETA_SIZE]);
int rss_ethdev_read_table(uint16_t port_id, uint8_t reta[RSS_RETA_SIZE]);

/**
 * Read key and fields back. Never on an 82599 VF: the PMD reads beyond the VF's registers there. In
 * 32-pool mode DPDK 22.11 looks at one bit of the mode and reports no field, while the key is right.
 */
int rss_ethdev_read_hash(uint16_t port_id, uint8_t key[RSS_KEY_LEN], uint32_t *fields);

#endif
