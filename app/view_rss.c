/* SPDX-License-Identifier: BSD-3-Clause */
/* Getters of RSS. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dp_spread.h>

#include "balance.h"
#include "rss.h"
#include "rss_watch.h"
#include "view.h"

#define ROW 64

/* Packets that the port's queues took since the start or the last clear. */
static void
measured(const struct view *v, const struct port *p, uint64_t rx[RSS_SEEN_QUEUES])
{
	memset(rx, 0, RSS_SEEN_QUEUES * sizeof(rx[0]));
	for (uint16_t i = 0; v->st && i < v->st->n_queues; i++)
		if (v->st->queues[i].port_id == p->port_id &&
			v->st->queues[i].queue < RSS_SEEN_QUEUES)
			rx[v->st->queues[i].queue] = v->st->queues[i].rx;
}

static double
share(uint64_t part, uint64_t all)
{
	return all ? (double)part / (double)all : 0;
}

static void
put_spread(const struct view *v, struct vfp_out *o, const struct port *p)
{
	const unsigned int pool = rss_pool_queues(v->app, p);
	const struct pf_dev *pf = p->role == PORT_VDEV ? NULL : app_pf_of(v->app, p);
	const bool unknown = p->role == PORT_VF && !pf, unused = pf && pf->layout.vmdq_pools > 0;
	unsigned int entries[RSS_SEEN_QUEUES];
	uint64_t rx[RSS_SEEN_QUEUES], all = 0;

	rss_reta_shares(rss_of(v->app, p)->reta, RSS_RETA_SIZE, pool, entries);
	measured(v, p, rx);
	for (unsigned int q = 0; q < RSS_SEEN_QUEUES; q++)
		all += rx[q];
	vfp_out_list(o, "queues");
	for (unsigned int q = 0; q < p->nb_rxq && q < RSS_SEEN_QUEUES; q++) {
		vfp_out_open(o, NULL);
		vfp_out_u64(o, "id", q, VFP_PLAIN);
		if (unknown || unused) {
			vfp_out_null(o, "entries");
			vfp_out_null(o, "share");
		} else {
			vfp_out_u64(o, "entries", q < pool ? entries[q] : 0, VFP_PLAIN);
			vfp_out_double(o, "share", share(q < pool ? entries[q] : 0, RSS_RETA_SIZE),
				VFP_SHARE);
		}
		vfp_out_u64(o, "rx_packets", rx[q], VFP_COUNT);
		vfp_out_double(o, "rx_share", share(rx[q], all), VFP_SHARE);
		vfp_out_close(o);
	}
	vfp_out_close(o);
}

static void
put_why(const struct view *v, struct vfp_out *o, const struct port *p)
{
	struct rss_why why[RSS_REASONS];
	struct rss_facts f;
	struct rss_seen seen;
	unsigned int n;

	rss_facts_of(v->app, p, &f, &seen);
	n = rss_why(&f, why);
	if (vfp_out_format(o) == VFP_JSON) {
		vfp_out_bool(o, "spreads", f.granted > 1 && (n == 0 || !why[0].stops));
		vfp_out_list(o, "why");
		for (unsigned int i = 0; i < n; i++) {
			vfp_out_open(o, NULL);
			vfp_out_str(o, "name", rss_reason_name(why[i].reason));
			vfp_out_bool(o, "stops", why[i].stops);
			vfp_out_str(o, "text", why[i].text);
			vfp_out_str(o, "advice", why[i].advice[0] ? why[i].advice : NULL);
			vfp_out_close(o);
		}
		vfp_out_close(o);
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		vfp_out_note(o, "%s%s", why[i].stops ? "does not spread: " : "note: ", why[i].text);
		if (why[i].advice[0])
			vfp_out_note(o, "%s%s", "  -> ", why[i].advice);
	}
}

/* The table in two rows of 64, the key in two of 40 digits. */
static void
put_long(struct vfp_out *o, const struct rss_conf *c)
{
	char key[RSS_KEY_TEXT], reta[RSS_RETA_SIZE + 1] = "";

	rss_key_text(c->key, key);
	for (unsigned int i = 0; i < RSS_RETA_SIZE; i++)
		reta[i] = "0123456789abcdef"[c->reta[i] & 15];
	if (vfp_out_format(o) == VFP_JSON) {
		vfp_out_str(o, "key", key);
		vfp_out_str(o, "reta", reta);
		return;
	}
	vfp_out_note(o, "key     %.40s", key);
	vfp_out_note(o, "        %s", key + 40);
	for (unsigned int i = 0; i < RSS_RETA_SIZE; i += ROW)
		vfp_out_note(o, "%3u-%-3u %.*s", i, i + ROW - 1, ROW, reta + i);
}

static void
put_seen(struct vfp_out *o, const struct port *p)
{
	struct rss_seen seen;

	if (rss_watch_read(p, &seen, NULL) < 0)
		return;
	vfp_out_open(o, "sampled");
	vfp_out_bool(o, "on", rss_watch_is_on(p));
	vfp_out_u64(o, "packets", seen.packets, VFP_COUNT);
	vfp_out_u64(o, "hashed", seen.hashed, VFP_COUNT);
	vfp_out_u64(o, "fragments", seen.note[RSS_N_FRAGMENT], VFP_COUNT);
	vfp_out_u64(o, "not_ip", seen.note[RSS_N_NOT_IP], VFP_COUNT);
	vfp_out_u64(o, "entries_hit", seen.entries_hit, VFP_COUNT);
	vfp_out_close(o);
}

/* The port's software table: who works on how much. */
static void
put_soft(const struct view *v, struct vfp_out *o, const struct port *p)
{
	struct dp_spread_view *s = malloc(sizeof(*s));

	if (s && v->app->dp && dp_spread_read(v->app->dp, p->port_id, s) == 0) {
		vfp_out_list(o, "table");
		for (uint16_t l = 0; l < s->n_lcores; l++) {
			uint64_t entries = 0, load = 0;

			for (uint16_t i = 0; i < s->size; i++) {
				entries += s->table[i] == l;
				load += s->table[i] == l ? s->load[i] : 0;
			}
			vfp_out_open(o, NULL);
			vfp_out_u64(o, "id", l, VFP_PLAIN);
			vfp_out_u64(o, "lcore", s->lcores[l], VFP_PLAIN);
			vfp_out_u64(o, "entries", entries, VFP_PLAIN);
			vfp_out_u64(o, "packets_of_entries", load, VFP_COUNT);
			vfp_out_close(o);
		}
		vfp_out_close(o);
		vfp_out_open(o, "software");
		vfp_out_u64(o, "entries", s->size, VFP_PLAIN);
		vfp_out_u64(o, "kept", s->kept, VFP_COUNT);
		vfp_out_u64(o, "handed_over", s->handed, VFP_COUNT);
		vfp_out_u64(o, "unhashed", s->unhashed, VFP_COUNT);
		vfp_out_u64(o, "handoff_full", s->dropped, VFP_COUNT);
		vfp_out_u64(o, "moves", s->moves, VFP_COUNT);
		vfp_out_u64(o, "postponed", s->postponed, VFP_COUNT);
		vfp_out_close(o);
	}
	free(s);
}

static void
put_balance(const struct view *v, struct vfp_out *o, const struct port *p)
{
	static const char *const modes[] = {"off", "dry run", "on"};
	struct balance_state s;

	if (balance_read(v->app, p, &s) < 0)
		return;
	vfp_out_open(o, "balance");
	vfp_out_str(o, "mode", modes[s.mode]);
	vfp_out_str(o, "of", s.software ? "the software table" : "the card's table");
	vfp_out_u64(o, "samples", s.samples, VFP_COUNT);
	vfp_out_u64(o, "moves", s.moves, VFP_COUNT);
	vfp_out_u64(o, "refused", s.refused, VFP_COUNT);
	vfp_out_strf(o, "max_to_mean", "%.3f", rss_balance_imbalance(&s.spread));
	vfp_out_strf(o, "possible", "%.3f",
		s.spread.mean > 0 ? rss_balance_floor(&s.spread) / s.spread.mean : 1);
	vfp_out_close(o);
}

static int
view_one(const struct view *v, struct vfp_out *o, const char *name)
{
	const struct port *p = app_port(v->app, name);
	const struct pf_dev *pf = p && p->role != PORT_VDEV ? app_pf_of(v->app, p) : NULL;
	char fields[RSS_FIELDS_TEXT], touched[256];
	const struct rss_conf *c;

	if (!p)
		return -ENOENT;
	c = rss_of(v->app, p);
	vfp_out_open(o, "rss");
	vfp_out_str(o, "name", p->name);
	vfp_out_u64(o, "queues", p->nb_rxq, VFP_PLAIN);
	if (p->role == PORT_VF && !pf) {
		vfp_out_str(o, "set_by", "a PF that is not ours");
	} else {
		vfp_out_str(o, "fields", rss_fields_text(c->fields, fields));
		vfp_out_str(o, "key_kind", rss_key_kind(c->key));
		put_long(o, c);
	}
	vfp_out_bool(o, "shared_with_pf", p->role == PORT_VF && pf != NULL);
	if (pf) {
		rss_touched(v->app, pf, touched, sizeof(touched));
		vfp_out_str(o, "holds_for", touched);
		vfp_out_str(o, "read_back",
			pf->port && pf->port->rss_read[0] ? pf->port->rss_read : NULL);
	}
	put_spread(v, o, p);
	put_soft(v, o, p);
	put_balance(v, o, p);
	put_seen(o, p);
	put_why(v, o, p);
	vfp_out_close(o);
	return 0;
}

static void
view_all(const struct view *v, struct vfp_out *o)
{
	vfp_out_list(o, "rss");
	for (uint16_t i = 0; i < v->app->n_ports; i++) {
		const struct port *p = &v->app->ports[i];
		uint64_t rx[RSS_SEEN_QUEUES], all = 0, max = 0;
		struct rss_why why[RSS_REASONS];
		struct rss_facts f;
		struct rss_seen seen;
		unsigned int n;

		rss_facts_of(v->app, p, &f, &seen);
		n = rss_why(&f, why);
		measured(v, p, rx);
		for (unsigned int q = 0; q < RSS_SEEN_QUEUES; q++) {
			all += rx[q];
			max = RTE_MAX(max, rx[q]);
		}
		vfp_out_open(o, NULL);
		vfp_out_str(o, "name", p->name);
		vfp_out_u64(o, "queues", f.granted, VFP_PLAIN);
		vfp_out_bool(o, "spreads", f.granted > 1 && (n == 0 || !why[0].stops));
		vfp_out_u64(o, "rx_packets", all, VFP_COUNT);
		if (all && f.rss_mode)
			vfp_out_double(o, "max_to_mean", (double)max * f.granted / (double)all,
				VFP_FIXED1);
		else
			vfp_out_null(o, "max_to_mean");
		vfp_out_str(o, "why", n ? rss_reason_name(why[0].reason) : "-");
		vfp_out_close(o);
	}
	vfp_out_close(o);
}

int
view_rss(const struct view *v, struct vfp_out *o, const char *name)
{
	if (name)
		return view_one(v, o, name);
	view_all(v, o);
	return 0;
}
