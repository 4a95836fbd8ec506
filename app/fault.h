/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_FAULT_H
#define VFPLANE_FAULT_H

/**
 * @file
 * Points at which a test may have a SIGTERM arrive: the environment variable VFPLANE_FAULT_AT names
 * one. "eal", "step-1" and so on are on the way up; "forwarding"; "draining", "report", "undo",
 * "close-PORT" and "cleanup" on the way down.
 */

/** Is this the point? Then the signal comes now. Control thread. */
void fault_point(const char *name);

#endif
