/* SPDX-License-Identifier: BSD-3-Clause */
/* Pools and queues over all VF counts, and where frames are steered. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sriov_layout.h"
#include "sriov_steer.h"

static void
every_vf_count(void **state)
{
	struct sriov_layout l;
	struct vfp_err err;

	(void)state;
	for (unsigned int n = 0; n <= 63; n++) {
		assert_int_equal(sriov_layout_plan(n, 0, &l, &err), 0);
		assert_int_equal(l.queues_per_pool, n <= 31 ? 4 : 2);
		assert_int_equal(l.pools, n == 0 ? 0 : n <= 31 ? 32 : 64);
		assert_int_equal(l.pf_pool, n);
		assert_int_equal(l.pf_queues, l.queues_per_pool);
		assert_true(sriov_layout_queue(&l, l.pf_pool, l.pf_queues - 1) < 128);
		assert_int_equal(sriov_layout_plan(n, 2, &l, &err), 0);
		assert_int_equal(l.pools, n == 0 ? 0 : 64);
		assert_int_equal(sriov_layout_plan(n, 4, &l, &err), n <= 31 ? 0 : -EINVAL);
	}
}

static void
says_why_not(void **state)
{
	struct sriov_layout l;
	struct vfp_err err;

	(void)state;
	assert_int_equal(sriov_layout_plan(64, 2, &l, &err), -ERANGE);
	assert_non_null(strstr(err.text, "at most 63"));
	assert_int_equal(sriov_layout_plan(32, 4, &l, &err), -EINVAL);
	assert_non_null(strstr(err.text, "31"));
	assert_int_equal(sriov_layout_plan(2, 3, &l, &err), -EINVAL);
	assert_int_equal(sriov_layout_plan(2, 8, &l, NULL), -EINVAL);
}

static int
solve(struct sriov_want want, struct sriov_layout *l)
{
	struct vfp_err err = {0};
	int ret = sriov_layout_solve(&want, l, &err);

	assert_true(ret == 0 || strlen(err.text) > 20);
	return ret;
}

static void
every_mix_has_a_layout_or_a_reason(void **state)
{
	struct sriov_layout l;

	(void)state;
	for (unsigned int vfs = 1; vfs <= 63; vfs++) {
		assert_int_equal(solve((struct sriov_want){.vfs = vfs}, &l), 0);
		assert_int_equal(l.pools, vfs < 16 ? 16 : vfs < 32 ? 32 : 64);
		assert_int_equal(l.mq, SRIOV_MQ_VMDQ);
		assert_int_equal(l.pf_queues, 1);
		assert_int_equal(solve((struct sriov_want){.vfs = vfs, .tcs = 4}, &l),
			vfs < 32 ? 0 : -EINVAL);
		assert_int_equal(solve((struct sriov_want){.vfs = vfs, .tcs = 8}, &l),
			vfs < 16 ? 0 : -EINVAL);
	}
	assert_int_equal(solve((struct sriov_want){.vfs = 2, .tcs = 8}, &l), 0);
	assert_int_equal(l.mq, SRIOV_MQ_VMDQ_DCB);
	assert_int_equal(sriov_layout_queue(&l, l.pf_pool, 7), 23);
	assert_int_equal(solve((struct sriov_want){.vfs = 2, .tcs = 4, .rss = true}, &l), -ENOTSUP);
	assert_int_equal(solve((struct sriov_want){.vfs = 2, .tcs = 3}, &l), -EINVAL);
	assert_int_equal(solve((struct sriov_want){.vfs = 2, .queues = 2}, &l), -EINVAL);
	assert_int_equal(solve((struct sriov_want){.vfs = 2, .rss = true, .queues = 8}, &l), -EINVAL);
	assert_int_equal(solve((struct sriov_want){.vfs = 2, .rss = true, .vlans = 63}, &l), 0);
	assert_int_equal(solve((struct sriov_want){.vfs = 2, .rss = true, .vlans = 64}, &l), -ERANGE);
}

static void
pools_of_the_pfs_own(void **state)
{
	struct sriov_layout l;

	(void)state;
	assert_int_equal(solve((struct sriov_want){.vmdq_pools = 40}, &l), 0);
	assert_int_equal(l.mq, SRIOV_MQ_VMDQ);
	assert_int_equal(l.pf_queues, 80); /* the last pool's first queue is number 78 */
	assert_int_equal(solve((struct sriov_want){.vmdq_pools = 4, .rss = true}, &l), -ENOTSUP);
	assert_int_equal(solve((struct sriov_want){.vmdq_pools = 4, .vfs = 1}, &l), -ENOTSUP);
	assert_int_equal(solve((struct sriov_want){.vmdq_pools = 65}, &l), -ERANGE);
	assert_int_equal(solve((struct sriov_want){.rss = true}, &l), 0);
	assert_int_equal(l.mq, SRIOV_MQ_RSS);
	assert_int_equal(l.pools, 0);
}

static void
the_picture_shows_each_queue(void **state)
{
	struct sriov_layout l;
	char row[SRIOV_ROW + 1];

	(void)state;
	assert_int_equal(sriov_layout_plan(3, 2, &l, NULL), 0);
	assert_string_equal(sriov_layout_row(&l, 0, row),
		"001122**........................................................");
	assert_int_equal(sriov_layout_plan(63, 2, &l, NULL), 0);
	assert_string_equal(sriov_layout_row(&l, 64, row),
		"wwxxyyzzAABBCCDDEEFFGGHHIIJJKKLLMMNNOOPPQQRRSSTTUUVVWWXXYYZZ++**");
	assert_string_equal(sriov_layout_mode(&l), "VMDq + RSS");
}

static struct sriov_steer st;

static void
steer(const char *dst, int vid, uint64_t pools, const char *why)
{
	uint8_t frame[64] = {0};
	uint64_t got;
	const char *said;

	memcpy(frame, dst, 6);
	frame[12] = vid < 0 ? 0x08 : 0x81;
	frame[14] = vid < 0 ? 0 : 0xe0 | vid >> 8; /* priority bits must not matter */
	frame[15] = vid < 0 ? 0 : vid & 0xff;
	said = sriov_steer_frame(&st, frame, sizeof(frame), &got);
	assert_string_equal(said, why);
	assert_int_equal(got, pools);
}

static void
frames_find_their_pool(void **state)
{
	uint64_t got;

	(void)state;
	memset(&st, 0, sizeof(st));
	assert_int_equal(sriov_layout_plan(2, 2, &st.layout, NULL), 0);
	memcpy(st.pf_mac, "\x02\x11\x11\x11\x11\x11", 6);
	sriov_policy_default_mac(0, 0, st.vf[0].mac);
	sriov_policy_default_mac(0, 1, st.vf[1].mac);
	st.vf[0].n_vlans = 1;
	st.vf[0].vlans[0] = 100;
	st.vf[1].n_vlans = 1;
	st.vf[1].vlans[0] = 300;
	steer("\x02\x09\xc0\x00\x00\x00", -1, 1, "mac");
	steer("\x02\x09\xc0\x00\x00\x01", -1, 2, "mac");
	steer("\x02\x11\x11\x11\x11\x11", -1, 4, "mac");
	steer("\x02\x22\x11\x11\x11\x11", -1, 0, "mac not ours");
	steer("\xff\xff\xff\xff\xff\xff", -1, 7, "broadcast");
	steer("\x33\x33\x00\x00\x00\x01", -1, 0, "multicast nobody wants");
	steer("\x02\x09\xc0\x00\x00\x00", 100, 1, "mac");
	steer("\x02\x09\xc0\x00\x00\x01", 300, 2, "mac");
	steer("\x02\x09\xc0\x00\x00\x00", 300, 4, "vlan not this VF's"); /* default pool */
	steer("\x02\x09\xc0\x00\x00\x00", 555, 4, "vlan not registered");
	st.vlan_filter = true;
	steer("\x02\x09\xc0\x00\x00\x00", 555, 0, "vlan not registered");
	steer("\x02\x09\xc0\x00\x00\x00", 0, 1, "mac");
	steer("\xff\xff\xff\xff\xff\xff", 100, 1, "broadcast");
	assert_string_equal(sriov_steer_frame(&st, (const uint8_t *)"x", 1, &got), "too short");
}

/* What VFs chose, and what a port VLAN changes. */
static void
steering_follows_the_state(void **state)
{
	(void)state;
	st.state[1].own_mac = true;
	memcpy(st.state[1].mac, "\x02\x33\x00\x00\x00\x01", 6);
	st.state[1].n_macvlans = 1;
	memcpy(st.state[1].macvlans[0], "\x02\x33\x00\x00\x00\x02", 6);
	st.state[0].n_vlans = 1;
	st.state[0].vlans[0] = 555;
	steer("\x02\x09\xc0\x00\x00\x01", -1, 0, "mac not ours");
	steer("\x02\x33\x00\x00\x00\x01", -1, 2, "mac");
	steer("\x02\x33\x00\x00\x00\x02", -1, 2, "mac");
	steer("\x02\x09\xc0\x00\x00\x00", 555, 1, "mac");
	/* one table of multicast hashes: a VF that wants some gets what another asked for */
	st.state[0].n_mc = 1;
	st.state[0].mc[0] = 0x010; /* of 33:33:00:00:00:01: the upper 12 bits of its end */
	steer("\x33\x33\x00\x00\x00\x01", -1, 1, "multicast");
	steer("\x33\x33\x00\x00\x00\x02", -1, 0, "multicast nobody wants");
	st.state[1].n_mc = 1;
	st.state[1].mc[0] = 0x7ff;
	steer("\x33\x33\x00\x00\x00\x01", -1, 3, "multicast");
	/* a VF with a port VLAN takes nothing untagged */
	st.vf[0].port_vlan = 42;
	steer("\x02\x09\xc0\x00\x00\x00", -1, 4, "untagged not taken");
	steer("\x02\x09\xc0\x00\x00\x00", 42, 1, "mac");
}

static void
sent(unsigned int vf, const char *dst, const char *src, uint64_t pools, bool wire, const char *drop)
{
	uint8_t frame[64] = {[12] = 0x08};
	struct sriov_path path;

	memcpy(frame, dst, 6);
	memcpy(frame + 6, src, 6);
	sriov_steer_vf(&st, vf, frame, sizeof(frame), &path);
	assert_int_equal(path.pools, pools);
	assert_int_equal(path.wire, wire);
	if (drop)
		assert_non_null(strstr(path.dropped, drop));
	else
		assert_null(path.dropped);
}

static void
what_a_vf_sends(void **state)
{
	const char *vf0 = "\x02\x09\xc0\x00\x00\x00", *vf1 = "\x02\x09\xc0\x00\x00\x01";

	(void)state;
	memset(&st, 0, sizeof(st));
	st.vlan_filter = true;
	assert_int_equal(sriov_layout_plan(2, 2, &st.layout, NULL), 0);
	memcpy(st.pf_mac, "\x02\x11\x11\x11\x11\x11", 6);
	memcpy(st.vf[0].mac, vf0, 6);
	memcpy(st.vf[1].mac, vf1, 6);
	sent(0, vf1, vf0, 2, false, NULL);
	sent(0, (const char *)st.pf_mac, vf0, 4, false, NULL);
	sent(0, "\x02\x22\x11\x11\x11\x11", vf0, 0, true, NULL);
	sent(0, "\xff\xff\xff\xff\xff\xff", vf0, 6, true, NULL); /* never back to itself */
	sent(0, vf1, vf1, 0, false, "source address");
	st.vf[0].foreign_sources = true;
	sent(0, vf1, vf1, 2, false, NULL);
	/* its port VLAN is none of VF 1's: a local address that leaves by the wire */
	st.vf[0].port_vlan = 42;
	sent(0, vf1, vf0, 0, true, NULL);
	st.vf[1].n_vlans = 1;
	st.vf[1].vlans[0] = 42;
	sent(0, vf1, vf0, 2, false, NULL);
	st.vf[0].tx_off = true;
	sent(0, vf1, vf0, 0, false, "may not send");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vf_count),
		cmocka_unit_test(says_why_not),
		cmocka_unit_test(every_mix_has_a_layout_or_a_reason),
		cmocka_unit_test(pools_of_the_pfs_own),
		cmocka_unit_test(the_picture_shows_each_queue),
		cmocka_unit_test(frames_find_their_pool),
		cmocka_unit_test(steering_follows_the_state),
		cmocka_unit_test(what_a_vf_sends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
