/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Software tables: packets of many flows go in with the hash that a NIC would have given them; both
 * lcores' TX queues end in one ring, so that what comes out of it has one order. Moves of entries
 * under traffic must lose, double and reorder nothing.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include "dp_spread.h"
#include "rings.h"

#define FLOWS  61
#define TABLE  128

/* The third one is not used. */
enum { IN = PORT_A, OUT = PORT_B, USED };

struct tag {
	uint32_t flow, number; /* of the flow */
};

static struct rte_ring *in[QUEUES], *out;
static uint32_t next_in[FLOWS], next_out[FLOWS];
static struct dp_spread_view view;
static uint16_t pushed; /* the VLAN that every packet leaves with, or 0 */
static uint64_t seed = 1;
static enum { FREE, SLOW, HELD } lcore2; /* what happens to the packets that it wants to send */

static uint32_t
rnd(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

/* A packet of a flow; flow FLOWS - 1 has no hash. By the queue that RSS would choose. */
static void
feed(uint32_t flow)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	const struct tag tag = {flow, next_in[flow]++};

	assert_non_null(m);
	m->data_len = m->pkt_len = 64;
	memset(rte_pktmbuf_mtod(m, void *), 0, 64);
	memcpy(rte_pktmbuf_mtod_offset(m, void *, 16), &tag, sizeof(tag));
	if (flow < FLOWS - 1) {
		m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
		m->hash.rss = flow * 2654435761u;
	}
	assert_int_equal(
		rte_ring_enqueue(in[flow < FLOWS - 1 ? m->hash.rss % QUEUES : 0], m), 0);
}

static unsigned int
take(void)
{
	const uint8_t vlan[] = {0x81, 0, (uint8_t)(pushed >> 8), (uint8_t)pushed};
	unsigned int n = 0;
	struct tag tag;
	void *m;

	for (; rte_ring_dequeue(out, &m) == 0; n++) {
		const uint8_t *p = rte_pktmbuf_mtod((struct rte_mbuf *)m, const uint8_t *);

		if (pushed != 0) {
			assert_memory_equal(p + 12, vlan, sizeof(vlan));
			p += sizeof(vlan);
		}
		memcpy(&tag, p + 16, sizeof(tag));
		rte_pktmbuf_free(m);
		if (tag.number != next_out[tag.flow]++)
			fail_msg("flow %u: packet %u came, %u was next", tag.flow, tag.number,
				next_out[tag.flow] - 1);
	}
	return n;
}

/* Lcore 2 before it sends. SLOW leaves this thread, on the same processor, time to call a meeting. */
static uint16_t
before_tx(uint16_t port, uint16_t queue, struct rte_mbuf *packets[], uint16_t n, void *arg)
{
	const uint64_t until = rte_rdtsc() + rte_get_tsc_hz() / 1000;

	(void)port;
	(void)queue;
	(void)packets;
	(void)arg;
	while (rte_lcore_id() == 2 && (__atomic_load_n(&lcore2, __ATOMIC_ACQUIRE) == HELD ||
		(__atomic_load_n(&lcore2, __ATOMIC_ACQUIRE) == SLOW && rte_rdtsc() < until)))
		sched_yield();
	return n;
}

static void
let_lcore2(int how)
{
	__atomic_store_n(&lcore2, how, __ATOMIC_RELEASE);
}

static int
group_setup(void **state)
{
	struct rte_ring *both[QUEUES], *nothing[QUEUES];
	char name[RTE_RING_NAMESIZE];

	(void)state;
	if (rings_pool(512) != 0)
		return -1;
	out = rte_ring_create("out", 4 * RING, SOCKET_ID_ANY, 0);
	for (unsigned int q = 0; q < QUEUES; q++) {
		both[q] = out;
		snprintf(name, sizeof(name), "in%u", q);
		in[q] = rte_ring_create(name, RING, SOCKET_ID_ANY, 0);
		snprintf(name, sizeof(name), "nothing%u", q);
		nothing[q] = rte_ring_create(name, 64, SOCKET_ID_ANY, 0);
	}
	if (rings_port(IN, "in", in, nothing) != 0 || rings_port(OUT, "out", nothing, both) != 0)
		return -1;
	for (unsigned int q = 0; q < QUEUES; q++)
		if (rte_eth_add_tx_callback(port_id[OUT], q, before_tx, NULL) == NULL)
			return -1;
	return 0;
}

static struct dp_plan *
plan_for(uint16_t table, enum dp_mode mode)
{
	struct dp_spec *s = spec_for(IN, mode == DP_SINK ? (unsigned int)DP_NONE : OUT, mode);
	struct dp_plan *plan = NULL;
	struct vfp_err err;

	s->n_ports = USED;
	s->ports[IN].spread = table;
	s->rules[0].opts.vlan_push = pushed;
	s->n_lcores = 2;
	s->lcores[1].id = 2;
	if (dp_plan_make(s, &plan, &err) != 0)
		fail_msg("%s", err.text);
	free(s);
	return plan;
}

static int
setup(void **state)
{
	struct vfp_err err;

	pushed = 0;
	memset(next_in, 0, sizeof(next_in));
	memset(next_out, 0, sizeof(next_out));
	for (unsigned int p = 0; p < USED; p++)
		rte_eth_stats_reset(port_id[p]);
	return dp_create(NULL, (struct dp **)state, &err);
}

static int
teardown(void **state)
{
	let_lcore2(FREE);
	dp_free(*state);
	return rings_empty();
}

static void
begin(struct dp *dp, struct dp_plan *plan)
{
	struct vfp_err err;

	if (patient_publish(dp, plan, &err) != 0)
		fail_msg("%s", err.text);
	start(dp);
}

/* On a busy machine a worker may be away for longer than a meeting waits: nothing moves then. */
static void
patient_move(struct dp *dp, const struct dp_spread_move *m, uint16_t n)
{
	const uint64_t until = deadline();
	struct vfp_err err;
	int rc;

	do {
		rc = dp_spread_move(dp, port_id[IN], m, n, &err);
	} while (rc == -ETIMEDOUT && rte_rdtsc() < until);
	if (rc != 0)
		fail_msg("%s", err.text);
}

static void
all_to(struct dp *dp, uint8_t to)
{
	struct dp_spread_move all[TABLE];

	for (unsigned int i = 0; i < TABLE; i++)
		all[i] = (struct dp_spread_move){i, to};
	patient_move(dp, all, TABLE);
}

/*
 * A new table leaves every entry with the lcore that polls its queue here, and nothing is handed
 * over until chance moves some. From one lcore's table, half the flows cross whatever chance does.
 */
static void
half_crosses(struct dp *dp)
{
	all_to(dp, 1);
}

/* Send n packets of random flows, never more under way than all rings hold; call each() meanwhile. */
static void
traffic(struct dp *dp, uint32_t n, void (*each)(struct dp *dp, uint32_t got))
{
	const uint64_t until = deadline();
	uint32_t fed = 0, got = 0;

	while (got < n) {
		while (fed < n && fed < got + RING / 4)
			feed(rnd() % FLOWS), fed++;
		got += take();
		if (each != NULL)
			each(dp, got);
		assert_true(rte_rdtsc() < until);
		sched_yield();
	}
}

static void
move_some(struct dp *dp, uint32_t got)
{
	static uint32_t last;
	struct dp_spread_move m[8];

	if (got - last < 200)
		return;
	last = got;
	for (unsigned int i = 0; i < RTE_DIM(m); i++)
		m[i] = (struct dp_spread_move){rnd() % TABLE, rnd() % 2};
	patient_move(dp, m, RTE_DIM(m));
}

static void
moves_keep_the_order_of_flows(void **state)
{
	struct dp *dp = *state;
	const uint32_t n = 10000;
	struct dp_counts c;

	begin(dp, plan_for(TABLE, DP_IO));
	half_crosses(dp);
	traffic(dp, n, move_some);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	c = totals(dp);
	assert_int_equal(c.rx, n);
	assert_int_equal(c.tx, n);
	assert_int_equal(dp_spread_read(dp, port_id[IN], &view), 0);
	print_message("# %lu entries moved under traffic, %lu of %u packets handed over, 0 reordered\n",
		(unsigned long)view.moves, (unsigned long)view.handed, n);
	assert_true(view.moves >= TABLE + 80);
	assert_int_equal(view.kept + view.handed, n);
	assert_true(view.handed > n / 10);
}

/* What needs more than the plain modes goes through the table too: here, there and in a drain. */
static void
tags_are_put_on_behind_the_table(void **state)
{
	struct dp *dp = *state;
	const uint32_t n = 5000;
	struct dp_counts c;

	pushed = 0x123;
	begin(dp, plan_for(TABLE, DP_IO));
	half_crosses(dp);
	traffic(dp, n, move_some);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	c = totals(dp);
	assert_int_equal(c.rx, n);
	assert_int_equal(c.tx, n);
	assert_int_equal(dp_spread_read(dp, port_id[IN], &view), 0);
	assert_true(view.kept > n / 10 && view.handed > n / 10);
}

/* The table decides which lcore works: its TX queue tells. */
static void
the_table_decides(void **state)
{
	struct dp *dp = *state;
	struct dp_stats *s;
	uint64_t sum = 0;

	begin(dp, plan_for(TABLE, DP_IO));
	for (unsigned int to = 0; to < 2; to++) {
		uint64_t before[2], after[2];

		all_to(dp, to);
		for (unsigned int pass = 0; pass < 2; pass++) {
			assert_int_equal(dp_stats_take(dp, &s), 0);
			for (uint16_t i = 0; i < s->n_queues; i++)
				if (s->queues[i].port_id == port_id[OUT])
					(pass ? after : before)[s->queues[i].queue] =
						s->queues[i].tx;
			dp_stats_free(s);
			if (pass == 0)
				for (unsigned int i = 0; i < 20; i++) {
					feed(i);
					while (take() == 0)
						sched_yield();
				}
		}
		assert_int_equal(after[to] - before[to], 20);
		assert_int_equal(after[!to], before[!to]);
	}
	assert_int_equal(dp_spread_read(dp, port_id[IN], &view), 0);
	for (unsigned int i = 0; i < TABLE; i++) {
		assert_int_equal(view.table[i], 1);
		sum += view.load[i];
	}
	assert_int_equal(sum, 40);
	assert_int_equal(view.load[0], 2); /* of flow 0 */
	assert_int_equal(view.unhashed, 0);
	feed(FLOWS - 1);
	while (take() == 0)
		sched_yield();
	assert_int_equal(dp_spread_read(dp, port_id[IN], &view), 0);
	assert_int_equal(view.unhashed, 1);
}

static void
bad_moves_change_nothing(void **state)
{
	struct dp *dp = *state;
	const struct dp_spread_move far[] = {{1, 1}, {TABLE, 0}}, nobody[] = {{0, 1}, {1, 2}};
	struct vfp_err err;

	begin(dp, plan_for(TABLE, DP_IO));
	assert_int_equal(dp_spread_move(dp, port_id[IN], far, 2, &err), -EINVAL);
	assert_string_equal(err.text, "entry 128: the table has 128 (0 to 127)");
	assert_int_equal(dp_spread_move(dp, port_id[IN], nobody, 2, &err), -EINVAL);
	assert_non_null(strstr(err.text, "there is no lcore 2"));
	assert_int_equal(dp_spread_move(dp, port_id[OUT], far, 1, &err), -ENOENT);
	assert_int_equal(dp_spread_read(dp, port_id[OUT], &view), -ENOENT);
	assert_int_equal(dp_spread_read(dp, port_id[IN], &view), 0);
	for (unsigned int i = 0; i < TABLE; i++)
		assert_int_equal(view.table[i], i % 2);
}

/*
 * Even flows come by queue 0, which lcore 1 polls. When all entries are lcore 2's, which is held before
 * its first burst, all others lie in the ring between the two once queue 0 is empty.
 */
static void
fill_the_ring(void)
{
	const uint64_t until = deadline();

	let_lcore2(HELD);
	for (unsigned int i = 0; i < 700; i++)
		feed(rnd() % (FLOWS / 2) * 2);
	while (rte_ring_count(in[0]) > 0) {
		assert_true(rte_rdtsc() < until);
		sched_yield();
	}
	let_lcore2(SLOW);
}

/* Lcore 2 is held again after the move: lcore 1 has every chance to overtake what it left behind. */
static void
a_move_waits_for_what_was_handed_over(void **state)
{
	struct dp *dp = *state;
	const uint64_t until = deadline();
	uint32_t got = 0;

	begin(dp, plan_for(TABLE, DP_IO));
	for (unsigned int round = 0; round < 3; round++) {
		let_lcore2(FREE);
		all_to(dp, 1);
		fill_the_ring();
		all_to(dp, 0);
		let_lcore2(HELD);
		for (unsigned int i = 0; i < 100; i++)
			feed(rnd() % (FLOWS / 2) * 2);
		while (got < 800 * (round + 1)) {
			got += take();
			assert_true(rte_rdtsc() < until);
			sched_yield();
		}
	}
}

static void
a_stop_sends_what_was_handed_over(void **state)
{
	struct dp *dp = *state;
	struct vfp_err err;

	begin(dp, plan_for(TABLE, DP_IO));
	all_to(dp, 1);
	for (unsigned int round = 0; round < 3; round++) {
		fill_the_ring();
		assert_int_equal(dp_stop(dp), 0);
		assert_int_equal(totals(dp).tx, totals(dp).rx);
		take();
		assert_int_equal(dp_start(dp, &err), 0);
	}
}

/* Another plan with the same lcores keeps table and counts; packets in the rings are not lost. */
static void
change_plan(struct dp *dp, uint32_t got)
{
	static uint32_t calls;
	struct dp_plan *plan;
	struct vfp_err err;

	(void)got;
	if (++calls % 20 != 0)
		return;
	plan = plan_for(TABLE, calls % 40 ? DP_IO : DP_MACSWAP);
	if (dp_publish(dp, plan, &err) != 0)
		dp_plan_free(plan);
}

static void
plans_change_without_a_loss(void **state)
{
	struct dp *dp = *state;
	const struct dp_spread_move one = {5, 0};
	uint64_t sum = 0;

	begin(dp, plan_for(TABLE, DP_IO));
	patient_move(dp, &one, 1);
	traffic(dp, 8000, change_plan);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	assert_int_equal(totals(dp).tx, 8000);
	assert_int_equal(dp_spread_read(dp, port_id[IN], &view), 0);
	assert_int_equal(view.table[5], 0);
	assert_int_equal(view.moves, 1);
	for (unsigned int i = 0; i < TABLE; i++)
		sum += view.load[i];
	assert_int_equal(sum + view.unhashed, 8000);
	assert_int_equal(view.kept + view.handed, 8000);
}

/* Stopped at any moment: what was handed over is sent all the same. */
static void
stopping_leaves_nothing_in_the_rings(void **state)
{
	struct dp *dp = *state;
	struct vfp_err err;
	struct dp_counts c;

	begin(dp, plan_for(TABLE, DP_IO));
	for (unsigned int round = 0; round < 8; round++) {
		for (unsigned int i = 0; i < 200; i++)
			feed(rnd() % FLOWS);
		assert_int_equal(dp_stop(dp), 0);
		c = totals(dp);
		assert_int_equal(c.rx, c.tx);
		take();
		assert_int_equal(dp_start(dp, &err), 0);
		while (totals(dp).rx < 200 * (round + 1))
			sched_yield();
		assert_int_equal(dp_drain(dp, 5000, 0), 0);
		take();
		assert_int_equal(dp_start(dp, &err), 0);
	}
}

/*
 * Lcore 2 shares its processor with this thread, which does not let go for a while: packets for it
 * wait in the ring, and that is part of their residence.
 */
static void
the_wait_in_the_ring_counts(void **state)
{
	struct lat_hist *h = malloc(sizeof(*h));
	struct dp *dp = *state;
	struct lat_summary s;

	assert_non_null(h);
	begin(dp, plan_for(TABLE, DP_IO));
	all_to(dp, 1);
	for (unsigned int i = 0; i < 60; i++) {
		const uint64_t until = rte_rdtsc() + rte_get_tsc_hz() / 1000;

		feed(0); /* by queue 0, which lcore 1 polls */
		while (rte_rdtsc() < until)
			;
		while (take() == 0)
			sched_yield();
	}
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	for (int kind = LAT_RESIDENCE; kind <= LAT_BOUND; kind++) {
		assert_int_equal(dp_latency(dp, "rule", kind, h), 0);
		assert_int_equal(lat_hist_count(h), 60);
		lat_summarise(h, rte_get_tsc_hz(), &s);
		assert_true(s.p90_ns > 50000);
		assert_true(s.max_ns < 2e9);
	}
	free(h);
}

/* A full ring drops by name, and all is accounted for. */
static void
a_full_ring_drops_and_counts(void **state)
{
	struct dp *dp = *state;
	const uint64_t until = deadline();
	struct dp_counts c;

	begin(dp, plan_for(TABLE, DP_SINK));
	all_to(dp, 1);
	do {
		/* even flows come by queue 0, which lcore 1 polls, and all are lcore 2's */
		for (unsigned int i = 0; i < 700; i++)
			if (rte_ring_free_count(in[0]) > 0 && rte_mempool_avail_count(pool) > 64)
				feed(rnd() % (FLOWS / 2) * 2);
		c = totals(dp);
	} while (c.drops[DP_DROP_HANDOFF] == 0 && rte_rdtsc() < until);
	dp_drain(dp, 5000, 0);
	c = totals(dp);
	assert_true(c.drops[DP_DROP_HANDOFF] > 0);
	assert_int_equal(c.rx, c.consumed + c.drops[DP_DROP_HANDOFF]);
	assert_int_equal(dp_spread_read(dp, port_id[IN], &view), 0);
	assert_int_equal(view.dropped, c.drops[DP_DROP_HANDOFF]);
}

static int
run_all(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_table_decides),
		TEST(bad_moves_change_nothing),
		TEST(moves_keep_the_order_of_flows),
		TEST(tags_are_put_on_behind_the_table),
		TEST(a_move_waits_for_what_was_handed_over),
		TEST(a_stop_sends_what_was_handed_over),
		TEST(plans_change_without_a_loss),
		TEST(stopping_leaves_nothing_in_the_rings),
		TEST(the_wait_in_the_ring_counts),
		TEST(a_full_ring_drops_and_counts),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}

int
main(void)
{
	return rings_main("spread", run_all);
}
