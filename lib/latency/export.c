/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "lat_export.h"

#define TICKS_PER_HALF 5
#define NS_PER_US      1000.0
/* HdrHistogram's words for the layout of lat_hist. */
#define SUB_BUCKETS (2 << LAT_HIST_SUB_BITS)
#define BUCKETS     (LAT_HIST_TOP_BITS - LAT_HIST_SUB_BITS)

void
lat_hist_to_ns(struct lat_hist *ns, const struct lat_hist *ticks, double hz)
{
	uint32_t last = 0;

	lat_hist_init(ns);
	for (uint32_t i = 0; i < LAT_HIST_BUCKETS; i++)
		if (ticks->bucket[i] != 0)
			last = i;
	for (uint32_t i = 0; i <= last; i++) {
		const double low = (double)lat_hist_low(i), high = (double)lat_hist_high(i);
		const double at = i == last ? high : (low + high) / 2;

		if (ticks->bucket[i] != 0)
			lat_hist_add(ns, (uint64_t)llround(at * 1e9 / hz), ticks->bucket[i]);
	}
	ns->clipped += ticks->clipped;
}

/* One way of writing the list of percentiles. */
struct style {
	const char *head;
	const char *line; /* value, percentile, count, 1/(1-percentile) */
	const char *last; /* the same without the fourth */
	bool foot;
};

static const struct style hgrm = {"       Value     Percentile TotalCount 1/(1-Percentile)\n\n",
	"%12.3f %2.12f %10llu %14.2f\n", "%12.3f %2.12f %10llu\n", true};
static const struct style csv = {"\"Value\",\"Percentile\",\"TotalCount\",\"1/(1-Percentile)\"\n",
	"%.3f,%.12f,%llu,%.2f\n", "%.3f,%.12f,%llu,Infinity\n", false};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void
put_lines(const struct lat_hist *h, const struct style *s, FILE *to)
{
	const uint64_t count = lat_hist_count(h);
	double level = 0; /* per cent: the next one to report */
	uint64_t seen = 0;

	for (uint32_t i = 0; seen < count; i++) {
		const double value = (double)lat_hist_high(i) / NS_PER_US;

		if (h->bucket[i] == 0)
			continue;
		seen += h->bucket[i];
		/* A bucket that holds many samples reaches many levels, and has a line for each;
		 * the last one has one, and the line that says 100 %. */
		while (100.0 * (double)seen / (double)count >= level) {
			fprintf(to, s->line, value, level / 100, (unsigned long long)seen,
				1 / (1 - level / 100));
			level +=
				100 / (TICKS_PER_HALF * exp2(floor(log2(100 / (100 - level))) + 1));
			if (seen == count)
				break;
		}
		if (seen == count)
			fprintf(to, s->last, value, 1.0, (unsigned long long)seen);
	}
}
#pragma GCC diagnostic pop

static int
write_list(const struct lat_hist *h, const struct style *s, FILE *to)
{
	const uint64_t count = lat_hist_count(h);

	if (count == 0)
		return -EINVAL;
	fputs(s->head, to);
	put_lines(h, s, to);
	if (s->foot)
		fprintf(to,
			"#[Mean    = %12.3f, StdDeviation   = %12.3f]\n"
			"#[Max     = %12.3f, Total count    = %12llu]\n"
			"#[Buckets = %12d, SubBuckets     = %12d]\n",
			lat_hist_mean(h) / NS_PER_US, lat_hist_stddev(h) / NS_PER_US,
			(double)lat_hist_max(h) / NS_PER_US, (unsigned long long)count, BUCKETS,
			SUB_BUCKETS);
	return ferror(to) ? -EIO : 0;
}

int
lat_write_hgrm(const struct lat_hist *ns, FILE *to)
{
	return write_list(ns, &hgrm, to);
}

int
lat_write_csv(const struct lat_hist *ns, FILE *to)
{
	return write_list(ns, &csv, to);
}

int
lat_write_hlog_head(FILE *to, double epoch_s, const char *what)
{
	const time_t t = (time_t)epoch_s;
	char date[40];
	struct tm tm;

	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	fprintf(to,
		"#[%s]\n"
		"#[Histogram log format version 1.3]\n"
		"#[BaseTime: %.3f (seconds since epoch)]\n"
		"#[StartTime: %.3f (seconds since epoch), %s]\n"
		"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
		"\"Interval_Compressed_Histogram\"\n",
		what, epoch_s, epoch_s, date);
	return ferror(to) ? -EIO : 0;
}

int
lat_write_hlog_line(FILE *to, double at_s, double seconds, const struct lat_hist *ns)
{
	char *text = lat_to_text(ns);

	if (text == NULL)
		return -ENOMEM;
	/* The maximum is in milliseconds there, whatever the histogram counts. */
	fprintf(to, "%.3f,%.3f,%.3f,%s\n", at_s, seconds, (double)lat_hist_max(ns) / 1e6, text);
	free(text);
	return ferror(to) ? -EIO : 0;
}
