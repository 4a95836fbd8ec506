/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A NIC's work does not stop with a processor, but here it is done by the processes that use the
 * NIC: one that is stopped (SIGSTOP, SIGTSTP) inside st->lock would stop the card for all. Whoever
 * waits for the lock too long rings; this thread then lets a stopped owner run until it has left
 * the lock, and stops it again.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../vfio/lock.h"
#include "server_priv.h"

#define LOOK_NS		20000		/* between two looks at what was set in motion */
#define STEP_NS		100000000	/* for the owner to be scheduled and to leave, or to stop */
#define ROUND_NS	1000000000	/* it may be stopped inside the lock again and again */

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* The file /proc/PID/NAME or, where sub is not 0, /proc/PID/task/SUB/NAME. False: gone. */
static bool
read_proc(pid_t pid, pid_t sub, const char *name, char *buf, size_t room)
{
	char path[64];
	ssize_t n;
	int fd;

	if (sub != 0)
		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)sub, name);
	else
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, room - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* The client that thread `tid` belongs to, 0: none. /proc shows threads by their number, too. */
static pid_t
client_of(const struct s82_server *s, pid_t tid)
{
	char status[512], *p;
	unsigned int i;
	pid_t pid;

	if (!read_proc(tid, 0, "status", status, sizeof(status)))
		return 0;
	p = strstr(status, "\nTgid:");
	pid = p != NULL ? atoi(p + 6) : 0;
	for (i = 0; pid != 0 && i < S82_MAX_CLIENTS; i++)
		if (atomic_load(&s->conn[i].pid) == pid)
			return pid;
	return 0;
}

/* 'T' stopped, 't' held by a debugger; '\0' gone. */
static char
task_state(pid_t pid, pid_t tid)
{
	char stat[512], *p;

	if (!read_proc(pid, tid, "stat", stat, sizeof(stat)))
		return '\0';
	p = strrchr(stat, ')');	/* the program's name may hold anything */
	return p != NULL && p[1] == ' ' ? p[2] : '\0';
}

/* Waits until the thread has left the lock (or is dead and the kernel took it away). */
static void
wait_left(const struct s82_server *s, pid_t tid)
{
	const struct timespec look = { .tv_nsec = LOOK_NS };
	int64_t end = now_ns() + STEP_NS;

	while (s82_lock_owner(s->st) == tid && now_ns() < end)
		nanosleep(&look, NULL);
}

static void
wait_stopped(pid_t pid, pid_t tid)
{
	const struct timespec look = { .tv_nsec = LOOK_NS };
	int64_t end = now_ns() + STEP_NS;
	char state;

	do {
		state = task_state(pid, tid);
	} while (state != 'T' && state != '\0' && now_ns() < end && nanosleep(&look, NULL) == 0);
}

/*
 * Lets a stopped owner leave. It may take the lock again before it stops again: then once more.
 * One that a debugger holds cannot be helped.
 */
static void
free_lock(struct s82_server *s)
{
	int64_t end = now_ns() + ROUND_NS;
	pid_t tid, pid;
	int fd;

	while (now_ns() < end) {
		tid = s82_lock_owner(s->st);
		pid = tid != 0 ? client_of(s, tid) : 0;
		if (pid == 0)
			return;
		/* Before the look at its state: what we signal is what we saw. */
		fd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (fd < 0)
			return;
		if (task_state(pid, tid) != 'T' || s82_lock_owner(s->st) != tid) {
			close(fd);
			return;
		}
		atomic_fetch_add(&s->st->stats.lock_nudges, 1);
		syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0);
		wait_left(s, tid);
		syscall(SYS_pidfd_send_signal, fd, SIGSTOP, NULL, 0);
		wait_stopped(pid, tid);
		close(fd);
	}
}

void *
s82_nudge_thread(void *arg)
{
	struct s82_server *s = arg;
	struct pollfd pfd[] = { { .fd = s->stop, .events = POLLIN },
		{ .fd = s->nudge, .events = POLLIN } };
	eventfd_t ignored;

	for (;;) {
		if (poll(pfd, 2, -1) <= 0)
			continue;
		if (pfd[0].revents != 0)
			return NULL;
		eventfd_read(s->nudge, &ignored);
		free_lock(s);
	}
}
