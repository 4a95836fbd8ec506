/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_ARGS_H
#define VFPLANE_ARGS_H

/**
 * @file
 * The command line: what is EAL's, what is ours, and which devices `-a` names.
 * No EAL is needed; --help, --version and --check end before it starts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARGS_MAX_ALLOW 80
#define ARGS_ERR_LEN   256

/** A device named by -a in any of its spellings. */
struct args_allow {
	char bdf[16];      /**< 0000:03:00.1, with the domain */
	char devargs[128]; /**< what followed the first comma, or "" */
};

struct args {
	bool help;
	bool version;
	bool check;
	bool interactive;
	const char *config;       /**< NULL: forward between the ports in pairs */
	const char *json;         /**< report file, "-" for stdout */
	const char *hist_dir;     /**< folder for histograms at the end */
	const char *cmdline_file; /**< commands to run before the prompt or the run */
	uint32_t run_seconds;     /**< 0: until a signal or quit */
	uint32_t stats_period;    /**< 0: no live tables */

	/** EAL's argv without -a; NULL-terminated; argv[0] is the program. */
	int eal_argc;
	const char **eal_argv;
	bool eal_iova_mode; /**< the user said which IOVA mode */
	bool eal_vf_token;  /**< the user gave a VF token */
	bool eal_vdev;      /**< at least one --vdev */
	uint16_t n_allow;
	struct args_allow allow[ARGS_MAX_ALLOW];
};

/**
 * Split and parse a command line.
 *
 * Everything before "--" is EAL's, everything behind it ours. Without "--", a line that holds
 * --help, --version or --check is ours as a whole, since those end before EAL starts.
 *
 * @param err  a sentence when the return is negative; ARGS_ERR_LEN bytes.
 * @return 0, -EINVAL (err says why and what is allowed), -ENOMEM. Free with args_free().
 */
int args_parse(int argc, char **argv, struct args *a, char *err);

/** Append one argument to EAL's argv (copied). 0 or -ENOMEM. */
int args_eal_append(struct args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void args_free(struct args *a);

/** Print the help text, made from the option table. */
void args_help(void);

#endif
