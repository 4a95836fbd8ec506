/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bad cable: loses, doubles, swaps, changes or delays frames, as `ctl wire` asked for, and
 * counts exactly which it hit. It lies between the NIC and whatever the wire is.
 */
#include <bsd/stdlib.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define MAX_HELD	65536		/* frames, a way */
#define MAX_HELD_BYTES	(64u << 20)
#define SWAP_NS		100000000ull	/* a frame that is to be overtaken waits so long for another */
#define ETHER		14

static const char *const kinds[IMPAIR_KINDS] = {
	[IMPAIR_LOSS] = "loss", [IMPAIR_DUP] = "dup", [IMPAIR_REORDER] = "reorder",
	[IMPAIR_CORRUPT] = "corrupt",
};
static const char *const ways[2] = { [WIRE_IN] = "in", [WIRE_OUT] = "out" };

/* A frame that waits; the bytes follow. */
struct wire_held {
	struct wire_held *next;
	uint64_t due;		/* ns */
	struct s82_wire_rec rec;
	uint8_t frame[];
};

static bool
hits(struct impair_rule *r)
{
	bool hit;

	if (r->n == 0)
		return false;
	if (r->of == 0) {
		hit = true;
		r->n--;		/* the next N frames */
	} else {
		/* N of every M, evenly spread, the last of each group among them */
		hit = (r->seen + 1) * r->n / r->of != r->seen * r->n / r->of;
		r->seen = (r->seen + 1) % r->of;
	}
	r->hit += hit;
	return hit;
}

/* ---- frames that wait ---- */

static struct wire_held *
keep(const struct s82_wire_rec *rec, const uint8_t *frame, uint64_t due)
{
	struct wire_held *h = malloc(sizeof(*h) + rec->len);

	if (h == NULL)
		return NULL;
	h->next = NULL;
	h->due = due;
	h->rec = *rec;
	memcpy(h->frame, frame, rec->len);
	return h;
}

/* The end of the cable. The model's lock is held for WIRE_IN. */
static struct s82_verdict
arrive(struct wire *w, enum wire_way way, const struct s82_wire_rec *rec, const uint8_t *frame)
{
	if (way == WIRE_IN)
		return s82_wire_rx(&w->ctx, frame, rec->len);
	w->ops->out(w, rec, frame);
	return (struct s82_verdict){ .pool = -1, .queue = -1, .drop = -1 };
}

static struct s82_verdict
delayed(struct wire *w, enum wire_way way, const struct s82_wire_rec *rec, const uint8_t *frame)
{
	struct s82_verdict nothing = { .pool = -1, .queue = -1, .drop = -1 };
	struct impair *m = &w->impair[way];
	uint64_t due = wire_now_ns() + m->delay_ns;
	struct wire_held *h;

	if (m->delay_ns == 0 && m->first == NULL)
		return arrive(w, way, rec, frame);
	h = m->held < MAX_HELD && m->held_bytes + rec->len <= MAX_HELD_BYTES ?
		keep(rec, frame, due) : NULL;
	if (h == NULL) {
		m->overflow++;
		return nothing;
	}
	/* a shorter delay does not let a frame overtake those before it */
	if (m->last != NULL && m->last->due > due)
		h->due = m->last->due;
	*(m->first == NULL ? &m->first : &m->last->next) = h;
	m->last = h;
	m->held++;
	m->held_bytes += rec->len;
	m->delayed++;
	return nothing;
}

static void
release_swap(struct wire *w, enum wire_way way)
{
	struct wire_held *h = w->impair[way].swap;

	if (h == NULL)
		return;
	w->impair[way].swap = NULL;
	delayed(w, way, &h->rec, h->frame);
	free(h);
}

struct s82_verdict
wire_carry(struct wire *w, enum wire_way way, const struct s82_wire_rec *rec, const uint8_t *frame)
{
	struct s82_verdict v = { .pool = -1, .queue = -1, .drop = -1 };
	struct impair *m = &w->impair[way];
	unsigned int copies = 1;

	if (!m->on)
		return arrive(w, way, rec, frame);
	if (hits(&m->rule[IMPAIR_LOSS]))
		return v;
	if (rec->len > ETHER && hits(&m->rule[IMPAIR_CORRUPT])) {
		memcpy(w->changed, frame, rec->len);
		w->changed[ETHER + (rec->len - ETHER) / 2] ^= 0xff;
		frame = w->changed;
	}
	copies += hits(&m->rule[IMPAIR_DUP]);
	if (m->swap == NULL && hits(&m->rule[IMPAIR_REORDER])) {
		m->swap = keep(rec, frame, wire_now_ns() + SWAP_NS);
		if (m->swap != NULL)
			return v;
	}
	while (copies-- > 0)
		v = delayed(w, way, rec, frame);
	release_swap(w, way);
	return v;
}

static unsigned int
way_due(struct wire *w, enum wire_way way, uint64_t now, bool all)
{
	struct impair *m = &w->impair[way];
	unsigned int n = 0;

	if (m->swap != NULL && (all || now >= m->swap->due))
		release_swap(w, way);
	while (m->first != NULL && (all || now >= m->first->due)) {
		struct wire_held *h = m->first;

		m->first = h->next;
		if (m->first == NULL)
			m->last = NULL;
		m->held--;
		m->held_bytes -= h->rec.len;
		arrive(w, way, &h->rec, h->frame);
		free(h);
		n++;
	}
	if (m->first != NULL && m->first->due - now < w->wait_ns)
		w->wait_ns = m->first->due - now;
	if (m->swap != NULL && m->swap->due - now < w->wait_ns)
		w->wait_ns = m->swap->due - now;
	return n;
}

unsigned int
wire_due(struct wire *w, bool all)
{
	struct impair *m = w->impair;
	unsigned int n = 0;
	uint64_t now;

	if (m[WIRE_IN].first == NULL && m[WIRE_IN].swap == NULL && m[WIRE_OUT].first == NULL &&
			m[WIRE_OUT].swap == NULL)
		return 0;
	now = wire_now_ns();
	n = way_due(w, WIRE_OUT, now, all);
	w->ctx.ops->lock(&w->ctx);
	n += way_due(w, WIRE_IN, now, all);
	w->ctx.ops->unlock(&w->ctx);
	return n;
}

/* ---- what ctl asks for ---- */

static int
read_rule(const char *word, struct impair_rule *r)
{
	char number[24];
	const char *slash, *error;

	if (word == NULL)
		return -EINVAL;
	slash = strchr(word, '/');
	r->of = slash == NULL ? 0 : strtonum(slash + 1, 1, 1000000000, &error);
	if (slash != NULL && error != NULL)
		return -EINVAL;
	snprintf(number, sizeof(number), "%.*s", slash == NULL ? 23 : (int)(slash - word), word);
	r->n = strtonum(number, 0, slash == NULL ? 1000000000 : (long long)r->of, &error);
	return error == NULL ? 0 : -EINVAL;
}

static void
update(struct impair *m)
{
	m->on = m->delay_ns != 0 || m->first != NULL || m->swap != NULL;
	for (int k = 0; k < IMPAIR_KINDS; k++)
		m->on |= m->rule[k].n != 0;
}

static int
apply(struct impair *m, const char *what, const char *value)
{
	struct impair_rule rule = { 0 };
	const char *error;

	if (strcmp(what, "clear") == 0) {
		m->delay_ns = 0;
		for (int k = 0; k < IMPAIR_KINDS; k++)
			m->rule[k].n = m->rule[k].of = 0;
		return 0;
	}
	if (strcmp(what, "delay") == 0) {
		long long us = value == NULL ? -1 : strtonum(value, 0, 10000000, &error);

		if (us < 0 || error != NULL)
			return -EINVAL;
		m->delay_ns = us * 1000;
		return 0;
	}
	for (int k = 0; k < IMPAIR_KINDS; k++) {
		if (strcmp(what, kinds[k]) != 0)
			continue;
		if (read_rule(value, &rule) < 0)
			return -EINVAL;
		rule.hit = m->rule[k].hit;
		m->rule[k] = rule;
		return 0;
	}
	return -EINVAL;
}

int
wire_impair(struct wire *w, char **words, char *answer, size_t size)
{
	bool clear = words[0] != NULL && strcmp(words[0], "clear") == 0;
	const char *where = words[0] == NULL ? NULL : clear ? words[1] :
		words[1] == NULL ? NULL : words[2];
	bool in = where == NULL || strcmp(where, "in") == 0;
	bool out = where == NULL || strcmp(where, "out") == 0;
	int err = 0;

	if (words[0] == NULL || (!in && !out))
		return -EINVAL;
	if (where == NULL && w->ops->one_way)
		in = false;
	if (in && w->ops->one_way) {
		snprintf(answer, size, "on this wire frames are hit on their way out only");
		return -ENOTSUP;
	}
	pthread_mutex_lock(&w->lock);
	if (in)
		err = apply(&w->impair[WIRE_IN], words[0], words[1]);
	if (out && err == 0)
		err = apply(&w->impair[WIRE_OUT], words[0], words[1]);
	update(&w->impair[WIRE_IN]);
	update(&w->impair[WIRE_OUT]);
	pthread_mutex_unlock(&w->lock);
	if (err == 0)
		snprintf(answer, size, "wire %s%s%s, %s", words[0], clear ? "" : " ",
			clear ? "" : words[1], in && out ? "both ways" : in ? "in" : "out");
	return err;
}

static json_t *
way_json(const struct impair *m)
{
	json_t *object = json_object();
	char rule[48];

	for (int k = 0; k < IMPAIR_KINDS; k++) {
		const struct impair_rule *r = &m->rule[k];

		snprintf(rule, sizeof(rule), r->of == 0 ? "%llu" : "%llu/%llu",
			(unsigned long long)r->n, (unsigned long long)r->of);
		json_object_set_new(object, kinds[k], json_pack("{s:s, s:I}", "rule", rule,
			"hit", (json_int_t)r->hit));
	}
	json_object_set_new(object, "delay_us", json_integer(m->delay_ns / 1000));
	json_object_set_new(object, "delayed", json_integer(m->delayed));
	json_object_set_new(object, "held", json_integer(m->held + (m->swap != NULL)));
	json_object_set_new(object, "overflow", json_integer(m->overflow));
	return object;
}

json_t *
wire_impair_json(const struct wire *w)
{
	json_t *object = json_object();

	for (int way = 0; way < 2; way++)
		json_object_set_new(object, ways[way], way_json(&w->impair[way]));
	return object;
}

void
wire_impair_free(struct wire *w)
{
	for (int way = 0; way < 2; way++) {
		struct impair *m = &w->impair[way];

		free(m->swap);
		while (m->first != NULL) {
			struct wire_held *h = m->first;

			m->first = h->next;
			free(h);
		}
	}
}
