/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>

#include <rss_ethdev.h>

#include "balance.h"
#include "pci.h"
#include "ports.h"
#include "rss.h"
#include "rss_watch.h"

RTE_LOG_REGISTER(ports_logtype, vfplane.ports, NOTICE);

#define LOG(level, ...) rte_log(RTE_LOG_##level, ports_logtype, "PORTS: " __VA_ARGS__)

/* Fewer ports can afford deep rings; with many the buffers add up to gigabytes. */
#define DESC_FEW            512
#define DESC_MANY           256
#define MANY_PORTS          8
#define POOL_CACHE          256
#define POOL_SLACK          1024
#define FRAME_OVERHEAD      (RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + 2 * RTE_VLAN_HLEN)
#define VF_QUEUES_UNPLANNED 4

/* Highest queue id that an lcore section gives a port, plus one. */
static uint16_t
queues_named(const struct app *app, const struct port *p)
{
	uint16_t n = 0;

	for (uint32_t l = 0; l < app->cfg.n_lcore; l++)
		for (uint32_t i = 0; i < app->cfg.lcore[l].n_queues; i++)
			if (strcmp(app->cfg.lcore[l].queues[i].port, p->name) == 0 &&
				app->cfg.lcore[l].queues[i].queue >= n)
				n = app->cfg.lcore[l].queues[i].queue + 1;
	return n;
}

bool
port_has_layout(struct app *app, const struct port *p)
{
	const struct pf_dev *pf = app_pf_of(app, p);

	return p->role == PORT_PF && pf && (pf->n_vfs > 0 || pf->layout.vmdq_pools > 0);
}

void
port_plan_queues(struct app *app, struct port *p)
{
	const struct pf_dev *pf = app_pf_of(app, p);
	const struct cfg_port *sec;
	uint16_t queues = 1;

	if (p->role == PORT_VDEV)
		queues = RTE_MAX(queues_named(app, p), 1);
	else if (pf)
		queues = p->role == PORT_PF ? pf->layout.pf_queues : pf->layout.queues_per_pool;
	else
		queues = VF_QUEUES_UNPLANNED;
	sec = config_port(&app->cfg, p->name);
	if (sec && sec->queues && !port_has_layout(app, p))
		queues = pf ? RTE_MIN(sec->queues, queues) : sec->queues;
	p->nb_rxq = p->nb_txq = queues;
	p->nb_rxd = p->nb_txd = app->n_ports > MANY_PORTS ? DESC_MANY : DESC_FEW;
	if (sec && sec->rx_ring)
		p->nb_rxd = sec->rx_ring;
	if (sec && sec->tx_ring)
		p->nb_txd = sec->tx_ring;
}

uint16_t
ports_burst(const struct app *app)
{
	return app->cfg.datapath.burst ? app->cfg.datapath.burst : APP_BURST;
}

uint32_t
ports_mbuf_cache(const struct app *app)
{
	const struct cfg_datapath *d = &app->cfg.datapath;

	return d->has_mbuf_cache ? d->mbuf_cache : POOL_CACHE;
}

uint16_t
ports_mbuf_size(const struct app *app)
{
	const uint32_t size = app->cfg.datapath.mbuf_size;

	return RTE_PKTMBUF_HEADROOM + (size ? size : RTE_MBUF_DEFAULT_DATAROOM);
}

uint32_t
ports_mbufs(const struct app *app)
{
	uint32_t n = POOL_SLACK;

	for (uint16_t i = 0; i < app->n_ports; i++) {
		const struct port *p = &app->ports[i];

		n += p->nb_rxq * p->nb_rxd + p->nb_txq * p->nb_txd;
	}
	/* A cache may hold one and a half times its size. */
	return n + (app->n_workers + 1) * (ports_mbuf_cache(app) * 3 / 2 + 2 * ports_burst(app));
}

int
port_probe(struct app *app, struct port *p, struct vfp_err *err)
{
	char devargs[160], driver[64];
	int ret;

	snprintf(devargs, sizeof(devargs), "%s%s%s", p->pci, p->devargs[0] ? "," : "", p->devargs);
	if (!pci_exists(p->pci))
		return vfp_err_set(err, -ENODEV, "%s: there is no PCI device %s", p->name, p->pci);
	ret = rte_dev_probe(devargs);
	if (ret == 0)
		ret = rte_eth_dev_get_port_by_name(p->pci, &p->port_id);
	if (ret < 0) {
		pci_driver(p->pci, driver, sizeof(driver));
		return vfp_err_set(err, ret,
			"%s: %s could not be probed (%s) on driver %s; DPDK's messages above say "
			"more, and: scripts/bind_vfio.sh status %s",
			p->name, devargs, strerror(-ret), driver[0] ? driver : "none", p->pci);
	}
	p->probed = true;
	p->known_source = pci_is_software(p->pci) >= 0;
	p->software = pci_is_software(p->pci) > 0;
	(void)app;
	return 0;
}

void
port_adopt(struct app *app, uint16_t port_id)
{
	struct port *p = &app->ports[app->n_ports];

	if (app->n_ports == APP_MAX_PORTS)
		return;
	memset(p, 0, sizeof(*p));
	p->role = PORT_VDEV;
	p->port_id = port_id;
	p->probed = true;
	if (rte_eth_dev_get_name_by_port(port_id, p->name) != 0)
		snprintf(p->name, sizeof(p->name), "port%u", port_id);
	app->n_ports++;
}

static int
check_ring(const struct app *app, const struct cfg_port *sec, const char *what, uint32_t n,
	const struct rte_eth_desc_lim *lim, struct vfp_err *err)
{
	/* Drivers without rings say 0. */
	const uint16_t max = lim->nb_max ? lim->nb_max : UINT16_MAX;
	const uint16_t align = lim->nb_align ? lim->nb_align : 1;

	if (n == 0 || (n >= lim->nb_min && n <= max && n % align == 0))
		return 0;
	return vfp_err_set(err, -ERANGE,
		"%s:%d: port %s: %s = %u; allowed: %u to %u in steps of %u", app->cfg.file,
		sec->line, sec->name, what, n, lim->nb_min, max, align);
}

/* What the user asked for by number is kept to, or refused with what is allowed: never clipped. */
static int
check_section(const struct app *app, const struct port *p, const struct rte_eth_dev_info *info,
	struct vfp_err *err)
{
	const struct cfg_port *sec = config_port(&app->cfg, p->name);
	const uint16_t most = RTE_MIN(info->max_rx_queues, info->max_tx_queues);
	const uint32_t room = ports_mbuf_size(app) - RTE_PKTMBUF_HEADROOM;
	int ret;

	if (!sec)
		return 0;
	if (sec->queues > p->nb_rxq || sec->queues > p->nb_txq)
		return vfp_err_set(err, -ERANGE, "%s:%d: port %s: queues = %u; allowed: 1 to %u",
			app->cfg.file, sec->line, sec->name, sec->queues,
			RTE_MIN(most, p->nb_rxq));
	ret = check_ring(app, sec, "rx_ring", sec->rx_ring, &info->rx_desc_lim, err);
	if (ret == 0)
		ret = check_ring(app, sec, "tx_ring", sec->tx_ring, &info->tx_desc_lim, err);
	if (ret < 0 || !sec->mtu)
		return ret;
	if (sec->mtu < info->min_mtu || sec->mtu > info->max_mtu)
		return vfp_err_set(err, -ERANGE, "%s:%d: port %s: mtu = %u; allowed: %u to %u",
			app->cfg.file, sec->line, sec->name, sec->mtu, info->min_mtu,
			info->max_mtu);
	/* Two tags and the FCS: a frame stays in one buffer. */
	if (sec->mtu + FRAME_OVERHEAD > room)
		return vfp_err_set(err, -ERANGE,
			"%s:%d: port %s: mtu = %u needs mbuf_size = %u or more in datapath, it is %u",
			app->cfg.file, sec->line, sec->name, sec->mtu, sec->mtu + FRAME_OVERHEAD,
			room);
	return 0;
}

/* Clip the plan to what the device offers, and say so where it matters. */
static int
fit(struct app *app, struct port *p, const struct rte_eth_dev_info *info, struct vfp_err *err)
{
	uint16_t wanted = p->nb_rxq;
	int ret;

	snprintf(p->driver, sizeof(p->driver), "%s", info->driver_name);
	p->nb_rxq = RTE_MIN(p->nb_rxq, info->max_rx_queues);
	p->nb_txq = RTE_MIN(p->nb_txq, info->max_tx_queues);
	/* A VF spreads over a power of two only (VFPSRTYPE.RQPL). */
	if (p->role == PORT_VF && p->nb_rxq == 3)
		p->nb_rxq = 2;
	p->limited[0] = '\0';
	if (p->nb_rxq < wanted && app_pf_of(app, p))
		snprintf(p->limited, sizeof(p->limited), "granted %u of %u queues", p->nb_rxq,
			wanted);
	if (p->nb_rxq == 0 || p->nb_txq == 0)
		return vfp_err_set(err, -ENOTSUP, "%s: the device offers no queue", p->name);
	ret = check_section(app, p, info, err);
	if (ret < 0)
		return ret;
	ret = rte_eth_dev_adjust_nb_rx_tx_desc(p->port_id, &p->nb_rxd, &p->nb_txd);
	if (ret < 0)
		return vfp_err_set(err, ret, "%s: descriptors: %s", p->name, strerror(-ret));
	return 0;
}

struct setup {
	struct app *app;
	struct port *p;
	struct vfp_err *err;
};

static int
setup_queues(struct setup *s, const struct rte_eth_dev_info *info)
{
	struct port *p = s->p;
	const struct pf_dev *pf = app_pf_of(s->app, p);
	const struct cfg_port *sec = config_port(&s->app->cfg, p->name);
	struct rte_eth_rxconf rxconf = info->default_rxconf;
	struct rte_eth_txconf txconf = info->default_txconf;
	int socket = rte_eth_dev_socket_id(p->port_id);
	int ret = 0;

	/* An undrained ring of the PF must cost its own packets, not everyone's. */
	rxconf.rx_drop_en = 1;
	if (sec && sec->rx_free_thresh)
		rxconf.rx_free_thresh = sec->rx_free_thresh;
	if (sec && sec->tx_free_thresh)
		txconf.tx_free_thresh = sec->tx_free_thresh;
	rxconf.rx_deferred_start = p->role == PORT_PF && pf && pf->layout.vmdq_pools > 0;
	for (uint16_t q = 0; ret == 0 && q < p->nb_rxq; q++)
		ret = rte_eth_rx_queue_setup(
			p->port_id, q, p->nb_rxd, socket, &rxconf, s->app->pool);
	for (uint16_t q = 0; ret == 0 && q < p->nb_txq; q++)
		ret = rte_eth_tx_queue_setup(p->port_id, q, p->nb_txd, socket,
			sec && sec->tx_free_thresh ? &txconf : NULL);
	if (ret < 0)
		return vfp_err_set(s->err, ret, "%s: queue setup: %s%s", p->name, strerror(-ret),
			ret == -ENOMEM ? "; give DPDK more memory (-m, or hugepages)" : "");
	return 0;
}

/* One map for each VLAN, with all its pools. The PMD drops the low half of a map that has a bit in
 * the high half; a configuration has no pool there (CFG_MAX_POOL). */
static void
map_vlan(struct rte_eth_vmdq_rx_conf *v, uint16_t vid, uint16_t pool)
{
	uint16_t i = 0;

	while (i < v->nb_pool_maps && v->pool_map[i].vlan_id != vid)
		i++;
	if (i == RTE_DIM(v->pool_map))
		return; /* as many as the card has filters: the layout has refused more */
	if (i == v->nb_pool_maps)
		v->nb_pool_maps++;
	v->pool_map[i].vlan_id = vid;
	v->pool_map[i].pools |= UINT64_C(1) << pool;
}

/* Pools of the PF's own, by VLAN. What is in no pool's VLAN goes to nobody. */
static void
conf_pools(const struct app *app, const struct pf_dev *pf, struct rte_eth_conf *conf)
{
	struct rte_eth_vmdq_rx_conf *v = &conf->rx_adv_conf.vmdq_rx_conf;

	sriov_layout_eth_conf(&pf->layout, conf);
	memset(v->pool_map, 0, sizeof(v->pool_map));
	v->nb_pool_maps = 0;
	v->rx_mode = RTE_ETH_VMDQ_ACCEPT_UNTAG | RTE_ETH_VMDQ_ACCEPT_BROADCAST;
	for (uint16_t i = 0; i < pf->layout.vmdq_pools; i++) {
		const struct cfg_pool_sec *sec = config_pool(&app->cfg, pf->index, i);

		for (uint32_t k = 0; sec && k < sec->n_vlans; k++)
			map_vlan(v, sec->vlans[k], i);
	}
}

/*
 * And by address; pool 0 has the PF's own besides. The PMD starts with that one in all pools, and
 * ethdev takes it out of them at the end of the start: so the queues come last.
 */
static int
start_pools(const struct app *app, struct port *p, const struct pf_dev *pf, struct vfp_err *err)
{
	int ret = 0;

	for (uint16_t i = 0; ret == 0 && i < pf->layout.vmdq_pools; i++) {
		const struct cfg_pool_sec *sec = config_pool(&app->cfg, pf->index, i);
		struct rte_ether_addr mac;

		if (!sec || !sec->has_mac)
			continue;
		memcpy(mac.addr_bytes, sec->mac, sizeof(mac.addr_bytes));
		ret = rte_eth_dev_mac_addr_add(p->port_id, &mac, i);
		if (ret < 0)
			vfp_err_set(err, ret, "%s: its address: %s", sec->name, strerror(-ret));
	}
	for (uint16_t q = 0; ret == 0 && q < p->nb_rxq; q++)
		ret = rte_eth_dev_rx_queue_start(p->port_id, q);
	return ret;
}

static void
ask_for_groups(struct app *app, const struct port *p)
{
	struct rte_ether_addr groups[DP_MAX_ADDRESSES];
	int ret;

	memcpy(groups, p->groups, sizeof(groups));
	ret = rte_eth_dev_set_mc_addr_list(p->port_id, groups, p->n_groups);
	app_step(app, ret == 0, "%s: %u multicast groups for neighbour discovery%s%s", p->name,
		p->n_groups, ret ? ": " : "", ret ? strerror(-ret) : "");
}

void
port_hear(struct app *app, struct port *p, const struct rte_ether_addr *groups, uint16_t n)
{
	const bool had = p->n_groups > 0;

	memcpy(p->groups, groups, n * sizeof(*groups));
	p->n_groups = n;
	if (p->started && (had || n > 0))
		ask_for_groups(app, p);
}

/*
 * What a PF's start forgets and is set before another message is handled: RETA's entries, or the PF's
 * own pools, which go without RSS.
 */
static int
after_start(const struct setup *s)
{
	const struct pf_dev *pf = app_pf_of(s->app, s->p);

	if (s->p->role != PORT_PF) {
		if (s->p->n_groups > 0)
			ask_for_groups(s->app, s->p);
		return 0;
	}
	return pf && pf->layout.vmdq_pools > 0 ? start_pools(s->app, s->p, pf, s->err)
					       : rss_write_table(s->p, s->err);
}

/* Configure, queues, start: for a PF this runs in one piece on the interrupt thread, since a VF's
 * message between configure and the last queue would find a half-made device. */
static int
setup(void *arg)
{
	struct setup *s = arg;
	struct port *p = s->p;
	const struct pf_dev *pf = app_pf_of(s->app, p);
	const struct cfg_port *sec;
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	bool pools = p->role == PORT_PF && pf && pf->n_vfs > 0;
	int ret = rte_eth_dev_info_get(p->port_id, &info);

	if (ret == 0)
		ret = fit(s->app, p, &info, s->err);
	if (ret < 0)
		return ret;
	rss_settle(s->app, p);
	if (pools) {
		sriov_layout_eth_conf(&pf->layout, &conf);
		/* Without it the PMD's start clears VLNCTRL.VFE, and every VF gets every VLAN. */
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
	}
	if (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE)
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	sec = config_port(&s->app->cfg, p->name);
	if (sec && sec->mtu)
		conf.rxmode.mtu = sec->mtu;
	conf.intr_conf.rxq = s->app->cfg.datapath.idle == DP_INTERRUPT && p->role != PORT_PF;
	if (p->role == PORT_PF && pf && pf->layout.vmdq_pools > 0)
		conf_pools(s->app, pf, &conf);
	else
		rss_ethdev_prepare(&info, pools ? conf.rxmode.mq_mode : RTE_ETH_MQ_RX_RSS,
			p->nb_rxq, &p->rss, &conf);
	ret = rte_eth_dev_configure(p->port_id, p->nb_rxq, p->nb_txq, &conf);
	if (ret < 0)
		return vfp_err_set(s->err, ret, "%s: configure with %u RX and %u TX queues: %s",
			p->name, p->nb_rxq, p->nb_txq, strerror(-ret));
	p->configured = true;
	ret = setup_queues(s, &info);
	if (ret < 0)
		return ret;
	ret = rte_eth_dev_start(p->port_id);
	if (ret < 0)
		return vfp_err_set(s->err, ret, "%s: start: %s", p->name, strerror(-ret));
	p->started = true;
	return after_start(s);
}

static int
stop_job(void *arg)
{
	return rte_eth_dev_stop(((struct port *)arg)->port_id);
}

/*
 * A PF's is a job of the interrupt thread too. An interrupt that was on its way when the PF stopped
 * runs its handler once more, which unmasks the mailbox again; and a VF's reset that is handled
 * while another thread frees the queues finds none (net_ixgbe looks at each for its VLAN
 * stripping). The driver takes its handler off in here, which works: on this thread no handler of
 * the NIC runs now.
 */
static int
close_job(void *arg)
{
	return rte_eth_dev_close(((struct port *)arg)->port_id);
}

int
port_up(struct app *app, struct port *p, struct vfp_err *err)
{
	struct setup s = {app, p, err};
	struct rte_ether_addr mac;
	int ret = p->role == PORT_PF ? sriov_pf_job(setup, &s) : setup(&s);

	if (ret < 0)
		return err->text[0] ? ret
				    : vfp_err_set(err, ret, "%s: %s", p->name, strerror(-ret));
	if (rte_eth_macaddr_get(p->port_id, &mac) == 0)
		memcpy(p->mac, mac.addr_bytes, sizeof(p->mac));
	/* As testpmd does. A VF may not, and a PF must not: it would see its neighbours' frames. */
	if (p->role == PORT_VDEV)
		rte_eth_promiscuous_enable(p->port_id);
	return 0;
}

void
port_down(struct app *app, struct port *p)
{
	int ret = 0;

	(void)app;
	balance_free(p);
	rss_watch_free(p);
	if (p->started)
		ret = p->role == PORT_PF ? sriov_pf_job(stop_job, p) : rte_eth_dev_stop(p->port_id);
	if (ret < 0)
		LOG(ERR, "%s: stop: %s\n", p->name, strerror(-ret));
	p->started = false;
	if (p->probed && rte_eth_dev_is_valid_port(p->port_id)) {
		ret = p->role == PORT_PF ? sriov_pf_job(close_job, p) : close_job(p);
		if (ret < 0)
			LOG(ERR, "%s: close: %s\n", p->name, strerror(-ret));
	}
	p->probed = p->configured = false;
}

void
port_detach(struct app *app, struct port *p)
{
	struct rte_eth_dev_info info = {0};
	int ret;

	if (rte_eth_dev_info_get(p->port_id, &info) < 0)
		info.device = NULL;
	port_down(app, p);
	/* Linux lets a device go only when its last user has closed it. */
	ret = info.device && rte_dev_is_probed(info.device) ? rte_dev_remove(info.device) : 0;
	if (ret < 0)
		LOG(ERR, "%s: detach: %s\n", p->name, strerror(-ret));
}

static void
read_raw(const struct port *p, struct port_nic *now)
{
	struct rte_eth_stats st;

	*now = p->carried;
	if (!p->started || rte_eth_stats_get(p->port_id, &st) != 0)
		return;
	now->rx_packets += st.ipackets;
	now->rx_bytes += st.ibytes;
	now->tx_packets += st.opackets;
	now->tx_bytes += st.obytes;
	now->rx_missed += st.imissed;
	now->rx_nombuf += st.rx_nombuf;
	if (p->role != PORT_PF)
		return;
	/* Dropped for want of descriptors, with drop-enable; and what all queues sent, not the
	 * wire. */
	now->tx_packets = now->tx_bytes = 0;
	for (unsigned int i = 0; i < RTE_ETHDEV_QUEUE_STAT_CNTRS; i++) {
		now->rx_missed += st.q_errors[i];
		now->tx_packets += st.q_opackets[i];
		now->tx_bytes += st.q_obytes[i];
	}
}

bool
port_nic_known(struct app *app, const struct port *p)
{
	const struct pf_dev *pf = app_pf_of(app, p);
	uint16_t polled = 0;

	/* The last word of a removed one is not to be had, nor what it was of its PF's. */
	if (p->removed)
		return false;
	if (p->role != PORT_PF || !pf)
		return true;
	for (uint16_t i = 0; i < app->n_ports; i++)
		polled += app->ports[i].role == PORT_VF && app_pf_of(app, &app->ports[i]) == pf &&
			  !app->ports[i].removed;
	return polled == pf->n_vfs;
}

bool
port_tells_missed(const struct port *p)
{
	return p->role != PORT_VF;
}

static uint64_t
rest(uint64_t all, uint64_t part, uint64_t last)
{
	uint64_t own = all > part ? all - part : 0;

	/* While packets flow the readings are not of one instant: never run backwards meanwhile. */
	return own > last ? own : last;
}

void
ports_read_nic(struct app *app)
{
	for (uint16_t i = 0; i < app->n_ports; i++)
		if (app->ports[i].role != PORT_PF && !atomic_load(&app->ports[i].gone))
			read_raw(&app->ports[i], &app->ports[i].last);
	for (uint16_t i = 0; i < app->n_ports; i++) {
		struct port *p = &app->ports[i];
		struct port_nic all, vfs = {0};

		if (p->role != PORT_PF || !p->started || atomic_load(&p->gone))
			continue;
		read_raw(p, &all);
		if (!app->forwarding)
			p->last = (struct port_nic){0};
		for (uint16_t k = 0; k < app->n_ports; k++) {
			const struct port *v = &app->ports[k];

			if (v->role != PORT_VF || app_pf_of(app, v) != app_pf_of(app, p))
				continue;
			vfs.rx_packets += v->last.rx_packets;
			vfs.rx_bytes += v->last.rx_bytes;
			vfs.tx_packets += v->last.tx_packets;
			vfs.tx_bytes += v->last.tx_bytes;
		}
		p->last.rx_packets = rest(all.rx_packets, vfs.rx_packets, p->last.rx_packets);
		p->last.rx_bytes = rest(all.rx_bytes, vfs.rx_bytes, p->last.rx_bytes);
		p->last.tx_packets = rest(all.tx_packets, vfs.tx_packets, p->last.tx_packets);
		p->last.tx_bytes = rest(all.tx_bytes, vfs.tx_bytes, p->last.tx_bytes);
		p->last.rx_missed = all.rx_missed;
		p->last.rx_nombuf = all.rx_nombuf;
	}
}

int
port_reset(struct app *app, struct port *p, struct vfp_err *err)
{
	int ret = 0;

	if (app->forwarding)
		ret = dp_port_pause(app->dp, p->port_id, true, err);
	if (ret < 0)
		return ret;
	/* Its counters start anew: what they said so far is carried. */
	read_raw(p, &p->carried);
	p->started = false;
	ret = rte_eth_dev_reset(p->port_id);
	if (ret < 0) {
		vfp_err_set(err, ret, "%s: reset: %s", p->name, strerror(-ret));
		return ret;
	}
	p->resets++;
	ret = port_up(app, p, err);
	if (ret == 0 && app->forwarding)
		ret = dp_port_pause(app->dp, p->port_id, false, err);
	return ret;
}

static void
minus_nic(struct port_nic *rest, const struct port_nic *a, const struct port_nic *minus)
{
	rest->rx_packets = a->rx_packets - minus->rx_packets;
	rest->rx_bytes = a->rx_bytes - minus->rx_bytes;
	rest->tx_packets = a->tx_packets - minus->tx_packets;
	rest->tx_bytes = a->tx_bytes - minus->tx_bytes;
	rest->rx_missed = a->rx_missed - minus->rx_missed;
	rest->rx_nombuf = a->rx_nombuf - minus->rx_nombuf;
}

int
port_stop(struct app *app, struct port *p, struct vfp_err *err)
{
	struct pf_dev *pf = app_pf_of(app, p);
	struct port_nic now;
	int ret = 0;

	if (!p->started)
		return vfp_err_set(err, -EALREADY, "%s is stopped already", p->name);
	if (app->forwarding)
		ret = dp_port_pause(app->dp, p->port_id, true, err);
	if (ret < 0)
		return ret;
	read_raw(p, &now);
	ret = p->role == PORT_PF ? sriov_pf_job(stop_job, p) : rte_eth_dev_stop(p->port_id);
	if (ret < 0)
		return vfp_err_set(err, ret, "%s: stop: %s", p->name, strerror(-ret));
	p->started = false;
	if (p->role == PORT_PF && pf && pf->pf)
		sriov_pf_stopped(pf->pf);
	p->carried = now; /* what is told of a stopped port */
	return 0;
}

static int
start_job(void *arg)
{
	struct setup *s = arg;
	int ret = rte_eth_dev_start(s->p->port_id);

	return ret < 0 ? ret : after_start(s);
}

int
port_start(struct app *app, struct port *p, struct vfp_err *err)
{
	struct pf_dev *pf = app_pf_of(app, p);
	struct port_nic before = p->carried, now;
	struct setup s = {app, p, err};
	int ret;

	if (p->started || !p->configured)
		return vfp_err_set(err, -EALREADY, "%s %s", p->name,
			p->started ? "is started already" : "is not configured");
	ret = p->role == PORT_PF ? sriov_pf_job(start_job, &s) : start_job(&s);
	if (ret < 0)
		return vfp_err_set(err, ret, "%s: start: %s", p->name, strerror(-ret));
	p->started = true;
	/* The driver's counters may go on or begin anew: ours go on. */
	p->carried = (struct port_nic){0};
	read_raw(p, &now);
	minus_nic(&p->carried, &before, &now);
	if (p->role == PORT_PF && pf && pf->pf)
		ret = sriov_pf_apply(pf->pf, err);
	if (ret == 0 && app->forwarding)
		ret = dp_port_pause(app->dp, p->port_id, false, err);
	return ret;
}

static int
bring_vfs_back(struct app *app, const struct pf_dev *pf, struct vfp_err *err)
{
	int ret = 0;

	for (uint16_t i = 0; ret == 0 && i < app->n_ports; i++) {
		struct port *p = &app->ports[i];

		if (p->role != PORT_VF || app_pf_of(app, p) != pf || p->removed || !p->probed)
			continue;
		ret = port_reset(app, p, err);
		/* The PF's ping has told its PMD the same. */
		atomic_store(&p->reset_wanted, false);
	}
	return ret;
}

int
port_restart_pf(struct app *app, struct pf_dev *pf, struct vfp_err *err)
{
	struct port *p = pf->port;
	int ret = app->forwarding ? dp_port_pause(app->dp, p->port_id, true, err) : 0;

	if (ret < 0)
		return ret;
	/* A start clears the NIC's counters. */
	read_raw(p, &p->last);
	ret = sriov_pf_job(stop_job, p);
	if (ret < 0)
		return vfp_err_set(err, ret, "%s: stop: %s", p->name, strerror(-ret));
	p->started = false;
	ret = port_up(app, p, err);
	if (ret == 0)
		ret = sriov_pf_apply(pf->pf, err);
	if (ret == 0 && app->forwarding)
		ret = dp_port_pause(app->dp, p->port_id, false, err);
	return ret < 0 ? ret : bring_vfs_back(app, pf, err);
}
