/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every few hundred loops a worker looks up: what a loop costs at most, and whether there is anything
 * to do at all. Only here, and only where the user asked for it, it makes system calls: to sleep.
 *
 * Going to sleep has three steps, a loop apart, so that no packet is slept over: all polls were empty;
 * interrupts are enabled; all polls were empty again. Then it waits, at most SLEEP_MS, after which it
 * looks whether control has called a meeting.
 */
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_pause.h>

#include "dp_internal.h"

#define LOOPS 256
#define PAUSES 32
#define SLEEP_MS 10

static void
irqs_enable(const struct dp_worker *w, bool on)
{
	for (uint16_t i = 0; i < w->n_irqs; i++) {
		if (on)
			rte_eth_dev_rx_intr_enable(w->irqs[i].port, w->irqs[i].queue);
		else
			rte_eth_dev_rx_intr_disable(w->irqs[i].port, w->irqs[i].queue);
	}
}

void
dp_irqs_drop(struct dp_worker *w)
{
	if (w->armed)
		irqs_enable(w, false);
	w->armed = false;
	while (w->n_irqs > 0) {
		w->n_irqs--;
		rte_eth_dev_rx_intr_ctl_q(w->irqs[w->n_irqs].port, w->irqs[w->n_irqs].queue,
			RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_DEL, NULL);
	}
}

/*
 * The pool of a PF that nobody reads: net_ixgbe cannot give it an RX interrupt without touching the
 * mailbox's mask from our thread. It is looked after whenever we wake, and drop-enable makes its
 * overflow cost nobody else.
 */
static bool
is_unread(const struct dp_worker *w, const struct dp_flow *f)
{
	const struct dp_runtime *rt = w->dp->rt;

	return rt->plan->rules[rt->plan->entries[f - rt->flows].rule].implicit;
}

void
dp_irqs_take(struct dp_worker *w, const struct dp_flow *flows, uint16_t n)
{
	w->may_rest = n > 0 && w->dp->conf.idle != DP_BUSY;
	for (uint16_t i = 0; i < n; i++)
		w->may_rest &= flows[i].op != DP_OP_SOURCE || flows[i].ext->quiet;
	w->may_sleep = w->may_rest && w->dp->conf.idle == DP_INTERRUPT && n <= DP_MAX_IRQS;
	for (uint16_t i = 0; i < n && w->may_sleep; i++) {
		/* Nor may it sleep where another lcore hands packets over: that wakes nobody. */
		if (flows[i].from == DP_FROM_RING) {
			w->may_sleep = false;
			break;
		}
		if (flows[i].paused || is_unread(w, &flows[i]))
			continue;
		if (rte_eth_dev_rx_intr_ctl_q(flows[i].rx_id, flows[i].rx_queue,
			    RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD, NULL) != 0) {
			/* One queue that cannot wake it, and it must not sleep. */
			w->may_sleep = false;
			break;
		}
		w->irqs[w->n_irqs].port = flows[i].rx_id;
		w->irqs[w->n_irqs++].queue = flows[i].rx_queue;
	}
	if (!w->may_sleep)
		dp_irqs_drop(w);
	w->empty_seen = w->bursts[0];
}

static void
rest(struct dp_worker *w)
{
	struct rte_epoll_event event;

	dp_read_clock(w); /* with nothing under way, what follows is idle time */
	if (!w->may_sleep) {
		for (unsigned int i = 0; i < PAUSES; i++)
			rte_pause();
		dp_bump(&w->pauses, 1);
		dp_read_clock(w);
	} else if (!w->armed) {
		irqs_enable(w, true);
		w->armed = true;
	} else {
		dp_bump(&w->sleeps, 1);
		rte_epoll_wait(RTE_EPOLL_PER_THREAD, &event, 1, SLEEP_MS);
		irqs_enable(w, false);
		w->armed = false;
		dp_read_clock(w);
	}
}

uint32_t
dp_housekeep(struct dp_worker *w, uint32_t polls)
{
	const uint64_t empty = w->bursts[0] - w->empty_seen;

	w->empty_seen = w->bursts[0];
	if (!w->may_rest || empty < polls ||
		__atomic_load_n(&w->dp->awake, __ATOMIC_RELAXED)) {
		if (w->armed)
			irqs_enable(w, false);
		w->armed = false;
		return LOOPS;
	}
	rest(w);
	return 1;
}
