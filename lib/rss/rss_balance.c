/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rss_balance.h"

void
rss_balance_init(struct rss_balance *b, unsigned int size, unsigned int queues)
{
	memset(b, 0, sizeof(*b));
	b->size = size;
	b->queues = queues;
	b->max_moves = size / 16 > 8 ? size / 16 : 8;
	b->decay = 0.9;
	b->tolerance = 0.01;
}

void
rss_balance_sample(struct rss_balance *b, const uint64_t *count)
{
	for (unsigned int i = 0; i < b->size; i++)
		b->load[i] = b->load[i] * b->decay + (double)count[i];
	b->samples++;
}

void
rss_balance_spread(const struct rss_balance *b, const uint8_t *table, struct rss_spread *s)
{
	*s = (struct rss_spread){0};
	for (unsigned int i = 0; i < b->size; i++) {
		s->queue[table[i] % b->queues] += b->load[i];
		if (b->load[i] > s->heaviest) {
			s->heaviest = b->load[i];
			s->heaviest_entry = i;
		}
	}
	for (unsigned int q = 0; q < b->queues; q++) {
		s->mean += s->queue[q] / b->queues;
		if (s->queue[q] > s->max)
			s->max = s->queue[q];
	}
}

double
rss_balance_imbalance(const struct rss_spread *s)
{
	return s->mean > 0 ? s->max / s->mean : 1;
}

double
rss_balance_floor(const struct rss_spread *s)
{
	return s->heaviest > s->mean ? s->heaviest : s->mean;
}

/* One step of a search: the load per queue as it would be, and the table it stands for. */
struct search {
	const struct rss_balance *b;
	uint8_t *table;
	double queue[RSS_BALANCE_QUEUES];
};

/* One entry, or two that change places. */
struct step {
	int out, in; /* entry that leaves the busiest queue, entry that comes to it; -1: none */
	uint8_t from, to;
	double gain; /* how far the greater of the two queues sinks */
};

static unsigned int
busiest(const struct search *s)
{
	unsigned int max = 0;

	for (unsigned int q = 1; q < s->b->queues; q++)
		if (s->queue[q] > s->queue[max])
			max = q;
	return max;
}

/* Moving w from a queue that is `diff` above another lowers the greater of both by this. */
static double
gain_of(double w, double diff)
{
	return w <= diff - w ? w : diff - w;
}

static void
best_move(const struct search *s, unsigned int from, unsigned int to, struct step *best)
{
	const double diff = s->queue[from] - s->queue[to];

	for (unsigned int i = 0; i < s->b->size; i++) {
		const double gain = gain_of(s->b->load[i], diff);

		if (s->table[i] == from && gain > best->gain)
			*best = (struct step){i, -1, from, to, gain};
	}
}

struct weighed {
	double load;
	unsigned int entry;
};

static int
by_load(const void *a, const void *b)
{
	const double x = ((const struct weighed *)a)->load, y = ((const struct weighed *)b)->load;

	return (x > y) - (x < y);
}

static unsigned int
sorted(const struct search *s, unsigned int queue, struct weighed *out)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->b->size; i++)
		if (s->table[i] == queue)
			out[n++] = (struct weighed){s->b->load[i], i};
	qsort(out, n, sizeof(*out), by_load);
	return n;
}

/* For each entry of the one the partner whose difference comes next to half the gap: both lists
 * are sorted, so the partner only moves forward. */
static void
best_swap(const struct search *s, unsigned int from, unsigned int to, struct step *best)
{
	struct weighed a[RSS_TABLE_MAX], b[RSS_TABLE_MAX];
	const double diff = s->queue[from] - s->queue[to];
	const unsigned int na = sorted(s, from, a), nb = sorted(s, to, b);

	for (unsigned int i = 0, k = 0; i < na && nb > 0; i++) {
		while (k + 1 < nb && b[k + 1].load <= a[i].load - diff / 2)
			k++;
		for (unsigned int m = k; m < nb && m <= k + 1; m++) {
			const double gain = gain_of(a[i].load - b[m].load, diff);

			if (gain > best->gain)
				*best = (struct step){a[i].entry, b[m].entry, from, to, gain};
		}
	}
}

/*
 * The step that lowers the busiest queue most; swaps only where no single move is worth it. A queue
 * whose heavy entry is more than its share has to shed many light ones: a small gain is a gain.
 */
static bool
find_step(const struct search *s, double worth, unsigned int moves_left, struct step *best)
{
	const unsigned int from = busiest(s);

	*best = (struct step){-1, -1, 0, 0, 0};
	for (unsigned int to = 0; to < s->b->queues; to++)
		if (to != from)
			best_move(s, from, to, best);
	for (unsigned int to = 0; best->gain < worth && moves_left > 1 && to < s->b->queues; to++)
		if (to != from)
			best_swap(s, from, to, best);
	return best->out >= 0 && best->gain > worth * 1e-4;
}

static void
take_step(struct search *s, const struct step *step)
{
	const double w = s->b->load[step->out] - (step->in >= 0 ? s->b->load[step->in] : 0);

	s->table[step->out] = step->to;
	if (step->in >= 0)
		s->table[step->in] = step->from;
	s->queue[step->from] -= w;
	s->queue[step->to] += w;
}

static void
begin(struct search *s, const struct rss_balance *b, uint8_t *table, struct rss_spread *spread)
{
	*s = (struct search){.b = b, .table = table};
	for (unsigned int i = 0; i < b->size; i++)
		table[i] %= b->queues;
	rss_balance_spread(b, table, spread);
	memcpy(s->queue, spread->queue, sizeof(s->queue));
}

unsigned int
rss_balance_plan(struct rss_balance *b, const uint8_t *table, struct rss_move *moves)
{
	uint8_t next[RSS_TABLE_MAX];
	struct rss_spread spread;
	struct search s;
	struct step step;
	unsigned int n = 0;
	double goal;

	memcpy(next, table, b->size);
	begin(&s, b, next, &spread);
	goal = rss_balance_floor(&spread);
	if (b->samples == 0 || goal <= 0 || spread.max <= goal * (1 + b->tolerance))
		return 0;
	/* Once it acts it goes further than where it would begin to, or noise would make it act again. */
	while (n < b->max_moves && s.queue[busiest(&s)] > goal * (1 + b->tolerance / 4) &&
		find_step(&s, goal * b->tolerance / 4, b->max_moves - n, &step)) {
		moves[n++] = (struct rss_move){step.out, step.from, step.to};
		if (step.in >= 0)
			moves[n++] = (struct rss_move){step.in, step.to, step.from};
		take_step(&s, &step);
	}
	b->moves += n;
	return n;
}

void
rss_balance_apply(uint8_t *table, const struct rss_move *moves, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		table[moves[i].entry] = moves[i].to;
}

static void
longest_first(const struct rss_balance *b, uint8_t *table)
{
	struct weighed all[RSS_TABLE_MAX];
	double queue[RSS_BALANCE_QUEUES] = {0};

	for (unsigned int i = 0; i < b->size; i++)
		all[i] = (struct weighed){b->load[i], i};
	qsort(all, b->size, sizeof(all[0]), by_load);
	for (unsigned int i = b->size; i-- > 0;) {
		unsigned int min = 0;

		for (unsigned int q = 1; q < b->queues; q++)
			if (queue[q] < queue[min])
				min = q;
		queue[min] += all[i].load;
		table[all[i].entry] = min;
	}
}

double
rss_balance_offline(const struct rss_balance *b, uint8_t *table)
{
	struct rss_spread spread;
	struct search s;
	struct step step;

	longest_first(b, table);
	begin(&s, b, table, &spread);
	for (unsigned int i = 0; i < 4 * b->size; i++) {
		if (!find_step(&s, rss_balance_floor(&spread) * 1e-6, UINT32_MAX, &step))
			break;
		take_step(&s, &step);
	}
	return s.queue[busiest(&s)];
}
