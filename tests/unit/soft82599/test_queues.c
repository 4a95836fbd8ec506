/* SPDX-License-Identifier: BSD-3-Clause */
/* Which queue of a pool gets a frame, and what a queue without descriptors costs the others. */
#include "bench_card.h"

/* One VF of two queues, one RSS entry in two. */
static int
setup(void **state)
{
	struct bench *b = bench_new(2);

	pools_on(b, 0xb);
	set_mac(b, 127, mac_a, 1);
	set_mac(b, 126, mac_b, 2);
	rx_on(b, 0, 0);
	rx_on(b, 1, 0);
	rx_on(b, 2, 0);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	bench_free(*state);
	return 0;
}

static uint32_t
ipv4(uint8_t *f, uint8_t host)
{
	frame(f, mac_a, mac_x, -1, 0x0800, 60);
	f[14] = 0x45;
	f[17] = 40;
	f[26] = 10;
	f[29] = host;
	return 60;
}

/* The hash's seventh bit chooses between the halves of the table: a table that repeats hides it. */
static void
test_all_of_reta_counts(void **state)
{
	struct bench *b = *state;
	unsigned int seen[2] = {0, 0}, i;
	uint64_t desc[2];
	uint8_t f[60];

	set_rss(b, MRQC_IPV4, ms_key, 2);
	for (i = 0; i < 32; i++)
		pf_write(b, R_RETA_LOW + 4 * i, i < 16 ? 0 : 0x01010101);
	for (i = 0; i < 50; i++) {
		unsigned int queue = from_wire(b, f, ipv4(f, (uint8_t)i)).queue;

		assert_int_equal(rx_take(b, queue, NULL, desc), 60);
		assert_int_equal(queue, desc[0] >> 32 >> 6 & 1);
		seen[queue]++;
	}
	assert_true(seen[0] > 0 && seen[1] > 0);
}

/* PFQDE, which the PF writes for its VFs, drops as SRRCTL.DROP_EN does [8.2.3.8.7]. */
static void
test_qde_drops_for_its_queue_only(void **state)
{
	struct bench *b = *state;
	uint8_t f[64];
	unsigned int i;

	pf_write(b, R_QDE, 0 << 8 | QDE_WE | QDE_ENABLE);
	frame(f, mac_a, mac_x, -1, 0x88b5, 60);
	for (i = 0; i < RING + 3; i++)
		from_wire(b, f, 60);
	assert_int_equal(drops(b, 0, S82_DROP_NO_DESC), 4);
	frame(f, mac_b, mac_x, -1, 0x88b5, 60);
	assert_int_equal(from_wire(b, f, 60).drop, -1);
	assert_int_equal(rx_take(b, 2, NULL, NULL), 60);

	/* off again: the line blocks */
	pf_write(b, R_QDE, 0 << 8 | QDE_WE);
	frame(f, mac_a, mac_x, -1, 0x88b5, 60);
	from_wire(b, f, 60);
	frame(f, mac_b, mac_x, -1, 0x88b5, 60);
	from_wire(b, f, 60);
	assert_int_equal(drops(b, 0, S82_DROP_NO_DESC), 4);
	assert_int_equal(rx_take(b, 2, NULL, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_of_reta_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_qde_drops_for_its_queue_only, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
