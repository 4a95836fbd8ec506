/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmission: descriptors [7.2.3] to a frame, the frame through the switch, descriptors back.
 * A frame is one or more data descriptors up to EOP; it is sent whole or not at all.
 */
#include "internal.h"

#define MAX_SEGS	40	/* descriptors a frame may have [7.2.1.1] */

enum sent { SENT_OK, SENT_BLOCKED, SENT_INCOMPLETE, SENT_WAITS };

/* A limited queue catches up with what the card was late, in parts of a second at most. */
#define CATCH_UP	5
/* And if it ran empty over that, it may be silent that long. */
#define SILENCE		50

/* A descriptor as it lies in memory: data and context descriptors read it differently. */
struct desc {
	uint64_t lo;
	uint32_t cmd;		/* DTALEN, DTYP, DCMD; of a context: type and flags */
	uint32_t olinfo;	/* STA, IDX, CC, POPTS, PAYLEN; of a context: IDX, L4LEN, MSS */
};

/* Where a frame with these addresses and this tag goes: the next one often has the same. */
struct route {
	bool known;
	bool to_wire;
	uint32_t tag;		/* 1 << 16 and TCI, 0: none */
	uint32_t mac_high;	/* the addresses, as they lie in memory */
	uint64_t mac_low;
	uint64_t pools;
};

/* The queue that is being executed, and what does not change while it is. */
struct txq_run {
	struct s82_txq *q;
	unsigned int queue, pool, func;
	uint32_t n;		/* descriptors of the ring */
	struct desc *ring;	/* NULL if it does not lie in one piece: then each is looked up */
	bool plain;		/* the pool inserts no tag of its own */
	bool head_wb;		/* the head is written back, and no descriptor [7.2.3.5.2] */
	uint64_t packets, bytes;	/* sent, not yet in the state's counters */
	uint64_t byte_ticks;	/* of a limited queue: 1/65536 ticks a byte takes; 0: no limit */
	uint64_t now;		/* then: the tick it is */
	struct route route;	/* of the frame before, while the lock is held */
};

/* One packet's descriptors, from the first to EOP. */
struct gather {
	unsigned int segs;
	uint32_t len;
	struct desc first, last;
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

/* A descriptor whose frame is worth fetching while the one at `i` is sent. */
static inline uint32_t
ahead(const struct txq_run *r, uint32_t i)
{
	return i + 4 < r->n ? i + 4 : i + 4 - r->n;
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
write_back(const struct txq_run *r, struct desc *d)
{
	if (d->cmd & TXD_RS && !r->head_wb)
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
			write_back(r, d);
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
		g->last = *d;
		g->segs++;
		g->len += d->cmd & 0xffff;
		if (d->cmd & TXD_EOP)
			return 0;
	}
	return -1;
}

/*
 * Copies `len` bytes of the packet at the head, from byte `off` on. False: not mapped, or its
 * descriptors are not those any more that gather() saw.
 */
static bool
read_packet(struct s82_ctx *ctx, const struct txq_run *r, uint32_t off, uint8_t *dst, uint32_t len)
{
	uint32_t i = r->q->tdh;

	for (; len > 0; i = after(r, i)) {
		const struct desc *d = i != r->q->tdt ? desc_at(ctx, r, i) : NULL;
		uint32_t n = d != NULL ? d->cmd & 0xffff : 0;

		if (d == NULL)
			return false;
		if (off >= n) {
			off -= n;
			continue;
		}
		n = n - off < len ? n - off : len;
		if (!s82_dma_read(ctx, r->func, d->lo + off, dst, n))
			return false;
		dst += n;
		len -= n;
		off = 0;
	}
	return true;
}

/*
 * The tag to insert: the pool's own (VMVIR), or the descriptor's [7.10.3.5.3]; of a legacy packet
 * that is the last one's. -1: none.
 */
static int
tag_to_insert(const struct s82_ctx *ctx, unsigned int pool, const struct gather *g,
	const uint64_t context[2])
{
	const struct desc *d = g->first.cmd & TXD_DEXT ? &g->first : &g->last;
	uint32_t vmvir = s82_reg(ctx->st, R_VMVIR(pool));

	if (ctx->sw->vt && (vmvir & VMVIR_VLANA) == VMVIR_DEFAULT)
		return vmvir & 0xffff;
	if (!(d->cmd & TXD_VLE) || (ctx->sw->vt && (vmvir & VMVIR_VLANA) == VMVIR_NEVER))
		return -1;
	if (!(d->cmd & TXD_DEXT))
		return d->olinfo >> 16;
	return (int)(context[0] >> 16 & 0xffff);
}

/* One segment of a packet that is cut up, in ctx->bounce. 0, or the reason to drop the packet. */
static int
make_segment(struct s82_ctx *ctx, const struct txq_run *r, const struct gather *g,
	const struct s82_offload *o, struct s82_frame *f)
{
	uint32_t header = o->maclen + o->iplen + o->l4len, done = r->q->tso_done, n, flags;
	uint8_t *b = ctx->bounce;

	if (!s82_tso_valid(o, g->len) || done >= o->paylen)
		return S82_DROP_TX_BAD_DESC;
	n = o->paylen - done < o->mss ? o->paylen - done : o->mss;
	if (!read_packet(ctx, r, 0, b, header) || !read_packet(ctx, r, header + done, b + header, n))
		return S82_DROP_TX_DMA_FAULT;
	if (done + n == o->paylen)
		flags = s82_reg(ctx->st, R_DTXTCPFLGH);
	else
		flags = s82_reg(ctx->st, R_DTXTCPFLGL) >> (done == 0 ? 0 : 16);
	s82_tso_header(b, o, done, n, flags & 0xfff);
	f->len = header + n;
	s82_insert_checksums(b, f->len, o, o->l4len + n);
	return 0;
}

/* A packet as it is, with the checksums that were asked for. */
static int
make_whole(struct s82_ctx *ctx, const struct txq_run *r, const struct gather *g,
	const struct s82_offload *o, struct s82_frame *f)
{
	if (g->len > S82_MAX_FRAME - 4)
		return S82_DROP_TX_BAD_DESC;
	if (!read_packet(ctx, r, 0, ctx->bounce, g->len))
		return S82_DROP_TX_DMA_FAULT;
	f->len = g->len;
	if (o != NULL)
		s82_insert_checksums(ctx->bounce, f->len, o, 0);
	else if (g->last.cmd & TXD_IC)
		s82_insert_legacy(ctx->bounce, f->len, g->last.olinfo >> 8 & 0xff,
			g->last.cmd >> 16 & 0xff);
	return 0;
}

/* Makes a frame from the packet's pieces, with what is to be inserted. 0, or why to drop it. */
static int
make_frame(struct s82_ctx *ctx, const struct txq_run *r, const struct gather *g,
	struct s82_frame *f)
{
	const uint64_t *context = r->q->ctx[g->first.olinfo >> 4 & 1];
	struct s82_offload o = s82_offload(context, g->first.olinfo);
	int tag = tag_to_insert(ctx, r->pool, g, context), err;
	bool dext = g->first.cmd & TXD_DEXT;
	uint8_t *b = ctx->bounce;

	if (g->segs > MAX_SEGS || g->len < 14)
		return S82_DROP_TX_BAD_DESC;
	if (dext && g->first.cmd & TXD_TSE)
		err = make_segment(ctx, r, g, &o, f);
	else
		err = make_whole(ctx, r, g, dext ? &o : NULL, f);
	if (err)
		return err;
	f->data = b;
	if (tag >= 0) {
		memmove(b + 16, b + 12, f->len - 12);
		b[12] = (uint8_t)(ctx->sw->tx_vet >> 8);
		b[13] = (uint8_t)ctx->sw->tx_vet;
		b[14] = (uint8_t)(tag >> 8);
		b[15] = (uint8_t)tag;
		f->len += 4;
	}
	if (f->len < 60 && ctx->sw->pad_small) {
		memset(b + f->len, 0, 60 - f->len);
		f->len = 60;
	}
	return 0;
}

/* Moves on within a packet that is cut up; true if there are segments left. */
static bool
more_segments(struct s82_txq *q, const struct gather *g)
{
	struct s82_offload o = s82_offload(q->ctx[g->first.olinfo >> 4 & 1], g->first.olinfo);

	if ((g->first.cmd & (TXD_DEXT | TXD_TSE)) != (TXD_DEXT | TXD_TSE))
		return false;
	q->tso_done += o.mss;
	if (q->tso_done < o.paylen)
		return true;
	q->tso_done = 0;
	return false;
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

/* As s82_switch_tx, which a frame like the one before it need not be asked again. */
static inline uint64_t
route(struct s82_ctx *ctx, struct route *known, const struct s82_frame *f, bool *to_wire, int *why)
{
	struct route now = { .known = true, .tag = f->p.tagged ? 1u << 16 | f->p.tci : 0 };

	memcpy(&now.mac_low, f->data, 8);
	memcpy(&now.mac_high, f->data + 8, 4);
	if (known->known && now.mac_low == known->mac_low && now.mac_high == known->mac_high &&
			now.tag == known->tag) {
		*to_wire = known->to_wire;
		return known->pools;
	}
	now.pools = s82_switch_tx(ctx, f, &now.to_wire, why);
	if (*why < 0)
		*known = now;
	*to_wire = now.to_wire;
	return now.pools;
}

static void
refuse(struct s82_ctx *ctx, struct txq_run *r, enum s82_drop why)
{
	r->q->drops++;
	s82_drop(ctx->st, (int)r->pool, why);
	if (why == S82_DROP_SPOOF_MAC || why == S82_DROP_SPOOF_VLAN)
		s82_stats_spoof(ctx->st);
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
	pools = route(ctx, &r->route, f, &to_wire, &why);
	if (why >= 0) {
		refuse(ctx, r, (enum s82_drop)why);
		return;
	}
	r->packets++;
	r->bytes += f->len;
	if (r->byte_ticks)
		r->q->next += (f->len + 4) * r->byte_ticks >> 16;
	if (to_wire)
		s82_wire_send(ctx, f, r->queue);
	if (pools) {
		st->stats.both_ways += to_wire;
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
	struct s82_frame f;

	f.len = d->cmd & 0xffff;
	if ((d->cmd & mask) != want || d->olinfo & 3u << 8 || !r->plain || !r->ring || f.len < 60 ||
			f.len > S82_MAX_FRAME - 4)
		return false;
	s82_window_prefetch(&ctx->sw->window[r->func], r->ring[ahead(r, r->q->tdh)].lo);
	f.data = s82_dma_try(ctx, r->func, d->lo, f.len);
	if (f.data == NULL)
		return false;
	if (!room(ctx, f.len)) {
		*sent = SENT_BLOCKED;
		return true;
	}
	send_frame(ctx, r, &f);
	write_back(r, d);
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

/* One frame, be it a segment of a packet, or one context descriptor. */
static enum sent
one(struct s82_ctx *ctx, struct txq_run *r)
{
	struct desc *d = desc_at(ctx, r, r->q->tdh);
	enum sent sent = SENT_OK;
	struct s82_frame f;
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
		if (!room(ctx, g.len < S82_MAX_FRAME ? g.len : S82_MAX_FRAME))
			return SENT_BLOCKED;
		err = make_frame(ctx, r, &g, &f);
	} else {
		err = S82_DROP_TX_DMA_FAULT;
	}
	if (err) {
		r->q->drops++;
		s82_drop(ctx->st, (int)r->pool, (enum s82_drop)err);
		r->q->tso_done = 0;
	} else {
		send_frame(ctx, r, &f);
		if (more_segments(r->q, &g))
			return SENT_OK;
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

	/* an address that is not aligned to 16 bytes: nothing, found out on silicon by TinyNF */
	if (r->head_wb && !(r->q->tdwbal & 0xc))
		s82_dma_write(ctx, r->func, iova, &r->q->tdh, 4);
}

/*
 * What a limited queue's bytes take, and when it may go on. The card may have been late, and the
 * queue may have run empty when it came: that is made good. Time that the queue had nothing to
 * send in is not.
 */
static void
set_pace(struct s82_ctx *ctx, struct txq_run *r)
{
	const uint64_t hz = ctx->st->tick_hz, link = 10000000000;
	uint32_t factor = r->q->rate & RTTBCNRC_FACTOR;
	struct s82_txq *q = r->q;

	r->byte_ticks = (uint64_t)((unsigned __int128)hz * 8 * 65536 * factor / link >> 14);
	r->now = ctx->ops->now(ctx);
	if (!q->waits && q->next < q->idle && r->now - q->idle < hz / SILENCE)
		q->next += r->now - q->idle;
	else if (q->next + (q->waits ? hz / CATCH_UP : 0) < r->now)
		q->next = r->now;
}

/* Has a limited queue to wait for its next instant? */
static bool
too_early(struct s82_ctx *ctx, struct txq_run *r)
{
	if (r->q->next > r->now)
		r->now = ctx->ops->now(ctx);
	return r->q->next > r->now;
}

/* A limited queue's state until the next step. */
static void
leave_pace(struct s82_ctx *ctx, const struct txq_run *r, enum sent sent)
{
	struct s82_txq *q = r->q;

	q->waits = sent == SENT_WAITS || (sent == SENT_OK && q->tdh != q->tdt);
	if (sent == SENT_WAITS)
		s82_timer_queue(ctx, r->queue);
	else if (!q->waits)
		q->idle = ctx->ops->now(ctx);
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
	r.head_wb = q->tdwbal & TDWBAL_HEAD_WB;
	q->blocked = 0;
	if (q->rate & RTTBCNRC_ENA)
		set_pace(ctx, &r);
	while (budget-- > 0 && q->tdh != q->tdt && sent == SENT_OK)
		sent = r.byte_ticks && too_early(ctx, &r) ? SENT_WAITS : one(ctx, &r);
	q->blocked = sent == SENT_BLOCKED;
	if (r.byte_ticks)
		leave_pace(ctx, &r, sent);
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
