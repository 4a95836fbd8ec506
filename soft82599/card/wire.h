/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the port is plugged into: one thread of the card's process that takes what the NIC sends
 * and gives it what arrives. It sleeps when there is nothing to do.
 */
#ifndef S82_WIRE_H
#define S82_WIRE_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "card.h"

struct wire;

/* One kind of wire. All functions run in the wire thread but open, close, json and report. */
struct wire_ops {
	/* Reads its files; tells on stderr what is wrong. 0 or -errno. */
	int (*open)(struct wire *w);
	/* May a frame leave the NIC now? If not it stays there, and the thread sleeps until
	 * w->poll_fd has w->poll_events or w->wait_ns passed. NULL: always. w->lock is held. */
	bool (*ready)(struct wire *w);
	/* A frame left the NIC. w->lock is held. */
	void (*out)(struct wire *w, const struct s82_wire_rec *rec, const uint8_t *frame);
	/* Gives the NIC what is due. Returns how many frames; 0: nothing to do before the NIC
	 * sends, or before w->wait_ns passed. w->lock is held. */
	unsigned int (*in)(struct wire *w);
	/* COMMAND ended; nothing moves any more. Returns 1 if the wire found an error, else 0. */
	int (*finish)(struct wire *w);
	/* What `show` tells. w->lock is held. */
	json_t *(*json)(struct wire *w);
	void (*close)(struct wire *w);
	bool one_way;	/* it cannot be impaired but on the way out */
};

/* Ways, seen from the card. */
enum wire_way { WIRE_IN, WIRE_OUT };

/* What a bad cable does, each with its own rule: the next n frames (of = 0), or n of every `of`. */
enum impair_kind { IMPAIR_LOSS, IMPAIR_DUP, IMPAIR_REORDER, IMPAIR_CORRUPT, IMPAIR_KINDS };

struct impair_rule {
	uint64_t n, of, seen;
	uint64_t hit;		/* frames, since the start */
};

struct wire_held;

/* One way of the cable, by w->lock. */
struct impair {
	bool on;		/* there is anything to do */
	struct impair_rule rule[IMPAIR_KINDS];
	uint64_t delay_ns, delayed, overflow;	/* overflow: lost, since too many were held */
	struct wire_held *first, *last, *swap;	/* held; swap: to be overtaken by the next one */
	uint64_t held, held_bytes;
};

struct wire {
	const struct wire_ops *ops;
	const struct card_opts *opts;
	struct s82_state *st;
	struct s82_ctx ctx;	/* the thread's */
	int wake_fd;
	int poll_fd;		/* -1, or what ends the thread's sleep besides the NIC */
	short poll_events;
	pthread_t thread;
	_Atomic bool stop;
	pthread_mutex_t lock;	/* between the thread and `show` */
	uint64_t wait_ns;	/* how long the thread may sleep if the NIC sends nothing */
	uint64_t taken, given;	/* frames */
	/* the clock: a tick and the time of day at the start */
	uint64_t tsc0, mono0, real0;
	void *priv;
	struct impair impair[2];	/* by enum wire_way */
	uint8_t frame[S82_MAX_FRAME], changed[S82_MAX_FRAME];
};

extern const struct wire_ops wire_loop, wire_pcap, wire_verify, wire_tap, wire_peer;

/*
 * A frame enters the cable at one end; what the cable does to it is up to ctl. The wire thread;
 * w->lock is held, and for WIRE_IN the model's lock. What the NIC said, or drop = -1 if the frame
 * did not get there, or not yet.
 */
struct s82_verdict wire_carry(struct wire *w, enum wire_way way, const struct s82_wire_rec *rec,
	const uint8_t *frame);

/* Frames for the NIC. The model's lock is held. */
struct s82_verdict wire_give(struct wire *w, const uint8_t *frame, uint32_t len);

/* Lets frames go on whose time has come, or all. Returns how many. w->lock is held. */
unsigned int wire_due(struct wire *w, bool all);

/* `ctl wire`: words after it. 0 or -errno; the answer is left empty for a usage error. */
int wire_impair(struct wire *w, char **words, char *answer, size_t size);
json_t *wire_impair_json(const struct wire *w);
void wire_impair_free(struct wire *w);

/* Counts by reason, those that are not zero. */
struct hist;
/* A histogram of ticks as the report of a program has one. */
json_t *wire_latency_json(const struct wire *wire, const char *name, const struct hist *hist);
json_t *wire_drops_json(const uint64_t *dropped);

/*
 * Makes the wire that the options ask for and starts its thread; *wire is NULL for "none".
 * Returns 0 or -errno after it told on stderr why.
 */
int wire_start(struct wire **wire, const struct card_opts *opts, struct s82_state *st,
	struct s82_server *server);

/* Ends the thread and frees everything. Returns 1 if the wire found an error, else 0. */
int wire_stop(struct wire *wire);

/* What `show` tells of it; a new reference. */
json_t *wire_json(struct wire *wire);

/*
 * Can the programs behind the card receive this frame, the first of a capture? The link is up,
 * a descriptor waits for it, and it is not just that a default pool takes what nobody asked
 * for: the pool that gets it has its address. *to: where it would go. The
 * model's lock is not held.
 */
bool wire_ready(struct wire *w, const uint8_t *frame, uint32_t len, struct s82_verdict *to);

/* CLOCK_MONOTONIC in ns. */
uint64_t wire_now_ns(void);

/* Ticks per second, and a tick as the time of day in ns. */
double wire_tsc_hz(const struct wire *w);
uint64_t wire_real_ns(const struct wire *w, uint64_t tsc);

/* Reads all frames of a capture, padded to 60 bytes as a NIC would send them. */
struct wire_frame {
	const uint8_t *data;
	uint32_t len;
};

struct wire_frames {
	struct wire_frame *frame;
	uint32_t count;
	uint8_t *mem;
};

int wire_load(const char *path, struct wire_frames *frames);
void wire_unload(struct wire_frames *frames);

/* A capture with nanoseconds that frames are recorded in. */
struct wire_record;

/* NULL after it told on stderr why. */
struct wire_record *wire_record_open(const char *path);
void wire_record_put(const struct wire *w, struct wire_record *r, const struct s82_wire_rec *rec,
	const uint8_t *frame);
/* Has all been written? 0, or -EIO after it told on stderr. */
int wire_record_flush(struct wire_record *r, const char *path);
void wire_record_close(struct wire_record *r);

#endif
