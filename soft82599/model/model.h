/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The model of the 82599: registers in, packets and interrupts out. It makes no operating
 * system call; what it needs of the outside it asks of struct s82_ops. The same code runs in
 * every client (in the thread that trapped) and in the card process (engine, wire, FLR).
 */
#ifndef S82_MODEL_H
#define S82_MODEL_H

#include <stddef.h>
#include "state.h"

struct s82_ctx;
struct s82_switch;

/* What the model asks of the process that it runs in. None of them may take st->lock but lock(). */
struct s82_ops {
	/*
	 * Translates an address of a DMA domain. Returns where the memory lies in this process,
	 * in *avail how many bytes are contiguous from there on (at least 1) and in *before how
	 * many are in front of it; or NULL if nothing is mapped: the model counts the fault.
	 * Good for as long as the lock is held, which it is.
	 */
	void *(*dma)(struct s82_ctx *ctx, unsigned int domain, uint64_t iova, size_t *avail,
		size_t *before);
	/* Raises MSI-X vector `vector` of `func`, which is armed. Lock held or not. */
	void (*irq)(struct s82_ctx *ctx, unsigned int func, unsigned int vector);
	/* Wakes the wire thread, which sleeps. Lock held. */
	void (*wire_kick)(struct s82_ctx *ctx);
	/* Take and leave st->lock. lock() calls s82_repair() if the last owner died. */
	void (*lock)(struct s82_ctx *ctx);
	void (*unlock)(struct s82_ctx *ctx);
	/* The time stamp counter. */
	uint64_t (*now)(struct s82_ctx *ctx);
	/* st->timers.next came sooner: moves timers.seq and wakes who sleeps on it. Lock held. */
	void (*timer)(struct s82_ctx *ctx);
};

/* One process's view of the card. */
struct s82_ctx {
	struct s82_state *st;
	const struct s82_ops *ops;
	void *host;		/* for the ops */
	struct s82_switch *sw;	/* s82_switch_size() zeroed bytes: tables derived from registers */
	uint8_t *bounce;	/* 2 * S82_MAX_FRAME bytes to gather frames in */
};

/* Bytes that ctx->sw has to point to. */
size_t s82_switch_size(void);

/* What a card is made from. */
struct s82_config {
	uint16_t pci_domain, pf_bdf;	/* pf_bdf: bus << 8 | device << 3 | function (0 or 1) */
	uint32_t num_vfs;		/* 0 to S82_MAX_VFS */
	uint32_t token_strict;
	uint32_t wire_mode;		/* enum s82_wire_mode */
	uint64_t tick_hz;		/* of ops->now() */
};

/* Fills *st, zeroed memory, with a card after power-on; all functions bound to vfio-pci. The
 * caller initialises the lock. Returns 0 or -EINVAL. */
int s82_power_on(struct s82_state *st, const struct s82_config *cfg);

/*
 * A register access of `size` bytes (1, 2, 4 or 8) at `off` of BAR 0 of `func`. They take the
 * lock themselves, for at most one burst at a time. Any thread.
 */
uint64_t s82_mmio_read(struct s82_ctx *ctx, unsigned int func, uint32_t off, unsigned int size);
void s82_mmio_write(struct s82_ctx *ctx, unsigned int func, uint32_t off, uint64_t val,
	unsigned int size);

/*
 * The one write that needs no lock, for callers that want it fast. s82_rdt_queue() gives the queue
 * whose RDT lies at `off` (a multiple of 4) of BAR 0 of `func`, or -1. s82_rdt_store() returns
 * false if more is to be done than the store: then s82_mmio_write() the same value. Both use
 * general registers only.
 */
int s82_rdt_queue(const struct s82_state *st, unsigned int func, uint32_t off);
bool s82_rdt_store(struct s82_state *st, unsigned int queue, uint32_t val);

/* PCI configuration space of a function, as VFIO offers it. Return 0 or -errno; take the lock. */
int s82_cfg_read(struct s82_ctx *ctx, unsigned int func, uint32_t off, void *buf, uint32_t len);
int s82_cfg_write(struct s82_ctx *ctx, unsigned int func, uint32_t off, const void *buf,
	uint32_t len);

/* Function level reset; of the PF, a reset of the whole card. The lock is held. */
void s82_flr(struct s82_ctx *ctx, unsigned int func);

/* Puts the state in order after a process died inside the lock. The lock is held. */
void s82_repair(struct s82_ctx *ctx);

/* Executes up to `budget` packets of a TX queue; true if there is more to do now. Lock held. */
bool s82_step(struct s82_ctx *ctx, unsigned int queue, unsigned int budget);

/* Lets TX queues go on that waited for room on the wire or in the RX packet buffer. Takes the
 * lock. The wire thread calls it after it took frames out of the ring. */
void s82_resume(struct s82_ctx *ctx);

/*
 * Does what is due now: moderated interrupts, queues whose rate is limited. Returns the tick to
 * come again at, 0 for not until ops->timer() calls. Takes the lock. The card's timer thread.
 */
uint64_t s82_timer_run(struct s82_ctx *ctx);

/* What became of a frame from the wire. */
struct s82_verdict {
	uint64_t pools;		/* pools whose ring (or place in the RX packet buffer) got it */
	int pool, queue;	/* the first of them; -1: none */
	int drop;		/* enum s82_drop if it went nowhere, else -1 */
};

/* A frame (without CRC) arrives from the wire. The lock is held. */
struct s82_verdict s82_wire_rx(struct s82_ctx *ctx, const uint8_t *frame, uint32_t len);

/*
 * Where a frame from the wire would go now, and in *free_desc how many descriptors are free
 * there: the least over the queues that RSS may choose in the first pool, 0 if one of them is
 * not enabled. Nothing changes. The lock is held.
 */
struct s82_verdict s82_wire_probe(struct s82_ctx *ctx, const uint8_t *frame, uint32_t len,
	uint32_t *free_desc);

/*
 * Takes the oldest frame out of the ring to the wire. buf has room for S82_MAX_FRAME bytes.
 * Returns its length, 0 if there is none. The wire thread only; no lock.
 */
uint32_t s82_wire_take(struct s82_state *st, struct s82_wire_rec *rec, uint8_t *buf);

/* Is the link up? And would it be, if the partner at the wire's other end were? */
bool s82_link_up(const struct s82_state *st);
bool s82_link_own(const struct s82_state *st);

/*
 * What goes wrong on request (faults.c). The lock is held for all of them.
 *
 * s82_fault_remove() pulls a function out, the PF with all its VFs: reads give all ones, writes
 * vanish, DMA has stopped; -ENODEV if it is not there. s82_fault_restore() puts everything back
 * that was pulled out, as after power-on, and returns how many functions. After a pool was let go
 * (s82_fault_freeze(), false) the caller leaves the lock and calls s82_resume().
 */
void s82_fault_cable(struct s82_ctx *ctx, bool in);
void s82_fault_partner(struct s82_ctx *ctx, bool up);
int s82_fault_remove(struct s82_ctx *ctx, unsigned int func);
unsigned int s82_fault_restore(struct s82_ctx *ctx);
void s82_fault_freeze(struct s82_ctx *ctx, unsigned int pool, bool on);

/* Does what is late (interrupts, mail) and due at tick `now`. Returns when to come again, 0: never. */
uint64_t s82_fault_due(struct s82_ctx *ctx, uint64_t now);

/*
 * What has to hold at any instant, of a state that the lock was held over. A difference is what
 * came in less what went out, was dropped or waits; 0 is right.
 */
struct s82_invariants {
	int64_t received;	/* copies for pools, against their rings and drops */
	int64_t sent;		/* frames that pools sent, against the wire and the pools inside */
	int64_t rx_queues, tx_queues;	/* pools' packets and drops, against their queues' */
	uint64_t shared[8][2];	/* unicast addresses of several pools: address, pools */
	unsigned int shares;	/* how many there are: may be more than shared[] has */
	unsigned int bad_rings;	/* enabled queues whose head or tail lies outside of the ring */
	bool repaired;		/* a process died inside the lock: up to a burst is not counted */
	bool hold;		/* everything is as it has to be, but for what a death took along */
};
void s82_check(const struct s82_state *st, struct s82_invariants *inv);

/* The layout in force: queues per pool (1 if VMDq is off). */
unsigned int s82_queues_per_pool(const struct s82_state *st);

/* The name of a reason in `show --json`, for example "no_desc". */
const char *s82_drop_name(unsigned int drop);

#endif
