/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_H
#define VFPLANE_H

/**
 * @file
 * What one vfplane process consists of. The control thread (EAL's main lcore) writes all of it;
 * telemetry's threads read under app.lock through view.h; workers see only the plan (dp_worker.h).
 */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <dp_plan.h>
#include <dp_stats.h>
#include <dp_worker.h>
#include <rss_hash.h>
#include <sriov_layout.h>
#include <sriov_pf.h>
#include <vfp_err.h>

#include "args.h"
#include "config.h"

#define APP_MAX_PORTS 64
#define APP_MAX_STEPS 256
#define APP_TEXT      160
/* Packets asked per poll: the vector receive path of net_ixgbe gives at most 32. */
#define APP_BURST 32

struct rss_watch;
struct balance;

enum port_role { PORT_PF, PORT_VF, PORT_VDEV };

/** NIC counters since a port's first start, kept across its resets. Control thread. */
struct port_nic {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t rx_missed, rx_nombuf;
};

struct port {
	char name[CFG_NAME]; /**< pf0, vf1, net_null0: the same token everywhere */
	char pci[16];        /**< "" for a vdev */
	char devargs[128];
	enum port_role role;
	uint32_t pf, vf; /**< for PF and VF: which */
	uint16_t port_id;
	bool probed, configured, started;
	bool software; /**< a software 82599, by its PCI subsystem id */
	bool known_source;
	uint16_t nb_rxq, nb_txq, nb_rxd, nb_txd;
	uint8_t mac[6], peer[6];
	char driver[32];
	char limited[APP_TEXT]; /**< why it has fewer queues than planned, or "" */
	struct rss_conf rss; /**< what the port is set to; a VF of a PF of ours has the PF's */
	bool rss_planned;    /**< chosen before bring-up; else the default for its queues */
	char rss_read[APP_TEXT]; /**< what reading it back showed */
	uint16_t soft_table;	 /**< entries of its software table, 0: none */
	struct balance *bal;	 /**< its balancer; NULL: never switched on */
	struct rss_watch *watch; /**< counts of arriving packets, while or after sampling */
	struct port_nic carried;  /**< counters of lives before the last reset */
	struct port_nic last;     /**< newest reading, carried included */
	struct port_nic cleared;  /**< reading at the last clear, for the CLI's view */
	uint64_t stopping;        /**< left in the ring when reception was ended at exit */
	atomic_bool gone; /**< its device went away: set by a callback, served by the control thread */
	bool removed;     /**< served: closed, and nothing reads its registers any more */
	atomic_bool reset_wanted; /**< set by the event callback, served by the control thread */
	uint64_t resets;
	bool foreign_sources; /**< anti-spoof is off: its rules keep the senders' addresses */
	struct rte_ether_addr groups[DP_MAX_ADDRESSES]; /**< multicast that an echo answers here */
	uint16_t n_groups;
	bool rx_off; /**< the PF was told to let nothing more in */
};

/** Of a VF: "received master abort" in its PCI status word. aborts.h */
struct vf_mark {
	atomic_bool known; /**< sysfs tells it */
	bool old;	   /**< it stood there at the last look, and could not be cleared */
};

struct pf_dev {
	bool used;
	uint32_t index;
	char bdf[16];
	uint16_t n_vfs;
	char vf_bdf[SRIOV_MAX_VFS][16];
	struct sriov_layout layout;
	struct sriov_pf_conf conf;
	struct sriov_pf *pf;
	struct port *port;
	bool link_up;
	struct vf_mark mark[SRIOV_MAX_VFS];
};

/** One step of bring-up, for `show bringup`. */
struct step {
	uint64_t at_us, took_us;
	bool ok;
	char text[VFP_ERR_TEXT]; /**< a failed one has the whole error */
};

struct app {
	struct args args;
	struct config cfg;
	bool have_config;

	pthread_mutex_t lock; /**< what telemetry reads against what the control thread changes */
	FILE *say; /**< where steps and tables go: stdout, or stderr when JSON goes there */

	bool eal_up;
	bool usage_error; /**< bring-up failed for what the user typed; nothing was touched */
	uint16_t n_pfs;
	struct pf_dev pf[CFG_MAX_PF];
	uint16_t n_ports;
	struct port ports[APP_MAX_PORTS];
	struct rte_mempool *pool;
	uint32_t n_mbufs;
	uint16_t n_workers;
	uint32_t workers[DP_MAX_LCORES];
	struct dp *dp;
	struct dp_spec *spec; /**< what the current plan was made of; changed by lcores_edit() */
	struct dp_stats *cleared; /**< workers' counters at the last clear */
	enum dp_mode fwd_mode;    /**< of the default rules, or the last `set fwd` */

	uint64_t t0, t_step; /**< timer cycles: start of bring-up, end of the last step */
	uint16_t n_steps;
	struct step steps[APP_MAX_STEPS];

	struct manifest *manifest;     /**< manifest.h */
	double epoch_s;		       /**< Unix time at the start */
	struct series *series;	       /**< series.h */
	struct meas_noise *noise_from; /**< noise.h: as it was when forwarding began */
	uint64_t noise_began;

	bool forwarding;
	uint64_t run_started;
	double run_seconds; /**< forwarded so far, finished runs */
	double duration_s;  /**< at the end */
	uint64_t unaccounted;
	bool quit;
};

/** The one that a signal sets; everything polls it. */
extern volatile sig_atomic_t app_signal;

/** Who a port name is; NULL: nobody. */
struct port *app_port(struct app *app, const char *name);
/** Who an ethdev id is; NULL: nobody. */
struct port *app_port_by_id(struct app *app, uint16_t port_id);
/** The PF a port belongs to and that vfplane owns; NULL: none. */
struct pf_dev *app_pf_of(struct app *app, const struct port *port);

/** Record a step of bring-up and say it. */
void app_step(struct app *app, bool ok, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
