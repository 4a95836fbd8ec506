/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_alarm.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_pmd_ixgbe.h>

#include "sriov_pf_priv.h"

RTE_LOG_REGISTER(sriov_logtype, vfplane.sriov, NOTICE);

/* No PF answers to it: an impossible low half of word 0 makes the PMD answer NACK quietly. */
#define UNSERVED_TYPE 0x00ffu

#define JOB_TIMEOUT_S 30

/* A job on the interrupt thread. The poster and the thread each hold one reference. */
struct job {
	int (*fn)(void *arg);
	void *arg;
	int result;
	int refs;
	sem_t done;
};

static void
job_unref(struct job *j)
{
	if (__atomic_sub_fetch(&j->refs, 1, __ATOMIC_ACQ_REL) == 0) {
		sem_destroy(&j->done);
		free(j);
	}
}

static void
job_run(void *arg)
{
	struct job *j = arg;

	j->result = j->fn(j->arg);
	sem_post(&j->done);
	job_unref(j);
}

int
sriov_pf_job(int (*fn)(void *arg), void *arg)
{
	struct timespec until;
	struct job *j;
	int ret;

	if (rte_thread_is_intr())
		return -EDEADLK;
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	j->fn = fn;
	j->arg = arg;
	j->refs = 2;
	sem_init(&j->done, 0, 0);
	ret = rte_eal_alarm_set(1, job_run, j);
	if (ret < 0) {
		j->refs = 1;
		job_unref(j);
		return ret;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += JOB_TIMEOUT_S;
	do
		ret = sem_timedwait(&j->done, &until);
	while (ret < 0 && errno == EINTR);
	ret = ret < 0 ? -ETIMEDOUT : j->result;
	job_unref(j);
	return ret;
}

static uint64_t
cycles_to_ns(uint64_t cycles)
{
	return cycles * 1000 / (rte_get_timer_hz() / 1000000);
}

static uint64_t
now_us(const struct sriov_pf *pf)
{
	return cycles_to_ns(rte_get_timer_cycles() - pf->armed_at) / 1000;
}

static void
note_drift(struct sriov_pf *pf, enum sriov_undo event, uint16_t vf, int result, uint64_t took_ns)
{
	static const char *const what[] = {
		[SRIOV_UNDO_VF_RESET] = "port VLAN, untagged frames, RX and TX switch, hash filter",
		[SRIOV_UNDO_PF_START] = "all of every VF, drop-enable, loopback, flow control",
		[SRIOV_UNDO_LINK] = "rate limit",
		[SRIOV_UNDO_CHANGE] = "what the new policy names",
	};

	pthread_mutex_lock(&pf->lock);
	pf->drifts[pf->n_drifts++ % SRIOV_DRIFTS] = (struct sriov_drift){
		now_us(pf), event, vf, what[event], result, (uint32_t)took_ns};
	pthread_mutex_unlock(&pf->lock);
}

static void
record(struct sriov_pf *pf, uint16_t vf, const struct sriov_msg *m, const struct sriov_verdict *v,
	int effect, uint64_t took_ns)
{
	struct sriov_record r = {.at_us = now_us(pf),
		.took_ns = took_ns,
		.effect = effect,
		.actions = v->actions,
		.vf = vf,
		.answer = v->answer,
		.rule = v->rule,
		.reason = v->reason};
	struct sriov_counts *c = &pf->counts[vf];

	memcpy(r.words, m->words, sizeof(r.words));
	sriov_chain_note(&pf->chain[vf], &pf->layout, m, v, r.note);
	r.chain = pf->chain[vf].number;
	sriov_log_push(pf->log, &r);
	pthread_mutex_lock(&pf->lock);
	c->requests++;
	c->refused += v->answer == SRIOV_NACK || v->answer == SRIOV_DENY;
	c->state = pf->now.vf[vf];
	c->resets = c->state.resets;
	if (took_ns > c->slow_ns)
		c->slow_ns = took_ns;
	if (m->reset_done) {
		c->last_reset_us = r.at_us;
		c->window_ns = took_ns;
		if (took_ns > c->window_max_ns)
			c->window_max_ns = took_ns;
	}
	pthread_mutex_unlock(&pf->lock);
}

static void
answer(struct rte_pmd_ixgbe_mb_event_param *param, const struct sriov_verdict *v)
{
	uint32_t *words = param->msg;

	switch (v->answer) {
	case SRIOV_ACK:
		param->retval = RTE_PMD_IXGBE_MB_EVENT_NOOP_ACK;
		if (v->clamp)
			words[1] = v->value;
		break;
	case SRIOV_PASS:
		param->retval = RTE_PMD_IXGBE_MB_EVENT_PROCEED;
		break;
	case SRIOV_DENY:
		/* The PMD does not ask about these messages, but reads word 0 again after us. */
		words[0] = (words[0] & ~0xffffu) | UNSERVED_TYPE;
		param->retval = RTE_PMD_IXGBE_MB_EVENT_NOOP_NACK;
		break;
	case SRIOV_NACK:
		param->retval = RTE_PMD_IXGBE_MB_EVENT_NOOP_NACK;
		break;
	}
}

/* Before bind the port is known by its device's name only: messages may come during the probe. */
static bool
is_our_port(struct sriov_pf *pf, uint16_t port)
{
	char name[RTE_ETH_NAME_MAX_LEN];

	if (pf->port != RTE_MAX_ETHPORTS)
		return pf->port == port;
	if (rte_eth_dev_get_name_by_port(port, name) != 0 || strcmp(name, pf->device) != 0)
		return false;
	pf->port = port;
	return true;
}

/* What was granted must be on the NIC before the VF reads ACK; else it was not granted. */
static int
act(struct sriov_pf *pf, uint16_t vf, const struct sriov_vf_state *before, struct sriov_verdict *v)
{
	int ret = v->actions ? sriov_apply_change(pf, vf, before, v->actions) : 0;

	if (ret < 0 && v->answer == SRIOV_ACK) {
		pf->now.vf[vf] = *before;
		*v = (struct sriov_verdict){SRIOV_NACK, v->actions, false, 0, v->rule,
			"the NIC's driver refused it"};
	}
	return ret;
}

/* Interrupt thread, called by the PMD. */
static int
on_mailbox(uint16_t port, enum rte_eth_event_type type, void *arg, void *ret_param)
{
	const uint64_t asked = rte_get_timer_cycles();
	struct rte_pmd_ixgbe_mb_event_param *param = ret_param;
	struct sriov_pf *pf = arg;
	struct sriov_vf_state before;
	struct sriov_verdict v;
	struct sriov_msg m;
	uint64_t took;
	uint16_t vf;
	int effect;

	if (type != RTE_ETH_EVENT_VF_MBOX || !param || !is_our_port(pf, port))
		return 0;
	/* Whatever happens below: nothing is granted that was not decided. */
	param->retval = RTE_PMD_IXGBE_MB_EVENT_NOOP_NACK;
	vf = param->vfid;
	if (vf >= pf->layout.n_vfs)
		return 0;
	before = pf->now.vf[vf];
	sriov_mbox_decode(param->msg, &m);
	v = sriov_policy_judge(&pf->now, vf, &m,
		cycles_to_ns(asked - pf->armed_at) / 1000000 + 1);
	effect = act(pf, vf, &before, &v);
	answer(param, &v);
	took = cycles_to_ns(rte_get_timer_cycles() - asked);
	if (m.reset_done)
		note_drift(pf, SRIOV_UNDO_VF_RESET, vf, effect, took);
	record(pf, vf, &m, &v, effect, took);
	return 0;
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

int
sriov_pf_arm(struct sriov_pf *pf, struct vfp_err *err)
{
	int ret = rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_VF_MBOX, on_mailbox, pf);

	if (ret < 0)
		return vfp_err_set(err, ret, "mailbox callback: %s", strerror(-ret));
	pf->armed = true;
	pf->armed_at = rte_get_timer_cycles();
	return 0;
}

void
sriov_pf_bind(struct sriov_pf *pf, uint16_t port_id)
{
	struct rte_ether_addr mac;

	pf->port = port_id;
	if (rte_eth_macaddr_get(port_id, &mac) == 0)
		memcpy(pf->now.pf_mac, mac.addr_bytes, sizeof(pf->now.pf_mac));
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

static int
ping_job(void *arg)
{
	struct sriov_pf *pf = arg;
	int ret = 0;

	for (uint16_t v = 0; ret == 0 && v < pf->layout.n_vfs; v++)
		ret = sriov_pmd_said(pf, v, "ping", rte_pmd_ixgbe_ping_vf(pf->port, v));
	return ret;
}

int
sriov_pf_ping(struct sriov_pf *pf)
{
	return sriov_pf_job(ping_job, pf);
}

static int
apply_job(void *arg)
{
	const uint64_t from = rte_get_timer_cycles();
	struct sriov_pf *pf = arg;
	int ret = sriov_apply_port(pf);

	for (uint16_t v = 0; ret == 0 && v < pf->layout.n_vfs; v++)
		ret = sriov_apply_vf(pf, v);
	for (uint16_t v = 0; ret == 0 && v < pf->layout.n_vfs; v++)
		if (sriov_policy_wants_mc(&pf->now.vf[v]) || pf->now.vf[v].xcast > SRIOV_XCAST_MULTI)
			ret = sriov_apply_multicast(pf, v);
	if (pf->started)
		note_drift(pf, SRIOV_UNDO_PF_START, UINT16_MAX, ret,
			cycles_to_ns(rte_get_timer_cycles() - from));
	pf->started = true;
	pf->link_up = false; /* rates are set again when the link is seen */
	/* Whoever holds a VF from before this start learns so that it must reset. */
	return ret == 0 ? ping_job(pf) : ret;
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

struct change {
	struct sriov_pf *pf;
	uint16_t vf;
	const struct sriov_vf_policy *policy;
};

static int
change_job(void *arg)
{
	const uint64_t from = rte_get_timer_cycles();
	struct change *c = arg;
	struct sriov_pf *pf = c->pf;
	const struct sriov_vf_policy old = pf->now.policy[c->vf];
	int ret;

	/* An address that the operator assigns replaces what the VF had chosen. */
	if (memcmp(old.mac, c->policy->mac, sizeof(old.mac)) != 0)
		pf->now.vf[c->vf].own_mac = false;
	pthread_mutex_lock(&pf->lock);
	pf->now.policy[c->vf] = *c->policy;
	pthread_mutex_unlock(&pf->lock);
	ret = sriov_apply_policy(pf, c->vf, &old);
	note_drift(pf, SRIOV_UNDO_CHANGE, c->vf, ret, cycles_to_ns(rte_get_timer_cycles() - from));
	return ret;
}

int
sriov_pf_set_policy(struct sriov_pf *pf, uint16_t vf, const struct sriov_vf_policy *policy,
	struct vfp_err *err)
{
	struct change c = {pf, vf, policy};
	const char *why = sriov_policy_check(policy);
	int ret;

	if (vf >= pf->layout.n_vfs)
		return vfp_err_set(err, -EINVAL, "there is no VF %u", vf);
	if (why)
		return vfp_err_set(err, -EINVAL, "VF %u: %s", vf, why);
	ret = sriov_pf_job(change_job, &c);
	if (ret < 0)
		return vfp_err_set(err, ret, "VF %u: the NIC's driver says: %s", vf, strerror(-ret));
	return 0;
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
		note_drift(pf, SRIOV_UNDO_LINK, v, ret,
			cycles_to_ns(rte_get_timer_cycles() - from));
	}
}

static int
link_job(void *arg)
{
	struct sriov_pf *pf = arg;
	struct rte_eth_link link;
	int ret = rte_eth_link_get_nowait(pf->port, &link);

	if (ret < 0 || pf->link_up == (link.link_status == RTE_ETH_LINK_UP))
		return ret;
	pf->link_up = link.link_status == RTE_ETH_LINK_UP;
	if (pf->link_up)
		rates_again(pf);
	return ping_job(pf);
}

int
sriov_pf_poll_link(struct sriov_pf *pf, bool *up)
{
	int ret = sriov_pf_job(link_job, pf);

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

unsigned int
sriov_pf_drifts(struct sriov_pf *pf, struct sriov_drift *out, unsigned int max)
{
	unsigned int n;

	pthread_mutex_lock(&pf->lock);
	n = pf->n_drifts < SRIOV_DRIFTS ? pf->n_drifts : SRIOV_DRIFTS;
	if (n > max)
		n = max;
	for (unsigned int i = 0; i < n; i++)
		out[i] = pf->drifts[(pf->n_drifts - n + i) % SRIOV_DRIFTS];
	pthread_mutex_unlock(&pf->lock);
	return n;
}

const char *
sriov_undo_name(enum sriov_undo u)
{
	static const char *const names[] = {"VF reset", "PF start", "link up", "new policy"};

	return names[u];
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
	if (pf->armed)
		rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_VF_MBOX, on_mailbox, pf);
	pthread_mutex_destroy(&pf->lock);
	sriov_log_free(pf->log);
	free(pf);
}
