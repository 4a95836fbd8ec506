/* SPDX-License-Identifier: BSD-3-Clause */
/* rx_vlan …, mac_addr …: VLANs and further addresses that the operator gives to VFs */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfp_parse.h>

#include "vf_change.h"

static int
add_vlan(struct sriov_vf_policy *p, uint16_t vid, uint16_t vf, struct vfp_err *err)
{
	for (uint16_t i = 0; i < p->n_vlans; i++)
		if (p->vlans[i] == vid)
			return vfp_err_set(err, -EEXIST, "VF %u has VLAN %u already", vf, vid);
	if (p->n_vlans == SRIOV_POLICY_VLANS)
		return vfp_err_set(
			err, -ENOSPC, "VF %u has %d VLANs, the most there are", vf, p->n_vlans);
	p->vlans[p->n_vlans++] = vid;
	return 0;
}

static int
remove_vlan(struct sriov_vf_policy *p, uint16_t vid, uint16_t vf, struct vfp_err *err)
{
	for (uint16_t i = 0; i < p->n_vlans; i++)
		if (p->vlans[i] == vid) {
			p->vlans[i] = p->vlans[--p->n_vlans];
			return 0;
		}
	return vfp_err_set(err, -ENOENT, "VF %u has no VLAN %u of the operator's", vf, vid);
}

static int
edit_vlan(struct cli_change *c, struct vfp_err *err)
{
	const bool add = strcmp(c->words->w[1], "add") == 0;
	uint16_t vid;
	int ret = vfp_parse_u16(c->words->w[2], "VLAN", 1, 4094, &vid, err);

	if (ret == 0)
		ret = add ? add_vlan(c->policy, vid, c->vf, err)
			  : remove_vlan(c->policy, vid, c->vf, err);
	snprintf(c->said, sizeof(c->said), "VLAN %u %s", vid, add ? "added" : "removed");
	return ret;
}

/* testpmd names VFs by a mask here: 0x3 is VF 0 and VF 1. All are looked at before one is changed.
 */
static void
do_vlan(void *parsed, struct cmdline *cl, void *data)
{
	const struct cli_words *words = parsed;
	struct vfp_err err = {0};
	const struct pf_dev *pf = cli_pf(words->w[4], &err);
	char *end = NULL, vf[16];
	uint64_t mask = strtoull(words->w[6], &end, 16);

	(void)data;
	if (pf && (*end || mask == 0 || mask >> pf->n_vfs))
		vfp_err_set(&err, -EINVAL, "%s: allowed: a mask of VFs up to 0x%llx", words->w[6],
			(unsigned long long)((UINT64_C(1) << pf->n_vfs) - 1));
	if (err.text[0]) {
		cmdline_printf(cl, "%s\n", err.text);
		return;
	}
	for (unsigned int v = 0; mask >> v; v++) {
		snprintf(vf, sizeof(vf), "%u", v);
		if (mask >> v & 1)
			cli_change(cl, words, words->w[4], vf, edit_vlan);
	}
}

static int
edit_address(struct cli_change *c, struct vfp_err *err)
{
	const bool add = strcmp(c->words->w[1], "add") == 0;
	struct sriov_vf_policy *p = c->policy;
	uint8_t mac[6], i = 0;
	int ret = vfp_parse_unicast_mac(c->words->w[6], "MAC", mac, err);

	if (ret < 0)
		return ret;
	while (i < p->n_given && memcmp(p->given[i], mac, 6) != 0)
		i++;
	if (add && (i < p->n_given || memcmp(mac, p->mac, 6) == 0))
		return vfp_err_set(err, -EEXIST, "VF %u has that address already", c->vf);
	if (add && p->n_given == SRIOV_POLICY_MACS)
		return vfp_err_set(err, -ENOSPC,
			"VF %u has %d further addresses, the most there are", c->vf,
			SRIOV_POLICY_MACS);
	if (!add && i == p->n_given)
		return vfp_err_set(err, -ENOENT, "VF %u was not given that address", c->vf);
	if (add)
		memcpy(p->given[p->n_given++], mac, 6);
	else
		memmove(p->given[i], p->given[--p->n_given], 6);
	snprintf(c->said, sizeof(c->said), "%s %s", c->words->w[6], add ? "added" : "removed");
	return 0;
}

static void
do_address(void *parsed, struct cmdline *cl, void *data)
{
	const struct cli_words *words = parsed;

	(void)data;
	cli_change(cl, words, words->w[3], words->w[5], edit_address);
}

static cmdline_parse_token_string_t t_rx_vlan = CLI_TOKEN(0, "rx_vlan");
static cmdline_parse_token_string_t t_add_rm = CLI_TOKEN(1, "add#rm");
static cmdline_parse_token_string_t t_any2 = CLI_TOKEN(2, NULL);
static cmdline_parse_token_string_t t_port3 = CLI_TOKEN(3, "port");
static cmdline_parse_token_string_t t_any4 = CLI_TOKEN(4, NULL);
static cmdline_parse_token_string_t t_vf5 = CLI_TOKEN(5, "vf");
static cmdline_parse_token_string_t t_any6 = CLI_TOKEN(6, NULL);
static cmdline_parse_token_string_t t_mac_addr = CLI_TOKEN(0, "mac_addr");
static cmdline_parse_token_string_t t_add_remove = CLI_TOKEN(1, "add#remove");
static cmdline_parse_token_string_t t_port2 = CLI_TOKEN(2, "port");
static cmdline_parse_token_string_t t_any3 = CLI_TOKEN(3, NULL);
static cmdline_parse_token_string_t t_vf4 = CLI_TOKEN(4, "vf");
static cmdline_parse_token_string_t t_any5 = CLI_TOKEN(5, NULL);

static cmdline_parse_inst_t rx_vlan = {.f = do_vlan,
	.help_str = "rx_vlan add|rm VLAN port PF vf MASK",
	.tokens = {(void *)&t_rx_vlan, (void *)&t_add_rm, (void *)&t_any2, (void *)&t_port3,
		(void *)&t_any4, (void *)&t_vf5, (void *)&t_any6, NULL}};
static cmdline_parse_inst_t mac_addr = {.f = do_address,
	.help_str = "mac_addr add|remove port PF vf VF MAC: one more address for a VF",
	.tokens = {(void *)&t_mac_addr, (void *)&t_add_remove, (void *)&t_port2, (void *)&t_any3,
		(void *)&t_vf4, (void *)&t_any5, (void *)&t_any6, NULL}};

cmdline_parse_inst_t *const cmd_filter_list[] = {&rx_vlan, &mac_addr, NULL};
