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
	DP_ECHO,    /**< answer ARP, ICMP and ICMPv6 echo on the same port; consume the rest */
	DP_SOURCE,  /**< make packets, send them on the same port; consume what comes in */
	DP_MODES
};

/** "io", "mac", "macswap", "sink", "echo", "source"; for vfp_parse_choice() too. */
extern const char *const dp_mode_names[DP_MODES];

#define DP_MAX_FAN 8	   /**< ports that one rule sends to */
#define DP_MAX_ADDRESSES 8 /**< that an echo answers for */
#define DP_MAX_SIZES 16
#define DP_MAX_FLOWS 4096 /**< of a source, for each RX queue of its port */
#define DP_FRAME_MIN 64	  /**< bytes of a frame with its FCS, as RFC 2544 counts */
#define DP_FRAME_MAX 9018

/** An IPv4 address (first 4 bytes) or an IPv6 one, in network order. */
struct dp_ip {
	bool v6;
	uint8_t byte[16];
};

/** What an lcore does while all its queues are empty. */
enum dp_idle {
	DP_BUSY,      /**< polls on: the shortest latency */
	DP_PAUSE,     /**< pauses between polls, which leaves more to a hyper-thread beside it */
	DP_INTERRUPT, /**< sleeps until an RX interrupt, where every one of its ports has them */
	DP_IDLES
};

/** "busy", "pause", "interrupt" */
extern const char *const dp_idle_names[DP_IDLES];

/** How a source spreads its packets over time. */
enum dp_pattern {
	DP_STEADY,  /**< equal gaps */
	DP_BURSTS,  /**< a whole burst back to back, then a gap for all of it */
	DP_POISSON, /**< exponential gaps: arrivals independent of each other */
	DP_PATTERNS
};

/** "steady", "bursts", "poisson" */
extern const char *const dp_pattern_names[DP_PATTERNS];

/** What a source makes: UDP in IPv4. Without padding bytes: compared as a whole. */
struct dp_source_conf {
	uint64_t rate;	/**< packets a second of all the rule's queues together; 0: all it can */
	uint64_t count; /**< packets in all; 0: without an end */
	uint32_t ip_from, ip_to; /**< host order; 0: 198.18.0.1 and 198.19.0.1 (RFC 2544's) */
	uint16_t flows;		 /**< UDP source ports, for each queue; 0 means 1 */
	uint16_t n_sizes;	 /**< 0: all frames have 64 bytes */
	uint16_t sizes[DP_MAX_SIZES]; /**< bytes with FCS, used in turn */
	uint16_t pattern;	      /**< enum dp_pattern */
	uint16_t probe; /**< 1: sequence numbers and time stamps inside, checked when they return */
};

/** The mix of sizes that is known as simple IMIX: 7 of 64, 4 of 594, 1 of 1518 bytes. Fills n_sizes
 * and sizes. */
void dp_source_imix(struct dp_source_conf *c);

/** What a rule may have beyond its mode. All zero: nothing. */
struct dp_rule_opts {
	uint16_t vlan_push; /**< 1..4094: a tag is put in front of what leaves; 0: none */
	bool vlan_pop;	    /**< a tag that comes in is taken off; what has none stays as it is */
	bool has_peer;
	uint8_t peer[6];      /**< next hop of mode mac and of a source, instead of the port's */
	uint16_t n_addresses; /**< of an echo; 0: it answers for every address */
	struct dp_ip addresses[DP_MAX_ADDRESSES];
	struct dp_source_conf source;
	/** A sink takes the probes of the source of this name, another rule; "": it does not. */
	char probes_of[DP_NAME];
};

/** Whether a rule looks for another one's probes in what it consumes. */
static inline bool
dp_takes_probes(enum dp_mode mode, const struct dp_rule_opts *opts)
{
	return mode == DP_SINK && opts->probes_of[0] != '\0';
}

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
	uint16_t to;   /**< index into ports. sink, echo and source stay on their own port */
	enum dp_mode mode;
	bool both;  /**< also to -> from (sink, echo, source: also on to), named NAME-back */
	bool fixed; /**< the mode is the user's for this rule: dp_spec_set_mode() leaves it alone */
	uint16_t n_more; /**< fan-out: RX queue q goes to port q mod (1 + n_more) of to, more[] */
	uint16_t more[DP_MAX_FAN - 1];
	struct dp_rule_opts opts;
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
	uint16_t from, to; /**< indexes into ports; to is DP_NONE for a sink, the first of a fan-out */
	enum dp_mode mode;
	bool implicit; /**< made by the planner ("unread-PORT") */
	uint16_t n_more;
	uint16_t more[DP_MAX_FAN - 1];
	struct dp_rule_opts opts;
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
 *	assigned twice, more lcores sending to a port than it has TX queues, a fan-out to more ports
 *	than there are RX queues, a sink for the probes of a rule that makes none;
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

/** Another mode for every rule that is not fixed: "set fwd". The rules remember where they sent to. */
void dp_spec_set_mode(struct dp_spec *spec, enum dp_mode mode);

/** Rules as testpmd pairs ports: 0<->1, 2<->3, …; a last odd port sends to itself. Fills
 * spec->rules from spec->ports. @return how many */
int dp_spec_pairs(struct dp_spec *spec, enum dp_mode mode);

#endif
