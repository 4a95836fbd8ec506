/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <vfp_err.h>
#include <vfp_out.h>

#include "card.h"
#include "ctl.h"
#include "explain.h"
#include "version.h"

static const struct {
	const char *name;
	const char *args;
	const char *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"plan", "--vfs N | --pools N [--queues N] [--rss yes|no] [--vlans N] [--dcb 4|8] [--json] | "
		"--config FILE [--json]",
		"pools and queues for so many VFs, or why not", cmd_plan},
	{"predict", "CARD [--packets N] [--top N] [--measured REPORT] [--json] FILE.pcap",
		"where the packets of a capture go: spread, heaviest flows, or nowhere and why",
		cmd_predict},
	{"snapshot", "[-o FILE] [DEV...]",
		"what sysfs says of devices now: driver, config space, group, IRQs, interfaces, VFs",
		cmd_snapshot},
	{"diff", "[--json] BEFORE AFTER", "what changed between two snapshots, and what that means",
		cmd_diff},
	{"replay", "--config FILE [--vf N] [--all] [--json] RECORDING|-",
		"what the policy of FILE would have answered to messages that record mailbox kept",
		cmd_replay},
	{"explain", "CARD [--from wire|VF] [--json] FILE.pcap |\n      " EXPLAIN_WORDS,
		"the way of one frame, or of each of a capture: pool, queue, and what decided",
		cmd_explain},
	{"show", "[--prefix NAME | --socket PATH] [--json] ports [PORT] | vfs | vf PORT | rss PORT | "
		"latency [RULE] | lcores | mailbox | noise | drift",
		"what a running vfplane says", cmd_show},
	{"top", "[--prefix NAME | --socket PATH] [--interval S] [--count N]",
		"its rates, load and latency, again and again", cmd_top},
	{"compare", "[--name RULE] [--kind KIND] [--warmup N] [--allow FACT] [--seed N] "
		"[--resamples N] [--json] RUN[,RUN...] RUN[,RUN...] ...",
		"is one faster: reports of vfplane or outputs of ping; refuses what is no comparison",
		cmd_compare},
	{"bench", "throughput --trial COMMAND [--sizes 64,...,1518] [--losses 0,0.5] [--repeats N] "
		"[--trial-time S] [--short-time S] [--precision PERCENT] [--min-rate PPS] [--max-rate PPS] "
		"[--link-mbit N] [--journal FILE] [--json FILE]",
		"the highest rate without loss; COMMAND runs one trial (docs/measuring.md)", cmd_bench},
	{"plot", "-o FILE.png|FILE.svg [--title TEXT] [--name RULE] [--kind KIND] [--script] "
		"percentiles RUN... | time REPORT | load SEARCH | queues REPORT",
		"a picture, by gnuplot", cmd_plot},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static bool
takes_card(const char *args)
{
	return strncmp(args, "CARD", 4) == 0;
}

static void
help(FILE *to)
{
	struct vfp_out *o = vfp_out_new(VFP_TEXT, to);

	vfp_out_note(o, "usage: vfctl COMMAND [OPTIONS]\n");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		vfp_out_note(o, "%s: %s", commands[i].name, commands[i].help);
		vfp_out_note(o, "  vfctl %s %s", commands[i].name, commands[i].args);
	}
	vfp_out_note(o, "--help, --version\n\n" CARD_USAGE);
	vfp_out_note(o, "Needs no NIC, no EAL and no rights; show and top ask a vfplane that you run.");
	vfp_out_end(o);
}

int
ctl_usage(const char *command, const char *fmt, ...)
{
	struct vfp_out *o = vfp_out_new(VFP_TEXT, stderr);
	va_list ap;

	fprintf(stderr, "vfctl %s: ", command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, command) != 0)
			continue;
		vfp_out_note(o, "usage: vfctl %s %s", commands[i].name, commands[i].args);
		if (takes_card(commands[i].args))
			vfp_out_note(o, CARD_USAGE);
	}
	vfp_out_end(o);
	return VFP_EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		help(stdout);
		return VFP_EXIT_OK;
	}
	if (strcmp(name, "--version") == 0) {
		printf("vfctl %s\n", VFPLANE_VERSION);
		return VFP_EXIT_OK;
	}
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "vfctl: %s%s\n", name[0] ? "no such command: " : "which command?", name);
	help(stderr);
	return VFP_EXIT_USAGE;
}
