/* SPDX-License-Identifier: BSD-3-Clause */
/* The control side of software tables: made with a runtime, read, moved. All under dp->lock. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pause.h>
#include <rte_ring_elem.h>

#include "dp_internal.h"
#include "dp_spread.h"

#define RING_SLOTS 1024
#define SETTLE_US  2000

static struct rte_ring *
ring_new(void)
{
	const ssize_t size = rte_ring_get_memsize_elem(sizeof(struct dp_handoff), RING_SLOTS);
	struct rte_ring *r = size < 0 ? NULL : aligned_alloc(128, (size + 127) & ~(size_t)127);

	/* One lcore puts in, one takes out. */
	if (r != NULL && rte_ring_init(r, "handoff", RING_SLOTS,
				 RING_F_SP_ENQ | RING_F_SC_DEQ) != 0) {
		free(r);
		r = NULL;
	}
	return r;
}

struct dp_spread *
dp_spread_of(const struct dp_runtime *rt, uint16_t port_id)
{
	for (uint16_t i = 0; rt != NULL && i < rt->n_spreads; i++)
		if (rt->spreads[i]->port_id == port_id)
			return rt->spreads[i];
	return NULL;
}

static bool
same_lcores(const struct dp_spread *a, const struct dp_spread *b)
{
	return a->size == b->size && a->n_lcores == b->n_lcores &&
	       memcmp(a->lcores, b->lcores, a->n_lcores * sizeof(a->lcores[0])) == 0;
}

static struct dp_spread *
spread_new(const struct dp *dp, const struct dp_plan *plan, uint16_t port)
{
	struct dp_spread *s = aligned_alloc(128, (sizeof(*s) + 127) & ~(size_t)127);
	const struct dp_spread *was = dp_spread_of(dp->rt, plan->ports[port].port_id);
	uint16_t lcores[DP_SPREAD_LCORES];

	if (s == NULL)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->port_id = plan->ports[port].port_id;
	s->size = plan->ports[port].spread;
	s->n_lcores = dp_plan_workers(plan, port, lcores, DP_SPREAD_LCORES);
	for (uint16_t l = 0; l < s->n_lcores; l++)
		s->lcores[l] = plan->lcores[lcores[l]].id;
	for (uint16_t i = 0; i < s->size; i++)
		s->table[i] = i % s->n_lcores;
	/* A change of plan alone moves nothing. */
	if (was != NULL && same_lcores(s, was))
		memcpy(s->table, was->table, s->size);
	return s;
}

int
dp_spreads_make(struct dp *dp, struct dp_runtime *rt)
{
	const struct dp_plan *plan = rt->plan;

	rt->spreads = calloc(plan->n_ports + 1, sizeof(*rt->spreads));
	if (rt->spreads == NULL)
		return -ENOMEM;
	for (uint16_t p = 0; p < plan->n_ports; p++) {
		if (plan->ports[p].spread == 0 || plan->ports[p].nb_rxq == 0)
			continue;
		rt->spreads[rt->n_spreads] = spread_new(dp, plan, p);
		if (rt->spreads[rt->n_spreads] == NULL)
			return -ENOMEM;
		rt->n_spreads++;
	}
	return 0;
}

static void
spread_free(struct dp_spread *s)
{
	for (uint16_t a = 0; a < s->n_lcores; a++)
		for (uint16_t b = 0; b < s->n_lcores; b++)
			free(s->ring[a][b]);
	free(s);
}

void
dp_spreads_free(struct dp_runtime *rt)
{
	for (uint16_t i = 0; i < rt->n_spreads; i++)
		spread_free(rt->spreads[i]);
	free(rt->spreads);
	for (uint16_t e = 0; rt->flows != NULL && e < rt->plan->n_entries; e++) {
		free(rt->flows[e].load);
		free(rt->flows[e].out);
	}
}

static int
index_of(const struct dp_spread *s, uint32_t lcore)
{
	for (uint16_t l = 0; l < s->n_lcores; l++)
		if (s->lcores[l] == lcore)
			return l;
	return -EINVAL;
}

/* The ring from one lcore to another, made when the first of its two ends asks. */
static struct rte_ring *
ring_between(struct dp_spread *s, int from, int to)
{
	if (from < 0 || to < 0)
		return NULL;
	if (s->ring[from][to] == NULL)
		s->ring[from][to] = ring_new();
	return s->ring[from][to];
}

static int
poller_init(struct dp_flow *f, struct dp_spread *s, int own)
{
	f->from = DP_FROM_SPREAD;
	f->own = (uint8_t)own;
	f->load = calloc(s->size, sizeof(*f->load));
	f->out = calloc(s->n_lcores, sizeof(*f->out));
	if (own < 0 || f->load == NULL || f->out == NULL)
		return -ENOMEM;
	for (int to = 0; to < s->n_lcores; to++) {
		if (to == own)
			continue;
		f->out[to].ring = ring_between(s, own, to);
		if (f->out[to].ring == NULL)
			return -ENOMEM;
	}
	return 0;
}

int
dp_spread_flow(struct dp_runtime *rt, struct dp_flow *f, const struct dp_plan_entry *entry,
	uint32_t lcore)
{
	struct dp_spread *s = dp_spread_of(rt, f->rx_id);
	const int own = s == NULL ? 0 : index_of(s, lcore);

	f->spread = s;
	if (s == NULL)
		return 0;
	if (entry->handed_by == DP_NONE)
		return poller_init(f, s, own);
	f->from = DP_FROM_RING;
	f->ring = ring_between(s, index_of(s, rt->plan->lcores[entry->handed_by].id), own);
	return f->ring == NULL ? -ENOMEM : 0;
}

void
dp_spread_retire(const struct dp_runtime *old, struct dp_runtime *next)
{
	for (uint16_t i = 0; i < old->n_spreads; i++) {
		const struct dp_spread *a = old->spreads[i];
		struct dp_spread *b = dp_spread_of(next, a->port_id);

		if (b == NULL || !same_lcores(a, b))
			continue;
		memcpy(b->base, a->base, sizeof(b->base));
		b->moves = a->moves;
		b->postponed = a->postponed;
		b->counted = a->counted;
		/* Moves may have been made since the next one was prepared. */
		memcpy(b->table, a->table, b->size);
	}
	for (uint16_t e = 0; e < old->plan->n_entries; e++) {
		const struct dp_flow *f = &old->flows[e];
		struct dp_spread *b = dp_spread_of(next, f->rx_id);

		if (f->spread == NULL || b == NULL || !same_lcores(f->spread, b))
			continue;
		b->counted.kept += f->kept;
		b->counted.handed += f->handed;
		b->counted.unhashed += f->unhashed;
		b->counted.dropped += f->c.drops[DP_DROP_HANDOFF];
		for (uint16_t k = 0; f->load != NULL && k < b->size; k++)
			b->base[k] += f->load[k];
	}
}

/* With every worker in a meeting or gone: send what was handed over, as its lcore would have. */
void
dp_spread_flush(const struct dp_runtime *rt)
{
	for (uint16_t e = 0; rt != NULL && rt->n_spreads > 0 && e < rt->plan->n_entries; e++)
		if (rt->flows[e].from == DP_FROM_RING)
			while (dp_take_handed(&rt->flows[e]) > 0)
				;
}

/* What the workers gave to a port, since ever. */
static uint64_t
given_to(const struct dp *dp, uint16_t port_id)
{
	uint64_t n = 0;

	for (uint16_t i = 0; i < dp->n_queues; i++)
		if (dp->queues[i].port_id == port_id)
			n += dp->queues[i].tx;
	for (uint16_t e = 0; dp->rt != NULL && e < dp->rt->plan->n_entries; e++)
		if (dp->rt->flows[e].tx_id == port_id)
			n += dp_load(&dp->rt->flows[e].c.tx);
	return n;
}

void
dp_spread_baseline(struct dp *dp, uint16_t port_id)
{
	struct rte_eth_stats st;

	dp->baseline[port_id] =
		rte_eth_stats_get(port_id, &st) == 0 ? st.opackets - given_to(dp, port_id) : 0;
}

void
dp_spread_baselines(struct dp *dp)
{
	for (uint16_t p = 0; p < dp->rt->plan->n_ports; p++)
		dp_spread_baseline(dp, dp->rt->plan->ports[p].port_id);
}

/*
 * Until the NIC has fetched all that the workers gave to the ports where this one's packets go:
 * another lcore has another TX queue, whose packets could overtake.
 */
static int
settle(struct dp *dp, const struct dp_spread *s)
{
	const uint64_t until = rte_rdtsc() + SETTLE_US * rte_get_tsc_hz() / 1000000;

	for (uint16_t e = 0; e < dp->rt->plan->n_entries; e++) {
		const struct dp_flow *f = &dp->rt->flows[e];
		struct rte_eth_stats st;

		if (f->spread != s || f->tx_id == DP_NONE)
			continue;
		while (rte_eth_stats_get(f->tx_id, &st) == 0 &&
			(int64_t)(st.opackets - dp->baseline[f->tx_id] - given_to(dp, f->tx_id)) < 0) {
			if (rte_rdtsc() > until)
				return -EAGAIN;
			rte_pause();
		}
	}
	return 0;
}

static int
check_moves(const struct dp_spread *s, const struct dp_spread_move *m, uint16_t n,
	struct vfp_err *err)
{
	for (uint16_t i = 0; i < n; i++) {
		if (m[i].entry >= s->size)
			return vfp_err_set(err, -EINVAL, "entry %u: the table has %u (0 to %u)",
				m[i].entry, s->size, s->size - 1);
		if (m[i].to >= s->n_lcores)
			return vfp_err_set(err, -EINVAL,
				"entry %u: there is no lcore %u in the table, which has %u (0 to %u)",
				m[i].entry, m[i].to, s->n_lcores, s->n_lcores - 1);
	}
	return 0;
}

static int
move_locked(struct dp *dp, struct dp_spread *s, const struct dp_spread_move *m, uint16_t n)
{
	int rc = dp_begin_meeting(dp);

	if (rc == 0) {
		dp_spread_flush(dp->rt);
		rc = dp->running ? settle(dp, s) : 0;
	}
	for (uint16_t i = 0; rc == 0 && i < n; i++)
		s->table[m[i].entry] = m[i].to;
	dp_end_meeting(dp);
	if (rc == 0)
		s->moves += n;
	else
		s->postponed += n;
	return rc;
}

int
dp_spread_move(struct dp *dp, uint16_t port_id, const struct dp_spread_move *moves, uint16_t n,
	struct vfp_err *err)
{
	struct dp_spread *s;
	int rc;

	pthread_mutex_lock(&dp->lock);
	s = dp_spread_of(dp->rt, port_id);
	if (s == NULL)
		rc = vfp_err_set(err, -ENOENT, "port %u has no software table", port_id);
	else
		rc = check_moves(s, moves, n, err);
	if (rc == 0 && n > 0) {
		rc = move_locked(dp, s, moves, n);
		if (rc != 0)
			vfp_err_set(err, rc, rc == -EAGAIN ? "the ports it sends to did not drain"
							   : "a worker did not answer");
	}
	pthread_mutex_unlock(&dp->lock);
	return rc;
}

int
dp_spread_read(struct dp *dp, uint16_t port_id, struct dp_spread_view *v)
{
	const struct dp_spread *s;

	pthread_mutex_lock(&dp->lock);
	s = dp_spread_of(dp->rt, port_id);
	if (s == NULL) {
		pthread_mutex_unlock(&dp->lock);
		return -ENOENT;
	}
	*v = (struct dp_spread_view){.size = s->size, .n_lcores = s->n_lcores, .moves = s->moves,
		.postponed = s->postponed, .kept = s->counted.kept, .handed = s->counted.handed,
		.unhashed = s->counted.unhashed, .dropped = s->counted.dropped};
	memcpy(v->lcores, s->lcores, sizeof(v->lcores));
	memcpy(v->table, s->table, s->size);
	memcpy(v->load, s->base, s->size * sizeof(v->load[0]));
	for (uint16_t e = 0; e < dp->rt->plan->n_entries; e++) {
		const struct dp_flow *f = &dp->rt->flows[e];

		if (f->spread != s)
			continue;
		v->kept += dp_load(&f->kept);
		v->handed += dp_load(&f->handed);
		v->unhashed += dp_load(&f->unhashed);
		v->dropped += dp_load(&f->c.drops[DP_DROP_HANDOFF]);
		for (uint16_t i = 0; f->load != NULL && i < s->size; i++)
			v->load[i] += __atomic_load_n(&f->load[i], __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&dp->lock);
	return 0;
}
