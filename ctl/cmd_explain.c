/* SPDX-License-Identifier: BSD-3-Clause */
/* vfctl explain: the way of one frame, or of each frame of a capture, with what decided, offline */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <rss_pred.h>
#include <vfp_parse.h>

#include "card.h"
#include "ctl.h"
#include "explain.h"

static unsigned int
queues(void *arg, unsigned int pool)
{
	return card_queues(arg, pool);
}

static void
name(void *arg, unsigned int pool, char text[CFG_NAME])
{
	card_pool_name(arg, pool, text);
}

/* The configuration says who polls a queue only where an lcore section names it. */
static void
queue(void *arg, unsigned int pool, unsigned int q, struct explain_queue *out)
{
	const struct card *card = arg;
	const struct config *c = &card->conf;
	const struct cfg_vf_sec *vf = config_vf(c, 0, pool);
	char port[CFG_NAME];

	card_pool_name(card, pool, port);
	for (uint32_t l = 0; l < c->n_lcore; l++)
		for (uint32_t i = 0; i < c->lcore[l].n_queues; i++)
			if (c->lcore[l].queues[i].queue == q &&
				strcmp(c->lcore[l].queues[i].port, port) == 0)
				out->lcore = c->lcore[l].id;
	if (pool != card->steer.layout.pf_pool && vf && vf->owner == CFG_OWNER_TENANT)
		snprintf(out->then, sizeof(out->then), "a tenant's");
	for (uint32_t i = 0; i < c->n_forward; i++) {
		const struct cfg_forward *f = &c->forward[i];
		const char *to = strcmp(f->from, port) == 0 ? f->to
				 : f->both && strcmp(f->to, port) == 0 ? f->from
								       : NULL;

		if (to)
			snprintf(out->then, sizeof(out->then), "%.31s: %s%s%.31s", f->name,
				config_mode_name(f->mode), to[0] ? " to " : "", to);
	}
}

static int
each_frame(void *arg, const uint8_t *frame, size_t len)
{
	char line[1024];

	puts(explain_line(arg, frame, len, line, sizeof(line)));
	return 0;
}

struct request {
	struct card card;
	int from;
	bool json;
	const char *file;
	int n;
	char **words;
};

static int
read_from(struct request *r, const char *arg, struct vfp_err *err)
{
	uint32_t vf;
	int ret;

	r->from = -1;
	if (strcmp(arg, "wire") == 0)
		return 0;
	ret = vfp_parse_u32(strncmp(arg, "vf", 2) == 0 ? arg + 2 : arg, "--from: wire, or a VF", 0,
		SRIOV_MAX_VFS - 1, &vf, err);
	if (ret == 0)
		r->from = vf;
	return ret;
}

static int
read_options(int argc, char **argv, struct request *r, struct vfp_err *err)
{
	static const struct option options[] = {
		CARD_OPTIONS,
		{"from", required_argument, NULL, 'o'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	int c, ret = 0;

	while (ret == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		ret = card_option(&r->card, c, optarg, err);
		if (ret <= 0)
			continue;
		ret = 0;
		if (c == 'o')
			ret = read_from(r, optarg, err);
		else if (c == 'j')
			r->json = true;
		else
			ret = vfp_err_set(err, -EINVAL, "see above");
	}
	if (ret < 0)
		return ret;
	r->n = argc - optind;
	r->words = argv + optind;
	if (!r->card.have_config || r->n == 0)
		return vfp_err_set(err, -EINVAL, "needs --config FILE and a frame or a capture");
	if (r->n == 1)
		r->file = r->words[0];
	ret = card_solve(&r->card, err);
	if (ret == 0 && r->from >= (int)r->card.steer.layout.n_vfs)
		ret = vfp_err_set(err, -ERANGE, "--from vf%d: there are %u VFs", r->from,
			r->card.steer.layout.n_vfs);
	return ret;
}

static int
one_frame(const struct request *r, const struct explain *x)
{
	static const uint8_t any[6] = {0x02, 0, 0, 0, 0, 0xfe};
	struct vfp_err err = {0};
	struct vfp_out *o;
	uint8_t frame[2048];
	int len = explain_parse(r->n, (const char *const *)r->words,
		r->from >= 0 ? r->card.steer.vf[r->from].mac : any, frame, sizeof(frame), &err);

	if (len < 0)
		return ctl_usage("explain", "%s", err.text);
	o = vfp_out_new(r->json ? VFP_JSON : VFP_TEXT, stdout);
	vfp_out_str(o, "schema", "vfctl.explain/1");
	explain_frame(x, frame, len, o);
	return vfp_out_end(o) < 0 ? VFP_EXIT_DEVICE : VFP_EXIT_OK;
}

int
cmd_explain(int argc, char **argv)
{
	static struct request r = {.card.vfs = UINT32_MAX, .from = -1};
	struct explain x = {.steer = &r.card.steer, .oracle = &r.card.oracle, .arg = &r.card,
		.queues = queues, .name = name, .queue = queue};
	struct vfp_err err = {0};

	if (read_options(argc, argv, &r, &err) < 0)
		return ctl_usage("explain", "%s", err.text);
	x.from = r.from;
	if (!r.file)
		return one_frame(&r, &x);
	if (rss_pred_walk(r.file, 0, each_frame, &x, &err) < 0) {
		fprintf(stderr, "vfctl explain: %s\n", err.text);
		return VFP_EXIT_USAGE;
	}
	return fflush(stdout) == 0 ? VFP_EXIT_OK : VFP_EXIT_DEVICE;
}
