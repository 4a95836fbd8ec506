/* SPDX-License-Identifier: BSD-3-Clause */
/* libc's own functions behind the interposed ones. */
#ifndef S82_REAL_H
#define S82_REAL_H

#include <signal.h>

/* libc's sigaction. */
int s82_real_sigaction(int sig, const struct sigaction *act, struct sigaction *old);

#endif
