/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_pdump.h>
#include <rte_version.h>

#include <bsd/string.h>

#include <vfp_parse.h>

#include "balance.h"
#include "bringup.h"
#include "fault.h"
#include "lcores.h"
#include "logs.h"
#include "pci.h"
#include "ports.h"
#include "removal.h"
#include "rss.h"
#include "token.h"

/* An allow-list that matches nothing keeps EAL from probing any PCI device by itself. */
#define NOTHING    "ffff:ff:1f.7"

void
app_step(struct app *app, bool ok, const char *fmt, ...)
{
	uint64_t now = rte_get_timer_cycles(), hz = rte_get_timer_hz();
	struct step *s = &app->steps[app->n_steps];
	char point[16];
	va_list ap;

	if (app->n_steps == APP_MAX_STEPS)
		return;
	/* Before EAL is up there is no clock; those steps count as time 0. */
	if (!app->t0 || !hz) {
		app->t0 = app->t_step = now;
		hz = hz ? hz : 1;
	}
	s->at_us = (now - app->t0) * 1000000 / hz;
	s->took_us = (now - app->t_step) * 1000000 / hz;
	s->ok = ok;
	app->t_step = now;
	va_start(ap, fmt);
	vsnprintf(s->text, sizeof(s->text), fmt, ap);
	va_end(ap);
	app->n_steps++;
	fprintf(app->say, "%2u. %7.3f s  %s%s\n", app->n_steps, s->at_us / 1e6,
		ok ? "" : "FAILED: ", s->text);
	fflush(app->say);
	snprintf(point, sizeof(point), "step-%u", app->n_steps);
	fault_point(point);
}

/* About what a run takes besides its packet buffers: rings, DPDK's own tables. */
#define OVERHEAD_MB 64

static unsigned long
buffers_mb(uint32_t n, unsigned long size)
{
	const unsigned long each = sizeof(struct rte_mbuf) + size + 128;

	return n * each >> 20;
}

static bool
hugetlbfs_is_mounted(void)
{
	FILE *mounts = setmntent("/proc/mounts", "re");
	const struct mntent *m = NULL;

	while (mounts && (m = getmntent(mounts)) && strcmp(m->mnt_type, "hugetlbfs") != 0)
		;
	if (mounts)
		endmntent(mounts);
	return m != NULL;
}

static void
hugepages_hint(struct app *app, char *hint, size_t len)
{
	const bool mounted = hugetlbfs_is_mounted();
	unsigned long free_pages = 0, kb = 0, need, has;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "HugePages_Free: %lu", &free_pages);
		sscanf(line, "Hugepagesize: %lu", &kb);
	}
	if (f)
		fclose(f);
	for (uint16_t i = 0; i < app->n_ports; i++)
		port_plan_queues(app, &app->ports[i]);
	need = OVERHEAD_MB + buffers_mb(ports_mbufs(app), ports_mbuf_size(app));
	has = free_pages * kb / 1024;
	snprintf(hint, len,
		"needs about %lu MB of hugepages, has %lu MB free: %s%s%s, or run with --no-huge -m %lu",
		need, has, has < need ? "reserve more" : mounted ? "enough" : "",
		has < need && !mounted ? ", " : "",
		mounted ? "" : "mount -t hugetlbfs none /dev/hugepages", 2 * need);
}

/* The PF whose token we need: our own, or that of a VF whose PF another process has by vfio-pci. */
static bool
token_owner(const struct app *app, char pf[16])
{
	char driver[64];
	unsigned int n;

	if (app->n_pfs > 0)
		return strlcpy(pf, app->pf[0].bdf, 16) > 0;
	for (uint16_t i = 0; i < app->n_ports; i++) {
		if (app->ports[i].role != PORT_VF || pci_pf_of(app->ports[i].pci, pf, &n) < 0)
			continue;
		pci_driver(pf, driver, sizeof(driver));
		if (strcmp(driver, "vfio-pci") == 0)
			return true;
	}
	return false;
}

static int
eal_arguments(struct app *app, struct vfp_err *err)
{
	struct args *a = &app->args;
	char token[TOKEN_LEN], pf[16];
	struct vfp_err why = {0};
	int ret = 0;

	if (args_eal_append(a, "-a") < 0 || args_eal_append(a, NOTHING) < 0)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	/* With nothing probed EAL would choose by chance; VA needs no root and no page tables. */
	if (!a->eal_iova_mode)
		ret = args_eal_append(a, "--iova-mode=va");
	if (ret < 0 || a->eal_vf_token || !token_owner(app, pf))
		return ret < 0 ? vfp_err_set(err, ret, "out of memory") : 0;
	/* Only the owner of the PF makes one; without it a kernel keeps strangers from its VFs. */
	ret = app->n_pfs > 0 ? token_get(pf, token, &why) : token_read(pf, token, &why);
	if (ret == -ENOENT)
		return 0;
	if (ret == -EINVAL)
		return vfp_err_set(err, ret, "VF token: %s", why.text);
	if (ret < 0)
		fprintf(stderr, "vfplane: the VF token %s: %s\n",
			app->n_pfs > 0 ? "is good for this run only" : "could not be read",
			why.text[0] ? why.text : strerror(-ret));
	if (ret < 0 && app->n_pfs == 0)
		return 0;
	ret = args_eal_append(a, "--vfio-vf-token=%s", token);
	return ret < 0 ? vfp_err_set(err, ret, "out of memory") : 0;
}

static int
start_eal(struct app *app, struct vfp_err *err)
{
	char **argv, hint[160] = "";
	int ret = eal_arguments(app, err);

	if (ret < 0)
		return ret;
	/* EAL permutes its argv and keeps pointers into it: ours stays for args_free(). */
	argv = calloc(app->args.eal_argc + 1, sizeof(*argv));
	if (!argv)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	for (int i = 0; i < app->args.eal_argc; i++)
		argv[i] = (char *)(uintptr_t)app->args.eal_argv[i];
	fault_point("eal");
	ret = rte_eal_init(app->args.eal_argc, argv);
	free(argv);
	if (ret < 0) {
		app->usage_error = rte_errno == EINVAL; /* an argument that EAL does not know */
		if (rte_errno == ENOMEM || rte_errno == EACCES || rte_errno == ENODEV)
			hugepages_hint(app, hint, sizeof(hint));
		/* Some of its failures set no error number. */
		return vfp_err_set(err, rte_errno ? -rte_errno : -EIO,
			"EAL did not start%s%s; see its messages above%s%s", rte_errno ? ": " : "",
			rte_errno ? rte_strerror(rte_errno) : "", hint[0] ? "; " : "", hint);
	}
	app->eal_up = true;
	if (logs_limit() < 0)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	app->t0 = app->t_step = rte_get_timer_cycles();
	app_step(app, true, "%s is up, IOVA as %s, no device probed", rte_version(),
		rte_eal_iova_mode() == RTE_IOVA_VA ? "virtual addresses" : "physical addresses");
	/* dpdk-dumpcap finds the ports by it. It costs nothing until somebody captures; a process
	 * without shared memory (--no-huge, --in-memory) does without. */
	if (rte_pdump_init() < 0)
		app_step(app, false, "no packet capture: %s", rte_strerror(rte_errno));
	return 0;
}

static int
find_workers(struct app *app, struct vfp_err *err)
{
	unsigned int lcore;

	RTE_LCORE_FOREACH_WORKER (lcore)
		if (app->n_workers < DP_MAX_LCORES)
			app->workers[app->n_workers++] = lcore;
	if (app->n_workers == 0)
		return vfp_err_set(err, -EINVAL,
			"one lcore is not enough: one is for control, at least one more polls; -l "
			"0-1");
	return 0;
}

static int
check_port_sections(struct app *app, struct vfp_err *err)
{
	for (uint32_t i = 0; i < app->cfg.n_port; i++) {
		const struct cfg_port *sec = &app->cfg.port[i];
		const struct port *p = app_port(app, sec->name);
		const struct pf_dev *pf = p ? app_pf_of(app, p) : NULL;

		if (!p)
			return vfp_err_set(err, -ENODEV, "%s:%d: there is no port %s",
				app->cfg.file, sec->line, sec->name);
		if (sec->queues && port_has_layout(app, p))
			return vfp_err_set(err, -EINVAL,
				"%s:%d: port %s: with %s its queues follow from %s", app->cfg.file,
				sec->line, sec->name, pf->n_vfs > 0 ? "VFs" : "pools of its own",
				pf->n_vfs > 0 ? "queues_per_pool of its pf section" : "them");
	}
	return 0;
}

static int
make_pool(struct app *app, struct vfp_err *err)
{
	struct rte_malloc_socket_stats st = {0};
	uint32_t n;

	for (uint16_t i = 0; i < app->n_ports; i++)
		port_plan_queues(app, &app->ports[i]);
	n = ports_mbufs(app);
	if (app->cfg.datapath.mbufs) {
		if (app->cfg.datapath.mbufs < n)
			return vfp_err_set(err, -ERANGE,
				"%s:%d: datapath: mbufs = %u; the rings, caches and bursts of this "
				"configuration need at least %u",
				app->cfg.file, app->cfg.datapath.line, app->cfg.datapath.mbufs, n);
		n = app->cfg.datapath.mbufs;
	}
	app->pool = rte_pktmbuf_pool_create("vfplane", n, ports_mbuf_cache(app), 0,
		ports_mbuf_size(app), rte_socket_id());
	if (!app->pool) {
		rte_malloc_get_socket_stats(rte_socket_id(), &st);
		return vfp_err_set(err, -rte_errno,
			"packet buffers: needs %u (about %lu MB), has %zu MB of free DPDK memory: "
			"give more "
			"by -m or hugepages, or use fewer ports or queues",
			n, buffers_mb(n, ports_mbuf_size(app)), (size_t)st.heap_freesz_bytes >> 20);
	}
	app->n_mbufs = n;
	app_step(app, true, "%u packet buffers for %u ports", n, app->n_ports);
	return 0;
}

static int
on_vf_reset(uint16_t port_id, enum rte_eth_event_type type, void *arg, void *ret_param)
{
	struct port *p = app_port_by_id(arg, port_id);

	(void)type;
	(void)ret_param;
	/* On the interrupt thread, where no VF operation may run: only tell the control thread. */
	if (p)
		atomic_store(&p->reset_wanted, true);
	return 0;
}

/* VFs are ruled through rte_pmd_ixgbe: another PMD would refuse each call with ENOTSUP. */
static int
check_pmd(const struct pf_dev *pf, const struct port *p, struct vfp_err *err)
{
	struct rte_eth_dev_info info;

	if (pf->n_vfs == 0 || rte_eth_dev_info_get(p->port_id, &info) < 0 ||
		strcmp(info.driver_name, "net_ixgbe") == 0)
		return 0;
	return vfp_err_set(err, -ENOTSUP,
		"%s: %s cannot rule VFs, as net_ixgbe can; leave the PF to the kernel and poll VFs "
		"only: scripts/bind_vfio.sh pf %s --vfs %u --kernel-pf",
		p->name, info.driver_name, p->pci, pf->n_vfs);
}

static int
up_pf(struct app *app, struct pf_dev *pf, struct vfp_err *err)
{
	struct port *p = app_port(app, "");
	char name[CFG_NAME];
	int ret;

	snprintf(name, sizeof(name), "pf%u", pf->index);
	p = pf->port = app_port(app, name);
	ret = sriov_pf_new(&pf->conf, &pf->pf, err);
	if (ret == 0)
		ret = sriov_pf_arm(pf->pf, err);
	if (ret < 0)
		return ret;
	app_step(app, true, "%s: policy armed for %u VFs, before the PF is probed", p->name,
		pf->n_vfs);
	ret = port_probe(app, p, err);
	if (ret < 0)
		return ret;
	ret = check_pmd(pf, p, err);
	if (ret < 0)
		return ret;
	sriov_pf_bind(pf->pf, p->port_id);
	app_step(app, true, "%s: %s probed%s", p->name, p->pci,
		p->software ? ", a software 82599" : "");
	if (pf->n_vfs > 0) {
		ret = sriov_pf_assign_macs(pf->pf, err);
		if (ret < 0)
			return ret;
		app_step(app, true, "%s: MAC addresses of %u VFs assigned", p->name, pf->n_vfs);
	}
	ret = port_up(app, p, err);
	if (ret < 0)
		return ret;
	if (pf->layout.vmdq_pools > 0)
		app_step(app, true, "%s: started, %u pools of its own by MAC and VLAN, without RSS",
			p->name, pf->layout.vmdq_pools);
	else
		app_step(app, true, "%s: started, %u pools x %u queues, RSS over %u queues", p->name,
			pf->layout.pools ? pf->layout.pools : 1, pf->layout.queues_per_pool,
			p->nb_rxq);
	ret = sriov_pf_apply(pf->pf, err);
	if (ret < 0)
		return vfp_err_prefix(err, ret, "%s", p->name);
	app_step(app, true, "%s: drop-enable, anti-spoof, loopback on; flow control off", p->name);
	return 0;
}

static int
up_vf(struct app *app, struct port *p, struct vfp_err *err)
{
	const struct pf_dev *pf = app_pf_of(app, p);
	struct sriov_counts c = {0};
	char mac[VFP_MAC_TEXT];
	int ret = port_probe(app, p, err);

	if (ret == 0)
		ret = port_up(app, p, err);
	if (ret < 0)
		return ret;
	vfp_mac_text(p->mac, mac);
	if (pf && pf->pf && sriov_pf_counts(pf->pf, p->vf, &c) == 0)
		app_step(app, true,
			"%s: %s up, %s, API %s, %u queues%s%s", p->name, p->pci, mac,
			sriov_mbox_api(c.state.api), p->nb_rxq, p->limited[0] ? ", " : "",
			p->limited);
	else
		app_step(app, true, "%s: %s up, %s, %u queues from a PF that is not ours", p->name,
			p->pci, mac, p->nb_rxq);
	return 0;
}

static int
up_vdev(struct app *app, struct port *p, struct vfp_err *err)
{
	int ret = port_up(app, p, err);

	if (ret == 0)
		app_step(app, true, "%s: up, %u queues", p->name, p->nb_rxq);
	return ret;
}

static int
up_ports(struct app *app, struct vfp_err *err)
{
	int ret = 0;

	for (uint16_t i = 0; ret == 0 && i < app->n_pfs && !app_signal; i++)
		ret = up_pf(app, &app->pf[i], err);
	for (uint16_t i = 0; ret == 0 && i < app->n_ports && !app_signal; i++) {
		if (app->ports[i].role == PORT_VF)
			ret = up_vf(app, &app->ports[i], err);
		else if (app->ports[i].role == PORT_VDEV)
			ret = up_vdev(app, &app->ports[i], err);
	}
	return ret;
}

/* The next hop of what leaves a port; testpmd's default where nothing is configured. */
static void
set_peers(struct app *app)
{
	for (uint16_t i = 0; i < app->n_ports; i++) {
		struct port *p = &app->ports[i];
		const struct cfg_vf_sec *sec = NULL;
		const uint8_t fallback[6] = {0x02, 0, 0, 0, 0, (uint8_t)i};
		struct port *peer;

		memcpy(p->peer, fallback, sizeof(p->peer));
		for (uint32_t v = 0; v < app->cfg.n_vf; v++)
			if (strcmp(app->cfg.vf[v].name, p->name) == 0)
				sec = &app->cfg.vf[v];
		if (!sec)
			continue;
		peer = sec->peer[0] ? app_port(app, sec->peer) : NULL;
		if (sec->has_peer_mac)
			memcpy(p->peer, sec->peer_mac, sizeof(p->peer));
		else if (peer)
			memcpy(p->peer, peer->mac, sizeof(p->peer));
		else if (sec->peer[0])
			for (uint16_t k = 0; k < app->n_pfs; k++)
				for (uint16_t v = 0; v < app->pf[k].n_vfs; v++) {
					char name[CFG_NAME];

					/* A tenant's VF is no port of ours; its address is known.
					 */
					config_vf_name(&app->cfg, app->pf[k].index, v, name);
					if (strcmp(name, sec->peer) == 0)
						memcpy(p->peer, app->pf[k].conf.vf[v].mac, 6);
				}
	}
}

int
bringup(struct app *app, struct vfp_err *err)
{
	uint16_t port_id;
	int ret = start_eal(app, err);

	if (ret == 0)
		ret = find_workers(app, err);
	if (ret < 0)
		return ret;
	RTE_ETH_FOREACH_DEV (port_id)
		port_adopt(app, port_id);
	if (app->n_ports == 0)
		return vfp_err_set(err, -ENODEV,
			"no ports: name devices by -a or in a configuration, or "
			"try --vdev=net_null0 --vdev=net_null1");
	ret = check_port_sections(app, err);
	if (ret == 0)
		ret = make_pool(app, err);
	if (ret == 0)
		ret = rte_eth_dev_callback_register(
			RTE_ETH_ALL, RTE_ETH_EVENT_INTR_RESET, on_vf_reset, app);
	if (ret == 0)
		ret = removal_watch(app);
	if (ret == 0)
		ret = up_ports(app, err);
	if (ret < 0 || app_signal)
		return ret;
	set_peers(app);
	ret = lcores_plan(app, app->fwd_mode, err);
	if (ret == 0)
		ret = rss_soft_tables(app, err);
	return ret < 0 ? ret : balance_begin(app, err);
}

static void
close_port(struct app *app, struct port *p)
{
	char point[CFG_NAME + 8];

	snprintf(point, sizeof(point), "close-%s", p->name);
	fault_point(point);
	port_down(app, p);
}

void
bringup_undo(struct app *app)
{
	if (!app->eal_up)
		return;
	fault_point("undo");
	removal_unwatch(app);
	lcores_free(app);
	/* VFs first: their stop and close want an answer from a PF that still listens. */
	for (int role = PORT_VDEV; role >= PORT_PF; role--)
		for (uint16_t i = 0; i < app->n_ports; i++)
			if ((int)app->ports[i].role == role)
				close_port(app, &app->ports[i]);
	for (uint16_t i = 0; i < app->n_pfs; i++) {
		sriov_pf_free(app->pf[i].pf);
		app->pf[i].pf = NULL;
	}
	rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_INTR_RESET, on_vf_reset, app);
	rte_mempool_free(app->pool);
	app->pool = NULL;
	rte_pdump_uninit();
	fault_point("cleanup");
	rte_eal_cleanup();
	logs_end();
	app->eal_up = false;
}
