/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DP_STATS_H
#define DP_STATS_H

/**
 * @file
 * One set of getters for what the workers counted; text, JSON and telemetry all come from here. And
 * the pure comparison of what the NIC says against what the workers say.
 *
 * Every counter has one writer. A snapshot of a running data path is monotone per counter; the
 * counters are exact among each other once it is stopped.
 */

#include <stdbool.h>
#include <stdint.h>

#include "dp_plan.h"
#include "dp_worker.h"
#include "lat_recorder.h"

/** Counts of one RX queue and what became of its packets, of one rule, or of all. */
struct dp_counts {
	uint64_t rx;	    /**< taken from RX queues */
	uint64_t tx;	    /**< accepted by TX queues */
	uint64_t generated; /**< made by sources */
	uint64_t consumed;  /**< ended in sinks, on purpose */
	uint64_t drops[DP_DROP_REASONS];
};

struct dp_queue_stats {
	uint16_t port_id; /**< ethdev's */
	uint16_t queue;
	uint32_t rx_lcore; /**< who polls it now; UINT32_MAX: nobody */
	uint32_t tx_lcore; /**< who sends by it now; UINT32_MAX: nobody */
	uint64_t rx, tx;
	uint64_t tx_dropped; /**< meant for this TX queue, dropped */
};

struct dp_rule_stats {
	char name[DP_NAME];
	uint16_t from_id, to_id; /**< ethdev's; DP_NONE for a sink */
	enum dp_mode mode;
	bool implicit;
	struct dp_counts counts;
};

#define DP_BURST_BINS 10 /**< 0, 1, 2-3, 4-7, …, 128-255, 256 */

#define DP_HICCUP_US 100

struct dp_lcore_stats {
	uint32_t id;
	uint64_t polls, empty_polls;
	uint64_t rx;
	uint64_t busy_cycles; /**< ticks of polls that gave packets, their sending included */
	uint64_t idle_cycles; /**< ticks of polls that gave none, and of rests */
	uint64_t hiccups;     /**< readings of the clock more than DP_HICCUP_US apart */
	uint64_t longest;     /**< ticks of the longest of these, ever */
	uint64_t pauses, sleeps; /**< rests between loops, by the idle policy */
	uint64_t bursts[DP_BURST_BINS]; /**< polls by what they gave: bin 0 gave 0, bin i >= 1 gave
					   2^(i-1) to 2^i - 1 */
};

/** busy / (busy + idle), 0..1; NaN before the first poll. */
double dp_lcore_busy(const struct dp_lcore_stats *l);
/** busy cycles per packet received; NaN without packets. */
double dp_lcore_cycles_per_packet(const struct dp_lcore_stats *l);
/** packets per poll that gave any; NaN without packets. */
double dp_lcore_packets_per_burst(const struct dp_lcore_stats *l);

struct dp_stats {
	uint64_t tsc;	 /**< when */
	uint64_t tsc_hz; /**< ticks per second */
	uint16_t n_queues, n_rules, n_lcores;
	struct dp_queue_stats *queues; /**< every (port, queue) that was ever in a plan */
	struct dp_rule_stats *rules;   /**< of the current plan */
	struct dp_lcore_stats *lcores;
	struct dp_counts totals; /**< of all plans since dp_create() */
};

/** Take a snapshot; free with dp_stats_free(). Control or telemetry thread. -ENOMEM */
int dp_stats_take(struct dp *dp, struct dp_stats **stats);
void dp_stats_free(struct dp_stats *stats);

/** now -= earlier, matched by port and queue, rule name, lcore: for "clear" and for rates. */
void dp_stats_subtract(struct dp_stats *now, const struct dp_stats *earlier);

/** Sum over the queues of a port. */
void dp_stats_port(const struct dp_stats *stats, uint16_t port_id, uint64_t *rx, uint64_t *tx,
	uint64_t *tx_dropped);

/**
 * The latency of one rule of the current plan, summed over its workers since the last
 * dp_latency_clear().
 *
 * @param rule the rule's name
 * @param kind LAT_RESIDENCE or LAT_BOUND; LAT_RTT for a source with probes; LAT_ONEWAY for a
 *	sink of probes
 * @param hist the caller's own, about 240 kB: allocate it; ticks of dp_stats.tsc_hz
 * @return 0; -ENOENT no such rule, or it has no such kind
 */
int dp_latency(struct dp *dp, const char *rule, enum lat_kind kind, struct lat_hist *hist);

/** The same since the rule began, whatever was cleared. Only the thread that clears may call it. */
int dp_latency_total(struct dp *dp, const char *rule, enum lat_kind kind, struct lat_hist *hist);

/**
 * What a source's probes tell, those that came to sinks of them too, since its configuration was last
 * changed.
 */
struct dp_probe_counts {
	uint32_t streams;
	uint64_t sent;
	uint64_t received;   /**< different ones */
	int64_t missing;     /**< sent - received - late: lost, once nothing is under way any more */
	uint64_t duplicated; /**< came more than once */
	uint64_t reordered;  /**< came after one that was sent later (RFC 4737) */
	uint64_t late;	     /**< more than 1024 behind: whether they had come before is not known */
	uint64_t behind;     /**< were due by the rate, and not made: no time, or no buffers */
	uint64_t ticks;	     /**< how long it took to send them, from its start on */
};

/**
 * @param rule a source's name
 * @param stream a queue's number times the flows plus the flow's; -1: all of them together
 * @return 0; -ENOENT no such rule, not a source with probes, no such stream
 */
int dp_probes(struct dp *dp, const char *rule, int stream, struct dp_probe_counts *counts);

/** Start counting latency afresh for the reader; rule NULL: all of them. The workers go on. */
int dp_latency_clear(struct dp *dp, const char *rule);

/**
 * A hardware counter of few bits that runs free or was reset under us: fold readings into a sum.
 * VF packet counters have 32 bits (289 s at line rate), so read more often than that.
 */
struct dp_counter {
	uint64_t last;
	uint64_t sum;
	bool started;
};

/**
 * @param bits of the counter, 1..64; the first reading only sets the start
 * @return the sum since the start
 */
uint64_t dp_counter_update(struct dp_counter *c, uint64_t reading, unsigned int bits);

/** What the NIC says of one port since the same start as the workers' counts. */
struct dp_nic_port {
	uint16_t port_id;
	uint64_t rx;	     /**< packets that the NIC handed to the host */
	uint64_t tx;	     /**< packets that the NIC took from the host */
};

struct dp_port_gap {
	uint16_t port_id;
	int64_t rx_gap; /**< NIC's rx - workers' rx: handed over, never seen by a worker */
	int64_t tx_gap; /**< workers' tx - NIC's tx: given away, never left */
};

struct dp_account {
	int64_t boundary;     /**< NIC: rx + generated - tx - consumed - drops */
	int64_t inside;	      /**< workers: rx + generated - tx - consumed - drops */
	uint64_t unaccounted; /**< |inside| + sum of |rx_gap| + |tx_gap| over the ports */
	uint16_t n;
	struct dp_port_gap ports[DP_MAX_PORTS];
};

/**
 * Compare boundaries. Exact after dp_drain(); while running, packets between the two readings show.
 * Pure. Ports that the NIC array lacks are not compared (a vdev without counters).
 */
void dp_account(const struct dp_stats *workers, const struct dp_nic_port *nic, uint16_t n,
	struct dp_account *account);

#endif
