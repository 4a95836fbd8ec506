/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens to a frame's bytes: offloads, segmentation, long frames, legacy descriptors. */
#include <arpa/inet.h>
#include "bench_card.h"

#define IPV4	(1u << 10)	/* of TUCMD */
#define L4_UDP	(0u << 11)
#define L4_TCP	(1u << 11)
#define L4_SCTP	(2u << 11)
#define IXSM	(1u << 8)
#define TXSM	(1u << 9)
#define FIN_PSH_ACK 0x19

static uint8_t big[16384], got[16384];

/* VF 0 sends, VF 1 receives, both with one queue. */
static int
setup(void **state)
{
	struct bench *b = bench_new(2);

	pools_on(b, 0xb);
	set_mac(b, 127, mac_a, 1);
	set_mac(b, 126, mac_b, 2);
	rx_on(b, 2, 1);
	tx_on(b, 0);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	bench_free(*state);
	return 0;
}

static void
put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The sum of RFC 1071, written anew: the model's own is what is tested. */
static unsigned int
sum(const uint8_t *p, uint32_t len, unsigned int s)
{
	for (; len > 1; len -= 2, p += 2)
		s += (unsigned int)(p[0] << 8 | p[1]);
	s += len ? (unsigned int)p[0] << 8 : 0;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* Ethernet, IP (4 or 6) and `l4len` bytes of L4 header, then a pattern; addresses made up. */
static uint32_t
ip_frame(uint8_t *f, bool six, uint8_t proto, uint32_t l4len, uint32_t payload)
{
	uint32_t l3 = six ? 40 : 20, len = 14 + l3 + l4len + payload, i;
	uint8_t *ip = f + 14;

	frame(f, mac_b, mac_a, -1, six ? 0x86dd : 0x0800, len);
	if (six) {
		ip[0] = 0x60;
		put16(ip + 4, l4len + payload);
		ip[6] = proto;
		ip[7] = 64;
		for (i = 8; i < 40; i++)
			ip[i] = (uint8_t)(i * 11);
	} else {
		ip[0] = 0x45;
		put16(ip + 2, 20 + l4len + payload);
		put16(ip + 4, 0xfffe);
		ip[8] = 64;
		ip[9] = proto;
		for (i = 12; i < 20; i++)
			ip[i] = (uint8_t)(i * 7);
	}
	for (i = 0; i < payload; i++)
		f[len - payload + i] = (uint8_t)(i * 13 + i / 256);
	return len;
}

/* The pseudo header's sum, as the L4 checksum of the frame has to include it. */
static unsigned int
pseudo(const uint8_t *f, bool six, uint8_t proto, uint32_t l4_bytes)
{
	const uint8_t *ip = f + 14;

	return sum(six ? ip + 8 : ip + 12, six ? 32 : 8, proto + l4_bytes);
}

static void
context(struct bench *b, uint32_t tucmd, uint32_t maclen, uint32_t iplen, uint32_t l4len,
	uint32_t mss, uint32_t vlan)
{
	struct ring *r = b->tx[0];

	r->desc[r->next][0] = iplen | maclen << 9 | vlan << 16;
	r->desc[r->next][1] = tucmd | TXD_DTYP_CTX << 20 | TXD_DEXT |
		(uint64_t)(l4len << 8 | mss << 16) << 32;
	r->next = (r->next + 1) % RING;
}

/* Queues `len` bytes in pieces of 1500 with these command bits and this second word. */
static void
queue_data(struct bench *b, const uint8_t *f, uint32_t len, uint32_t cmd, uint32_t olinfo)
{
	struct ring *r = b->tx[0];
	uint32_t off, n;

	for (off = 0; off < len; off += n) {
		n = len - off < 1500 ? len - off : 1500;
		memcpy(r->buf[r->next], f + off, n);
		r->desc[r->next][0] = (uintptr_t)r->buf[r->next];
		r->desc[r->next][1] = n | cmd | (off + n == len ? TXD_EOP | TXD_RS : 0) |
			(uint64_t)olinfo << 32;
		r->next = (r->next + 1) % RING;
	}
	pf_write(b, 0x6000 + Q_TDT, r->next);
}

#define DATA	(TXD_DTYP_DATA << 20 | TXD_DEXT | TXD_IFCS)

/* Takes a frame that may lie in several descriptors. The last one goes to desc. */
static uint32_t
take_all(struct bench *b, unsigned int queue, uint8_t *f, uint64_t desc[2], unsigned int *parts)
{
	uint32_t len = 0, n;

	*parts = 0;
	do {
		n = rx_take(b, queue, f + len, desc);
		len += n;
		(*parts)++;
	} while (n > 0 && !(desc[1] & RXD_EOP));
	return len;
}

static void
test_checksums_inserted(void **state)
{
	static const struct { bool six; uint8_t proto; uint32_t l4len, at, tucmd; } c[] = {
		{ false, 6, 20, 16, IPV4 | L4_TCP }, { false, 17, 8, 6, IPV4 | L4_UDP },
		{ true, 6, 20, 16, L4_TCP }, { true, 17, 8, 6, L4_UDP },
	};
	struct bench *b = *state;
	uint64_t desc[2];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		uint32_t l3 = c[i].six ? 40 : 20, l4 = 14 + l3, len;

		len = ip_frame(big, c[i].six, c[i].proto, c[i].l4len, 101);
		big[l4 + 12] = c[i].proto == 6 ? 0x50 : big[l4 + 12];
		if (c[i].proto == 17)
			put16(big + l4 + 4, 109);
		put16(big + l4 + c[i].at, pseudo(big, c[i].six, c[i].proto, len - l4));
		context(b, c[i].tucmd, 14, l3, c[i].l4len, 0, 0);
		queue_data(b, big, len, DATA, len << 14 | IXSM | TXSM);
		assert_int_equal(rx_take(b, 2, got, desc), len);
		if (!c[i].six)
			assert_int_equal(sum(got + 14, 20, 0), 0xffff);
		assert_int_equal(sum(got + l4, len - l4,
			pseudo(got, c[i].six, c[i].proto, len - l4)), 0xffff);
		/* the receiver thinks so too */
		assert_int_equal(desc[1] & (RXD_L4I | RXD_L4E | RXD_IPE), RXD_L4I);
	}
}

static void
test_sctp_crc(void **state)
{
	struct bench *b = *state;
	uint32_t len = ip_frame(big, false, 132, 12, 40);
	uint64_t desc[2];

	/* the check value that is published for this CRC */
	assert_int_equal(s82_crc(S82_CRC_SCTP, 0, (const uint8_t *)"123456789", 9), 0xe3069283);
	assert_int_equal(s82_crc(S82_CRC_ETHERNET, 0, (const uint8_t *)"123456789", 9), 0xcbf43926);
	context(b, IPV4 | L4_SCTP, 14, 20, 12, 0, 0);
	queue_data(b, big, len, DATA, len << 14 | IXSM | TXSM);
	assert_int_equal(rx_take(b, 2, got, desc), len);
	assert_int_equal(desc[1] & (RXD_L4I | RXD_L4E), RXD_L4I);
	assert_true(desc[0] >> 4 & PKT_SCTP);
	queue_data(b, got, len, DATA, len << 14);
	assert_int_equal(rx_take(b, 2, got, desc), len);
	assert_int_equal(desc[1] & (RXD_L4I | RXD_L4E), RXD_L4I);
	got[60] ^= 1;
	queue_data(b, got, len, DATA, len << 14);
	rx_take(b, 2, NULL, desc);
	assert_int_equal(desc[1] & (RXD_L4I | RXD_L4E), RXD_L4I | RXD_L4E);
}

/* `payload` bytes in segments of `mss`: each is checked as a TCP receiver would, and more. */
static void
tso(struct bench *b, bool six, uint32_t payload, uint32_t mss)
{
	uint32_t l3 = six ? 40 : 20, l4 = 14 + l3, header = l4 + 20, done, n, i = 0;
	uint32_t len = ip_frame(big, six, 6, 20, payload);
	uint64_t desc[2];

	put16(big + l4 + 4, 0xffff);	/* sequence number: about to wrap */
	put16(big + l4 + 6, 0xfff0);
	big[l4 + 12] = 0x50;
	big[l4 + 13] = FIN_PSH_ACK;
	put16(big + l4 + 16, pseudo(big, six, 6, 0));	/* without the length */
	context(b, (six ? 0 : IPV4) | L4_TCP, 14, l3, 20, mss, 0);
	queue_data(b, big, len, DATA | TXD_TSE, payload << 14 | IXSM | TXSM);
	for (done = 0; done < payload; done += n, i++) {
		uint32_t seq = 0xfffffff0u + done;

		n = payload - done < mss ? payload - done : mss;
		assert_int_equal(rx_take(b, 2, got, desc), header + n < 60 ? 60 : header + n);
		assert_memory_equal(got + header, big + header + done, n);
		if (six) {
			assert_int_equal(be16(got + 18), 20 + n);
		} else {
			assert_int_equal(be16(got + 16), 40 + n);
			assert_int_equal(be16(got + 18), (0xfffe + i) & 0xffff);
			assert_int_equal(sum(got + 14, 20, 0), 0xffff);
		}
		assert_int_equal((uint32_t)be16(got + l4 + 4) << 16 | be16(got + l4 + 6), seq);
		assert_int_equal(got[l4 + 13], done + n == payload ? FIN_PSH_ACK : 0x10);
		assert_int_equal(sum(got + l4, 20 + n, pseudo(got, six, 6, 20 + n)), 0xffff);
		assert_int_equal(desc[1] & (RXD_L4I | RXD_L4E | RXD_IPE), RXD_L4I);
	}
	assert_int_equal(rx_take(b, 2, NULL, NULL), 0);
	assert_int_equal(pf_read(b, 0x6000 + Q_TDH), b->tx[0]->next);
}

static void
test_tso(void **state)
{
	struct bench *b = *state;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		tso(b, i, 9000, 1428);	/* 7 segments */
		tso(b, i, 2856, 1428);	/* exactly 2 */
		tso(b, i, 100, 1428);	/* 1 */
		tso(b, i, 1429, 1428);	/* the last has one byte */
		tso(b, i, 700, 101);
	}
}

static void
test_tso_with_a_tag(void **state)
{
	struct bench *b = *state;
	uint32_t len = ip_frame(big, false, 6, 20, 2000);
	unsigned int i;

	set_vlan(b, 1, 77, 3);
	big[34 + 12] = 0x50;
	context(b, IPV4 | L4_TCP, 14, 20, 20, 1000, 0x604d);
	queue_data(b, big, len, DATA | TXD_TSE | TXD_VLE, 2000u << 14 | IXSM | TXSM);
	for (i = 0; i < 2; i++) {
		assert_int_equal(rx_take(b, 2, got, NULL), 14 + 4 + 40 + 1000);
		assert_int_equal(be16(got + 12), 0x8100);
		assert_int_equal(be16(got + 14), 0x604d);
		assert_int_equal(sum(got + 18, 20, 0), 0xffff);
	}
}

/* What software has to see to [7.2.4.2]: lengths that fit, an MSS. */
static void
test_tso_refused(void **state)
{
	struct bench *b = *state;
	uint32_t len = ip_frame(big, false, 6, 20, 2000);

	context(b, IPV4 | L4_TCP, 14, 20, 20, 0, 0);
	queue_data(b, big, len, DATA | TXD_TSE, 2000u << 14 | IXSM | TXSM);
	context(b, IPV4 | L4_TCP, 14, 20, 20, 1000, 0);
	queue_data(b, big, len, DATA | TXD_TSE, 1999u << 14 | IXSM | TXSM);
	assert_int_equal(drops(b, 0, S82_DROP_TX_BAD_DESC), 2);
	assert_int_equal(rx_take(b, 2, NULL, NULL), 0);
	/* and the queue goes on */
	tso(b, false, 2000, 1000);
}

/* A packet whose segments do not all fit on the wire goes on where it stopped. */
static void
test_tso_waits_for_room(void **state)
{
	struct bench *b = *state;
	struct s82_wire_rec rec;
	unsigned int n = 0, i;
	uint32_t len = ip_frame(big, false, 6, 20, 9000);

	b->st->wire.consumer = 1;
	memcpy(big, mac_x, 6);
	big[34 + 12] = 0x50;
	for (i = 0; b->st->txq[0].blocked == 0; i++) {
		context(b, IPV4 | L4_TCP, 14, 20, 20, 1448, 0);
		queue_data(b, big, len, DATA | TXD_TSE, 9000u << 14 | IXSM | TXSM);
	}
	while (s82_wire_take(b->st, &rec, got)) {
		assert_int_equal(rec.len, 54 + (n % 7 == 6 ? 9000 - 6 * 1448 : 1448));
		assert_int_equal((uint32_t)be16(got + 38) << 16 | be16(got + 40), n % 7 * 1448);
		n++;
		s82_resume(&b->ctx);
	}
	assert_int_equal(n, i * 7);
}

static void
test_legacy_transmit(void **state)
{
	struct bench *b = *state;
	uint32_t len = ip_frame(big, false, 17, 8, 30);

	put16(big + 38, 38);
	put16(big + 40, pseudo(big, false, 17, 38));
	/* CSS 34, CSO 40; a tag of its own */
	set_vlan(b, 1, 9, 3);
	queue_data(b, big, len, TXD_IC | TXD_VLE | TXD_IFCS | 40u << 16, 34u << 8 | 9u << 16);
	assert_int_equal(rx_take(b, 2, got, NULL), len + 4);
	assert_int_equal(be16(got + 12), 0x8100);
	assert_int_equal(be16(got + 14), 9);
	assert_int_equal(sum(got + 38, 38, pseudo(big, false, 17, 38)), 0xffff);
	assert_int_equal(b->tx[0]->desc[0][1] >> 32 & TXD_DD, TXD_DD);
	/* CSO beyond the end: as it is */
	queue_data(b, big, len, TXD_IC | TXD_IFCS | 200u << 16, 34u << 8);
	assert_int_equal(rx_take(b, 2, got, NULL), len);
	assert_memory_equal(got, big, len);
}

static void
test_head_write_back(void **state)
{
	struct bench *b = *state;
	uint32_t *head = (uint32_t *)b->tx[0]->buf[RING - 1];
	uint8_t f[64];

	frame(f, mac_b, mac_a, -1, 0x88b5, 60);
	pf_write(b, 0x6000 + Q_TDWBAH, (uint32_t)((uintptr_t)head >> 32));
	pf_write(b, 0x6000 + Q_TDWBAL, (uint32_t)(uintptr_t)head | TDWBAL_HEAD_WB);
	assert_int_equal((uintptr_t)head % 16, 0);
	tx_send(b, 0, f, 60, 1);
	tx_send(b, 0, f, 60, 2);
	assert_int_equal(*head, 3);
	/* and no descriptor: TinyNF receives into the same ring, where "done" is a frame */
	assert_int_equal(b->tx[0]->desc[0][1] >> 32 & TXD_DD, 0);
	assert_int_equal(b->tx[0]->desc[2][1] >> 32 & TXD_DD, 0);
	queue_data(b, f, 60, TXD_IC | TXD_IFCS | 200u << 16, 0);
	assert_int_equal(*head, 4);
	assert_int_equal(b->tx[0]->desc[3][1] >> 32 & TXD_DD, 0);
	pf_write(b, 0x6000 + Q_TDWBAL, (uint32_t)(uintptr_t)(head + 2) | TDWBAL_HEAD_WB);
	tx_send(b, 0, f, 60, 1);
	assert_int_equal(head[0], 4);
	assert_int_equal(head[2], 0);
}

static void
test_legacy_receive(void **state)
{
	struct bench *b = *state;
	uint64_t *d = b->rx[2]->desc[0];
	uint32_t len = ip_frame(big, false, 17, 8, 30);
	uint64_t buf = d[0];

	pf_write(b, 0x1000 + 2 * 64 + Q_SRRCTL, 2 | SRRCTL_DROP_EN);
	put16(big + 38, 38);
	put16(big + 40, 0x1234);	/* wrong */
	queue_data(b, big, len, DATA, len << 14);
	assert_int_equal(d[0], buf);	/* the address stays */
	assert_int_equal(d[1] & 0xffff, len);
	assert_int_equal(d[1] >> 32 & 0xff, RXD_DD | RXD_EOP | RXD_UDPCS | RXD_L4I | RXD_IPCS);
	assert_int_equal(d[1] >> 40 & 0xff, 0xc0);	/* L4E, IPE: both sums are wrong */
}

static void
test_jumbo_over_several_descriptors(void **state)
{
	struct bench *b = *state;
	uint64_t desc[2];
	unsigned int parts;
	uint32_t len = ip_frame(big, false, 17, 8, 9000 - 28);

	put16(big + 24, 0);
	put16(big + 24, ~sum(big + 14, 20, 0));
	put16(big + 38, 9000 - 20);
	put16(big + 40, ~sum(big + 34, 9000 - 20, pseudo(big, false, 17, 9000 - 20)));
	/* too long while jumbo is off */
	queue_data(b, big, len, DATA, len << 14);
	assert_int_equal(drops(b, 1, S82_DROP_OVERSIZE), 1);
	pf_write(b, R_HLREG0, pf_read(b, R_HLREG0) | HLREG0_JUMBOEN);
	pf_write(b, R_MAXFRS, (len + 4) << 16);
	queue_data(b, big, len, DATA, len << 14);
	assert_int_equal(take_all(b, 2, got, desc, &parts), len);
	assert_int_equal(parts, (len + 2047) / 2048);
	assert_memory_equal(got, big, len);
	assert_int_equal(desc[1] & (RXD_IPCS | RXD_L4I | RXD_L4E | RXD_IPE), RXD_IPCS | RXD_L4I);
	/* a wrong byte anywhere in it is found */
	big[8000] ^= 0x40;
	queue_data(b, big, len, DATA, len << 14);
	take_all(b, 2, got, desc, &parts);
	assert_int_equal(desc[1] & (RXD_L4I | RXD_L4E), RXD_L4I | RXD_L4E);
	/* one byte less, and it is too long */
	pf_write(b, R_MAXFRS, (len + 3) << 16);
	queue_data(b, big, len, DATA, len << 14);
	assert_int_equal(drops(b, 1, S82_DROP_OVERSIZE), 2);
}

static void
test_maxfrs_on_the_wire(void **state)
{
	struct bench *b = *state;

	frame(big, mac_b, mac_x, -1, 0x88b5, 1600);
	assert_int_equal(from_wire(b, big, 1514).drop, -1);
	assert_int_equal(from_wire(b, big, 1515).drop, S82_DROP_OVERSIZE);
	assert_int_equal(pf_read(b, R_ROC), 1);
	assert_int_equal(b->st->stats.drop[S82_DROP_OVERSIZE], 1);
	/* a tag is not counted */
	set_vlan(b, 1, 5, 2);
	frame(big, mac_b, mac_x, 5, 0x88b5, 1600);
	assert_int_equal(from_wire(b, big, 1518).drop, -1);
	assert_int_equal(from_wire(b, big, 1519).drop, S82_DROP_OVERSIZE);
	assert_int_equal(from_wire(b, big, 59).drop, S82_DROP_UNDERSIZE);
	assert_int_equal(pf_read(b, R_RUC), 1);
}

/* A frame that needs more descriptors than are free is dropped whole, and the next one is not. */
static void
test_scatter_needs_all_its_descriptors(void **state)
{
	struct bench *b = *state;
	uint64_t desc[2];
	unsigned int i, parts;

	pf_write(b, R_HLREG0, pf_read(b, R_HLREG0) | HLREG0_JUMBOEN);
	pf_write(b, R_MAXFRS, 9018u << 16);
	frame(big, mac_b, mac_x, -1, 0x88b5, 9000);
	for (i = 0; i < (RING - 1) / 5; i++)
		assert_int_equal(from_wire(b, big, 9000).drop, -1);
	assert_int_equal(from_wire(b, big, 9000).drop, S82_DROP_NO_DESC);
	assert_int_equal(from_wire(b, big, 6000).drop, -1);
	for (i = 0; i < (RING - 1) / 5; i++)
		assert_int_equal(take_all(b, 2, got, desc, &parts), 9000);
	assert_int_equal(take_all(b, 2, got, desc, &parts), 6000);
}

static void
test_crc_kept(void **state)
{
	struct bench *b = *state;
	uint64_t desc[2];
	unsigned int parts, len;
	uint32_t crc;

	pf_write(b, R_HLREG0, (pf_read(b, R_HLREG0) & ~HLREG0_RXCRCSTRP) | HLREG0_JUMBOEN);
	pf_write(b, R_MAXFRS, 9018u << 16);
	/* also where the CRC straddles the end of a buffer, or has one to itself */
	for (len = 2040; len < 2056; len++) {
		frame(big, mac_b, mac_x, -1, 0x88b5, len);
		big[len - 1] = (uint8_t)len;
		crc = s82_crc(S82_CRC_ETHERNET, 0, big, len);
		assert_int_equal(from_wire(b, big, len).drop, -1);
		assert_int_equal(take_all(b, 2, got, desc, &parts), len + 4);
		assert_memory_equal(got, big, len);
		assert_memory_equal(got + len, &crc, 4);
	}
	/* a tag that was stripped is still in the CRC */
	pf_write(b, 0x1000 + 2 * 64 + Q_RXDCTL, RXDCTL_ENABLE | RXDCTL_VME);
	pf_write(b, 0x1000 + 2 * 64 + Q_RDH, b->rx[2]->next);
	set_vlan(b, 1, 5, 2);
	frame(big, mac_b, mac_x, 5, 0x88b5, 100);
	crc = s82_crc(S82_CRC_ETHERNET, 0, big, 100);
	assert_int_equal(from_wire(b, big, 100).drop, -1);
	assert_int_equal(take_all(b, 2, got, desc, &parts), 100);
	assert_memory_equal(got + 96, &crc, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_checksums_inserted), T(test_sctp_crc), T(test_tso), T(test_tso_with_a_tag),
		T(test_tso_refused), T(test_tso_waits_for_room), T(test_legacy_transmit),
		T(test_head_write_back), T(test_legacy_receive), T(test_jumbo_over_several_descriptors),
		T(test_maxfrs_on_the_wire), T(test_scatter_needs_all_its_descriptors),
		T(test_crc_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
