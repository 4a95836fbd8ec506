/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DP_PLAN_H
#define DP_PLAN_H

/**
 * @file
 * Who polls what: ports, rules and lcores in, a list of entries per lcore out.
 *
 * Pure: no ethdev call, no EAL. A plan is immutable once made; the worker library (dp_worker.h)
 * publishes it. Any thread may make plans.
 *
 * What a plan guarantees: every RX queue of every port is polled by exactly one lcore (a port that
 * no rule reads gets a sink, so that its pool is always drained and cannot stall others), and no TX
 * queue is shared by two lcores.
 */

#include <stdbool.h>
#include <stdint.h>

#include "vfp_err.h"

#define DP_NAME 64
#define DP_MAX_PORTS 64
#define DP_MAX_QUEUES 16 /**< per port and direction */
#define DP_MAX_RULES 64	 /**< as the user wrote them */
#define DP_MAX_LCORES 128
#define DP_MAX_BURST 256
#define DP_NONE UINT16_MAX
#define DP_SPREAD_MAX 4096 /**< entries of a software table */
#define DP_SPREAD_LCORES 16 /**< that share the work of one port */

enum dp_mode {
	DP_IO,	    /**< forward as it is */
	DP_MAC,	    /**< source = MAC of the port it leaves by, destination = that port's peer */
	DP_MACSWAP, /**< exchange source and destination */
	DP_SINK,    /**< consume: count and free */
	DP_ECHO,    /**< not built yet: dp_plan_make() refuses it */
	DP_SOURCE,  /**< not built yet: dp_plan_make() refuses it */
	DP_MODES
};

/** "io", "mac", "macswap", "sink", "echo", "source"; for vfp_parse_choice() too. */
extern const char *const dp_mode_names[DP_MODES];

struct dp_spec_port {
	char name[DP_NAME]; /**< vf0, pf0, net_null0 */
	uint16_t port_id;   /**< ethdev's; several ports may be parts of one, with queues of their own */
	uint16_t first_queue; /**< of the ethdev: the port's RX and TX queue 0 */
	uint16_t nb_rxq;
	uint16_t nb_txq;
	uint8_t mac[6];
	uint8_t peer[6]; /**< next hop of what leaves here; used by DP_MAC */
	/**
	 * Entries of a software redirection table over the hash that the NIC gave each packet, a power
	 * of two; 0: none. It says which lcore works on a packet, whatever queue it came by
	 * (dp_spread.h).
	 */
	uint16_t spread;
};

struct dp_spec_rule {
	char name[DP_NAME];
	uint16_t from; /**< index into ports */
	uint16_t to;   /**< index into ports; DP_NONE for a sink */
	enum dp_mode mode;
	bool both; /**< also to -> from; that direction is named NAME-back */
};

struct dp_spec_queue {
	uint16_t port; /**< index into ports */
	uint16_t queue;
};

struct dp_spec_lcore {
	uint32_t id;
	uint16_t n_queues; /**< 0: takes part in the automatic spreading only */
	struct dp_spec_queue queues[DP_MAX_PORTS];
};

/** What the user wants. Large: allocate it, zeroed. */
struct dp_spec {
	uint16_t n_ports, n_rules, n_lcores;
	uint16_t burst; /**< packets asked per poll, 1..DP_MAX_BURST; 0 means 32 */
	struct dp_spec_port ports[DP_MAX_PORTS];
	struct dp_spec_rule rules[DP_MAX_RULES];
	struct dp_spec_lcore lcores[DP_MAX_LCORES];
};

/** One direction of a rule, or the sink of a port that no rule reads. */
struct dp_plan_rule {
	char name[DP_NAME];
	uint16_t from, to; /**< indexes into ports; to is DP_NONE for a sink */
	enum dp_mode mode;
	bool implicit; /**< made by the planner ("unread-PORT") */
};

/** One source of packets and what is done with what it gives. */
struct dp_plan_entry {
	uint16_t rule; /**< index into the plan's rules */
	/** DP_NONE: an RX queue; else what this lcore (index into lcores) hands over of rx_port. */
	uint16_t handed_by;
	/** Index into ports, and the ethdev's queue, which is 0 where packets are handed over. */
	uint16_t rx_port, rx_queue;
	uint16_t tx_port, tx_queue; /**< the same; DP_NONE for a sink */
};

struct dp_plan_lcore {
	uint32_t id;
	uint16_t first, n; /**< its entries: entries[first .. first + n - 1] */
};

struct dp_plan {
	uint16_t burst;
	uint16_t n_ports, n_rules, n_lcores, n_entries;
	struct dp_spec_port *ports;
	struct dp_plan_rule *rules;
	struct dp_plan_lcore *lcores; /**< in the order of the spec; n may be 0 */
	struct dp_plan_entry *entries;
};

/**
 * Make a plan. Queues that the spec gives to no lcore are spread: each goes to the lcore with the
 * fewest, among those that can still have a TX queue of their own on the port it sends to.
 *
 * @param plan set on success; free with dp_plan_free()
 * @return 0; -EINVAL with a sentence in err: an unknown port, two rules that read one port, a queue
 *	assigned twice, a mode that is not built, more lcores sending to a port than it has TX queues;
 *	-ENOMEM
 */
int dp_plan_make(const struct dp_spec *spec, struct dp_plan **plan, struct vfp_err *err);
void dp_plan_free(struct dp_plan *plan);

/**
 * The lcores that work on the packets of a port, by index into the plan's lcores, in their order;
 * with a software table these are what its entries choose from.
 * @return how many
 */
uint16_t dp_plan_workers(const struct dp_plan *plan, uint16_t port, uint16_t *lcores, uint16_t max);

/** The same plan with another mode for every rule that forwards (io, mac, macswap): "set fwd". */
int dp_plan_with_mode(const struct dp_plan *plan, enum dp_mode mode, struct dp_plan **out,
	struct vfp_err *err);

/** Rules as testpmd pairs ports: 0<->1, 2<->3, …; a last odd port sends to itself. Fills
 * spec->rules from spec->ports. @return how many */
int dp_spec_pairs(struct dp_spec *spec, enum dp_mode mode);

#endif
