/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle against DPDK's rte_softrss over a million random frames. What each frame is, the test
 * knows because it made it: it does not parse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_thash.h>

#include "rss_oracle.h"
#include "rss_words.h"

#define FRAMES 1000000
#define SPOILT 200000

static uint64_t state = 88172645463325252u;

static uint64_t
rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* A frame and what must become of it. */
struct made {
	uint8_t frame[160];
	size_t len;
	bool v6, fragment;
	uint8_t proto;
	uint8_t tuple[36]; /* addresses, then ports */
};

static void
put16(uint8_t *p, unsigned int v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

static size_t
make_v4(struct made *m, uint8_t *ip)
{
	const unsigned int options = rnd() % 4 == 0 ? rnd() % 11 : 0;
	const size_t header = 20 + 4 * options;

	ip[0] = 0x45 + options;
	put16(ip + 2, header + 24);
	if (m->fragment)
		put16(ip + 6, rnd() % 2 ? 0x2000 : 1 + rnd() % 0x1000);
	else if (rnd() % 2)
		put16(ip + 6, 0x4000);
	ip[9] = m->proto;
	memcpy(ip + 12, m->tuple, 8);
	return header;
}

static size_t
make_v6(struct made *m, uint8_t *ip)
{
	size_t at = 40;

	ip[0] = 0x60;
	put16(ip + 4, 24);
	ip[6] = m->proto;
	memcpy(ip + 8, m->tuple, 32);
	if (rnd() % 8 == 0) { /* a destination option in between */
		ip[at] = ip[6];
		ip[at + 1] = 0;
		ip[6] = 60;
		at += 8;
	}
	if (m->fragment) {
		ip[at] = m->proto;
		put16(ip + at + 2, 1 | rnd() % 64 << 3);
		if (at == 40)
			ip[6] = 44;
		else
			ip[40] = 44;
		at += 8;
	}
	return at;
}

static void
make(struct made *m)
{
	static const uint8_t protos[] = {6, 6, 17, 17, 1, 58, 132};
	size_t at = 12, addresses;

	memset(m, 0, sizeof(*m));
	m->v6 = rnd() % 2;
	m->fragment = rnd() % 8 == 0;
	m->proto = protos[rnd() % sizeof(protos)];
	addresses = m->v6 ? 32 : 8;
	for (size_t i = 0; i < addresses + 4; i++)
		m->tuple[i] = rnd();
	if (rnd() % 2) {
		put16(m->frame + at, 0x8100);
		put16(m->frame + at + 2, rnd() & 0xefff);
		at += 4;
	}
	put16(m->frame + at, m->v6 ? 0x86dd : 0x0800);
	at += 2;
	at += m->v6 ? make_v6(m, m->frame + at) : make_v4(m, m->frame + at);
	memcpy(m->frame + at, m->tuple + addresses, 4);
	m->len = at + 24;
}

/* 0 type when nothing is on that covers it; the tuple's length by reference. */
static enum rss_type
wanted(const struct made *m, uint32_t fields, size_t *len)
{
	const bool ports = !m->fragment && (m->proto == 6 || m->proto == 17);
	const uint32_t own = m->proto == 6 ? (m->v6 ? RSS_F_TCP6 : RSS_F_TCP4)
					   : (m->v6 ? RSS_F_UDP6 : RSS_F_UDP4);

	*len = m->v6 ? 36 : 12;
	if (ports && (fields & own))
		return m->proto == 6 ? (m->v6 ? RSS_T_TCP6 : RSS_T_TCP4)
				     : (m->v6 ? RSS_T_UDP6 : RSS_T_UDP4);
	*len -= 4;
	if (fields & (m->v6 ? RSS_F_IPV6 : RSS_F_IPV4))
		return m->v6 ? RSS_T_IPV6 : RSS_T_IPV4;
	*len = 0;
	return RSS_T_NONE;
}

static uint32_t
softrss(const uint8_t *key, const uint8_t *data, size_t len)
{
	uint32_t words[9];

	for (size_t i = 0; i < len / 4; i++)
		words[i] = (uint32_t)data[4 * i] << 24 | data[4 * i + 1] << 16 |
			   data[4 * i + 2] << 8 | data[4 * i + 3];
	return rte_softrss(words, len / 4, key);
}

static void
check_one(const struct rss_oracle *o, const struct made *m, unsigned int queues)
{
	size_t len;
	const enum rss_type type = wanted(m, o->conf.fields, &len);
	const uint32_t hash = type == RSS_T_NONE ? 0 : softrss(o->conf.key, m->tuple, len);
	const unsigned int queue =
		type == RSS_T_NONE ? 0 : o->conf.reta[hash % 128] % queues;
	struct rss_verdict v;

	rss_oracle_predict(o, queues, m->frame, m->len, &v);
	if (v.type != type || v.hash != hash || v.queue != queue)
		fail_msg("type %u hash %08x queue %u, wanted %u %08x %u", v.type, v.hash, v.queue,
			type, hash, queue);
}

/* Settings change every 10,000 frames: key, fields, table. Half of them by each way of hashing. */
static void
a_million_frames(void **unused)
{
	static struct rss_oracle o;
	struct rss_conf conf;
	uint64_t hashed = 0;

	(void)unused;
	for (unsigned int n = 0; n < FRAMES; n++) {
		const unsigned int queues = 1 << (n % 3);
		struct made m;
		size_t len;

		if (n % 10000 == 0) {
			rss_key_random(n, conf.key);
			conf.fields = n % 20000 ? RSS_F_ALL : (uint32_t)rnd() & RSS_F_ALL;
			for (unsigned int i = 0; i < RSS_RETA_SIZE; i++)
				conf.reta[i] = rnd() % 4;
			rss_oracle_init(&o, &conf);
			o.gfni &= n / 10000 % 4 < 2;
		}
		make(&m);
		check_one(&o, &m, queues);
		hashed += wanted(&m, conf.fields, &len) != RSS_T_NONE;
	}
	assert_true(hashed > FRAMES / 2);
}

/* What headers decide by, broken here and there: now and then a byte, and a frame cut short. */
static void
spoil(struct made *m)
{
	static const uint8_t bytes[] = {12, 13, 14, 16, 17, 18, 20, 21, 22, 23, 24, 25, 27};
	static const uint8_t values[] = {
		0, 1, 6, 8, 17, 19, 20, 0x20, 0x40, 0x45, 0x60, 0x81, 0x86, 0xdd};

	for (unsigned int n = rnd() % 3; n > 0; n--)
		m->frame[bytes[rnd() % sizeof(bytes)]] =
			rnd() % 2 ? values[rnd() % sizeof(values)] : rnd();
	if (rnd() % 4 == 0)
		m->len = rnd() % (m->len + 1);
	else if (m->len < 60)
		m->len = 60;
}

/* The oracle's short way through the headers against the reference's long one. */
static void
shortcuts_change_nothing(void **unused)
{
	static struct rss_oracle o;
	struct rss_conf conf;
	unsigned int types[9] = {0};

	(void)unused;
	rss_conf_default(&conf, 4);
	for (unsigned int n = 0; n < SPOILT; n++) {
		struct rss_verdict want, got;
		struct rss_tuple t;
		struct made m;
		uint8_t *frame;

		if (n % 1000 == 0) {
			conf.fields = n % 2000 ? RSS_F_ALL : (uint32_t)rnd() & RSS_F_ALL;
			rss_oracle_init(&o, &conf);
		}
		make(&m);
		spoil(&m);
		frame = malloc(m.len + !m.len); /* no byte more: the sanitizer sees who reads on */
		assert_non_null(frame);
		memcpy(frame, m.frame, m.len);
		rss_predict(&conf, 4, frame, m.len, &want);
		rss_oracle_predict(&o, 4, frame, m.len, &got);
		rss_tuple(conf.fields, frame, m.len, &t);
		if (got.type != want.type || got.note != want.note || got.hash != want.hash ||
			got.index != want.index || got.queue != want.queue)
			fail_msg("type %u note %u hash %08x queue %u, wanted %u %u %08x %u",
				got.type, got.note, got.hash, got.queue, want.type, want.note,
				want.hash, want.queue);
		assert_int_equal(t.type, want.type);
		assert_int_equal(t.note, want.note);
		assert_int_equal(rss_toeplitz(conf.key, t.bytes, t.len), want.hash);
		types[want.type]++;
		free(frame);
	}
	for (unsigned int i = 0; i < 9; i++) /* 4 and 6 are nothing here */
		assert_true(i == 4 || i == 6 || types[i] > SPOILT / 100);
}

/* Both ways of hashing and the bitwise one agree on every length. */
static void
ways_agree(void **unused)
{
	static struct rss_oracle o;
	struct rss_conf conf;
	uint8_t data[33][RSS_INPUT_MAX];
	const uint8_t *each[33];

	(void)unused;
	rss_conf_default(&conf, 4);
	for (unsigned int i = 0; i < 33; i++) {
		each[i] = data[i];
		for (unsigned int k = 0; k < RSS_INPUT_MAX; k++)
			data[i][k] = rnd();
	}
	for (int key = 0; key < 20; key++) {
		rss_key_random(key, conf.key);
		rss_oracle_init(&o, &conf);
		for (int way = 0; way < 2; way++, o.gfni = false)
			for (size_t len = 1; len <= RSS_INPUT_MAX; len++) {
				uint32_t hash[33];

				rss_oracle_bulk(&o, each, len, hash, 33);
				for (unsigned int i = 0; i < 33; i++) {
					const uint32_t want =
						rss_toeplitz(conf.key, data[i], len);

					assert_int_equal(hash[i], want);
					assert_int_equal(
						rss_oracle_hash(&o, data[i], len), want);
				}
			}
	}
}

static void
notes_say_what_is_left_out(void **unused)
{
	static const uint8_t arp[60] = {[12] = 0x08, 0x06};
	struct rss_tuple t;
	struct made m;
	bool seen[RSS_NOTES] = {false};

	(void)unused;
	for (int i = 0; i < 2000; i++) {
		make(&m);
		rss_tuple(i % 2 ? RSS_F_ALL : RSS_F_IPV4 | RSS_F_TCP4, m.frame, m.len, &t);
		seen[t.note] = true;
		if (t.note == RSS_N_FRAGMENT)
			assert_true(m.fragment);
		if (t.note == RSS_N_FULL)
			assert_true(m.proto == 6 || m.proto == 17);
		if (t.note == RSS_N_PORTS_OFF)
			assert_int_equal(m.proto, 17);
	}
	rss_tuple(RSS_F_ALL, arp, sizeof(arp), &t);
	assert_int_equal(t.note, RSS_N_NOT_IP);
	assert_int_equal(t.len, 0);
	for (int n = RSS_N_FULL; n <= RSS_N_FIELD_OFF; n++)
		assert_true(seen[n]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ways_agree),
		cmocka_unit_test(notes_say_what_is_left_out),
		cmocka_unit_test(shortcuts_change_nothing),
		cmocka_unit_test(a_million_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
