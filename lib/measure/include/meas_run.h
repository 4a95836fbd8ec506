/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MEAS_RUN_H
#define MEAS_RUN_H

/**
 * @file
 * One measured run, read from what measured it: a report of vfplane, or the output of ping(8).
 *
 * A run is samples in blocks of time, and facts. The blocks are what a comparison resamples:
 * packets that follow each other are not independent, stretches of time nearly are. What the first
 * seconds show (ARP, caches, links that come up) is kept apart as warm-up.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lat_hist.h"
#include "vfp_err.h"

#define MEAS_MAX_FACTS 32
#define MEAS_KEY       32
#define MEAS_VALUE     160
#define MEAS_NAMES     8

enum meas_role {
	MEAS_MEANING, /**< what the number is: runs that differ in it cannot be compared */
	MEAS_SETTING, /**< what it was measured under */
};

struct meas_fact {
	char key[MEAS_KEY], value[MEAS_VALUE];
	enum meas_role role;
	double tolerance; /**< numbers this near (share) are equal; 0: texts must be equal */
};

/** Samples of one stretch of time: counts of buckets, of nanoseconds. */
struct meas_block {
	uint32_t n;
	struct meas_count {
		uint32_t bucket;
		uint64_t count;
	} *counts;
};

struct meas_run {
	char path[256];
	char what[64];   /**< "ping", or the rule's name */
	char names[256]; /**< of a report: what else could have been chosen */
	uint16_t n_facts;
	struct meas_fact facts[MEAS_MAX_FACTS];

	bool loss_known;
	uint64_t sent, lost;           /**< behind the warm-up */
	uint64_t warm_sent, warm_lost; /**< in it */
	uint64_t duplicates;
	uint64_t samples;                          /**< behind the warm-up; of a summary too */
	bool summary_only;                         /**< nothing but the four numbers is known */
	double min_ns, mean_ns, max_ns, stddev_ns; /**< behind the warm-up, or the summary's */
	uint64_t warm_samples;
	double warm_mean_ns, warm_max_ns; /**< NaN without samples */
	uint32_t n_blocks;
	struct meas_block *blocks;
	char unit[24]; /**< of a block: "10 replies", "1 s" */
};

/** What to take of a file. */
struct meas_choice {
	const char *name; /**< of a report: which rule; NULL: the first */
	const char *kind; /**< of a report: "rtt", "residence", …; NULL: rtt, else residence */
	int warmup;	  /**< replies, or seconds of a report; -1: what stands in meas_run_load() */
};

/**
 * Read a run. Without a word on the warm-up it is, of ping, all up to and with the first reply, and
 * of a report the first interval.
 *
 * @return 0; -EINVAL neither of the two forms, or damaged, with a sentence; -ENOENT no such rule or
 *	kind in it, with what there is; -errno when the file cannot be read; -ENOMEM
 */
int meas_run_load(
	const char *path, const struct meas_choice *c, struct meas_run *r, struct vfp_err *err);
/** The same from text; what the path is for sentences. */
int meas_run_parse(const char *path, const char *text, const struct meas_choice *c,
	struct meas_run *r, struct vfp_err *err);
void meas_run_free(struct meas_run *r);

/** A fact's value, NULL: not known. */
const char *meas_run_fact(const struct meas_run *r, const char *key);

/** Is the latency a share of it went missing: 0..1, 0 where it is not known. */
double meas_run_loss(const struct meas_run *r);

#endif
