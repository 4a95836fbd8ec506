/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration: what is read, and that every mistake is an error with its line. The loops
 * walk over the example files, so an option added there is covered at once.
 */
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"

static struct config c;
static char err[CFG_ERR_LEN];

static const char *const examples[] = {"ping-pong", "tenant", "vdev", "unowned",
	"modes", "policy", "pools", "rss"};

#define N_EXAMPLES (sizeof(examples) / sizeof(examples[0]))

static char *
slurp(const char *name)
{
	char path[512], *text;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), CONFIG_DIR "/%s.conf", name);
	f = fopen(path, "r");
	assert_non_null(f);
	text = calloc(1, 16384);
	n = fread(text, 1, 16383, f);
	assert_true(n > 0);
	fclose(f);
	return text;
}

static void
refuse(const char *text, const char *where, const char *says)
{
	int ret = config_parse("t", text, &c, err);

	if (ret != -EINVAL || strncmp(err, where, strlen(where)) != 0 || !strstr(err, says))
		fail_msg("%s\n-> %d \"%s\", wanted \"%s … %s\"", text, ret, err, where, says);
}

static void
reads_the_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_EXAMPLES; i++) {
		char *text = slurp(examples[i]);

		if (config_parse(examples[i], text, &c, err) != 0)
			fail_msg("%s", err);
		free(text);
	}
}

static void
reads_every_option(void **state)
{
	const uint8_t mac[6] = {2, 9, 0xc0, 0, 0, 0}, peer[6] = {2, 9, 0xc0, 0xff, 0, 1};
	char *text = slurp("ping-pong");

	(void)state;
	assert_int_equal(config_parse("f", text, &c, err), 0);
	assert_int_equal(c.n_pf, 1);
	assert_string_equal(c.pf[0].pci, "0000:03:00.1");
	assert_int_equal(c.pf[0].queues_per_pool, 2);
	assert_int_equal(c.n_vf, 2);
	assert_memory_equal(c.vf[0].mac, mac, 6);
	assert_memory_equal(c.vf[1].peer_mac, peer, 6);
	assert_int_equal(c.vf[0].n_vlans, 1);
	assert_int_equal(c.vf[0].vlans[0], 100);
	assert_string_equal(c.vf[1].name, "vf1");
	assert_string_equal(c.forward[0].name, "ping-pong");
	assert_int_equal(c.forward[0].mode, CFG_MAC);
	assert_true(c.forward[0].both);
	free(text);
	text = slurp("tenant");
	assert_int_equal(config_parse("f", text, &c, err), 0);
	assert_int_equal(config_vf(&c, 0, 1)->owner, CFG_OWNER_TENANT);
	assert_string_equal(config_vf(&c, 0, 0)->peer, "vf1");
	assert_int_equal(c.lcore[0].id, 1);
	assert_string_equal(c.lcore[0].queues[1].port, "vf0");
	assert_int_equal(c.lcore[0].queues[1].queue, 1);
	assert_int_equal(c.forward[0].mode, CFG_MACSWAP);
	assert_null(config_vf(&c, 0, 7));
	assert_null(config_port(&c, "vf0"));
	assert_int_equal(config_vf_count(&c, 0), 2);
	free(text);
}

static void
reads_modes_ports_and_the_data_path(void **state)
{
	const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
	const struct dp_source_conf *src;
	const struct cfg_port *port;
	char *text = slurp("modes");

	(void)state;
	assert_int_equal(config_parse("f", text, &c, err), 0);
	assert_int_equal(c.n_forward, 5);
	assert_string_equal(c.forward[4].opts.probes_of, "probes");
	assert_int_equal(c.forward[0].mode, CFG_ECHO);
	assert_int_equal(c.forward[0].opts.n_addresses, 2);
	assert_true(c.forward[0].opts.addresses[1].v6);
	assert_memory_equal(c.forward[0].opts.addresses[1].byte, v6, 16);
	src = &c.forward[1].opts.source;
	assert_int_equal(src->rate, 10000);
	assert_int_equal(src->count, 5000);
	assert_int_equal(src->pattern, DP_POISSON);
	assert_int_equal(src->n_sizes, 3);
	assert_int_equal(src->sizes[2], 1518);
	assert_int_equal(src->flows, 16);
	assert_int_equal(src->ip_from, 0xc6120001);
	assert_int_equal(src->ip_to, 0xc6130001);
	assert_int_equal(src->probe, 1);
	assert_true(c.forward[1].opts.has_peer);
	assert_int_equal(c.forward[2].opts.vlan_push, 100);
	assert_true(c.forward[3].opts.vlan_pop);
	assert_int_equal(c.datapath.burst, 16);
	assert_true(c.datapath.has_tx_retries);
	assert_int_equal(c.datapath.tx_retries, 8);
	assert_true(c.datapath.has_grain);
	assert_int_equal(c.datapath.grain, 1000);
	assert_false(c.datapath.no_latency);
	assert_int_equal(c.datapath.idle, DP_PAUSE);
	assert_int_equal(c.datapath.mbufs, 16384);
	assert_int_equal(c.datapath.mbuf_size, 2048);
	assert_int_equal(c.datapath.mbuf_cache, 128);
	port = config_port(&c, "net_null0");
	assert_non_null(port);
	assert_int_equal(port->queues, 2);
	assert_int_equal(port->rx_ring, 1024);
	assert_int_equal(port->tx_ring, 512);
	assert_int_equal(port->rx_free_thresh, 32);
	assert_int_equal(port->tx_free_thresh, 32);
	assert_int_equal(port->mtu, 1500);
	free(text);
	assert_int_equal(config_parse("f",
				 "forward a { from = x to = {y, z} mode = io }\n"
				 "forward b { from = w mode = source sizes = imix }",
				 &c, err),
		0);
	assert_string_equal(c.forward[0].to, "y");
	assert_int_equal(c.forward[0].n_more, 1);
	assert_string_equal(c.forward[0].more[0], "z");
	assert_int_equal(c.forward[1].opts.source.n_sizes, 12);
}

/* Find the option words of a text: an identifier followed by "=". Comments are skipped. */
static char *
next_option(char *from)
{
	for (char *p = from; *p; p++) {
		char *e = p;

		if (*p == '#' || (p[0] == '/' && p[1] == '/')) {
			p = strchr(p, '\n');
			if (!p)
				return NULL;
			continue;
		}
		if (p[0] == '/' && p[1] == '*') {
			p = strstr(p, "*/") + 1;
			continue;
		}
		while (isalnum((unsigned char)*e) || *e == '_' || *e == '-')
			e++;
		if (e > p) {
			char *eq = e + strspn(e, " \t");

			if (*eq == '=')
				return p;
			p = e - 1;
		}
	}
	return NULL;
}

static int
line_at(const char *text, const char *p)
{
	int line = 1;

	for (; text < p; text++)
		line += *text == '\n';
	return line;
}

static void
each_misspelt_option_is_an_error(void **state)
{
	int tried = 0;

	(void)state;
	for (size_t i = 0; i < N_EXAMPLES; i++) {
		char *text = slurp(examples[i]);

		for (char *p = next_option(text); p; p = next_option(p + strcspn(p, "="))) {
			char keep = *p, where[32];

			*p = 'Z';
			snprintf(where, sizeof(where), "t:%d: ", line_at(text, p));
			refuse(text, where, "allowed: ");
			*p = keep;
			tried++;
		}
		free(text);
	}
	assert_true(tried > 20);
}

static void
each_bad_value_is_an_error(void **state)
{
	int tried = 0;

	(void)state;
	for (size_t i = 0; i < N_EXAMPLES; i++) {
		char *text = slurp(examples[i]);

		for (char *p = next_option(text); p; p = next_option(p + strcspn(p, "="))) {
			char *eq = p + strcspn(p, "="), *value = eq + 1, where[32], *bad;
			size_t len;

			value += strspn(value, " {");
			len = strcspn(value, " ,}\n");
			bad = calloc(1, strlen(text) + 2);
			/* "!" is no value of any option */
			sprintf(bad, "%.*s!%s", (int)(value - text), text, value + len);
			snprintf(where, sizeof(where), "t:%d: ", line_at(text, p));
			refuse(bad, where, "allowed: ");
			free(bad);
			tried++;
		}
		free(text);
	}
	assert_true(tried > 20);
}

static void
each_option_given_twice_is_an_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_EXAMPLES; i++) {
		char *text = slurp(examples[i]);

		for (char *p = next_option(text); p; p = next_option(p + strcspn(p, "="))) {
			char *eq = p + strcspn(p, "="), *end, *bad, where[32];

			end = eq + 1 + strspn(eq + 1, " ");
			end = *end == '{' ? strchr(end, '}') + 1 : end + strcspn(end, " \n}");
			bad = calloc(1, 2 * strlen(text));
			sprintf(bad, "%.*s\n%.*s\n%s", (int)(end - text), text, (int)(end - p), p,
				end);
			snprintf(where, sizeof(where), "t:%d: ", line_at(text, p) + 1);
			refuse(bad, where, "twice");
			free(bad);
		}
		free(text);
	}
}

static void
ranges_and_types(void **state)
{
	(void)state;
	refuse("\npf 0 { pci = 03:00.1 queues_per_pool = 3 }", "t:2: ", "2 or 4");
	refuse("pf 0 { pci = 03:00.1\nqueues_per_pool = 8 }", "t:2: ", "2 or 4");
	refuse("pf 2 { pci = 03:00.1 }", "t:1: ", "0 to 1");
	refuse("vf 63 { }", "t:1: ", "0 to 62");
	refuse("vf x { }", "t:1: ", "0 to 62");
	refuse("vf 0 { vlans = {0} }", "t:1: ", "1 to 4094");
	refuse("vf 0 { vlans = {4095} }", "t:1: ", "1 to 4094");
	refuse("vf 0 { vlans = {7, 7} }", "t:1: ", "different");
	refuse("vf 0 { mac = 02:09:c0:00:00:00\nmac_policy = any }", "t:2: ", "needs trusted = yes");
	refuse("vf 0 { vlans = {7}\nport_vlan = 7 }", "t:2: ", "port_vlan leaves no room");
	refuse("vf 0 { owner = tenant\nanti_spoof = no }", "t:2: ", "trusted");
	refuse("vf 0 { trusted = no\nxcast = allmulti }", "t:2: ", "xcast = allmulti needs");
	refuse("vf 0 { xcast = promisc }", "t:1: ", "none, multi or allmulti");
	refuse("vf 0 { macvlan_quota = 9 }", "t:1: ", "0 to 8");
	refuse("vf 0 { macvlan_quota = 1 }", "t:1: ", "needs macs");
	refuse("vf 0 { api_floor = 2.0 }", "t:1: ", "1.0, 1.1, 1.2 or 1.3");
	refuse("vf 0 { max_frame = 9000 }", "t:1: ", "64 to 1518");
	refuse("pf 0 { pci = 03:00.1 }\npool 16 { }", "t:2: ", "0 to 15");
	refuse("pf 0 { pci = 03:00.1 }\npool 1 { }", "t:2: ", "needs mac");
	refuse("pool 0 { }", "t:1: ", "no section pf 0");
	refuse("pf 0 { pci = 03:00.1 }\nvf 0 { }\npool 0 { }", "t:3: ", "have either");
	refuse("pf 0 { pci = 03:00.1 }\npool 0 { }\nforward f { from = pf0pool1 mode = sink }",
		"t:3: ", "no section pool 1");
	refuse("pf 0 { pci = 03:00.1 }\npool 0 { }\nport pf0pool0 { mtu = 1500 }", "t:3: ",
		"set up with its PF; allowed: port pf0");
	refuse("pf 0 { pci = 03:00.1 } pool 0 { mac = 02:09:c0:00:01:00 }\n"
	       "pool 1 { mac = 02:09:c0:00:01:00 }",
		"t:2: ", "its own");
	refuse("vf 0 { rate = 6000 }\nvf 1 {\nrate = 4001 }", "t:3: ", "together are 10001 Mbit/s");
	refuse("vf 0 { mac = 01:00:00:00:00:00 }", "t:1: ", "unicast");
	refuse("vf 0 { mac = 00:00:00:00:00:00 }", "t:1: ", "unicast");
	refuse("vf 0 { mac = 02:09:c0:00:00:00:11 }", "t:1: ", "unicast");
	refuse("forward a { from = net_null0 to = b mode = io both = maybe }",
		"t:1: ", "yes or no");
	refuse("forward a { from = net_null0 to = b mode = route }", "t:1: ", "macswap");
	refuse("forward a { from = x mode = source sizes = 63 }", "t:1: ", "64 to 9018");
	refuse("forward a { from = x mode = source sizes = {64, imix} }", "t:1: ", "64 to 9018");
	refuse("forward a { from = x mode = source flows = 4097 }", "t:1: ", "1 to 4096");
	refuse("forward a { from = x mode = source rate = 100000001 }", "t:1: ", "100000000");
	refuse("forward a { from = x mode = source ip_to = 1.2.3 }", "t:1: ", "IPv4");
	refuse("forward a { from = x mode = echo address = 224.0.0.1 }", "t:1: ", "unicast");
	refuse("forward a { from = x mode = echo address = {1.2.3.4, \"ff02::1\"} }", "t:1: ",
		"unicast");
	refuse("forward a { from = x mode = source vlan_push = 4095 }", "t:1: ", "1 to 4094");
	refuse("port vf0 { queues = 17 }", "t:1: ", "1 to 16");
	refuse("port net_null0 { rx_ring = 31 }", "t:1: ", "32 to 32768");
	refuse("port net_null0 { mtu = 9001 }", "t:1: ", "68 to 9000");
	refuse("datapath {\nburst = 257 }", "t:2: ", "1 to 256");
	refuse("datapath {\nidle = sleep }", "t:2: ", "busy, pause or interrupt");
	refuse("datapath {\nburst = 1\nburst = 2 }", "t:3: ", "given twice in datapath (first");
	refuse("datapath {\nmbuf_cache = 513 }", "t:2: ", "0 to 512");
	refuse("datapath {\nrate = 1 }", "t:2: ", "no such option 'rate' in datapath; allowed: burst");
	refuse("lcore 999 { queues = {vf0:0} }", "t:1: ", "0 to 127");
	refuse("lcore 1 { queues = {net_null0} }", "t:1: ", "PORT:QUEUE");
	refuse("bridge 0 { }", "t:1: ", "pf, vf, pool, forward, lcore, port, datapath, rss");
	refuse("pf 0 {", "t:1: ", "");
	refuse("pf 0 { }", "t:1: ", "needs pci");
	refuse("forward f { to = net_null0 mode = io }", "t:1: ", "needs from");
}

static void
comments_do_not_move_lines(void **state)
{
	(void)state;
	refuse("# one\n// two\n/* three\n four */\nvf 0 { mac = x }", "t:5: ", "mac");
	refuse("vf 0 { # mac = x\n  owner = \"a # b\"\n}", "t:2: ", "owner");
	refuse("vf 0 { }\n/* open\n", "t:2: ", "never closed");
}

static void
duplicates_and_dangling_references(void **state)
{
	(void)state;
	refuse("vf 0 { }\nvf 0 { }", "t:2: ", "duplicate");
	refuse("vf 0 { owner = vfplane }\nvf vf0 { owner = vfplane }", "t:2: ", "same VF");
	refuse("vf 0 { mac = 02:00:00:00:00:01 }\nvf 1 { mac = 02:00:00:00:00:01 }",
		"t:2: ", "same address");
	refuse("pf 0 { pci = 03:00.1 }\npf 1 { pci = 03:00.1 }", "t:2: ", "same number or PCI");
	refuse("vf 0 {\n peer = vf9 }", "t:2: ", "no section vf 9");
	refuse("vf 0 { }\nforward a { from = vf0\n to = vf1\n mode = io }",
		"t:3: ", "no section vf 1");
	refuse("forward a { from = pf0 mode = sink }", "t:1: ", "no section pf 0");
	refuse("vf 0 { }\nlcore 1 {\nqueues = {vf1:0} }", "t:3: ", "no section vf 1");
	refuse("vf 0 { owner = tenant }\nforward a { from = vf0 mode = sink }", "t:2: ", "tenant");
	refuse("lcore 1 { queues = {a:0, a:0} }", "t:1: ", "twice");
	refuse("lcore 1 { queues = {a:0} }\nlcore 2 { queues = {a:0} }", "t:2: ", "twice");
	refuse("vf 0 { }\nport vf3 { mtu = 1500 }", "t:2: ", "no section vf 3");
	refuse("port a { mtu = 1500 }\nport a { mtu = 1500 }", "t:2: ", "duplicate");
	refuse("forward a { from = x mode = sink }\nforward b { from = y to = x mode = io both = "
	       "yes }",
		"t:2: ", "line 1");
	refuse("forward a { from = x mode = io }", "t:1: ", "needs to");
	refuse("forward a { from = x to = y mode = sink }", "t:1: ", "leave out");
	refuse("forward a { from = x mode = io to = y\nrate = 7 }", "t:2: ",
		"rate is not for mode io; allowed: source");
	refuse("forward a { from = x mode = echo\nvlan_pop = yes }", "t:2: ", "not for mode echo");
	refuse("forward a { from = x mode = io to = y\nprobes_of = b }", "t:2: ",
		"probes_of is not for mode io; allowed: sink");
	refuse("forward b { from = y mode = source }\nforward a { from = x mode = sink\n"
	       "probes_of = b }", "t:3: ",
		"there is no section forward b of mode source with probe = yes");
	refuse("forward a { from = x mode = source to = y }", "t:1: ", "leave out");
	refuse("forward a { from = x mode = io to = {y, z} both = yes }", "t:1: ", "several ports");
	refuse("forward a { from = x mode = io\nto = {y, y} }", "t:2: ", "different");
	refuse("vf 0 { }\nforward a { from = x mode = io\nto = {y, vf1} }", "t:3: ",
		"no section vf 1");
	refuse("forward a { from = x mode = source\npeer = vf7 }", "t:2: ", "no section vf 7");
	refuse("vf 0 { peer = vf1 }\nvf 1 { vlans = {7} }\n"
	       "forward a { from = vf0 to = vf1 mode = mac }",
		"t:3: ", "no peer");
	refuse("vf 0 { vlans = {7} }\nvf 1 { peer = vf0 }\n"
	       "forward a { from = vf0 to = vf1 mode = mac both = yes }",
		"t:3: ", "sends by vf0");
	refuse("vf pf1vf0 { owner = vfplane }", "t:1: ", "no section pf 1");
}

static void
rss_sections(void **state)
{
	char *text = slurp("rss");
	const char *pf2 = "pf 0 { pci = 03:00.1 queues_per_pool = 2 }\nvf 0 { }\n";
	char all[512];

	(void)state;
	assert_int_equal(config_parse("f", text, &c, err), 0);
	assert_int_equal(c.n_rss, 2);
	assert_true(rss_key_is_symmetric(config_rss(&c, "pf0")->key));
	assert_int_equal(config_rss(&c, "pf0")->fields, RSS_F_ALL);
	assert_string_equal(config_rss(&c, "pf0")->reta, "weighted:2:1:1:2");
	assert_int_equal(config_rss(&c, "vf0")->table, 1024);
	assert_true(config_rss(&c, "vf0")->balance);
	assert_null(config_rss(&c, "vf1"));
	free(text);
	refuse("rss pf0 { key = default }", "t:1: ", "no section pf 0");
#define TRY(what, says) \
	(snprintf(all, sizeof(all), "%s%s", pf2, what), refuse(all, "t:3: ", says))
	TRY("rss pf0 { key = 6d5a }", "80 hex digits");
	TRY("rss pf0 { fields = {ipv4, sctp} }", "sctp is not allowed; allowed: ipv4");
	TRY("rss pf0 { reta = odd }", "even, weighted");
	TRY("rss pf0 { reta = \"list:0,1,2\" }", "names queue 2, but there are only 2");
	TRY("rss pf0 { reta = weighted:1:1:1 }", "at most 2 queues");
	TRY("rss pf0 { table = 1024 }", "software table");
	TRY("rss vf0 { table = 1000 }", "a power of two from 128 to 4096");
	TRY("rss vf0 { key = random }", "rss pf0");
	TRY("rss vf0 { balance = yes }", "needs its size");
#undef TRY
	refuse("pf 0 { pci = 03:00.1 }\nvf 3 { owner = tenant }\nrss pf0 { key = random }", "t:3: ",
		"vf 3 belongs to a tenant (line 2); say shared_ok = yes");
	assert_int_equal(config_parse("t",
				 "pf 0 { pci = 03:00.1 }\nvf 3 { owner = tenant }\n"
				 "rss pf0 { key = random shared_ok = yes }",
				 &c, err),
		0);
	refuse("vf 0 { owner = tenant }\nrss vf0 { table = 128 }", "t:2: ", "tenant");
	refuse("pf 0 { pci = 03:00.1 }\npool 0 { }\nrss pf0 { key = random }", "t:3: ",
		"run without RSS");
}

static void
names_with_two_pfs(void **state)
{
	(void)state;
	assert_int_equal(config_parse("t",
				 "pf 0 { pci = 03:00.0 }\npf 1 { pci = 03:00.1 }\n"
				 "vf 0 { peer = pf1vf0 }\nvf pf1vf0 { peer = pf0vf0 }\n",
				 &c, err),
		0);
	assert_string_equal(c.vf[0].name, "pf0vf0");
	assert_string_equal(c.vf[1].name, "pf1vf0");
}

static void
a_missing_file_is_named(void **state)
{
	(void)state;
	assert_int_equal(config_load("/nonexistent/x.conf", &c, err), -ENOENT);
	assert_non_null(strstr(err, "/nonexistent/x.conf"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_examples),
		cmocka_unit_test(reads_every_option),
		cmocka_unit_test(reads_modes_ports_and_the_data_path),
		cmocka_unit_test(each_misspelt_option_is_an_error),
		cmocka_unit_test(each_bad_value_is_an_error),
		cmocka_unit_test(each_option_given_twice_is_an_error),
		cmocka_unit_test(ranges_and_types),
		cmocka_unit_test(comments_do_not_move_lines),
		cmocka_unit_test(duplicates_and_dangling_references),
		cmocka_unit_test(rss_sections),
		cmocka_unit_test(names_with_two_pfs),
		cmocka_unit_test(a_missing_file_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
