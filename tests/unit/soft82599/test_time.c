/* SPDX-License-Identifier: BSD-3-Clause */
/* What depends on the clock: moderated interrupts, queues whose rate is limited; and resets. */
#include "bench_card.h"

#define MS	1000000ull	/* the bench's clock counts nanoseconds */

/* Two VFs and the PF (pool 2), one queue each. */
static int
setup(void **state)
{
	struct bench *b = bench_new(2);
	unsigned int q;

	pools_on(b, 0xb);
	set_mac(b, 127, mac_a, 1);
	set_mac(b, 126, mac_b, 2);
	set_mac(b, 1, mac_x, 4);
	for (q = 0; q < 6; q += 2) {
		rx_on(b, q, 1);
		tx_on(b, q);
	}
	b->now = 1;
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
frame_to(struct bench *b, const uint8_t mac[6])
{
	static const uint8_t far[6] = { 2, 0xfa, 0xfa, 0, 0, 1 };
	uint8_t f[64];

	frame(f, mac, far, -1, 0x88b5, 60);
	assert_int_equal(from_wire(b, f, 60).drop, -1);
}

static void
test_vf_interrupts_are_moderated(void **state)
{
	struct bench *b = *state;
	unsigned int fired = 0, i;

	vf_write(b, 0, V_IVAR(0), IVAR_VALID | 1);
	vf_write(b, 0, V_EIAC, 2);
	vf_write(b, 0, V_EIMS, 2);
	vf_write(b, 0, V_EITR(1), 50 << EITR_INTERVAL);	/* 102.4 us */
	for (i = 0; i < 1000; i++) {
		frame_to(b, mac_a);
		rx_take(b, 0, NULL, NULL);
		fired += b->fired[0] == 2;
		b->fired[0] = 0;
		run_until(b, b->now + 1024);
		fired += b->fired[0] == 2;
		b->fired[0] = 0;
	}
	/* 1.024 ms: one at once, one each 102.4 us; each causes none without a frame before */
	assert_in_range(fired, 10, 11);
	run_until(b, b->now + MS);
	assert_in_range(b->fired[0], 0, 2);
	b->fired[0] = 0;
	run_until(b, b->now + MS);
	assert_int_equal(b->fired[0], 0);
	/* idle for long: at once */
	frame_to(b, mac_a);
	assert_int_equal(b->fired[0], 2);
	/* interval 0: no moderation */
	vf_write(b, 0, V_EITR(1), 0);
	b->fired[0] = 0;
	frame_to(b, mac_a);
	assert_int_equal(b->fired[0], 2);
}

static void
test_pf_mailbox_is_moderated(void **state)
{
	struct bench *b = *state;

	pf_write(b, R_GPIE, GPIE_MSIX);
	pf_write(b, R_EIMS, EICR_MAILBOX);
	pf_write(b, R_EITR(0), 244 << EITR_INTERVAL);	/* 500 us, as DPDK sets */
	vf_write(b, 0, V_MAILBOX, VMB_REQ);
	assert_int_equal(b->fired[S82_PF], 1);
	b->fired[S82_PF] = 0;
	pf_read(b, R_EICR);
	vf_write(b, 1, V_MAILBOX, VMB_REQ);
	assert_int_equal(b->fired[S82_PF], 0);
	assert_int_equal(b->timers, 1);
	run_until(b, b->now + 400000);
	assert_int_equal(b->fired[S82_PF], 0);
	run_until(b, b->now + 200000);
	assert_int_equal(b->fired[S82_PF], 1);
	/* a cause that was read before its time came is told to nobody */
	b->fired[S82_PF] = 0;
	pf_read(b, R_EICR);
	vf_write(b, 0, V_MAILBOX, VMB_REQ);
	pf_read(b, R_EICR);
	run_until(b, b->now + MS);
	assert_int_equal(b->fired[S82_PF], 0);
}

/* Vectors 24 and up have their EITR elsewhere; each vector its own interval. */
static void
test_pf_queue_vectors(void **state)
{
	struct bench *b = *state;

	pf_write(b, R_GPIE, GPIE_MSIX);
	pf_write(b, R_IVAR(2), IVAR_VALID | 40);
	pf_write(b, R_EIMS_EX(1), 1u << 8);
	pf_write(b, R_EITR(40), 100 << EITR_INTERVAL);
	frame_to(b, mac_x);
	assert_int_equal(b->fired[S82_PF], 1ull << 40);
	b->fired[S82_PF] = 0;
	frame_to(b, mac_x);
	assert_int_equal(b->fired[S82_PF], 0);
	run_until(b, b->now + 100 * EITR_UNIT_NS);
	s82_timer_run(&b->ctx);
	assert_int_equal(b->fired[S82_PF], 1ull << 40);
}

static void
set_rate(struct bench *b, unsigned int queue, uint32_t mbps)
{
	pf_write(b, R_RTTDQSEL, queue);
	pf_write(b, R_RTTBCNRC, mbps ? RTTBCNRC_ENA | (uint32_t)((10000ull << 14) / mbps) : 0);
}

/* Keeps the queue full for a second; the rate that came out, CRC included, in kbit/s. */
static uint64_t
measure(struct bench *b, unsigned int queue, uint32_t len, uint64_t step)
{
	static const uint8_t far[6] = { 2, 0xfa, 0xfa, 0, 0, 1 };
	const struct s82_txq *q = &b->st->txq[queue];
	uint64_t begin = q->bytes + 4 * q->packets, end = b->now + 1000 * MS;
	uint8_t f[1514];

	frame(f, far, mac_a, -1, 0x88b5, len);
	while (b->now < end) {
		while ((b->tx[queue]->next + 1) % RING != pf_read(b, 0x6000 + queue * 64 + Q_TDH))
			tx_send(b, queue, f, len, 1);
		b->now += step;		/* the timer thread comes as late as that */
		s82_timer_run(&b->ctx);
	}
	return (q->bytes + 4 * q->packets - begin) * 8 / 1000;
}

static void
test_rate_limit(void **state)
{
	static const uint32_t rates[] = { 10, 100, 1000 };
	struct bench *b = *state;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		set_rate(b, 0, rates[i]);
		assert_in_range(measure(b, 0, 1514, 20000), rates[i] * 990, rates[i] * 1010);
		assert_in_range(measure(b, 0, 60, 2000), rates[i] * 990, rates[i] * 1010);
		/* however late the thread comes, and though the ring runs empty over it */
		assert_in_range(measure(b, 0, 1514, 3 * MS), rates[i] * 990, rates[i] * 1010);
		assert_in_range(measure(b, 0, 1514, 10 * MS), rates[i] * 990, rates[i] * 1010);
	}
	pf_write(b, R_RTTDQSEL, 0);
	assert_int_equal(pf_read(b, R_RTTBCNRC), RTTBCNRC_ENA | 10 << 14);
	pf_write(b, R_RTTDQSEL, 2);
	assert_int_equal(pf_read(b, R_RTTBCNRC), 0);
}

static void
test_rate_limit_is_the_queues_own(void **state)
{
	struct bench *b = *state;
	uint8_t f[1514];
	unsigned int i;

	set_rate(b, 0, 10);
	frame(f, mac_a, mac_b, -1, 0x88b5, 1514);
	for (i = 0; i < 40; i++)
		assert_true(tx_send(b, 2, f, 1514, 1));
	/* silence is not saved up, be it a long one or a short one */
	frame(f, mac_b, mac_a, -1, 0x88b5, 1514);
	run_until(b, b->now + 1000 * MS);
	assert_true(tx_send(b, 0, f, 1514, 1));
	assert_false(tx_send(b, 0, f, 1514, 1));
	run_until(b, b->now + 300 * MS);
	assert_int_equal(b->st->txq[0].packets, 2);
	assert_true(tx_send(b, 0, f, 1514, 1));
	assert_false(tx_send(b, 0, f, 1514, 1));
	/* the limit goes: so does what waits */
	set_rate(b, 0, 0);
	for (i = 0; i < 10; i++)
		tx_send(b, 0, f, 1514, 1);
	assert_int_equal(b->st->txq[0].packets, 14);
}

static void
test_link(void **state)
{
	struct bench *b = *state;

	pf_write(b, R_EIMS, EICR_LSC);
	assert_true(pf_read(b, R_LINKS) & LINKS_UP);
	assert_true(vf_read(b, 0, V_LINKS) & LINKS_UP);
	pf_write(b, R_ESDP, pf_read(b, R_ESDP) | ESDP_SDP3);
	assert_true(b->fired[S82_PF] & 1);
	assert_true(pf_read(b, R_EICR) & EICR_LSC);
	assert_false(pf_read(b, R_LINKS) & LINKS_UP);
	assert_false(vf_read(b, 1, V_LINKS) & LINKS_UP);
	b->fired[S82_PF] = 0;
	pf_write(b, R_ESDP, pf_read(b, R_ESDP) & ~ESDP_SDP3);
	assert_true(b->fired[S82_PF] & 1);
	assert_true(vf_read(b, 1, V_LINKS) & LINKS_UP);
}

/* CTRL.RST of the PF: every queue off, the VFs' too; what was counted and mailbox memory stay. */
static void
test_pf_reset(void **state)
{
	struct bench *b = *state;
	uint32_t mem;

	frame_to(b, mac_a);
	set_rate(b, 0, 10);
	vf_write(b, 0, V_MBMEM, 0x1234);
	pf_write(b, R_CTRL_EXT, CTRL_EXT_PFRSTD);
	vf_read(b, 0, V_MAILBOX);
	pf_write(b, R_CTRL, CTRL_RST);
	assert_int_equal(vf_read(b, 0, V_RXQ + Q_RXDCTL) & RXDCTL_ENABLE, 0);
	assert_int_equal(vf_read(b, 0, V_MAILBOX) & (VMB_RSTI | VMB_RSTD), VMB_RSTI);
	assert_int_equal(b->st->rxq[0].packets, 1);
	assert_int_equal(vf_read(b, 0, V_GPRC), 1);
	assert_int_equal(pf_read(b, R_RTTBCNRC), 0);
	assert_int_equal(s82_mmio_read(&b->ctx, 0, V_MBMEM, 4), 0x1234);
	mem = pf_read(b, R_PFMBMEM);
	assert_int_equal(mem, 0x1234);
	pf_write(b, R_CTRL_EXT, CTRL_EXT_PFRSTD);
	assert_int_equal(vf_read(b, 0, V_MAILBOX) & (VMB_RSTI | VMB_RSTD), VMB_RSTD);
	/* a link change is no part of it: the laser was on and is */
	assert_true(pf_read(b, R_LINKS) & LINKS_UP);
}

/* An FLR of one VF: its queues and moderation, nobody else's. */
static void
test_vf_flr(void **state)
{
	struct bench *b = *state;
	uint8_t f[64];

	vf_write(b, 0, V_IVAR(0), IVAR_VALID | 1);
	vf_write(b, 0, V_EIMS, 2);
	vf_write(b, 0, V_EITR(1), 0x1ff << EITR_INTERVAL);
	frame_to(b, mac_a);
	frame_to(b, mac_a);
	assert_int_equal(b->st->func[0].irq_held, 2);
	set_rate(b, 0, 10);
	b->ctx.ops->lock(&b->ctx);
	s82_flr(&b->ctx, 0);
	b->ctx.ops->unlock(&b->ctx);
	b->fired[0] = 0;
	run_until(b, b->now + 10 * MS);
	assert_int_equal(b->fired[0], 0);
	assert_int_equal(vf_read(b, 0, V_RXQ + Q_RXDCTL), 0);
	assert_int_equal(vf_read(b, 0, V_EITR(1)), 0);
	assert_int_equal(pf_read(b, R_VFLRE0), 1);
	/* its rate is the PF's business */
	pf_write(b, R_RTTDQSEL, 0);
	assert_true(pf_read(b, R_RTTBCNRC) & RTTBCNRC_ENA);
	frame(f, mac_x, mac_b, -1, 0x88b5, 60);
	assert_true(tx_send(b, 2, f, 60, 1));
	assert_int_equal(rx_take(b, 4, NULL, NULL), 60);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_vf_interrupts_are_moderated), T(test_pf_mailbox_is_moderated),
		T(test_pf_queue_vectors), T(test_rate_limit), T(test_rate_limit_is_the_queues_own),
		T(test_link), T(test_pf_reset), T(test_vf_flr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
