/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_CONFIG_H
#define VFPLANE_CONFIG_H

/**
 * @file
 * The configuration file: libconfuse's braces, one schema table, one structure out.
 * Parsing needs no EAL and touches no device.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dp_plan.h>
#include <rss_words.h>
#include <sriov_policy.h>

#define CFG_MAX_PF      2
#define CFG_MAX_VF      63 /* an 82599 has 64 pools, and the PF owns one */
#define CFG_MAX_VLANS   32
#define CFG_MAX_FORWARD 64
#define CFG_MAX_POOL    16 /* of a PF; the card has 64, and each takes two rings */
#define CFG_MAX_LCORE   128
#define CFG_MAX_LQ      64
#define CFG_NAME        32 /* a port's or a rule's name with its NUL */
#define CFG_ERR_LEN     4096

enum cfg_mode { CFG_IO, CFG_MAC, CFG_MACSWAP, CFG_ECHO, CFG_SINK, CFG_SOURCE };
enum cfg_owner { CFG_OWNER_VFPLANE, CFG_OWNER_TENANT };

struct cfg_pf_sec {
	uint32_t index;
	char pci[16];
	uint32_t queues_per_pool; /**< 2 or 4; 0: 4 with at most 31 VFs, else 2 */
	int line;
};

struct cfg_vf_sec {
	uint32_t pf;
	uint32_t index;
	char name[CFG_NAME]; /**< vf0, or pf1vf0 with two PFs */
	bool has_mac;
	uint8_t mac[6];
	bool has_peer_mac;
	uint8_t peer_mac[6];
	char peer[CFG_NAME]; /**< a port's name, or "" */
	uint32_t n_vlans;
	uint16_t vlans[CFG_MAX_VLANS];
	enum cfg_owner owner;
	struct sriov_vf_policy policy; /**< all but mac and vlans, which stand above */
	int line;
};

/** A pool of a PF without VFs: an address and VLANs, with queues of its own. */
struct cfg_pool_sec {
	uint32_t pf;
	uint32_t index;
	char name[CFG_NAME]; /**< pf0pool1 */
	bool has_mac;
	uint8_t mac[6];
	bool has_peer;
	uint8_t peer[6];
	uint32_t n_vlans;
	uint16_t vlans[CFG_MAX_VLANS];
	int line;
};

struct cfg_forward {
	char name[CFG_NAME];
	char from[CFG_NAME];
	char to[CFG_NAME]; /**< "" for echo, sink, source to itself */
	uint32_t n_more;   /**< fan-out: the RX queues are shared out among to and more */
	char more[DP_MAX_FAN - 1][CFG_NAME];
	enum cfg_mode mode;
	bool both;
	char peer[CFG_NAME]; /**< a port's name, or "": then opts has the MAC, if any */
	struct dp_rule_opts opts;
	int line;
};

#define CFG_MAX_PORT 64

/** What a port is set up with; 0: what suits the number of ports, or the driver. */
struct cfg_port {
	char name[CFG_NAME];
	uint32_t queues; /**< of each direction */
	uint32_t rx_ring, tx_ring; /**< descriptors of a queue */
	uint32_t rx_free_thresh, tx_free_thresh;
	uint32_t mtu;
	int line;
};

/** What belongs to all ports and lcores. 0: the default. */
struct cfg_datapath {
	uint32_t burst;
	bool has_tx_retries;
	uint32_t tx_retries;
	bool no_latency;
	bool has_grain;
	uint32_t grain; /**< ns, see dp_conf.grain_ns */
	enum dp_idle idle;
	uint32_t mbufs, mbuf_size;
	bool has_mbuf_cache;
	uint32_t mbuf_cache;
	int line;
};

struct cfg_queue {
	char port[CFG_NAME];
	uint16_t queue;
	int line;
};

/** RSS of a port. An 82599 has one key, one set of fields and one table: they stand with the PF. */
struct cfg_rss {
	char port[CFG_NAME]; /**< pf0: the card's; vf0: a software table of its own */
	bool has_key, random_key;
	uint8_t key[RSS_KEY_LEN];
	bool has_fields;
	uint32_t fields;
	char reta[512]; /**< as rss_reta_parse() reads it, or "" */
	uint32_t table; /**< entries of a software table; 0: none */
	bool balance;   /**< move entries so that the queues' loads even out */
	bool shared_ok; /**< may touch VFs that others poll */
	int line;
};

struct cfg_lcore {
	uint32_t id;
	uint32_t n_queues;
	struct cfg_queue queues[CFG_MAX_LQ];
	int line;
};

struct config {
	char file[256];
	uint32_t n_pf, n_vf, n_pool, n_forward, n_lcore, n_port, n_rss;
	struct cfg_pf_sec pf[CFG_MAX_PF];
	struct cfg_vf_sec vf[CFG_MAX_PF * CFG_MAX_VF];
	struct cfg_pool_sec pool[CFG_MAX_PF * CFG_MAX_POOL];
	struct cfg_forward forward[CFG_MAX_FORWARD];
	struct cfg_lcore lcore[CFG_MAX_LCORE];
	struct cfg_port port[CFG_MAX_PORT];
	struct cfg_datapath datapath;
	struct cfg_rss rss[CFG_MAX_PF * (CFG_MAX_VF + 1)];
};

/**
 * Read, parse and check a file.
 * @param err  one line an error, each "file:line: …"; CFG_ERR_LEN bytes.
 * @return 0; -ENOENT and the like when the file cannot be read; -EINVAL.
 */
int config_load(const char *path, struct config *c, char *err);

/** The same over text in memory; name stands in the error sentences. */
int config_parse(const char *name, const char *text, struct config *c, char *err);

/** The section of a VF, or NULL. */
const struct cfg_vf_sec *config_vf(const struct config *c, uint32_t pf, uint32_t vf);

/** The section of a PF's own pool, or NULL; and the highest number named, plus one. */
const struct cfg_pool_sec *config_pool(const struct config *c, uint32_t pf, uint32_t pool);
uint32_t config_pool_count(const struct config *c, uint32_t pf);
/** The RSS section of a port, or NULL. */
const struct cfg_rss *config_rss(const struct config *c, const char *port);
/** The section of a port, or NULL. */
const struct cfg_port *config_port(const struct config *c, const char *name);

/** Highest VF index named for a PF, plus one; 0 when none is. */
uint32_t config_vf_count(const struct config *c, uint32_t pf);

/** Different VLANs that a PF's VFs name, port VLANs included. */
uint32_t config_vlan_count(const struct config *c, uint32_t pf);

/** What a PF's section wants of the card, by the VFs that are named or are there. */
void config_want(
	const struct config *c, const struct cfg_pf_sec *pf, uint32_t vfs, struct sriov_want *want);

/** "pf0vf1", or "vf1" while there is one PF. */
void config_vf_name(const struct config *c, uint32_t pf, uint32_t vf, char out[CFG_NAME]);

/** The word for a mode, as the configuration and the CLI spell it. */
const char *config_mode_name(enum cfg_mode mode);

#endif
