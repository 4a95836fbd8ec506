/* SPDX-License-Identifier: BSD-3-Clause */
/* The mailbox log: overtaken readers, cause chains, rows for people, and what was learned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sriov_learn.h"
#include "sriov_log.h"

static struct sriov_record got[SRIOV_LOG_SIZE];
static struct sriov_row rows[SRIOV_LOG_SIZE];

static void
a_reader_that_is_overtaken_knows(void **state)
{
	struct sriov_log *log = sriov_log_new();
	uint64_t after = 0, lost = 0;

	(void)state;
	for (uint64_t i = 1; i <= 10; i++) {
		struct sriov_record r = {.at_us = i};

		sriov_log_push(log, &r);
	}
	assert_int_equal(sriov_log_read(log, &after, got, 4, &lost), 4);
	assert_int_equal(got[3].seq, 4);
	assert_int_equal(sriov_log_read(log, &after, got, 100, &lost), 6);
	assert_int_equal(sriov_log_read(log, &after, got, 100, &lost), 0);
	assert_int_equal(lost, 0);
	for (uint64_t i = 11; i <= 10 + SRIOV_LOG_SIZE + 5; i++) {
		struct sriov_record r = {.at_us = i};

		sriov_log_push(log, &r);
	}
	assert_int_equal(sriov_log_read(log, &after, got, SRIOV_LOG_SIZE, &lost), SRIOV_LOG_SIZE);
	assert_int_equal(lost, 5);
	assert_int_equal(got[0].at_us, 16);
	assert_int_equal(got[SRIOV_LOG_SIZE - 1].at_us, 10 + SRIOV_LOG_SIZE + 5);
	sriov_log_free(log);
}

static struct sriov_port port;
static struct sriov_chain chain;
static struct sriov_layout layout;
static unsigned int n;

static void
say(uint32_t word0, uint32_t word1, uint32_t word2)
{
	uint32_t w[SRIOV_MBOX_WORDS] = {word0, word1, word2};
	struct sriov_record *r = &got[n++];
	struct sriov_verdict v;
	struct sriov_msg m;

	sriov_mbox_decode(w, &m);
	v = sriov_policy_judge(&port, 0, &m, 1);
	memset(r, 0, sizeof(*r));
	sriov_chain_note(&chain, &layout, &m, &v, r->note);
	memcpy(r->words, w, sizeof(w));
	r->seq = n;
	r->chain = chain.number;
	r->answer = v.answer;
	r->rule = v.rule;
	r->reason = v.reason;
}

static int
setup(void **state)
{
	(void)state;
	memset(&port, 0, sizeof(port));
	memset(&chain, 0, sizeof(chain));
	port.n_vfs = 2;
	sriov_policy_default(&port.policy[0]);
	sriov_policy_default_mac(0, 0, port.policy[0].mac);
	port.policy[0].request_rate = 0;
	sriov_layout_plan(2, 2, &layout, NULL);
	n = 0;
	return 0;
}

static void
one_event_for_what_belongs_together(void **state)
{
	(void)state;
	say(0, 0, 0);
	say(0x80000001, 0, 0);
	say(8, 6, 0);
	say(8, 5, 0);
	say(8, 4, 0);
	say(9, 0, 0);
	for (int i = 0; i < 1000; i++)
		say(0x00010006, 0x00c00902, 0x0900);
	assert_int_equal(sriov_log_fold(got, n, rows), 4);
	assert_string_equal(rows[0].last.note, "after its function was reset");
	assert_int_equal(rows[0].count, 2);
	assert_string_equal(rows[1].last.note, "asked 1.5, settled 1.3");
	assert_int_equal(rows[1].count, 3);
	assert_string_equal(rows[2].last.note, "granted 2 queues because 64x2");
	assert_int_equal(rows[3].count, 1000);
	assert_int_equal(rows[3].last.seq, n);
}

static void
what_differs_stays_apart(void **state)
{
	(void)state;
	say(0x80000001, 0, 0);
	say(8, 4, 0);
	say(5, 1518, 0);
	say(5, 1517, 0);
	say(5, 9000, 0);
	say(0x80000001, 0, 0);
	say(5, 9000, 0); /* refused before, nothing since its reset */
	port.policy[0].mc_quota = 1;
	say(0x001f0003, 0, 0); /* the same message, refused for two reasons */
	say(0x00020003, 0, 0);
	assert_int_equal(sriov_log_fold(got, n, rows), n);
	assert_string_equal(rows[1].last.note, "");
	assert_int_equal(rows[6].last.chain, 2);
	assert_string_not_equal(rows[7].last.reason, rows[8].last.reason);
}

static void
a_storm_of_resets_is_one_row(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		say(0x80000001, 0, 0);
	say(0x00010001, 0, 0); /* malformed: no reset */
	say(0x80000001, 0, 0);
	assert_int_equal(sriov_log_fold(got, n, rows), 3);
	assert_int_equal(rows[0].count, 100);
}

static void
a_flood_is_one_row(void **state)
{
	(void)state;
	port.policy[0].request_rate = 10;
	say(0x80000001, 0, 0);
	for (int i = 0; i < 100; i++)
		say(5, 1518, 0);
	port.vf[0].tokens = 1000; /* one more is let through */
	say(5, 1518, 0);
	assert_int_equal(got[n - 1].answer, SRIOV_ACK);
	assert_int_equal(sriov_log_fold(got, n, rows), 2);
	assert_int_equal(rows[1].count, 101);
	assert_int_equal(rows[1].refused, 80);
	assert_string_equal(rows[1].why, "too many requests");
}

static void
a_vf_keeps_its_records_while_another_floods(void **state)
{
	struct sriov_log *log = sriov_log_new();
	struct sriov_record r = {.vf = 1, .at_us = 42};

	(void)state;
	sriov_log_push(log, &r);
	for (unsigned int i = 0; i < 2 * SRIOV_LOG_SIZE; i++) {
		r = (struct sriov_record){.vf = 2, .at_us = i};
		sriov_log_push(log, &r);
	}
	assert_int_equal(sriov_log_of_vf(log, 1, got), 1);
	assert_int_equal(got[0].at_us, 42);
	assert_int_equal(got[0].seq, 1);
	assert_int_equal(sriov_log_of_vf(log, 2, got), SRIOV_LOG_VF);
	assert_int_equal(got[SRIOV_LOG_VF - 1].seq, 2 * SRIOV_LOG_SIZE + 1);
	assert_int_equal(sriov_log_of_vf(log, 3, got), 0);
	assert_int_equal(sriov_log_of_vf(log, SRIOV_MAX_VFS, got), 0);
	sriov_log_free(log);
}

static void
a_line_of_json(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	say(0x80000001, 1, 2);
	assert_int_equal(sriov_log_write(f, &got[0]), 0);
	fclose(f);
	assert_string_equal(text,
		"{\"seq\":1,\"at_us\":0,\"vf\":0,\"chain\":1,\"answer\":\"pass\",\"rule\":\"protocol\","
		"\"reason\":\"reset\",\"effect\":0,\"took_ns\":0,"
		"\"words\":[2147483649,1,2,0,0,0,0,0,0,0,0,0,0,0,0,0]}\n");
	free(text);
}

static void
learns_exactly_what_was_asked(void **state)
{
	static const uint32_t asked[][3] = {
		{0x80000001, 0, 0},
		{8, 4, 0},
		{2, 0x00c00902, 0x2000},
		{0x00010004, 70, 0},
		{0x00010004, 71, 0},
		{0x00010004, 70, 0},
		{0x00020003, 0, 0},
		{0x00020006, 0x00c00902, 0x2100},
		{0xc, 2, 0},
		{5, 1000, 0},
	};
	const size_t steps = sizeof(asked) / sizeof(asked[0]);
	struct sriov_vf_policy want;
	struct sriov_learn l = {0};
	struct sriov_msg m;
	unsigned int refused = 0;

	(void)state;
	for (size_t i = 0; i < steps; i++) {
		say(asked[i][0], asked[i][1], asked[i][2]);
		refused += got[i].answer == SRIOV_NACK;
		sriov_mbox_decode(got[i].words, &m);
		sriov_learn_add(&l, &port.policy[0], &m, i);
	}
	assert_true(refused >= 4);
	sriov_learn_policy(&l, &port.policy[0], &want);
	assert_null(sriov_policy_check(&want));
	assert_int_equal(want.n_vlans, 2);
	assert_int_equal(want.mc_quota, 2);
	assert_int_equal(want.max_frame, 1000);
	assert_int_equal(want.macvlan_quota, 1);
	assert_int_equal(want.api_floor, 4);
	/* Under the learned policy the same messages are all granted. */
	setup(NULL);
	port.policy[0] = want;
	for (size_t i = 0; i < steps; i++) {
		say(asked[i][0], asked[i][1], asked[i][2]);
		assert_true(got[i].answer == SRIOV_ACK || got[i].answer == SRIOV_PASS);
	}
	say(0x00010004, 72, 0);
	assert_int_equal(got[steps].answer, SRIOV_NACK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_that_is_overtaken_knows),
		cmocka_unit_test_setup(one_event_for_what_belongs_together, setup),
		cmocka_unit_test_setup(what_differs_stays_apart, setup),
		cmocka_unit_test_setup(a_storm_of_resets_is_one_row, setup),
		cmocka_unit_test_setup(a_flood_is_one_row, setup),
		cmocka_unit_test(a_vf_keeps_its_records_while_another_floods),
		cmocka_unit_test_setup(a_line_of_json, setup),
		cmocka_unit_test_setup(learns_exactly_what_was_asked, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
