/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How settings travel to the NIC: the calls to DPDK's PF, written down instead of made. Which come
 * first after a VF's reset, and what happens when one of them fails.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <rte_ethdev.h>
#include <rte_pmd_ixgbe.h>

#include "sriov_pf_priv.h"

int sriov_logtype;

/* "insert 300;untagged 0;…": what was asked of the PMD, in order. */
static char calls[4096];
static const char *broken; /* the call that fails, or NULL */

static int __attribute__((format(printf, 2, 3))) called(const char *name, const char *fmt, ...)
{
	size_t used = strlen(calls);
	va_list ap;

	used += snprintf(calls + used, sizeof(calls) - used, "%s ", name);
	va_start(ap, fmt);
	used += vsnprintf(calls + used, sizeof(calls) - used, fmt, ap);
	va_end(ap);
	snprintf(calls + used, sizeof(calls) - used, ";");
	return broken && strcmp(broken, name) == 0 ? -EIO : 0;
}

int
rte_log(uint32_t level, uint32_t type, const char *fmt, ...)
{
	(void)level;
	(void)type;
	(void)fmt;
	return 0;
}

uint64_t
rte_get_tsc_hz(void)
{
	return 1000000000;
}

int
rte_pmd_ixgbe_set_vf_vlan_insert(uint16_t port, uint16_t vf, uint16_t vid)
{
	(void)port;
	return called("insert", "%u %u", vf, vid);
}

int
rte_pmd_ixgbe_set_vf_rxmode(uint16_t port, uint16_t vf, uint16_t mask, uint8_t on)
{
	(void)port;
	return called(mask == RTE_ETH_VMDQ_ACCEPT_UNTAG     ? "untagged"
		      : mask == RTE_ETH_VMDQ_ACCEPT_HASH_MC ? "hash"
							    : "allmulti",
		"%u %u", vf, on);
}

int
rte_pmd_ixgbe_set_vf_vlan_filter(uint16_t port, uint16_t vid, uint64_t mask, uint8_t on)
{
	(void)port;
	return called("filter", "%u %lx %u", vid, (unsigned long)mask, on);
}

int
rte_pmd_ixgbe_set_vf_tx(uint16_t port, uint16_t vf, uint8_t on)
{
	(void)port;
	return called("tx", "%u %u", vf, on);
}

int
rte_pmd_ixgbe_set_vf_rx(uint16_t port, uint16_t vf, uint8_t on)
{
	(void)port;
	return called("rx", "%u %u", vf, on);
}

int
rte_pmd_ixgbe_set_vf_mac_anti_spoof(uint16_t port, uint16_t vf, uint8_t on)
{
	(void)port;
	return called("macspoof", "%u %u", vf, on);
}

int
rte_pmd_ixgbe_set_vf_vlan_anti_spoof(uint16_t port, uint16_t vf, uint8_t on)
{
	(void)port;
	return called("vlanspoof", "%u %u", vf, on);
}

int
rte_pmd_ixgbe_set_vf_mac_addr(uint16_t port, uint16_t vf, struct rte_ether_addr *mac)
{
	(void)port;
	return called("mac", "%u %02x", vf, mac->addr_bytes[5]);
}

int
rte_pmd_ixgbe_set_vf_rate_limit(uint16_t port, uint16_t vf, uint32_t rate, uint64_t queues)
{
	(void)port;
	return called("rate", "%u %u %lx", vf, rate, (unsigned long)queues);
}

int
rte_pmd_ixgbe_set_all_queues_drop_en(uint16_t port, uint8_t on)
{
	(void)port;
	return called("drop", "%u", on);
}

int
rte_pmd_ixgbe_set_tx_loopback(uint16_t port, uint8_t on)
{
	(void)port;
	return called("loopback", "%u", on);
}

int
rte_eth_dev_flow_ctrl_get(uint16_t port, struct rte_eth_fc_conf *fc)
{
	(void)port;
	fc->mode = RTE_ETH_FC_FULL;
	return 0;
}

int
rte_eth_dev_flow_ctrl_set(uint16_t port, struct rte_eth_fc_conf *fc)
{
	(void)port;
	return called("flow", "%u", fc->mode);
}

int
rte_eth_dev_set_mc_addr_list(uint16_t port, struct rte_ether_addr *set, uint32_t n)
{
	(void)port;
	(void)set;
	return called("multicast", "%u", n);
}

int
rte_eth_dev_mac_addr_add(uint16_t port, struct rte_ether_addr *mac, uint32_t pool)
{
	(void)port;
	return called("add", "%u %02x", pool, mac->addr_bytes[5]);
}

int
rte_eth_dev_mac_addr_remove(uint16_t port, struct rte_ether_addr *mac)
{
	(void)port;
	return called("remove", "%02x", mac->addr_bytes[5]);
}

static struct sriov_pf pf;
#define P (&pf.now.policy[1])
#define S (&pf.now.vf[1])

static int
setup(void **state)
{
	(void)state;
	memset(&pf, 0, sizeof(pf));
	pthread_mutex_init(&pf.lock, NULL);
	pf.now.n_vfs = 3;
	sriov_layout_plan(3, 2, &pf.layout, NULL);
	for (unsigned int v = 0; v < 3; v++) {
		sriov_policy_default(&pf.now.policy[v]);
		sriov_policy_default_mac(0, v, pf.now.policy[v].mac);
	}
	calls[0] = '\0';
	broken = NULL;
	return 0;
}

static void
the_port_vlan_comes_first(void **state)
{
	(void)state;
	P->port_vlan = 300;
	P->tx_off = P->rx_off = true;
	assert_int_equal(sriov_apply_vf(&pf, 1), 0);
	assert_string_equal(calls, "insert 1 300;untagged 1 0;tx 1 0;rx 1 0;filter 300 2 1;"
				   "macspoof 1 1;vlanspoof 1 1;mac 1 01;");
}

static void
a_vf_without_its_guards_is_shut(void **state)
{
	static const char *const each[] = {
		"insert", "untagged", "filter", "macspoof", "vlanspoof", "mac"};

	(void)state;
	P->port_vlan = 300;
	for (unsigned int i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		const char *end = "tx 1 0;rx 1 0;";

		calls[0] = '\0';
		broken = each[i];
		assert_int_equal(sriov_apply_vf(&pf, 1), -EIO);
		assert_true(strlen(calls) > strlen(end));
		assert_string_equal(calls + strlen(calls) - strlen(end), end);
		assert_int_equal(pf.counts[1].apply_errors, i + 1);
		assert_non_null(pf.counts[1].shut);
		assert_null(pf.counts[0].shut);
		sriov_opened_vf(&pf, 1);
		assert_null(pf.counts[1].shut);
	}
}

static void
foreign_sources_switch_vlan_anti_spoof_off_first(void **state)
{
	(void)state;
	P->foreign_sources = true;
	assert_int_equal(sriov_apply_anti_spoof(&pf, 1), 0);
	assert_string_equal(calls, "vlanspoof 1 0;macspoof 1 0;");
}

static void
a_small_rate_is_no_missing_limit(void **state)
{
	(void)state;
	P->rate = 1;
	sriov_apply_rate(&pf, 1);
	P->rate = 5;
	sriov_apply_rate(&pf, 1);
	P->rate = 0;
	sriov_apply_rate(&pf, 1);
	assert_string_equal(calls, "rate 1 1 3;rate 1 3 3;rate 1 0 3;");
}

static void
only_the_difference_travels(void **state)
{
	struct sriov_vf_state before = {.n_vlans = 2, .vlans = {5, 6}, .n_macvlans = 1};

	(void)state;
	sriov_policy_default_mac(0, 0x20, before.macvlans[0]);
	S->n_vlans = 2;
	S->vlans[0] = 6;
	S->vlans[1] = 7;
	S->n_macvlans = 1;
	sriov_policy_default_mac(0, 0x21, S->macvlans[0]);
	S->n_mc = 3;
	pf.now.vf[0].n_mc = 2;
	assert_int_equal(sriov_apply_change(&pf, 1, &before,
				 SRIOV_DO_VLANS | SRIOV_DO_MACVLANS | SRIOV_DO_MULTICAST),
		0);
	assert_string_equal(calls, "filter 5 2 0;filter 7 2 1;remove 20;add 1 21;multicast 5;"
				   "hash 1 1;allmulti 1 0;");
}

static void
another_port_vlan_is_set_before_the_old_one_goes(void **state)
{
	struct sriov_vf_policy old = *P;

	(void)state;
	old.port_vlan = 300;
	P->port_vlan = 301;
	assert_int_equal(sriov_apply_policy(&pf, 1, &old), 0);
	assert_non_null(strstr(calls, "insert 1 301;untagged 1 0;filter 301 2 1;filter 300 2 0;"));
	old = *P;
	P->port_vlan = 0;
	calls[0] = '\0';
	assert_int_equal(sriov_apply_policy(&pf, 1, &old), 0);
	assert_non_null(strstr(calls, "insert 1 0;untagged 1 1;filter 301 2 0;"));
}

static void
switched_on_is_not_what_is_shut(void **state)
{
	struct sriov_vf_policy old = *P;

	(void)state;
	old.rx_off = old.tx_off = true;
	assert_int_equal(sriov_apply_policy(&pf, 1, &old), 0);
	assert_non_null(strstr(calls, "tx 1 1;rx 1 1;"));
	calls[0] = '\0';
	sriov_shut_vf(&pf, 1, "for a test");
	assert_string_equal(calls, "tx 1 0;rx 1 0;");
	assert_int_equal(sriov_apply_policy(&pf, 1, &old), 0);
	assert_null(strstr(calls, "tx 1 1;"));
	assert_null(strstr(calls, "rx 1 1;"));
}

static void
drop_enable_loopback_and_no_flow_control(void **state)
{
	(void)state;
	assert_int_equal(sriov_apply_port(&pf), 0);
	assert_string_equal(calls, "drop 1;loopback 1;flow 0;");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_port_vlan_comes_first, setup),
		cmocka_unit_test_setup(a_vf_without_its_guards_is_shut, setup),
		cmocka_unit_test_setup(foreign_sources_switch_vlan_anti_spoof_off_first, setup),
		cmocka_unit_test_setup(a_small_rate_is_no_missing_limit, setup),
		cmocka_unit_test_setup(only_the_difference_travels, setup),
		cmocka_unit_test_setup(another_port_vlan_is_set_before_the_old_one_goes, setup),
		cmocka_unit_test_setup(switched_on_is_not_what_is_shut, setup),
		cmocka_unit_test_setup(drop_enable_loopback_and_no_flow_control, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
