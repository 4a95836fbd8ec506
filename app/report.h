/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_REPORT_H
#define VFPLANE_REPORT_H

/** @file The report that --json writes: schema "vfplane.report/1". Callers hold app.lock. */

#include "view.h"

/** @return 0, -errno with a sentence. "-" is standard output. */
int report_write(const struct view *v, const char *path, struct vfp_err *err);

/** The same numbers for people: live (short) or at the end. */
void report_tables(const struct view *v, FILE *to, bool final);

#endif
