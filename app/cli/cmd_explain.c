/* SPDX-License-Identifier: BSD-3-Clause */
/* explain packet wire|vf N …: where would this packet go, on the card as it is now */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfp_parse.h>

#include "../explain.h"
#include "../rss.h"
#include "cli.h"

#define MAX_WORDS 10

struct explain_cmd {
	cmdline_fixed_string_t explain, packet, from;
	uint16_t vf;
	cmdline_multi_string_t frame;
};

/* One frame asked about, and the card it is asked of. */
static struct {
	struct sriov_steer steer;
	struct rss_oracle oracle;
	struct pf_dev *pf;
	uint8_t frame[2048];
	int len, from;
} asked;

static const struct port *
pool_port(unsigned int pool)
{
	char name[CFG_NAME];

	if (pool == asked.pf->layout.pf_pool)
		return asked.pf->port;
	config_vf_name(&cli_app()->cfg, asked.pf->index, pool, name);
	return app_port(cli_app(), name);
}

static unsigned int
queues(void *arg, unsigned int pool)
{
	const struct port *p = pool_port(pool);

	(void)arg;
	/* How many a tenant's VF uses is known to the VF alone: as many as it was granted. */
	return p ? rss_pool_queues(cli_app(), p) : asked.pf->layout.queues_per_pool;
}

static void
name(void *arg, unsigned int pool, char text[CFG_NAME])
{
	(void)arg;
	if (pool == asked.pf->layout.pf_pool)
		snprintf(text, CFG_NAME, "pf%u", asked.pf->index);
	else
		config_vf_name(&cli_app()->cfg, asked.pf->index, pool, text);
}

static void
queue(void *arg, unsigned int pool, unsigned int q, struct explain_queue *out)
{
	const struct dp_plan *plan = dp_current_plan(cli_app()->dp);
	const struct port *p = pool_port(pool);

	(void)arg;
	if (!p)
		snprintf(out->then, sizeof(out->then), "a tenant's");
	for (uint16_t l = 0; p && plan && l < plan->n_lcores; l++)
		for (uint16_t i = 0; i < plan->lcores[l].n; i++) {
			const struct dp_plan_entry *e = &plan->entries[plan->lcores[l].first + i];
			const struct dp_plan_rule *r = &plan->rules[e->rule];

			if (plan->ports[e->rx_port].port_id != p->port_id || e->rx_queue != q ||
				e->handed_by != DP_NONE)
				continue;
			out->lcore = plan->lcores[l].id;
			snprintf(out->then, sizeof(out->then), "%.31s: %s%s%.31s", r->name,
				dp_mode_names[r->mode], e->tx_port == DP_NONE ? "" : " to ",
				e->tx_port == DP_NONE ? "" : plan->ports[e->tx_port].name);
		}
}

static int
table(void *arg, unsigned int pool, uint32_t hash, char *text, size_t len)
{
	const struct port *p = pool_port(pool);

	(void)arg;
	return p && rss_soft_worker(cli_app(), p, hash, text, len) == 0;
}

static void
look_at_card(struct pf_dev *pf)
{
	struct sriov_counts c;

	asked.pf = pf;
	asked.steer = (struct sriov_steer){.layout = pf->layout, .vlan_filter = pf->n_vfs > 0};
	memcpy(asked.steer.pf_mac, pf->port->mac, 6);
	for (uint16_t v = 0; v < pf->n_vfs; v++) {
		asked.steer.vf[v] = pf->conf.vf[v];
		if (!pf->pf || sriov_pf_policy(pf->pf, v, &asked.steer.vf[v]) < 0 ||
			sriov_pf_counts(pf->pf, v, &c) < 0)
			continue;
		asked.steer.state[v] = c.state;
		if (c.resets == 0 || asked.steer.vf[v].rx_off)
			asked.steer.down |= UINT64_C(1) << v;
	}
	rss_oracle_init(&asked.oracle, &pf->port->rss);
}

static int
get_explain(const struct view *v, struct vfp_out *o, const char *arg)
{
	const struct explain x = {.steer = &asked.steer, .oracle = &asked.oracle,
		.from = asked.from, .queues = queues, .name = name, .queue = queue,
		.table = table};

	(void)arg;
	explain_frame(&x, asked.frame, asked.len, o);
	for (unsigned int i = 0; i < asked.pf->n_vfs; i++)
		if (asked.steer.down >> i & 1)
			vfp_out_note(o, "VF %u was never reset, or may not receive", i);
	if (!v->app->forwarding)
		vfp_out_note(o, "not forwarding: no VF that is polled here gets anything until start");
	return 0;
}

/* "to vf1" is its address. */
static void
name_to_mac(const char *words[], int n, char mac[VFP_MAC_TEXT])
{
	const struct port *p = n > 1 && strcmp(words[0], "to") == 0 ? app_port(cli_app(), words[1])
								     : NULL;

	if (p)
		words[1] = vfp_mac_text(p->mac, mac);
}

/* data: from a VF */
static void
do_explain(void *parsed, struct cmdline *cl, void *data)
{
	static const uint8_t any[6] = {0x02, 0, 0, 0, 0, 0xfe};
	const struct explain_cmd *c = parsed;
	struct app *app = cli_app();
	struct vfp_err err = {0};
	char text[sizeof(c->frame)], mac[VFP_MAC_TEXT], *save;
	const char *words[MAX_WORDS];
	int n = 0;

	if (app->n_pfs == 0) {
		cmdline_printf(cl, "there is no PF of ours: its filters decide, and are not known\n");
		return;
	}
	if (app->pf[0].layout.vmdq_pools > 0) {
		cmdline_printf(cl, "pools of the PF's own are not explained; show layout has their "
				   "addresses and VLANs\n");
		return;
	}
	asked.from = data ? c->vf : -1;
	if (asked.from >= app->pf[0].n_vfs) {
		cmdline_printf(cl, "there is no VF %u; show vfs lists them\n", c->vf);
		return;
	}
	look_at_card(&app->pf[0]);
	snprintf(text, sizeof(text), "%s", c->frame);
	for (char *w = strtok_r(text, " \t", &save); w && n < MAX_WORDS;
		w = strtok_r(NULL, " \t", &save))
		words[n++] = w;
	name_to_mac(words, n, mac);
	asked.len = explain_parse(n, words, data ? asked.steer.vf[c->vf].mac : any, asked.frame,
		sizeof(asked.frame), &err);
	if (asked.len < 0)
		cmdline_printf(cl, "%s\n", err.text);
	else
		cli_show(cl, get_explain, NULL);
}

static cmdline_parse_token_string_t t_explain =
	TOKEN_STRING_INITIALIZER(struct explain_cmd, explain, "explain");
static cmdline_parse_token_string_t t_packet =
	TOKEN_STRING_INITIALIZER(struct explain_cmd, packet, "packet");
static cmdline_parse_token_string_t t_wire =
	TOKEN_STRING_INITIALIZER(struct explain_cmd, from, "wire");
static cmdline_parse_token_string_t t_vf = TOKEN_STRING_INITIALIZER(struct explain_cmd, from, "vf");
static cmdline_parse_token_num_t t_number =
	TOKEN_NUM_INITIALIZER(struct explain_cmd, vf, RTE_UINT16);
static cmdline_parse_token_string_t t_frame =
	TOKEN_STRING_INITIALIZER(struct explain_cmd, frame, TOKEN_STRING_MULTI);

static cmdline_parse_inst_t from_wire = {.f = do_explain,
	.help_str = "explain packet wire to MAC|PORT [vlan V] tcp|udp|ip SRC DST | hex BYTES",
	.tokens = {(void *)&t_explain, (void *)&t_packet, (void *)&t_wire, (void *)&t_frame, NULL}};
static cmdline_parse_inst_t from_vf = {.f = do_explain,
	.data = (void *)1,
	.help_str = "explain packet vf N to MAC|PORT [vlan V] tcp|udp|ip SRC DST | hex BYTES",
	.tokens = {(void *)&t_explain, (void *)&t_packet, (void *)&t_vf, (void *)&t_number,
		(void *)&t_frame, NULL}};

cmdline_parse_inst_t *const cmd_explain_list[] = {&from_wire, &from_vf, NULL};
