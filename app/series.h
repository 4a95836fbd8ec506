/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_SERIES_H
#define VFPLANE_SERIES_H

/**
 * @file
 * Latency over time, of every rule and kind: a histogram a second, joined where a run is long
 * (lat_series.h). And histograms as files. Control thread.
 */

#include <vfp_out.h>

#include "vfplane.h"

/** Take what came since the last call; once a second, and at the end. */
void series_take(struct app *app);
/** The lists "histograms" (as `latency` counts them) and "latency_series" (from the start on,
 * whatever is cleared). */
void series_put(const struct app *app, struct vfp_out *o);
/**
 * RULE.KIND.hgrm, .csv and .hlog of all of them, in a folder that is made where it is missing. What
 * has no sample has no file.
 *
 * @return how many histograms; -errno with a sentence
 */
int series_write(const struct app *app, const char *dir, struct vfp_err *err);
void series_free(struct app *app);

#endif
