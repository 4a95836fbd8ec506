/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_EXPLAIN_H
#define VFPLANE_EXPLAIN_H

/**
 * @file
 * Where would this packet go? From MAC and VLAN over pool, RSS and queue to lcore and rule, with what
 * decided each step. Pure; vfplane asks it about the card as it is, vfctl about a configuration.
 */

#include <rss_flow.h>
#include <sriov_steer.h>
#include <vfp_err.h>
#include <vfp_out.h>

#include "config.h"

/** What becomes of a queue's packets; texts may be "". */
struct explain_queue {
	uint32_t lcore; /**< UINT32_MAX: nobody polls it here */
	char then[96];	/**< the rule, or who has it */
};

struct explain {
	const struct sriov_steer *steer;
	const struct rss_oracle *oracle;
	int from; /**< the VF that sends; -1: the wire */
	void *arg;
	/** Queues that RSS chooses from in a pool. */
	unsigned int (*queues)(void *arg, unsigned int pool);
	void (*name)(void *arg, unsigned int pool, char name[CFG_NAME]);
	void (*queue)(void *arg, unsigned int pool, unsigned int queue, struct explain_queue *q);
	/** Who works on it by a software table: 1 and a sentence, or 0; may be NULL. */
	int (*table)(void *arg, unsigned int pool, uint32_t hash, char *text, size_t len);
};

/** Tell the way of one frame. */
void explain_frame(const struct explain *x, const uint8_t *frame, size_t len, struct vfp_out *o);

/** The shortest form, for many frames: "0:1:0x51ccc178 2:0:0x51ccc178 wire", or "dropped: why". */
const char *explain_line(
	const struct explain *x, const uint8_t *frame, size_t len, char *buf, size_t size);

/**
 * A frame from words: "to MAC [vlan V] tcp|udp|ip SRC DST" or "hex BYTES".
 * @param src_mac  what a VF that sends has; for the wire any
 * @return its length; -EINVAL, -ERANGE with a sentence
 */
int explain_parse(int n, const char *const words[], const uint8_t src_mac[6], uint8_t *frame,
	size_t size, struct vfp_err *err);
#define EXPLAIN_WORDS "to MAC [vlan V] tcp|udp|ip SRC[:PORT] DST[:PORT] | hex BYTES"

#endif
