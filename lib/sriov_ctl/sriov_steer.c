/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "sriov_steer.h"

#define BIT(n) (UINT64_C(1) << (n))

static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static uint64_t
pf_bit(const struct sriov_steer *s)
{
	return BIT(s->layout.pf_pool);
}

/* All pools that exist: the VFs' and the PF's. */
static uint64_t
all_pools(const struct sriov_steer *s)
{
	return pf_bit(s) | (pf_bit(s) - 1);
}

static bool
has_vlan(const struct sriov_steer *s, unsigned int v, uint16_t vid)
{
	for (unsigned int i = 0; i < s->vf[v].n_vlans; i++)
		if (s->vf[v].vlans[i] == vid)
			return true;
	for (unsigned int i = 0; i < s->state[v].n_vlans; i++)
		if (s->state[v].vlans[i] == vid)
			return true;
	return s->vf[v].port_vlan == vid;
}

static uint64_t
pools_of_vlan(const struct sriov_steer *s, uint16_t vid)
{
	uint64_t pools = 0;

	for (unsigned int v = 0; v < s->layout.n_vfs; v++)
		if (has_vlan(s, v, vid))
			pools |= BIT(v);
	return pools;
}

/* AUPE: set by a VF's reset, taken away by a port VLAN. The PF takes untagged frames. */
static uint64_t
pools_of_untagged(const struct sriov_steer *s)
{
	uint64_t pools = pf_bit(s);

	for (unsigned int v = 0; v < s->layout.n_vfs; v++)
		if (s->vf[v].port_vlan == 0 && !(s->down >> v & 1))
			pools |= BIT(v);
	return pools;
}

static bool
has_mac(const struct sriov_steer *s, unsigned int v, const uint8_t *mac)
{
	const struct sriov_vf_state *st = &s->state[v];

	for (unsigned int i = 0; i < st->n_macvlans; i++)
		if (memcmp(st->macvlans[i], mac, 6) == 0)
			return true;
	return memcmp(st->own_mac ? st->mac : s->vf[v].mac, mac, 6) == 0;
}

static uint64_t
pools_of_mac(const struct sriov_steer *s, const uint8_t *mac)
{
	uint64_t pools = memcmp(s->pf_mac, mac, 6) == 0 ? pf_bit(s) : 0;

	for (unsigned int v = 0; v < s->layout.n_vfs; v++)
		if (has_mac(s, v, mac))
			pools |= BIT(v);
	return pools;
}

/* The filter's table is one: a hash that any VF asked for reaches all that asked for any. */
static bool
in_multicast_table(const struct sriov_steer *s, const uint8_t *mac)
{
	const uint16_t hash = (mac[5] << 8 | mac[4]) >> 4;

	for (unsigned int v = 0; v < s->layout.n_vfs; v++)
		for (unsigned int i = 0; i < s->state[v].n_mc; i++)
			if (s->state[v].mc[i] == hash)
				return true;
	return false;
}

static uint64_t
pools_of_multicast(const struct sriov_steer *s)
{
	uint64_t pools = 0;

	for (unsigned int v = 0; v < s->layout.n_vfs; v++)
		if (sriov_policy_wants_mc(&s->state[v]) || s->state[v].xcast == SRIOV_XCAST_ALLMULTI)
			pools |= BIT(v);
	return pools;
}

/* Step 1: the address. False: the L2 filter lets it in nowhere. */
static bool
by_address(const struct sriov_steer *s, const uint8_t *mac, struct sriov_path *p)
{
	if (memcmp(mac, everyone, 6) == 0) {
		p->by_mac = all_pools(s) & ~(s->down & ~pf_bit(s));
		p->mac = "broadcast";
		return true;
	}
	if (mac[0] & 1) {
		const bool known = in_multicast_table(s, mac);

		p->by_mac = known ? pools_of_multicast(s) : 0;
		p->mac = known ? "multicast" : "multicast nobody wants";
		return known;
	}
	p->by_mac = pools_of_mac(s, mac);
	p->mac = p->by_mac ? "mac" : "mac not ours";
	return p->by_mac != 0;
}

/* Step 2: the VLAN. False: the VLAN filter lets it in nowhere. */
static bool
by_vlan(const struct sriov_steer *s, struct sriov_path *p)
{
	if (!p->tagged || p->vid == 0) {
		p->by_vlan = pools_of_untagged(s);
		p->vlan = "untagged";
		return true;
	}
	p->by_vlan = pools_of_vlan(s, p->vid);
	p->vlan = p->by_vlan ? "vlan" : "vlan not registered";
	return p->by_vlan != 0 || !s->vlan_filter;
}

static void
read_tag(const uint8_t *frame, size_t len, struct sriov_path *p)
{
	p->tagged = len >= 18 && frame[12] == 0x81 && frame[13] == 0x00;
	p->vid = p->tagged ? (uint16_t)((frame[14] & 0x0f) << 8 | frame[15]) : 0;
}

static bool
begin(const uint8_t *frame, size_t len, struct sriov_path *p)
{
	*p = (struct sriov_path){.mac = "-", .vlan = "-"};
	if (len < 14) {
		p->dropped = "too short";
		return false;
	}
	read_tag(frame, len, p);
	return true;
}

void
sriov_steer_wire(
	const struct sriov_steer *s, const uint8_t *frame, size_t len, struct sriov_path *p)
{
	if (!begin(frame, len, p))
		return;
	if (!by_address(s, frame, p)) {
		p->dropped = p->mac;
		return;
	}
	if (!by_vlan(s, p)) {
		p->dropped = p->vlan;
		return;
	}
	p->pools = p->by_mac & p->by_vlan;
	if (p->pools == 0) {
		if (p->by_vlan)
			p->vlan = p->tagged ? "vlan not this VF's" : "untagged not taken";
		p->by_default = true;
		p->pools = pf_bit(s);
	}
}

/* Step 0 of a VF's frame. NULL: it may pass. */
static const char *
spoofed(const struct sriov_steer *s, unsigned int vf, const uint8_t *frame, struct sriov_path *p)
{
	if (s->vf[vf].tx_off)
		return "the VF may not send";
	if (s->vf[vf].foreign_sources)
		return NULL;
	if (!has_mac(s, vf, frame + 6))
		return "anti-spoof: not the VF's source address";
	if (p->tagged && p->vid && !has_vlan(s, vf, p->vid))
		return "anti-spoof: not the VF's VLAN";
	return NULL;
}

void
sriov_steer_vf(const struct sriov_steer *s, unsigned int vf, const uint8_t *frame, size_t len,
	struct sriov_path *p)
{
	bool inside;

	if (!begin(frame, len, p))
		return;
	if (s->vf[vf].port_vlan) {
		p->tagged = true;
		p->vid = s->vf[vf].port_vlan;
	}
	p->dropped = spoofed(s, vf, frame, p);
	if (p->dropped)
		return;
	inside = by_address(s, frame, p);
	p->wire = (frame[0] & 1) || !inside;
	by_vlan(s, p);
	p->pools = p->by_mac & p->by_vlan & ~BIT(vf);
	if (p->pools == 0)
		p->wire = true;
}

const char *
sriov_steer_frame(const struct sriov_steer *s, const uint8_t *frame, size_t len, uint64_t *pools)
{
	struct sriov_path p;

	sriov_steer_wire(s, frame, len, &p);
	*pools = p.pools;
	if (p.dropped)
		return p.dropped;
	return p.by_default || p.by_vlan == 0 ? p.vlan : p.mac;
}
