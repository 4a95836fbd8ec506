/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The polling loop. No system call, no allocation, no log, no lock. A reading of the clock ends an
 * interval of polls and begins the next one. The plain flows (io, mac, macswap from a queue of their
 * own) share readings, see look(); every other poll is an interval of its own. A second
 * reading after rx_burst would cost 2.7 % of the rate on net_null; without it the driver's own receive
 * call is part of the residence.
 */
#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <rte_ring_elem.h>

#include "dp_internal.h"

/* The work of polls, in units of about a packet, in one number with how many polls it was. */
#define POLL	   (UINT32_C(1) << 16)
#define BURST_COST 2 /* units: a poll's own */
#define BUDGET_MAX 1024
/* Intervals between two looks at what polls take one by one. */
#define PERIOD 1024
/* Two slow intervals nearer than this are no chance. */
#define NEAR 16
/* After a burst that is no full one there is so much less of the budget. */
#define SHORT 8

/* How far ahead of the rewriting a frame is fetched: about the time of a last-level hit. */
#define PREFETCH_AHEAD 4

static __rte_always_inline void
prefetch_frame(struct rte_mbuf *m)
{
	rte_prefetch0(rte_pktmbuf_mtod(m, void *));
}

/* A frame may begin anywhere, behind a tag for one. DPDK's unaligned types are plain ones on x86. */
typedef uint64_t mac_u64 __attribute__((aligned(1), may_alias));
typedef uint32_t mac_u32 __attribute__((aligned(1), may_alias));

/* Two stores a packet: both addresses are known beforehand. */
static __rte_always_inline void
set_macs(struct rte_mbuf *m, uint64_t low, uint32_t high)
{
	*rte_pktmbuf_mtod(m, mac_u64 *) = low;
	*rte_pktmbuf_mtod_offset(m, mac_u32 *, 8) = high;
}

/* Two loads, two stores. Bytes 0-5 are the destination, 6-11 the source, in memory order. */
static __rte_always_inline void
swap_macs(struct rte_mbuf *m)
{
	mac_u64 *const p = rte_pktmbuf_mtod(m, mac_u64 *);
	mac_u32 *const q = rte_pktmbuf_mtod_offset(m, mac_u32 *, 8);
	const uint64_t a = rte_le_to_cpu_64(*p), b = rte_le_to_cpu_32(*q);
	const uint64_t source = a >> 48 | b << 16;

	*p = rte_cpu_to_le_64(source | a << 48);
	*q = rte_cpu_to_le_32((uint32_t)(a >> 16));
}

static __rte_always_inline void
rewrite(const struct dp_flow *f, struct rte_mbuf **pkts, uint16_t n, enum dp_op op)
{
	const uint64_t low = f->mac_low;
	const uint32_t high = f->mac_high;

	if (op != DP_OP_MAC && op != DP_OP_MACSWAP)
		return;
	for (uint16_t i = 0; i < n && i < PREFETCH_AHEAD; i++)
		prefetch_frame(pkts[i]);
	for (uint16_t i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			prefetch_frame(pkts[i + PREFETCH_AHEAD]);
		if (op == DP_OP_MAC)
			set_macs(pkts[i], low, high);
		else
			swap_macs(pkts[i]);
	}
}

static __rte_always_inline void
record(struct dp_flow *f, uint64_t from, uint64_t empty, uint64_t now, uint32_t n)
{
	if (f->rec != NULL)
		lat_record(f->rec, now - from, now - empty, n);
}

/*
 * The TX queue took only `sent` of n at once. Every further acceptance weighs in with its own time. Out
 * of line: with a queue that drains this never runs. @return the clock at the end
 */
static __rte_noinline uint64_t
send_rest(struct dp_flow *f, struct rte_mbuf **pkts, uint16_t sent, uint16_t n, uint64_t from,
	uint64_t empty)
{
	uint64_t now = rte_rdtsc();

	if (sent > 0)
		record(f, from, empty, now, sent);
	for (uint16_t try = 0; try < f->tx_retries && sent < n; try++) {
		uint16_t more;

		rte_pause();
		more = rte_eth_tx_burst(f->tx_id, f->tx_queue, pkts + sent, n - sent);
		now = rte_rdtsc();
		if (more == 0)
			continue;
		sent += more;
		record(f, from, empty, now, more);
	}
	dp_bump(&f->c.tx, sent);
	if (sent < n) {
		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
		dp_bump(&f->c.drops[DP_DROP_TX_FULL], n - sent);
	}
	return now;
}

/* @return the clock when the last packet was accepted or given up */
static __rte_always_inline uint64_t
forward(struct dp_flow *f, struct rte_mbuf **pkts, uint16_t n, uint64_t from, enum dp_op op)
{
	uint64_t now;
	uint16_t sent;

	rewrite(f, pkts, n, op);
	sent = rte_eth_tx_burst(f->tx_id, f->tx_queue, pkts, n);
	if (unlikely(sent < n))
		return send_rest(f, pkts, sent, n, from, f->last_empty);
	now = rte_rdtsc();
	dp_bump(&f->c.tx, n);
	record(f, from, f->last_empty, now, n);
	return now;
}

uint64_t
dp_send(struct dp_flow *f, struct rte_mbuf **pkts, uint16_t n, uint64_t from)
{
	return forward(f, pkts, n, from, DP_OP_IO);
}

void
dp_rewrite(const struct dp_flow *f, struct rte_mbuf **pkts, uint16_t n, enum dp_op op)
{
	rewrite(f, pkts, n, op);
}

static __rte_always_inline uint64_t
finish(struct rte_mbuf **pkts, uint16_t n, uint64_t *counter)
{
	rte_pktmbuf_free_bulk(pkts, n);
	dp_bump(counter, n);
	return rte_rdtsc();
}

/* op is a constant wherever this is inlined: no decision per packet is left. */
static __rte_always_inline void
poll(struct dp_worker *w, struct dp_flow *f, enum dp_op op)
{
	struct rte_mbuf *pkts[DP_MAX_BURST];
	const uint64_t before = w->last;
	const uint16_t n = rte_eth_rx_burst(f->rx_id, f->rx_queue, pkts, f->burst);
	uint64_t done;

	if (n == 0) {
		dp_poll_empty(w, f, before);
		return;
	}
	if (op == DP_OP_SINK)
		done = finish(pkts, n, &f->c.consumed);
	else if (op == DP_OP_NO_ROUTE)
		done = finish(pkts, n, &f->c.drops[DP_DROP_NO_ROUTE]);
	else
		done = finish(pkts, n, &f->c.drops[DP_DROP_STOPPING]);
	dp_poll_done(w, f, n, before, done);
}

/* So long between two readings that somebody waited: the scheduler, an interrupt, a driver. */
static __rte_noinline void
hiccup(struct dp_worker *w, uint64_t ticks)
{
	dp_bump(&w->hiccups, 1);
	if (ticks > w->longest)
		__atomic_store_n(&w->longest, ticks, __ATOMIC_RELAXED);
}

/* What so many units take as a rule, in ticks. */
static __rte_always_inline uint64_t
expected(const struct dp_worker *w, uint32_t units)
{
	return (uint64_t)units * w->pace >> DP_PACE_BITS;
}

/*
 * After a look: how many units may share a reading. As many as take SPAN, and as few as keep what they
 * take within a grain of what is expected, at four standard deviations.
 */
static void
choose_budget(struct dp_worker *w)
{
	double took = 0, units = 0, square = 0, polls, pace;

	for (unsigned int i = 0; i < DP_LOOK; i++) {
		took += w->looked[i].took;
		units += w->looked[i].units;
	}
	pace = took / units;
	for (unsigned int i = 0; i < DP_LOOK; i++) {
		const double off = w->looked[i].took - pace * w->looked[i].units;

		square += off * off;
	}
	polls = (double)w->grain * (double)w->grain / 16 / (square / DP_LOOK + 1);
	polls = RTE_MIN(polls, (double)w->span * DP_LOOK / took);
	w->budget = (uint16_t)RTE_MIN(polls * units / DP_LOOK, (double)BUDGET_MAX);
	/* In a poll by itself the reading has its part: intervals know better, unless much changed. */
	if (pace < w->alone * 0.75 || pace > w->alone * 1.25)
		w->pace = (uint32_t)RTE_MIN(pace * (1 << DP_PACE_BITS), (double)UINT32_MAX);
	w->alone = pace;
}

/*
 * A reading of the clock takes 17 ns in a guest and lets the processor do nothing beside it, where a
 * driver that only moves pointers passes a burst on in 27. So polls share one, and a packet's residence
 * is its poll's part of what all took, by units. How much polls differ is looked at one by one, now and
 * then, and when two intervals soon after each other were slow: they took a grain more than expected.
 */
static __rte_noinline void
look(struct dp_worker *w, uint64_t took, uint32_t units, bool slow)
{
	if (took > w->too_long)
		hiccup(w, took);
	if (units == 0 || w->unread == NULL)
		return;
	if (w->looks > 0) {
		w->looked[--w->looks] = (struct dp_look){(double)took, units};
		if (w->looks == 0) {
			choose_budget(w);
			w->till_look = w->slow_at = PERIOD;
		}
		return;
	}
	if (slow && w->slow_at - w->till_look < NEAR) {
		w->till_look = 0;
		w->alone = 0; /* what was usual is so no more */
	}
	if (w->till_look <= 0) {
		w->looks = DP_LOOK;
		w->budget = 0;
	}
	if (slow)
		w->slow_at = w->till_look;
}

/*
 * One of the polls was slow, and which is not known: each flow is told of it for its part of one poll's
 * packets. So a maximum is never missed, and a percentile counts it once.
 */
static __rte_noinline void
record_slow(struct dp_worker *w, struct dp_flow *f, uint64_t took, uint64_t now)
{
	const uint32_t own = (BURST_COST * f->polls + f->came) / f->polls;
	const uint32_t n = RTE_MAX(f->came / (w->used / POLL), 1u);

	record(f, now - took + expected(w, w->used % POLL - own), f->empty, now, n);
	if (n < f->came)
		record(f, now - expected(w, own), f->empty, now, f->came - n);
}

/* Count and record the packets of an interval, of which its polls took so much. */
static __rte_always_inline void
end_interval(struct dp_worker *w, uint64_t took, uint64_t now)
{
	const uint32_t polls = w->used / POLL, units = w->used % POLL;
	const uint64_t usual = expected(w, units);
	const bool late = took > usual + w->grain, slow = late && polls > 1;

	if (w->unread == NULL)
		dp_bump(&w->idle, took);
	else
		w->till_look--;
	if (unlikely(late || w->till_look <= 0 || w->looks > 0))
		look(w, took, units, slow);
	else if (polls > 1 && units >= w->budget / SHORT) /* a small step towards the median */
		w->pace += took > usual ? w->pace >> 10 : -(w->pace >> 10);
	for (struct dp_flow *f = w->unread; f != NULL; f = f->unread) {
		const uint32_t n = f->came, own = BURST_COST * f->polls + n;

		if (unlikely(n == 0)) /* send_apart() dealt with them */
			continue;
		dp_bump(&f->c.rx, n);
		dp_bump(&f->c.tx, n);
		if (unlikely(slow))
			record_slow(w, f, took, now);
		else
			record(f, now - took * own / ((uint64_t)f->polls * units), f->empty, now, n);
		f->came = f->polls = 0;
	}
	w->unread = NULL;
	w->used = 0;
	__atomic_store_n(&w->last, now, __ATOMIC_RELAXED);
}

static __rte_always_inline void
read_clock(struct dp_worker *w)
{
	const uint64_t now = rte_rdtsc();

	end_interval(w, now - w->last, now);
}

void
dp_read_clock(struct dp_worker *w)
{
	read_clock(w);
}

/*
 * Not all was accepted at once, and the clock was read for each further part: this poll is an interval
 * of its own. When it began is taken from how long those before it take as a rule.
 */
static __rte_noinline void
send_apart(struct dp_worker *w, struct dp_flow *f, struct rte_mbuf **pkts, uint16_t sent, uint16_t n)
{
	const uint64_t as_usual = w->last + expected(w, w->used % POLL);
	const uint64_t now = rte_rdtsc(), begun = RTE_MIN(now, as_usual);
	const uint64_t done = send_rest(f, pkts, sent, n, begun, f->empty);

	dp_bump(&f->c.rx, n);
	if (done - begun > w->too_long)
		hiccup(w, done - begun);
	end_interval(w, begun - w->last, done);
}

/*
 * A poll of a plain flow: its packets are counted and recorded at the next reading. They share its
 * time, and for the bound the stamp at which the queue was empty before the first of them.
 * @return from how many units in the interval on the clock is to be read
 */
static __rte_always_inline uint32_t
poll_plain(struct dp_worker *w, struct dp_flow *f, enum dp_op op)
{
	struct rte_mbuf *pkts[DP_MAX_BURST];
	const uint16_t n = rte_eth_rx_burst(f->rx_id, f->rx_queue, pkts, f->burst);
	uint16_t sent;

	if (n == 0) {
		f->last_empty = w->last;
		dp_bump(&f->empty_polls, 1);
		dp_bump(&w->bursts[0], 1);
		w->used += POLL + BURST_COST;
		return 0; /* there is time for it */
	}
	if (f->came == 0) {
		f->empty = f->last_empty;
		f->unread = w->unread;
		w->unread = f;
	}
	if (n < f->full)
		f->last_empty = w->last;
	dp_bump(&w->bursts[32 - __builtin_clz(n)], 1);
	rewrite(f, pkts, n, op);
	sent = rte_eth_tx_burst(f->tx_id, f->tx_queue, pkts, n);
	if (unlikely(sent < n)) {
		send_apart(w, f, pkts, sent, n);
		return UINT32_MAX;
	}
	f->came += n;
	f->polls++;
	w->used += POLL + BURST_COST + n;
	/* Where bursts prove queues empty, a bound is worth being close. */
	return n < f->full ? w->budget / SHORT : w->budget;
}

/* What is done with packets of a flow whose op is not known beforehand. @return the clock after */
static uint64_t
dispatch(struct dp_flow *f, struct rte_mbuf **pkts, uint16_t n, uint64_t from)
{
	switch (f->op) {
	case DP_OP_SINK:
		return finish(pkts, n, &f->c.consumed);
	case DP_OP_NO_ROUTE:
		return finish(pkts, n, &f->c.drops[DP_DROP_NO_ROUTE]);
	case DP_OP_STOPPING:
		return finish(pkts, n, &f->c.drops[DP_DROP_STOPPING]);
	case DP_OP_MAC:
		return forward(f, pkts, n, from, DP_OP_MAC);
	case DP_OP_MACSWAP:
		return forward(f, pkts, n, from, DP_OP_MACSWAP);
	case DP_OP_EDIT:
		n = f->ext->edit(f, pkts, n);
		return n > 0 ? forward(f, pkts, n, from, DP_OP_IO) : rte_rdtsc();
	default:
		return forward(f, pkts, n, from, DP_OP_IO);
	}
}

/* A ring without room drops: waiting for another lcore would let it stop this one. */
static void
hand_over(struct dp_flow *f, struct dp_out *out)
{
	const uint16_t n = out->n;
	const unsigned int taken = rte_ring_sp_enqueue_burst_elem(
		out->ring, out->packets, sizeof(out->packets[0]), n, NULL);

	out->n = 0;
	dp_bump(&f->handed, taken);
	if (likely(taken == n))
		return;
	for (uint16_t i = taken; i < n; i++)
		rte_pktmbuf_free(out->packets[i].m);
	dp_bump(&f->c.drops[DP_DROP_HANDOFF], n - taken);
}

/* Share a burst out by the table; what stays here comes to the front. @return how many stay */
static __rte_always_inline uint16_t
share_out(struct dp_flow *f, struct rte_mbuf **pkts, uint16_t n, uint64_t from)
{
	const uint8_t *const table = f->spread->table;
	const uint32_t mask = f->spread->size - 1u;
	const uint64_t waited = (from - f->last_empty) >> DP_HANDOFF_SHIFT;
	const uint32_t since = (uint32_t)(from >> DP_HANDOFF_SHIFT);
	const uint32_t bound = waited > UINT32_MAX ? UINT32_MAX : (uint32_t)waited;
	uint16_t kept = 0, unhashed = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *const m = pkts[i];
		uint32_t entry;
		uint8_t to;

		if (unlikely(!(m->ol_flags & RTE_MBUF_F_RX_RSS_HASH))) {
			unhashed++;
			pkts[kept++] = m;
			continue;
		}
		entry = m->hash.rss & mask;
		to = table[entry];
		__atomic_store_n(&f->load[entry], f->load[entry] + 1, __ATOMIC_RELAXED);
		if (to == f->own) {
			pkts[kept++] = m;
		} else {
			struct dp_out *const out = &f->out[to];

			out->packets[out->n++] = (struct dp_handoff){m, since, bound};
		}
	}
	for (uint16_t to = 0; to < f->spread->n_lcores; to++)
		if (f->out[to].n > 0)
			hand_over(f, &f->out[to]);
	dp_bump(&f->kept, kept);
	dp_bump(&f->unhashed, unhashed);
	return kept;
}

/* As poll(), through the table. */
static __rte_noinline void
poll_spread(struct dp_worker *w, struct dp_flow *f)
{
	struct rte_mbuf *pkts[DP_MAX_BURST];
	const uint64_t before = w->last;
	const uint16_t n = rte_eth_rx_burst(f->rx_id, f->rx_queue, pkts, f->burst);
	uint16_t kept;

	if (n == 0) {
		dp_poll_empty(w, f, before);
		return;
	}
	kept = share_out(f, pkts, n, before);
	dp_poll_done(w, f, n, before,
		kept > 0 ? dispatch(f, pkts, kept, before) : rte_rdtsc());
}

uint16_t
dp_take_handed(struct dp_flow *f)
{
	struct dp_handoff in[DP_MAX_BURST];
	struct rte_mbuf *pkts[DP_MAX_BURST];
	const unsigned int n =
		rte_ring_sc_dequeue_burst_elem(f->ring, in, sizeof(in[0]), f->burst, NULL);
	const uint64_t now = n > 0 ? rte_rdtsc() : 0;

	/* What was polled in one burst has one time, and goes on as one. */
	for (unsigned int first = 0, end; first < n; first = end) {
		const uint32_t age = (uint32_t)(now >> DP_HANDOFF_SHIFT) - in[first].from;
		const uint64_t from = now - ((uint64_t)age << DP_HANDOFF_SHIFT);

		for (end = first; end < n && in[end].from == in[first].from &&
				  in[end].bound == in[first].bound; end++)
			pkts[end] = in[end].m;
		f->last_empty = from - ((uint64_t)in[first].bound << DP_HANDOFF_SHIFT);
		dispatch(f, pkts + first, end - first, from);
	}
	dp_bump(&f->taken, n);
	return (uint16_t)n;
}

static __rte_noinline void
poll_handed(struct dp_worker *w, struct dp_flow *f)
{
	const uint64_t before = w->last;
	const uint16_t n = dp_take_handed(f);
	const uint64_t done = rte_rdtsc();

	if (n == 0) {
		dp_bump(&w->idle, done - before);
		dp_bump(&f->empty_polls, 1);
	}
	dp_bump(&w->bursts[n == 0 ? 0 : 32 - __builtin_clz(n)], 1);
	__atomic_store_n(&w->last, done, __ATOMIC_RELAXED);
}

static __rte_always_inline void
poll_shared(struct dp_worker *w, struct dp_flow *f)
{
	uint32_t limit;

	if (f->op == DP_OP_IO)
		limit = poll_plain(w, f, DP_OP_IO);
	else if (f->op == DP_OP_MAC)
		limit = poll_plain(w, f, DP_OP_MAC);
	else
		limit = poll_plain(w, f, DP_OP_MACSWAP);
	if (w->used % POLL >= limit)
		read_clock(w);
}

static void
poll_by_op(struct dp_worker *w, struct dp_flow *f)
{
	switch (f->op) {
	case DP_OP_IO:
	case DP_OP_MAC:
	case DP_OP_MACSWAP:
		break; /* poll_shared() */
	case DP_OP_SINK:
		poll(w, f, DP_OP_SINK);
		break;
	case DP_OP_NO_ROUTE:
		poll(w, f, DP_OP_NO_ROUTE);
		break;
	case DP_OP_STOPPING:
		poll(w, f, DP_OP_STOPPING);
		break;
	case DP_OP_EDIT:
		dp_poll_edit(w, f);
		break;
	case DP_OP_SOURCE:
		dp_poll_source(w, f);
		break;
	}
}

/* An interval of its own. */
static __rte_noinline void
poll_alone(struct dp_worker *w, struct dp_flow *f)
{
	uint64_t before;

	if (w->used > 0)
		read_clock(w);
	before = w->last;
	if (f->from == DP_FROM_SPREAD)
		poll_spread(w, f);
	else if (f->from == DP_FROM_RING)
		poll_handed(w, f);
	else
		poll_by_op(w, f);
	if (unlikely(w->last - before > w->too_long))
		hiccup(w, w->last - before);
}

static __rte_always_inline void
poll_flow(struct dp_worker *w, struct dp_flow *f)
{
	if (likely(f->plain))
		poll_shared(w, f);
	else
		poll_alone(w, f);
}
/*
 * Control calls: say that we are out of the flows, wait until everybody is and control has done what
 * it wanted. The acquire on go pairs with control's release after the swap.
 */
static __rte_noinline void
meet(struct dp_worker *w, uint32_t gen)
{
	/* Control may close the port: nothing of it may be left with us. */
	dp_irqs_drop(w);
	__atomic_store_n(&w->ack, gen, __ATOMIC_RELEASE);
	while ((int32_t)(__atomic_load_n(&w->dp->go, __ATOMIC_ACQUIRE) - gen) < 0)
		rte_pause();
}

/* What passed since the last poll was not spent polling. */
static void
resume(struct dp_worker *w)
{
	const uint64_t now = rte_rdtsc();

	if (w->born == 0)
		w->born = w->last = now;
	dp_bump(&w->away, now - w->last);
	__atomic_store_n(&w->last, now, __ATOMIC_RELAXED);
}

/* The worker's flows in the current plan; none when the plan has no work for its lcore. */
static uint16_t
flows_of(const struct dp_worker *w, struct dp_flow **flows)
{
	const struct dp_runtime *rt = w->dp->rt;

	for (uint16_t l = 0; l < rt->plan->n_lcores; l++)
		if (rt->plan->lcores[l].id == w->lcore) {
			*flows = rt->flows + rt->plan->lcores[l].first;
			return rt->plan->lcores[l].n;
		}
	return 0;
}

/* Those whose polls share readings of the clock. */
static bool
is_plain(const struct dp_flow *f)
{
	return f->from == DP_FROM_QUEUE &&
	       (f->op == DP_OP_IO || f->op == DP_OP_MAC || f->op == DP_OP_MACSWAP);
}

/* Put those to be polled into a circle. @return the first one, NULL when there are none */
static struct dp_flow *
circle(struct dp_flow *flows, uint16_t n, uint32_t *polled)
{
	struct dp_flow *first = NULL, *last = NULL;

	*polled = 0;
	for (struct dp_flow *f = flows; f < flows + n; f++) {
		if (f->paused)
			continue;
		f->plain = is_plain(f);
		if (first == NULL)
			first = f;
		else
			last->next = f;
		last = f;
		++*polled;
	}
	if (last != NULL)
		last->next = first;
	return first;
}

/*
 * Two polls a turn, round the circle: as each has code of its own, where an interval of two polls ends
 * is no riddle to the branch predictor, whose memory one poll of a driver fills. (Worth 2 % of io's
 * rate on net_null against a loop over the flows.)
 */
int
dp_worker_main(void *arg)
{
	struct dp_worker *const w = arg;
	struct dp *const dp = w->dp;
	struct dp_flow *flows = NULL, *f = NULL;
	uint32_t seen = __atomic_load_n(&w->gen, __ATOMIC_ACQUIRE) - 1;
	uint32_t polled = 0, turns = 1, left = 1;

	for (;;) {
		const uint32_t gen = __atomic_load_n(&w->gen, __ATOMIC_ACQUIRE);

		if (unlikely(gen != seen)) {
			uint16_t n;

			if (w->used > 0)
				read_clock(w);
			meet(w, gen);
			seen = gen;
			if (!dp->run)
				return 0;
			n = flows_of(w, &flows);
			f = circle(flows, n, &polled);
			dp_irqs_take(w, flows, n);
			resume(w);
			turns = left = 1;
		}
		if (likely(f != NULL)) {
			poll_flow(w, f);
			f = f->next;
			poll_flow(w, f);
			f = f->next;
		} else {
			rte_pause();
		}
		if (unlikely(--left == 0))
			turns = left = dp_housekeep(w, f != NULL ? 2 * turns : 0) * ((polled + 1) / 2);
	}
}
