/* SPDX-License-Identifier: BSD-3-Clause */
/* start, stop, quit */
#include "../lcores.h"
#include "cli.h"

struct word {
	cmdline_fixed_string_t word;
	cmdline_fixed_string_t first;
	uint16_t bursts;
};

static cmdline_parse_token_string_t t_start = TOKEN_STRING_INITIALIZER(struct word, word, "start");
static cmdline_parse_token_string_t t_stop = TOKEN_STRING_INITIALIZER(struct word, word, "stop");
static cmdline_parse_token_string_t t_quit = TOKEN_STRING_INITIALIZER(struct word, word, "quit");

/* data: 0, plain; 1, one burst goes first; 2, so many do */
static void
do_start(void *parsed, struct cmdline *cl, void *data)
{
	const uintptr_t how = (uintptr_t)data;
	const uint16_t bursts = how == 2 ? ((const struct word *)parsed)->bursts : how;
	struct app *app = cli_app();
	struct vfp_err err = {0};
	int ret;

	if (app->forwarding) {
		cmdline_printf(cl, "already forwarding; stop ends it\n");
		return;
	}
	pthread_mutex_lock(&app->lock);
	ret = bursts > 0 ? lcores_tx_first(app, bursts, &err) : 0;
	if (ret >= 0)
		ret = lcores_start(app, &err);
	pthread_mutex_unlock(&app->lock);
	cmdline_printf(cl, "%s\n", ret < 0 ? err.text : "forwarding");
}

static void
do_stop(void *parsed, struct cmdline *cl, void *data)
{
	struct app *app = cli_app();

	(void)parsed;
	(void)data;
	if (!app->forwarding) {
		cmdline_printf(cl, "not forwarding; start begins it\n");
		return;
	}
	pthread_mutex_lock(&app->lock);
	lcores_stop(app, false);
	pthread_mutex_unlock(&app->lock);
	cmdline_printf(cl, "stopped; the rings are drained\n");
}

static void
do_quit(void *parsed, struct cmdline *cl, void *data)
{
	(void)parsed;
	(void)data;
	cli_app()->quit = true;
	cmdline_quit(cl);
}

static cmdline_parse_token_string_t t_first =
	TOKEN_STRING_INITIALIZER(struct word, first, "tx_first");
static cmdline_parse_token_num_t t_bursts = TOKEN_NUM_INITIALIZER(struct word, bursts, RTE_UINT16);

static cmdline_parse_inst_t start_first = {.f = do_start,
	.data = (void *)1,
	.help_str = "start tx_first: send a burst by every TX queue first",
	.tokens = {(void *)&t_start, (void *)&t_first, NULL}};
static cmdline_parse_inst_t start_first_n = {.f = do_start,
	.data = (void *)2,
	.help_str = "start tx_first N: N bursts",
	.tokens = {(void *)&t_start, (void *)&t_first, (void *)&t_bursts, NULL}};
static cmdline_parse_inst_t start = {
	.f = do_start, .help_str = "start: begin forwarding", .tokens = {(void *)&t_start, NULL}};
static cmdline_parse_inst_t stop = {.f = do_stop,
	.help_str = "stop: drain and stop forwarding",
	.tokens = {(void *)&t_stop, NULL}};
static cmdline_parse_inst_t quit = {.f = do_quit,
	.help_str = "quit: drain, print totals, end",
	.tokens = {(void *)&t_quit, NULL}};

cmdline_parse_inst_t *const cmd_run_list[] = {&start, &start_first, &start_first_n, &stop, &quit, NULL};
