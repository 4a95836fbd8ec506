/* SPDX-License-Identifier: BSD-3-Clause */
/* --wire pcap:IN[:OUT]: sends IN once, as fast as the card takes it, and records OUT. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define IN_BURST	32
#define RETRY_NS	50000		/* no descriptor is free */
#define LINK_NS		5000000		/* no link, or nobody receives yet */
#define PATIENCE_NS	100000000	/* for a ring that nobody seems to empty */

struct file_wire {
	struct wire_frames frames;
	uint32_t next;
	struct s82_verdict first;	/* before the start: what would become of frame 1 */
	struct wire_record *out;	/* NULL: not wanted */
	uint64_t recorded;
	uint64_t dropped[S82_DROPS];
	uint64_t full_since[S82_POOLS];	/* ns; 0: had descriptors when last asked */
};

static int
file_open(struct wire *w)
{
	struct file_wire *p = w->priv = calloc(1, sizeof(*p));
	int err;

	if (p == NULL)
		return -ENOMEM;
	p->first.drop = -1;
	err = wire_load(w->opts->wire_in, &p->frames);
	if (err != 0 || w->opts->wire_out == NULL)
		return err;
	p->out = wire_record_open(w->opts->wire_out);
	return p->out == NULL ? -EIO : 0;
}

static void
file_out(struct wire *w, const struct s82_wire_rec *rec, const uint8_t *frame)
{
	struct file_wire *p = w->priv;

	p->recorded++;
	if (p->out != NULL)
		wire_record_put(w, p->out, rec, frame);
}

/*
 * Can the frame be sent now? Else w->wait_ns says when to look again. The pool of frame 1 is what
 * this is about and is waited for; another one that had no descriptor for PATIENCE_NS gets the
 * frame all the same, as from any wire: the NIC drops it, or blocks. The lock is held.
 */
static bool
ready(struct wire *w, struct file_wire *p, const struct wire_frame *f)
{
	uint32_t free_desc;
	struct s82_verdict v = s82_wire_probe(&w->ctx, f->data, f->len, &free_desc);
	uint64_t now;

	if (v.drop == S82_DROP_RX_DISABLED) {
		w->wait_ns = LINK_NS;
		return false;
	}
	if (v.drop >= 0)
		return true;
	if (free_desc > 0) {
		p->full_since[v.pool] = 0;
		return true;
	}
	now = wire_now_ns();
	if (p->full_since[v.pool] == 0)
		p->full_since[v.pool] = now;
	w->wait_ns = RETRY_NS;
	return v.pool != p->first.pool &&
		now > p->full_since[v.pool] + PATIENCE_NS;
}

static unsigned int
file_in(struct wire *w)
{
	struct file_wire *p = w->priv;
	unsigned int n = 0;

	if (p->next == p->frames.count)
		return 0;
	if (p->next == 0 && !wire_ready(w, p->frames.frame[0].data, p->frames.frame[0].len,
			&p->first)) {
		w->wait_ns = LINK_NS;
		return 0;
	}
	w->ctx.ops->lock(&w->ctx);
	while (n < IN_BURST && p->next < p->frames.count &&
			ready(w, p, &p->frames.frame[p->next])) {
		const struct wire_frame *f = &p->frames.frame[p->next++];
		struct s82_verdict v = wire_give(w, f->data, f->len);

		if (v.drop >= 0)
			p->dropped[v.drop]++;
		n++;
	}
	w->ctx.ops->unlock(&w->ctx);
	return n;
}

static int
file_finish(struct wire *w)
{
	struct file_wire *p = w->priv;

	if (p->next == 0)
		card_log(CARD_LOG_WARN, "nothing of %s was sent: nobody received frame 1 (%s)",
			w->opts->wire_in, p->first.drop >= 0 ? s82_drop_name(p->first.drop) :
			"no descriptors, or no filter for its address");
	return p->out != NULL && wire_record_flush(p->out, w->opts->wire_out) != 0;
}

static json_t *
file_json(struct wire *w)
{
	struct file_wire *p = w->priv;

	return json_pack("{s:s, s:i, s:I, s:I, s:o}", "mode", "pcap", "packets_in_file",
		(int)p->frames.count, "sent", (json_int_t)p->next, "received",
		(json_int_t)p->recorded, "dropped", wire_drops_json(p->dropped));
}

static void
file_close(struct wire *w)
{
	struct file_wire *p = w->priv;

	if (p == NULL)
		return;
	wire_record_close(p->out);
	wire_unload(&p->frames);
	free(p);
}

const struct wire_ops wire_pcap = {
	.open = file_open, .out = file_out, .in = file_in, .finish = file_finish,
	.json = file_json, .close = file_close,
};
