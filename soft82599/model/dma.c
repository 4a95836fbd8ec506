/* SPDX-License-Identifier: BSD-3-Clause */
/* DMA: a function reaches what its owner has mapped, and nothing else, as behind an IOMMU. */
#include "internal.h"

/* Asks the host, and remembers the whole piece that the answer lies in. */
bool
s82_dma_look_up(struct s82_ctx *ctx, unsigned int func, uint64_t iova)
{
	const struct s82_func *f = &ctx->st->func[func];
	struct s82_window *w = &ctx->sw->window[func];
	size_t avail, before;
	uint8_t *p = NULL;

	if (f->domain != 0 && s82_bus_master(ctx->st, func))
		p = ctx->ops->dma(ctx, f->domain, iova, &avail, &before);
	if (p == NULL)
		return false;
	w->burst = ctx->sw->burst;
	w->iova = iova - before;
	w->len = before + avail;
	w->host = p - before;
	return true;
}

/* A write is posted: nobody answers it. Who is no bus master asks nobody. */
static void
fault(struct s82_ctx *ctx, unsigned int func, uint64_t iova, bool posted)
{
	struct s82_func *f = &ctx->st->func[func];

	f->dma_faults++;
	f->dma_fault_iova = iova;
	if (!posted && s82_bus_master(ctx->st, func))
		s82_pci_aborted(ctx->st, func);
}

/* `len` bytes to read that lie together in this process, or NULL: not mapped, or in two pieces. */
void *
s82_dma(struct s82_ctx *ctx, unsigned int func, uint64_t iova, size_t len)
{
	size_t avail;
	void *p = s82_dma_find(ctx, func, iova, &avail);

	if (p == NULL)
		fault(ctx, func, iova, false);
	return p != NULL && avail >= len ? p : NULL;
}

bool
s82_dma_read(struct s82_ctx *ctx, unsigned int func, uint64_t iova, void *dst, size_t len)
{
	uint8_t *d = dst;
	size_t n;

	for (; len > 0; d += n, iova += n, len -= n) {
		const void *p = s82_dma_find(ctx, func, iova, &n);

		if (p == NULL) {
			fault(ctx, func, iova, false);
			return false;
		}
		n = n < len ? n : len;
		memcpy(d, p, n);
	}
	return true;
}

bool
s82_dma_write(struct s82_ctx *ctx, unsigned int func, uint64_t iova, const void *src, size_t len)
{
	const uint8_t *s = src;
	size_t n;

	for (; len > 0; s += n, iova += n, len -= n) {
		void *p = s82_dma_find(ctx, func, iova, &n);

		if (p == NULL) {
			fault(ctx, func, iova, true);
			return false;
		}
		n = n < len ? n : len;
		memcpy(p, s, n);
	}
	return true;
}
