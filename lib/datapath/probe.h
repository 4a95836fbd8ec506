/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DP_PROBE_H
#define DP_PROBE_H

/*
 * What a source writes into the payload of its packets, and what it makes of those that return. Pure.
 *
 * 18 bytes, so that they fit the smallest frame (60 bytes without FCS, 42 of them headers). All fields
 * in the sender's byte order: they are read by the process that wrote them.
 *
 *	0  magic   16  "VP"
 *	2  check   16  the source's id, xor of the 16-bit words of what follows: tells foreign and
 *		       damaged ones apart
 *	4  stream  16
 *	6  seq     32  of its stream, from 0
 *	10 stamp   64  TSC just before the burst was given to the NIC
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DP_PROBE_LEN 18
#define DP_PROBE_MAGIC 0x5650
#define DP_PROBE_STAMP_AT 10
/* How far behind the newest one of its stream a packet may be and still be known: a late one or a
 * second one. */
#define DP_PROBE_WINDOW 1024

struct dp_probe {
	uint16_t stream;
	uint32_t seq;
	uint64_t stamp;
};

/* What one stream's returns were. One writer: the worker that polls the queue they arrive in. */
struct dp_stream {
	uint64_t received;   /* different ones */
	uint64_t duplicated; /* came again */
	uint64_t reordered;  /* came after one that was sent later (RFC 4737: Type-P-Reordered) */
	uint64_t late;	     /* so far behind that it cannot be told whether they had come before */
	uint64_t next;	     /* the highest number seen, plus one */
	uint64_t bits[DP_PROBE_WINDOW / 64];
};

enum dp_seen {
	DP_SEEN_NEW,
	DP_SEEN_REORDERED, /* new as well */
	DP_SEEN_DUPLICATE,
	DP_SEEN_LATE
};

static inline uint16_t
dp_probe_check(const struct dp_probe *p)
{
	const uint64_t all = p->stamp ^ p->seq ^ (uint64_t)p->stream;
	const uint32_t half = (uint32_t)(all ^ all >> 32);

	return (uint16_t)(half ^ half >> 16);
}

static inline void
dp_probe_write(uint8_t *at, uint16_t id, const struct dp_probe *p)
{
	const uint16_t magic = DP_PROBE_MAGIC, check = id ^ dp_probe_check(p);

	memcpy(at, &magic, 2);
	memcpy(at + 2, &check, 2);
	memcpy(at + 4, &p->stream, 2);
	memcpy(at + 6, &p->seq, 4);
	memcpy(at + DP_PROBE_STAMP_AT, &p->stamp, 8);
}

/* false: not one of this source's, or damaged */
static inline bool
dp_probe_read(const uint8_t *at, uint16_t id, struct dp_probe *p)
{
	uint16_t magic, check;

	memcpy(&magic, at, 2);
	memcpy(&check, at + 2, 2);
	memcpy(&p->stream, at + 4, 2);
	memcpy(&p->seq, at + 6, 4);
	memcpy(&p->stamp, at + DP_PROBE_STAMP_AT, 8);
	return magic == DP_PROBE_MAGIC && (check ^ dp_probe_check(p)) == id;
}

/* Count one that came back. */
enum dp_seen dp_stream_take(struct dp_stream *s, uint32_t seq);

#endif
