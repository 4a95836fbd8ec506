/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys, fields, tables and flows as people write them, and the searches for a port and a key. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rss_flow.h"
#include "rss_words.h"

static struct vfp_err err;
static struct rss_oracle o;

static void
says(int got, int code, const char *text)
{
	if (got != code || !strstr(err.text, text))
		fail_msg("%d \"%s\", wanted %d \"%s\"", got, err.text, code, text);
}

static void
keys_by_name(void **state)
{
	uint8_t key[RSS_KEY_LEN], other[RSS_KEY_LEN];
	char text[RSS_KEY_TEXT];

	(void)state;
	assert_int_equal(rss_key_named("default", 0, key, &err), 0);
	assert_string_equal(rss_key_kind(key), "default");
	assert_int_equal(rss_key_named("symmetric", 0, key, &err), 0);
	assert_string_equal(rss_key_kind(key), "symmetric");
	assert_int_equal(rss_key_named("random", 1, key, &err), 0);
	assert_int_equal(rss_key_named("random", 2, other, &err), 0);
	assert_memory_not_equal(key, other, RSS_KEY_LEN);
	assert_string_equal(rss_key_kind(key), "given");
	rss_key_text(key, text);
	assert_int_equal(rss_key_named(text, 0, other, &err), 0);
	assert_memory_equal(key, other, RSS_KEY_LEN);
	text[79] = '\0';
	says(rss_key_named(text, 0, other, &err), -EINVAL, "79 characters");
	says(rss_key_named("", 0, other, &err), -EINVAL, "80 hex digits");
	says(rss_key_named("Random", 0, other, &err), -EINVAL, "default, symmetric, random");
	assert_memory_equal(key, other, RSS_KEY_LEN);
}

static void
symmetric_is_symmetric(void **state)
{
	struct rss_conf conf;
	struct rss_flow f, back;
	struct rss_verdict a, b;

	(void)state;
	rss_conf_default(&conf, 4);
	assert_int_equal(rss_key_named("symmetric", 0, conf.key, &err), 0);
	rss_oracle_init(&o, &conf);
	for (unsigned int i = 0; i < 200; i++) {
		f = (struct rss_flow){.v6 = i % 2, .proto = i % 3 ? 6 : 17,
			.sport = i * 77, .dport = 1000 + i * 3};
		for (unsigned int k = 0; k < 16; k++) {
			f.src[k] = i * 7 + k;
			f.dst[k] = i * 13 + 5 * k;
		}
		back = f;
		memcpy(back.src, f.dst, 16);
		memcpy(back.dst, f.src, 16);
		back.sport = f.dport;
		back.dport = f.sport;
		rss_flow_predict(&o, 4, &f, &a);
		rss_flow_predict(&o, 4, &back, &b);
		assert_int_equal(a.hash, b.hash);
		assert_int_not_equal(a.type, RSS_T_NONE);
	}
}

static void
fields_as_words(void **state)
{
	char text[RSS_FIELDS_TEXT];
	uint32_t f = 0;

	(void)state;
	assert_string_equal(rss_fields_text(f, text), "none");
	assert_int_equal(rss_field_add("tcp6", &f), 0);
	assert_int_equal(rss_field_add("ipv4", &f), 0);
	assert_string_equal(rss_fields_text(f, text), "ipv4 tcp6");
	assert_int_equal(rss_field_add("sctp", &f), -EINVAL);
	assert_int_equal(rss_field_add("all", &f), 0);
	assert_string_equal(rss_fields_text(f, text), "ipv4 tcp4 udp4 ipv6 tcp6 udp6");
}

static void
shares(const char *text, unsigned int queues, unsigned int a, unsigned int b, unsigned int c)
{
	uint8_t reta[RSS_RETA_SIZE];
	unsigned int n[4];

	assert_int_equal(rss_reta_parse(text, queues, reta, RSS_RETA_SIZE, &err), 0);
	rss_reta_shares(reta, RSS_RETA_SIZE, 4, n);
	assert_int_equal(n[0], a);
	assert_int_equal(n[1], b);
	assert_int_equal(n[2], c);
}

static void
tables(void **state)
{
	uint8_t reta[RSS_RETA_SIZE], was[RSS_RETA_SIZE];

	(void)state;
	shares("even", 4, 32, 32, 32);
	shares("even", 2, 64, 64, 0);
	shares("weighted 3:1", 2, 96, 32, 0);
	shares("weighted 1:0:1", 4, 64, 0, 64);
	shares("list 0,1,1,2", 4, 32, 64, 32);
	shares("list 1", 2, 0, 128, 0);
	/* scattered: no stretch of 8 entries without queue 1 */
	assert_int_equal(rss_reta_parse("weighted 3:1", 2, reta, RSS_RETA_SIZE, &err), 0);
	for (unsigned int i = 0; i + 8 <= RSS_RETA_SIZE; i++)
		assert_non_null(memchr(reta + i, 1, 8));
	memcpy(was, reta, sizeof(was));
	says(rss_reta_parse("list 0,1,2", 2, reta, 128, &err), -ERANGE,
		"entry 2 names queue 2, but there are only 2 (0 to 1)");
	says(rss_reta_parse("weighted 1:1:1", 2, reta, 128, &err), -ERANGE, "at most 2 queues");
	says(rss_reta_parse("weighted 0:0", 2, reta, 128, &err), -EINVAL, "not all 0");
	says(rss_reta_parse("weighted a", 2, reta, 128, &err), -EINVAL, "3:1");
	says(rss_reta_parse("list 0;1", 2, reta, 128, &err), -EINVAL, "list 0,1,1,3");
	says(rss_reta_parse("list 0,", 2, reta, 128, &err), -EINVAL, "list 0,1,1,3");
	says(rss_reta_parse("odd", 2, reta, 128, &err), -EINVAL, "even");
	says(rss_reta_parse("list 0,1,0,1,0", 2, reta, 4, &err), -ERANGE, "4 entries");
	assert_memory_equal(was, reta, sizeof(was));
	assert_true(rss_reta_wellformed("list 0,15"));
	assert_false(rss_reta_wellformed("list"));
}

static void
pairs_as_testpmd_writes_them(void **state)
{
	uint8_t reta[RSS_RETA_SIZE], was[RSS_RETA_SIZE];

	(void)state;
	rss_reta_fill(reta, 4);
	assert_int_equal(rss_reta_pairs("(0,3),(127,0)", 4, reta, &err), 2);
	assert_int_equal(reta[0], 3);
	assert_int_equal(reta[127], 0);
	assert_int_equal(reta[1], 1);
	memcpy(was, reta, sizeof(was));
	says(rss_reta_pairs("(1,2),(2,4)", 4, reta, &err), -ERANGE, "there is no queue 4");
	says(rss_reta_pairs("(128,0)", 4, reta, &err), -ERANGE, "0 to 127");
	says(rss_reta_pairs("(1,2)(2,1)", 4, reta, &err), -EINVAL, "commas");
	says(rss_reta_pairs("1,2", 4, reta, &err), -EINVAL, "pairs");
	says(rss_reta_pairs("(1,2),", 4, reta, &err), -EINVAL, "pairs");
	assert_memory_equal(was, reta, sizeof(was));
}

static void
flow(const char *proto, const char *src, const char *dst, int code, const char *text)
{
	struct rss_flow f;

	err.text[0] = '\0';
	says(rss_flow_parse(proto, src, dst, &f, &err), code, text);
}

static void
flows_as_words(void **state)
{
	struct rss_flow f;
	char text[RSS_FLOW_TEXT];

	(void)state;
	assert_int_equal(rss_flow_parse("tcp", "10.0.0.3:40000", "10.0.0.4:443", &f, &err), 0);
	assert_string_equal(rss_flow_text(&f, text), "tcp 10.0.0.3:40000 > 10.0.0.4:443");
	assert_int_equal(rss_flow_parse("udp", "[2001:db8::3]:53", "[::1]:9", &f, &err), 0);
	assert_string_equal(rss_flow_text(&f, text), "udp [2001:db8::3]:53 > [::1]:9");
	assert_int_equal(rss_flow_parse("ip", "fe80::1", "fe80::2", &f, &err), 0);
	assert_string_equal(rss_flow_text(&f, text), "ip fe80::1 > fe80::2");
	assert_int_equal(rss_flow_parse("ip", "1.2.3.4", "4.3.2.1", &f, &err), 0);
	flow("sctp", "1.2.3.4:1", "1.2.3.4:1", -EINVAL, "tcp, udp");
	flow("tcp", "1.2.3.4", "1.2.3.4:1", -EINVAL, "a port is missing");
	flow("tcp", "1.2.3.4:1", "1.2.3:1", -EINVAL, "no IP address");
	flow("tcp", "1.2.3.4:70000", "1.2.3.4:1", -ERANGE, "65535");
	flow("tcp", "1.2.3.4:1", "[::1]:1", -EINVAL, "the other IPv6");
	flow("tcp", "2001:db8::3:40000", "[::1]:1", -EINVAL, "brackets");
}

/* Microsoft's first vector, asked as a flow. */
static void
a_flow_is_predicted_like_its_frame(void **state)
{
	struct rss_conf conf;
	struct rss_flow f;
	struct rss_verdict v;
	struct rss_tuple t;
	char text[RSS_FLOW_TEXT];

	(void)state;
	rss_conf_default(&conf, 4);
	rss_oracle_init(&o, &conf);
	assert_int_equal(rss_flow_parse("tcp", "66.9.149.187:2794", "161.142.100.80:1766", &f, &err),
		0);
	rss_flow_predict(&o, 4, &f, &v);
	assert_int_equal(v.hash, 0x51ccc178);
	assert_int_equal(v.queue, 0x78 % 4);
	rss_flow_tuple(&f, RSS_F_ALL, &t);
	assert_string_equal(rss_tuple_text(&t, text), "tcp 66.9.149.187:2794 > 161.142.100.80:1766");
	assert_int_equal(rss_flow_parse("udp", "[3ffe:2501:200:1fff::7]:2794",
		"[3ffe:2501:200:3::1]:1766", &f, &err), 0);
	rss_flow_predict(&o, 4, &f, &v);
	assert_int_equal(v.hash, 0x40207d3d);
}

static void
finds_ports_and_keys(void **state)
{
	struct rss_conf conf;
	struct rss_flow f[3];
	struct rss_verdict v;
	uint16_t ports[5];
	const unsigned int want[3] = {3, 3, 1};
	uint8_t key[RSS_KEY_LEN];

	(void)state;
	rss_conf_default(&conf, 4);
	rss_oracle_init(&o, &conf);
	for (unsigned int i = 0; i < 3; i++) {
		f[i] = (struct rss_flow){.proto = 6, .src = {10, 0, 0, i}, .dst = {10, 0, 1, 9},
			.sport = 65530, .dport = 443};
	}
	for (unsigned int q = 0; q < 4; q++) {
		assert_int_equal(rss_find_ports(&o, 4, &f[0], q, ports, 5), 5);
		for (unsigned int i = 0; i < 5; i++) {
			struct rss_flow g = f[0];

			g.sport = ports[i];
			rss_flow_predict(&o, 4, &g, &v);
			assert_int_equal(v.queue, q);
		}
	}
	assert_int_equal(rss_find_key(&conf, 4, f, want, 3, 7, key), 0);
	memcpy(conf.key, key, sizeof(key));
	rss_oracle_init(&o, &conf);
	for (unsigned int i = 0; i < 3; i++) {
		rss_flow_predict(&o, 4, &f[i], &v);
		assert_int_equal(v.queue, want[i]);
	}
	/* no port helps where ports are not hashed, no key where no entry leads */
	conf.fields = RSS_F_IPV4;
	rss_oracle_init(&o, &conf);
	assert_int_equal(rss_find_ports(&o, 4, &f[0], 1, ports, 5), 0);
	memset(conf.reta, 1, sizeof(conf.reta));
	assert_int_equal(rss_find_key(&conf, 4, f, want, 1, 7, key), -EINVAL);
}

static void
counts_flows(void **state)
{
	struct rss_flows *all = rss_flows_new(100);
	struct rss_flow_count top[3];
	struct rss_tuple t = {.type = RSS_T_IPV4, .len = 8};

	(void)state;
	for (unsigned int i = 1; i <= 100; i++) {
		t.bytes[3] = i;
		assert_int_equal(rss_flows_add(all, 0, &t, i == 40 ? 1000 : i), 0);
		assert_int_equal(rss_flows_add(all, 0, &t, 1), 0);
	}
	t.bytes[3] = 200;
	assert_int_equal(rss_flows_add(all, 0, &t, 1), -ENOMEM);
	t.bytes[3] = 7;
	assert_int_equal(rss_flows_add(all, 1, &t, 1), -ENOMEM); /* another pool's is another flow */
	assert_int_equal(rss_flows_count(all), 100);
	assert_int_equal(rss_flows_top(all, top, 3), 3);
	assert_int_equal(top[0].packets, 1001);
	assert_int_equal(top[1].packets, 101);
	assert_int_equal(top[2].packets, 100);
	assert_int_equal(top[0].tuple.bytes[3], 40);
	rss_flows_free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_by_name),
		cmocka_unit_test(symmetric_is_symmetric),
		cmocka_unit_test(fields_as_words),
		cmocka_unit_test(tables),
		cmocka_unit_test(pairs_as_testpmd_writes_them),
		cmocka_unit_test(flows_as_words),
		cmocka_unit_test(a_flow_is_predicted_like_its_frame),
		cmocka_unit_test(finds_ports_and_keys),
		cmocka_unit_test(counts_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
