/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFCTL_CARD_H
#define VFCTL_CARD_H

/**
 * @file
 * The card as a configuration describes it, for the commands that predict: how pools are cut, who
 * has which address, and the RSS setting. The options that change it are the same for all of them.
 */

#include <rss_oracle.h>
#include <sriov_steer.h>
#include <vfp_err.h>

#include "config.h"

#define CARD_POOLS (SRIOV_MAX_VFS + 1)

struct card {
	/* what was asked */
	struct config conf;
	bool have_config;
	uint32_t vfs;	  /**< UINT32_MAX: as many as the configuration names */
	uint32_t queues;  /**< of a pool; 0: as the configuration says */
	uint32_t granted; /**< of a VF; 0: all of its pool's */
	uint32_t pf_rxq;  /**< of the PF; 0: as many as a pool has */
	uint8_t pf_mac[6];
	const char *key, *fields, *reta; /**< NULL: as the configuration says */

	/* what follows */
	struct sriov_steer steer;
	struct rss_oracle oracle;
};

#define CARD_OPTIONS                                                                               \
	{"config", required_argument, NULL, 'c'}, {"vfs", required_argument, NULL, 'v'},           \
		{"queues", required_argument, NULL, 'q'},                                          \
		{"granted", required_argument, NULL, 'g'},                                         \
		{"pf-rxq", required_argument, NULL, 'x'},                                          \
		{"pf-mac", required_argument, NULL, 'm'}, {"key", required_argument, NULL, 'k'},   \
		{"fields", required_argument, NULL, 'f'}, {"reta", required_argument, NULL, 't'}
#define CARD_USAGE                                                                                 \
	"CARD is: --config FILE [--vfs N] [--queues 2|4] [--granted N] [--pf-rxq N]\n"             \
	"         [--pf-mac MAC] [--key KEY] [--fields F,F] [--reta TABLE]\n"

/** Take one option of getopt_long(). 1: it is none of the card's; 0; -errno with a sentence. */
int card_option(struct card *card, int c, const char *arg, struct vfp_err *err);

/** Work out what follows. -errno with a sentence. */
int card_solve(struct card *card, struct vfp_err *err);

/** Queues that RSS chooses from in a pool. */
unsigned int card_queues(const struct card *card, unsigned int pool);

/** vf0, pf0 */
void card_pool_name(const struct card *card, unsigned int pool, char name[CFG_NAME]);

#endif
