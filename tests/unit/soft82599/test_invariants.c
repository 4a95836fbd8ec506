/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything that came in is accounted for, whatever PF, VFs and wire do; and what is wrong shows. */
#include "bench_card.h"

#define POOLS	3	/* two VFs and the PF */

static uint64_t seed;

static unsigned int
pick(unsigned int n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(seed >> 33) % n;
}

static int
setup(void **state)
{
	struct bench *b = bench_new(2);
	unsigned int q;

	pools_on(b, 0xb);
	set_mac(b, 127, mac_a, 1);
	set_mac(b, 126, mac_b, 2);
	set_mac(b, 0, mac_x, 4);
	for (q = 0; q < 2 * POOLS; q++) {
		rx_on(b, q, 1);
		tx_on(b, q);
	}
	set_vlan(b, 1, 100, 3);
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
holds(struct bench *b)
{
	struct s82_invariants inv;

	s82_check(b->st, &inv);
	assert_int_equal(inv.received, 0);
	assert_int_equal(inv.sent, 0);
	assert_int_equal(inv.rx_queues, 0);
	assert_int_equal(inv.tx_queues, 0);
	assert_true(inv.hold);
}

static uint32_t
any_frame(uint8_t *f)
{
	static const uint8_t group[6] = { 0x33, 0x33, 0, 0, 0, 1 }, far[6] = { 2, 7, 7, 7, 7, 7 };
	const uint8_t *const mac[] = { mac_a, mac_b, mac_x, mac_bcast, group, far };
	static const int vid[] = { -1, -1, -1, 100, 200, 0 };
	uint32_t len = 20 + pick(pick(4) ? 1500 : 2100);

	return frame(f, mac[pick(6)], mac[pick(3)], vid[pick(6)], 0x0800, len < 18 ? 18 : len);
}

/* A packet to be cut up, right or wrong. */
static void
send_tso(struct bench *b, unsigned int queue)
{
	struct ring *r = b->tx[queue];
	uint32_t payload = 1 + pick(1800), i = r->next;

	r->desc[i][0] = 20 | 14u << 9;
	r->desc[i][1] = TXD_DTYP_CTX << 20 | TXD_DEXT | 1u << 10 | 1u << 11 |
		(uint64_t)(20u << 8 | pick(900) << 16) << 32;
	i = (i + 1) % RING;
	any_frame(r->buf[i]);
	r->desc[i][0] = (uintptr_t)r->buf[i];
	r->desc[i][1] = (54 + payload) | TXD_DTYP_DATA << 20 | TXD_DEXT | TXD_EOP | TXD_RS | TXD_TSE |
		(uint64_t)((pick(8) ? payload : payload + 1) << 14 | 3u << 8) << 32;
	r->next = (i + 1) % RING;
	pf_write(b, 0x6000 + queue * 64 + Q_TDT, r->next);
}

/* A buffer that is not mapped, or all of them are again. */
static void
break_a_ring(struct bench *b, unsigned int queue, bool bad)
{
	struct ring *r = b->rx[queue];
	unsigned int i;

	for (i = 0; i < RING; i++)
		if (!(r->desc[i][1] & RXD_DD))
			r->desc[i][0] = (uintptr_t)r->buf[i];
	if (bad)
		r->desc[pick(RING)][0] = 0xdead000;
}

static void
change_something(struct bench *b)
{
	unsigned int pool = pick(POOLS), queue = 2 * pool + pick(2);

	switch (pick(12)) {
	case 0:
		pf_write(b, R_VFTE(0), pick(2) ? ~0u : ~(1u << pool));
		break;
	case 1:
		pf_write(b, R_VFRE(0), pick(2) ? ~0u : ~(1u << pool));
		break;
	case 2:
		pf_write(b, 0x1000 + queue * 64 + Q_SRRCTL, 2 | 1u << 25 | (pick(3) ? SRRCTL_DROP_EN : 0));
		break;
	case 3:
		pf_write(b, R_PFVFSPOOF(0), pick(2) ? 0 : 0x0303);
		break;
	case 4:
		pf_write(b, R_ESDP, pick(4) ? 0 : ESDP_SDP3);
		break;
	case 5:
		pf_write(b, R_PFDTXGSWC, pick(4) ? PFDTXGSWC_LBE : 0);
		break;
	case 6:
		pf_write(b, R_MRCTL(0), pick(2) ? 0 : pick(16) | pool << MRCTL_MP);
		pf_write(b, R_MRVM(0), pick(8));
		break;
	case 7:
		pf_write(b, R_VMOLR(pool), (VMOLR_AUPE | VMOLR_BAM) & ~(pick(2) << 24 | pick(2) << 27));
		break;
	case 8:
		pf_write(b, R_VT_CTL, VT_CTL_ENA | 2 << VT_CTL_DEF_PL | (pick(4) ? VT_CTL_RPL_EN : 0));
		break;
	case 9:
		pf_write(b, R_VMVIR(pool), pick(2) ? 0 : VMVIR_DEFAULT | 100);
		break;
	case 10:
		break_a_ring(b, queue, pick(4) == 0);
		break;
	case 11:
		pf_write(b, R_RTTDQSEL, queue);
		pf_write(b, R_RTTBCNRC, pick(2) ? 0 : RTTBCNRC_ENA | 20u << 14);
		break;
	}
}

static void
empty_a_ring(struct bench *b)
{
	unsigned int q = pick(2 * POOLS), n = pick(40);

	while (n-- > 0 && rx_take(b, q, NULL, NULL))
		;
}

static void
test_nothing_unaccounted(void **state)
{
	struct bench *b = *state;
	struct s82_wire_rec rec;
	static uint8_t f[4096], out[S82_MAX_FRAME];
	unsigned int i, flood;

	seed = 0x82599;
	b->now = 1;
	b->st->wire.consumer = 1;
	for (i = 0; i < 200000; i++) {
		unsigned int queue = pick(2 * POOLS), what = pick(20);

		b->now += pick(3000);
		if (what < 8)
			from_wire(b, f, any_frame(f));
		else if (what < 14)
			tx_send(b, queue, f, any_frame(f), 1 + pick(3));
		else if (what < 15)
			send_tso(b, queue);
		else if (what < 17)
			empty_a_ring(b);
		else if (what < 18)
			s82_timer_run(&b->ctx);
		else if (what < 19)
			change_something(b);
		else
			while (s82_wire_take(b->st, &rec, out))
				;
		if (pick(16) == 0)
			s82_resume(&b->ctx);
		/* a flood, which fills the packet buffer if the line is blocked */
		for (flood = pick(5000) == 0 ? 700 : 0; flood > 0; flood--)
			from_wire(b, f, any_frame(f));
		holds(b);
	}
	/* all of it did happen */
	assert_true(b->st->stats.replicated > 1000 && b->st->stats.both_ways > 100);
	assert_true(b->st->fifo.stalls > 0);
	for (i = 0; i < S82_DROPS; i++) {
		uint64_t n = b->st->stats.drop[i] + drops(b, 0, i) + drops(b, 1, i) + drops(b, 2, i);

		if (i != S82_DROP_NO_LOOPBACK && i != S82_DROP_RESET && i != S82_DROP_VLAN_FILTER &&
				i != S82_DROP_NO_POOL && i != S82_DROP_TX_DMA_FAULT && n == 0)
			fail_msg("never seen: %s", s82_drop_name(i));
	}
}

static void
test_a_reset_loses_nothing_silently(void **state)
{
	struct bench *b = *state;
	uint8_t f[64];
	unsigned int i;

	pf_write(b, 0x1000 + Q_SRRCTL, 2 | 1u << 25);
	for (i = 0; i < RING + 9; i++) {
		frame(f, i % 2 ? mac_a : mac_bcast, mac_x, -1, 0x88b5, 60);
		from_wire(b, f, 60);
	}
	assert_true(b->st->fifo.packets > 0);
	assert_true(b->st->fifo.copies > b->st->fifo.packets);
	holds(b);
	i = b->st->fifo.copies;
	pf_write(b, R_CTRL, CTRL_RST);
	assert_int_equal(drops(b, 0, S82_DROP_RESET) + drops(b, 1, S82_DROP_RESET) +
		drops(b, 2, S82_DROP_RESET), i);
	assert_int_equal(b->st->fifo.copies, 0);
	holds(b);
}

static void
test_what_is_wrong_shows(void **state)
{
	static const uint8_t mac_shared[6] = { 2, 0x5a, 0, 0, 0, 1 };
	struct bench *b = *state;
	struct s82_invariants inv;

	/* one filter for two pools */
	set_mac(b, 9, mac_shared, 6);
	s82_check(b->st, &inv);
	assert_false(inv.hold);
	assert_int_equal(inv.shares, 1);
	assert_int_equal(inv.shared[0][1], 6);
	/* two filters with one address; groups may be shared */
	set_mac(b, 9, mac_b, 1);
	set_mac(b, 10, mac_bcast, 7);
	s82_check(b->st, &inv);
	assert_false(inv.hold);
	assert_int_equal(inv.shares, 1);
	assert_int_equal(inv.shared[0][1], 3);
	assert_memory_equal(&inv.shared[0][0], mac_b, 6);
	set_mac(b, 9, mac_a, 1);	/* the same pool twice is no harm */
	holds(b);
	set_mac(b, 127, mac_a, 5);
	s82_check(b->st, &inv);
	assert_int_equal(inv.shares, 1);
	set_mac(b, 127, mac_a, 1);
	holds(b);
	pf_write(b, 0x1000 + Q_RDT, RING);
	s82_check(b->st, &inv);
	assert_int_equal(inv.bad_rings, 1);
	assert_false(inv.hold);
	pf_write(b, 0x1000 + Q_RDT, 3);
	holds(b);
	b->st->stats.pool[1].rx_packets++;
	s82_check(b->st, &inv);
	assert_int_equal(inv.received, -1);
	assert_int_equal(inv.rx_queues, 1);
	assert_false(inv.hold);
	/* after a death in the lock a difference is to be expected, and said */
	b->ctx.ops->lock(&b->ctx);
	s82_repair(&b->ctx);
	b->ctx.ops->unlock(&b->ctx);
	s82_check(b->st, &inv);
	assert_true(inv.repaired);
	assert_true(inv.hold);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_nothing_unaccounted), T(test_a_reset_loses_nothing_silently),
		T(test_what_is_wrong_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
