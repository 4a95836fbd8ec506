/* SPDX-License-Identifier: BSD-3-Clause */
/* --wire loop: a cable from the port to itself. */
#include "wire.h"

static int
loop_open(struct wire *w)
{
	(void)w;
	return 0;
}

static void
loop_out(struct wire *w, const struct s82_wire_rec *rec, const uint8_t *frame)
{
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
	(void)w;
	return json_pack("{s:s}", "mode", "loop");
}

static void
loop_close(struct wire *w)
{
	(void)w;
}

const struct wire_ops wire_loop = {
	.open = loop_open, .out = loop_out, .in = loop_in, .finish = loop_finish,
	.json = loop_json, .close = loop_close,
	.one_way = true,	/* both ends are one cable: a frame is hit once */
};
