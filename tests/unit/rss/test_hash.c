/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hash against Microsoft's published vectors ("Verifying the RSS hash calculation"), which give
 * destination and source the other way round than they stand on the wire; and the frame parser.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <rte_thash.h>

#include "rss_hash.h"

struct vector {
	const char *dst;
	uint16_t dport;
	const char *src;
	uint16_t sport;
	uint32_t addresses; /* hash over the addresses */
	uint32_t ports;     /* hash over addresses and TCP ports */
};

static const struct vector v4[] = {
	{"161.142.100.80", 1766, "66.9.149.187", 2794, 0x323e8fc2, 0x51ccc178},
	{"65.69.140.83", 4739, "199.92.111.2", 14230, 0xd718262a, 0xc626b0ea},
	{"12.22.207.184", 38024, "24.19.198.95", 12898, 0xd2d0a5de, 0x5c2b394a},
	{"209.142.163.6", 2217, "38.27.205.30", 48228, 0x82989176, 0xafc7327f},
	{"202.188.127.2", 1303, "153.39.163.191", 44251, 0x5d1809c5, 0x10e828a2},
};

static const struct vector v6[] = {
	{"3ffe:2501:200:3::1", 1766, "3ffe:2501:200:1fff::7", 2794, 0x2cc18cd5, 0x40207d3d},
	{"ff02::1", 4739, "3ffe:501:8::260:97ff:fe40:efab", 14230, 0x0f0c461c, 0xdde51bbf},
	{"fe80::200:f8ff:fe21:67cf", 38024, "3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251,
		0x4b61e985, 0x02d1feef},
};

static uint8_t frame[128];

/* Build Ethernet, perhaps a tag, an IP header and ports; return the length. */
static size_t
build(const struct vector *v, bool six, uint8_t proto, bool tagged)
{
	size_t at = 12;

	memset(frame, 0, sizeof(frame));
	if (tagged) {
		memcpy(frame + at, "\x81\x00\x00\x64", 4);
		at += 4;
	}
	memcpy(frame + at, six ? "\x86\xdd" : "\x08\x00", 2);
	at += 2;
	if (six) {
		frame[at] = 0x60;
		frame[at + 6] = proto;
		inet_pton(AF_INET6, v->src, frame + at + 8);
		inet_pton(AF_INET6, v->dst, frame + at + 24);
		at += 40;
	} else {
		frame[at] = 0x45;
		frame[at + 3] = 40; /* header and what follows */
		frame[at + 9] = proto;
		inet_pton(AF_INET, v->src, frame + at + 12);
		inet_pton(AF_INET, v->dst, frame + at + 16);
		at += 20;
	}
	frame[at] = v->sport >> 8;
	frame[at + 1] = v->sport & 0xff;
	frame[at + 2] = v->dport >> 8;
	frame[at + 3] = v->dport & 0xff;
	return at + 20;
}

static void
check(size_t len, uint32_t fields, enum rss_type type, uint32_t hash)
{
	struct rss_conf conf;
	uint32_t got;

	rss_conf_default(&conf, 4);
	conf.fields = fields;
	assert_int_equal(rss_hash_frame(&conf, frame, len, &got), type);
	assert_int_equal(got, hash);
}

static void
microsoft_ipv4(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(v4) / sizeof(v4[0]); i++) {
		check(build(&v4[i], false, 1, false), RSS_F_ALL, RSS_T_IPV4, v4[i].addresses);
		check(build(&v4[i], false, 6, false), RSS_F_ALL, RSS_T_TCP4, v4[i].ports);
		check(build(&v4[i], false, 17, false), RSS_F_ALL, RSS_T_UDP4, v4[i].ports);
	}
}

static void
microsoft_ipv6(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(v6) / sizeof(v6[0]); i++) {
		check(build(&v6[i], true, 58, false), RSS_F_ALL, RSS_T_IPV6, v6[i].addresses);
		check(build(&v6[i], true, 6, false), RSS_F_ALL, RSS_T_TCP6, v6[i].ports);
		check(build(&v6[i], true, 17, false), RSS_F_ALL, RSS_T_UDP6, v6[i].ports);
	}
}

static void
looks_behind_a_vlan_tag(void **state)
{
	(void)state;
	check(build(&v4[0], false, 6, true), RSS_F_ALL, RSS_T_TCP4, v4[0].ports);
	check(build(&v6[0], true, 17, true), RSS_F_ALL, RSS_T_UDP6, v6[0].ports);
}

static void
fragments_hash_as_plain_ip(void **state)
{
	size_t len = build(&v4[0], false, 17, false);

	(void)state;
	frame[14 + 6] = 0x20; /* first piece: more follow */
	check(len, RSS_F_ALL, RSS_T_IPV4, v4[0].addresses);
	frame[14 + 6] = 0x00;
	frame[14 + 7] = 0x10; /* a later piece */
	check(len, RSS_F_ALL, RSS_T_IPV4, v4[0].addresses);
	frame[14 + 7] = 0;
	frame[14 + 6] = 0x40; /* don't fragment is no fragment */
	check(len, RSS_F_ALL, RSS_T_UDP4, v4[0].ports);
	len = build(&v6[0], true, 44, false);
	check(len, RSS_F_ALL, RSS_T_IPV6, v6[0].addresses);
}

static void
only_enabled_fields_count(void **state)
{
	size_t len = build(&v4[0], false, 6, false);

	(void)state;
	check(len, RSS_F_IPV4, RSS_T_IPV4, v4[0].addresses);
	check(len, RSS_F_TCP6 | RSS_F_IPV6, RSS_T_NONE, 0);
	check(len, RSS_F_TCP4, RSS_T_TCP4, v4[0].ports);
	check(build(&v4[0], false, 17, false), RSS_F_TCP4, RSS_T_NONE, 0);
	check(build(&v6[0], true, 17, false), RSS_F_IPV6, RSS_T_IPV6, v6[0].addresses);
}

static void
ip_options_move_the_ports(void **state)
{
	size_t len = build(&v4[1], false, 6, false);

	(void)state;
	memmove(frame + 14 + 24, frame + 14 + 20, 20);
	memset(frame + 14 + 20, 1, 4);
	frame[14] = 0x46;
	check(len + 4, RSS_F_ALL, RSS_T_TCP4, v4[1].ports);
}

/* A destination option of 8 or 16 bytes between the header and TCP. */
static void
ipv6_extensions_move_the_ports(void **state)
{
	(void)state;
	for (size_t more = 0; more < 2; more++) {
		const size_t size = 8 + 8 * more, len = build(&v6[0], true, 60, false);
		uint8_t *const ext = frame + 14 + 40;

		memmove(ext + size, ext, 20);
		memset(ext, 0, size);
		ext[0] = 6;
		ext[1] = more;
		check(len + size, RSS_F_ALL, RSS_T_TCP6, v6[0].ports);
		ext[1] = 200; /* beyond the frame */
		check(len + size, RSS_F_ALL, RSS_T_IPV6, v6[0].addresses);
	}
}

static void
anything_else_has_no_hash(void **state)
{
	size_t len = build(&v4[0], false, 6, false);

	(void)state;
	frame[12] = 0x08;
	frame[13] = 0x06; /* ARP */
	check(len, RSS_F_ALL, RSS_T_NONE, 0);
	build(&v4[0], false, 6, false);
	for (size_t cut = 0; cut < 14 + 20; cut++)
		check(cut, RSS_F_ALL, RSS_T_NONE, 0);
	build(&v6[0], true, 6, true);
	for (size_t cut = 0; cut < 18 + 40; cut++)
		check(cut, RSS_F_ALL, RSS_T_NONE, 0);
	build(&v4[0], false, 6, false);
	frame[14] = 0x44; /* a header shorter than IPv4's */
	check(len, RSS_F_ALL, RSS_T_NONE, 0);
	build(&v4[0], false, 6, false);
	frame[14 + 3] = 19; /* a packet shorter than its header */
	check(len, RSS_F_ALL, RSS_T_NONE, 0);
	/* a TCP header that is not all there has no ports to the card */
	build(&v4[0], false, 6, false);
	check(len - 1, RSS_F_ALL, RSS_T_IPV4, v4[0].addresses);
}

static void
agrees_with_rte_thash(void **state)
{
	uint8_t data[36];
	uint32_t words[9], x = 12345;

	(void)state;
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof(data); i++) {
			x = x * 1103515245 + 12345;
			data[i] = x >> 16;
		}
		for (size_t i = 0; i < 9; i++)
			words[i] = (uint32_t)data[4 * i] << 24 | data[4 * i + 1] << 16 |
				   data[4 * i + 2] << 8 | data[4 * i + 3];
		assert_int_equal(rss_toeplitz(rss_key_default, data, 36),
			rte_softrss(words, 9, rss_key_default));
		assert_int_equal(rss_toeplitz(rss_key_default, data, 12),
			rte_softrss(words, 3, rss_key_default));
	}
}

static void
predicts_the_queue(void **state)
{
	struct rss_conf conf;
	struct rss_verdict v;
	size_t len = build(&v4[0], false, 6, false);

	(void)state;
	rss_conf_default(&conf, 4);
	rss_predict(&conf, 4, frame, len, &v);
	assert_int_equal(v.hash, 0x51ccc178);
	assert_int_equal(v.index, 0x78);
	assert_int_equal(v.queue, 0x78 % 4);
	conf.reta[0x78] = 3;
	rss_predict(&conf, 4, frame, len, &v);
	assert_int_equal(v.queue, 3);
	rss_predict(&conf, 2, frame, len, &v);
	assert_int_equal(v.queue, 1);
	rss_predict(&conf, 1, frame, len, &v);
	assert_int_equal(v.queue, 0);
	conf.reta[0] = 1; /* without a hash the table does not count */
	rss_predict(&conf, 2, frame, 10, &v);
	assert_int_equal(v.type, RSS_T_NONE);
	assert_int_equal(v.queue, 0);
}

static void
parses_keys(void **state)
{
	char text[3 * RSS_KEY_LEN + 1] = "";
	uint8_t key[RSS_KEY_LEN];

	(void)state;
	for (size_t i = 0; i < RSS_KEY_LEN; i++)
		snprintf(text + 2 * i, 3, "%02X", rss_key_default[i]);
	assert_int_equal(rss_key_parse(text, key), 0);
	assert_memory_equal(key, rss_key_default, RSS_KEY_LEN);
	text[79] = '\0';
	assert_int_equal(rss_key_parse(text, key), -EINVAL);
	assert_int_equal(rss_key_parse("zz", key), -EINVAL);
	assert_int_equal(rss_key_parse("", key), -EINVAL);
	for (size_t i = 0; i < RSS_KEY_LEN; i++)
		snprintf(text + 3 * i - !!i, 4, i ? ":%02x" : "%02x", (unsigned int)i);
	assert_int_equal(rss_key_parse(text, key), 0);
	assert_int_equal(key[39], 39);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(microsoft_ipv4),
		cmocka_unit_test(microsoft_ipv6),
		cmocka_unit_test(looks_behind_a_vlan_tag),
		cmocka_unit_test(fragments_hash_as_plain_ip),
		cmocka_unit_test(only_enabled_fields_count),
		cmocka_unit_test(ip_options_move_the_ports),
		cmocka_unit_test(ipv6_extensions_move_the_ports),
		cmocka_unit_test(anything_else_has_no_hash),
		cmocka_unit_test(agrees_with_rte_thash),
		cmocka_unit_test(predicts_the_queue),
		cmocka_unit_test(parses_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
