/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SRIOV_POLICY_H
#define SRIOV_POLICY_H

/**
 * @file
 * What a VF may do: (state, policy, message) -> verdict, actions, new state. Pure: the glue in
 * sriov_pf.h applies what comes out, tests and fuzzers need no NIC.
 *
 * The plain safe default, which refuses what it does not know:
 * - nothing before the VF's own reset (DPDK's PF does not check; the kernel's does);
 * - the MAC is the assigned one; further addresses (MACVLAN) are refused, since the PMD takes the
 *   RAR index from a counter that the VF drives;
 * - VLANs are those of the configuration, which the PF registers itself;
 * - multicast works: each VF's hashes are kept, and the union is programmed by us;
 * - ALLMULTI is clamped to MULTI, PROMISC refused;
 * - a frame larger than the PF's is refused: the limit is global to the port.
 */

#include <stdbool.h>
#include <stdint.h>

#include "sriov_mbox.h"

#define SRIOV_POLICY_VLANS 32

struct sriov_vf_policy {
	uint8_t mac[6];
	uint16_t n_vlans;
	uint16_t vlans[SRIOV_POLICY_VLANS];
	/**
	 * The VF may send from other addresses than its own. Never for a tenant: it is for a VF that the
	 * PF's own process polls and whose forwarding keeps the sender's address.
	 */
	bool foreign_sources;
	uint32_t max_frame; /**< bytes with header and FCS; 1518 for an MTU of 1500 */
};

/** What is known of a VF since its last reset. Starts as all zeroes. */
struct sriov_vf_state {
	bool cts;       /**< a reset was answered: the VF may speak */
	uint32_t api;   /**< as negotiated, in the message's own numbering */
	uint32_t xcast; /**< granted, enum sriov_xcast */
	uint8_t n_mc;
	uint16_t mc[SRIOV_MAX_MC];
	uint64_t resets;
};

enum sriov_answer {
	SRIOV_ACK,  /**< say yes; we did, or did not need to do, the work */
	SRIOV_NACK, /**< say no */
	SRIOV_PASS, /**< let the PMD answer: only messages whose verdict it does not ask for */
	SRIOV_DENY, /**< as NACK for those messages: the glue makes the PMD see an unknown one */
};

/** What the glue has to do on the NIC, ORed. */
enum sriov_action {
	SRIOV_DO_REAPPLY = 1 << 0, /**< the reset lost per-VF settings: set them again */
	SRIOV_DO_MULTICAST =
		1 << 1, /**< program the union of all VFs' hashes; hash filter on or off */
};

struct sriov_verdict {
	enum sriov_answer answer;
	uint32_t actions; /**< enum sriov_action */
	bool clamp;       /**< write `value` into word 1: the VF got less than it asked for */
	uint32_t value;
	const char *reason; /**< a static sentence; never NULL */
};

/** Judge one message and move the state on. */
struct sriov_verdict sriov_policy_judge(
	struct sriov_vf_state *s, const struct sriov_vf_policy *p, const struct sriov_msg *m);

/** The address a VF gets when the configuration names none: 02:09:c0:00:PF:VF. */
void sriov_policy_default_mac(unsigned int pf, unsigned int vf, uint8_t mac[6]);

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

#endif
