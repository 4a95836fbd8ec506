/* SPDX-License-Identifier: BSD-3-Clause */
/* The side of the card that looks at the wire: a ring of frames that one thread empties. */
#include "internal.h"

static uint32_t
record_size(uint32_t len)
{
	return (uint32_t)sizeof(struct s82_wire_rec) + ((len + 7) & ~7u);
}

static void
ring_put(struct s82_wire *w, uint64_t at, const void *src, uint32_t len)
{
	uint32_t off = at & (S82_WIRE_RING - 1);
	uint32_t first = len < S82_WIRE_RING - off ? len : S82_WIRE_RING - off;

	memcpy(w->ring + off, src, first);
	memcpy(w->ring, (const uint8_t *)src + first, len - first);
}

static void
ring_get(const struct s82_wire *w, uint64_t at, void *dst, uint32_t len)
{
	uint32_t off = at & (S82_WIRE_RING - 1);
	uint32_t first = len < S82_WIRE_RING - off ? len : S82_WIRE_RING - off;

	memcpy(dst, w->ring + off, first);
	memcpy((uint8_t *)dst + first, w->ring, len - first);
}

bool
s82_link_up(const struct s82_state *st)
{
	return s82_link_own(st) && !atomic_load(&st->faults.partner_down);
}

bool
s82_wire_room(const struct s82_state *st, uint32_t len)
{
	const struct s82_wire *w = &st->wire;

	if (!atomic_load_explicit(&w->consumer, memory_order_relaxed))
		return true;
	return atomic_load_explicit(&w->tail, memory_order_relaxed) + record_size(len) -
		atomic_load_explicit(&w->head, memory_order_acquire) <= S82_WIRE_RING;
}

void
s82_wire_send(struct s82_ctx *ctx, const struct s82_frame *f, unsigned int queue)
{
	struct s82_wire *w = &ctx->st->wire;
	uint64_t tail = atomic_load_explicit(&w->tail, memory_order_relaxed);
	struct s82_wire_rec rec = {
		.len = f->len,
		.pool = (uint16_t)f->src_pool,
		.queue = (uint16_t)queue,
	};

	if (!s82_link_up(ctx->st)) {
		s82_drop(ctx->st, f->src_pool, S82_DROP_LINK_DOWN);
		return;
	}
	s82_stats_wire_tx(ctx->st, f);
	if (!atomic_load_explicit(&w->consumer, memory_order_relaxed))
		return;
	rec.tsc = ctx->ops->now(ctx);
	ring_put(w, tail, &rec, sizeof(rec));
	ring_put(w, tail + sizeof(rec), f->data, f->len);
	/* sequentially consistent, as is the consumer's sleeping flag: one of the two sees the other */
	atomic_store(&w->tail, tail + record_size(f->len));
	if (atomic_load(&w->sleeping))
		ctx->ops->wire_kick(ctx);
}

uint32_t
s82_wire_take(struct s82_state *st, struct s82_wire_rec *rec, uint8_t *buf)
{
	struct s82_wire *w = &st->wire;
	uint64_t head = atomic_load_explicit(&w->head, memory_order_relaxed);

	if (head == atomic_load(&w->tail))
		return 0;
	ring_get(w, head, rec, sizeof(*rec));
	ring_get(w, head + sizeof(*rec), buf, rec->len);
	atomic_store_explicit(&w->head, head + record_size(rec->len), memory_order_release);
	return rec->len;
}
