/* SPDX-License-Identifier: BSD-3-Clause */
/* Mailbox decode and policy: every message, before and after a reset, and random words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sriov_policy.h"

static struct sriov_vf_state s;
static struct sriov_vf_policy p;
static uint32_t w[SRIOV_MBOX_WORDS];

static int
setup(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	memset(&p, 0, sizeof(p));
	sriov_policy_default_mac(0, 1, p.mac);
	p.n_vlans = 2;
	p.vlans[0] = 100;
	p.vlans[1] = 7;
	p.max_frame = 1518;
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
	return sriov_policy_judge(&s, &p, &m);
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
	say(0x00ff0003, 0, 0);
	assert_int_equal(s.n_mc, SRIOV_MAX_MC);
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
	assert_string_equal(sriov_mbox_text(&m, buf, sizeof(buf)), "message 0x77");
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
		v = sriov_policy_judge(&s, &p, &m);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
