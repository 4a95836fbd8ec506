/* SPDX-License-Identifier: BSD-3-Clause */
/* The PMD's questions, on the interrupt thread: judged, acted on, answered, recorded. */
#include <errno.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pmd_ixgbe.h>

#include "sriov_pf_priv.h"

/* No PF answers to it: an impossible low half of word 0 makes the PMD answer NACK quietly. */
#define UNSERVED_TYPE 0x00ffu

static void
record(struct sriov_pf *pf, uint16_t vf, const struct sriov_msg *m, const struct sriov_verdict *v,
	int effect, uint64_t took_ns)
{
	struct sriov_record r = {.at_us = sriov_now_us(pf),
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

/* PFs whose policy is armed. One at a time is probed: devices are brought up in order. */
static struct {
	pthread_mutex_t lock;
	struct sriov_pf *pf[SRIOV_MAX_PFS];
} armed = {.lock = PTHREAD_MUTEX_INITIALIZER};

/*
 * Whose port is it? A message may come while the PF is still being probed: ethdev does not tell
 * that port's name yet, but then it is the PF that waits for its port.
 */
static struct sriov_pf *
pf_of_port(uint16_t port)
{
	struct sriov_pf *found = NULL;

	pthread_mutex_lock(&armed.lock);
	for (unsigned int i = 0; i < SRIOV_MAX_PFS && !found; i++)
		if (armed.pf[i] && atomic_load(&armed.pf[i]->bound) && armed.pf[i]->port == port)
			found = armed.pf[i];
	for (unsigned int i = 0; i < SRIOV_MAX_PFS && !found; i++) {
		char name[RTE_ETH_NAME_MAX_LEN];
		struct sriov_pf *pf = armed.pf[i];

		if (!pf || atomic_load(&pf->bound))
			continue;
		if (!rte_eth_dev_is_valid_port(port) ||
			rte_eth_dev_get_name_by_port(port, name) != 0 ||
			strcmp(name, pf->device) == 0)
			found = pf;
	}
	pthread_mutex_unlock(&armed.lock);
	return found;
}

static int
arm(struct sriov_pf *pf)
{
	int ret = -E2BIG;

	pthread_mutex_lock(&armed.lock);
	for (unsigned int i = 0; i < SRIOV_MAX_PFS && ret < 0; i++)
		if (!armed.pf[i]) {
			armed.pf[i] = pf;
			ret = 0;
		}
	pthread_mutex_unlock(&armed.lock);
	return ret;
}

static void
disarm(struct sriov_pf *pf)
{
	pthread_mutex_lock(&armed.lock);
	for (unsigned int i = 0; i < SRIOV_MAX_PFS; i++)
		if (armed.pf[i] == pf)
			armed.pf[i] = NULL;
	pthread_mutex_unlock(&armed.lock);
}

static void
take_back(struct sriov_pf *pf, uint16_t vf, const struct sriov_vf_state *before,
	struct sriov_verdict *v, const char *why)
{
	if (v->answer != SRIOV_ACK)
		return;
	pf->now.vf[vf] = *before;
	*v = (struct sriov_verdict){SRIOV_NACK, v->actions, false, 0, v->rule, why};
}

/*
 * What was granted must be on the NIC before the VF reads ACK; else it was not granted.
 *
 * Not before the probe has returned: ethdev calls the port valid when the driver is done, the bus
 * names the device's driver only after that, and rte_pmd_ixgbe_* in between looks at a NULL name.
 * The first start sets everything, so that a reset in that time needs nothing.
 */
static int
act(struct sriov_pf *pf, uint16_t vf, const struct sriov_vf_state *before, struct sriov_verdict *v)
{
	int ret;

	if (v->actions == 0)
		return 0;
	if (!atomic_load(&pf->bound)) {
		take_back(pf, vf, before, v, "the PF is coming up");
		return 0;
	}
	ret = sriov_apply_change(pf, vf, before, v->actions);
	if (ret < 0)
		take_back(pf, vf, before, v, "the NIC's driver refused it");
	return ret;
}

static void
judge(struct sriov_pf *pf, struct rte_pmd_ixgbe_mb_event_param *param, uint64_t asked)
{
	const uint16_t vf = param->vfid;
	const struct sriov_vf_state before = pf->now.vf[vf];
	struct sriov_verdict v;
	struct sriov_msg m;
	uint64_t took;
	int effect;

	sriov_mbox_decode(param->msg, &m);
	if (m.reset_done)
		sriov_opened_vf(pf, vf); /* the PMD has switched RX and TX on */
	v = sriov_policy_judge(&pf->now, vf, &m, sriov_ns(asked - pf->armed_at) / 1000000 + 1);
	effect = act(pf, vf, &before, &v);
	answer(param, &v);
	took = sriov_ns(rte_get_timer_cycles() - asked);
	if (m.reset_done)
		sriov_note_drift(pf, SRIOV_UNDO_VF_RESET, vf,
			sriov_undone_by_reset(&pf->now.policy[vf], &before), effect, took);
	record(pf, vf, &m, &v, effect, took);
}

/* Interrupt thread, called by the PMD. */
static int
on_mailbox(uint16_t port, enum rte_eth_event_type type, void *arg, void *ret_param)
{
	const uint64_t asked = rte_get_timer_cycles();
	struct rte_pmd_ixgbe_mb_event_param *param = ret_param;
	struct sriov_pf *pf;

	if (type != RTE_ETH_EVENT_VF_MBOX || !param)
		return 0;
	pf = pf_of_port(port);
	if (pf && pf != arg)
		return 0; /* its own call answers */
	/* Whatever happens below: nothing is granted that was not decided. */
	param->retval = RTE_PMD_IXGBE_MB_EVENT_NOOP_NACK;
	if (!pf || param->vfid >= pf->layout.n_vfs)
		return 0;
	judge(pf, param, asked);
	return 0;
}

int
sriov_pf_arm(struct sriov_pf *pf, struct vfp_err *err)
{
	int ret = rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_VF_MBOX, on_mailbox, pf);

	if (ret == 0) {
		pf->armed_at = rte_get_timer_cycles();
		ret = arm(pf);
		pf->armed = true;
	}
	if (ret < 0)
		return vfp_err_set(err, ret, "mailbox callback: %s", strerror(-ret));
	return 0;
}

void
sriov_pf_disarm(struct sriov_pf *pf)
{
	if (!pf->armed)
		return;
	rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_VF_MBOX, on_mailbox, pf);
	disarm(pf);
}
