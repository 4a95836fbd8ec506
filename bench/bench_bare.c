/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The limit: rx_burst, tx_burst and nothing else, between two ports, on one lcore. And, for tuning
 * without the rest of vfplane, the same ports under vfplane's worker.
 *
 *	bench_bare EAL-ARGS -- bare|worker SECONDS [io|mac|macswap] [BURST] [nolatency]
 *
 * Prints one line of JSON: packets sent, exact seconds, Mpps.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "dp_stats.h"
#include "dp_worker.h"
#include "vfp_out.h"
#include "vfp_parse.h"

#define RING 512
#define MBUFS 16383

struct bare {
	uint16_t burst;
	bool stop;
	uint64_t tx;
};

struct options {
	bool worker, no_latency;
	uint64_t run_ns;
	unsigned int mode;
	uint16_t burst;
};

static int
port_up(uint16_t port, struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = {0};
	int rc = rte_eth_dev_configure(port, 1, 1, &conf);

	if (rc == 0)
		rc = rte_eth_rx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL, pool);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL);
	if (rc == 0)
		rc = rte_eth_dev_start(port);
	return rc;
}

/* Both directions, as testpmd's paired topology does. */
static int
bare_loop(void *arg)
{
	struct bare *b = arg;
	struct rte_mbuf *pkts[DP_MAX_BURST];
	const uint16_t burst = b->burst;
	uint64_t tx = 0;

	while (!__atomic_load_n(&b->stop, __ATOMIC_RELAXED)) {
		for (uint16_t port = 0; port < 2; port++) {
			const uint16_t n = rte_eth_rx_burst(port, 0, pkts, burst);
			uint16_t sent;

			if (n == 0)
				continue;
			sent = rte_eth_tx_burst(port ^ 1, 0, pkts, n);
			tx += sent;
			if (sent < n)
				rte_pktmbuf_free_bulk(pkts + sent, n - sent);
		}
	}
	b->tx = tx;
	return 0;
}

static uint64_t
wait_ticks(uint64_t ns)
{
	const uint64_t from = rte_rdtsc();

	rte_delay_us_sleep((unsigned int)(ns / 1000));
	return rte_rdtsc() - from;
}

static int
run_bare(const struct options *o, uint64_t *packets, uint64_t *ticks)
{
	struct bare b = {.burst = o->burst};
	const unsigned int lcore = rte_get_next_lcore(-1, 1, 0);
	const uint64_t from = rte_rdtsc();

	if (lcore >= RTE_MAX_LCORE || rte_eal_remote_launch(bare_loop, &b, lcore) != 0)
		return -EBUSY;
	wait_ticks(o->run_ns);
	__atomic_store_n(&b.stop, true, __ATOMIC_RELAXED);
	rte_eal_wait_lcore(lcore);
	*ticks = rte_rdtsc() - from;
	*packets = b.tx;
	return 0;
}

static int
make_plan(const struct options *o, struct dp_plan **plan, struct vfp_err *err)
{
	struct dp_spec *spec = calloc(1, sizeof(*spec));
	int rc;

	if (spec == NULL)
		return -ENOMEM;
	spec->n_ports = 2;
	for (uint16_t p = 0; p < 2; p++) {
		struct rte_ether_addr mac;

		snprintf(spec->ports[p].name, DP_NAME, "port%u", p);
		spec->ports[p].port_id = p;
		spec->ports[p].nb_rxq = spec->ports[p].nb_txq = 1;
		rte_eth_macaddr_get(p, &mac);
		memcpy(spec->ports[p].mac, mac.addr_bytes, 6);
		spec->ports[p].peer[0] = 2;
		spec->ports[p].peer[5] = (uint8_t)p;
	}
	spec->burst = o->burst;
	spec->n_lcores = 1;
	spec->lcores[0].id = rte_get_next_lcore(-1, 1, 0);
	dp_spec_pairs(spec, o->mode);
	rc = dp_plan_make(spec, plan, err);
	free(spec);
	return rc;
}

static int
run_worker(const struct options *o, uint64_t *packets, uint64_t *ticks, struct vfp_err *err)
{
	struct dp_plan *plan = NULL;
	struct dp_stats *stats = NULL;
	struct dp_conf conf;
	struct dp *dp = NULL;
	uint64_t from;
	int rc;

	dp_conf_default(&conf);
	conf.no_latency = o->no_latency;
	rc = dp_create(&conf, &dp, err);
	if (rc == 0)
		rc = make_plan(o, &plan, err);
	if (rc == 0) {
		rc = dp_publish(dp, plan, err);
		if (rc != 0)
			dp_plan_free(plan);
	}
	from = rte_rdtsc();
	if (rc == 0)
		rc = dp_start(dp, err);
	if (rc == 0) {
		wait_ticks(o->run_ns);
		dp_stop(dp);
		*ticks = rte_rdtsc() - from;
		rc = dp_stats_take(dp, &stats);
	}
	if (rc == 0)
		*packets = stats->totals.tx;
	dp_stats_free(stats);
	dp_free(dp);
	return rc;
}

static int
parse(int argc, char **argv, struct options *o, struct vfp_err *err)
{
	static const char *const engines[] = {"bare", "worker"};
	unsigned int engine;
	int rc;

	if (argc < 3 || argc > 6)
		return vfp_err_set(err, -EINVAL,
			"bench_bare EAL-ARGS -- bare|worker SECONDS [io|mac|macswap] [BURST] "
			"[nolatency]");
	rc = vfp_parse_choice(argv[1], "engine", engines, 2, &engine, err);
	if (rc == 0)
		rc = vfp_parse_duration(argv[2], "SECONDS", 1000000, UINT64_C(600000000000),
			&o->run_ns, err);
	if (rc == 0 && argc > 3)
		rc = vfp_parse_choice(argv[3], "mode", dp_mode_names, 3, &o->mode, err);
	if (rc == 0 && argc > 4)
		rc = vfp_parse_u16(argv[4], "BURST", 1, DP_MAX_BURST, &o->burst, err);
	if (rc == 0 && argc > 5)
		o->no_latency = strcmp(argv[5], "nolatency") == 0;
	o->worker = engine == 1;
	return rc;
}

static int
report(uint64_t packets, uint64_t ticks)
{
	struct vfp_out *out = vfp_out_new(VFP_JSON, stdout);
	const double s = (double)ticks / (double)rte_get_tsc_hz();

	vfp_out_u64(out, "packets", packets, VFP_COUNT);
	vfp_out_double(out, "seconds", s, VFP_SECONDS);
	vfp_out_double(out, "mpps", (double)packets / s / 1e6, VFP_PLAIN);
	return vfp_out_end(out);
}

int
main(int argc, char **argv)
{
	struct options o = {.burst = 32};
	struct vfp_err err = {.text = ""};
	struct rte_mempool *pool;
	uint64_t packets = 0, ticks = 1;
	int used = rte_eal_init(argc, argv), rc;

	if (used < 0)
		return VFP_EXIT_USAGE;
	rc = parse(argc - used, argv + used, &o, &err);
	if (rc != 0) {
		fprintf(stderr, "%s\n", err.text);
		rte_eal_cleanup();
		return VFP_EXIT_USAGE;
	}
	pool = rte_pktmbuf_pool_create("bench", MBUFS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
		SOCKET_ID_ANY);
	rc = pool == NULL || rte_eth_dev_count_avail() < 2 ? -ENODEV : 0;
	for (uint16_t p = 0; rc == 0 && p < 2; p++)
		rc = port_up(p, pool);
	if (rc == 0)
		rc = o.worker ? run_worker(&o, &packets, &ticks, &err)
			      : run_bare(&o, &packets, &ticks);
	if (rc == 0)
		rc = report(packets, ticks);
	else
		fprintf(stderr, "bench_bare: %s %s\n", strerror(-rc), err.text);
	rte_eal_cleanup();
	return rc == 0 ? VFP_EXIT_OK : VFP_EXIT_DEVICE;
}
