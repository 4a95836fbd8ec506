/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LAT_EXPORT_H
#define LAT_EXPORT_H

/**
 * @file
 * Histograms in the forms that HdrHistogram's own tools read. All of it works on a histogram of
 * nanoseconds (lat_hist_to_ns()), since those tools know no ticks. Pure; any thread on its own
 * data.
 *
 * - **.hgrm**: the percentile distribution that HdrHistogram's plotter draws
 *   (AbstractHistogram.outputPercentileDistribution() of HdrHistogram 2.1, five ticks a half
 *   distance), values in microseconds. CSV is the same list, as that function writes it.
 * - **text**: the V2 encoding, compressed, in base64 ("HISTFAAA…"), which every HdrHistogram
 * library decodes and which merges without loss. struct lat_hist has HdrHistogram's layout for
 * values from 1 at 3 digits (a bucket for each value below 2^11, 2^10 a power of two above), so
 * counts go over one to one.
 * - **.hlog**: interval histograms over time (HistogramLogWriter, log format 1.3), a line each.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lat_hist.h"

/**
 * The same samples in nanoseconds. Each goes by the middle of its bucket, those of the last one by
 * its upper edge, so that the maximum is not below the truth. Adds at most half a bucket (0.05 %)
 * or half a nanosecond to what lat_hist says; samples beyond 100 s of a slow clock are clipped.
 *
 * @param hz ticks per second
 */
void lat_hist_to_ns(struct lat_hist *ns, const struct lat_hist *ticks, double hz);

/** @param ns nanoseconds. @return 0; -EINVAL nothing in it; -EIO */
int lat_write_hgrm(const struct lat_hist *ns, FILE *to);
int lat_write_csv(const struct lat_hist *ns, FILE *to);

/**
 * The counts alone, run-length and LEB128 encoded (HdrHistogram V2's payload), malloc()ed.
 * @return bytes, -ENOMEM
 */
long lat_pack(const struct lat_hist *h, uint8_t **bytes);
/** Add packed counts to h. @return 0; -EINVAL not such a payload, or more buckets than there are
 * (h then has a part of it) */
int lat_unpack_add(struct lat_hist *h, const uint8_t *bytes, size_t len);

/** "HISTFAAA…", malloc()ed; NULL when out of memory. clipped is not in it. */
char *lat_to_text(const struct lat_hist *ns);
/** Add what the text holds to ns. @return 0; -EINVAL not of that form, or another layout; -ENOMEM
 */
int lat_add_text(struct lat_hist *ns, const char *text);

/** The head of a .hlog. @param epoch_s when the first interval began, seconds of Unix time */
int lat_write_hlog_head(FILE *to, double epoch_s, const char *what);
/** One interval: from at_s after the head's beginning, lasting seconds. @return 0, -ENOMEM, -EIO */
int lat_write_hlog_line(FILE *to, double at_s, double seconds, const struct lat_hist *ns);

#endif
