/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "sriov_steer.h"

static uint64_t
pools_of_vlan(const struct sriov_steer *s, uint16_t vid)
{
	uint64_t pools = 0;

	for (unsigned int v = 0; v < s->layout.n_vfs; v++)
		for (unsigned int i = 0; i < s->vf[v].n_vlans; i++)
			if (s->vf[v].vlans[i] == vid)
				pools |= UINT64_C(1) << v;
	return pools;
}

static uint64_t
pools_of_mac(const struct sriov_steer *s, const uint8_t *mac)
{
	uint64_t pools = 0;

	for (unsigned int v = 0; v < s->layout.n_vfs; v++)
		if (memcmp(s->vf[v].mac, mac, 6) == 0)
			pools |= UINT64_C(1) << v;
	if (memcmp(s->pf_mac, mac, 6) == 0)
		pools |= UINT64_C(1) << s->layout.pf_pool;
	return pools;
}

const char *
sriov_steer_frame(const struct sriov_steer *s, const uint8_t *frame, size_t len, uint64_t *pools)
{
	static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	const uint64_t pf = UINT64_C(1) << s->layout.pf_pool;
	bool broadcast;
	uint16_t vid;

	*pools = 0;
	if (len < 14)
		return "too short";
	broadcast = memcmp(frame, everyone, 6) == 0;
	if (!broadcast && (frame[0] & 1))
		return "multicast";
	*pools = broadcast ? (pf | (pf - 1)) : pools_of_mac(s, frame);
	if (*pools == 0)
		return "mac not ours";
	vid = len >= 18 && frame[12] == 0x81 && frame[13] == 0x00
		      ? (uint16_t)((frame[14] & 0x0f) << 8 | frame[15])
		      : 0;
	if (vid != 0) {
		uint64_t owners = pools_of_vlan(s, vid);

		if (owners == 0) {
			*pools = s->vlan_filter ? 0 : pf;
			return "vlan not registered";
		}
		*pools &= owners;
		if (*pools == 0)
			return "vlan not this VF's";
	}
	return broadcast ? "broadcast" : "mac";
}
