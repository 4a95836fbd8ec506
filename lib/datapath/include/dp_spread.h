/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DP_SPREAD_H
#define DP_SPREAD_H

/**
 * @file
 * A port's software redirection table: which lcore works on a packet, by the hash that the NIC gave
 * it. The lcore that polls the packet's RX queue keeps what is its own and hands the rest over
 * through a ring for each pair of lcores, with the time at which the burst was asked for, so that
 * residence and bound count from there. What has no hash stays where it was polled.
 *
 * Order. A flow comes by one RX queue and goes through one ring, so it keeps its order. A move of an
 * entry keeps it too: the workers meet, what lies in the rings is sent, the ports that it goes to
 * have counted it as fetched, and only then the entry changes.
 *
 * Cost, seen on net_ring: docs/rss.md.
 *
 * All calls take the data path's lock: control or telemetry thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "dp_plan.h"
#include "vfp_err.h"

struct dp;

struct dp_spread_move {
	uint16_t entry;
	uint8_t to; /**< index into dp_spread_view.lcores */
};

/** How a table stands. Large: allocate it. */
struct dp_spread_view {
	uint16_t size, n_lcores;
	uint32_t lcores[DP_SPREAD_LCORES]; /**< EAL's ids, in the order that the table counts them */
	uint8_t table[DP_SPREAD_MAX];	   /**< entry -> index into lcores */
	uint64_t load[DP_SPREAD_MAX];	   /**< packets of each entry since the table exists */
	uint64_t kept, handed, unhashed;   /**< worked on where polled; handed over; without a hash */
	uint64_t dropped;		   /**< a ring had no room */
	uint64_t moves, postponed; /**< entries moved; moves given up since a port would not drain */
};

/** Read a port's table. -ENOENT when it has none in the current plan. */
int dp_spread_read(struct dp *dp, uint16_t port_id, struct dp_spread_view *view);

/**
 * Move entries, in order and at once. Nothing is lost and no flow changes its order.
 *
 * @return 0; -ENOENT, -EINVAL (an entry or an lcore that is not there; nothing is moved), -EAGAIN a
 *	port that the packets go to did not drain within milliseconds (nothing is moved), -ETIMEDOUT
 */
int dp_spread_move(struct dp *dp, uint16_t port_id, const struct dp_spread_move *moves, uint16_t n,
	struct vfp_err *err);

#endif
