/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DP_INTERNAL_H
#define DP_INTERNAL_H

/*
 * What control.c, stats.c and worker.c share. Who writes what is said at every struct:
 *
 *   control  the thread that holds dp->lock, while the workers are parked, stopped or unaware
 *   worker   the one lcore that polls
 */

#include <pthread.h>
#include <sched.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "dp_stats.h"
#include "dp_worker.h"
#include "lat_recorder.h"

/* What a flow does with a packet. Beyond the user's modes: two ways to drop on purpose. */
enum dp_op {
	DP_OP_IO,
	DP_OP_MAC,
	DP_OP_MACSWAP,
	DP_OP_SINK,
	DP_OP_NO_ROUTE,
	DP_OP_STOPPING,
};

/* Where a flow's packets come from. */
enum dp_source {
	DP_FROM_QUEUE,	/* an RX queue, whose packets are all its own */
	DP_FROM_SPREAD, /* an RX queue, whose packets the software table shares out */
	DP_FROM_RING,	/* what another lcore hands over */
};

/*
 * A packet on its way to another lcore, in 16 bytes. Times are in units of 16 ticks, so that their
 * low half comes round after half a minute only: a worker that is not let run may be late by seconds.
 */
#define DP_HANDOFF_SHIFT 4
struct dp_handoff {
	struct rte_mbuf *m;
	uint32_t from;	/* low half of the time at which its burst was asked for */
	uint32_t bound; /* how long before that its queue was last known empty; at most 2^32-1 */
};

/* What a poll found for another lcore. Worker. */
struct dp_out {
	struct rte_ring *ring;
	uint16_t n;
	struct dp_handoff packets[DP_MAX_BURST];
};

struct dp_spread_counts {
	uint64_t kept, handed, unhashed, dropped;
};

/* A port's software table in a runtime. */
struct dp_spread {
	/* control, while the workers are in a meeting or unaware */
	uint16_t port_id, size, n_lcores;
	uint32_t lcores[DP_SPREAD_LCORES];
	struct rte_ring *ring[DP_SPREAD_LCORES][DP_SPREAD_LCORES]; /* from, to */
	uint64_t base[DP_SPREAD_MAX];	 /* load counted by flows of earlier runtimes */
	struct dp_spread_counts counted; /* likewise */
	uint64_t moves, postponed;
	uint8_t table[DP_SPREAD_MAX] __rte_cache_aligned; /* read by workers */
};

/* An RX queue, what happens to its packets, and what was counted. One per entry of a plan. */
struct dp_flow {
	/* control, before the worker sees it */
	enum dp_op op;
	enum dp_source source;
	uint16_t rx_id, rx_queue;
	uint16_t tx_id, tx_queue;
	uint16_t burst;
	uint16_t full; /* lat_full_burst(burst) */
	uint16_t tx_retries;
	bool paused;	       /* its RX port is: not polled */
	uint64_t mac_low;      /* the first 12 bytes of the frame in mode mac: */
	uint32_t mac_high;     /* destination, then source, as they lie in memory */
	struct lat_recorder *rec; /* NULL: latency is not recorded */
	uint16_t worker;	       /* index into dp->workers */
	uint16_t rxq, txq;     /* indexes into dp->queues; txq DP_NONE for a sink */
	uint16_t rule;	       /* index into dp->rules */
	/* with a software table: */
	uint8_t own;		  /* this lcore's index in the table */
	struct dp_spread *spread; /* NULL: none */
	struct rte_ring *ring;	  /* DP_FROM_RING: from where */
	struct dp_out *out;	  /* DP_FROM_SPREAD: by lcore of the table */
	uint32_t *load;		  /* DP_FROM_SPREAD: packets by entry; worker writes */

	/* worker */
	struct dp_counts c __rte_cache_aligned;
	uint64_t last_empty; /* tick before the last poll that proved the queue empty */
	uint64_t empty_polls; /* how many gave nothing */
	uint64_t kept, handed, unhashed; /* of a software table */
	uint64_t taken;			 /* from the ring */
} __rte_aligned(128);

/* A plan made ready to run: immutable but for the workers' counters. */
struct dp_runtime {
	struct dp_plan *plan;
	struct dp_flow *flows; /* in the order of plan->entries: an lcore's are side by side */
	uint16_t n_spreads;
	struct dp_spread **spreads;
};

struct dp_worker {
	/* control */
	struct dp *dp;
	uint32_t lcore;
	bool launched;
	uint64_t rx; /* of flows of earlier plans */

	uint32_t gen; /* raised to call the worker to a meeting */

	/*
	 * worker. In this order, full bursts of 32 touch the second line only: between two bursts the
	 * mbufs push everything else out of the first-level cache.
	 */
	uint32_t ack __rte_cache_aligned; /* the generation that it has seen */
	uint64_t idle;
	uint64_t bursts[DP_BURST_BINS];
	uint64_t last; /* the clock as it was last read: until then it was busy, idle or away */
	uint64_t born; /* the clock when it first ran */
	uint64_t away; /* ticks between runs and in meetings */
} __rte_aligned(128);

/* A rule by its name, for as long as the data path lives. Control. */
struct dp_rule_state {
	char name[DP_NAME];
	struct dp_counts base; /* of flows of earlier plans */
	struct lat_recorder *rec[DP_MAX_LCORES]; /* by lcore index: see dp->workers */
	struct lat_view *view[LAT_WORKER_KINDS]; /* NULL until the first clear */
};

/* A queue pair by port and number: what flows of earlier plans counted. Control. */
struct dp_queue_state {
	uint16_t port_id, queue;
	uint64_t rx, tx, tx_dropped;
};

struct dp {
	/* control; workers read it in a meeting only */
	uint32_t gen; /* of the last meeting; every launched worker has it too */
	uint32_t go;  /* set to gen when the meeting is over */
	bool run;     /* false: leave the loop */
	struct dp_runtime *rt;

	pthread_mutex_t lock __rte_cache_aligned;
	struct dp_conf conf;
	bool running;
	uint16_t n_workers;
	struct dp_worker *workers[DP_MAX_LCORES];
	uint16_t n_rules;
	struct dp_rule_state **rules;
	uint16_t n_queues;
	struct dp_queue_state *queues;
	bool paused[RTE_MAX_ETHPORTS];
	bool stopping; /* flows drop instead of forwarding */
	struct lat_hist *scratch;
	uint64_t baseline[RTE_MAX_ETHPORTS]; /* NIC's count of sent packets less the workers' */
};

extern int dp_logtype;

/* One writer: a plain addition whose store a reader on another core sees whole. */
static __rte_always_inline void
dp_bump(uint64_t *counter, uint64_t by)
{
	__atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

static inline uint64_t
dp_load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* The loop of one lcore; arg is its struct dp_worker. */
int dp_worker_main(void *arg);

/* Take what lies in a DP_FROM_RING flow's ring, once. Its lcore, or control while that is away. */
uint16_t dp_take_handed(struct dp_flow *f);

/* control.c */

/*
 * Call all workers together. With 0 every one of them is out of its flows and waits for
 * dp_end_meeting(); with -ETIMEDOUT the caller must change nothing and still call it.
 */
int dp_begin_meeting(struct dp *dp);
void dp_end_meeting(struct dp *dp);

/* spread.c: all with dp->lock held */

/* Make the tables of a runtime's plan. -ENOMEM; what was made is freed with the runtime. */
int dp_spreads_make(struct dp *dp, struct dp_runtime *rt);
void dp_spreads_free(struct dp_runtime *rt);
/* Put a flow into its port's table, if it has one. -ENOMEM */
int dp_spread_flow(struct dp_runtime *rt, struct dp_flow *f, const struct dp_plan_entry *entry,
	uint32_t lcore);
struct dp_spread *dp_spread_of(const struct dp_runtime *rt, uint16_t port_id);
/* Counts and table of the old runtime go on in the next. In a meeting. */
void dp_spread_retire(const struct dp_runtime *old, struct dp_runtime *next);
/* Send what lies in the rings. In a meeting, or with all workers gone. */
void dp_spread_flush(const struct dp_runtime *rt);
/* The port has nothing under way now: what the NIC says then is the zero of later comparisons. */
void dp_spread_baseline(struct dp *dp, uint16_t port_id);

/* runtime.c: all with dp->lock held */

/* Make a plan ready. Adds to the tables of rules, queues and workers what is new. -ENOMEM */
int dp_runtime_new(struct dp *dp, struct dp_plan *plan, struct dp_runtime **rt);
/* Free it, and its plan when with_plan. */
void dp_runtime_free(struct dp_runtime *rt, bool with_plan);
/* Add its counts to the tables and hand its stamps on. No worker may be using old or next. */
void dp_runtime_retire(struct dp *dp, const struct dp_runtime *old, struct dp_runtime *next);
/* The worker of an lcore, made if need be; NULL when out of memory or of places. */
struct dp_worker *dp_worker_of(struct dp *dp, uint32_t lcore);

#endif
