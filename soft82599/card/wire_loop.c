/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --wire loop: a cable from the port to itself. It notes how long each frame was on it, from the
 * NIC's sending to its receiving: what a round trip that a program measures must be no less than.
 */
#include <errno.h>
#include <stdlib.h>

#include "hist.h"
#include "wire.h"

static int
loop_open(struct wire *w)
{
	w->priv = calloc(1, sizeof(struct hist));
	return w->priv == NULL ? -ENOMEM : 0;
}

static void
loop_out(struct wire *w, const struct s82_wire_rec *rec, const uint8_t *frame)
{
	uint64_t now = w->ctx.ops->now(&w->ctx);

	/* two processors' counters may differ by a few ticks */
	hist_add(w->priv, now > rec->tsc ? now - rec->tsc : 0);
	w->ctx.ops->lock(&w->ctx);
	wire_give(w, frame, rec->len);
	w->ctx.ops->unlock(&w->ctx);
}

static unsigned int
loop_in(struct wire *w)
{
	(void)w;
	return 0;
}

static int
loop_finish(struct wire *w)
{
	(void)w;
	return 0;
}

static json_t *
loop_json(struct wire *w)
{
	return json_pack("{s:s, s:o}", "mode", "loop", "latency",
		wire_latency_json(w, "wire", w->priv));
}

static void
loop_close(struct wire *w)
{
	free(w->priv);
	w->priv = NULL;
}

const struct wire_ops wire_loop = {
	.open = loop_open, .out = loop_out, .in = loop_in, .finish = loop_finish,
	.json = loop_json, .close = loop_close,
	.one_way = true,	/* both ends are one cable: a frame is hit once */
};
