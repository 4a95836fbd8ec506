/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a driver reads by serial lines: the EEPROM (SPI by hand, or EERD) and the EEPROM of the
 * SFP+ module (I2C by hand). The contents are a minimal image: a card with one 10GBASE-SR module
 * and no firmware options.
 */
#include "internal.h"

#define NVM_WORDS	0x0800
#define NVM_CHECKSUM	0xbaba	/* sum of words 0 to 0x3f and of the sections [6.2.5] */
#define NVM_SFP_LIST	0x0200
#define NVM_SFP_DATA	0x0220
#define NVM_FW		0x0240
#define NVM_FW_PATCH	0x0260

void
s82_nvm_mac(const struct s82_state *st, uint8_t mac[6])
{
	static const uint8_t base[6] = { 0x02, 0x5f, 0x82, 0x59, 0x90, 0x00 };

	memcpy(mac, base, 6);
	mac[5] = (uint8_t)st->lan_id;
}

/* A word of the image; the checksum word is worked out by its reader. */
static uint16_t
nvm_image(uint32_t addr)
{
	switch (addr) {
	case 0x00:
		return 0x0040;	/* control word: a valid signature in bits 7:6 */
	case 0x0f:
		return NVM_FW;
	case 0x2b:
		return NVM_SFP_LIST;	/* PHY init sections by module type */
	case 0x2c:
		return 0x0081;	/* device capabilities: any SFP; no WoL */
	case NVM_SFP_LIST + 1:	/* drivers skip a word of header */
		return 5;	/* SR/LR in port 0 ... */
	case NVM_SFP_LIST + 2:
		return NVM_SFP_DATA;
	case NVM_SFP_LIST + 3:
		return 6;	/* ... and in port 1 */
	case NVM_SFP_LIST + 4:
		return NVM_SFP_DATA;
	case NVM_FW + 0x4:
		return NVM_FW_PATCH;
	case NVM_FW_PATCH + 0x7:
		return 6;	/* firmware patch version: drivers want more than 5 */
	}
	return 0xffff;	/* an erased word, a pointer to nothing, the end of a list */
}

uint16_t
s82_nvm_word(const struct s82_state *st, uint32_t addr)
{
	uint16_t sum = 0;
	uint32_t i;

	(void)st;
	if (addr != 0x3f)
		return addr < NVM_WORDS ? nvm_image(addr) : 0xffff;
	for (i = 0; i < 0x3f; i++)
		sum += nvm_image(i);
	return (uint16_t)(NVM_CHECKSUM - sum);
}

/* --- SPI: a 16-bit-addressed serial EEPROM behind EEC */

enum spi_state { SPI_IDLE, SPI_OPCODE, SPI_ADDRESS, SPI_READ, SPI_STATUS };

uint32_t
s82_eec_read(struct s82_state *st)
{
	uint32_t v = s82_reg(st, R_EEC) & (EEC_SK | EEC_CS | EEC_DI | EEC_REQ);

	return v | EEC_PRES | EEC_ARD | EEC_ADDR16 | 5u << EEC_SIZE |
		(v & EEC_REQ ? EEC_GNT : 0) | (st->nvm.spi.out ? EEC_DO : 0);
}

static void
spi_rising(struct s82_state *st, bool di)
{
	struct s82_nvm *n = &st->nvm;

	n->spi.shift = n->spi.shift << 1 | di;
	n->spi.bits++;
	if (n->spi.state == SPI_OPCODE && n->spi.bits == 8) {
		uint8_t op = n->spi.shift & 0xff;

		n->spi.state = (op & 0xf7) == 0x03 ? SPI_ADDRESS : op == 0x05 ? SPI_STATUS : SPI_IDLE;
		n->spi.bits = 0;
		n->spi.shift = 0;
	} else if (n->spi.state == SPI_ADDRESS && n->spi.bits == 16) {
		n->spi.state = SPI_READ;
		n->spi.bits = 0;
	}
}

/* The EEPROM changes its output on the falling edge; bits are counted after the address. */
static void
spi_falling(struct s82_state *st)
{
	struct s82_nvm *n = &st->nvm;
	uint32_t byte;

	n->spi.out = 0;	/* the status register reads as ready */
	if (n->spi.state != SPI_READ)
		return;
	byte = n->spi.addr + n->spi.bits / 8;
	n->spi.out = s82_nvm_word(st, byte / 2) >> (8 * (byte % 2) + 7 - n->spi.bits % 8) & 1;
}

void
s82_eec_write(struct s82_state *st, uint32_t val)
{
	struct s82_nvm *n = &st->nvm;
	uint32_t old = s82_reg(st, R_EEC);

	st->reg[R_EEC / 4] = val;
	if (val & EEC_CS) {	/* high: not selected */
		n->spi.state = SPI_IDLE;
		return;
	}
	if (old & EEC_CS) {
		n->spi.state = SPI_OPCODE;
		n->spi.bits = n->spi.shift = n->spi.out = 0;
	}
	if (!(old & EEC_SK) && val & EEC_SK) {
		spi_rising(st, val & EEC_DI);
		if (n->spi.state == SPI_READ && n->spi.bits == 0)
			n->spi.addr = n->spi.shift & 0xffff;
	} else if (old & EEC_SK && !(val & EEC_SK)) {
		spi_falling(st);
	}
}

/* --- I2C: the module's EEPROM at address 0xa0 */

enum i2c_state { I2C_IDLE, I2C_DEVICE, I2C_OFFSET, I2C_WRITE, I2C_READ };

static uint8_t
sfp_byte(uint32_t addr)
{
	static const uint8_t vendor_oui[3] = { 0x00, 0x1b, 0x21 };

	switch (addr) {
	case 0x00:
		return 0x03;	/* SFP or SFP+ (SFF-8472) */
	case 0x02:
		return 0x07;	/* LC connector */
	case 0x03:
		return 0x10;	/* 10GBASE-SR */
	case 0x25:
	case 0x26:
	case 0x27:
		return vendor_oui[addr - 0x25];
	}
	return 0;
}

/* One of SDA's levels at a rising edge of SCL: a bit of ours or of the host's. */
static void
i2c_rising(struct s82_nvm *n, bool sda)
{
	if (n->i2c.bits == 8) {	/* the acknowledge bit; after a byte of ours it is the host's */
		if (!n->i2c.acking && sda)
			n->i2c.state = I2C_IDLE;
		return;
	}
	n->i2c.shift = n->i2c.shift << 1 | sda;
}

static void
i2c_byte_done(struct s82_nvm *n)
{
	uint8_t byte = n->i2c.shift & 0xff;

	switch (n->i2c.state) {
	case I2C_DEVICE:
		if ((byte & 0xfe) != 0xa0)
			n->i2c.state = I2C_IDLE;
		else
			n->i2c.state = byte & 1 ? I2C_READ : I2C_OFFSET;
		break;
	case I2C_OFFSET:
		n->i2c.offset = byte;
		n->i2c.state = I2C_WRITE;
		break;
	case I2C_WRITE:	/* the module is read only */
		n->i2c.offset++;
		break;
	case I2C_READ:
		n->i2c.offset++;
		break;
	}
}

/* After a falling edge the module may drive SDA: data when read, else the acknowledge. */
static void
i2c_falling(struct s82_nvm *n)
{
	bool reading = n->i2c.state == I2C_READ;

	n->i2c.out = 1;
	if (n->i2c.state == I2C_IDLE)
		return;
	if (n->i2c.started) {
		n->i2c.started = 0;
		n->i2c.bits = 0;
		return;
	}
	if (n->i2c.bits == 8) {	/* the acknowledge bit is over */
		n->i2c.bits = 0;
	} else if (++n->i2c.bits == 8) {
		i2c_byte_done(n);
		n->i2c.acking = !reading;
		if (!reading)
			n->i2c.out = n->i2c.state == I2C_IDLE;	/* acknowledge */
		return;
	}
	if (n->i2c.state == I2C_READ)
		n->i2c.out = sfp_byte(n->i2c.offset) >> (7 - n->i2c.bits) & 1;
}

uint32_t
s82_i2c_read(struct s82_state *st)
{
	const struct s82_nvm *n = &st->nvm;
	uint32_t v = s82_reg(st, R_I2CCTL) & (I2C_CLK_OUT | I2C_DATA_OUT);
	bool sda = v & I2C_DATA_OUT && n->i2c.out;

	return v | (v & I2C_CLK_OUT ? I2C_CLK_IN : 0) | (sda ? I2C_DATA_IN : 0);
}

void
s82_i2c_write(struct s82_state *st, uint32_t val)
{
	struct s82_nvm *n = &st->nvm;
	bool scl = val & I2C_CLK_OUT, sda = val & I2C_DATA_OUT;

	if (n->i2c.scl && scl && n->i2c.sda && !sda) {	/* START */
		n->i2c.state = I2C_DEVICE;
		n->i2c.started = 1;
		n->i2c.out = 1;
	} else if (n->i2c.scl && scl && !n->i2c.sda && sda) {	/* STOP */
		n->i2c.state = I2C_IDLE;
		n->i2c.out = 1;
	} else if (!n->i2c.scl && scl) {
		i2c_rising(n, sda);
	} else if (n->i2c.scl && !scl) {
		i2c_falling(n);
	}
	n->i2c.scl = scl;
	n->i2c.sda = sda;
	st->reg[R_I2CCTL / 4] = val;
}
