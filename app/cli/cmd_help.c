/* SPDX-License-Identifier: BSD-3-Clause */
/* help: the lines that the commands themselves bring */
#include "cli.h"

struct help {
	cmdline_fixed_string_t help;
};

static cmdline_parse_token_string_t t_help = TOKEN_STRING_INITIALIZER(struct help, help, "help");

static void
do_help(void *parsed, struct cmdline *cl, void *data)
{
	(void)parsed;
	(void)data;
	for (cmdline_parse_inst_t *const *c = cli_all(); *c; c++)
		cmdline_printf(cl, "  %s\n", (*c)->help_str);
	cmdline_printf(cl, "Tab completes; ? shows what may follow.\n");
}

static cmdline_parse_inst_t help = {
	.f = do_help, .help_str = "help: this list", .tokens = {(void *)&t_help, NULL}};

cmdline_parse_inst_t *const cmd_help_list[] = {&help, NULL};
