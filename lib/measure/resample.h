/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RESAMPLE_H
#define RESAMPLE_H

#include "meas_compare.h"

/* values[figure * n + k]: the figures of resample k of a side. 0, -ENOMEM */
int resample(const struct meas_side *s, uint64_t seed, uint32_t n, double *values);

#endif
