/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RINGS_H
#define RINGS_H

/**
 * @file
 * What the tests of the polling lcores share: ports made of rings, of which a test holds the other
 * ends. What fails here fails the test that called.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rte_mempool.h>
#include <rte_ring.h>

#include "dp_stats.h"
#include "dp_worker.h"

#define QUEUES 2
#define RING   1024
#define MBUFS  8191

enum {
	PORT_A,
	PORT_B,
	PORT_LOOP, /* what it sends, it receives */
	PORTS
};

extern struct rte_mempool *pool;
extern struct rte_ring *rx_ring[PORTS][QUEUES], *tx_ring[PORTS][QUEUES];
extern uint16_t port_id[PORTS];

/** Brings EAL up with three lcores on however few processors there are, and runs the tests. */
int rings_main(const char *name, int (*tests)(void));

/** The pool of buffers with this room. @return 0 or -1 */
int rings_pool(uint16_t room);

/** A port whose queues receive from rx and send to tx, started. @return 0 or -1 */
int rings_port(unsigned int p, const char *name, struct rte_ring *rx[QUEUES],
	struct rte_ring *tx[QUEUES]);

/** All three ports, with rings of their own. @return 0 or -1 */
int rings_open(uint16_t room);

/** Empties the rings. @return 0, or -1 when a buffer was left behind elsewhere */
int rings_empty(void);

/** Far longer than anything takes here, in ticks. */
uint64_t deadline(void);

/** A specification with the ports and one rule, "rule", on lcore 1. To be freed. */
struct dp_spec *spec_for(unsigned int from, unsigned int to, enum dp_mode mode);

/** As dp_publish(), but for a worker that does not get its processor where others work too. */
int patient_publish(struct dp *dp, struct dp_plan *plan, struct vfp_err *err);

void start(struct dp *dp);
struct dp_counts totals(struct dp *dp);

/** The ports' own counters against the workers'. */
uint64_t unaccounted(struct dp *dp);

#endif
