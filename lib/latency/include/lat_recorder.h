/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LAT_RECORDER_H
#define LAT_RECORDER_H

/**
 * @file
 * What one worker records for one rule, and how a reader looks at it.
 *
 * Per burst, not per packet: rx_burst hands over n packets at once, so one clock read and one add of
 * weight n serve them all. Under load several bursts share a reading, as long as that puts a residence
 * off by no more than a given grain (dp_conf.grain_ns) but for chance, and takes no more than some 8 us,
 * 1 us with bursts that are no full ones; an empty poll is always followed by a reading.
 *
 * - **residence**: from the call of the rx_burst that returned the packets to tx_burst accepted: the
 *   time in this process, the driver's receive call included. (From its return would be the narrower
 *   interval, at the price of a second clock read per burst; this is its upper bound.) Where polls
 *   share a reading it is the poll's part of what they took together, by packets; when they took more
 *   than a grain longer than usual, one poll's packets are told all of that. A burst that is accepted
 *   in parts shares none: it weighs in in parts, each with the time of its own acceptance.
 * - **bound**: the time since this queue was last known empty, up to the reading: the most that a packet
 *   can have waited in the RX ring and in software. Time inside the NIC before the packet reached
 *   the ring is not in it. A queue is known empty when a poll returned fewer packets than it could
 *   have (lat_full_burst()), and the stamp is taken before that poll. While a queue is never empty
 *   (overload) the bound grows: then it is true, and says that nothing better is known. Before the
 *   first proof it counts from the first plan that had the queue.
 *
 * One writer, the worker; a worker's recorders share no cache line with another's. A reader never
 * resets them: it keeps a baseline and subtracts (struct lat_view).
 */

#include <stdbool.h>
#include <stdint.h>

#include "lat_hist.h"

enum lat_kind {
	LAT_RESIDENCE,
	LAT_BOUND,
	LAT_RTT,    /**< from probes that came back to their source */
	LAT_ONEWAY, /**< from probes that another port received */
	LAT_WIRE, /**< from the software NIC's stamps; not recorded by workers */
	LAT_KINDS
};

#define LAT_WORKER_KINDS 2 /**< residence and bound */
#define LAT_LIVE_KINDS	 4 /**< and what probes tell: all that a data path has */

/** "residence", "bound", "rtt", "oneway", "wire" */
const char *lat_kind_name(enum lat_kind kind);

struct lat_recorder {
	struct lat_hist hist[LAT_WORKER_KINDS];
} __attribute__((aligned(128)));

/** @return a recorder with every page touched, or NULL when out of memory */
struct lat_recorder *lat_recorder_new(void);
void lat_recorder_free(struct lat_recorder *r);

/**
 * The burst size from which on a poll does NOT prove the queue empty.
 *
 * net_ixgbe's vector receive returns at most 32 packets a call and floors the request to a multiple
 * of 4, so asking for 64 and getting 32 proves nothing. Other drivers lose nothing by the same rule
 * but a few proofs.
 */
static inline uint16_t
lat_full_burst(uint16_t asked)
{
	if (asked < 4)
		return asked;
	return (asked < 32 ? asked : 32) & ~3;
}

/**
 * Record n packets of one acceptance. Worker only.
 *
 * @param since_rx ticks from rx_burst called to tx_burst accepted
 * @param since_empty ticks from the last stamp at which the queue was known empty to acceptance
 */
static inline void
lat_record(struct lat_recorder *r, uint64_t since_rx, uint64_t since_empty, uint64_t n)
{
	lat_hist_add(&r->hist[LAT_RESIDENCE], since_rx, n);
	lat_hist_add(&r->hist[LAT_BOUND], since_empty, n);
}

/** A histogram in the units that people read. Nothing but count and clipped is known when count is
 * 0: the rest is NaN, which vfp_out_double() writes as unknown. */
struct lat_summary {
	uint64_t count;
	uint64_t clipped;
	double min_ns, p50_ns, p90_ns, p99_ns, p999_ns, max_ns;
	double mean_ns, stddev_ns;
};

/** @param hz ticks per second */
void lat_summarise(const struct lat_hist *h, double hz, struct lat_summary *s);

/**
 * A reader's view of one kind of one rule: the sum over the workers since the last clear. Belongs to
 * one reader (or is locked by it).
 */
struct lat_view {
	struct lat_hist base; /**< what had been recorded at the last clear */
	bool based;
};

void lat_view_init(struct lat_view *v);
/** now (the merged copies) minus the baseline, in place. */
void lat_view_apply(const struct lat_view *v, struct lat_hist *now);
/** From here on only what comes after `now` counts, min and max included. */
void lat_view_clear(struct lat_view *v, const struct lat_hist *now);

#endif
