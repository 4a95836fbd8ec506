/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include <dp_spread.h>

#include "balance.h"
#include "rss.h"
#include "rss_watch.h"

#define PERIOD_MS 100

struct balance {
	enum balance_mode mode;
	bool shared_ok;
	uint64_t refused;
	struct rss_balance b;
	uint8_t table[RSS_TABLE_MAX];  /* as the last sample found it */
	uint64_t last[RSS_TABLE_MAX];  /* counts at the last sample */
	bool started;
	struct rss_move moves[RSS_TABLE_MAX];
};

/* The ports whose packets the card's table decides on: what we poll of this PF. */
static bool
counts_for(struct app *app, const struct port *p, const struct port *pf)
{
	return p->started && p->role != PORT_VDEV && app_pf_of(app, p) &&
	       app_pf_of(app, p)->port == pf;
}

static void
watch_all(struct app *app, const struct port *pf, bool on)
{
	for (uint16_t i = 0; i < app->n_ports; i++)
		if (counts_for(app, &app->ports[i], pf) &&
			rss_watch_is_on(&app->ports[i]) != on)
			rss_watch_set(&app->ports[i], on, false);
}

/* Counts of each entry since ever, and the table now. How many entries, or -errno. */
static int
read_counts(struct app *app, const struct port *p, uint64_t *count, uint8_t *table,
	unsigned int *queues)
{
	static struct dp_spread_view v;
	struct rss_seen seen;
	int ret;

	memset(count, 0, RSS_TABLE_MAX * sizeof(*count));
	if (p->soft_table) {
		ret = dp_spread_read(app->dp, p->port_id, &v);
		if (ret < 0)
			return ret;
		memcpy(count, v.load, v.size * sizeof(*count));
		memcpy(table, v.table, v.size);
		*queues = v.n_lcores;
		return v.size;
	}
	for (uint16_t i = 0; i < app->n_ports; i++)
		if (counts_for(app, &app->ports[i], p))
			rss_watch_read(&app->ports[i], &seen, count);
	memcpy(table, p->rss.reta, RSS_RETA_SIZE);
	*queues = p->nb_rxq;
	return RSS_RETA_SIZE;
}

static int
carry_out(struct app *app, struct port *p, struct balance *x, unsigned int n)
{
	static struct dp_spread_move moves[RSS_TABLE_MAX];
	uint8_t reta[RSS_RETA_SIZE];
	struct vfp_err err;

	if (p->soft_table) {
		for (unsigned int i = 0; i < n; i++)
			moves[i] = (struct dp_spread_move){x->moves[i].entry, x->moves[i].to};
		return dp_spread_move(app->dp, p->port_id, moves, n, &err);
	}
	memcpy(reta, p->rss.reta, sizeof(reta));
	rss_balance_apply(reta, x->moves, n);
	return rss_set_table(app, p, reta, x->shared_ok, &err);
}

static void
step(struct app *app, struct port *p, struct balance *x)
{
	static uint64_t count[RSS_TABLE_MAX];
	unsigned int queues, n;
	int size = read_counts(app, p, count, x->table, &queues);

	if (size < 0 || queues < 2)
		return;
	if (x->b.size != (unsigned int)size || x->b.queues != queues) {
		rss_balance_init(&x->b, size, queues);
		x->started = false;
	}
	for (int i = 0; i < size; i++) {
		const uint64_t now = count[i];

		/* Counts that began anew are no load. */
		count[i] = x->started && now >= x->last[i] ? now - x->last[i] : 0;
		x->last[i] = now;
	}
	if (x->started)
		rss_balance_sample(&x->b, count);
	x->started = true;
	n = rss_balance_plan(&x->b, x->table, x->moves);
	if (n > 0 && x->mode == BALANCE_ON && carry_out(app, p, x, n) < 0)
		x->refused++;
}

void
balance_tick(struct app *app)
{
	static uint64_t next;
	const uint64_t now = rte_get_timer_cycles();

	if (!app->forwarding || now < next)
		return;
	next = now + rte_get_timer_hz() / 1000 * PERIOD_MS;
	for (uint16_t i = 0; i < app->n_ports; i++) {
		struct port *p = &app->ports[i];

		if (!p->bal || p->bal->mode == BALANCE_OFF || p->removed)
			continue;
		pthread_mutex_lock(&app->lock);
		if (!p->soft_table)
			watch_all(app, p, true); /* a VF that was reset begins anew */
		step(app, p, p->bal);
		pthread_mutex_unlock(&app->lock);
	}
}

int
balance_set(struct app *app, struct port *p, enum balance_mode mode, bool shared_ok,
	struct vfp_err *err)
{
	struct pf_dev *pf = p->role == PORT_PF ? app_pf_of(app, p) : NULL;
	int ret;

	if (!p->soft_table && (!pf || p->nb_rxq < 2))
		return vfp_err_set(err, -ENOTSUP,
			"%s has no table to balance: give it one in software (rss %s { table = 1024 }), "
			"or balance the card's: name pf0", p->name, p->name);
	if (!p->soft_table && pf->layout.vmdq_pools > 0)
		return vfp_err_set(err, -ENOTSUP,
			"%s: pools of the PF's own run without RSS: there is no table to balance",
			p->name);
	ret = pf && mode == BALANCE_ON ? rss_may_change(app, pf, shared_ok, err) : 0;
	if (ret < 0)
		return ret;
	if (!p->bal)
		p->bal = calloc(1, sizeof(*p->bal));
	if (!p->bal)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	p->bal->mode = mode;
	p->bal->shared_ok = shared_ok;
	p->bal->started = false;
	if (!p->soft_table)
		watch_all(app, p, mode != BALANCE_OFF);
	return 0;
}

int
balance_begin(struct app *app, struct vfp_err *err)
{
	int ret = 0;

	for (uint16_t i = 0; ret == 0 && i < app->n_ports; i++) {
		const struct cfg_rss *c = config_rss(&app->cfg, app->ports[i].name);

		if (c && c->balance)
			ret = balance_set(app, &app->ports[i], BALANCE_ON, c->shared_ok, err);
	}
	return ret;
}

int
balance_read(struct app *app, const struct port *p, struct balance_state *s)
{
	(void)app;
	if (!p->bal)
		return -ENOENT;
	*s = (struct balance_state){.mode = p->bal->mode, .software = p->soft_table > 0,
		.samples = p->bal->b.samples, .moves = p->bal->b.moves, .refused = p->bal->refused,
		.queues = p->bal->b.queues};
	if (p->bal->b.queues)
		rss_balance_spread(&p->bal->b, p->bal->table, &s->spread);
	return 0;
}

void
balance_free(struct port *p)
{
	free(p->bal);
	p->bal = NULL;
}
