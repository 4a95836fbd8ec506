/* SPDX-License-Identifier: BSD-3-Clause */
/* The card's clock: a thread that does what the model wants done at an instant. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <x86intrin.h>

#include "../vfio/tick.h"
#include "timer.h"

#define CALIBRATE_NS	10000000	/* the longer, the better tick_hz is known: 100 ns in it */

struct timer {
	pthread_t thread;
	struct s82_ctx ctx;
	_Atomic bool stop;
};

static uint64_t
mono_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t
timer_tick_hz(void)
{
	const struct timespec nap = { .tv_nsec = CALIBRATE_NS };
	uint64_t ns = mono_ns(), tick = __rdtsc();

	nanosleep(&nap, NULL);
	ns = mono_ns() - ns;
	return (uint64_t)((double)(__rdtsc() - tick) * 1e9 / (double)ns);
}

/* How long it is until `next`; false: it has come. */
static bool
left(const struct s82_ctx *ctx, uint64_t next, struct timespec *ts)
{
	uint64_t now = __rdtsc(), ns;

	if (next <= now)
		return false;
	ns = (uint64_t)((double)(next - now) * 1e9 / (double)ctx->st->tick_hz);
	ts->tv_sec = (time_t)(ns / 1000000000);
	ts->tv_nsec = (long)(ns % 1000000000);
	return true;
}

static void *
timer_thread(void *arg)
{
	struct timer *t = arg;
	struct s82_state *st = t->ctx.st;
	struct timespec ts;

	prctl(PR_SET_NAME, "timer");
	prctl(PR_SET_TIMERSLACK, 1000ul);
	/* A NIC's clock does not wait for processors. Without the right to it, it does. */
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &(struct sched_param){ .sched_priority = 1 });
	while (!atomic_load(&t->stop)) {
		/* before the look: what comes sooner from now on changes it */
		uint32_t seq = atomic_load(&st->timers.seq);
		uint64_t next = s82_timer_run(&t->ctx);

		if (next == 0)
			s82_tick_sleep(st, seq, NULL);
		else if (left(&t->ctx, next, &ts))
			s82_tick_sleep(st, seq, &ts);
	}
	return NULL;
}

int
timer_start(struct timer **timer, struct s82_server *server)
{
	struct timer *t = calloc(1, sizeof(*t));
	sigset_t all, before;
	int err;

	if (t == NULL)
		return -ENOMEM;
	err = s82_server_ctx_init(server, &t->ctx);
	if (err == 0) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		err = -pthread_create(&t->thread, NULL, timer_thread, t);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		if (err != 0)
			s82_server_ctx_fini(&t->ctx);
	}
	if (err != 0) {
		free(t);
		return err;
	}
	*timer = t;
	return 0;
}

void
timer_stop(struct timer *t)
{
	if (t == NULL)
		return;
	atomic_store(&t->stop, true);
	s82_tick_wake(&t->ctx);
	pthread_join(t->thread, NULL);
	s82_server_ctx_fini(&t->ctx);
	free(t);
}
