/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SRIOV_POLICY_H
#define SRIOV_POLICY_H

/**
 * @file
 * What a VF may do: (port, VF, message) -> verdict, and the port's new state. Pure: the glue in
 * sriov_pf.h carries the difference between old and new state to the NIC, tests and fuzzers need
 * none.
 *
 * The default lets Linux's ixgbevf and DPDK's VFs work and nothing else:
 * - nothing before the VF's own reset (DPDK's PF does not check; the kernel's does);
 * - the MAC is the assigned one; further addresses (MACVLAN) are refused;
 * - VLANs are those of the configuration, which the PF registers itself;
 * - multicast works: each VF's hashes are kept, and the union is programmed by us;
 * - ALLMULTI is clamped to MULTI, PROMISC refused;
 * - a frame larger than the PF's is refused: the limit is global to the port;
 * - 200 requests a second.
 * What the policy does not know, it refuses.
 */

#include <stdbool.h>
#include <stdint.h>

#include "sriov_layout.h"
#include "sriov_mbox.h"

#define SRIOV_POLICY_VLANS 32  /**< of the configuration */
#define SRIOV_POLICY_MACS  8   /**< in a VF's list */
#define SRIOV_OWN_VLANS    16  /**< that a VF may add of its own choice, at most */
#define SRIOV_OWN_MACS     8   /**< further addresses (macvlans) of a VF, at most */
#define SRIOV_RARS	   128 /**< receive addresses of the card; VF v owns number 127 - v */
#define SRIOV_FRAME_MIN    64  /**< bytes, with header and FCS */
#define SRIOV_REQUEST_RATE 200 /**< requests a second, the default */
#define SRIOV_LINK_MBIT	   10000

/** What a pool lets in besides its addresses; a VF's reset switches all of it on. */
enum sriov_accept {
	SRIOV_ACCEPT_UNTAGGED = 1 << 0,	 /**< VMOLR.AUPE */
	SRIOV_ACCEPT_HASH_UC = 1 << 1,	 /**< VMOLR.ROPE */
	SRIOV_ACCEPT_BROADCAST = 1 << 2, /**< VMOLR.BAM */
};

enum sriov_mac_policy {
	SRIOV_MAC_LOCKED, /**< the assigned address */
	SRIOV_MAC_LIST,	  /**< it, or one of `macs` */
	SRIOV_MAC_ANY,	  /**< any that nobody else has; for trusted VFs */
};

struct sriov_vf_policy {
	uint8_t mac[6]; /**< assigned before the VF starts */
	/**
	 * Needed for MAC_ANY, ALLMULTI and anti-spoof off, and changes nothing by itself: whoever may
	 * take any address can take the one of the gateway, and the card's switch would follow.
	 */
	bool trusted;
	enum sriov_mac_policy mac_policy;
	uint8_t n_macs;
	uint8_t macs[SRIOV_POLICY_MACS][6]; /**< further addresses it may take */
	uint8_t n_given;
	uint8_t given[SRIOV_POLICY_MACS][6]; /**< further addresses that the operator registered */
	uint8_t macvlan_quota; /**< how many besides its own; from `macs` unless MAC_ANY */
	uint16_t port_vlan;    /**< the PF tags all it sends with this one; 0: none */
	uint16_t n_vlans;
	uint16_t vlans[SRIOV_POLICY_VLANS]; /**< registered by the PF; the VF may name them */
	/** VLANs of its own choice besides these; not those of other VFs unless it is trusted. */
	uint8_t vlan_quota;
	uint8_t mc_quota;		    /**< multicast hashes, at most SRIOV_MAX_MC */
	enum sriov_xcast xcast;		    /**< ceiling: MULTI or ALLMULTI */
	uint32_t max_frame;    /**< bytes with header and FCS; 1518 for an MTU of 1500 */
	uint32_t api_floor;    /**< oldest API, in the message's own numbering */
	uint32_t request_rate; /**< requests a second, bursts of twice that; 0: no limit */
	bool rx_off, tx_off;   /**< the PF lets nothing in, or out; `link = off` is both */
	uint32_t rate;	       /**< Mbit/s it may send; 0: no limit */
	/**
	 * The VF may send from other addresses than its own. Never for a tenant: it is for a VF that the
	 * PF's own process polls and whose forwarding keeps the sender's address.
	 */
	bool foreign_sources;
	bool foreign_vlans;   /**< it may send tags of others: VLAN anti-spoof alone is off */
	uint8_t refuses;      /**< enum sriov_accept */
	bool all_multicast;   /**< gets all multicast, whatever it asks for */
};

/** What is known of a VF. Starts as all zeroes. */
struct sriov_vf_state {
	bool cts;	/**< a reset was answered: the VF may speak */
	uint32_t api;	/**< as negotiated, in the message's own numbering */
	uint32_t asked; /**< newest API it asked for since its reset */
	uint32_t xcast; /**< granted, enum sriov_xcast */
	uint8_t n_mc;
	uint16_t mc[SRIOV_MAX_MC];
	/** Chosen by the VF; kept over its resets, since the PMD's reply to a reset names it. */
	bool own_mac;
	uint8_t mac[6];
	uint8_t n_vlans;
	uint16_t vlans[SRIOV_OWN_VLANS]; /**< of its own choice; gone with a reset */
	uint8_t n_macvlans;
	uint8_t macvlans[SRIOV_OWN_MACS][6]; /**< gone with a reset */
	uint64_t resets;
	uint64_t fake_resets;
	uint64_t tokens;     /**< thousandths of a request it may still make */
	uint64_t tokens_at;  /**< milliseconds */
};

/** All that a verdict depends on. */
struct sriov_port {
	uint16_t n_vfs;
	uint8_t pf_mac[6]; /**< all zero while unknown */
	struct sriov_vf_policy policy[SRIOV_MAX_VFS];
	struct sriov_vf_state vf[SRIOV_MAX_VFS];
};

enum sriov_answer {
	SRIOV_ACK,  /**< say yes; we did, or did not need to do, the work */
	SRIOV_NACK, /**< say no */
	SRIOV_PASS, /**< let the PMD answer: only messages whose verdict it does not ask for */
	SRIOV_DENY, /**< as NACK for those messages: the glue makes the PMD see an unknown one */
};

/** What the glue has to do on the NIC, ORed. What exactly stands in the state. */
enum sriov_action {
	SRIOV_DO_REAPPLY = 1 << 0,   /**< the reset lost per-VF settings: set them again */
	SRIOV_DO_MULTICAST = 1 << 1, /**< the union of all hashes; hash filter, ALLMULTI on or off */
	SRIOV_DO_MAC = 1 << 2,	     /**< the VF's own address */
	SRIOV_DO_VLANS = 1 << 3,     /**< VLANs of its own choice, by difference */
	SRIOV_DO_MACVLANS = 1 << 4,  /**< further addresses, by difference */
};

struct sriov_verdict {
	enum sriov_answer answer;
	uint32_t actions;   /**< enum sriov_action */
	bool clamp;	    /**< write `value` into word 1: the VF got less than it asked for */
	uint32_t value;
	const char *rule;   /**< the option that decided, or "protocol"; static, never NULL */
	const char *reason; /**< a static sentence; never NULL */
};

/**
 * Judge one message and move the state on. When an action of an ACK fails on the NIC, the caller
 * puts the VF's state back to what it was and answers NACK.
 *
 * @param vf      below port->n_vfs
 * @param now_ms  a clock that does not run backwards; for the request rate
 */
struct sriov_verdict sriov_policy_judge(
	struct sriov_port *port, uint16_t vf, const struct sriov_msg *m, uint64_t now_ms);

/** A policy of nothing but defaults; the MAC is still to be set. */
void sriov_policy_default(struct sriov_vf_policy *p);

/** What contradicts itself in a policy, or NULL. Static sentences. */
const char *sriov_policy_check(const struct sriov_vf_policy *p);

/**
 * May a VF of this port get that policy, beside the others: MAC, VLAN filters, rates? NULL, or a
 * static sentence. The port stays as it is.
 */
const char *sriov_port_check(
	const struct sriov_port *port, uint16_t vf, const struct sriov_vf_policy *p);

/**
 * Take from a VF's state what its policy does not allow any more.
 * @return what that means for the NIC, enum sriov_action
 */
uint32_t sriov_policy_revoke(struct sriov_port *port, uint16_t vf);

/** The address a VF gets when the configuration names none: 02:09:c0:00:PF:VF. */
void sriov_policy_default_mac(unsigned int pf, unsigned int vf, uint8_t mac[6]);

/** The VF's own address now: assigned, or what it was allowed to choose. */
const uint8_t *sriov_policy_mac(const struct sriov_port *port, uint16_t vf);

/** Does this VF's filter let multicast by hash through? */
static inline bool
sriov_policy_wants_mc(const struct sriov_vf_state *s)
{
	return s->n_mc > 0;
}

/** A multicast address whose filter hash is the given one (mc_filter_type 0: bits 47:36). */
void sriov_policy_mc_address(uint16_t hash, uint8_t mac[6]);

/** "ack", "nack", "pass", "deny" */
const char *sriov_answer_name(enum sriov_answer a);
/** "none", "multi", "allmulti", "promisc", "?" */
const char *sriov_xcast_name(uint32_t xcast);
/** "locked", "list", "any" */
const char *sriov_mac_policy_name(enum sriov_mac_policy p);

#endif
