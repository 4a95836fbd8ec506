/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_RUN_H
#define VFPLANE_RUN_H

/** @file The control loop between bring-up and the end. Control thread. */

#include "vfplane.h"

/** Install SIGINT and SIGTERM: they set app_signal, in any state. */
void run_signals(void);

/**
 * Forward, prompt, print, serve VF resets, until the time is over, a signal comes or somebody
 * quits; then drain and stop.
 */
int run(struct app *app, struct vfp_err *err);

/** Housekeeping, while something else waits: resets, link, counters that wrap. */
void run_housekeeping(struct app *app);

#endif
