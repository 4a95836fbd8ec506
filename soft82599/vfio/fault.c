/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "client.h"
#include "decode.h"
#include "fault.h"
#include "patch.h"
#include "real.h"

#define PAGE		4096u

static struct sigaction program_action;	/* what the program believes to be installed */
pthread_mutex_t s82_action_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool installed;

/* ---- an access ---- */

uint64_t
s82_reg_read(unsigned int func, uint32_t off, unsigned int size)
{
	if (s82_attach() < 0 || !s82_card_alive())
		return ~0ull;
	return s82_mmio_read(&s82_client.ctx, func, off, size);
}

void
s82_reg_write(unsigned int func, uint32_t off, uint64_t val, unsigned int size)
{
	if (s82_attach() < 0 || !s82_card_alive())
		return;
	s82_mmio_write(&s82_client.ctx, func, off, val, size);
}

struct access {
	unsigned int func;
	uint32_t off;
};

static uint64_t
access_read(void *arg, unsigned int size)
{
	const struct access *a = arg;

	return s82_reg_read(a->func, a->off, size);
}

static void
access_write(void *arg, uint64_t val, unsigned int size)
{
	const struct access *a = arg;

	s82_reg_write(a->func, a->off, val, size);
}

/* The processor's numbering of registers -> ucontext's. */
static const uint8_t greg_of[16] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static bool
emulate(ucontext_t *uc, struct access *a)
{
	struct s82_bus bus = { .read = access_read, .write = access_write, .arg = a };
	greg_t *g = uc->uc_mcontext.gregs;
	struct s82_insn insn;
	struct s82_regs regs;
	unsigned int i;
	uintptr_t rip;
	int rc;

	rip = (uintptr_t)g[REG_RIP];
	if (!s82_patch_store_at(rip, &insn)) {
		rc = s82_decode((const uint8_t *)rip, &insn);
		if (!s82_patch_store_at(rip, &insn) && rc < 0)
			return false;
	}
	for (i = 0; i < 16; i++)
		regs.gpr[i] = (uint64_t)g[greg_of[i]];
	regs.flags = (uint64_t)g[REG_EFL];
	s82_insn_exec(&insn, &regs, &bus);
	for (i = 0; i < 16; i++)
		g[greg_of[i]] = (greg_t)regs.gpr[i];
	g[REG_EFL] = (greg_t)regs.flags;
	if (insn.op == S82_OP_STORE)
		s82_patch_note(rip, &insn);
	g[REG_RIP] += insn.len;
	return true;
}

/* ---- faults that are not ours ---- */

static char *
put_hex(char *p, uint64_t v, unsigned int digits)
{
	while (digits-- > 0)
		*p++ = "0123456789abcdef"[(v >> (4 * digits)) & 15];
	return p;
}

static char *
put_text(char *p, const char *s)
{
	while (*s != '\0')
		*p++ = *s++;
	return p;
}

/* The bytes of an instruction that the decoder does not know, by write(2) alone. */
static void
complain(const struct access *a, const uint8_t *rip)
{
	char line[256], *p = line;
	unsigned int i;

	p = put_text(p, "soft82599: cannot execute the instruction at 0x");
	p = put_hex(p, (uintptr_t)rip, 12);
	p = put_text(p, " on register 0x");
	p = put_hex(p, a->off, 5);
	p = put_text(p, a->func == S82_PF ? " of the PF:" : " of a VF:");
	for (i = 0; i < S82_INSN_MAX; i++) {
		/* Not into a page that may not be there. */
		if (i > 0 && ((uintptr_t)(rip + i) & (PAGE - 1)) == 0)
			break;
		*p++ = ' ';
		p = put_hex(p, rip[i], 2);
	}
	p = put_text(p, "\nsoft82599: registers are read and written by MOV, MOVDIRI, TEST, "
		"CMP, AND, OR, XCHG and the like\n");
	if (write(STDERR_FILENO, line, p - line) < 0)
		return;
}

/* As if our handler had never been: the default action, by faulting or being sent it again. */
static void
default_action(const siginfo_t *info)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	s82_real_sigaction(SIGSEGV, &dfl, NULL);
	atomic_store(&installed, false);
	if (info->si_code <= 0)	/* sent by kill(2): returning would not bring it back */
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGSEGV);
}

static void
chain(int sig, siginfo_t *info, ucontext_t *uc)
{
	struct sigaction act = program_action;
	uint64_t mask, add;

	if (act.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	if (act.sa_handler == SIG_DFL || act.sa_handler == SIG_IGN) {
		default_action(info);
		return;
	}
	if (act.sa_flags & SA_RESETHAND)
		program_action.sa_handler = SIG_DFL;
	/* The mask that the kernel would have set for this handler. */
	memcpy(&mask, &uc->uc_sigmask, sizeof(mask));
	memcpy(&add, &act.sa_mask, sizeof(add));
	mask |= add;
	if (!(act.sa_flags & SA_NODEFER))
		mask |= 1ull << (SIGSEGV - 1);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
	if (act.sa_flags & SA_SIGINFO)
		act.sa_sigaction(sig, info, uc);
	else
		act.sa_handler(sig);
}

static void
count_trap(void)
{
	struct s82_state *st = s82_client.st;

	if (st != NULL)
		atomic_fetch_add_explicit(&st->client[s82_client.id].traps, 1,
			memory_order_relaxed);
}

static void
on_segv(int sig, siginfo_t *info, void *arg)
{
	ucontext_t *uc = arg;
	int saved = errno;
	struct access a;

	if (info->si_code == SEGV_ACCERR &&
			s82_bar_find((uintptr_t)info->si_addr, &a.func, &a.off)) {
		if (emulate(uc, &a)) {
			count_trap();
			errno = saved;
			return;
		}
		complain(&a, (const uint8_t *)uc->uc_mcontext.gregs[REG_RIP]);
		default_action(info);
		return;
	}
	errno = saved;
	chain(sig, info, uc);
}

int
s82_fault_install(void)
{
	struct sigaction act = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	uint64_t segv = 1ull << (SIGSEGV - 1);
	sigset_t old;
	int rc = 0;

	/* Whoever started this program may have left it blocked, which would be deadly. */
	syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &segv, NULL, sizeof(segv));
	if (atomic_load(&installed))
		return 0;
	/* Nothing asynchronous may interrupt the model while it holds the card's lock. */
	sigfillset(&act.sa_mask);
	s82_signals_block(&old);
	pthread_mutex_lock(&s82_action_lock);
	if (!atomic_load(&installed)) {
		if (s82_real_sigaction(SIGSEGV, &act, &program_action) < 0)
			rc = -errno;
		else
			atomic_store(&installed, true);
	}
	pthread_mutex_unlock(&s82_action_lock);
	if (rc == 0)
		s82_defer_activate();
	s82_signals_restore(&old);
	return rc;
}

bool
s82_fault_sigaction(const struct sigaction *act, struct sigaction *old)
{
	struct sigaction before;
	sigset_t mask;

	if (!atomic_load(&installed))
		return false;
	s82_signals_block(&mask);
	pthread_mutex_lock(&s82_action_lock);
	before = program_action;
	if (act != NULL)
		program_action = *act;
	pthread_mutex_unlock(&s82_action_lock);
	s82_signals_restore(&mask);
	if (old != NULL)
		*old = before;
	return true;
}
