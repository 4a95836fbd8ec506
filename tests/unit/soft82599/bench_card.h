/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A card on the test's bench: the model in this process, its memory identity-mapped, and a
 * driver's first steps (rings, pools, addresses) as short calls.
 */
#ifndef BENCH_CARD_H
#define BENCH_CARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "internal.h"

#define RING	64	/* descriptors a ring has */
#define BUF	2048

struct ring {
	uint64_t desc[RING][2];
	uint8_t buf[RING][BUF];
	uint32_t next;		/* the next descriptor that the driver looks at */
};

struct bench {
	struct s82_state *st;
	struct s82_ctx ctx;
	struct ring *rx[S82_QUEUES], *tx[S82_QUEUES];
	uint64_t fired[S82_FUNCS];	/* vectors raised since last looked at */
	unsigned int kicks;		/* of the wire */
	int locked;
	uint64_t now;			/* the clock, 1 GHz: it stands still unless it is set */
	unsigned int timers;		/* calls of ops->timer */
};

/* A card with `vfs` VFs, powered on, its functions in DMA domain 1, bus mastering on. */
struct bench *bench_new(unsigned int vfs);
void bench_free(struct bench *b);

uint32_t pf_read(struct bench *b, uint32_t off);
void pf_write(struct bench *b, uint32_t off, uint32_t val);
uint32_t vf_read(struct bench *b, unsigned int vf, uint32_t off);
void vf_write(struct bench *b, unsigned int vf, uint32_t off, uint32_t val);

/* Rings of absolute queues; the receive ring gets RING - 1 buffers. */
void rx_on(struct bench *b, unsigned int queue, int drop_en);
void tx_on(struct bench *b, unsigned int queue);

/* Pools: mrqe 0xb (64 x 2, RSS) or 0xa (32 x 4, RSS); PF pool = number of VFs; all enabled. */
void pools_on(struct bench *b, uint32_t mrqe);
void set_mac(struct bench *b, unsigned int rar, const uint8_t mac[6], uint64_t pools);
void set_vlan(struct bench *b, unsigned int slot, unsigned int vid, uint64_t pools);
void set_rss(struct bench *b, uint32_t fields, const uint8_t key[40], unsigned int queues);

/* A frame: addresses, optional tag (vid < 0: none), ethertype, payload of zeros. */
uint32_t frame(uint8_t *f, const uint8_t dst[6], const uint8_t src[6], int vid, uint16_t type,
	uint32_t len);

/* Sends a frame from a queue in `segs` pieces; true if the done bit came back. */
int tx_send(struct bench *b, unsigned int queue, const uint8_t *f, uint32_t len, unsigned int segs);
/* Takes the next received frame of a queue: its length, 0 if there is none. */
uint32_t rx_take(struct bench *b, unsigned int queue, uint8_t *f, uint64_t desc[2]);
struct s82_verdict from_wire(struct bench *b, const uint8_t *f, uint32_t len);
/* Lets time pass, doing what is due on the way. */
void run_until(struct bench *b, uint64_t now);
uint64_t drops(const struct bench *b, unsigned int pool, enum s82_drop why);

static const uint8_t mac_a[6] = { 0x02, 0x09, 0xc0, 0, 0, 0 };
static const uint8_t mac_b[6] = { 0x02, 0x09, 0xc0, 0, 0, 1 };
static const uint8_t mac_x[6] = { 0x02, 0xee, 0xee, 0, 0, 9 };
static const uint8_t mac_bcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const uint8_t ms_key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

#endif
