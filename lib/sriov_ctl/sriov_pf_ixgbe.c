/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_alarm.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_log.h>
#include <rte_pmd_ixgbe.h>

#include "sriov_pf.h"

RTE_LOG_REGISTER(sriov_logtype, vfplane.sriov, NOTICE);

#define LOG(level, ...) rte_log(RTE_LOG_##level, sriov_logtype, "SRIOV: " __VA_ARGS__)

/* No PF answers to it: an impossible low half of word 0 makes the PMD answer NACK quietly. */
#define UNSERVED_TYPE 0x00ffu

#define JOB_TIMEOUT_S 30

struct vf {
	struct sriov_vf_state state;
	struct sriov_counts counts;
};

struct sriov_pf {
	struct sriov_pf_conf conf;
	uint16_t port; /* RTE_MAX_ETHPORTS until bound */
	bool armed;
	bool link_up;
	uint64_t armed_at;
	/* Guards what other threads read: counts and events. Held for copies only. */
	pthread_mutex_t lock;
	struct vf vf[SRIOV_MAX_VFS];
	uint64_t n_events;
	struct sriov_event events[SRIOV_EVENTS];
};

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

static int
pmd_said(struct sriov_pf *pf, uint16_t vf, const char *what, int ret)
{
	if (ret == 0)
		return 0;
	LOG(ERR, "%s: VF %u: %s: %s\n", pf->conf.device, vf, what, strerror(-ret));
	pthread_mutex_lock(&pf->lock);
	pf->vf[vf].counts.apply_errors++;
	pthread_mutex_unlock(&pf->lock);
	return ret;
}

/* Interrupt thread. All VFs share one filter table: build it anew from what each asked for. */
static void
program_multicast(struct sriov_pf *pf, uint16_t vf)
{
	const uint16_t n_vfs = pf->conf.layout.n_vfs;
	struct rte_ether_addr *set = calloc((size_t)n_vfs * SRIOV_MAX_MC, sizeof(*set));
	uint32_t n = 0;

	if (!set) {
		pmd_said(pf, vf, "multicast filter", -ENOMEM);
		return;
	}
	for (uint16_t v = 0; v < n_vfs; v++)
		for (uint8_t i = 0; i < pf->vf[v].state.n_mc; i++)
			sriov_policy_mc_address(pf->vf[v].state.mc[i], set[n++].addr_bytes);
	pmd_said(pf, vf, "multicast filter", rte_eth_dev_set_mc_addr_list(pf->port, set, n));
	free(set);
	pmd_said(pf, vf, "multicast by hash",
		rte_pmd_ixgbe_set_vf_rxmode(pf->port, vf, RTE_ETH_VMDQ_ACCEPT_HASH_MC,
			sriov_policy_wants_mc(&pf->vf[vf].state)));
}

/* Interrupt thread. VLAN anti-spoof works only where MAC anti-spoof is on: this order, and back. */
static int
apply_anti_spoof(struct sriov_pf *pf, uint16_t vf)
{
	const bool on = !pf->conf.vf[vf].foreign_sources;
	int ret = 0;

	if (!on)
		ret = pmd_said(pf, vf, "VLAN anti-spoof",
			rte_pmd_ixgbe_set_vf_vlan_anti_spoof(pf->port, vf, 0));
	if (ret == 0)
		ret = pmd_said(pf, vf, "MAC anti-spoof",
			rte_pmd_ixgbe_set_vf_mac_anti_spoof(pf->port, vf, on));
	if (ret == 0 && on)
		ret = pmd_said(pf, vf, "VLAN anti-spoof",
			rte_pmd_ixgbe_set_vf_vlan_anti_spoof(pf->port, vf, 1));
	return ret;
}

/* Interrupt thread. What a VF's reset loses, and what every start must set. */
static int
apply_vf(struct sriov_pf *pf, uint16_t vf)
{
	const struct sriov_vf_policy *p = &pf->conf.vf[vf];
	struct rte_ether_addr mac;
	int ret;

	memcpy(mac.addr_bytes, p->mac, sizeof(mac.addr_bytes));
	ret = pmd_said(pf, vf, "MAC", rte_pmd_ixgbe_set_vf_mac_addr(pf->port, vf, &mac));
	if (ret == 0)
		ret = apply_anti_spoof(pf, vf);
	for (uint16_t i = 0; ret == 0 && i < p->n_vlans; i++)
		ret = pmd_said(pf, vf, "VLAN filter",
			rte_pmd_ixgbe_set_vf_vlan_filter(
				pf->port, p->vlans[i], UINT64_C(1) << vf, 1));
	return ret;
}

static void
record(struct sriov_pf *pf, uint16_t vf, const struct sriov_msg *m, const struct sriov_verdict *v)
{
	struct vf *s = &pf->vf[vf];
	struct sriov_event *e;

	pthread_mutex_lock(&pf->lock);
	e = &pf->events[pf->n_events % SRIOV_EVENTS];
	e->seq = ++pf->n_events;
	e->at_us = (rte_get_timer_cycles() - pf->armed_at) * 1000000 / rte_get_timer_hz();
	e->vf = vf;
	e->type = m->type;
	e->answer = v->answer;
	e->reason = v->reason;
	sriov_mbox_text(m, e->text, sizeof(e->text));
	s->counts.requests++;
	s->counts.refused += v->answer == SRIOV_NACK || v->answer == SRIOV_DENY;
	s->counts.resets = s->state.resets;
	s->counts.cts = s->state.cts;
	s->counts.api = s->state.api;
	s->counts.mc_hashes = s->state.n_mc;
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
	if (rte_eth_dev_get_name_by_port(port, name) != 0 || strcmp(name, pf->conf.device) != 0)
		return false;
	pf->port = port;
	return true;
}

/* Interrupt thread, called by the PMD. */
static int
on_mailbox(uint16_t port, enum rte_eth_event_type type, void *arg, void *ret_param)
{
	struct rte_pmd_ixgbe_mb_event_param *param = ret_param;
	struct sriov_pf *pf = arg;
	struct sriov_verdict v;
	struct sriov_msg m;

	if (type != RTE_ETH_EVENT_VF_MBOX || !param || !is_our_port(pf, port))
		return 0;
	if (param->vfid >= pf->conf.layout.n_vfs) {
		param->retval = RTE_PMD_IXGBE_MB_EVENT_NOOP_NACK;
		return 0;
	}
	sriov_mbox_decode(param->msg, &m);
	v = sriov_policy_judge(&pf->vf[param->vfid].state, &pf->conf.vf[param->vfid], &m);
	answer(param, &v);
	if (v.actions & SRIOV_DO_REAPPLY)
		apply_vf(pf, param->vfid);
	if (v.actions & SRIOV_DO_MULTICAST)
		program_multicast(pf, param->vfid);
	record(pf, param->vfid, &m, &v);
	return 0;
}

int
sriov_pf_new(const struct sriov_pf_conf *conf, struct sriov_pf **pf, struct vfp_err *err)
{
	struct sriov_pf *p = calloc(1, sizeof(*p));

	if (!p)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	p->conf = *conf;
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
	pf->port = port_id;
}

static int
assign_job(void *arg)
{
	struct sriov_pf *pf = arg;
	int ret = 0;

	for (uint16_t v = 0; ret == 0 && v < pf->conf.layout.n_vfs; v++) {
		struct rte_ether_addr mac;

		memcpy(mac.addr_bytes, pf->conf.vf[v].mac, sizeof(mac.addr_bytes));
		ret = pmd_said(pf, v, "MAC", rte_pmd_ixgbe_set_vf_mac_addr(pf->port, v, &mac));
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
apply_job(void *arg)
{
	struct sriov_pf *pf = arg;
	struct rte_eth_fc_conf fc = {0};
	int ret;

	/* An unpolled ring without drop-enable holds up every other pool. */
	ret = rte_pmd_ixgbe_set_all_queues_drop_en(pf->port, 1);
	if (ret == 0)
		ret = rte_pmd_ixgbe_set_tx_loopback(pf->port, 1);
	/* A VF that sends PAUSE frames would throttle the port for everyone. */
	if (ret == 0 && rte_eth_dev_flow_ctrl_get(pf->port, &fc) == 0) {
		fc.mode = RTE_ETH_FC_NONE;
		fc.autoneg = 0;
		ret = rte_eth_dev_flow_ctrl_set(pf->port, &fc);
	}
	for (uint16_t v = 0; ret == 0 && v < pf->conf.layout.n_vfs; v++)
		ret = apply_vf(pf, v);
	/* Whoever holds a VF from before this start learns so that it must reset. */
	for (uint16_t v = 0; ret == 0 && v < pf->conf.layout.n_vfs; v++)
		ret = pmd_said(pf, v, "ping", rte_pmd_ixgbe_ping_vf(pf->port, v));
	return ret;
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

struct vf_switch {
	struct sriov_pf *pf;
	uint16_t vf;
	bool on;
};

static int
vf_rx_job(void *arg)
{
	struct vf_switch *r = arg;

	return pmd_said(r->pf, r->vf, "receive on or off",
		rte_pmd_ixgbe_set_vf_rx(r->pf->port, r->vf, r->on));
}

int
sriov_pf_set_vf_rx(struct sriov_pf *pf, uint16_t vf, bool on)
{
	struct vf_switch r = {pf, vf, on};

	if (vf >= pf->conf.layout.n_vfs)
		return -EINVAL;
	return sriov_pf_job(vf_rx_job, &r);
}

static int
foreign_job(void *arg)
{
	struct vf_switch *r = arg;

	r->pf->conf.vf[r->vf].foreign_sources = r->on;
	return apply_anti_spoof(r->pf, r->vf);
}

int
sriov_pf_set_foreign_sources(struct sriov_pf *pf, uint16_t vf, bool on)
{
	struct vf_switch r = {pf, vf, on};

	if (vf >= pf->conf.layout.n_vfs)
		return -EINVAL;
	return sriov_pf_job(foreign_job, &r);
}

static int
link_job(void *arg)
{
	struct sriov_pf *pf = arg;
	struct rte_eth_link link;
	int ret = rte_eth_link_get_nowait(pf->port, &link);

	if (ret < 0 || pf->link_up == (link.link_status == RTE_ETH_LINK_UP))
		return ret;
	pf->link_up = !pf->link_up;
	LOG(NOTICE, "%s: link %s\n", pf->conf.device, pf->link_up ? "up" : "down");
	/* A VF that never spoke has nothing to be told, and its mailbox may have no reader. */
	for (uint16_t v = 0; v < pf->conf.layout.n_vfs; v++)
		if (pf->vf[v].state.cts)
			pmd_said(pf, v, "ping", rte_pmd_ixgbe_ping_vf(pf->port, v));
	return 0;
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
	if (vf >= pf->conf.layout.n_vfs)
		return -EINVAL;
	pthread_mutex_lock(&pf->lock);
	*c = pf->vf[vf].counts;
	pthread_mutex_unlock(&pf->lock);
	return 0;
}

unsigned int
sriov_pf_events(struct sriov_pf *pf, struct sriov_event *out, unsigned int max, uint64_t *dropped)
{
	unsigned int n;

	pthread_mutex_lock(&pf->lock);
	n = pf->n_events < SRIOV_EVENTS ? pf->n_events : SRIOV_EVENTS;
	if (n > max)
		n = max;
	for (unsigned int i = 0; i < n; i++)
		out[i] = pf->events[(pf->n_events - n + i) % SRIOV_EVENTS];
	if (dropped)
		*dropped = pf->n_events - n;
	pthread_mutex_unlock(&pf->lock);
	return n;
}

const struct sriov_pf_conf *
sriov_pf_config(const struct sriov_pf *pf)
{
	return &pf->conf;
}

void
sriov_pf_free(struct sriov_pf *pf)
{
	if (!pf)
		return;
	if (pf->armed)
		rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_VF_MBOX, on_mailbox, pf);
	pthread_mutex_destroy(&pf->lock);
	free(pf);
}
