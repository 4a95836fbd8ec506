/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The policy against a second opinion: a state machine written from the rules and not from the
 * policy's code, with other data structures (who owns which address, who holds which VLAN). Random
 * words, and sequences of plausible messages from three VFs with random policies, a million each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sriov_policy.h"

#define VFS	  3
#define SEQUENCES 1000000
#define STEPS	  8
#define MACS	  12 /* addresses 02:09:c0:00:00:00 and on; 0 to 2 are the VFs', 3 is the PF's */
#define VIDS	  8  /* VLANs 0 to 6, and 4095 */

static uint64_t seed;

static uint32_t
rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % n;
}

/* What the second opinion knows. */
static struct {
	bool spoke;		/* after a reset */
	unsigned int minor;	/* API 1.minor */
	int address;		/* index of its own address */
	bool further[MACS];	/* macvlans */
	bool joined[VIDS];	/* VLANs of its own choice */
	unsigned int groups, cast;
} ref[VFS];

static struct sriov_port port;

static void
mac_of(unsigned int i, uint8_t mac[6])
{
	sriov_policy_default_mac(0, i, mac);
	if (i == MACS - 1)
		mac[0] = 3; /* a group's address */
}

static uint16_t
vid_of(unsigned int i)
{
	return i == VIDS - 1 ? 4095 : i;
}

static bool
listed(unsigned int vf, unsigned int i)
{
	uint8_t mac[6];

	mac_of(i, mac);
	for (unsigned int k = 0; k < port.policy[vf].n_macs; k++)
		if (memcmp(port.policy[vf].macs[k], mac, 6) == 0)
			return true;
	return false;
}

static bool
foreign(unsigned int vf, unsigned int i)
{
	bool taken = i == 3 || (i < VFS && i != vf);

	for (unsigned int v = 0; v < VFS; v++)
		taken |= v != vf && (ref[v].address == (int)i || ref[v].further[i]);
	return taken;
}

static bool
may_own(unsigned int vf, unsigned int i)
{
	const struct sriov_vf_policy *p = &port.policy[vf];
	bool any = p->mac_policy == SRIOV_MAC_ANY && p->trusted;

	return i != MACS - 1 && !foreign(vf, i) && (any || listed(vf, i));
}

static unsigned int
count(const bool *set, unsigned int n)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < n; i++)
		sum += set[i];
	return sum;
}

static bool
in_config(unsigned int vf, uint16_t vid)
{
	for (unsigned int k = 0; k < port.policy[vf].n_vlans; k++)
		if (port.policy[vf].vlans[k] == vid)
			return true;
	return false;
}

/* Does the configuration give the VLAN to another VF? */
static bool
given(unsigned int vf, uint16_t vid)
{
	for (unsigned int v = 0; v < VFS; v++)
		if (v != vf && (port.policy[v].port_vlan == vid || in_config(v, vid)))
			return true;
	return false;
}

/* Each says whether the rules grant the message, and moves the second opinion's state on. */
static bool
ref_mac(unsigned int vf, unsigned int i)
{
	if (ref[vf].address != (int)i && i != vf &&
		(port.policy[vf].mac_policy == SRIOV_MAC_LOCKED || !may_own(vf, i)))
		return false;
	ref[vf].address = i;
	return true;
}

static bool
ref_macvlan(unsigned int vf, unsigned int index, unsigned int i)
{
	unsigned int quota = port.policy[vf].macvlan_quota;
	unsigned int held = index == 1 ? 0 : count(ref[vf].further, MACS);

	if (index == 0) {
		memset(ref[vf].further, 0, sizeof(ref[vf].further));
		return true;
	}
	if (quota == 0 || i == MACS - 1)
		return false;
	if (ref[vf].further[i] || ref[vf].address == (int)i)
		return true;
	if (!may_own(vf, i) || held >= quota)
		return false;
	if (index == 1)
		memset(ref[vf].further, 0, sizeof(ref[vf].further));
	ref[vf].further[i] = true;
	return true;
}

static bool
ref_vlan(unsigned int vf, bool add, unsigned int i)
{
	const uint16_t vid = vid_of(i);

	if (vid == 0)
		return true;
	if (port.policy[vf].port_vlan != 0)
		return false;
	if (in_config(vf, vid))
		return true;
	if (!add) {
		bool had = ref[vf].joined[i];

		ref[vf].joined[i] = false;
		return had;
	}
	if (port.policy[vf].vlan_quota == 0 || vid > 4094)
		return false;
	if (!ref[vf].joined[i] && !port.policy[vf].trusted && given(vf, vid))
		return false;
	if (!ref[vf].joined[i] && count(ref[vf].joined, VIDS) >= port.policy[vf].vlan_quota)
		return false;
	ref[vf].joined[i] = true;
	return true;
}

static const unsigned int minor_of[] = {0, 99, 1, 2, 3, 99, 99, 99, 99};

static bool
ref_api(unsigned int vf, uint32_t value)
{
	unsigned int minor = value < 9 ? minor_of[value] : 99;

	if (minor == 99 || minor < minor_of[port.policy[vf].api_floor])
		return false;
	ref[vf].minor = minor;
	return true;
}

static bool
ref_xcast(unsigned int vf, uint32_t value)
{
	unsigned int ceiling = port.policy[vf].xcast;

	if (ref[vf].minor < 2 || value > 2)
		return false;
	if (!port.policy[vf].trusted && ceiling > 1)
		ceiling = 1;
	ref[vf].cast = value < ceiling ? value : ceiling;
	return true;
}

static bool
ref_groups(unsigned int vf, unsigned int n)
{
	if (n > 30 || n > port.policy[vf].mc_quota)
		return false;
	ref[vf].groups = n;
	return true;
}

static void
ref_reset(unsigned int vf)
{
	int address = ref[vf].address;

	memset(&ref[vf], 0, sizeof(ref[vf]));
	ref[vf].spoke = true;
	ref[vf].address = address;
}

/* One message, drawn and judged by both. */
static void
step(void)
{
	const unsigned int vf = rnd(VFS), mac = rnd(MACS), vid = rnd(VIDS), n = rnd(34);
	static const uint8_t types[] = {1, 1, 2, 2, 3, 4, 4, 4, 5, 6, 6, 6, 8, 8, 9, 12, 12, 10, 16, 0};
	const uint8_t type = types[rnd(sizeof(types))];
	const unsigned int index = rnd(3);
	uint32_t w[SRIOV_MBOX_WORDS] = {type};
	struct sriov_verdict v;
	struct sriov_msg m;
	bool grant = false, silent = false, floor_ok;

	floor_ok = ref[vf].minor >= minor_of[port.policy[vf].api_floor];
	if (type == 2 || type == 6) {
		mac_of(mac, (uint8_t *)&w[1]);
		w[0] |= type == 6 ? index << 16 : 0;
	} else if (type == 3) {
		w[0] |= n << 16;
	} else if (type == 4) {
		w[0] |= (index & 1) << 16;
		w[1] = vid_of(vid);
	} else {
		w[1] = type == 5 ? 1500 + rnd(40) : rnd(10);
	}
	if (type == 1 && rnd(4) > 0)
		w[0] = 0x80000001;
	else if (type == 1)
		w[0] |= (1 + rnd(3)) << 16;
	if (w[0] == 0x80000001) {
		ref_reset(vf);
		grant = true;
	} else if (type == 1 || !ref[vf].spoke || (type != 8 && !floor_ok)) {
		silent = true;
	} else {
		switch (type) {
		case 2:
			grant = ref_mac(vf, mac);
			break;
		case 3:
			grant = ref_groups(vf, n);
			break;
		case 4:
			grant = ref_vlan(vf, index & 1, vid);
			break;
		case 5:
			grant = w[1] <= port.policy[vf].max_frame;
			break;
		case 6:
			grant = ref_macvlan(vf, index, mac);
			break;
		case 8:
			grant = ref_api(vf, w[1]);
			break;
		case 9:
			grant = ref[vf].minor >= 1;
			break;
		case 12:
			grant = ref_xcast(vf, w[1]);
			break;
		default:
			break;
		}
	}
	sriov_mbox_decode(w, &m);
	v = sriov_policy_judge(&port, vf, &m, 1);
	if ((v.answer == SRIOV_ACK || v.answer == SRIOV_PASS) != grant || (silent && v.actions))
		fail_msg("type %u of VF %u: the policy says %s (%s), the rules %s", type, vf,
			sriov_answer_name(v.answer), v.reason, grant ? "grant" : "refuse");
	/* The PMD is let loose on nothing but what it answers by itself anyway. */
	assert_int_equal(v.answer == SRIOV_PASS, grant && (type == 1 || type == 8 || type == 9));
	assert_true(v.answer != SRIOV_NACK || (type != 8 && type != 9));
}

static void
same_state(void)
{
	for (unsigned int vf = 0; vf < VFS; vf++) {
		const struct sriov_vf_state *s = &port.vf[vf];
		uint8_t mac[6];

		mac_of(ref[vf].address, mac);
		assert_memory_equal(sriov_policy_mac(&port, vf), mac, 6);
		assert_int_equal(s->n_macvlans, count(ref[vf].further, MACS));
		assert_int_equal(s->n_vlans, count(ref[vf].joined, VIDS));
		assert_int_equal(s->n_mc, ref[vf].groups);
		assert_int_equal(s->xcast, ref[vf].cast);
		assert_int_equal(s->cts, ref[vf].spoke);
		for (unsigned int i = 0; i < s->n_vlans; i++)
			assert_true(ref[vf].joined[s->vlans[i] == 4095 ? VIDS - 1 : s->vlans[i]]);
	}
}

static void
draw_policy(struct sriov_vf_policy *p)
{
	static const uint32_t floors[] = {0, 0, 0, 2, 3, 4};

	p->trusted = rnd(2);
	p->mac_policy = rnd(3);
	p->n_macs = rnd(4);
	for (unsigned int k = 0; k < p->n_macs; k++)
		mac_of(rnd(MACS), p->macs[k]);
	p->macvlan_quota = rnd(4);
	p->port_vlan = rnd(4) == 0 ? 5 : 0;
	p->n_vlans = rnd(3);
	for (unsigned int k = 0; k < p->n_vlans; k++)
		p->vlans[k] = 1 + rnd(3);
	p->vlan_quota = rnd(4);
	p->mc_quota = rnd(31);
	p->xcast = rnd(3);
	p->max_frame = 1500 + rnd(40);
	p->api_floor = floors[rnd(6)];
}

/* Policies that sriov_policy_check() would refuse are drawn too: a wrong policy must fail closed. */
static void
sequences_agree(void **state)
{
	(void)state;
	seed = 88172645463325252u;
	memset(&port, 0, sizeof(port));
	port.n_vfs = VFS;
	mac_of(3, port.pf_mac);
	for (unsigned int i = 0; i < SEQUENCES; i++) {
		if (i % 16 == 0) {
			memset(ref, 0, sizeof(ref));
			memset(port.vf, 0, sizeof(port.vf[0]) * VFS);
			for (unsigned int vf = 0; vf < VFS; vf++) {
				draw_policy(&port.policy[vf]);
				mac_of(vf, port.policy[vf].mac);
				ref[vf].address = vf;
			}
		}
		for (unsigned int k = 0; k < STEPS; k++)
			step();
		same_state();
	}
}

/* No two VFs ever hold one address, and quotas hold, whatever words come. */
static void
random_words_keep_the_rules(void **state)
{
	(void)state;
	seed = 2463534242u;
	memset(&port, 0, sizeof(port));
	port.n_vfs = VFS;
	for (unsigned int vf = 0; vf < VFS; vf++) {
		draw_policy(&port.policy[vf]);
		mac_of(vf, port.policy[vf].mac);
	}
	for (unsigned int i = 0; i < SEQUENCES; i++) {
		const unsigned int vf = rnd(VFS);
		const struct sriov_vf_state *s = &port.vf[vf];
		const struct sriov_vf_policy *p = &port.policy[vf];
		uint32_t w[SRIOV_MBOX_WORDS];
		struct sriov_verdict v;
		struct sriov_msg m;

		for (unsigned int k = 0; k < SRIOV_MBOX_WORDS; k++)
			w[k] = rnd(UINT32_MAX);
		w[0] &= rnd(3) ? 0x00ff001f : 0xffffffff;
		if (rnd(64) == 0)
			w[0] = 0x80000001;
		sriov_mbox_decode(w, &m);
		v = sriov_policy_judge(&port, vf, &m, 1);
		assert_non_null(v.reason);
		assert_non_null(v.rule);
		assert_true(s->n_mc <= p->mc_quota && s->n_macvlans <= p->macvlan_quota);
		assert_true(s->n_vlans <= p->vlan_quota);
		assert_true(s->xcast <= (p->trusted ? p->xcast : SRIOV_XCAST_MULTI));
		for (unsigned int o = 0; o < VFS; o++)
			assert_true(o == vf || memcmp(sriov_policy_mac(&port, vf),
						       sriov_policy_mac(&port, o), 6) != 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequences_agree),
		cmocka_unit_test(random_words_keep_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
