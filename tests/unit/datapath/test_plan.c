/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dp_plan.h"

struct fixture {
	struct dp_spec *spec;
	struct dp_plan *plan;
	struct vfp_err err;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->spec = calloc(1, sizeof(*f->spec));
	assert_non_null(f->spec);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	dp_plan_free(f->plan);
	free(f->spec);
	free(f);
	return 0;
}

static uint16_t
add_port(struct fixture *f, const char *name, uint16_t rxq, uint16_t txq)
{
	struct dp_spec_port *p = &f->spec->ports[f->spec->n_ports];

	snprintf(p->name, sizeof(p->name), "%s", name);
	p->port_id = f->spec->n_ports + 3;
	p->nb_rxq = rxq;
	p->nb_txq = txq;
	return f->spec->n_ports++;
}

static void
add_rule(struct fixture *f, const char *name, uint16_t from, uint16_t to, enum dp_mode mode,
	bool both)
{
	struct dp_spec_rule *r = &f->spec->rules[f->spec->n_rules++];

	snprintf(r->name, sizeof(r->name), "%s", name);
	r->from = from;
	r->to = to;
	r->mode = mode;
	r->both = both;
}

static void
add_lcores(struct fixture *f, uint16_t n)
{
	while (n-- > 0) {
		f->spec->lcores[f->spec->n_lcores].id = f->spec->n_lcores + 1;
		f->spec->n_lcores++;
	}
}

static void
give(struct fixture *f, uint16_t lcore, uint16_t port, uint16_t queue)
{
	struct dp_spec_lcore *l = &f->spec->lcores[lcore];

	l->queues[l->n_queues++] = (struct dp_spec_queue){port, queue};
}

static void
make(struct fixture *f)
{
	int rc = dp_plan_make(f->spec, &f->plan, &f->err);

	if (rc != 0)
		fail_msg("no plan: %s", f->err.text);
}

static void
refuse(struct fixture *f, const char *says)
{
	struct dp_plan *plan = NULL;

	assert_int_equal(dp_plan_make(f->spec, &plan, &f->err), -EINVAL);
	assert_null(plan);
	if (strstr(f->err.text, says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", f->err.text, says);
}

/* What every plan promises, whatever was asked. */
static void
assert_sound(const struct dp_plan *p)
{
	uint32_t rx[DP_MAX_PORTS][DP_MAX_QUEUES] = {0}, tx[DP_MAX_PORTS][DP_MAX_QUEUES] = {0};
	uint16_t entries = 0;

	for (uint16_t l = 0; l < p->n_lcores; l++) {
		assert_int_equal(p->lcores[l].first, entries);
		for (uint16_t i = 0; i < p->lcores[l].n; i++, entries++) {
			const struct dp_plan_entry *e = &p->entries[entries];
			const struct dp_plan_rule *r = &p->rules[e->rule];

			assert_int_equal(r->from, e->rx_port);
			if (r->n_more == 0)
				assert_int_equal(r->to, e->tx_port);
			if (e->handed_by == DP_NONE)
				rx[e->rx_port][e->rx_queue]++;
			else
				assert_int_not_equal(e->handed_by, l);
			if (e->tx_port == DP_NONE)
				continue;
			assert_true(e->tx_queue < p->ports[e->tx_port].nb_txq);
			/* One lcore per TX queue. */
			assert_true(tx[e->tx_port][e->tx_queue] == 0 ||
				tx[e->tx_port][e->tx_queue] == p->lcores[l].id);
			tx[e->tx_port][e->tx_queue] = p->lcores[l].id;
		}
	}
	assert_int_equal(entries, p->n_entries);
	for (uint16_t port = 0; port < p->n_ports; port++)
		for (uint16_t q = 0; q < p->ports[port].nb_rxq; q++)
			assert_int_equal(rx[port][q], 1);
}

static void
both_directions_on_one_lcore(void **state)
{
	struct fixture *f = *state;
	const uint16_t a = add_port(f, "vf0", 2, 2), b = add_port(f, "vf1", 2, 2);

	add_rule(f, "ping-pong", a, b, DP_MAC, true);
	add_lcores(f, 1);
	make(f);
	assert_sound(f->plan);
	assert_int_equal(f->plan->burst, 32);
	assert_int_equal(f->plan->n_rules, 2);
	assert_string_equal(f->plan->rules[0].name, "ping-pong");
	assert_string_equal(f->plan->rules[1].name, "ping-pong-back");
	assert_int_equal(f->plan->rules[1].mode, DP_MAC);
	assert_int_equal(f->plan->n_entries, 4);
	/* One lcore uses all TX queues that there are. */
	assert_int_equal(f->plan->entries[0].tx_queue, 0);
	assert_int_equal(f->plan->entries[1].tx_queue, 1);
}

static void
unread_ports_are_drained(void **state)
{
	struct fixture *f = *state;
	const uint16_t pf = add_port(f, "pf0", 2, 2), a = add_port(f, "vf0", 1, 1),
		       b = add_port(f, "vf1", 1, 1);

	add_rule(f, "one-way", a, b, DP_IO, false);
	add_lcores(f, 1);
	make(f);
	assert_sound(f->plan);
	assert_int_equal(f->plan->n_rules, 3);
	assert_string_equal(f->plan->rules[1].name, "unread-pf0");
	assert_int_equal(f->plan->rules[1].from, pf);
	assert_int_equal(f->plan->rules[1].mode, DP_SINK);
	assert_true(f->plan->rules[1].implicit);
	assert_string_equal(f->plan->rules[2].name, "unread-vf1");
}

static void
explicit_queues_stay_where_they_were_put(void **state)
{
	struct fixture *f = *state;
	const uint16_t a = add_port(f, "vf0", 2, 2), b = add_port(f, "vf1", 2, 2);

	add_rule(f, "r", a, b, DP_IO, true);
	add_lcores(f, 2);
	give(f, 1, a, 0);
	give(f, 1, b, 0);
	make(f);
	assert_sound(f->plan);
	assert_int_equal(f->plan->lcores[0].n, 2);
	assert_int_equal(f->plan->entries[f->plan->lcores[1].first].rx_port, a);
	assert_int_equal(f->plan->entries[f->plan->lcores[1].first].rx_queue, 0);
	assert_int_equal(f->plan->entries[f->plan->lcores[1].first + 1].rx_port, b);
}

static void
spreading_respects_few_tx_queues(void **state)
{
	struct fixture *f = *state;
	const uint16_t a = add_port(f, "vf0", 2, 1), b = add_port(f, "vf1", 2, 1);

	add_rule(f, "r", a, b, DP_IO, true);
	add_lcores(f, 2);
	make(f);
	assert_sound(f->plan);
	assert_int_equal(f->plan->lcores[0].n, 2);
	assert_int_equal(f->plan->lcores[1].n, 2);
}

static void
too_few_tx_queues_are_told(void **state)
{
	struct fixture *f = *state;
	const uint16_t a = add_port(f, "vf0", 2, 1), b = add_port(f, "vf1", 1, 1);

	add_rule(f, "r", a, b, DP_IO, false);
	add_lcores(f, 2);
	give(f, 0, a, 0);
	give(f, 1, a, 1);
	refuse(f, "port vf1 has 1 TX queue but 2 lcores send to it; give it more TX queues");
}

/* Entries of lcore l for a port that others hand over. */
static unsigned int
handed(const struct dp_plan *p, uint16_t l, uint16_t port)
{
	unsigned int n = 0;

	for (uint16_t i = 0; i < p->lcores[l].n; i++) {
		const struct dp_plan_entry *e = &p->entries[p->lcores[l].first + i];

		n += e->rx_port == port && e->handed_by != DP_NONE;
	}
	return n;
}

/* 2 RX queues on lcores 1 and 2; with 4 TX queues there, lcores 3 and 4 get work as well. */
static void
a_table_brings_more_lcores_to_work(void **state)
{
	struct fixture *f = *state;
	const uint16_t a = add_port(f, "vf0", 2, 4), b = add_port(f, "vf1", 4, 4);
	uint16_t lcores[8];

	add_rule(f, "r", a, b, DP_MAC, false);
	f->spec->ports[a].spread = 256;
	add_lcores(f, 4);
	give(f, 0, a, 0);
	give(f, 1, a, 1);
	make(f);
	assert_sound(f->plan);
	assert_int_equal(dp_plan_workers(f->plan, a, lcores, 8), 4);
	for (uint16_t l = 0; l < 4; l++) {
		assert_int_equal(lcores[l], l);
		assert_int_equal(handed(f->plan, l, a), l < 2 ? 1 : 2);
		assert_int_equal(handed(f->plan, l, b), 0);
	}
}

/* Where only two lcores can send, two work, and no TX queue is shared. */
static void
a_table_respects_few_tx_queues(void **state)
{
	struct fixture *f = *state;
	const uint16_t a = add_port(f, "vf0", 4, 4), b = add_port(f, "vf1", 2, 2);
	uint16_t lcores[8];

	add_rule(f, "r", a, b, DP_IO, true);
	f->spec->ports[a].spread = 4096;
	f->spec->ports[b].spread = 128;
	add_lcores(f, 4);
	make(f);
	assert_sound(f->plan);
	assert_int_equal(dp_plan_workers(f->plan, a, lcores, 8), 2);
	assert_int_equal(dp_plan_workers(f->plan, b, lcores, 8), 4);
	f->spec->ports[a].spread = 300;
	refuse(f, "powers of two up to 4096");
}

static void
a_sink_takes_probes_of_a_rule_that_makes_some(void **state)
{
	struct fixture *f = *state;
	const uint16_t a = add_port(f, "vf0", 2, 2), b = add_port(f, "vf1", 2, 2);

	add_rule(f, "s", a, a, DP_SOURCE, false);
	add_rule(f, "r", b, b, DP_SINK, false);
	add_lcores(f, 2);
	f->spec->rules[0].opts.source.probe = 1;
	strcpy(f->spec->rules[1].opts.probes_of, "s");
	make(f);
	assert_sound(f->plan);
	f->spec->ports[b].spread = 128;
	refuse(f, "port vf1 has a software table, which a sink of probes does not go with");
	f->spec->ports[b].spread = 0;
	f->spec->rules[0].opts.source.probe = 0;
	refuse(f, "rule r takes the probes of s, which is no rule of mode source with probe = yes");
	f->spec->rules[0].opts.source.probe = 1;
	f->spec->rules[0].mode = DP_ECHO;
	refuse(f, "rule r takes the probes of s");
	/* While it is no sink it does not look for any. */
	f->spec->rules[1].mode = DP_MACSWAP;
	dp_plan_free(f->plan);
	make(f);
	assert_sound(f->plan);
}

/* A fan-out shares whole queues out, a source has numbers by queue: the table knows no queues. */
static void
a_table_goes_with_neither_fan_out_nor_source(void **state)
{
	struct fixture *f = *state;
	const uint16_t a = add_port(f, "vf0", 2, 2), b = add_port(f, "vf1", 2, 2);
	const uint16_t c = add_port(f, "vf2", 2, 2);

	add_rule(f, "r", a, b, DP_IO, false);
	f->spec->ports[a].spread = 128;
	add_lcores(f, 2);
	f->spec->rules[0].n_more = 1;
	f->spec->rules[0].more[0] = c;
	refuse(f, "port vf0 has a software table and cannot feed 2 ports");
	/* What stays on its port does not mind. */
	f->spec->rules[0].mode = DP_ECHO;
	make(f);
	assert_sound(f->plan);
	f->spec->rules[0].mode = DP_SOURCE;
	refuse(f, "rule r: port vf0 has a software table, which a source does not go with");
	f->spec->rules[0].n_more = 0;
	f->spec->rules[0].both = true;
	f->spec->ports[a].spread = 0;
	f->spec->ports[b].spread = 128;
	refuse(f, "rule r: port vf1 has a software table");
}

static void
random_specs_give_sound_plans(void **state)
{
	struct fixture *f = *state;

	srand(1);
	for (unsigned int round = 0; round < 500; round++) {
		memset(f->spec, 0, sizeof(*f->spec));
		for (int p = rand() % 8 + 1; p > 0; p--)
			f->spec->ports[add_port(f, (char[]){(char)(0x61 + p), 0}, rand() % 5,
					       rand() % 4 + 1)]
				.spread = rand() % 3 ? 0 : 128;
		add_lcores(f, rand() % 6 + 1);
		dp_spec_pairs(f->spec, rand() % 3);
		make(f);
		assert_sound(f->plan);
		dp_plan_free(f->plan);
		f->plan = NULL;
	}
}

static void
rules_that_cannot_be_are_refused(void **state)
{
	struct fixture *f = *state;
	const uint16_t a = add_port(f, "vf0", 1, 1), b = add_port(f, "vf1", 1, 0);

	refuse(f, "0 lcores");
	add_lcores(f, 1);
	add_rule(f, "r", a, b, DP_IO, false);
	refuse(f, "rule r sends to port vf1, which has no TX queue");
	f->spec->ports[b].nb_txq = 1;
	add_rule(f, "r", b, a, DP_IO, false);
	refuse(f, "two rules are named r");
	f->spec->rules[1].name[0] = 's';
	f->spec->rules[1].from = a;
	refuse(f, "rules r and s both read port vf0");
	f->spec->rules[1].from = 9;
	refuse(f, "rule s: from is no port");
	f->spec->rules[1].from = b;
	f->spec->rules[1].to = 9;
	refuse(f, "rule s: to is no port");
	f->spec->rules[1].to = b;
	f->spec->rules[1].both = true;
	refuse(f, "from and to are the same port");
	f->spec->rules[1].both = false;
	f->spec->rules[1].to = a;
	f->spec->rules[1].n_more = 1;
	f->spec->rules[1].more[0] = b;
	refuse(f, "port vf1 has 1 RX queues and cannot feed 2 ports");
	f->spec->rules[1].more[0] = 9;
	refuse(f, "rule s: to is no port");
	f->spec->rules[1].n_more = DP_MAX_FAN;
	refuse(f, "up to 8 ports");
	f->spec->n_rules = 1;
	f->spec->burst = DP_MAX_BURST + 1;
	refuse(f, "burst 257");
	f->spec->burst = 0;
	f->spec->ports[b].port_id = f->spec->ports[a].port_id;
	refuse(f, "ports vf0 and vf1 are the same one");
}

static void
assignments_that_cannot_be_are_refused(void **state)
{
	struct fixture *f = *state;
	const uint16_t a = add_port(f, "vf0", 1, 2), b = add_port(f, "vf1", 1, 2);

	add_rule(f, "r", a, b, DP_IO, true);
	add_lcores(f, 2);
	give(f, 0, a, 0);
	give(f, 1, a, 0);
	refuse(f, "queue vf0:0 is given to lcore 1 and to lcore 2");
	f->spec->lcores[1].queues[0].queue = 1;
	refuse(f, "lcore 2: port vf0 has no RX queue 1, it has 1");
	f->spec->lcores[1].queues[0].port = 7;
	refuse(f, "lcore 2: no such port");
	f->spec->lcores[1].n_queues = 0;
	f->spec->lcores[1].id = 1;
	refuse(f, "lcore 1 is there twice");
}

static void
pairs_as_testpmd_makes_them(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 3; i++)
		add_port(f, i == 0 ? "vf0" : i == 1 ? "vf1" : "vf2", 1, 1);
	assert_int_equal(dp_spec_pairs(f->spec, DP_IO), 2);
	assert_string_equal(f->spec->rules[0].name, "vf0-vf1");
	assert_true(f->spec->rules[0].both);
	assert_int_equal(f->spec->rules[1].from, 2);
	assert_int_equal(f->spec->rules[1].to, 2);
	assert_false(f->spec->rules[1].both);
	add_lcores(f, 1);
	make(f);
	assert_sound(f->plan);
}

static void
another_mode_leaves_fixed_rules_alone(void **state)
{
	struct fixture *f = *state;
	const uint16_t a = add_port(f, "vf0", 1, 1), b = add_port(f, "vf1", 1, 1);
	const uint16_t c = add_port(f, "vf2", 1, 1);

	add_rule(f, "r", a, b, DP_IO, true);
	add_rule(f, "s", c, c, DP_SINK, false);
	f->spec->rules[1].fixed = true;
	add_lcores(f, 1);
	/* What stays on its own port remembers where it sent to. */
	for (enum dp_mode mode = 0; mode < DP_MODES; mode++) {
		dp_spec_set_mode(f->spec, mode);
		make(f);
		assert_sound(f->plan);
		assert_int_equal(f->plan->n_rules, 3);
		assert_string_equal(f->plan->rules[1].name, "r-back");
		assert_int_equal(f->plan->rules[1].mode, mode);
		assert_int_equal(f->plan->rules[1].from, b);
		assert_int_equal(f->plan->rules[1].to, mode == DP_SINK ? DP_NONE
					: mode == DP_ECHO || mode == DP_SOURCE ? b
									       : a);
		assert_int_equal(f->plan->rules[2].mode, DP_SINK);
		dp_plan_free(f->plan);
		f->plan = NULL;
	}
}

static void
a_fan_out_shares_out_whole_queues(void **state)
{
	struct fixture *f = *state;
	const uint16_t a = add_port(f, "vf0", 4, 1), b = add_port(f, "vf1", 1, 2);
	const uint16_t c = add_port(f, "vf2", 1, 1);

	add_rule(f, "fan", a, b, DP_IO, false);
	f->spec->rules[0].n_more = 1;
	f->spec->rules[0].more[0] = c;
	/* And many ports may send to one. */
	add_rule(f, "in", b, c, DP_IO, false);
	add_lcores(f, 1);
	make(f);
	assert_sound(f->plan);
	for (uint16_t e = 0; e < 4; e++)
		assert_int_equal(f->plan->entries[e].tx_port, e % 2 == 0 ? b : c);
	assert_int_equal(f->plan->entries[4].tx_port, c);
	f->spec->rules[0].both = true;
	refuse(f, "with several ports to send to, both must be no");
}

static void
imix_is_seven_four_one(void **state)
{
	struct dp_source_conf c = {0};
	unsigned int n[3] = {0};

	(void)state;
	dp_source_imix(&c);
	assert_int_equal(c.n_sizes, 12);
	for (uint16_t i = 0; i < c.n_sizes; i++)
		n[c.sizes[i] == 64 ? 0 : c.sizes[i] == 594 ? 1 : 2]++;
	assert_int_equal(n[0], 7);
	assert_int_equal(n[1], 4);
	assert_int_equal(n[2], 1);
}

/* Pools of a PF: several ports that are parts of one ethdev. */
static void
parts_of_a_port_have_queues_of_their_own(void **state)
{
	struct fixture *f = *state;
	const uint16_t a = add_port(f, "pf0pool0", 1, 1), b = add_port(f, "pf0pool1", 1, 1);

	f->spec->ports[b].port_id = f->spec->ports[a].port_id;
	f->spec->ports[b].first_queue = 2;
	add_rule(f, "there", a, b, DP_MAC, true);
	add_lcores(f, 1);
	make(f);
	assert_int_equal(f->plan->n_entries, 2);
	assert_int_equal(f->plan->entries[0].rx_queue, 0);
	assert_int_equal(f->plan->entries[0].tx_queue, 2);
	assert_int_equal(f->plan->entries[1].rx_queue, 2);
	assert_int_equal(f->plan->entries[1].tx_queue, 0);
	f->spec->ports[b].first_queue = 0;
	refuse(f, "ports pf0pool0 and pf0pool1 are the same one");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(both_directions_on_one_lcore),
		TEST(unread_ports_are_drained),
		TEST(explicit_queues_stay_where_they_were_put),
		TEST(spreading_respects_few_tx_queues),
		TEST(too_few_tx_queues_are_told),
		TEST(a_table_brings_more_lcores_to_work),
		TEST(a_table_respects_few_tx_queues),
		TEST(a_sink_takes_probes_of_a_rule_that_makes_some),
		TEST(a_table_goes_with_neither_fan_out_nor_source),
		TEST(random_specs_give_sound_plans),
		TEST(rules_that_cannot_be_are_refused),
		TEST(assignments_that_cannot_be_are_refused),
		TEST(pairs_as_testpmd_makes_them),
		TEST(another_mode_leaves_fixed_rules_alone),
		TEST(a_fan_out_shares_out_whole_queues),
		TEST(imix_is_seven_four_one),
		TEST(parts_of_a_port_have_queues_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
