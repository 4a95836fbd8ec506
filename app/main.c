/* SPDX-License-Identifier: BSD-3-Clause */
/* vfplane: a table of contents. Each step is told where it lives. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "bringup.h"
#include "check.h"
#include "config.h"
#include "report.h"
#include "run.h"
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
	int status = EXIT_OK;

	pthread_mutex_lock(&app->lock);
	if (view_take(app, VIEW_START, &v) == 0) {
		report_tables(&v, app->say, true);
		if (view_unaccounted(&v) > 0)
			status = EXIT_UNACCOUNTED;
		if (app->args.json && report_write(&v, app->args.json, &err) < 0)
			status = complain(EXIT_BRINGUP, err.text);
		view_free(&v);
	}
	pthread_mutex_unlock(&app->lock);
	return status;
}

static int
work(struct app *app)
{
	struct vfp_err err = {0};
	int ret = devices_plan(app, &err);

	if (ret < 0)
		return complain(ret == -ENODEV ? EXIT_BRINGUP : EXIT_CONFIG, err.text);
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
	telemetry_off();
	bringup_undo(app);
	return ret < 0 ? complain(EXIT_BRINGUP, err.text) : ret;
}

int
main(int argc, char **argv)
{
	static struct app app;
	char *err = calloc(1, CFG_ERR_LEN);
	int status;

	if (!err)
		return EXIT_BRINGUP;
	if (args_parse(argc, argv, &app.args, err) < 0)
		return complain(EXIT_CONFIG, err);
	pthread_mutex_init(&app.lock, NULL);
	app.say = app.args.json && strcmp(app.args.json, "-") == 0 ? stderr : stdout;
	if (app.args.help) {
		args_help();
		status = EXIT_OK;
	} else if (app.args.version) {
		printf("vfplane %s\n", VFPLANE_VERSION);
		status = EXIT_OK;
	} else if (app.args.config && config_load(app.args.config, &app.cfg, err) < 0) {
		status = complain(EXIT_CONFIG, err);
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
