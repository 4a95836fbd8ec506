/* SPDX-License-Identifier: BSD-3-Clause */
/* The checker behind --wire verify, fed with every kind of wrong return. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "check.h"

#define SOURCES	8
#define WINDOW	64

/* Two flows of 3 UDP frames each (0 to 2 and 3 to 5), a VLAN's frame (6), ARP (7). */
static uint8_t mem[SOURCES][128];
static const uint8_t *frame[SOURCES];
static uint32_t len[SOURCES];

static const uint8_t da[6] = { 2, 0, 0, 0, 0, 1 }, sa[6] = { 2, 0, 0, 0, 0, 2 };

static void
udp(uint8_t *f, uint16_t vlan, uint16_t sport, uint8_t fill)
{
	memcpy(f, da, 6);
	memcpy(f + 6, sa, 6);
	memset(f + 12, fill, 52);
	f += 12;
	if (vlan != 0) {
		memcpy(f, (uint8_t[]){ 0x81, 0, vlan >> 8, vlan }, 4);
		f += 4;
	}
	memcpy(f, (uint8_t[]){ 8, 0, 0x45, 0, 0, 46, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1,
		10, 0, 0, 2, sport >> 8, sport, 0, 53 }, 26);
}

static int
setup(void **state)
{
	memset(mem, 0, sizeof(mem));
	for (unsigned int i = 0; i < SOURCES; i++) {
		frame[i] = mem[i];
		len[i] = 64;
		udp(mem[i], i == 6 ? 100 : 0, i < 3 || i == 6 ? 1000 : 2000, i);
	}
	memcpy(mem[7] + 12, (uint8_t[]){ 8, 6 }, 2);
	*state = check_create(frame, len, SOURCES, WINDOW);
	return *state == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	check_destroy(*state);
	return 0;
}

static void
send_all(struct check *c, const uint32_t *index, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(check_sent(c, index[i], 1000 + i, 10 * i), 0);
}

static enum check_result
back(struct check *c, uint32_t index)
{
	uint64_t tag;

	return check_returned(c, frame[index], len[index], 500, &tag);
}

static void
assert_balance(struct check *c)
{
	struct check_counts n = check_counts(c);

	assert_int_equal(n.expected, n.received + n.lost + n.forgiven + n.outstanding);
}

static void
flows(void **state)
{
	/* the same addresses and ports in a VLAN are another flow */
	assert_int_equal(check_flows(*state), 4);
}

static void
all_well(void **state)
{
	struct check *c = *state;
	uint64_t tag;

	send_all(c, (uint32_t[]){ 0, 3, 6, 1, 7, 4, 2, 5 }, 8);
	/* flows may overtake one another */
	for (unsigned int i = 3; i < SOURCES; i++)
		assert_int_equal(back(c, i), CHECK_OK);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(back(c, i), CHECK_OK);
	assert_int_equal(check_counts(c).received, 8);
	assert_int_equal(check_counts(c).outstanding, 0);
	assert_string_equal(check_macs(c), "unchanged");
	/* the second round */
	send_all(c, (uint32_t[]){ 0, 1 }, 2);
	assert_int_equal(check_returned(c, frame[0], 64, 500, &tag), CHECK_OK);
	assert_int_equal(tag, 1000);
	assert_int_equal(check_returned(c, frame[1], 64, 500, &tag), CHECK_OK);
	assert_int_equal(tag, 1001);
	assert_balance(c);
}

static void
lost(void **state)
{
	struct check *c = *state;

	send_all(c, (uint32_t[]){ 0, 1, 2 }, 3);
	assert_int_equal(back(c, 0), CHECK_OK);
	assert_int_equal(back(c, 2), CHECK_OK);
	assert_int_equal(check_counts(c).lost, 1);
	assert_int_equal(check_counts(c).reordered, 0);
	assert_balance(c);
}

static void
lost_at_the_end_shows_when_settled(void **state)
{
	struct check *c = *state;

	send_all(c, (uint32_t[]){ 0, 1, 2, 7 }, 4);
	assert_int_equal(back(c, 0), CHECK_OK);
	assert_int_equal(check_counts(c).lost, 0);
	assert_int_equal(check_counts(c).outstanding, 3);
	check_settle(c, UINT64_MAX);
	assert_int_equal(check_counts(c).lost, 3);
	assert_int_equal(check_counts(c).outstanding, 0);
	assert_balance(c);
}

static void
what_was_sent_later_is_not_lost(void **state)
{
	struct check *c = *state;

	send_all(c, (uint32_t[]){ 0, 1, 2, 7 }, 4); /* their tags: 1000 to 1003 */
	check_settle(c, 1000);
	assert_int_equal(check_counts(c).lost, 0);
	check_settle(c, 1002);
	assert_int_equal(check_counts(c).lost, 2);
	assert_int_equal(back(c, 2), CHECK_OK);
	assert_int_equal(back(c, 7), CHECK_OK);
	assert_balance(c);
}

static void
forgiven_is_not_lost(void **state)
{
	struct check *c = *state;

	send_all(c, (uint32_t[]){ 0, 3 }, 2);
	assert_int_equal(back(c, 3), CHECK_OK);
	check_forgive(c, UINT64_MAX);
	assert_int_equal(check_counts(c).forgiven, 1);
	assert_int_equal(check_counts(c).lost, 0);
	assert_balance(c);
	assert_int_equal(back(c, 0), CHECK_EXTRA);
}

static void
reordered_is_not_lost(void **state)
{
	struct check *c = *state;

	send_all(c, (uint32_t[]){ 0, 1, 2 }, 3);
	assert_int_equal(back(c, 1), CHECK_OK);
	assert_int_equal(check_counts(c).lost, 1);
	assert_int_equal(back(c, 0), CHECK_REORDERED);
	assert_int_equal(back(c, 2), CHECK_OK);
	assert_int_equal(check_counts(c).lost, 0);
	assert_int_equal(check_counts(c).reordered, 1);
	assert_int_equal(check_counts(c).received, 3);
	assert_balance(c);
}

static void
duplicated(void **state)
{
	struct check *c = *state;

	send_all(c, (uint32_t[]){ 0, 1 }, 2);
	assert_int_equal(back(c, 0), CHECK_OK);
	assert_int_equal(back(c, 0), CHECK_DUPLICATED);
	assert_int_equal(back(c, 1), CHECK_OK);
	assert_int_equal(check_counts(c).duplicated, 1);
	assert_int_equal(check_counts(c).received, 2);
	assert_balance(c);
}

static void
extra(void **state)
{
	struct check *c = *state;
	uint8_t other[64];
	uint64_t tag = 0;

	udp(other, 0, 3000, 0);
	send_all(c, (uint32_t[]){ 0 }, 1);
	assert_int_equal(check_returned(c, other, sizeof(other), 500, &tag), CHECK_EXTRA);
	assert_true(tag == CHECK_NO_TAG);
	/* of a known flow, but nothing of it was sent */
	assert_int_equal(back(c, 3), CHECK_EXTRA);
	/* too short to have a type */
	assert_int_equal(check_returned(c, other, 10, 500, &tag), CHECK_EXTRA);
	assert_int_equal(check_counts(c).extra, 3);
	assert_int_equal(check_counts(c).outstanding, 1);
	assert_balance(c);
}

static void
changed(void **state)
{
	struct check *c = *state;
	uint8_t bad[64];
	uint64_t tag;

	send_all(c, (uint32_t[]){ 0, 1 }, 2);
	memcpy(bad, frame[0], 64);
	bad[63] ^= 1;
	assert_int_equal(check_returned(c, bad, 64, 500, &tag), CHECK_CHANGED);
	assert_int_equal(tag, 1000);
	/* shorter than it was */
	assert_int_equal(check_returned(c, frame[1], 60, 500, &tag), CHECK_CHANGED);
	assert_int_equal(check_counts(c).changed, 2);
	assert_int_equal(check_counts(c).lost, 0);
	assert_balance(c);
}

static enum check_result
back_with_macs(struct check *c, uint32_t index, const uint8_t *to, const uint8_t *from)
{
	uint8_t copy[64];
	uint64_t tag;

	memcpy(copy, frame[index], 64);
	memcpy(copy, to, 6);
	memcpy(copy + 6, from, 6);
	return check_returned(c, copy, 64, 500, &tag);
}

static void
macs_rewritten(void **state)
{
	static const uint8_t x[6] = { 2, 9, 9, 9, 9, 9 }, y[6] = { 2, 8, 8, 8, 8, 8 };
	struct check *c = *state;

	send_all(c, (uint32_t[]){ 0, 1, 3, 4, 2 }, 5);
	assert_int_equal(back_with_macs(c, 0, x, y), CHECK_OK);
	assert_int_equal(back_with_macs(c, 1, x, y), CHECK_OK);
	assert_string_equal(check_macs(c), "rewritten");
	assert_int_equal(back_with_macs(c, 3, x, sa), CHECK_CHANGED);
	assert_int_equal(back(c, 4), CHECK_CHANGED);
	assert_int_equal(back_with_macs(c, 2, x, y), CHECK_OK);
	assert_int_equal(check_counts(c).changed, 2);
	assert_balance(c);
}

static void
macs_swapped(void **state)
{
	struct check *c = *state;

	/* a second peer: swapped addresses are not all the same */
	mem[1][11] = 7;
	send_all(c, (uint32_t[]){ 0, 1, 2 }, 3);
	assert_int_equal(back_with_macs(c, 0, mem[0] + 6, mem[0]), CHECK_OK);
	assert_int_equal(back_with_macs(c, 1, mem[1] + 6, mem[1]), CHECK_OK);
	assert_string_equal(check_macs(c), "swapped");
	assert_int_equal(back(c, 2), CHECK_CHANGED);
}

static void
window(void **state)
{
	struct check *c = *state;

	for (unsigned int i = 0; i < WINDOW; i++)
		assert_int_equal(check_sent(c, i % SOURCES, i, 0), 0);
	assert_int_equal(check_sent(c, 0, 0, 0), -ENOSPC);
	assert_int_equal(back(c, 7), CHECK_OK);
	assert_int_equal(check_sent(c, 0, 0, 0), 0);
}

static void
more_lost_than_it_remembers(void **state)
{
	struct check *c = *state;

	for (unsigned int round = 0; round < 200; round++) {
		for (unsigned int i = 0; i < WINDOW; i++)
			assert_int_equal(check_sent(c, i % SOURCES, i, 0), 0);
		check_settle(c, UINT64_MAX);
	}
	assert_int_equal(check_counts(c).lost, 200 * WINDOW);
	assert_balance(c);
	/* and goes on */
	assert_int_equal(check_sent(c, 7, 0, 0), 0);
	assert_int_equal(back(c, 7), CHECK_OK);
}

static void
fragments_are_a_flow_by_their_id(void **state)
{
	uint8_t f[3][64];
	const uint8_t *p[3] = { f[0], f[1], f[2] };
	uint32_t l[3] = { 64, 64, 64 };
	struct check *c;

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		udp(f[i], 0, 1000 + i, i);
	f[0][20] = 0x20;			/* more fragments, id 1 */
	f[1][20] = 0;
	f[1][21] = 100;				/* the last of id 1: its "ports" are data */
	f[2][20] = 0x20;
	f[2][19] = 2;				/* id 2 */
	c = check_create(p, l, 3, 8);
	assert_non_null(c);
	assert_int_equal(check_flows(c), 2);
	check_destroy(c);
}

static void
latency(void **state)
{
	struct check *c = *state;
	uint64_t tag;

	assert_int_equal(check_sent(c, 0, 0, 1000), 0);
	assert_int_equal(check_sent(c, 1, 0, 2000), 0);
	check_returned(c, frame[0], 64, 1500, &tag);
	check_returned(c, frame[1], 64, 1990, &tag);	/* another processor's clock is behind */
	assert_int_equal(check_latency(c)->count, 2);
	assert_int_equal(check_latency(c)->max, 500);
	assert_int_equal(check_latency(c)->min, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(flows, setup, teardown),
		cmocka_unit_test_setup_teardown(all_well, setup, teardown),
		cmocka_unit_test_setup_teardown(lost, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_at_the_end_shows_when_settled, setup,
			teardown),
		cmocka_unit_test_setup_teardown(what_was_sent_later_is_not_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(forgiven_is_not_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(reordered_is_not_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(duplicated, setup, teardown),
		cmocka_unit_test_setup_teardown(extra, setup, teardown),
		cmocka_unit_test_setup_teardown(changed, setup, teardown),
		cmocka_unit_test_setup_teardown(macs_rewritten, setup, teardown),
		cmocka_unit_test_setup_teardown(macs_swapped, setup, teardown),
		cmocka_unit_test_setup_teardown(window, setup, teardown),
		cmocka_unit_test_setup_teardown(more_lost_than_it_remembers, setup, teardown),
		cmocka_unit_test(fragments_are_a_flow_by_their_id),
		cmocka_unit_test_setup_teardown(latency, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
