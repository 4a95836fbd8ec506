/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LAT_SERIES_H
#define LAT_SERIES_H

/**
 * @file
 * Latency over time: one histogram an interval, in bounded memory.
 *
 * Intervals are whole histograms (packed, some kB each), so any quantile of any stretch can be
 * taken later, and a comparison can resample them. When the room is full, neighbours are merged and
 * the interval doubles: a run of any length keeps between half and all of max_points of equal
 * length. Pure; belongs to one thread.
 */

#include <stdint.h>

#include "lat_hist.h"

struct lat_series;

/** @param max_points even, at least 2. @return NULL when out of memory */
struct lat_series *lat_series_new(uint32_t max_points);
void lat_series_free(struct lat_series *s);

/**
 * Take what came since the last call.
 *
 * @param at_s the time now, in seconds of the reader's clock; must not go back
 * @param total all samples so far; fewer than at the last call in any bucket means that the
 *	counting began afresh, and all of them are new
 * @return 0, -ENOMEM (what came since the last call may be missing)
 */
int lat_series_take(struct lat_series *s, double at_s, const struct lat_hist *total);

/** The next lat_series_take() counts from this time and this total on. @return 0, -ENOMEM */
int lat_series_restart(struct lat_series *s, double at_s, const struct lat_hist *total);

uint32_t lat_series_points(const struct lat_series *s);

struct lat_point {
	double at_s; /**< its beginning */
	double seconds;
};

/** Point i, its samples into hist. @return 0, -ENOENT */
int lat_series_get(
	const struct lat_series *s, uint32_t i, struct lat_point *p, struct lat_hist *hist);

#endif
