/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reception: a frame into the ring of a pool's queue [7.1.5, 7.1.6], or into the RX packet
 * buffer while the head of the line waits for a descriptor.
 */
#include "internal.h"

/* How many buffers ahead one is fetched: as long as a miss takes. */
#define PREFETCH_AHEAD	4

enum put { PUT_OK, PUT_DROPPED, PUT_STALL };

/* A frame that waits in the packet buffer; its bytes follow. */
struct fifo_rec {
	uint32_t len;
	int32_t src_pool;
	uint64_t pools;		/* that it still has to reach */
};
_Static_assert(sizeof(struct fifo_rec) == S82_FIFO_REC, "what s82_rx_room counts with");

static uint32_t
ring_size(const struct s82_rxq *q)
{
	return q->rdlen / 16;
}

uint32_t
s82_rx_free(const struct s82_state *st, unsigned int queue)
{
	const struct s82_rxq *q = &st->rxq[queue];
	uint32_t n = ring_size(q), rdt = atomic_load_explicit(&q->rdt, memory_order_acquire);

	if (!(q->rxdctl & RXDCTL_ENABLE) || n == 0 || rdt >= n || q->rdh >= n)
		return 0;
	if (atomic_load(&st->faults.frozen) >> queue / s82_queues_per_pool(st) & 1)
		return 0;
	return rdt >= q->rdh ? rdt - q->rdh : rdt + n - q->rdh;
}

static bool
drop_enabled(const struct s82_state *st, unsigned int queue)
{
	return st->rxq[queue].srrctl & SRRCTL_DROP_EN || st->qde[queue / 64] >> queue % 64 & 1;
}

static uint32_t
buffer_size(const struct s82_rxq *q)
{
	uint32_t kb = q->srrctl & SRRCTL_BSIZE;

	return kb ? kb * 1024 : 2048;
}

/* The longest frame, CRC included [8.2.3.22.8, 8.2.3.22.13]; a tag comes on top of it. */
static inline uint32_t
port_max(const struct s82_switch *sw)
{
	return sw->jumbo ? sw->maxfrs : 1518;
}

/* What holds for a queue until the lock is left; looked up at its first frame. */
static void
open_run(struct s82_ctx *ctx, unsigned int pool, unsigned int queue, struct s82_rx_run *r)
{
	const struct s82_switch *sw = ctx->sw;
	const struct s82_rxq *q = &ctx->st->rxq[queue];
	uint64_t base = (uint64_t)q->rdbah << 32 | q->rdbal;

	r->burst = sw->burst;
	r->pool = (uint8_t)pool;
	r->func = (uint8_t)s82_func_of_pool(ctx->st, sw->vt ? pool : S82_PF);
	r->n = ring_size(q);
	r->bsize = buffer_size(q);
	r->open = sw->rxctrl & RXCTRL_RXEN && q->rxdctl & RXDCTL_ENABLE &&
		(!sw->vt || sw->vfre & S82_BIT(pool));
	r->drop_en = drop_enabled(ctx->st, queue);
	r->window = &ctx->sw->window[r->func];
	r->legacy = (q->srrctl >> 25 & 7) == 0;
	r->strip = q->rxdctl & RXDCTL_VME;
	r->frozen = atomic_load(&ctx->st->faults.frozen) >> pool & 1;
	r->port_max = port_max(sw);
	r->keep_crc = sw->keep_crc;
	r->desc = r->open && r->n ? s82_dma_try(ctx, r->func, base, q->rdlen) : NULL;
	r->plain_max = 0;
	if (r->desc != NULL && !r->legacy && !r->keep_crc && !r->frozen && q->rdh < r->n)
		r->plain_max = r->port_max - 4 < r->bsize ? r->port_max - 4 : r->bsize;
}

/* The two halves of a written-back descriptor that do not depend on its place in the frame. */
static uint64_t
writeback_low(const struct s82_ctx *ctx, const struct s82_parsed *p)
{
	uint64_t low = p->rss_type | (uint64_t)p->type << 4;

	/* without PCSD the word holds the fragment checksum, which is not modelled: zero */
	if (ctx->sw->rxcsum & RXCSUM_PCSD)
		low |= (uint64_t)p->hash << 32;
	return low;
}

static inline void
write_back(uint64_t *desc, uint64_t low, uint64_t high, bool legacy)
{
	if (legacy) {	/* length, checksum, status, errors, VLAN [7.1.5.1] */
		uint64_t err = high >> 24 & 0xff;

		high = (high >> 32 & 0xffff) | (high & 0xff) << 32 | (err & 0xc0) << 40 |
			(high & 0xffffull << 48);
		__atomic_store_n(&desc[1], high, __ATOMIC_RELEASE);
		return;
	}
	__atomic_store_n(&desc[0], low, __ATOMIC_RELAXED);
	__atomic_store_n(&desc[1], high, __ATOMIC_RELEASE);
}

/* Copies `len` bytes of the frame from `off` on, a stripped tag left out. */
static bool
copy_out(struct s82_ctx *ctx, unsigned int func, uint64_t iova, const struct s82_frame *f,
	uint32_t off, uint32_t len, bool strip)
{
	if (!strip)
		return s82_dma_write(ctx, func, iova, f->data + off, len);
	if (off >= 12)
		return s82_dma_write(ctx, func, iova, f->data + off + 4, len);
	return s82_dma_write(ctx, func, iova, f->data, 12) &&
		s82_dma_write(ctx, func, iova + 12, f->data + 16, len - 12);
}

static inline uint64_t *
desc_at(struct s82_ctx *ctx, const struct s82_rx_run *r, const struct s82_rxq *q, uint32_t i)
{
	if (r->desc != NULL)
		return r->desc[i];
	return s82_dma(ctx, r->func, ((uint64_t)q->rdbah << 32 | q->rdbal) + i * 16ull, 16);
}

/*
 * As copy_out for a frame whose CRC is kept: it lies behind the data. It is the one of the frame
 * as it came, tag included.
 */
static bool
copy_out_crc(struct s82_ctx *ctx, unsigned int func, uint64_t iova, const struct s82_frame *f,
	uint32_t off, uint32_t len, bool strip)
{
	uint32_t data = f->len - (strip ? 4 : 0), n = off < data ? data - off : 0;
	uint32_t crc = s82_crc(S82_CRC_ETHERNET, 0, f->data, f->len);

	n = n < len ? n : len;
	if (n > 0 && !copy_out(ctx, func, iova, f, off, n, strip))
		return false;
	return n == len || s82_dma_write(ctx, func, iova + n,
		(const uint8_t *)&crc + (off + n - data), len - n);
}

/*
 * 1. data, 2. descriptor (done bit last), 3. head, 4. counters: in this order, so that a process
 * that dies in between leaves a ring that the next one can go on with.
 */
static bool
fill_ring(struct s82_ctx *ctx, const struct s82_rx_run *r, struct s82_rxq *q,
	const struct s82_frame *f, uint32_t len, bool strip)
{
	uint64_t low = writeback_low(ctx, &f->p);
	uint32_t off, rdh = q->rdh;

	for (off = 0; off < len; off += r->bsize) {
		uint32_t part = len - off < r->bsize ? len - off : r->bsize;
		uint64_t *desc = desc_at(ctx, r, q, rdh), high;

		if (desc == NULL || !(r->keep_crc ? copy_out_crc : copy_out)(ctx, r->func, desc[0],
				f, off, part, strip))
			return false;
		high = RXD_DD | (uint64_t)part << 32;
		if (off + part == len) {
			high |= RXD_EOP | f->p.status | (f->src_pool >= 0 ? RXD_LB : 0);
			high |= strip ? RXD_VP | (uint64_t)f->p.tci << 48 : 0;
		}
		write_back(desc, low, high, r->legacy);
		rdh = rdh + 1 == r->n ? 0 : rdh + 1;
	}
	q->rdh = rdh;
	return true;
}

static enum put
drop(struct s82_ctx *ctx, unsigned int pool, int *reason, enum s82_drop why)
{
	s82_drop(ctx->st, (int)pool, why);
	*reason = why;
	return PUT_DROPPED;
}

static inline uint32_t
free_descriptors(const struct s82_rx_run *r, const struct s82_rxq *q)
{
	uint32_t rdt = atomic_load_explicit(&q->rdt, memory_order_acquire);

	if (rdt >= r->n || q->rdh >= r->n || r->frozen)
		return 0;
	return rdt >= q->rdh ? rdt - q->rdh : rdt + r->n - q->rdh;
}

/*
 * A short frame in pieces of a fixed size, the last ones over the end of those before: a call that
 * has to find out first how to copy costs more than the copying.
 */
static inline void
copy_frame(uint8_t *to, const uint8_t *from, uint32_t len)
{
	uint32_t i;

	if (likely(len - 32 <= 32)) {
		memcpy(to, from, 32);
		memcpy(to + len - 32, from + len - 32, 32);
		return;
	}
	if (len > 256 || len < 32) {
		memcpy(to, from, len);
		return;
	}
	for (i = 0; i + 32 < len; i += 32)
		memcpy(to + i, from + i, 32);
	memcpy(to + len - 32, from + len - 32, 32);
}

/*
 * The common case: an untagged frame into one descriptor of a ring that lies in one piece. The
 * order is fill_ring()'s. False: it is something else, and nothing has been done.
 */
static inline bool
put_plain(struct s82_ctx *ctx, struct s82_rx_run *r, struct s82_rxq *q, const struct s82_frame *f)
{
	uint32_t rdh = q->rdh, rdt = atomic_load_explicit(&q->rdt, memory_order_acquire);
	uint32_t ahead = rdh + PREFETCH_AHEAD < r->n ? rdh + PREFETCH_AHEAD : 0;
	const struct s82_window *w = r->window;
	uint64_t *desc, at;

	if (f->len > r->plain_max || f->p.tagged || rdt == rdh || rdt >= r->n)
		return false;
	desc = r->desc[rdh];
	at = desc[0] - w->iova;
	if (unlikely(w->burst != r->burst || at >= w->len || w->len - at < f->len)) {
		if (s82_dma_try(ctx, r->func, desc[0], f->len) == NULL)
			return false;
		at = desc[0] - w->iova;
	}
	s82_window_prefetch(w, r->desc[ahead][0]);
	copy_frame(w->host + at, f->data, f->len);
	write_back(desc, writeback_low(ctx, &f->p), RXD_DD | RXD_EOP | f->p.status |
		(f->src_pool >= 0 ? RXD_LB : 0) | (uint64_t)f->len << 32, false);
	q->rdh = rdh + 1 == r->n ? 0 : rdh + 1;
	return true;
}

static inline void
count(struct s82_ctx *ctx, struct s82_rx_run *r, unsigned int queue, const struct s82_frame *f,
	uint32_t len)
{
	if (r->packets++ == 0)
		ctx->sw->rx_touched[queue / 64] |= S82_BIT(queue % 64);
	r->bytes += len;
	if (unlikely(f->data[0] & 1))
		r->mcast++;
}

/* Whatever is not plain: tags, several descriptors, no descriptor. */
static __attribute__((noinline)) enum put
put_any(struct s82_ctx *ctx, unsigned int pool, unsigned int queue, const struct s82_frame *f,
	int *reason)
{
	struct s82_rxq *q = &ctx->st->rxq[queue];
	struct s82_rx_run *r = &ctx->sw->rx[queue];
	uint32_t len = f->len, crc_len = f->len + 4, room;
	bool strip;

	if (!r->open)
		return drop(ctx, pool, reason, S82_DROP_RX_DISABLED);
	if (crc_len > r->port_max + (f->p.tagged ? 4 : 0)) {
		q->drops++;
		return drop(ctx, pool, reason, S82_DROP_OVERSIZE);
	}
	strip = f->p.tagged && r->strip;
	len -= strip ? 4 : 0;
	room = len + (r->keep_crc ? 4 : 0);
	if ((uint64_t)free_descriptors(r, q) * r->bsize < room) {
		if (!r->drop_en)
			return PUT_STALL;
		q->drops++;
		s82_stats_queue_drop(ctx->st, queue);
		return drop(ctx, pool, reason, S82_DROP_NO_DESC);
	}
	if (!fill_ring(ctx, r, q, f, room, strip)) {
		q->drops++;
		return drop(ctx, pool, reason, S82_DROP_DMA_FAULT);
	}
	count(ctx, r, queue, f, len);
	return PUT_OK;
}

static inline enum put
put(struct s82_ctx *ctx, unsigned int pool, const struct s82_frame *f, int *reason)
{
	unsigned int queue = s82_switch_queue(ctx, pool, &f->p);
	struct s82_rx_run *r = &ctx->sw->rx[queue];

	if (unlikely(r->burst != ctx->sw->burst))
		open_run(ctx, pool, queue, r);
	if (!put_plain(ctx, r, &ctx->st->rxq[queue], f))
		return put_any(ctx, pool, queue, f, reason);
	count(ctx, r, queue, f, f->len);
	return PUT_OK;
}

void
s82_rx_flush(struct s82_ctx *ctx)
{
	unsigned int w;

	for (w = 0; w < 2; w++) {
		uint64_t left = ctx->sw->rx_touched[w];

		for (; left; left &= left - 1) {
			unsigned int queue = 64 * w + (unsigned int)__builtin_ctzll(left);
			struct s82_rx_run *r = &ctx->sw->rx[queue];
			struct s82_pool_stats *ps = &ctx->st->stats.pool[r->pool];

			ctx->st->rxq[queue].packets += r->packets;
			ctx->st->rxq[queue].bytes += r->bytes;
			ps->rx_packets += r->packets;
			ps->rx_bytes += r->bytes;
			ps->rx_mcast += r->mcast;
			s82_stats_queue_rx(ctx->st, queue, r->packets, r->bytes);
			r->packets = r->bytes = r->mcast = 0;
		}
	}
}

/* --- the packet buffer */

static void
fifo_copy(struct s82_fifo *f, uint32_t at, void *buf, uint32_t len, bool in)
{
	uint32_t first;

	at %= S82_RX_FIFO;
	first = len < S82_RX_FIFO - at ? len : S82_RX_FIFO - at;
	if (in) {
		memcpy(f->mem + at, buf, first);
		memcpy(f->mem, (uint8_t *)buf + first, len - first);
	} else {
		memcpy(buf, f->mem + at, first);
		memcpy((uint8_t *)buf + first, f->mem, len - first);
	}
}

static void
fifo_push(struct s82_state *st, const struct s82_frame *f, uint64_t pools)
{
	struct fifo_rec rec = { .len = f->len, .src_pool = f->src_pool, .pools = pools };
	struct s82_fifo *q = &st->fifo;

	fifo_copy(q, q->tail, &rec, sizeof(rec), true);
	fifo_copy(q, q->tail + sizeof(rec), (void *)(uintptr_t)f->data, f->len, true);
	q->tail = (q->tail + (uint32_t)sizeof(rec) + f->len) % S82_RX_FIFO;
	q->bytes += (uint32_t)sizeof(rec) + f->len;
	q->packets++;
	q->copies += (uint32_t)__builtin_popcountll(pools);
	atomic_store(&q->busy, 1);
}

/* Drops what waits. `whole`: the records can be trusted to tell whose it was. */
void
s82_rx_discard(struct s82_state *st, bool whole)
{
	struct s82_fifo *q = &st->fifo;
	struct fifo_rec rec;

	for (; whole && q->packets > 0; q->packets--) {
		fifo_copy(q, q->head, &rec, sizeof(rec), false);
		q->head = (q->head + (uint32_t)sizeof(rec) + rec.len) % S82_RX_FIFO;
		for (; rec.pools; rec.pools &= rec.pools - 1, q->copies--)
			s82_drop(st, __builtin_ctzll(rec.pools), S82_DROP_RESET);
	}
	st->stats.drop[S82_DROP_RESET] += q->copies;
	q->head = q->tail = q->bytes = q->packets = q->copies = 0;
	atomic_store(&q->busy, 0);
}

/* Puts the frame into each pool's ring; returns the pools that have to wait for a descriptor. */
static __attribute__((noinline)) uint64_t
put_all(struct s82_ctx *ctx, const struct s82_frame *f, uint64_t pools, uint64_t *done, int *why)
{
	for (; pools; pools &= pools - 1) {
		unsigned int pool = (unsigned int)__builtin_ctzll(pools);
		enum put r = put(ctx, pool, f, why);

		if (r == PUT_STALL)
			return pools;
		if (r == PUT_OK)
			*done |= S82_BIT(pool);
	}
	return 0;
}

/* Delivers what waits, as far as descriptors allow. */
void
s82_rx_drain(struct s82_ctx *ctx)
{
	struct s82_fifo *q = &ctx->st->fifo;
	struct s82_frame f = { .data = ctx->bounce + S82_MAX_FRAME };
	struct fifo_rec rec;
	uint64_t done = 0, waited;
	int why = -1;

	s82_switch_update(ctx);
	while (q->bytes > 0) {
		fifo_copy(q, q->head, &rec, sizeof(rec), false);
		fifo_copy(q, q->head + sizeof(rec), ctx->bounce + S82_MAX_FRAME, rec.len, false);
		f.len = rec.len;
		f.src_pool = rec.src_pool;
		s82_parse_l2(ctx->sw, &f);
		s82_parse_l3(ctx->sw, &f);
		waited = rec.pools;
		rec.pools = put_all(ctx, &f, rec.pools, &done, &why);
		q->copies -= (uint32_t)__builtin_popcountll(waited ^ rec.pools);
		if (rec.pools) {
			fifo_copy(q, q->head, &rec, sizeof(rec), true);
			break;
		}
		q->head = (q->head + (uint32_t)sizeof(rec) + rec.len) % S82_RX_FIFO;
		q->bytes -= (uint32_t)sizeof(rec) + rec.len;
		q->packets--;
	}
	if (q->bytes == 0)
		atomic_store(&q->busy, 0);
	s82_irq_touched(ctx);
}

/* A frame that has to wait for these pools. Returns those that it does wait for. */
static __attribute__((noinline)) uint64_t
put_aside(struct s82_ctx *ctx, const struct s82_frame *f, uint64_t wait, int *why)
{
	struct s82_state *st = ctx->st;
	uint64_t left;

	if (!s82_rx_room(st, f->len)) {
		for (left = wait; left; left &= left - 1)
			drop(ctx, (unsigned int)__builtin_ctzll(left), why, S82_DROP_BUFFER_FULL);
		s82_stats_missed(st);
		return 0;
	}
	if (!st->fifo.busy)
		st->fifo.stalls++;
	fifo_push(st, f, wait);
	/* an RDT write may have come before `busy` could be seen: look once more */
	if (st->fifo.packets == 1)
		s82_rx_drain(ctx);
	return wait;
}

/*
 * A parsed frame to its pools. Returns the pools that got it or will get it from the packet
 * buffer; *drop tells why one did not.
 */
uint64_t
s82_rx_deliver(struct s82_ctx *ctx, const struct s82_frame *f, uint64_t pools, int *why)
{
	struct s82_state *st = ctx->st;
	uint64_t done = 0, wait = pools;
	enum put r;

	if (likely(!(pools & (pools - 1)) && !st->fifo.busy)) {
		r = put(ctx, (unsigned int)__builtin_ctzll(pools), f, why);
		if (likely(r == PUT_OK))
			return pools;
		return r == PUT_STALL ? put_aside(ctx, f, pools, why) : 0;
	}
	if (pools & (pools - 1))
		st->stats.replicated += (uint64_t)__builtin_popcountll(pools) - 1;
	if (!st->fifo.busy)
		wait = put_all(ctx, f, pools, &done, why);
	return unlikely(wait) ? done | put_aside(ctx, f, wait, why) : done;
}

static struct s82_verdict
verdict(struct s82_ctx *ctx, const struct s82_frame *f, uint64_t pools, int why)
{
	struct s82_verdict v = { .pools = pools, .pool = -1, .queue = -1, .drop = -1 };

	if (pools) {
		v.pool = __builtin_ctzll(pools);
		v.queue = (int)s82_switch_queue(ctx, (unsigned int)v.pool, &f->p);
	} else {
		v.drop = why;
	}
	return v;
}

/* L2 checks, switch and parse of a frame from the wire. Returns its pools. */
static uint64_t
wire_frame(struct s82_ctx *ctx, struct s82_frame *f, int *why)
{
	uint64_t pools;

	s82_switch_update(ctx);
	if (!s82_link_up(ctx->st)) {
		*why = S82_DROP_LINK_DOWN;
		return 0;
	}
	/* before the filters: what a driver has not set up yet refuses nothing */
	if (!(ctx->sw->rxctrl & RXCTRL_RXEN)) {
		*why = S82_DROP_RX_DISABLED;
		return 0;
	}
	if (f->len < 60 || f->len > S82_MAX_FRAME) {
		*why = f->len < 60 ? S82_DROP_UNDERSIZE : S82_DROP_OVERSIZE;
		return 0;
	}
	s82_parse_l2(ctx->sw, f);
	if (f->len + 4 > port_max(ctx->sw) + (f->p.tagged ? 4 : 0)) {
		*why = S82_DROP_OVERSIZE;
		return 0;
	}
	pools = s82_switch_rx(ctx, f, why);
	if (pools)
		s82_parse_l3(ctx->sw, f);
	return pools;
}

struct s82_verdict
s82_wire_rx(struct s82_ctx *ctx, const uint8_t *frame, uint32_t len)
{
	struct s82_frame f = { .data = frame, .len = len, .src_pool = -1 };
	int why = -1;
	uint64_t pools = wire_frame(ctx, &f, &why);

	if (!pools) {
		s82_drop(ctx->st, -1, (enum s82_drop)why);
		s82_stats_bad_length(ctx->st, why);
		return verdict(ctx, &f, 0, why);
	}
	s82_stats_wire_rx(ctx->st, &f);
	pools = s82_rx_deliver(ctx, &f, pools, &why);
	s82_irq_touched(ctx);
	return verdict(ctx, &f, pools, why);
}

struct s82_verdict
s82_wire_probe(struct s82_ctx *ctx, const uint8_t *frame, uint32_t len, uint32_t *free_desc)
{
	struct s82_frame f = { .data = frame, .len = len, .src_pool = -1 };
	int why = S82_DROP_RX_DISABLED;
	uint64_t pools = wire_frame(ctx, &f, &why);
	unsigned int pool, base, i;

	*free_desc = 0;
	if (!pools)
		return verdict(ctx, &f, 0, why);
	pool = (unsigned int)__builtin_ctzll(pools);
	if (ctx->sw->vt && !(ctx->sw->vfre & S82_BIT(pool)))
		return verdict(ctx, &f, 0, why);
	base = ctx->sw->pool_base[ctx->sw->vt ? pool : 0];
	*free_desc = UINT32_MAX;
	for (i = 0; i < s82_rss_queues(ctx, pool); i++) {
		uint32_t n = s82_rx_free(ctx->st, (base + i) % S82_QUEUES);

		*free_desc = n < *free_desc ? n : *free_desc;
	}
	return verdict(ctx, &f, pools, why);
}
