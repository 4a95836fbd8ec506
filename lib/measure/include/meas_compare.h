/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MEAS_COMPARE_H
#define MEAS_COMPARE_H

/**
 * @file
 * Is B faster than A? With an interval, a verdict, or a refusal with its reason.
 *
 * A side is one run or several of the same setting. The intervals are from a bootstrap in two steps
 * (Davison and Hinkley, Bootstrap Methods and their Application, 1997, 3.8 and 8.2): runs are drawn
 * with replacement, then blocks of time within each, since neither packets that follow each other
 * nor seconds of one run are independent of what else that run had. The ratio B / A of each figure
 * gets a percentile interval; the figures that are judged share an error of 5 % (Bonferroni), so
 * the verdict holds for all of them together.
 *
 * A figure is judged where at least MEAS_BEYOND samples lie beyond it on both sides, and where less
 * was lost than lies beyond it: what was lost may have been the slowest. Pure and reproducible: the
 * same runs and seed give the same digits.
 */

#include <stdbool.h>
#include <stdint.h>

#include "meas_run.h"
#include "vfp_err.h"

#define MEAS_SIDES       8
#define MEAS_SIDE_RUNS   32
#define MEAS_MIN_SAMPLES 100
#define MEAS_MIN_BLOCKS  5
#define MEAS_BEYOND      10
#define MEAS_REASONS     16
#define MEAS_REASON      240
#define MEAS_ALLOWED     8

/** Runs of one setting. */
struct meas_side {
	char label[16]; /**< "A", "B" */
	uint16_t n_runs;
	struct meas_run *runs;
};

enum meas_figure { MEAS_MEAN, MEAS_P50, MEAS_P99, MEAS_P999, MEAS_FIGURES };

/** "mean", "p50", "p99", "p999" */
extern const char *const meas_figure_names[MEAS_FIGURES];

struct meas_interval {
	double value, low, high; /**< NaN: not known */
};

enum meas_verdict { MEAS_FASTER, MEAS_SLOWER, MEAS_CANNOT_TELL, MEAS_REFUSED };

/** "faster", "slower", "cannot tell", "refused" */
const char *meas_verdict_name(enum meas_verdict v);

struct meas_judged {
	struct meas_interval a, b;  /**< ns */
	struct meas_interval ratio; /**< b / a */
	bool judged;
	char why_not[96]; /**< where it is not */
	enum meas_verdict verdict;
};

struct meas_comparison {
	enum meas_verdict verdict;
	char sentence[MEAS_REASON]; /**< the verdict in words */
	uint16_t n_reasons;         /**< of a refusal */
	char reason[MEAS_REASONS][MEAS_REASON];
	uint16_t n_notes; /**< what limits what it says */
	char note[MEAS_REASONS][MEAS_REASON];
	char compared[MEAS_KEY]; /**< the setting that differs; "": none is known to */
	struct meas_judged figure[MEAS_FIGURES];
};

struct meas_rules {
	uint64_t seed;
	uint32_t resamples; /**< 200 to 100000 */
	uint16_t n_allowed;
	const char *allowed[MEAS_ALLOWED]; /**< settings that may differ beside the one compared */
};

/**
 * Compare two sides. Refused is a result, not an error.
 *
 * @return 0, -ENOMEM
 */
int meas_compare(const struct meas_side *a, const struct meas_side *b,
	const struct meas_rules *rules, struct meas_comparison *c);

/** A figure of all samples of a side, ns; NaN where they are not known. */
double meas_side_figure(const struct meas_side *s, enum meas_figure f);

#endif
