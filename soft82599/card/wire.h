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
};

struct wire {
	const struct wire_ops *ops;
	const struct card_opts *opts;
	struct s82_state *st;
	struct s82_ctx ctx;	/* the thread's */
	int wake_fd;
	pthread_t thread;
	_Atomic bool stop;
	pthread_mutex_t lock;	/* between the thread and `show` */
	uint64_t wait_ns;	/* how long the thread may sleep if the NIC sends nothing */
	uint64_t taken, given;	/* frames */
	/* the clock: a tick and the time of day at the start */
	uint64_t tsc0, mono0, real0;
	void *priv;
	uint8_t frame[S82_MAX_FRAME];
};

extern const struct wire_ops wire_loop, wire_pcap, wire_verify;

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
