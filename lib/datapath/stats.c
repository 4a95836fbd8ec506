/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "dp_internal.h"

/* What a flow has counted until now. Its RX is read last, so that it never counts less than what
 * became of its packets. */
static void
load_counts(const struct dp_flow *f, struct dp_counts *c)
{
	c->tx = dp_load(&f->c.tx);
	c->generated = dp_load(&f->c.generated);
	c->consumed = dp_load(&f->c.consumed);
	for (unsigned int r = 0; r < DP_DROP_REASONS; r++)
		c->drops[r] = dp_load(&f->c.drops[r]);
	c->rx = dp_load(&f->c.rx);
}

static void
add_counts(struct dp_counts *to, const struct dp_counts *c)
{
	to->rx += c->rx;
	to->tx += c->tx;
	to->generated += c->generated;
	to->consumed += c->consumed;
	for (unsigned int r = 0; r < DP_DROP_REASONS; r++)
		to->drops[r] += c->drops[r];
}

static int
stats_alloc(const struct dp *dp, struct dp_stats *s)
{
	s->n_queues = dp->n_queues;
	s->n_rules = dp->rt == NULL ? 0 : dp->rt->plan->n_rules;
	s->n_lcores = dp->n_workers;
	s->queues = calloc(s->n_queues + 1, sizeof(*s->queues));
	s->rules = calloc(s->n_rules + 1, sizeof(*s->rules));
	s->lcores = calloc(s->n_lcores + 1, sizeof(*s->lcores));
	return s->queues == NULL || s->rules == NULL || s->lcores == NULL ? -ENOMEM : 0;
}

static const struct dp_rule_state *
rule_by_name(const struct dp *dp, const char *name)
{
	for (uint16_t i = 0; i < dp->n_rules; i++)
		if (strcmp(dp->rules[i]->name, name) == 0)
			return dp->rules[i];
	return NULL;
}

/* What earlier plans left in the tables. */
static void
take_tables(const struct dp *dp, struct dp_stats *s)
{
	for (uint16_t i = 0; i < dp->n_queues; i++)
		s->queues[i] = (struct dp_queue_stats){
			.port_id = dp->queues[i].port_id,
			.queue = dp->queues[i].queue,
			.rx_lcore = UINT32_MAX,
			.tx_lcore = UINT32_MAX,
			.rx = dp->queues[i].rx,
			.tx = dp->queues[i].tx,
			.tx_dropped = dp->queues[i].tx_dropped,
		};
	for (uint16_t i = 0; i < dp->n_rules; i++)
		add_counts(&s->totals, &dp->rules[i]->base);
	for (uint16_t i = 0; i < s->n_rules; i++) {
		const struct dp_plan_rule *r = &dp->rt->plan->rules[i];
		const struct dp_rule_state *state = rule_by_name(dp, r->name);
		const struct dp_spec_port *ports = dp->rt->plan->ports;

		memcpy(s->rules[i].name, r->name, sizeof(r->name));
		s->rules[i].from_id = ports[r->from].port_id;
		s->rules[i].to_id = r->to == DP_NONE ? DP_NONE : ports[r->to].port_id;
		s->rules[i].mode = r->mode;
		s->rules[i].implicit = r->implicit;
		if (state != NULL)
			s->rules[i].counts = state->base;
	}
}

static void
take_flow(const struct dp *dp, uint16_t e, struct dp_stats *s)
{
	const struct dp_flow *f = &dp->rt->flows[e];
	const uint32_t lcore = dp->workers[f->worker]->lcore;
	struct dp_counts c;

	load_counts(f, &c);
	add_counts(&s->totals, &c);
	add_counts(&s->rules[dp->rt->plan->entries[e].rule].counts, &c);
	s->queues[f->rxq].rx += c.rx;
	if (f->from != DP_FROM_RING)
		s->queues[f->rxq].rx_lcore = lcore;
	s->lcores[f->worker].rx += c.rx + dp_load(&f->taken);
	if (f->txq == DP_NONE)
		return;
	s->queues[f->txq].tx += c.tx;
	s->queues[f->txq].tx_lcore = lcore;
	for (unsigned int r = 0; r < DP_DROP_REASONS; r++)
		s->queues[f->txq].tx_dropped += c.drops[r];
}

static void
take_lcore(const struct dp_worker *w, struct dp_lcore_stats *l)
{
	l->id = w->lcore;
	l->rx = w->rx;
	/* Busy is what is left: no counter to add to in the polls that matter. last comes last, so that
	 * the difference is never negative. */
	l->idle_cycles = dp_load(&w->idle);
	l->busy_cycles = l->idle_cycles + dp_load(&w->away) + dp_load(&w->born);
	l->busy_cycles = dp_load(&w->last) - l->busy_cycles;
	for (unsigned int b = 0; b < DP_BURST_BINS; b++)
		l->polls += l->bursts[b] = dp_load(&w->bursts[b]);
	l->empty_polls = l->bursts[0];
	l->hiccups = dp_load(&w->hiccups);
	l->longest = dp_load(&w->longest);
	l->pauses = dp_load(&w->pauses);
	l->sleeps = dp_load(&w->sleeps);
}

int
dp_stats_take(struct dp *dp, struct dp_stats **stats)
{
	struct dp_stats *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&dp->lock);
	rc = stats_alloc(dp, s);
	if (rc == 0) {
		s->tsc = rte_rdtsc();
		s->tsc_hz = rte_get_tsc_hz();
		take_tables(dp, s);
		for (uint16_t i = 0; i < dp->n_workers; i++)
			take_lcore(dp->workers[i], &s->lcores[i]);
		for (uint16_t e = 0; dp->rt != NULL && e < dp->rt->plan->n_entries; e++)
			take_flow(dp, e, s);
	}
	pthread_mutex_unlock(&dp->lock);
	if (rc != 0) {
		dp_stats_free(s);
		return rc;
	}
	*stats = s;
	return 0;
}

/* The rule of the current plan by that name: those of earlier plans are not shown. */
static struct dp_rule_state *
current_rule(struct dp *dp, const char *name)
{
	for (uint16_t i = 0; dp->rt != NULL && i < dp->rt->plan->n_rules; i++)
		if (strcmp(dp->rt->plan->rules[i].name, name) == 0)
			return (struct dp_rule_state *)(uintptr_t)rule_by_name(dp, name);
	return NULL;
}

static void
merge_recorders(struct dp *dp, const struct dp_rule_state *r, enum lat_kind kind,
	struct lat_hist *hist)
{
	lat_hist_init(hist);
	for (uint16_t w = 0; w < dp->n_workers; w++) {
		if (r->rec[w] == NULL)
			continue;
		lat_hist_copy(dp->scratch, &r->rec[w]->hist[kind]);
		lat_hist_merge(hist, dp->scratch);
	}
}

static bool
has_probes(const struct dp_rule_state *r, enum lat_kind kind)
{
	for (const struct dp_source *s = r->sources; s != NULL; s = s->next)
		if (s->times != NULL && s->arrivals == (kind == LAT_ONEWAY))
			return true;
	return false;
}

static void
merge_probes(
	struct dp *dp, const struct dp_rule_state *r, enum lat_kind kind, struct lat_hist *hist)
{
	lat_hist_init(hist);
	for (const struct dp_source *s = r->sources; s != NULL; s = s->next) {
		if (s->times == NULL || s->arrivals != (kind == LAT_ONEWAY))
			continue;
		lat_hist_copy(dp->scratch, s->times);
		lat_hist_merge(hist, dp->scratch);
	}
}

static void
merge_kind(struct dp *dp, const struct dp_rule_state *r, enum lat_kind kind, struct lat_hist *hist)
{
	if (kind < LAT_WORKER_KINDS)
		merge_recorders(dp, r, kind, hist);
	else
		merge_probes(dp, r, kind, hist);
}

int
dp_latency(struct dp *dp, const char *rule, enum lat_kind kind, struct lat_hist *hist)
{
	struct dp_rule_state *r;
	int rc = -ENOENT;

	if (kind >= LAT_LIVE_KINDS)
		return -ENOENT;
	pthread_mutex_lock(&dp->lock);
	r = current_rule(dp, rule);
	if (r != NULL && (kind < LAT_WORKER_KINDS || has_probes(r, kind))) {
		merge_kind(dp, r, kind, hist);
		if (r->view[kind] != NULL)
			lat_view_apply(r->view[kind], hist);
		rc = 0;
	}
	pthread_mutex_unlock(&dp->lock);
	return rc;
}

int
dp_latency_total(struct dp *dp, const char *rule, enum lat_kind kind, struct lat_hist *hist)
{
	const int rc = dp_latency(dp, rule, kind, hist);
	struct dp_rule_state *r;

	if (rc < 0)
		return rc;
	/* The base cannot change in between: whoever clears is the caller. */
	pthread_mutex_lock(&dp->lock);
	r = current_rule(dp, rule);
	if (r != NULL && r->view[kind] != NULL && r->view[kind]->based)
		lat_hist_merge(hist, &r->view[kind]->base);
	pthread_mutex_unlock(&dp->lock);
	return rc;
}

/* How many of its packets a stream has sent. */
static uint64_t
stream_sent(const struct dp_source *sender, uint16_t flow)
{
	const uint64_t made = dp_load(&sender->made);

	return made / sender->flows + (flow < made % sender->flows);
}

/* What came of a stream to one rule: back to the source, or to a sink of its probes. */
static void
add_arrivals(const struct dp_rule_state *r, const struct dp_source *sender, uint16_t flow,
	struct dp_probe_counts *c)
{
	for (const struct dp_source *s = r->sources; s != NULL; s = s->next) {
		const struct dp_stream *in = &s->streams[sender->queue * sender->flows + flow];

		if (s->id != sender->id)
			continue;
		c->received += dp_load(&in->received);
		c->duplicated += dp_load(&in->duplicated);
		c->reordered += dp_load(&in->reordered);
		c->late += dp_load(&in->late);
	}
}

int
dp_probes(struct dp *dp, const char *rule, int stream, struct dp_probe_counts *c)
{
	const struct dp_rule_state *r;
	int rc = -ENOENT;

	*c = (struct dp_probe_counts){0};
	pthread_mutex_lock(&dp->lock);
	r = current_rule(dp, rule);
	for (const struct dp_source *s = r == NULL ? NULL : r->sources; s != NULL; s = s->next) {
		if (!s->conf.probe || s->arrivals)
			continue;
		c->behind += dp_load(&s->behind);
		c->ticks = RTE_MAX(c->ticks, dp_load(&s->now) - s->began);
		for (uint16_t flow = 0; flow < s->flows; flow++) {
			if (stream >= 0 && stream != s->queue * s->flows + flow)
				continue;
			c->sent += stream_sent(s, flow);
			for (uint16_t i = 0; i < dp->n_rules; i++)
				add_arrivals(dp->rules[i], s, flow, c);
			c->streams++;
			rc = 0;
		}
	}
	pthread_mutex_unlock(&dp->lock);
	/* While packets are under way they are missing, not lost; received is read after sent. */
	c->missing = (int64_t)(c->sent - c->received - c->late);
	return rc;
}

static int
clear_kind(struct dp *dp, struct dp_rule_state *r, enum lat_kind kind, struct lat_hist *now)
{
	if (kind >= LAT_WORKER_KINDS && !has_probes(r, kind))
		return 0;
	if (r->view[kind] == NULL) {
		r->view[kind] = malloc(sizeof(*r->view[kind]));
		if (r->view[kind] == NULL)
			return -ENOMEM;
		lat_view_init(r->view[kind]);
	}
	merge_kind(dp, r, kind, now);
	lat_view_clear(r->view[kind], now);
	return 0;
}

int
dp_latency_clear(struct dp *dp, const char *rule)
{
	struct lat_hist *now = malloc(sizeof(*now));
	int rc = rule == NULL ? 0 : -ENOENT;

	if (now == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&dp->lock);
	for (uint16_t i = 0; i < dp->n_rules && rc != -ENOMEM; i++) {
		if (rule != NULL && strcmp(dp->rules[i]->name, rule) != 0)
			continue;
		rc = 0;
		for (unsigned int k = 0; k < LAT_LIVE_KINDS && rc == 0; k++)
			rc = clear_kind(dp, dp->rules[i], k, now);
	}
	pthread_mutex_unlock(&dp->lock);
	free(now);
	return rc;
}
