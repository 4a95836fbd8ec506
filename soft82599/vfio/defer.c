/* SPDX-License-Identifier: BSD-3-Clause */
/* Signal handlers of the program wait until its thread has left the model, see patch.h. */
#include <errno.h>
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

static void
on_signal(int sig, siginfo_t *info, void *uc)
{
	struct sigaction act = program[sig];

	if (deferred.depth > 0) {
		deferred.pending |= 1ull << (sig - 1);
		deferred.info[sig] = *info;
		return;
	}
	if (act.sa_handler == SIG_DFL || act.sa_handler == SIG_IGN)
		return;	/* changed by another thread meanwhile */
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
