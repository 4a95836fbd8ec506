/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe.h"

static void
bump(uint64_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

static bool
test_and_set(struct dp_stream *s, uint64_t seq)
{
	uint64_t *const word = &s->bits[seq % DP_PROBE_WINDOW / 64];
	const uint64_t bit = UINT64_C(1) << seq % 64;
	const bool was = (*word & bit) != 0;

	*word |= bit;
	return was;
}

/* The window moves on: what enters it has not been seen. */
static void
advance(struct dp_stream *s, uint64_t to)
{
	if (to - s->next >= DP_PROBE_WINDOW) {
		memset(s->bits, 0, sizeof(s->bits));
	} else {
		for (uint64_t i = s->next; i < to; i++)
			s->bits[i % DP_PROBE_WINDOW / 64] &= ~(UINT64_C(1) << i % 64);
	}
	__atomic_store_n(&s->next, to, __ATOMIC_RELAXED);
}

enum dp_seen
dp_stream_take(struct dp_stream *s, uint32_t seq)
{
	/* 32 bits travel; which of the 64-bit numbers it is, the neighbourhood tells. */
	const int64_t ahead = (int32_t)(seq - (uint32_t)s->next);
	const uint64_t full = s->next + (uint64_t)ahead;

	if (ahead >= 0) {
		advance(s, full + 1);
		test_and_set(s, full);
		bump(&s->received);
		return DP_SEEN_NEW;
	}
	if (ahead < -DP_PROBE_WINDOW || full > s->next) {
		bump(&s->late);
		return DP_SEEN_LATE;
	}
	if (test_and_set(s, full)) {
		bump(&s->duplicated);
		return DP_SEEN_DUPLICATE;
	}
	bump(&s->received);
	bump(&s->reordered);
	return DP_SEEN_REORDERED;
}
