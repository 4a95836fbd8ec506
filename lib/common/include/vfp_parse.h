/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFP_PARSE_H
#define VFP_PARSE_H

/**
 * @file
 * Text from people into values. Every function takes `what`, the name of the thing in the user's
 * words ("burst", "vf 0: mac"), and on failure says in err what was wrong and what is allowed.
 * All return 0, or -EINVAL (not of this form), -ERANGE (of this form, but not allowed). The output
 * is untouched on failure. Reentrant; any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfp_err.h"

/** A decimal or 0x number between min and max, both allowed. */
int vfp_parse_u64(const char *text, const char *what, uint64_t min, uint64_t max, uint64_t *value,
	struct vfp_err *err);
int vfp_parse_u32(const char *text, const char *what, uint32_t min, uint32_t max, uint32_t *value,
	struct vfp_err *err);
int vfp_parse_u16(const char *text, const char *what, uint16_t min, uint16_t max, uint16_t *value,
	struct vfp_err *err);

/** yes, no, on, off, true, false. */
int vfp_parse_bool(const char *text, const char *what, bool *value, struct vfp_err *err);

/** One of n names; *value is its index. The error lists the names. */
int vfp_parse_choice(const char *text, const char *what, const char *const names[], unsigned int n,
	unsigned int *value, struct vfp_err *err);

/** A MAC address, six bytes of two hex digits, separated by ':' or '-'. Any address. */
int vfp_parse_mac(const char *text, const char *what, uint8_t mac[6], struct vfp_err *err);
/** As above, and it must be one station's: not multicast, not all zero (-ERANGE). */
int vfp_parse_unicast_mac(const char *text, const char *what, uint8_t mac[6], struct vfp_err *err);

#define VFP_MAC_TEXT 18 /**< "02:09:c0:00:00:01" and the NUL */
/** @return buf */
const char *vfp_mac_text(const uint8_t mac[6], char buf[VFP_MAC_TEXT]);

/** A PCI address: domain, bus, device 0-31, function 0-7. */
struct vfp_bdf {
	uint16_t domain;
	uint8_t bus;
	uint8_t dev;
	uint8_t fn;
};

#define VFP_BDF_TEXT 13 /**< "0000:03:10.1" and the NUL */
/** 03:10.1 or 0000:03:10.1; without a domain it is 0000. */
int vfp_parse_bdf(const char *text, const char *what, struct vfp_bdf *bdf, struct vfp_err *err);
/** The normal form, with domain. @return buf */
const char *vfp_bdf_text(const struct vfp_bdf *bdf, char buf[VFP_BDF_TEXT]);
/** Parse and write the normal form. */
int vfp_bdf_normalise(const char *text, const char *what, char buf[VFP_BDF_TEXT],
	struct vfp_err *err);

/** A duration with a unit, ns us ms s m h; a bare number (5, 0.5) is seconds. */
int vfp_parse_duration(const char *text, const char *what, uint64_t min_ns, uint64_t max_ns,
	uint64_t *ns, struct vfp_err *err);

/**
 * A list, separated by commas or blanks, perhaps in braces: "a, b" or "{a, b}". Calls each() for
 * every item with a copy that is trimmed; stops at the first that does not return 0 and returns
 * that. An empty list calls nothing. An empty item ("a,,b") is -EINVAL.
 */
int vfp_parse_list(const char *text, const char *what,
	int (*each)(const char *item, void *arg, struct vfp_err *err), void *arg,
	struct vfp_err *err);

/** Numbers and ranges, "1,3-5", each 0..n-1, as set[i] = true; does not clear the others. */
int vfp_parse_set(const char *text, const char *what, bool *set, unsigned int n,
	struct vfp_err *err);

#endif
