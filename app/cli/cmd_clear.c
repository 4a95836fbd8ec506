/* SPDX-License-Identifier: BSD-3-Clause */
/* clear … : the prompt counts from here on; the report still counts from the start */
#include <string.h>

#include "cli.h"

struct clear {
	cmdline_fixed_string_t clear;
	cmdline_fixed_string_t what;
	cmdline_fixed_string_t kind;
	cmdline_fixed_string_t all;
};

static cmdline_parse_token_string_t t_clear =
	TOKEN_STRING_INITIALIZER(struct clear, clear, "clear");
static cmdline_parse_token_string_t t_port = TOKEN_STRING_INITIALIZER(struct clear, what, "port");
static cmdline_parse_token_string_t t_stats = TOKEN_STRING_INITIALIZER(struct clear, kind, "stats");
static cmdline_parse_token_string_t t_all = TOKEN_STRING_INITIALIZER(struct clear, all, "all");
static cmdline_parse_token_string_t t_latency =
	TOKEN_STRING_INITIALIZER(struct clear, what, "latency");

static void
said(struct cmdline *cl, const char *what, int ret)
{
	cmdline_printf(cl, "%s%s%s\n", what, ret < 0 ? ": failed: " : " cleared",
		ret < 0 ? strerror(-ret) : "");
}

static void
do_stats(void *parsed, struct cmdline *cl, void *data)
{
	struct app *app = cli_app();
	int ret;

	(void)parsed;
	(void)data;
	pthread_mutex_lock(&app->lock);
	ret = view_clear_stats(app);
	pthread_mutex_unlock(&app->lock);
	said(cl, "port stats", ret);
}

static void
do_latency(void *parsed, struct cmdline *cl, void *data)
{
	struct app *app = cli_app();
	int ret;

	(void)parsed;
	(void)data;
	pthread_mutex_lock(&app->lock);
	ret = view_clear_latency(app);
	pthread_mutex_unlock(&app->lock);
	said(cl, "latency", ret);
}

static cmdline_parse_inst_t clear_stats = {.f = do_stats,
	.help_str = "clear port stats all",
	.tokens = {(void *)&t_clear, (void *)&t_port, (void *)&t_stats, (void *)&t_all, NULL}};
static cmdline_parse_inst_t clear_latency = {.f = do_latency,
	.help_str = "clear latency",
	.tokens = {(void *)&t_clear, (void *)&t_latency, NULL}};

cmdline_parse_inst_t *const cmd_clear_list[] = {&clear_stats, &clear_latency, NULL};
