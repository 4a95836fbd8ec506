/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The limit: rx_burst, tx_burst and nothing else, between two ports, on one lcore. And, for tuning
 * without the rest of vfplane, the same ports under vfplane's worker.
 *
 *	bench_bare EAL-ARGS -- bare|worker|duel SECONDS|forever [io|mac|macswap] [BURST] [nolatency]
 *
 * forever: until standard input ends, for a watcher from outside.
 *
 * Prints JSON: packets sent, exact seconds, Mpps, and Mpps per second of processor time, which a busy
 * machine disturbs less. `duel` alternates slices of 40 ms of both, in one process on the same mbufs,
 * and prints the median of the ratios worker / bare of neighbouring slices, with the 95 % interval of
 * that median (order statistics): the finest comparison that a noisy machine allows.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* What one run gave. */
struct result {
	uint64_t packets, ticks;
	double cpu_s;
};

enum engine {
	BARE,
	WORKER,
	DUEL,
};

static const char *const engines[] = {"bare", "worker", "duel"};

struct options {
	unsigned int engine;
	bool no_latency;
	uint64_t run_ns; /* 0: until standard input ends */
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

static int
read_cpu(void *arg)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	*(double *)arg = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	return 0;
}

static unsigned int
the_lcore(void)
{
	return rte_get_next_lcore(-1, 1, 0);
}

/* The processor time of the polling thread alone: asked of itself, while it has nothing to do. */
static double
cpu_seconds(void)
{
	double s = 0;

	rte_eal_remote_launch(read_cpu, &s, the_lcore());
	rte_eal_wait_lcore(the_lcore());
	return s;
}

static void
begin(struct result *r)
{
	r->cpu_s = cpu_seconds();
	r->ticks = rte_rdtsc();
}

static void
end(struct result *r)
{
	r->ticks = rte_rdtsc() - r->ticks;
	r->cpu_s = cpu_seconds() - r->cpu_s;
}

static void
wait_end(const struct options *o)
{
	if (o->run_ns != 0)
		rte_delay_us_sleep((unsigned int)(o->run_ns / 1000));
	else
		while (getchar() != EOF)
			;
}

static int
run_bare(const struct options *o, struct result *r)
{
	struct bare b = {.burst = o->burst};

	begin(r);
	if (rte_eal_remote_launch(bare_loop, &b, the_lcore()) != 0)
		return -EBUSY;
	wait_end(o);
	__atomic_store_n(&b.stop, true, __ATOMIC_RELAXED);
	rte_eal_wait_lcore(the_lcore());
	end(r);
	r->packets = b.tx;
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
	spec->lcores[0].id = the_lcore();
	dp_spec_pairs(spec, o->mode);
	rc = dp_plan_make(spec, plan, err);
	free(spec);
	return rc;
}

/* A data path with its plan, not started. */
static int
worker_make(const struct options *o, struct dp **dp, struct vfp_err *err)
{
	struct dp_plan *plan = NULL;
	struct dp_conf conf;
	int rc;

	dp_conf_default(&conf);
	conf.no_latency = o->no_latency;
	rc = dp_create(&conf, dp, err);
	if (rc == 0)
		rc = make_plan(o, &plan, err);
	if (rc != 0)
		return rc;
	rc = dp_publish(*dp, plan, err);
	if (rc != 0)
		dp_plan_free(plan);
	return rc;
}

static int
worker_sent(struct dp *dp, uint64_t *packets)
{
	struct dp_stats *stats;
	int rc = dp_stats_take(dp, &stats);

	if (rc != 0)
		return rc;
	*packets = stats->totals.tx;
	dp_stats_free(stats);
	return 0;
}

static int
run_worker(const struct options *o, struct dp *dp, struct result *r, struct vfp_err *err)
{
	uint64_t before, after = 0;
	int rc = worker_sent(dp, &before);

	begin(r);
	if (rc == 0)
		rc = dp_start(dp, err);
	if (rc != 0)
		return rc;
	wait_end(o);
	dp_stop(dp);
	end(r);
	rc = worker_sent(dp, &after);
	r->packets = after - before;
	return rc;
}

static double
cpu_rate(const struct result *r)
{
	return (double)r->packets / r->cpu_s / 1e6;
}

static int
by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

#define SLICE_NS 40000000

/* Slices of both in turn; which one is first alternates too. */
static int
run_duel(const struct options *whole, struct dp *dp, struct vfp_err *err)
{
	struct options o = *whole;
	const unsigned int rounds = (unsigned int)(o.run_ns / SLICE_NS / 2) + 1;
	const unsigned int wide = (unsigned int)(0.98 * sqrt(rounds));
	double *ratio = calloc(rounds, sizeof(*ratio)), best[2] = {0, 0};
	struct vfp_out *out;
	int rc = ratio == NULL ? -ENOMEM : 0;

	o.run_ns = SLICE_NS;
	for (unsigned int i = 0; rc == 0 && i < rounds; i++) {
		struct result bare, worker;

		if (i % 2 == 0)
			rc = run_bare(&o, &bare);
		if (rc == 0)
			rc = run_worker(&o, dp, &worker, err);
		if (rc == 0 && i % 2 != 0)
			rc = run_bare(&o, &bare);
		if (rc == 0) {
			ratio[i] = cpu_rate(&worker) / cpu_rate(&bare);
			best[0] = RTE_MAX(best[0], cpu_rate(&bare));
			best[1] = RTE_MAX(best[1], cpu_rate(&worker));
		}
	}
	if (rc == 0) {
		const unsigned int mid = rounds / 2;

		qsort(ratio, rounds, sizeof(*ratio), by_value);
		out = vfp_out_new(VFP_JSON, stdout);
		vfp_out_u64(out, "rounds", rounds, VFP_COUNT);
		vfp_out_double(out, "ratio", ratio[mid], VFP_PLAIN);
		vfp_out_double(out, "low", ratio[mid > wide ? mid - wide : 0], VFP_PLAIN);
		vfp_out_double(out, "high", ratio[mid + wide < rounds ? mid + wide : rounds - 1],
			VFP_PLAIN);
		vfp_out_double(out, "best_bare_mpps", best[0], VFP_PLAIN);
		vfp_out_double(out, "best_worker_mpps", best[1], VFP_PLAIN);
		rc = vfp_out_end(out);
	}
	free(ratio);
	return rc;
}

static int
parse(int argc, char **argv, struct options *o, struct vfp_err *err)
{
	int rc;

	if (argc < 3 || argc > 6)
		return vfp_err_set(err, -EINVAL,
			"bench_bare EAL-ARGS -- bare|worker|duel SECONDS|forever [io|mac|macswap] [BURST] "
			"[nolatency]");
	rc = vfp_parse_choice(argv[1], "engine", engines, 3, &o->engine, err);
	if (rc == 0 && strcmp(argv[2], "forever") == 0)
		o->run_ns = 0;
	else if (rc == 0)
		rc = vfp_parse_duration(argv[2], "SECONDS", 1000000, UINT64_C(600000000000),
			&o->run_ns, err);
	if (rc == 0 && argc > 3)
		rc = vfp_parse_choice(argv[3], "mode", dp_mode_names, 3, &o->mode, err);
	if (rc == 0 && argc > 4)
		rc = vfp_parse_u16(argv[4], "BURST", 1, DP_MAX_BURST, &o->burst, err);
	if (rc == 0 && argc > 5)
		o->no_latency = strcmp(argv[5], "nolatency") == 0;
	return rc;
}

static int
report(const struct result *r)
{
	struct vfp_out *out = vfp_out_new(VFP_JSON, stdout);
	const double s = (double)r->ticks / (double)rte_get_tsc_hz();

	vfp_out_u64(out, "packets", r->packets, VFP_COUNT);
	vfp_out_double(out, "seconds", s, VFP_SECONDS);
	vfp_out_double(out, "mpps", (double)r->packets / s / 1e6, VFP_PLAIN);
	vfp_out_double(out, "cpu_mpps", cpu_rate(r), VFP_PLAIN);
	return vfp_out_end(out);
}

static int
run(const struct options *o, struct vfp_err *err)
{
	struct result result = {0};
	struct dp *dp = NULL;
	int rc = o->engine == BARE ? 0 : worker_make(o, &dp, err);

	if (rc == 0 && o->engine == DUEL) {
		rc = run_duel(o, dp, err);
	} else if (rc == 0) {
		rc = o->engine == BARE ? run_bare(o, &result) : run_worker(o, dp, &result, err);
		if (rc == 0)
			rc = report(&result);
	}
	dp_free(dp);
	return rc;
}

int
main(int argc, char **argv)
{
	struct options o = {.burst = 32};
	struct vfp_err err = {.text = ""};
	struct rte_mempool *pool;
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
	rc = pool == NULL || rte_eth_dev_count_avail() < 2 || rte_lcore_count() < 2 ? -ENODEV : 0;
	for (uint16_t p = 0; rc == 0 && p < 2; p++)
		rc = port_up(p, pool);
	if (rc == 0)
		rc = run(&o, &err);
	if (rc != 0)
		fprintf(stderr, "bench_bare: %s %s\n", strerror(-rc), err.text);
	rte_eal_cleanup();
	return rc == 0 ? VFP_EXIT_OK : VFP_EXIT_DEVICE;
}
