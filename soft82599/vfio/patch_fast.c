/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"
#include "fault.h"
#include "patch_fast.h"

uint64_t s82_xsave_bytes;

#define XMM(op)	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) \
	op(14) op(15)
#define SAVE(n)	"	movups	%xmm" #n ", 16*" #n "(%rsp)\n"
#define RESTORE(n)	"	movups	16*" #n "(%rsp), %xmm" #n "\n"

/*
 * Saves what s82_patch_fast() did not need: the registers of SSE. The rest of the vector state stays as it
 * is: this library is compiled for SSE, whose instructions leave the upper parts alone, has its own
 * memcpy() (memory.c), and calls nothing in libc that has a choice of processors but inside s82_saved().
 * All of it in XSAVE's way took 65 ns a store.
 */
__asm__(
	"	.text\n"
	"	.globl	s82_patch_common\n"
	"	.hidden	s82_patch_common\n"
	"	.type	s82_patch_common, @function\n"
	"s82_patch_common:\n"
	"	pushq	%rbp\n"
	"	movq	%rsp, %rbp\n"
	"	pushq	%r12\n"
	"	pushq	%r13\n"
	"	movq	%rdi, %r12\n"
	"	movq	%rsi, %r13\n"
	"	call	s82_patch_fast\n"
	"	testl	%eax, %eax\n"
	"	jz	1f\n"
	"	subq	$256, %rsp\n"
	XMM(SAVE)
	"	movq	%r12, %rdi\n"
	"	movq	%r13, %rsi\n"
	"	call	s82_patch_slow\n"
	XMM(RESTORE)
	"1:	leaq	-16(%rbp), %rsp\n"
	"	popq	%r13\n"
	"	popq	%r12\n"
	"	popq	%rbp\n"
	"	ret\n"
	"	.size	s82_patch_common, . - s82_patch_common\n"
	"	.globl	s82_saved\n"
	"	.hidden	s82_saved\n"
	"	.type	s82_saved, @function\n"
	"s82_saved:\n"
	"	pushq	%rbp\n"
	"	movq	%rsp, %rbp\n"
	"	movq	%rdi, %r8\n"
	"	movq	%rsi, %rdi\n"
	"	cmpq	$0, s82_xsave_bytes(%rip)\n"
	"	jne	1f\n"
	"	call	*%r8\n"	/* nothing is patched, all is saved by whoever called us */
	"	leave\n"
	"	ret\n"
	"1:	subq	s82_xsave_bytes(%rip), %rsp\n"
	"	andq	$-64, %rsp\n"
	"	xorl	%eax, %eax\n"	/* the header behind the legacy area must be zero */
	"	movq	%rax, 512(%rsp)\n"
	"	movq	%rax, 520(%rsp)\n"
	"	movq	%rax, 528(%rsp)\n"
	"	movq	%rax, 536(%rsp)\n"
	"	movq	%rax, 544(%rsp)\n"
	"	movq	%rax, 552(%rsp)\n"
	"	movq	%rax, 560(%rsp)\n"
	"	movq	%rax, 568(%rsp)\n"
	"	movl	$0xe7, %eax\n"	/* S82_XSAVE_MASK */
	"	xorl	%edx, %edx\n"
	"	xsavec64 (%rsp)\n"
	"	call	*%r8\n"
	"	movl	$0xe7, %eax\n"
	"	xorl	%edx, %edx\n"
	"	xrstor64 (%rsp)\n"
	"	leave\n"
	"	ret\n"
	"	.size	s82_saved, . - s82_saved\n");

static uint64_t
reg_of(const struct s82_stub_frame *f, unsigned int reg)
{
	switch (reg) {
	case 0: return f->rax;
	case 1: return f->rcx;
	case 2: return f->rdx;
	case 3: return f->rbx;
	case 4: return (uintptr_t)(f + 1) + 128;
	case 5: return f->rbp;
	case 6: return f->rsi;
	case 7: return f->rdi;
	case 8: return f->r8;
	case 9: return f->r9;
	case 10: return f->r10;
	case 11: return f->r11;
	case 12: return f->r12;
	case 13: return f->r13;
	case 14: return f->r14;
	default: return f->r15;
	}
}

uint64_t
s82_site_address(const struct s82_stub_frame *f, const struct s82_site *site)
{
	const struct s82_insn *i = &site->insn;
	uint64_t a = (uint64_t)(int64_t)i->disp;

	if (i->base == S82_REG_RIP)
		a += site->rip + i->len;
	else if (i->base != S82_REG_NONE)
		a += reg_of(f, i->base);
	if (i->index != S82_REG_NONE)
		a += reg_of(f, i->index) << i->scale;
	return a;
}

uint64_t
s82_site_value(const struct s82_stub_frame *f, const struct s82_site *site)
{
	uint64_t v = site->insn.has_imm ? site->insn.imm : reg_of(f, site->insn.reg);

	return site->insn.size == 4 ? (uint32_t)v : v;
}

int
s82_patch_fast(const struct s82_stub_frame *f, const struct s82_site *site)
{
	uint64_t addr = s82_site_address(f, site), val = s82_site_value(f, site);
	unsigned int func;
	uint32_t off;
	int queue;

	if (!s82_bar_find(addr, &func, &off)) {
		/* the same code serves other memory: do what it says */
		if (site->insn.size == 4)
			*(volatile uint32_t *)addr = (uint32_t)val;
		else
			*(volatile uint64_t *)addr = val;
		return 0;
	}
	if (site->insn.size != 4 || !atomic_load_explicit(&s82_client.attached, memory_order_acquire) ||
			atomic_load_explicit(&s82_client.st->dead, memory_order_relaxed))
		return 1;
	queue = s82_rdt_queue(s82_client.st, func, off);
	return queue < 0 || !s82_rdt_store(s82_client.st, (unsigned int)queue, (uint32_t)val);
}
