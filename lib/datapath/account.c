/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dp_stats.h"

const char *const dp_drop_names[DP_DROP_REASONS] = {"tx_full", "no_route", "handoff_full",
	"stopping", "no_room"};

double
dp_lcore_busy(const struct dp_lcore_stats *l)
{
	const double all = (double)l->busy_cycles + (double)l->idle_cycles;

	return all > 0 ? (double)l->busy_cycles / all : NAN;
}

double
dp_lcore_cycles_per_packet(const struct dp_lcore_stats *l)
{
	return l->rx > 0 ? (double)l->busy_cycles / (double)l->rx : NAN;
}

double
dp_lcore_packets_per_burst(const struct dp_lcore_stats *l)
{
	return l->polls > l->empty_polls ? (double)l->rx / (double)(l->polls - l->empty_polls) : NAN;
}

void
dp_stats_free(struct dp_stats *s)
{
	if (s == NULL)
		return;
	free(s->queues);
	free(s->rules);
	free(s->lcores);
	free(s);
}

static void
counts_subtract(struct dp_counts *c, const struct dp_counts *e)
{
	c->rx -= e->rx;
	c->tx -= e->tx;
	c->generated -= e->generated;
	c->consumed -= e->consumed;
	for (unsigned int r = 0; r < DP_DROP_REASONS; r++)
		c->drops[r] -= e->drops[r];
}

static void
queue_subtract(struct dp_queue_stats *q, const struct dp_stats *earlier)
{
	for (uint16_t i = 0; i < earlier->n_queues; i++) {
		const struct dp_queue_stats *e = &earlier->queues[i];

		if (e->port_id != q->port_id || e->queue != q->queue)
			continue;
		q->rx -= e->rx;
		q->tx -= e->tx;
		q->tx_dropped -= e->tx_dropped;
		return;
	}
}

static void
lcore_subtract(struct dp_lcore_stats *l, const struct dp_stats *earlier)
{
	for (uint16_t i = 0; i < earlier->n_lcores; i++) {
		const struct dp_lcore_stats *e = &earlier->lcores[i];

		if (e->id != l->id)
			continue;
		l->polls -= e->polls;
		l->empty_polls -= e->empty_polls;
		l->rx -= e->rx;
		l->busy_cycles -= e->busy_cycles;
		l->idle_cycles -= e->idle_cycles;
		l->hiccups -= e->hiccups;
		l->pauses -= e->pauses;
		l->sleeps -= e->sleeps;
		for (unsigned int b = 0; b < DP_BURST_BINS; b++)
			l->bursts[b] -= e->bursts[b];
		return;
	}
}

void
dp_stats_subtract(struct dp_stats *now, const struct dp_stats *earlier)
{
	for (uint16_t i = 0; i < now->n_queues; i++)
		queue_subtract(&now->queues[i], earlier);
	for (uint16_t i = 0; i < now->n_lcores; i++)
		lcore_subtract(&now->lcores[i], earlier);
	for (uint16_t i = 0; i < now->n_rules; i++)
		for (uint16_t k = 0; k < earlier->n_rules; k++)
			if (strcmp(now->rules[i].name, earlier->rules[k].name) == 0)
				counts_subtract(&now->rules[i].counts, &earlier->rules[k].counts);
	counts_subtract(&now->totals, &earlier->totals);
}

void
dp_stats_port(const struct dp_stats *stats, uint16_t port_id, uint64_t *rx, uint64_t *tx,
	uint64_t *tx_dropped)
{
	*rx = *tx = *tx_dropped = 0;
	for (uint16_t i = 0; i < stats->n_queues; i++) {
		const struct dp_queue_stats *q = &stats->queues[i];

		if (q->port_id != port_id)
			continue;
		*rx += q->rx;
		*tx += q->tx;
		*tx_dropped += q->tx_dropped;
	}
}

uint64_t
dp_counter_update(struct dp_counter *c, uint64_t reading, unsigned int bits)
{
	const uint64_t mask = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

	reading &= mask;
	if (c->started)
		c->sum += (reading - c->last) & mask;
	c->started = true;
	c->last = reading;
	return c->sum;
}

static uint64_t
size_of(int64_t v)
{
	return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

void
dp_account(const struct dp_stats *workers, const struct dp_nic_port *nic, uint16_t n,
	struct dp_account *a)
{
	const struct dp_counts *t = &workers->totals;
	uint64_t ended = t->consumed;

	for (unsigned int r = 0; r < DP_DROP_REASONS; r++)
		ended += t->drops[r];
	*a = (struct dp_account){
		.inside = (int64_t)(t->rx + t->generated - t->tx - ended),
		.n = n < DP_MAX_PORTS ? n : DP_MAX_PORTS,
	};
	a->boundary = a->inside;
	a->unaccounted = size_of(a->inside);
	for (uint16_t i = 0; i < a->n; i++) {
		uint64_t rx, tx, dropped;

		dp_stats_port(workers, nic[i].port_id, &rx, &tx, &dropped);
		a->ports[i].port_id = nic[i].port_id;
		a->ports[i].rx_gap = (int64_t)(nic[i].rx - rx);
		a->ports[i].tx_gap = (int64_t)(tx - nic[i].tx);
		a->boundary += a->ports[i].rx_gap + a->ports[i].tx_gap;
		a->unaccounted += size_of(a->ports[i].rx_gap) + size_of(a->ports[i].tx_gap);
	}
}
