/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SRIOV_LEARN_H
#define SRIOV_LEARN_H

/**
 * @file
 * What a VF asked for so far, and the configuration that would allow exactly that. Pure; the caller
 * keeps one thread at a time in each object.
 */

#include <stdio.h>

#include "sriov_policy.h"

#define SRIOV_LEARN_VLANS (SRIOV_POLICY_VLANS)
#define SRIOV_LEARN_MACS  (SRIOV_POLICY_MACS)

/** Starts as all zeroes. */
struct sriov_learn {
	uint64_t messages;
	uint16_t n_vlans;
	uint16_t vlans[SRIOV_LEARN_VLANS];
	uint8_t n_macs; /**< that it set as its own, or added */
	uint8_t macs[SRIOV_LEARN_MACS][6];
	bool changes_mac; /**< set another address than the assigned one */
	uint8_t macvlans; /**< most that it had at a time */
	uint8_t macvlans_now;
	uint8_t mc;
	uint32_t xcast;
	uint32_t frame;
	uint32_t peak_second; /**< most requests in one second */
	uint32_t this_second;
	uint64_t second;
	bool settled; /**< negotiated an API that the PF speaks */
	uint32_t api; /**< newest of these */
	unsigned int unlisted; /**< more MACs or VLANs than a configuration can hold */
};

/** Learn from one message, granted or not. */
void sriov_learn_add(struct sriov_learn *l, const struct sriov_vf_policy *p,
	const struct sriov_msg *m, uint64_t at_us);

/** The policy of what was asked: `p` as it is, with what the VF wants besides. */
void sriov_learn_policy(
	const struct sriov_learn *l, const struct sriov_vf_policy *p, struct sriov_vf_policy *out);

/** Print it as a section of the configuration file: vf NAME { … }. */
void sriov_learn_print(const struct sriov_learn *l, const struct sriov_vf_policy *p,
	const char *name, FILE *to);

#endif
