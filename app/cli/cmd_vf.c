/* SPDX-License-Identifier: BSD-3-Clause */
/* set vf …, set port P vf V …: testpmd's words for what a PF does to a VF */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_pmd_ixgbe.h>
#include <vfp_parse.h>

#include "vf_change.h"

static int
edit_mac(struct cli_change *c, struct vfp_err *err)
{
	int ret = vfp_parse_unicast_mac(c->words->w[6], "MAC", c->policy->mac, err);

	snprintf(c->said, sizeof(c->said), "MAC %s%s", c->words->w[6],
		c->tenant ? ", from its next reset on" : "; it resets to learn it");
	return ret;
}

/* VLAN anti-spoof works only where MAC anti-spoof is on, says DPDK's header. */
static int
edit_antispoof(struct cli_change *c, struct vfp_err *err)
{
	const bool on = cli_on(c->words->w[6]), mac = strcmp(c->words->w[2], "mac") == 0;

	if (!on && c->tenant && !c->policy->trusted)
		return vfp_err_set(err, -EPERM,
			"anti-spoof stays on for a tenant's VF that is not trusted; set vf trust "
			"%s %u on",
			c->words->w[4], c->vf);
	if (!mac && on && c->policy->foreign_sources)
		return vfp_err_set(err, -EINVAL,
			"VLAN anti-spoof needs MAC anti-spoof on, or the card does not look");
	if (mac)
		c->policy->foreign_sources = !on;
	else
		c->policy->foreign_vlans = !on;
	snprintf(c->said, sizeof(c->said), "%s anti-spoof %s%s", mac ? "MAC" : "VLAN",
		c->words->w[6], mac && !on ? ", and VLAN anti-spoof with it" : "");
	return 0;
}

static int
edit_insert(struct cli_change *c, struct vfp_err *err)
{
	int ret = vfp_parse_u16(c->words->w[6], "VLAN", 0, 4094, &c->policy->port_vlan, err);

	if (c->policy->port_vlan)
		snprintf(c->said, sizeof(c->said), "port VLAN %u", c->policy->port_vlan);
	else
		snprintf(c->said, sizeof(c->said), "no port VLAN");
	return ret;
}

static int
edit_trust(struct cli_change *c, struct vfp_err *err)
{
	c->policy->trusted = cli_on(c->words->w[5]);
	if (!c->policy->trusted && c->tenant &&
		(c->policy->foreign_sources || c->policy->foreign_vlans))
		return vfp_err_set(err, -EINVAL,
			"its anti-spoof is off; set vf mac antispoof %s %u on", c->words->w[3],
			c->vf);
	snprintf(c->said, sizeof(c->said), "%s", c->policy->trusted ? "trusted" : "not trusted");
	return 0;
}

static int
edit_rxmode(struct cli_change *c, struct vfp_err *err)
{
	static const char *const names[] = {"AUPE", "ROPE", "BAM", "MPE"};
	static const uint8_t bits[] = {
		SRIOV_ACCEPT_UNTAGGED, SRIOV_ACCEPT_HASH_UC, SRIOV_ACCEPT_BROADCAST, 0};
	const bool on = cli_on(c->words->w[7]);
	unsigned int which = 0;
	int ret = vfp_parse_choice(c->words->w[6], "RX mode", names, 4, &which, err);

	if (ret < 0)
		return ret;
	if (which == 0 && on && c->policy->port_vlan)
		return vfp_err_set(err, -EINVAL,
			"it has port VLAN %u: what is untagged is not for it",
			c->policy->port_vlan);
	if (which == 3)
		c->policy->all_multicast = on;
	else
		c->policy->refuses =
			on ? c->policy->refuses & ~bits[which] : c->policy->refuses | bits[which];
	snprintf(c->said, sizeof(c->said), "RX mode %s %s", names[which], c->words->w[7]);
	return 0;
}

static int
edit_switch(struct cli_change *c, struct vfp_err *err)
{
	const bool rx = strcmp(c->words->w[5], "rx") == 0;

	(void)err;
	*(rx ? &c->policy->rx_off : &c->policy->tx_off) = !cli_on(c->words->w[6]);
	snprintf(c->said, sizeof(c->said), "%s %s", rx ? "RX" : "TX", c->words->w[6]);
	return 0;
}

/* testpmd's rate is each queue's; a queue that the mask leaves out would have no limit at all. */
static int
edit_rate(struct cli_change *c, struct vfp_err *err)
{
	const uint16_t queues = c->pf->layout.queues_per_pool;
	const uint32_t all = (1u << queues) - 1;
	uint64_t mask = 0;
	char *end = NULL;
	uint32_t rate;
	int ret = vfp_parse_u32(c->words->w[6], "rate in Mbit/s", 0, SRIOV_LINK_MBIT, &rate, err);

	if (ret < 0)
		return ret;
	mask = strtoull(c->words->w[8], &end, 16);
	if (*end || mask != all)
		return vfp_err_set(err, -EINVAL,
			"queue_mask %s: 0x%x is what works; queues outside of the mask would have "
			"no limit",
			c->words->w[8], all);
	c->policy->rate = rate * queues;
	if (rate)
		snprintf(c->said, sizeof(c->said), "%u Mbit/s, %u for each of %u queues",
			c->policy->rate, rate, queues);
	else
		snprintf(c->said, sizeof(c->said), "no rate limit");
	return 0;
}

/* data: how to change it. Where PF and VF stand depends on the first words. */
static void
do_set_vf(void *parsed, struct cmdline *cl, void *data)
{
	const struct cli_words *words = parsed;
	const int at = strcmp(words->w[2], "trust") == 0 ? 3 : 4;

	cli_change(cl, words, words->w[at], words->w[at + 1],
		(int (*)(struct cli_change *, struct vfp_err *))data);
}

static void
do_set_port_vf(void *parsed, struct cmdline *cl, void *data)
{
	const struct cli_words *words = parsed;

	cli_change(cl, words, words->w[2], words->w[4],
		(int (*)(struct cli_change *, struct vfp_err *))data);
}

static int
strip_job(void *arg)
{
	const struct cli_change *c = arg;

	return rte_pmd_ixgbe_set_vf_vlan_stripq(
		c->pf->port->port_id, c->vf, cli_on(c->words->w[6]));
}

/* No setting of the PF's: the VF's driver writes the same bit when it sets its queues up. */
static void
do_stripq(void *parsed, struct cmdline *cl, void *data)
{
	struct cli_change c = {.words = parsed};
	struct vfp_err err = {0};
	int ret = -EINVAL;

	(void)data;
	c.pf = cli_pf(c.words->w[4], &err);
	if (c.pf)
		ret = cli_vf(c.pf, c.words->w[5], &c.vf, &err);
	if (ret == 0 && c.pf->layout.queues_per_pool != 2)
		ret = vfp_err_set(&err, -ENOTSUP,
			"DPDK's call takes a pool for 2 queues; with %u it would hit other VFs",
			c.pf->layout.queues_per_pool);
	if (ret == 0) {
		ret = sriov_pf_job(strip_job, &c);
		if (ret < 0)
			vfp_err_set(&err, ret, "the NIC's driver says: %s", strerror(-ret));
	}
	if (ret < 0)
		cmdline_printf(cl, "%s\n", err.text);
	else
		cmdline_printf(cl, "vf%u: VLAN strip %s, until it sets its queues up again\n", c.vf,
			c.words->w[6]);
}

/* data: why not. */
static void
do_refuse(void *parsed, struct cmdline *cl, void *data)
{
	(void)parsed;
	cmdline_printf(cl, "%s\n", (const char *)data);
}

static cmdline_parse_token_string_t t_set = CLI_TOKEN(0, "set");
static cmdline_parse_token_string_t t_vf = CLI_TOKEN(1, "vf");
static cmdline_parse_token_string_t t_port = CLI_TOKEN(1, "port");
static cmdline_parse_token_string_t t_mac = CLI_TOKEN(2, "mac");
static cmdline_parse_token_string_t t_vlan = CLI_TOKEN(2, "vlan");
static cmdline_parse_token_string_t t_mac_vlan = CLI_TOKEN(2, "mac#vlan");
static cmdline_parse_token_string_t t_trust = CLI_TOKEN(2, "trust");
static cmdline_parse_token_string_t t_split = CLI_TOKEN(2, "split");
static cmdline_parse_token_string_t t_i40e = CLI_TOKEN(2, "promisc#allmulti#broadcast");
static cmdline_parse_token_string_t t_any2 = CLI_TOKEN(2, NULL);
static cmdline_parse_token_string_t t_addr = CLI_TOKEN(3, "addr");
static cmdline_parse_token_string_t t_antispoof = CLI_TOKEN(3, "antispoof");
static cmdline_parse_token_string_t t_insert = CLI_TOKEN(3, "insert");
static cmdline_parse_token_string_t t_stripq = CLI_TOKEN(3, "stripq");
static cmdline_parse_token_string_t t_tag = CLI_TOKEN(3, "tag");
static cmdline_parse_token_string_t t_drop = CLI_TOKEN(3, "drop");
static cmdline_parse_token_string_t t_vf3 = CLI_TOKEN(3, "vf");
static cmdline_parse_token_string_t t_any3 = CLI_TOKEN(3, NULL);
static cmdline_parse_token_string_t t_any4 = CLI_TOKEN(4, NULL);
static cmdline_parse_token_string_t t_any5 = CLI_TOKEN(5, NULL);
static cmdline_parse_token_string_t t_on5 = CLI_TOKEN(5, "on#off");
static cmdline_parse_token_string_t t_rxmode = CLI_TOKEN(5, "rxmode");
static cmdline_parse_token_string_t t_rx_tx = CLI_TOKEN(5, "rx#tx");
static cmdline_parse_token_string_t t_rate = CLI_TOKEN(5, "rate");
static cmdline_parse_token_string_t t_any6 = CLI_TOKEN(6, NULL);
static cmdline_parse_token_string_t t_on6 = CLI_TOKEN(6, "on#off");
static cmdline_parse_token_string_t t_on7 = CLI_TOKEN(7, "on#off");
static cmdline_parse_token_string_t t_mask = CLI_TOKEN(7, "queue_mask");
static cmdline_parse_token_string_t t_any8 = CLI_TOKEN(8, NULL);

#define SET_VF(name, edit, help, ...)                                                              \
	static cmdline_parse_inst_t name = {.f = do_set_vf,                                        \
		.data = (void *)(edit),                                                            \
		.help_str = help,                                                                  \
		.tokens = {(void *)&t_set, (void *)&t_vf, __VA_ARGS__, NULL}}
#define SET_PORT_VF(name, edit, help, ...)                                                         \
	static cmdline_parse_inst_t name = {.f = do_set_port_vf,                                   \
		.data = (void *)(edit),                                                            \
		.help_str = help,                                                                  \
		.tokens = {(void *)&t_set, (void *)&t_port, (void *)&t_any2, (void *)&t_vf3,       \
			(void *)&t_any4, __VA_ARGS__, NULL}}
#define REFUSE(name, why, help, ...)                                                               \
	static cmdline_parse_inst_t name = {.f = do_refuse,                                        \
		.data = (void *)(uintptr_t)(why),                                                  \
		.help_str = help,                                                                  \
		.tokens = {(void *)&t_set, (void *)&t_vf, __VA_ARGS__, NULL}}

SET_VF(set_mac, edit_mac, "set vf mac addr PF VF MAC", (void *)&t_mac, (void *)&t_addr,
	(void *)&t_any4, (void *)&t_any5, (void *)&t_any6);
SET_VF(set_antispoof, edit_antispoof, "set vf mac|vlan antispoof PF VF on|off", (void *)&t_mac_vlan,
	(void *)&t_antispoof, (void *)&t_any4, (void *)&t_any5, (void *)&t_on6);
SET_VF(set_insert, edit_insert, "set vf vlan insert PF VF VLAN: its port VLAN, 0 for none",
	(void *)&t_vlan, (void *)&t_insert, (void *)&t_any4, (void *)&t_any5, (void *)&t_any6);
SET_VF(set_trust, edit_trust, "set vf trust PF VF on|off", (void *)&t_trust, (void *)&t_any3,
	(void *)&t_any4, (void *)&t_on5);
SET_PORT_VF(set_rxmode, edit_rxmode, "set port PF vf VF rxmode AUPE|ROPE|BAM|MPE on|off",
	(void *)&t_rxmode, (void *)&t_any6, (void *)&t_on7);
SET_PORT_VF(set_switch, edit_switch, "set port PF vf VF rx|tx on|off", (void *)&t_rx_tx,
	(void *)&t_on6);
SET_PORT_VF(set_rate, edit_rate, "set port PF vf VF rate MBIT queue_mask MASK", (void *)&t_rate,
	(void *)&t_any6, (void *)&t_mask, (void *)&t_any8);
REFUSE(set_split,
	"refused: DPDK's call writes the drop bit of the queue with the VF's number, not\n"
	"of the VF's queues; all have drop-enable on, see set all queues drop",
	"set vf split drop PF VF on|off: refused, with the reason", (void *)&t_split,
	(void *)&t_drop, (void *)&t_any4, (void *)&t_any5, (void *)&t_on6);
REFUSE(set_i40e,
	"refused: DPDK has this for i40e only; an 82599 has set port PF vf VF rxmode\n"
	"BAM|MPE on|off, and none of its VFs is promiscuous",
	"set vf promisc|allmulti|broadcast PF VF on|off: refused, with the reason", (void *)&t_i40e,
	(void *)&t_any3, (void *)&t_any4, (void *)&t_on5);
REFUSE(set_tag,
	"refused: DPDK has this for i40e only; set vf vlan insert PF VF VLAN tags all\n"
	"that the VF sends",
	"set vf vlan tag PF VF on|off: refused, with the reason", (void *)&t_vlan, (void *)&t_tag,
	(void *)&t_any4, (void *)&t_any5, (void *)&t_on6);
static cmdline_parse_inst_t set_stripq = {.f = do_stripq,
	.help_str = "set vf vlan stripq PF VF on|off: with 2 queues a pool",
	.tokens = {(void *)&t_set, (void *)&t_vf, (void *)&t_vlan, (void *)&t_stripq,
		(void *)&t_any4, (void *)&t_any5, (void *)&t_on6, NULL}};

cmdline_parse_inst_t *const cmd_vf_list[] = {&set_mac, &set_antispoof, &set_insert, &set_stripq,
	&set_trust, &set_rxmode, &set_switch, &set_rate, &set_split, &set_i40e, &set_tag, NULL};
