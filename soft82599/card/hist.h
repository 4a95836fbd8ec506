/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A log-linear histogram of ticks: 256 buckets in each power of two, so a percentile is right
 * within 1/256. Pure. soft82599 links nothing of lib/, so that it measures with code of its own.
 */
#ifndef S82_HIST_H
#define S82_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS	8	/* log2 of the buckets in a power of two */
#define HIST_MAX_BITS	40	/* longer values are clipped: counted, and in min/max/mean only */
#define HIST_BUCKETS	((HIST_MAX_BITS - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

struct hist {
	uint64_t count, clipped, min, max;
	double sum, sum_sq;
	uint64_t bucket[HIST_BUCKETS];
};

/* A histogram is zeroed memory. */
void hist_add(struct hist *h, uint64_t value);

/* The least value that at least `share` (0 to 1) of all do not exceed; 0 if there is none. */
uint64_t hist_percentile(const struct hist *h, double share);

double hist_mean(const struct hist *h);
double hist_stddev(const struct hist *h);

#endif
