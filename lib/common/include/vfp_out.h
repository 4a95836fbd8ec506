/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFP_OUT_H
#define VFP_OUT_H

/**
 * @file
 * One writer for objects and tables: the same calls give text for a person or strict JSON.
 *
 * An output is a tree: objects hold named fields, lists hold objects or values. In JSON it is
 * written as it was built. In text an object becomes aligned `label  value` lines, and a list of
 * objects a table of at most 80 columns: a text in the last column is wrapped, columns that do not
 * fit continue in a further block that repeats the first column; objects and lists inside a row follow
 * the table under their own title.
 *
 * A value that is not known is null in JSON and `-` in text, never 0. Keys are written as they are
 * in JSON (`p50_ns`); text turns `_` into a blank and drops a suffix that the unit already says.
 *
 * Errors stick: every call after a failure does nothing and vfp_out_end() tells. One output belongs
 * to one thread. Inside a list the key is ignored and may be NULL.
 *
 * @code
 * struct vfp_out *o = vfp_out_new(VFP_JSON, stdout);
 * vfp_out_list(o, "ports");
 * vfp_out_open(o, NULL);
 * vfp_out_str(o, "name", "vf0");
 * vfp_out_u64(o, "rx_packets", 12, VFP_COUNT);
 * vfp_out_null(o, "rx_missed");
 * vfp_out_close(o);
 * vfp_out_close(o);
 * rc = vfp_out_end(o);
 * @endcode
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct vfp_out;

enum vfp_format {
	VFP_TEXT,
	VFP_JSON,
};

/**
 * What a number counts. JSON always has the raw number; text shows it for people.
 * OR-ing VFP_DETAIL hides the field from text: it is for programs.
 */
enum vfp_unit {
	VFP_PLAIN = 0,	 /**< as it is: ids, sizes */
	VFP_COUNT,	 /**< packets, events: 12345, 1.23M */
	VFP_BYTES,	 /**< 1.5 kB, 3.2 GB (powers of 1000) */
	VFP_PPS,	 /**< packets per second: 14.88 Mpps */
	VFP_BPS,	 /**< bits per second: 10 Gbit/s */
	VFP_NS,		 /**< nanoseconds: 820 ns, 1.25 us, 3.1 ms */
	VFP_SECONDS,	 /**< seconds: 5.00 s */
	VFP_SHARE,	 /**< 0..1, shown as percent: 12.5% */
	VFP_FIXED1,	 /**< a number with one decimal: 31.8 */
	VFP_DETAIL = 256 /**< flag: not in text */
};

/**
 * Begin an output. The root is an object.
 *
 * @param to where vfp_out_end() writes; not closed. open_memstream(3) gives a string.
 * @return NULL when out of memory
 */
struct vfp_out *vfp_out_new(enum vfp_format format, FILE *to);

/**
 * Write everything, free the output.
 *
 * @return 0; -ENOMEM; -EIO when the stream took less; -EINVAL when opens and closes do not match or
 *	a string is not UTF-8 (JSON)
 */
int vfp_out_end(struct vfp_out *o);

/** Which of the two it will be: for the rare field that is worth computing only for one. */
enum vfp_format vfp_out_format(const struct vfp_out *o);

/** Open an object; in a list its key is ignored. */
void vfp_out_open(struct vfp_out *o, const char *key);
/** Open a list of objects or of values. */
void vfp_out_list(struct vfp_out *o, const char *key);
/** Close what was opened last. */
void vfp_out_close(struct vfp_out *o);

/** The fields. unit: enum vfp_unit, perhaps | VFP_DETAIL. */
void vfp_out_u64(struct vfp_out *o, const char *key, uint64_t value, unsigned int unit);
void vfp_out_i64(struct vfp_out *o, const char *key, int64_t value, unsigned int unit);
/** NaN and infinity are unknown: null. */
void vfp_out_double(struct vfp_out *o, const char *key, double value, unsigned int unit);
/** NULL is unknown: null. The text is copied. */
void vfp_out_str(struct vfp_out *o, const char *key, const char *value);
void vfp_out_strf(struct vfp_out *o, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void vfp_out_bool(struct vfp_out *o, const char *key, bool value);
void vfp_out_null(struct vfp_out *o, const char *key);
/** A line for people only: a title, or where a number was measured. JSON leaves it out. */
void vfp_out_note(struct vfp_out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));


/**
 * A number as text mode shows it, e.g. vfp_humanize(buf, sizeof(buf), 1234567, VFP_PPS) gives
 * "1.23 Mpps".
 *
 * @return buf
 */
const char *vfp_humanize(char *buf, size_t size, double value, unsigned int unit);

#endif
