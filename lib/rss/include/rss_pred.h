/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RSS_PRED_H
#define RSS_PRED_H

/**
 * @file
 * The oracle over a capture: hand every frame of a pcap to a callback, in a loop if asked, so that
 * a prediction covers exactly the packets that a replay sends. No EAL. One thread at a time.
 */

#include <stddef.h>
#include <stdint.h>

#include <vfp_err.h>

/** @return 0 to go on; anything else ends the walk and is returned by it. */
typedef int (*rss_pred_frame)(void *arg, const uint8_t *frame, size_t len);

/**
 * Walk over a pcap or pcapng file of Ethernet frames.
 *
 * @param packets  0: the file once; else so many frames, the file repeated from its start as needed
 * @return 0; -ENOENT, -EINVAL (not a capture, not Ethernet, or empty while packets are asked); what
 *         the callback returned. err may be NULL.
 */
int rss_pred_walk(
	const char *file, uint64_t packets, rss_pred_frame each, void *arg, struct vfp_err *err);

#endif
