/* SPDX-License-Identifier: BSD-3-Clause */
/* Signal handlers of the program: when they run, and in which thread; see patch.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "client.h"
#include "patch.h"
#include "real.h"

#define SIGNALS	65

static struct sigaction program[SIGNALS];	/* what the program believes to be installed */
pthread_mutex_t s82_defer_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool active;

/* One thread's calls into the model, and the signals that came meanwhile. */
static __thread __attribute__((tls_model("initial-exec"))) struct {
	unsigned int depth;
	uint64_t pending;
	siginfo_t info[SIGNALS];
} deferred;

/* Signals on their way to the main thread: bit sig - 1, and what came with them. */
static _Atomic uint64_t handed;
static siginfo_t handed_info[SIGNALS];

/* Signals that a program handles at its leisure; the others are its own doing and cannot wait. */
static bool
asynchronous(int sig)
{
	switch (sig) {
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
	case SIGSYS:
	case SIGKILL:
	case SIGSTOP:
		return false;
	}
	return sig > 0 && sig < SIGNALS;
}

/* The line of the main thread's status that begins with `key`; NULL: it is not to be had. */
static const char *
main_status(char *buf, size_t size, const char *key)
{
	long fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC), n = -1;
	const char *line = NULL;

	if (fd >= 0) {
		n = syscall(SYS_read, fd, buf, size - 1);
		syscall(SYS_close, fd);
	}
	if (n > 0) {
		buf[n] = '\0';
		line = strstr(buf, key);
	}
	return line != NULL ? line + strlen(key) : NULL;
}

/*
 * A signal to the process is for the main thread, if that does not block it: so the kernel
 * chooses. But a thread whose registers trap looks for signals all the time, and takes it before
 * the main thread is awake, where a read() would go on waiting as if nothing had come.
 */
static bool
hand_to_main(int sig, const siginfo_t *info)
{
	uint64_t bit = 1ull << (sig - 1);
	pid_t pid = getpid();
	const char *blocked, *state;
	char buf[4096];

	if ((info->si_code != SI_USER && info->si_code != SI_KERNEL) || syscall(SYS_gettid) == pid)
		return false;
	state = main_status(buf, sizeof(buf), "\nState:\t");
	if (state == NULL || *state == 'Z')
		return false;
	blocked = main_status(buf, sizeof(buf), "\nSigBlk:\t");
	if (blocked == NULL || strtoull(blocked, NULL, 16) & bit)
		return false;
	/* the kernel lets nobody forge another thread's siginfo: that goes beside the signal */
	handed_info[sig] = *info;
	atomic_fetch_or(&handed, bit);
	return syscall(SYS_tgkill, pid, pid, sig) == 0;
}

/* In the main thread: what came with a signal that was handed to it. */
static siginfo_t *
handed_over(int sig, siginfo_t *info)
{
	uint64_t bit = 1ull << (sig - 1);

	if (info->si_code != SI_TKILL || !(atomic_load(&handed) & bit))
		return info;
	*info = handed_info[sig];
	atomic_fetch_and(&handed, ~bit);
	return info;
}

static void
on_signal(int sig, siginfo_t *info, void *uc)
{
	struct sigaction act = program[sig];
	int saved = errno;
	bool gone;

	if (deferred.depth > 0) {
		deferred.pending |= 1ull << (sig - 1);
		deferred.info[sig] = *info;
		return;
	}
	if (act.sa_handler == SIG_DFL || act.sa_handler == SIG_IGN)
		return;	/* changed by another thread meanwhile */
	gone = hand_to_main(sig, info);
	errno = saved;
	if (gone)
		return;
	info = handed_over(sig, info);
	if (act.sa_flags & SA_RESETHAND)
		s82_real_sigaction(sig, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	if (act.sa_flags & SA_SIGINFO)
		act.sa_sigaction(sig, info, uc);
	else
		act.sa_handler(sig);
}

void
s82_defer_begin(void)
{
	deferred.depth++;
}

void
s82_defer_end(void)
{
	int sig;

	if (--deferred.depth > 0)
		return;
	while (deferred.pending != 0) {
		sig = __builtin_ctzll(deferred.pending) + 1;
		deferred.pending &= deferred.pending - 1;
		syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), sig,
			&deferred.info[sig]);
	}
}

/* Puts our handler before the program's. */
static int
install(int sig, const struct sigaction *act)
{
	struct sigaction wrapped = *act;

	program[sig] = *act;
	if (act->sa_handler != SIG_DFL && act->sa_handler != SIG_IGN) {
		wrapped.sa_sigaction = on_signal;
		wrapped.sa_flags = (wrapped.sa_flags & ~SA_RESETHAND) | SA_SIGINFO;
	}
	return s82_real_sigaction(sig, &wrapped, NULL);
}

static bool
ours(const struct sigaction *act)
{
	return act->sa_flags & SA_SIGINFO && act->sa_sigaction == on_signal;
}

void
s82_defer_activate(void)
{
	struct sigaction act;
	int sig;

	pthread_mutex_lock(&s82_defer_lock);
	for (sig = 1; sig < SIGNALS && !atomic_load(&active); sig++)
		if (asynchronous(sig) && s82_real_sigaction(sig, NULL, &act) == 0 && !ours(&act))
			install(sig, &act);
	atomic_store(&active, true);
	pthread_mutex_unlock(&s82_defer_lock);
}

bool
s82_defer_sigaction(int sig, const struct sigaction *act, struct sigaction *old, int *rc)
{
	struct sigaction before;
	sigset_t mask;

	if (!atomic_load(&active) || !asynchronous(sig))
		return false;
	s82_signals_block(&mask);
	pthread_mutex_lock(&s82_defer_lock);
	*rc = s82_real_sigaction(sig, NULL, &before);
	if (*rc == 0 && ours(&before))
		before = program[sig];
	if (*rc == 0 && act != NULL)
		*rc = install(sig, act);
	pthread_mutex_unlock(&s82_defer_lock);
	s82_signals_restore(&mask);
	if (*rc == 0 && old != NULL)
		*old = before;
	return true;
}
