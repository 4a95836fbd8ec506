/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What happens at an instant: a moderated interrupt [7.3.2], the next frame of a queue whose rate
 * is limited [8.2.3.10.15]. All of it is kept where it belongs (func[].irq_next, txq[].next); here
 * is the earliest instant, and who is looked at when it comes. The card has a thread for that.
 */
#include "internal.h"

/* How often a second a limited queue is looked at, at most: its frames leave in clumps then. */
#define WAKES	10000

static void
sooner(uint64_t *next, uint64_t at)
{
	if (*next == 0 || at < *next)
		*next = at;
}

/* Wakes the card's thread if it would sleep beyond `at`. Lock held. */
static void
arm(struct s82_ctx *ctx, uint64_t at)
{
	struct s82_timers *t = &ctx->st->timers;

	if (t->next != 0 && t->next <= at)
		return;
	t->next = at;
	ctx->ops->timer(ctx);
}

void
s82_timer_queue(struct s82_ctx *ctx, unsigned int queue)
{
	uint64_t at = ctx->st->txq[queue].next, soon = ctx->ops->now(ctx) + ctx->st->tick_hz / WAKES;

	ctx->st->timers.txq[queue / 64] |= S82_BIT(queue % 64);
	arm(ctx, at > soon ? at : soon);
}

void
s82_timer_irq(struct s82_ctx *ctx, unsigned int func, unsigned int vector)
{
	ctx->st->func[func].irq_held |= S82_BIT(vector);
	ctx->st->timers.funcs |= S82_BIT(func);
	arm(ctx, ctx->st->func[func].irq_next[vector]);
}

/* Interrupts whose interval is over; *next: of the others, the earliest. */
static void
irqs_due(struct s82_ctx *ctx, unsigned int func, uint64_t now, uint64_t *next)
{
	struct s82_func *f = &ctx->st->func[func];
	uint64_t left, due = 0;

	for (left = f->irq_held; left; left &= left - 1) {
		unsigned int v = (unsigned int)__builtin_ctzll(left);

		if (f->irq_next[v] <= now)
			due |= S82_BIT(v);
		else
			sooner(next, f->irq_next[v]);
	}
	f->irq_held &= ~due;
	if (f->irq_held == 0)
		ctx->st->timers.funcs &= ~S82_BIT(func);
	if (due)
		s82_irq_release(ctx, func, due);
}

/* What is due of everything: interrupts are raised, queues come back in due[]. Lock held. */
static uint64_t
look(struct s82_ctx *ctx, uint64_t now, uint64_t due[2])
{
	struct s82_timers *t = &ctx->st->timers;
	uint64_t left, next = 0;
	unsigned int w;

	for (left = t->funcs; left; left &= left - 1)
		irqs_due(ctx, (unsigned int)__builtin_ctzll(left), now, &next);
	for (w = 0; w < 2; w++)
		for (left = t->txq[w]; left; left &= left - 1) {
			uint64_t at = ctx->st->txq[64 * w + (unsigned int)__builtin_ctzll(left)].next;

			if (at <= now)
				due[w] |= left & -left;
			else
				sooner(&next, at);
		}
	t->txq[0] &= ~due[0];
	t->txq[1] &= ~due[1];
	return next;
}

uint64_t
s82_timer_run(struct s82_ctx *ctx)
{
	uint64_t due[2] = { 0, 0 }, next, now;
	unsigned int w;

	ctx->ops->lock(ctx);
	s82_switch_update(ctx);
	now = ctx->ops->now(ctx);
	look(ctx, now, due);
	ctx->ops->unlock(ctx);
	for (w = 0; w < 2; w++)
		for (; due[w]; due[w] &= due[w] - 1)
			s82_tx_kick(ctx, 64 * w + (unsigned int)__builtin_ctzll(due[w]));
	ctx->ops->lock(ctx);
	/* at tick 0 nothing is due: only the earliest is wanted */
	next = look(ctx, 0, due);
	if (ctx->st->timers.txq[0] | ctx->st->timers.txq[1])
		next = next > now + ctx->st->tick_hz / WAKES ? next : now + ctx->st->tick_hz / WAKES;
	ctx->st->timers.next = next;
	ctx->ops->unlock(ctx);
	return next;
}
