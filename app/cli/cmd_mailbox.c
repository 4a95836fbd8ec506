/* SPDX-License-Identifier: BSD-3-Clause */
/* show mailbox [vf N] [last N] [json], follow mailbox, record mailbox FILE|off, show learn N */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../mailbox.h"
#include "cli.h"

struct ask {
	cmdline_fixed_string_t verb;
	cmdline_fixed_string_t noun;
	cmdline_fixed_string_t vf_word;
	uint16_t vf;
	cmdline_fixed_string_t last_word;
	uint32_t last;
	cmdline_fixed_string_t file;
};

static struct mailbox_ask asked;

static int
get_mailbox(const struct view *v, struct vfp_out *o, const char *arg)
{
	(void)arg;
	view_mailbox_of(v, o, &asked);
	return 0;
}

/* data: bit 0, a VF is named; bit 1, a number of rows is; bit 2, JSON. */
static void
do_show(void *parsed, struct cmdline *cl, void *data)
{
	const struct ask *a = parsed;
	const uintptr_t given = (uintptr_t)data;

	asked.vf = given & 1 ? a->vf : -1;
	asked.last = given & 2 ? a->last : 0;
	cli_show_as(cl, given & 4 ? VFP_JSON : VFP_TEXT, get_mailbox, NULL);
}

static void
do_follow(void *parsed, struct cmdline *cl, void *data)
{
	const struct ask *a = parsed;

	if (data)
		mailbox_follow(cli_app(), a->vf);
	else
		mailbox_follow(cli_app(), strcmp(a->file, "on") == 0 ? MAILBOX_FOLLOW_ALL
								     : MAILBOX_FOLLOW_NONE);
	cmdline_printf(cl, !data && strcmp(a->file, "off") == 0 ? "no longer followed\n"
								 : "told each second\n");
}

static void
do_record(void *parsed, struct cmdline *cl, void *data)
{
	const struct ask *a = parsed;
	const bool off = strcmp(a->file, "off") == 0;
	struct vfp_err err = {0};

	(void)data;
	if (mailbox_record(cli_app(), off ? NULL : a->file, &err) < 0)
		cmdline_printf(cl, "%s\n", err.text);
	else
		cmdline_printf(cl, off ? "recording ended\n" : "recording to %s\n", a->file);
}

static void
do_learn(void *parsed, struct cmdline *cl, void *data)
{
	const struct ask *a = parsed;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int ret = f ? mailbox_learned(cli_app(), a->vf, f) : -1;

	(void)data;
	if (f)
		fclose(f);
	if (ret < 0)
		cmdline_printf(cl, "there is no VF %u\n", a->vf);
	for (char *save, *l = strtok_r(text, "\n", &save); ret == 0 && l;
		l = strtok_r(NULL, "\n", &save))
		cmdline_printf(cl, "%s\n", l);
	free(text);
}

static cmdline_parse_token_string_t t_show = TOKEN_STRING_INITIALIZER(struct ask, verb, "show");
static cmdline_parse_token_string_t t_record = TOKEN_STRING_INITIALIZER(struct ask, verb, "record");
static cmdline_parse_token_string_t t_mailbox =
	TOKEN_STRING_INITIALIZER(struct ask, noun, "mailbox");
static cmdline_parse_token_string_t t_learn = TOKEN_STRING_INITIALIZER(struct ask, noun, "learn");
static cmdline_parse_token_string_t t_vf_word = TOKEN_STRING_INITIALIZER(struct ask, vf_word, "vf");
static cmdline_parse_token_num_t t_vf = TOKEN_NUM_INITIALIZER(struct ask, vf, RTE_UINT16);
static cmdline_parse_token_string_t t_last_word =
	TOKEN_STRING_INITIALIZER(struct ask, last_word, "last");
static cmdline_parse_token_num_t t_last = TOKEN_NUM_INITIALIZER(struct ask, last, RTE_UINT32);
static cmdline_parse_token_string_t t_follow = TOKEN_STRING_INITIALIZER(struct ask, verb, "follow");
static cmdline_parse_token_string_t t_on_off =
	TOKEN_STRING_INITIALIZER(struct ask, file, "on#off");
static cmdline_parse_token_string_t t_json = TOKEN_STRING_INITIALIZER(struct ask, file, "json");
static cmdline_parse_token_string_t t_file = TOKEN_STRING_INITIALIZER(struct ask, file, NULL);

static cmdline_parse_inst_t show_all = {.f = do_show,
	.help_str = "show mailbox: what VFs asked, and the answers",
	.tokens = {(void *)&t_show, (void *)&t_mailbox, NULL}};
static cmdline_parse_inst_t show_of_vf = {.f = do_show,
	.data = (void *)1,
	.help_str = "show mailbox vf N",
	.tokens = {(void *)&t_show, (void *)&t_mailbox, (void *)&t_vf_word, (void *)&t_vf, NULL}};
static cmdline_parse_inst_t show_last = {.f = do_show,
	.data = (void *)2,
	.help_str = "show mailbox last N",
	.tokens = {(void *)&t_show, (void *)&t_mailbox, (void *)&t_last_word, (void *)&t_last, NULL}};
static cmdline_parse_inst_t show_of_vf_last = {.f = do_show,
	.data = (void *)3,
	.help_str = "show mailbox vf N last N",
	.tokens = {(void *)&t_show, (void *)&t_mailbox, (void *)&t_vf_word, (void *)&t_vf,
		(void *)&t_last_word, (void *)&t_last, NULL}};
static cmdline_parse_inst_t show_json = {.f = do_show,
	.data = (void *)4,
	.help_str = "show mailbox json",
	.tokens = {(void *)&t_show, (void *)&t_mailbox, (void *)&t_json, NULL}};
static cmdline_parse_inst_t show_of_vf_json = {.f = do_show,
	.data = (void *)5,
	.help_str = "show mailbox vf N json",
	.tokens = {(void *)&t_show, (void *)&t_mailbox, (void *)&t_vf_word, (void *)&t_vf,
		(void *)&t_json, NULL}};
static cmdline_parse_inst_t follow = {.f = do_follow,
	.help_str = "follow mailbox on|off: what VFs ask, each second",
	.tokens = {(void *)&t_follow, (void *)&t_mailbox, (void *)&t_on_off, NULL}};
static cmdline_parse_inst_t follow_vf = {.f = do_follow,
	.data = (void *)1,
	.help_str = "follow mailbox vf N",
	.tokens = {(void *)&t_follow, (void *)&t_mailbox, (void *)&t_vf_word, (void *)&t_vf, NULL}};
static cmdline_parse_inst_t record_to = {.f = do_record,
	.help_str = "record mailbox FILE|off: one line of JSON a message, for vfctl replay",
	.tokens = {(void *)&t_record, (void *)&t_mailbox, (void *)&t_file, NULL}};
static cmdline_parse_inst_t show_learn = {.f = do_learn,
	.help_str = "show learn N: the configuration that allows what VF N asked for",
	.tokens = {(void *)&t_show, (void *)&t_learn, (void *)&t_vf, NULL}};

cmdline_parse_inst_t *const cmd_mailbox_list[] = {&show_all, &show_of_vf, &show_last,
	&show_of_vf_last, &show_json, &show_of_vf_json, &follow, &follow_vf, &record_to, &show_learn, NULL};
