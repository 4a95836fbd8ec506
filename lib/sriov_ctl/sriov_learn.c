/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <vfp_parse.h>

#include "sriov_learn.h"

static void
learn_mac(struct sriov_learn *l, const uint8_t *mac)
{
	for (unsigned int i = 0; i < l->n_macs; i++)
		if (memcmp(l->macs[i], mac, 6) == 0)
			return;
	if (l->n_macs == SRIOV_LEARN_MACS)
		l->unlisted++;
	else
		memcpy(l->macs[l->n_macs++], mac, 6);
}

static void
learn_vlan(struct sriov_learn *l, uint16_t vid)
{
	if (vid == 0 || vid > 4094)
		return;
	for (unsigned int i = 0; i < l->n_vlans; i++)
		if (l->vlans[i] == vid)
			return;
	if (l->n_vlans == SRIOV_LEARN_VLANS)
		l->unlisted++;
	else
		l->vlans[l->n_vlans++] = vid;
}

static void
learn_macvlan(struct sriov_learn *l, const struct sriov_msg *m)
{
	if (m->index <= 1)
		l->macvlans_now = 0;
	if (m->index == 0 || (m->mac[0] & 1))
		return;
	learn_mac(l, m->mac);
	if (++l->macvlans_now > l->macvlans)
		l->macvlans = l->macvlans_now;
}

static void
count_second(struct sriov_learn *l, uint64_t at_us)
{
	l->messages++;
	if (at_us / 1000000 != l->second) {
		l->second = at_us / 1000000;
		l->this_second = 0;
	}
	if (++l->this_second > l->peak_second)
		l->peak_second = l->this_second;
}

void
sriov_learn_add(struct sriov_learn *l, const struct sriov_vf_policy *p, const struct sriov_msg *m,
	uint64_t at_us)
{
	count_second(l, at_us);
	switch (m->type) {
	case SRIOV_RESET:
		l->macvlans_now = 0;
		break;
	case SRIOV_SET_MAC:
		if (memcmp(m->mac, p->mac, 6) == 0 || (m->mac[0] & 1))
			break;
		l->changes_mac = true;
		learn_mac(l, m->mac);
		break;
	case SRIOV_SET_MACVLAN:
		learn_macvlan(l, m);
		break;
	case SRIOV_SET_VLAN:
		if (m->add)
			learn_vlan(l, m->vid);
		break;
	case SRIOV_SET_MULTICAST:
		if (m->n_mc > l->mc)
			l->mc = m->n_mc;
		break;
	case SRIOV_UPDATE_XCAST:
		if (m->value <= SRIOV_XCAST_PROMISC && m->value > l->xcast)
			l->xcast = m->value;
		break;
	case SRIOV_SET_LPE:
		if (m->value > l->frame)
			l->frame = m->value;
		break;
	case SRIOV_API_NEGOTIATE:
		if (m->value > 4 || sriov_mbox_api_rank(m->value) < 0)
			break;
		l->settled = true;
		l->api = m->value;
		break;
	default:
		break;
	}
}

void
sriov_learn_policy(
	const struct sriov_learn *l, const struct sriov_vf_policy *p, struct sriov_vf_policy *out)
{
	*out = *p;
	out->n_macs = l->n_macs;
	memcpy(out->macs, l->macs, sizeof(out->macs));
	out->mac_policy = l->changes_mac ? SRIOV_MAC_LIST : SRIOV_MAC_LOCKED;
	out->macvlan_quota = l->macvlans > SRIOV_OWN_MACS ? SRIOV_OWN_MACS : l->macvlans;
	out->n_vlans = p->port_vlan ? 0 : l->n_vlans;
	memcpy(out->vlans, l->vlans, sizeof(out->vlans));
	out->vlan_quota = 0;
	out->mc_quota = l->mc;
	out->xcast = l->xcast > SRIOV_XCAST_MULTI ? SRIOV_XCAST_ALLMULTI : SRIOV_XCAST_MULTI;
	out->trusted = out->xcast == SRIOV_XCAST_ALLMULTI;
	/* The VF's frame cannot be above the PF's, which a policy does not move. */
	if (l->frame >= SRIOV_FRAME_MIN && l->frame < p->max_frame)
		out->max_frame = l->frame;
	out->api_floor = l->settled ? l->api : 0;
	out->request_rate = l->peak_second > 0 ? l->peak_second : 1;
}

static void
print_list(FILE *to, const struct sriov_vf_policy *q)
{
	char mac[VFP_MAC_TEXT];

	if (q->n_macs > 0) {
		fprintf(to, "\tmacs = {");
		for (unsigned int i = 0; i < q->n_macs; i++)
			fprintf(to, "%s\"%s\"", i ? ", " : "", vfp_mac_text(q->macs[i], mac));
		fprintf(to, "}\n");
	}
	if (q->n_vlans > 0) {
		fprintf(to, "\tvlans = {");
		for (unsigned int i = 0; i < q->n_vlans; i++)
			fprintf(to, "%s%u", i ? ", " : "", q->vlans[i]);
		fprintf(to, "}\n");
	}
}

void
sriov_learn_print(const struct sriov_learn *l, const struct sriov_vf_policy *p, const char *name,
	FILE *to)
{
	struct sriov_vf_policy q;
	char mac[VFP_MAC_TEXT];

	sriov_learn_policy(l, p, &q);
	fprintf(to, "# allows what %s asked for in %lu messages, at most %u a second\n", name,
		(unsigned long)l->messages, l->peak_second);
	if (l->unlisted > 0)
		fprintf(to, "# %u more addresses or VLANs than a section can hold\n", l->unlisted);
	fprintf(to, "vf %s {\n\tmac = %s\n", name, vfp_mac_text(p->mac, mac));
	if (q.trusted)
		fprintf(to, "\ttrusted = yes\n");
	fprintf(to, "\tmac_policy = %s\n", sriov_mac_policy_name(q.mac_policy));
	print_list(to, &q);
	if (q.port_vlan)
		fprintf(to, "\tport_vlan = %u\n", q.port_vlan);
	fprintf(to,
		"\tmacvlan_quota = %u\n\tmulticast_quota = %u\n\txcast = %s\n\tmax_frame = %u\n"
		"\tapi_floor = %s\n\trequest_rate = %u\n}\n",
		q.macvlan_quota, q.mc_quota, sriov_xcast_name(q.xcast), q.max_frame,
		sriov_mbox_api(q.api_floor), q.request_rate);
}
