/* SPDX-License-Identifier: BSD-3-Clause */
/* port stop|start, and what is set for a whole port: queue rates, loopback, drop-enable */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vfp_parse.h>

#include "../ports.h"
#include "vf_change.h"

static void
stop_or_start(struct cmdline *cl, struct port *p, bool start)
{
	struct app *app = cli_app();
	struct vfp_err err = {0};
	int ret;

	pthread_mutex_lock(&app->lock);
	ret = start ? port_start(app, p, &err) : port_stop(app, p, &err);
	pthread_mutex_unlock(&app->lock);
	if (ret < 0)
		cmdline_printf(cl, "%s\n", err.text);
	else
		cmdline_printf(cl, "%s %s%s\n", p->name, start ? "started" : "stopped",
			p->role != PORT_PF ? ""
			: start            ? "; its VFs are told to reset"
					   : "; its VFs have no switch now");
}

static void
do_port(void *parsed, struct cmdline *cl, void *data)
{
	const struct cli_words *words = parsed;
	const bool start = strcmp(words->w[1], "start") == 0;
	struct app *app = cli_app();
	struct vfp_err err = {0};
	struct port *p;

	(void)data;
	if (strcmp(words->w[2], "all") == 0) {
		for (uint16_t i = 0; i < app->n_ports; i++)
			if (!app->ports[i].removed)
				stop_or_start(cl, &app->ports[i], start);
		return;
	}
	p = cli_port(words->w[2], &err);
	if (p && p->removed)
		vfp_err_set(&err, -ENODEV, "%s was pulled out", p->name);
	if (err.text[0])
		cmdline_printf(cl, "%s\n", err.text);
	else
		stop_or_start(cl, p, start);
}

struct queue_rate {
	const struct pf_dev *pf;
	uint16_t queue;
	uint32_t rate;
};

/* The PMD takes the card's own queue number, and the PF's first one is behind all VFs' queues. */
static int
queue_rate_job(void *arg)
{
	const struct queue_rate *q = arg;
	const struct sriov_layout *l = &q->pf->layout;

	return rte_eth_set_queue_rate_limit(
		q->pf->port->port_id, sriov_layout_queue(l, l->pf_pool, q->queue), q->rate);
}

static void
do_queue_rate(void *parsed, struct cmdline *cl, void *data)
{
	const struct cli_words *words = parsed;
	struct vfp_err err = {0};
	struct queue_rate q = {.pf = cli_pf(words->w[2], &err)};
	int ret = q.pf ? 0 : -EINVAL;

	(void)data;
	if (ret == 0)
		ret = vfp_parse_u16(
			words->w[4], "queue", 0, q.pf->port->nb_txq - 1, &q.queue, &err);
	if (ret == 0)
		ret = vfp_parse_u32(
			words->w[6], "rate in Mbit/s", 0, SRIOV_LINK_MBIT, &q.rate, &err);
	if (ret == 0) {
		ret = sriov_pf_job(queue_rate_job, &q);
		if (ret < 0)
			vfp_err_set(&err, ret, "the NIC's driver says: %s", strerror(-ret));
	}
	if (ret < 0)
		cmdline_printf(cl, "%s\n", err.text);
	else
		cmdline_printf(cl, "%s queue %u: %u Mbit/s%s, until the PF is started again\n",
			q.pf->port->name, q.queue, q.rate, q.rate ? "" : " (no limit)");
}

static void
do_loopback(void *parsed, struct cmdline *cl, void *data)
{
	const struct cli_words *words = parsed;
	struct vfp_err err = {0};
	struct pf_dev *pf = cli_pf(words->w[3], &err);
	int ret;

	(void)data;
	if (!pf) {
		cmdline_printf(cl, "%s\n", err.text);
		return;
	}
	ret = sriov_pf_set_loopback(pf->pf, cli_on(words->w[4]), &err);
	if (ret < 0)
		cmdline_printf(cl, "%s\n", err.text);
	else
		cmdline_printf(cl, "pf%u: VFs %s each other inside the card\n", pf->index,
			cli_on(words->w[4]) ? "reach" : "do not reach");
}

static void
do_drop(void *parsed, struct cmdline *cl, void *data)
{
	const struct cli_words *words = parsed;
	struct vfp_err err = {0};
	struct pf_dev *pf = cli_pf(words->w[4], &err);
	int ret = pf ? sriov_pf_set_drop(pf->pf, cli_on(words->w[5]), &err) : -EINVAL;

	(void)data;
	if (ret < 0)
		cmdline_printf(cl, "%s\n", err.text);
	else
		cmdline_printf(cl, "pf%u: drop-enable %s for all queues\n", pf->index, words->w[5]);
}

static void
do_bandwidth(void *parsed, struct cmdline *cl, void *data)
{
	(void)parsed;
	(void)data;
	cmdline_printf(cl,
		"refused: traffic classes need DCB, DPDK's PF has either DCB or RSS, and\n"
		"this one runs RSS\n");
}

static cmdline_parse_token_string_t t_port = CLI_TOKEN(0, "port");
static cmdline_parse_token_string_t t_stop_start = CLI_TOKEN(1, "stop#start");
static cmdline_parse_token_string_t t_which = CLI_TOKEN(2, NULL);
static cmdline_parse_token_string_t t_set = CLI_TOKEN(0, "set");
static cmdline_parse_token_string_t t_set_port = CLI_TOKEN(1, "port");
static cmdline_parse_token_string_t t_queue = CLI_TOKEN(3, "queue");
static cmdline_parse_token_string_t t_any3 = CLI_TOKEN(3, NULL);
static cmdline_parse_token_string_t t_any4 = CLI_TOKEN(4, NULL);
static cmdline_parse_token_string_t t_rate = CLI_TOKEN(5, "rate");
static cmdline_parse_token_string_t t_any5 = CLI_TOKEN(5, NULL);
static cmdline_parse_token_string_t t_any6 = CLI_TOKEN(6, NULL);
static cmdline_parse_token_string_t t_tx = CLI_TOKEN(1, "tx");
static cmdline_parse_token_string_t t_loopback = CLI_TOKEN(2, "loopback");
static cmdline_parse_token_string_t t_on4 = CLI_TOKEN(4, "on#off");
static cmdline_parse_token_string_t t_all = CLI_TOKEN(1, "all");
static cmdline_parse_token_string_t t_queues = CLI_TOKEN(2, "queues");
static cmdline_parse_token_string_t t_drop = CLI_TOKEN(3, "drop");
static cmdline_parse_token_string_t t_on5 = CLI_TOKEN(5, "on#off");
static cmdline_parse_token_string_t t_tc = CLI_TOKEN(1, "tc");
static cmdline_parse_token_string_t t_tx2 = CLI_TOKEN(2, "tx");
static cmdline_parse_token_string_t t_min = CLI_TOKEN(3, "min-bandwidth");

static cmdline_parse_inst_t port_stop_start = {.f = do_port,
	.help_str = "port stop|start PORT|all",
	.tokens = {(void *)&t_port, (void *)&t_stop_start, (void *)&t_which, NULL}};
static cmdline_parse_inst_t set_queue_rate = {.f = do_queue_rate,
	.help_str = "set port PF queue QUEUE rate MBIT: a queue of the PF's own",
	.tokens = {(void *)&t_set, (void *)&t_set_port, (void *)&t_which, (void *)&t_queue,
		(void *)&t_any4, (void *)&t_rate, (void *)&t_any6, NULL}};
static cmdline_parse_inst_t set_loopback = {.f = do_loopback,
	.help_str = "set tx loopback PF on|off: do VFs reach each other inside the card",
	.tokens = {(void *)&t_set, (void *)&t_tx, (void *)&t_loopback, (void *)&t_any3,
		(void *)&t_on4, NULL}};
static cmdline_parse_inst_t set_drop = {.f = do_drop,
	.help_str = "set all queues drop PF on|off",
	.tokens = {(void *)&t_set, (void *)&t_all, (void *)&t_queues, (void *)&t_drop,
		(void *)&t_any4, (void *)&t_on5, NULL}};
static cmdline_parse_inst_t set_bandwidth = {.f = do_bandwidth,
	.help_str = "set tc tx min-bandwidth PF B1,B2,...: refused, with the reason",
	.tokens = {(void *)&t_set, (void *)&t_tc, (void *)&t_tx2, (void *)&t_min, (void *)&t_any4,
		(void *)&t_any5, NULL}};

cmdline_parse_inst_t *const cmd_port_list[] = {
	&port_stop_start, &set_queue_rate, &set_loopback, &set_drop, &set_bandwidth, NULL};
