/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SRIOV_PF_PRIV_H
#define SRIOV_PF_PRIV_H

/** @file What the files that drive a PF share. Interrupt thread, except where it says otherwise. */

#include <pthread.h>
#include <stdatomic.h>

#include <rte_log.h>

#include "sriov_pf.h"

extern int sriov_logtype;

#define SRIOV_MAX_PFS 8

#define SRIOV_LOG(level, ...) rte_log(RTE_LOG_##level, sriov_logtype, "SRIOV: " __VA_ARGS__)

struct sriov_pf {
	char device[32];
	struct sriov_layout layout;
	uint16_t port; /* RTE_MAX_ETHPORTS until bound */
	atomic_bool bound; /* its probe has returned: the NIC may be touched */
	bool armed;
	bool started; /* settings were applied at least once */
	bool running; /* and the PF was not stopped since */
	int remind_in, remind_every; /* seconds: VFs that have not reset are pinged again */
	bool link_up;
	bool no_drop, no_loopback; /* what the operator took off the port */
	uint64_t armed_at;
	uint64_t said_at; /* last line of the log that a VF could have provoked */
	struct sriov_port now; /* policies and states */
	struct sriov_chain chain[SRIOV_MAX_VFS];
	struct sriov_log *log;
	/* Guards what other threads read: counts, policies, drifts. Held for copies only. */
	pthread_mutex_t lock;
	struct sriov_counts counts[SRIOV_MAX_VFS];
	struct sriov_drift drifts[SRIOV_UNDOS][SRIOV_MAX_VFS + 1]; /* the last: the port */
};

/** Timer cycles in nanoseconds, and microseconds since the policy was armed. */
uint64_t sriov_ns(uint64_t cycles);
uint64_t sriov_now_us(const struct sriov_pf *pf);

/** Keep what an event undid, and how the return went; nothing where nothing was in force. */
void sriov_note_drift(struct sriov_pf *pf, enum sriov_undo event, uint16_t vf, uint32_t undone,
	int result, uint64_t took_ns);

/** No more messages to this PF. Control thread. */
void sriov_pf_disarm(struct sriov_pf *pf);

/** Log and count what the PMD refused; hands ret back. vf may be UINT16_MAX. */
int sriov_pmd_said(struct sriov_pf *pf, uint16_t vf, const char *what, int ret);

/** May a line be logged that a VF could have provoked? Once a second. */
bool sriov_may_say(struct sriov_pf *pf);

/** Let nothing in or out of a VF, for a reason that `show vf` tells. Its next reset undoes it. */
int sriov_shut_vf(struct sriov_pf *pf, uint16_t vf, const char *why);
/** The VF has reset, or must: it is shut no more. */
void sriov_opened_vf(struct sriov_pf *pf, uint16_t vf);

/**
 * Set all that a VF has: what its reset loses first, in the order of danger. Where the PMD refuses
 * one of it, the VF is shut: nothing in or out until its next reset, which sets all again.
 */
int sriov_apply_vf(struct sriov_pf *pf, uint16_t vf);
/** Tag what the VF sends with its port VLAN, and let in nothing untagged; undo both without one. */
int sriov_apply_port_vlan(struct sriov_pf *pf, uint16_t vf);
/** Anti-spoof of one VF. VLAN anti-spoof works only where MAC anti-spoof is on. */
int sriov_apply_anti_spoof(struct sriov_pf *pf, uint16_t vf);
/** The port's own: drop-enable, loopback, no flow control. */
int sriov_apply_port(struct sriov_pf *pf);
/** The union of all multicast hashes. */
int sriov_apply_multicast(struct sriov_pf *pf, uint16_t vf);
/** A VF's send rate. */
int sriov_apply_rate(struct sriov_pf *pf, uint16_t vf);
/** Carry to the NIC what a verdict changed: from `before` to the state now. 0 or the first error. */
int sriov_apply_change(struct sriov_pf *pf, uint16_t vf, const struct sriov_vf_state *before,
	uint32_t actions);
/** Carry a new policy to the NIC. */
int sriov_apply_policy(struct sriov_pf *pf, uint16_t vf, const struct sriov_vf_policy *old);

#endif
