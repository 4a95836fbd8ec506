/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From an address of a DMA domain to memory of this process: what the dma op does.
 *
 * The truth is st->extent[], which the card writes. Beside each extent this process remembers
 * where its memory lies here, by the extent's serial number, and in front of that stands a
 * direct-mapped cache of 2 MB pages that a change of domain[].gen invalidates.
 *
 * Everything here runs with st->lock held, also in a signal handler: no allocation, no stdio.
 */
#ifndef S82_IOVA_H
#define S82_IOVA_H

#include "../model/state.h"

#define S82_IOVA_LINES	1024	/* a power of two */
#define S82_IOVA_SHIFT	21

struct s82_iova_line {
	uint64_t lo, len;	/* the extent: bytes of IOVA; len 0: empty */
	uint8_t *host;
	uint32_t domain, gen;
};

/* Where an extent lies in this process. */
struct s82_iova_window {
	uint64_t serial;	/* of the extent; 0: nothing known */
	uint8_t *host;
	uint8_t *map;		/* what to unmap when it goes; NULL: the program's own memory */
	uint64_t map_len;
};

struct s82_iova {
	struct s82_iova_line line[S82_IOVA_LINES];
	struct s82_iova_window window[S82_MAX_EXTENTS];
	uint32_t swept[S82_MAX_DOMAINS];	/* gen at which dead windows were last dropped */
	unsigned int top;	/* windows in use lie below this slot */
	/* A descriptor of the file behind fd_id, which iova.c closes; or -errno. */
	int (*get_fd)(void *arg, uint32_t fd_id);
	void *arg;
};

/* The slow way: finds the extent and, if it is not here yet, maps it. NULL: not mapped. */
void *s82_iova_miss(struct s82_iova *c, const struct s82_state *st, unsigned int domain,
	uint64_t iova, size_t *avail, size_t *before);

/* Translates. *avail, *before: contiguous bytes from there on, in front. NULL: nothing mapped. */
static inline void *
s82_iova_find(struct s82_iova *c, const struct s82_state *st, unsigned int domain, uint64_t iova,
	size_t *avail, size_t *before)
{
	const struct s82_iova_line *line;
	uint64_t d;

	line = &c->line[((iova >> S82_IOVA_SHIFT) ^ (domain * 37u)) & (S82_IOVA_LINES - 1)];
	d = iova - line->lo;
	if (d < line->len && line->domain == domain && domain < S82_MAX_DOMAINS &&
			line->gen == atomic_load_explicit(&st->domain[domain].gen,
				memory_order_acquire)) {
		*avail = line->len - d;
		*before = d;
		return line->host + d;
	}
	return s82_iova_miss(c, st, domain, iova, avail, before);
}

/* Says that `iova` is the program's own memory at `host`. val: the answer to S82_REQ_DMA_MAP. */
void s82_iova_own(struct s82_iova *c, const struct s82_state *st, const uint64_t *val,
	uint64_t iova, void *host);

/* The program is about to unmap [addr, addr + len): own memory there must be mapped anew. */
void s82_iova_forget_host(struct s82_iova *c, const struct s82_state *st, const void *addr,
	size_t len);

/* Forgets everything and unmaps what was mapped here. */
void s82_iova_reset(struct s82_iova *c);

#endif
