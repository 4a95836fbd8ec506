/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_log.h>

#include "dp_internal.h"

RTE_LOG_REGISTER(dp_logtype, vfplane.datapath, INFO);

#define LOG(level, ...) rte_log(RTE_LOG_##level, dp_logtype, __VA_ARGS__)

#define MEET_TIMEOUT_S 1
#define DRAIN_POLLS 64
#define DRAIN_QUIET_US 1000
#define DRAIN_LOOK_US 100

void
dp_conf_default(struct dp_conf *conf)
{
	*conf = (struct dp_conf){.tx_retries = 64, .grain_ns = 1000};
}

int
dp_create(const struct dp_conf *conf, struct dp **out, struct vfp_err *err)
{
	struct dp *dp = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*dp));

	if (dp == NULL)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	memset(dp, 0, sizeof(*dp));
	dp->scratch = malloc(sizeof(*dp->scratch));
	if (dp->scratch == NULL) {
		free(dp);
		return vfp_err_set(err, -ENOMEM, "out of memory");
	}
	dp_conf_default(&dp->conf);
	if (conf != NULL)
		dp->conf = *conf;
	pthread_mutex_init(&dp->lock, NULL);
	*out = dp;
	return 0;
}

static void
free_rule(struct dp_rule_state *r)
{
	for (unsigned int w = 0; w < DP_MAX_LCORES; w++)
		lat_recorder_free(r->rec[w]);
	for (unsigned int k = 0; k < LAT_LIVE_KINDS; k++)
		free(r->view[k]);
	dp_sources_free(r);
	free(r);
}

void
dp_free(struct dp *dp)
{
	if (dp == NULL)
		return;
	dp_stop(dp);
	dp_runtime_free(dp->rt, true);
	for (uint16_t i = 0; i < dp->n_workers; i++)
		free(dp->workers[i]);
	for (uint16_t i = 0; i < dp->n_rules; i++)
		free_rule(dp->rules[i]);
	free(dp->rules);
	free(dp->queues);
	free(dp->scratch);
	pthread_mutex_destroy(&dp->lock);
	free(dp);
}

int
dp_begin_meeting(struct dp *dp)
{
	const uint32_t gen = dp->gen + 1;
	const uint64_t until = rte_rdtsc() + MEET_TIMEOUT_S * rte_get_tsc_hz();

	dp->gen = gen;
	for (uint16_t i = 0; i < dp->n_workers; i++)
		__atomic_store_n(&dp->workers[i]->gen, gen, __ATOMIC_RELEASE);
	for (uint16_t i = 0; i < dp->n_workers; i++) {
		if (!dp->workers[i]->launched)
			continue;
		while (__atomic_load_n(&dp->workers[i]->ack, __ATOMIC_ACQUIRE) != gen) {
			/* A worker may share this very core. */
			sched_yield();
			if (rte_rdtsc() > until)
				return -ETIMEDOUT;
		}
	}
	return 0;
}

void
dp_end_meeting(struct dp *dp)
{
	__atomic_store_n(&dp->go, dp->gen, __ATOMIC_RELEASE);
}

/* Start what the runtime needs and does not run yet. The new workers wait for the next meeting. */
static int
launch_missing(struct dp *dp, const struct dp_runtime *rt, struct vfp_err *err)
{
	for (uint16_t l = 0; l < rt->plan->n_lcores; l++) {
		const uint32_t id = rt->plan->lcores[l].id;
		struct dp_worker *w = dp_worker_of(dp, id);

		if (rt->plan->lcores[l].n == 0 || w->launched)
			continue;
		if (id >= RTE_MAX_LCORE || !rte_lcore_is_enabled(id) ||
			id == rte_get_main_lcore())
			return vfp_err_set(err, -EBUSY,
				"lcore %u is %s; EAL's -l names the lcores, and the first one keeps to "
				"control",
				id, id == rte_get_main_lcore() ? "the main lcore" : "not EAL's");
		if (rte_eal_get_lcore_state(id) != WAIT)
			return vfp_err_set(err, -EBUSY, "lcore %u is busy with something else", id);
		/* Before the launch: it must look at every meeting from now on. */
		w->gen = w->ack = dp->gen;
		w->launched = true;
		if (rte_eal_remote_launch(dp_worker_main, w, id) != 0) {
			w->launched = false;
			return vfp_err_set(err, -EBUSY, "lcore %u could not be launched", id);
		}
	}
	return 0;
}

/* Replace the runtime, running or not. The old one is gone on success. */
static int
swap_runtime(struct dp *dp, struct dp_runtime *next, struct vfp_err *err)
{
	struct dp_runtime *old = dp->rt;
	int rc;

	if (dp->running) {
		rc = launch_missing(dp, next, err);
		if (rc != 0)
			return rc;
	}
	rc = dp_begin_meeting(dp);
	if (rc == 0) {
		dp_spread_flush(old);
		dp_runtime_retire(dp, old, next);
		dp->rt = next;
	}
	dp_end_meeting(dp);
	if (rc != 0)
		return vfp_err_set(err, rc, "a worker did not answer within %u s", MEET_TIMEOUT_S);
	if (old != NULL)
		dp_runtime_free(old, old->plan != next->plan);
	dp_sources_sweep(dp);
	return 0;
}

/* The same plan, with what dp->paused and dp->stopping say now. */
static int
rebuild(struct dp *dp, struct vfp_err *err)
{
	struct dp_runtime *next;
	int rc;

	if (dp->rt == NULL)
		return 0;
	rc = dp_runtime_new(dp, dp->rt->plan, &next);
	if (rc != 0)
		return vfp_err_set(err, rc, "out of memory");
	rc = swap_runtime(dp, next, err);
	if (rc != 0)
		dp_runtime_free(next, false);
	return rc;
}

static int
check_plan_ports(const struct dp_plan *plan, struct vfp_err *err)
{
	for (uint16_t p = 0; p < plan->n_ports; p++)
		if (!rte_eth_dev_is_valid_port(plan->ports[p].port_id))
			return vfp_err_set(err, -EINVAL, "port %s (%u) does not exist",
				plan->ports[p].name, plan->ports[p].port_id);
	return 0;
}

int
dp_publish(struct dp *dp, struct dp_plan *plan, struct vfp_err *err)
{
	struct dp_runtime *next;
	int rc = check_plan_ports(plan, err);

	if (rc == 0)
		rc = dp_sources_check(dp, plan, err);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&dp->lock);
	rc = dp_runtime_new(dp, plan, &next);
	if (rc != 0) {
		vfp_err_set(err, rc, "out of memory");
	} else {
		rc = swap_runtime(dp, next, err);
		if (rc != 0)
			dp_runtime_free(next, false);
	}
	pthread_mutex_unlock(&dp->lock);
	return rc;
}

const struct dp_plan *
dp_current_plan(struct dp *dp)
{
	return dp->rt == NULL ? NULL : dp->rt->plan;
}

static void
stop_locked(struct dp *dp)
{
	if (!dp->running)
		return;
	/* Without a time limit: a worker that does not answer must not be left behind. */
	while (dp_begin_meeting(dp) != 0) {
		LOG(WARNING, "a worker did not answer within %u s, waiting on\n", MEET_TIMEOUT_S);
		dp_end_meeting(dp);
	}
	dp->run = false;
	dp_end_meeting(dp);
	for (uint16_t i = 0; i < dp->n_workers; i++) {
		if (!dp->workers[i]->launched)
			continue;
		rte_eal_wait_lcore(dp->workers[i]->lcore);
		dp->workers[i]->launched = false;
	}
	dp_spread_flush(dp->rt);
	dp->running = false;
}

int
dp_start(struct dp *dp, struct vfp_err *err)
{
	int rc = 0;

	pthread_mutex_lock(&dp->lock);
	if (dp->rt == NULL) {
		rc = vfp_err_set(err, -EINVAL, "there is no plan to run");
	} else if (!dp->running) {
		dp->stopping = dp->quiet = false;
		if (!dp->went_first)
			dp_spread_baselines(dp);
		dp->went_first = false;
		rc = rebuild(dp, err);
		dp->run = true;
		dp->running = true;
		if (rc == 0)
			rc = launch_missing(dp, dp->rt, err);
		if (rc != 0)
			stop_locked(dp);
	}
	pthread_mutex_unlock(&dp->lock);
	return rc;
}

int
dp_stop(struct dp *dp)
{
	pthread_mutex_lock(&dp->lock);
	stop_locked(dp);
	pthread_mutex_unlock(&dp->lock);
	return 0;
}

bool
dp_running(struct dp *dp)
{
	return __atomic_load_n(&dp->running, __ATOMIC_RELAXED);
}

/* What the flows had counted when it was last looked: any more packets, and how many empty polls. */
struct look {
	uint64_t rx;
	uint64_t at;
	uint64_t empty[]; /* by flow */
};

static uint64_t
sum_rx(const struct dp *dp)
{
	uint64_t rx = 0;

	for (uint16_t e = 0; e < dp->rt->plan->n_entries; e++)
		rx += dp_load(&dp->rt->flows[e].c.rx);
	return rx;
}

static void
look_again(const struct dp *dp, struct look *k)
{
	k->at = rte_rdtsc();
	for (uint16_t e = 0; e < dp->rt->plan->n_entries; e++)
		k->empty[e] = dp_load(&dp->rt->flows[e].empty_polls);
	/* Last: what comes from here on is seen as a change. */
	k->rx = sum_rx(dp);
}

/* Since the last look nothing came for `quiet` ticks, and every queue was found empty often enough. */
static bool
is_quiet(const struct dp *dp, const struct look *k, uint64_t quiet)
{
	if (rte_rdtsc() - k->at < quiet)
		return false;
	for (uint16_t e = 0; e < dp->rt->plan->n_entries; e++)
		if (!dp->rt->flows[e].paused &&
			dp_load(&dp->rt->flows[e].empty_polls) - k->empty[e] < DRAIN_POLLS)
			return false;
	return sum_rx(dp) == k->rx;
}

/* 0, -ETIMEDOUT, -ENOMEM */
static int
wait_quiet(struct dp *dp, uint32_t timeout_ms, uint64_t quiet)
{
	const uint64_t until = rte_rdtsc() + timeout_ms * rte_get_tsc_hz() / 1000;
	struct look *k =
		malloc(sizeof(*k) + dp->rt->plan->n_entries * sizeof(k->empty[0]));
	int rc = 0;

	if (k == NULL)
		return -ENOMEM;
	/* Empty polls are counted: who sleeps makes none. */
	__atomic_store_n(&dp->awake, true, __ATOMIC_RELAXED);
	look_again(dp, k);
	while (!is_quiet(dp, k, quiet)) {
		if (rte_rdtsc() > until) {
			rc = -ETIMEDOUT;
			break;
		}
		usleep(DRAIN_LOOK_US);
		if (sum_rx(dp) != k->rx)
			look_again(dp, k);
	}
	__atomic_store_n(&dp->awake, false, __ATOMIC_RELAXED);
	free(k);
	return rc;
}

static bool
has_source(const struct dp *dp)
{
	for (uint16_t r = 0; dp->rt != NULL && r < dp->rt->plan->n_rules; r++)
		if (dp->rt->plan->rules[r].mode == DP_SOURCE)
			return true;
	return false;
}

/* Let no source make more; what is under way comes in. */
static int
sources_quiet(struct dp *dp, struct vfp_err *err)
{
	int rc = 0;

	if (dp->running && !dp->quiet && has_source(dp)) {
		dp->quiet = true;
		rc = rebuild(dp, err);
		dp->quiet = rc == 0;
	}
	return rc;
}

int
dp_sources_stop(struct dp *dp, uint32_t timeout_ms, uint32_t quiet_us, struct vfp_err *err)
{
	const uint64_t quiet =
		(quiet_us == 0 ? DRAIN_QUIET_US : quiet_us) * rte_get_tsc_hz() / 1000000;
	int rc;

	pthread_mutex_lock(&dp->lock);
	rc = sources_quiet(dp, err);
	if (rc == 0 && dp->quiet && dp->running)
		rc = wait_quiet(dp, timeout_ms, quiet);
	pthread_mutex_unlock(&dp->lock);
	return rc;
}

int
dp_drain(struct dp *dp, uint32_t timeout_ms, uint32_t quiet_us)
{
	const uint64_t quiet =
		(quiet_us == 0 ? DRAIN_QUIET_US : quiet_us) * rte_get_tsc_hz() / 1000000;
	int rc = 0;

	pthread_mutex_lock(&dp->lock);
	sources_quiet(dp, NULL);
	if (dp->running)
		rc = wait_quiet(dp, timeout_ms, quiet);
	if (rc == -ETIMEDOUT) {
		dp->stopping = true;
		rc = rebuild(dp, NULL);
		if (rc == 0)
			rc = wait_quiet(dp, timeout_ms, quiet);
		if (rc == 0)
			rc = 1;
	}
	stop_locked(dp);
	pthread_mutex_unlock(&dp->lock);
	return rc;
}

int
dp_port_pause(struct dp *dp, uint16_t port_id, bool paused, struct vfp_err *err)
{
	bool was;
	int rc;

	if (port_id >= RTE_MAX_ETHPORTS)
		return vfp_err_set(err, -ENOENT, "there is no port %u", port_id);
	pthread_mutex_lock(&dp->lock);
	was = dp->paused[port_id];
	dp->paused[port_id] = paused;
	/* It comes back from a reset, perhaps: its counters may have begun anew. */
	if (was && !paused && rte_eth_dev_is_valid_port(port_id))
		dp_spread_baseline(dp, port_id);
	rc = rebuild(dp, err);
	if (rc != 0)
		dp->paused[port_id] = was;
	pthread_mutex_unlock(&dp->lock);
	return rc;
}
