/* SPDX-License-Identifier: BSD-3-Clause */
/* What the stubs call: patch_fast.c is compiled to use general registers only. */
#ifndef S82_PATCH_FAST_H
#define S82_PATCH_FAST_H

#include "decode.h"

/* One patched store. Written before its stub can be reached, constant afterwards. */
struct s82_site {
	uintptr_t rip;		/* of the store */
	struct s82_insn insn;
};

/* The registers as a stub pushes them: the processor's numbering, 15 first, without SP. */
struct s82_stub_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t flags;
	/* behind it the red zone of 128 bytes, then the interrupted stack */
};

/* Executes the store if no lock and no vector register is needed: 0. Else 1: the slow way. */
int s82_patch_fast(const struct s82_stub_frame *f, const struct s82_site *site);
/* Through the register-write function. */
void s82_patch_slow(const struct s82_stub_frame *f, const struct s82_site *site);

/* Address and value of the store. */
uint64_t s82_site_address(const struct s82_stub_frame *f, const struct s82_site *site);
uint64_t s82_site_value(const struct s82_stub_frame *f, const struct s82_site *site);

/* Entered by the stubs with rdi = frame, rsi = site, the stack aligned to 16 bytes. */
void s82_patch_common(void);
/* Calls fn(arg), which may use all registers of the processor, and puts them back. */
void s82_saved(void (*fn)(void *), void *arg);
extern uint64_t s82_xsave_bytes;	/* room for XSAVEC of S82_XSAVE_MASK */

/* x87, SSE, AVX and AVX-512: what libc may use; not the tiles of AMX. */
#define S82_XSAVE_MASK	0xe7

#endif
