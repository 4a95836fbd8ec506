/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_MAILBOX_H
#define VFPLANE_MAILBOX_H

/**
 * @file
 * What the control thread does with the mailbox log: a file of it, and what VFs were seen to want.
 * The thread that answers VFs does neither, since it may not wait for a disk.
 */

#include <stdio.h>

#include "vfplane.h"

/** Take what is new from the logs of all PFs. Each second, and before somebody looks. */
void mailbox_drain(struct app *app);

/** Record to a file from now on, or end it with NULL. -errno with a sentence. */
int mailbox_record(struct app *app, const char *path, struct vfp_err *err);

#define MAILBOX_FOLLOW_NONE (-2)
#define MAILBOX_FOLLOW_ALL  (-1)
/** Print what VFs ask each second, folded: of one VF, of all, or no more. */
void mailbox_follow(struct app *app, int vf);

/** Print the section that would allow what a VF of the first PF asked for. -ENOENT. */
int mailbox_learned(struct app *app, uint16_t vf, FILE *to);

#endif
