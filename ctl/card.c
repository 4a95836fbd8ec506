/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include <rss_words.h>
#include <vfp_parse.h>

#include "card.h"

int
card_option(struct card *card, int c, const char *arg, struct vfp_err *err)
{
	static char text[CFG_ERR_LEN];
	int ret;

	switch (c) {
	case 'c':
		ret = config_load(arg, &card->conf, text);
		snprintf(err->text, sizeof(err->text), "%.500s", text);
		card->have_config = ret == 0;
		return ret;
	case 'v':
		return vfp_parse_u32(arg, "--vfs", 0, SRIOV_MAX_VFS, &card->vfs, err);
	case 'q':
		ret = vfp_parse_u32(arg, "--queues", 2, 4, &card->queues, err);
		return ret == 0 && card->queues == 3
			       ? vfp_err_set(err, -EINVAL, "--queues 3: 2 or 4 are allowed")
			       : ret;
	case 'g':
		return vfp_parse_u32(arg, "--granted", 1, 4, &card->granted, err);
	case 'x':
		return vfp_parse_u32(arg, "--pf-rxq", 1, 4, &card->pf_rxq, err);
	case 'm':
		return vfp_parse_unicast_mac(arg, "--pf-mac", card->pf_mac, err);
	case 'k':
		card->key = arg;
		return 0;
	case 'f':
		card->fields = arg;
		return 0;
	case 't':
		card->reta = arg;
		return 0;
	default:
		return 1;
	}
}

static int
add_field(const char *word, void *arg, struct vfp_err *err)
{
	if (rss_field_add(word, arg) == 0)
		return 0;
	return vfp_err_set(err, -EINVAL, "--fields %s is not allowed; allowed: %s", word,
		RSS_FIELD_WORDS);
}

static int
solve_rss(struct card *card, struct vfp_err *err)
{
	const struct cfg_rss *c = config_rss(&card->conf, "pf0");
	const unsigned int pf_queues =
		card->pf_rxq ? card->pf_rxq : card->steer.layout.pf_queues;
	const char *reta = card->reta ? card->reta : c && c->reta[0] ? c->reta : "even";
	struct rss_conf conf;
	int ret = 0;

	rss_conf_default(&conf, pf_queues);
	if (c && c->has_key && !card->key && c->random_key)
		return vfp_err_set(err, -EINVAL,
			"%s:%d: key = random is drawn at the start: give --key what show rss says",
			card->conf.file, c->line);
	if (c && c->has_key)
		memcpy(conf.key, c->key, RSS_KEY_LEN);
	if (c && c->has_fields)
		conf.fields = c->fields;
	if (card->key && strcmp(card->key, "random") == 0)
		return vfp_err_set(err, -EINVAL, "--key random: nothing can be predicted from that");
	if (card->key)
		ret = rss_key_named(card->key, 0, conf.key, err);
	if (ret == 0 && card->fields) {
		conf.fields = 0;
		ret = vfp_parse_list(card->fields, "--fields", add_field, &conf.fields, err);
	}
	if (ret == 0)
		ret = rss_reta_parse(reta, pf_queues, conf.reta, RSS_RETA_SIZE, err);
	if (ret == 0)
		rss_oracle_init(&card->oracle, &conf);
	return ret;
}

int
card_solve(struct card *card, struct vfp_err *err)
{
	const struct config *c = &card->conf;
	uint32_t queues = card->queues ? card->queues : c->n_pf ? c->pf[0].queues_per_pool : 0;
	uint32_t vfs = card->vfs == UINT32_MAX ? config_vf_count(c, 0) : card->vfs;
	int ret = sriov_layout_plan(vfs, queues, &card->steer.layout, err);

	if (config_pool_count(c, 0) > 0)
		return vfp_err_set(err, -ENOTSUP, "pools of the PF's own are not predicted");
	if (ret < 0)
		return ret;
	/* vfplane's PF filters VLANs: what nobody registered is dropped at the port. */
	card->steer.vlan_filter = true;
	memcpy(card->steer.pf_mac, card->pf_mac, sizeof(card->steer.pf_mac));
	for (uint32_t v = 0; v < vfs; v++) {
		const struct cfg_vf_sec *sec = config_vf(c, 0, v);
		struct sriov_vf_policy *policy = &card->steer.vf[v];

		sriov_policy_default(policy);
		if (sec)
			*policy = sec->policy;
		sriov_policy_default_mac(0, v, policy->mac);
		if (sec && sec->has_mac)
			memcpy(policy->mac, sec->mac, sizeof(policy->mac));
		policy->n_vlans = 0;
		for (uint32_t i = 0; sec && i < sec->n_vlans; i++)
			policy->vlans[policy->n_vlans++] = sec->vlans[i];
	}
	return solve_rss(card, err);
}

unsigned int
card_queues(const struct card *card, unsigned int pool)
{
	const struct sriov_layout *l = &card->steer.layout;

	/* net_ixgbe leaves PSRTYPE of the PF's pool at one queue. */
	if (pool == l->pf_pool && l->pools > 0)
		return 1;
	if (card->granted && card->granted < l->queues_per_pool)
		return card->granted == 3 ? 2 : card->granted;
	return l->queues_per_pool;
}

void
card_pool_name(const struct card *card, unsigned int pool, char name[CFG_NAME])
{
	if (pool == card->steer.layout.pf_pool)
		strlcpy(name, "pf0", CFG_NAME);
	else
		config_vf_name(&card->conf, 0, pool, name);
}
