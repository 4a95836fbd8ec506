/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The instructions that touch registers: decoding and execution. Pure: no memory but what the
 * caller hands in, so tests feed it byte strings.
 *
 * The fault handler needs no address: the processor reports it. s82_insn_address() computes it
 * for stores that were patched and do not fault any more.
 * Source: Intel SDM volume 2, chapter 2 (format) and the pages of the instructions.
 */
#ifndef S82_DECODE_H
#define S82_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define S82_INSN_MAX	15	/* bytes */

enum s82_insn_op {	/* the first eight in the order of their opcodes */
	S82_OP_ADD, S82_OP_OR, S82_OP_ADC, S82_OP_SBB, S82_OP_AND, S82_OP_SUB, S82_OP_XOR,
	S82_OP_CMP, S82_OP_TEST, S82_OP_XCHG, S82_OP_LOAD, S82_OP_STORE,
};

struct s82_insn {
	uint8_t op;		/* enum s82_insn_op */
	uint8_t len;		/* bytes of the whole instruction */
	uint8_t size;		/* bytes of the memory operand: 1, 2, 4, 8 */
	uint8_t reg_size;	/* bytes of the register operand */
	uint8_t reg;		/* the processor's number: AX CX DX BX SP BP SI DI R8 to R15 */
	bool high;		/* AH, CH, DH, BH: reg is 0 to 3 */
	bool sign;		/* LOAD extends the sign */
	bool has_imm;		/* the other operand is imm, not reg */
	bool to_mem;		/* the result goes to memory (else to reg, or nowhere) */
	bool mem_first;		/* memory is the first operand: CMP m,r as against CMP r,m */
	uint64_t imm;		/* already sign-extended */
	/* The memory operand: disp + base + (index << scale). */
	uint8_t base, index;	/* registers 0 to 15, S82_REG_NONE, S82_REG_RIP (base only) */
	uint8_t scale;
	int32_t disp;
	bool plain_address;	/* the four fields above tell it all: no segment, 64-bit addressing */
};

#define S82_REG_NONE	16
#define S82_REG_RIP	17	/* the address of the next instruction */

/* What the fault handler knows of the thread. */
struct s82_regs {
	uint64_t gpr[16];
	uint64_t flags;
};

/* How to reach the memory operand. */
struct s82_bus {
	uint64_t (*read)(void *arg, unsigned int size);
	void (*write)(void *arg, uint64_t val, unsigned int size);
	void *arg;
};

/* The address of a memory operand with plain_address; `next` is that of the next instruction. */
static inline uint64_t
s82_insn_address(const struct s82_insn *insn, const uint64_t gpr[16], uint64_t next)
{
	uint64_t a = (uint64_t)(int64_t)insn->disp;

	if (insn->base == S82_REG_RIP)
		a += next;
	else if (insn->base != S82_REG_NONE)
		a += gpr[insn->base];
	if (insn->index != S82_REG_NONE)
		a += gpr[insn->index] << insn->scale;
	return a;
}

/* Decodes the instruction at `code`. Returns 0; -EINVAL if it is none of those above. */
int s82_decode(const uint8_t *code, struct s82_insn *insn);

/* Executes it; the caller then adds insn->len to the instruction pointer. */
void s82_insn_exec(const struct s82_insn *insn, struct s82_regs *regs, const struct s82_bus *bus);

#endif
