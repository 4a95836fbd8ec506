/* SPDX-License-Identifier: BSD-3-Clause */
/* Counts flows in an open-addressed table that is never more than half full. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rss_flow.h"

struct rss_flows {
	unsigned int max, n, mask;
	struct rss_flow_count slots[];
};

struct rss_flows *
rss_flows_new(unsigned int max)
{
	unsigned int size = 16;
	struct rss_flows *f;

	while (size < 2 * max)
		size *= 2;
	f = calloc(1, sizeof(*f) + size * sizeof(f->slots[0]));
	if (f) {
		f->max = max;
		f->mask = size - 1;
	}
	return f;
}

void
rss_flows_free(struct rss_flows *f)
{
	free(f);
}

/* FNV-1a: the keys are addresses, and nobody attacks this table. */
static uint32_t
slot_of(uint32_t pool, const struct rss_tuple *t)
{
	uint32_t h = 2166136261u ^ pool;

	h = (h ^ t->type) * 16777619u;
	for (unsigned int i = 0; i < t->len; i++)
		h = (h ^ t->bytes[i]) * 16777619u;
	return h ^ h >> 15;
}

int
rss_flows_add(struct rss_flows *f, uint32_t pool, const struct rss_tuple *t, uint64_t packets)
{
	for (uint32_t i = slot_of(pool, t);; i++) {
		struct rss_flow_count *c = &f->slots[i & f->mask];

		if (c->packets == 0) {
			if (f->n == f->max)
				return -ENOMEM;
			f->n++;
			c->tuple = *t;
			c->pool = pool;
		} else if (c->pool != pool || c->tuple.type != t->type ||
			   memcmp(c->tuple.bytes, t->bytes, t->len) != 0) {
			continue;
		}
		c->packets += packets;
		return 0;
	}
}

unsigned int
rss_flows_top(const struct rss_flows *f, struct rss_flow_count *top, unsigned int n)
{
	unsigned int have = 0;

	for (unsigned int i = 0; i <= f->mask; i++) {
		const struct rss_flow_count *c = &f->slots[i];
		unsigned int at = have;

		while (at > 0 && top[at - 1].packets < c->packets)
			at--;
		if (c->packets == 0 || at == n)
			continue;
		have += have < n;
		memmove(top + at + 1, top + at, (have - at - 1) * sizeof(*top));
		top[at] = *c;
	}
	return have;
}

unsigned int
rss_flows_count(const struct rss_flows *f)
{
	return f->n;
}
