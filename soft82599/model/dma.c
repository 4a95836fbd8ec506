/* SPDX-License-Identifier: BSD-3-Clause */
/* DMA: a function reaches what its owner has mapped, and nothing else, as behind an IOMMU. */
#include "internal.h"

static void
fault(struct s82_ctx *ctx, unsigned int func, uint64_t iova)
{
	struct s82_func *f = &ctx->st->func[func];

	f->dma_faults++;
	f->dma_fault_iova = iova;
}

static void *
translate(struct s82_ctx *ctx, unsigned int func, uint64_t iova, size_t *avail)
{
	const struct s82_func *f = &ctx->st->func[func];
	void *p = NULL;

	if (f->domain != 0 && s82_bus_master(ctx->st, func))
		p = ctx->ops->dma(ctx, f->domain, iova, avail);
	if (p == NULL)
		fault(ctx, func, iova);
	return p;
}

/* As s82_dma, for a shortcut: what it does not find counts as no fault. */
void *
s82_dma_try(struct s82_ctx *ctx, unsigned int func, uint64_t iova, size_t len)
{
	const struct s82_func *f = &ctx->st->func[func];
	size_t avail = 0;
	void *p = NULL;

	if (f->domain != 0 && s82_bus_master(ctx->st, func))
		p = ctx->ops->dma(ctx, f->domain, iova, &avail);
	return p != NULL && avail >= len ? p : NULL;
}

/* `len` bytes that lie together in this process, or NULL: not mapped, or in two pieces. */
void *
s82_dma(struct s82_ctx *ctx, unsigned int func, uint64_t iova, size_t len)
{
	size_t avail = 0;
	void *p = translate(ctx, func, iova, &avail);

	return p != NULL && avail >= len ? p : NULL;
}

bool
s82_dma_read(struct s82_ctx *ctx, unsigned int func, uint64_t iova, void *dst, size_t len)
{
	uint8_t *d = dst;

	while (len > 0) {
		size_t n = 0;
		const void *p = translate(ctx, func, iova, &n);

		if (p == NULL)
			return false;
		n = n < len ? n : len;
		memcpy(d, p, n);
		d += n;
		iova += n;
		len -= n;
	}
	return true;
}

bool
s82_dma_write(struct s82_ctx *ctx, unsigned int func, uint64_t iova, const void *src, size_t len)
{
	const uint8_t *s = src;

	while (len > 0) {
		size_t n = 0;
		void *p = translate(ctx, func, iova, &n);

		if (p == NULL)
			return false;
		n = n < len ? n : len;
		memcpy(p, s, n);
		s += n;
		iova += n;
		len -= n;
	}
	return true;
}
