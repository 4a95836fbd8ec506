/* SPDX-License-Identifier: BSD-3-Clause */
/* show …: each is one getter of view.h */
#include <stdio.h>
#include <string.h>

#include "../view.h"
#include "cli.h"

struct show {
	cmdline_fixed_string_t show;
	cmdline_fixed_string_t what;
	cmdline_fixed_string_t kind;
	cmdline_fixed_string_t name;
};

static int
get_ports(const struct view *v, struct vfp_out *o, const char *arg)
{
	(void)arg;
	view_ports(v, o);
	return 0;
}

static int
get_port(const struct view *v, struct vfp_out *o, const char *arg)
{
	return view_port(v, o, arg);
}

static int
get_vf(const struct view *v, struct vfp_out *o, const char *arg)
{
	return view_vf(v, o, arg);
}

static int
get_rss(const struct view *v, struct vfp_out *o, const char *arg)
{
	return view_rss(v, o, arg);
}

static int
get_vfs(const struct view *v, struct vfp_out *o, const char *arg)
{
	(void)arg;
	view_vfs(v, o);
	return 0;
}

static int
get_lcores(const struct view *v, struct vfp_out *o, const char *arg)
{
	(void)arg;
	view_lcores(v, o);
	return 0;
}

static int
get_latency(const struct view *v, struct vfp_out *o, const char *arg)
{
	(void)arg;
	return view_latency(v, o, NULL);
}

static int
get_bringup(const struct view *v, struct vfp_out *o, const char *arg)
{
	(void)arg;
	view_bringup(v, o);
	return 0;
}

static int
get_layout(const struct view *v, struct vfp_out *o, const char *arg)
{
	(void)arg;
	view_layout(v, o);
	return 0;
}

static int
get_drift(const struct view *v, struct vfp_out *o, const char *arg)
{
	(void)arg;
	view_drift(v, o);
	return 0;
}

static const struct {
	const char *word;
	int (*get)(const struct view *v, struct vfp_out *o, const char *arg);
} words[] = {
	{"ports", get_ports},
	{"vfs", get_vfs},
	{"lcores", get_lcores},
	{"latency", get_latency},
	{"bringup", get_bringup},
	{"layout", get_layout},
	{"drift", get_drift},
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
			cli_show(cl, strcmp(s->kind, "rss") == 0 ? get_rss : get_port,
				app->ports[i].name);
		return;
	}
	if (sscanf(name, "%u%n", &id, &end) == 1 && name[end] == '\0') {
		const struct port *p = app_port_by_id(app, id);

		name = p ? p->name : name;
	}
	cli_show(cl, strcmp(s->kind, "rss") == 0 ? get_rss : get_port, name);
}

static void
do_vf(void *parsed, struct cmdline *cl, void *data)
{
	(void)data;
	cli_show(cl, get_vf, ((const struct show *)parsed)->name);
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
