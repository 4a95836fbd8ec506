/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFCTL_H
#define VFCTL_H

/**
 * @file
 * vfctl: what can be known without a NIC, EAL or rights, and what a running vfplane tells. A command has a file of its own and one
 * row in main.c's table.
 */

/** Each takes its own argv (argv[0] is the command's name) and returns an exit code. */
int cmd_bench(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_plot(int argc, char **argv);
int cmd_predict(int argc, char **argv);
int cmd_snapshot(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_top(int argc, char **argv);

/** Say what is wrong and where help is; returns VFP_EXIT_USAGE. */
int ctl_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
