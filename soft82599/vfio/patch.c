/* SPDX-License-Identifier: BSD-3-Clause */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client.h"
#include "fault.h"
#include "patch.h"
#include "patch_fast.h"
#include "real.h"

#define PLACES		4096u	/* stores that trapped: a power of two; a driver's set-up has hundreds */
#define SITES		128	/* of them that are patched */
#define TRAPS		64	/* before a place is patched */
#define PAGE		4096ul
#define STUB_BYTES	112	/* the longest stub, and where the next may begin */
#define RESERVE		(2ull << 30)	/* bytes of addresses: what a displacement reaches */

enum state { FREE, COUNTING, PATCHING, PATCHED, REFUSED };

struct place {
	_Atomic uint32_t state;
	uint32_t traps;
	struct s82_site site;
};

static struct place places[PLACES];
pthread_mutex_t s82_patch_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction trap_before;	/* the program's SIGTRAP */

/*
 * Addresses kept free for stubs. Libraries are mapped from above downwards, so the drivers that a
 * program loads later come to lie below, and most of their displacements lead in here.
 */
static uintptr_t reserve;

static uintptr_t stubs[SITES], pages[2 * SITES];	/* where stubs are; the pages they lie in */
static unsigned int stub_count, page_count;

static __attribute__((constructor)) void
make_reserve(void)
{
	long p;

	if (!s82_enabled())
		return;
	p = syscall(SYS_mmap, NULL, RESERVE, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p != -1)
		reserve = (uintptr_t)p;
}

/* For `soft82599 show`: how many places were patched, how many could not be. */
static void
count(bool ok)
{
	struct s82_client *c = &s82_client.st->client[s82_client.id];

	atomic_fetch_add(ok ? &c->patched : &c->unpatchable, 1);
}

static struct place *
place_of(uintptr_t rip)
{
	unsigned int h = (unsigned int)(rip * 0x9e3779b97f4a7c15ull >> 40), i;

	for (i = 0; i < PLACES; i++) {
		struct place *p = &places[(h + i) % PLACES];

		if (atomic_load(&p->state) == FREE || p->site.rip == rip)
			return p;
	}
	return NULL;
}

bool
s82_patch_store_at(uintptr_t rip, struct s82_insn *insn)
{
	const struct place *p = place_of(rip);
	uint32_t state = p != NULL ? atomic_load(&p->state) : FREE;

	if ((state != PATCHING && state != PATCHED) || p->site.rip != rip)
		return false;
	*insn = p->site.insn;
	return true;
}

/* --- what the processor and the kernel have to offer */

/* XSAVEC, and how many bytes it writes; the barrier that makes other threads fetch anew. */
static bool
able(void)
{
	static _Atomic int known;	/* 0: not asked, 1: yes, 2: no */
	const char *env = getenv("SOFT82599_PATCH");
	unsigned int a, b, c, d;
	bool ok;

	if (atomic_load(&known))
		return atomic_load(&known) == 1;
	ok = !(env != NULL && strcmp(env, "off") == 0) &&
		__get_cpuid_count(0xd, 1, &a, &b, &c, &d) && a & 2 &&
		syscall(SYS_membarrier,
			MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) == 0;
	if (ok) {
		/* at most: the standard format's size for all that is enabled, and the alignment */
		__get_cpuid_count(0xd, 0, &a, &b, &c, &d);
		s82_xsave_bytes = ((uint64_t)b + 64 + 63) & ~63ull;
	}
	atomic_store(&known, ok ? 1 : 2);
	return ok;
}

static void
barrier_all(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
}

/* Writes program text. /proc/self/mem does it without making the page writable to anybody. */
static bool
poke(uintptr_t at, const void *bytes, size_t n)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = syscall(SYS_pwrite64, fd, bytes, n, at) == (long)n;
	syscall(SYS_close, fd);
	return ok;
}

/* --- the stub */

static uint8_t *
emit(uint8_t *p, const void *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

static uint8_t *
emit_imm64(uint8_t *p, uint8_t op, const void *v)
{
	*p++ = 0x48;
	*p++ = op;	/* movabs $v, %reg */
	return emit(p, &v, 8);
}

/* Writes the stub of `site` to `to`, to run at `at`. Returns its length. */
static size_t
make_stub(uint8_t *to, uintptr_t at, const struct s82_site *site)
{
	static const uint8_t enter[] = {
		0x48, 0x8d, 0x64, 0x24, 0x80,			/* lea -128(%rsp), %rsp */
		0x9c, 0x50, 0x51, 0x52, 0x53, 0x55, 0x56, 0x57,	/* pushf; push rax to rdi */
		0x41, 0x50, 0x41, 0x51, 0x41, 0x52, 0x41, 0x53,	/* push r8 to r11 */
		0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57,	/* push r12 to r15 */
		0xfc,						/* cld */
		0x48, 0x89, 0xe3, 0x48, 0x89, 0xe7,		/* mov %rsp, %rbx; mov %rsp, %rdi */
		0x48, 0x83, 0xe4, 0xf0,				/* and $-16, %rsp */
	};
	static const uint8_t leave[] = {
		0xff, 0xd0,					/* call *%rax */
		0x48, 0x89, 0xdc,				/* mov %rbx, %rsp */
		0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c,	/* pop r15 to r12 */
		0x41, 0x5b, 0x41, 0x5a, 0x41, 0x59, 0x41, 0x58,	/* pop r11 to r8 */
		0x5f, 0x5e, 0x5d, 0x5b, 0x5a, 0x59, 0x58, 0x9d,	/* pop rdi to rax; popf */
		0x48, 0x8d, 0xa4, 0x24, 0x80, 0, 0, 0,		/* lea 128(%rsp), %rsp */
		0xe9,						/* jmp back */
	};
	uint8_t *p = emit(to, enter, sizeof(enter));
	int64_t back;
	int32_t rel;

	p = emit_imm64(p, 0xbe, site);				/* rsi */
	p = emit_imm64(p, 0xb8, (void *)(uintptr_t)s82_patch_common);	/* rax */
	p = emit(p, leave, sizeof(leave));
	back = (int64_t)(site->rip + site->insn.len) - (int64_t)(at + (size_t)(p - to) + 4);
	rel = (int32_t)back;
	p = emit(p, &rel, 4);
	return (size_t)(p - to);
}

static bool
is_ours(uintptr_t page)
{
	unsigned int i;

	for (i = 0; i < page_count; i++)
		if (pages[i] == page)
			return true;
	return false;
}

/* Makes `page` ours if it is free. Stubs of neighbouring sites share pages. */
static bool
claim(uintptr_t page)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	long got;

	if (is_ours(page))
		return true;
	if (page_count == 2 * SITES)
		return false;
	if (reserve != 0 && page >= reserve && page < reserve + RESERVE)
		flags |= MAP_FIXED;
	else
		flags |= MAP_FIXED_NOREPLACE;
	got = syscall(SYS_mmap, page, PAGE, PROT_READ | PROT_EXEC, flags, -1, 0);
	if (got != (long)page) {
		if (got != -1)	/* a kernel that does not know the flag */
			syscall(SYS_munmap, got, PAGE);
		return false;
	}
	pages[page_count++] = page;
	return true;
}

/* Is there room for a stub at `at`, and memory? */
static bool
claim_stub(uintptr_t at)
{
	unsigned int i;

	for (i = 0; i < stub_count; i++)
		if (at < stubs[i] + STUB_BYTES && stubs[i] < at + STUB_BYTES)
			return false;
	return claim(at & ~(PAGE - 1)) && claim((at + STUB_BYTES - 1) & ~(PAGE - 1));
}

/*
 * Makes a stub at a place that a jump from the site can reach although only the displacement's
 * low bytes may be chosen, and the jump. False: nowhere free.
 */
static bool
place_stub(const struct s82_site *site, uint8_t jump[5])
{
	unsigned int own = site->insn.len > 5 ? 4 : site->insn.len - 1u;
	const uint8_t *code = (const uint8_t *)site->rip;
	uint64_t span = 1ull << (8 * own - (own == 4)), step = own == 1 ? 8 : span / 64;
	uint8_t stub[STUB_BYTES];
	uintptr_t lo, at;
	uint32_t rel = 0;
	size_t n;

	memcpy((uint8_t *)&rel + own, code + 1 + own, 4 - own);
	lo = site->rip + 5 + (uint64_t)(int64_t)(int32_t)rel;
	if (own == 4)
		lo -= span / 2;
	for (at = lo; at < lo + span && stub_count < SITES; at += step) {
		if (!claim_stub(at))
			continue;
		n = make_stub(stub, at, site);
		if (!poke(at, stub, n))
			return false;
		stubs[stub_count++] = at;
		rel = (uint32_t)(at - (site->rip + 5));
		jump[0] = 0xe9;
		memcpy(jump + 1, &rel, 4);
		return true;
	}
	return false;
}

/* --- threads that run into the breakpoint while a place is being patched */

static void
on_trap(int sig, siginfo_t *info, void *arg)
{
	ucontext_t *uc = arg;
	uintptr_t rip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP] - 1;
	struct place *p = place_of(rip);

	if (p != NULL && p->site.rip == rip && atomic_load(&p->state) >= PATCHING) {
		uc->uc_mcontext.gregs[REG_RIP] = (greg_t)rip;	/* once more: soon it is a jump */
		return;
	}
	if (trap_before.sa_flags & SA_SIGINFO) {
		trap_before.sa_sigaction(sig, info, arg);
	} else if (trap_before.sa_handler != SIG_IGN && trap_before.sa_handler != SIG_DFL) {
		trap_before.sa_handler(sig);
	} else if (trap_before.sa_handler == SIG_DFL) {
		struct sigaction dfl = { .sa_handler = SIG_DFL };

		s82_real_sigaction(SIGTRAP, &dfl, NULL);
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGTRAP);
	}
}

static bool
catch_traps(void)
{
	struct sigaction act = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK }, now;

	if (s82_real_sigaction(SIGTRAP, NULL, &now) < 0)
		return false;
	if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_trap)
		return true;
	trap_before = now;
	return s82_real_sigaction(SIGTRAP, &act, NULL) == 0;
}

/* --- patching */

/*
 * Cross-modifying code (Intel SDM volume 3, 9.1.3): 1. a breakpoint in the first byte, 2. the
 * bytes behind it, 3. the first byte; after each, all threads fetch anew. Bytes behind the store
 * do not change.
 */
static bool
overwrite(const struct s82_site *site, const uint8_t jump[5])
{
	const uint8_t int3 = 0xcc, first = *(const uint8_t *)site->rip;
	size_t own = site->insn.len > 5 ? 5 : site->insn.len;

	if (!poke(site->rip, &int3, 1))
		return false;
	barrier_all();
	if (!poke(site->rip + 1, jump + 1, own - 1)) {
		poke(site->rip, &first, 1);
		barrier_all();
		return false;
	}
	barrier_all();
	poke(site->rip, jump, 1);
	barrier_all();
	return true;
}

static bool
patchable(const struct s82_insn *insn)
{
	return insn->op == S82_OP_STORE && insn->plain_address && !insn->high &&
		(insn->size == 4 || insn->size == 8) && insn->len >= 2;
}

/* Has an earlier jump borrowed bytes of this store? Then they must stay as they are. */
static bool
lent(const struct s82_site *site)
{
	unsigned int i;

	for (i = 0; i < PLACES; i++) {
		const struct place *p = &places[i];

		if (atomic_load(&p->state) == PATCHED && p->site.rip < site->rip + site->insn.len &&
				site->rip < p->site.rip + 5)
			return true;
	}
	return false;
}

static void
patch(struct place *p)
{
	uint8_t jump[5];
	bool ok;

	if (!able() || !patchable(&p->site.insn) || lent(&p->site) || !catch_traps()) {
		atomic_store(&p->state, REFUSED);
		count(false);
		return;
	}
	atomic_store(&p->state, PATCHING);
	ok = place_stub(&p->site, jump) && overwrite(&p->site, jump);
	atomic_store(&p->state, ok ? PATCHED : REFUSED);
	count(ok);
}

void
s82_patch_note(uintptr_t rip, const struct s82_insn *insn)
{
	struct place *p;

	/* the handler has all signals blocked; another thread's patching is not waited for */
	if (pthread_mutex_trylock(&s82_patch_lock) != 0)
		return;
	p = place_of(rip);
	if (p != NULL && atomic_load(&p->state) == FREE) {
		p->site.rip = rip;
		p->site.insn = *insn;
		atomic_store(&p->state, COUNTING);
	}
	if (p != NULL && atomic_load(&p->state) == COUNTING && ++p->traps == TRAPS)
		patch(p);
	pthread_mutex_unlock(&s82_patch_lock);
}

void
s82_patch_slow(const struct s82_stub_frame *f, const struct s82_site *site)
{
	uint64_t addr = s82_site_address(f, site), val = s82_site_value(f, site);
	unsigned int func;
	int saved = errno;
	uint32_t off;

	s82_defer_begin();
	if (s82_bar_find(addr, &func, &off))
		s82_reg_write(func, off, val, site->insn.size);
	s82_defer_end();
	errno = saved;
}
