/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>

#include "lat_recorder.h"

const char *
lat_kind_name(enum lat_kind kind)
{
	static const char *const names[LAT_KINDS] = {"residence", "bound", "rtt", "oneway", "wire"};

	return (unsigned int)kind < LAT_KINDS ? names[kind] : "unknown";
}

struct lat_recorder *
lat_recorder_new(void)
{
	struct lat_recorder *r = aligned_alloc(_Alignof(struct lat_recorder), sizeof(*r));

	if (r == NULL)
		return NULL;
	for (unsigned int k = 0; k < LAT_WORKER_KINDS; k++)
		lat_hist_init(&r->hist[k]);
	return r;
}

void
lat_recorder_free(struct lat_recorder *r)
{
	free(r);
}

void
lat_summarise(const struct lat_hist *h, double hz, struct lat_summary *s)
{
	const double ns = 1e9 / hz;

	*s = (struct lat_summary){
		.count = lat_hist_count(h),
		.clipped = h->clipped,
		.min_ns = NAN,
		.p50_ns = NAN,
		.p90_ns = NAN,
		.p99_ns = NAN,
		.p999_ns = NAN,
		.max_ns = NAN,
		.mean_ns = NAN,
		.stddev_ns = NAN,
	};
	if (s->count == 0)
		return;
	s->min_ns = (double)lat_hist_min(h) * ns;
	s->p50_ns = (double)lat_hist_quantile(h, 0.5) * ns;
	s->p90_ns = (double)lat_hist_quantile(h, 0.9) * ns;
	s->p99_ns = (double)lat_hist_quantile(h, 0.99) * ns;
	s->p999_ns = (double)lat_hist_quantile(h, 0.999) * ns;
	s->max_ns = (double)lat_hist_max(h) * ns;
	s->mean_ns = lat_hist_mean(h) * ns;
	s->stddev_ns = lat_hist_stddev(h) * ns;
}

void
lat_view_init(struct lat_view *v)
{
	lat_hist_init(&v->base);
	v->based = false;
}

void
lat_view_apply(const struct lat_view *v, struct lat_hist *now)
{
	if (v->based)
		lat_hist_subtract(now, &v->base);
}

void
lat_view_clear(struct lat_view *v, const struct lat_hist *now)
{
	v->base = *now;
	v->based = true;
}
