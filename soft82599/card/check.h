/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Does what comes back equal what was sent? Pure: the wire tells it of each frame that went in
 * and of each that came out.
 *
 * Frames belong to flows: VLAN and IP 5-tuple; of an IP fragment, addresses, protocol and
 * identification; of anything else, VLAN and ethertype. In a flow, frames come back in the order
 * in which they went, byte for byte from byte 12 on. The two MAC addresses come back all
 * unchanged, all swapped, or all the same: whichever of these still holds of all frames so far.
 *
 * What cannot be seen: frames of a flow that are equal byte for byte stand for one another. If
 * one of them is lost, the next takes its place, and the loss shows in check_settle().
 */
#ifndef S82_CHECK_H
#define S82_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "hist.h"

struct check;

struct check_counts {
	uint64_t expected;	/* went in and shall come back */
	uint64_t received;	/* came back, whatever came of them, but duplicates and extras */
	uint64_t lost;		/* a later frame of the flow came back, or settled */
	uint64_t changed;	/* bytes or MAC addresses */
	uint64_t reordered;	/* came back after a later frame of the flow */
	uint64_t duplicated;	/* came back once more than it went in */
	uint64_t extra;		/* of no flow that was sent */
	uint64_t forgiven;	/* see check_forgive() */
	uint64_t outstanding;	/* neither back nor lost nor forgiven yet */
	/* expected = received + lost + forgiven + outstanding */
};

enum check_result {
	CHECK_OK,
	CHECK_CHANGED,
	CHECK_REORDERED,
	CHECK_DUPLICATED,
	CHECK_EXTRA,
};

#define CHECK_NO_TAG	UINT64_MAX

/* `n` source frames, which stay the caller's; at most `window` are ever outstanding. */
struct check *check_create(const uint8_t *const *frame, const uint32_t *len, uint32_t n,
	uint32_t window);
void check_destroy(struct check *c);

uint32_t check_flows(const struct check *c);

/* Source frame `index` went in at `tsc`. `tag` comes back with it. 0, or -ENOSPC if the window
 * is full. */
int check_sent(struct check *c, uint32_t index, uint64_t tag, uint64_t tsc);

/* A frame came out at `tsc`. *tag: that of the frame it was taken for, or CHECK_NO_TAG. */
enum check_result check_returned(struct check *c, const uint8_t *frame, uint32_t len,
	uint64_t tsc, uint64_t *tag);

/* Nothing that is outstanding and has a tag below `before` will come back: it is lost. */
void check_settle(struct check *c, uint64_t before);

/* Nor is it held against anybody: it went in before the receiver was at work. */
void check_forgive(struct check *c, uint64_t before);

struct check_counts check_counts(const struct check *c);

/* From check_sent() to check_returned(), in ticks. */
const struct hist *check_latency(const struct check *c);

/* "unchanged", "swapped", "rewritten" (all the same); "" before the first return. */
const char *check_macs(const struct check *c);

#endif
