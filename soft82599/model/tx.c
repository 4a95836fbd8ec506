/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmission: descriptors [7.2.3] to a frame, the frame through the switch, descriptors back.
 * A frame is one or more data descriptors up to EOP; it is sent whole or not at all.
 */
#include "internal.h"

#define MAX_SEGS	40	/* descriptors a frame may have [7.2.1.1] */

enum sent { SENT_OK, SENT_BLOCKED, SENT_INCOMPLETE };

/* A descriptor as it lies in memory: data and context descriptors read it differently. */
struct desc {
	uint64_t lo;
	uint32_t cmd;		/* DTALEN, DTYP, DCMD; of a context: type and flags */
	uint32_t olinfo;	/* STA, IDX, CC, POPTS, PAYLEN; of a context: IDX, L4LEN, MSS */
};

/* The queue that is being executed, and what does not change while it is. */
struct txq_run {
	struct s82_txq *q;
	unsigned int queue, pool, func;
	uint32_t n;		/* descriptors of the ring */
	struct desc *ring;	/* NULL if it does not lie in one piece: then each is looked up */
	bool plain;		/* the pool inserts no tag of its own */
	uint64_t packets, bytes;	/* sent, not yet in the state's counters */
};

/* One frame's descriptors, from the first to EOP. */
struct gather {
	unsigned int segs;
	uint32_t len;
	uint64_t addr[MAX_SEGS];
	uint16_t seg_len[MAX_SEGS];
	struct desc first;
	uint32_t next;		/* index behind the last */
};

static inline bool
is_context(const struct desc *d)
{
	return d->cmd & TXD_DEXT && TXD_DTYP(d->cmd) == TXD_DTYP_CTX;
}

static inline uint32_t
after(const struct txq_run *r, uint32_t i)
{
	return i + 1 == r->n ? 0 : i + 1;
}

static inline uint64_t
ring_base(const struct s82_txq *q)
{
	return (uint64_t)q->tdbah << 32 | q->tdbal;
}

static inline struct desc *
desc_at(struct s82_ctx *ctx, const struct txq_run *r, uint32_t i)
{
	if (r->ring != NULL)
		return &r->ring[i];
	return s82_dma(ctx, r->func, ring_base(r->q) + i * 16ull, 16);
}

static inline void
write_back(struct desc *d)
{
	if (d->cmd & TXD_RS)
		__atomic_store_n(&d->olinfo, d->olinfo | TXD_DD, __ATOMIC_RELEASE);
}

/* Writes the done bit back where RS asks for it, and moves the head. */
static void
complete(struct s82_ctx *ctx, const struct txq_run *r, uint32_t next)
{
	uint32_t i = r->q->tdh;

	for (; i != next; i = after(r, i)) {
		struct desc *d = desc_at(ctx, r, i);

		if (d != NULL)
			write_back(d);
	}
	r->q->tdh = next;
}

/* Reads descriptors from `i` up to EOP. 0, -1: EOP has not been given yet, -2: not readable. */
static int
gather(struct s82_ctx *ctx, const struct txq_run *r, uint32_t i, struct gather *g)
{
	g->segs = 0;
	g->len = 0;
	g->first = (struct desc){ 0 };
	while (i != r->q->tdt) {
		const struct desc *d = desc_at(ctx, r, i);

		i = after(r, i);
		g->next = i;
		if (d == NULL)
			return -2;
		if (g->segs == 0)
			g->first = *d;
		if (g->segs < MAX_SEGS) {
			g->addr[g->segs] = d->lo;
			g->seg_len[g->segs] = (uint16_t)d->cmd;
		}
		g->segs++;
		g->len += d->cmd & 0xffff;
		if (d->cmd & TXD_EOP)
			return 0;
	}
	return -1;
}

static void
set_be16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/*
 * Checksum insertion [7.2.5]. The context names where the headers lie; the L4 checksum field
 * already holds the pseudo header's sum.
 */
static void
insert_checksums(uint8_t *d, uint32_t len, const struct desc *data, const uint64_t ctx[2])
{
	uint32_t maclen = ctx[0] >> 9 & 0x7f, iplen = ctx[0] & 0x1ff;
	uint32_t tucmd = (uint32_t)ctx[1], l4 = maclen + iplen, at;
	uint32_t type = tucmd >> 11 & 3;	/* L4T: UDP, TCP, SCTP */

	if (data->olinfo & 1u << 8 && tucmd & 1u << 10 && iplen >= 20 && l4 <= len) {
		set_be16(d + maclen + 10, 0);
		set_be16(d + maclen + 10, ~s82_sum16(d + maclen, iplen, 0));
	}
	if (!(data->olinfo & 1u << 9) || type > 1)
		return;
	at = l4 + (type == 1 ? 16 : 6);
	if (at + 2 <= len) {
		uint32_t sum = ~s82_sum16(d + l4, len - l4, 0) & 0xffff;

		set_be16(d + at, type == 0 && sum == 0 ? 0xffff : sum);
	}
}

/* The tag to insert: the descriptor's, or the pool's own (VMVIR) [7.10.3.5.3]. -1: none. */
static int
tag_to_insert(const struct s82_ctx *ctx, unsigned int pool, const struct desc *d,
	const uint64_t context[2])
{
	uint32_t vmvir = s82_reg(ctx->st, R_VMVIR(pool));

	if (ctx->sw->vt && (vmvir & VMVIR_VLANA) == VMVIR_DEFAULT)
		return vmvir & 0xffff;
	if (!(d->cmd & TXD_VLE) || (ctx->sw->vt && (vmvir & VMVIR_VLANA) == VMVIR_NEVER))
		return -1;
	if (!(d->cmd & TXD_DEXT))
		return d->olinfo >> 16;
	return (int)(context[0] >> 16 & 0xffff);
}

/* Makes the frame from its pieces, with what is to be inserted. 0, or the reason to drop it. */
static int
make_frame(struct s82_ctx *ctx, const struct txq_run *r, const struct gather *g,
	struct s82_frame *f)
{
	const uint64_t *context = r->q->ctx[g->first.olinfo >> 4 & 1];
	int tag = tag_to_insert(ctx, r->pool, &g->first, context);
	bool dext = g->first.cmd & TXD_DEXT;
	uint8_t *b = ctx->bounce, *at = b;
	unsigned int i;

	if (g->segs > MAX_SEGS || g->len < 14 || g->len > S82_MAX_FRAME - 4 ||
			(dext && g->first.cmd & TXD_TSE))
		return S82_DROP_TX_BAD_DESC;
	for (i = 0; i < g->segs; at += g->seg_len[i++])
		if (!s82_dma_read(ctx, r->func, g->addr[i], at, g->seg_len[i]))
			return S82_DROP_DMA_FAULT;
	f->data = b;
	f->len = g->len;
	if (dext && g->first.olinfo & 3u << 8)
		insert_checksums(b, f->len, &g->first, context);
	if (tag >= 0) {
		memmove(b + 16, b + 12, f->len - 12);
		set_be16(b + 12, ctx->sw->vlnctrl & VLNCTRL_VET);
		set_be16(b + 14, (uint32_t)tag);
		f->len += 4;
	}
	if (f->len < 60 && ctx->sw->pad_small) {
		memset(b + f->len, 0, 60 - f->len);
		f->len = 60;
	}
	return 0;
}

static void
flush_counts(struct s82_state *st, const struct txq_run *r)
{
	r->q->packets += r->packets;
	r->q->bytes += r->bytes;
	st->stats.pool[r->pool].tx_packets += r->packets;
	st->stats.pool[r->pool].tx_bytes += r->bytes;
	s82_stats_queue_tx(st, r->queue, r->packets, r->bytes);
}

/* The frame to local pools, the wire, or both. */
static void
send_frame(struct s82_ctx *ctx, struct txq_run *r, struct s82_frame *f)
{
	struct s82_state *st = ctx->st;
	bool to_wire;
	int why = -1;
	uint64_t pools;

	f->src_pool = (int)r->pool;
	s82_parse_l2(ctx->sw, f);
	pools = s82_switch_tx(ctx, f, &to_wire, &why);
	if (why >= 0) {
		r->q->drops++;
		s82_drop(st, (int)r->pool, (enum s82_drop)why);
		if (why == S82_DROP_SPOOF_MAC || why == S82_DROP_SPOOF_VLAN)
			s82_stats_spoof(st);
		return;
	}
	r->packets++;
	r->bytes += f->len;
	if (to_wire)
		s82_wire_send(ctx, f, r->queue);
	if (pools) {
		s82_parse_l3(ctx->sw, f);
		st->stats.loop_packets++;
		st->stats.loop_bytes += f->len;
		s82_rx_deliver(ctx, f, pools, &why);
	}
}

static inline bool
room(const struct s82_ctx *ctx, uint32_t len)
{
	return s82_wire_room(ctx->st, len + 4) && s82_rx_room(ctx->st, len + 4);
}

/*
 * The common case: one data descriptor, nothing to insert, memory in one piece. The frame is sent
 * from where it lies. False: it is something else, and nothing has been done.
 */
static inline bool
one_plain(struct s82_ctx *ctx, struct txq_run *r, struct desc *d, enum sent *sent)
{
	const uint32_t want = TXD_DEXT | TXD_EOP | TXD_DTYP_DATA << 20;
	const uint32_t mask = TXD_DEXT | TXD_EOP | 0xf << 20 | TXD_VLE | TXD_TSE;
	struct s82_frame f = { .len = d->cmd & 0xffff };

	if ((d->cmd & mask) != want || d->olinfo & 3u << 8 || !r->plain || f.len < 60 ||
			f.len > S82_MAX_FRAME - 4)
		return false;
	f.data = s82_dma_try(ctx, r->func, d->lo, f.len);
	if (f.data == NULL)
		return false;
	if (!room(ctx, f.len)) {
		*sent = SENT_BLOCKED;
		return true;
	}
	send_frame(ctx, r, &f);
	write_back(d);
	r->q->tdh = after(r, r->q->tdh);
	return true;
}

static void
store_context(struct s82_ctx *ctx, const struct txq_run *r, const struct desc *d)
{
	unsigned int idx = d->olinfo >> 4 & 1;

	r->q->ctx[idx][0] = d->lo;
	r->q->ctx[idx][1] = (uint64_t)d->olinfo << 32 | d->cmd;
	complete(ctx, r, after(r, r->q->tdh));
}

/* One frame, or one context descriptor. */
static enum sent
one(struct s82_ctx *ctx, struct txq_run *r)
{
	struct desc *d = desc_at(ctx, r, r->q->tdh);
	enum sent sent = SENT_OK;
	struct s82_frame f = { 0 };
	struct gather g;
	int err;

	if (d != NULL && one_plain(ctx, r, d, &sent))
		return sent;
	if (d != NULL && is_context(d)) {
		store_context(ctx, r, d);
		return SENT_OK;
	}
	err = gather(ctx, r, r->q->tdh, &g);
	if (err == -1)
		return SENT_INCOMPLETE;
	if (err == 0) {
		if (!room(ctx, g.len))
			return SENT_BLOCKED;
		err = make_frame(ctx, r, &g, &f);
	} else {
		err = S82_DROP_DMA_FAULT;
	}
	if (err) {
		r->q->drops++;
		s82_drop(ctx->st, (int)r->pool, (enum s82_drop)err);
	} else {
		send_frame(ctx, r, &f);
	}
	complete(ctx, r, g.next);
	return SENT_OK;
}

static bool
enabled(const struct s82_ctx *ctx, const struct s82_txq *q)
{
	uint32_t n = q->tdlen / 16;

	return q->txdctl & TXDCTL_ENABLE && ctx->sw->tx_on && n != 0 && q->tdt < n && q->tdh < n;
}

static void
write_head(struct s82_ctx *ctx, const struct txq_run *r)
{
	uint64_t iova = (uint64_t)r->q->tdwbah << 32 | (r->q->tdwbal & ~3u);

	if (r->q->tdwbal & TDWBAL_HEAD_WB)
		s82_dma_write(ctx, r->func, iova, &r->q->tdh, 4);
}

bool
s82_step(struct s82_ctx *ctx, unsigned int queue, unsigned int budget)
{
	struct s82_state *st = ctx->st;
	struct s82_txq *q = &st->txq[queue];
	struct txq_run r = { .q = q, .queue = queue, .n = q->tdlen / 16 };
	enum sent sent = SENT_OK;

	s82_switch_update(ctx);
	if (!enabled(ctx, q) || q->tdh == q->tdt)
		return false;
	r.pool = ctx->sw->vt ? queue / s82_queues_per_pool(st) : 0;
	r.func = ctx->sw->vt ? s82_func_of_pool(st, r.pool) : S82_PF;
	r.ring = s82_dma_try(ctx, r.func, ring_base(q), q->tdlen);
	r.plain = !ctx->sw->vt || !(s82_reg(st, R_VMVIR(r.pool)) & VMVIR_VLANA);
	q->blocked = 0;
	while (budget-- > 0 && q->tdh != q->tdt && sent == SENT_OK)
		sent = one(ctx, &r);
	q->blocked = sent == SENT_BLOCKED;
	flush_counts(st, &r);
	write_head(ctx, &r);
	ctx->sw->tx_touched[queue / 64] |= S82_BIT(queue % 64);
	s82_irq_touched(ctx);
	return sent == SENT_OK && q->tdh != q->tdt;
}

void
s82_tx_kick(struct s82_ctx *ctx, unsigned int queue)
{
	bool more;

	do {
		ctx->ops->lock(ctx);
		more = s82_step(ctx, queue, S82_BURST);
		ctx->ops->unlock(ctx);
	} while (more);
}

void
s82_resume(struct s82_ctx *ctx)
{
	unsigned int i;

	for (i = 0; i < S82_QUEUES; i++)
		if (__atomic_load_n(&ctx->st->txq[i].blocked, __ATOMIC_RELAXED))
			s82_tx_kick(ctx, i);
}
