/* SPDX-License-Identifier: BSD-3-Clause */
/* vfplane: a table of contents. Each step is told where it lives. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "bringup.h"
#include "check.h"
#include "config.h"
#include "fault.h"
#include "manifest.h"
#include "noise.h"
#include "report.h"
#include "rss.h"
#include "run.h"
#include "series.h"
#include "telemetry.h"
#include "version.h"
#include "vfplane.h"

static int
complain(int status, const char *text)
{
	fprintf(stderr, "vfplane: %s\n", text);
	return status;
}

/* Totals for people, the report for programs, and whether the packets add up. */
static int
finish(struct app *app)
{
	struct vfp_err err = {0};
	struct view v;
	int status = VFP_EXIT_OK;

	fault_point("report");
	pthread_mutex_lock(&app->lock);
	if (view_take(app, VIEW_START, &v) == 0) {
		report_tables(&v, app->say, true);
		if (view_unaccounted(&v) > 0)
			status = VFP_EXIT_UNACCOUNTED;
		if (app->args.json && report_write(&v, app->args.json, &err) < 0)
			status = complain(VFP_EXIT_DEVICE, err.text);
		view_free(&v);
	}
	if (app->args.hist_dir && series_write(app, app->args.hist_dir, &err) < 0)
		status = complain(VFP_EXIT_DEVICE, err.text);
	pthread_mutex_unlock(&app->lock);
	return status;
}

/*
 * A VF whose PF no longer answers waits for it at close, seconds each. The report is written by
 * now, and the kernel resets a function whose file is closed: so the end may be hard.
 */
#define CLOSE_SECONDS 2

static volatile sig_atomic_t hard_status;

static void
on_alarm(int sig)
{
	(void)sig;
	_exit(hard_status);
}

static void
limit_closing(int status)
{
	hard_status = status;
	signal(SIGALRM, on_alarm);
	alarm(CLOSE_SECONDS);
}

static int
work(struct app *app)
{
	struct vfp_err err = {0};
	int ret = manifest_begin(app, &err);

	if (ret == 0)
		ret = devices_plan(app, &err);
	if (ret == 0)
		ret = devices_check_drivers(app, &err);
	if (ret < 0)
		return complain(ret == -ENODEV ? VFP_EXIT_DEVICE : VFP_EXIT_USAGE, err.text);
	if (rss_plan(app, &err) < 0)
		return complain(VFP_EXIT_USAGE, err.text);
	ret = bringup(app, &err);
	if (ret == 0 && !app_signal)
		ret = telemetry_register(app);
	if (ret == 0 && !app_signal)
		ret = run(app, &err);
	if (ret == 0 && app_signal && !app->dp)
		fprintf(app->say, "signal %d during bring-up: undone\n", app_signal);
	else if (ret == 0)
		ret = finish(app);
	else
		app_step(app, false, "%s", err.text);
	if (ret < 0)
		ret = complain(app->usage_error ? VFP_EXIT_USAGE : VFP_EXIT_DEVICE, err.text);
	telemetry_off();
	limit_closing(ret);
	bringup_undo(app);
	noise_free(app);
	series_free(app);
	manifest_free(app);
	return ret;
}

int
main(int argc, char **argv)
{
	static struct app app;
	char *err = calloc(1, CFG_ERR_LEN);
	int status;

	if (!err)
		return VFP_EXIT_DEVICE;
	if (args_parse(argc, argv, &app.args, err) < 0) {
		status = complain(VFP_EXIT_USAGE, err);
		free(err);
		return status;
	}
	pthread_mutex_init(&app.lock, NULL);
	app.say = app.args.json && strcmp(app.args.json, "-") == 0 ? stderr : stdout;
	setlinebuf(app.say);
	if (app.args.help) {
		args_help();
		status = VFP_EXIT_OK;
	} else if (app.args.version) {
		printf("vfplane %s\n", VFPLANE_VERSION);
		status = VFP_EXIT_OK;
	} else if (app.args.config && config_load(app.args.config, &app.cfg, err) < 0) {
		status = complain(VFP_EXIT_USAGE, err);
	} else if (app.args.check) {
		status = check_config(&app.cfg);
	} else {
		app.have_config = app.args.config != NULL;
		run_signals();
		status = work(&app);
	}
	args_free(&app.args);
	free(err);
	return status;
}
