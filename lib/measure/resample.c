/* SPDX-License-Identifier: BSD-3-Clause */
/* Two-step bootstrap: runs with replacement, then blocks of each. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lat_hist.h"
#include "resample.h"

/* Only buckets that some block uses take part: hundreds instead of 30720. */
struct dense {
	uint32_t n;
	uint32_t *bucket; /* of each place */
	uint32_t *place;  /* of each bucket */
	uint64_t *count;
};

static void
dense_free(struct dense *d)
{
	free(d->bucket);
	free(d->place);
	free(d->count);
}

static int
dense_init(struct dense *d, const struct meas_side *s)
{
	*d = (struct dense){.place = calloc(LAT_HIST_BUCKETS, sizeof(*d->place))};
	if (!d->place)
		return -ENOMEM;
	for (uint16_t r = 0; r < s->n_runs; r++)
		for (uint32_t b = 0; b < s->runs[r].n_blocks; b++)
			for (uint32_t i = 0; i < s->runs[r].blocks[b].n; i++)
				d->place[s->runs[r].blocks[b].counts[i].bucket] = 1;
	for (uint32_t i = 0; i < LAT_HIST_BUCKETS; i++)
		d->n += d->place[i];
	d->bucket = malloc((d->n ? d->n : 1) * sizeof(*d->bucket));
	d->count = malloc((d->n ? d->n : 1) * sizeof(*d->count));
	if (!d->bucket || !d->count) {
		dense_free(d);
		return -ENOMEM;
	}
	for (uint32_t i = 0, k = 0; i < LAT_HIST_BUCKETS; i++)
		if (d->place[i]) {
			d->bucket[k] = i;
			d->place[i] = k++;
		}
	return 0;
}

static void
add_block(struct dense *d, const struct meas_block *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		d->count[d->place[b->counts[i].bucket]] += b->counts[i].count;
}

static double
middle(uint32_t bucket)
{
	return ((double)lat_hist_low(bucket) + (double)lat_hist_high(bucket)) / 2;
}

/* All figures in one pass, the ranks as lat_hist_quantile() has them. */
static void
figures(const struct dense *d, double out[MEAS_FIGURES])
{
	static const double q[MEAS_FIGURES] = {
		[MEAS_P50] = 0.5, [MEAS_P99] = 0.99, [MEAS_P999] = 0.999};
	uint64_t total = 0, seen = 0;
	int next = MEAS_P50;
	double sum = 0;

	for (uint32_t i = 0; i < d->n; i++)
		total += d->count[i];
	for (uint32_t i = 0; i < d->n; i++) {
		seen += d->count[i];
		sum += (double)d->count[i] * middle(d->bucket[i]);
		while (next < MEAS_FIGURES && d->count[i] > 0 &&
			(double)seen >= ceil(q[next] * (double)total))
			out[next++] = middle(d->bucket[i]);
	}
	out[MEAS_MEAN] = total ? sum / (double)total : NAN;
	while (next < MEAS_FIGURES)
		out[next++] = NAN;
}

/* xorshift64* (Marsaglia 2003, Vigna 2016); a state of 0 would stay there. */
static uint64_t
next_random(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * UINT64_C(2685821657736338717);
}

static uint32_t
below(uint64_t *s, uint32_t n)
{
	return (uint32_t)(((next_random(s) >> 32) * n) >> 32);
}

/* One step of splitmix64 (Steele, Lea, Flood 2014): seeds that are near give states that are not.
 */
static uint64_t
spread(uint64_t seed)
{
	uint64_t z = seed + UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return z ? z : 1;
}

int
resample(const struct meas_side *s, uint64_t seed, uint32_t n, double *values)
{
	uint64_t state = spread(seed);
	struct dense d;
	int ret = dense_init(&d, s);

	if (ret < 0)
		return ret;
	for (uint32_t k = 0; k < n; k++) {
		double out[MEAS_FIGURES];

		memset(d.count, 0, d.n * sizeof(*d.count));
		for (uint16_t r = 0; r < s->n_runs; r++) {
			const struct meas_run *run = &s->runs[below(&state, s->n_runs)];

			for (uint32_t b = 0; b < run->n_blocks; b++)
				add_block(&d, &run->blocks[below(&state, run->n_blocks)]);
		}
		figures(&d, out);
		for (int f = 0; f < MEAS_FIGURES; f++)
			values[(size_t)f * n + k] = out[f];
	}
	dense_free(&d);
	return 0;
}

double
meas_side_figure(const struct meas_side *s, enum meas_figure f)
{
	double out[MEAS_FIGURES];
	struct dense d;

	/* Of a summary the mean is all that is known. */
	if (s->n_runs == 1 && s->runs[0].summary_only)
		return f == MEAS_MEAN ? s->runs[0].mean_ns : NAN;
	if (dense_init(&d, s) < 0)
		return NAN;
	memset(d.count, 0, d.n * sizeof(*d.count));
	for (uint16_t r = 0; r < s->n_runs; r++)
		for (uint32_t b = 0; b < s->runs[r].n_blocks; b++)
			add_block(&d, &s->runs[r].blocks[b]);
	figures(&d, out);
	dense_free(&d);
	return out[f];
}
