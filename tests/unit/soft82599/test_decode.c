/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The instruction decoder against the processor itself: every instruction below is executed
 * natively and by the decoder, with the same random registers, flags and memory, and both must
 * leave the same behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "vfio/decode.h"

#define PAGE		4096
#define ROUNDS		200
#define FLAGS		0x8d5ull	/* CF PF AF ZF SF OF */
#define AF		0x10ull
#define CENTRE		512	/* where address registers point, in the memory page */

/* Addresses are in rdi, rbx, rbp, r12, r13 (which all point to memory); rcx is an index. */
struct insn_text {
	const uint8_t *start, *end;
	const char *text;
};

#define INSN(text)							\
	__asm__(".pushsection .rodata\n1:\n" text "\n2:\n3: .asciz \"" text "\"\n.popsection\n"	\
		".pushsection s82_insns,\"aw\"\n.quad 1b, 2b, 3b\n.popsection\n")

extern const struct insn_text __start_s82_insns[], __stop_s82_insns[];

/* MOV, all widths and every way to write an address */
INSN("movl %eax,(%rdi)");
INSN("movl %r15d,(%rdi)");
INSN("movq %rdx,(%rdi)");
INSN("movw %dx,(%rdi)");
INSN("movb %dl,(%rdi)");
INSN("movb %dh,(%rdi)");
INSN("movb %ah,8(%rdi)");
INSN("movb %sil,(%rdi)");
INSN("movb %r8b,(%rdi)");
INSN("movl (%rdi),%eax");
INSN("movl (%rdi),%r10d");
INSN("movq (%rdi),%r11");
INSN("movw (%rdi),%dx");
INSN("movb (%rdi),%dl");
INSN("movb (%rdi),%dh");
INSN("movb (%rdi),%sil");
INSN("movb (%r12),%r8b");
INSN("movl %eax,8(%rdi)");
INSN("movl %eax,-0x80(%rdi)");
INSN("movl %eax,0x100(%rdi)");
INSN("movl %eax,(%r12)");
INSN("movl %eax,(%r13)");
INSN("movl %eax,8(%r12)");
INSN("movl %eax,8(%rbp)");
INSN("movl %eax,(%rdi,%rcx)");
INSN("movl %eax,(%rdi,%rcx,8)");
INSN("movl %eax,0x18(%rbp,%rcx,4)");
INSN("movl %eax,0x180(%r13,%rcx,2)");
INSN("movl (%r12,%rcx,8),%r9d");
INSN("movl %eax,72(%rip)");
INSN("movl 72(%rip),%eax");
INSN("movl $0x12345678,72(%rip)");
INSN("movb $0x80,(%rdi)");
INSN("movw $0x8001,(%rdi)");
INSN("movl $0x80000001,(%rdi)");
INSN("movq $-2,(%rdi)");
INSN("movl $7,0x100(%rdi,%rcx,8)");
INSN("ds movl %eax,(%rdi)");
INSN("movnti %eax,(%rdi)");
INSN("movnti %rdx,(%rdi)");
/* extensions */
INSN("movzbl (%rdi),%eax");
INSN("movzbw (%rdi),%dx");
INSN("movzwl (%rdi),%eax");
INSN("movzbq (%rdi),%rax");
INSN("movzwq (%rdi),%r8");
INSN("movsbl (%rdi),%eax");
INSN("movsbw (%rdi),%dx");
INSN("movswl (%rdi),%eax");
INSN("movsbq (%rdi),%rax");
INSN("movswq (%rdi),%r8");
INSN("movslq (%rdi),%rax");
/* TEST and CMP */
INSN("testl %eax,(%rdi)");
INSN("testb %dh,(%rdi)");
INSN("testq %r8,(%rdi)");
INSN("testb $0x80,(%rdi)");
INSN("testw $0x8001,(%rdi)");
INSN("testl $0x80000000,(%rdi)");
INSN("testq $-0x80000000,(%rdi)");
INSN("cmpl %eax,(%rdi)");
INSN("cmpl (%rdi),%eax");
INSN("cmpb (%rdi),%dh");
INSN("cmpb %dl,(%rdi)");
INSN("cmpw %dx,(%rdi)");
INSN("cmpq (%rdi),%r8");
INSN("cmpl $5,(%rdi)");
INSN("cmpl $-1,(%rdi)");
INSN("cmpl $0x12345678,(%rdi)");
INSN("cmpw $0x1234,(%rdi)");
INSN("cmpq $-1,(%rdi)");
INSN("cmpb $0x7f,(%rdi)");
/* read, change, write; and into a register */
INSN("andl %eax,(%rdi)");
INSN("andl (%rdi),%eax");
INSN("andb $0xfe,(%rdi)");
INSN("andl $-2,(%rdi)");
INSN("orl %eax,(%rdi)");
INSN("orb (%rdi),%dl");
INSN("orl $0x04000000,(%rdi)");
INSN("orw $0x4000,(%rdi)");
INSN("orq $1,(%rdi)");
INSN("xorl %eax,(%rdi)");
INSN("xorl (%rdi),%r9d");
INSN("addl %eax,(%rdi)");
INSN("addl (%rdi),%eax");
INSN("addw $-3,(%rdi)");
INSN("addb %ah,(%rdi)");
INSN("addq %r8,(%rdi)");
INSN("adcl %eax,(%rdi)");
INSN("adcq (%rdi),%rax");
INSN("subl %eax,(%rdi)");
INSN("subb (%rdi),%dl");
INSN("subq $0x7fffffff,(%rdi)");
INSN("sbbl %eax,(%rdi)");
INSN("sbbw (%rdi),%dx");
INSN("lock orl $1,(%rdi)");
INSN("lock andl %eax,(%rdi)");
INSN("xchgl %eax,(%rdi)");
INSN("xchgb %dh,(%rdi)");
INSN("xchgq %r15,(%rdi)");
INSN("xchgw %dx,(%r12)");

/* Runs `code` (which returns) with the registers at *regs, and stores them again. */
void native(struct s82_regs *regs, const void *code);
__asm__(".pushsection .text\n"
	".globl native\n"
	"native:\n"
	"push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
	"push %rdi\n push %rsi\n"
	"pushq 128(%rdi)\n popfq\n"
	"mov 0(%rdi),%rax\n mov 8(%rdi),%rcx\n mov 16(%rdi),%rdx\n mov 24(%rdi),%rbx\n"
	"mov 40(%rdi),%rbp\n mov 48(%rdi),%rsi\n mov 64(%rdi),%r8\n mov 72(%rdi),%r9\n"
	"mov 80(%rdi),%r10\n mov 88(%rdi),%r11\n mov 96(%rdi),%r12\n mov 104(%rdi),%r13\n"
	"mov 112(%rdi),%r14\n mov 120(%rdi),%r15\n mov 56(%rdi),%rdi\n"
	"call *(%rsp)\n"
	"push %rdi\n pushfq\n mov 24(%rsp),%rdi\n"
	"mov %rax,0(%rdi)\n mov %rcx,8(%rdi)\n mov %rdx,16(%rdi)\n mov %rbx,24(%rdi)\n"
	"mov %rbp,40(%rdi)\n mov %rsi,48(%rdi)\n mov %r8,64(%rdi)\n mov %r9,72(%rdi)\n"
	"mov %r10,80(%rdi)\n mov %r11,88(%rdi)\n mov %r12,96(%rdi)\n mov %r13,104(%rdi)\n"
	"mov %r14,112(%rdi)\n mov %r15,120(%rdi)\n"
	"popq 128(%rdi)\n popq 56(%rdi)\n"
	"add $16,%rsp\n"
	"pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
	"ret\n"
	".popsection\n");

/* A page of code, and after it a page of memory, where every word is the same. */
static uint8_t *pages;

static uint64_t
random64(void)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 5; i++)
		v = v << 15 ^ (uint64_t)(random() & 0x7fff);
	/* Extremes are where flags go wrong. */
	switch (random() % 8) {
	case 0: return 0;
	case 1: return ~0ull;
	case 2: return 0x8080808080808080ull;
	case 3: return 0x7fffffff7fffffffull;
	default: return v;
	}
}

static void
fill(uint64_t v)
{
	uint64_t *mem = (uint64_t *)(pages + PAGE);
	unsigned int i;

	for (i = 0; i < PAGE / 8; i++)
		mem[i] = v;
}

/* The word that was changed, or v if none was. */
static uint64_t
changed(uint64_t v)
{
	const uint64_t *mem = (const uint64_t *)(pages + PAGE);
	uint64_t found = v;
	unsigned int i, n = 0;

	for (i = 0; i < PAGE / 8; i++)
		if (mem[i] != v) {
			found = mem[i];
			n++;
		}
	assert_true(n <= 1);
	return found;
}

static uint64_t
bus_read(void *arg, unsigned int size)
{
	uint64_t v = 0;

	memcpy(&v, arg, size);
	return v;
}

static void
bus_write(void *arg, uint64_t val, unsigned int size)
{
	/* The bus never sees more than the operand's width. */
	assert_true(size == 8 || val >> (8 * size) == 0);
	memcpy(arg, &val, size);
}

static void
random_regs(struct s82_regs *r)
{
	uint64_t centre = (uint64_t)(uintptr_t)(pages + PAGE + CENTRE);
	unsigned int i;

	for (i = 0; i < 16; i++)
		r->gpr[i] = random64();
	r->gpr[1] = 8 * (uint64_t)(random() % 8);
	r->gpr[3] = r->gpr[5] = r->gpr[7] = r->gpr[12] = r->gpr[13] = centre;
	r->gpr[4] = 0;	/* the stack pointer stays out of it */
	r->flags = 2 | (random64() & FLAGS);
}

static void
compare(const struct insn_text *t)
{
	struct s82_bus bus = { bus_read, bus_write, NULL };
	uint8_t *end = pages + PAGE - 8;
	size_t len = (size_t)(t->end - t->start);
	struct s82_regs cpu, ours;
	struct s82_insn insn;
	uint64_t v = random64(), word = v, flags = FLAGS;

	memcpy(end - len, t->start, len);
	*end = 0xc3;
	if (s82_decode(end - len, &insn) < 0 || insn.len != len)
		fail_msg("%s: not decoded, or %u bytes instead of %zu", t->text, insn.len, len);
	random_regs(&cpu);
	ours = cpu;
	fill(v);
	native(&cpu, end - len);
	bus.arg = &word;
	s82_insn_exec(&insn, &ours, &bus);
	if (word != changed(v) || memcmp(cpu.gpr, ours.gpr, sizeof(cpu.gpr)) != 0)
		fail_msg("%s: memory 0x%llx -> 0x%llx, the processor has 0x%llx; or a register "
			"differs", t->text, (unsigned long long)v, (unsigned long long)word,
			(unsigned long long)changed(v));
	/* AF is undefined after the logical operations. */
	if (insn.op == S82_OP_TEST || insn.op == S82_OP_AND || insn.op == S82_OP_OR ||
			insn.op == S82_OP_XOR)
		flags &= ~AF;
	if ((cpu.flags ^ ours.flags) & flags)
		fail_msg("%s: flags 0x%llx, the processor has 0x%llx", t->text,
			(unsigned long long)(ours.flags & flags),
			(unsigned long long)(cpu.flags & flags));
}

static void
test_like_the_processor(void **state)
{
	const struct insn_text *t;
	unsigned int i, n = 0;

	(void)state;
	for (t = __start_s82_insns; t < __stop_s82_insns; t++, n++) {
		for (i = 0; i < ROUNDS; i++)
			compare(t);
	}
	assert_true(n > 90);
}

/* MOV between the accumulator and an absolute address, which no assembler text can know. */
static void
test_absolute_address(void **state)
{
	static const uint8_t prefix[][2] = { { 0, 0xa0 }, { 0, 0xa1 }, { 0x66, 0xa1 },
		{ 0x48, 0xa1 }, { 0, 0xa2 }, { 0, 0xa3 }, { 0x66, 0xa3 }, { 0x48, 0xa3 } };
	uint64_t addr = (uint64_t)(uintptr_t)(pages + PAGE + CENTRE);
	struct insn_text t = { .text = "movabs" };
	uint8_t code[16];
	unsigned int i, k, n;

	(void)state;
	for (k = 0; k < 8; k++) {
		n = 0;
		if (prefix[k][0] != 0)
			code[n++] = prefix[k][0];
		code[n++] = prefix[k][1];
		memcpy(code + n, &addr, 8);
		t.start = code;
		t.end = code + n + 8;
		for (i = 0; i < ROUNDS; i++)
			compare(&t);
	}
}

/* This machine may not have it, so by the book: SDM volume 2, MOVDIRI. */
static void
test_movdiri(void **state)
{
	static const uint8_t eax_rdx[] = { 0x0f, 0x38, 0xf9, 0x02 };
	static const uint8_t r9_r12_disp[] = { 0x4d, 0x0f, 0x38, 0xf9, 0x4c, 0x24, 0x18 };
	struct s82_insn insn;

	(void)state;
	assert_int_equal(s82_decode(eax_rdx, &insn), 0);
	assert_int_equal(insn.op, S82_OP_STORE);
	assert_int_equal(insn.len, 4);
	assert_int_equal(insn.size, 4);
	assert_int_equal(insn.reg, 0);
	assert_int_equal(s82_decode(r9_r12_disp, &insn), 0);
	assert_int_equal(insn.len, 7);
	assert_int_equal(insn.size, 8);
	assert_int_equal(insn.reg, 9);
}

/* What the decoder must leave alone rather than guess. */
static void
test_refuses_the_rest(void **state)
{
	static const uint8_t bad[][S82_INSN_MAX] = {
		{ 0x0f, 0x10, 0x07 },			/* movups (%rdi),%xmm0 */
		{ 0x66, 0x0f, 0x7f, 0x07 },		/* movdqa %xmm0,(%rdi) */
		{ 0xc5, 0xfe, 0x7f, 0x07 },		/* vmovdqu %ymm0,(%rdi) */
		{ 0x62, 0xf1, 0x7c, 0x48, 0x11, 0x07 },	/* vmovups %zmm0,(%rdi) */
		{ 0xf3, 0xa4 },				/* rep movsb */
		{ 0xf3, 0xab },				/* rep stosl */
		{ 0xff, 0x37 },				/* push (%rdi) */
		{ 0xff, 0x07 },				/* incl (%rdi) */
		{ 0xf7, 0x1f },				/* negl (%rdi) */
		{ 0xc7, 0x0f, 1, 0, 0, 0 },		/* C7 /1 */
		{ 0xf0, 0x89, 0x07 },			/* lock mov: undefined */
		{ 0xf0, 0x3b, 0x07 },			/* lock cmp: undefined */
		{ 0x89, 0xc7 },				/* mov between registers cannot fault */
		{ 0x0f, 0xb1, 0x17 },			/* cmpxchg */
		{ 0x66, 0x0f, 0x38, 0xf9, 0x02 },	/* MOVDIRI has no 16-bit form */
		{ 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
			0x66, 0x66 },			/* longer than any */
	};
	struct s82_insn insn;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (s82_decode(bad[i], &insn) == 0)
			fail_msg("instruction %u was taken for operation %u", i, insn.op);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_the_processor),
		cmocka_unit_test(test_absolute_address),
		cmocka_unit_test(test_movdiri),
		cmocka_unit_test(test_refuses_the_rest),
	};

	srandom(82599);
	pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED) {
		print_message("1..0 # SKIP no page may be both written and executed here\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
