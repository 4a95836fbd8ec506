/* SPDX-License-Identifier: BSD-3-Clause */
/* show noise: what took time from the polling lcores, and what helps */
#include "../noise.h"
#include "cli.h"

struct noise {
	cmdline_fixed_string_t show;
	cmdline_fixed_string_t noise;
};

static cmdline_parse_token_string_t t_show = TOKEN_STRING_INITIALIZER(struct noise, show, "show");
static cmdline_parse_token_string_t t_noise =
	TOKEN_STRING_INITIALIZER(struct noise, noise, "noise");

static void
do_show(void *parsed, struct cmdline *cl, void *data)
{
	(void)parsed;
	(void)data;
	cli_show(cl, noise_put, NULL);
}

static cmdline_parse_inst_t show_noise = {.f = do_show,
	.help_str = "show noise: what took time from the polling lcores, and remedies",
	.tokens = {(void *)&t_show, (void *)&t_noise, NULL}};

cmdline_parse_inst_t *const cmd_noise_list[] = {&show_noise, NULL};
