/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef ZIPF_SIM_H
#define ZIPF_SIM_H

/*
 * A balancer in simulated time, for its unit test and for the plot: packets are drawn from 10,000
 * flows by Zipf's law, a sample is taken and a plan carried out every 100 ms; the true loads, which
 * the balancer never sees, say how even the table is. Everything follows from one fixed seed.
 */

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "rss_balance.h"
#include "rss_flow.h"

#define FLOWS     10000
#define QUEUES    4
#define PPS       400000
#define PERIOD_MS 100

static uint64_t state = 0x2545f4914f6cdd1d;

static inline double
uniform(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (double)(state >> 11) / (double)(UINT64_C(1) << 53);
}

struct sim {
	unsigned int size;
	double share[FLOWS], sum[FLOWS];
	uint16_t bucket[FLOWS];
	uint8_t table[RSS_TABLE_MAX];
	struct rss_balance b, truth;
	struct rss_move moves[RSS_TABLE_MAX];
};

static struct sim s;

/* Flow i of random endpoints: its entry is that of its hash. */
static inline void
draw_flows(double exponent)
{
	static struct rss_oracle o;
	struct rss_conf conf;
	double all = 0;

	rss_conf_default(&conf, QUEUES);
	rss_oracle_init(&o, &conf);
	for (unsigned int i = 0; i < FLOWS; i++) {
		uint8_t tuple[12];

		for (unsigned int k = 0; k < sizeof(tuple); k++)
			tuple[k] = (uint8_t)(uniform() * 256);
		s.bucket[i] = rss_oracle_hash(&o, tuple, sizeof(tuple)) % s.size;
		s.share[i] = pow(i + 1, -exponent);
		all += s.share[i];
	}
	for (unsigned int i = 0; i < FLOWS; i++) {
		s.share[i] /= all;
		s.sum[i] = s.share[i] + (i ? s.sum[i - 1] : 0);
	}
}

static inline void
set_truth(void)
{
	memset(s.truth.load, 0, sizeof(s.truth.load));
	for (unsigned int i = 0; i < FLOWS; i++)
		s.truth.load[s.bucket[i]] += s.share[i];
	s.truth.samples = 1;
}

static inline void
sim_begin(unsigned int size, double exponent)
{
	s.size = size;
	rss_balance_init(&s.b, size, QUEUES);
	rss_balance_init(&s.truth, size, QUEUES);
	draw_flows(exponent);
	set_truth();
	for (unsigned int i = 0; i < size; i++)
		s.table[i] = i % QUEUES;
}

static inline unsigned int
draw_packet(void)
{
	const double u = uniform() * s.sum[FLOWS - 1];
	unsigned int low = 0, high = FLOWS - 1;

	while (low < high) {
		const unsigned int mid = (low + high) / 2;

		if (s.sum[mid] < u)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* One period of traffic, one sample, one plan; the moves. */
static inline unsigned int
sim_step(void)
{
	static uint64_t count[RSS_TABLE_MAX];
	unsigned int n;

	memset(count, 0, sizeof(count));
	for (unsigned int i = 0; i < PPS / 1000 * PERIOD_MS; i++)
		count[s.bucket[draw_packet()]]++;
	rss_balance_sample(&s.b, count);
	n = rss_balance_plan(&s.b, s.table, s.moves);
	rss_balance_apply(s.table, s.moves, n);
	return n;
}

static inline double
sim_max(void)
{
	struct rss_spread spread;

	rss_balance_spread(&s.truth, s.table, &spread);
	return spread.max;
}

#endif
