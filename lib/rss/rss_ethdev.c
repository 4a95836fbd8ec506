/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "rss_ethdev.h"

static const struct {
	uint32_t field;
	uint64_t hf;
} fields[] = {
	{RSS_F_IPV4, RTE_ETH_RSS_IPV4},
	{RSS_F_TCP4, RTE_ETH_RSS_NONFRAG_IPV4_TCP},
	{RSS_F_UDP4, RTE_ETH_RSS_NONFRAG_IPV4_UDP},
	{RSS_F_IPV6, RTE_ETH_RSS_IPV6},
	{RSS_F_TCP6, RTE_ETH_RSS_NONFRAG_IPV6_TCP},
	{RSS_F_UDP6, RTE_ETH_RSS_NONFRAG_IPV6_UDP},
};

uint64_t
rss_fields_to_hf(uint32_t set)
{
	uint64_t hf = 0;

	for (unsigned int i = 0; i < RTE_DIM(fields); i++)
		if (set & fields[i].field)
			hf |= fields[i].hf;
	return hf;
}

uint32_t
rss_fields_from_hf(uint64_t hf)
{
	uint32_t set = 0;

	for (unsigned int i = 0; i < RTE_DIM(fields); i++)
		if (hf & fields[i].hf)
			set |= fields[i].field;
	return set;
}

int
rss_ethdev_prepare(const struct rte_eth_dev_info *info, enum rte_eth_rx_mq_mode mq_mode,
	unsigned int queues, struct rss_conf *conf, struct rte_eth_conf *eth)
{
	uint64_t hf = rss_fields_to_hf(conf->fields) & info->flow_type_rss_offloads;

	eth->rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
	/* A PF with pools keeps RSS on with one queue too: its fields are those of every VF. */
	if (queues < 2 && mq_mode != RTE_ETH_MQ_RX_VMDQ_RSS)
		return 0;
	/* With pools RSS stays on without a field too: the mode decides how the queues are cut. */
	if (hf == 0 && mq_mode != RTE_ETH_MQ_RX_VMDQ_RSS)
		return -ENOTSUP;
	eth->rxmode.mq_mode = mq_mode;
	eth->rx_adv_conf.rss_conf.rss_hf = hf;
	/* A driver that wants another length brings its own key. */
	if (info->hash_key_size == RSS_KEY_LEN) {
		eth->rx_adv_conf.rss_conf.rss_key = conf->key;
		eth->rx_adv_conf.rss_conf.rss_key_len = RSS_KEY_LEN;
	}
	return 0;
}

int
rss_ethdev_write_table(uint16_t port_id, const uint8_t reta[RSS_RETA_SIZE])
{
	struct rte_eth_rss_reta_entry64 conf[RSS_RETA_SIZE / RTE_ETH_RETA_GROUP_SIZE];

	for (unsigned int i = 0; i < RSS_RETA_SIZE; i++) {
		conf[i / RTE_ETH_RETA_GROUP_SIZE].mask = UINT64_MAX;
		conf[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = reta[i];
	}
	return rte_eth_dev_rss_reta_update(port_id, conf, RSS_RETA_SIZE);
}

int
rss_ethdev_read_table(uint16_t port_id, uint8_t reta[RSS_RETA_SIZE])
{
	struct rte_eth_rss_reta_entry64 conf[RSS_RETA_SIZE / RTE_ETH_RETA_GROUP_SIZE] = {0};
	int ret;

	for (unsigned int g = 0; g < RTE_DIM(conf); g++)
		conf[g].mask = UINT64_MAX;
	ret = rte_eth_dev_rss_reta_query(port_id, conf, RSS_RETA_SIZE);
	for (unsigned int i = 0; ret == 0 && i < RSS_RETA_SIZE; i++)
		reta[i] = (uint8_t)conf[i / RTE_ETH_RETA_GROUP_SIZE]
				  .reta[i % RTE_ETH_RETA_GROUP_SIZE];
	return ret;
}

int
rss_ethdev_read_hash(uint16_t port_id, uint8_t key[RSS_KEY_LEN], uint32_t *fields)
{
	struct rte_eth_rss_conf conf = {.rss_key = key, .rss_key_len = RSS_KEY_LEN};
	int ret = rte_eth_dev_rss_hash_conf_get(port_id, &conf);

	*fields = rss_fields_from_hf(conf.rss_hf);
	return ret;
}
