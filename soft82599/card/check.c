/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define MACS		12	/* bytes of the two addresses */
#define RECENT		8	/* source frames that a flow remembers, to know duplicates */
#define LATE_NODES	4096	/* frames skipped over that may still come, all flows together */
#define NONE		UINT32_MAX

#define MACS_UNCHANGED	1u
#define MACS_SWAPPED	2u
#define MACS_REWRITTEN	4u

/* What a flow is known by; memcmp-comparable, so every byte is set. */
struct key {
	uint8_t src[16], dst[16];
	uint16_t vlan, type, sport, dport;	/* vlan: the TCI, 0xffff: no tag */
	uint32_t id;				/* of a fragment */
	uint8_t proto, fragment, pad[2];
};

/* A frame under way. */
struct node {
	uint32_t next, index;
	uint64_t tag, tsc;
};

struct flow {
	struct key key;
	uint32_t head, tail;	/* outstanding, oldest first */
	uint32_t late;		/* skipped over */
	uint32_t recent[RECENT], recent_next;
};

struct check {
	const uint8_t *const *frame;
	const uint32_t *len;
	uint32_t *flow_of;	/* by source frame */
	struct flow *flow;
	uint32_t flows;
	uint32_t *table, mask;	/* open addressing: flow or NONE */
	struct node *node;
	uint32_t free_out, free_late;	/* lists of nodes */
	struct check_counts counts;
	struct hist latency;
	unsigned int macs;	/* MACS_*: what still holds; 0 before the first return */
	uint8_t first_macs[MACS];
};

/* ---- flows ---- */

static uint16_t
be16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static void
key_ports(struct key *key, const uint8_t *l4, const uint8_t *end)
{
	/* TCP, UDP, SCTP */
	if ((key->proto == 6 || key->proto == 17 || key->proto == 132) && l4 + 4 <= end) {
		key->sport = be16(l4);
		key->dport = be16(l4 + 2);
	}
}

static void
key_ipv4(struct key *key, const uint8_t *ip, const uint8_t *end)
{
	if (ip + 20 > end)
		return;
	memcpy(key->src, ip + 12, 4);
	memcpy(key->dst, ip + 16, 4);
	key->proto = ip[9];
	if ((be16(ip + 6) & 0x3fff) != 0) {	/* more fragments, or an offset */
		key->fragment = 1;
		key->id = be16(ip + 4);
		return;
	}
	key_ports(key, ip + (ip[0] & 0xf) * 4, end);
}

static void
key_ipv6(struct key *key, const uint8_t *ip, const uint8_t *end)
{
	const uint8_t *next = ip + 40;

	if (next > end)
		return;
	memcpy(key->src, ip + 8, 16);
	memcpy(key->dst, ip + 24, 16);
	key->proto = ip[6];
	/* hop-by-hop, routing, destination options: each tells its length */
	while ((key->proto == 0 || key->proto == 43 || key->proto == 60) && next + 8 <= end) {
		key->proto = next[0];
		next += 8 + next[1] * 8;
	}
	if (key->proto == 44 && next + 8 <= end) {
		key->proto = next[0];
		key->fragment = 1;
		memcpy(&key->id, next + 4, 4);
		return;
	}
	key_ports(key, next, end);
}

static void
key_of(struct key *key, const uint8_t *frame, uint32_t len)
{
	const uint8_t *p = frame + MACS, *end = frame + len;

	memset(key, 0, sizeof(*key));
	key->vlan = 0xffff;
	if (len < MACS + 2)
		return;
	if (be16(p) == 0x8100 && p + 6 <= end) {
		key->vlan = be16(p + 2);
		p += 4;
	}
	key->type = be16(p);
	if (key->type == 0x0800)
		key_ipv4(key, p + 2, end);
	else if (key->type == 0x86dd)
		key_ipv6(key, p + 2, end);
}

static uint32_t
key_hash(const struct key *key)
{
	uint64_t word[sizeof(*key) / 8], h = 0x9e3779b97f4a7c15ull;

	_Static_assert(sizeof(*key) % 8 == 0, "the key is hashed by words");
	memcpy(word, key, sizeof(word));
	for (unsigned int i = 0; i < sizeof(word) / 8; i++) {
		h = (h ^ word[i]) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
	}
	return h;
}

/* The slot of the key in the table: its flow, or NONE where it would go. */
static uint32_t *
slot_of(const struct check *c, const struct key *key)
{
	uint32_t i = key_hash(key) & c->mask;

	while (c->table[i] != NONE && memcmp(&c->flow[c->table[i]].key, key, sizeof(*key)) != 0)
		i = (i + 1) & c->mask;
	return &c->table[i];
}

static void
learn_flow(struct check *c, uint32_t index)
{
	struct key key;
	uint32_t *slot;

	key_of(&key, c->frame[index], c->len[index]);
	slot = slot_of(c, &key);
	if (*slot == NONE) {
		struct flow *f = &c->flow[c->flows];

		f->key = key;
		f->head = f->tail = f->late = NONE;
		for (unsigned int i = 0; i < RECENT; i++)
			f->recent[i] = NONE;
		*slot = c->flows++;
	}
	c->flow_of[index] = *slot;
}

/* ---- life ---- */

static uint32_t
chain(struct check *c, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		c->node[first + i].next = i + 1 < n ? first + i + 1 : NONE;
	return first;
}

struct check *
check_create(const uint8_t *const *frame, const uint32_t *len, uint32_t n, uint32_t window)
{
	struct check *c = calloc(1, sizeof(*c));
	uint32_t size = 16;

	while (size < 2 * n)
		size *= 2;
	if (c == NULL)
		return NULL;
	c->frame = frame;
	c->len = len;
	c->mask = size - 1;
	c->table = malloc(size * sizeof(c->table[0]));
	c->flow = calloc(n, sizeof(c->flow[0]));
	c->flow_of = calloc(n, sizeof(c->flow_of[0]));
	c->node = calloc((size_t)window + LATE_NODES, sizeof(c->node[0]));
	if (c->table == NULL || c->flow == NULL || c->flow_of == NULL || c->node == NULL) {
		check_destroy(c);
		return NULL;
	}
	memset(c->table, 0xff, size * sizeof(c->table[0]));
	c->free_out = chain(c, 0, window);
	c->free_late = chain(c, window, LATE_NODES);
	for (uint32_t i = 0; i < n; i++)
		learn_flow(c, i);
	return c;
}

void
check_destroy(struct check *c)
{
	if (c == NULL)
		return;
	free(c->table);
	free(c->flow);
	free(c->flow_of);
	free(c->node);
	free(c);
}

uint32_t
check_flows(const struct check *c)
{
	return c->flows;
}

struct check_counts
check_counts(const struct check *c)
{
	return c->counts;
}

const struct hist *
check_latency(const struct check *c)
{
	return &c->latency;
}

/* ---- frames ---- */

int
check_sent(struct check *c, uint32_t index, uint64_t tag, uint64_t tsc)
{
	struct flow *f = &c->flow[c->flow_of[index]];
	uint32_t i = c->free_out;

	if (i == NONE)
		return -ENOSPC;
	c->free_out = c->node[i].next;
	c->node[i] = (struct node){ NONE, index, tag, tsc };
	if (f->head == NONE)
		f->head = i;
	else
		c->node[f->tail].next = i;
	f->tail = i;
	c->counts.expected++;
	c->counts.outstanding++;
	return 0;
}

/* Takes the oldest outstanding frame of a flow off its list; the node is free again. */
static struct node
pop(struct check *c, struct flow *f)
{
	uint32_t i = f->head;
	struct node node = c->node[i];

	f->head = node.next;
	c->node[i].next = c->free_out;
	c->free_out = i;
	c->counts.outstanding--;
	return node;
}

/* The oldest outstanding frame is skipped over: lost, unless it comes later. */
static void
skip(struct check *c, struct flow *f)
{
	struct node node = pop(c, f);
	uint32_t i = c->free_late;

	c->counts.lost++;
	if (i == NONE)
		return;		/* too many are lost to tell a late one from an extra one */
	c->free_late = c->node[i].next;
	c->node[i] = node;
	c->node[i].next = f->late;
	f->late = i;
}

static bool
same(const struct check *c, uint32_t index, const uint8_t *frame, uint32_t len)
{
	return c->len[index] == len &&
		memcmp(c->frame[index] + MACS, frame + MACS, len - MACS) == 0;
}

/* Do the addresses follow a rule that all frames so far followed? */
static bool
macs_hold(struct check *c, uint32_t index, const uint8_t *frame)
{
	const uint8_t *src = c->frame[index];
	unsigned int holds = 0;

	if (c->macs == 0) {
		memcpy(c->first_macs, frame, MACS);
		c->macs = MACS_UNCHANGED | MACS_SWAPPED | MACS_REWRITTEN;
	}
	if (memcmp(src, frame, MACS) == 0)
		holds |= MACS_UNCHANGED;
	if (memcmp(src, frame + 6, 6) == 0 && memcmp(src + 6, frame, 6) == 0)
		holds |= MACS_SWAPPED;
	if (memcmp(c->first_macs, frame, MACS) == 0)
		holds |= MACS_REWRITTEN;
	if ((c->macs & holds) == 0)
		return false;
	c->macs &= holds;
	return true;
}

const char *
check_macs(const struct check *c)
{
	return c->macs == 0 ? "" : c->macs & MACS_UNCHANGED ? "unchanged" :
		c->macs & MACS_SWAPPED ? "swapped" : "rewritten";
}

/* The frame is that of a node which was taken off its list. */
static enum check_result
accept(struct check *c, struct flow *f, const struct node *node, const uint8_t *frame,
	uint64_t tsc, uint64_t *tag)
{
	c->counts.received++;
	f->recent[f->recent_next++ % RECENT] = node->index;
	*tag = node->tag;
	/* two processors' counters may differ by a few ticks */
	hist_add(&c->latency, tsc > node->tsc ? tsc - node->tsc : 0);
	if (macs_hold(c, node->index, frame))
		return CHECK_OK;
	c->counts.changed++;
	return CHECK_CHANGED;
}

/* One of those skipped over before? */
static bool
take_late(struct check *c, struct flow *f, const uint8_t *frame, uint32_t len, struct node *node)
{
	uint32_t *link = &f->late, oldest = NONE, *oldest_link = NULL;

	/* the list is newest first: of equal frames, the oldest comes first */
	for (; *link != NONE; link = &c->node[*link].next) {
		if (same(c, c->node[*link].index, frame, len)) {
			oldest = *link;
			oldest_link = link;
		}
	}
	if (oldest == NONE)
		return false;
	*node = c->node[oldest];
	*oldest_link = node->next;
	c->node[oldest].next = c->free_late;
	c->free_late = oldest;
	return true;
}

static bool
seen_lately(const struct check *c, const struct flow *f, const uint8_t *frame, uint32_t len)
{
	for (unsigned int i = 0; i < RECENT; i++) {
		if (f->recent[i] != NONE && same(c, f->recent[i], frame, len))
			return true;
	}
	return false;
}

/* It equals nothing that is outstanding. */
static enum check_result
returned_odd(struct check *c, struct flow *f, const uint8_t *frame, uint32_t len, uint64_t tsc,
	uint64_t *tag)
{
	struct node node;

	if (take_late(c, f, frame, len, &node)) {
		c->counts.lost--;
		c->counts.reordered++;
		accept(c, f, &node, frame, tsc, tag);
		return CHECK_REORDERED;
	}
	if (seen_lately(c, f, frame, len)) {
		c->counts.duplicated++;
		return CHECK_DUPLICATED;
	}
	if (f->head == NONE) {
		c->counts.extra++;
		return CHECK_EXTRA;
	}
	/* of a flow that waits for a frame: that one, with other bytes */
	node = pop(c, f);
	c->counts.received++;
	c->counts.changed++;
	*tag = node.tag;
	return CHECK_CHANGED;
}

enum check_result
check_returned(struct check *c, const uint8_t *frame, uint32_t len, uint64_t tsc, uint64_t *tag)
{
	struct key key;
	struct flow *f;
	uint32_t slot, i;
	struct node node;

	*tag = CHECK_NO_TAG;
	key_of(&key, frame, len);
	slot = *slot_of(c, &key);
	if (slot == NONE || len < MACS + 2) {
		c->counts.extra++;
		return CHECK_EXTRA;
	}
	f = &c->flow[slot];
	for (i = f->head; i != NONE; i = c->node[i].next) {
		if (same(c, c->node[i].index, frame, len))
			break;
	}
	if (i == NONE)
		return returned_odd(c, f, frame, len, tsc, tag);
	while (f->head != i)
		skip(c, f);
	node = pop(c, f);
	return accept(c, f, &node, frame, tsc, tag);
}

static bool
sent_before(const struct check *c, const struct flow *f, uint64_t before)
{
	return f->head != NONE && c->node[f->head].tag < before;
}

void
check_settle(struct check *c, uint64_t before)
{
	for (uint32_t i = 0; i < c->flows; i++) {
		while (sent_before(c, &c->flow[i], before))
			skip(c, &c->flow[i]);
	}
}

void
check_forgive(struct check *c, uint64_t before)
{
	for (uint32_t i = 0; i < c->flows; i++) {
		while (sent_before(c, &c->flow[i], before)) {
			pop(c, &c->flow[i]);
			c->counts.forgiven++;
		}
	}
}
