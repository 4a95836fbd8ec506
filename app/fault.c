/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

void
fault_point(const char *name)
{
	const char *at = getenv("VFPLANE_FAULT_AT");

	if (!at || strcmp(at, name) != 0)
		return;
	fprintf(stderr, "vfplane: SIGTERM at %s, as VFPLANE_FAULT_AT asks\n", name);
	raise(SIGTERM);
}
