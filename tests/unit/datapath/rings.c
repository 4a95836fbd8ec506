/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "rings.h"

/* For busy machines; mutants, many of which end by it, ask for less. */
#define WAIT_S "60"

struct rte_mempool *pool;
struct rte_ring *rx_ring[PORTS][QUEUES], *tx_ring[PORTS][QUEUES];
uint16_t port_id[PORTS];

int
rings_main(const char *name, int (*tests)(void))
{
	char program[64], prefix[64], lcores[64];
	char *argv[] = {program, "--no-huge", "-m", "64", "--no-pci", "--no-telemetry",
		"--log-level=error", "--file-prefix", prefix, "--lcores", lcores, NULL};
	int failed;

	snprintf(program, sizeof(program), "test_%s", name);
	snprintf(prefix, sizeof(prefix), "vfp-test-%s-%d", name, (int)getpid());
	snprintf(lcores, sizeof(lcores), "0@0,1@%d,2@0", sysconf(_SC_NPROCESSORS_ONLN) > 1);
	if (rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0) {
		printf("1..0 # SKIP EAL does not come up without hugepages here\n");
		return 77;
	}
	failed = tests();
	rte_eal_cleanup();
	return failed;
}

int
rings_pool(uint16_t room)
{
	pool = rte_pktmbuf_pool_create("test", MBUFS, 0, 0, room, SOCKET_ID_ANY);
	return pool == NULL ? -1 : 0;
}

int
rings_port(unsigned int p, const char *name, struct rte_ring *rx[QUEUES], struct rte_ring *tx[QUEUES])
{
	const struct rte_eth_conf conf = {0};
	int id = rte_eth_from_rings(name, rx, QUEUES, tx, QUEUES, SOCKET_ID_ANY);

	if (id < 0 || rte_eth_dev_configure(id, QUEUES, QUEUES, &conf) != 0)
		return -1;
	port_id[p] = (uint16_t)id;
	for (unsigned int q = 0; q < QUEUES; q++) {
		rx_ring[p][q] = rx[q];
		tx_ring[p][q] = tx[q];
		if (rte_eth_rx_queue_setup(id, q, RING, SOCKET_ID_ANY, NULL, pool) != 0 ||
			rte_eth_tx_queue_setup(id, q, RING, SOCKET_ID_ANY, NULL) != 0)
			return -1;
	}
	return rte_eth_dev_start(id);
}

static int
own_port(unsigned int p, const char *name, bool loop)
{
	struct rte_ring *rx[QUEUES], *tx[QUEUES];
	char ring[RTE_RING_NAMESIZE];

	for (unsigned int q = 0; q < QUEUES; q++) {
		snprintf(ring, sizeof(ring), "%s-rx%u", name, q);
		rx[q] = rte_ring_create(ring, RING, SOCKET_ID_ANY, 0);
		snprintf(ring, sizeof(ring), "%s-tx%u", name, q);
		tx[q] = loop ? rx[q] : rte_ring_create(ring, RING, SOCKET_ID_ANY, 0);
	}
	return rings_port(p, name, rx, tx);
}

int
rings_open(uint16_t room)
{
	if (rings_pool(room) != 0 || own_port(PORT_A, "a", false) != 0 ||
		own_port(PORT_B, "b", false) != 0 || own_port(PORT_LOOP, "loop", true) != 0)
		return -1;
	return 0;
}

static void
empty(struct rte_ring *r)
{
	void *m;

	while (r != NULL && rte_ring_dequeue(r, &m) == 0)
		rte_pktmbuf_free(m);
}

int
rings_empty(void)
{
	for (unsigned int p = 0; p < PORTS; p++)
		for (unsigned int q = 0; q < QUEUES; q++) {
			empty(rx_ring[p][q]);
			empty(tx_ring[p][q]);
		}
	return rte_mempool_avail_count(pool) == MBUFS ? 0 : -1;
}

uint64_t
deadline(void)
{
	const char *seconds = getenv("TEST_WAIT_S");

	return rte_rdtsc() + strtoul(seconds != NULL ? seconds : WAIT_S, NULL, 10) * rte_get_tsc_hz();
}

struct dp_spec *
spec_for(unsigned int from, unsigned int to, enum dp_mode mode)
{
	struct dp_spec *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->n_ports = PORTS;
	for (uint16_t p = 0; p < PORTS; p++) {
		struct dp_spec_port *port = &s->ports[p];

		snprintf(port->name, sizeof(port->name), "port%u", p);
		port->port_id = port_id[p];
		port->nb_rxq = port->nb_txq = QUEUES;
		memcpy(port->mac, (uint8_t[]){2, 0xa, 0, 0, 0, (uint8_t)p}, 6);
		memcpy(port->peer, (uint8_t[]){2, 0xb, 0, 0, 0, (uint8_t)p}, 6);
	}
	s->n_rules = 1;
	strcpy(s->rules[0].name, "rule");
	s->rules[0].from = (uint16_t)from;
	s->rules[0].to = (uint16_t)to;
	s->rules[0].mode = mode;
	s->n_lcores = 1;
	s->lcores[0].id = 1;
	return s;
}

int
patient_publish(struct dp *dp, struct dp_plan *plan, struct vfp_err *err)
{
	const uint64_t until = deadline();
	int rc;

	do {
		rc = dp_publish(dp, plan, err);
	} while (rc == -ETIMEDOUT && rte_rdtsc() < until);
	return rc;
}

void
start(struct dp *dp)
{
	struct vfp_err err;

	if (dp_start(dp, &err) != 0)
		fail_msg("%s", err.text);
}

struct dp_counts
totals(struct dp *dp)
{
	struct dp_stats *s;
	struct dp_counts c;

	assert_int_equal(dp_stats_take(dp, &s), 0);
	c = s->totals;
	dp_stats_free(s);
	return c;
}

uint64_t
unaccounted(struct dp *dp)
{
	struct dp_nic_port nic[PORTS];
	struct dp_stats *s;
	struct dp_account a;

	for (uint16_t p = 0; p < PORTS; p++) {
		struct rte_eth_stats e;

		assert_int_equal(rte_eth_stats_get(port_id[p], &e), 0);
		nic[p] = (struct dp_nic_port){port_id[p], e.ipackets, e.opackets};
	}
	assert_int_equal(dp_stats_take(dp, &s), 0);
	dp_account(s, nic, PORTS, &a);
	dp_stats_free(s);
	return a.unaccounted;
}
