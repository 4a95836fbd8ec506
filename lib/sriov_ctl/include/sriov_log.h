/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SRIOV_LOG_H
#define SRIOV_LOG_H

/**
 * @file
 * The mailbox log: what each VF asked, who decided what, and what came of it. Pure.
 *
 * One thread writes (the one that answers the mailbox), any number read, nobody waits: a reader that
 * is overtaken notices and counts what it lost.
 */

#include <stdint.h>
#include <stdio.h>

#include "sriov_policy.h"

#define SRIOV_LOG_SIZE 4096 /**< records kept, of all VFs in order */
#define SRIOV_LOG_VF   256  /**< and each VF's own last ones, however many others speak */
#define SRIOV_NOTE     48

struct sriov_record {
	uint64_t seq;	/**< from 1 */
	uint64_t at_us; /**< microseconds since the policy was armed */
	uint64_t chain; /**< of its VF: counts up with each of its resets */
	uint32_t took_ns; /**< from the PMD's question to our answer, register writes included */
	int32_t effect;	  /**< what the NIC's driver said to our actions: 0 or -errno */
	uint32_t actions; /**< enum sriov_action */
	uint32_t words[SRIOV_MBOX_WORDS];
	uint16_t vf;
	uint16_t answer;    /**< enum sriov_answer */
	const char *rule;   /**< static */
	const char *reason; /**< static */
	char note[SRIOV_NOTE]; /**< "asked 1.5, settled 1.3", or "" */
};

/** What the cause chains remember of a VF. Starts as all zeroes. */
struct sriov_chain {
	uint64_t number;
	uint32_t asked; /**< newest API that was refused since the reset */
	bool empty;	/**< an empty message came, and no reset after it yet */
};

/**
 * Say what a message means in its chain, and move the chain on: a refused negotiation and the one
 * that settles, an empty mailbox and the reset that follows, why so many queues.
 */
void sriov_chain_note(struct sriov_chain *c, const struct sriov_layout *l,
	const struct sriov_msg *m, const struct sriov_verdict *v, char note[SRIOV_NOTE]);

struct sriov_log;

/** NULL when out of memory. */
struct sriov_log *sriov_log_new(void);
void sriov_log_free(struct sriov_log *log);

/** Append; seq is given by the log. One thread only. No lock, no system call. */
void sriov_log_push(struct sriov_log *log, struct sriov_record *r);

/**
 * Copy what is newer than *after, oldest first. Any thread.
 *
 * @param after  in: last seq seen (0 for all that is kept); out: last seq copied
 * @param lost   plus how many were overwritten before they could be copied; may be NULL
 * @return how many were copied, at most max
 */
unsigned int sriov_log_read(struct sriov_log *log, uint64_t *after, struct sriov_record *out,
	unsigned int max, uint64_t *lost);

/** Copy the last records of one VF, oldest first. Any thread. How many. */
unsigned int sriov_log_of_vf(
	struct sriov_log *log, uint16_t vf, struct sriov_record out[SRIOV_LOG_VF]);

/** One row for people: records that belong together. */
struct sriov_row {
	struct sriov_record last; /**< the newest of them */
	uint32_t count, refused;
	const char *why; /**< reason of the newest refusal among them, or NULL */
};

/**
 * Join what belongs together, in place of the VF's previous row: the same request refused again for
 * the same reason, the same words granted again, refused negotiations with the one that settles, an
 * empty message with the reset that follows it, resets with nothing between them, and the same words
 * above the request rate and below it. Rows stay in order of their newest record.
 *
 * @param rows  room for n
 * @return how many rows
 */
unsigned int sriov_log_fold(const struct sriov_record *r, unsigned int n, struct sriov_row *rows);

/** Write one record as a line of JSON, as `vfctl replay` reads it. 0 or -EIO. */
int sriov_log_write(FILE *to, const struct sriov_record *r);

#endif
