/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_PLOT_H
#define CTL_PLOT_H

/**
 * @file
 * A picture by gnuplot: opens the script, writes what all pictures share (size, fonts, colours, the
 * line that says where the numbers are from), runs it.
 */

#include <stdbool.h>
#include <stdio.h>

#include <vfp_err.h>

struct plot {
	FILE *to;           /**< the script; write into it */
	const char *output; /**< FILE.png or FILE.svg */
	bool script;        /**< print the script instead of running it */
	char *text;
	size_t len;
};

/**
 * @param caption what the numbers are: source, clock, interval; below the picture
 * @return 0; -EINVAL the output's ending is neither .png nor .svg; -ENOMEM
 */
int plot_begin(struct plot *p, const char *output, bool script, const char *title,
	const char *caption, struct vfp_err *err);
/** Draw. @return 0; -ENOENT gnuplot is not installed; -EIO it failed; -errno */
int plot_end(struct plot *p, struct vfp_err *err);

/** Text in double quotes, as gnuplot reads it. */
void plot_quote(FILE *to, const char *text);

/** A unit for latencies up to so many nanoseconds. @return its name; *divide: ns in one */
const char *plot_time_unit(double max_ns, double *divide);

/** A logarithmic axis of latencies, in nanoseconds, with a unit at every power of ten. */
void plot_log_times(FILE *to);

/** The n-th line: colour and width, as options of plot. Colours that the colour-blind tell apart.
 */
const char *plot_style(unsigned int n);

#endif
