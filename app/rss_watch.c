/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "rss_watch.h"

/* Of one queue; written by the lcore that polls it. */
struct watch_queue {
	bool parse;
	uint64_t packets, hashed;
	uint64_t note[RSS_NOTES];
	uint64_t entry[RSS_RETA_SIZE];
} __rte_cache_aligned;

struct rss_watch {
	uint16_t n;
	bool on;
	const struct rte_eth_rxtx_callback *callback[RSS_SEEN_QUEUES];
	struct watch_queue *queue[RSS_SEEN_QUEUES];
};

static inline void
add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static uint16_t
look(uint16_t port_id, uint16_t queue, struct rte_mbuf *pkts[], uint16_t n, uint16_t max, void *arg)
{
	struct watch_queue *q = arg;
	uint16_t hashed = 0;

	(void)port_id;
	(void)queue;
	(void)max;
	for (uint16_t i = 0; i < n; i++) {
		struct rss_tuple t;

		if (pkts[i]->ol_flags & RTE_MBUF_F_RX_RSS_HASH) {
			add(&q->entry[pkts[i]->hash.rss & (RSS_RETA_SIZE - 1)], 1);
			hashed++;
		}
		if (!q->parse)
			continue;
		rss_tuple(RSS_F_ALL, rte_pktmbuf_mtod(pkts[i], const uint8_t *),
			rte_pktmbuf_data_len(pkts[i]), &t);
		add(&q->note[t.note], 1);
	}
	add(&q->packets, n);
	add(&q->hashed, hashed);
	return n;
}

static void
stop(struct port *p)
{
	struct rss_watch *w = p->watch;

	/* A queue's counts stay: its lcore may be inside the callback for a moment yet. */
	for (uint16_t q = 0; w && q < w->n; q++) {
		if (w->callback[q])
			rte_eth_remove_rx_callback(p->port_id, q, w->callback[q]);
		w->callback[q] = NULL;
	}
	if (w)
		w->on = false;
}

static int
start(struct port *p, bool parse)
{
	struct rss_watch *w = p->watch;
	int ret = 0;

	w->n = RTE_MIN(p->nb_rxq, RSS_SEEN_QUEUES);
	for (uint16_t q = 0; ret == 0 && q < w->n; q++) {
		if (!w->queue[q])
			w->queue[q] = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*w->queue[q]));
		if (!w->queue[q]) {
			ret = -ENOMEM;
			break;
		}
		memset(w->queue[q], 0, sizeof(*w->queue[q]));
		w->queue[q]->parse = parse;
		w->callback[q] = rte_eth_add_rx_callback(p->port_id, q, look, w->queue[q]);
		ret = w->callback[q] ? 0 : -ENOTSUP;
	}
	w->on = true;
	if (ret < 0)
		stop(p);
	return ret;
}

int
rss_watch_set(struct port *p, bool on, bool parse)
{
	if (!on) {
		stop(p);
		return 0;
	}
	if (!p->started)
		return -ENODEV;
	if (!p->watch)
		p->watch = calloc(1, sizeof(*p->watch));
	if (!p->watch)
		return -ENOMEM;
	stop(p);
	return start(p, parse);
}

bool
rss_watch_is_on(const struct port *p)
{
	return p->watch && p->watch->on;
}

static uint64_t
get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

int
rss_watch_read(const struct port *p, struct rss_seen *seen, uint64_t *entries)
{
	uint64_t all[RSS_RETA_SIZE] = {0};

	if (!p->watch)
		return -ENOENT;
	*seen = (struct rss_seen){0};
	for (uint16_t i = 0; i < p->watch->n; i++) {
		const struct watch_queue *q = p->watch->queue[i];

		if (!q)
			continue;
		seen->hashed += get(&q->hashed);
		seen->hashed_queues += get(&q->hashed) > 0;
		seen->queue[i] = get(&q->packets);
		seen->packets += seen->queue[i];
		for (unsigned int n = 0; n < RSS_NOTES; n++)
			seen->note[n] += get(&q->note[n]);
		for (unsigned int e = 0; e < RSS_RETA_SIZE; e++)
			all[e] += get(&q->entry[e]);
	}
	for (unsigned int e = 0; e < RSS_RETA_SIZE; e++) {
		seen->entries_hit += all[e] > 0;
		if (entries)
			entries[e] += all[e];
	}
	return 0;
}

void
rss_watch_free(struct port *p)
{
	if (!p->watch)
		return;
	stop(p);
	for (uint16_t q = 0; q < RSS_SEEN_QUEUES; q++)
		free(p->watch->queue[q]);
	free(p->watch);
	p->watch = NULL;
}
