/* SPDX-License-Identifier: BSD-3-Clause */
/* The wire thread, and what all kinds of wire share. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "../model/regs.h"
#include "hist.h"
#include "wire.h"

#define RARS		128	/* receive address registers */
#define OUT_BURST	64	/* frames taken before the NIC is given some */
#define IDLE_NS		100000000ull

static uint64_t
clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

uint64_t
wire_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

double
wire_tsc_hz(const struct wire *w)
{
	uint64_t ns = clock_ns(CLOCK_MONOTONIC) - w->mono0;

	return ns == 0 ? 1e9 : (w->ctx.ops->now((struct s82_ctx *)&w->ctx) - w->tsc0) * 1e9 / ns;
}

uint64_t
wire_real_ns(const struct wire *w, uint64_t tsc)
{
	return w->real0 + (int64_t)((int64_t)(tsc - w->tsc0) * 1e9 / wire_tsc_hz(w));
}

/*
 * Did somebody ask for frames to this address, and are they among the pools that it would go to?
 * A group address needs no asking; promiscuity counts where there are no pools.
 */
static bool
wanted(const struct s82_state *st, const uint8_t *da, uint64_t pools)
{
	uint32_t low = da[0] | da[1] << 8 | da[2] << 16 | (uint32_t)da[3] << 24;
	uint32_t high = da[4] | da[5] << 8 | RAH_AV;
	bool vt = (st->reg[R_VT_CTL / 4] & VT_CTL_ENA) != 0;

	if ((da[0] & 1) != 0 || (!vt && (st->reg[R_FCTRL / 4] & FCTRL_UPE) != 0))
		return true;
	for (unsigned int i = 0; i < RARS; i++) {
		uint64_t named = st->reg[R_MPSAR(i) / 4] |
			(uint64_t)st->reg[R_MPSAR(i) / 4 + 1] << 32;

		if (st->reg[R_RAL(i) / 4] == low &&
				(st->reg[R_RAH(i) / 4] & (RAH_AV | 0xffff)) == high &&
				(!vt || (named & pools) != 0))
			return true;
	}
	return false;
}

bool
wire_ready(struct wire *w, const uint8_t *frame, uint32_t len, struct s82_verdict *to)
{
	uint32_t free_desc;

	to->drop = S82_DROP_LINK_DOWN;
	if (!s82_link_up(w->st))
		return false;
	w->ctx.ops->lock(&w->ctx);
	*to = s82_wire_probe(&w->ctx, frame, len, &free_desc);
	w->ctx.ops->unlock(&w->ctx);
	return to->drop < 0 && free_desc > 0 &&
		wanted(w->st, frame, to->pools);
}

struct s82_verdict
wire_give(struct wire *w, const uint8_t *frame, uint32_t len)
{
	struct s82_wire_rec rec = { .len = len };

	w->given++;
	return wire_carry(w, WIRE_IN, &rec, frame);
}

/* Takes what the NIC sent. Returns how many frames. */
static unsigned int
take(struct wire *w)
{
	struct s82_wire_rec rec;
	unsigned int n = 0;

	while (n < OUT_BURST && (w->ops->ready == NULL || w->ops->ready(w)) &&
			s82_wire_take(w->st, &rec, w->frame) > 0) {
		wire_carry(w, WIRE_OUT, &rec, w->frame);
		n++;
	}
	if (n > 0) {
		w->taken += n;
		s82_resume(&w->ctx);
	}
	return n;
}

/* Sleeps until the NIC sends or the wire's time has come. */
static void
doze(struct wire *w)
{
	uint64_t wait = w->wait_ns, count;
	struct timespec ts = { wait / 1000000000ull, wait % 1000000000ull };
	struct pollfd pfd[2] = {
		{ .fd = w->wake_fd, .events = POLLIN },
		{ .fd = w->poll_fd, .events = w->poll_events },	/* -1 is passed over */
	};
	bool stuck = (w->poll_events & POLLOUT) != 0;

	atomic_store(&w->st->wire.sleeping, 1);
	if ((stuck || atomic_load(&w->st->wire.tail) == atomic_load(&w->st->wire.head)) &&
			!atomic_load(&w->stop))
		ppoll(pfd, 2, &ts, NULL);
	atomic_store(&w->st->wire.sleeping, 0);
	if (pfd[0].revents != 0 && read(w->wake_fd, &count, sizeof(count)) < 0)
		return;		/* somebody else's wake-up: nothing to count */
}

static void *
wire_thread(void *arg)
{
	struct wire *w = arg;

	prctl(PR_SET_NAME, "s82-wire");
	prctl(PR_SET_TIMERSLACK, 1000);	/* waits for descriptors are short */
	while (!atomic_load(&w->stop)) {
		unsigned int n;

		pthread_mutex_lock(&w->lock);
		w->wait_ns = IDLE_NS;
		n = take(w);
		n += w->ops->in(w);
		n += wire_due(w, false);
		pthread_mutex_unlock(&w->lock);
		if (n == 0)
			doze(w);
	}
	/* what lies in the ring left the NIC before COMMAND ended */
	pthread_mutex_lock(&w->lock);
	while (take(w) > 0)
		;
	wire_due(w, true);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static int
start_thread(struct wire *w)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&w->thread, NULL, wire_thread, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

int
wire_start(struct wire **wire, const struct card_opts *opts, struct s82_state *st,
	struct s82_server *server)
{
	static const struct wire_ops *const kinds[] = {
		[S82_WIRE_LOOP] = &wire_loop, [S82_WIRE_PCAP] = &wire_pcap,
		[S82_WIRE_VERIFY] = &wire_verify, [S82_WIRE_TAP] = &wire_tap,
		[S82_WIRE_PEER] = &wire_peer,
	};
	struct wire *w;
	int err;

	*wire = NULL;
	if (opts->wire == S82_WIRE_NONE)
		return 0;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return -ENOMEM;
	w->ops = kinds[opts->wire];
	w->opts = opts;
	w->st = st;
	w->wake_fd = s82_server_wire_fd(server);
	w->poll_fd = -1;
	pthread_mutex_init(&w->lock, NULL);
	err = s82_server_ctx_init(server, &w->ctx);
	if (err != 0) {
		free(w);
		return err;
	}
	w->tsc0 = w->ctx.ops->now(&w->ctx);
	w->mono0 = clock_ns(CLOCK_MONOTONIC);
	w->real0 = clock_ns(CLOCK_REALTIME);
	err = w->ops->open(w);
	if (err == 0) {
		atomic_store(&st->wire.consumer, 1);
		err = start_thread(w);
	}
	if (err != 0) {
		atomic_store(&st->wire.consumer, 0);
		w->ops->close(w);
		s82_server_ctx_fini(&w->ctx);
		free(w);
		return err;
	}
	*wire = w;
	return 0;
}

int
wire_stop(struct wire *w)
{
	uint64_t one = 1;
	int found;

	if (w == NULL)
		return 0;
	atomic_store(&w->stop, true);
	if (write(w->wake_fd, &one, sizeof(one)) < 0)
		card_log(CARD_LOG_DEBUG, "the wire is awake already");
	pthread_join(w->thread, NULL);
	atomic_store(&w->st->wire.consumer, 0);
	found = w->ops->finish(w);
	w->ops->close(w);
	wire_impair_free(w);
	s82_server_ctx_fini(&w->ctx);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return found;
}

json_t *
wire_drops_json(const uint64_t *dropped)
{
	json_t *object = json_object();

	for (unsigned int d = 0; d < S82_DROPS; d++) {
		if (dropped[d] > 0)
			json_object_set_new(object, s82_drop_name(d), json_integer(dropped[d]));
	}
	return object;
}

json_t *
wire_latency_json(const struct wire *w, const char *name, const struct hist *h)
{
	double ns = 1e9 / wire_tsc_hz(w);

	return json_pack("{s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I}",
		"name", name, "kind", "wire", "count", (json_int_t)h->count,
		"min_ns", h->min * ns, "p50_ns", hist_percentile(h, 0.5) * ns,
		"p90_ns", hist_percentile(h, 0.9) * ns, "p99_ns", hist_percentile(h, 0.99) * ns,
		"p999_ns", hist_percentile(h, 0.999) * ns, "max_ns", h->max * ns,
		"mean_ns", hist_mean(h) * ns, "stddev_ns", hist_stddev(h) * ns,
		"clipped", (json_int_t)h->clipped);
}

json_t *
wire_json(struct wire *w)
{
	json_t *object;

	if (w == NULL)
		return json_object();
	pthread_mutex_lock(&w->lock);
	object = w->ops->json(w);
	json_object_set_new(object, "frames_out", json_integer(w->taken));
	json_object_set_new(object, "frames_in", json_integer(w->given));
	json_object_set_new(object, "impair", wire_impair_json(w));
	pthread_mutex_unlock(&w->lock);
	return object;
}
