/* SPDX-License-Identifier: BSD-3-Clause */
/* Each reason for not spreading, provoked and named; and silence where all is well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rss_why.h"

static struct rss_conf conf;
static struct rss_seen seen;

/* VF of our PF, 32 pools x 4 queues, everything on. */
static struct rss_facts
healthy(void)
{
	rss_conf_default(&conf, 4);
	memset(&seen, 0, sizeof(seen));
	return (struct rss_facts){.is_vf = true, .pf_known = true, .rss_mode = true, .pools = 32,
		.layout_queues = 4, .granted = 4, .pf_queues = 4, .conf = &conf, .seen = &seen};
}

/* The first reason is the wanted one, and its sentence says so. */
static void
first(const struct rss_facts *f, enum rss_reason reason, bool stops, const char *says)
{
	struct rss_why why[RSS_REASONS];
	const unsigned int n = rss_why(f, why);

	if (n == 0 || why[0].reason != reason || why[0].stops != stops ||
		!strstr(why[0].text, says))
		fail_msg("%u reasons, first %s \"%s\", wanted %s \"%s\"", n,
			n ? rss_reason_name(why[0].reason) : "-", n ? why[0].text : "",
			rss_reason_name(reason), says);
}

static void
silent_when_well(void **state)
{
	struct rss_facts f = healthy();
	struct rss_why why[RSS_REASONS];

	(void)state;
	assert_int_equal(rss_why(&f, why), 0);
	seen = (struct rss_seen){.packets = 100, .hashed = 100, .entries_hit = 60,
		.queue = {25, 25, 25, 25}, .hashed_queues = 4};
	assert_int_equal(rss_why(&f, why), 0);
}

static void
settings(void **state)
{
	struct rss_facts f = healthy();
	struct rss_why why[RSS_REASONS];

	(void)state;
	f.granted = 1;
	first(&f, RSS_Y_ONE_QUEUE, true, "one RX queue was granted");
	f.chosen = true;
	first(&f, RSS_Y_ONE_QUEUE, true, "one RX queue is configured");
	f.is_vf = f.chosen = false;
	f.is_pf_pool = true;
	first(&f, RSS_Y_PF_POOL, true, "its VFs are not affected");
	f = healthy();
	f.granted = 2;
	first(&f, RSS_Y_FEWER, false, "2 of the pool's 4");
	f = healthy();
	f.pf_queues = 1;
	rss_reta_fill(conf.reta, 1);
	first(&f, RSS_Y_PF_ONE, true, "the PF has one RX queue");
	f = healthy();
	f.rss_mode = false;
	f.pools = 16;
	first(&f, RSS_Y_POOL_MODE, true, "16 pools without RSS");
	f.granted = f.pf_queues = 1;
	conf.fields = 0;
	assert_int_equal(rss_why(&f, why), 1); /* what stops it at once is all that counts */
	f = healthy();
	conf.fields = 0;
	first(&f, RSS_Y_FIELDS_NONE, true, "no hash field is on");
	f = healthy();
	conf.fields = RSS_F_ALL & ~RSS_F_UDP4;
	first(&f, RSS_Y_FIELD_OFF, false, "off: udp4");
	f = healthy();
	memset(conf.reta, 2, sizeof(conf.reta));
	first(&f, RSS_Y_RETA_ONE, true, "one of its 4 queues");
	f = healthy();
	rss_reta_fill(conf.reta, 3);
	first(&f, RSS_Y_RETA_SKIPS, false, "1 of its 4 queues");
	f = healthy();
	conf.reta[0] = 1;
	conf.reta[4] = 1;
	first(&f, RSS_Y_RETA_UNEVEN, false, "30 to 34");
	f = healthy();
	f.pf_known = false;
	first(&f, RSS_Y_FOREIGN_PF, false, "a PF that is not ours");
}

/* Queue 2 of a table for four is queue 0 of a VF with two. */
static void
a_table_is_seen_through_the_mask(void **state)
{
	struct rss_facts f = healthy();

	(void)state;
	f.layout_queues = f.granted = f.pf_queues = 2;
	for (unsigned int i = 0; i < RSS_RETA_SIZE; i++)
		conf.reta[i] = i % 2 * 2;
	first(&f, RSS_Y_RETA_ONE, true, "one of its 2 queues");
}

static void
packets(void **state)
{
	struct rss_facts f = healthy();

	(void)state;
	seen = (struct rss_seen){.packets = 100, .queue = {100}, .note[RSS_N_NOT_IP] = 100};
	first(&f, RSS_Y_NOT_IP, true, "100.0%");
	seen = (struct rss_seen){.packets = 100, .hashed = 60, .queue = {60, 40}, .entries_hit = 20,
		.hashed_queues = 2, .note[RSS_N_NOT_IP] = 40};
	first(&f, RSS_Y_NOT_IP, false, "40.0%");
	seen = (struct rss_seen){.packets = 100, .hashed = 100, .queue = {100}, .entries_hit = 1,
		.hashed_queues = 1, .note[RSS_N_FRAGMENT] = 100};
	first(&f, RSS_Y_FRAGMENTS, true, "fragments");
	seen = (struct rss_seen){.packets = 100, .queue = {100}};
	first(&f, RSS_Y_NOT_HASHED, true, "without a hash");
	f.pf_known = false;
	/* ARP came to queue 0 */
	seen = (struct rss_seen){.packets = 1000, .hashed = 950, .queue = {50, 0, 950},
		.entries_hit = 90, .hashed_queues = 1, .note[RSS_N_NOT_IP] = 50};
	first(&f, RSS_Y_HASHED_ONE, true, "the table is flat");
	f = healthy();
	seen = (struct rss_seen){.packets = 100, .hashed = 100, .queue = {100}, .entries_hit = 2,
		.hashed_queues = 1};
	first(&f, RSS_Y_FEW_FLOWS, false, "2 of the table's entries");
}

static void
what_stops_comes_first(void **state)
{
	struct rss_facts f = healthy();
	struct rss_why why[RSS_REASONS];
	unsigned int n;

	(void)state;
	f.granted = 2;
	conf.fields = 0;
	n = rss_why(&f, why);
	assert_int_equal(n, 2);
	assert_int_equal(why[0].reason, RSS_Y_FIELDS_NONE);
	assert_int_equal(why[1].reason, RSS_Y_FEWER);
	for (unsigned int r = 0; r < RSS_REASONS; r++)
		assert_string_not_equal(rss_reason_name(r), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silent_when_well),
		cmocka_unit_test(settings),
		cmocka_unit_test(a_table_is_seen_through_the_mask),
		cmocka_unit_test(packets),
		cmocka_unit_test(what_stops_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
