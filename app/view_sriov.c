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

static void
put_vlans(struct vfp_out *o, const struct sriov_vf_policy *p)
{
	char text[SRIOV_POLICY_VLANS * 6] = "";

	for (uint16_t i = 0; i < p->n_vlans; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u", i ? "," : "",
			p->vlans[i]);
	vfp_out_str(o, "vlans", text[0] ? text : "none");
}

static void
put_vf(const struct view *v, struct vfp_out *o, const struct pf_dev *pf, uint16_t vf)
{
	const struct sriov_vf_policy *policy = &pf->conf.vf[vf];
	struct sriov_counts c = {0};
	char name[CFG_NAME], mac[VFP_MAC_TEXT];
	const struct port *p;

	vf_name(v->app, pf, vf, name);
	p = app_port(v->app, name);
	if (pf->pf)
		sriov_pf_counts(pf->pf, vf, &c);
	vfp_out_str(o, "name", name);
	vfp_out_str(o, "pci", pf->vf_bdf[vf]);
	vfp_out_str(o, "owner", p ? "vfplane" : "tenant");
	vfp_out_str(o, "mac", vfp_mac_text(policy->mac, mac));
	put_vlans(o, policy);
	vfp_out_bool(o, "anti_spoof", !(p && p->foreign_sources));
	vfp_out_u64(o, "pool", vf, VFP_PLAIN | VFP_DETAIL);
	vfp_out_str(o, "api", c.cts ? sriov_mbox_api(c.api) : NULL);
	vfp_out_u64(o, "requests", c.requests, VFP_COUNT);
	vfp_out_u64(o, "refused", c.refused, VFP_COUNT);
	vfp_out_u64(o, "resets", c.resets, VFP_COUNT);
	vfp_out_u64(o, "multicast_hashes", c.mc_hashes, VFP_COUNT | VFP_DETAIL);
	vfp_out_u64(o, "apply_errors", c.apply_errors, VFP_COUNT | VFP_DETAIL);
}

void
view_vfs(const struct view *v, struct vfp_out *o)
{
	vfp_out_list(o, "vfs");
	for (uint16_t i = 0; i < v->app->n_pfs; i++)
		for (uint16_t vf = 0; vf < v->app->pf[i].n_vfs; vf++) {
			vfp_out_open(o, NULL);
			put_vf(v, o, &v->app->pf[i], vf);
			vfp_out_close(o);
		}
	vfp_out_close(o);
}

int
view_vf(const struct view *v, struct vfp_out *o, const char *name)
{
	char own[CFG_NAME], bare[CFG_NAME];

	for (uint16_t i = 0; i < v->app->n_pfs; i++)
		for (uint16_t vf = 0; vf < v->app->pf[i].n_vfs; vf++) {
			vf_name(v->app, &v->app->pf[i], vf, own);
			snprintf(bare, sizeof(bare), "%u", vf);
			if (strcmp(name, own) != 0 && strcmp(name, bare) != 0)
				continue;
			vfp_out_open(o, "vf");
			put_vf(v, o, &v->app->pf[i], vf);
			vfp_out_close(o);
			view_port(v, o, own); /* a tenant's VF is no port of ours */
			return 0;
		}
	return -ENOENT;
}

int
view_rss(const struct view *v, struct vfp_out *o, const char *name)
{
	static const struct {
		uint32_t field;
		const char *name;
	} fields[] = {
		{RSS_F_IPV4, "ipv4"},
		{RSS_F_TCP4, "tcp4"},
		{RSS_F_UDP4, "udp4"},
		{RSS_F_IPV6, "ipv6"},
		{RSS_F_TCP6, "tcp6"},
		{RSS_F_UDP6, "udp6"},
	};
	const struct port *p = app_port(v->app, name);
	char key[2 * RSS_KEY_LEN + 1] = "", list[64] = "";
	char reta[RSS_RETA_SIZE + 1] = "";

	if (!p)
		return -ENOENT;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (p->rss.fields & fields[i].field) {
			strlcat(list, list[0] ? " " : "", sizeof(list));
			strlcat(list, fields[i].name, sizeof(list));
		}
	for (size_t i = 0; i < RSS_KEY_LEN; i++)
		snprintf(key + 2 * i, 3, "%02x", p->rss.key[i]);
	for (size_t i = 0; i < RSS_RETA_SIZE; i++)
		reta[i] = '0' + p->rss.reta[i] % 10;
	vfp_out_open(o, "rss");
	vfp_out_str(o, "name", p->name);
	vfp_out_u64(o, "queues", p->nb_rxq, VFP_PLAIN);
	vfp_out_str(o, "fields", list);
	vfp_out_str(o, "key", key);
	vfp_out_str(o, "reta", reta);
	vfp_out_bool(o, "shared_with_pf", p->role == PORT_VF && app_pf_of(v->app, p) != NULL);
	vfp_out_close(o);
	return 0;
}

void
view_bringup(const struct view *v, struct vfp_out *o)
{
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

void
view_layout(const struct view *v, struct vfp_out *o)
{
	vfp_out_list(o, "layout");
	for (uint16_t i = 0; i < v->app->n_pfs; i++) {
		const struct pf_dev *pf = &v->app->pf[i];

		if (pf->n_vfs == 0)
			continue;
		for (uint16_t pool = 0; pool <= pf->layout.pf_pool; pool++)
			put_pool(v, o, pf, pool);
	}
	vfp_out_close(o);
	for (uint16_t i = 0; i < v->app->n_pfs; i++)
		vfp_out_note(o, "pf%u: %u pools x %u queues, one RSS key and table for all",
			v->app->pf[i].index, v->app->pf[i].layout.pools,
			v->app->pf[i].layout.queues_per_pool);
}

void
view_mailbox(const struct view *v, struct vfp_out *o)
{
	struct sriov_event *e = calloc(SRIOV_EVENTS, sizeof(*e));
	char name[CFG_NAME];

	vfp_out_list(o, "mailbox");
	for (uint16_t i = 0; e && i < v->app->n_pfs; i++) {
		unsigned int n = 0;

		if (v->app->pf[i].pf)
			n = sriov_pf_events(v->app->pf[i].pf, e, SRIOV_EVENTS, NULL);
		for (unsigned int k = 0; k < n; k++) {
			vf_name(v->app, &v->app->pf[i], e[k].vf, name);
			vfp_out_open(o, NULL);
			vfp_out_u64(o, "seq", e[k].seq, VFP_PLAIN);
			vfp_out_double(o, "at_s", e[k].at_us / 1e6, VFP_SECONDS);
			vfp_out_str(o, "vf", name);
			vfp_out_str(o, "message", e[k].text);
			vfp_out_str(o, "answer", sriov_answer_name(e[k].answer));
			vfp_out_str(o, "reason", e[k].reason);
			vfp_out_close(o);
		}
	}
	vfp_out_close(o);
	free(e);
}
