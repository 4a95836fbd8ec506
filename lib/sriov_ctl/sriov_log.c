/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "sriov_log.h"

#define RECORD_WORDS ((sizeof(struct sriov_record) + 7) / 8)

/* A slot's stamp is its record's number, and 0 while it is being written. */
struct slot {
	_Atomic uint64_t stamp;
	_Atomic uint64_t word[RECORD_WORDS];
};

/* All records in order, and each VF's own last ones, which no other VF can push out. */
struct sriov_log {
	_Atomic uint64_t last, last_of[SRIOV_MAX_VFS];
	struct slot slots[SRIOV_LOG_SIZE];
	struct slot of_vf[SRIOV_MAX_VFS][SRIOV_LOG_VF];
};

struct sriov_log *
sriov_log_new(void)
{
	return calloc(1, sizeof(struct sriov_log));
}

void
sriov_log_free(struct sriov_log *log)
{
	free(log);
}

static void
fill_slot(struct slot *s, uint64_t stamp, const uint64_t *words)
{
	atomic_store_explicit(&s->stamp, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < RECORD_WORDS; i++)
		atomic_store_explicit(&s->word[i], words[i], memory_order_relaxed);
	atomic_store_explicit(&s->stamp, stamp, memory_order_release);
}

void
sriov_log_push(struct sriov_log *log, struct sriov_record *r)
{
	const uint16_t vf = r->vf % SRIOV_MAX_VFS;
	uint64_t seq = atomic_load_explicit(&log->last, memory_order_relaxed) + 1;
	uint64_t own = atomic_load_explicit(&log->last_of[vf], memory_order_relaxed) + 1;
	uint64_t words[RECORD_WORDS] = {0};

	r->seq = seq;
	memcpy(words, r, sizeof(*r));
	fill_slot(&log->slots[seq % SRIOV_LOG_SIZE], seq, words);
	atomic_store_explicit(&log->last, seq, memory_order_release);
	fill_slot(&log->of_vf[vf][own % SRIOV_LOG_VF], own, words);
	atomic_store_explicit(&log->last_of[vf], own, memory_order_release);
}

static bool
copy_slot(struct slot *s, uint64_t seq, struct sriov_record *out)
{
	uint64_t words[RECORD_WORDS];

	if (atomic_load_explicit(&s->stamp, memory_order_acquire) != seq)
		return false;
	for (size_t i = 0; i < RECORD_WORDS; i++)
		words[i] = atomic_load_explicit(&s->word[i], memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&s->stamp, memory_order_relaxed) != seq)
		return false;
	memcpy(out, words, sizeof(*out));
	return true;
}

/* What is newer than *after in one ring, oldest first. */
static unsigned int
read_ring(struct slot *slots, uint64_t size, uint64_t last, uint64_t *after,
	struct sriov_record *out, unsigned int max, uint64_t *lost)
{
	uint64_t seq = *after + 1, gone = 0;
	unsigned int n = 0;

	if (last >= size && seq <= last - size) {
		gone = last - size + 1 - seq;
		seq += gone;
	}
	for (; seq <= last && n < max; seq++) {
		if (copy_slot(&slots[seq % size], seq, &out[n]))
			n++;
		else
			gone++;
	}
	*after = seq - 1;
	if (lost)
		*lost += gone;
	return n;
}

unsigned int
sriov_log_read(struct sriov_log *log, uint64_t *after, struct sriov_record *out, unsigned int max,
	uint64_t *lost)
{
	const uint64_t last = atomic_load_explicit(&log->last, memory_order_acquire);

	return read_ring(log->slots, SRIOV_LOG_SIZE, last, after, out, max, lost);
}

unsigned int
sriov_log_of_vf(struct sriov_log *log, uint16_t vf, struct sriov_record out[SRIOV_LOG_VF])
{
	uint64_t after = 0, last;

	if (vf >= SRIOV_MAX_VFS)
		return 0;
	last = atomic_load_explicit(&log->last_of[vf], memory_order_acquire);
	return read_ring(log->of_vf[vf], SRIOV_LOG_VF, last, &after, out, SRIOV_LOG_VF, NULL);
}

void
sriov_chain_note(struct sriov_chain *c, const struct sriov_layout *l, const struct sriov_msg *m,
	const struct sriov_verdict *v, char note[SRIOV_NOTE])
{
	note[0] = '\0';
	if (m->type == SRIOV_EMPTY) {
		c->empty = true;
		snprintf(note, SRIOV_NOTE, "empty mailbox: its function was reset");
	} else if (m->type == SRIOV_RESET && m->reset_done) {
		if (c->empty)
			snprintf(note, SRIOV_NOTE, "after its function was reset");
		*c = (struct sriov_chain){.number = c->number + 1};
	} else if (m->type == SRIOV_API_NEGOTIATE && v->answer == SRIOV_DENY) {
		if (sriov_mbox_api_rank(m->value) > sriov_mbox_api_rank(c->asked))
			c->asked = m->value;
	} else if (m->type == SRIOV_API_NEGOTIATE && c->asked != 0) {
		snprintf(note, SRIOV_NOTE, "asked %s, settled %s", sriov_mbox_api(c->asked),
			sriov_mbox_api(m->value));
		c->asked = 0;
	} else if (m->type == SRIOV_GET_QUEUES && v->answer == SRIOV_PASS) {
		snprintf(note, SRIOV_NOTE, "granted %u queues because %ux%u", l->queues_per_pool,
			l->pools, l->queues_per_pool);
	}
}

static bool
refused(const struct sriov_record *r)
{
	return r->answer == SRIOV_NACK || r->answer == SRIOV_DENY;
}

/* Over the limit: what was asked for is not the point. */
static bool
too_fast(const struct sriov_record *r)
{
	return refused(r) && strcmp(r->rule, "request_rate") == 0;
}

static bool
joins(const struct sriov_row *row, const struct sriov_record *r)
{
	const struct sriov_record *old = &row->last;
	const uint16_t was = old->words[0] & 0xffff, is = r->words[0] & 0xffff;
	const bool same = memcmp(old->words, r->words, sizeof(r->words)) == 0;

	if (was == SRIOV_EMPTY && is == SRIOV_RESET && r->answer == SRIOV_PASS)
		return true;
	/* A VF that only resets, or says the same again and again. */
	if (was == SRIOV_RESET && is == SRIOV_RESET && !refused(old) && !refused(r))
		return true;
	if (old->chain != r->chain || was != is)
		return false;
	if (same && (too_fast(r) || too_fast(old) || !(refused(old) || refused(r))))
		return true;
	if (is == SRIOV_API_NEGOTIATE)
		return refused(old) &&
		       (r->answer == SRIOV_PASS || strcmp(old->reason, r->reason) == 0);
	return refused(old) && refused(r) && strcmp(old->reason, r->reason) == 0;
}

static void
start_row(struct sriov_row *row, const struct sriov_record *r)
{
	*row = (struct sriov_row){.last = *r, .count = 1, .refused = refused(r)};
	row->why = refused(r) ? r->reason : NULL;
}

unsigned int
sriov_log_fold(const struct sriov_record *r, unsigned int n, struct sriov_row *rows)
{
	unsigned int newest[SRIOV_MAX_VFS]; /* row of each VF's newest record, plus one */
	unsigned int used = 0, kept = 0;

	memset(newest, 0, sizeof(newest));
	for (unsigned int i = 0; i < n; i++) {
		unsigned int *at = &newest[r[i].vf % SRIOV_MAX_VFS];

		start_row(&rows[used], &r[i]);
		if (*at > 0 && joins(&rows[*at - 1], &r[i])) {
			struct sriov_row *old = &rows[*at - 1];

			rows[used].count += old->count;
			rows[used].refused += old->refused;
			rows[used].why = rows[used].why ? rows[used].why : old->why;
			old->count = 0; /* moves down to where its newest record stands */
		}
		*at = ++used;
	}
	for (unsigned int i = 0; i < used; i++)
		if (rows[i].count > 0)
			rows[kept++] = rows[i];
	return kept;
}

int
sriov_log_write(FILE *to, const struct sriov_record *r)
{
	fprintf(to,
		"{\"seq\":%" PRIu64 ",\"at_us\":%" PRIu64 ",\"vf\":%u,\"chain\":%" PRIu64
		",\"answer\":\"%s\",\"rule\":\"%s\",\"reason\":\"%s\",\"effect\":%d,\"took_ns\":%u,"
		"\"words\":[",
		r->seq, r->at_us, r->vf, r->chain, sriov_answer_name(r->answer), r->rule, r->reason,
		r->effect, r->took_ns);
	for (unsigned int i = 0; i < SRIOV_MBOX_WORDS; i++)
		fprintf(to, "%s%" PRIu32, i ? "," : "", r->words[i]);
	fprintf(to, "]}\n");
	return ferror(to) ? -EIO : 0;
}
