/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "lat_hist.h"

_Static_assert(offsetof(struct lat_hist, bucket) == 64, "the buckets start on a cache line");

void
lat_hist_init(struct lat_hist *h)
{
	memset(h, 0, sizeof(*h));
}

static uint64_t
load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void
lat_hist_copy(struct lat_hist *dst, const struct lat_hist *src)
{
	memset(dst->pad, 0, sizeof(dst->pad));
	dst->clipped = load(&src->clipped);
	for (uint32_t i = 0; i < LAT_HIST_BUCKETS; i++)
		dst->bucket[i] = load(&src->bucket[i]);
}

void
lat_hist_merge(struct lat_hist *dst, const struct lat_hist *src)
{
	dst->clipped += src->clipped;
	for (uint32_t i = 0; i < LAT_HIST_BUCKETS; i++)
		dst->bucket[i] += src->bucket[i];
}

void
lat_hist_subtract(struct lat_hist *h, const struct lat_hist *earlier)
{
	h->clipped -= earlier->clipped;
	for (uint32_t i = 0; i < LAT_HIST_BUCKETS; i++)
		h->bucket[i] -= earlier->bucket[i];
}

uint64_t
lat_hist_count(const struct lat_hist *h)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < LAT_HIST_BUCKETS; i++)
		count += h->bucket[i];
	return count;
}

uint64_t
lat_hist_min(const struct lat_hist *h)
{
	for (uint32_t i = 0; i < LAT_HIST_BUCKETS; i++)
		if (h->bucket[i] != 0)
			return lat_hist_low(i);
	return 0;
}

uint64_t
lat_hist_max(const struct lat_hist *h)
{
	for (uint32_t i = LAT_HIST_BUCKETS; i > 0; i--)
		if (h->bucket[i - 1] != 0)
			return lat_hist_high(i - 1);
	return 0;
}

static uint64_t
middle(uint32_t i)
{
	const uint64_t low = lat_hist_low(i);

	return low + (lat_hist_high(i) - low) / 2;
}

uint64_t
lat_hist_quantile(const struct lat_hist *h, double q)
{
	const uint64_t count = lat_hist_count(h);
	uint64_t rank, seen = 0;

	rank = (uint64_t)ceil(q * (double)count);
	if (rank < 1)
		rank = 1;
	if (rank >= count)
		return lat_hist_max(h);
	for (uint32_t i = 0; i < LAT_HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return middle(i);
	}
	return lat_hist_max(h);
}

double
lat_hist_mean(const struct lat_hist *h)
{
	const uint64_t count = lat_hist_count(h);
	double sum = 0;

	for (uint32_t i = 0; i < LAT_HIST_BUCKETS; i++)
		sum += (double)h->bucket[i] * (double)middle(i);
	return count == 0 ? NAN : sum / (double)count;
}

double
lat_hist_stddev(const struct lat_hist *h)
{
	const uint64_t count = lat_hist_count(h);
	const double mean = lat_hist_mean(h);
	double sum = 0;

	if (count == 0)
		return NAN;
	for (uint32_t i = 0; i < LAT_HIST_BUCKETS; i++) {
		const double d = (double)middle(i) - mean;

		sum += (double)h->bucket[i] * d * d;
	}
	return sqrt(sum / (double)count);
}
