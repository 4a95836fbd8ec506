/* SPDX-License-Identifier: BSD-3-Clause */
/* rdline_new() has carried this mark since DPDK 21.11, without a change. */
#define ALLOW_EXPERIMENTAL_API
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <bsd/string.h>

#include <cmdline_rdline.h>

#include "cli.h"

#define PROMPT   "vfplane> "
#define MAX_CMDS 128

struct cli {
	struct app *app;
	struct cmdline *cl;
	struct rdline *rdl;
	bool is_tty;
	struct termios saved;
};

/* rte_cmdline hands a command's function no context of ours. */
static struct app *cli_app_ptr;
static cmdline_parse_inst_t *all[MAX_CMDS + 1];

struct app *
cli_app(void)
{
	return cli_app_ptr;
}

cmdline_parse_inst_t *const *
cli_all(void)
{
	return all;
}

static void
join(void)
{
	cmdline_parse_inst_t *const *lists[] = {
		cmd_run_list, cmd_show_list, cmd_rules_list, cmd_mailbox_list, cmd_noise_list,
		cmd_clear_list, cmd_set_list, cmd_vf_list, cmd_filter_list, cmd_port_list,
		cmd_rss_list, cmd_explain_list, cmd_write_list, cmd_help_list};
	size_t n = 0;

	for (size_t i = 0; i < RTE_DIM(lists); i++)
		for (size_t k = 0; lists[i][k] && n < MAX_CMDS; k++)
			all[n++] = lists[i][k];
	all[n] = NULL;
}

/* Is a typed word what a word of a help line stands for: one of a|b, or a NAME in capitals? */
static bool
word_fits(const char *help, size_t help_len, const char *word, size_t len)
{
	for (const char *one = help; one < help + help_len;) {
		size_t n = strcspn(one, "| :\n");

		if ((*one >= 'A' && *one <= 'Z') || (n == len && strncmp(one, word, len) == 0))
			return true;
		one += n + 1;
	}
	return false;
}

/* How many words of a line a help line begins with. */
static unsigned int
words_fit(const char *help, const char *line)
{
	unsigned int n = 0;

	for (;;) {
		size_t h = strcspn(help, " :\n"), l = strcspn(line, " \t\r\n");

		if (h == 0 || l == 0 || !word_fits(help, h, line, l))
			return n;
		n++;
		help += h + strspn(help + h, " ");
		line += l + strspn(line + l, " \t");
	}
}

/* The commands that begin with most of the words typed: what a person probably meant. */
static void
explain(const char *line, char *why, size_t len)
{
	unsigned int most = 1;
	bool any = false;

	snprintf(why, len, "no such command: %.*s", (int)strcspn(line, "\r\n"), line);
	for (size_t i = 0; all[i]; i++)
		most = RTE_MAX(most, words_fit(all[i]->help_str, line));
	for (size_t i = 0; all[i]; i++) {
		if (words_fit(all[i]->help_str, line) < most)
			continue;
		strlcat(why, any ? "\n  " : "; there is\n  ", len);
		strlcat(why, all[i]->help_str, len);
		any = true;
	}
	if (!any)
		strlcat(why, "; help lists them all", len);
}

/* cmdline_printf() cuts long text: line by line. `text` is taken apart. */
static void
print_lines(struct cmdline *cl, char *text)
{
	for (char *l; (l = strsep(&text, "\n")) != NULL && (text || *l);)
		cmdline_printf(cl, "%s\n", l);
}

static void
on_line(struct rdline *rdl, const char *buf, unsigned int size)
{
	struct cli *cli = rdline_get_opaque(rdl);
	char why[1024];

	(void)size;
	if (buf[strspn(buf, " \t\r\n")] == '\0')
		return;
	if (cmdline_parse(cli->cl, buf) >= 0)
		return;
	explain(buf + strspn(buf, " \t"), why, sizeof(why));
	print_lines(cli->cl, why);
}

static int
on_complete(struct rdline *rdl, const char *buf, char *dst, unsigned int size, int *state)
{
	struct cli *cli = rdline_get_opaque(rdl);

	return cmdline_complete(cli->cl, buf, state, dst, size);
}

static int
on_char(struct rdline *rdl, char c)
{
	(void)rdl;
	return write(STDOUT_FILENO, &c, 1) == 1 ? 0 : -1;
}

/* A terminal must hand over each key, for completion and history; a pipe is left as it is. */
static void
raw_mode(struct cli *cli)
{
	struct termios raw;

	cli->is_tty = tcgetattr(STDIN_FILENO, &cli->saved) == 0;
	if (!cli->is_tty)
		return;
	raw = cli->saved;
	raw.c_lflag &= ~(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

struct cli *
cli_new(struct app *app)
{
	struct cli *cli = calloc(1, sizeof(*cli));

	if (!cli)
		return NULL;
	cli->app = cli_app_ptr = app;
	join();
	/* Its parser and printer; an rdline of our own edits, so that errors can be ours. */
	cli->cl = cmdline_new(all, "", -1, STDOUT_FILENO);
	cli->rdl = cli->cl ? rdline_new(on_char, on_line, on_complete, cli) : NULL;
	if (!cli->rdl) {
		cli_free(cli);
		return NULL;
	}
	raw_mode(cli);
	rdline_newline(cli->rdl, PROMPT);
	return cli;
}

static void
feed_char(struct cli *cli, char c)
{
	int ret = rdline_char_in(cli->rdl, c);
	const char *line, *last;

	if (ret == RDLINE_RES_EOF || ret == RDLINE_RES_EXITED)
		cli->app->quit = true;
	if (ret != RDLINE_RES_VALIDATED || cli->app->quit)
		return;
	line = rdline_get_buffer(cli->rdl);
	last = rdline_get_history_item(cli->rdl, 0);
	if (strlen(line) > 1 && (!last || strncmp(line, last, strlen(last)) != 0))
		rdline_add_history(cli->rdl, line);
	rdline_newline(cli->rdl, PROMPT);
}

void
cli_feed(struct cli *cli)
{
	char buf[256];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		cli->app->quit = true;
	for (ssize_t i = 0; i < n && !cli->app->quit; i++)
		feed_char(cli, buf[i]);
}

void
cli_free(struct cli *cli)
{
	if (!cli)
		return;
	if (cli->is_tty)
		tcsetattr(STDIN_FILENO, TCSANOW, &cli->saved);
	rdline_free(cli->rdl);
	if (cli->cl)
		cmdline_free(cli->cl);
	free(cli);
}

int
cli_run_file(struct app *app, const char *path, struct vfp_err *err)
{
	FILE *f = fopen(path, "re");
	unsigned int line = 0, bad = 0;
	struct cmdline *cl;
	char buf[256], why[1024];

	if (!f)
		return vfp_err_set(err, -errno, "--cmdline-file %s: %s", path, strerror(errno));
	cli_app_ptr = app;
	join();
	fflush(app->say);
	/* Commands need a place for their output, and the parser wants an end of line. */
	cl = cmdline_new(all, "", -1, fileno(app->say));
	while (cl && !app->quit && fgets(buf, sizeof(buf) - 1, f)) {
		size_t len = strcspn(buf, "\r\n"), start = strspn(buf, " \t");

		line++;
		buf[len] = '\n';
		buf[len + 1] = '\0';
		if (buf[start] == '\n' || buf[start] == '#' || cmdline_parse(cl, buf) >= 0)
			continue;
		explain(buf + start, why, sizeof(why));
		fprintf(stderr, "vfplane: %s:%u: %s\n", path, line, why);
		bad++;
	}
	if (cl)
		cmdline_free(cl);
	fclose(f);
	return bad ? vfp_err_set(
			     err, -EINVAL, "--cmdline-file %s: %u lines are no commands", path, bad)
		   : 0;
}

void
cli_show(struct cmdline *cl, view_get *get, const char *arg)
{
	cli_show_as(cl, VFP_TEXT, get, arg);
}

void
cli_show_as(struct cmdline *cl, enum vfp_format format, view_get *get, const char *arg)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct app *app = cli_app();
	struct vfp_out *o = f ? vfp_out_new(format, f) : NULL;
	struct view v;
	int ret = -ENOMEM;

	pthread_mutex_lock(&app->lock);
	if (o && view_take(app, VIEW_CLEAR, &v) == 0) {
		ret = get(&v, o, arg);
		view_free(&v);
	}
	pthread_mutex_unlock(&app->lock);
	if (o)
		vfp_out_end(o);
	if (f)
		fclose(f);
	if (ret == -ENOENT)
		cmdline_printf(cl, "there is no %s; show ports lists the ports\n",
			arg ? arg : "such thing");
	else if (ret < 0)
		cmdline_printf(cl, "failed: %s\n", strerror(-ret));
	else if (text)
		print_lines(cl, text + strspn(text, "\n"));
	free(text);
}
