/* SPDX-License-Identifier: BSD-3-Clause */
/* show …: each is one getter of view.h */
#include <stdio.h>
#include <string.h>

#include "cli.h"

struct show {
	cmdline_fixed_string_t show;
	cmdline_fixed_string_t what;
	cmdline_fixed_string_t kind;
	cmdline_fixed_string_t name;
};

static const struct {
	const char *word;
	view_get *get;
} words[] = {
	{"ports", view_ports},
	{"vfs", view_vfs},
	{"lcores", view_lcores},
	{"latency", view_latency},
	{"bringup", view_bringup},
	{"layout", view_layout},
	{"drift", view_drift},
};

static cmdline_parse_token_string_t t_show = TOKEN_STRING_INITIALIZER(struct show, show, "show");
static cmdline_parse_token_string_t t_words = TOKEN_STRING_INITIALIZER(
	struct show, what, "ports#vfs#lcores#latency#bringup#layout#drift");
static cmdline_parse_token_string_t t_port = TOKEN_STRING_INITIALIZER(struct show, what, "port");
static cmdline_parse_token_string_t t_kind =
	TOKEN_STRING_INITIALIZER(struct show, kind, "stats#info#rss");
static cmdline_parse_token_string_t t_vf = TOKEN_STRING_INITIALIZER(struct show, what, "vf");
static cmdline_parse_token_string_t t_name = TOKEN_STRING_INITIALIZER(struct show, name, NULL);

static void
do_words(void *parsed, struct cmdline *cl, void *data)
{
	const struct show *s = parsed;

	(void)data;
	for (size_t i = 0; i < RTE_DIM(words); i++)
		if (strcmp(words[i].word, s->what) == 0)
			cli_show(cl, words[i].get, NULL);
}

/* As testpmd says it: "show port stats 0" or "all"; a port's name works as well as its number. */
static void
do_port(void *parsed, struct cmdline *cl, void *data)
{
	const struct show *s = parsed;
	struct app *app = cli_app();
	const char *name = s->name;
	unsigned int id;
	int end = 0;

	(void)data;
	if (strcmp(name, "all") == 0) {
		for (uint16_t i = 0; i < app->n_ports; i++)
			cli_show(cl, strcmp(s->kind, "rss") == 0 ? view_rss : view_ports,
				app->ports[i].name);
		return;
	}
	if (sscanf(name, "%u%n", &id, &end) == 1 && name[end] == '\0') {
		const struct port *p = app_port_by_id(app, id);

		name = p ? p->name : name;
	}
	cli_show(cl, strcmp(s->kind, "rss") == 0 ? view_rss : view_ports, name);
}

static void
do_vf(void *parsed, struct cmdline *cl, void *data)
{
	(void)data;
	cli_show(cl, view_vf, ((const struct show *)parsed)->name);
}

static cmdline_parse_inst_t show_words = {.f = do_words,
	.help_str = "show ports|vfs|lcores|latency|bringup|layout|drift",
	.tokens = {(void *)&t_show, (void *)&t_words, NULL}};
static cmdline_parse_inst_t show_port = {.f = do_port,
	.help_str = "show port stats|info|rss PORT|NUMBER|all",
	.tokens = {(void *)&t_show, (void *)&t_port, (void *)&t_kind, (void *)&t_name, NULL}};
static cmdline_parse_inst_t show_vf = {.f = do_vf,
	.help_str = "show vf N: its policy, mailbox counts and port",
	.tokens = {(void *)&t_show, (void *)&t_vf, (void *)&t_name, NULL}};

cmdline_parse_inst_t *const cmd_show_list[] = {&show_words, &show_port, &show_vf, NULL};
