/* SPDX-License-Identifier: BSD-3-Clause */
/* set … */
#include <vfp_parse.h>

#include "../lcores.h"
#include "cli.h"

struct set {
	cmdline_fixed_string_t set;
	cmdline_fixed_string_t what;
	cmdline_fixed_string_t mode;
};

static cmdline_parse_token_string_t t_set = TOKEN_STRING_INITIALIZER(struct set, set, "set");
static cmdline_parse_token_string_t t_fwd = TOKEN_STRING_INITIALIZER(struct set, what, "fwd");
static cmdline_parse_token_string_t t_mode =
	TOKEN_STRING_INITIALIZER(struct set, mode, "io#mac#macswap");

static void
do_fwd(void *parsed, struct cmdline *cl, void *data)
{
	const struct set *s = parsed;
	struct app *app = cli_app();
	struct vfp_err err = {0};
	unsigned int mode;
	int ret = vfp_parse_choice(s->mode, "mode", dp_mode_names, DP_MODES, &mode, &err);

	(void)data;
	pthread_mutex_lock(&app->lock);
	if (ret == 0)
		ret = lcores_set_mode(app, mode, &err);
	pthread_mutex_unlock(&app->lock);
	if (ret < 0)
		cmdline_printf(cl, "%s\n", err.text);
	else
		cmdline_printf(cl, "forwarding mode: %s\n", s->mode);
}

static cmdline_parse_inst_t set_fwd = {.f = do_fwd,
	.help_str = "set fwd io|mac|macswap: for every rule that forwards",
	.tokens = {(void *)&t_set, (void *)&t_fwd, (void *)&t_mode, NULL}};

cmdline_parse_inst_t *const cmd_set_list[] = {&set_fwd, NULL};
