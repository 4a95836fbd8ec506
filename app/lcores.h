/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_LCORES_H
#define VFPLANE_LCORES_H

/**
 * @file
 * From rules and lcore sections to a published plan; start, drain and stop. Control thread.
 */

#include "vfplane.h"

/**
 * Make the plan of the configuration, or of pairs without one, and publish it.
 * @param mode  of the pairs; the configuration's rules have their own
 */
int lcores_plan(struct app *app, enum dp_mode mode, struct vfp_err *err);

/**
 * Change rules or lcores: edit() works on a copy of the spec, whose plan is then made and published.
 * Works while forwarding; when anything fails all stays as it was.
 */
int lcores_edit(struct app *app,
	int (*edit)(struct app *app, struct dp_spec *spec, const void *arg, struct vfp_err *err),
	const void *arg, struct vfp_err *err);

/** Free plan, spec and data path; the ports are still there. */
void lcores_free(struct app *app);

/** Change the mode of every rule but configured sinks and sources; "set fwd". */
int lcores_set_mode(struct app *app, enum dp_mode mode, struct vfp_err *err);

/** Let packets go first, before lcores_start(); "start tx_first". @return how many, or -errno */
int lcores_tx_first(struct app *app, uint16_t bursts, struct vfp_err *err);

/** Start the workers. 0 also when they run. */
int lcores_start(struct app *app, struct vfp_err *err);

/**
 * Stop entry, go on until the rings are empty, stop the workers.
 *
 * Entry is stopped where vfplane owns the PF: it tells the switch to let nothing more into its VFs.
 * Other sources cannot be stopped; then it ends after a bounded time.
 * @param final  the process ends: the PF's own queues are ended too, so that the last counters hold
 */
void lcores_stop(struct app *app, bool final);

#endif
