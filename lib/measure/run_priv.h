/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RUN_PRIV_H
#define RUN_PRIV_H

/* What the readers of run files share. Private to lib/measure. */

#include "meas_run.h"

/* Append a fact; what does not fit is dropped, an empty value is none. */
void run_fact(struct meas_run *r, enum meas_role role, double tolerance, const char *key,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Append a block of these samples; empty ones are left out. 0, -ENOMEM */
int run_block(struct meas_run *r, const struct lat_hist *ns);
/* The four numbers and the count, from all of the samples. */
void run_summarise(struct meas_run *r, const struct lat_hist *all);
/* The same of the warm-up. */
void run_summarise_warm(struct meas_run *r, const struct lat_hist *warm);

int run_parse_ping(
	const char *text, const struct meas_choice *c, struct meas_run *r, struct vfp_err *err);
int run_parse_report(
	const char *text, const struct meas_choice *c, struct meas_run *r, struct vfp_err *err);

#endif
