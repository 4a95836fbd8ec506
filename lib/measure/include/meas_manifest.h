/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MEAS_MANIFEST_H
#define MEAS_MANIFEST_H

/**
 * @file
 * What a number depends on besides the program: the machine as /proc and /sys tell it, and the
 * configuration. Reads files only; needs no rights. Control thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "vfp_err.h"
#include "vfp_out.h"

#define MEAS_TEXT       160
#define MEAS_HUGE_SIZES 4
#define MEAS_SHA256     65 /**< hex and the NUL */

struct meas_huge {
	uint64_t size_kb, total, free;
};

/** A text that could not be read is "", a number that is not told is negative. */
struct meas_machine {
	char kernel[MEAS_TEXT]; /**< "6.1.0-18-amd64" */
	char cpu[MEAS_TEXT];    /**< "model name" of cpu 0 */
	char microcode[32];
	char hypervisor[32]; /**< "yes" where the CPU says that it is virtual, else "no" */
	int cpus, numa_nodes;
	int smt;                  /**< 1: two threads share a core */
	char isolated[MEAS_TEXT]; /**< /sys/devices/system/cpu/isolated */
	char isolcpus[MEAS_TEXT]; /**< these three from the kernel's command line */
	char nohz_full[MEAS_TEXT];
	char rcu_nocbs[MEAS_TEXT];
	char governor[64]; /**< of all CPUs: "performance", or "mixed: …" */
	char turbo[8];     /**< "on", "off", "" */
	char thp[32];      /**< transparent hugepages: "always", "madvise", "never" */
	char clocksource[32];
	double load1;
	uint16_t n_huge;
	struct meas_huge huge[MEAS_HUGE_SIZES];
};

/**
 * Look at the machine.
 *
 * @param root what stands before /proc and /sys: "" for the real ones
 */
void meas_machine_read(const char *root, struct meas_machine *m);

/** The fields, into the object that is open. */
void meas_machine_put(const struct meas_machine *m, struct vfp_out *o);

/** A file's text, malloc()ed. @return 0; -errno and a sentence; -EFBIG beyond max bytes */
int meas_file_text(const char *path, uint32_t max, char **text, struct vfp_err *err);

/** @return hex, which is the SHA-256 of the text */
const char *meas_sha256(const char *text, char hex[MEAS_SHA256]);

/** Now, in UTC: "2024-03-01T12:00:00Z". @return buf */
const char *meas_date(double epoch_s, char buf[32]);

#endif
