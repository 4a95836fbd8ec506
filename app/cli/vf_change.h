/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_VF_CHANGE_H
#define VFPLANE_VF_CHANGE_H

/**
 * @file
 * What the commands that change a VF share. testpmd names the PF by its port number; here its name
 * works as well. Numbers are taken as words, so that a wrong one gets a sentence.
 */

#include "cli.h"

#define CLI_WORDS 10

/** The words of a command, in order. */
struct cli_words {
	cmdline_fixed_string_t w[CLI_WORDS];
};

#define CLI_TOKEN(i, what) TOKEN_STRING_INITIALIZER(struct cli_words, w[i], what)

/** The PF that a word names, by number or name; NULL with a sentence. */
struct pf_dev *cli_pf(const char *word, struct vfp_err *err);

/** Any port, by number or name; NULL with a sentence. */
struct port *cli_port(const char *word, struct vfp_err *err);

/** The number of a VF of that PF: 1, or vf1. */
int cli_vf(const struct pf_dev *pf, const char *word, uint16_t *vf, struct vfp_err *err);

/** "on" or "off", as the parser has seen to. */
bool cli_on(const char *word);

struct cli_change {
	struct pf_dev *pf;
	uint16_t vf;
	bool tenant;
	const struct cli_words *words;
	struct sriov_vf_policy *policy;
	char said[192]; /**< what was changed, for the answer */
};

/**
 * Change one VF's policy: edit() works on a copy, which then goes to the NIC, or nothing does.
 * Prints what happened.
 */
void cli_change(struct cmdline *cl, const struct cli_words *words, const char *pf, const char *vf,
	int (*edit)(struct cli_change *c, struct vfp_err *err));

#endif
