/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LAT_HIST_H
#define LAT_HIST_H

/**
 * @file
 * A log-linear histogram of durations in raw ticks, the hot path header-only, fixed memory, no division.
 *
 * Layout: every value below 2^11 ticks has a bucket of its own; above, each power of two is cut
 * into 2^10 equal buckets. A bucket is never wider than 1/1024 of its lower edge, so any number
 * taken from the middle of a bucket is right within 0.05 %: three significant digits. It reaches to
 * 2^39 ticks: 100 s at up to 5.49 GHz. (The idea is HdrHistogram's, Gil Tene; SPDK's histogram_data
 * has the same shape.)
 *
 * Everything that is reported (count, extremes, mean, quantiles, deviation) is derived from the
 * buckets, so that it cannot disagree with itself: a copy taken while the writer goes on is a true
 * set of samples, each at most once, and later minus earlier is again such a set, min and max
 * included. It also keeps an add to one cache line.
 *
 * Threads: one writer calls lat_hist_add(). Any thread may call lat_hist_copy() on it. All else
 * works on a histogram that is the caller's own. The unit is ticks; nanoseconds appear only in
 * lat_summary (lat_recorder.h).
 */

#include <stdbool.h>
#include <stdint.h>

#define LAT_HIST_SUB_BITS 10
#define LAT_HIST_TOP_BITS 39
#define LAT_HIST_MAX ((UINT64_C(1) << LAT_HIST_TOP_BITS) - 1)
#define LAT_HIST_BUCKETS ((LAT_HIST_TOP_BITS - LAT_HIST_SUB_BITS + 1) << LAT_HIST_SUB_BITS)

struct lat_hist {
	uint64_t clipped; /**< of the count: how many lay above LAT_HIST_MAX (in the last bucket) */
	uint64_t pad[7];
	uint64_t bucket[LAT_HIST_BUCKETS];
};

/** The bucket of a value; value must be at most LAT_HIST_MAX. */
static inline uint32_t
lat_hist_index(uint64_t value)
{
	const uint32_t top = 63 - (uint32_t)__builtin_clzll(value | (1u << LAT_HIST_SUB_BITS));
	const uint32_t shift = top - LAT_HIST_SUB_BITS;

	return (shift << LAT_HIST_SUB_BITS) + (uint32_t)(value >> shift);
}

/** The smallest value of a bucket. */
static inline uint64_t
lat_hist_low(uint32_t index)
{
	const uint32_t row = index >> LAT_HIST_SUB_BITS;

	if (row < 2)
		return index;
	return (uint64_t)(index - ((row - 1) << LAT_HIST_SUB_BITS)) << (row - 1);
}

/** The largest value of a bucket. */
static inline uint64_t
lat_hist_high(uint32_t index)
{
	const uint32_t row = index >> LAT_HIST_SUB_BITS;

	return lat_hist_low(index) + (row < 2 ? 0 : (UINT64_C(1) << (row - 1)) - 1);
}

/*
 * One writer: a plain load, but a store that a reader on another core sees whole. No locked
 * instruction is needed, and none is issued.
 */
static inline void
lat_hist_bump(uint64_t *counter, uint64_t by)
{
	__atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

/**
 * Add `weight` samples of one value. The hot path: no division, no loop, one cache line.
 */
static inline void
lat_hist_add(struct lat_hist *h, uint64_t ticks, uint64_t weight)
{
	if (__builtin_expect(ticks > LAT_HIST_MAX, 0)) {
		ticks = LAT_HIST_MAX;
		lat_hist_bump(&h->clipped, weight);
	}
	lat_hist_bump(&h->bucket[lat_hist_index(ticks)], weight);
}

/** Empty it. Writer only, or before the writer starts. Touches every page on purpose. */
void lat_hist_init(struct lat_hist *h);

/** Copy a histogram that its writer may be writing. dst is the caller's own. */
void lat_hist_copy(struct lat_hist *dst, const struct lat_hist *src);

/** dst += src, without loss. */
void lat_hist_merge(struct lat_hist *dst, const struct lat_hist *src);

/** h -= earlier, where earlier is an older copy of the same samples: what came since. */
void lat_hist_subtract(struct lat_hist *h, const struct lat_hist *earlier);

/** How many samples. */
uint64_t lat_hist_count(const struct lat_hist *h);

/** The smallest and the largest value, in ticks: the outer edges of the outermost buckets, so never
 * inside the samples' range, and exact below 2^11 ticks. 0 when empty. */
uint64_t lat_hist_min(const struct lat_hist *h);
uint64_t lat_hist_max(const struct lat_hist *h);

/**
 * The value that a share q (0..1) of the samples does not exceed, in ticks: rank ceil(q * count),
 * at least 1. The middle of its bucket; for the last rank lat_hist_max(). 0 when empty.
 */
uint64_t lat_hist_quantile(const struct lat_hist *h, double q);

/** Mean and standard deviation (of the population), in ticks; NaN when empty. */
double lat_hist_mean(const struct lat_hist *h);
double lat_hist_stddev(const struct lat_hist *h);

#endif
