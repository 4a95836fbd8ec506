/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "sriov_drift.h"

static uint32_t
when(bool in_force, uint32_t setting)
{
	return in_force ? setting : 0;
}

uint32_t
sriov_undone_by_reset(const struct sriov_vf_policy *p, const struct sriov_vf_state *before)
{
	return when(p->port_vlan != 0, SRIOV_SETTING_PORT_VLAN) |
	       when(p->rx_off || p->tx_off, SRIOV_SETTING_SWITCHES) |
	       when(p->refuses || p->all_multicast, SRIOV_SETTING_RXMODE) |
	       when(before->n_mc > 0 || before->xcast > SRIOV_XCAST_MULTI,
		       SRIOV_SETTING_MULTICAST) |
	       when(before->n_vlans > 0, SRIOV_SETTING_VLANS) |
	       when(before->n_macvlans > 0, SRIOV_SETTING_MACVLANS);
}

uint32_t
sriov_undone_by_start(const struct sriov_vf_policy *p, const struct sriov_vf_state *s)
{
	return sriov_undone_by_reset(p, s) | SRIOV_SETTING_MAC |
	       when(p->n_vlans > 0 || s->n_vlans > 0, SRIOV_SETTING_VLANS) |
	       when(!p->foreign_sources, SRIOV_SETTING_ANTI_SPOOF) |
	       when(p->rate > 0, SRIOV_SETTING_RATE);
}

uint32_t
sriov_changed(const struct sriov_vf_policy *a, const struct sriov_vf_policy *b)
{
	const bool same_vlans = a->n_vlans == b->n_vlans &&
				memcmp(a->vlans, b->vlans, a->n_vlans * sizeof(a->vlans[0])) == 0;

	return when(a->port_vlan != b->port_vlan, SRIOV_SETTING_PORT_VLAN) |
	       when(a->rx_off != b->rx_off || a->tx_off != b->tx_off, SRIOV_SETTING_SWITCHES) |
	       when(memcmp(a->mac, b->mac, sizeof(a->mac)) != 0, SRIOV_SETTING_MAC) |
	       when(!same_vlans, SRIOV_SETTING_VLANS) |
	       when(a->foreign_sources != b->foreign_sources ||
			       a->foreign_vlans != b->foreign_vlans,
		       SRIOV_SETTING_ANTI_SPOOF) |
	       when(a->refuses != b->refuses || a->all_multicast != b->all_multicast,
		       SRIOV_SETTING_RXMODE) |
	       when(a->n_given != b->n_given, SRIOV_SETTING_MACVLANS) |
	       when(a->rate != b->rate, SRIOV_SETTING_RATE);
}

const char *
sriov_settings_text(uint32_t settings, char *buf, size_t len)
{
	static const char *const names[] = {"port VLAN", "RX/TX off", "MAC", "VLANs", "anti-spoof",
		"multicast", "macvlans", "rate", "RX mode", "drop-enable, loopback, flow control"};
	size_t used = 0;

	snprintf(buf, len, "nothing");
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]) && used < len; i++)
		if (settings >> i & 1)
			used += snprintf(
				buf + used, len - used, "%s%s", used ? ", " : "", names[i]);
	return buf;
}

const char *
sriov_undo_name(enum sriov_undo u)
{
	static const char *const names[] = {"VF reset", "PF start", "link up", "new policy"};

	return names[u];
}
