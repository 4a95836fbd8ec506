/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RSS_BALANCE_H
#define RSS_BALANCE_H

/**
 * @file
 * Evens out the load of queues by moving few entries of a redirection table, after RSS++ (Barbette
 * et al., CoNEXT 2019): the load of each entry is measured, and the entries whose move helps most
 * go from the busiest queue to others. Pure: counts in, moves out; whoever owns the table applies
 * them, or only shows them.
 *
 * What can be reached is bounded from below by the mean over the queues and by the heaviest entry,
 * which no table can split.
 *
 * Not thread safe; one owner.
 */

#include <stdbool.h>
#include <stdint.h>

#include "rss_words.h"

#define RSS_BALANCE_QUEUES 16

struct rss_move {
	uint16_t entry;
	uint8_t from, to;
};

struct rss_balance {
	unsigned int size, queues; /**< entries of the table, queues they lead to */
	unsigned int max_moves; /**< bounds the churn of one plan */
	double decay;	  /**< what a sample keeps of the ones before it, 0..1 */
	double tolerance; /**< no move while the busiest queue is within this of the possible: 0.01 */
	uint64_t samples; /**< seen so far */
	uint64_t moves;	  /**< planned so far */
	double load[RSS_TABLE_MAX];
};

/** How the load lies. All in the unit of the samples. */
struct rss_spread {
	double queue[RSS_BALANCE_QUEUES];
	double max, mean, heaviest; /**< busiest queue, mean queue, heaviest entry */
	unsigned int heaviest_entry;
};

/**
 * Defaults: at most 1/16 of the table and at least 8 entries a plan, decay 0.9, tolerance 0.01.
 * @param size    entries, at most RSS_TABLE_MAX
 * @param queues  at most RSS_BALANCE_QUEUES
 */
void rss_balance_init(struct rss_balance *b, unsigned int size, unsigned int queues);

/** Packets (or cycles) of each entry since the last sample. */
void rss_balance_sample(struct rss_balance *b, const uint64_t *count);

/** How the load as it is known lies with a table. */
void rss_balance_spread(
	const struct rss_balance *b, const uint8_t *table, struct rss_spread *s);

/** max / mean; 1 is even, and without load. */
double rss_balance_imbalance(const struct rss_spread *s);

/** The least that any table can give the busiest queue: the mean or the heaviest entry. */
double rss_balance_floor(const struct rss_spread *s);

/**
 * Plan the next moves. The table is not changed; apply them, or call it a dry run.
 * @param moves  room for b->max_moves
 * @return how many; 0: as even as it gets, or nothing measured yet
 */
unsigned int rss_balance_plan(
	struct rss_balance *b, const uint8_t *table, struct rss_move *moves);

/** Carry moves out on a table in memory. */
void rss_balance_apply(uint8_t *table, const struct rss_move *moves, unsigned int n);

/**
 * The best table that an offline solver finds for these loads (longest first, then moves and swaps
 * until none helps), without a bound on churn: what a balancer is measured by.
 * @return the busiest queue's load
 */
double rss_balance_offline(const struct rss_balance *b, uint8_t *table);

#endif
