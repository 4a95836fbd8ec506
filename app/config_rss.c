/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include <sriov_layout.h>
#include <vfp_parse.h>

#include "config_rss.h"

int
store_rss_key(void *object, const char *word)
{
	struct cfg_rss *r = object;

	/* Drawn when it is needed: a check of the configuration must not depend on chance. */
	r->has_key = true;
	r->random_key = strcmp(word, "random") == 0;
	return r->random_key ? 0 : rss_key_named(word, 0, r->key, NULL);
}

int
store_rss_field(void *object, const char *word)
{
	struct cfg_rss *r = object;

	r->has_fields = true;
	return rss_field_add(word, &r->fields);
}

int
store_rss_reta(void *object, const char *word)
{
	struct cfg_rss *r = object;

	return rss_reta_wellformed(word) && strlcpy(r->reta, word, sizeof(r->reta)) < sizeof(r->reta)
		       ? 0
		       : -EINVAL;
}

int
store_rss_table(void *object, const char *word)
{
	struct cfg_rss *r = object;
	int ret = vfp_parse_u32(word, "table", RSS_RETA_SIZE, RSS_TABLE_MAX, &r->table, NULL);

	return ret == 0 && (r->table & (r->table - 1)) == 0 ? 0 : -EINVAL;
}

static int
store_word(bool *out, const char *word)
{
	if (strcmp(word, "yes") != 0 && strcmp(word, "no") != 0)
		return -EINVAL;
	*out = word[0] == 'y';
	return 0;
}

int
store_rss_balance(void *object, const char *word)
{
	return store_word(&((struct cfg_rss *)object)->balance, word);
}

int
store_rss_shared_ok(void *object, const char *word)
{
	return store_word(&((struct cfg_rss *)object)->shared_ok, word);
}

const struct cfg_rss *
config_rss(const struct config *c, const char *port)
{
	for (uint32_t i = 0; i < c->n_rss; i++)
		if (strcmp(c->rss[i].port, port) == 0)
			return &c->rss[i];
	return NULL;
}

/* The first VF of a PF that somebody else polls, or NULL. */
static const struct cfg_vf_sec *
first_tenant(const struct config *c, uint32_t pf)
{
	for (uint32_t i = 0; i < c->n_vf; i++)
		if (c->vf[i].pf == pf && c->vf[i].owner == CFG_OWNER_TENANT)
			return &c->vf[i];
	return NULL;
}

static int
check_of_pf(const struct config *c, const struct cfg_rss *r, uint32_t pf, struct vfp_err *err)
{
	const struct cfg_vf_sec *tenant = first_tenant(c, pf);
	uint8_t reta[RSS_RETA_SIZE];
	struct sriov_layout l;
	uint32_t queues = 0;

	if (config_pool_count(c, pf) > 0)
		return vfp_err_set(err, -ENOTSUP,
			"pools of the PF's own run without RSS: leave this section out, or the "
			"pools");
	if (r->table)
		return vfp_err_set(err, -EINVAL,
			"table is a software table, for a VF's or another port's packets; the card's "
			"own has %d entries: reta", RSS_RETA_SIZE);
	for (uint32_t i = 0; i < c->n_pf; i++)
		if (c->pf[i].index == pf)
			queues = c->pf[i].queues_per_pool;
	if ((r->has_key || r->has_fields || r->reta[0] || r->balance) && tenant && !r->shared_ok)
		return vfp_err_set(err, -EPERM,
			"an 82599 has one key, one set of fields and one table for the PF and all its "
			"VFs, and vf %u belongs to a tenant (line %d); say shared_ok = yes",
			tenant->index, tenant->line);
	/* What the layout will be is known here where it is written; bring-up checks it again. */
	if (!r->reta[0] || sriov_layout_plan(config_vf_count(c, pf), queues, &l, NULL) < 0)
		return 0;
	return rss_reta_parse(r->reta, l.pf_queues, reta, RSS_RETA_SIZE, err);
}

int
config_rss_check(const struct config *c, const struct cfg_rss *r, struct vfp_err *err)
{
	unsigned int pf;
	int end = 0;

	for (uint32_t i = 0; i < c->n_rss; i++)
		if (&c->rss[i] != r && strcmp(c->rss[i].port, r->port) == 0)
			return vfp_err_set(err, -EEXIST, "given already in line %d", c->rss[i].line);
	if (sscanf(r->port, "pf%u%n", &pf, &end) == 1 && r->port[end] == '\0')
		return check_of_pf(c, r, pf, err);
	if (r->has_key || r->has_fields || r->shared_ok)
		return vfp_err_set(err, -EINVAL,
			"key and fields are the PF's, for itself and all its VFs: rss pf0 { … }; a "
			"port of its own has table, reta and balance, in software");
	if (!r->table)
		return vfp_err_set(err, -EINVAL,
			"a software table needs its size: table = 128 to 4096 entries");
	return 0;
}
