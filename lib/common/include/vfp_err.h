/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFP_ERR_H
#define VFP_ERR_H

/**
 * @file
 * Why something failed, in a sentence, and the exit codes of the programs.
 *
 * Libraries return 0 or a positive count, or -errno, and put the reason into a struct vfp_err that
 * the caller owns. They never print and never exit. All functions here are reentrant and take no
 * locks: any thread may call them on its own buffer.
 */

#include <stdarg.h>

#define VFP_ERR_TEXT 512

/** The reason of the last failure; an empty text means that nothing was said. */
struct vfp_err {
	char text[VFP_ERR_TEXT];
};

/** Exit codes of vfplane and vfctl. */
enum vfp_exit {
	VFP_EXIT_OK = 0,
	VFP_EXIT_REFUSED = 1,	  /**< vfctl compare: the runs are no comparison */
	VFP_EXIT_USAGE = 2,	  /**< usage or configuration error; nothing was touched */
	VFP_EXIT_DEVICE = 3,	  /**< a device or the bring-up failed; all rolled back */
	VFP_EXIT_UNACCOUNTED = 4, /**< ran, but packets are unaccounted for */
};

/**
 * Write the reason and hand the code back, so that a failing function ends in one line:
 * `return vfp_err_set(err, -EINVAL, "port %s has no queue %u", name, q);`
 *
 * @param err the caller's buffer, or NULL when the caller does not want the text
 * @param code what to return, a negative errno value
 * @return code
 */
int vfp_err_set(struct vfp_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * Put where it happened in front of a reason that is already there: "where: reason".
 *
 * @return code
 */
int vfp_err_prefix(struct vfp_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
