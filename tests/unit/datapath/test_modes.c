/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * echo, source and VLAN tags over ports made of rings. The test is the wire: what leaves a port it
 * looks at, loses, doubles or swaps, and puts back, so it knows what the probes must tell.
 */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "probe.h"
#include "rings.h"

#define HEADERS (14 + 20 + 8)

static int
group_setup(void **state)
{
	(void)state;
	return rings_open(RTE_MBUF_DEFAULT_BUF_SIZE);
}

static int
setup(void **state)
{
	struct dp_conf conf;
	struct vfp_err err;

	dp_conf_default(&conf);
	conf.pool = pool;
	for (unsigned int p = 0; p < PORTS; p++)
		rte_eth_stats_reset(port_id[p]);
	return dp_create(&conf, (struct dp **)state, &err);
}

static int
teardown(void **state)
{
	dp_free(*state);
	/* Whatever a test did: no mbuf may be left behind. */
	return rings_empty();
}

static int
try_publish(struct dp *dp, struct dp_spec *s, struct vfp_err *err)
{
	struct dp_plan *plan = NULL;
	int rc = dp_plan_make(s, &plan, err);

	if (rc == 0)
		rc = patient_publish(dp, plan, err);
	if (rc != 0)
		dp_plan_free(plan);
	return rc;
}

static void
publish(struct dp *dp, struct dp_spec *s)
{
	struct vfp_err err;

	if (try_publish(dp, s, &err) != 0)
		fail_msg("%s", err.text);
}

static struct dp_probe_counts
probes(struct dp *dp, int stream)
{
	struct dp_probe_counts c;

	assert_int_equal(dp_probes(dp, "rule", stream, &c), 0);
	return c;
}

static uint64_t
latency_count(struct dp *dp, const char *rule, enum lat_kind kind)
{
	struct lat_hist *h = malloc(sizeof(*h));
	uint64_t n;

	assert_non_null(h);
	assert_int_equal(dp_latency(dp, rule, kind, h), 0);
	n = lat_hist_count(h);
	free(h);
	return n;
}

static uint64_t
rtt_count(struct dp *dp)
{
	return latency_count(dp, "rule", LAT_RTT);
}

/* The next frame that leaves a queue of a port. */
static struct rte_mbuf *
next_frame(unsigned int port, unsigned int queue)
{
	const uint64_t until = deadline();
	void *m;

	while (rte_ring_dequeue(tx_ring[port][queue], &m) != 0) {
		assert_true(rte_rdtsc() < until);
		sched_yield();
	}
	return m;
}

/* Whatever buffer comes next, it has been used. */
static void
soil_buffers(void)
{
	static struct rte_mbuf *all[MBUFS];

	for (unsigned int i = 0; i < MBUFS; i++) {
		all[i] = rte_pktmbuf_alloc(pool);
		assert_non_null(all[i]);
		memset(rte_pktmbuf_mtod(all[i], void *), 0xee, rte_pktmbuf_tailroom(all[i]));
	}
	for (unsigned int i = 0; i < MBUFS; i++)
		rte_pktmbuf_free(all[i]);
}

static void
a_source_makes_what_was_asked_for(void **state)
{
	struct dp *dp = *state;
	struct dp_spec *s = spec_for(PORT_A, PORT_A, DP_SOURCE);
	struct dp_source_conf *c = &s->rules[0].opts.source;

	*c = (struct dp_source_conf){.count = 600, .flows = 3, .n_sizes = 2, .sizes = {64, 1518},
		.ip_to = 0xc0000201, .probe = 1};
	soil_buffers();
	publish(dp, s);
	start(dp);
	for (unsigned int q = 0; q < QUEUES; q++)
		for (unsigned int i = 0; i < 300; i++) {
			struct rte_mbuf *m = next_frame(PORT_A, q);
			const uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
			const struct rte_ipv4_hdr *ip = (const void *)(p + 14);
			const struct rte_udp_hdr *udp = (const void *)(ip + 1);
			struct dp_probe probe;

			assert_int_equal(m->pkt_len, (i % 2 ? 1518 : 64) - 4);
			assert_int_equal(rte_be_to_cpu_16(ip->total_length), m->pkt_len - 14);
			assert_int_equal(rte_be_to_cpu_16(udp->dgram_len), m->pkt_len - 34);
			assert_int_equal(rte_raw_cksum(ip, 20), 0xffff);
			assert_int_equal(ip->dst_addr, rte_cpu_to_be_32(c->ip_to));
			assert_memory_equal(p, s->ports[PORT_A].peer, 6);
			assert_memory_equal(p + 6, s->ports[PORT_A].mac, 6);
			assert_int_equal(rte_be_to_cpu_16(udp->src_port), 16384 + 3 * q + i % 3);
			memcpy(&probe.seq, p + HEADERS + 6, 4);
			assert_int_equal(probe.seq, i / 3);
			/* nothing of what was in the buffer before */
			for (uint32_t b = HEADERS + DP_PROBE_LEN; b < m->pkt_len; b++)
				assert_int_equal(p[b], 0);
			rte_pktmbuf_free(m);
		}
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	assert_int_equal(totals(dp).generated, 600);
	assert_int_equal(totals(dp).tx, 600);
	assert_int_equal(probes(dp, -1).sent, 600);
	assert_int_equal(probes(dp, -1).missing, 600);
	assert_int_equal(probes(dp, 5).sent, 100);
	assert_int_equal(unaccounted(dp), 0);
	free(s);
}

/* Carry what left A to a port, queue for queue, with these hurt on the way. */
struct wire {
	unsigned int to;
	uint64_t carried, lost, doubled, swapped;
	struct rte_mbuf *held;
};

static void
give(unsigned int port, unsigned int queue, struct rte_mbuf *m)
{
	const uint64_t until = deadline();

	while (rte_ring_enqueue(rx_ring[port][queue], m) != 0)
		assert_true(rte_rdtsc() < until);
}

static void
give_back(unsigned int queue, struct rte_mbuf *m)
{
	give(PORT_A, queue, m);
}

static void
carry(struct wire *w, unsigned int queue, struct rte_mbuf *m)
{
	struct rte_mbuf *copy;

	w->carried++;
	if (w->carried % 97 == 0) {
		w->lost++;
		rte_pktmbuf_free(m);
		return;
	}
	if (w->held == NULL && w->carried % 89 == 0) {
		w->held = m;
		return;
	}
	if (w->carried % 83 == 0) {
		copy = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);
		assert_non_null(copy);
		w->doubled++;
		give(w->to, queue, copy);
	}
	give(w->to, queue, m);
	/* The one behind has overtaken. */
	if (w->held != NULL) {
		w->swapped++;
		give(w->to, queue, w->held);
		w->held = NULL;
	}
}

static void
probes_tell_exactly_what_the_wire_did(void **state)
{
	struct dp *dp = *state;
	struct dp_spec *s = spec_for(PORT_A, PORT_A, DP_SOURCE);
	struct dp_probe_counts c, one;
	struct wire w[QUEUES] = {{.to = PORT_A}, {.to = PORT_A}};
	uint64_t sum = 0;
	const uint64_t n = 40000;
	struct vfp_err err;

	s->rules[0].opts.source = (struct dp_source_conf){.count = n, .probe = 1};
	publish(dp, s);
	start(dp);
	for (uint64_t i = 0; i < n; i++)
		carry(&w[i % QUEUES], i % QUEUES, next_frame(PORT_A, i % QUEUES));
	for (unsigned int q = 0; q < QUEUES; q++)
		if (w[q].held != NULL)
			give_back(q, w[q].held);
	assert_int_equal(dp_sources_stop(dp, 5000, 0, &err), 0);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	c = probes(dp, -1);
	assert_true(w[0].lost > 100 && w[0].doubled > 100 && w[0].swapped > 100);
	assert_int_equal(c.streams, QUEUES);
	assert_int_equal(c.sent, n);
	assert_int_equal(c.missing, w[0].lost + w[1].lost);
	assert_int_equal(c.duplicated, w[0].doubled + w[1].doubled);
	assert_int_equal(c.reordered, w[0].swapped + w[1].swapped);
	assert_int_equal(c.late, 0);
	for (int q = 0; q < QUEUES; q++) {
		one = probes(dp, q);
		assert_int_equal(one.missing, w[q].lost);
		assert_int_equal(one.duplicated, w[q].doubled);
		assert_int_equal(one.reordered, w[q].swapped);
		sum += one.received;
	}
	assert_int_equal(c.received, sum);
	/* Each of them weighs once, copies do not. */
	assert_int_equal(rtt_count(dp), c.received);
	assert_int_equal(unaccounted(dp), 0);
	assert_int_equal(dp_probes(dp, "rule", QUEUES, &one), -ENOENT);
	assert_int_equal(dp_probes(dp, "unread-port1", -1, &one), -ENOENT);
	free(s);
}

/* The frame as another one would carry it on: with a tag. */
static void
tag(struct rte_mbuf *m)
{
	uint8_t macs[12], *p;

	memcpy(macs, rte_pktmbuf_mtod(m, void *), sizeof(macs));
	assert_non_null(rte_pktmbuf_prepend(m, 4));
	p = rte_pktmbuf_mtod(m, uint8_t *);
	memcpy(p, macs, sizeof(macs));
	memcpy(p + 12, (uint8_t[]){0x81, 0, 0, 5}, 4);
}

static void
probes_that_come_by_another_port_are_told_one_way(void **state)
{
	struct dp *dp = *state;
	struct dp_spec *s = spec_for(PORT_A, PORT_A, DP_SOURCE);
	struct lat_hist *h = malloc(sizeof(*h));
	struct wire w = {.to = PORT_B};
	const uint64_t n = 10000, late = 500;
	struct dp_probe_counts c;
	struct rte_mbuf *m;
	struct vfp_err err;

	assert_non_null(h);
	s->rules[0].opts.source = (struct dp_source_conf){.count = n, .probe = 1, .flows = 3};
	s->n_rules = 2;
	strcpy(s->rules[1].name, "there");
	s->rules[1].from = s->rules[1].to = PORT_B;
	s->rules[1].mode = DP_SINK;
	strcpy(s->rules[1].opts.probes_of, "rule");
	s->ports[PORT_A].nb_rxq = s->ports[PORT_A].nb_txq = 1;
	/* The sink stands before its source too. */
	s->n_lcores = 2;
	s->lcores[0] = (struct dp_spec_lcore){.id = 1, .n_queues = 2,
		.queues = {{PORT_B, 0}, {PORT_B, 1}}};
	s->lcores[1] = (struct dp_spec_lcore){.id = 2, .n_queues = 1, .queues = {{PORT_A, 0}}};
	publish(dp, s);
	start(dp);
	for (uint64_t i = 0; i < n; i++) {
		m = next_frame(PORT_A, 0);
		if (i % 5 == 0)
			tag(m);
		/* A new plan that is as before changes nothing. */
		if (i == n / 2)
			publish(dp, s);
		if (i < late)
			rte_delay_us_block(200);
		carry(&w, i / 3 % QUEUES, m);
	}
	if (w.held != NULL)
		give(PORT_B, 0, w.held);
	assert_int_equal(dp_sources_stop(dp, 5000, 0, &err), 0);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	c = probes(dp, -1);
	assert_int_equal(c.streams, 3);
	assert_int_equal(c.sent, n);
	assert_int_equal(c.missing, w.lost);
	assert_int_equal(c.received, n - w.lost);
	assert_true(w.lost > 50 && w.doubled > 50);
	assert_int_equal(latency_count(dp, "there", LAT_ONEWAY), c.received);
	assert_int_equal(rtt_count(dp), 0);
	/* Each was held for 200 us in the ring behind those before it. */
	assert_int_equal(dp_latency(dp, "there", LAT_ONEWAY, h), 0);
	assert_true(lat_hist_max(h) >= 200 * rte_get_tsc_hz() / 1000000);
	assert_int_equal(dp_latency(dp, "rule", LAT_ONEWAY, h), -ENOENT);
	assert_int_equal(dp_latency(dp, "there", LAT_RTT, h), -ENOENT);
	assert_int_equal(dp_probes(dp, "there", -1, &c), -ENOENT);
	assert_int_equal(dp_latency_clear(dp, "there"), 0);
	assert_int_equal(latency_count(dp, "there", LAT_ONEWAY), 0);
	assert_int_equal(unaccounted(dp), 0);
	free(h);
	free(s);
}

/* Pools of a PF: a source on one of them counts by the pool's queues, not by the card's. */
static void
a_part_of_a_port_has_a_source(void **state)
{
	struct dp *dp = *state;
	struct dp_spec *s = spec_for(PORT_LOOP, PORT_LOOP, DP_SOURCE);
	struct dp_spec_port *part = &s->ports[PORT_LOOP], *rest = &s->ports[s->n_ports++];
	struct dp_probe_counts c;
	const uint64_t n = 1000;
	struct vfp_err err;

	part->nb_rxq = part->nb_txq = 1;
	*rest = *part;
	strcpy(rest->name, "rest");
	part->first_queue = 1;
	s->rules[0].opts.source = (struct dp_source_conf){.count = n, .probe = 1};
	publish(dp, s);
	start(dp);
	for (const uint64_t until = deadline(); probes(dp, -1).received < n; sched_yield())
		assert_true(rte_rdtsc() < until);
	assert_int_equal(dp_sources_stop(dp, 5000, 0, &err), 0);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	c = probes(dp, 0);
	assert_int_equal(c.sent, n);
	assert_int_equal(c.received, n);
	assert_int_equal(c.missing, 0);
	assert_int_equal(unaccounted(dp), 0);
	free(s);
}

static void
a_full_ring_leaves_no_hole_in_the_numbers(void **state)
{
	struct dp *dp = *state;
	struct dp_spec *s = spec_for(PORT_A, PORT_A, DP_SOURCE);
	uint32_t want[QUEUES] = {0};

	s->rules[0].opts.source = (struct dp_source_conf){.flows = 1, .probe = 1};
	publish(dp, s);
	start(dp);
	/* Never more than a few places are free: bursts are cut all the time. */
	for (unsigned int i = 0; i < 20000; i++) {
		const unsigned int q = i % QUEUES;
		struct rte_mbuf *m = next_frame(PORT_A, q);
		uint32_t seq;

		memcpy(&seq, rte_pktmbuf_mtod_offset(m, uint8_t *, HEADERS + 6), 4);
		assert_int_equal(seq, want[q]++);
		rte_pktmbuf_free(m);
	}
	dp_drain(dp, 5000, 0);
	assert_int_equal(totals(dp).generated, 20000 + rte_ring_count(tx_ring[PORT_A][0]) +
							rte_ring_count(tx_ring[PORT_A][1]));
	assert_int_equal(totals(dp).drops[DP_DROP_TX_FULL], 0);
	assert_int_equal(unaccounted(dp), 0);
	free(s);
}

static void
a_new_plan_goes_on_in_the_sequence(void **state)
{
	struct dp *dp = *state;
	struct dp_spec *s = spec_for(PORT_LOOP, PORT_LOOP, DP_SOURCE);
	struct dp_probe_counts c;
	struct vfp_err err;

	s->rules[0].opts.source = (struct dp_source_conf){.flows = 5, .probe = 1, .rate = 2000000};
	publish(dp, s);
	start(dp);
	for (unsigned int i = 0; i < 50; i++) {
		s->burst = 1 + i % 32;
		s->n_lcores = 1 + i % 2;
		s->lcores[1].id = 2;
		publish(dp, s);
		rte_delay_us_block(300);
	}
	/* A paused port keeps its place too. */
	assert_int_equal(dp_port_pause(dp, port_id[PORT_LOOP], true, &err), 0);
	assert_int_equal(dp_port_pause(dp, port_id[PORT_LOOP], false, &err), 0);
	assert_int_equal(dp_sources_stop(dp, 5000, 0, &err), 0);
	c = probes(dp, -1);
	assert_int_equal(totals(dp).generated, c.sent);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	assert_int_equal(totals(dp).generated, c.sent);
	assert_true(c.sent > 1000);
	assert_int_equal(c.received, c.sent);
	assert_int_equal(c.duplicated + c.reordered + c.late, 0);
	assert_int_equal(rtt_count(dp), c.sent);
	/* What is asked for now is another source: its numbers begin again. */
	s->rules[0].opts.source.rate = 1000000;
	publish(dp, s);
	assert_int_equal(probes(dp, -1).sent, 0);
	assert_int_equal(totals(dp).consumed, c.sent);
	free(s);
}

/*
 * sent + behind is what was due. A thread that is held up shows in behind, not in a wrong rate, though
 * only once it runs again: so at no time more is accounted for than was due, and at some time all is,
 * but for what it still makes up for (10 ms, and a burst for each queue).
 */
static void
wait_for_rate(struct dp *dp, uint64_t from, double rate, const char *name)
{
	const uint64_t until = deadline();
	const double slack = rate * 0.011 + 64;
	struct dp_probe_counts c;
	double due, random;

	do {
		c = probes(dp, -1);
		due = rate * (double)(rte_rdtsc() - from) / rte_get_tsc_hz();
		random = 5 * sqrt(due);
		if ((double)(c.sent + c.behind) > due * 1.001 + random + 64)
			fail_msg("%s: %lu sent, %lu behind of %.0f", name, c.sent, c.behind, due);
		if (rte_rdtsc() > until)
			fail_msg("%s: only %lu sent, %lu behind of %.0f", name, c.sent, c.behind, due);
		rte_delay_us_block(500);
	} while (due < rate * 0.2 || (double)(c.sent + c.behind) < due * 0.999 - random - slack);
	assert_true(c.sent > 0);
}

/* sent / ticks is the rate that was offered, whoever was held up. */
static void
it_tells_how_long_it_sent(void **state)
{
	struct dp *dp = *state;
	struct dp_spec *s = spec_for(PORT_LOOP, PORT_LOOP, DP_SOURCE);
	const uint64_t until = deadline(), hz = rte_get_tsc_hz();
	struct dp_probe_counts c;
	uint64_t from, took;

	s->rules[0].opts.source =
		(struct dp_source_conf){.rate = 100000, .count = 10000, .probe = 1};
	publish(dp, s);
	rte_delay_us_sleep(400000);
	from = rte_rdtsc();
	start(dp);
	do {
		c = probes(dp, -1);
		took = rte_rdtsc() - from;
		assert_true(rte_rdtsc() < until);
	} while (c.sent < 10000);
	/* Not before its start, nor after its end: what it was owed at the most may shorten it. */
	rte_delay_us_block(30000);
	c = probes(dp, -1);
	assert_true(c.ticks <= took);
	assert_true(c.ticks >= hz / 100000 * 9900);
	dp_drain(dp, 5000, 0);
	assert_int_equal(probes(dp, -1).ticks, c.ticks);
	free(s);
}

static void
the_rate_is_kept_or_the_shortfall_is_told(void **state)
{
	struct dp *dp = *state;
	struct dp_spec *s = spec_for(PORT_LOOP, PORT_LOOP, DP_SOURCE);
	const double rate = 200000;

	for (enum dp_pattern pattern = 0; pattern < DP_PATTERNS; pattern++) {
		uint64_t from;

		s->rules[0].opts.source = (struct dp_source_conf){
			.rate = (uint64_t)rate, .probe = 1, .pattern = pattern};
		publish(dp, s);
		/* Before the start nothing is owed. */
		rte_delay_us_block(50000);
		from = rte_rdtsc();
		start(dp);
		wait_for_rate(dp, from, rate, dp_pattern_names[pattern]);
		dp_drain(dp, 5000, 0);
	}
	free(s);
}

static struct rte_mbuf *
frame_of(const void *bytes, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	assert_non_null(m);
	memcpy(rte_pktmbuf_mtod(m, void *), bytes, len);
	m->data_len = len;
	m->pkt_len = len;
	return m;
}

static void
echo_answers_and_consumes_the_rest(void **state)
{
	static const uint8_t arp[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 5, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 5, 192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 192, 0,
		2, 1};
	struct dp *dp = *state;
	struct dp_spec *s = spec_for(PORT_A, PORT_A, DP_ECHO);
	struct lat_hist *h = malloc(sizeof(*h));
	uint8_t other[60] = {0};
	struct rte_mbuf *m;

	assert_non_null(h);
	s->rules[0].opts.n_addresses = 1;
	memcpy(s->rules[0].opts.addresses[0].byte, (uint8_t[]){192, 0, 2, 1}, 4);
	publish(dp, s);
	start(dp);
	for (unsigned int i = 0; i < 100; i++) {
		give_back(i % QUEUES, frame_of(other, sizeof(other)));
		give_back(i % QUEUES, frame_of(arp, sizeof(arp)));
		m = next_frame(PORT_A, i % QUEUES);
		assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), arp + 6, 6);
		assert_memory_equal(rte_pktmbuf_mtod_offset(m, uint8_t *, 22), s->ports[PORT_A].mac, 6);
		assert_int_equal(m->pkt_len, 60);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	assert_int_equal(totals(dp).tx, 100);
	assert_int_equal(totals(dp).consumed, 100);
	assert_int_equal(dp_latency(dp, "rule", LAT_RESIDENCE, h), 0);
	assert_int_equal(lat_hist_count(h), 100);
	assert_int_equal(dp_latency(dp, "rule", LAT_RTT, h), -ENOENT);
	assert_int_equal(unaccounted(dp), 0);
	free(h);
	free(s);
}

static void
tags_are_put_on_and_taken_off(void **state)
{
	struct dp *dp = *state;
	struct dp_spec *s = spec_for(PORT_A, PORT_B, DP_MACSWAP);
	struct rte_mbuf *m;
	uint8_t frame[64];

	for (unsigned int i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)i;
	frame[0] = 2;
	s->rules[0].opts.vlan_push = 0x123;
	publish(dp, s);
	start(dp);
	give_back(0, frame_of(frame, sizeof(frame)));
	m = next_frame(PORT_B, 0);
	assert_int_equal(m->pkt_len, sizeof(frame) + 4);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), frame + 6, 6);
	assert_memory_equal(rte_pktmbuf_mtod_offset(m, uint8_t *, 6), frame, 6);
	assert_memory_equal(rte_pktmbuf_mtod_offset(m, uint8_t *, 12),
		((uint8_t[]){0x81, 0, 1, 0x23}), 4);
	assert_memory_equal(rte_pktmbuf_mtod_offset(m, uint8_t *, 16), frame + 12, 52);
	/* And off again, with the addresses swapped back. */
	s->rules[0].opts.vlan_push = 0;
	s->rules[0].opts.vlan_pop = true;
	publish(dp, s);
	give_back(1, m);
	m = next_frame(PORT_B, 1);
	assert_int_equal(m->pkt_len, sizeof(frame));
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), frame, sizeof(frame));
	/* One tag for another. */
	s->rules[0].opts.vlan_push = 7;
	publish(dp, s);
	frame[12] = 0x81;
	frame[13] = 0;
	rte_pktmbuf_free(m);
	give_back(0, frame_of(frame, sizeof(frame)));
	m = next_frame(PORT_B, 0);
	assert_int_equal(m->pkt_len, sizeof(frame));
	assert_memory_equal(rte_pktmbuf_mtod_offset(m, uint8_t *, 12), ((uint8_t[]){0x81, 0, 0, 7}), 4);
	rte_pktmbuf_free(m);
	/* A buffer without room in front. */
	m = frame_of(frame, 64);
	assert_non_null(rte_pktmbuf_prepend(m, rte_pktmbuf_headroom(m)));
	memcpy(rte_pktmbuf_mtod(m, void *), frame, 12);
	rte_pktmbuf_mtod(m, uint8_t *)[12] = 8;
	give_back(0, m);
	assert_int_equal(dp_drain(dp, 5000, 0), 0);
	assert_int_equal(totals(dp).drops[DP_DROP_NO_ROOM], 1);
	assert_int_equal(totals(dp).tx, 3);
	assert_int_equal(unaccounted(dp), 0);
	free(s);
}

static void
packets_go_first(void **state)
{
	struct dp *dp = *state;
	struct dp_spec *s = spec_for(PORT_LOOP, PORT_LOOP, DP_IO);
	const uint64_t until = deadline();
	struct vfp_err err;

	s->burst = 20;
	publish(dp, s);
	assert_int_equal(dp_tx_first(dp, 3, &err), 3 * 20 * QUEUES);
	assert_int_equal(rte_ring_count(rx_ring[PORT_LOOP][1]), 60);
	start(dp);
	assert_int_equal(dp_tx_first(dp, 1, &err), -EBUSY);
	while (totals(dp).rx < 1000)
		assert_true(rte_rdtsc() < until);
	assert_int_equal(dp_drain(dp, 50, 0), 1);
	assert_int_equal(totals(dp).generated, 120);
	assert_int_equal(totals(dp).drops[DP_DROP_STOPPING], 120);
	assert_int_equal(unaccounted(dp), 0);
	free(s);
}

static void
what_a_source_cannot_do_is_told(void **state)
{
	struct dp *dp = *state, *poor;
	struct dp_spec *s = spec_for(PORT_A, PORT_A, DP_SOURCE);
	struct dp_source_conf *c = &s->rules[0].opts.source;
	struct vfp_err err;

	c->n_sizes = 1;
	c->sizes[0] = 63;
	assert_int_equal(try_publish(dp, s, &err), -EINVAL);
	assert_non_null(strstr(err.text, "frames of 63 bytes; allowed are 64 to 9018"));
	c->sizes[0] = 2300;
	assert_int_equal(try_publish(dp, s, &err), -EINVAL);
	assert_non_null(strstr(err.text, "do not fit the buffers"));
	c->sizes[0] = 1600;
	assert_int_equal(try_publish(dp, s, &err), -EINVAL);
	assert_non_null(strstr(err.text, "do not fit port port0, whose MTU is 1500"));
	c->sizes[0] = 1518;
	c->flows = DP_MAX_FLOWS + 1;
	assert_int_equal(try_publish(dp, s, &err), -EINVAL);
	assert_non_null(strstr(err.text, "4097 flows, allowed are 1 to 4096"));
	c->flows = 1;
	assert_int_equal(dp_create(NULL, &poor, &err), 0);
	assert_int_equal(try_publish(poor, s, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no buffers"));
	dp_free(poor);
	free(s);
}

static int
run_all(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_source_makes_what_was_asked_for),
		TEST(probes_tell_exactly_what_the_wire_did),
		TEST(probes_that_come_by_another_port_are_told_one_way),
		TEST(a_part_of_a_port_has_a_source),
		TEST(a_full_ring_leaves_no_hole_in_the_numbers),
		TEST(a_new_plan_goes_on_in_the_sequence),
		TEST(it_tells_how_long_it_sent),
		TEST(the_rate_is_kept_or_the_shortfall_is_told),
		TEST(echo_answers_and_consumes_the_rest),
		TEST(tags_are_put_on_and_taken_off),
		TEST(packets_go_first),
		TEST(what_a_source_cannot_do_is_told),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}

int
main(void)
{
	return rings_main("modes", run_all);
}
