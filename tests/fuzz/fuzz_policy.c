/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer target: what a VF may write into its mailbox, in any order, under any policy. The input
 * is three policies, and then messages: who, how much later, how many words, the words. After each
 * message the rules that must hold whatever was granted are looked at; a broken one aborts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sriov_drift.h"
#include "sriov_learn.h"
#include "sriov_log.h"
#include "sriov_policy.h"

#define VFS      3
#define MESSAGES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t left;
};

static uint8_t
byte(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->data++;
}

static uint32_t
word(struct input *in)
{
	uint32_t w = 0;

	for (unsigned int i = 0; i < 4; i++)
		w |= (uint32_t)byte(in) << (8 * i);
	return w;
}

static void
holds(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/* Few different addresses and VLANs, so that VFs meet. */
static void
draw_policy(struct input *in, struct sriov_vf_policy *p)
{
	const uint8_t flags = byte(in);

	p->trusted = flags & 1;
	p->foreign_sources = flags & 2;
	p->all_multicast = flags & 4;
	p->mac_policy = (flags >> 3) % 3;
	p->n_macs = byte(in) % (SRIOV_POLICY_MACS + 1);
	for (unsigned int i = 0; i < p->n_macs; i++)
		sriov_policy_default_mac(0, byte(in) % 16, p->macs[i]);
	p->macvlan_quota = byte(in) % (SRIOV_OWN_MACS + 1);
	p->port_vlan = byte(in) % 8 == 0 ? 1 + byte(in) % 8 : 0;
	p->n_vlans = byte(in) % 4;
	for (unsigned int i = 0; i < p->n_vlans; i++)
		p->vlans[i] = 1 + byte(in) % 8;
	p->vlan_quota = byte(in) % (SRIOV_OWN_VLANS + 1);
	p->mc_quota = byte(in) % (SRIOV_MAX_MC + 1);
	p->xcast = byte(in) % 3;
	p->max_frame = SRIOV_FRAME_MIN + byte(in) * 6;
	p->api_floor = byte(in) % 5;
	p->request_rate = byte(in);
}

static void
look(const struct sriov_port *port, uint16_t vf)
{
	const struct sriov_vf_policy *p = &port->policy[vf];
	const struct sriov_vf_state *s = &port->vf[vf];

	holds(s->n_mc <= p->mc_quota, "multicast quota");
	holds(s->n_macvlans <= p->macvlan_quota, "macvlan quota");
	holds(s->n_vlans <= p->vlan_quota && !(s->n_vlans && p->port_vlan), "VLAN quota");
	holds(s->xcast <= (p->trusted ? SRIOV_XCAST_ALLMULTI : SRIOV_XCAST_MULTI), "xcast");
	holds(p->trusted || p->mac_policy != SRIOV_MAC_LOCKED || !s->own_mac, "locked MAC");
	for (uint16_t v = 0; v < VFS; v++) {
		const uint8_t *mac = sriov_policy_mac(port, v);

		holds(v == vf || memcmp(mac, sriov_policy_mac(port, vf), 6) != 0, "one address");
		for (unsigned int i = 0; i < s->n_macvlans; i++)
			holds(memcmp(mac, s->macvlans[i], 6) != 0, "a macvlan of somebody else");
		for (unsigned int i = 0; i < s->n_vlans; i++)
			holds(v == vf || p->trusted || port->policy[v].port_vlan != s->vlans[i],
				"port VLAN of somebody else");
	}
}

/* What is told of a message must fit its buffers, whatever it says. */
static void
tell(const struct sriov_port *port, uint16_t vf, const struct sriov_msg *m,
	const struct sriov_verdict *v, struct sriov_record *r)
{
	static struct sriov_chain chain[VFS];
	static struct sriov_layout layout = {.pools = 64, .queues_per_pool = 2};
	static struct sriov_learn learn[VFS];
	static FILE *sink;
	char text[96];

	if (!sink)
		sink = fopen("/dev/null", "we");
	sriov_mbox_text(m, text, sizeof(text));
	*r = (struct sriov_record){
		.vf = vf, .answer = v->answer, .rule = v->rule, .reason = v->reason};
	memcpy(r->words, m->words, sizeof(r->words));
	sriov_chain_note(&chain[vf], &layout, m, v, r->note);
	r->chain = chain[vf].number;
	sriov_learn_add(&learn[vf], &port->policy[vf], m, 1);
	if (sink) {
		sriov_log_write(sink, r);
		sriov_learn_print(&learn[vf], &port->policy[vf], "vf", sink);
	}
}

static void
one_message(struct input *in, struct sriov_port *port, uint64_t *now, struct sriov_record *r)
{
	const uint16_t vf = byte(in) % VFS;
	const bool had_spoken = port->vf[vf].cts;
	uint32_t words[SRIOV_MBOX_WORDS] = {0};
	struct sriov_verdict v;
	struct sriov_msg m;

	*now += byte(in);
	for (unsigned int n = byte(in) % (SRIOV_MBOX_WORDS + 1), i = 0; i < n; i++)
		words[i] = word(in);
	sriov_mbox_decode(words, &m);
	v = sriov_policy_judge(port, vf, &m, *now);
	holds(v.rule && v.reason, "a reason");
	holds(v.answer != SRIOV_PASS || m.type == SRIOV_RESET || m.type == SRIOV_API_NEGOTIATE ||
			m.type == SRIOV_GET_QUEUES,
		"nothing is left to the PMD that it would do");
	holds(had_spoken || m.reset_done || (v.answer != SRIOV_ACK && v.answer != SRIOV_PASS),
		"nothing before a reset");
	holds(v.answer != SRIOV_NACK || v.actions == 0, "a refusal changes nothing");
	look(port, vf);
	tell(port, vf, &m, &v, r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct sriov_record records[MESSAGES];
	struct sriov_row rows[MESSAGES];
	struct sriov_port port = {.n_vfs = VFS};
	uint64_t now = 1, sum = 0;
	unsigned int n = 0, kept;

	sriov_policy_default_mac(0, 15, port.pf_mac);
	for (uint16_t v = 0; v < VFS; v++) {
		draw_policy(&in, &port.policy[v]);
		sriov_policy_default_mac(0, v, port.policy[v].mac);
	}
	while (in.left > 0 && n < MESSAGES)
		one_message(&in, &port, &now, &records[n++]);
	kept = sriov_log_fold(records, n, rows);
	for (unsigned int i = 0; i < kept; i++)
		sum += rows[i].count;
	holds(sum == n, "rows count every record once");
	for (uint16_t v = 0; v < VFS; v++) {
		draw_policy(&in, &port.policy[v]);
		for (uint16_t u = 0; u < VFS; u++)
			sriov_policy_revoke(&port, u);
		sriov_undone_by_start(&port.policy[v], &port.vf[v]);
	}
	for (uint16_t v = 0; v < VFS; v++)
		look(&port, v);
	return 0;
}
