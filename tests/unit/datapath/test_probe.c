/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes back of a stream, against a count that remembers everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "probe.h"

static void
in_order_all_are_new(void **state)
{
	struct dp_stream s = {0};

	(void)state;
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(dp_stream_take(&s, i), DP_SEEN_NEW);
	assert_int_equal(s.received, 10000);
	assert_int_equal(s.duplicated + s.reordered + s.late, 0);
}

static void
each_kind_is_told(void **state)
{
	struct dp_stream s = {0};

	(void)state;
	assert_int_equal(dp_stream_take(&s, 0), DP_SEEN_NEW);
	assert_int_equal(dp_stream_take(&s, 0), DP_SEEN_DUPLICATE);
	assert_int_equal(dp_stream_take(&s, 3), DP_SEEN_NEW);
	assert_int_equal(dp_stream_take(&s, 1), DP_SEEN_REORDERED);
	assert_int_equal(dp_stream_take(&s, 1), DP_SEEN_DUPLICATE);
	/* 2 is lost. The edge of the window, both sides. */
	assert_int_equal(dp_stream_take(&s, 3 + DP_PROBE_WINDOW), DP_SEEN_NEW);
	assert_int_equal(dp_stream_take(&s, 4), DP_SEEN_REORDERED);
	assert_int_equal(dp_stream_take(&s, 3), DP_SEEN_LATE);
	/* A jump beyond the window forgets nothing that it should know. */
	assert_int_equal(dp_stream_take(&s, 100 * DP_PROBE_WINDOW), DP_SEEN_NEW);
	assert_int_equal(dp_stream_take(&s, 100 * DP_PROBE_WINDOW - 1), DP_SEEN_REORDERED);
	assert_int_equal(s.received, 7);
	assert_int_equal(s.duplicated, 2);
	assert_int_equal(s.reordered, 3);
	assert_int_equal(s.late, 1);
}

static void
numbers_of_32_bits_wrap(void **state)
{
	struct dp_stream s = {.next = UINT64_C(0x1fffffff0)};

	(void)state;
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(dp_stream_take(&s, 0xfffffff0u + i), DP_SEEN_NEW);
	assert_int_equal(s.next, UINT64_C(0x200000030));
	assert_int_equal(dp_stream_take(&s, 0xfffffff0u), DP_SEEN_DUPLICATE);
	assert_int_equal(s.received, 64);
}

/* Loss, copies and swaps at random, within the window. */
static void
counts_are_those_of_one_who_remembers_all(void **state)
{
	enum { N = 100000 };
	static uint8_t seen[N];
	static uint32_t order[2 * N];
	struct dp_stream s = {0};
	uint64_t received = 0, duplicated = 0, reordered = 0;
	uint32_t n = 0;
	int64_t highest = -1;

	(void)state;
	srand(3);
	for (uint32_t i = 0; i < N; i++) {
		if (rand() % 10 == 0)
			continue;
		order[n++] = i;
		if (rand() % 10 == 0)
			order[n++] = i;
	}
	for (uint32_t i = 0; i + 200 < n; i++)
		if (rand() % 5 == 0) {
			const uint32_t other = i + rand() % 200, t = order[i];

			order[i] = order[other];
			order[other] = t;
		}
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t seq = order[i];

		if (seen[seq]++) {
			duplicated++;
		} else {
			received++;
			reordered += seq < highest;
		}
		highest = seq > highest ? seq : highest;
		dp_stream_take(&s, seq);
	}
	assert_true(duplicated > 1000 && reordered > 1000);
	assert_int_equal(s.received, received);
	assert_int_equal(s.duplicated, duplicated);
	assert_int_equal(s.reordered, reordered);
	assert_int_equal(s.late, 0);
}

static void
what_is_written_is_read_and_damage_is_seen(void **state)
{
	const struct dp_probe p = {.stream = 0x1234, .seq = 0x89abcdef, .stamp = UINT64_C(1) << 61 | 77};
	uint8_t at[DP_PROBE_LEN];
	struct dp_probe q;

	(void)state;
	dp_probe_write(at, 5, &p);
	assert_true(dp_probe_read(at, 5, &q));
	assert_int_equal(q.stream, p.stream);
	assert_int_equal(q.seq, p.seq);
	assert_int_equal(q.stamp, p.stamp);
	assert_false(dp_probe_read(at, 6, &q));
	for (unsigned int i = 0; i < DP_PROBE_LEN; i++)
		for (unsigned int bit = 0; bit < 8; bit++) {
			at[i] ^= 1u << bit;
			assert_false(dp_probe_read(at, 5, &q));
			at[i] ^= 1u << bit;
		}
	for (unsigned int i = 0; i < DP_PROBE_LEN; i++) {
		at[i] ^= 0xff;
		assert_false(dp_probe_read(at, 5, &q));
		at[i] ^= 0xff;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_all_are_new),
		cmocka_unit_test(each_kind_is_told),
		cmocka_unit_test(numbers_of_32_bits_wrap),
		cmocka_unit_test(counts_are_those_of_one_who_remembers_all),
		cmocka_unit_test(what_is_written_is_read_and_damage_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
