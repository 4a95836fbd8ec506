/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SRIOV_PF_H
#define SRIOV_PF_H

/**
 * @file
 * One PF driven by net_ixgbe: its mailbox answered by policy, its settings applied and reapplied.
 *
 * Threads. The PMD handles mailbox messages on the EAL interrupt thread, without a lock against
 * anything else, and read-modify-writes the same registers as the control calls do. So every call
 * that touches the PF's hardware runs as an alarm job on that thread: sriov_pf_job() posts one and
 * waits. Call the functions here from a control thread, never from that thread itself (they would
 * wait for themselves), except where a comment says otherwise. Any VF operation of this process
 * must stay off the interrupt thread, since it waits for an answer that only this thread gives.
 *
 * Logs: vfplane.sriov.
 */

#include <stdbool.h>
#include <stdint.h>

#include <vfp_err.h>

#include "sriov_layout.h"
#include "sriov_policy.h"

struct sriov_pf;

struct sriov_pf_conf {
	char device[32]; /**< as EAL names it: 0000:03:00.1 */
	struct sriov_layout layout;
	struct sriov_vf_policy vf[SRIOV_MAX_VFS];
};

/** One message and its verdict, as `show mailbox` and telemetry tell it. */
struct sriov_event {
	uint64_t seq;   /**< from 1 */
	uint64_t at_us; /**< microseconds since the policy was armed */
	uint16_t vf;
	uint16_t type;
	enum sriov_answer answer;
	char text[64];
	const char *reason; /**< static */
};

struct sriov_counts {
	uint64_t requests;
	uint64_t refused;
	uint64_t resets;
	uint64_t apply_errors; /**< an action of ours that the PMD refused */
	bool cts;
	uint32_t api;
	uint32_t mc_hashes;
};

#define SRIOV_EVENTS 256 /**< the last so many are kept */

/** Make one; nothing is touched. */
int sriov_pf_new(const struct sriov_pf_conf *conf, struct sriov_pf **pf, struct vfp_err *err);

/**
 * Register the mailbox callback on all ports, present and future. Before the PF is probed: a
 * message that arrives before a callback exists is granted by the PMD.
 */
int sriov_pf_arm(struct sriov_pf *pf, struct vfp_err *err);

/** The PF was probed as this port. */
void sriov_pf_bind(struct sriov_pf *pf, uint16_t port_id);

/**
 * Run fn(arg) on the interrupt thread and wait for it, 30 s at most.
 * @return what fn returned; -ETIMEDOUT; -EDEADLK from the interrupt thread itself.
 */
int sriov_pf_job(int (*fn)(void *arg), void *arg);

/** Give each VF its MAC. After the probe, before any VF comes up. */
int sriov_pf_assign_macs(struct sriov_pf *pf, struct vfp_err *err);

/**
 * All that a start of the PF loses: drop-enable on all queues, TX loopback, MAC and VLAN
 * anti-spoof, MACs and VLAN filters of each VF, flow control off. After each start. It ends with a
 * ping of every VF: one that is held from before the start is told that way to reset.
 */
int sriov_pf_apply(struct sriov_pf *pf, struct vfp_err *err);

/** Let the wire and the switch into a VF, or not. A VF reset lets it in again. */
int sriov_pf_set_vf_rx(struct sriov_pf *pf, uint16_t vf, bool on);

/**
 * Let a VF send from other addresses than its own, or not (the default). Holds over resets of the VF
 * and starts of the PF. It switches both MAC and VLAN anti-spoof, since the second needs the first.
 */
int sriov_pf_set_foreign_sources(struct sriov_pf *pf, uint16_t vf, bool on);

/** Poll the link once; on a change ping every VF, since nobody else tells them. */
int sriov_pf_poll_link(struct sriov_pf *pf, bool *up);

/** Copy counts of one VF. Any thread. -EINVAL for a VF that is none. */
int sriov_pf_counts(struct sriov_pf *pf, uint16_t vf, struct sriov_counts *c);

/**
 * Copy the newest events, oldest first. Any thread.
 * @param dropped  how many are no longer kept; may be NULL
 * @return how many were copied
 */
unsigned int sriov_pf_events(
	struct sriov_pf *pf, struct sriov_event *out, unsigned int max, uint64_t *dropped);

/** The configuration it was made with. Any thread. */
const struct sriov_pf_conf *sriov_pf_config(const struct sriov_pf *pf);

/** Unregister and free. After the PF's port is closed. NULL is fine. */
void sriov_pf_free(struct sriov_pf *pf);

#endif
