/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupts [7.3]: causes, masks, and the MSI-X vector that IVAR or VTIVAR names.
 *
 * PF causes 16 to 30 of EICR are "other" causes. Queue causes are kept by vector: bit v of
 * EICR_EX is pending for vector v, masked by EIMS_EX; EICR, EIMS and EIMC show vectors 0 to 15
 * of it too. A vector that fired does not fire again before its interval (EITR) is over.
 */
#include "internal.h"

/* Where in reg[] the pending bits live; software reads EICR at its own address. */
#define R_EICR_EX(i)	(0x00a80 + 4 * (i))

static uint32_t *
preg(struct s82_state *st, uint32_t off)
{
	return &st->reg[off / 4];
}

static void
fire(struct s82_ctx *ctx, unsigned int func, unsigned int vector)
{
	struct s82_func *f = &ctx->st->func[func];

	if (vector >= f->vectors)
		return;
	f->irqs++;
	if (atomic_load(&f->irq_armed) & S82_BIT(vector) && !s82_fault_irq(ctx, func, vector))
		ctx->ops->irq(ctx, func, vector);
}

/*
 * Has the vector to wait, since its interval is not over [7.3.2.1]? Then what is pending now is
 * looked at again when it is. Nobody waits for a vector without an eventfd.
 */
static bool
moderated(struct s82_ctx *ctx, unsigned int func, unsigned int vector)
{
	struct s82_func *f = &ctx->st->func[func];
	uint32_t eitr = func == S82_PF ? s82_reg(ctx->st, R_EITR(vector & 63)) :
		f->vf_reg[V_EITR(vector & 3) / 4];
	uint64_t ns = (eitr >> EITR_INTERVAL & 0x1ff) * EITR_UNIT_NS, now;

	if (ns == 0 || vector >= f->vectors || !(atomic_load(&f->irq_armed) & S82_BIT(vector)))
		return false;
	now = ctx->ops->now(ctx);
	if (now < f->irq_next[vector]) {
		s82_timer_irq(ctx, func, vector);
		return true;
	}
	f->irq_next[vector] = now + ns * ctx->st->tick_hz / 1000000000;
	return false;
}

/* Raises what is pending and not masked among the other causes. */
static void
pf_fire_other(struct s82_ctx *ctx)
{
	struct s82_state *st = ctx->st;
	uint32_t gpie = s82_reg(st, R_GPIE);
	uint32_t pending = s82_reg(st, R_EICR) & s82_reg(st, R_EIMS);
	uint32_t ivar;

	if (!pending)
		return;
	if (!(gpie & GPIE_MSIX)) {
		if (!moderated(ctx, S82_PF, 0))
			fire(ctx, S82_PF, 0);
		return;
	}
	if (!(pending & EICR_OTHER))
		return;
	ivar = s82_reg(st, R_IVAR_MISC) >> 8;
	if (ivar & IVAR_VALID && moderated(ctx, S82_PF, ivar & 63))
		return;
	if (ivar & IVAR_VALID)
		fire(ctx, S82_PF, ivar & 63);
	if (gpie & GPIE_EIAME)
		*preg(st, R_EIMS) &= ~(s82_reg(st, R_EIAM) & EICR_OTHER);
}

void
s82_irq_other(struct s82_ctx *ctx, uint32_t causes)
{
	*preg(ctx->st, R_EICR) |= causes;
	pf_fire_other(ctx);
}

/* Raises the pending, unmasked queue vectors among `mask`. */
static void
pf_fire_vectors(struct s82_ctx *ctx, uint64_t mask)
{
	struct s82_state *st = ctx->st;
	uint64_t pending, low16 = 0xffff;
	unsigned int v;

	pending = s82_reg64(st, R_EICR_EX(0)) & s82_reg64(st, R_EIMS_EX(0)) & mask;
	for (; pending; pending &= pending - 1) {
		uint64_t bit = pending & -pending;

		v = (unsigned int)__builtin_ctzll(bit);
		if (moderated(ctx, S82_PF, v))
			continue;
		fire(ctx, S82_PF, v);
		/* auto-clear (EIAC covers vectors 0 to 15; beyond it is always on) and auto-mask */
		if (bit & ~low16 || s82_reg(st, R_EIAC) & bit)
			*preg(st, R_EICR_EX(v / 32)) &= ~(uint32_t)(bit >> (v & 32));
		if (s82_reg(st, R_GPIE) & GPIE_EIAME &&
				s82_reg64(st, R_EIAM_EX(0)) & bit)
			*preg(st, R_EIMS_EX(v / 32)) &= ~(uint32_t)(bit >> (v & 32));
	}
}

static void
pf_queue(struct s82_ctx *ctx, unsigned int queue, bool tx)
{
	struct s82_state *st = ctx->st;
	uint32_t ivar = s82_reg(st, R_IVAR(queue / 2)) >> (16 * (queue & 1) + 8 * tx);
	unsigned int v = ivar & 63;

	if (!(ivar & IVAR_VALID))
		return;
	if (!(s82_reg(st, R_GPIE) & GPIE_MSIX)) {
		s82_irq_other(ctx, 1u << (v & 15));
		return;
	}
	*preg(st, R_EICR_EX(v / 32)) |= 1u << v % 32;
	pf_fire_vectors(ctx, S82_BIT(v));
}

static uint32_t *
vreg(struct s82_ctx *ctx, unsigned int vf, uint32_t off)
{
	return &ctx->st->func[vf].vf_reg[off / 4];
}

static void
vf_fire(struct s82_ctx *ctx, unsigned int vf)
{
	uint32_t pending = *vreg(ctx, vf, V_EICR) & *vreg(ctx, vf, V_EIMS);

	for (; pending; pending &= pending - 1) {
		uint32_t bit = pending & -pending;

		if (moderated(ctx, vf, (unsigned int)__builtin_ctz(bit)))
			continue;
		fire(ctx, vf, (unsigned int)__builtin_ctz(bit));
		if (*vreg(ctx, vf, V_EIAC) & bit)
			*vreg(ctx, vf, V_EICR) &= ~bit;
		if (*vreg(ctx, vf, V_EIAM) & bit)
			*vreg(ctx, vf, V_EIMS) &= ~bit;
	}
}

static void
vf_cause(struct s82_ctx *ctx, unsigned int vf, uint32_t ivar)
{
	if (!(ivar & IVAR_VALID) || (ivar & 3) >= S82_VF_VECTORS)
		return;
	*vreg(ctx, vf, V_EICR) |= 1u << (ivar & 3);
	vf_fire(ctx, vf);
}

/* The intervals of these vectors are over. */
void
s82_irq_release(struct s82_ctx *ctx, unsigned int func, uint64_t vectors)
{
	if (func != S82_PF) {
		vf_fire(ctx, func);
		return;
	}
	if (!(s82_reg(ctx->st, R_GPIE) & GPIE_MSIX) ||
			vectors >> (s82_reg(ctx->st, R_IVAR_MISC) >> 8 & 63) & 1)
		pf_fire_other(ctx);
	pf_fire_vectors(ctx, vectors);
}

void
s82_irq_mailbox_vf(struct s82_ctx *ctx, unsigned int vf)
{
	vf_cause(ctx, vf, *vreg(ctx, vf, V_IVAR_MISC));
}

static void
queue_cause(struct s82_ctx *ctx, unsigned int queue, bool tx)
{
	unsigned int qpp = s82_queues_per_pool(ctx->st);
	unsigned int func = s82_func_of_pool(ctx->st, queue / qpp);
	unsigned int i = queue % qpp;

	if (func == S82_PF)
		pf_queue(ctx, queue, tx);
	else
		vf_cause(ctx, func, *vreg(ctx, func, V_IVAR(i / 2)) >> (16 * (i & 1) + 8 * tx));
}

/* The interrupts that a burst has earned, one cause a queue. */
void
s82_irq_touched(struct s82_ctx *ctx)
{
	struct s82_switch *sw = ctx->sw;
	unsigned int w;

	s82_rx_flush(ctx);
	for (w = 0; w < 2; w++) {
		for (; sw->rx_touched[w]; sw->rx_touched[w] &= sw->rx_touched[w] - 1)
			queue_cause(ctx, 64 * w + (unsigned int)__builtin_ctzll(sw->rx_touched[w]), false);
		for (; sw->tx_touched[w]; sw->tx_touched[w] &= sw->tx_touched[w] - 1)
			queue_cause(ctx, 64 * w + (unsigned int)__builtin_ctzll(sw->tx_touched[w]), true);
	}
}

static uint32_t
eicr_low(struct s82_state *st)
{
	return s82_reg(st, R_GPIE) & GPIE_MSIX ? s82_reg(st, R_EICR_EX(0)) & 0xffff : 0;
}

bool
s82_irq_read(struct s82_ctx *ctx, uint32_t off, uint32_t *val)
{
	struct s82_state *st = ctx->st;

	switch (off) {
	case R_EICR:
		*val = s82_reg(st, R_EICR) | eicr_low(st);
		*preg(st, R_EICR) = 0;
		*preg(st, R_EICR_EX(0)) &= ~0xffffu;
		return true;
	case R_EIMS:
	case R_EIMC:
		*val = s82_reg(st, R_EIMS) | (s82_reg(st, R_EIMS_EX(0)) & 0xffff);
		return true;
	case R_EIMC_EX(0):
	case R_EIMC_EX(1):
		*val = s82_reg(st, off - R_EIMC_EX(0) + R_EIMS_EX(0));
		return true;
	case R_EICS:
	case R_EICS_EX(0):
	case R_EICS_EX(1):
		*val = 0;
		return true;
	}
	return false;
}

bool
s82_irq_write(struct s82_ctx *ctx, uint32_t off, uint32_t val)
{
	struct s82_state *st = ctx->st;

	switch (off) {
	case R_EICR:
		*preg(st, R_EICR) &= ~val;
		*preg(st, R_EICR_EX(0)) &= ~(val & 0xffff);
		return true;
	case R_EICS:
		*preg(st, R_EICR) |= val;
		*preg(st, R_EICR_EX(0)) |= val & 0xffff;
		break;
	case R_EIMS:
		*preg(st, R_EIMS) |= val & 0x7fffffff;
		*preg(st, R_EIMS_EX(0)) |= val & 0xffff;
		break;
	case R_EIMC:
		*preg(st, R_EIMS) &= ~val;
		*preg(st, R_EIMS_EX(0)) &= ~(val & 0xffff);
		return true;
	case R_EICS_EX(0):
	case R_EICS_EX(1):
		*preg(st, off - R_EICS_EX(0) + R_EICR_EX(0)) |= val;
		break;
	case R_EIMS_EX(0):
	case R_EIMS_EX(1):
		*preg(st, off) |= val;
		break;
	case R_EIMC_EX(0):
	case R_EIMC_EX(1):
		*preg(st, off - R_EIMC_EX(0) + R_EIMS_EX(0)) &= ~val;
		return true;
	default:
		return false;
	}
	/* a cause that was pending fires as soon as its mask opens */
	pf_fire_other(ctx);
	pf_fire_vectors(ctx, ~0ull);
	return true;
}

bool
s82_vf_irq_read(struct s82_ctx *ctx, unsigned int vf, uint32_t off, uint32_t *val)
{
	switch (off) {
	case V_EICR:
		*val = *vreg(ctx, vf, V_EICR);
		*vreg(ctx, vf, V_EICR) = 0;
		return true;
	case V_EIMC:
		*val = *vreg(ctx, vf, V_EIMS);
		return true;
	case V_EICS:
		*val = 0;
		return true;
	}
	return false;
}

bool
s82_vf_irq_write(struct s82_ctx *ctx, unsigned int vf, uint32_t off, uint32_t val)
{
	switch (off) {
	case V_EICR:
		*vreg(ctx, vf, V_EICR) &= ~val;
		return true;
	case V_EICS:
		*vreg(ctx, vf, V_EICR) |= val & 7;
		break;
	case V_EIMS:
		*vreg(ctx, vf, V_EIMS) |= val & 7;
		break;
	case V_EIMC:
		*vreg(ctx, vf, V_EIMS) &= ~val;
		return true;
	default:
		return false;
	}
	vf_fire(ctx, vf);
	return true;
}
