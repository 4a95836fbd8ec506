/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_balance ENTRIES: the data of docs/rss-balance.svg. Rows of milliseconds and, for Zipf's
 * exponents 1.0 to 1.3, how much the busiest of 4 queues is above the offline optimum, in percent.
 * The table begins even. In simulated time: it takes seconds and is the same everywhere.
 */
#include <stdio.h>
#include <stdlib.h>

#include "zipf_sim.h"

#define STEPS	  40
#define EXPONENTS 4

int
main(int argc, char **argv)
{
	const int size = argc > 1 ? atoi(argv[1]) : RSS_RETA_SIZE;
	static double above[STEPS + 1][EXPONENTS];
	uint8_t best[RSS_TABLE_MAX];

	if (size < RSS_RETA_SIZE || size > RSS_TABLE_MAX) {
		fprintf(stderr, "usage: bench_balance [%d to %d]\n", RSS_RETA_SIZE, RSS_TABLE_MAX);
		return 2;
	}
	for (int e = 0; e < EXPONENTS; e++) {
		double optimum;

		sim_begin(size, 1.0 + 0.1 * e);
		optimum = rss_balance_offline(&s.truth, best);
		for (int k = 0; k <= STEPS; k++) {
			above[k][e] = 100 * (sim_max() / optimum - 1);
			sim_step();
		}
	}
	for (int k = 0; k <= STEPS; k++) {
		printf("%d", k * PERIOD_MS);
		for (int e = 0; e < EXPONENTS; e++)
			printf(" %.3f", above[k][e]);
		printf("\n");
	}
	return 0;
}
