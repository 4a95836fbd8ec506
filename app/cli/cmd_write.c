/* SPDX-License-Identifier: BSD-3-Clause */
/* write latency DIR: histograms as files, while it runs */
#include "../series.h"
#include "cli.h"

struct write {
	cmdline_fixed_string_t write;
	cmdline_fixed_string_t what;
	cmdline_fixed_string_t dir;
};

static cmdline_parse_token_string_t t_write =
	TOKEN_STRING_INITIALIZER(struct write, write, "write");
static cmdline_parse_token_string_t t_latency =
	TOKEN_STRING_INITIALIZER(struct write, what, "latency");
static cmdline_parse_token_string_t t_dir = TOKEN_STRING_INITIALIZER(struct write, dir, NULL);

static void
do_write(void *parsed, struct cmdline *cl, void *data)
{
	const struct write *w = parsed;
	struct vfp_err err = {0};
	int n;

	(void)data;
	series_take(cli_app());
	n = series_write(cli_app(), w->dir, &err);
	if (n < 0)
		cmdline_printf(cl, "%s\n", err.text);
	else
		cmdline_printf(cl, "%d histograms in %s: .hgrm, .csv, .hlog\n", n, w->dir);
}

static cmdline_parse_inst_t write_latency = {.f = do_write,
	.help_str = "write latency DIR: histograms for HdrHistogram's tools",
	.tokens = {(void *)&t_write, (void *)&t_latency, (void *)&t_dir, NULL}};

cmdline_parse_inst_t *const cmd_write_list[] = {&write_latency, NULL};
