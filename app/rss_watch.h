/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_RSS_WATCH_H
#define VFPLANE_RSS_WATCH_H

/**
 * @file
 * Looks at what arrives, while it is asked to: an RX callback of ethdev on each queue of a port
 * counts packets by hash, by entry of the table and by why they have no hash. It costs a few
 * nanoseconds a packet while it is on and nothing when it is off. Each queue's counts have one
 * writer, the lcore that polls it. Control thread.
 */

#include <rss_why.h>

#include "vfplane.h"

/**
 * Begin, or end, looking. What was counted stays until the next beginning.
 * @param parse  also look into the frames, for what the NIC does not say (fragment, not IP)
 * @return 0, -ENOMEM, -ENODEV when the port is not up, -ENOTSUP when ethdev has no callbacks
 */
int rss_watch_set(struct port *p, bool on, bool parse);

bool rss_watch_is_on(const struct port *p);

/**
 * Read the counts since the beginning.
 * @param entries  RSS_RETA_SIZE counts by entry of the card's table, added up; may be NULL
 * @return 0; -ENOENT when nothing was ever counted here
 */
int rss_watch_read(const struct port *p, struct rss_seen *seen, uint64_t *entries);

/** Before the port goes away. */
void rss_watch_free(struct port *p);

#endif
