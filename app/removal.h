/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_REMOVAL_H
#define VFPLANE_REMOVAL_H

/**
 * @file
 * Devices that are pulled out while they are in use. Such a device reads as all ones, and its rings
 * stay as they are: polling it is harmless but useless, and the kernel waits for us to let it go.
 */

#include "vfplane.h"

/** Ask EAL to tell of removals. 0 or -errno. */
int removal_watch(struct app *app);
void removal_unwatch(struct app *app);

/**
 * Look for devices that went without a word: their vendor id is missing or all ones. Once a second,
 * control thread.
 */
void removal_look(struct app *app);

/**
 * Take the ports out whose device is gone: out of the polling, closed, given back to the kernel. The
 * others go on. Control thread.
 */
void removal_serve(struct app *app);

#endif
