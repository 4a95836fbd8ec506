/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_CHECK_H
#define VFPLANE_CHECK_H

/** @file --check: say what a configuration would do, without EAL, devices or rights. */

#include "config.h"

/** @return an exit code */
int check_config(const struct config *c);

#endif
