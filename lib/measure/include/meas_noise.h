/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MEAS_NOISE_H
#define MEAS_NOISE_H

/**
 * @file
 * What took processor time from the polling cores, as the kernel counts it: time stolen by the
 * hypervisor, other threads, interrupts, changes of frequency; and what helps against each.
 *
 * Two snapshots and their difference; both read files of /proc and /sys, need no rights and disturb
 * the polling threads by nothing but the kernel's reading of its own counters. Control thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "vfp_out.h"

#define MEAS_MAX_CORES 128

/** A core that polls. */
struct meas_core {
	uint32_t lcore;
	int cpu;
	int tid; /**< of its thread; 0: not known */
};

struct meas_noise; /* a snapshot */

/**
 * @param root what stands before /proc and /sys: "" for the real ones
 * @return NULL when out of memory; what cannot be read is unknown, not an error
 */
struct meas_noise *meas_noise_take(const char *root, const struct meas_core *cores, uint16_t n);
void meas_noise_free(struct meas_noise *s);

/**
 * What happened between two snapshots, as the object "noise": a row a core, then what to do about
 * it.
 *
 * @param seconds between them
 */
void meas_noise_put(const struct meas_noise *from, const struct meas_noise *to, double seconds,
	struct vfp_out *o);

/** The thread of this process that is called as DPDK calls the worker of an lcore; 0: none. */
int meas_worker_tid(const char *root, uint32_t lcore);

/* The parsers, for their tests. Each works on the text of the file. */

/** /proc/stat, clock ticks of one CPU. @return false: no such CPU */
bool meas_stat_cpu(const char *text, int cpu, uint64_t *steal, uint64_t *total);

/** One line of /proc/interrupts, of one CPU. */
struct meas_irq {
	char name[24]; /**< "36", "LOC" */
	char what[64]; /**< "virtio1-req.0", "Local timer interrupts" */
	uint64_t count;
};

/** In which column of /proc/interrupts a CPU stands (one that is offline has none); -1: nowhere. */
int meas_irq_column(const char *text, int cpu);
/** The line after the cursor, which starts at the text's beginning. @return false: no more */
bool meas_irq_next(const char **cursor, int column, struct meas_irq *irq);

#endif
