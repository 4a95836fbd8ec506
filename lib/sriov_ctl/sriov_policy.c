/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "sriov_policy.h"

#define API_1_1 2u
#define API_1_2 3u
#define API_1_3 4u

static struct sriov_verdict
ack(uint32_t actions, const char *rule, const char *reason)
{
	return (struct sriov_verdict){SRIOV_ACK, actions, false, 0, rule, reason};
}

static struct sriov_verdict
nack(const char *rule, const char *reason)
{
	return (struct sriov_verdict){SRIOV_NACK, 0, false, 0, rule, reason};
}

static struct sriov_verdict
pass(uint32_t actions, const char *reason)
{
	return (struct sriov_verdict){SRIOV_PASS, actions, false, 0, "protocol", reason};
}

/* These two the PMD answers by itself, whatever we say: they are denied by hiding them from it. */
static struct sriov_verdict
refuse(uint16_t type, const char *rule, const char *reason)
{
	struct sriov_verdict v = nack(rule, reason);

	if (type == SRIOV_API_NEGOTIATE || type == SRIOV_GET_QUEUES)
		v.answer = SRIOV_DENY;
	return v;
}

static bool
same_mac(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, 6) == 0;
}

static bool
is_unicast(const uint8_t *mac)
{
	static const uint8_t zero[6];

	return !(mac[0] & 1) && !same_mac(mac, zero);
}

const uint8_t *
sriov_policy_mac(const struct sriov_port *port, uint16_t vf)
{
	return port->vf[vf].own_mac ? port->vf[vf].mac : port->policy[vf].mac;
}

static bool
in_macvlans(const struct sriov_vf_state *s, const uint8_t *mac)
{
	for (unsigned int i = 0; i < s->n_macvlans; i++)
		if (same_mac(s->macvlans[i], mac))
			return true;
	return false;
}

static bool
in_given(const struct sriov_vf_policy *p, const uint8_t *mac)
{
	for (unsigned int i = 0; i < p->n_given; i++)
		if (same_mac(p->given[i], mac))
			return true;
	return false;
}

/* Does anybody else on this port own the address, or is it meant for somebody else? */
static bool
is_taken(const struct sriov_port *port, uint16_t vf, const uint8_t *mac)
{
	if (same_mac(port->pf_mac, mac))
		return true;
	for (uint16_t v = 0; v < port->n_vfs; v++)
		if (v != vf &&
			(same_mac(port->policy[v].mac, mac) ||
				same_mac(sriov_policy_mac(port, v), mac) ||
				in_given(&port->policy[v], mac) || in_macvlans(&port->vf[v], mac)))
			return true;
	return false;
}

static bool
in_list(const struct sriov_vf_policy *p, const uint8_t *mac)
{
	for (unsigned int i = 0; i < p->n_macs; i++)
		if (same_mac(p->macs[i], mac))
			return true;
	return false;
}

static bool
may_be_any(const struct sriov_vf_policy *p)
{
	return p->mac_policy == SRIOV_MAC_ANY && p->trusted;
}

static struct sriov_verdict
judge_reset(struct sriov_vf_state *s, const struct sriov_vf_policy *p, const struct sriov_msg *m)
{
	const struct sriov_vf_state old = *s;
	const bool mc = old.n_mc > 0 || old.xcast > SRIOV_XCAST_MULTI || p->all_multicast;
	uint32_t actions = SRIOV_DO_REAPPLY | (mc ? SRIOV_DO_MULTICAST : 0) |
			   (old.n_vlans > 0 ? SRIOV_DO_VLANS : 0) |
			   (old.n_macvlans > 0 ? SRIOV_DO_MACVLANS : 0);

	if (!m->reset_done) {
		s->fake_resets++;
		return nack("protocol", "malformed reset");
	}
	/* API 1.0 until the VF negotiates again; the PMD forgets its multicast hashes too. */
	memset(s, 0, sizeof(*s));
	s->cts = true;
	s->resets = old.resets + 1;
	s->fake_resets = old.fake_resets;
	s->own_mac = old.own_mac;
	memcpy(s->mac, old.mac, sizeof(s->mac));
	s->tokens = old.tokens;
	s->tokens_at = old.tokens_at;
	return pass(actions, "reset");
}

static struct sriov_verdict
judge_mac(struct sriov_port *port, uint16_t vf, const struct sriov_msg *m)
{
	const struct sriov_vf_policy *p = &port->policy[vf];
	struct sriov_vf_state *s = &port->vf[vf];

	if (same_mac(m->mac, sriov_policy_mac(port, vf)))
		return ack(0, "mac", s->own_mac ? "its address" : "the assigned address");
	if (same_mac(m->mac, p->mac)) {
		s->own_mac = false;
		return ack(SRIOV_DO_MAC, "mac", "the assigned address");
	}
	if (p->mac_policy == SRIOV_MAC_LOCKED)
		return nack("mac_policy", "MAC is locked");
	if (!is_unicast(m->mac))
		return nack("mac_policy", "no unicast address");
	if (!may_be_any(p) && !in_list(p, m->mac))
		return nack("mac_policy", "MAC not in its list");
	if (is_taken(port, vf, m->mac))
		return nack("mac_policy", "MAC of somebody else");
	s->own_mac = true;
	memcpy(s->mac, m->mac, sizeof(s->mac));
	return ack(SRIOV_DO_MAC, "mac_policy", "address allowed");
}

/* Number 0 is the PF's own, the top ones the VFs': what is between is for all to share. */
static bool
rar_is_free(const struct sriov_port *port)
{
	unsigned int used = 1 + port->n_vfs;

	for (uint16_t v = 0; v < port->n_vfs; v++)
		used += port->vf[v].n_macvlans + port->policy[v].n_given;
	return used < SRIOV_RARS;
}

static struct sriov_verdict
judge_macvlan(struct sriov_port *port, uint16_t vf, const struct sriov_msg *m)
{
	const struct sriov_vf_policy *p = &port->policy[vf];
	struct sriov_vf_state *s = &port->vf[vf];
	const uint8_t had = s->n_macvlans;

	if (m->index == 0) {
		s->n_macvlans = 0;
		return ack(had ? SRIOV_DO_MACVLANS : 0, "macvlan_quota",
			had ? "cleared" : "nothing to clear");
	}
	if (p->macvlan_quota == 0)
		return nack("macvlan_quota", "one MAC a VF");
	if (!is_unicast(m->mac))
		return nack("macvlan_quota", "no unicast address");
	if (in_macvlans(s, m->mac) || in_given(p, m->mac) ||
		same_mac(m->mac, sriov_policy_mac(port, vf)))
		return ack(0, "macvlan_quota", "has it already");
	if (!may_be_any(p) && !in_list(p, m->mac))
		return nack("macs", "MAC not in its list");
	if (is_taken(port, vf, m->mac))
		return nack("macs", "MAC of somebody else");
	/* Index 1 begins a new list, as the kernel's VF counts; DPDK's VF always says 2. */
	if (m->index == 1)
		s->n_macvlans = 0;
	if (s->n_macvlans >= p->macvlan_quota || s->n_macvlans >= SRIOV_OWN_MACS) {
		s->n_macvlans = had;
		return nack("macvlan_quota", "MAC quota used up");
	}
	if (!rar_is_free(port))
		return nack("macvlan_quota", "no receive address left");
	memcpy(s->macvlans[s->n_macvlans++], m->mac, 6);
	return ack(SRIOV_DO_MACVLANS, "macvlan_quota", "within its quota");
}

static struct sriov_verdict
judge_multicast(
	struct sriov_vf_state *s, const struct sriov_vf_policy *p, const struct sriov_msg *m)
{
	if (m->mc_asked > SRIOV_MAX_MC)
		return nack("protocol", "more hashes than words");
	if (m->mc_asked > p->mc_quota)
		return nack("multicast_quota", "multicast quota");
	s->n_mc = m->n_mc;
	memcpy(s->mc, m->mc, sizeof(s->mc[0]) * m->n_mc);
	return ack(SRIOV_DO_MULTICAST, "multicast_quota", "kept and programmed");
}

static void
note_vlan(uint64_t set[64], uint16_t vid, unsigned int *n)
{
	const uint64_t bit = UINT64_C(1) << (vid % 64);

	*n += vid != 0 && !(set[vid / 64 % 64] & bit);
	set[vid / 64 % 64] |= bit;
}

/* The card has one table for all: is there room for one more VLAN? */
static bool
vlan_fits(const struct sriov_port *port, uint16_t vid)
{
	uint64_t set[64] = {0};
	unsigned int n = 0;

	for (uint16_t v = 0; v < port->n_vfs; v++) {
		const struct sriov_vf_policy *p = &port->policy[v];

		note_vlan(set, p->port_vlan, &n);
		for (unsigned int i = 0; i < p->n_vlans; i++)
			note_vlan(set, p->vlans[i], &n);
		for (unsigned int i = 0; i < port->vf[v].n_vlans; i++)
			note_vlan(set, port->vf[v].vlans[i], &n);
	}
	note_vlan(set, vid, &n);
	return n <= SRIOV_VLAN_FILTERS;
}

/* A VLAN that the operator gave to others is not for a VF to choose, whatever its quota. */
static bool
vlan_is_given(const struct sriov_port *port, uint16_t vf, uint16_t vid)
{
	for (uint16_t v = 0; v < port->n_vfs; v++) {
		const struct sriov_vf_policy *p = &port->policy[v];

		if (v == vf)
			continue;
		if (p->port_vlan == vid)
			return true;
		for (unsigned int i = 0; i < p->n_vlans; i++)
			if (p->vlans[i] == vid)
				return true;
	}
	return false;
}

static struct sriov_verdict
remove_vlan(struct sriov_vf_state *s, uint16_t vid)
{
	for (unsigned int i = 0; i < s->n_vlans; i++)
		if (s->vlans[i] == vid) {
			s->vlans[i] = s->vlans[--s->n_vlans];
			return ack(SRIOV_DO_VLANS, "vlan_quota", "its own VLAN removed");
		}
	/* The PMD would clear the filter of a VLAN that is somebody else's. */
	return nack("vlans", "VLAN not configured");
}

static struct sriov_verdict
judge_vlan(struct sriov_port *port, uint16_t vf, const struct sriov_msg *m)
{
	const struct sriov_vf_policy *p = &port->policy[vf];
	struct sriov_vf_state *s = &port->vf[vf];

	if (m->vid == 0)
		return ack(0, "vlans", "VLAN 0 is no VLAN");
	if (p->port_vlan != 0)
		return nack("port_vlan", "has a port VLAN");
	for (unsigned int i = 0; i < p->n_vlans; i++)
		if (p->vlans[i] == m->vid)
			return ack(0, "vlans", "VLAN configured");
	if (!m->add)
		return remove_vlan(s, m->vid);
	if (p->vlan_quota == 0 || m->vid > 4094)
		return nack("vlans", "VLAN not configured");
	for (unsigned int i = 0; i < s->n_vlans; i++)
		if (s->vlans[i] == m->vid)
			return ack(0, "vlan_quota", "has it already");
	if (!p->trusted && vlan_is_given(port, vf, m->vid))
		return nack("vlans", "VLAN of somebody else");
	if (s->n_vlans >= p->vlan_quota || s->n_vlans >= SRIOV_OWN_VLANS)
		return nack("vlan_quota", "VLAN quota used up");
	if (!vlan_fits(port, m->vid))
		return nack("vlan_quota", "no VLAN filter left");
	s->vlans[s->n_vlans++] = m->vid;
	return ack(SRIOV_DO_VLANS, "vlan_quota", "within its quota");
}

static struct sriov_verdict
judge_frame(const struct sriov_vf_policy *p, const struct sriov_msg *m)
{
	if (m->value < SRIOV_FRAME_MIN || m->value > p->max_frame)
		return nack("max_frame", "frame too large or small");
	return ack(0, "max_frame", "within the PF's frame");
}

static uint32_t
xcast_ceiling(const struct sriov_vf_policy *p)
{
	const uint32_t most = p->trusted ? SRIOV_XCAST_ALLMULTI : SRIOV_XCAST_MULTI;

	return p->xcast < most ? p->xcast : most;
}

static struct sriov_verdict
judge_xcast(struct sriov_vf_state *s, const struct sriov_vf_policy *p, const struct sriov_msg *m)
{
	const uint32_t ceiling = xcast_ceiling(p);
	struct sriov_verdict v;

	if (s->api != API_1_2 && s->api != API_1_3)
		return nack("protocol", "needs API 1.2");
	if (m->value >= SRIOV_XCAST_PROMISC)
		return nack("xcast", "no promiscuous VF");
	s->xcast = m->value > ceiling ? ceiling : m->value;
	v = ack(SRIOV_DO_MULTICAST, "xcast", s->xcast == m->value ? "granted" : "clamped to multi");
	v.clamp = s->xcast != m->value;
	v.value = s->xcast;
	return v;
}

static struct sriov_verdict
judge_api(struct sriov_vf_state *s, const struct sriov_vf_policy *p, const struct sriov_msg *m)
{
	if (sriov_mbox_api_rank(m->value) > sriov_mbox_api_rank(s->asked))
		s->asked = m->value;
	/* 2.0 (1) is another driver's; above 1.3 DPDK's PF has nothing. */
	if (m->value > API_1_3 || m->value == 1)
		return refuse(m->type, "protocol", "the PF speaks 1.0 to 1.3");
	if (sriov_mbox_api_rank(m->value) < sriov_mbox_api_rank(p->api_floor))
		return refuse(m->type, "api_floor", "API too old");
	s->api = m->value;
	return pass(0, "agreed");
}

static struct sriov_verdict
judge_queues(const struct sriov_vf_state *s, const struct sriov_msg *m)
{
	/* The PMD keeps a VF's API over its reset; here it starts anew. */
	if (s->api < API_1_1)
		return refuse(m->type, "protocol", "needs API 1.1");
	return pass(0, "told its queues");
}

/* Thousandths of a request: refilled by the millisecond, two seconds' worth at most. */
static bool
may_ask(struct sriov_vf_state *s, const struct sriov_vf_policy *p, uint64_t now_ms)
{
	const uint64_t rate = p->request_rate, full = 2 * 1000 * rate;
	const uint64_t passed = now_ms > s->tokens_at ? now_ms - s->tokens_at : 0;

	if (rate == 0)
		return true;
	s->tokens = s->tokens_at == 0 || passed >= 2000 ? full : s->tokens + passed * rate;
	if (s->tokens > full)
		s->tokens = full;
	s->tokens_at = now_ms ? now_ms : 1;
	if (s->tokens < 1000)
		return false;
	s->tokens -= 1000;
	return true;
}

static struct sriov_verdict
judge_type(struct sriov_port *port, uint16_t vf, const struct sriov_msg *m)
{
	const struct sriov_vf_policy *p = &port->policy[vf];
	struct sriov_vf_state *s = &port->vf[vf];

	switch (m->type) {
	case SRIOV_SET_MAC:
		return judge_mac(port, vf, m);
	case SRIOV_SET_MULTICAST:
		return judge_multicast(s, p, m);
	case SRIOV_SET_VLAN:
		return judge_vlan(port, vf, m);
	case SRIOV_SET_LPE:
		return judge_frame(p, m);
	case SRIOV_SET_MACVLAN:
		return judge_macvlan(port, vf, m);
	case SRIOV_API_NEGOTIATE:
		return judge_api(s, p, m);
	case SRIOV_GET_QUEUES:
		return judge_queues(s, m);
	case SRIOV_UPDATE_XCAST:
		return judge_xcast(s, p, m);
	default:
		return nack("protocol", "not served");
	}
}

struct sriov_verdict
sriov_policy_judge(struct sriov_port *port, uint16_t vf, const struct sriov_msg *m, uint64_t now_ms)
{
	const struct sriov_vf_policy *p = &port->policy[vf];
	struct sriov_vf_state *s = &port->vf[vf];

	if (m->type == SRIOV_RESET && m->reset_done)
		return judge_reset(s, p, m); /* it has happened: no limit can refuse it */
	if (!may_ask(s, p, now_ms))
		return refuse(m->type, "request_rate", "too many requests");
	if (m->type == SRIOV_RESET)
		return judge_reset(s, p, m);
	if (!s->cts)
		return refuse(m->type, "protocol", "nothing before a reset");
	if (m->type != SRIOV_API_NEGOTIATE &&
		sriov_mbox_api_rank(s->api) < sriov_mbox_api_rank(p->api_floor))
		return refuse(m->type, "api_floor", "API too old");
	return judge_type(port, vf, m);
}

static uint32_t
revoke_macs(struct sriov_port *port, uint16_t vf)
{
	const struct sriov_vf_policy *p = &port->policy[vf];
	struct sriov_vf_state *s = &port->vf[vf];
	uint8_t kept = 0;
	uint32_t actions = 0;

	if (s->own_mac &&
		(p->mac_policy == SRIOV_MAC_LOCKED || (!may_be_any(p) && !in_list(p, s->mac)))) {
		s->own_mac = false;
		actions |= SRIOV_DO_MAC;
	}
	for (unsigned int i = 0; i < s->n_macvlans; i++) {
		const uint8_t *mac = s->macvlans[i];

		if (kept < p->macvlan_quota && (may_be_any(p) || in_list(p, mac)))
			memmove(s->macvlans[kept++], mac, 6);
	}
	if (kept < s->n_macvlans)
		actions |= SRIOV_DO_MACVLANS;
	s->n_macvlans = kept;
	return actions;
}

static uint32_t
revoke_vlans(struct sriov_port *port, uint16_t vf)
{
	const struct sriov_vf_policy *p = &port->policy[vf];
	struct sriov_vf_state *s = &port->vf[vf];
	uint8_t kept = 0, had = s->n_vlans;

	for (unsigned int i = 0; i < had; i++) {
		const uint16_t vid = s->vlans[i];

		if (p->port_vlan == 0 && kept < p->vlan_quota &&
			(p->trusted || !vlan_is_given(port, vf, vid)))
			s->vlans[kept++] = vid;
	}
	s->n_vlans = kept;
	return kept < had ? SRIOV_DO_VLANS : 0;
}

uint32_t
sriov_policy_revoke(struct sriov_port *port, uint16_t vf)
{
	const struct sriov_vf_policy *p = &port->policy[vf];
	struct sriov_vf_state *s = &port->vf[vf];
	const uint32_t ceiling = xcast_ceiling(p);
	uint32_t actions = revoke_macs(port, vf) | revoke_vlans(port, vf);

	if (s->n_mc > p->mc_quota) {
		s->n_mc = p->mc_quota;
		actions |= SRIOV_DO_MULTICAST;
	}
	if (s->xcast > ceiling) {
		s->xcast = ceiling;
		actions |= SRIOV_DO_MULTICAST;
	}
	return actions;
}

const char *
sriov_port_check(const struct sriov_port *port, uint16_t vf, const struct sriov_vf_policy *p)
{
	struct sriov_port with = *port;
	uint32_t rates = 0;

	if (sriov_policy_check(p))
		return sriov_policy_check(p);
	if (is_taken(port, vf, p->mac))
		return "that MAC is somebody else's";
	for (unsigned int i = 0; i < p->n_given; i++)
		if (is_taken(port, vf, p->given[i]))
			return "that MAC is somebody else's";
	with.policy[vf] = *p;
	/* One more than free fails in the middle of the work, on the card. */
	if (p->n_given > port->policy[vf].n_given && !rar_is_free(port))
		return "the card has no receive address left";
	if (!vlan_fits(&with, 0))
		return "the card has no VLAN filter left";
	for (uint16_t v = 0; v < port->n_vfs; v++)
		rates += with.policy[v].rate;
	if (rates > SRIOV_LINK_MBIT)
		return "the rates of all VFs together are above the link's 10000 Mbit/s";
	return NULL;
}

void
sriov_policy_default(struct sriov_vf_policy *p)
{
	memset(p, 0, sizeof(*p));
	p->mc_quota = SRIOV_MAX_MC;
	p->xcast = SRIOV_XCAST_MULTI;
	p->max_frame = 1518;
	p->request_rate = SRIOV_REQUEST_RATE;
}

const char *
sriov_policy_check(const struct sriov_vf_policy *p)
{
	if (p->mac_policy == SRIOV_MAC_ANY && !p->trusted)
		return "mac_policy = any needs trusted = yes";
	if (p->mac_policy == SRIOV_MAC_LIST && p->n_macs == 0)
		return "mac_policy = list needs macs";
	if (p->macvlan_quota > 0 && p->n_macs == 0 && p->mac_policy != SRIOV_MAC_ANY)
		return "macvlan_quota needs macs, or mac_policy = any";
	if (p->xcast > SRIOV_XCAST_MULTI && !p->trusted)
		return "xcast = allmulti needs trusted = yes";
	if (p->port_vlan != 0 && (p->n_vlans > 0 || p->vlan_quota > 0))
		return "port_vlan leaves no room for vlans or vlan_quota: the VF is in that VLAN";
	if (p->all_multicast && !p->trusted)
		return "all multicast needs trusted = yes";
	return NULL;
}

void
sriov_policy_default_mac(unsigned int pf, unsigned int vf, uint8_t mac[6])
{
	const uint8_t base[6] = {0x02, 0x09, 0xc0, 0x00, pf, vf};

	memcpy(mac, base, 6);
}

void
sriov_policy_mc_address(uint16_t hash, uint8_t mac[6])
{
	const uint8_t address[6] = {0x01, 0x00, 0x00, 0x00, (hash & 0xf) << 4, hash >> 4};

	memcpy(mac, address, 6);
}

const char *
sriov_answer_name(enum sriov_answer a)
{
	static const char *const names[] = {"ack", "nack", "pass", "deny"};

	return names[a];
}

const char *
sriov_xcast_name(uint32_t xcast)
{
	static const char *const names[] = {"none", "multi", "allmulti", "promisc"};

	return xcast < 4 ? names[xcast] : "?";
}

const char *
sriov_mac_policy_name(enum sriov_mac_policy p)
{
	static const char *const names[] = {"locked", "list", "any"};

	return names[p];
}
