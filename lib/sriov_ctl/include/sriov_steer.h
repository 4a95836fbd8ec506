/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SRIOV_STEER_H
#define SRIOV_STEER_H

/**
 * @file
 * Which pools a frame goes to, from the wire or from a VF, by the MACs and VLANs that the PF set up,
 * and what decided. Pure; any thread.
 *
 * The order is the card's (datasheet sections 7.10.3.3 to 7.10.3.9, as soft82599 models them):
 * L2 filter, VLAN filter, pools by address, of these the pools by VLAN, and the default pool, which
 * is the PF's, for what no pool wants. A frame that a VF sends first passes anti-spoof; a unicast
 * address of a local pool stays inside, groups go both ways, the rest leaves by the wire.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sriov_layout.h"
#include "sriov_policy.h"

struct sriov_steer {
	struct sriov_layout layout;
	uint8_t pf_mac[6];
	bool vlan_filter; /**< VLNCTRL.VFE is on, VFTA holds what is registered */
	struct sriov_vf_policy vf[SRIOV_MAX_VFS];
	struct sriov_vf_state state[SRIOV_MAX_VFS]; /**< what VFs chose; all zero: nothing */
	uint64_t down; /**< bit v: VF v was never reset, or may not receive */
};

/** How a frame went. */
struct sriov_path {
	uint64_t pools; /**< bit n: pool n gets a copy */
	bool wire;	/**< and it leaves by the wire (frames of VFs only) */
	bool tagged;
	uint16_t vid; /**< with the port VLAN that the card inserts; 0: none */
	uint64_t by_mac, by_vlan; /**< what the two steps allowed; bits of pools that exist */
	const char *dropped;	  /**< NULL, or the filter that ended it */
	const char *mac;	  /**< what the address decided; static sentences, never NULL */
	const char *vlan;
	bool by_default; /**< no pool wanted it: the default pool */
};

/** A frame that comes in by the wire. */
void sriov_steer_wire(
	const struct sriov_steer *s, const uint8_t *frame, size_t len, struct sriov_path *path);

/** A frame that VF vf sends. */
void sriov_steer_vf(const struct sriov_steer *s, unsigned int vf, const uint8_t *frame, size_t len,
	struct sriov_path *path);

/**
 * As sriov_steer_wire(), in two words.
 * @param pools  set bit n: pool n gets a copy; several for groups
 * @return a static word why: "mac", "broadcast", "multicast", "vlan not registered", "vlan not this
 *         VF's" (then to the PF's pool), "mac not ours", "multicast nobody wants", "too short"
 */
const char *sriov_steer_frame(
	const struct sriov_steer *s, const uint8_t *frame, size_t len, uint64_t *pools);

#endif
