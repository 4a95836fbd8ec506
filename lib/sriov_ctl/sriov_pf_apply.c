/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings of VFs and port on their way to the NIC. All of it on the interrupt thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pmd_ixgbe.h>

#include "sriov_pf_priv.h"

bool
sriov_may_say(struct sriov_pf *pf)
{
	const uint64_t now = rte_get_timer_cycles();

	if (pf->said_at != 0 && now - pf->said_at <= rte_get_timer_hz())
		return false;
	pf->said_at = now;
	return true;
}

int
sriov_pmd_said(struct sriov_pf *pf, uint16_t vf, const char *what, int ret)
{
	if (ret == 0)
		return 0;
	/* A VF may ask as often as it likes: one line a second tells enough. */
	if (sriov_may_say(pf))
		SRIOV_LOG(ERR, "%s: VF %d: %s: %s\n", pf->device, vf == UINT16_MAX ? -1 : vf, what,
			strerror(-ret));
	pthread_mutex_lock(&pf->lock);
	if (vf < pf->layout.n_vfs)
		pf->counts[vf].apply_errors++;
	pthread_mutex_unlock(&pf->lock);
	return ret;
}

int
sriov_apply_port_vlan(struct sriov_pf *pf, uint16_t vf)
{
	const uint16_t vid = pf->now.policy[vf].port_vlan;
	int ret = sriov_pmd_said(
		pf, vf, "port VLAN", rte_pmd_ixgbe_set_vf_vlan_insert(pf->port, vf, vid));

	if (ret == 0)
		ret = sriov_pmd_said(pf, vf, "untagged frames",
			rte_pmd_ixgbe_set_vf_rxmode(
				pf->port, vf, RTE_ETH_VMDQ_ACCEPT_UNTAG, vid == 0));
	return ret;
}

static int
set_vlan(struct sriov_pf *pf, uint16_t vf, uint16_t vid, bool on)
{
	return sriov_pmd_said(pf, vf, on ? "VLAN filter" : "VLAN filter off",
		rte_pmd_ixgbe_set_vf_vlan_filter(pf->port, vid, UINT64_C(1) << vf, on));
}

static int
apply_switches(struct sriov_pf *pf, uint16_t vf)
{
	const struct sriov_vf_policy *p = &pf->now.policy[vf];
	int ret = 0;

	/* A VF's reset switched both on, so nothing is to be done for one that may. */
	if (p->tx_off)
		ret = sriov_pmd_said(pf, vf, "TX off", rte_pmd_ixgbe_set_vf_tx(pf->port, vf, 0));
	if (ret == 0 && p->rx_off)
		ret = sriov_pmd_said(pf, vf, "RX off", rte_pmd_ixgbe_set_vf_rx(pf->port, vf, 0));
	return ret;
}

int
sriov_apply_anti_spoof(struct sriov_pf *pf, uint16_t vf)
{
	const bool on = !pf->now.policy[vf].foreign_sources;
	int ret = 0;

	if (!on)
		ret = sriov_pmd_said(pf, vf, "VLAN anti-spoof",
			rte_pmd_ixgbe_set_vf_vlan_anti_spoof(pf->port, vf, 0));
	if (ret == 0)
		ret = sriov_pmd_said(pf, vf, "MAC anti-spoof",
			rte_pmd_ixgbe_set_vf_mac_anti_spoof(pf->port, vf, on));
	if (ret == 0 && on)
		ret = sriov_pmd_said(pf, vf, "VLAN anti-spoof",
			rte_pmd_ixgbe_set_vf_vlan_anti_spoof(
				pf->port, vf, !pf->now.policy[vf].foreign_vlans));
	return ret;
}

/* Switch what a pool accepts besides its addresses, as far as `which` names it. */
static int
set_accept(struct sriov_pf *pf, uint16_t vf, uint8_t which, bool on)
{
	static const uint16_t modes[] = {RTE_ETH_VMDQ_ACCEPT_UNTAG, RTE_ETH_VMDQ_ACCEPT_HASH_UC,
		RTE_ETH_VMDQ_ACCEPT_BROADCAST};
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < RTE_DIM(modes); i++)
		if (which >> i & 1)
			ret = sriov_pmd_said(pf, vf, "RX mode",
				rte_pmd_ixgbe_set_vf_rxmode(pf->port, vf, modes[i], on));
	return ret;
}

static int
set_mac(struct sriov_pf *pf, uint16_t vf)
{
	struct rte_ether_addr mac;

	memcpy(mac.addr_bytes, sriov_policy_mac(&pf->now, vf), sizeof(mac.addr_bytes));
	return sriov_pmd_said(pf, vf, "MAC", rte_pmd_ixgbe_set_vf_mac_addr(pf->port, vf, &mac));
}

/* Per queue, rounded up: the PMD takes 0 for no limit. */
static uint32_t
rate_of_queue(const struct sriov_pf *pf, uint16_t vf)
{
	const uint16_t queues = pf->layout.queues_per_pool;

	return (pf->now.policy[vf].rate + queues - 1) / queues;
}

int
sriov_apply_rate(struct sriov_pf *pf, uint16_t vf)
{
	const uint64_t queues = (UINT64_C(1) << pf->layout.queues_per_pool) - 1;

	/* The sum over all VFs is checked where a policy is set: a call that the PMD refuses for it
	 * forgets the VF's rates. */
	return sriov_pmd_said(pf, vf, "rate",
		rte_pmd_ixgbe_set_vf_rate_limit(pf->port, vf, rate_of_queue(pf, vf), queues));
}

static int
apply_all(struct sriov_pf *pf, uint16_t vf)
{
	const struct sriov_vf_policy *p = &pf->now.policy[vf];
	const struct sriov_vf_state *s = &pf->now.vf[vf];
	int ret = 0;

	/* Its reset undoes these two, with TX on: so they come first. */
	if (p->port_vlan != 0)
		ret = sriov_apply_port_vlan(pf, vf);
	if (ret == 0)
		ret = apply_switches(pf, vf);
	if (ret == 0)
		ret = set_accept(pf, vf, p->refuses, false);
	if (ret == 0 && p->port_vlan != 0)
		ret = set_vlan(pf, vf, p->port_vlan, true);
	if (ret == 0)
		ret = sriov_apply_anti_spoof(pf, vf);
	if (ret == 0)
		ret = set_mac(pf, vf);
	for (uint16_t i = 0; ret == 0 && i < p->n_vlans; i++)
		ret = set_vlan(pf, vf, p->vlans[i], true);
	for (uint16_t i = 0; ret == 0 && i < s->n_vlans; i++)
		ret = set_vlan(pf, vf, s->vlans[i], true);
	return ret;
}

static void
set_shut(struct sriov_pf *pf, uint16_t vf, const char *why)
{
	pthread_mutex_lock(&pf->lock);
	pf->counts[vf].shut = why;
	pthread_mutex_unlock(&pf->lock);
}

int
sriov_shut_vf(struct sriov_pf *pf, uint16_t vf, const char *why)
{
	int tx = sriov_pmd_said(pf, vf, "TX off", rte_pmd_ixgbe_set_vf_tx(pf->port, vf, 0));
	int rx = sriov_pmd_said(pf, vf, "RX off", rte_pmd_ixgbe_set_vf_rx(pf->port, vf, 0));

	set_shut(pf, vf, why);
	return tx < 0 ? tx : rx;
}

void
sriov_opened_vf(struct sriov_pf *pf, uint16_t vf)
{
	set_shut(pf, vf, NULL);
}

int
sriov_apply_vf(struct sriov_pf *pf, uint16_t vf)
{
	int ret = apply_all(pf, vf);

	if (ret == 0)
		return 0;
	/* Without its guards a VF is nobody's business: nothing in, nothing out. */
	sriov_shut_vf(pf, vf, "its settings could not all be set");
	return ret;
}

int
sriov_apply_port(struct sriov_pf *pf)
{
	struct rte_eth_fc_conf fc = {0};
	int ret;

	/* An unpolled ring without drop-enable holds up every other pool. */
	ret = rte_pmd_ixgbe_set_all_queues_drop_en(pf->port, !pf->no_drop);
	if (ret == 0)
		ret = rte_pmd_ixgbe_set_tx_loopback(pf->port, !pf->no_loopback);
	/* A VF that sends PAUSE frames would throttle the port for everyone. */
	if (ret == 0 && rte_eth_dev_flow_ctrl_get(pf->port, &fc) == 0) {
		fc.mode = RTE_ETH_FC_NONE;
		fc.autoneg = 0;
		ret = rte_eth_dev_flow_ctrl_set(pf->port, &fc);
	}
	return ret;
}

/* All VFs share one filter table: build it anew from what each asked for. */
int
sriov_apply_multicast(struct sriov_pf *pf, uint16_t vf)
{
	const uint16_t n_vfs = pf->layout.n_vfs;
	struct rte_ether_addr *set = calloc((size_t)n_vfs * SRIOV_MAX_MC, sizeof(*set));
	const struct sriov_vf_state *s = &pf->now.vf[vf];
	uint32_t n = 0;
	int ret;

	if (!set)
		return sriov_pmd_said(pf, vf, "multicast filter", -ENOMEM);
	for (uint16_t v = 0; v < n_vfs; v++)
		for (uint8_t i = 0; i < pf->now.vf[v].n_mc; i++)
			sriov_policy_mc_address(pf->now.vf[v].mc[i], set[n++].addr_bytes);
	ret = sriov_pmd_said(
		pf, vf, "multicast filter", rte_eth_dev_set_mc_addr_list(pf->port, set, n));
	free(set);
	if (ret == 0)
		ret = sriov_pmd_said(pf, vf, "multicast by hash",
			rte_pmd_ixgbe_set_vf_rxmode(pf->port, vf, RTE_ETH_VMDQ_ACCEPT_HASH_MC,
				sriov_policy_wants_mc(s)));
	if (ret == 0)
		ret = sriov_pmd_said(pf, vf, "all multicast",
			rte_pmd_ixgbe_set_vf_rxmode(pf->port, vf, RTE_ETH_VMDQ_ACCEPT_MULTICAST,
				s->xcast == SRIOV_XCAST_ALLMULTI ||
					pf->now.policy[vf].all_multicast));
	return ret;
}

static bool
has_vlan(const uint16_t *list, unsigned int n, uint16_t vid)
{
	for (unsigned int i = 0; i < n; i++)
		if (list[i] == vid)
			return true;
	return false;
}

static int
change_vlans(struct sriov_pf *pf, uint16_t vf, const uint16_t *old, unsigned int n_old,
	const uint16_t *now, unsigned int n_now)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < n_old; i++)
		if (!has_vlan(now, n_now, old[i]))
			ret = set_vlan(pf, vf, old[i], false);
	for (unsigned int i = 0; ret == 0 && i < n_now; i++)
		if (!has_vlan(old, n_old, now[i]))
			ret = set_vlan(pf, vf, now[i], true);
	return ret;
}

static bool
has_mac(const struct sriov_vf_state *s, const uint8_t *mac)
{
	for (unsigned int i = 0; i < s->n_macvlans; i++)
		if (memcmp(s->macvlans[i], mac, 6) == 0)
			return true;
	return false;
}

/* By ethdev's own list, which knows which receive addresses are free, never by the PMD's counter.
 */
static int
change_macs(struct sriov_pf *pf, uint16_t vf, const struct sriov_vf_state *old,
	const struct sriov_vf_state *now)
{
	struct rte_ether_addr mac;
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < old->n_macvlans; i++) {
		memcpy(mac.addr_bytes, old->macvlans[i], 6);
		if (!has_mac(now, old->macvlans[i]))
			ret = sriov_pmd_said(pf, vf, "further MAC off",
				rte_eth_dev_mac_addr_remove(pf->port, &mac));
	}
	for (unsigned int i = 0; ret == 0 && i < now->n_macvlans; i++) {
		memcpy(mac.addr_bytes, now->macvlans[i], 6);
		if (!has_mac(old, now->macvlans[i]))
			ret = sriov_pmd_said(pf, vf, "further MAC",
				rte_eth_dev_mac_addr_add(pf->port, &mac, vf));
	}
	return ret;
}

int
sriov_apply_change(
	struct sriov_pf *pf, uint16_t vf, const struct sriov_vf_state *before, uint32_t actions)
{
	const struct sriov_vf_state *now = &pf->now.vf[vf];
	int ret = 0;

	if (actions & SRIOV_DO_REAPPLY)
		ret = sriov_apply_vf(pf, vf);
	if (ret == 0 && (actions & SRIOV_DO_MAC))
		ret = set_mac(pf, vf);
	if (ret == 0 && (actions & SRIOV_DO_VLANS))
		ret = change_vlans(
			pf, vf, before->vlans, before->n_vlans, now->vlans, now->n_vlans);
	if (ret == 0 && (actions & SRIOV_DO_MACVLANS))
		ret = change_macs(pf, vf, before, now);
	if (ret == 0 && (actions & SRIOV_DO_MULTICAST))
		ret = sriov_apply_multicast(pf, vf);
	return ret;
}

/* Both are kept by ethdev and the NIC over resets of the VF, and set again by a start. */
static int
change_given(struct sriov_pf *pf, uint16_t vf, const struct sriov_vf_policy *old)
{
	const struct sriov_vf_policy *now = &pf->now.policy[vf];
	struct sriov_vf_state a = {.n_macvlans = old->n_given}, b = {.n_macvlans = now->n_given};

	_Static_assert(SRIOV_POLICY_MACS <= SRIOV_OWN_MACS, "given addresses fit a state");
	memcpy(a.macvlans, old->given, sizeof(old->given));
	memcpy(b.macvlans, now->given, sizeof(now->given));
	return change_macs(pf, vf, &a, &b);
}

int
sriov_apply_policy(struct sriov_pf *pf, uint16_t vf, const struct sriov_vf_policy *old)
{
	const struct sriov_vf_policy *p = &pf->now.policy[vf];
	const bool shut = pf->counts[vf].shut != NULL; /* and stays so until its reset */
	int ret = 0;

	if (old->port_vlan != p->port_vlan) {
		ret = sriov_apply_port_vlan(pf, vf);
		if (ret == 0 && p->port_vlan != 0)
			ret = set_vlan(pf, vf, p->port_vlan, true);
		if (ret == 0 && old->port_vlan != 0)
			ret = set_vlan(pf, vf, old->port_vlan, false);
	}
	if (ret == 0)
		ret = change_vlans(pf, vf, old->vlans, old->n_vlans, p->vlans, p->n_vlans);
	/* Behind a port VLAN nothing comes in untagged, whatever was refused before. */
	if (ret == 0)
		ret = set_accept(pf, vf,
			old->refuses & ~p->refuses & ~(p->port_vlan ? SRIOV_ACCEPT_UNTAGGED : 0),
			true);
	if (ret == 0)
		ret = change_given(pf, vf, old);
	if (ret == 0 && old->all_multicast != p->all_multicast)
		ret = sriov_apply_multicast(pf, vf);
	if (ret == 0 && old->tx_off && !p->tx_off && !shut)
		ret = sriov_pmd_said(pf, vf, "TX on", rte_pmd_ixgbe_set_vf_tx(pf->port, vf, 1));
	if (ret == 0 && old->rx_off && !p->rx_off && !shut)
		ret = sriov_pmd_said(pf, vf, "RX on", rte_pmd_ixgbe_set_vf_rx(pf->port, vf, 1));
	if (ret == 0)
		ret = sriov_apply_vf(pf, vf);
	if (ret == 0 && old->rate != p->rate)
		ret = sriov_apply_rate(pf, vf);
	return ret;
}
