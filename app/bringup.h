/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_BRINGUP_H
#define VFPLANE_BRINGUP_H

/**
 * @file
 * From a command line and a configuration to started ports, in the order that is safe: the policy
 * is armed before the PF is probed, and the PF is up before any of its VFs. Control thread.
 */

#include "vfplane.h"

/**
 * Decide which devices there will be, from -a, the configuration and sysfs. Touches nothing.
 * @return 0; -EINVAL when -a and the configuration contradict each other; -ENODEV when a device is
 *         missing; -E2BIG
 */
int devices_plan(struct app *app, struct vfp_err *err);

/** Is every device on a driver by which DPDK can have it? -ENODEV, with the command to type. */
int devices_check_drivers(struct app *app, struct vfp_err *err);

/** Bring everything up. On failure the caller calls bringup_undo(). */
int bringup(struct app *app, struct vfp_err *err);

/** Stop and close all that is up, VFs before their PF. Safe in any state. */
void bringup_undo(struct app *app);

#endif
