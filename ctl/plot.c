/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plot.h"

extern char **environ;

static bool
ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text), e = strlen(end);

	return n > e && strcmp(text + n - e, end) == 0;
}

void
plot_quote(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', to);
		if (*text == '\n')
			fputs("\\n", to);
		else
			fputc(*text, to);
	}
	fputc('"', to);
}

const char *
plot_time_unit(double max_ns, double *divide)
{
	*divide = max_ns < 5e3 ? 1 : max_ns < 5e6 ? 1e3 : max_ns < 5e9 ? 1e6 : 1e9;
	return *divide == 1 ? "ns" : *divide == 1e3 ? "us" : *divide == 1e6 ? "ms" : "s";
}

void
plot_log_times(FILE *to)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	double ns = 1;

	fputs("set logscale y 10\nset ytics (", to);
	for (int decade = 0; decade <= 11; decade++, ns *= 10)
		fprintf(to, "%s'%.0f %s' %.0f", decade ? ", " : "", pow(10, decade % 3),
			units[decade / 3], ns);
	fputs(")\n", to);
}

/* Okabe and Ito's palette (2008), the yellow left out: it is pale on white. */
const char *
plot_style(unsigned int n)
{
	static const char *const styles[] = {"lc rgb '#0072B2'", "lc rgb '#D55E00'",
		"lc rgb '#009E73'", "lc rgb '#CC79A7'", "lc rgb '#56B4E9'", "lc rgb '#E69F00'",
		"lc rgb '#000000'"};

	return styles[n % (sizeof(styles) / sizeof(styles[0]))];
}

int
plot_begin(struct plot *p, const char *output, bool script, const char *title, const char *caption,
	struct vfp_err *err)
{
	const bool png = ends_with(output, ".png");

	*p = (struct plot){.output = output, .script = script};
	if (!png && !ends_with(output, ".svg"))
		return vfp_err_set(
			err, -EINVAL, "%s: allowed are names that end in .png or .svg", output);
	p->to = open_memstream(&p->text, &p->len);
	if (!p->to)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	if (png)
		fputs("set terminal pngcairo size 1200,720 font 'sans,13' noenhanced\n", p->to);
	else
		fputs("set terminal svg size 1200,720 font 'sans,13' noenhanced\n", p->to);
	fputs("set output ", p->to);
	plot_quote(p->to, output);
	fputs("\nset title ", p->to);
	plot_quote(p->to, title);
	fputs(" font 'sans,16'\n"
	      "set border 3 lc rgb '#606060'\n"
	      "set tics nomirror textcolor rgb '#303030'\n"
	      "set grid lc rgb '#d8d8d8' lw 1\n"
	      "set lmargin screen 0.085\n"
	      "set rmargin screen 0.955\n"
	      "set tmargin screen 0.87\n"
	      "set bmargin screen 0.17\n"
	      "set key at graph 1, 1.065 right horizontal\n"
	      "set title offset 0, 1.4\n"
	      "set label ",
		p->to);
	plot_quote(p->to, caption);
	fputs(" at screen 0.015,0.035 left font 'sans,11' textcolor rgb '#505050'\n", p->to);
	return 0;
}

/* gnuplot reads the script from its standard input. */
static int
run_gnuplot(const struct plot *p, struct vfp_err *err)
{
	char *const argv[] = {"gnuplot", "-", NULL};
	posix_spawn_file_actions_t actions;
	int fd[2], ret, status = 0;
	FILE *pipe_in;
	pid_t pid;

	if (pipe(fd) < 0)
		return vfp_err_set(err, -errno, "pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd[0], STDIN_FILENO);
	posix_spawn_file_actions_addclose(&actions, fd[0]);
	posix_spawn_file_actions_addclose(&actions, fd[1]);
	ret = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fd[0]);
	pipe_in = fdopen(fd[1], "w");
	if (ret == 0 && pipe_in)
		fwrite(p->text, 1, p->len, pipe_in);
	if (pipe_in)
		fclose(pipe_in);
	else
		close(fd[1]);
	if (ret != 0)
		return vfp_err_set(err, -ret,
			"gnuplot: %s; apt-get install gnuplot-nox, or take the script: --script",
			strerror(ret));
	if (waitpid(pid, &status, 0) < 0 || status != 0)
		return vfp_err_set(
			err, -EIO, "gnuplot could not draw %s; its words are above", p->output);
	return 0;
}

int
plot_end(struct plot *p, struct vfp_err *err)
{
	int ret = fclose(p->to) == 0 ? 0 : vfp_err_set(err, -ENOMEM, "out of memory");

	if (ret == 0 && p->script)
		fwrite(p->text, 1, p->len, stdout);
	else if (ret == 0)
		ret = run_gnuplot(p, err);
	free(p->text);
	return ret;
}
