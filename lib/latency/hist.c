/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <string.h>

#include "lat_hist.h"

_Static_assert(sizeof(((struct lat_hist *)0)->pad) == 40, "the buckets start on a cache line");

void
lat_hist_init(struct lat_hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

static uint64_t
load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* The bucket that holds a value, clipped or not. */
static uint32_t
index_of(uint64_t value)
{
	return lat_hist_index(value > LAT_HIST_MAX ? LAT_HIST_MAX : value);
}

/*
 * The extremes of what is left. The exact ones are kept only where they are known to be of the
 * difference: in the outermost bucket that is left, and not the extreme of the earlier copy too.
 */
static void
narrow(struct lat_hist *h, uint64_t earlier_min, uint64_t earlier_max)
{
	uint32_t low = index_of(h->min), high = index_of(h->max);
	const uint32_t was_low = low, was_high = high;

	while (low <= high && h->bucket[low] == 0)
		low++;
	if (low > high) {
		lat_hist_init(h);
		return;
	}
	while (h->bucket[high] == 0)
		high--;
	if (low != was_low || h->min == earlier_min)
		h->min = lat_hist_low(low);
	if (high != was_high || h->max == earlier_max)
		h->max = lat_hist_high(high);
}

/*
 * min and max bound what is copied, which spares most of the 240 kB. They are read first: a sample
 * that widens them later is simply not in this copy.
 */
void
lat_hist_copy(struct lat_hist *dst, const struct lat_hist *src)
{
	uint64_t in_last;

	lat_hist_init(dst);
	dst->min = load(&src->min);
	dst->max = load(&src->max);
	if (dst->min > dst->max) {
		/* Empty, or its first sample is on its way. */
		dst->min = UINT64_MAX;
		dst->max = 0;
		return;
	}
	dst->clipped = load(&src->clipped);
	for (uint32_t i = index_of(dst->min); i <= index_of(dst->max); i++)
		dst->bucket[i] = load(&src->bucket[i]);
	/* clipped is counted before its bucket: never let it exceed what the bucket has. */
	in_last = dst->bucket[LAT_HIST_BUCKETS - 1];
	if (dst->clipped > in_last)
		dst->clipped = in_last;
	/* The writer widens min and max before it counts: keep them only if their sample is here. */
	narrow(dst, UINT64_MAX, UINT64_MAX);
}

void
lat_hist_merge(struct lat_hist *dst, const struct lat_hist *src)
{
	if (src->min > src->max)
		return;
	if (src->min < dst->min)
		dst->min = src->min;
	if (src->max > dst->max)
		dst->max = src->max;
	dst->clipped += src->clipped;
	for (uint32_t i = index_of(src->min); i <= index_of(src->max); i++)
		dst->bucket[i] += src->bucket[i];
}

void
lat_hist_subtract(struct lat_hist *h, const struct lat_hist *earlier)
{
	if (earlier->min > earlier->max || h->min > h->max)
		return;
	for (uint32_t i = index_of(earlier->min); i <= index_of(earlier->max); i++)
		h->bucket[i] -= earlier->bucket[i];
	h->clipped -= earlier->clipped;
	narrow(h, earlier->min, earlier->max);
}

uint64_t
lat_hist_count(const struct lat_hist *h)
{
	uint64_t count = 0;

	if (h->min <= h->max)
		for (uint32_t i = index_of(h->min); i <= index_of(h->max); i++)
			count += h->bucket[i];
	return count;
}

/* The middle of a bucket, kept within what was really seen. */
static uint64_t
middle(const struct lat_hist *h, uint32_t i)
{
	const uint64_t low = lat_hist_low(i);
	uint64_t value = low + (lat_hist_high(i) - low) / 2;

	if (value < h->min)
		value = h->min;
	return value > h->max ? h->max : value;
}

uint64_t
lat_hist_quantile(const struct lat_hist *h, double q)
{
	const uint64_t count = lat_hist_count(h);
	uint64_t rank, seen = 0;

	if (count == 0)
		return 0;
	rank = (uint64_t)ceil(q * (double)count);
	if (rank < 1)
		rank = 1;
	if (rank >= count)
		return h->max;
	for (uint32_t i = index_of(h->min); i <= index_of(h->max); i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return middle(h, i);
	}
	return h->max;
}

double
lat_hist_mean(const struct lat_hist *h)
{
	const uint64_t count = lat_hist_count(h);
	double sum = 0;

	if (count == 0)
		return NAN;
	for (uint32_t i = index_of(h->min); i <= index_of(h->max); i++)
		if (h->bucket[i] != 0)
			sum += (double)h->bucket[i] * (double)middle(h, i);
	return sum / (double)count;
}

double
lat_hist_stddev(const struct lat_hist *h)
{
	const uint64_t count = lat_hist_count(h);
	const double mean = lat_hist_mean(h);
	double sum = 0;

	if (count == 0)
		return NAN;
	for (uint32_t i = index_of(h->min); i <= index_of(h->max); i++) {
		const double d = (double)middle(h, i) - mean;

		if (h->bucket[i] != 0)
			sum += (double)h->bucket[i] * d * d;
	}
	return sqrt(sum / (double)count);
}
