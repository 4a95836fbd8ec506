/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MEAS_PROC_H
#define MEAS_PROC_H

/* One-line files of /proc and /sys below a root. Private to lib/measure. */

#include <stddef.h>
#include <stdint.h>

/* The first line without its end; "" and -errno when it cannot be read. */
int meas_proc_line(const char *root, const char *path, char *buf, size_t size);
/* Its number, -1 when there is none. */
int64_t meas_proc_number(const char *root, const char *path);

#endif
