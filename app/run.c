/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "aborts.h"
#include "balance.h"
#include "cli/cli.h"
#include "fault.h"
#include "lcores.h"
#include "mailbox.h"
#include "manifest.h"
#include "noise.h"
#include "ports.h"
#include "removal.h"
#include "report.h"
#include "run.h"
#include "series.h"

#define TICK_MS 20

volatile sig_atomic_t app_signal;

static void
on_signal(int sig)
{
	/* Only this: the handler may interrupt a register access of a software NIC. */
	app_signal = sig;
}

void
run_signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* A PF that is stopped answers nobody, and a VF would wait for it for seconds. */
static bool
pf_listens(struct app *app, const struct port *p)
{
	const struct pf_dev *pf = app_pf_of(app, p);

	return !pf || !pf->port || pf->port->started;
}

static void
serve_resets(struct app *app)
{
	for (uint16_t i = 0; i < app->n_ports; i++) {
		struct port *p = &app->ports[i];
		struct vfp_err err = {0};
		int ret;

		if (p->removed || !pf_listens(app, p) || !atomic_exchange(&p->reset_wanted, false))
			continue;
		pthread_mutex_lock(&app->lock);
		ret = port_reset(app, p, &err);
		pthread_mutex_unlock(&app->lock);
		if (ret == 0) {
			app_step(app, true, "%s: its PF asked for a reset; set up again", p->name);
		} else {
			/* The PF is not back yet, perhaps: the next second asks again. */
			app_step(app, false, "%s", err.text);
			atomic_store(&p->reset_wanted, true);
			return;
		}
	}
}

void
run_housekeeping(struct app *app)
{
	removal_look(app);
	removal_serve(app);
	serve_resets(app);
	mailbox_drain(app);
	series_take(app);
	for (uint16_t i = 0; i < app->n_pfs; i++) {
		struct pf_dev *pf = &app->pf[i];
		bool was = pf->link_up;

		if (pf->port->removed)
			continue;
		sriov_pf_poll(pf->pf, &pf->link_up);
		if (was != pf->link_up)
			fprintf(app->say, "pf%u: link %s\n", pf->index,
				pf->link_up ? "up" : "down");
	}
	aborts_look(app);
	/* A VF's packet counters have 32 bits: 289 s at line rate. */
	pthread_mutex_lock(&app->lock);
	ports_read_nic(app);
	pthread_mutex_unlock(&app->lock);
}

static void
live_tables(struct app *app)
{
	struct view v;

	pthread_mutex_lock(&app->lock);
	if (view_take(app, VIEW_START, &v) == 0) {
		report_tables(&v, app->say, false);
		view_free(&v);
	}
	pthread_mutex_unlock(&app->lock);
}

static bool
time_is_over(const struct app *app)
{
	double now = app->run_seconds;

	if (app->args.run_seconds == 0)
		return false;
	if (app->forwarding)
		now += (double)(rte_get_timer_cycles() - app->run_started) / rte_get_timer_hz();
	return now >= app->args.run_seconds;
}

static void
wait_tick(struct cli *cli)
{
	struct pollfd fd = {.fd = cli ? STDIN_FILENO : -1, .events = POLLIN};

	if (poll(&fd, 1, TICK_MS) > 0)
		cli_feed(cli);
}

static void
loop(struct app *app, struct cli *cli)
{
	uint64_t hz = rte_get_timer_hz(), second = rte_get_timer_cycles() + hz;
	uint64_t table = rte_get_timer_cycles() + hz * app->args.stats_period;

	while (!app_signal && !app->quit && !time_is_over(app)) {
		wait_tick(cli);
		removal_serve(app);
		balance_tick(app);
		if (rte_get_timer_cycles() >= second) {
			second += hz;
			run_housekeeping(app);
		}
		if (app->args.stats_period && rte_get_timer_cycles() >= table) {
			table += hz * app->args.stats_period;
			live_tables(app);
		}
	}
}

int
run(struct app *app, struct vfp_err *err)
{
	struct cli *cli = NULL;
	int ret = 0;

	run_housekeeping(app);
	if (app->args.cmdline_file)
		ret = cli_run_file(app, app->args.cmdline_file, err);
	if (ret < 0 || app->quit)
		goto out;
	if (!app->args.interactive || app->args.run_seconds > 0)
		ret = lcores_start(app, err);
	if (ret == 0) {
		manifest_links(app);
		noise_begin(app);
		fprintf(app->say, "forwarding%s; %s\n", app->forwarding ? "" : " waits for start",
			app->args.interactive ? "help lists the commands"
					      : "SIGINT or SIGTERM drains and ends");
		fault_point("forwarding");
		if (app->args.interactive)
			cli = cli_new(app);
		loop(app, cli);
	}
out:
	cli_free(cli);
	if (app_signal)
		fprintf(app->say, "signal %d: draining\n", app_signal);
	fault_point("draining");
	pthread_mutex_lock(&app->lock);
	lcores_stop(app, true);
	pthread_mutex_unlock(&app->lock);
	series_take(app);
	return ret;
}
