/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include <lat_recorder.h>
#include <vfp_parse.h>

#include "ports.h"
#include "view.h"

int
view_take(struct app *app, enum view_since since, struct view *v)
{
	int ret = 0;

	*v = (struct view){.app = app, .since = since, .seconds = app->run_seconds};
	if (app->forwarding)
		v->seconds +=
			(double)(rte_get_timer_cycles() - app->run_started) / rte_get_timer_hz();
	ports_read_nic(app);
	if (app->dp)
		ret = dp_stats_take(app->dp, &v->st);
	if (ret == 0 && v->st && since == VIEW_CLEAR && app->cleared)
		dp_stats_subtract(v->st, app->cleared);
	return ret;
}

void
view_free(struct view *v)
{
	dp_stats_free(v->st);
	v->st = NULL;
}

/* What a port shows: the NIC's word where there is one, the workers' where not. */
struct port_numbers {
	struct port_nic nic;
	uint64_t tx_dropped;
};

static struct port_numbers
numbers_of(const struct view *v, const struct port *p)
{
	const struct port_nic zero = {0}, *base = v->since == VIEW_CLEAR ? &p->cleared : &zero;
	struct port_numbers n = {.nic = p->last};
	uint64_t rx = 0, tx = 0;

	if (v->st && p->probed)
		dp_stats_port(v->st, p->port_id, &rx, &tx, &n.tx_dropped);
	n.nic.rx_packets -= base->rx_packets;
	n.nic.rx_bytes -= base->rx_bytes;
	n.nic.tx_packets -= base->tx_packets;
	n.nic.tx_bytes -= base->tx_bytes;
	n.nic.rx_missed -= base->rx_missed;
	n.nic.rx_nombuf -= base->rx_nombuf;
	if (!port_nic_known(v->app, p)) {
		n.nic.rx_packets = rx;
		n.nic.tx_packets = tx;
	}
	return n;
}

static const char *const role_names[] = {"pf", "vf", "vdev"};

static void
put_queues(const struct view *v, struct vfp_out *o, const struct port *p)
{
	vfp_out_list(o, "queues");
	for (uint16_t i = 0; v->st && i < v->st->n_queues; i++) {
		const struct dp_queue_stats *q = &v->st->queues[i];

		if (q->port_id != p->port_id)
			continue;
		vfp_out_open(o, NULL);
		vfp_out_u64(o, "id", q->queue, VFP_PLAIN);
		if (q->rx_lcore == UINT32_MAX)
			vfp_out_null(o, "lcore");
		else
			vfp_out_u64(o, "lcore", q->rx_lcore, VFP_PLAIN);
		vfp_out_u64(o, "rx_packets", q->rx, VFP_COUNT);
		vfp_out_u64(o, "tx_packets", q->tx, VFP_COUNT);
		vfp_out_close(o);
	}
	vfp_out_close(o);
}

static void
put_port(const struct view *v, struct vfp_out *o, const struct port *p)
{
	const struct port_numbers n = numbers_of(v, p);
	const bool known = port_nic_known(v->app, p);

	vfp_out_str(o, "name", p->name);
	vfp_out_str(o, "pci", p->pci[0] ? p->pci : NULL);
	vfp_out_str(o, "role", role_names[p->role]);
	if (vfp_out_format(o) == VFP_JSON)
		vfp_out_bool(o, "removed", p->removed);
	vfp_out_u64(o, "rx_packets", n.nic.rx_packets, VFP_COUNT);
	vfp_out_u64(o, "tx_packets", n.nic.tx_packets, VFP_COUNT);
	if (known) {
		vfp_out_u64(o, "rx_bytes", n.nic.rx_bytes, VFP_BYTES | VFP_DETAIL);
		vfp_out_u64(o, "tx_bytes", n.nic.tx_bytes, VFP_BYTES | VFP_DETAIL);
	} else {
		vfp_out_null(o, "rx_bytes");
		vfp_out_null(o, "tx_bytes");
	}
	if (port_tells_missed(p))
		vfp_out_u64(o, "rx_missed", n.nic.rx_missed, VFP_COUNT);
	else
		vfp_out_null(o, "rx_missed");
	vfp_out_u64(o, "rx_nombuf", n.nic.rx_nombuf, VFP_COUNT | VFP_DETAIL);
	vfp_out_u64(o, "tx_dropped", n.tx_dropped, VFP_COUNT);
	if (v->since == VIEW_CLEAR)
		return;
	vfp_out_double(o, "rx_pps", v->seconds > 0 ? n.nic.rx_packets / v->seconds : 0, VFP_PPS);
	vfp_out_double(o, "tx_pps", v->seconds > 0 ? n.nic.tx_packets / v->seconds : 0, VFP_PPS);
}

static void
view_all_ports(const struct view *v, struct vfp_out *o)
{
	vfp_out_list(o, "ports");
	for (uint16_t i = 0; i < v->app->n_ports; i++) {
		vfp_out_open(o, NULL);
		put_port(v, o, &v->app->ports[i]);
		put_queues(v, o, &v->app->ports[i]);
		vfp_out_close(o);
	}
	vfp_out_close(o);
	for (uint16_t i = 0; i < v->app->n_ports; i++)
		if (v->app->ports[i].removed)
			vfp_out_note(o, "%s was pulled out", v->app->ports[i].name);
}

static int
view_port(const struct view *v, struct vfp_out *o, const char *name)
{
	const struct port *p = app_port(v->app, name);
	char mac[VFP_MAC_TEXT];

	if (!p)
		return -ENOENT;
	vfp_out_open(o, "port");
	put_port(v, o, p);
	vfp_out_str(o, "mac", vfp_mac_text(p->mac, mac));
	vfp_out_str(o, "peer", vfp_mac_text(p->peer, mac));
	vfp_out_str(o, "driver", p->driver);
	vfp_out_u64(o, "rx_queues", p->nb_rxq, VFP_PLAIN);
	vfp_out_u64(o, "resets", p->resets, VFP_COUNT);
	put_queues(v, o, p);
	vfp_out_close(o);
	return 0;
}

int
view_ports(const struct view *v, struct vfp_out *o, const char *name)
{
	if (name)
		return view_port(v, o, name);
	view_all_ports(v, o);
	return 0;
}

int
view_lcores(const struct view *v, struct vfp_out *o, const char *all)
{
	(void)all;
	vfp_out_list(o, "lcores");
	for (uint16_t i = 0; v->st && i < v->st->n_lcores; i++) {
		const struct dp_lcore_stats *l = &v->st->lcores[i];

		vfp_out_open(o, NULL);
		vfp_out_u64(o, "id", l->id, VFP_PLAIN);
		vfp_out_double(o, "busy", dp_lcore_busy(l), VFP_SHARE);
		vfp_out_double(o, "cycles_per_packet", dp_lcore_cycles_per_packet(l), VFP_FIXED1);
		vfp_out_double(o, "packets_per_burst", dp_lcore_packets_per_burst(l), VFP_FIXED1);
		vfp_out_u64(o, "hiccups", l->hiccups, VFP_COUNT);
		vfp_out_double(o, "longest_ns", l->longest * 1e9 / v->st->tsc_hz, VFP_NS);
		vfp_out_u64(o, "pauses", l->pauses, VFP_COUNT | VFP_DETAIL);
		vfp_out_u64(o, "sleeps", l->sleeps, VFP_COUNT | VFP_DETAIL);
		vfp_out_close(o);
	}
	vfp_out_close(o);
	return 0;
}

static void
put_latency(struct vfp_out *o, const char *rule, enum lat_kind kind, const struct lat_summary *s)
{
	vfp_out_open(o, NULL);
	vfp_out_str(o, "name", rule);
	vfp_out_str(o, "kind", lat_kind_name(kind));
	vfp_out_u64(o, "count", s->count, VFP_COUNT);
	vfp_out_double(o, "min_ns", s->min_ns, VFP_NS);
	vfp_out_double(o, "p50_ns", s->p50_ns, VFP_NS);
	vfp_out_double(o, "p90_ns", s->p90_ns, VFP_NS | VFP_DETAIL);
	vfp_out_double(o, "p99_ns", s->p99_ns, VFP_NS);
	vfp_out_double(o, "p999_ns", s->p999_ns, VFP_NS);
	vfp_out_double(o, "max_ns", s->max_ns, VFP_NS);
	vfp_out_double(o, "mean_ns", s->mean_ns, VFP_NS | VFP_DETAIL);
	vfp_out_double(o, "stddev_ns", s->stddev_ns, VFP_NS | VFP_DETAIL);
	vfp_out_u64(o, "clipped", s->clipped, VFP_COUNT | VFP_DETAIL);
	vfp_out_close(o);
}

/* What a rule of that mode has to tell. */
static bool
is_kind_of(enum lat_kind kind, enum dp_mode mode)
{
	if (mode == DP_SOURCE)
		return kind == LAT_RTT;
	if (mode == DP_SINK)
		return kind == LAT_ONEWAY;
	return kind < LAT_WORKER_KINDS;
}

int
view_latency(const struct view *v, struct vfp_out *o, const char *rule)
{
	struct lat_hist *hist = malloc(sizeof(*hist));
	bool found = false, oneway = false;

	vfp_out_list(o, "latency");
	for (uint16_t i = 0; hist && v->st && i < v->st->n_rules; i++) {
		const struct dp_rule_stats *r = &v->st->rules[i];

		/* Pools that nobody reads. */
		if (r->implicit || (rule && strcmp(rule, r->name) != 0))
			continue;
		/* What goes to a sink is not sent on: it has probes to tell of, or nothing. */
		found |= r->mode != DP_SINK;
		for (int kind = LAT_RESIDENCE; kind < LAT_LIVE_KINDS; kind++) {
			struct lat_summary s;

			if (!is_kind_of(kind, r->mode) ||
				dp_latency(v->app->dp, r->name, kind, hist) < 0)
				continue;
			found = true;
			oneway |= kind == LAT_ONEWAY;
			lat_summarise(hist, v->st->tsc_hz, &s);
			put_latency(o, r->name, kind, &s);
		}
	}
	vfp_out_close(o);
	if (found) {
		vfp_out_note(o, "residence: from rx_burst called to tx_burst accepted. Clock: TSC.");
		vfp_out_note(o, "bound: the most a packet can have waited in RX ring and software");
		vfp_out_note(o, "rtt: a source's probe, tx_burst called to rx_burst returned");
	}
	if (oneway)
		vfp_out_note(o, "oneway: the same, returned at another port");
	free(hist);
	return rule && !found ? -ENOENT : 0;
}

static void
put_probes(const struct view *v, struct vfp_out *o, const char *name, int stream,
	const struct dp_probe_counts *c)
{
	vfp_out_open(o, NULL);
	vfp_out_str(o, "name", name);
	if (stream >= 0)
		vfp_out_u64(o, "stream", stream, VFP_PLAIN);
	else
		vfp_out_u64(o, "streams", c->streams, VFP_COUNT);
	vfp_out_u64(o, "sent", c->sent, VFP_COUNT);
	vfp_out_u64(o, "received", c->received, VFP_COUNT);
	/* What is still under way is not lost. */
	if (v->app->forwarding)
		vfp_out_null(o, "lost");
	else
		vfp_out_u64(o, "lost", c->missing > 0 ? c->missing : 0, VFP_COUNT);
	vfp_out_u64(o, "duplicated", c->duplicated, VFP_COUNT);
	vfp_out_u64(o, "reordered", c->reordered, VFP_COUNT);
	vfp_out_u64(o, "late", c->late, VFP_COUNT);
	if (stream < 0)
		vfp_out_u64(o, "behind", c->behind, VFP_COUNT);
	if (stream < 0)
		vfp_out_double(o, "seconds", (double)c->ticks / rte_get_tsc_hz(),
			VFP_PLAIN | VFP_DETAIL);
	vfp_out_close(o);
}

#define MAX_STREAM_ROWS 64

int
view_probes(const struct view *v, struct vfp_out *o, const char *rule)
{
	struct dp_probe_counts c;
	uint32_t streams = 0;
	bool found = false;

	for (uint16_t i = 0; v->st && i < v->st->n_rules; i++)
		found |= dp_probes(v->app->dp, v->st->rules[i].name, -1, &c) == 0;
	/* A reader of the report finds the list, people only what there is. */
	if (!found && vfp_out_format(o) == VFP_TEXT) {
		if (v->since == VIEW_CLEAR)
			vfp_out_note(o, "there is no source with probe = yes");
		return 0;
	}
	found = false;
	vfp_out_list(o, "probes");
	for (uint16_t i = 0; v->st && i < v->st->n_rules; i++) {
		const char *name = v->st->rules[i].name;

		if ((rule && strcmp(rule, name) != 0) || dp_probes(v->app->dp, name, -1, &c) < 0)
			continue;
		found = true;
		streams = c.streams;
		put_probes(v, o, name, -1, &c);
	}
	vfp_out_close(o);
	if (!rule || !found)
		return rule && !found ? -ENOENT : 0;
	vfp_out_list(o, "streams");
	for (uint32_t s = 0; s < streams && s < MAX_STREAM_ROWS; s++)
		if (dp_probes(v->app->dp, rule, (int)s, &c) == 0)
			put_probes(v, o, rule, (int)s, &c);
	vfp_out_close(o);
	if (streams > MAX_STREAM_ROWS)
		vfp_out_note(o, "the first %u of %u streams", MAX_STREAM_ROWS, streams);
	return 0;
}

static bool
any_handed(const struct dp_plan *plan)
{
	for (uint16_t e = 0; e < plan->n_entries; e++)
		if (plan->entries[e].handed_by != DP_NONE)
			return true;
	return false;
}

/* Where an entry's packets come from: an RX queue, or with a software table another lcore. */
static void
put_origin(struct vfp_out *o, const struct dp_plan *plan, const struct dp_plan_entry *e)
{
	vfp_out_str(o, "from", plan->ports[e->rx_port].name);
	if (e->handed_by == DP_NONE)
		vfp_out_u64(o, "rx_queue", e->rx_queue, VFP_PLAIN);
	else
		vfp_out_null(o, "rx_queue");
	if (!any_handed(plan))
		return;
	if (e->handed_by == DP_NONE)
		vfp_out_null(o, "handed_by");
	else
		vfp_out_u64(o, "handed_by", plan->lcores[e->handed_by].id, VFP_PLAIN);
}

int
view_config_fwd(const struct view *v, struct vfp_out *o, const char *all)
{
	const struct dp_plan *plan = dp_current_plan(v->app->dp);

	(void)all;
	vfp_out_u64(o, "burst", plan->burst, VFP_PLAIN);
	vfp_out_list(o, "queues");
	for (uint16_t l = 0; l < plan->n_lcores; l++)
		for (uint16_t i = 0; i < plan->lcores[l].n; i++) {
			const struct dp_plan_entry *e = &plan->entries[plan->lcores[l].first + i];
			const struct dp_plan_rule *r = &plan->rules[e->rule];

			vfp_out_open(o, NULL);
			vfp_out_u64(o, "lcore", plan->lcores[l].id, VFP_PLAIN);
			vfp_out_str(o, "rule", r->name);
			vfp_out_str(o, "mode", dp_mode_names[r->mode]);
			put_origin(o, plan, e);
			if (e->tx_port == DP_NONE) {
				vfp_out_null(o, "to");
				vfp_out_null(o, "tx_queue");
			} else {
				vfp_out_str(o, "to", plan->ports[e->tx_port].name);
				vfp_out_u64(o, "tx_queue", e->tx_queue, VFP_PLAIN);
			}
			vfp_out_close(o);
		}
	vfp_out_close(o);
	return 0;
}

/* NIC readings for the comparison, without what was dropped by name when reception ended. */
static uint16_t
nic_readings(const struct view *v, struct dp_nic_port nic[APP_MAX_PORTS])
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < v->app->n_ports; i++) {
		const struct port *p = &v->app->ports[i];

		if (!p->probed || !port_nic_known(v->app, p))
			continue;
		nic[n++] = (struct dp_nic_port){
			p->port_id, p->last.rx_packets - p->stopping, p->last.tx_packets};
	}
	return n;
}

static uint64_t
account(const struct view *v, struct vfp_out *o)
{
	struct dp_nic_port nic[APP_MAX_PORTS];
	struct dp_account *a = calloc(1, sizeof(*a));
	uint64_t n = 0;

	if (a && v->st) {
		dp_account(v->st, nic, nic_readings(v, nic), a);
		n = a->unaccounted;
	}
	for (uint16_t i = 0; a && o && n > 0 && i < a->n; i++) {
		const struct port *p = app_port_by_id(v->app, a->ports[i].port_id);

		if (p && (a->ports[i].rx_gap || a->ports[i].tx_gap))
			vfp_out_note(o,
				"%s: the NIC handed over %" PRId64
				" more than the workers took, the "
				"workers gave %" PRId64 " more than the NIC sent",
				p->name, a->ports[i].rx_gap, a->ports[i].tx_gap);
	}
	free(a);
	return n;
}

uint64_t
view_unaccounted(const struct view *v)
{
	return account(v, NULL);
}

int
view_totals(const struct view *v, struct vfp_out *o, const char *all)
{
	uint64_t rx = 0, tx = 0, stopping = 0;

	(void)all;
	for (uint16_t i = 0; i < v->app->n_ports; i++) {
		const struct port_numbers n = numbers_of(v, &v->app->ports[i]);

		rx += n.nic.rx_packets;
		tx += n.nic.tx_packets;
		stopping += v->app->ports[i].stopping;
	}
	vfp_out_open(o, "totals");
	vfp_out_u64(o, "rx_packets", rx, VFP_COUNT);
	vfp_out_u64(o, "tx_packets", tx, VFP_COUNT);
	vfp_out_u64(o, "generated", v->st ? v->st->totals.generated : 0, VFP_COUNT);
	vfp_out_u64(o, "consumed", v->st ? v->st->totals.consumed : 0, VFP_COUNT);
	vfp_out_open(o, "dropped");
	for (unsigned int i = 0; v->st && i < DP_DROP_REASONS; i++)
		vfp_out_u64(o, dp_drop_names[i],
			v->st->totals.drops[i] + (i == DP_DROP_STOPPING ? stopping : 0), VFP_COUNT);
	vfp_out_close(o);
	if (v->app->forwarding)
		vfp_out_null(o, "unaccounted");
	else
		vfp_out_u64(o, "unaccounted", account(v, o), VFP_COUNT);
	vfp_out_close(o);
	return 0;
}

const char *
view_source(const struct app *app)
{
	unsigned int soft = 0, hard = 0, vdev = 0, unknown = 0;

	for (uint16_t i = 0; i < app->n_ports; i++) {
		const struct port *p = &app->ports[i];

		if (p->role == PORT_VDEV)
			vdev++;
		else if (!p->known_source)
			unknown++;
		else if (p->software)
			soft++;
		else
			hard++;
	}
	if (unknown || soft + hard + vdev == 0)
		return "unknown";
	if ((soft > 0) + (hard > 0) + (vdev > 0) > 1)
		return "mixed";
	return soft ? "soft82599" : hard ? "hardware" : "vdev";
}

int
view_clear_stats(struct app *app)
{
	struct dp_stats *st;
	int ret = dp_stats_take(app->dp, &st);

	if (ret < 0)
		return ret;
	ports_read_nic(app);
	for (uint16_t i = 0; i < app->n_ports; i++)
		app->ports[i].cleared = app->ports[i].last;
	dp_stats_free(app->cleared);
	app->cleared = st;
	return 0;
}

int
view_clear_latency(struct app *app)
{
	return dp_latency_clear(app->dp, NULL);
}
