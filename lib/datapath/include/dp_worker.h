/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DP_WORKER_H
#define DP_WORKER_H

/**
 * @file
 * The polling lcores: run to completion over the entries of a plan.
 *
 * Control calls take a lock among themselves, so the control
 * thread and a telemetry thread may both call; workers never take it. Workers make no system call,
 * no allocation, no log and no per-packet clock read.
 *
 * How control and workers meet: control raises a generation; each worker looks once a loop (a load
 * from its own cache while nothing changes), acknowledges, and waits until all have and control has
 * swapped what it wanted to swap. So no worker ever runs on a plan that goes away, and a queue that
 * moves to another lcore is never polled by two. The wait is one loop of the slowest worker, a few
 * microseconds: packets wait in their rings meanwhile, and none is lost by a change of plan.
 *
 * Logs: vfplane.datapath.
 */

#include <stdbool.h>
#include <stdint.h>

#include "dp_plan.h"
#include "vfp_err.h"

struct dp;

/** Why a packet was dropped by a worker. */
enum dp_drop {
	DP_DROP_TX_FULL,  /**< the TX queue took nothing more after the bounded retry */
	DP_DROP_NO_ROUTE, /**< its TX port is paused (dp_port_pause()) */
	DP_DROP_HANDOFF,  /**< the ring to another lcore had no room (dp_spread.h) */
	DP_DROP_STOPPING, /**< still circulating when dp_drain() ran out of time */
	DP_DROP_NO_ROOM,  /**< no room in its buffer for a VLAN tag */
	DP_DROP_REASONS
};

/** "tx_full", "no_route", "handoff_full", "stopping", "no_room" */
extern const char *const dp_drop_names[DP_DROP_REASONS];

struct rte_mempool;

struct dp_conf {
	struct rte_mempool *pool; /**< sources take their buffers from here; NULL: there are none */
	uint16_t tx_retries; /**< more tries after a partial TX before the drop; 0: none */
	enum dp_idle idle;   /**< what an lcore does while its queues are empty */
	uint32_t grain_ns;   /**< how far off a residence may be so that polls can share a reading of the
				clock; 0: none do */
	bool no_latency;     /**< do not record latency (for measuring what it costs) */
};

/** The default: 64 retries, latency on with a grain of 1 us. */
void dp_conf_default(struct dp_conf *conf);

/**
 * Make a data path without a plan. EAL must be up.
 *
 * @param conf NULL for the default
 */
int dp_create(const struct dp_conf *conf, struct dp **dp, struct vfp_err *err);

/** Stop if running, free everything. NULL is fine. */
void dp_free(struct dp *dp);

/**
 * Make a plan the current one. Takes the plan over on success (the caller frees it on failure).
 * Works while running; lcores that the new plan adds are started. Counters of queues and latency of
 * rules with the same name go on counting.
 *
 * @return 0; -EINVAL a source's frames do not fit the buffers or its port; -EBUSY a new lcore is not
 *	free; -ENOMEM; -ETIMEDOUT when a worker did not answer within
 *	a second (the old plan stays)
 */
int dp_publish(struct dp *dp, struct dp_plan *plan, struct vfp_err *err);

/** The current plan, NULL if none: valid until the next dp_publish() or dp_free(). */
const struct dp_plan *dp_current_plan(struct dp *dp);

/**
 * Start the workers on their lcores (rte_eal_remote_launch). Ports must be started. The lcores of
 * the plan must be EAL worker lcores that wait.
 *
 * @return 0 (also when already running), -EINVAL, -EBUSY
 */
int dp_start(struct dp *dp, struct vfp_err *err);

/**
 * Before the start: send so many bursts of 64-byte UDP frames by every TX queue that the plan uses, to
 * the next hop, as testpmd's "start tx_first" does. They count as generated. The calling thread sends.
 *
 * @return how many were sent; -EBUSY it runs, or has no plan or no buffers; -ENOBUFS
 */
int dp_tx_first(struct dp *dp, uint16_t bursts, struct vfp_err *err);

/** Stop polling at once and wait for the workers. What lies in RX rings stays there. */
int dp_stop(struct dp *dp);

/**
 * Go on until nothing more comes, then stop: every RX queue returned nothing in 64 polls in a row,
 * and no packet came for quiet_us. When timeout_ms pass before that (two ports that send each other
 * the same packets for ever), forwarding ends: what still comes is dropped and counted as
 * DP_DROP_STOPPING, for up to timeout_ms more. Whoever else feeds the ports should have stopped.
 *
 * @param quiet_us what "nothing more comes" means; 0 for 1000
 * @return 0 drained; 1 drained, but packets had to be dropped; -ETIMEDOUT packets still came
 *	(stopped all the same)
 */
int dp_drain(struct dp *dp, uint32_t timeout_ms, uint32_t quiet_us);

/**
 * Let the sources make no more, until the next dp_start(), and wait until nothing more comes in: what
 * is under way counts as returned and not as lost. Before a port's entry is closed.
 *
 * @param timeout_ms, quiet_us as for dp_drain()
 * @return 0 (also without sources), -ETIMEDOUT packets still came, -ENOMEM
 */
int dp_sources_stop(struct dp *dp, uint32_t timeout_ms, uint32_t quiet_us, struct vfp_err *err);

bool dp_running(struct dp *dp);

/**
 * Take one port's queues out of the polling, or back in, without losing a packet of the others: for
 * a VF that must be reset. Returns when no worker touches the port any more (neither RX nor TX;
 * what is routed to it meanwhile is dropped as no_route).
 *
 * @param port_id ethdev's
 * @return 0, -ENOENT, -ETIMEDOUT
 */
int dp_port_pause(struct dp *dp, uint16_t port_id, bool paused, struct vfp_err *err);

#endif
