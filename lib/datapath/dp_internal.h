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
#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "dp_stats.h"
#include "dp_worker.h"
#include "lat_recorder.h"
#include "probe.h"

/* What a flow does with a packet. Beyond the user's modes: two ways to drop on purpose. */
enum dp_op {
	DP_OP_IO,
	DP_OP_MAC,
	DP_OP_MACSWAP,
	DP_OP_SINK,
	DP_OP_NO_ROUTE,
	DP_OP_STOPPING,
	DP_OP_EDIT,   /* edit.c: echo, VLAN tags */
	DP_OP_SOURCE, /* source.c */
};

/* Where a flow's packets come from. */
enum dp_from {
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
struct dp_flow;

/* Headers of what a source sends: Ethernet, perhaps a tag, IPv4, UDP. */
#define DP_HEADER_MAX (14 + 4 + 20 + 8)

/* What the modes behind DP_OP_EDIT and DP_OP_SOURCE need besides. Control, before the worker sees it. */
struct dp_ext {
	struct dp_rule_opts opts;
	enum dp_op base; /* what is done to the addresses, in edit */
	uint8_t mac[6];	 /* of the port */
	/* Works on n packets, puts those to be sent in front and ends the others. @return how many */
	uint16_t (*edit)(struct dp_flow *f, struct rte_mbuf **pkts, uint16_t n);

	/* a source's: one header per size */
	struct dp_source *source;
	bool quiet; /* only take what comes back */
	uint16_t header_len;
	uint16_t port_at; /* of the UDP source port, which tells flows apart */
	uint16_t port_first;
	struct {
		uint8_t header[DP_HEADER_MAX];
		uint16_t len; /* without FCS */
	} sizes[DP_MAX_SIZES];
};

/*
 * A source's place in its sequence and what came back, by rule and RX queue. Outlives plans, so that
 * numbers go on; there is another one when the configuration of the rule changes. A sink of probes
 * has one for what comes.
 */
struct dp_source {
	/* control */
	struct dp_source *next;
	struct dp_source_conf conf;
	struct rte_mempool *pool;
	uint16_t queue, queues; /* which of how many share the rule's rate and count */
	uint16_t id;		/* in its probes */
	uint16_t n_sizes, flows;
	uint64_t gap;	/* mean ticks between two packets, << DP_GAP_BITS; 0: none */
	uint64_t bursts_gap; /* pattern bursts: what a whole burst takes */
	uint64_t quota; /* packets */
	uint64_t began; /* when its time began to count */
	struct lat_hist *times; /* of the probes that came; NULL without */
	bool arrivals;	/* a sink's, with the id of the source whose probes come */

	/* worker */
	uint64_t made __rte_cache_aligned; /* packets */
	uint64_t behind;		   /* were due, and are not made any more */
	uint64_t owed;			   /* ticks << DP_GAP_BITS not yet used up */
	uint64_t now;			   /* until when ticks were counted: at last the end */
	uint64_t next_gap;
	uint64_t random;
	uint32_t round; /* the number of a flow's next packet */
	uint16_t flow, size;
	/* by the sender's queue and flow; the worker of this queue writes */
	struct dp_stream streams[] __rte_cache_aligned;
};

#define DP_GAP_BITS 16

/* An RX queue, what happens to its packets, and what was counted. One per entry of a plan. */
struct dp_flow {
	/* control, before the worker sees it */
	enum dp_op op;
	enum dp_from from;
	uint16_t rx_id, rx_queue;
	uint16_t tx_id, tx_queue;
	uint16_t burst;
	uint16_t full; /* lat_full_burst(burst) */
	uint16_t tx_retries;
	bool paused;	       /* its RX port is: not polled */
	bool plain;	       /* its polls share readings of the clock; set by the worker */
	struct dp_flow *next;  /* to be polled after this one; set by the worker */
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
	struct dp_ext *ext;    /* NULL for the plain modes */

	/* worker */
	struct dp_flow *unread __rte_cache_aligned; /* the next one that had packets since the last reading */
	uint32_t came;	     /* plain: since that reading, not yet in c */
	uint32_t polls;	     /* that brought them */
	uint64_t empty;	     /* plain: last_empty before the first of them came */
	uint64_t last_empty; /* tick before the last poll that proved the queue empty */
	struct dp_counts c;  /* the first two are the busy ones */
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

#define DP_PACE_BITS 12
#define DP_LOOK	     64
#define DP_SPAN_US   8 /* of polls that share a reading of the clock, about: a bound has all of it */

/* A poll by itself. */
struct dp_look {
	double took; /* ticks */
	double units;
};

#define DP_MAX_IRQS 64 /* an lcore with more queues pauses instead of sleeping */

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
	struct dp_flow *unread; /* had packets in this interval */
	uint32_t used;		/* the polls of this interval, and their units, of: */
	uint16_t budget;	/* 0: none share a reading */
	uint16_t looks;		/* polls that are yet to be looked at one by one */
	uint32_t pace;		/* what a unit takes as a rule, in ticks << DP_PACE_BITS */
	int32_t till_look;	/* intervals before the next look */
	uint64_t last; /* the clock as it was last read: until then it was busy, idle or away */
	uint64_t born; /* the clock when it first ran */
	uint64_t away; /* ticks between runs and in meetings */
	uint64_t hiccups; /* readings of the clock more than DP_HICCUP_US apart */
	uint64_t longest; /* ticks between any two of these */

	/* worker, idle.c */
	bool may_rest;	/* the policy and its flows allow it */
	bool may_sleep; /* and all its queues can wake it */
	bool armed;	/* interrupts are enabled */
	uint16_t n_irqs;
	struct {
		uint16_t port, queue;
	} irqs[DP_MAX_IRQS];
	uint64_t empty_seen; /* bursts[0] when it last looked up */
	uint64_t pauses, sleeps;

	/* worker: of the last look, see worker.c */
	int32_t slow_at; /* till_look at the last slow interval since */
	double alone;	 /* ticks that a unit took there; 0: nothing is known */
	struct dp_look looked[DP_LOOK];

	/* control, before it runs: in ticks */
	uint64_t grain;	   /* how far off a residence may be; 0: no polls share a reading */
	uint64_t span;	   /* DP_SPAN_US */
	uint64_t too_long; /* DP_HICCUP_US */
} __rte_aligned(128);

/* A rule by its name, for as long as the data path lives. Control. */
struct dp_rule_state {
	char name[DP_NAME];
	struct dp_counts base; /* of flows of earlier plans */
	struct lat_recorder *rec[DP_MAX_LCORES]; /* by lcore index: see dp->workers */
	struct lat_view *view[LAT_LIVE_KINDS]; /* NULL until the first clear */
	struct dp_source *sources; /* those of the current plan, by next; at a swap the next one's too */
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
	bool awake;   /* workers look at it at any time: do not rest now */
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
	bool quiet;    /* sources make nothing */
	bool went_first; /* since the last stop dp_tx_first() has sent */
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

/* A poll that gave nothing and did nothing else. */
static __rte_always_inline void
dp_poll_empty(struct dp_worker *w, struct dp_flow *f, uint64_t before)
{
	const uint64_t done = rte_rdtsc();

	dp_bump(&w->bursts[0], 1);
	dp_bump(&w->idle, done - before);
	dp_bump(&f->empty_polls, 1);
	f->last_empty = before;
	__atomic_store_n(&w->last, done, __ATOMIC_RELAXED);
}

/* One that gave n packets, which are dealt with by now. */
static __rte_always_inline void
dp_poll_done(struct dp_worker *w, struct dp_flow *f, uint16_t n, uint64_t before, uint64_t done)
{
	/* A short burst proves the queue empty, at some time after `before`. */
	if (n < f->full)
		f->last_empty = before;
	dp_bump(&f->c.rx, n);
	dp_bump(&w->bursts[32 - __builtin_clz(n)], 1);
	__atomic_store_n(&w->last, done, __ATOMIC_RELAXED);
}

/* worker.c: send as it is, with retries and counts. @return the clock at the end */
uint64_t dp_send(struct dp_flow *f, struct rte_mbuf **pkts, uint16_t n, uint64_t from);
/* worker.c: end the interval: count and record what it brought. */
void dp_read_clock(struct dp_worker *w);
/* worker.c: what mode mac and macswap write. */
void dp_rewrite(const struct dp_flow *f, struct rte_mbuf **pkts, uint16_t n, enum dp_op op);

/* edit.c, source.c: one poll of such a flow. */
void dp_poll_edit(struct dp_worker *w, struct dp_flow *f);
void dp_poll_source(struct dp_worker *w, struct dp_flow *f);
uint16_t dp_edit_echo(struct dp_flow *f, struct rte_mbuf **pkts, uint16_t n);
uint16_t dp_edit_vlan(struct dp_flow *f, struct rte_mbuf **pkts, uint16_t n);

/* source.c, with dp->lock held */

/* Fill the headers, and find or make the place in the sequence. -ENOMEM */
int dp_source_prepare(struct dp *dp, struct dp_rule_state *r, struct dp_flow *f,
	const struct dp_spec_port *port);
/* Let the sinks of probes know those of the runtime's sources. All its flows are there. -ENOMEM */
int dp_arrivals_prepare(struct dp *dp, struct dp_runtime *rt);
/* Free those that no flow of the current runtime has. */
void dp_sources_sweep(struct dp *dp);
void dp_sources_free(struct dp_rule_state *r);
/* Can the buffers and the ports carry what the plan's sources make? -EINVAL and why */
int dp_sources_check(const struct dp *dp, const struct dp_plan *plan, struct vfp_err *err);

/* idle.c: by the worker, when it takes a plan and before it gives it up */
void dp_irqs_take(struct dp_worker *w, const struct dp_flow *flows, uint16_t n);
void dp_irqs_drop(struct dp_worker *w);
/* After so many polls. @return in how many rounds of all queues to call again */
uint32_t dp_housekeep(struct dp_worker *w, uint32_t polls);

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
/* The same for all ports of the plan: before the first packet of a run. */
void dp_spread_baselines(struct dp *dp);

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
