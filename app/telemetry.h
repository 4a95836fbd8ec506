/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_TELEMETRY_H
#define VFPLANE_TELEMETRY_H

/**
 * @file
 * /vfplane/… over DPDK's telemetry socket: the getters of view.h, one command each. Lists become
 * dictionaries keyed by name or number, since DPDK 22.11 nests dictionaries but no lists of them;
 * numbers are whole, those below 1000 once more in thousandths as KEY_milli, and what is not known is the string "unknown".
 */

#include "vfplane.h"

/** Register the commands. They take app.lock. */
int telemetry_register(struct app *app);
/** No command answers with the app's data after this. */
void telemetry_off(void);

#endif
