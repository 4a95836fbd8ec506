/* SPDX-License-Identifier: BSD-3-Clause */
/* A plan made ready to run, and the tables that outlive plans. All under dp->lock. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "dp_internal.h"

static void *
zalloc_lines(size_t size)
{
	void *p = aligned_alloc(128, (size + 127) & ~(size_t)127);

	if (p != NULL)
		memset(p, 0, size);
	return p;
}

struct dp_worker *
dp_worker_of(struct dp *dp, uint32_t lcore)
{
	struct dp_worker *w;

	for (uint16_t i = 0; i < dp->n_workers; i++)
		if (dp->workers[i]->lcore == lcore)
			return dp->workers[i];
	if (dp->n_workers == DP_MAX_LCORES)
		return NULL;
	w = zalloc_lines(sizeof(*w));
	if (w == NULL)
		return NULL;
	w->dp = dp;
	w->lcore = lcore;
	w->grain = rte_get_tsc_hz() / 1000000 * dp->conf.grain_ns / 1000;
	w->span = rte_get_tsc_hz() / 1000000 * DP_SPAN_US;
	w->too_long = rte_get_tsc_hz() / 1000000 * DP_HICCUP_US;
	dp->workers[dp->n_workers++] = w;
	return w;
}

static uint16_t
worker_index(const struct dp *dp, const struct dp_worker *w)
{
	uint16_t i = 0;

	while (dp->workers[i] != w)
		i++;
	return i;
}

/* Index, or -ENOMEM. */
static int
queue_state(struct dp *dp, uint16_t port_id, uint16_t queue)
{
	struct dp_queue_state *more;

	for (uint16_t i = 0; i < dp->n_queues; i++)
		if (dp->queues[i].port_id == port_id && dp->queues[i].queue == queue)
			return i;
	more = realloc(dp->queues, (dp->n_queues + 1) * sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	dp->queues = more;
	more[dp->n_queues] = (struct dp_queue_state){.port_id = port_id, .queue = queue};
	return dp->n_queues++;
}

/* Index, or -ENOMEM. */
static int
rule_state(struct dp *dp, const char *name)
{
	struct dp_rule_state **more, *r;

	for (uint16_t i = 0; i < dp->n_rules; i++)
		if (strcmp(dp->rules[i]->name, name) == 0)
			return i;
	more = realloc(dp->rules, (dp->n_rules + 1) * sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	dp->rules = more;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	memcpy(r->name, name, sizeof(r->name));
	more[dp->n_rules] = r;
	return dp->n_rules++;
}

static enum dp_op
op_of(const struct dp *dp, const struct dp_plan_rule *rule, uint16_t tx_id)
{
	static const enum dp_op ops[] = {[DP_IO] = DP_OP_IO,
		[DP_MAC] = DP_OP_MAC,
		[DP_MACSWAP] = DP_OP_MACSWAP,
		[DP_ECHO] = DP_OP_EDIT,
		[DP_SOURCE] = DP_OP_SOURCE};

	if (dp_takes_probes(rule->mode, &rule->opts) && !dp->stopping)
		return DP_OP_SOURCE;
	if (rule->mode == DP_SINK || (rule->mode == DP_SOURCE && dp->stopping))
		return DP_OP_SINK;
	if (dp->stopping)
		return DP_OP_STOPPING;
	/* A source's own port: it is not polled while it is paused, and keeps its place. */
	if (dp->paused[tx_id] && rule->mode != DP_SOURCE)
		return DP_OP_NO_ROUTE;
	if (rule->mode < DP_SINK && (rule->opts.vlan_pop || rule->opts.vlan_push != 0))
		return DP_OP_EDIT;
	return ops[rule->mode];
}

/* What the modes need that are not made of constants alone. */
static int
flow_ext(struct dp *dp, struct dp_flow *f, const struct dp_plan_rule *rule,
	const struct dp_spec_port *port)
{
	if (f->op != DP_OP_EDIT && f->op != DP_OP_SOURCE)
		return 0;
	f->ext = calloc(1, sizeof(*f->ext));
	if (f->ext == NULL)
		return -ENOMEM;
	f->ext->opts = rule->opts;
	memcpy(f->ext->mac, port->mac, sizeof(f->ext->mac));
	f->ext->edit = rule->mode == DP_ECHO ? dp_edit_echo : dp_edit_vlan;
	f->ext->base = rule->mode == DP_MAC	  ? DP_OP_MAC
		       : rule->mode == DP_MACSWAP ? DP_OP_MACSWAP
						  : DP_OP_IO;
	if (f->op != DP_OP_SOURCE)
		return 0;
	f->ext->quiet = dp->quiet || rule->mode == DP_SINK;
	/* A sink of probes follows when all sources are there: dp_arrivals_prepare(). */
	if (rule->mode == DP_SINK)
		return 0;
	return dp_source_prepare(dp, dp->rules[f->rule], f, port);
}

static void
flow_macs(struct dp_flow *f, const struct dp_spec_port *out, const struct dp_rule_opts *opts)
{
	uint8_t header[12];

	memcpy(header, opts->has_peer ? opts->peer : out->peer, 6);
	memcpy(header + 6, out->mac, 6);
	memcpy(&f->mac_low, header, 8);
	memcpy(&f->mac_high, header + 8, 4);
}

/* The recorder of a rule and a worker: it outlives plans, so that latency goes on counting. */
static int
flow_recorder(struct dp *dp, struct dp_flow *f)
{
	struct lat_recorder **rec = &dp->rules[f->rule]->rec[f->worker];

	if (dp->conf.no_latency || f->op == DP_OP_SINK || f->op == DP_OP_SOURCE)
		return 0;
	if (*rec == NULL)
		*rec = lat_recorder_new();
	f->rec = *rec;
	return *rec == NULL ? -ENOMEM : 0;
}

static int
flow_init(struct dp *dp, struct dp_runtime *rt, uint16_t l, uint16_t e)
{
	const struct dp_plan *plan = rt->plan;
	struct dp_flow *f = &rt->flows[e];
	const struct dp_plan_entry *entry = &plan->entries[e];
	const struct dp_plan_rule *rule = &plan->rules[entry->rule];
	const struct dp_spec_port *in = &plan->ports[entry->rx_port];
	const struct dp_worker *w = dp_worker_of(dp, plan->lcores[l].id);
	int rxq = queue_state(dp, in->port_id, entry->rx_queue), txq = DP_NONE;
	int r = rule_state(dp, rule->name);

	f->rx_id = in->port_id;
	f->rx_queue = entry->rx_queue;
	f->burst = plan->burst;
	f->full = lat_full_burst(plan->burst);
	f->tx_retries = dp->conf.tx_retries;
	/* What another lcore polled goes on while its port is paused. */
	f->paused = dp->paused[in->port_id] && entry->handed_by == DP_NONE;
	f->last_empty = rte_rdtsc();
	f->tx_id = DP_NONE;
	if (entry->tx_port != DP_NONE) {
		const struct dp_spec_port *out = &plan->ports[entry->tx_port];

		f->tx_id = out->port_id;
		f->tx_queue = entry->tx_queue;
		flow_macs(f, out, &rule->opts);
		txq = queue_state(dp, out->port_id, entry->tx_queue);
	}
	if (w == NULL || rxq < 0 || txq < 0 || r < 0)
		return -ENOMEM;
	f->worker = worker_index(dp, w);
	f->op = op_of(dp, rule, f->tx_id);
	f->rxq = (uint16_t)rxq;
	f->txq = (uint16_t)txq;
	f->rule = (uint16_t)r;
	r = flow_recorder(dp, f);
	if (r == 0)
		r = flow_ext(dp, f, rule, in);
	return r == 0 ? dp_spread_flow(rt, f, entry, w->lcore) : r;
}

int
dp_runtime_new(struct dp *dp, struct dp_plan *plan, struct dp_runtime **out)
{
	struct dp_runtime *rt = calloc(1, sizeof(*rt));
	int rc = 0;

	if (rt == NULL)
		return -ENOMEM;
	rt->plan = plan;
	rt->flows = zalloc_lines((plan->n_entries + 1) * sizeof(*rt->flows));
	if (rt->flows == NULL)
		rc = -ENOMEM;
	if (rc == 0)
		rc = dp_spreads_make(dp, rt);
	for (uint16_t l = 0; rc == 0 && l < plan->n_lcores; l++)
		for (uint16_t i = 0; rc == 0 && i < plan->lcores[l].n; i++) {
			const uint16_t e = plan->lcores[l].first + i;

			rc = flow_init(dp, rt, l, e);
		}
	if (rc == 0)
		rc = dp_arrivals_prepare(dp, rt);
	if (rc == 0)
		*out = rt;
	else
		dp_runtime_free(rt, false);
	return rc;
}

void
dp_runtime_free(struct dp_runtime *rt, bool with_plan)
{
	if (rt == NULL)
		return;
	dp_spreads_free(rt);
	for (uint16_t e = 0; rt->flows != NULL && e < rt->plan->n_entries; e++)
		free(rt->flows[e].ext);
	if (with_plan)
		dp_plan_free(rt->plan);
	free(rt->flows);
	free(rt);
}

static void
retire_counts(struct dp *dp, const struct dp_flow *f)
{
	struct dp_counts *base = &dp->rules[f->rule]->base;

	base->rx += f->c.rx;
	base->tx += f->c.tx;
	base->generated += f->c.generated;
	base->consumed += f->c.consumed;
	dp->queues[f->rxq].rx += f->c.rx;
	for (unsigned int r = 0; r < DP_DROP_REASONS; r++) {
		base->drops[r] += f->c.drops[r];
		if (f->txq != DP_NONE)
			dp->queues[f->txq].tx_dropped += f->c.drops[r];
	}
	if (f->txq != DP_NONE)
		dp->queues[f->txq].tx += f->c.tx;
}

void
dp_runtime_retire(struct dp *dp, const struct dp_runtime *old, struct dp_runtime *next)
{
	for (uint16_t e = 0; old != NULL && e < old->plan->n_entries; e++) {
		const struct dp_flow *f = &old->flows[e];

		retire_counts(dp, f);
		dp->workers[f->worker]->rx += f->c.rx + f->taken;
		for (uint16_t k = 0; k < next->plan->n_entries; k++)
			if (next->flows[k].rxq == f->rxq && f->from != DP_FROM_RING)
				next->flows[k].last_empty = f->last_empty;
	}
	if (old != NULL)
		dp_spread_retire(old, next);
}
