/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include <dp_spread.h>
#include <rss_ethdev.h>

#include "ports.h"
#include "rss.h"
#include "rss_watch.h"

static struct pf_dev *
pf_behind(struct app *app, const struct port *p)
{
	return p->role == PORT_VDEV ? NULL : app_pf_of(app, p);
}

static int
plan_pf(struct app *app, struct pf_dev *pf, struct port *p, struct vfp_err *err)
{
	const struct cfg_rss *c = config_rss(&app->cfg, p->name);
	int ret;

	rss_conf_default(&p->rss, pf->layout.pf_queues);
	p->rss_planned = true;
	if (!c)
		return 0;
	if (c->random_key)
		arc4random_buf(p->rss.key, RSS_KEY_LEN);
	else if (c->has_key)
		memcpy(p->rss.key, c->key, RSS_KEY_LEN);
	if (c->has_fields)
		p->rss.fields = c->fields;
	ret = c->reta[0] ? rss_reta_parse(c->reta, pf->layout.pf_queues, p->rss.reta,
				   RSS_RETA_SIZE, err)
			 : 0;
	/* VFs that the configuration does not name may be a tenant's all the same. */
	if (ret == 0)
		ret = rss_may_change(app, pf, c->shared_ok, err);
	return ret < 0 ? vfp_err_prefix(err, ret, "%s:%d: rss %s", app->cfg.file, c->line, p->name)
		       : 0;
}

int
rss_plan(struct app *app, struct vfp_err *err)
{
	int ret = 0;

	for (uint16_t i = 0; ret == 0 && i < app->n_ports; i++) {
		struct port *p = &app->ports[i];
		struct pf_dev *pf = pf_behind(app, p);
		const struct cfg_rss *c = config_rss(&app->cfg, p->name);

		if (p->role == PORT_PF && pf)
			ret = plan_pf(app, pf, p, err);
		else if (c)
			p->soft_table = c->table;
	}
	return ret;
}

void
rss_settle(struct app *app, struct port *p)
{
	const struct pf_dev *pf = pf_behind(app, p);
	const struct cfg_rss *c;

	if (p->role == PORT_VDEV) {
		c = config_rss(&app->cfg, p->name);
		p->soft_table = c ? c->table : 0;
	}
	if (p->role == PORT_VF && pf && pf->port)
		p->rss = pf->port->rss;
	else if (!p->rss_planned)
		rss_conf_default(&p->rss, p->nb_rxq);
}

/* The first table of a port that has one in software, where the configuration says which. */
static int
fill_soft(struct app *app, struct port *p, const struct cfg_rss *c, struct vfp_err *err)
{
	struct dp_spread_view *v = malloc(sizeof(*v));
	struct dp_spread_move *moves = calloc(RSS_TABLE_MAX, sizeof(*moves));
	uint8_t table[RSS_TABLE_MAX];
	int ret = v && moves ? dp_spread_read(app->dp, p->port_id, v) : -ENOMEM;

	if (ret == 0)
		ret = rss_reta_parse(c->reta, v->n_lcores, table, v->size, err);
	for (uint16_t i = 0; ret == 0 && i < v->size; i++)
		moves[i] = (struct dp_spread_move){i, table[i]};
	if (ret == 0)
		ret = dp_spread_move(app->dp, p->port_id, moves, v->size, err);
	free(moves);
	free(v);
	return ret < 0 ? vfp_err_prefix(err, ret,
				 "%s:%d: rss %s: the table's queues are the lcores that work on it",
				 app->cfg.file, c->line, p->name)
		       : 0;
}

int
rss_soft_tables(struct app *app, struct vfp_err *err)
{
	int ret = 0;

	for (uint16_t i = 0; ret == 0 && i < app->n_ports; i++) {
		const struct cfg_rss *c = config_rss(&app->cfg, app->ports[i].name);

		if (c && c->reta[0] && app->ports[i].soft_table)
			ret = fill_soft(app, &app->ports[i], c, err);
	}
	return ret;
}

int
rss_soft_worker(struct app *app, const struct port *p, uint32_t hash, char *text, size_t len)
{
	struct dp_spread_view *v = malloc(sizeof(*v));
	int ret = v && app->dp ? dp_spread_read(app->dp, p->port_id, v) : -ENOENT;

	if (ret == 0)
		snprintf(text, len, "software table: entry %u of %u, lcore %u works on it",
			hash & (v->size - 1), v->size, v->lcores[v->table[hash & (v->size - 1)]]);
	free(v);
	return ret;
}

/* Say what reading back shows: the table always, the key, and the fields where the PMD can. */
static void
read_back(struct port *p)
{
	uint8_t reta[RSS_RETA_SIZE], key[RSS_KEY_LEN];
	uint32_t fields;
	int ret = rss_ethdev_read_table(p->port_id, reta);

	if (ret < 0)
		snprintf(p->rss_read, sizeof(p->rss_read), "cannot be read back: %s",
			strerror(-ret));
	else if (memcmp(reta, p->rss.reta, sizeof(reta)) != 0)
		snprintf(p->rss_read, sizeof(p->rss_read), "the card's table differs");
	else if (rss_ethdev_read_hash(p->port_id, key, &fields) < 0)
		snprintf(p->rss_read, sizeof(p->rss_read), "table as set; key cannot be read back");
	else if (memcmp(key, p->rss.key, sizeof(key)) != 0 && p->rss.fields != 0)
		snprintf(p->rss_read, sizeof(p->rss_read), "the card's key differs");
	else
		snprintf(p->rss_read, sizeof(p->rss_read), "table and key as set%s",
			fields == p->rss.fields ? ", fields too"
						: "; fields cannot be read in this mode");
}

int
rss_write_table(struct port *p, struct vfp_err *err)
{
	int ret = 0;

	if (p->nb_rxq > 1)
		ret = rss_ethdev_write_table(p->port_id, p->rss.reta);
	if (ret < 0)
		return vfp_err_set(err, ret, "%s: RSS table: %s", p->name, strerror(-ret));
	read_back(p);
	return 0;
}

const struct rss_conf *
rss_of(struct app *app, const struct port *p)
{
	const struct pf_dev *pf = pf_behind(app, p);

	return pf && pf->port ? &pf->port->rss : &p->rss;
}

unsigned int
rss_pool_queues(struct app *app, const struct port *p)
{
	const struct pf_dev *pf = pf_behind(app, p);

	/* net_ixgbe leaves PSRTYPE of the PF's own pool at one queue; its pools have no RSS at all. */
	if (p->role == PORT_PF && pf && (pf->n_vfs > 0 || pf->layout.vmdq_pools > 0))
		return 1;
	return p->nb_rxq;
}

static bool
polled_here(struct app *app, const struct pf_dev *pf, uint16_t vf)
{
	for (uint16_t i = 0; i < app->n_ports; i++)
		if (app->ports[i].role == PORT_VF && app->ports[i].vf == vf &&
			app_pf_of(app, &app->ports[i]) == pf)
			return true;
	return false;
}

/* "vf2, vf5, vf6 and 3 more": those that are polled here, or those that are not. */
static unsigned int
list_vfs(struct app *app, const struct pf_dev *pf, bool here, char *text, size_t len)
{
	unsigned int n = 0;
	char one[CFG_NAME + 4];

	text[0] = '\0';
	for (uint16_t v = 0; v < pf->n_vfs; v++) {
		char name[CFG_NAME];

		if (polled_here(app, pf, v) != here || ++n > 4)
			continue;
		config_vf_name(&app->cfg, pf->index, v, name);
		snprintf(one, sizeof(one), "%s%s", n > 1 ? ", " : "", name);
		strlcat(text, one, len);
	}
	if (n > 4) {
		snprintf(one, sizeof(one), " and %u more", n - 4);
		strlcat(text, one, len);
	}
	return n;
}

void
rss_touched(struct app *app, const struct pf_dev *pf, char *text, size_t len)
{
	char ours[96], others[96];
	const unsigned int a = list_vfs(app, pf, true, ours, sizeof(ours));
	const unsigned int b = list_vfs(app, pf, false, others, sizeof(others));

	if (a + b == 0)
		snprintf(text, len, "pf%u alone; it has no VFs", pf->index);
	else
		snprintf(text, len, "pf%u and %u VF%s: %s%s%s%s%s", pf->index, a + b,
			a + b == 1 ? "" : "s", ours, a ? " (polled here)" : "", a && b ? "; " : "",
			others, b ? " (polled by others)" : "");
}

int
rss_may_change(struct app *app, const struct pf_dev *pf, bool shared_ok, struct vfp_err *err)
{
	char others[96];
	const unsigned int n = list_vfs(app, pf, false, others, sizeof(others));

	if (n == 0 || shared_ok)
		return 0;
	return vfp_err_set(err, -EPERM,
		"this card has one key, one set of hash fields and one table for pf%u and all its VFs: "
		"it would touch %s, which %s not polled here; say shared-ok (in a configuration "
		"shared_ok = yes) if that is meant",
		pf->index, others, n == 1 ? "is" : "are");
}

/* The PF whose setting a change means, or why there is none. */
static int
pf_to_change(
	struct app *app, const struct port *p, bool shared_ok, struct pf_dev **pf, struct vfp_err *err)
{
	*pf = pf_behind(app, p);
	if (p->role == PORT_VF)
		return vfp_err_set(err, -ENOTSUP,
			"%s: a VF of this card has no key, fields or table of its own%s", p->name,
			*pf ? "; they are the PF's: name pf0, or give the VF a software table"
			    : ", and its PF is not ours");
	if (!*pf || !p->started)
		return vfp_err_set(err, -ENOTSUP, "%s: only a PF of ours that is up has RSS to change",
			p->name);
	if ((*pf)->layout.vmdq_pools > 0)
		return vfp_err_set(err, -ENOTSUP,
			"%s: pools of the PF's own run without RSS: there is nothing to change",
			p->name);
	return rss_may_change(app, *pf, shared_ok, err);
}

struct table_job {
	uint16_t port_id;
	const uint8_t *reta;
	struct port *p;
};

static int
table_job(void *arg)
{
	const struct table_job *j = arg;
	int ret = rss_ethdev_write_table(j->port_id, j->reta);

	if (ret < 0)
		return ret;
	memcpy(j->p->rss.reta, j->reta, RSS_RETA_SIZE);
	read_back(j->p);
	return 0;
}

int
rss_set_table(struct app *app, struct port *p, const uint8_t reta[RSS_RETA_SIZE], bool shared_ok,
	struct vfp_err *err)
{
	struct table_job job = {p->port_id, reta, p};
	struct pf_dev *pf;
	int ret = pf_to_change(app, p, shared_ok, &pf, err);

	for (unsigned int i = 0; ret == 0 && i < RSS_RETA_SIZE; i++)
		if (reta[i] >= p->nb_rxq)
			ret = vfp_err_set(err, -ERANGE,
				"entry %u: there is no queue %u; %s has %u (0 to %u)", i, reta[i],
				p->name, p->nb_rxq, p->nb_rxq - 1);
	if (ret < 0)
		return ret;
	ret = sriov_pf_job(table_job, &job);
	return ret < 0 ? vfp_err_set(err, ret, "%s: table: %s", p->name, strerror(-ret)) : 0;
}

int
rss_set_hash(struct app *app, struct port *p, const uint8_t key[RSS_KEY_LEN], uint32_t fields,
	bool shared_ok, struct vfp_err *err)
{
	const struct rss_conf was = p->rss;
	struct pf_dev *pf;
	int ret = pf_to_change(app, p, shared_ok, &pf, err);

	if (ret < 0)
		return ret;
	memcpy(p->rss.key, key, RSS_KEY_LEN);
	p->rss.fields = fields;
	ret = port_restart_pf(app, pf, err);
	if (ret < 0 && !p->started)
		p->rss = was;
	return ret;
}

void
rss_facts_of(struct app *app, const struct port *p, struct rss_facts *f, struct rss_seen *seen)
{
	const struct pf_dev *pf = pf_behind(app, p);
	const struct cfg_port *sec = config_port(&app->cfg, p->name);
	const bool shared = pf && pf->n_vfs > 0;
	const bool pools = shared || (pf && pf->layout.vmdq_pools > 0);

	*f = (struct rss_facts){.is_vf = p->role == PORT_VF,
		.is_pf_pool = p->role == PORT_PF && shared,
		.pf_known = pf != NULL,
		.rss_mode = !pools || pf->layout.mq == SRIOV_MQ_VMDQ_RSS,
		.pools = pools ? pf->layout.pools : 0,
		.layout_queues = pf ? pf->layout.queues_per_pool : p->nb_rxq,
		.granted = rss_pool_queues(app, p),
		.chosen = sec && sec->queues && sec->queues == p->nb_rxq,
		.pf_queues = pf && pf->port ? pf->port->nb_rxq : 0,
		.conf = rss_of(app, p)};
	if (seen && rss_watch_read(p, seen, NULL) == 0)
		f->seen = seen;
}
