/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "lcores.h"
#include "ports.h"

#define DRAIN_MS      300 /* where entry was stopped */
#define DRAIN_OPEN_MS 50  /* where nobody can be told to stop */
#define SETTLE_MS     100
#define SOURCE_QUIET_US 20000 /* more than a probe's way there and back, in any setup seen */

static int
port_index(const struct dp_spec *spec, const char *name, struct vfp_err *err)
{
	for (uint16_t i = 0; i < spec->n_ports; i++)
		if (strcmp(spec->ports[i].name, name) == 0)
			return i;
	return vfp_err_set(err, -ENODEV, "there is no port %s", name);
}

/* Each pool of the PF's own is a port to the rules: two queues of the card, of which one is in use. */
static void
spec_pools(struct app *app, const struct port *p, const struct pf_dev *pf, struct dp_spec *spec)
{
	const uint16_t each = pf->layout.queues_per_pool;

	for (uint16_t i = 0; i < pf->layout.vmdq_pools && spec->n_ports < DP_MAX_PORTS; i++) {
		const struct cfg_pool_sec *sec = config_pool(&app->cfg, pf->index, i);
		struct dp_spec_port *s = &spec->ports[spec->n_ports++];

		snprintf(s->name, sizeof(s->name), "%spool%u", p->name, i);
		s->port_id = p->port_id;
		s->first_queue = i * each;
		s->nb_rxq = s->nb_txq = 1;
		memcpy(s->mac, sec && sec->has_mac ? sec->mac : p->mac, sizeof(s->mac));
		memcpy(s->peer, sec && sec->has_peer ? sec->peer : p->peer, sizeof(s->peer));
	}
}

static void
spec_ports(struct app *app, struct dp_spec *spec)
{
	for (uint16_t i = 0; i < app->n_ports && spec->n_ports < DP_MAX_PORTS; i++) {
		const struct port *p = &app->ports[i];
		struct dp_spec_port *s = &spec->ports[spec->n_ports];
		const struct pf_dev *pf = app_pf_of(app, p);

		if (!p->started)
			continue;
		if (p->role == PORT_PF && pf && pf->layout.vmdq_pools > 0) {
			spec_pools(app, p, pf, spec);
			continue;
		}
		strlcpy(s->name, p->name, sizeof(s->name));
		s->port_id = p->port_id;
		s->nb_rxq = p->nb_rxq;
		s->nb_txq = p->nb_txq;
		s->spread = p->soft_table;
		memcpy(s->mac, p->mac, sizeof(s->mac));
		memcpy(s->peer, p->peer, sizeof(s->peer));
		spec->n_ports++;
	}
}

/* The address of a port that is a next hop: one that forwards, a pool too, or any other of ours. */
static const uint8_t *
peer_mac(struct app *app, const struct dp_spec *spec, const char *name)
{
	const struct port *p;

	for (uint16_t i = 0; i < spec->n_ports; i++)
		if (strcmp(spec->ports[i].name, name) == 0)
			return spec->ports[i].mac;
	p = app_port(app, name);
	return p ? p->mac : NULL;
}

/* The further ports of a fan-out, and a next hop that is a port. */
static int
spec_more(struct app *app, const struct dp_spec *spec, const struct cfg_forward *f,
	struct dp_spec_rule *r, struct vfp_err *err)
{
	const uint8_t *peer = f->peer[0] ? peer_mac(app, spec, f->peer) : NULL;

	if (f->peer[0] && !peer)
		return vfp_err_set(err, -ENODEV, "there is no port %s", f->peer);
	if (peer) {
		r->opts.has_peer = true;
		memcpy(r->opts.peer, peer, sizeof(r->opts.peer));
	}
	for (uint32_t i = 0; i < f->n_more; i++) {
		int to = port_index(spec, f->more[i], err);

		if (to < 0)
			return to;
		r->more[r->n_more++] = to;
	}
	return 0;
}

static int
spec_rules(struct app *app, struct dp_spec *spec, struct vfp_err *err)
{
	for (uint32_t i = 0; i < app->cfg.n_forward; i++) {
		const struct cfg_forward *f = &app->cfg.forward[i];
		struct dp_spec_rule *r = &spec->rules[spec->n_rules];
		static const enum dp_mode modes[] = {
			[CFG_IO] = DP_IO,
			[CFG_MAC] = DP_MAC,
			[CFG_MACSWAP] = DP_MACSWAP,
			[CFG_ECHO] = DP_ECHO,
			[CFG_SINK] = DP_SINK,
			[CFG_SOURCE] = DP_SOURCE,
		};
		int from = port_index(spec, f->from, err);
		int to = from >= 0 && f->to[0] ? port_index(spec, f->to, err) : DP_NONE;

		if (from < 0 || to < 0)
			return vfp_err_prefix(
				err, -ENODEV, "%s:%d: forward %s", app->cfg.file, f->line, f->name);
		strlcpy(r->name, f->name, sizeof(r->name));
		r->from = from;
		r->to = to == DP_NONE ? from : to;
		r->mode = modes[f->mode];
		r->fixed = r->mode == DP_SINK || r->mode == DP_SOURCE;
		r->both = f->both;
		r->opts = f->opts;
		if (spec_more(app, spec, f, r, err) < 0)
			return vfp_err_prefix(
				err, -ENODEV, "%s:%d: forward %s", app->cfg.file, f->line, f->name);
		spec->n_rules++;
	}
	return 0;
}

/*
 * 0<->1, 2<->3 and so on over the ports that are no PF with VFs: such a PF's pool receives what
 * belongs to nobody, and is drained.
 */
static void
spec_pairs(struct app *app, struct dp_spec *spec, enum dp_mode mode)
{
	int first = -1;

	for (uint16_t i = 0; i < spec->n_ports; i++) {
		const struct port *p = app_port_by_id(app, spec->ports[i].port_id);
		const struct pf_dev *pf = p ? app_pf_of(app, p) : NULL;
		struct dp_spec_rule *r = &spec->rules[spec->n_rules];
		struct port *other;

		if (!p || (p->role == PORT_PF && pf && pf->n_vfs > 0))
			continue;
		if (first < 0) {
			first = i;
			continue;
		}
		other = app_port_by_id(app, spec->ports[first].port_id);
		snprintf(r->name, sizeof(r->name), "%s-%s", other->name, p->name);
		r->from = first;
		r->to = i;
		r->mode = mode;
		r->both = true;
		spec->n_rules++;
		first = -1;
	}
	if (first >= 0 && spec->n_rules < DP_MAX_RULES) {
		struct dp_spec_rule *r = &spec->rules[spec->n_rules++];

		strlcpy(r->name, spec->ports[first].name, sizeof(r->name));
		r->from = r->to = first;
		r->mode = mode;
	}
}

static int
spec_lcores(struct app *app, struct dp_spec *spec, struct vfp_err *err)
{
	for (uint16_t i = 0; i < app->n_workers; i++)
		spec->lcores[spec->n_lcores++].id = app->workers[i];
	for (uint32_t l = 0; l < app->cfg.n_lcore; l++) {
		const struct cfg_lcore *lc = &app->cfg.lcore[l];
		struct dp_spec_lcore *s = NULL;

		for (uint16_t i = 0; i < spec->n_lcores; i++)
			if (spec->lcores[i].id == lc->id)
				s = &spec->lcores[i];
		if (!s)
			return vfp_err_set(err, -EINVAL,
				"%s:%d: lcore %u is no worker; EAL's workers are "
				"all lcores of -l but the main one (%u of them)",
				app->cfg.file, lc->line, lc->id, app->n_workers);
		for (uint32_t q = 0; q < lc->n_queues; q++) {
			int port = port_index(spec, lc->queues[q].port, err);

			if (port < 0)
				return vfp_err_prefix(err, port, "%s:%d: lcore %u", app->cfg.file,
					lc->queues[q].line, lc->id);
			if (s->n_queues == DP_MAX_PORTS)
				return vfp_err_set(err, -E2BIG, "%s:%d: lcore %u: too many queues",
					app->cfg.file, lc->line, lc->id);
			s->queues[s->n_queues++] =
				(struct dp_spec_queue){port, lc->queues[q].queue};
		}
	}
	return 0;
}

/* Does any rule send by this port frames whose source is not the port's own? */
static bool
sends_foreign(const struct dp_plan *plan, uint16_t port_id)
{
	for (uint16_t i = 0; i < plan->n_entries; i++) {
		const struct dp_plan_entry *e = &plan->entries[i];
		const enum dp_mode mode = plan->rules[e->rule].mode;

		if (e->tx_port != DP_NONE && plan->ports[e->tx_port].port_id == port_id &&
			(mode == DP_IO || mode == DP_MACSWAP))
			return true;
	}
	return false;
}

/*
 * The NIC's anti-spoof would drop what io and macswap send by a VF: it is off exactly for the VFs
 * that this process polls and forwards by in that way. Tenants are never let off.
 */
static int
set_anti_spoof(struct app *app, struct vfp_err *err)
{
	const struct dp_plan *plan = dp_current_plan(app->dp);

	for (uint16_t i = 0; i < app->n_ports; i++) {
		struct port *p = &app->ports[i];
		struct pf_dev *pf = app_pf_of(app, p);
		bool foreign;
		int ret;

		if (p->role != PORT_VF || !pf || !p->started)
			continue;
		foreign = sends_foreign(plan, p->port_id);
		if (foreign == p->foreign_sources)
			continue;
		ret = sriov_pf_set_foreign_sources(pf->pf, p->vf, foreign);
		if (ret < 0)
			return vfp_err_set(err, ret, "%s: anti-spoof: %s", p->name, strerror(-ret));
		p->foreign_sources = foreign;
		app_step(app, true, "%s: anti-spoof %s", p->name,
			foreign ? "off, since io and macswap keep foreign addresses" : "on");
	}
	return 0;
}

/* The groups that neighbour solicitations for an echo's addresses go to (RFC 4291 2.7.1, 2464 7). */
static unsigned int
echo_groups(const struct dp_plan_rule *r, struct rte_ether_addr groups[DP_MAX_ADDRESSES])
{
	unsigned int n = 0;

	for (uint16_t i = 0; r->mode == DP_ECHO && i < r->opts.n_addresses; i++) {
		const uint8_t *b = r->opts.addresses[i].byte;

		if (r->opts.addresses[i].v6)
			groups[n++] = (struct rte_ether_addr){
				{0x33, 0x33, 0xff, b[13], b[14], b[15]}};
	}
	return n;
}

/* A VF hears no multicast that it did not ask its PF for. */
static void
set_groups(struct app *app)
{
	const struct dp_plan *plan = dp_current_plan(app->dp);

	for (uint16_t i = 0; i < plan->n_rules; i++) {
		const uint16_t port_id = plan->ports[plan->rules[i].from].port_id;
		struct port *p = app_port_by_id(app, port_id);
		struct rte_ether_addr groups[DP_MAX_ADDRESSES];
		const unsigned int n = echo_groups(&plan->rules[i], groups);

		/* The PF's own list is the union of its VFs' groups: not ours to overwrite. */
		if (p && p->role == PORT_VF)
			port_hear(app, p, groups, n);
	}
}

/* Make a spec the current one: its plan runs, and the ports are set up for it. */
static int
publish(struct app *app, const struct dp_spec *spec, struct vfp_err *err)
{
	struct dp_plan *plan = NULL;
	int ret = dp_plan_make(spec, &plan, err);

	if (ret < 0)
		return ret;
	ret = dp_publish(app->dp, plan, err);
	if (ret < 0) {
		dp_plan_free(plan);
		return ret;
	}
	set_groups(app);
	return set_anti_spoof(app, err);
}

/* Each is polled by one lcore. The plan's entries are more where a software table hands packets over. */
static unsigned int
count_queues(const struct dp_plan *plan)
{
	unsigned int n = 0;

	for (uint16_t p = 0; p < plan->n_ports; p++)
		n += plan->ports[p].nb_rxq;
	return n;
}

int
lcores_plan(struct app *app, enum dp_mode mode, struct vfp_err *err)
{
	const struct dp_plan *plan;
	struct dp_conf conf;
	int ret;

	app->spec = calloc(1, sizeof(*app->spec));
	if (!app->spec)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	app->spec->burst = ports_burst(app);
	spec_ports(app, app->spec);
	ret = spec_rules(app, app->spec, err);
	if (ret == 0 && !app->have_config)
		spec_pairs(app, app->spec, mode);
	if (ret == 0)
		ret = spec_lcores(app, app->spec, err);
	dp_conf_default(&conf);
	conf.pool = app->pool;
	conf.idle = app->cfg.datapath.idle;
	conf.no_latency = app->cfg.datapath.no_latency;
	if (app->cfg.datapath.has_grain)
		conf.grain_ns = app->cfg.datapath.grain;
	if (app->cfg.datapath.has_tx_retries)
		conf.tx_retries = app->cfg.datapath.tx_retries;
	if (ret == 0)
		ret = dp_create(&conf, &app->dp, err);
	if (ret == 0)
		ret = publish(app, app->spec, err);
	if (ret < 0)
		return ret;
	plan = dp_current_plan(app->dp);
	app_step(app, true, "%u queues of %u ports on %u polling lcore%s, %u rule%s", count_queues(plan),
		plan->n_ports, app->n_workers, app->n_workers == 1 ? "" : "s", plan->n_rules,
		plan->n_rules == 1 ? "" : "s");
	return 0;
}

int
lcores_edit(struct app *app, int (*edit)(struct app *app, struct dp_spec *spec, const void *arg,
		struct vfp_err *err), const void *arg, struct vfp_err *err)
{
	struct dp_spec *next = malloc(sizeof(*next));
	int ret;

	if (!next)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	*next = *app->spec;
	ret = edit(app, next, arg, err);
	if (ret == 0)
		ret = publish(app, next, err);
	if (ret < 0) {
		free(next);
		return ret;
	}
	free(app->spec);
	app->spec = next;
	return 0;
}

static int
edit_mode(struct app *app, struct dp_spec *spec, const void *arg, struct vfp_err *err)
{
	const enum dp_mode *mode = arg;

	(void)app;
	(void)err;
	dp_spec_set_mode(spec, *mode);
	return 0;
}

int
lcores_set_mode(struct app *app, enum dp_mode mode, struct vfp_err *err)
{
	int ret = lcores_edit(app, edit_mode, &mode, err);

	if (ret == 0)
		app->fwd_mode = mode;
	return ret;
}

void
lcores_free(struct app *app)
{
	dp_free(app->dp);
	free(app->spec);
	app->dp = NULL;
	app->spec = NULL;
}

/* Let the switch feed our VFs, or not. Returns whether every port's source is in our hands. */
static bool
set_entry(struct app *app, bool on)
{
	bool all = true;

	for (uint16_t i = 0; i < app->n_ports; i++) {
		struct port *p = &app->ports[i];
		struct pf_dev *pf = app_pf_of(app, p);

		if (p->role == PORT_PF || !p->started)
			continue;
		if (p->role != PORT_VF || !pf || !pf->pf) {
			all = false;
			continue;
		}
		if (p->rx_off == on && sriov_pf_set_vf_rx(pf->pf, p->vf, on) == 0)
			p->rx_off = !on;
	}
	return all;
}

int
lcores_tx_first(struct app *app, uint16_t bursts, struct vfp_err *err)
{
	/* The first of them may arrive before the workers run: let them in. */
	set_entry(app, true);
	return dp_tx_first(app->dp, bursts, err);
}

int
lcores_start(struct app *app, struct vfp_err *err)
{
	int ret;

	if (app->forwarding)
		return 0;
	ret = dp_start(app->dp, err);
	if (ret < 0)
		return ret;
	set_entry(app, true);
	app->forwarding = true;
	app->run_started = rte_get_timer_cycles();
	return 0;
}

static int
end_queues(void *arg)
{
	struct port *p = arg;

	for (uint16_t q = 0; q < p->nb_rxq; q++)
		rte_eth_dev_rx_queue_stop(p->port_id, q);
	return 0;
}

/*
 * The PF's pool gets what belongs to nobody, and nothing can tell the wire to stop sending that. So
 * its queues are ended while nobody polls them; what lies in the rings at that moment was counted
 * in by the NIC and is dropped here, by name. It cannot be more than the rings hold. The same goes for
 * VFs that were not forwarding when the end came: their entry is closed, their rings may hold some.
 */
static void
end_port(struct app *app, struct port *p, const struct dp_stats *st)
{
	uint64_t rx = 0, tx, dropped, gap;

	if (p->role == PORT_PF && sriov_pf_job(end_queues, p) != 0)
		return;
	ports_read_nic(app);
	dp_stats_port(st, p->port_id, &rx, &tx, &dropped);
	gap = p->last.rx_packets > rx ? p->last.rx_packets - rx : 0;
	p->stopping = RTE_MIN(gap, (uint64_t)p->nb_rxq * p->nb_rxd);
}

/* The NIC counts a packet as sent when it fetched it: wait until it has fetched all. */
static void
settle(struct app *app, const struct dp_stats *st)
{
	for (int ms = 0; ms < SETTLE_MS; ms++) {
		bool behind = false;

		ports_read_nic(app);
		for (uint16_t i = 0; i < app->n_ports; i++) {
			uint64_t rx, tx = 0, dropped;

			dp_stats_port(st, app->ports[i].port_id, &rx, &tx, &dropped);
			behind |=
				app->ports[i].role == PORT_VF && app->ports[i].last.tx_packets < tx;
		}
		if (!behind)
			return;
		rte_delay_us_sleep(1000);
	}
}

/* Stop entry, let the rings run empty, stop the workers. */
static void
drain(struct app *app)
{
	bool owned;

	/* What sources sent and is still under way comes back first, while entry is open. */
	dp_sources_stop(app->dp, DRAIN_MS, SOURCE_QUIET_US, NULL);
	owned = set_entry(app, false);
	dp_drain(app->dp, owned ? DRAIN_MS : DRAIN_OPEN_MS, 0);
	app->run_seconds +=
		(double)(rte_get_timer_cycles() - app->run_started) / rte_get_timer_hz();
	app->forwarding = false;
}

void
lcores_stop(struct app *app, bool final)
{
	const bool was_forwarding = app->forwarding;
	struct dp_stats *st = NULL;

	if (was_forwarding)
		drain(app);
	else if (!final || !app->dp)
		return;
	else
		set_entry(app, false);
	if (dp_stats_take(app->dp, &st) < 0)
		return;
	settle(app, st);
	for (uint16_t i = 0; final && i < app->n_ports; i++) {
		struct port *p = &app->ports[i];

		if (p->started && (p->role == PORT_PF || (p->role == PORT_VF && !was_forwarding)))
			end_port(app, p, st);
	}
	dp_stats_free(st);
}
