/* SPDX-License-Identifier: BSD-3-Clause */
/* Who gets a frame: addresses, VLANs, groups, loopback, anti-spoof; and the line that blocks. */
#include "bench_card.h"

/* Two VFs and the PF (pool 2), 64 x 2, one address each, all queues on. */
static int
setup(void **state)
{
	struct bench *b = bench_new(2);
	unsigned int q;

	pools_on(b, 0xb);
	set_mac(b, 127, mac_a, 1);
	set_mac(b, 126, mac_b, 2);
	for (q = 0; q < 6; q++) {
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

static void
test_unicast_stays_inside(void **state)
{
	struct bench *b = *state;
	uint8_t f[128], got[BUF];
	uint64_t desc[2];

	frame(f, mac_b, mac_a, -1, 0x88b5, 100);
	assert_true(tx_send(b, 0, f, 100, 1));
	assert_int_equal(rx_take(b, 2, got, desc), 100);
	assert_memory_equal(f, got, 100);
	assert_true(desc[1] & RXD_LB);
	assert_int_equal(b->st->stats.wire_tx_packets, 0);
	assert_int_equal(rx_take(b, 0, NULL, NULL), 0);
	assert_int_equal(rx_take(b, 4, NULL, NULL), 0);
}

static void
test_unknown_unicast_leaves(void **state)
{
	struct bench *b = *state;
	uint8_t f[128];

	frame(f, mac_x, mac_a, -1, 0x88b5, 60);
	assert_true(tx_send(b, 0, f, 60, 1));
	assert_int_equal(b->st->stats.wire_tx_packets, 1);
	assert_int_equal(b->st->stats.loop_packets, 0);
}

static void
test_broadcast_reaches_all_but_the_sender(void **state)
{
	struct bench *b = *state;
	uint8_t f[128];

	frame(f, mac_bcast, mac_a, -1, 0x88b5, 60);
	assert_true(tx_send(b, 0, f, 60, 1));
	assert_int_equal(rx_take(b, 0, NULL, NULL), 0);
	assert_int_equal(rx_take(b, 2, NULL, NULL), 60);
	assert_int_equal(rx_take(b, 4, NULL, NULL), 60);
	assert_int_equal(b->st->stats.wire_tx_packets, 1);
	assert_int_equal(b->st->stats.replicated, 1);
}

static void
test_loopback_off_sends_all_out(void **state)
{
	struct bench *b = *state;
	uint8_t f[128];

	pf_write(b, R_PFDTXGSWC, 0);
	frame(f, mac_b, mac_a, -1, 0x88b5, 60);
	assert_true(tx_send(b, 0, f, 60, 1));
	assert_int_equal(rx_take(b, 2, NULL, NULL), 0);
	assert_int_equal(b->st->stats.wire_tx_packets, 1);
}

static void
test_wire_unicast_filter(void **state)
{
	struct bench *b = *state;
	struct s82_verdict v;
	uint8_t f[128];

	frame(f, mac_a, mac_x, -1, 0x88b5, 60);
	v = from_wire(b, f, 60);
	assert_int_equal(v.pool, 0);
	assert_int_equal(rx_take(b, 0, NULL, NULL), 60);
	frame(f, mac_x, mac_a, -1, 0x88b5, 60);
	v = from_wire(b, f, 60);
	assert_int_equal(v.drop, S82_DROP_L2_FILTER);
	/* promiscuous: in, and as no pool knows it, to the default pool */
	pf_write(b, R_FCTRL, FCTRL_BAM | FCTRL_UPE);
	v = from_wire(b, f, 60);
	assert_int_equal(v.pool, 2);
	pf_write(b, R_VT_CTL, VT_CTL_ENA | VT_CTL_DIS_DEFPL);
	v = from_wire(b, f, 60);
	assert_int_equal(v.drop, S82_DROP_NO_POOL);
}

static void
test_vlans(void **state)
{
	struct bench *b = *state;
	uint8_t f[128], got[BUF];
	uint64_t desc[2];

	set_vlan(b, 1, 100, 1);
	frame(f, mac_a, mac_x, 100, 0x88b5, 64);
	assert_int_equal(from_wire(b, f, 64).pool, 0);
	assert_int_equal(rx_take(b, 0, got, desc), 64);
	assert_false(desc[1] & RXD_VP);
	/* a VLAN that no VLVF entry has: the default pool, whatever the address */
	frame(f, mac_a, mac_x, 200, 0x88b5, 64);
	assert_int_equal(from_wire(b, f, 64).pool, 2);
	/* one that VFTA does not have: nowhere */
	pf_write(b, R_VFTA(200 / 32), ~(1u << 200 % 32));
	assert_int_equal(from_wire(b, f, 64).drop, S82_DROP_VLAN_FILTER);
	/* strip: the tag moves into the descriptor */
	pf_write(b, 0x1000 + Q_RXDCTL, RXDCTL_ENABLE | RXDCTL_VME);
	frame(f, mac_a, mac_x, 0x5064, 0x88b5, 64);
	assert_int_equal(from_wire(b, f, 64).pool, 0);
	assert_int_equal(rx_take(b, 0, got, desc), 60);
	assert_true(desc[1] & RXD_VP);
	assert_int_equal(desc[1] >> 48, 0x5064);
	assert_int_equal(be16(got + 12), 0x88b5);
}

static void
test_untagged_needs_aupe(void **state)
{
	struct bench *b = *state;
	uint8_t f[128];

	pf_write(b, R_VMOLR(0), VMOLR_BAM);
	frame(f, mac_a, mac_x, -1, 0x88b5, 60);
	assert_int_equal(from_wire(b, f, 60).pool, 2);
}

static void
test_multicast_table(void **state)
{
	static const uint8_t group[6] = { 0x33, 0x33, 0, 0, 0x12, 0x34 };
	struct bench *b = *state;
	unsigned int v = ((0x34u << 8 | 0x12) >> 4) & 0xfff;
	uint8_t f[128];

	frame(f, group, mac_x, -1, 0x86dd, 64);
	assert_int_equal(from_wire(b, f, 64).drop, S82_DROP_L2_FILTER);
	pf_write(b, R_MCSTCTRL, MCSTCTRL_MFE);
	pf_write(b, R_MTA(v >> 5), 1u << (v & 31));
	pf_write(b, R_VMOLR(1), VMOLR_AUPE | VMOLR_BAM | VMOLR_ROMPE);
	assert_int_equal(from_wire(b, f, 64).pools, 2);
	pf_write(b, R_VMOLR(0), VMOLR_AUPE | VMOLR_BAM | VMOLR_MPE);
	assert_int_equal(from_wire(b, f, 64).pools, 3);
}

static void
test_mac_anti_spoof(void **state)
{
	struct bench *b = *state;
	uint8_t f[128];

	frame(f, mac_b, mac_x, -1, 0x88b5, 60);
	assert_true(tx_send(b, 0, f, 60, 1));
	assert_int_equal(rx_take(b, 2, NULL, NULL), 60);
	pf_write(b, R_PFVFSPOOF(0), 1);
	assert_true(tx_send(b, 0, f, 60, 1));
	assert_int_equal(rx_take(b, 2, NULL, NULL), 0);
	assert_int_equal(drops(b, 0, S82_DROP_SPOOF_MAC), 1);
	assert_int_equal(pf_read(b, R_SSVPC), 1);
	/* its own address passes */
	frame(f, mac_b, mac_a, -1, 0x88b5, 60);
	assert_true(tx_send(b, 0, f, 60, 1));
	assert_int_equal(rx_take(b, 2, NULL, NULL), 60);
}

static void
test_vfte_vfre(void **state)
{
	struct bench *b = *state;
	uint8_t f[128];

	frame(f, mac_b, mac_a, -1, 0x88b5, 60);
	pf_write(b, R_VFTE(0), ~1u);
	assert_true(tx_send(b, 0, f, 60, 1));
	assert_int_equal(drops(b, 0, S82_DROP_TX_DISABLED), 1);
	pf_write(b, R_VFTE(0), ~0u);
	pf_write(b, R_VFRE(0), ~2u);
	assert_true(tx_send(b, 0, f, 60, 1));
	assert_int_equal(drops(b, 1, S82_DROP_RX_DISABLED), 1);
	assert_int_equal(rx_take(b, 2, NULL, NULL), 0);
}

static void
test_drop_enable_counts(void **state)
{
	struct bench *b = *state;
	uint8_t f[128];
	unsigned int i;

	frame(f, mac_a, mac_x, -1, 0x88b5, 60);
	for (i = 0; i < RING + 6; i++)
		from_wire(b, f, 60);
	assert_int_equal(drops(b, 0, S82_DROP_NO_DESC), RING + 6 - (RING - 1));
	assert_int_equal(pf_read(b, 0x1430), RING + 6 - (RING - 1));	/* QPRDC 0 */
	assert_int_equal(pf_read(b, 0x1430), 0);
	/* the others are not touched */
	frame(f, mac_b, mac_x, -1, 0x88b5, 60);
	assert_int_equal(from_wire(b, f, 60).pool, 1);
	assert_int_equal(rx_take(b, 2, NULL, NULL), 60);
}

static void
test_head_of_line_blocks(void **state)
{
	struct bench *b = *state;
	uint8_t f[128], got[BUF];
	unsigned int i, n = 0;

	/* pool 0 has neither drop-enable nor a reader */
	pf_write(b, 0x1000 + Q_SRRCTL, 2 | 1u << 25);
	frame(f, mac_a, mac_x, -1, 0x88b5, 60);
	for (i = 0; i < RING; i++)
		assert_int_equal(from_wire(b, f, 60).drop, -1);
	assert_int_equal(b->st->fifo.packets, 1);
	/* now nobody gets anything, though pool 1 has descriptors */
	frame(f, mac_b, mac_x, -1, 0x88b5, 60);
	f[20] = 77;
	from_wire(b, f, 60);
	assert_int_equal(rx_take(b, 2, NULL, NULL), 0);
	/* one descriptor for pool 0 sets the line going */
	assert_int_equal(rx_take(b, 0, NULL, NULL), 60);
	assert_int_equal(rx_take(b, 2, got, NULL), 60);
	assert_int_equal(got[20], 77);
	while (rx_take(b, 0, NULL, NULL))
		n++;
	assert_int_equal(n, RING - 1);
	assert_int_equal(b->st->fifo.packets, 0);
}

static void
test_head_of_line_fills_the_buffer(void **state)
{
	struct bench *b = *state;
	uint8_t f[1514];
	unsigned int in = 0;

	pf_write(b, 0x1000 + Q_SRRCTL, 2 | 1u << 25);
	frame(f, mac_a, mac_x, -1, 0x88b5, 1514);
	while (from_wire(b, f, 1514).drop == -1)
		in++;
	assert_in_range(in, S82_RX_FIFO / 1600, S82_RX_FIFO / 1514 + RING);
	assert_int_equal(pf_read(b, R_MPC(0)), 1);
	assert_int_equal(drops(b, 0, S82_DROP_BUFFER_FULL), 1);
	/* a sender inside waits, and goes on when there is room */
	frame(f, mac_b, mac_a, -1, 0x88b5, 1514);
	assert_false(tx_send(b, 2, f, 1514, 1));
	assert_int_equal(b->st->txq[2].blocked, 1);
	while (rx_take(b, 0, NULL, NULL))
		in--;
	assert_int_equal(in, 0);
	assert_int_equal(b->st->txq[2].blocked, 0);
	assert_int_equal(b->st->txq[2].packets, 1);
}

/* "received master abort" in the status word of the configuration space */
static bool
aborted(struct bench *b, unsigned int func)
{
	uint8_t status[2];

	assert_int_equal(s82_cfg_read(&b->ctx, func, 6, status, 2), 0);
	return status[1] & 0x20;
}

static void
test_dma_to_unmapped_memory(void **state)
{
	struct bench *b = *state;
	uint8_t f[128];

	b->rx[2]->desc[0][0] = 0xdead000;
	frame(f, mac_b, mac_a, -1, 0x88b5, 60);
	assert_true(tx_send(b, 0, f, 60, 1));
	assert_int_equal(b->st->func[1].dma_faults, 1);
	assert_int_equal(b->st->func[1].dma_fault_iova, 0xdead000);
	assert_int_equal(drops(b, 1, S82_DROP_DMA_FAULT), 1);
	assert_false(aborted(b, 1)); /* it was a write */
	/* and without bus mastering nothing is reached at all */
	b->st->func[0].cfg[4] = 0;
	assert_false(tx_send(b, 0, f, 60, 1));
	assert_true(b->st->func[0].dma_faults > 0);
	assert_false(aborted(b, 0));
}

static void
test_a_read_of_unmapped_memory_leaves_a_mark(void **state)
{
	const uint8_t none[2] = {0}, clear[2] = {0x00, 0x20};
	struct bench *b = *state;
	uint8_t f[60];

	frame(f, mac_a, mac_b, -1, 0x88b5, 60);
	assert_true(tx_send(b, 2, f, 60, 1));
	assert_false(aborted(b, 1));
	b->st->txq[2].tdbah = 0xdead;
	assert_false(tx_send(b, 2, f, 60, 1));
	assert_true(aborted(b, 1));
	assert_false(aborted(b, 0));
	/* a zero leaves it, a one clears it, and so does a reset of the function */
	assert_int_equal(s82_cfg_write(&b->ctx, 1, 6, none, 2), 0);
	assert_true(aborted(b, 1));
	assert_int_equal(s82_cfg_write(&b->ctx, 1, 6, clear, 2), 0);
	assert_false(aborted(b, 1));
	assert_false(tx_send(b, 2, f, 60, 1));
	assert_true(aborted(b, 1));
	s82_flr(&b->ctx, 1);
	assert_false(aborted(b, 1));
}

static void
test_segments(void **state)
{
	struct bench *b = *state;
	uint8_t f[1200], got[BUF];
	unsigned int i;

	frame(f, mac_b, mac_a, -1, 0x88b5, 1200);
	for (i = 14; i < 1200; i++)
		f[i] = (uint8_t)(i * 7);
	for (i = 1; i <= 12; i++) {
		assert_true(tx_send(b, 0, f, 1200, i));
		assert_int_equal(rx_take(b, 2, got, NULL), 1200);
		assert_memory_equal(f, got, 1200);
	}
}

static void
test_pads_short_frames(void **state)
{
	struct bench *b = *state;
	uint8_t f[64], got[BUF];

	frame(f, mac_b, mac_a, -1, 0x88b5, 42);
	assert_true(tx_send(b, 0, f, 42, 1));
	assert_int_equal(rx_take(b, 2, got, NULL), 60);
	assert_memory_equal(f, got, 42);
}

static void
test_wire_ring(void **state)
{
	struct bench *b = *state;
	struct s82_wire_rec rec;
	uint8_t f[1000], got[S82_MAX_FRAME];
	unsigned int i;

	b->st->wire.consumer = 1;
	b->st->wire.sleeping = 1;
	for (i = 0; i < 20000; i++) {
		uint32_t len = 60 + i * 37 % 940;

		frame(f, mac_x, mac_a, -1, 0x88b5, len);
		memcpy(f + 20, &i, 4);
		assert_true(tx_send(b, 1, f, len, 1));
		assert_int_equal(s82_wire_take(b->st, &rec, got), len);
		assert_memory_equal(f, got, len);
		assert_int_equal(rec.queue, 1);
		assert_int_equal(rec.pool, 0);
	}
	assert_int_equal(b->kicks, 20000);
	assert_int_equal(s82_wire_take(b->st, &rec, got), 0);
}

static void
test_full_wire_blocks_and_resumes(void **state)
{
	struct bench *b = *state;
	struct s82_wire_rec rec;
	uint8_t f[1000], got[S82_MAX_FRAME];
	unsigned int sent = 0, taken = 0;

	b->st->wire.consumer = 1;
	frame(f, mac_x, mac_a, -1, 0x88b5, 1000);
	while (tx_send(b, 0, f, 1000, 1))
		sent++;
	assert_int_equal(b->st->txq[0].blocked, 1);
	assert_in_range(sent, S82_WIRE_RING / 1032, S82_WIRE_RING / 1000);
	while (s82_wire_take(b->st, &rec, got)) {
		taken++;
		s82_resume(&b->ctx);
	}
	assert_int_equal(taken, sent + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_unicast_stays_inside), T(test_unknown_unicast_leaves),
		T(test_broadcast_reaches_all_but_the_sender), T(test_loopback_off_sends_all_out),
		T(test_wire_unicast_filter), T(test_vlans), T(test_untagged_needs_aupe),
		T(test_multicast_table), T(test_mac_anti_spoof), T(test_vfte_vfre),
		T(test_drop_enable_counts), T(test_head_of_line_blocks),
		T(test_head_of_line_fills_the_buffer), T(test_dma_to_unmapped_memory),
		T(test_a_read_of_unmapped_memory_leaves_a_mark),
		T(test_segments), T(test_pads_short_frames), T(test_wire_ring),
		T(test_full_wire_blocks_and_resumes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
