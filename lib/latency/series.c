/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lat_export.h"
#include "lat_series.h"

struct point {
	struct lat_point when;
	uint64_t clipped;
	uint8_t *bytes;
	long len;
};

struct lat_series {
	uint32_t max, n;
	uint32_t span;	  /* how many takes make a point now: 1, 2, 4, … */
	uint32_t in_last; /* how many the last point has */
	double since;	  /* when `base` was taken */
	struct lat_hist base, work;
	struct point point[];
};

struct lat_series *
lat_series_new(uint32_t max_points)
{
	struct lat_series *s = calloc(1, sizeof(*s) + max_points * sizeof(s->point[0]));

	if (s != NULL) {
		s->max = max_points;
		s->span = 1;
	}
	return s;
}

void
lat_series_free(struct lat_series *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->n; i++)
		free(s->point[i].bytes);
	free(s);
}

/* work += what the point holds. */
static void
add_point(struct lat_hist *work, const struct point *p)
{
	work->clipped += p->clipped;
	lat_unpack_add(work, p->bytes, (size_t)p->len);
}

/* The point becomes `work`, over `when`. */
static int
set_point(struct point *p, const struct lat_hist *work, struct lat_point when)
{
	uint8_t *bytes;
	const long len = lat_pack(work, &bytes);

	if (len < 0)
		return -ENOMEM;
	free(p->bytes);
	*p = (struct point){when, work->clipped, bytes, len};
	return 0;
}

/* first += second, which is the one after it. */
static int
join(struct lat_hist *work, struct point *first, const struct point *second)
{
	struct lat_point when = first->when;

	when.seconds = second->when.at_s + second->when.seconds - when.at_s;
	lat_hist_init(work);
	add_point(work, first);
	add_point(work, second);
	return set_point(first, work, when);
}

static int
halve(struct lat_series *s)
{
	for (uint32_t i = 0; i < s->n; i += 2) {
		struct point *to = &s->point[i / 2];
		int ret = join(&s->work, &s->point[i], &s->point[i + 1]);

		if (ret < 0)
			return ret;
		free(s->point[i + 1].bytes);
		s->point[i + 1] = (struct point){0};
		if (to != &s->point[i]) {
			*to = s->point[i];
			s->point[i] = (struct point){0};
		}
	}
	s->n /= 2;
	s->span *= 2;
	s->in_last = s->span;
	return 0;
}

static bool
began_afresh(const struct lat_hist *total, const struct lat_hist *base)
{
	for (uint32_t i = 0; i < LAT_HIST_BUCKETS; i++)
		if (total->bucket[i] < base->bucket[i])
			return true;
	return total->clipped < base->clipped;
}

int
lat_series_take(struct lat_series *s, double at_s, const struct lat_hist *total)
{
	const struct lat_point when = {s->since, at_s - s->since};
	struct point fresh = {0};
	int ret;

	s->work = *total;
	if (!began_afresh(total, &s->base))
		lat_hist_subtract(&s->work, &s->base);
	ret = set_point(&fresh, &s->work, when);
	if (ret == 0 && s->in_last % s->span == 0 && s->n == s->max)
		ret = halve(s);
	if (ret == 0 && s->n > 0 && s->in_last < s->span)
		ret = join(&s->work, &s->point[s->n - 1], &fresh);
	else if (ret == 0) {
		s->point[s->n++] = fresh;
		fresh.bytes = NULL;
		s->in_last = 0;
	}
	free(fresh.bytes);
	if (ret < 0)
		return ret;
	s->in_last++;
	s->since = at_s;
	s->base = *total;
	return 0;
}

void
lat_series_restart(struct lat_series *s, double at_s, const struct lat_hist *total)
{
	s->since = at_s;
	s->base = *total;
}

uint32_t
lat_series_points(const struct lat_series *s)
{
	return s->n;
}

int
lat_series_get(const struct lat_series *s, uint32_t i, struct lat_point *p, struct lat_hist *hist)
{
	if (i >= s->n)
		return -ENOENT;
	*p = s->point[i].when;
	lat_hist_init(hist);
	add_point(hist, &s->point[i]);
	return 0;
}
