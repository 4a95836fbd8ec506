/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BAR 0 of the PF and of a VF: each access finds its register here. What is not listed is plain
 * memory: it keeps what was written, and every write to it makes the switch read its registers
 * anew.
 */
#include <errno.h>
#include "internal.h"

static bool
within(uint32_t off, uint32_t first, uint32_t last)
{
	return off >= first && off <= last;
}

static void
touch_switch(struct s82_state *st)
{
	atomic_fetch_add_explicit(&st->switch_gen, 1, memory_order_release);
}

/* --- reset */

/* Queues as a reset leaves them; what they counted goes on. */
static void
reset_queues(struct s82_state *st)
{
	unsigned int i;

	for (i = 0; i < S82_QUEUES; i++) {
		const struct s82_rxq rx = st->rxq[i];
		const struct s82_txq tx = st->txq[i];

		st->rxq[i] = (struct s82_rxq){ .packets = rx.packets, .bytes = rx.bytes,
			.drops = rx.drops };
		st->txq[i] = (struct s82_txq){ .packets = tx.packets, .bytes = tx.bytes,
			.drops = tx.drops };
	}
}

/* The registers' values after a reset of the device [4.2.3, 8.2.3]. */
void
s82_reset_registers(struct s82_state *st)
{
	unsigned int i;
	uint8_t mac[6];

	memset(st->reg, 0, sizeof(st->reg));
	reset_queues(st);
	memset(st->qde, 0, sizeof(st->qde));
	memset(st->hw, 0, sizeof(st->hw));
	memset(&st->nvm, 0, sizeof(st->nvm));
	s82_rx_discard(st, true);
	st->nvm.i2c.scl = st->nvm.i2c.sda = st->nvm.i2c.out = 1;
	st->reg[R_I2CCTL / 4] = I2C_CLK_OUT | I2C_DATA_OUT;
	st->reg[R_STATUS / 4] = st->lan_id << STATUS_LAN_ID | STATUS_GIO;
	st->reg[R_EEC / 4] = EEC_CS;
	st->reg[R_EEMNGCTL / 4] = 3u << 18;	/* configuration done, both ports */
	st->reg[R_RDRXCTL / 4] = RDRXCTL_DMAIDONE;
	st->reg[R_SECTXSTAT / 4] = 1;
	st->reg[R_ANLP1 / 4] = 1u << 16;	/* auto-negotiation has left its first state [4.6.4.2] */
	st->reg[R_SECRXSTAT / 4] = 1;
	st->reg[R_RXPBSIZE(0) / 4] = 512u << 10;
	st->reg[R_HLREG0 / 4] = HLREG0_TXPADEN | 3;
	st->reg[R_MAXFRS / 4] = 1518u << 16;
	st->reg[R_VLNCTRL / 4] = 0x8100;
	st->reg[R_DMATXCTL / 4] = 0x8100u << DMATXCTL_VT;
	st->reg[R_DTXTCPFLGL / 4] = 0x0f760ff6;	/* FIN and PSH out, in the middle CWR too */
	st->reg[R_DTXTCPFLGH / 4] = 0x00000f7f;	/* CWR out */
	st->reg[R_AUTOC / 4] = 3u << 13;	/* 10 Gbit/s serial */
	st->reg[(R_AUTOC + 8) / 4] = 2u << 16;	/* SFI */
	st->reg[R_IVAR_MISC / 4] = IVAR_VALID << 8;	/* other causes: vector 0, valid */
	for (i = 0; i < 4; i++)
		st->reg[R_MBVFIMR(i) / 4] = 0xffffffff;
	s82_nvm_mac(st, mac);
	memcpy(&st->reg[R_RAL(0) / 4], mac, 4);
	memcpy(&st->reg[R_RAH(0) / 4], mac + 4, 2);
	st->reg[R_RAH(0) / 4] |= RAH_AV;
	st->reg[R_MPSAR(0) / 4] = 1;
	touch_switch(st);
}

/* A VF's queues, and its own registers, as VFLR or VFCTRL.RST leaves them [4.2.2.2]. */
static void
reset_vf(struct s82_ctx *ctx, unsigned int vf)
{
	struct s82_state *st = ctx->st;
	unsigned int qpp = s82_queues_per_pool(st), i;

	memset(st->func[vf].vf_reg, 0, sizeof(st->func[vf].vf_reg));
	for (i = vf * qpp; i < (vf + 1) * qpp && i < S82_QUEUES; i++) {
		struct s82_rxq *rq = &st->rxq[i];
		struct s82_txq *tq = &st->txq[i];

		rq->rxdctl = rq->rdh = rq->srrctl = rq->rdlen = 0;
		atomic_store(&rq->rdt, 0);
		tq->txdctl = tq->tdh = tq->tdt = tq->blocked = tq->tdlen = tq->tdwbal = 0;
		tq->tso_done = tq->waits = 0;
	}
	st->reg[R_PSRTYPE(vf) / 4] = 0;
	touch_switch(st);
	s82_mbox_vf_reset(ctx, vf);
	/* what waited for this VF's descriptors is dropped, and the line moves on */
	if (st->fifo.busy)
		s82_rx_drain(ctx);
}

static void
reset_card(struct s82_ctx *ctx)
{
	uint32_t esdp = s82_reg(ctx->st, R_ESDP);

	s82_reset_registers(ctx->st);
	ctx->st->reg[R_ESDP / 4] = esdp;	/* pins keep their level */
	s82_mbox_pf_reset(ctx);
}

void
s82_flr(struct s82_ctx *ctx, unsigned int func)
{
	struct s82_func *f = &ctx->st->func[func];

	if (atomic_load(&f->removed))
		return;		/* it was reset when it was pulled out */
	f->resets++;
	f->irq_held = 0;
	memset(f->irq_next, 0, sizeof(f->irq_next));
	memset(f->msix_table, 0, sizeof(f->msix_table));
	s82_pci_init(ctx->st, func);
	if (func == S82_PF)
		reset_card(ctx);
	else
		reset_vf(ctx, func);
}

/* Nobody knows which queues the dead one had served when it died: an interrupt for each. */
static void
touch_queues(struct s82_ctx *ctx)
{
	unsigned int q;

	for (q = 0; q < S82_QUEUES; q++) {
		if (ctx->st->rxq[q].rxdctl & RXDCTL_ENABLE)
			ctx->sw->rx_touched[q / 64] |= S82_BIT(q % 64);
		if (ctx->st->txq[q].txdctl & TXDCTL_ENABLE)
			ctx->sw->tx_touched[q / 64] |= S82_BIT(q % 64);
	}
	s82_irq_touched(ctx);
}

void
s82_repair(struct s82_ctx *ctx)
{
	ctx->st->stats.lock_repairs++;
	touch_switch(ctx->st);
	/* The rings are whole whatever happened (rx.c, tx.c: the head moves last). The packet
	 * buffer may hold half a record: what waited there is lost, as by a reset. */
	s82_rx_discard(ctx->st, false);
	touch_queues(ctx);
}

int
s82_power_on(struct s82_state *st, const struct s82_config *cfg)
{
	unsigned int i, fn = cfg->pf_bdf & 7;

	if (cfg->num_vfs > S82_MAX_VFS || fn > 1)
		return -EINVAL;
	st->size = sizeof(*st);
	st->num_vfs = cfg->num_vfs;
	st->pci_domain = cfg->pci_domain;
	st->pf_bdf = cfg->pf_bdf;
	st->lan_id = fn;
	st->vf_offset = 128;
	st->vf_stride = 2;
	st->token_strict = cfg->token_strict;
	st->wire.mode = cfg->wire_mode;
	st->tick_hz = cfg->tick_hz;
	for (i = 0; i < S82_FUNCS; i++) {
		struct s82_func *f = &st->func[i];

		if (i != S82_PF && i >= st->num_vfs)
			continue;
		f->present = 1;
		f->driver = S82_DRV_VFIO;
		f->vectors = i == S82_PF ? S82_VECTORS : S82_VF_VECTORS;
		f->bdf = i == S82_PF ? cfg->pf_bdf :
			(uint16_t)(cfg->pf_bdf + st->vf_offset + i * st->vf_stride);
		f->group = i == S82_PF ? 30 + fn : 36 + i;
		s82_pci_init(st, i);
	}
	s82_reset_registers(st);
	for (i = 0; i < st->num_vfs; i++)
		st->mbox[i].rsti = 1;
	st->magic = S82_MAGIC;
	return 0;
}

/* --- queues: the same registers at the PF's address and at the VF's */

static uint32_t
rxq_read(const struct s82_rxq *q, uint32_t sub)
{
	switch (sub) {
	case Q_RDBAL:
		return q->rdbal;
	case Q_RDBAH:
		return q->rdbah;
	case Q_RDLEN:
		return q->rdlen;
	case Q_DCA_RXCTRL:
		return q->dca;
	case Q_RDH:
		return q->rdh;
	case Q_SRRCTL:
		return q->srrctl;
	case Q_RDT:
		return atomic_load(&q->rdt);
	case Q_RXDCTL:
		return q->rxdctl;
	case Q_RSCCTL:
		return q->rscctl;
	}
	return 0;
}

static void
rxq_write(struct s82_ctx *ctx, unsigned int queue, uint32_t sub, uint32_t val)
{
	struct s82_rxq *q = &ctx->st->rxq[queue];

	switch (sub) {
	case Q_RDBAL:
		q->rdbal = val & ~127u;
		break;
	case Q_RDBAH:
		q->rdbah = val;
		break;
	case Q_RDLEN:
		q->rdlen = val & 0xfff80;
		break;
	case Q_DCA_RXCTRL:
		q->dca = val;
		break;
	case Q_RDH:
		q->rdh = val & 0xffff;
		break;
	case Q_SRRCTL:
		q->srrctl = val;
		break;
	case Q_RXDCTL:
		if (val & RXDCTL_ENABLE && !(q->rxdctl & RXDCTL_ENABLE))
			q->rdh = 0;
		q->rxdctl = val & ~RXDCTL_SWFLSH;
		break;
	case Q_RSCCTL:
		q->rscctl = val;
		break;
	}
	if (ctx->st->fifo.busy)
		s82_rx_drain(ctx);
}

/* A store into RDT; if the line is blocked, it has to be set going. */
static void
rdt_write(struct s82_ctx *ctx, unsigned int queue, uint32_t val)
{
	if (s82_rdt_store(ctx->st, queue, val))
		return;
	ctx->ops->lock(ctx);
	s82_rx_drain(ctx);
	ctx->ops->unlock(ctx);
	s82_resume(ctx);
}

static uint32_t
txq_read(const struct s82_txq *q, uint32_t sub)
{
	switch (sub) {
	case Q_TDBAL:
		return q->tdbal;
	case Q_TDBAH:
		return q->tdbah;
	case Q_TDLEN:
		return q->tdlen;
	case Q_DCA_TXCTRL:
		return q->dca;
	case Q_TDH:
		return q->tdh;
	case Q_TDT:
		return q->tdt;
	case Q_TXDCTL:
		return q->txdctl;
	case Q_TDWBAL:
		return q->tdwbal;
	case Q_TDWBAH:
		return q->tdwbah;
	}
	return 0;
}

/* Returns true if the queue has to be executed now. */
static bool
txq_write(struct s82_ctx *ctx, unsigned int queue, uint32_t sub, uint32_t val)
{
	struct s82_txq *q = &ctx->st->txq[queue];

	switch (sub) {
	case Q_TDBAL:
		q->tdbal = val & ~127u;
		break;
	case Q_TDBAH:
		q->tdbah = val;
		break;
	case Q_TDLEN:
		q->tdlen = val & 0xfff80;
		break;
	case Q_DCA_TXCTRL:
		q->dca = val;
		break;
	case Q_TDH:
		q->tdh = val & 0xffff;
		break;
	case Q_TDT:
		q->tdt = val & 0xffff;
		return true;
	case Q_TXDCTL:
		q->txdctl = val & ~TXDCTL_SWFLSH;
		q->tso_done = 0;
		return val & TXDCTL_ENABLE;
	case Q_TDWBAL:
		q->tdwbal = val;
		break;
	case Q_TDWBAH:
		q->tdwbah = val;
		break;
	}
	return false;
}

/* --- the PF */

/* Registers that answer at two addresses: the one that reg[] keeps them at. */
static uint32_t
canonical(uint32_t off)
{
	if (within(off, R_RAL_LOW, R_RAL_LOW + 127))
		return off - R_RAL_LOW + R_RAL(0);
	if (within(off, R_PSRTYPE_LOW, R_PSRTYPE_LOW + 63))
		return off - R_PSRTYPE_LOW + R_PSRTYPE(0);
	if (within(off, R_RETA_LOW, R_RETA_LOW + 127))
		return off - R_RETA_LOW + R_RETA(0);
	if (within(off, R_RSSRK_LOW, R_RSSRK_LOW + 39))
		return off - R_RSSRK_LOW + R_RSSRK(0);
	if (off == R_MRQC_LOW)
		return R_MRQC;
	if (within(off, 0x2100, 0x213f))	/* SRRCTL of queues 0 to 15 */
		return 0x1000 + (off - 0x2100) / 4 * 64 + Q_SRRCTL;
	if (within(off, 0x2200, 0x223f))	/* DCA_RXCTRL likewise */
		return 0x1000 + (off - 0x2200) / 4 * 64 + Q_DCA_RXCTRL;
	return off;
}

static uint32_t
link_status(const struct s82_state *st)
{
	return s82_link_up(st) ? LINKS_UP | LINKS_10G : 0;
}

static uint32_t
pf_read_special(struct s82_state *st, uint32_t off)
{
	uint32_t v;

	switch (off) {
	case R_EEC:
		return s82_eec_read(st);
	case R_I2CCTL:
		return s82_i2c_read(st);
	case R_SWSM:	/* the semaphore: reading takes it */
		v = s82_reg(st, R_SWSM);
		st->reg[R_SWSM / 4] |= SWSM_SMBI;
		return v;
	case R_LINKS:
		return link_status(st);
	case R_RTTBCNRC:
		return st->txq[s82_reg(st, R_RTTDQSEL) & 127].rate;
	case R_MSRWD:	/* no PHY answers on MDIO */
		return 0xffff0000;
	case R_QDE:
		v = s82_reg(st, R_QDE) >> 8 & 127;
		return v << 8 | (st->qde[v / 64] >> v % 64 & 1);
	}
	return s82_reg(st, off);
}

static uint32_t
pf_read(struct s82_ctx *ctx, uint32_t off)
{
	struct s82_state *st = ctx->st;
	uint32_t val;
	int q;

	off = canonical(off);
	if (s82_stats_read(st, off, &val) || s82_irq_read(ctx, off, &val) ||
			s82_mbox_pf_read(ctx, off, &val))
		return val;
	q = s82_pf_rxq(off);
	if (q >= 0)
		return rxq_read(&st->rxq[q], off & 63);
	q = s82_pf_txq(off);
	if (q >= 0)
		return txq_read(&st->txq[q], off & 63);
	return pf_read_special(st, off);
}

static void
write_ctrl(struct s82_ctx *ctx, uint32_t val)
{
	struct s82_state *st = ctx->st;

	if (val & (CTRL_RST | CTRL_LRST))
		reset_card(ctx);
	st->reg[R_CTRL / 4] = val & ~(CTRL_RST | CTRL_LRST);
	if (val & CTRL_GIO_DIS)
		st->reg[R_STATUS / 4] &= ~STATUS_GIO;
	else
		st->reg[R_STATUS / 4] |= STATUS_GIO;
}

static void
write_esdp(struct s82_ctx *ctx, uint32_t val)
{
	bool was_up = s82_link_own(ctx->st);

	ctx->st->reg[R_ESDP / 4] = val;
	if (s82_link_own(ctx->st) != was_up)
		s82_link_changed(ctx);
}

static void
write_qde(struct s82_state *st, uint32_t val)
{
	uint32_t q = val >> 8 & 127;

	st->reg[R_QDE / 4] = val;
	if (!(val & QDE_WE))
		return;
	if (val & QDE_ENABLE)
		st->qde[q / 64] |= S82_BIT(q % 64);
	else
		st->qde[q / 64] &= ~S82_BIT(q % 64);
}

/* Writes that do something at once. Returns false for plain memory. */
static bool
pf_write_special(struct s82_ctx *ctx, uint32_t off, uint32_t val)
{
	struct s82_state *st = ctx->st;

	switch (off) {
	case R_CTRL:
		write_ctrl(ctx, val);
		return true;
	case R_CTRL_EXT:
		st->reg[off / 4] = val & ~CTRL_EXT_PFRSTD;
		if (val & CTRL_EXT_PFRSTD)
			s82_mbox_pf_ready(ctx);
		return true;
	case R_ESDP:
		write_esdp(ctx, val);
		return true;
	case R_EEC:
		s82_eec_write(st, val);
		return true;
	case R_EERD:
		if (val & EERD_START)
			val = (uint32_t)s82_nvm_word(st, val >> 2 & 0x3fff) << 16 | EERD_DONE;
		st->reg[off / 4] = val;
		return true;
	case R_I2CCTL:
		s82_i2c_write(st, val);
		return true;
	case R_MSCA:
		st->reg[off / 4] = val & ~MSCA_MDI;
		return true;
	case R_AUTOC:
		st->reg[off / 4] = val & ~AUTOC_RESTART;
		return true;
	case R_RDRXCTL:
		st->reg[off / 4] = val | RDRXCTL_DMAIDONE;
		return true;
	case R_QDE:
		write_qde(st, val);
		return true;
	case R_RTTBCNRC:
		st->txq[s82_reg(st, R_RTTDQSEL) & 127].rate = val & (RTTBCNRC_ENA | RTTBCNRC_FACTOR);
		return true;
	case R_RTTDQSEL:
		st->reg[off / 4] = val;
		return true;
	case R_STATUS:
	case R_LINKS:
	case R_SECTXSTAT:
	case R_SECRXSTAT:
		return true;	/* read only */
	}
	return false;
}

/* Returns the TX queue to execute, or -1. */
static int
pf_write(struct s82_ctx *ctx, uint32_t off, uint32_t val)
{
	struct s82_state *st = ctx->st;
	int q;

	q = s82_pf_rxq(off);
	if (q >= 0) {
		rxq_write(ctx, (unsigned int)q, off & 63, val);
		return -1;
	}
	q = s82_pf_txq(off);
	if (q >= 0)
		return txq_write(ctx, (unsigned int)q, off & 63, val) ? q : -1;
	if (s82_irq_write(ctx, off, val) || s82_mbox_pf_write(ctx, off, val))
		return -1;
	if (!pf_write_special(ctx, off, val)) {
		st->reg[off / 4] = val;
		touch_switch(st);
	}
	if (st->fifo.busy)
		s82_rx_drain(ctx);
	return -1;
}

/* --- a VF */

/* Counters of a VF's own run freely: 32 bits, bytes 36. */
static bool
vf_stats(const struct s82_state *st, unsigned int vf, uint32_t off, uint32_t *val)
{
	const struct s82_pool_stats *s = &st->stats.pool[vf];

	switch (off) {
	case V_GPRC:
		*val = (uint32_t)s->rx_packets;
		return true;
	case V_GORCL:
		*val = (uint32_t)s->rx_bytes;
		return true;
	case V_GORCH:
		*val = s->rx_bytes >> 32 & 15;
		return true;
	case V_MPRC:
		*val = (uint32_t)s->rx_mcast;
		return true;
	case V_GPTC:
		*val = (uint32_t)s->tx_packets;
		return true;
	case V_GOTCL:
		*val = (uint32_t)s->tx_bytes;
		return true;
	case V_GOTCH:
		*val = s->tx_bytes >> 32 & 15;
		return true;
	}
	return false;
}

static uint32_t
vf_read(struct s82_ctx *ctx, unsigned int vf, uint32_t off)
{
	struct s82_state *st = ctx->st;
	uint32_t val;
	int q;

	if (vf_stats(st, vf, off, &val) || s82_vf_irq_read(ctx, vf, off, &val) ||
			s82_mbox_vf_read(ctx, vf, off, &val))
		return val;
	q = s82_vf_queue(st, vf, off, V_RXQ);
	if (q >= 0)
		return rxq_read(&st->rxq[q], off & 63);
	q = s82_vf_queue(st, vf, off, V_TXQ);
	if (q >= 0)
		return txq_read(&st->txq[q], off & 63);
	switch (off) {
	case V_STATUS:
		return s82_reg(st, R_STATUS) & STATUS_GIO;
	case V_LINKS:
		return link_status(st);
	case V_PSRTYPE:
		return s82_reg(st, R_PSRTYPE(vf));
	}
	if (within(off, V_RXQ, V_TXQ + 64 * 8 - 1))
		return 0;
	return st->func[vf].vf_reg[off / 4];
}

static int
vf_write(struct s82_ctx *ctx, unsigned int vf, uint32_t off, uint32_t val)
{
	struct s82_state *st = ctx->st;
	int q;

	q = s82_vf_queue(st, vf, off, V_RXQ);
	if (q >= 0) {
		rxq_write(ctx, (unsigned int)q, off & 63, val);
		return -1;
	}
	q = s82_vf_queue(st, vf, off, V_TXQ);
	if (q >= 0)
		return txq_write(ctx, (unsigned int)q, off & 63, val) ? q : -1;
	if (s82_vf_irq_write(ctx, vf, off, val) || s82_mbox_vf_write(ctx, vf, off, val))
		return -1;
	if (off == V_CTRL && val & CTRL_RST) {
		reset_vf(ctx, vf);
	} else if (off == V_PSRTYPE) {
		st->reg[R_PSRTYPE(vf) / 4] = val;
		touch_switch(st);
	} else if (off != V_STATUS && off != V_LINKS && !within(off, V_RXQ, V_TXQ + 64 * 8 - 1)) {
		st->func[vf].vf_reg[off / 4] = val;
	}
	return -1;
}

/* --- access */

static bool
good_access(const struct s82_state *st, unsigned int func, uint32_t off, unsigned int size)
{
	uint32_t bar = func == S82_PF ? S82_PF_BAR0 : S82_VF_BAR0;

	return func < S82_FUNCS && st->func[func].present && off + size <= bar &&
		off % size == 0 && (size == 1 || size == 2 || size == 4 || size == 8);
}

static uint32_t
read32(struct s82_ctx *ctx, unsigned int func, uint32_t off)
{
	return func == S82_PF ? pf_read(ctx, off) : vf_read(ctx, func, off);
}

/* The card, or this function of it, is not there any more. */
static bool
gone(const struct s82_state *st, unsigned int func)
{
	return atomic_load_explicit(&st->dead, memory_order_relaxed) || (func < S82_FUNCS &&
		atomic_load_explicit(&st->func[func].removed, memory_order_relaxed));
}

uint64_t
s82_mmio_read(struct s82_ctx *ctx, unsigned int func, uint32_t off, unsigned int size)
{
	uint64_t val;

	if (gone(ctx->st, func))
		return ~0ull >> (64 - 8 * size);
	if (!good_access(ctx->st, func, off, size)) {
		__atomic_fetch_add(&ctx->st->stats.bad_access, 1, __ATOMIC_RELAXED);
		return ~0ull >> (64 - 8 * size);
	}
	ctx->ops->lock(ctx);
	val = read32(ctx, func, off & ~3u);
	if (size == 8)
		val |= (uint64_t)read32(ctx, func, off + 4) << 32;
	ctx->ops->unlock(ctx);
	if (size < 4)
		val = val >> (8 * (off & 3)) & (size == 1 ? 0xff : 0xffff);
	return val;
}

static void
write32(struct s82_ctx *ctx, unsigned int func, uint32_t off, uint32_t val)
{
	int q = s82_rdt_queue(ctx->st, func, off);

	if (q >= 0) {
		rdt_write(ctx, (unsigned int)q, val);
		return;
	}
	ctx->ops->lock(ctx);
	q = func == S82_PF ? pf_write(ctx, canonical(off), val) : vf_write(ctx, func, off, val);
	ctx->ops->unlock(ctx);
	if (q >= 0)
		s82_tx_kick(ctx, (unsigned int)q);
}

void
s82_mmio_write(struct s82_ctx *ctx, unsigned int func, uint32_t off, uint64_t val,
	unsigned int size)
{
	if (gone(ctx->st, func))
		return;
	/* the datasheet allows whole registers only [8.1.1] */
	if (!good_access(ctx->st, func, off, size) || size < 4) {
		__atomic_fetch_add(&ctx->st->stats.bad_access, 1, __ATOMIC_RELAXED);
		return;
	}
	write32(ctx, func, off, (uint32_t)val);
	if (size == 8)
		write32(ctx, func, off + 4, (uint32_t)(val >> 32));
}
