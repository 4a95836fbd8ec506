/* SPDX-License-Identifier: BSD-3-Clause */
/* What a driver does to the registers: NVM, SFP, mailbox, interrupts, reset, counters, RSS. */
#include <arpa/inet.h>
#include "bench_card.h"

static int
setup(void **state)
{
	*state = bench_new(2);
	return 0;
}

static int
teardown(void **state)
{
	bench_free(*state);
	return 0;
}

/* --- serial lines */

static void
spi_out(struct bench *b, uint32_t v, unsigned int bits)
{
	while (bits-- > 0) {
		uint32_t eec = EEC_REQ | (v >> bits & 1 ? EEC_DI : 0);

		pf_write(b, R_EEC, eec);
		pf_write(b, R_EEC, eec | EEC_SK);
		pf_write(b, R_EEC, eec);
	}
}

static uint32_t
spi_in(struct bench *b, unsigned int bits)
{
	uint32_t v = 0;

	while (bits-- > 0) {
		pf_write(b, R_EEC, EEC_REQ | EEC_SK);
		v = v << 1 | !!(pf_read(b, R_EEC) & EEC_DO);
		pf_write(b, R_EEC, EEC_REQ);
	}
	return v;
}

static uint16_t
spi_word(struct bench *b, uint16_t word)
{
	uint16_t v;

	pf_write(b, R_EEC, EEC_REQ | EEC_CS);
	pf_write(b, R_EEC, EEC_REQ);
	spi_out(b, 0x03, 8);
	spi_out(b, word * 2u, 16);
	v = (uint16_t)spi_in(b, 16);
	return (uint16_t)(v >> 8 | v << 8);
}

static uint16_t
eerd_word(struct bench *b, uint32_t word)
{
	pf_write(b, R_EERD, word << 2 | EERD_START);
	assert_true(pf_read(b, R_EERD) & EERD_DONE);
	return (uint16_t)(pf_read(b, R_EERD) >> 16);
}

static void
test_eeprom(void **state)
{
	struct bench *b = *state;
	uint16_t sum = 0;
	unsigned int i;

	pf_write(b, R_EEC, EEC_REQ);
	assert_true(pf_read(b, R_EEC) & EEC_GNT);
	for (i = 0; i < 0x40; i++) {
		assert_int_equal(spi_word(b, (uint16_t)i), eerd_word(b, i));
		sum += eerd_word(b, i);
	}
	assert_int_equal(sum, 0xbaba);
}

static void
i2c(struct bench *b, int scl, int sda)
{
	pf_write(b, R_I2CCTL, (scl ? I2C_CLK_OUT : 0) | (sda ? I2C_DATA_OUT : 0));
}

static void
i2c_start(struct bench *b)
{
	i2c(b, 0, 1);
	i2c(b, 1, 1);
	i2c(b, 1, 0);
	i2c(b, 0, 0);
}

static int
i2c_bit(struct bench *b, int sda)
{
	int in;

	i2c(b, 0, sda);
	i2c(b, 1, sda);
	in = !!(pf_read(b, R_I2CCTL) & I2C_DATA_IN);
	i2c(b, 0, sda);
	return in;
}

/* Returns 0 if the module acknowledged. */
static int
i2c_out(struct bench *b, uint8_t v)
{
	int i;

	for (i = 7; i >= 0; i--)
		i2c_bit(b, v >> i & 1);
	return i2c_bit(b, 1);
}

static void
test_sfp_module(void **state)
{
	static const struct { uint8_t at, is; } byte[] = {
		{ 0x00, 0x03 }, { 0x03, 0x10 }, { 0x25, 0x00 }, { 0x26, 0x1b }, { 0x27, 0x21 },
	};
	struct bench *b = *state;
	unsigned int i, n;

	for (i = 0; i < sizeof(byte) / sizeof(byte[0]); i++) {
		uint8_t v = 0;

		i2c_start(b);
		assert_int_equal(i2c_out(b, 0xa0), 0);
		assert_int_equal(i2c_out(b, byte[i].at), 0);
		i2c_start(b);
		assert_int_equal(i2c_out(b, 0xa1), 0);
		for (n = 0; n < 8; n++)
			v = (uint8_t)(v << 1 | i2c_bit(b, 1));
		i2c_bit(b, 1);
		i2c(b, 0, 0);
		i2c(b, 1, 0);
		i2c(b, 1, 1);
		assert_int_equal(v, byte[i].is);
	}
	i2c_start(b);
	assert_int_equal(i2c_out(b, 0xb2), 1);	/* nobody there */
}

/* --- mailbox */

static void
test_mailbox_ownership(void **state)
{
	struct bench *b = *state;

	vf_write(b, 1, V_MAILBOX, VMB_VFU);
	assert_true(vf_read(b, 1, V_MAILBOX) & VMB_VFU);
	pf_write(b, R_PFMAILBOX(1), PFMB_PFU);
	assert_int_equal(pf_read(b, R_PFMAILBOX(1)), PFMB_VFU);	/* refused */
	pf_write(b, R_PFMAILBOX(0), PFMB_PFU);
	assert_int_equal(pf_read(b, R_PFMAILBOX(0)), PFMB_PFU);	/* another VF's is free */
	vf_write(b, 0, V_MAILBOX, VMB_VFU);
	assert_false(vf_read(b, 0, V_MAILBOX) & VMB_VFU);
	pf_write(b, R_PFMAILBOX(1), PFMB_RVFU);
	assert_int_equal(pf_read(b, R_PFMAILBOX(1)), 0);
}

static void
test_mailbox_exchange(void **state)
{
	struct bench *b = *state;
	uint32_t v;

	pf_write(b, R_EIMS, EICR_MAILBOX);
	vf_write(b, 1, V_IVAR_MISC, IVAR_VALID | 2);
	vf_write(b, 1, V_EIMS, 4);
	vf_write(b, 1, V_MBMEM + 4, 0x12345678);
	vf_write(b, 1, V_MAILBOX, VMB_REQ);
	assert_true(b->fired[S82_PF] & 1);
	assert_true(pf_read(b, R_EICR) & EICR_MAILBOX);
	assert_int_equal(pf_read(b, R_EICR), 0);
	assert_int_equal(pf_read(b, R_MBVFICR(0)), 1u << 1);
	assert_int_equal(pf_read(b, R_PFMBMEM + 64 + 4), 0x12345678);
	pf_write(b, R_MBVFICR(0), 1u << 1);
	assert_int_equal(pf_read(b, R_MBVFICR(0)), 0);
	pf_write(b, R_PFMAILBOX(1), PFMB_ACK);
	pf_write(b, R_PFMBMEM + 64, 0xabcd);
	pf_write(b, R_PFMAILBOX(1), PFMB_STS);
	assert_true(b->fired[1] & 4);
	v = vf_read(b, 1, V_MAILBOX);
	assert_int_equal(v & (VMB_PFACK | VMB_PFSTS), VMB_PFACK | VMB_PFSTS);
	assert_int_equal(vf_read(b, 1, V_MAILBOX) & (VMB_PFACK | VMB_PFSTS), 0);
	assert_int_equal(vf_read(b, 1, V_MBMEM), 0xabcd);
	vf_write(b, 1, V_MAILBOX, VMB_ACK);
	assert_int_equal(pf_read(b, R_MBVFICR(0)), 1u << 17);
}

static void
test_reset_seen_by_vf(void **state)
{
	struct bench *b = *state;

	assert_true(vf_read(b, 0, V_MAILBOX) & VMB_RSTI);	/* no PF driver yet */
	pf_write(b, R_CTRL_EXT, CTRL_EXT_PFRSTD);
	assert_int_equal(vf_read(b, 0, V_MAILBOX) & (VMB_RSTI | VMB_RSTD), VMB_RSTD);
	assert_int_equal(vf_read(b, 0, V_MAILBOX) & (VMB_RSTI | VMB_RSTD), 0);
	pf_write(b, R_CTRL, CTRL_RST);
	assert_int_equal(pf_read(b, R_CTRL) & CTRL_RST, 0);
	assert_true(vf_read(b, 0, V_MAILBOX) & VMB_RSTI);
	assert_true(vf_read(b, 0, V_MAILBOX) & VMB_RSTI);
}

static void
test_vf_reset_seen_by_pf(void **state)
{
	struct bench *b = *state;

	pf_write(b, R_EIMS, EICR_MAILBOX);
	rx_on(b, 8, 1);	/* queue 0 of VF 1: 16 pools of 8 before the PF said otherwise */
	vf_write(b, 1, V_CTRL, CTRL_RST);
	assert_true(b->fired[S82_PF] & 1);
	assert_int_equal(pf_read(b, R_VFLRE0), 2);
	pf_write(b, R_VFLREC(0), 2);
	assert_int_equal(pf_read(b, R_VFLRE0), 0);
	assert_false(pf_read(b, 0x1000 + 8 * 64 + Q_RXDCTL) & RXDCTL_ENABLE);
}

/* --- interrupts */

static void
test_queue_interrupt(void **state)
{
	struct bench *b = *state;
	uint8_t f[64];

	pools_on(b, 0xb);
	set_mac(b, 127, mac_a, 1);
	set_mac(b, 1, mac_b, 4);
	rx_on(b, 0, 1);
	rx_on(b, 4, 1);
	vf_write(b, 0, V_IVAR(0), IVAR_VALID | 1);
	vf_write(b, 0, V_EIMS, 2);
	vf_write(b, 0, V_EIAM, 2);
	frame(f, mac_a, mac_x, -1, 0x88b5, 60);
	from_wire(b, f, 60);
	assert_int_equal(b->fired[0], 2);
	b->fired[0] = 0;
	from_wire(b, f, 60);
	assert_int_equal(b->fired[0], 0);	/* masked itself */
	vf_write(b, 0, V_EIMS, 2);
	assert_int_equal(b->fired[0], 2);	/* and was pending */

	pf_write(b, R_GPIE, GPIE_MSIX | GPIE_EIAME);
	pf_write(b, R_IVAR(2), IVAR_VALID | 40);
	frame(f, mac_b, mac_x, -1, 0x88b5, 60);
	from_wire(b, f, 60);
	assert_int_equal(b->fired[S82_PF], 0);
	pf_write(b, R_EIMS_EX(1), 1u << 8);
	assert_int_equal(b->fired[S82_PF], 1ull << 40);
}

/* Whoever died inside the lock may have filled a ring without raising the interrupt. */
static void
test_interrupts_after_a_death(void **state)
{
	struct bench *b = *state;

	pools_on(b, 0xb);
	rx_on(b, 0, 1);
	rx_on(b, 4, 1);
	vf_write(b, 0, V_IVAR(0), IVAR_VALID | 1);
	vf_write(b, 0, V_EIMS, 2);
	pf_write(b, R_GPIE, GPIE_MSIX | GPIE_EIAME);
	pf_write(b, R_IVAR(2), IVAR_VALID | 40);
	pf_write(b, R_EIMS_EX(1), 1u << 8);
	b->fired[0] = b->fired[S82_PF] = 0;
	s82_repair(&b->ctx);
	assert_int_equal(b->st->stats.lock_repairs, 1);
	assert_int_equal(b->fired[0], 2);
	assert_int_equal(b->fired[S82_PF], 1ull << 40);
	assert_int_equal(b->fired[1], 0);
}

/* --- counters */

static void
test_counters_clear_on_read(void **state)
{
	struct bench *b = *state;
	uint8_t f[200];

	pools_on(b, 0xb);
	set_mac(b, 127, mac_a, 1);
	rx_on(b, 0, 1);
	frame(f, mac_a, mac_x, -1, 0x88b5, 200);
	from_wire(b, f, 200);
	from_wire(b, f, 200);
	assert_int_equal(pf_read(b, R_GPRC), 2);
	assert_int_equal(pf_read(b, R_GPRC), 0);
	assert_int_equal(pf_read(b, R_TORL), 2 * 204);
	assert_int_equal(pf_read(b, R_TORH), 0);
	assert_int_equal(pf_read(b, R_TORL), 0);
	assert_int_equal(pf_read(b, R_PRC64 + 8), 2);	/* 128 to 255 */
	assert_int_equal(pf_read(b, 0x1030), 2);	/* QPRC 0 */
	assert_int_equal(pf_read(b, 0x1034), 2 * 200);
	/* a VF's run freely */
	assert_int_equal(vf_read(b, 0, V_GPRC), 2);
	assert_int_equal(vf_read(b, 0, V_GPRC), 2);
	assert_int_equal(vf_read(b, 0, V_GORCL), 400);
}

static void
test_high_words(void **state)
{
	struct bench *b = *state;

	b->st->stats.pool[0].rx_bytes = 0x512345678ull;
	assert_int_equal(vf_read(b, 0, V_GORCL), 0x12345678);
	assert_int_equal(vf_read(b, 0, V_GORCH), 5);
}

static void
test_bad_accesses(void **state)
{
	struct bench *b = *state;

	assert_int_equal(s82_mmio_read(&b->ctx, 0, S82_VF_BAR0, 4), 0xffffffff);
	assert_int_equal(s82_mmio_read(&b->ctx, 0, 2, 4), 0xffffffff);
	s82_mmio_write(&b->ctx, 0, V_MBMEM, 0xff, 1);
	assert_int_equal(vf_read(b, 0, V_MBMEM), 0);
	assert_int_equal(b->st->stats.bad_access, 3);
	atomic_store(&b->st->dead, 1);
	assert_int_equal(pf_read(b, R_STATUS), 0xffffffff);
	atomic_store(&b->st->dead, 0);
}

static void
test_aliases(void **state)
{
	struct bench *b = *state;

	pf_write(b, R_RAL_LOW + 8, 0x11223344);
	assert_int_equal(pf_read(b, R_RAL(1)), 0x11223344);
	pf_write(b, 0x2100 + 4 * 5, 0x02000002);
	assert_int_equal(pf_read(b, 0x1000 + 5 * 64 + Q_SRRCTL), 0x02000002);
	pf_write(b, R_MRQC_LOW, 0xb);
	assert_int_equal(pf_read(b, R_MRQC), 0xb);
	/* a VF's queue 1 in 64 x 2 is the PF's queue 3 */
	pf_write(b, R_GCR_EXT, 3);
	vf_write(b, 1, V_RXQ + 64 + Q_RDLEN, 1024);
	assert_int_equal(pf_read(b, 0x1000 + 3 * 64 + Q_RDLEN), 1024);
	/* and a third queue is not there */
	vf_write(b, 1, V_RXQ + 128 + Q_RDLEN, 1024);
	assert_int_equal(pf_read(b, 0x1000 + 4 * 64 + Q_RDLEN), 0);
}

static void
test_power_on_geometry(void **state)
{
	struct bench *b = *state;
	struct s82_config bad = { .pf_bdf = 0x301, .num_vfs = 64 };
	uint32_t id;

	assert_int_equal(pf_read(b, R_STATUS) >> STATUS_LAN_ID & 3, 1);
	assert_int_equal(b->st->func[0].bdf, 0x3 << 8 | 0x10 << 3 | 1);
	assert_int_equal(b->st->func[1].bdf, 0x3 << 8 | 0x10 << 3 | 3);
	assert_int_equal(s82_cfg_read(&b->ctx, 1, 0, &id, 4), 0);
	assert_int_equal(id, 0x10ed8086);
	assert_int_equal(s82_cfg_read(&b->ctx, S82_PF, 0x2c, &id, 4), 0);
	assert_int_equal(id, 0x05995f82);
	assert_int_equal(s82_cfg_read(&b->ctx, S82_PF, 4096, &id, 4), -22);
	assert_int_equal(s82_power_on(b->st, &bad), -22);
}

/* --- RSS: the vectors that Microsoft publishes for its key */

struct vector {
	const char *dst, *src;
	uint16_t dport, sport;
	uint32_t ip, tcp;
};

static const struct vector v4[] = {
	{ "161.142.100.80", "66.9.149.187", 1766, 2794, 0x323e8fc2, 0x51ccc178 },
	{ "65.69.140.83", "199.92.111.2", 4739, 14230, 0xd718262a, 0xc626b0ea },
	{ "12.22.207.184", "24.19.198.95", 38024, 12898, 0xd2d0a5de, 0x5c2b394a },
	{ "209.142.163.6", "38.27.205.30", 2217, 48228, 0x82989176, 0xafc7327f },
	{ "202.188.127.2", "153.39.163.191", 1303, 44251, 0x5d1809c5, 0x10e828a2 },
};
static const struct vector v6[] = {
	{ "3ffe:2501:200:3::1", "3ffe:2501:200:1fff::7", 1766, 2794, 0x2cc18cd5, 0x40207d3d },
	{ "ff02::1", "3ffe:501:8::260:97ff:fe40:efab", 4739, 14230, 0x0f0c461c, 0xdde51bbf },
	{ "fe80::200:f8ff:fe21:67cf", "3ffe:1900:4545:3:200:f8ff:fe21:67cf", 38024, 44251,
		0x4b61e985, 0x02d1feef },
};

static uint32_t
rss_frame(uint8_t *f, const struct vector *v, bool six, uint8_t proto, int vid, bool frag)
{
	uint32_t l3 = vid >= 0 ? 18 : 14, l4 = l3 + (six ? 40 : 20);

	frame(f, mac_a, mac_x, vid, six ? 0x86dd : 0x0800, 90);
	if (six) {
		f[l3] = 0x60;
		f[l3 + 5] = 20;
		f[l3 + 6] = proto;
		inet_pton(AF_INET6, v->src, f + l3 + 8);
		inet_pton(AF_INET6, v->dst, f + l3 + 24);
	} else {
		f[l3] = 0x45;
		f[l3 + 3] = 40;
		f[l3 + 6] = frag ? 0x20 : 0;
		f[l3 + 9] = proto;
		inet_pton(AF_INET, v->src, f + l3 + 12);
		inet_pton(AF_INET, v->dst, f + l3 + 16);
	}
	f[l4] = (uint8_t)(v->sport >> 8);
	f[l4 + 1] = (uint8_t)v->sport;
	f[l4 + 2] = (uint8_t)(v->dport >> 8);
	f[l4 + 3] = (uint8_t)v->dport;
	f[l4 + 12] = 0x50;
	return 90;
}

/* Sends the frame in and checks hash, type and queue of what comes out of VF 0. */
static void
expect(struct bench *b, const uint8_t *f, uint32_t len, uint32_t hash, unsigned int type,
	unsigned int queues)
{
	struct s82_verdict v = from_wire(b, f, len);
	unsigned int want = type ? (hash & 127) % queues : 0;
	uint64_t desc[2];

	assert_int_equal(v.pool, 0);
	assert_int_equal(v.queue, want);
	assert_int_equal(rx_take(b, want, NULL, desc), len);
	assert_int_equal(desc[0] >> 32, type ? hash : 0);
	assert_int_equal(desc[0] & 15, type);
}

static void
rss_vectors(struct bench *b, uint32_t mrqe, unsigned int queues)
{
	const uint32_t all = MRQC_TCPIPV4 | MRQC_IPV4 | MRQC_TCPIPV6 | MRQC_IPV6;
	uint8_t f[90];
	unsigned int i;

	pools_on(b, mrqe);
	set_mac(b, 127, mac_a, 1);
	for (i = 0; i < queues; i++)
		rx_on(b, i, 1);
	set_vlan(b, 1, 100, 1);
	set_rss(b, all, ms_key, queues);
	for (i = 0; i < 5; i++) {
		expect(b, f, rss_frame(f, &v4[i], false, 6, -1, false), v4[i].tcp, 1, queues);
		expect(b, f, rss_frame(f, &v4[i], false, 6, 100, false), v4[i].tcp, 1, queues);
		expect(b, f, rss_frame(f, &v4[i], false, 17, -1, false), v4[i].ip, 2, queues);
		expect(b, f, rss_frame(f, &v4[i], false, 6, -1, true), v4[i].ip, 2, queues);
	}
	for (i = 0; i < 3; i++) {
		expect(b, f, rss_frame(f, &v6[i], true, 6, -1, false), v6[i].tcp, 3, queues);
		expect(b, f, rss_frame(f, &v6[i], true, 17, -1, false), v6[i].ip, 5, queues);
	}
	set_rss(b, all | MRQC_UDPIPV4 | MRQC_UDPIPV6, ms_key, queues);
	for (i = 0; i < 5; i++)
		expect(b, f, rss_frame(f, &v4[i], false, 17, -1, false), v4[i].tcp, 7, queues);
	set_rss(b, MRQC_TCPIPV4, ms_key, queues);
	expect(b, f, rss_frame(f, &v4[0], false, 17, -1, false), 0, 0, queues);
}

static void
test_rss_64x2(void **state)
{
	rss_vectors(*state, 0xb, 2);
}

static void
test_rss_32x4(void **state)
{
	rss_vectors(*state, 0xa, 4);
}

static void
test_rss_one_queue_granted(void **state)
{
	struct bench *b = *state;
	uint8_t f[90];
	unsigned int i;

	pools_on(b, 0xa);
	set_mac(b, 127, mac_a, 1);
	rx_on(b, 0, 1);
	set_rss(b, MRQC_TCPIPV4, ms_key, 4);
	vf_write(b, 0, V_PSRTYPE, 0);
	for (i = 0; i < 5; i++) {
		rss_frame(f, &v4[i], false, 6, -1, false);
		assert_int_equal(from_wire(b, f, 90).queue, 0);
	}
}

static void
test_checksum_status(void **state)
{
	struct bench *b = *state;
	uint64_t desc[2];
	uint8_t f[90];

	pools_on(b, 0xb);
	set_mac(b, 127, mac_a, 1);
	rx_on(b, 0, 1);
	rss_frame(f, &v4[0], false, 6, -1, false);
	from_wire(b, f, 90);
	rx_take(b, 0, NULL, desc);
	assert_int_equal(desc[1] & (RXD_IPCS | RXD_L4I | RXD_IPE | RXD_L4E),
		RXD_IPCS | RXD_L4I | RXD_IPE | RXD_L4E);
	assert_int_equal(desc[0] >> 4 & 0xfff, PKT_IPV4 | PKT_TCP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_eeprom), T(test_sfp_module), T(test_mailbox_ownership),
		T(test_mailbox_exchange), T(test_reset_seen_by_vf), T(test_vf_reset_seen_by_pf),
		T(test_queue_interrupt), T(test_interrupts_after_a_death),
		T(test_counters_clear_on_read), T(test_high_words),
		T(test_bad_accesses), T(test_aliases), T(test_power_on_geometry),
		T(test_rss_64x2), T(test_rss_32x4), T(test_rss_one_queue_granted),
		T(test_checksum_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
