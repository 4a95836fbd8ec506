/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef S82_TIMER_H
#define S82_TIMER_H

#include "server.h"

struct timer;

/* How fast the time stamp counter runs, in Hz. Takes 10 ms. */
uint64_t timer_tick_hz(void);

/* Starts the thread that calls s82_timer_run(), with all signals blocked. 0 or -errno. */
int timer_start(struct timer **timer, struct s82_server *server);

/* Before s82_server_destroy(). NULL is allowed. */
void timer_stop(struct timer *timer);

#endif
