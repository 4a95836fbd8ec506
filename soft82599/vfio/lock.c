/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lock.h"

/* Far longer than a burst takes, and than an owner that lost its processor stays away. */
#define PATIENCE_NS	5000000

static void
ring(int bell)
{
	uint64_t one = 1;

	/* The system call itself: write(2) is a cancellation point and may be interposed. */
	syscall(SYS_write, bell, &one, sizeof(one));
}

/* Kernels before 5.14 know CLOCK_REALTIME only for locks that inherit priority: EINVAL. */
static int
wait_by(pthread_mutex_t *lock, clockid_t clock)
{
	struct timespec until;

	clock_gettime(clock, &until);
	until.tv_nsec += PATIENCE_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return pthread_mutex_clocklock(lock, clock, &until);
}

void
s82_lock_take(struct s82_ctx *ctx, int bell)
{
	pthread_mutex_t *lock = &ctx->st->lock;
	int rc = pthread_mutex_trylock(lock);

	while (rc == EBUSY || rc == ETIMEDOUT) {
		rc = wait_by(lock, CLOCK_MONOTONIC);
		if (rc == EINVAL)
			rc = wait_by(lock, CLOCK_REALTIME);
		if (rc == ETIMEDOUT)
			ring(bell);
	}
	if (rc == EOWNERDEAD) {
		s82_repair(ctx);
		pthread_mutex_consistent(lock);
	}
}

void
s82_lock_leave(struct s82_ctx *ctx)
{
	pthread_mutex_unlock(&ctx->st->lock);
}

/* The kernel's own format: it passes the lock on, and finds it when its owner dies. */
pid_t
s82_lock_owner(const struct s82_state *st)
{
	return (pid_t)(__atomic_load_n(&st->lock.__data.__lock, __ATOMIC_RELAXED) &
		FUTEX_TID_MASK);
}
