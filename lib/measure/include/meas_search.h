/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MEAS_SEARCH_H
#define MEAS_SEARCH_H

/**
 * @file
 * The search for throughput (RFC 2544, 26.1: the highest rate at which no more than the allowed
 * share is lost), as a machine that asks for trials and is told what came of them. It knows no NIC.
 *
 * What it does, for each frame size:
 * 1. A short trial at the highest rate. What comes out tells where to look.
 * 2. For each loss ratio, strictest first, short trials narrow an interval [lower, upper] down to
 *    ten times the precision; trials of full length then to the precision. Only a full trial makes
 *    the result: a bound from a short one is tried again at full length. All ratios learn from all
 *    trials, as in MLRsearch (RFC 9411's successor draft, draft-ietf-bmwg-mlrsearch): a rate with a
 *    loss of 0.3 % is an upper bound for 0 and a lower one for 0.5 %.
 * 3. That is repeated; the repetitions, each from the beginning, give a mean and its confidence
 *    interval (Student's t): where a system is not steady, one search says nothing about the next.
 * 4. Then trials at 10, 50 and 90 % of the strictest ratio's mean, for the caller to take the
 * latency at.
 *
 * It is deterministic: the same answers lead to the same questions. So a search that was
 * interrupted is resumed by feeding the recorded trials to a new machine (meas_search_told()
 * refuses one that it did not ask for). Pure; belongs to one thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "vfp_err.h"

#define MEAS_SIZES   16
#define MEAS_LOSSES  4
#define MEAS_REPEATS 50
#define MEAS_LOADS   3 /* 10, 50, 90 % */

struct meas_search_conf {
	uint16_t n_sizes;
	uint16_t size[MEAS_SIZES]; /**< frame bytes with FCS, 64 to 9728 */
	uint16_t n_losses;
	double loss[MEAS_LOSSES]; /**< allowed share, ascending, 0 to 0.5 */
	double max_pps;           /**< nothing above is tried; 0: what a link of line_bps carries */
	double min_pps;           /**< below it the result is 0 */
	double line_bps;          /**< 20 bytes a frame are preamble and gap */
	double precision;         /**< upper / lower - 1 of a finished search: 0.0005 to 0.1 */
	double trial_s, short_s;
	uint16_t repeats;
};

/** 64 to 1518 bytes as RFC 2544, 9.1 has them, 0 and 0.5 %, 10 Gbit/s, 0.5 %, 10 s and 1 s, 5
 * times. */
void meas_search_default(struct meas_search_conf *c);

enum meas_why {
	MEAS_TOP,     /**< the first at the highest rate */
	MEAS_NARROW,  /**< a short trial inside the interval */
	MEAS_MEASURE, /**< full length; makes results */
	MEAS_LATENCY, /**< at a share of the throughput found */
};

/** "top", "narrow", "measure", "latency" */
const char *meas_why_name(enum meas_why why);

struct meas_trial {
	enum meas_why why;
	uint16_t size;
	uint16_t repeat; /**< from 0; of MEAS_LATENCY: which load */
	double pps;
	double seconds;
	double load; /**< of MEAS_LATENCY: share of the throughput */
};

struct meas_search;

/** @return 0; -EINVAL with what is wrong and what is allowed; -ENOMEM */
int meas_search_new(const struct meas_search_conf *c, struct meas_search **s, struct vfp_err *err);
void meas_search_free(struct meas_search *s);

/** The next trial. @return 1; 0: the search is done */
int meas_search_next(struct meas_search *s, struct meas_trial *t);

/**
 * What came of the trial that meas_search_next() asked for last.
 *
 * @param pps the rate that was really offered: a generator that is slower than asked is no loss
 * @return 0; -EINVAL received more than sent, nothing sent, or not the trial that was asked for
 */
int meas_search_told(struct meas_search *s, const struct meas_trial *t, double pps, uint64_t sent,
	uint64_t received, struct vfp_err *err);

/** Seconds of trials still to come, as far as can be told; falls to 0. */
double meas_search_left(const struct meas_search *s);
/** Trials told so far. */
uint32_t meas_search_trials(const struct meas_search *s);

struct meas_result {
	uint16_t size;
	double loss;
	uint16_t repeats; /**< how many searches it is from */
	double mean_pps;
	double low_pps, high_pps; /**< 95 % interval of the mean; NaN from a single one */
	double least_pps, most_pps;
	bool limited; /**< the highest rate passed: the generator or the link is the limit */
};

/** The result of a size and a loss ratio (indexes), so far. @return 0; -ENOENT: none yet */
int meas_search_result(
	const struct meas_search *s, uint16_t size, uint16_t loss, struct meas_result *r);

/** Frames per second that a link of bps carries. */
double meas_line_pps(double bps, uint16_t size);

/** Student's t, two-sided 95 %, for n - 1 degrees of freedom; NaN for n < 2. */
double meas_t95(unsigned int n);

#endif
