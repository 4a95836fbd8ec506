/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_ABORTS_H
#define VFPLANE_ABORTS_H

/**
 * @file
 * VFs that reach for memory which their owner has not mapped. The 82599 raises no event for it, but
 * whoever reads where nobody answers gets "received master abort" in its PCI status word, and that
 * the host reads in sysfs.
 */

#include "vfplane.h"

/**
 * Look at all VFs of all PFs; once a second. What stands there at the first look happened before us,
 * and is only cleared. A tenant's VF is shut until its next reset; one that we poll is only counted.
 * Control thread, which may have to wait: the kernel lets nobody read while it resets a function.
 */
void aborts_look(struct app *app);

#endif
