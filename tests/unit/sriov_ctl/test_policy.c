/* SPDX-License-Identifier: BSD-3-Clause */
/* Mailbox decode and policy: every message, before and after a reset, and random words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sriov_drift.h"
#include "sriov_policy.h"

static struct sriov_port port;
static uint64_t now = 1;
#define VF 1
#define s  (port.vf[VF])
#define p  (port.policy[VF])
static uint32_t w[SRIOV_MBOX_WORDS];

static int
setup(void **state)
{
	(void)state;
	memset(&port, 0, sizeof(port));
	port.n_vfs = 3;
	for (unsigned int v = 0; v < 3; v++) {
		sriov_policy_default(&port.policy[v]);
		sriov_policy_default_mac(0, v, port.policy[v].mac);
	}
	memcpy(port.pf_mac, "\x02\x11\x11\x11\x11\x11", 6);
	p.request_rate = 0;
	now = 1;
	p.n_vlans = 2;
	p.vlans[0] = 100;
	p.vlans[1] = 7;
	return 0;
}

static struct sriov_verdict
say(uint32_t word0, uint32_t word1, uint32_t word2)
{
	struct sriov_msg m;

	memset(w, 0, sizeof(w));
	w[0] = word0;
	w[1] = word1;
	w[2] = word2;
	sriov_mbox_decode(w, &m);
	return sriov_policy_judge(&port, VF, &m, now);
}

static void
reset(void)
{
	struct sriov_verdict v = say(0x80000001, 0, 0);

	assert_int_equal(v.answer, SRIOV_PASS);
	assert_true(v.actions & SRIOV_DO_REAPPLY);
	assert_true(s.cts);
}

static void
default_mac_is_stable(void **state)
{
	const uint8_t want[6] = {0x02, 0x09, 0xc0, 0x00, 0x00, 0x01};

	(void)state;
	assert_memory_equal(p.mac, want, 6);
}

static void
nothing_before_a_reset(void **state)
{
	(void)state;
	for (uint32_t type = 2; type < 0x20; type++) {
		struct sriov_verdict v = say(type, 0, 0);

		assert_int_equal(v.answer, type == 8 || type == 9 ? SRIOV_DENY : SRIOV_NACK);
		assert_int_equal(v.actions, 0);
		assert_false(s.cts);
	}
}

static void
a_reset_with_arguments_is_none(void **state)
{
	(void)state;
	assert_int_equal(say(0x00010001, 0, 0).answer, SRIOV_NACK);
	assert_false(s.cts);
	assert_int_equal(say(0x00000001, 0, 0).answer, SRIOV_NACK);
	assert_false(s.cts);
	reset();
	assert_int_equal(say(0x00ff0001, 0, 0).answer, SRIOV_NACK);
	assert_true(s.cts);
	assert_int_equal(s.resets, 1);
}

static void
mac_is_locked(void **state)
{
	(void)state;
	reset();
	assert_int_equal(say(2, 0x00c00902, 0x0100).answer, SRIOV_ACK);
	assert_int_equal(say(2, 0x00c00902, 0x0200).answer, SRIOV_NACK);
	assert_int_equal(say(2, 0, 0).answer, SRIOV_NACK);
	assert_int_equal(say(0x00010006, 0x00c00902, 0x0900).answer, SRIOV_NACK);
	assert_int_equal(say(0x00000006, 0, 0).answer, SRIOV_ACK);
}

static void
only_registered_vlans(void **state)
{
	(void)state;
	reset();
	assert_int_equal(say(0x00010004, 100, 0).answer, SRIOV_ACK);
	assert_int_equal(say(0x00010004, 7, 0).answer, SRIOV_ACK);
	assert_int_equal(say(0x00000004, 7, 0).answer, SRIOV_ACK);
	assert_int_equal(say(0x00010004, 0, 0).answer, SRIOV_ACK);
	assert_int_equal(say(0x00010004, 8, 0).answer, SRIOV_NACK);
	assert_int_equal(say(0x00000004, 8, 0).answer, SRIOV_NACK);
	assert_int_equal(say(0x00010004, 4095, 0).answer, SRIOV_NACK);
}

static void
frames_up_to_the_pfs(void **state)
{
	(void)state;
	reset();
	assert_int_equal(say(5, 1518, 0).answer, SRIOV_ACK);
	assert_int_equal(say(5, 1519, 0).answer, SRIOV_NACK);
	assert_int_equal(say(5, 63, 0).answer, SRIOV_NACK);
	assert_int_equal(say(5, UINT32_MAX, 0).answer, SRIOV_NACK);
}

static void
api_and_queues_go_to_the_pmd(void **state)
{
	(void)state;
	reset();
	assert_int_equal(say(8, 4, 0).answer, SRIOV_PASS);
	assert_int_equal(s.api, 4);
	assert_int_equal(say(9, 0, 0).answer, SRIOV_PASS);
	assert_int_equal(say(8, 5, 0).answer, SRIOV_DENY);
	assert_int_equal(say(8, 1, 0).answer, SRIOV_DENY);
	assert_int_equal(s.api, 4);
}

static void
multicast_is_kept_and_forgotten(void **state)
{
	struct sriov_verdict v;

	(void)state;
	reset();
	v = say(0x00020003, 0xf1230abc, 0);
	assert_int_equal(v.answer, SRIOV_ACK);
	assert_true(v.actions & SRIOV_DO_MULTICAST);
	assert_int_equal(s.n_mc, 2);
	assert_int_equal(s.mc[0], 0xabc);
	assert_int_equal(s.mc[1], 0x123);
	assert_true(sriov_policy_wants_mc(&s));
	v = say(0x80000001, 0, 0);
	assert_true(v.actions & SRIOV_DO_MULTICAST);
	assert_int_equal(s.n_mc, 0);
	assert_int_equal(say(0x00ff0003, 0, 0).answer, SRIOV_NACK);
	assert_int_equal(say(0x001e0003, 0, 0).answer, SRIOV_ACK);
	assert_int_equal(s.n_mc, SRIOV_MAX_MC);
	p.mc_quota = 4;
	assert_int_equal(say(0x00050003, 0, 0).answer, SRIOV_NACK);
	assert_int_equal(s.n_mc, SRIOV_MAX_MC);
	assert_int_equal(say(0x00040003, 0, 0).answer, SRIOV_ACK);
	say(0x00000003, 0, 0);
	assert_false(sriov_policy_wants_mc(&s));
}

static void
multicast_addresses_hash_back(void **state)
{
	(void)state;
	for (uint16_t hash = 0; hash < 4096; hash++) {
		uint8_t mac[6];

		sriov_policy_mc_address(hash, mac);
		assert_int_equal(mac[0] & 1, 1);
		/* the filter of type 0 takes bits 47:36 of the address */
		assert_int_equal((mac[4] >> 4 | mac[5] << 4) & 0xfff, hash);
	}
}

static void
xcast_is_clamped(void **state)
{
	struct sriov_verdict v;

	(void)state;
	reset();
	assert_int_equal(say(0xc, 1, 0).answer, SRIOV_NACK); /* API still 1.0 */
	say(8, 4, 0);
	v = say(0xc, SRIOV_XCAST_MULTI, 0);
	assert_int_equal(v.answer, SRIOV_ACK);
	assert_false(v.clamp);
	v = say(0xc, SRIOV_XCAST_ALLMULTI, 0);
	assert_int_equal(v.answer, SRIOV_ACK);
	assert_true(v.clamp);
	assert_int_equal(v.value, SRIOV_XCAST_MULTI);
	assert_int_equal(say(0xc, SRIOV_XCAST_PROMISC, 0).answer, SRIOV_NACK);
	assert_int_equal(say(0xc, 99, 0).answer, SRIOV_NACK);
	assert_int_equal(say(0xa, 0, 0).answer, SRIOV_NACK);
	assert_int_equal(say(0x7777, 0, 0).answer, SRIOV_NACK);
}

static void
says_it_in_words(void **state)
{
	struct sriov_msg m;
	char buf[96];

	(void)state;
	say(0x00010004, 100, 0);
	sriov_mbox_decode(w, &m);
	assert_string_equal(sriov_mbox_text(&m, buf, sizeof(buf)), "SET_VLAN add 100");
	say(8, 4, 0);
	sriov_mbox_decode(w, &m);
	assert_string_equal(sriov_mbox_text(&m, buf, sizeof(buf)), "API_NEGOTIATE 1.3");
	say(0x77, 4, 0);
	sriov_mbox_decode(w, &m);
	assert_string_equal(sriov_mbox_text(&m, buf, sizeof(buf)), "message 0x77 (0x00000077 0x00000004)");
	say(0x10001, 4, 0);
	sriov_mbox_decode(w, &m);
	assert_non_null(strstr(sriov_mbox_text(&m, buf, sizeof(buf)), "malformed"));
}

/* Whatever a VF writes: an answer with a reason, and nothing leaves the bounds. */
static void
random_words_never_escape(void **state)
{
	uint32_t x = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct sriov_verdict v;
		struct sriov_msg m;
		char buf[96];

		for (size_t k = 0; k < SRIOV_MBOX_WORDS; k++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			w[k] = x;
		}
		w[0] &= i & 1 ? 0x00ff001f : 0xffffffff;
		if (i % 50 == 0)
			w[0] = 0x80000001;
		sriov_mbox_decode(w, &m);
		v = sriov_policy_judge(&port, VF, &m, now);
		sriov_mbox_text(&m, buf, sizeof(buf));
		assert_non_null(v.reason);
		assert_true(s.n_mc <= SRIOV_MAX_MC);
		assert_true(s.xcast <= SRIOV_XCAST_MULTI);
		if (m.type == SRIOV_SET_MAC && v.answer == SRIOV_ACK)
			assert_memory_equal(m.mac, p.mac, 6);
		if (v.answer == SRIOV_PASS)
			assert_true(m.type == SRIOV_RESET || m.type == SRIOV_API_NEGOTIATE ||
				    m.type == SRIOV_GET_QUEUES);
	}
}

static void
api_starts_anew_with_a_reset(void **state)
{
	(void)state;
	reset();
	assert_int_equal(say(9, 0, 0).answer, SRIOV_DENY);
	say(8, 4, 0);
	assert_int_equal(say(9, 0, 0).answer, SRIOV_PASS);
	reset();
	assert_int_equal(say(9, 0, 0).answer, SRIOV_DENY);
}

/* An address 02:09:c0:00:00:NN as the words 1 and 2 of a message carry it. */
#define MAC_WORDS(nn) 0x00c00902, (uint32_t)(nn) << 8

static void
a_list_of_addresses(void **state)
{
	(void)state;
	p.mac_policy = SRIOV_MAC_LIST;
	p.n_macs = 2;
	sriov_policy_default_mac(0, 0x20, p.macs[0]);
	sriov_policy_default_mac(0, 2, p.macs[1]); /* the next VF's: never */
	reset();
	assert_int_equal(say(2, MAC_WORDS(0x20)).answer, SRIOV_ACK);
	assert_true(s.own_mac);
	assert_int_equal(say(2, MAC_WORDS(0x21)).answer, SRIOV_NACK);
	assert_int_equal(say(2, MAC_WORDS(2)).answer, SRIOV_NACK);
	assert_int_equal(sriov_policy_mac(&port, VF)[5], 0x20);
	reset();
	assert_int_equal(sriov_policy_mac(&port, VF)[5], 0x20);
	assert_true(say(2, MAC_WORDS(1)).actions & SRIOV_DO_MAC);
	assert_false(s.own_mac);
}

static void
any_address_but_somebody_elses(void **state)
{
	(void)state;
	p.mac_policy = SRIOV_MAC_ANY;
	reset();
	assert_int_equal(say(2, MAC_WORDS(0x20)).answer, SRIOV_NACK); /* not trusted */
	p.trusted = true;
	assert_int_equal(say(2, MAC_WORDS(0x20)).answer, SRIOV_ACK);
	assert_int_equal(say(2, 0x11111102, 0x1111).answer, SRIOV_NACK); /* the PF's */
	assert_int_equal(say(2, MAC_WORDS(0)).answer, SRIOV_NACK);
	assert_int_equal(say(2, 0x00c00903, 0x2000).answer, SRIOV_NACK); /* multicast */
	assert_int_equal(say(2, 0, 0).answer, SRIOV_NACK);
	port.vf[2].n_macvlans = 1;
	sriov_policy_default_mac(0, 0x30, port.vf[2].macvlans[0]);
	assert_int_equal(say(2, MAC_WORDS(0x30)).answer, SRIOV_NACK);
	assert_int_equal(say(2, MAC_WORDS(0x31)).answer, SRIOV_ACK);
}

static void
further_addresses_within_the_quota(void **state)
{
	(void)state;
	p.mac_policy = SRIOV_MAC_ANY;
	p.trusted = true;
	p.macvlan_quota = 2;
	reset();
	assert_int_equal(say(0x00020006, MAC_WORDS(0x40)).answer, SRIOV_ACK);
	assert_int_equal(say(0x00020006, MAC_WORDS(0x40)).actions, 0);
	assert_int_equal(say(0x00020006, MAC_WORDS(0x41)).answer, SRIOV_ACK);
	assert_int_equal(say(0x00020006, MAC_WORDS(0x42)).answer, SRIOV_NACK);
	assert_int_equal(say(0x00020006, MAC_WORDS(0)).answer, SRIOV_NACK);
	assert_int_equal(s.n_macvlans, 2);
	assert_int_equal(say(0x00010006, MAC_WORDS(0x43)).answer, SRIOV_ACK);
	assert_int_equal(s.n_macvlans, 1); /* index 1 begins anew */
	p.macvlan_quota = SRIOV_OWN_MACS;
	port.n_vfs = SRIOV_MAX_VFS; /* receive addresses: 1 PF, 63 VFs, 64 to share */
	for (unsigned int v = 10; v < 18; v++)
		port.vf[v].n_macvlans = 8;
	assert_int_equal(say(0x00020006, MAC_WORDS(0x44)).answer, SRIOV_NACK);
	assert_true(say(0x00000006, 0, 0).actions & SRIOV_DO_MACVLANS);
	assert_int_equal(s.n_macvlans, 0);
}

static void
vlans_of_its_own_choice(void **state)
{
	(void)state;
	p.vlan_quota = 2;
	reset();
	assert_true(say(0x00010004, 50, 0).actions & SRIOV_DO_VLANS);
	assert_int_equal(say(0x00010004, 50, 0).actions, 0);
	assert_int_equal(say(0x00010004, 51, 0).answer, SRIOV_ACK);
	assert_int_equal(say(0x00010004, 52, 0).answer, SRIOV_NACK);
	assert_int_equal(say(0x00010004, 4095, 0).answer, SRIOV_NACK);
	assert_int_equal(say(0x00000004, 60, 0).answer, SRIOV_NACK); /* never added */
	assert_int_equal(say(0x00000004, 50, 0).answer, SRIOV_ACK);
	assert_int_equal(say(0x00000004, 50, 0).answer, SRIOV_NACK);
	assert_int_equal(s.n_vlans, 1);
	assert_true(say(0x80000001, 0, 0).actions & SRIOV_DO_VLANS);
	assert_int_equal(s.n_vlans, 0);
}

static void
a_port_vlan_is_the_only_one(void **state)
{
	(void)state;
	p.n_vlans = 0;
	p.port_vlan = 300;
	reset();
	assert_int_equal(say(0x00010004, 300, 0).answer, SRIOV_NACK);
	assert_int_equal(say(0x00010004, 100, 0).answer, SRIOV_NACK);
	assert_int_equal(say(0x00000004, 300, 0).answer, SRIOV_NACK);
	assert_int_equal(say(0x00010004, 0, 0).answer, SRIOV_ACK);
}

static void
the_cards_vlan_filters_run_out(void **state)
{
	(void)state;
	port.n_vfs = SRIOV_MAX_VFS;
	for (unsigned int v = 10; v < 12; v++) {
		port.policy[v].n_vlans = 30;
		for (unsigned int i = 0; i < 30; i++)
			port.policy[v].vlans[i] = v * 100 + i;
	}
	p.vlan_quota = 16; /* 60 taken, two are its own */
	reset();
	assert_int_equal(say(0x00010004, 50, 0).answer, SRIOV_ACK);
	assert_int_equal(say(0x00010004, 51, 0).answer, SRIOV_NACK);
	p.trusted = true;
	assert_int_equal(say(0x00010004, 1005, 0).answer, SRIOV_ACK); /* shares a filter */
}

static void
vlans_of_others_are_theirs(void **state)
{
	(void)state;
	p.vlan_quota = 4;
	port.policy[0].port_vlan = 300;
	port.policy[2].n_vlans = 1;
	port.policy[2].vlans[0] = 40;
	reset();
	assert_int_equal(say(0x00010004, 300, 0).answer, SRIOV_NACK);
	assert_int_equal(say(0x00010004, 40, 0).answer, SRIOV_NACK);
	assert_int_equal(say(0x00010004, 41, 0).answer, SRIOV_ACK);
	port.vf[2].n_vlans = 1; /* two VFs may choose the same */
	port.vf[2].vlans[0] = 42;
	assert_int_equal(say(0x00010004, 42, 0).answer, SRIOV_ACK);
	p.trusted = true;
	assert_int_equal(say(0x00010004, 300, 0).answer, SRIOV_ACK);
}

static void
a_stricter_policy_takes_back(void **state)
{
	(void)state;
	p.trusted = true;
	p.mac_policy = SRIOV_MAC_ANY;
	p.macvlan_quota = 2;
	p.vlan_quota = 3;
	p.xcast = SRIOV_XCAST_ALLMULTI;
	reset();
	say(8, 4, 0);
	say(2, MAC_WORDS(0x20));
	say(0x00020006, MAC_WORDS(0x40));
	say(0x00020006, MAC_WORDS(0x41));
	say(0x00010004, 50, 0);
	say(0x00010004, 51, 0);
	say(0x00050003, 0, 0);
	say(0xc, SRIOV_XCAST_ALLMULTI, 0);
	assert_true(s.own_mac && s.n_macvlans == 2 && s.n_vlans == 2 && s.n_mc == 5 && s.xcast == 2);
	assert_int_equal(sriov_policy_revoke(&port, VF), 0); /* all of it is allowed */
	p.macvlan_quota = 1;
	assert_int_equal(sriov_policy_revoke(&port, VF), SRIOV_DO_MACVLANS);
	p.vlan_quota = 1;
	assert_int_equal(sriov_policy_revoke(&port, VF), SRIOV_DO_VLANS);
	assert_int_equal(s.vlans[0], 50);
	p.port_vlan = 300;
	p.trusted = false;
	p.mac_policy = SRIOV_MAC_LOCKED;
	p.mc_quota = 4;
	assert_int_equal(sriov_policy_revoke(&port, VF),
		SRIOV_DO_MAC | SRIOV_DO_MACVLANS | SRIOV_DO_VLANS | SRIOV_DO_MULTICAST);
	assert_false(s.own_mac);
	assert_int_equal(s.n_macvlans + s.n_vlans, 0);
	assert_int_equal(s.n_mc, 4);
	assert_int_equal(s.xcast, SRIOV_XCAST_MULTI);
}

static void
a_policy_fits_beside_the_others(void **state)
{
	struct sriov_vf_policy q = p;

	(void)state;
	assert_null(sriov_port_check(&port, VF, &q));
	memcpy(q.mac, port.policy[2].mac, 6);
	assert_string_equal(sriov_port_check(&port, VF, &q), "that MAC is somebody else's");
	memcpy(q.mac, port.pf_mac, 6);
	assert_non_null(sriov_port_check(&port, VF, &q));
	q = p;
	q.rate = 6000;
	port.policy[0].rate = 4000;
	assert_null(sriov_port_check(&port, VF, &q));
	q.rate = 6001;
	assert_non_null(sriov_port_check(&port, VF, &q));
	q = p;
	q.xcast = SRIOV_XCAST_ALLMULTI;
	assert_non_null(sriov_port_check(&port, VF, &q)); /* contradicts itself */
	q = p;
	port.policy[0].n_vlans = port.policy[2].n_vlans = 30;
	for (unsigned int i = 0; i < 30; i++) {
		port.policy[0].vlans[i] = 1000 + i;
		port.policy[2].vlans[i] = 2000 + i;
	}
	assert_null(sriov_port_check(&port, VF, &q)); /* 62 */
	q.n_vlans = 4;
	q.vlans[2] = 8;
	q.vlans[3] = 9;
	assert_non_null(sriov_port_check(&port, VF, &q));
}

static void
events_undo_what_was_in_force(void **state)
{
	char text[96];

	(void)state;
	p.n_vlans = 0;
	assert_int_equal(sriov_undone_by_reset(&p, &s), 0); /* a plain VF loses nothing */
	p.port_vlan = 300;
	p.rate = 100;
	s.n_mc = 2;
	sriov_settings_text(sriov_undone_by_reset(&p, &s), text, sizeof(text));
	assert_string_equal(text, "port VLAN, multicast");
	sriov_settings_text(sriov_undone_by_start(&p, &s), text, sizeof(text));
	assert_string_equal(text, "port VLAN, MAC, anti-spoof, multicast, rate");
	assert_int_equal(sriov_changed(&p, &port.policy[0]),
		SRIOV_SETTING_PORT_VLAN | SRIOV_SETTING_MAC | SRIOV_SETTING_RATE);
	assert_int_equal(sriov_changed(&p, &p), 0);
	assert_string_equal(sriov_settings_text(0, text, sizeof(text)), "nothing");
}

static void
an_old_api_is_refused(void **state)
{
	(void)state;
	p.api_floor = 3;
	reset();
	assert_int_equal(say(3, 0, 0).answer, SRIOV_NACK); /* speaks 1.0 still */
	assert_int_equal(say(8, 2, 0).answer, SRIOV_DENY);
	assert_int_equal(say(8, 0, 0).answer, SRIOV_DENY);
	assert_int_equal(say(8, 3, 0).answer, SRIOV_PASS);
	assert_int_equal(say(3, 0, 0).answer, SRIOV_ACK);
}

static void
too_many_requests(void **state)
{
	unsigned int granted = 0;

	(void)state;
	p.request_rate = 100;
	now = 5000;
	reset();
	for (int i = 0; i < 1000; i++)
		granted += say(3, 0, 0).answer == SRIOV_ACK;
	assert_int_equal(granted, 200);
	assert_int_equal(say(8, 4, 0).answer, SRIOV_DENY);
	reset(); /* has happened, and brings no new allowance */
	assert_int_equal(say(3, 0, 0).answer, SRIOV_NACK);
	now += 100;
	for (granted = 0; say(3, 0, 0).answer == SRIOV_ACK; granted++)
		assert_true(granted < 20);
	assert_int_equal(granted, 10);
	now += 1000000;
	for (granted = 0; say(3, 0, 0).answer == SRIOV_ACK; granted++)
		assert_true(granted < 300);
	assert_int_equal(granted, 200);
}

static void
contradictions_are_named(void **state)
{
	struct sriov_vf_policy q;

	(void)state;
	sriov_policy_default(&q);
	assert_null(sriov_policy_check(&q));
	q.mac_policy = SRIOV_MAC_ANY;
	assert_non_null(strstr(sriov_policy_check(&q), "trusted"));
	q.trusted = true;
	assert_null(sriov_policy_check(&q));
	q.mac_policy = SRIOV_MAC_LIST;
	assert_non_null(strstr(sriov_policy_check(&q), "macs"));
	sriov_policy_default(&q);
	q.macvlan_quota = 1;
	assert_non_null(strstr(sriov_policy_check(&q), "macvlan_quota"));
	sriov_policy_default(&q);
	q.xcast = SRIOV_XCAST_ALLMULTI;
	assert_non_null(strstr(sriov_policy_check(&q), "xcast"));
	sriov_policy_default(&q);
	q.port_vlan = 5;
	assert_null(sriov_policy_check(&q));
	q.vlan_quota = 1;
	assert_non_null(strstr(sriov_policy_check(&q), "port_vlan"));
}

static void
every_api_has_its_words(void **state)
{
	static const char *const api[] = {
		"1.0", "2.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "?"};
	static const struct {
		uint32_t word0;
		const char *text;
	} say_it[] = {
		{0x00000000, "EMPTY"},
		{0x80000001, "RESET"},
		{0x00010001, "RESET, malformed (0x00010001)"},
		{0x00000002, "SET_MAC 02:09:c0:00:00:07"},
		{0x00030003, "SET_MULTICAST 3 hashes"},
		{0x00000005, "SET_LPE 12585218 bytes"},
		{0x00020006, "SET_MACVLAN 02:09:c0:00:00:07"},
		{0x00000006, "SET_MACVLAN clear"},
		{0x00000009, "GET_QUEUES"},
		{0x0000000a, "GET_RETA"},
		{0x0000000b, "GET_RSS_KEY"},
		{0x0000000c, "UPDATE_XCAST ?"},
		{0x0000000d, "IPSEC_ADD 0x00c00902 0x00000700"},
		{0x0000000e, "IPSEC_DEL 0x00c00902 0x00000700"},
		{0x00000010, "GET_LINK_STATE"},
		{0x00000011, "PF_LINK_STATE"},
		{0x00000012, "FEATURES 0x00c00902"},
	};
	struct sriov_msg m;
	char buf[96];

	(void)state;
	for (uint32_t v = 0; v < 10; v++)
		assert_string_equal(sriov_mbox_api(v), api[v]);
	assert_int_equal(sriov_mbox_api_rank(1), -1);
	assert_int_equal(sriov_mbox_api_rank(9), -1);
	assert_int_equal(sriov_mbox_api_rank(8), 7);
	for (size_t i = 0; i < sizeof(say_it) / sizeof(say_it[0]); i++) {
		memset(w, 0, sizeof(w));
		w[0] = say_it[i].word0;
		w[1] = 0x00c00902;
		w[2] = 0x0700;
		sriov_mbox_decode(w, &m);
		assert_string_equal(sriov_mbox_text(&m, buf, sizeof(buf)), say_it[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(default_mac_is_stable, setup),
		cmocka_unit_test_setup(nothing_before_a_reset, setup),
		cmocka_unit_test_setup(a_reset_with_arguments_is_none, setup),
		cmocka_unit_test_setup(mac_is_locked, setup),
		cmocka_unit_test_setup(only_registered_vlans, setup),
		cmocka_unit_test_setup(frames_up_to_the_pfs, setup),
		cmocka_unit_test_setup(api_and_queues_go_to_the_pmd, setup),
		cmocka_unit_test_setup(multicast_is_kept_and_forgotten, setup),
		cmocka_unit_test_setup(multicast_addresses_hash_back, setup),
		cmocka_unit_test_setup(xcast_is_clamped, setup),
		cmocka_unit_test_setup(says_it_in_words, setup),
		cmocka_unit_test_setup(random_words_never_escape, setup),
		cmocka_unit_test_setup(api_starts_anew_with_a_reset, setup),
		cmocka_unit_test_setup(a_list_of_addresses, setup),
		cmocka_unit_test_setup(any_address_but_somebody_elses, setup),
		cmocka_unit_test_setup(further_addresses_within_the_quota, setup),
		cmocka_unit_test_setup(vlans_of_its_own_choice, setup),
		cmocka_unit_test_setup(a_port_vlan_is_the_only_one, setup),
		cmocka_unit_test_setup(the_cards_vlan_filters_run_out, setup),
		cmocka_unit_test_setup(vlans_of_others_are_theirs, setup),
		cmocka_unit_test_setup(a_stricter_policy_takes_back, setup),
		cmocka_unit_test_setup(a_policy_fits_beside_the_others, setup),
		cmocka_unit_test_setup(events_undo_what_was_in_force, setup),
		cmocka_unit_test_setup(an_old_api_is_refused, setup),
		cmocka_unit_test_setup(too_many_requests, setup),
		cmocka_unit_test_setup(contradictions_are_named, setup),
		cmocka_unit_test_setup(every_api_has_its_words, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
