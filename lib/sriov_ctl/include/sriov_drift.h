/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SRIOV_DRIFT_H
#define SRIOV_DRIFT_H

/**
 * @file
 * Which settings an event undoes on a PF that DPDK drives. Pure; any thread.
 *
 * DPDK 22.11 reads none of these registers back, so what is told is what the PMD's code is known to
 * undo, of the settings that were in force; not what a register was seen to hold.
 */

#include <stddef.h>

#include "sriov_policy.h"

/** What undoes settings. */
enum sriov_undo {
	SRIOV_UNDO_VF_RESET, /**< by VF_RESET, or FLR and the VF_RESET that follows */
	SRIOV_UNDO_PF_START,
	SRIOV_UNDO_LINK,   /**< a rate limit is a share of the link's speed and needs a link */
	SRIOV_UNDO_CHANGE, /**< a new policy: its settings replace the old ones */
	SRIOV_UNDOS
};

/** Settings, ORed. */
enum sriov_setting {
	SRIOV_SETTING_PORT_VLAN = 1 << 0,
	SRIOV_SETTING_SWITCHES = 1 << 1, /**< RX or TX of the VF is off */
	SRIOV_SETTING_MAC = 1 << 2,
	SRIOV_SETTING_VLANS = 1 << 3,
	SRIOV_SETTING_ANTI_SPOOF = 1 << 4,
	SRIOV_SETTING_MULTICAST = 1 << 5,
	SRIOV_SETTING_MACVLANS = 1 << 6,
	SRIOV_SETTING_RATE = 1 << 7,
	SRIOV_SETTING_RXMODE = 1 << 8,
	SRIOV_SETTING_PORT = 1 << 9, /**< drop-enable, loopback, flow control off */
};

/** Of a VF's settings, those that its reset undoes: what it was granted is gone too. */
uint32_t sriov_undone_by_reset(
	const struct sriov_vf_policy *p, const struct sriov_vf_state *before);

/** The same for a start of the PF, for one VF; the port's own settings besides. */
uint32_t sriov_undone_by_start(const struct sriov_vf_policy *p, const struct sriov_vf_state *s);

/** In which settings two policies differ. */
uint32_t sriov_changed(const struct sriov_vf_policy *a, const struct sriov_vf_policy *b);

/** "port VLAN, multicast"; "nothing" for none. Returns buf. */
const char *sriov_settings_text(uint32_t settings, char *buf, size_t len);

/** "VF reset", "PF start", "link up", "new policy" */
const char *sriov_undo_name(enum sriov_undo u);

#endif
