/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tick.h"

void
s82_tick_wake(struct s82_ctx *ctx)
{
	atomic_fetch_add(&ctx->st->timers.seq, 1);
	syscall(SYS_futex, &ctx->st->timers.seq, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void
s82_tick_sleep(struct s82_state *st, uint32_t seq, const struct timespec *most)
{
	syscall(SYS_futex, &st->timers.seq, FUTEX_WAIT, seq, most, NULL, 0);
}
