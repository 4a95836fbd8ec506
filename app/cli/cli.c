/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmdline_socket.h>

#include "../view.h"
#include "cli.h"

#define PROMPT	 "vfplane> "
#define MAX_CMDS 64

struct cli {
	struct app *app;
	struct cmdline *cl;
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
		cmd_run_list, cmd_show_list, cmd_clear_list, cmd_set_list, cmd_help_list};
	size_t n = 0;

	for (size_t i = 0; i < RTE_DIM(lists); i++)
		for (size_t k = 0; lists[i][k] && n < MAX_CMDS; k++)
			all[n++] = lists[i][k];
	all[n] = NULL;
}

struct cli *
cli_new(struct app *app)
{
	struct cli *cli = calloc(1, sizeof(*cli));

	if (!cli)
		return NULL;
	cli->app = cli_app_ptr = app;
	join();
	/* A terminal wants raw mode for completion and history; a pipe wants no echo of its input. */
	cli->cl = isatty(STDIN_FILENO) ? cmdline_stdin_new(all, PROMPT)
				       : cmdline_new(all, PROMPT, STDIN_FILENO, STDOUT_FILENO);
	if (!cli->cl) {
		free(cli);
		return NULL;
	}
	return cli;
}

void
cli_feed(struct cli *cli)
{
	char buf[256];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		cli->app->quit = true;
		return;
	}
	for (ssize_t i = 0; i < n && !cli->app->quit; i++)
		if (cmdline_in(cli->cl, &buf[i], 1) < 0)
			cli->app->quit = true;
}

void
cli_free(struct cli *cli)
{
	if (!cli)
		return;
	if (isatty(STDIN_FILENO))
		cmdline_stdin_exit(cli->cl);
	else
		cmdline_free(cli->cl);
	free(cli);
}

int
cli_run_file(struct app *app, const char *path, struct vfp_err *err)
{
	FILE *f = fopen(path, "re");
	unsigned int line = 0, bad = 0;
	struct cmdline *cl;
	char buf[256];

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
		if (buf[start] == '\n' || buf[start] == '#')
			continue;
		if (cmdline_parse(cl, buf) >= 0)
			continue;
		buf[len] = '\0';
		fprintf(stderr, "vfplane: %s:%u: no such command: %s (help lists them)\n", path, line,
			buf + start);
		bad++;
	}
	if (cl)
		cmdline_free(cl);
	fclose(f);
	return bad ? vfp_err_set(err, -EINVAL, "--cmdline-file %s: %u lines are no commands", path, bad)
		   : 0;
}

void
cli_show(struct cmdline *cl, int (*get)(const struct view *v, struct vfp_out *o, const char *arg),
	const char *arg)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct app *app = cli_app();
	struct vfp_out *o = f ? vfp_out_new(VFP_TEXT, f) : NULL;
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
		cmdline_printf(cl, "there is no %s; show ports lists the ports\n", arg ? arg : "such thing");
	else if (ret < 0)
		cmdline_printf(cl, "failed: %s\n", strerror(-ret));
	/* cmdline_printf() cuts long text: line by line. */
	for (char *save, *l = strtok_r(text, "\n", &save); ret == 0 && l; l = strtok_r(NULL, "\n", &save))
		cmdline_printf(cl, "%s\n", l);
	free(text);
}
