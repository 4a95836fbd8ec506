/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "sriov_policy.h"

#define API_1_2   3u
#define API_1_3   4u
#define FRAME_MIN 64u

static struct sriov_verdict
ack(uint32_t actions, const char *reason)
{
	return (struct sriov_verdict){SRIOV_ACK, actions, false, 0, reason};
}

static struct sriov_verdict
nack(const char *reason)
{
	return (struct sriov_verdict){SRIOV_NACK, 0, false, 0, reason};
}

static struct sriov_verdict
judge_reset(struct sriov_vf_state *s, const struct sriov_msg *m)
{
	uint64_t resets = s->resets + 1;
	bool had_mc = s->n_mc > 0;

	if (!m->reset_done)
		return nack("malformed reset");
	/* API 1.0 until the VF negotiates again; the PMD forgets its multicast hashes too. */
	memset(s, 0, sizeof(*s));
	s->cts = true;
	s->resets = resets;
	return (struct sriov_verdict){SRIOV_PASS,
		SRIOV_DO_REAPPLY | (had_mc ? SRIOV_DO_MULTICAST : 0), false, 0, "reset"};
}

static struct sriov_verdict
judge_mac(const struct sriov_vf_policy *p, const struct sriov_msg *m)
{
	if (memcmp(m->mac, p->mac, 6) == 0)
		return ack(0, "the assigned address");
	return nack("MAC is locked");
}

static struct sriov_verdict
judge_multicast(struct sriov_vf_state *s, const struct sriov_msg *m)
{
	s->n_mc = m->n_mc;
	memcpy(s->mc, m->mc, sizeof(s->mc[0]) * m->n_mc);
	return ack(SRIOV_DO_MULTICAST, "kept and programmed");
}

static struct sriov_verdict
judge_vlan(const struct sriov_vf_policy *p, const struct sriov_msg *m)
{
	if (m->vid == 0)
		return ack(0, "VLAN 0 is no VLAN");
	for (unsigned int i = 0; i < p->n_vlans; i++)
		if (p->vlans[i] == m->vid)
			return ack(0, "VLAN configured");
	return nack("VLAN not configured");
}

static struct sriov_verdict
judge_frame(const struct sriov_vf_policy *p, const struct sriov_msg *m)
{
	if (m->value < FRAME_MIN || m->value > p->max_frame)
		return nack("frame too large or small");
	return ack(0, "within the PF's frame");
}

static struct sriov_verdict
judge_xcast(struct sriov_vf_state *s, const struct sriov_msg *m)
{
	struct sriov_verdict v;

	if (s->api != API_1_2 && s->api != API_1_3)
		return nack("needs API 1.2");
	if (m->value >= SRIOV_XCAST_PROMISC)
		return nack("no promiscuous VF");
	s->xcast = m->value > SRIOV_XCAST_MULTI ? SRIOV_XCAST_MULTI : m->value;
	v = ack(SRIOV_DO_MULTICAST, s->xcast == m->value ? "granted" : "clamped to multi");
	v.clamp = s->xcast != m->value;
	v.value = s->xcast;
	return v;
}

static struct sriov_verdict
judge_api(struct sriov_vf_state *s, const struct sriov_msg *m)
{
	/* 2.0 (1) is another driver's; above 1.3 DPDK's PF has nothing. The PMD answers both. */
	if (m->value > API_1_3 || m->value == 1)
		return (struct sriov_verdict){SRIOV_DENY, 0, false, 0, "the PF speaks 1.0 to 1.3"};
	s->api = m->value;
	return (struct sriov_verdict){SRIOV_PASS, 0, false, 0, "agreed"};
}

struct sriov_verdict
sriov_policy_judge(
	struct sriov_vf_state *s, const struct sriov_vf_policy *p, const struct sriov_msg *m)
{
	if (m->type == SRIOV_RESET)
		return judge_reset(s, m);
	if (!s->cts) {
		bool pmd_decides = m->type == SRIOV_API_NEGOTIATE || m->type == SRIOV_GET_QUEUES;

		return (struct sriov_verdict){pmd_decides ? SRIOV_DENY : SRIOV_NACK, 0, false, 0,
			"nothing before a reset"};
	}
	switch (m->type) {
	case SRIOV_SET_MAC:
		return judge_mac(p, m);
	case SRIOV_SET_MULTICAST:
		return judge_multicast(s, m);
	case SRIOV_SET_VLAN:
		return judge_vlan(p, m);
	case SRIOV_SET_LPE:
		return judge_frame(p, m);
	case SRIOV_SET_MACVLAN:
		if (m->index == 0)
			return ack(0, "nothing to clear");
		return nack("one MAC a VF");
	case SRIOV_API_NEGOTIATE:
		return judge_api(s, m);
	case SRIOV_GET_QUEUES:
		return (struct sriov_verdict){SRIOV_PASS, 0, false, 0, "told its queues"};
	case SRIOV_UPDATE_XCAST:
		return judge_xcast(s, m);
	default:
		return nack("not served");
	}
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
