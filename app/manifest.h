/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_MANIFEST_H
#define VFPLANE_MANIFEST_H

/**
 * @file
 * What the numbers of a report depend on: versions, machine, isolation, layout, configuration.
 * Taken once at the start, put into the report at the end. Control thread.
 */

#include <vfp_out.h>

#include "vfplane.h"

/** At the very start, before EAL and with its arguments as the user gave them. 0, -errno. */
int manifest_begin(struct app *app, struct vfp_err *err);
/** When forwarding begins: the links' speeds. */
void manifest_links(struct app *app);
/** The object "manifest". */
void manifest_put(const struct app *app, struct vfp_out *o);
void manifest_free(struct app *app);

#endif
