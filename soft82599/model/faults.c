/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What goes wrong on request: a cable that is pulled, a function that is pulled out, interrupts
 * that get lost or come late, a mailbox that takes its time, a pool whose owner has stopped
 * polling. Nothing of it happens by itself.
 */
#include <errno.h>
#include "internal.h"

/* --- the cable */

bool
s82_link_own(const struct s82_state *st)
{
	return !(s82_reg(st, R_ESDP) & ESDP_SDP3) && !atomic_load(&st->faults.cable_out);
}

void
s82_link_changed(struct s82_ctx *ctx)
{
	s82_irq_other(ctx, EICR_LSC);
	/* a wire that mirrors the link looks at once */
	if (atomic_load(&ctx->st->wire.consumer) && atomic_load(&ctx->st->wire.sleeping))
		ctx->ops->wire_kick(ctx);
}

static void
set_link(struct s82_ctx *ctx, _Atomic uint32_t *what, uint32_t down)
{
	bool was = s82_link_up(ctx->st);

	atomic_store(what, down);
	if (s82_link_up(ctx->st) != was)
		s82_link_changed(ctx);
}

void
s82_fault_cable(struct s82_ctx *ctx, bool in)
{
	set_link(ctx, &ctx->st->faults.cable_out, !in);
}

void
s82_fault_partner(struct s82_ctx *ctx, bool up)
{
	set_link(ctx, &ctx->st->faults.partner_down, !up);
}

/* --- functions that are pulled out */

static void
pull_out(struct s82_ctx *ctx, unsigned int func)
{
	struct s82_func *f = &ctx->st->func[func];

	if (!f->present)
		return;
	s82_flr(ctx, func);
	atomic_store(&f->removed, 1);
	f->present = 0;
}

int
s82_fault_remove(struct s82_ctx *ctx, unsigned int func)
{
	unsigned int vf;

	if (func >= S82_FUNCS || !ctx->st->func[func].present)
		return -ENODEV;
	/* The VFs are the PF's: they go with it, and first, while the layout still says which
	 * queues are theirs. */
	for (vf = 0; func == S82_PF && vf < ctx->st->num_vfs; vf++)
		pull_out(ctx, vf);
	pull_out(ctx, func);
	return 0;
}

unsigned int
s82_fault_restore(struct s82_ctx *ctx)
{
	unsigned int i, n = 0;

	for (i = 0; i < S82_FUNCS; i++) {
		struct s82_func *f = &ctx->st->func[i];

		if (!atomic_load(&f->removed))
			continue;
		f->present = 1;
		atomic_store(&f->removed, 0);
		n++;
	}
	return n;
}

/* --- interrupts */

bool
s82_fault_irq(struct s82_ctx *ctx, unsigned int func, unsigned int vector)
{
	struct s82_faults *x = &ctx->st->faults;

	if (x->irq_drop[func] > 0) {
		x->irq_drop[func]--;
		x->irqs_lost[func]++;
		return true;
	}
	if (x->irq_delay == 0)
		return false;
	if (x->late_irq[func] == 0)
		x->late_irq_at[func] = ctx->ops->now(ctx) + x->irq_delay;
	x->late_irq[func] |= S82_BIT(vector);
	x->irqs_late++;
	return true;
}

/* --- the mailbox */

bool
s82_fault_mailbox(struct s82_ctx *ctx, unsigned int vf, enum s82_mbox_event what)
{
	struct s82_faults *x = &ctx->st->faults;

	if (x->mbox_delay[vf] == 0)
		return false;
	x->late_mbox[vf] |= 1u << what;
	x->late_mbox_at[vf][what] = ctx->ops->now(ctx) + x->mbox_delay[vf];
	x->mbox_late++;
	return true;
}

/* --- what is late, and due */

static void
sooner(uint64_t *next, uint64_t at)
{
	if (*next == 0 || at < *next)
		*next = at;
}

static void
late_irqs(struct s82_ctx *ctx, unsigned int func, uint64_t now, uint64_t *next)
{
	struct s82_faults *x = &ctx->st->faults;

	if (x->late_irq[func] == 0)
		return;
	if (now < x->late_irq_at[func]) {
		sooner(next, x->late_irq_at[func]);
		return;
	}
	/* what lost its eventfd meanwhile is not raised any more */
	x->late_irq[func] &= atomic_load(&ctx->st->func[func].irq_armed);
	for (; x->late_irq[func]; x->late_irq[func] &= x->late_irq[func] - 1)
		ctx->ops->irq(ctx, func, (unsigned int)__builtin_ctzll(x->late_irq[func]));
}

static void
late_mail(struct s82_ctx *ctx, unsigned int vf, uint64_t now, uint64_t *next)
{
	struct s82_faults *x = &ctx->st->faults;
	unsigned int what;

	for (what = 0; what < S82_MBOX_EVENTS; what++) {
		if (!(x->late_mbox[vf] >> what & 1))
			continue;
		if (now < x->late_mbox_at[vf][what]) {
			sooner(next, x->late_mbox_at[vf][what]);
			continue;
		}
		x->late_mbox[vf] &= ~(1u << what);
		s82_mbox_tell(ctx, vf, (enum s82_mbox_event)what);
	}
}

uint64_t
s82_fault_due(struct s82_ctx *ctx, uint64_t now)
{
	uint64_t next = 0;
	unsigned int i;

	for (i = 0; i < S82_MAX_VFS; i++)
		late_mail(ctx, i, now, &next);
	for (i = 0; i < S82_FUNCS; i++)
		late_irqs(ctx, i, now, &next);
	return next;
}

/* --- pools that take nothing */

void
s82_fault_freeze(struct s82_ctx *ctx, unsigned int pool, bool on)
{
	if (on)
		atomic_fetch_or(&ctx->st->faults.frozen, S82_BIT(pool));
	else
		atomic_fetch_and(&ctx->st->faults.frozen, ~S82_BIT(pool));
	ctx->st->switch_gen++;	/* what was looked up for the queues is looked up again */
	if (ctx->st->fifo.busy)
		s82_rx_drain(ctx);
}
