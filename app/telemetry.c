/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <rte_common.h>
#include <rte_telemetry.h>

#include "noise.h"
#include "telemetry.h"
#include "view.h"

/* Telemetry's threads outlive a failing bring-up: they ask through this pointer. */
static struct app *served;
static pthread_mutex_t served_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct command {
	const char *path;
	const char *help;
	view_get *get;
} commands[] = {
	{"/vfplane/ports", "Ports with their queues. Parameter: a port (optional)", view_ports},
	{"/vfplane/vfs", "VFs: policy and mailbox counts", view_vfs},
	{"/vfplane/vf", "One VF. Parameter: its port, such as vf0", view_vf},
	{"/vfplane/rss", "RSS of ports; of one, why it does not spread. Parameter: a port (optional)",
		view_rss},
	{"/vfplane/latency", "Latency of rules. Parameter: a rule (optional)", view_latency},
	{"/vfplane/lcores", "Polling lcores: how busy they are", view_lcores},
	{"/vfplane/mailbox", "The last mailbox messages and their verdicts", view_mailbox},
	{"/vfplane/noise", "What took time from the polling lcores, and remedies", noise_put},
	{"/vfplane/drift", "Which events undid settings, and their return", view_drift},
};

static int put_value(struct rte_tel_data *d, const char *key, json_t *value);

/* DPDK 22.11 leaves out an entry whose key has other signs than these; "ping-pong" has. */
static const char *
fit_name(char *key)
{
	for (char *c = key; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '/')
			*c = '_';
	return key;
}

/* Numbers are whole there. Where that would hide one, its thousandths stand beside it. */
static int
put_real(struct rte_tel_data *d, const char *key, double value)
{
	char milli[RTE_TEL_MAX_STRING_LEN];
	int ret = rte_tel_data_add_dict_u64(d, key, llround(value));

	if (ret < 0 || value >= 1000)
		return ret;
	snprintf(milli, sizeof(milli), "%s_milli", key);
	return rte_tel_data_add_dict_u64(d, milli, llround(value * 1000));
}

static struct rte_tel_data *
to_dict(json_t *value)
{
	struct rte_tel_data *d = rte_tel_data_alloc();
	const char *key;
	size_t i;
	json_t *each;

	if (!d)
		return NULL;
	rte_tel_data_start_dict(d);
	if (json_is_object(value))
		json_object_foreach(value, key, each) put_value(d, key, each);
	json_array_foreach(value, i, each)
	{
		json_t *name = json_object_get(each, "name"), *kind = json_object_get(each, "kind");
		json_t *id = json_object_get(each, "id");
		char label[RTE_TEL_MAX_STRING_LEN];

		if (name && kind)
			snprintf(label, sizeof(label), "%s/%s", json_string_value(name),
				json_string_value(kind));
		else if (name)
			snprintf(label, sizeof(label), "%s", json_string_value(name));
		else
			snprintf(label, sizeof(label), "%lld",
				id ? (long long)json_integer_value(id) : (long long)i);
		put_value(d, fit_name(label), each);
	}
	return d;
}

static int
put_value(struct rte_tel_data *d, const char *key, json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return rte_tel_data_add_dict_string(d, key, json_string_value(value));
	case JSON_INTEGER:
		return rte_tel_data_add_dict_u64(d, key, json_integer_value(value));
	case JSON_REAL:
		return put_real(d, key, json_real_value(value));
	case JSON_TRUE:
	case JSON_FALSE:
		return rte_tel_data_add_dict_int(d, key, json_is_true(value));
	case JSON_NULL:
		return rte_tel_data_add_dict_string(d, key, "unknown");
	default:
		return rte_tel_data_add_dict_container(d, key, to_dict(value), 0);
	}
}

/* The getter's own JSON. */
static json_t *
collect(struct app *app, const struct command *c, const char *arg)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	json_t *all = NULL;
	struct view v;
	int ret = -ENOMEM;

	if (!f)
		return NULL;
	pthread_mutex_lock(&app->lock);
	if (view_take(app, VIEW_START, &v) == 0) {
		struct vfp_out *o = vfp_out_new(VFP_JSON, f);

		ret = c->get(&v, o, arg);
		if (vfp_out_end(o) < 0)
			ret = -EIO;
		view_free(&v);
	}
	pthread_mutex_unlock(&app->lock);
	fclose(f);
	if (ret == 0)
		all = json_loads(text, 0, NULL);
	free(text);
	return all;
}

static int
serve(const char *path, const char *arg, struct rte_tel_data *d)
{
	const struct command *c = NULL;
	json_t *all = NULL, *part;
	const char *key;

	for (size_t i = 0; i < RTE_DIM(commands); i++)
		if (strcmp(commands[i].path, path) == 0)
			c = &commands[i];
	pthread_mutex_lock(&served_lock);
	if (c && served)
		all = collect(served, c, arg && arg[0] ? arg : NULL);
	pthread_mutex_unlock(&served_lock);
	if (!all)
		return -EINVAL;
	rte_tel_data_start_dict(d);
	json_object_foreach(all, key, part) put_value(d, key, part);
	json_decref(all);
	return 0;
}

int
telemetry_register(struct app *app)
{
	int ret = 0;

	pthread_mutex_lock(&served_lock);
	served = app;
	pthread_mutex_unlock(&served_lock);
	for (size_t i = 0; ret >= 0 && i < RTE_DIM(commands); i++)
		ret = rte_telemetry_register_cmd(commands[i].path, serve, commands[i].help);
	return ret < 0 ? ret : 0;
}

void
telemetry_off(void)
{
	pthread_mutex_lock(&served_lock);
	served = NULL;
	pthread_mutex_unlock(&served_lock);
}
