/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>

#include "hist.h"

/* Values below 2 << SUB_BITS have a bucket each; above, the leading SUB_BITS + 1 bits choose. */
static unsigned int
bucket_of(uint64_t value)
{
	unsigned int shift = value >> (HIST_SUB_BITS + 1) == 0 ? 0 :
		63 - HIST_SUB_BITS - __builtin_clzll(value);

	return (shift << HIST_SUB_BITS) + (value >> shift);
}

/* The greatest value of a bucket. */
static uint64_t
bucket_top(unsigned int bucket)
{
	unsigned int shift = bucket >> (HIST_SUB_BITS + 1) == 0 ? 0 :
		(bucket >> HIST_SUB_BITS) - 1;
	uint64_t lead = bucket - (shift << HIST_SUB_BITS);

	return ((lead + 1) << shift) - 1;
}

void
hist_add(struct hist *h, uint64_t value)
{
	if (h->count == 0 || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->count++;
	h->sum += value;
	h->sum_sq += (double)value * value;
	if (value >> HIST_MAX_BITS != 0) {
		h->clipped++;
		value = (1ull << HIST_MAX_BITS) - 1;
	}
	h->bucket[bucket_of(value)]++;
}

uint64_t
hist_percentile(const struct hist *h, double share)
{
	/* 0.07 * 100 is a little more than 7 in binary */
	uint64_t want = ceil(share * h->count - 1e-6), seen = 0;

	if (h->count == 0)
		return 0;
	if (want == 0)
		want = 1;
	for (unsigned int b = 0; b < HIST_BUCKETS; b++) {
		seen += h->bucket[b];
		if (seen >= want) {
			uint64_t top = bucket_top(b);

			return top > h->max ? h->max : top < h->min ? h->min : top;
		}
	}
	return h->max;
}

double
hist_mean(const struct hist *h)
{
	return h->count == 0 ? 0 : h->sum / h->count;
}

double
hist_stddev(const struct hist *h)
{
	double mean = hist_mean(h), var;

	if (h->count < 2)
		return 0;
	var = h->sum_sq / h->count - mean * mean;
	return var > 0 ? sqrt(var) : 0;
}
