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
	uint32_t span;     /* how many takes make a point now: 1, 2, 4, … */
	uint32_t in_last;  /* how many the last point has */
	struct point base; /* the total so far, and in its at_s when it was that */
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
	free(s->base.bytes);
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
halve(struct lat_series *s, struct lat_hist *work)
{
	for (uint32_t i = 0; i < s->n; i += 2) {
		struct point *to = &s->point[i / 2];
		int ret = join(work, &s->point[i], &s->point[i + 1]);

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

/* Put what came since into the last point, or a new one. */
static int
add_fresh(struct lat_series *s, struct point *fresh, struct lat_hist *work)
{
	int ret = 0;

	if (s->in_last % s->span == 0 && s->n == s->max)
		ret = halve(s, work);
	if (ret == 0 && s->n > 0 && s->in_last < s->span) {
		ret = join(work, &s->point[s->n - 1], fresh);
		free(fresh->bytes);
	} else if (ret == 0) {
		s->point[s->n++] = *fresh;
		s->in_last = 0;
	}
	s->in_last += ret == 0;
	return ret;
}

int
lat_series_take(struct lat_series *s, double at_s, const struct lat_hist *total)
{
	const struct lat_point when = {s->base.when.at_s, at_s - s->base.when.at_s};
	struct lat_hist *base = calloc(1, sizeof(*base)), *work = malloc(sizeof(*work));
	struct point fresh = {0};
	int ret = base != NULL && work != NULL ? 0 : -ENOMEM;

	if (ret == 0) {
		add_point(base, &s->base);
		*work = *total;
		if (!began_afresh(total, base))
			lat_hist_subtract(work, base);
		ret = set_point(&fresh, work, when);
	}
	if (ret == 0)
		ret = lat_series_restart(s, at_s, total);
	if (ret == 0)
		ret = add_fresh(s, &fresh, work);
	else
		free(fresh.bytes);
	free(base);
	free(work);
	return ret;
}

int
lat_series_restart(struct lat_series *s, double at_s, const struct lat_hist *total)
{
	return set_point(&s->base, total, (struct lat_point){at_s, 0});
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
