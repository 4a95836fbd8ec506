/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RSS: testpmd's words for the table and the key, and what it lacks: show rss, rss predict, find,
 * sample, set.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dp_spread.h>
#include <rss_flow.h>
#include <vfp_parse.h>

#include "../balance.h"
#include "../rss.h"
#include "../rss_watch.h"
#include "cli.h"

struct rss_cmd {
	cmdline_fixed_string_t verb, noun, what, port, more, proto, src, dst, word, value, shared;
	uint16_t number;
	uint16_t queue;
	cmdline_multi_string_t rest;
};

static uint64_t
chance(void)
{
	uint64_t n;

	arc4random_buf(&n, sizeof(n));
	return n;
}

/* A port by its name, or by its number as testpmd has it. */
static struct port *
port_of(struct cmdline *cl, const char *name)
{
	struct app *app = cli_app();
	struct port *p = app_port(app, name);
	unsigned int id;
	int end = 0;

	if (!p && sscanf(name, "%u%n", &id, &end) == 1 && name[end] == '\0')
		p = app_port_by_id(app, id);
	if (!p)
		cmdline_printf(cl, "there is no port %s; show ports lists the ports\n", name);
	return p;
}

/* "vf 0": the VF's port, where we poll it. */
static struct port *
vf_port(struct cmdline *cl, uint16_t vf)
{
	struct app *app = cli_app();

	for (uint16_t i = 0; i < app->n_ports; i++)
		if (app->ports[i].role == PORT_VF && app->ports[i].vf == vf)
			return &app->ports[i];
	cmdline_printf(cl, "VF %u is no port of ours; show vfs lists them\n", vf);
	return NULL;
}

static void
do_show_all(void *parsed, struct cmdline *cl, void *data)
{
	(void)parsed;
	(void)data;
	cli_show(cl, view_rss, NULL);
}

static void
do_show(void *parsed, struct cmdline *cl, void *data)
{
	const struct port *p = port_of(cl, ((struct rss_cmd *)parsed)->port);

	(void)data;
	if (p)
		cli_show(cl, view_rss, p->name);
}

/* As testpmd prints it: the entries whose bits are set in the masks, 64 to a mask. */
static void
do_show_reta(void *parsed, struct cmdline *cl, void *data)
{
	const struct rss_cmd *c = parsed;
	const struct port *p = port_of(cl, c->port);
	unsigned long long mask[2] = {0};
	const struct rss_conf *conf;

	(void)data;
	if (!p)
		return;
	if (c->number != RSS_RETA_SIZE ||
		sscanf(c->value, "(%lli,%lli)", (long long *)&mask[0], (long long *)&mask[1]) < 2) {
		cmdline_printf(cl, "the table has %d entries; two masks of 64 choose from them: show "
			"port %s rss reta 128 (0xf,0x0)\n", RSS_RETA_SIZE, p->name);
		return;
	}
	conf = rss_of(cli_app(), p);
	for (unsigned int i = 0; i < RSS_RETA_SIZE; i++)
		if (mask[i / 64] >> (i % 64) & 1)
			cmdline_printf(cl, "RSS RETA configuration: hash index=%u, queue=%u\n", i,
				conf->reta[i]);
}

/* data: with the key too */
static void
do_show_hash(void *parsed, struct cmdline *cl, void *data)
{
	const struct port *p = port_of(cl, ((struct rss_cmd *)parsed)->port);
	char text[RSS_FIELDS_TEXT], key[RSS_KEY_TEXT];
	const struct rss_conf *conf;

	if (!p)
		return;
	conf = rss_of(cli_app(), p);
	cmdline_printf(cl, "RSS functions:\n  %s\n", rss_fields_text(conf->fields, text));
	if (data)
		cmdline_printf(cl, "RSS key:\n%s\n", rss_key_text(conf->key, key));
}

/* A sentence, broken at 78 columns. */
static void
say(struct cmdline *cl, const char *text)
{
	while (*text) {
		int cut = strlen(text);

		if (cut > 78)
			for (cut = 78; cut > 0 && text[cut] != ' '; cut--)
				;
		cut = cut ? cut : 78;
		cmdline_printf(cl, "%.*s\n", cut, text);
		text += cut + strspn(text + cut, " ");
	}
}

static void
said(struct cmdline *cl, int ret, const struct vfp_err *err, const struct port *p, const char *what)
{
	char touched[256], text[400];

	if (ret < 0) {
		say(cl, err->text);
		return;
	}
	rss_touched(cli_app(), app_pf_of(cli_app(), p), touched, sizeof(touched));
	snprintf(text, sizeof(text), "%s; this holds for %s", what, touched);
	say(cl, text);
	cmdline_printf(cl, "read back: %s\n", p->rss_read);
}

static void
set_table(struct cmdline *cl, struct port *p, const uint8_t *reta, bool shared_ok)
{
	struct vfp_err err = {0};
	int ret;

	pthread_mutex_lock(&cli_app()->lock);
	ret = rss_set_table(cli_app(), p, reta, shared_ok, &err);
	pthread_mutex_unlock(&cli_app()->lock);
	said(cl, ret, &err, p, "table written");
}

/* "port config P rss reta (h,q)[,(h,q)]"; data: shared-ok is said */
static void
do_reta(void *parsed, struct cmdline *cl, void *data)
{
	const struct rss_cmd *c = parsed;
	struct port *p = port_of(cl, c->port);
	uint8_t reta[RSS_RETA_SIZE];
	struct vfp_err err = {0};

	if (!p)
		return;
	memcpy(reta, rss_of(cli_app(), p)->reta, sizeof(reta));
	if (rss_reta_pairs(c->value, p->nb_rxq, reta, &err) < 0)
		cmdline_printf(cl, "%s\n", err.text);
	else
		set_table(cl, p, reta, data != NULL);
}

static void
set_hash(struct cmdline *cl, struct port *p, const uint8_t *key, uint32_t fields, bool shared_ok)
{
	struct vfp_err err = {0};
	int ret;

	pthread_mutex_lock(&cli_app()->lock);
	ret = rss_set_hash(cli_app(), p, key, fields, shared_ok, &err);
	pthread_mutex_unlock(&cli_app()->lock);
	said(cl, ret, &err, p, "key and fields set by a restart of the PF and its VFs");
}

/* "port config P rss-hash-key TYPE KEY": testpmd's TYPE adds nothing on a card with one key. */
static void
do_hash_key(void *parsed, struct cmdline *cl, void *data)
{
	const struct rss_cmd *c = parsed;
	struct port *p = port_of(cl, c->port);
	struct vfp_err err = {0};
	uint8_t key[RSS_KEY_LEN];
	uint32_t ignored = 0;

	if (!p)
		return;
	if (strncmp(c->word, "ipv", 3) != 0 && rss_field_add(c->word, &ignored) < 0)
		cmdline_printf(cl, "hash type %s is not known; allowed: ipv4, ipv4-tcp, ipv4-udp, "
			"ipv6, ipv6-tcp, ipv6-udp; the card has one key for all\n", c->word);
	else if (rss_key_named(c->value, chance(), key, &err) < 0)
		cmdline_printf(cl, "%s\n", err.text);
	else
		set_hash(cl, p, key, p->rss.fields, data != NULL);
}

/* "rss set PORT key|fields|reta VALUE"; data: shared-ok is said */
static void
do_set(void *parsed, struct cmdline *cl, void *data)
{
	const struct rss_cmd *c = parsed;
	struct port *p = port_of(cl, c->port);
	struct vfp_err err = {0};
	uint8_t key[RSS_KEY_LEN], reta[RSS_RETA_SIZE];
	char words[STR_TOKEN_SIZE];
	uint32_t fields = 0;
	int ret = 0;

	if (!p)
		return;
	if (strcmp(c->what, "reta") == 0) {
		if (rss_reta_parse(c->value, p->nb_rxq, reta, RSS_RETA_SIZE, &err) < 0)
			cmdline_printf(cl, "%s\n", err.text);
		else
			set_table(cl, p, reta, data != NULL);
	} else if (strcmp(c->what, "key") == 0) {
		if (rss_key_named(c->value, chance(), key, &err) < 0)
			cmdline_printf(cl, "%s\n", err.text);
		else
			set_hash(cl, p, key, p->rss.fields, data != NULL);
	} else {
		snprintf(words, sizeof(words), "%s", c->value);
		for (char *save, *w = strtok_r(words, ",", &save); ret == 0 && w;
			w = strtok_r(NULL, ",", &save))
			ret = rss_field_add(w, &fields);
		if (ret < 0)
			cmdline_printf(cl, "fields %s are not allowed; allowed: %s\n", c->value,
				RSS_FIELD_WORDS);
		else
			set_hash(cl, p, p->rss.key, fields, data != NULL);
	}
}

static void
do_sample(void *parsed, struct cmdline *cl, void *data)
{
	const struct rss_cmd *c = parsed;
	struct port *p = port_of(cl, c->port);
	const bool on = strcmp(c->word, "on") == 0;
	int ret;

	(void)data;
	if (!p)
		return;
	ret = rss_watch_set(p, on, true);
	if (ret < 0)
		cmdline_printf(cl, "%s: %s\n", p->name, strerror(-ret));
	else
		cmdline_printf(cl, on ? "%s: looking at what arrives; show rss %s tells\n"
				      : "%s: no longer looking; show rss %s tells what was seen\n",
			p->name, p->name);
}

/* data: shared-ok is said */
static void
do_balance(void *parsed, struct cmdline *cl, void *data)
{
	static const char *const modes[] = {"off", "dry", "on"};
	const struct rss_cmd *c = parsed;
	struct port *p = port_of(cl, c->port);
	struct vfp_err err = {0};
	unsigned int mode;
	int ret;

	if (!p || vfp_parse_choice(c->word, "balance", modes, 3, &mode, &err) < 0)
		return;
	pthread_mutex_lock(&cli_app()->lock);
	ret = balance_set(cli_app(), p, mode, data != NULL, &err);
	pthread_mutex_unlock(&cli_app()->lock);
	if (ret < 0)
		say(cl, err.text);
	else
		cmdline_printf(cl, "%s: balancing %s; show rss %s tells\n", p->name,
			mode == BALANCE_DRY ? "is planned only" : modes[mode], p->name);
}

/* "rss move PORT ENTRY LCORE": an entry of a software table, by hand */
static void
do_move(void *parsed, struct cmdline *cl, void *data)
{
	const struct rss_cmd *c = parsed;
	struct dp_spread_view *v = malloc(sizeof(*v));
	struct port *p = port_of(cl, c->port);
	struct dp_spread_move m = {c->number, UINT8_MAX};
	struct vfp_err err = {0};

	(void)data;
	if (v && p && dp_spread_read(cli_app()->dp, p->port_id, v) < 0) {
		cmdline_printf(cl, "%s has no software table\n", p->name);
	} else if (v && p) {
		for (uint16_t l = 0; l < v->n_lcores; l++)
			if (v->lcores[l] == c->queue)
				m.to = l;
		if (m.to == UINT8_MAX)
			cmdline_printf(cl, "lcore %u works on no packet of %s\n", c->queue, p->name);
		else if (dp_spread_move(cli_app()->dp, p->port_id, &m, 1, &err) < 0)
			cmdline_printf(cl, "%s\n", err.text);
		else
			cmdline_printf(cl, "entry %u of %s: lcore %u\n", m.entry, p->name, c->queue);
	}
	free(v);
}

struct asked {
	struct rss_oracle oracle;
	struct rss_flow flow;
	unsigned int queues;
};

/* The oracle of a VF's port and the flow of a command; NULL after having said what is wrong. */
static struct asked *
ask(struct cmdline *cl, const struct rss_cmd *c, struct port **port)
{
	static struct asked a;
	struct vfp_err err = {0};

	*port = vf_port(cl, c->number);
	if (!*port)
		return NULL;
	if (rss_flow_parse(c->proto, c->src, c->dst, &a.flow, &err) < 0) {
		cmdline_printf(cl, "%s\n", err.text);
		return NULL;
	}
	if (!app_pf_of(cli_app(), *port)) {
		cmdline_printf(cl, "%s: key and table are those of a PF that is not ours\n",
			(*port)->name);
		return NULL;
	}
	rss_oracle_init(&a.oracle, rss_of(cli_app(), *port));
	a.queues = rss_pool_queues(cli_app(), *port);
	return &a;
}

static uint32_t
lcore_of(const struct port *p, unsigned int queue)
{
	const struct dp_plan *plan = dp_current_plan(cli_app()->dp);

	for (uint16_t l = 0; plan && l < plan->n_lcores; l++)
		for (uint16_t e = 0; e < plan->lcores[l].n; e++) {
			const struct dp_plan_entry *x = &plan->entries[plan->lcores[l].first + e];

			if (plan->ports[x->rx_port].port_id == p->port_id && x->rx_queue == queue && x->handed_by == DP_NONE)
				return plan->lcores[l].id;
		}
	return UINT32_MAX;
}

static void
do_predict(void *parsed, struct cmdline *cl, void *data)
{
	struct port *p;
	struct asked *a = ask(cl, parsed, &p);
	char text[RSS_FLOW_TEXT];
	struct rss_verdict v;
	uint32_t lcore;

	(void)data;
	if (!a)
		return;
	rss_flow_predict(&a->oracle, a->queues, &a->flow, &v);
	lcore = lcore_of(p, v.queue);
	cmdline_printf(cl, "%s\n", rss_flow_text(&a->flow, text));
	cmdline_printf(cl, "  hash   0x%08x over %s\n", v.hash, rss_note_text(v.note));
	if (v.type != RSS_T_NONE)
		cmdline_printf(cl, "  entry  %u of %d\n", v.index, RSS_RETA_SIZE);
	cmdline_printf(cl, "  queue  %u of %u of %s", v.queue, a->queues, p->name);
	if (lcore != UINT32_MAX)
		cmdline_printf(cl, ", polled by lcore %u", lcore);
	cmdline_printf(cl, "\n");
	if (v.type != RSS_T_NONE && rss_soft_worker(cli_app(), p, v.hash, text, sizeof(text)) == 0)
		cmdline_printf(cl, "  %s\n", text);
}

static bool
queue_exists(struct cmdline *cl, const struct asked *a, const struct port *p, unsigned int queue)
{
	if (queue < a->queues)
		return true;
	cmdline_printf(cl, "there is no queue %u: RSS spreads %s over %u (0 to %u)\n", queue,
		p->name, a->queues, a->queues - 1);
	return false;
}

static void
do_find_port(void *parsed, struct cmdline *cl, void *data)
{
	const struct rss_cmd *c = parsed;
	uint16_t ports[8];
	struct port *p;
	struct asked *a = ask(cl, c, &p);
	unsigned int n;

	(void)data;
	if (!a || !queue_exists(cl, a, p, c->queue))
		return;
	n = rss_find_ports(&a->oracle, a->queues, &a->flow, c->queue, ports, RTE_DIM(ports));
	if (n == 0) {
		cmdline_printf(cl, "no source port does it: its ports are not hashed, or no entry of "
			"the table leads to queue %u\n", c->queue);
		return;
	}
	cmdline_printf(cl, "source ports that come to queue %u:", c->queue);
	for (unsigned int i = 0; i < n; i++)
		cmdline_printf(cl, " %u", ports[i]);
	cmdline_printf(cl, "\n");
}

static void
do_find_key(void *parsed, struct cmdline *cl, void *data)
{
	const struct rss_cmd *c = parsed;
	const unsigned int queue = c->queue;
	struct port *p;
	struct asked *a = ask(cl, c, &p);
	uint8_t key[RSS_KEY_LEN];
	char text[RSS_KEY_TEXT];

	(void)data;
	if (!a || !queue_exists(cl, a, p, queue))
		return;
	if (rss_find_key(&a->oracle.conf, a->queues, &a->flow, &queue, 1,
			 chance(), key) < 0)
		cmdline_printf(cl, "no key does it: the flow is not hashed, or no entry of the table "
			"leads to queue %u\n", queue);
	else
		cmdline_printf(cl, "%s\n", rss_key_text(key, text));
}

#define WORD(name, field, text)                                                                    \
	static cmdline_parse_token_string_t name =                                                 \
		TOKEN_STRING_INITIALIZER(struct rss_cmd, field, text)
#define NUMBER(name, field)                                                                        \
	static cmdline_parse_token_num_t name =                                                    \
		TOKEN_NUM_INITIALIZER(struct rss_cmd, field, RTE_UINT16)

WORD(t_show, verb, "show");
WORD(t_rss, noun, "rss");
WORD(t_verb_rss, verb, "rss");
WORD(t_verb_port, verb, "port");
WORD(t_noun_port, noun, "port");
WORD(t_config, noun, "config");
WORD(t_name, port, NULL);
WORD(t_what_rss, what, "rss");
WORD(t_reta, more, "reta");
WORD(t_masks, value, NULL);
WORD(t_hash, what, "rss-hash");
WORD(t_key, more, "key");
WORD(t_hash_key, what, "rss-hash-key");
WORD(t_type, word, NULL);
WORD(t_value, value, NULL);
WORD(t_shared, shared, "shared-ok");
WORD(t_set, noun, "set");
WORD(t_set_what, what, "key#fields#reta");
WORD(t_sample, noun, "sample");
WORD(t_onoff, word, "on#off");
WORD(t_balance, noun, "balance");
WORD(t_balance_mode, word, "on#off#dry");
WORD(t_move, noun, "move");
WORD(t_lcore, word, "lcore");
WORD(t_predict, noun, "predict");
WORD(t_find, noun, "find");
WORD(t_find_port, more, "port");
WORD(t_find_key, more, "key");
WORD(t_vf, what, "vf");
WORD(t_proto, proto, "tcp#udp#ip");
WORD(t_src, src, NULL);
WORD(t_dst, dst, NULL);
WORD(t_queue_word, word, "queue");
NUMBER(t_number, number);
NUMBER(t_queue, queue);

#define T(x) ((void *)&(x))
#define COMMAND(name, function, given, text, ...)                                                  \
	static cmdline_parse_inst_t name = {.f = function,                                         \
		.data = (void *)(uintptr_t)(given),                                                \
		.help_str = text,                                                                  \
		.tokens = {__VA_ARGS__, NULL}}

COMMAND(show_all, do_show_all, 0, "show rss: which ports spread, and why not", T(t_show), T(t_rss));
COMMAND(show_one, do_show, 0, "show rss PORT: key, fields, table, spread, why not", T(t_show),
	T(t_rss), T(t_name));
COMMAND(show_reta, do_show_reta, 0, "show port P rss reta 128 (MASK,MASK)", T(t_show),
	T(t_noun_port), T(t_name), T(t_what_rss), T(t_reta), T(t_number), T(t_masks));
COMMAND(show_hash, do_show_hash, 0, "show port P rss-hash", T(t_show), T(t_noun_port), T(t_name),
	T(t_hash));
COMMAND(show_hash_key, do_show_hash, 1, "show port P rss-hash key", T(t_show), T(t_noun_port),
	T(t_name), T(t_hash), T(t_key));
COMMAND(config_reta, do_reta, 0, "port config P rss reta (ENTRY,QUEUE)[,(…)] [shared-ok]",
	T(t_verb_port), T(t_config), T(t_name), T(t_what_rss), T(t_reta), T(t_value));
COMMAND(config_reta_shared, do_reta, 1, "port config P rss reta (ENTRY,QUEUE)[,(…)] shared-ok",
	T(t_verb_port), T(t_config), T(t_name), T(t_what_rss), T(t_reta), T(t_value),
	T(t_shared));
COMMAND(config_key, do_hash_key, 0,
	"port config P rss-hash-key TYPE KEY [shared-ok]: restarts PF and VFs",
	T(t_verb_port), T(t_config), T(t_name), T(t_hash_key), T(t_type), T(t_value));
COMMAND(config_key_shared, do_hash_key, 1, "port config P rss-hash-key TYPE KEY shared-ok",
	T(t_verb_port), T(t_config), T(t_name), T(t_hash_key), T(t_type), T(t_value),
	T(t_shared));
COMMAND(set, do_set, 0,
	"rss set PF key|fields|reta VALUE [shared-ok]: key, fields restart PF and VFs", T(t_verb_rss),
	T(t_set), T(t_name), T(t_set_what), T(t_value));
COMMAND(set_shared, do_set, 1, "rss set PF key|fields|reta VALUE shared-ok", T(t_verb_rss),
	T(t_set), T(t_name), T(t_set_what), T(t_value), T(t_shared));
COMMAND(sample, do_sample, 0, "rss sample PORT on|off: look at what arrives, for show rss",
	T(t_verb_rss), T(t_sample), T(t_name), T(t_onoff));
COMMAND(balance, do_balance, 0, "rss balance PORT on|off|dry [shared-ok]: even its queues out",
	T(t_verb_rss), T(t_balance), T(t_name), T(t_balance_mode));
COMMAND(balance_shared, do_balance, 1, "rss balance PORT on|off|dry shared-ok", T(t_verb_rss),
	T(t_balance), T(t_name), T(t_balance_mode), T(t_shared));
COMMAND(move, do_move, 0, "rss move PORT ENTRY lcore N: an entry of its software table",
	T(t_verb_rss), T(t_move), T(t_name), T(t_number), T(t_lcore), T(t_queue));
COMMAND(predict, do_predict, 0, "rss predict vf N tcp|udp|ip SRC[:PORT] DST[:PORT]", T(t_verb_rss),
	T(t_predict), T(t_vf), T(t_number), T(t_proto), T(t_src), T(t_dst));
COMMAND(find_port, do_find_port, 0,
	"rss find port vf N tcp|udp SRC:PORT DST:PORT queue Q: which source ports",
	T(t_verb_rss), T(t_find), T(t_find_port), T(t_vf), T(t_number), T(t_proto), T(t_src),
	T(t_dst), T(t_queue_word), T(t_queue));
COMMAND(find_key, do_find_key, 0,
	"rss find key vf N tcp|udp|ip SRC DST queue Q: which key", T(t_verb_rss),
	T(t_find), T(t_find_key), T(t_vf), T(t_number), T(t_proto), T(t_src), T(t_dst),
	T(t_queue_word), T(t_queue));

cmdline_parse_inst_t *const cmd_rss_list[] = {&show_all, &show_one, &show_reta, &show_hash,
	&show_hash_key, &config_reta, &config_reta_shared, &config_key, &config_key_shared, &set,
	&set_shared, &balance, &balance_shared, &move, &sample, &predict, &find_port, &find_key, NULL};
