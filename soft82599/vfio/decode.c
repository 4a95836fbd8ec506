/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "decode.h"

#define FLAG_CF	(1u << 0)
#define FLAG_PF	(1u << 2)
#define FLAG_AF	(1u << 4)
#define FLAG_ZF	(1u << 6)
#define FLAG_SF	(1u << 7)
#define FLAG_OF	(1u << 11)
#define FLAGS_ARITH	(FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

/* Where decoding stands. */
struct cursor {
	const uint8_t *code;
	unsigned int pos;
	bool opsize, addr32, lock, rep, segment;
	bool have_rex;
	uint8_t rex;
	uint8_t modrm;
};

static uint8_t
next(struct cursor *c)
{
	/* Longer instructions do not exist; do not read beyond what was executed. */
	return c->pos < S82_INSN_MAX ? c->code[c->pos++] : 0xff;
}

static void
prefixes(struct cursor *c)
{
	for (;;) {
		switch (c->code[c->pos]) {
		case 0x66: c->opsize = true; break;
		case 0x67: c->addr32 = true; break;
		case 0xf0: c->lock = true; break;
		case 0xf2: case 0xf3: c->rep = true; break;
		case 0x26: case 0x2e: case 0x36: case 0x3e: break;
		case 0x64: case 0x65: c->segment = true; break;
		default:
			if ((c->code[c->pos] & 0xf0) == 0x40) {
				c->have_rex = true;
				c->rex = c->code[c->pos++];
			}
			return;
		}
		if (++c->pos >= S82_INSN_MAX)
			return;
	}
}

static int32_t
displacement(struct cursor *c, unsigned int bytes)
{
	uint32_t v = 0;
	unsigned int i;

	for (i = 0; i < bytes; i++)
		v |= (uint32_t)next(c) << (8 * i);
	return bytes == 1 ? (int8_t)v : (int32_t)v;
}

/* ModRM with what follows it. False if the operand is a register, which cannot fault. */
static bool
modrm(struct cursor *c, struct s82_insn *insn)
{
	unsigned int mod, rm, disp = 0;
	uint8_t sib;

	c->modrm = next(c);
	mod = c->modrm >> 6;
	rm = c->modrm & 7;
	if (mod == 3)
		return false;
	insn->index = S82_REG_NONE;
	insn->base = rm | (c->rex & 1) << 3;
	if (rm == 4) {
		sib = next(c);
		insn->base = (sib & 7) | (c->rex & 1) << 3;
		insn->index = (sib >> 3 & 7) | (c->rex & 2) << 2;
		insn->scale = sib >> 6;
		if (insn->index == 4)
			insn->index = S82_REG_NONE;
		if ((sib & 7) == 5 && mod == 0) {
			insn->base = S82_REG_NONE;
			disp = 4;
		}
	} else if (mod == 0 && rm == 5) {
		insn->base = S82_REG_RIP;
		disp = 4;
	}
	if (mod == 1)
		disp = 1;
	if (mod == 2)
		disp = 4;
	insn->disp = displacement(c, disp);
	insn->plain_address = !c->addr32 && !c->segment;
	insn->reg = ((c->modrm >> 3) & 7) | ((c->rex & 4) << 1);
	return true;
}

/* The size that the prefixes give to all but byte instructions. */
static uint8_t
word(const struct cursor *c)
{
	if (c->rex & 8)
		return 8;
	return c->opsize ? 2 : 4;
}

/* The byte registers 4 to 7 are AH to BH unless there is a REX prefix. */
static void
reg_operand(const struct cursor *c, struct s82_insn *insn, uint8_t size)
{
	insn->reg_size = size;
	if (size == 1 && !c->have_rex && insn->reg >= 4) {
		insn->high = true;
		insn->reg -= 4;
	}
}

static void
immediate(struct cursor *c, struct s82_insn *insn, unsigned int bytes)
{
	uint64_t v = 0;
	unsigned int i;

	for (i = 0; i < bytes; i++)
		v |= (uint64_t)next(c) << (8 * i);
	if (bytes == 1)
		v = (uint64_t)(int64_t)(int8_t)v;
	else if (bytes == 2)
		v = (uint64_t)(int64_t)(int16_t)v;
	else
		v = (uint64_t)(int64_t)(int32_t)v;
	insn->has_imm = true;
	insn->imm = v;
}

static bool
memory_reg(struct cursor *c, struct s82_insn *insn, unsigned int op, uint8_t size, bool to_mem)
{
	if (!modrm(c, insn))
		return false;
	insn->op = op;
	insn->size = size;
	insn->to_mem = to_mem;
	insn->mem_first = true;
	reg_operand(c, insn, size);
	return true;
}

static bool
memory_imm(struct cursor *c, struct s82_insn *insn, unsigned int op, uint8_t size, bool to_mem,
	unsigned int bytes)
{
	insn->op = op;
	insn->size = size;
	insn->reg_size = size;
	insn->to_mem = to_mem;
	insn->mem_first = true;
	immediate(c, insn, bytes);
	return true;
}

/* A0 to A3: the accumulator and an absolute address. */
static bool
moffs(struct cursor *c, struct s82_insn *insn, uint8_t code)
{
	c->pos += c->addr32 ? 4 : 8;
	insn->op = (code & 2) ? S82_OP_STORE : S82_OP_LOAD;
	insn->to_mem = code & 2;
	insn->size = (code & 1) ? word(c) : 1;
	insn->reg_size = insn->size;
	return true;
}

/* Opcodes whose ModRM.reg chooses the operation: 80 81 83 C6 C7 F6 F7. */
static bool
group(struct cursor *c, struct s82_insn *insn, uint8_t code)
{
	uint8_t size = (code & 1) ? word(c) : 1;
	unsigned int sub, bytes = size > 4 ? 4 : size;

	if (!modrm(c, insn))
		return false;
	sub = (c->modrm >> 3) & 7;
	insn->reg = 0;
	if (code == 0x80 || code == 0x81 || code == 0x83)
		return memory_imm(c, insn, sub, size, sub != S82_OP_CMP, code == 0x83 ? 1 : bytes);
	if ((code == 0xc6 || code == 0xc7) && sub == 0)
		return memory_imm(c, insn, S82_OP_STORE, size, true, bytes);
	if ((code == 0xf6 || code == 0xf7) && sub <= 1)
		return memory_imm(c, insn, S82_OP_TEST, size, false, bytes);
	return false;
}

static bool
two_byte(struct cursor *c, struct s82_insn *insn)
{
	uint8_t code = next(c);

	switch (code) {
	case 0x38:	/* MOVDIRI */
		if (next(c) != 0xf9 || c->opsize)
			return false;
		return memory_reg(c, insn, S82_OP_STORE, word(c), true);
	case 0xc3:	/* MOVNTI */
		if (c->opsize)
			return false;
		return memory_reg(c, insn, S82_OP_STORE, word(c), true);
	case 0xb6: case 0xb7: case 0xbe: case 0xbf:	/* MOVZX, MOVSX */
		if (!modrm(c, insn))
			return false;
		insn->op = S82_OP_LOAD;
		insn->size = (code & 1) ? 2 : 1;
		insn->reg_size = word(c);
		insn->sign = code >= 0xbe;
		return true;
	default:
		return false;
	}
}

static bool
one_byte(struct cursor *c, struct s82_insn *insn, uint8_t code)
{
	uint8_t size = (code & 1) ? word(c) : 1;

	if (code < 0x40 && (code & 7) < 4) {	/* ADD to CMP */
		unsigned int op = code >> 3;

		if (!memory_reg(c, insn, op, size, !(code & 2) && op != S82_OP_CMP))
			return false;
		insn->mem_first = !(code & 2);
		return true;
	}
	switch (code) {
	case 0x63:	/* MOVSXD */
		if (!modrm(c, insn))
			return false;
		insn->op = S82_OP_LOAD;
		insn->size = c->opsize && !(c->rex & 8) ? 2 : 4;
		insn->reg_size = word(c);
		insn->sign = true;
		return true;
	case 0x84: case 0x85:
		return memory_reg(c, insn, S82_OP_TEST, size, false);
	case 0x86: case 0x87:
		return memory_reg(c, insn, S82_OP_XCHG, size, true);
	case 0x88: case 0x89:
		return memory_reg(c, insn, S82_OP_STORE, size, true);
	case 0x8a: case 0x8b:
		return memory_reg(c, insn, S82_OP_LOAD, size, false);
	case 0xa0: case 0xa1: case 0xa2: case 0xa3:
		return moffs(c, insn, code);
	case 0x80: case 0x81: case 0x83: case 0xc6: case 0xc7: case 0xf6: case 0xf7:
		return group(c, insn, code);
	default:
		return false;
	}
}

/* LOCK is allowed where memory is read and written; with anything else it is undefined. */
static bool
may_lock(const struct s82_insn *insn)
{
	return insn->to_mem && insn->op != S82_OP_STORE;
}

int
s82_decode(const uint8_t *code, struct s82_insn *insn)
{
	struct cursor c = { .code = code };
	uint8_t first;
	bool ok;

	memset(insn, 0, sizeof(*insn));
	prefixes(&c);
	if (c.rep)
		return -EINVAL;
	first = next(&c);
	ok = first == 0x0f ? two_byte(&c, insn) : one_byte(&c, insn, first);
	if (!ok || c.pos > S82_INSN_MAX || (c.lock && !may_lock(insn)))
		return -EINVAL;
	insn->len = c.pos;
	return 0;
}

static uint64_t
mask(unsigned int size)
{
	return size == 8 ? ~0ull : (1ull << (8 * size)) - 1;
}

static uint64_t
extend(uint64_t v, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (uint64_t)((int64_t)(v << shift) >> shift);
}

static uint64_t
reg_get(const struct s82_insn *insn, const struct s82_regs *regs)
{
	uint64_t v = regs->gpr[insn->reg];

	return (insn->high ? v >> 8 : v) & mask(insn->reg_size);
}

/* Writes of 32 bits clear the upper half; those of 8 and 16 bits keep the rest. */
static void
reg_set(const struct s82_insn *insn, struct s82_regs *regs, uint64_t v)
{
	uint64_t *r = &regs->gpr[insn->reg], m = mask(insn->reg_size);

	if (insn->high)
		*r = (*r & ~0xff00ull) | ((v & 0xff) << 8);
	else if (insn->reg_size >= 4)
		*r = v & m;
	else
		*r = (*r & ~m) | (v & m);
}

/* SF, ZF and PF of a result. */
static uint64_t
flags_of(uint64_t result, unsigned int size)
{
	uint64_t f = 0;

	result &= mask(size);
	if (result == 0)
		f |= FLAG_ZF;
	if ((result >> (8 * size - 1)) & 1)
		f |= FLAG_SF;
	if (!__builtin_parity((unsigned int)(result & 0xff)))
		f |= FLAG_PF;
	return f;
}

/* dst OP src, with the flags as SDM volume 1, 3.4.3.1 and appendix A have them. */
static uint64_t
arith(unsigned int op, uint64_t dst, uint64_t src, unsigned int size, uint64_t *flags)
{
	uint64_t m = mask(size), top = 1ull << (8 * size - 1), r, f, out;
	unsigned int carry = *flags & FLAG_CF;

	dst &= m;
	src &= m;
	switch (op) {
	case S82_OP_ADD: case S82_OP_ADC:
		r = (dst + src + (op == S82_OP_ADC ? carry : 0)) & m;
		out = (dst & src) | ((dst | src) & ~r);	/* the carry out of each bit */
		f = ((dst ^ r) & (src ^ r) & top) ? FLAG_OF : 0;
		break;
	case S82_OP_SUB: case S82_OP_SBB: case S82_OP_CMP:
		r = (dst - src - (op == S82_OP_SBB ? carry : 0)) & m;
		out = (~dst & src) | ((~dst | src) & r);	/* the borrow */
		f = ((dst ^ src) & (dst ^ r) & top) ? FLAG_OF : 0;
		break;
	default:
		r = op == S82_OP_OR ? dst | src : op == S82_OP_XOR ? dst ^ src : dst & src;
		out = 0;
		f = 0;
		break;
	}
	if (out & top)
		f |= FLAG_CF;
	if (out & 8)
		f |= FLAG_AF;
	*flags = (*flags & ~(uint64_t)FLAGS_ARITH) | f | flags_of(r, size);
	return r;
}

void
s82_insn_exec(const struct s82_insn *insn, struct s82_regs *regs, const struct s82_bus *bus)
{
	uint64_t other = insn->has_imm ? insn->imm : reg_get(insn, regs), val;

	if (insn->op == S82_OP_STORE) {
		bus->write(bus->arg, other & mask(insn->size), insn->size);
		return;
	}
	val = bus->read(bus->arg, insn->size) & mask(insn->size);
	if (insn->op == S82_OP_LOAD) {
		reg_set(insn, regs, insn->sign ? extend(val, insn->size) : val);
	} else if (insn->op == S82_OP_XCHG) {
		bus->write(bus->arg, other, insn->size);
		reg_set(insn, regs, val);
	} else if (insn->mem_first) {
		val = arith(insn->op, val, other, insn->size, &regs->flags);
		if (insn->to_mem)
			bus->write(bus->arg, val, insn->size);
	} else {
		val = arith(insn->op, other, val, insn->size, &regs->flags);
		if (insn->op != S82_OP_CMP)
			reg_set(insn, regs, val);
	}
}
