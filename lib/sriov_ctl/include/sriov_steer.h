/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SRIOV_STEER_H
#define SRIOV_STEER_H

/**
 * @file
 * Which pool a frame from the wire goes to, by the MACs and VLANs that the PF set up. Pure.
 *
 * A registered VLAN goes only to pools that own both the tag and the MAC (datasheet
 * section 7.10.3). One that is registered for nobody passes no filter where the PF filters VLANs,
 * as vfplane's PF does; else it goes to the PF's pool, whatever its MAC. A unicast MAC that nobody
 * owns passes no filter while the PF is not promiscuous.
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
};

/**
 * @param pools  set bit n: pool n gets a copy; several for broadcast
 * @return a static word why: "mac", "broadcast", "multicast" (depends on what VFs subscribe to;
 *         no pool is predicted), "vlan not registered", "vlan not this VF's", "mac not ours",
 *         "too short"
 */
const char *sriov_steer_frame(
	const struct sriov_steer *s, const uint8_t *frame, size_t len, uint64_t *pools);

#endif
