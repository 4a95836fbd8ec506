/* SPDX-License-Identifier: BSD-3-Clause */
/* The switch's finer rules: inserted tags, VLAN guards, hash tables, accept bits, mirrors. */
#include "bench_card.h"

static const uint8_t group[6] = { 0x01, 0x00, 0x5e, 0x12, 0x34, 0x56 };

/* Two VFs and the PF (pool 2), one queue each. */
static int
setup(void **state)
{
	struct bench *b = bench_new(2);
	unsigned int q;

	pools_on(b, 0xb);
	set_mac(b, 127, mac_a, 1);
	set_mac(b, 126, mac_b, 2);
	for (q = 0; q < 6; q += 2) {
		rx_on(b, q, 1);
		tx_on(b, q);
	}
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	bench_free(*state);
	return 0;
}

/* Sends from pool 0 to mac_b with the descriptor's tag (context), or none for tci < 0. */
static uint32_t
send_tagged(struct bench *b, int tci, uint8_t *got)
{
	struct ring *r = b->tx[0];
	uint8_t f[64];

	if (tci >= 0) {
		r->desc[r->next][0] = (uint64_t)tci << 16;
		r->desc[r->next][1] = TXD_DTYP_CTX << 20 | TXD_DEXT;
		r->next = (r->next + 1) % RING;
	}
	frame(f, mac_b, mac_a, -1, 0x88b5, 60);
	memcpy(r->buf[r->next], f, 60);
	r->desc[r->next][0] = (uintptr_t)r->buf[r->next];
	r->desc[r->next][1] = 60 | TXD_DTYP_DATA << 20 | TXD_DEXT | TXD_EOP | TXD_RS |
		(tci >= 0 ? TXD_VLE : 0);
	r->next = (r->next + 1) % RING;
	pf_write(b, 0x6000 + Q_TDT, r->next);
	return rx_take(b, 2, got, NULL);
}

static void
test_vmvir(void **state)
{
	struct bench *b = *state;
	uint8_t got[BUF];

	set_vlan(b, 1, 100, 3);
	set_vlan(b, 2, 200, 3);
	/* by the descriptor */
	assert_int_equal(send_tagged(b, -1, got), 60);
	assert_int_equal(send_tagged(b, 0x2064, got), 64);
	assert_int_equal(be16(got + 14), 0x2064);
	/* always the pool's own, priority included, whatever the descriptor says */
	pf_write(b, R_VMVIR(0), VMVIR_DEFAULT | 0x60c8);
	assert_int_equal(send_tagged(b, -1, got), 64);
	assert_int_equal(be16(got + 12), 0x8100);
	assert_int_equal(be16(got + 14), 0x60c8);
	assert_int_equal(send_tagged(b, 100, got), 64);
	assert_int_equal(be16(got + 14), 0x60c8);
	/* never */
	pf_write(b, R_VMVIR(0), VMVIR_NEVER);
	assert_int_equal(send_tagged(b, 100, got), 60);
	/* another pool's register is no business of this one */
	pf_write(b, R_VMVIR(0), 0);
	pf_write(b, R_VMVIR(1), VMVIR_DEFAULT | 200);
	assert_int_equal(send_tagged(b, -1, got), 60);
}

static void
test_inserted_tag_follows_dmatxctl(void **state)
{
	struct bench *b = *state;
	uint8_t got[BUF];

	pf_write(b, R_DMATXCTL, DMATXCTL_TE | 0x88a8u << DMATXCTL_VT);
	assert_int_equal(send_tagged(b, 100, got), 64);
	assert_int_equal(be16(got + 12), 0x88a8);
}

static void
test_vlan_anti_spoof(void **state)
{
	struct bench *b = *state;
	uint8_t got[BUF];

	set_vlan(b, 1, 100, 3);
	set_vlan(b, 2, 200, 2);	/* the receiver's alone */
	pf_write(b, R_PFVFSPOOF(0), 1 | 1 << 8);
	assert_int_equal(send_tagged(b, 100, got), 64);
	assert_int_equal(send_tagged(b, 200, got), 0);
	assert_int_equal(drops(b, 0, S82_DROP_SPOOF_VLAN), 1);
	assert_int_equal(send_tagged(b, 300, got), 0);	/* in no entry */
	assert_int_equal(drops(b, 0, S82_DROP_SPOOF_VLAN), 2);
	assert_int_equal(pf_read(b, R_SSVPC), 2);
	/* without tag: who gets such frames may send them */
	assert_int_equal(send_tagged(b, -1, got), 60);
	pf_write(b, R_VMOLR(0), VMOLR_BAM);
	assert_int_equal(send_tagged(b, -1, got), 0);
	assert_int_equal(drops(b, 0, S82_DROP_SPOOF_VLAN), 3);
	set_vlan(b, 3, 0, 1);
	assert_int_equal(send_tagged(b, -1, got), 60);
	/* the pool's own tag is checked as any other */
	pf_write(b, R_VMVIR(0), VMVIR_DEFAULT | 200);
	assert_int_equal(send_tagged(b, -1, got), 0);
	assert_int_equal(drops(b, 0, S82_DROP_SPOOF_VLAN), 4);
}

/* MCSTCTRL.MO: bits 47:36, 46:35, 45:34 or 43:32 of the address [8.2.3.7.2]. */
static void
test_multicast_offsets(void **state)
{
	static const unsigned int shift[4] = { 4, 3, 2, 0 };
	struct bench *b = *state;
	unsigned int mo, other;
	uint8_t f[64];

	pf_write(b, R_VMOLR(1), VMOLR_AUPE | VMOLR_BAM | VMOLR_ROMPE);
	frame(f, group, mac_x, -1, 0x0800, 60);
	for (mo = 0; mo < 4; mo++) {
		unsigned int v = (0x5634u >> shift[mo]) & 0xfff;

		pf_write(b, R_MTA(v >> 5), 1u << (v & 31));
		for (other = 0; other < 4; other++) {
			pf_write(b, R_MCSTCTRL, MCSTCTRL_MFE | other);
			assert_int_equal(from_wire(b, f, 60).pools, other == mo ? 2 : 0);
		}
		/* and off is off */
		pf_write(b, R_MCSTCTRL, mo);
		assert_int_equal(from_wire(b, f, 60).drop, S82_DROP_L2_FILTER);
		pf_write(b, R_MTA(v >> 5), 0);
	}
}

static void
test_unicast_table(void **state)
{
	struct bench *b = *state;
	unsigned int v = ((0x09u << 8 | 0x00) >> 4) & 0xfff;	/* of mac_x */
	uint8_t f[64];

	frame(f, mac_x, mac_a, -1, 0x88b5, 60);
	assert_int_equal(from_wire(b, f, 60).drop, S82_DROP_L2_FILTER);
	pf_write(b, R_UTA(v >> 5), 1u << (v & 31));
	assert_int_equal(from_wire(b, f, 60).pools, 4);	/* nobody has ROPE: the default pool */
	pf_write(b, R_VMOLR(1), VMOLR_AUPE | VMOLR_ROPE);
	assert_int_equal(from_wire(b, f, 60).pools, 2);
	/* from inside: to that pool, and out too, for a hash is no proof */
	assert_true(tx_send(b, 0, f, 60, 1));
	assert_int_equal(b->st->stats.wire_tx_packets, 1);
	assert_int_equal(b->st->stats.loop_packets, 1);
	/* an address that a filter holds exactly needs no hash */
	frame(f, mac_a, mac_x, -1, 0x88b5, 60);
	assert_int_equal(from_wire(b, f, 60).pools, 1);
}

/* A receiver that is off takes nothing, and no filter is to blame. */
static void
test_receiver_off(void **state)
{
	struct bench *b = *state;
	uint8_t f[64];

	frame(f, mac_x, mac_a, -1, 0x88b5, 60);
	assert_int_equal(from_wire(b, f, 60).drop, S82_DROP_L2_FILTER);
	pf_write(b, R_RXCTRL, 0);
	assert_int_equal(from_wire(b, f, 60).drop, S82_DROP_RX_DISABLED);
	assert_int_equal(b->st->stats.drop[S82_DROP_L2_FILTER], 1);
	assert_int_equal(b->st->stats.drop[S82_DROP_RX_DISABLED], 1);
}

static void
test_broadcast_bits(void **state)
{
	struct bench *b = *state;
	uint8_t f[64];

	frame(f, mac_bcast, mac_x, -1, 0x0806, 60);
	assert_int_equal(from_wire(b, f, 60).pools, 7);
	pf_write(b, R_VMOLR(0), VMOLR_AUPE);
	assert_int_equal(from_wire(b, f, 60).pools, 6);
	pf_write(b, R_FCTRL, 0);
	assert_int_equal(from_wire(b, f, 60).drop, S82_DROP_L2_FILTER);
	/* multicast-promiscuous passes broadcast too [7.1.1.1] */
	pf_write(b, R_FCTRL, FCTRL_MPE);
	assert_int_equal(from_wire(b, f, 60).pools, 6);
}

static void
test_no_replication(void **state)
{
	struct bench *b = *state;
	uint8_t f[64];

	pf_write(b, R_VT_CTL, VT_CTL_ENA | 2 << VT_CTL_DEF_PL);
	frame(f, mac_bcast, mac_x, -1, 0x0806, 60);
	assert_int_equal(from_wire(b, f, 60).pools, 4);
	set_mac(b, 5, group, 3);
	frame(f, group, mac_x, -1, 0x0800, 60);
	assert_int_equal(from_wire(b, f, 60).pools, 1);
	/* from inside: the default pool and the wire */
	frame(f, mac_bcast, mac_a, -1, 0x0806, 60);
	assert_true(tx_send(b, 0, f, 60, 1));
	assert_int_equal(b->st->stats.wire_tx_packets, 1);
	assert_int_equal(rx_take(b, 2, NULL, NULL), 0);
}

static void
test_loopback_to_oneself(void **state)
{
	struct bench *b = *state;
	uint8_t f[64];

	frame(f, mac_a, mac_a, -1, 0x88b5, 60);
	assert_true(tx_send(b, 0, f, 60, 1));
	assert_int_equal(rx_take(b, 0, NULL, NULL), 0);
	pf_write(b, R_VMTXSW(0), 1);
	assert_true(tx_send(b, 0, f, 60, 1));
	assert_int_equal(rx_take(b, 0, NULL, NULL), 60);
}

static void
test_mirrors(void **state)
{
	struct bench *b = *state;
	uint8_t f[64];

	/* rule 3: what pool 0 gets, to pool 2 */
	pf_write(b, R_MRVM(3), 1);
	pf_write(b, R_MRCTL(3), MRCTL_VPME | 2 << MRCTL_MP);
	frame(f, mac_a, mac_x, -1, 0x88b5, 60);
	assert_int_equal(from_wire(b, f, 60).pools, 1 | 4);
	frame(f, mac_b, mac_x, -1, 0x88b5, 60);
	assert_int_equal(from_wire(b, f, 60).pools, 2);
	/* all that comes in */
	pf_write(b, R_MRCTL(3), MRCTL_UPME | 2 << MRCTL_MP);
	assert_int_equal(from_wire(b, f, 60).pools, 2 | 4);
	/* all that goes out, and nothing that stays inside */
	pf_write(b, R_MRCTL(3), MRCTL_DPME | 1 << MRCTL_MP);
	while (rx_take(b, 2, NULL, NULL))
		;
	frame(f, mac_x, mac_a, -1, 0x88b5, 60);
	assert_true(tx_send(b, 0, f, 60, 1));
	assert_int_equal(rx_take(b, 2, NULL, NULL), 60);
	assert_int_equal(b->st->stats.wire_tx_packets, 1);
	/* a VLAN, by its VLVF entry, which may be in the upper half */
	set_vlan(b, 40, 7, 1);
	pf_write(b, R_MRVLAN(3 + 4), 1u << (40 - 32));
	pf_write(b, R_MRCTL(3), MRCTL_VLME | 1 << MRCTL_MP);
	frame(f, mac_a, mac_x, 7, 0x88b5, 64);
	assert_int_equal(from_wire(b, f, 64).pools, 1 | 2);
	frame(f, mac_a, mac_x, -1, 0x88b5, 64);
	assert_int_equal(from_wire(b, f, 64).pools, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_vmvir), T(test_inserted_tag_follows_dmatxctl), T(test_vlan_anti_spoof),
		T(test_multicast_offsets), T(test_unicast_table), T(test_receiver_off),
		T(test_broadcast_bits),
		T(test_no_replication), T(test_loopback_to_oneself), T(test_mirrors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
