/* SPDX-License-Identifier: BSD-3-Clause */
/* set … */
#include <string.h>

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
	TOKEN_STRING_INITIALIZER(struct set, mode, CLI_MODES);

enum dp_mode
cli_mode(const char *word)
{
	static const struct {
		const char *word;
		enum dp_mode mode;
	} testpmd[] = {{"icmpecho", DP_ECHO}, {"rxonly", DP_SINK}, {"txonly", DP_SOURCE}};
	unsigned int mode = DP_IO;

	for (size_t i = 0; i < RTE_DIM(testpmd); i++)
		if (strcmp(testpmd[i].word, word) == 0)
			return testpmd[i].mode;
	/* The parser let nothing else through. */
	vfp_parse_choice(word, "mode", dp_mode_names, DP_MODES, &mode, NULL);
	return mode;
}

static void
do_fwd(void *parsed, struct cmdline *cl, void *data)
{
	const struct set *s = parsed;
	struct app *app = cli_app();
	struct vfp_err err = {0};
	int ret;

	(void)data;
	pthread_mutex_lock(&app->lock);
	ret = lcores_set_mode(app, cli_mode(s->mode), &err);
	pthread_mutex_unlock(&app->lock);
	if (ret < 0)
		cmdline_printf(cl, "%s\n", err.text);
	else
		cmdline_printf(cl, "forwarding mode: %s\n", s->mode);
}

static cmdline_parse_inst_t set_fwd = {.f = do_fwd,
	.help_str = "set fwd io|mac|macswap|echo|sink|source, or testpmd's "
		    "icmpecho|rxonly|txonly",
	.tokens = {(void *)&t_set, (void *)&t_fwd, (void *)&t_mode, NULL}};

cmdline_parse_inst_t *const cmd_set_list[] = {&set_fwd, NULL};
