/* SPDX-License-Identifier: BSD-3-Clause */
/* How the card's timer thread sleeps, and how every process wakes it: by a futex in the state. */
#ifndef S82_TICK_H
#define S82_TICK_H

#include <time.h>

#include "../model/model.h"

/* ops->timer of every process. Any thread, also in the fault handler. */
void s82_tick_wake(struct s82_ctx *ctx);

/* Sleeps until timers.seq is not `seq` any more, or for `most` (NULL: for ever). May wake early. */
void s82_tick_sleep(struct s82_state *st, uint32_t seq, const struct timespec *most);

#endif
