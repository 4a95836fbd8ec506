/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mailbox between PF and VF [7.10.2.9.2]: 16 words that one side at a time may own (PFU,
 * VFU), requests and acknowledgements that interrupt the other side, and how a VF sees a reset
 * of its PF (RSTI, RSTD).
 */
#include "internal.h"

/* A VF's bit in MBVFICR: 16 VFs a register, requests low, acknowledgements high. */
static void
tell_pf(struct s82_ctx *ctx, unsigned int vf, bool ack)
{
	uint32_t bit = 1u << (vf % 16 + (ack ? 16 : 0));

	ctx->st->reg[R_MBVFICR(vf / 16) / 4] |= bit;
	if (s82_reg(ctx->st, R_MBVFIMR(vf / 16)) & bit)
		s82_irq_other(ctx, EICR_MAILBOX);
}

/* The other side learns of it: its status bit, and its interrupt. */
void
s82_mbox_tell(struct s82_ctx *ctx, unsigned int vf, enum s82_mbox_event what)
{
	struct s82_mbox *m = &ctx->st->mbox[vf];

	switch (what) {
	case S82_MBOX_VF_REQ:
	case S82_MBOX_VF_ACK:
		tell_pf(ctx, vf, what == S82_MBOX_VF_ACK);
		return;
	case S82_MBOX_PF_STS:
		m->pfsts = 1;
		break;
	default:
		m->pfack = 1;
		break;
	}
	s82_irq_mailbox_vf(ctx, vf);
}

static void
set_vflre(struct s82_state *st, unsigned int vf)
{
	st->reg[(vf < 32 ? R_VFLRE0 : R_VFLRE1) / 4] |= 1u << vf % 32;
}

bool
s82_mbox_pf_read(struct s82_ctx *ctx, uint32_t off, uint32_t *val)
{
	struct s82_state *st = ctx->st;

	if (off >= R_PFMBMEM && off < R_PFMBMEM + 64 * S82_MAX_VFS) {
		*val = st->mbox[(off - R_PFMBMEM) / 64].mem[off % 64 / 4];
		return true;
	}
	if (off >= R_PFMAILBOX(0) && off < R_PFMAILBOX(S82_MAX_VFS)) {
		const struct s82_mbox *m = &st->mbox[(off - R_PFMAILBOX(0)) / 4];

		*val = (m->vfu ? PFMB_VFU : 0) | (m->pfu ? PFMB_PFU : 0);
		return true;
	}
	return false;
}

static void
pf_mailbox(struct s82_ctx *ctx, unsigned int vf, uint32_t val)
{
	struct s82_mbox *m = &ctx->st->mbox[vf];

	if (val & PFMB_RVFU)
		m->vfu = 0;
	if (!(val & PFMB_PFU))
		m->pfu = 0;
	else if (!m->vfu)
		m->pfu = 1;
	if (val & PFMB_STS)
		m->pf_replies++;
	if (val & PFMB_ACK)
		m->pf_acks++;
	if (val & PFMB_STS && !s82_fault_mailbox(ctx, vf, S82_MBOX_PF_STS))
		s82_mbox_tell(ctx, vf, S82_MBOX_PF_STS);
	if (val & PFMB_ACK && !s82_fault_mailbox(ctx, vf, S82_MBOX_PF_ACK))
		s82_mbox_tell(ctx, vf, S82_MBOX_PF_ACK);
}

bool
s82_mbox_pf_write(struct s82_ctx *ctx, uint32_t off, uint32_t val)
{
	struct s82_state *st = ctx->st;

	if (off >= R_PFMBMEM && off < R_PFMBMEM + 64 * S82_MAX_VFS)
		st->mbox[(off - R_PFMBMEM) / 64].mem[off % 64 / 4] = val;
	else if (off >= R_PFMAILBOX(0) && off < R_PFMAILBOX(S82_MAX_VFS))
		pf_mailbox(ctx, (off - R_PFMAILBOX(0)) / 4, val);
	else if (off >= R_MBVFICR(0) && off <= R_MBVFICR(3))
		st->reg[off / 4] &= ~val;
	else if (off == R_VFLREC(0))
		st->reg[R_VFLRE0 / 4] &= ~val;
	else if (off == R_VFLREC(1))
		st->reg[R_VFLRE1 / 4] &= ~val;
	else if (off == R_VFLRE0 || off == R_VFLRE1)
		return true;	/* read only */
	else
		return false;
	return true;
}

bool
s82_mbox_vf_read(struct s82_ctx *ctx, unsigned int vf, uint32_t off, uint32_t *val)
{
	struct s82_mbox *m = &ctx->st->mbox[vf];

	if (off >= V_MBMEM && off < V_MBMEM + 64) {
		*val = m->mem[(off - V_MBMEM) / 4];
		return true;
	}
	if (off != V_MAILBOX)
		return false;
	*val = (m->vfu ? VMB_VFU : 0) | (m->pfu ? VMB_PFU : 0) | (m->pfsts ? VMB_PFSTS : 0) |
		(m->pfack ? VMB_PFACK : 0) | (m->rsti ? VMB_RSTI : 0) | (m->rstd ? VMB_RSTD : 0);
	/* cleared by reading; RSTI stays until the PF has said PFRSTD */
	m->pfsts = m->pfack = m->rstd = 0;
	return true;
}

static void
vf_mailbox(struct s82_ctx *ctx, unsigned int vf, uint32_t val)
{
	struct s82_mbox *m = &ctx->st->mbox[vf];

	if (!(val & VMB_VFU))
		m->vfu = 0;
	else if (!m->pfu)
		m->vfu = 1;
	if (val & VMB_REQ) {
		m->vf_requests++;
		if (!s82_fault_mailbox(ctx, vf, S82_MBOX_VF_REQ))
			s82_mbox_tell(ctx, vf, S82_MBOX_VF_REQ);
	}
	if (val & VMB_ACK) {
		m->vf_acks++;
		if (!s82_fault_mailbox(ctx, vf, S82_MBOX_VF_ACK))
			s82_mbox_tell(ctx, vf, S82_MBOX_VF_ACK);
	}
}

bool
s82_mbox_vf_write(struct s82_ctx *ctx, unsigned int vf, uint32_t off, uint32_t val)
{
	if (off >= V_MBMEM && off < V_MBMEM + 64)
		ctx->st->mbox[vf].mem[(off - V_MBMEM) / 4] = val;
	else if (off == V_MAILBOX)
		vf_mailbox(ctx, vf, val);
	else
		return false;
	return true;
}

void
s82_mbox_pf_reset(struct s82_ctx *ctx)
{
	unsigned int vf;

	for (vf = 0; vf < ctx->st->num_vfs; vf++) {
		struct s82_mbox *m = &ctx->st->mbox[vf];

		m->pfu = m->vfu = m->pfsts = m->pfack = m->rstd = 0;
		m->rsti = 1;
		s82_irq_mailbox_vf(ctx, vf);
	}
}

void
s82_mbox_pf_ready(struct s82_ctx *ctx)
{
	unsigned int vf;

	for (vf = 0; vf < ctx->st->num_vfs; vf++) {
		struct s82_mbox *m = &ctx->st->mbox[vf];

		if (!m->rsti)
			continue;
		m->rsti = 0;
		m->rstd = 1;
		s82_irq_mailbox_vf(ctx, vf);
	}
}

void
s82_mbox_vf_reset(struct s82_ctx *ctx, unsigned int vf)
{
	struct s82_mbox *m = &ctx->st->mbox[vf];

	memset(m->mem, 0, sizeof(m->mem));
	m->vfu = m->pfsts = m->pfack = 0;
	ctx->st->faults.late_mbox[vf] = 0;
	set_vflre(ctx->st, vf);
	s82_irq_other(ctx, EICR_MAILBOX);
}
