/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs on the interrupt thread, where all that touches a PF's hardware runs. */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include <rte_alarm.h>
#include <rte_interrupts.h>

#include "sriov_pf.h"

#define JOB_TIMEOUT_S 30

/* A job on the interrupt thread. The poster and the thread each hold one reference. */
struct job {
	int (*fn)(void *arg);
	void *arg;
	int result;
	int refs;
	sem_t done;
};

static void
job_unref(struct job *j)
{
	if (__atomic_sub_fetch(&j->refs, 1, __ATOMIC_ACQ_REL) == 0) {
		sem_destroy(&j->done);
		free(j);
	}
}

static void
job_run(void *arg)
{
	struct job *j = arg;

	j->result = j->fn(j->arg);
	sem_post(&j->done);
	job_unref(j);
}

int
sriov_pf_job(int (*fn)(void *arg), void *arg)
{
	struct timespec until;
	struct job *j;
	int ret;

	if (rte_thread_is_intr())
		return -EDEADLK;
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	j->fn = fn;
	j->arg = arg;
	j->refs = 2;
	sem_init(&j->done, 0, 0);
	ret = rte_eal_alarm_set(1, job_run, j);
	if (ret < 0) {
		j->refs = 1;
		job_unref(j);
		return ret;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += JOB_TIMEOUT_S;
	do
		ret = sem_timedwait(&j->done, &until);
	while (ret < 0 && errno == EINTR);
	ret = ret < 0 ? -ETIMEDOUT : j->result;
	job_unref(j);
	return ret;
}
