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
 * Logs: vfplane.sriov, at most one line a second and PF for what a VF can provoke.
 */

#include <stdbool.h>
#include <stdint.h>

#include <vfp_err.h>

#include "sriov_drift.h"
#include "sriov_layout.h"
#include "sriov_log.h"
#include "sriov_policy.h"

struct sriov_pf;

struct sriov_pf_conf {
	char device[32]; /**< as EAL names it: 0000:03:00.1 */
	struct sriov_layout layout;
	struct sriov_vf_policy vf[SRIOV_MAX_VFS];
};

struct sriov_counts {
	uint64_t requests;
	uint64_t refused;
	uint64_t resets;
	uint64_t apply_errors;	/**< an action of ours that the PMD refused */
	uint64_t last_reset_us; /**< when, as sriov_record.at_us; 0: never */
	uint32_t window_ns;	/**< last reset: from the PMD's call to port VLAN and guards set */
	uint32_t window_max_ns;
	uint64_t slow_ns; /**< longest answer of ours */
	uint64_t dma_aborts; /**< sriov_pf_dma_abort() */
	const char *shut; /**< why nothing goes in or out until its next reset; NULL: it is not */
	struct sriov_vf_state state;
};

/** Settings that an event undid, and their return; the last time and how often. */
struct sriov_drift {
	uint64_t at_us; /**< the last time, as sriov_record.at_us */
	uint64_t count;
	enum sriov_undo event;
	uint16_t vf;	 /**< UINT16_MAX: the port's own */
	uint32_t undone; /**< enum sriov_setting */
	int result;	 /**< of setting it again: 0 or -errno */
	uint32_t took_ns, took_max_ns;
};

#define SRIOV_DRIFTS (SRIOV_UNDOS * (SRIOV_MAX_VFS + 1)) /**< room for all */

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
 * All that a start of the PF loses: drop-enable on all queues, TX loopback, port VLANs, MAC and
 * VLAN anti-spoof, MACs, VLAN and multicast filters of each VF, flow control off. After each start.
 * It ends with a ping of every VF: one that is held from before the start is told that way to reset.
 */
int sriov_pf_apply(struct sriov_pf *pf, struct vfp_err *err);

/** The PF was stopped: nothing can be set until sriov_pf_apply() after its next start (-EAGAIN). */
void sriov_pf_stopped(struct sriov_pf *pf);

/**
 * Give a VF another policy from now on, and bring the NIC in line. What it was granted and may have
 * no longer is taken back.
 * @return 0; -EINVAL when the policy contradicts itself or other VFs', or there is no such VF: then
 *         nothing has changed; what the PMD said
 */
int sriov_pf_set_policy(struct sriov_pf *pf, uint16_t vf, const struct sriov_vf_policy *policy,
	struct vfp_err *err);

/** Let the wire and the switch into a VF, or not, until its next reset or the next start. */
int sriov_pf_set_vf_rx(struct sriov_pf *pf, uint16_t vf, bool on);

/**
 * A VF reached for memory that its owner has not mapped: count it, and where `shut` says so, shut
 * the VF until its next reset.
 */
int sriov_pf_dma_abort(struct sriov_pf *pf, uint16_t vf, bool shut);

/**
 * Let a VF send from other addresses than its own, or not (the default). Holds over resets of the VF
 * and starts of the PF. It switches both MAC and VLAN anti-spoof, since the second needs the first.
 */
int sriov_pf_set_foreign_sources(struct sriov_pf *pf, uint16_t vf, bool on);

/** Do VFs reach each other inside the card? Holds over starts. */
int sriov_pf_set_loopback(struct sriov_pf *pf, bool on, struct vfp_err *err);

/** Drop-enable on all queues. Off only where every VF is trusted: -EPERM. Holds over starts. */
int sriov_pf_set_drop(struct sriov_pf *pf, bool on, struct vfp_err *err);

/**
 * Once a second. Poll the link; on a change ping every VF, since nobody else tells them, and set the
 * rate limits again, which need a link. Ping those that have not reset again, 1, 2, 4 ... 64 s after the
 * last time. Set the port VLANs again, which an FLR takes away in silence.
 */
int sriov_pf_poll(struct sriov_pf *pf, bool *up);

/** Copy counts and state of one VF. Any thread. -EINVAL for a VF that is none. */
int sriov_pf_counts(struct sriov_pf *pf, uint16_t vf, struct sriov_counts *c);

/** The mailbox log. Any thread may read it. */
struct sriov_log *sriov_pf_log(struct sriov_pf *pf);

/** Copy the drifts, oldest first; how many. Any thread. */
unsigned int sriov_pf_drifts(struct sriov_pf *pf, struct sriov_drift out[SRIOV_DRIFTS]);

/** One VF's policy as it is now. Any thread. -EINVAL for a VF that is none. */
int sriov_pf_policy(struct sriov_pf *pf, uint16_t vf, struct sriov_vf_policy *p);

/** Unregister and free. After the PF's port is closed. NULL is fine. */
void sriov_pf_free(struct sriov_pf *pf);

#endif
