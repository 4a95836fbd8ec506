/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pmd_ixgbe.h>

#include "sriov_pf_priv.h"

/* Seconds at most between two times that a VF which does not reset is told to. */
#define REMIND_MOST 64

RTE_LOG_REGISTER(sriov_logtype, vfplane.sriov, NOTICE);

uint64_t
sriov_ns(uint64_t cycles)
{
	const uint64_t hz = rte_get_timer_hz();

	/* Seconds apart: the product would not fit after some weeks. */
	return cycles / hz * 1000000000 + cycles % hz * 1000000000 / hz;
}

static int
first_error(int first, int next)
{
	return first < 0 ? first : next;
}

uint64_t
sriov_now_us(const struct sriov_pf *pf)
{
	return sriov_ns(rte_get_timer_cycles() - pf->armed_at) / 1000;
}

/* One entry for each event and VF: a VF that resets all day must not push out what others had. */
void
sriov_note_drift(struct sriov_pf *pf, enum sriov_undo event, uint16_t vf, uint32_t undone,
	int result, uint64_t took_ns)
{
	struct sriov_drift *d = &pf->drifts[event][vf == UINT16_MAX ? SRIOV_MAX_VFS : vf];

	if (undone == 0)
		return;
	pthread_mutex_lock(&pf->lock);
	d->at_us = sriov_now_us(pf);
	d->event = event;
	d->vf = vf;
	d->undone = undone;
	d->result = result;
	d->took_ns = took_ns;
	if (took_ns > d->took_max_ns)
		d->took_max_ns = took_ns;
	d->count++;
	pthread_mutex_unlock(&pf->lock);
}

int
sriov_pf_new(const struct sriov_pf_conf *conf, struct sriov_pf **pf, struct vfp_err *err)
{
	struct sriov_pf *p = calloc(1, sizeof(*p));

	if (p)
		p->log = sriov_log_new();
	if (!p || !p->log) {
		free(p);
		return vfp_err_set(err, -ENOMEM, "out of memory");
	}
	memcpy(p->device, conf->device, sizeof(p->device));
	p->layout = conf->layout;
	p->now.n_vfs = conf->layout.n_vfs;
	memcpy(p->now.policy, conf->vf, sizeof(p->now.policy));
	p->port = RTE_MAX_ETHPORTS;
	pthread_mutex_init(&p->lock, NULL);
	*pf = p;
	return 0;
}

void
sriov_pf_bind(struct sriov_pf *pf, uint16_t port_id)
{
	struct rte_ether_addr mac;

	pf->port = port_id;
	if (rte_eth_macaddr_get(port_id, &mac) == 0)
		memcpy(pf->now.pf_mac, mac.addr_bytes, sizeof(pf->now.pf_mac));
	atomic_store(&pf->bound, true);
}

static int
assign_job(void *arg)
{
	struct sriov_pf *pf = arg;
	int ret = 0;

	for (uint16_t v = 0; ret == 0 && v < pf->layout.n_vfs; v++) {
		struct rte_ether_addr mac;

		memcpy(mac.addr_bytes, sriov_policy_mac(&pf->now, v), sizeof(mac.addr_bytes));
		ret = sriov_pmd_said(
			pf, v, "MAC", rte_pmd_ixgbe_set_vf_mac_addr(pf->port, v, &mac));
	}
	return ret;
}

int
sriov_pf_assign_macs(struct sriov_pf *pf, struct vfp_err *err)
{
	int ret = sriov_pf_job(assign_job, pf);

	if (ret < 0)
		return vfp_err_set(err, ret, "MAC addresses of the VFs: %s", strerror(-ret));
	return 0;
}

/* Every VF, or those that have not reset; whatever happens with one of them: the first error is told. */
static int
ping(struct sriov_pf *pf, bool all)
{
	int ret = 0;

	for (uint16_t v = 0; v < pf->layout.n_vfs; v++)
		if (all || !pf->now.vf[v].cts)
			ret = first_error(ret, sriov_pmd_said(pf, v, "ping",
						       rte_pmd_ixgbe_ping_vf(pf->port, v)));
	return ret;
}

/* All VFs, and soon again those that do not reset then. */
static int
ping_all(struct sriov_pf *pf)
{
	pf->remind_every = pf->remind_in = 1;
	return ping(pf, true);
}

static int
apply_job(void *arg)
{
	struct sriov_pf *pf = arg;
	uint64_t from = rte_get_timer_cycles();
	int ret = sriov_apply_port(pf);

	if (pf->started)
		sriov_note_drift(pf, SRIOV_UNDO_PF_START, UINT16_MAX, SRIOV_SETTING_PORT, ret,
			sriov_ns(rte_get_timer_cycles() - from));
	for (uint16_t v = 0; v < pf->layout.n_vfs; v++) {
		const struct sriov_vf_state *s = &pf->now.vf[v];
		int one;

		from = rte_get_timer_cycles();
		sriov_opened_vf(pf, v); /* after a start it must reset before it can do anything */
		one = sriov_apply_vf(pf, v);
		if (sriov_policy_wants_mc(s) || s->xcast > SRIOV_XCAST_MULTI ||
			pf->now.policy[v].all_multicast)
			one = first_error(one, sriov_apply_multicast(pf, v));
		if (pf->started)
			sriov_note_drift(pf, SRIOV_UNDO_PF_START, v,
				sriov_undone_by_start(&pf->now.policy[v], s), one,
				sriov_ns(rte_get_timer_cycles() - from));
		ret = first_error(ret, one);
	}
	pf->started = pf->running = true;
	pf->link_up = false; /* rates are set again when the link is seen */
	/* Whoever holds a VF from before this start learns so that it must reset. */
	return first_error(ret, ping_all(pf));
}

int
sriov_pf_apply(struct sriov_pf *pf, struct vfp_err *err)
{
	int ret = sriov_pf_job(apply_job, pf);

	if (ret < 0)
		return vfp_err_set(err, ret,
			"drop-enable, loopback, anti-spoof or filters could not be set: %s",
			strerror(-ret));
	return 0;
}

static int
say_stopped(struct vfp_err *err)
{
	return vfp_err_set(err, -EAGAIN, "the PF is stopped; start it first");
}

static int
stopped_job(void *arg)
{
	((struct sriov_pf *)arg)->running = false;
	return 0;
}

void
sriov_pf_stopped(struct sriov_pf *pf)
{
	sriov_pf_job(stopped_job, pf);
}

struct change {
	struct sriov_pf *pf;
	uint16_t vf;
	const struct sriov_vf_policy *policy;
	struct vfp_err *err;
};

/* Take back what the policies of now do not allow, from the state and from the NIC. */
static int
revoke(struct sriov_pf *pf, uint16_t vf)
{
	const struct sriov_vf_state before = pf->now.vf[vf];
	const uint32_t actions = sriov_policy_revoke(&pf->now, vf);
	int ret = actions ? sriov_apply_change(pf, vf, &before, actions) : 0;

	pthread_mutex_lock(&pf->lock);
	pf->counts[vf].state = pf->now.vf[vf];
	pthread_mutex_unlock(&pf->lock);
	return ret;
}

static int
change_job(void *arg)
{
	const uint64_t from = rte_get_timer_cycles();
	struct change *c = arg;
	struct sriov_pf *pf = c->pf;
	const struct sriov_vf_policy old = pf->now.policy[c->vf];
	const char *why = sriov_port_check(&pf->now, c->vf, c->policy);
	int ret = 0;

	if (!pf->running)
		return say_stopped(c->err);
	if (why)
		return vfp_err_set(c->err, -EINVAL, "VF %u: %s", c->vf, why);

	/* An address that the operator assigns replaces what the VF had chosen. */
	if (memcmp(old.mac, c->policy->mac, sizeof(old.mac)) != 0)
		pf->now.vf[c->vf].own_mac = false;
	pthread_mutex_lock(&pf->lock);
	pf->now.policy[c->vf] = *c->policy;
	pthread_mutex_unlock(&pf->lock);
	/* A VLAN that is now somebody's is no longer for others to have chosen: so look at all. */
	for (uint16_t v = 0; v < pf->layout.n_vfs; v++)
		ret = first_error(ret, revoke(pf, v));
	ret = first_error(ret, sriov_apply_policy(pf, c->vf, &old));
	sriov_note_drift(pf, SRIOV_UNDO_CHANGE, c->vf, sriov_changed(&old, c->policy), ret,
		sriov_ns(rte_get_timer_cycles() - from));
	return ret < 0 ? vfp_err_set(c->err, ret, "VF %u: the NIC's driver says: %s", c->vf,
				 strerror(-ret))
		       : 0;
}

int
sriov_pf_set_policy(
	struct sriov_pf *pf, uint16_t vf, const struct sriov_vf_policy *policy, struct vfp_err *err)
{
	struct change c = {pf, vf, policy, err};
	int ret;

	if (vf >= pf->layout.n_vfs)
		return vfp_err_set(
			err, -EINVAL, "there is no VF %u: the PF has %u", vf, pf->layout.n_vfs);
	ret = sriov_pf_job(change_job, &c);
	if (ret == -ETIMEDOUT || ret == -EDEADLK)
		vfp_err_set(err, ret, "VF %u: the interrupt thread does not answer", vf);
	return ret;
}

struct port_switch {
	struct sriov_pf *pf;
	bool *what;
	bool off;
	struct vfp_err *err;
};

static int
port_job(void *arg)
{
	struct port_switch *s = arg;
	const bool was = *s->what;
	int ret;

	if (!s->pf->running)
		return say_stopped(s->err);
	*s->what = s->off;
	ret = sriov_apply_port(s->pf);
	if (ret == 0)
		return 0;
	*s->what = was;
	return vfp_err_set(s->err, ret, "the NIC's driver says: %s", strerror(-ret));
}

int
sriov_pf_set_loopback(struct sriov_pf *pf, bool on, struct vfp_err *err)
{
	struct port_switch s = {pf, &pf->no_loopback, !on, err};

	return sriov_pf_job(port_job, &s);
}

int
sriov_pf_set_drop(struct sriov_pf *pf, bool on, struct vfp_err *err)
{
	struct port_switch s = {pf, &pf->no_drop, !on, err};

	for (uint16_t v = 0; !on && v < pf->layout.n_vfs; v++)
		if (!pf->now.policy[v].trusted)
			return vfp_err_set(err, -EPERM,
				"drop-enable stays on while VF %u is not trusted: one that stops "
				"polling would stop the others",
				v);
	return sriov_pf_job(port_job, &s);
}

struct vf_switch {
	struct sriov_pf *pf;
	uint16_t vf;
	bool on;
};

static int
vf_rx_job(void *arg)
{
	struct vf_switch *r = arg;

	return sriov_pmd_said(r->pf, r->vf, "receive on or off",
		rte_pmd_ixgbe_set_vf_rx(r->pf->port, r->vf, r->on));
}

int
sriov_pf_set_vf_rx(struct sriov_pf *pf, uint16_t vf, bool on)
{
	struct vf_switch r = {pf, vf, on};

	if (vf >= pf->layout.n_vfs)
		return -EINVAL;
	return sriov_pf_job(vf_rx_job, &r);
}

static int
abort_job(void *arg)
{
	struct vf_switch *a = arg;
	struct sriov_pf *pf = a->pf;
	const bool shut = !a->on && pf->running;

	pthread_mutex_lock(&pf->lock);
	pf->counts[a->vf].dma_aborts++;
	pthread_mutex_unlock(&pf->lock);
	if (sriov_may_say(pf))
		SRIOV_LOG(WARNING, "%s: VF %u: DMA to memory that is not its own%s\n", pf->device,
			a->vf, shut ? ": shut until its next reset" : "");
	return shut ? sriov_shut_vf(pf, a->vf, "DMA to memory that is not its own") : 0;
}

int
sriov_pf_dma_abort(struct sriov_pf *pf, uint16_t vf, bool shut)
{
	struct vf_switch a = {pf, vf, !shut};

	if (vf >= pf->layout.n_vfs)
		return -EINVAL;
	return sriov_pf_job(abort_job, &a);
}

static int
foreign_job(void *arg)
{
	struct vf_switch *r = arg;

	pthread_mutex_lock(&r->pf->lock);
	r->pf->now.policy[r->vf].foreign_sources = r->on;
	pthread_mutex_unlock(&r->pf->lock);
	return sriov_apply_anti_spoof(r->pf, r->vf);
}

int
sriov_pf_set_foreign_sources(struct sriov_pf *pf, uint16_t vf, bool on)
{
	struct vf_switch r = {pf, vf, on};

	if (vf >= pf->layout.n_vfs)
		return -EINVAL;
	return sriov_pf_job(foreign_job, &r);
}

static void
rates_again(struct sriov_pf *pf)
{
	for (uint16_t v = 0; v < pf->layout.n_vfs; v++) {
		const uint64_t from = rte_get_timer_cycles();
		int ret;

		if (pf->now.policy[v].rate == 0)
			continue;
		ret = sriov_apply_rate(pf, v);
		sriov_note_drift(pf, SRIOV_UNDO_LINK, v, SRIOV_SETTING_RATE, ret,
			sriov_ns(rte_get_timer_cycles() - from));
	}
}

/*
 * The PMD takes a VF's port VLAN away at FLR, which it tells nobody. Without a VF_RESET after it
 * the VF has no address either, and MAC anti-spoof drops what it sends; but its macvlans are there
 * still.
 */
static void
port_vlans_again(struct sriov_pf *pf)
{
	for (uint16_t v = 0; v < pf->layout.n_vfs; v++)
		if (pf->now.policy[v].port_vlan != 0)
			sriov_apply_port_vlan(pf, v);
}

/*
 * A VF may miss pings: net_ixgbe_vf takes no notice of its mailbox when a second interrupt came before
 * it saw to the first (soft82599/INTERPRETATIONS.md), and who stands still over a start of the PF sees
 * all of them as one. So it is told again, after 1, 2, 4 ... seconds.
 */
static int
remind(struct sriov_pf *pf)
{
	if (!pf->running || --pf->remind_in > 0)
		return 0;
	pf->remind_every = RTE_MIN(2 * pf->remind_every, REMIND_MOST);
	pf->remind_in = pf->remind_every;
	return ping(pf, false);
}

static int
poll_job(void *arg)
{
	struct sriov_pf *pf = arg;
	struct rte_eth_link link;
	int ret = rte_eth_link_get_nowait(pf->port, &link);

	if (pf->running)
		port_vlans_again(pf);
	if (ret < 0)
		return ret;
	if (pf->link_up == (link.link_status == RTE_ETH_LINK_UP))
		return remind(pf);
	pf->link_up = link.link_status == RTE_ETH_LINK_UP;
	/* A stopped PF answers no reset: whom it pings now would wait for it in vain. */
	if (!pf->running)
		return 0;
	if (pf->link_up)
		rates_again(pf);
	return ping_all(pf);
}

int
sriov_pf_poll(struct sriov_pf *pf, bool *up)
{
	int ret = sriov_pf_job(poll_job, pf);

	*up = pf->link_up;
	return ret;
}

int
sriov_pf_counts(struct sriov_pf *pf, uint16_t vf, struct sriov_counts *c)
{
	if (vf >= pf->layout.n_vfs)
		return -EINVAL;
	pthread_mutex_lock(&pf->lock);
	*c = pf->counts[vf];
	pthread_mutex_unlock(&pf->lock);
	return 0;
}

struct sriov_log *
sriov_pf_log(struct sriov_pf *pf)
{
	return pf->log;
}

static int
by_time(const void *a, const void *b)
{
	const struct sriov_drift *x = a, *y = b;

	return (x->at_us > y->at_us) - (x->at_us < y->at_us);
}

unsigned int
sriov_pf_drifts(struct sriov_pf *pf, struct sriov_drift out[SRIOV_DRIFTS])
{
	unsigned int n = 0;

	pthread_mutex_lock(&pf->lock);
	for (unsigned int e = 0; e < SRIOV_UNDOS; e++)
		for (unsigned int v = 0; v <= SRIOV_MAX_VFS; v++)
			if (pf->drifts[e][v].count > 0)
				out[n++] = pf->drifts[e][v];
	pthread_mutex_unlock(&pf->lock);
	qsort(out, n, sizeof(*out), by_time);
	return n;
}

int
sriov_pf_policy(struct sriov_pf *pf, uint16_t vf, struct sriov_vf_policy *p)
{
	if (vf >= pf->layout.n_vfs)
		return -EINVAL;
	pthread_mutex_lock(&pf->lock);
	*p = pf->now.policy[vf];
	pthread_mutex_unlock(&pf->lock);
	return 0;
}

void
sriov_pf_free(struct sriov_pf *pf)
{
	if (!pf)
		return;
	sriov_pf_disarm(pf);
	pthread_mutex_destroy(&pf->lock);
	sriov_log_free(pf->log);
	free(pf);
}
