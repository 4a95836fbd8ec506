/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_NOISE_H
#define VFPLANE_NOISE_H

/** @file What took time from the polling lcores since forwarding began (meas_noise.h). */

#include "view.h"

/** From here on it counts. Control thread, the workers' threads must exist. */
void noise_begin(struct app *app);
/** The object "noise". Callers hold app.lock, as for all views. */
view_get noise_put;
void noise_free(struct app *app);

#endif
