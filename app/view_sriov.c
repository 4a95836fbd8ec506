/* SPDX-License-Identifier: BSD-3-Clause */
/* Getters of the PF's side: VFs, RSS, layout, mailbox, bring-up. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include <vfp_parse.h>

#include "view.h"

static void
vf_name(const struct app *app, const struct pf_dev *pf, uint16_t v, char name[CFG_NAME])
{
	if (app->n_pfs > 1)
		snprintf(name, CFG_NAME, "pf%uvf%u", pf->index, v);
	else
		snprintf(name, CFG_NAME, "vf%u", v);
}

static const char *
list_vlans(const uint16_t *vlans, unsigned int n, char *text, size_t len)
{
	text[0] = '\0';
	for (unsigned int i = 0; i < n; i++)
		snprintf(text + strlen(text), len - strlen(text), "%s%u", i ? "," : "", vlans[i]);
	return n ? text : "none";
}

/* What `show vfs` has a column for. */
static void
put_vf(const struct view *v, struct vfp_out *o, const struct pf_dev *pf, uint16_t vf)
{
	struct sriov_vf_policy policy = pf->conf.vf[vf];
	struct sriov_counts c = {0};
	char name[CFG_NAME], mac[VFP_MAC_TEXT], text[SRIOV_POLICY_VLANS * 6];

	vf_name(v->app, pf, vf, name);
	if (pf->pf) {
		sriov_pf_counts(pf->pf, vf, &c);
		sriov_pf_policy(pf->pf, vf, &policy);
	}
	vfp_out_str(o, "name", name);
	vfp_out_str(o, "pci", pf->vf_bdf[vf]);
	vfp_out_str(o, "owner", app_port(v->app, name) ? "vfplane" : "tenant");
	vfp_out_str(o, "mac", vfp_mac_text(c.state.own_mac ? c.state.mac : policy.mac, mac));
	vfp_out_str(o, "vlans", list_vlans(policy.vlans, policy.n_vlans, text, sizeof(text)));
	vfp_out_bool(o, "anti_spoof", !policy.foreign_sources && !policy.foreign_vlans);
	vfp_out_u64(o, "pool", vf, VFP_PLAIN | VFP_DETAIL);
	vfp_out_str(o, "api", c.state.cts ? sriov_mbox_api(c.state.api) : NULL);
	vfp_out_u64(o, "requests", c.requests, VFP_COUNT);
	vfp_out_u64(o, "refused", c.refused, VFP_COUNT);
	vfp_out_u64(o, "resets", c.resets, VFP_COUNT);
	vfp_out_u64(o, "multicast_hashes", c.state.n_mc, VFP_COUNT | VFP_DETAIL);
	vfp_out_u64(o, "apply_errors", c.apply_errors, VFP_COUNT | VFP_DETAIL);
}

static const char *
list_macs(const uint8_t (*macs)[6], unsigned int n, char *text, size_t len)
{
	char mac[VFP_MAC_TEXT];

	text[0] = '\0';
	for (unsigned int i = 0; i < n; i++)
		snprintf(text + strlen(text), len - strlen(text), "%s%s", i ? " " : "",
			vfp_mac_text(macs[i], mac));
	return n ? text : "none";
}

static const char *
list_refused(const struct sriov_vf_policy *p, char *text, size_t len)
{
	snprintf(text, len, "%s%s%s",
		p->refuses & SRIOV_ACCEPT_UNTAGGED || p->port_vlan ? "AUPE " : "",
		p->refuses & SRIOV_ACCEPT_HASH_UC ? "ROPE " : "",
		p->refuses & SRIOV_ACCEPT_BROADCAST ? "BAM " : "");
	return text[0] ? text : "nothing";
}

static const char *
list_hashes(const struct sriov_vf_state *s, char *text, size_t len)
{
	text[0] = '\0';
	for (unsigned int i = 0; i < s->n_mc; i++)
		snprintf(text + strlen(text), len - strlen(text), "%s%03x", i ? " " : "", s->mc[i]);
	return s->n_mc ? text : "none";
}

/* What it may do. */
static void
put_policy(struct vfp_out *o, const struct sriov_vf_policy *p)
{
	char text[SRIOV_POLICY_MACS * VFP_MAC_TEXT];

	vfp_out_open(o, "policy");
	vfp_out_bool(o, "trusted", p->trusted);
	vfp_out_strf(
		o, "mac_policy", "%s, %u listed", sriov_mac_policy_name(p->mac_policy), p->n_macs);
	if (p->port_vlan)
		vfp_out_u64(o, "port_vlan", p->port_vlan, VFP_PLAIN);
	else
		vfp_out_null(o, "port_vlan");
	vfp_out_u64(o, "vlan_quota", p->vlan_quota, VFP_PLAIN);
	vfp_out_u64(o, "multicast_quota", p->mc_quota, VFP_PLAIN);
	vfp_out_u64(o, "macvlan_quota", p->macvlan_quota, VFP_PLAIN);
	vfp_out_str(o, "xcast_ceiling", sriov_xcast_name(p->xcast));
	vfp_out_u64(o, "max_frame", p->max_frame, VFP_PLAIN);
	vfp_out_str(o, "api_floor", sriov_mbox_api(p->api_floor));
	if (p->request_rate)
		vfp_out_u64(o, "requests_per_second", p->request_rate, VFP_PLAIN);
	else
		vfp_out_str(o, "requests_per_second", "no limit");
	vfp_out_strf(o, "spoof_check", "MAC %s, VLAN %s", p->foreign_sources ? "off" : "on",
		p->foreign_sources || p->foreign_vlans ? "off" : "on");
	vfp_out_strf(o, "link", "rx %s, tx %s", p->rx_off ? "off" : "on", p->tx_off ? "off" : "on");
	vfp_out_str(o, "rx_modes_off", list_refused(p, text, sizeof(text)));
	vfp_out_bool(o, "all_multicast", p->all_multicast);
	vfp_out_str(o, "given_macs",
		list_macs(p->given, p->n_given, text, sizeof(text)));
	if (p->rate)
		vfp_out_u64(o, "rate_mbit", p->rate, VFP_PLAIN);
	else
		vfp_out_null(o, "rate_mbit");
	vfp_out_null(o, "qos"); /* DPDK's call for the port VLAN takes no priority */
	vfp_out_str(o, "rss_query", "refused by DPDK's PF");
	vfp_out_close(o);
}

/* 0: never measured. */
static void
put_ns(struct vfp_out *o, const char *key, uint64_t ns)
{
	if (ns)
		vfp_out_u64(o, key, ns, VFP_NS);
	else
		vfp_out_null(o, key);
}

/* What it has, and who set it. */
static void
put_state(struct vfp_out *o, const struct pf_dev *pf, uint16_t vf, const struct sriov_counts *c)
{
	const struct sriov_vf_state *s = &c->state;
	char text[256];

	vfp_out_open(o, "state");
	vfp_out_str(o, "mac_set_by", s->own_mac ? "the VF" : "the operator");
	vfp_out_bool(o, "may_speak", s->cts);
	vfp_out_str(o, "xcast", sriov_xcast_name(s->xcast));
	vfp_out_str(o, "own_vlans", list_vlans(s->vlans, s->n_vlans, text, sizeof(text)));
	vfp_out_str(o, "macvlans",
		list_macs(s->macvlans, s->n_macvlans, text, sizeof(text)));
	vfp_out_str(o, "multicast", list_hashes(s, text, sizeof(text)));
	vfp_out_strf(o, "queues", "%u, as every pool of %ux%u", pf->layout.queues_per_pool,
		pf->layout.pools, pf->layout.queues_per_pool);
	vfp_out_str(o, "link", pf->link_up ? "up" : "down");
	vfp_out_strf(o, "shut", "%s%s", c->shut ? "until its next reset: " : "no",
		c->shut ? c->shut : "");
	if (atomic_load(&pf->mark[vf].known))
		vfp_out_u64(o, "dma_aborts", c->dma_aborts, VFP_COUNT);
	else
		vfp_out_null(o, "dma_aborts");
	vfp_out_u64(o, "malformed_resets", s->fake_resets, VFP_COUNT);
	if (c->last_reset_us)
		vfp_out_double(o, "last_reset_s", c->last_reset_us / 1e6, VFP_SECONDS);
	else
		vfp_out_null(o, "last_reset");
	put_ns(o, "reapplied_in_ns", c->window_ns);
	put_ns(o, "reapplied_max_ns", c->window_max_ns);
	put_ns(o, "slowest_answer_ns", c->slow_ns);
	vfp_out_u64(o, "apply_errors", c->apply_errors, VFP_COUNT);
	vfp_out_close(o);
}

/*
 * A PF could read its VFs' counters, but DPDK has no call for it: those of a tenant's VF are
 * unknown here. Since its reset: less what earlier lives of the port counted.
 */
static void
put_counters(struct vfp_out *o, const struct port *p)
{
	static const struct port_nic none;
	const struct port_nic *all = p ? &p->last : &none, *before = p ? &p->carried : &none;
	const struct {
		const char *key;
		uint64_t n;
	} rows[] = {
		{"rx_packets", all->rx_packets},
		{"tx_packets", all->tx_packets},
		{"rx_since_reset", all->rx_packets - before->rx_packets},
		{"tx_since_reset", all->tx_packets - before->tx_packets},
	};

	vfp_out_open(o, "counters");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (p)
			vfp_out_u64(o, rows[i].key, rows[i].n, VFP_COUNT);
		else
			vfp_out_null(o, rows[i].key);
	vfp_out_close(o);
}

static void
put_vf_detail(struct vfp_out *o, const struct pf_dev *pf, uint16_t vf, const struct port *own)
{
	struct sriov_vf_policy policy;
	struct sriov_counts c;

	if (!pf->pf || sriov_pf_counts(pf->pf, vf, &c) < 0 ||
		sriov_pf_policy(pf->pf, vf, &policy) < 0)
		return;
	put_policy(o, &policy);
	put_state(o, pf, vf, &c);
	put_counters(o, own);
}

int
view_vfs(const struct view *v, struct vfp_out *o, const char *all)
{
	(void)all;
	vfp_out_list(o, "vfs");
	for (uint16_t i = 0; i < v->app->n_pfs; i++)
		for (uint16_t vf = 0; vf < v->app->pf[i].n_vfs; vf++) {
			vfp_out_open(o, NULL);
			put_vf(v, o, &v->app->pf[i], vf);
			vfp_out_close(o);
		}
	vfp_out_close(o);
	return 0;
}

int
view_vf(const struct view *v, struct vfp_out *o, const char *name)
{
	char own[CFG_NAME], bare[CFG_NAME];

	if (!name)
		return -EINVAL;
	for (uint16_t i = 0; i < v->app->n_pfs; i++)
		for (uint16_t vf = 0; vf < v->app->pf[i].n_vfs; vf++) {
			vf_name(v->app, &v->app->pf[i], vf, own);
			snprintf(bare, sizeof(bare), "%u", vf);
			if (strcmp(name, own) != 0 && strcmp(name, bare) != 0)
				continue;
			vfp_out_open(o, "vf");
			put_vf(v, o, &v->app->pf[i], vf);
			put_vf_detail(o, &v->app->pf[i], vf, app_port(v->app, own));
			vfp_out_close(o);
			view_ports(v, o, own); /* a tenant's VF is no port of ours */
			return 0;
		}
	return -ENOENT;
}

int
view_bringup(const struct view *v, struct vfp_out *o, const char *all)
{
	(void)all;
	vfp_out_list(o, "bringup");
	for (uint16_t i = 0; i < v->app->n_steps; i++) {
		const struct step *s = &v->app->steps[i];

		vfp_out_open(o, NULL);
		vfp_out_u64(o, "step", i + 1, VFP_PLAIN);
		vfp_out_double(o, "at_s", s->at_us / 1e6, VFP_SECONDS);
		vfp_out_double(o, "took_s", s->took_us / 1e6, VFP_SECONDS);
		vfp_out_bool(o, "ok", s->ok);
		vfp_out_str(o, "what", s->text);
		vfp_out_close(o);
	}
	vfp_out_close(o);
	return 0;
}

static void
put_pool(const struct view *v, struct vfp_out *o, const struct pf_dev *pf, uint16_t pool)
{
	const struct sriov_layout *l = &pf->layout;
	const struct port *p = pf->port;
	char name[CFG_NAME], mac[VFP_MAC_TEXT];

	snprintf(name, sizeof(name), "pf%u", pf->index);
	if (pool != l->pf_pool) {
		vf_name(v->app, pf, pool, name);
		p = app_port(v->app, name);
	}
	vfp_out_open(o, NULL);
	vfp_out_u64(o, "pool", pool, VFP_PLAIN);
	vfp_out_str(o, "name", name);
	vfp_out_str(o, "owner", p ? "vfplane" : "tenant");
	vfp_out_strf(o, "queues", "%u-%u", sriov_layout_queue(l, pool, 0),
		sriov_layout_queue(l, pool, l->queues_per_pool - 1));
	vfp_out_str(o, "mac",
		vfp_mac_text(pool == l->pf_pool && p ? p->mac : pf->conf.vf[pool].mac, mac));
	vfp_out_close(o);
}

/* A pool of the PF's own: the second of its queues gets nothing without RSS. */
static void
put_own_pool(const struct view *v, struct vfp_out *o, const struct pf_dev *pf, uint16_t pool)
{
	const struct cfg_pool_sec *sec = config_pool(&v->app->cfg, pf->index, pool);
	char name[CFG_NAME], mac[VFP_MAC_TEXT], text[CFG_MAX_VLANS * 6];

	snprintf(name, sizeof(name), "pf%upool%u", pf->index, pool);
	vfp_out_open(o, NULL);
	vfp_out_u64(o, "pool", pool, VFP_PLAIN);
	vfp_out_str(o, "name", name);
	vfp_out_str(o, "owner", "vfplane");
	vfp_out_strf(o, "queues", "%u", sriov_layout_queue(&pf->layout, pool, 0));
	vfp_out_str(o, "mac", vfp_mac_text(sec && sec->has_mac ? sec->mac : pf->port->mac, mac));
	vfp_out_str(o, "vlans",
		list_vlans(sec ? sec->vlans : NULL, sec ? sec->n_vlans : 0, text, sizeof(text)));
	vfp_out_close(o);
}

static void
put_picture(struct vfp_out *o, const struct pf_dev *pf)
{
	const struct sriov_layout *l = &pf->layout;
	char row[SRIOV_ROW + 1];

	vfp_out_note(o, "pf%u: %u pools x %u queues, %s%s", pf->index, l->pools ? l->pools : 1,
		l->queues_per_pool, sriov_layout_mode(l),
		l->mq == SRIOV_MQ_VMDQ_RSS ? ", one RSS key and table for all" : "");
	for (unsigned int q = 0; l->pools && q < SRIOV_NIC_QUEUES; q += SRIOV_ROW)
		vfp_out_note(o, "%3u-%-3u %s", q, q + SRIOV_ROW - 1, sriov_layout_row(l, q, row));
	if (l->pools)
		vfp_out_note(o, "%s", sriov_layout_legend(l));
}

int
view_layout(const struct view *v, struct vfp_out *o, const char *all)
{
	(void)all;
	vfp_out_list(o, "layout");
	for (uint16_t i = 0; i < v->app->n_pfs; i++) {
		const struct pf_dev *pf = &v->app->pf[i];

		for (uint16_t pool = 0; pool < pf->layout.vmdq_pools; pool++)
			put_own_pool(v, o, pf, pool);
		if (pf->n_vfs == 0)
			continue;
		for (uint16_t pool = 0; pool <= pf->layout.pf_pool; pool++)
			put_pool(v, o, pf, pool);
	}
	vfp_out_close(o);
	for (uint16_t i = 0; i < v->app->n_pfs; i++)
		put_picture(o, &v->app->pf[i]);
	return 0;
}

/* What became of it, in one column: a refusal's reason, else what the chain knows, else the reason.
 */
static void
put_outcome(struct vfp_out *o, const struct sriov_row *row)
{
	const struct sriov_record *r = &row->last;
	const bool settled = r->note[0] && r->answer == SRIOV_PASS;

	if (row->why && row->refused < row->count && !settled)
		vfp_out_strf(o, "answer", "nack %u: %s", row->refused, row->why);
	else if (r->note[0])
		vfp_out_str(o, "answer", r->note);
	else
		vfp_out_strf(o, "answer", "%s: %s", sriov_answer_name(r->answer), r->reason);
}

static void
put_row(const struct view *v, struct vfp_out *o, const struct pf_dev *pf,
	const struct sriov_row *row)
{
	const struct sriov_record *r = &row->last;
	char name[CFG_NAME], text[96];
	struct sriov_msg m;

	sriov_mbox_decode(r->words, &m);
	vf_name(v->app, pf, r->vf, name);
	vfp_out_open(o, NULL);
	vfp_out_double(o, "at_s", r->at_us / 1e6, VFP_SECONDS);
	vfp_out_str(o, "vf", name);
	vfp_out_str(o, "message", sriov_mbox_text(&m, text, sizeof(text)));
	vfp_out_u64(o, "n", row->count, VFP_COUNT);
	put_outcome(o, row);
	vfp_out_close(o);
}

static void
put_row_json(const struct view *v, struct vfp_out *o, const struct pf_dev *pf,
	const struct sriov_row *row)
{
	const struct sriov_record *r = &row->last;
	char name[CFG_NAME], text[96];
	struct sriov_msg m;

	sriov_mbox_decode(r->words, &m);
	vf_name(v->app, pf, r->vf, name);
	vfp_out_open(o, NULL);
	vfp_out_u64(o, "seq", r->seq, VFP_PLAIN);
	vfp_out_double(o, "at_s", r->at_us / 1e6, VFP_SECONDS);
	vfp_out_str(o, "vf", name);
	vfp_out_u64(o, "chain", r->chain, VFP_PLAIN);
	vfp_out_str(o, "message", sriov_mbox_text(&m, text, sizeof(text)));
	vfp_out_u64(o, "count", row->count, VFP_COUNT);
	vfp_out_u64(o, "refused", row->refused, VFP_COUNT);
	vfp_out_str(o, "answer", sriov_answer_name(r->answer));
	vfp_out_str(o, "rule", r->rule);
	vfp_out_str(o, "reason", r->reason);
	vfp_out_str(o, "note", r->note[0] ? r->note : NULL);
	vfp_out_i64(o, "effect", r->effect, VFP_PLAIN);
	vfp_out_u64(o, "took_ns", r->took_ns, VFP_NS);
	vfp_out_close(o);
}

void
view_records(const struct view *v, struct vfp_out *o, const struct pf_dev *pf,
	const struct sriov_record *r, unsigned int n)
{
	struct sriov_row *rows = calloc(n + 1, sizeof(*rows));
	unsigned int kept = rows ? sriov_log_fold(r, n, rows) : 0;

	for (unsigned int i = 0; i < kept; i++)
		put_row(v, o, pf, &rows[i]);
	free(rows);
}

static int
by_seq(const void *a, const void *b)
{
	const struct sriov_record *x = a, *y = b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

/* From each VF's own ring: one that floods cannot push out what the others asked. */
static void
put_mailbox(const struct view *v, struct vfp_out *o, const struct pf_dev *pf,
	const struct mailbox_ask *ask)
{
	const size_t room = (size_t)pf->n_vfs * SRIOV_LOG_VF;
	struct sriov_record *r = calloc(room + 1, sizeof(*r));
	struct sriov_row *rows = calloc(room + 1, sizeof(*rows));
	unsigned int n = 0, kept, first = 0;

	for (uint16_t vf = 0; r && rows && vf < pf->n_vfs; vf++)
		if (ask->vf < 0 || vf == ask->vf)
			n += sriov_log_of_vf(sriov_pf_log(pf->pf), vf, r + n);
	if (n > 0)
		qsort(r, n, sizeof(*r), by_seq);
	kept = n ? sriov_log_fold(r, n, rows) : 0;
	if (ask->last && ask->last < kept)
		first = kept - ask->last;
	for (unsigned int i = first; i < kept; i++) {
		if (vfp_out_format(o) == VFP_JSON)
			put_row_json(v, o, pf, &rows[i]);
		else
			put_row(v, o, pf, &rows[i]);
	}
	free(r);
	free(rows);
}

void
view_mailbox_of(const struct view *v, struct vfp_out *o, const struct mailbox_ask *ask)
{
	static const struct mailbox_ask all = {.vf = -1};

	vfp_out_list(o, "mailbox");
	for (uint16_t i = 0; i < v->app->n_pfs; i++)
		if (v->app->pf[i].pf)
			put_mailbox(v, o, &v->app->pf[i], ask ? ask : &all);
	vfp_out_close(o);
}

int
view_mailbox(const struct view *v, struct vfp_out *o, const char *all)
{
	(void)all;
	view_mailbox_of(v, o, NULL);
	return 0;
}

/* For people as long as the row has room; what is left out is counted, and a failure told first. */
static void
put_undone(struct vfp_out *o, const struct sriov_drift *d)
{
	const char *failed = d->result < 0 ? "FAILED: " : "";
	unsigned int left = 0;
	char text[128];

	sriov_settings_text(d->undone, text, sizeof(text));
	if (vfp_out_format(o) == VFP_JSON) {
		vfp_out_str(o, "undone", text);
		vfp_out_str(o, "set_again", d->result == 0 ? "yes" : strerror(-d->result));
		return;
	}
	for (char *comma = strrchr(text, ','); comma && strlen(text) + strlen(failed) > 36;
		comma = strrchr(text, ',')) {
		*comma = '\0';
		left++;
	}
	if (left > 0)
		vfp_out_strf(o, "undone", "%s%s + %u", failed, text, left);
	else
		vfp_out_strf(o, "undone", "%s%s", failed, text);
}

static void
put_drift(const struct view *v, struct vfp_out *o, const struct pf_dev *pf,
	const struct sriov_drift *d)
{
	const bool text = vfp_out_format(o) == VFP_TEXT;
	char name[CFG_NAME] = "";

	if (d->vf != UINT16_MAX)
		vf_name(v->app, pf, d->vf, name);
	else
		snprintf(name, sizeof(name), "pf%u", pf->index);
	vfp_out_open(o, NULL);
	vfp_out_double(o, "at_s", d->at_us / 1e6, VFP_SECONDS);
	vfp_out_str(o, "event", sriov_undo_name(d->event));
	vfp_out_str(o, "port", name);
	vfp_out_u64(o, text ? "n" : "count", d->count, VFP_COUNT);
	put_undone(o, d);
	vfp_out_u64(o, "took_ns", d->took_ns, VFP_NS | VFP_DETAIL);
	vfp_out_u64(o, text ? "within_ns" : "took_max_ns", d->took_max_ns, VFP_NS);
	vfp_out_close(o);
}

int
view_drift(const struct view *v, struct vfp_out *o, const char *all)
{
	struct sriov_drift *d = calloc(SRIOV_DRIFTS, sizeof(*d));
	unsigned int rows = 0;

	(void)all;
	vfp_out_list(o, "drift");
	for (uint16_t i = 0; d && i < v->app->n_pfs; i++) {
		const struct pf_dev *pf = &v->app->pf[i];
		unsigned int n = pf->pf ? sriov_pf_drifts(pf->pf, d) : 0;

		for (unsigned int k = 0; k < n; k++)
			put_drift(v, o, pf, &d[k]);
		rows += n;
	}
	vfp_out_close(o);
	if (rows == 0)
		vfp_out_note(o, "no event has happened that is known to undo a setting");
	else
		vfp_out_note(o, "undone: what the event is known to undo; DPDK reads nothing back");
	free(d);
	return 0;
}
