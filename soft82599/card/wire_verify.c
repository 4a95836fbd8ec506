/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --wire verify:IN[:FIRST.pcap]: sends IN in a loop and checks on the fly what comes back.
 *
 * Closed loop: at most --window frames are under way, and none is sent for which the NIC has no
 * descriptor, so whatever is lost was lost by the programs between. Every SETTLE_NS it lets the
 * NIC run empty: only then can the loss of frames that are equal to later ones be seen. If some
 * stay away for SILENCE_NS, it tries with single frames: one that comes back says that the
 * receiver goes on, and what was sent before it and comes no more is lost.
 *
 * A frame for a VF's pool shall come back (any frame, on a card without VFs). One that only
 * reaches the PF's pool, as one of an unregistered VLAN does, is counted apart. If nobody
 * empties the PF's ring such frames are withheld once it is full, and counted as that.
 *
 * Until the first frame comes back it sends one every PRIME_NS, since a ring is ready before the
 * program that polls it is: testpmd, for one, throws away at `start` what lies in its rings.
 * Frames that went in before that first one and stay away are "unanswered", not lost.
 *
 * It stops sending for good when the device that took frames is stopped. What is under way then
 * is "in_flight": nobody can tell whether it would have come back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../model/regs.h"
#include "check.h"
#include "wire.h"

#define IN_BURST	32		/* frames for which the card's lock is held */
#define POOL_UNKNOWN	0xff
#define RETRY_NS	50000ull	/* no descriptor is free */
#define READY_NS	2000000ull	/* no link, or nobody receives yet */
#define PATIENCE_NS	10000000ull	/* for a ring that nobody seems to empty */
#define PRIME_NS	50000000ull	/* between two frames while none comes back */
#define TRIES		1024		/* such frames, beyond the window */
#define SETTLE_NS	250000000ull	/* between two times that the NIC runs empty */
#define SILENCE_NS	500000000ull	/* while it does: what has not come now is lost */

struct verify {
	struct wire_frames frames;
	const uint8_t **data;
	uint32_t *len;
	struct check *check;
	uint64_t *injected;	/* by source frame */
	/* what the last probes told, good while the card's filters stay as they are */
	uint8_t *pool_of;	/* by source frame; POOL_UNKNOWN */
	uint32_t gen;
	uint32_t credit[S82_POOLS];	/* frames that surely find a descriptor */
	uint32_t next;		/* source frame to send */
	uint64_t turn;		/* source frames dealt with, sent or withheld */
	uint64_t sent, to_vf, default_pool, withheld, rounds;
	uint64_t dropped[S82_DROPS];
	struct s82_verdict first;	/* before the start: what would become of frame 1 */
	bool started, stopped, done;
	bool impatient;		/* the PF's ring was full for PATIENCE_NS */
	uint64_t full_since;
	bool primed;		/* the first came back, and those with it */
	uint64_t prime_at;
	/* running empty */
	bool settling;
	uint64_t settle_at, last_return;
	uint64_t first_try;	/* turn of the first single frame; UINT64_MAX: none was sent */
	bool answered;		/* one of those came back */
	struct wire_record *record;	/* FIRST.pcap; NULL: not wanted */
};

/* ---- files ---- */

static int
verify_open(struct wire *w)
{
	struct verify *v = w->priv = calloc(1, sizeof(*v));
	int err;

	if (v == NULL)
		return -ENOMEM;
	v->first.drop = -1;
	err = wire_load(w->opts->wire_in, &v->frames);
	if (err != 0)
		return err;
	v->data = calloc(v->frames.count, sizeof(v->data[0]));
	v->len = calloc(v->frames.count, sizeof(v->len[0]));
	v->injected = calloc(v->frames.count, sizeof(v->injected[0]));
	v->pool_of = malloc(v->frames.count);
	if (v->data == NULL || v->len == NULL || v->injected == NULL || v->pool_of == NULL)
		return -ENOMEM;
	memset(v->pool_of, POOL_UNKNOWN, v->frames.count);
	for (uint32_t i = 0; i < v->frames.count; i++) {
		v->data[i] = v->frames.frame[i].data;
		v->len[i] = v->frames.frame[i].len;
	}
	v->check = check_create(v->data, v->len, v->frames.count,
		w->opts->window + TRIES);
	if (v->check == NULL)
		return -ENOMEM;
	if (w->opts->wire_out != NULL)
		v->record = wire_record_open(w->opts->wire_out);
	return w->opts->wire_out != NULL && v->record == NULL ? -EIO : 0;
}

static void
verify_close(struct wire *w)
{
	struct verify *v = w->priv;

	if (v == NULL)
		return;
	wire_record_close(v->record);
	check_destroy(v->check);
	free(v->data);
	free(v->len);
	free(v->injected);
	free(v->pool_of);
	wire_unload(&v->frames);
	free(v);
}

/* ---- what comes back ---- */

static void
verify_out(struct wire *w, const struct s82_wire_rec *rec, const uint8_t *frame)
{
	struct verify *v = w->priv;
	uint64_t tag;
	/* the frame's way ends behind a cable that holds it back */
	const uint64_t tsc = w->impair[WIRE_OUT].on ? w->ctx.ops->now(&w->ctx) : rec->tsc;
	enum check_result r = check_returned(v->check, frame, rec->len, tsc, &tag);

	if (v->settling)
		v->last_return = wire_now_ns();
	if (v->settling && v->first_try != UINT64_MAX) {
		v->answered |= tag != CHECK_NO_TAG && tag >= v->first_try;
		v->prime_at = 0; /* it may have been taken for one of before that is its equal */
	}
	/* what comes back of the first round, and what is wrong meanwhile */
	if (v->record != NULL && (tag == CHECK_NO_TAG ? v->turn <= v->frames.count :
			tag < v->frames.count))
		wire_record_put(w, v->record, rec, frame);
	if (r != CHECK_OK && check_counts(v->check).received < 2 * v->frames.count)
		card_log(CARD_LOG_DEBUG, "verify: frame of %u bytes from pool %u: %s", rec->len,
			rec->pool, r == CHECK_CHANGED ? "changed" : r == CHECK_REORDERED ?
			"out of order" : r == CHECK_DUPLICATED ? "twice" : "not ours");
}

/* ---- what goes in ---- */

/* One frame every PRIME_NS, whatever is under way. Returns how many frames may be sent. */
static unsigned int
try_one(struct wire *w, struct verify *v, uint64_t now)
{
	w->wait_ns = PRIME_NS;
	if (now < v->prime_at || check_counts(v->check).outstanding >= w->opts->window + TRIES)
		return 0;
	v->prime_at = now + PRIME_NS;
	return 1;
}

static void
start_settling(struct verify *v, uint64_t now)
{
	v->settling = true;
	v->last_return = now;
	v->first_try = UINT64_MAX;
	v->answered = false;
}

/*
 * The NIC shall run empty. What does not come although later frames do is lost; if nothing comes,
 * the receiver may be stopped and have them still, or have thrown them away: that shows when it
 * takes frames again, so try from time to time.
 */
static unsigned int
settle(struct wire *w, struct verify *v, uint64_t now)
{
	const bool empty = check_counts(v->check).outstanding == 0;
	const bool silent = now >= v->last_return + SILENCE_NS;

	if (!empty && !v->answered && (silent || v->first_try != UINT64_MAX)) {
		if (v->first_try == UINT64_MAX)
			v->first_try = v->turn;
		return try_one(w, v, now);
	}
	if (!empty && !silent) {
		w->wait_ns = READY_NS;
		return 0;
	}
	if (v->primed)
		check_settle(v->check, v->first_try);
	else
		check_forgive(v->check, v->first_try);
	v->primed = true;
	if (check_counts(v->check).outstanding > 0) { /* of the single frames: tried as the others */
		start_settling(v, now);
		w->wait_ns = READY_NS;
		return 0;
	}
	v->settling = false;
	v->settle_at = now + SETTLE_NS;
	return IN_BURST;
}

/* How many frames may be sent now. */
static unsigned int
allowance(struct wire *w, struct verify *v)
{
	struct check_counts n = check_counts(v->check);
	uint64_t now = wire_now_ns();
	unsigned int room = n.outstanding < w->opts->window ? w->opts->window - n.outstanding : 0;

	if (!v->primed && n.received == 0)
		return try_one(w, v, now);
	if (!v->settling && !v->primed)
		start_settling(v, now);
	else if (!v->settling && now >= v->settle_at)
		start_settling(v, now);
	if (v->settling)
		return settle(w, v, now);
	return room < IN_BURST ? room : IN_BURST;
}

/* Is the ring of the PF's pool full, and was it long enough not to wait for it any more? */
static bool
give_up_on_pf(struct verify *v)
{
	uint64_t now = wire_now_ns();

	if (v->impatient)
		return true;
	if (v->full_since == 0)
		v->full_since = now;
	v->impatient = now > v->full_since + PATIENCE_NS;
	return v->impatient;
}

static bool
comes_back(const struct wire *w, const struct s82_verdict *v)
{
	uint64_t vfs = (1ull << w->st->num_vfs) - 1;

	return v->drop < 0 && (w->st->num_vfs == 0 || (v->pools & vfs) != 0);
}

enum turn { TURN_SENT, TURN_WITHHELD, TURN_WAIT };

/* Has the source frame a descriptor for sure, by what was asked before? The lock is held. */
static bool
has_credit(struct wire *w, struct verify *v, uint32_t index)
{
	uint32_t gen = atomic_load(&w->st->switch_gen);
	unsigned int pool;

	if (gen != v->gen) {
		memset(v->pool_of, POOL_UNKNOWN, v->frames.count);
		memset(v->credit, 0, sizeof(v->credit));
		v->gen = gen;
	}
	pool = v->pool_of[index];
	if (!v->primed || pool == POOL_UNKNOWN || v->credit[pool] == 0)
		return false;
	v->credit[pool]--;
	return true;
}

/* Remembers where a frame goes, if that is one pool. Long frames may take two descriptors. */
static void
learn_credit(struct verify *v, uint32_t index, const struct s82_verdict *to, uint32_t free_desc)
{
	if ((to->pools & (to->pools - 1)) != 0)
		return;
	v->pool_of[index] = to->pool;
	v->credit[to->pool] = (free_desc - 1) / 2;
}

/* May the next source frame be sent now? The lock is held. */
static enum turn
ask(struct wire *w, struct verify *v, uint32_t index)
{
	uint32_t free_desc;
	struct s82_verdict to;

	if (has_credit(w, v, index))
		return TURN_SENT;
	to = s82_wire_probe(&w->ctx, v->data[index], v->len[index], &free_desc);
	if (to.drop == S82_DROP_RX_DISABLED || to.drop == S82_DROP_LINK_DOWN) {
		v->stopped = v->sent > 0 && check_counts(v->check).received > 0;
		w->wait_ns = READY_NS;
		return TURN_WAIT;
	}
	if (to.drop < 0 && free_desc == 0) {
		w->wait_ns = RETRY_NS;
		return comes_back(w, &to) || !give_up_on_pf(v) ? TURN_WAIT : TURN_WITHHELD;
	}
	if (to.drop < 0 && !comes_back(w, &to)) {
		v->impatient = false;
		v->full_since = 0;
	}
	if (to.drop < 0)
		learn_credit(v, index, &to, free_desc);
	return TURN_SENT;
}

/* Deals with the next source frame, if it can be sent now. The lock is held. */
static enum turn
take_turn(struct wire *w, struct verify *v)
{
	uint32_t index = v->next;
	enum turn turn = ask(w, v, index);
	struct s82_verdict to;
	uint64_t tsc;

	v->withheld += turn == TURN_WITHHELD;
	if (turn != TURN_SENT)
		return turn;
	tsc = w->ctx.ops->now(&w->ctx);
	to = s82_wire_rx(&w->ctx, v->data[index], v->len[index]);
	v->sent++;
	v->injected[index]++;
	if (to.drop >= 0) {
		v->dropped[to.drop]++;
		/* the device was stopped since it was asked */
		v->stopped |= to.drop == S82_DROP_RX_DISABLED && v->primed;
	} else if (comes_back(w, &to)) {
		v->to_vf++;
		check_sent(v->check, index, v->turn, tsc);
	} else {
		v->default_pool++;
	}
	return TURN_SENT;
}

static void
next_frame(struct wire *w, struct verify *v)
{
	v->turn++;
	if (++v->next < v->frames.count)
		return;
	v->next = 0;
	v->rounds++;
	v->done = w->opts->rounds != 0 && v->rounds == w->opts->rounds;
}

/* Starts once frame 1 has a place to go to, and one that frames come back from. */
static bool
started(struct wire *w, struct verify *v)
{
	struct s82_verdict to = { .drop = S82_DROP_LINK_DOWN };

	if (!v->started) {
		v->started = wire_ready(w, v->data[0], v->len[0], &to) && comes_back(w, &to);
		/* once the devices were up, that they were closed in the end tells nothing */
		if (to.drop != S82_DROP_LINK_DOWN || v->first.pools == 0)
			v->first = to;
		v->settle_at = wire_now_ns() + SETTLE_NS;
		w->wait_ns = READY_NS;
	}
	return v->started;
}

static unsigned int
verify_in(struct wire *w)
{
	struct verify *v = w->priv;
	unsigned int n = 0, most;
	uint64_t to_vf = v->to_vf;

	if (v->stopped || v->done || !started(w, v))
		return 0;
	most = allowance(w, v);
	if (most == 0)
		return 0;
	w->ctx.ops->lock(&w->ctx);
	/* frames that are not to come back take no room in the window */
	while (n < IN_BURST && v->to_vf - to_vf < most && !v->done && !v->stopped) {
		enum turn turn = take_turn(w, v);

		if (turn == TURN_WAIT)
			break;
		next_frame(w, v);
		n++;
		w->given += turn == TURN_SENT;
	}
	w->ctx.ops->unlock(&w->ctx);
	return n;
}

/* ---- the result ---- */

static bool
found_error(const struct wire *w, const struct verify *v)
{
	struct check_counts n = check_counts(v->check);

	return n.lost != 0 || n.changed != 0 || n.reordered != 0 || n.duplicated != 0 ||
		n.extra != 0 || n.received == 0 || (w->opts->rounds != 0 && !v->done);
}

/* Why nothing was sent yet. */
static const char *
waiting_for(const struct verify *v)
{
	return v->first.drop >= 0 ? s82_drop_name(v->first.drop) :
		"no VF with its address and VLAN has descriptors for it";
}

static void
set_count(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer(value));
}

static json_t *
verify_json(struct wire *w)
{
	struct verify *v = w->priv;
	struct check_counts n = check_counts(v->check);
	json_t *object = json_object(), *dropped = json_object(), *injected = json_array();

	json_object_set_new(object, "mode", json_string("verify"));
	json_object_set_new(object, "passed", json_boolean(!found_error(w, v)));
	json_object_set_new(object, "started", json_boolean(v->started));
	json_object_set_new(object, "stopped", json_boolean(v->stopped));
	json_object_set_new(object, "done", json_boolean(v->done));
	if (!v->started)
		json_object_set_new(object, "waiting_for", json_string(waiting_for(v)));
	set_count(object, "packets_in_file", v->frames.count);
	set_count(object, "flows", check_flows(v->check));
	set_count(object, "rounds", v->rounds);
	set_count(object, "sent", v->sent);
	set_count(object, "to_vf", v->to_vf);
	set_count(object, "received", n.received);
	set_count(object, "lost", n.lost);
	set_count(object, "changed", n.changed);
	set_count(object, "reordered", n.reordered);
	set_count(object, "duplicated", n.duplicated);
	set_count(object, "extra", n.extra);
	set_count(object, "in_flight", n.outstanding);
	set_count(object, "unanswered", n.forgiven);
	set_count(object, "default_pool", v->default_pool);
	set_count(object, "withheld", v->withheld);
	json_object_set_new(object, "macs", json_string(check_macs(v->check)));
	for (unsigned int d = 0; d < S82_DROPS; d++) {
		if (v->dropped[d] > 0)
			set_count(dropped, s82_drop_name(d), v->dropped[d]);
	}
	json_object_set_new(object, "dropped", dropped);
	for (uint32_t i = 0; i < v->frames.count; i++)
		json_array_append_new(injected, json_integer(v->injected[i]));
	json_object_set_new(object, "injected", injected);
	json_object_set_new(object, "latency",
		wire_latency_json(w, "wire->wire", check_latency(v->check)));
	return object;
}

static void
tell(const struct wire *w, const struct verify *v, bool bad)
{
	struct check_counts n = check_counts(v->check);

	if (!v->started) {
		fprintf(stderr, "verify: FAIL: nothing was sent: nobody received frame 1 (%s)\n",
			waiting_for(v));
		return;
	}
	fprintf(stderr, "verify: %s: %llu sent, %llu to VFs, %llu back, %llu lost, %llu changed,"
		" %llu reordered, %llu duplicated, %llu extra, %llu in flight%s\n",
		bad ? "FAIL" : "PASS", (unsigned long long)v->sent, (unsigned long long)v->to_vf,
		(unsigned long long)n.received, (unsigned long long)n.lost,
		(unsigned long long)n.changed, (unsigned long long)n.reordered,
		(unsigned long long)n.duplicated, (unsigned long long)n.extra,
		(unsigned long long)n.outstanding,
		w->opts->rounds != 0 && !v->done ? "; not all rounds were sent" : "");
}

static int
verify_finish(struct wire *w)
{
	struct verify *v = w->priv;
	bool bad;
	json_t *result;

	/* all was sent and waited for: what is missing is lost */
	if (v->done)
		check_settle(v->check, UINT64_MAX);
	bad = found_error(w, v);
	tell(w, v, bad);
	if (v->record != NULL && wire_record_flush(v->record, w->opts->wire_out) != 0)
		bad = true;
	if (w->opts->verify_json == NULL)
		return bad;
	result = verify_json(w);
	if (json_dump_file(result, w->opts->verify_json, JSON_INDENT(2)) != 0) {
		card_log(CARD_LOG_ERROR, "%s could not be written", w->opts->verify_json);
		bad = true;
	}
	json_decref(result);
	return bad;
}

const struct wire_ops wire_verify = {
	.open = verify_open, .out = verify_out, .in = verify_in, .finish = verify_finish,
	.json = verify_json, .close = verify_close,
	.one_way = true,	/* it wants to know what became of each frame that it sent */
};
