/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lat_export.h"
#include "meas_run.h"

static struct meas_run run;
static struct vfp_err err;

static int
parse(const char *text, int warmup)
{
	const struct meas_choice c = {.warmup = warmup};

	err.text[0] = '\0';
	return meas_run_parse("f", text, &c, &run, &err);
}

#define HEAD           "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n"
#define REPLY(seq, ms) "64 bytes from 10.0.0.2: icmp_seq=" #seq " ttl=64 time=" #ms " ms\n"

/* As the log that this project began with: the first pings wait for ARP and the link. */
static void
warm_up_stands_apart_from_loss(void **state)
{
	static const char text[] =
		"# link_mbit: 1000\n" HEAD
		"From 10.0.0.1 icmp_seq=1 Destination Host Unreachable\n" REPLY(4, 3.5)
			REPLY(5, 0.2) REPLY(6, 0.3)
				REPLY(8, 0.4) "\n--- 10.0.0.2 ping statistics ---\n"
					      "9 packets transmitted, 4 received, +1 errors, 55% "
					      "packet loss, time 8000ms\n"
					      "rtt min/avg/max/mdev = 0.2/1.1/3.5/1.4 ms, pipe 3\n";

	(void)state;
	assert_int_equal(parse(text, -1), 0);
	assert_int_equal(run.warm_sent, 4);
	assert_int_equal(run.warm_lost, 3);
	assert_int_equal(run.warm_samples, 1);
	assert_true(run.warm_mean_ns > 3.49e6 && run.warm_mean_ns < 3.51e6);
	assert_int_equal(run.sent, 5);
	assert_int_equal(run.lost, 2); /* 7 in the middle, 9 at the end */
	assert_int_equal(run.samples, 3);
	assert_true(fabs(run.mean_ns / 0.3e6 - 1) < 0.001);
	assert_string_equal(meas_run_fact(&run, "link_mbit"), "1000");
	assert_string_equal(meas_run_fact(&run, "payload_bytes"), "56");
	assert_null(meas_run_fact(&run, "nothing"));
	meas_run_free(&run);
	assert_int_equal(parse(text, 0), 0);
	assert_true(run.warm_sent == 0 && run.sent == 9 && run.lost == 5 && run.samples == 4);
	meas_run_free(&run);
	assert_int_equal(parse(text, 6), 0);
	assert_true(run.warm_sent == 6 && run.warm_lost == 3 && run.sent == 3 && run.samples == 1);
	meas_run_free(&run);
}

static void
duplicates_disorder_and_an_interrupted_ping(void **state)
{
	(void)state;
	assert_int_equal(parse(HEAD REPLY(1, 1.0) REPLY(3, 0.3)
					 REPLY(2, 0.2) "64 bytes from 10.0.0.2: icmp_seq=3 ttl=64 "
						       "time=0.9 ms (DUP!)\n" REPLY(6, 0.1),
				 -1),
		0);
	assert_int_equal(run.duplicates, 1);
	assert_true(run.samples == 3 && run.sent == 5 && run.lost == 2);
	assert_true(run.max_ns < 0.31e6);
	meas_run_free(&run);
}

static void
sequence_numbers_wrap(void **state)
{
	char *text = malloc(70000u * 64 + 100), *p = text;

	(void)state;
	p += sprintf(p, HEAD);
	for (unsigned int i = 1; i <= 70000; i++)
		p += sprintf(
			p, "64 bytes from 10.0.0.2: icmp_seq=%u ttl=64 time=0.1 ms\n", i & 0xffff);
	assert_int_equal(parse(text, -1), 0);
	assert_true(run.samples == 69999 && run.lost == 0);
	meas_run_free(&run);
	free(text);
}

static void
busybox_and_ipv6(void **state)
{
	(void)state;
	assert_int_equal(parse("PING 10.0.0.2 (10.0.0.2): 56 data bytes\n"
			       "64 bytes from 10.0.0.2: seq=0 ttl=64 time=0.5 ms\n"
			       "64 bytes from 10.0.0.2: seq=1 ttl=64 time=0.1 ms\n\n"
			       "2 packets transmitted, 2 packets received, 0% packet loss\n"
			       "round-trip min/avg/max = 0.1/0.3/0.5 ms\n",
				 -1),
		0);
	assert_true(run.warm_samples == 1 && run.samples == 1 && run.lost == 0);
	assert_string_equal(meas_run_fact(&run, "payload_bytes"), "56");
	meas_run_free(&run);
	assert_int_equal(parse("PING fe80::1%eth0(fe80::1%eth0) 56 data bytes\n"
			       "64 bytes from fe80::1%eth0: icmp_seq=1 ttl=64 time=0.5 ms\n",
				 0),
		0);
	assert_int_equal(run.samples, 1);
	meas_run_free(&run);
}

static void
what_is_neither_is_refused_with_a_reason(void **state)
{
	(void)state;
	assert_int_equal(parse("hello\n", -1), -EINVAL);
	assert_non_null(strstr(err.text, "f: neither a report of vfplane"));
	assert_int_equal(parse("", -1), -EINVAL);
	assert_int_equal(
		parse(HEAD "3 packets transmitted, 0 received, 100% packet loss\n", -1), -EINVAL);
	assert_non_null(strstr(err.text, "no reply"));
	assert_int_equal(
		parse(HEAD "64 bytes from x: icmp_seq=1 ttl=64 time=abc ms\n", -1), -EINVAL);
	assert_non_null(strstr(err.text, "line 2"));
	assert_int_equal(parse("{ \"schema\": ", -1), -EINVAL);
	assert_int_equal(parse("{ \"schema\": \"other/1\" }", -1), -EINVAL);
	assert_non_null(strstr(err.text, "allowed: \"vfplane.report/1\""));
}

/* A report of three seconds; the first is slow. */
static char *
report(const char *second)
{
	struct lat_hist *h = calloc(1, sizeof(*h));
	char *slow, *fast, *text;

	lat_hist_add(h, 9000, 10);
	slow = lat_to_text(h);
	lat_hist_init(h);
	lat_hist_add(h, 1000, 60);
	lat_hist_add(h, 1500, 40);
	fast = lat_to_text(h);
	assert_true(
		asprintf(&text,
			"{\"schema\": \"vfplane.report/1\", \"source\": \"vdev\","
			"\"ports\": [{\"name\": \"p\", \"rx_packets\": 100, \"rx_bytes\": 6400, "
			"\"rx_pps\": 50.0}],"
			"\"latency\": [{\"name\": \"r\", \"kind\": \"residence\", \"count\": 210, "
			"\"mean_ns\": 5.0},"
			"{\"name\": \"r\", \"kind\": \"bound\", \"count\": 7, \"mean_ns\": 5.0}],"
			"\"latency_series\": [{\"name\": \"r\", \"kind\": \"residence\", "
			"\"interval_s\": 1.0,"
			"\"points\": [{\"at_s\": 0.0, \"hdr\": \"%s\"}, {\"at_s\": 1.0, \"hdr\": "
			"\"%s\"},"
			"{\"at_s\": 2.0, \"hdr\": \"%s\"}]}],"
			"\"manifest\": {\"kernel\": \"6.1\", \"clock\": {\"name\": \"TSC\", "
			"\"hz\": 1},"
			"\"ports\": [{\"name\": \"p\", \"link_mbit\": 10000}],"
			"\"configuration\": {\"sha256\": \"0123456789abcdef\"}}}",
			slow, fast, second ? second : fast) > 0);
	free(slow);
	free(fast);
	free(h);
	return text;
}

static void
a_report_gives_its_series_and_its_facts(void **state)
{
	const struct meas_choice bound = {.kind = "bound", .warmup = -1};
	const struct meas_choice wrong = {.name = "q", .warmup = -1};
	char *text = report(NULL);

	(void)state;
	assert_int_equal(parse(text, -1), 0);
	assert_true(run.samples == 200 && run.n_blocks == 2 && run.warm_samples == 10);
	assert_true(run.warm_mean_ns > 8990 && run.min_ns == 1000 && run.max_ns == 1500);
	assert_string_equal(run.unit, "1 s");
	assert_string_equal(meas_run_fact(&run, "kind"), "residence");
	assert_string_equal(meas_run_fact(&run, "source"), "vdev");
	assert_string_equal(meas_run_fact(&run, "link_mbit"), "10000");
	assert_string_equal(meas_run_fact(&run, "frame_bytes"), "64");
	assert_string_equal(meas_run_fact(&run, "configuration"), "0123456789ab");
	assert_string_equal(run.names, "r/residence, r/bound");
	meas_run_free(&run);
	assert_int_equal(parse(text, 2), 0);
	assert_true(run.n_blocks == 1 && run.warm_samples == 110);
	meas_run_free(&run);
	assert_int_equal(meas_run_parse("f", text, &bound, &run, &err), 0);
	assert_true(run.summary_only && run.samples == 7);
	meas_run_free(&run);
	assert_int_equal(meas_run_parse("f", text, &wrong, &run, &err), -ENOENT);
	assert_non_null(strstr(err.text, "there is: r/residence, r/bound"));
	free(text);
}

static void
a_damaged_series_is_refused(void **state)
{
	char *text = report("HISTFAAA");

	(void)state;
	assert_int_equal(parse(text, -1), -EINVAL);
	assert_non_null(strstr(err.text, "point 2"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(warm_up_stands_apart_from_loss),
		cmocka_unit_test(duplicates_disorder_and_an_interrupted_ping),
		cmocka_unit_test(sequence_numbers_wrap),
		cmocka_unit_test(busybox_and_ipv6),
		cmocka_unit_test(what_is_neither_is_refused_with_a_reason),
		cmocka_unit_test(a_report_gives_its_series_and_its_facts),
		cmocka_unit_test(a_damaged_series_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
