/* SPDX-License-Identifier: BSD-3-Clause */
/* How every process takes the card's lock, st->lock. */
#ifndef S82_LOCK_H
#define S82_LOCK_H

#include <sys/types.h>

#include "../model/model.h"

/*
 * Takes the lock, and puts the state in order if its last owner died. `bell` (an eventfd) is rung
 * every few milliseconds of waiting: the owner may have been stopped, and then only the card can
 * make it leave, see card/nudge.c. Any thread, also in the fault handler.
 */
void s82_lock_take(struct s82_ctx *ctx, int bell);
void s82_lock_leave(struct s82_ctx *ctx);

/* The thread that owns the lock, 0: nobody. May be old when it arrives. */
pid_t s82_lock_owner(const struct s82_state *st);

#endif
