/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RSS_ORACLE_H
#define RSS_ORACLE_H

/**
 * @file
 * The oracle: rss_predict() at the speed of traffic. One setting prepared once, any number of
 * frames asked. Where the CPU has GFNI and AVX-512 the hash is DPDK's rte_thash kernel, compiled in
 * a file of its own, since Debian's library answers that it has none; elsewhere one table look-up a
 * byte.
 *
 * Pure: no EAL, no allocation. An oracle that is not being set may be asked by any thread.
 */

#include "rss_hash.h"

struct rss_oracle {
	struct rss_conf conf;
	bool gfni; /**< which way is taken; cleared by hand it takes the other (tests, bench) */
	uint64_t matrix[RSS_KEY_LEN] __attribute__((aligned(64))); /**< for GFNI, 8 x 8 bits each */
	uint32_t table[RSS_INPUT_MAX][256]; /**< what byte i of value v adds */
};

/** Prepare for a setting. Anew when it changes. */
void rss_oracle_init(struct rss_oracle *o, const struct rss_conf *conf);

/** The Toeplitz hash with the oracle's key; len at most RSS_INPUT_MAX. */
uint32_t rss_oracle_hash(const struct rss_oracle *o, const uint8_t *data, size_t len);

/** The hashes of n inputs of the same length; two at a time where the CPU can. */
void rss_oracle_bulk(const struct rss_oracle *o, const uint8_t *const data[], size_t len,
	uint32_t hash[], unsigned int n);

/** As rss_predict(). */
void rss_oracle_predict(const struct rss_oracle *o, unsigned int pool_queues, const uint8_t *frame,
	size_t len, struct rss_verdict *v);

/** Queue for a hash, in a pool of so many queues. */
static inline unsigned int
rss_queue(const struct rss_conf *conf, unsigned int pool_queues, uint32_t hash)
{
	return pool_queues > 1 ? conf->reta[hash & (RSS_RETA_SIZE - 1)] & (pool_queues - 1) : 0;
}

#endif
