/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <bsd/string.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_version.h>

#include <meas_manifest.h>
#include <vfp_parse.h>

#include "manifest.h"
#include "ports.h"
#include "version.h"
#include "view.h"

#define CONFIG_MAX (1u << 20)

struct manifest {
	struct meas_machine machine;
	char date[32];
	char *config; /* its text when it was read, or NULL */
	char eal_args[1024];
	uint32_t link_mbit[APP_MAX_PORTS]; /* 0: not told */
	uint16_t mtu[APP_MAX_PORTS];
};

/*
 * EAL's arguments as far as they bear on the numbers: not the name of its files, which is another
 * in every run, and never the VF token, which is a secret.
 */
static void
keep_eal_args(const struct args *a, char *buf, size_t size)
{
	static const char *const left_out[] = {"--file-prefix", "--vfio-vf-token"};

	for (int i = 1; i < a->eal_argc; i++) {
		const char *arg = a->eal_argv[i];
		bool skip = false;

		for (size_t k = 0; k < RTE_DIM(left_out); k++) {
			const size_t n = strlen(left_out[k]);

			if (strncmp(arg, left_out[k], n) != 0)
				continue;
			skip = true;
			i += arg[n] == '\0'; /* its value is the next word */
		}
		if (skip)
			continue;
		if (buf[0])
			strlcat(buf, " ", size);
		strlcat(buf, arg, size);
	}
}

int
manifest_begin(struct app *app, struct vfp_err *err)
{
	struct manifest *m = calloc(1, sizeof(*m));
	struct timeval now;
	int ret;

	if (!m)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	app->manifest = m;
	gettimeofday(&now, NULL);
	app->epoch_s = now.tv_sec + now.tv_usec / 1e6;
	meas_date(app->epoch_s, m->date);
	meas_machine_read("", &m->machine);
	keep_eal_args(&app->args, m->eal_args, sizeof(m->eal_args));
	ret = app->args.config ? meas_file_text(app->args.config, CONFIG_MAX, &m->config, err) : 0;
	return ret;
}

void
manifest_free(struct app *app)
{
	if (app->manifest)
		free(app->manifest->config);
	free(app->manifest);
	app->manifest = NULL;
}

struct link_job {
	uint16_t port_id;
	struct rte_eth_link link;
};

static int
read_link(void *arg)
{
	struct link_job *j = arg;

	return rte_eth_link_get_nowait(j->port_id, &j->link);
}

void
manifest_links(struct app *app)
{
	for (uint16_t i = 0; app->manifest && i < app->n_ports; i++) {
		const struct port *p = &app->ports[i];
		struct link_job j = {.port_id = p->port_id};
		int ret;

		if (!p->started || p->removed)
			continue;
		/* Whatever touches a PF does so on the thread that owns it. */
		ret = p->role == PORT_PF ? sriov_pf_job(read_link, &j) : read_link(&j);
		if (ret == 0 && j.link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN)
			app->manifest->link_mbit[i] = j.link.link_speed;
		rte_eth_dev_get_mtu(p->port_id, &app->manifest->mtu[i]);
	}
}

static void
put_ports(const struct app *app, struct vfp_out *o)
{
	vfp_out_list(o, "ports");
	for (uint16_t i = 0; i < app->n_ports; i++) {
		const struct port *p = &app->ports[i];

		vfp_out_open(o, NULL);
		vfp_out_str(o, "name", p->name);
		vfp_out_str(o, "driver", p->driver);
		if (app->manifest->link_mbit[i])
			vfp_out_u64(o, "link_mbit", app->manifest->link_mbit[i], VFP_PLAIN);
		else
			vfp_out_null(o, "link_mbit");
		vfp_out_u64(o, "mtu", app->manifest->mtu[i], VFP_PLAIN);
		vfp_out_u64(o, "rx_queues", p->nb_rxq, VFP_PLAIN);
		vfp_out_u64(o, "tx_queues", p->nb_txq, VFP_PLAIN);
		vfp_out_u64(o, "rx_descriptors", p->nb_rxd, VFP_PLAIN);
		vfp_out_u64(o, "tx_descriptors", p->nb_txd, VFP_PLAIN);
		vfp_out_close(o);
	}
	vfp_out_close(o);
}

/* Who polls what, and where. */
static void
put_layout(const struct app *app, struct vfp_out *o)
{
	const struct dp_plan *plan = app->dp ? dp_current_plan(app->dp) : NULL;

	vfp_out_list(o, "layout");
	for (uint16_t i = 0; plan && i < plan->n_lcores; i++) {
		const struct dp_plan_lcore *l = &plan->lcores[i];

		vfp_out_open(o, NULL);
		vfp_out_u64(o, "lcore", l->id, VFP_PLAIN);
		vfp_out_i64(o, "cpu", rte_lcore_to_cpu_id(l->id), VFP_PLAIN);
		vfp_out_u64(o, "numa", rte_lcore_to_socket_id(l->id), VFP_PLAIN);
		vfp_out_list(o, "queues");
		for (uint16_t e = l->first; e < l->first + l->n; e++)
			vfp_out_strf(o, NULL, "%s:%u %s",
				plan->ports[plan->entries[e].rx_port].name,
				plan->entries[e].rx_queue, plan->rules[plan->entries[e].rule].name);
		vfp_out_close(o);
		vfp_out_close(o);
	}
	vfp_out_close(o);
}

static void
put_configuration(const struct app *app, struct vfp_out *o)
{
	char hex[MEAS_SHA256];

	vfp_out_open(o, "configuration");
	vfp_out_str(o, "file", app->args.config);
	/* Without a file the configuration is the empty one: pairs of ports. */
	vfp_out_str(
		o, "sha256", meas_sha256(app->manifest->config ? app->manifest->config : "", hex));
	vfp_out_str(o, "text", app->manifest->config);
	vfp_out_close(o);
}

void
manifest_put(const struct app *app, struct vfp_out *o)
{
	const struct dp_plan *plan = app->dp ? dp_current_plan(app->dp) : NULL;
	const struct manifest *m = app->manifest;

	if (!m)
		return;
	vfp_out_open(o, "manifest");
	vfp_out_str(o, "vfplane", VFPLANE_VERSION);
	vfp_out_str(o, "dpdk", rte_version());
	vfp_out_str(o, "compiler", __VERSION__);
	vfp_out_str(o, "date", m->date);
	vfp_out_str(o, "source", view_source(app));
	vfp_out_open(o, "clock");
	vfp_out_str(o, "name", "TSC");
	vfp_out_u64(o, "hz", rte_get_tsc_hz(), VFP_PLAIN);
	vfp_out_close(o);
	meas_machine_put(&m->machine, o);
	vfp_out_str(o, "eal_args", m->eal_args);
	vfp_out_u64(o, "burst", plan ? plan->burst : ports_burst(app), VFP_PLAIN);
	put_ports(app, o);
	put_layout(app, o);
	put_configuration(app, o);
	vfp_out_close(o);
}
