/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include <vfp_parse.h>

#include "config.h"
#include "config_rss.h"

/*
 * libconfuse only reads words: every option is a string or a list of strings to it. What a word
 * may be stands in the schema below, so that each error can name the option, its line and what
 * is allowed, and so that a test can walk over all of them.
 */
struct spec {
	const char *section;
	const char *option;
	const char *allowed;
	bool list;
	bool required;
	/* Store one word; index counts within a list. 0 or -EINVAL, -E2BIG for a full list. */
	int (*store)(void *object, const char *word);
};

static int
store_number(uint32_t *out, const char *word, uint32_t min, uint32_t max)
{
	/* The sentence comes from the schema, which knows the option's line as well. */
	return vfp_parse_u32(word, "number", min, max, out, NULL);
}

static int
store_pf_pci(void *object, const char *word)
{
	return vfp_bdf_normalise(word, "pci", ((struct cfg_pf_sec *)object)->pci, NULL);
}

static int
store_pf_queues(void *object, const char *word)
{
	struct cfg_pf_sec *pf = object;
	int ret = store_number(&pf->queues_per_pool, word, 2, 4);

	return ret == 0 && pf->queues_per_pool == 3 ? -EINVAL : ret;
}

static int
store_vf_mac(void *object, const char *word)
{
	struct cfg_vf_sec *vf = object;

	vf->has_mac = true;
	return vfp_parse_unicast_mac(word, "mac", vf->mac, NULL);
}

static int
is_port_name(const char *word)
{
	size_t len =
		strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");

	return len > 0 && len < CFG_NAME && word[len] == '\0';
}

static int
store_vf_peer(void *object, const char *word)
{
	struct cfg_vf_sec *vf = object;

	if (strchr(word, ':')) {
		vf->has_peer_mac = true;
		return vfp_parse_unicast_mac(word, "peer", vf->peer_mac, NULL);
	}
	if (!is_port_name(word))
		return -EINVAL;
	strlcpy(vf->peer, word, sizeof(vf->peer));
	return 0;
}

static int
store_vlan(uint16_t *vlans, uint32_t *n, const char *word)
{
	uint32_t vid;

	if (store_number(&vid, word, 1, 4094) < 0)
		return -EINVAL;
	if (*n == CFG_MAX_VLANS)
		return -E2BIG;
	for (uint32_t i = 0; i < *n; i++)
		if (vlans[i] == vid)
			return -EEXIST;
	vlans[(*n)++] = vid;
	return 0;
}

static int
store_vf_vlan(void *object, const char *word)
{
	struct cfg_vf_sec *vf = object;

	return store_vlan(vf->vlans, &vf->n_vlans, word);
}

static int
store_vf_owner(void *object, const char *word)
{
	struct cfg_vf_sec *vf = object;

	if (strcmp(word, "tenant") == 0)
		vf->owner = CFG_OWNER_TENANT;
	else if (strcmp(word, "vfplane") == 0)
		vf->owner = CFG_OWNER_VFPLANE;
	else
		return -EINVAL;
	return 0;
}

static struct sriov_vf_policy *
policy_of(void *object)
{
	return &((struct cfg_vf_sec *)object)->policy;
}

static int
store_yes_no(bool *out, const char *word)
{
	if (strcmp(word, "yes") != 0 && strcmp(word, "no") != 0)
		return -EINVAL;
	*out = word[0] == 'y';
	return 0;
}

static int
store_byte(uint8_t *out, const char *word, uint32_t max)
{
	uint32_t n;
	int ret = store_number(&n, word, 0, max);

	if (ret == 0)
		*out = n;
	return ret;
}

static int
store_vf_trusted(void *object, const char *word)
{
	return store_yes_no(&policy_of(object)->trusted, word);
}

static int
store_vf_mac_policy(void *object, const char *word)
{
	for (int i = SRIOV_MAC_LOCKED; i <= SRIOV_MAC_ANY; i++) {
		if (strcmp(word, sriov_mac_policy_name(i)) == 0) {
			policy_of(object)->mac_policy = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
store_vf_macs(void *object, const char *word)
{
	struct sriov_vf_policy *p = policy_of(object);

	if (p->n_macs == SRIOV_POLICY_MACS)
		return -E2BIG;
	return vfp_parse_unicast_mac(word, "macs", p->macs[p->n_macs++], NULL);
}

static int
store_vf_port_vlan(void *object, const char *word)
{
	uint32_t vid;
	int ret = store_number(&vid, word, 1, 4094);

	if (ret == 0)
		policy_of(object)->port_vlan = vid;
	return ret;
}

static int
store_vf_vlan_quota(void *object, const char *word)
{
	return store_byte(&policy_of(object)->vlan_quota, word, SRIOV_OWN_VLANS);
}

static int
store_vf_mc_quota(void *object, const char *word)
{
	return store_byte(&policy_of(object)->mc_quota, word, SRIOV_MAX_MC);
}

static int
store_vf_macvlan_quota(void *object, const char *word)
{
	return store_byte(&policy_of(object)->macvlan_quota, word, SRIOV_OWN_MACS);
}

static int
store_vf_xcast(void *object, const char *word)
{
	for (int i = SRIOV_XCAST_NONE; i <= SRIOV_XCAST_ALLMULTI; i++) {
		if (strcmp(word, sriov_xcast_name(i)) == 0) {
			policy_of(object)->xcast = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
store_vf_max_frame(void *object, const char *word)
{
	return store_number(&policy_of(object)->max_frame, word, SRIOV_FRAME_MIN, 1518);
}

static int
store_vf_api_floor(void *object, const char *word)
{
	for (uint32_t version = 0; version <= 4; version++) {
		if (version != 1 && strcmp(word, sriov_mbox_api(version)) == 0) {
			policy_of(object)->api_floor = version;
			return 0;
		}
	}
	return -EINVAL;
}

static int
store_vf_request_rate(void *object, const char *word)
{
	return store_number(&policy_of(object)->request_rate, word, 0, 100000);
}

static int
store_vf_anti_spoof(void *object, const char *word)
{
	bool on = true;
	int ret = store_yes_no(&on, word);

	policy_of(object)->foreign_sources = !on;
	return ret;
}

static int
store_vf_link(void *object, const char *word)
{
	struct sriov_vf_policy *p = policy_of(object);

	if (strcmp(word, "auto") != 0 && strcmp(word, "off") != 0)
		return -EINVAL;
	p->rx_off = p->tx_off = word[0] == 'o';
	return 0;
}

static int
store_vf_rate(void *object, const char *word)
{
	return store_number(&policy_of(object)->rate, word, 0, 10000);
}

static int
store_pool_mac(void *object, const char *word)
{
	struct cfg_pool_sec *pool = object;

	pool->has_mac = true;
	return vfp_parse_unicast_mac(word, "mac", pool->mac, NULL);
}

static int
store_pool_peer(void *object, const char *word)
{
	struct cfg_pool_sec *pool = object;

	pool->has_peer = true;
	return vfp_parse_unicast_mac(word, "peer", pool->peer, NULL);
}

static int
store_pool_vlan(void *object, const char *word)
{
	struct cfg_pool_sec *pool = object;

	return store_vlan(pool->vlans, &pool->n_vlans, word);
}

static int
store_forward_from(void *object, const char *word)
{
	if (!is_port_name(word))
		return -EINVAL;
	strlcpy(((struct cfg_forward *)object)->from, word, CFG_NAME);
	return 0;
}

static int
store_forward_to(void *object, const char *word)
{
	struct cfg_forward *f = object;

	if (!is_port_name(word) || strcmp(word, f->to) == 0)
		return -EINVAL;
	for (uint32_t i = 0; i < f->n_more; i++)
		if (strcmp(word, f->more[i]) == 0)
			return -EINVAL;
	if (f->to[0] && f->n_more == DP_MAX_FAN - 1)
		return -E2BIG;
	strlcpy(f->to[0] ? f->more[f->n_more++] : f->to, word, CFG_NAME);
	return 0;
}

static const char *const mode_names[] = {
	[CFG_IO] = "io",
	[CFG_MAC] = "mac",
	[CFG_MACSWAP] = "macswap",
	[CFG_ECHO] = "echo",
	[CFG_SINK] = "sink",
	[CFG_SOURCE] = "source",
};

const char *
config_mode_name(enum cfg_mode mode)
{
	return mode_names[mode];
}

static int
store_forward_mode(void *object, const char *word)
{
	for (size_t i = 0; i < sizeof(mode_names) / sizeof(mode_names[0]); i++) {
		if (strcmp(word, mode_names[i]) == 0) {
			((struct cfg_forward *)object)->mode = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
store_forward_both(void *object, const char *word)
{
	struct cfg_forward *f = object;

	if (strcmp(word, "yes") != 0 && strcmp(word, "no") != 0)
		return -EINVAL;
	f->both = word[0] == 'y';
	return 0;
}

static struct dp_rule_opts *
opts_of(void *object)
{
	return &((struct cfg_forward *)object)->opts;
}

static int
store_forward_peer(void *object, const char *word)
{
	struct cfg_forward *f = object;

	if (strchr(word, ':')) {
		f->opts.has_peer = true;
		return vfp_parse_unicast_mac(word, "peer", f->opts.peer, NULL);
	}
	if (!is_port_name(word))
		return -EINVAL;
	strlcpy(f->peer, word, sizeof(f->peer));
	return 0;
}

static int
store_vlan_push(void *object, const char *word)
{
	uint32_t vid;
	int ret = store_number(&vid, word, 1, 4094);

	if (ret == 0)
		opts_of(object)->vlan_push = vid;
	return ret;
}

static int
store_vlan_pop(void *object, const char *word)
{
	return store_yes_no(&opts_of(object)->vlan_pop, word);
}

static int
store_address(void *object, const char *word)
{
	struct dp_rule_opts *o = opts_of(object);
	struct dp_ip ip = {.v6 = strchr(word, ':') != NULL};

	if (inet_pton(ip.v6 ? AF_INET6 : AF_INET, word, ip.byte) != 1)
		return -EINVAL;
	/* 0.x, groups and broadcast are nobody's own. */
	if (ip.v6 ? ip.byte[0] == 0xff : ip.byte[0] == 0 || ip.byte[0] >= 224)
		return -EINVAL;
	if (o->n_addresses == DP_MAX_ADDRESSES)
		return -E2BIG;
	o->addresses[o->n_addresses++] = ip;
	return 0;
}

static int
store_ipv4(uint32_t *out, const char *word)
{
	struct in_addr a;

	if (inet_pton(AF_INET, word, &a) != 1 || a.s_addr == 0)
		return -EINVAL;
	*out = ntohl(a.s_addr);
	return 0;
}

static int
store_ip_from(void *object, const char *word)
{
	return store_ipv4(&opts_of(object)->source.ip_from, word);
}

static int
store_ip_to(void *object, const char *word)
{
	return store_ipv4(&opts_of(object)->source.ip_to, word);
}

static int
store_sizes(void *object, const char *word)
{
	struct dp_source_conf *c = &opts_of(object)->source;
	uint32_t size;

	if (strcmp(word, "imix") == 0 && c->n_sizes == 0) {
		dp_source_imix(c);
		return 0;
	}
	if (store_number(&size, word, DP_FRAME_MIN, DP_FRAME_MAX) < 0)
		return -EINVAL;
	if (c->n_sizes == DP_MAX_SIZES)
		return -E2BIG;
	c->sizes[c->n_sizes++] = size;
	return 0;
}

static int
store_flows(void *object, const char *word)
{
	uint32_t n;
	int ret = store_number(&n, word, 1, DP_MAX_FLOWS);

	if (ret == 0)
		opts_of(object)->source.flows = n;
	return ret;
}

static int
store_rate(void *object, const char *word)
{
	return vfp_parse_u64(word, "rate", 0, 100000000, &opts_of(object)->source.rate, NULL);
}

static int
store_count(void *object, const char *word)
{
	return vfp_parse_u64(word, "count", 0, UINT64_C(1000000000000000),
		&opts_of(object)->source.count, NULL);
}

static int
store_pattern(void *object, const char *word)
{
	unsigned int pattern;
	int ret = vfp_parse_choice(word, "pattern", dp_pattern_names, DP_PATTERNS, &pattern, NULL);

	if (ret == 0)
		opts_of(object)->source.pattern = pattern;
	return ret;
}

static int
store_probe(void *object, const char *word)
{
	bool on;
	int ret = store_yes_no(&on, word);

	if (ret == 0)
		opts_of(object)->source.probe = on;
	return ret;
}

static int
store_probes_of(void *object, const char *word)
{
	if (!is_port_name(word))
		return -EINVAL;
	strlcpy(opts_of(object)->probes_of, word, CFG_NAME);
	return 0;
}

static int
store_lcore_queue(void *object, const char *word)
{
	struct cfg_lcore *lc = object;
	const char *colon = strrchr(word, ':');
	char port[CFG_NAME];
	uint32_t queue;

	if (!colon || colon == word || (size_t)(colon - word) >= sizeof(port))
		return -EINVAL;
	memcpy(port, word, colon - word);
	port[colon - word] = '\0';
	if (!is_port_name(port) || store_number(&queue, colon + 1, 0, 127) < 0)
		return -EINVAL;
	if (lc->n_queues == CFG_MAX_LQ)
		return -E2BIG;
	strlcpy(lc->queues[lc->n_queues].port, port, CFG_NAME);
	lc->queues[lc->n_queues++].queue = queue;
	return 0;
}

static int
store_port_queues(void *object, const char *word)
{
	return store_number(&((struct cfg_port *)object)->queues, word, 1, DP_MAX_QUEUES);
}

static int
store_rx_ring(void *object, const char *word)
{
	return store_number(&((struct cfg_port *)object)->rx_ring, word, 32, 32768);
}

static int
store_tx_ring(void *object, const char *word)
{
	return store_number(&((struct cfg_port *)object)->tx_ring, word, 32, 32768);
}

static int
store_rx_free_thresh(void *object, const char *word)
{
	return store_number(&((struct cfg_port *)object)->rx_free_thresh, word, 1, 4096);
}

static int
store_tx_free_thresh(void *object, const char *word)
{
	return store_number(&((struct cfg_port *)object)->tx_free_thresh, word, 1, 4096);
}

static int
store_mtu(void *object, const char *word)
{
	return store_number(&((struct cfg_port *)object)->mtu, word, 68, DP_FRAME_MAX - 18);
}

static int
store_burst(void *object, const char *word)
{
	return store_number(&((struct cfg_datapath *)object)->burst, word, 1, DP_MAX_BURST);
}

static int
store_tx_retries(void *object, const char *word)
{
	struct cfg_datapath *d = object;

	d->has_tx_retries = true;
	return store_number(&d->tx_retries, word, 0, 1000);
}

static int
store_latency(void *object, const char *word)
{
	bool on = true;
	int ret = store_yes_no(&on, word);

	((struct cfg_datapath *)object)->no_latency = !on;
	return ret;
}

static int
store_grain(void *object, const char *word)
{
	struct cfg_datapath *d = object;

	d->has_grain = true;
	return store_number(&d->grain, word, 0, 50000);
}

static int
store_idle(void *object, const char *word)
{
	unsigned int idle;
	int ret = vfp_parse_choice(word, "idle", dp_idle_names, DP_IDLES, &idle, NULL);

	if (ret == 0)
		((struct cfg_datapath *)object)->idle = idle;
	return ret;
}

static int
store_mbufs(void *object, const char *word)
{
	return store_number(&((struct cfg_datapath *)object)->mbufs, word, 1, 16777215);
}

static int
store_mbuf_size(void *object, const char *word)
{
	return store_number(&((struct cfg_datapath *)object)->mbuf_size, word, 1024, 16384);
}

static int
store_mbuf_cache(void *object, const char *word)
{
	struct cfg_datapath *d = object;

	d->has_mbuf_cache = true;
	return store_number(&d->mbuf_cache, word, 0, 512);
}

static const struct spec schema[] = {
	{"pf", "pci", "a PCI address such as 0000:03:00.1", false, true, store_pf_pci},
	{"pf", "queues_per_pool", "2 or 4", false, false, store_pf_queues},
	{"vf", "mac", "a unicast MAC such as 02:09:c0:00:00:00", false, false, store_vf_mac},
	{"vf", "peer", "a port such as vf1, or a unicast MAC", false, false, store_vf_peer},
	{"vf", "vlans", "at most 32 different VLAN ids from 1 to 4094", true, false, store_vf_vlan},
	{"vf", "owner", "vfplane or tenant", false, false, store_vf_owner},
	{"vf", "trusted", "yes or no", false, false, store_vf_trusted},
	{"vf", "mac_policy", "locked, list or any", false, false, store_vf_mac_policy},
	{"vf", "macs", "at most 8 unicast MACs, as in {\"02:09:c0:00:01:00\"}", true, false,
		store_vf_macs},
	{"vf", "port_vlan", "1 to 4094", false, false, store_vf_port_vlan},
	{"vf", "vlan_quota", "0 to 16", false, false, store_vf_vlan_quota},
	{"vf", "multicast_quota", "0 to 30", false, false, store_vf_mc_quota},
	{"vf", "macvlan_quota", "0 to 8", false, false, store_vf_macvlan_quota},
	{"vf", "xcast", "none, multi or allmulti", false, false, store_vf_xcast},
	{"vf", "max_frame", "64 to 1518 bytes, the PF's frame", false, false, store_vf_max_frame},
	{"vf", "api_floor", "1.0, 1.1, 1.2 or 1.3", false, false, store_vf_api_floor},
	{"vf", "request_rate", "0 (no limit) to 100000 a second", false, false,
		store_vf_request_rate},
	{"vf", "anti_spoof", "yes or no", false, false, store_vf_anti_spoof},
	{"vf", "link", "auto or off", false, false, store_vf_link},
	{"vf", "rate", "0 (no limit) to 10000 Mbit/s", false, false, store_vf_rate},
	{"pool", "mac", "a unicast MAC such as 02:09:c0:00:01:00", false, false, store_pool_mac},
	{"pool", "peer", "a unicast MAC", false, false, store_pool_peer},
	{"pool", "vlans", "at most 32 different VLAN ids from 1 to 4094", true, false,
		store_pool_vlan},
	{"forward", "from", "a port such as vf0", false, true, store_forward_from},
	{"forward", "to", "a port such as vf1, or at most 8 different ones, as in {vf1, vf2}", true,
		false, store_forward_to},
	{"forward", "mode", "io, mac, macswap, echo, sink or source", false, true,
		store_forward_mode},
	{"forward", "both", "yes or no", false, false, store_forward_both},
	{"forward", "peer", "a port such as vf1, or a unicast MAC", false, false,
		store_forward_peer},
	{"forward", "vlan_push", "1 to 4094", false, false, store_vlan_push},
	{"forward", "vlan_pop", "yes or no", false, false, store_vlan_pop},
	{"forward", "address", "at most 8 unicast IP addresses, as in {192.0.2.1, \"2001:db8::1\"}",
		true, false, store_address},
	{"forward", "sizes",
		"imix, or at most 16 of 64 to 9018 bytes with FCS, as in {64, 512, 1518}", true,
		false, store_sizes},
	{"forward", "flows", "1 to 4096 for each queue", false, false, store_flows},
	{"forward", "rate", "0 (all it can) to 100000000 packets a second", false, false,
		store_rate},
	{"forward", "count", "0 (without an end) to 1000000000000000 packets", false, false,
		store_count},
	{"forward", "pattern", "steady, bursts or poisson", false, false, store_pattern},
	{"forward", "probe", "yes or no", false, false, store_probe},
	{"forward", "probes_of", "the name of another forward section", false, false,
		store_probes_of},
	{"forward", "ip_from", "an IPv4 address such as 198.18.0.1", false, false, store_ip_from},
	{"forward", "ip_to", "an IPv4 address such as 198.19.0.1", false, false, store_ip_to},
	{"lcore", "queues", "at most 64 of PORT:QUEUE, as in {vf0:0, vf1:0}", true, true,
		store_lcore_queue},
	{"port", "queues", "1 to 16 of each direction", false, false, store_port_queues},
	{"port", "rx_ring", "32 to 32768 descriptors, and what the port has", false, false,
		store_rx_ring},
	{"port", "tx_ring", "32 to 32768 descriptors, and what the port has", false, false,
		store_tx_ring},
	{"port", "rx_free_thresh", "1 to 4096 descriptors", false, false, store_rx_free_thresh},
	{"port", "tx_free_thresh", "1 to 4096 descriptors", false, false, store_tx_free_thresh},
	{"port", "mtu", "68 to 9000 bytes, and what the port has", false, false, store_mtu},
	{"datapath", "burst", "1 to 256 packets", false, false, store_burst},
	{"datapath", "tx_retries", "0 to 1000", false, false, store_tx_retries},
	{"datapath", "latency", "yes or no", false, false, store_latency},
	{"datapath", "latency_grain", "0 to 50000 ns", false, false, store_grain},
	{"datapath", "idle", "busy, pause or interrupt", false, false, store_idle},
	{"datapath", "mbufs", "1 to 16777215 packet buffers", false, false, store_mbufs},
	{"datapath", "mbuf_size", "1024 to 16384 bytes of a packet", false, false,
		store_mbuf_size},
	{"datapath", "mbuf_cache", "0 to 512 packet buffers of an lcore", false, false,
		store_mbuf_cache},
	{"rss", "key", "default, symmetric, random or 80 hex digits", false, false, store_rss_key},
	{"rss", "fields", RSS_FIELD_WORDS, true, false, store_rss_field},
	{"rss", "reta", RSS_RETA_WORDS, false, false, store_rss_reta},
	{"rss", "table", "a power of two from 128 to 4096", false, false, store_rss_table},
	{"rss", "balance", "yes or no", false, false, store_rss_balance},
	{"rss", "shared_ok", "yes or no", false, false, store_rss_shared_ok},
};

#define N_SPEC (sizeof(schema) / sizeof(schema[0]))

static const char *const sections[] = {"pf", "vf", "pool", "forward", "lcore", "port", "datapath",
	"rss"};

#define N_SEC (sizeof(sections) / sizeof(sections[0]))

/* There is one of it, and it has no title. */
static bool
is_single(const char *section)
{
	return strcmp(section, "datapath") == 0;
}

/* " 0" of "vf 0", or nothing. */
static const char *
title_of(cfg_t *section, char buf[CFG_NAME])
{
	const char *title = cfg_title(section);

	snprintf(buf, CFG_NAME, "%s%s", title ? " " : "", title ? title : "");
	return buf;
}

/* Where an option was given. libconfuse forgets it as soon as the option is parsed. */
struct seen {
	cfg_t *section;
	const struct spec *spec;
	int line;
	struct seen *next;
};

struct parse {
	const char *name;
	char *err;
	bool failed;
	struct config *c;
	struct seen *seen;
};

/* libconfuse hands its callbacks no context of ours; parsing is on one thread only. */
static struct parse *current;

static void __attribute__((format(printf, 3, 4)))
complain(struct parse *p, int line, const char *fmt, ...)
{
	size_t used = strlen(p->err);
	va_list ap;

	p->failed = true;
	if (used >= CFG_ERR_LEN - 2)
		return;
	snprintf(p->err + used, CFG_ERR_LEN - used, "%s%s:%d: ", used ? "\n" : "", p->name, line);
	used = strlen(p->err);
	va_start(ap, fmt);
	vsnprintf(p->err + used, CFG_ERR_LEN - used, fmt, ap);
	va_end(ap);
}

static void
list_allowed(cfg_t *section, char *buf, size_t len)
{
	const char *name = cfg_name(section);
	bool top = true;

	buf[0] = '\0';
	for (size_t i = 0; i < N_SPEC; i++) {
		if (strcmp(schema[i].section, name) != 0)
			continue;
		strlcat(buf, buf[0] ? ", " : "", len);
		strlcat(buf, schema[i].option, len);
		top = false;
	}
	for (size_t i = 0; top && i < N_SEC; i++) {
		strlcat(buf, i ? ", " : "", len);
		strlcat(buf, sections[i], len);
	}
}

static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char what[256], allowed[512];

	/* The line of the section being read is right: the parent's stands at its opening brace. */
	vsnprintf(what, sizeof(what), fmt, ap);
	if (strncmp(what, "no such option", 14) == 0) {
		list_allowed(cfg, allowed, sizeof(allowed));
		complain(current, cfg->line, "%s%s%s; allowed: %s", what,
			strcmp(cfg_name(cfg), "root") ? " in " : "",
			strcmp(cfg_name(cfg), "root") ? cfg_name(cfg) : "", allowed);
		return;
	}
	complain(current, cfg->line, "%s", what);
}

static const struct spec *
find_spec(const char *section, const char *option)
{
	for (size_t i = 0; i < N_SPEC; i++)
		if (strcmp(schema[i].section, section) == 0 &&
			strcmp(schema[i].option, option) == 0)
			return &schema[i];
	return NULL;
}

/* Called after each option while its line is known: note the line, refuse a second giving. */
static int
on_option(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct spec *spec = find_spec(cfg_name(cfg), opt->name);
	struct seen *s;
	char title[CFG_NAME];

	for (s = current->seen; s; s = s->next) {
		if (s->section == cfg && s->spec == spec) {
			/* A list calls in once for each of its words in some releases. */
			if (spec->list && s->line == cfg->line)
				return 0;
			complain(current, cfg->line,
				"%s is given twice in %s%s (first in line %d)", opt->name,
				cfg_name(cfg), title_of(cfg, title), s->line);
			return -1;
		}
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -1;
	*s = (struct seen){cfg, spec, cfg->line, current->seen};
	current->seen = s;
	return 0;
}

/*
 * Blank what libconfuse takes for comments and keep the newlines, since 3.3 loses count there.
 * Returns the line of a comment that nobody closes, or 0.
 */
static int
blank_comments(char *t)
{
	char quote = '\0';
	int line = 1;

	for (; *t; t++) {
		line += *t == '\n';
		if (quote) {
			if (*t == '\\' && t[1])
				t++;
			else if (*t == quote)
				quote = '\0';
		} else if (*t == '"' || *t == '\'') {
			quote = *t;
		} else if (*t == '#' || (t[0] == '/' && t[1] == '/')) {
			for (; t[0] && t[1] && t[1] != '\n'; t++)
				*t = ' ';
			if (*t && *t != '\n')
				*t = ' ';
		} else if (t[0] == '/' && t[1] == '*') {
			char *end = strstr(t + 2, "*/");

			if (!end)
				return line;
			for (end += 2; t < end; t++) {
				if (*t != '\n')
					*t = ' ';
				line += *t == '\n';
			}
			t--;
		}
	}
	return 0;
}

static int
line_of(struct parse *p, cfg_t *section, const struct spec *spec)
{
	for (struct seen *s = p->seen; s; s = s->next)
		if (s->section == section && s->spec == spec)
			return s->line;
	return 0;
}

/* The first line on which a section says anything, for errors about the section as a whole. */
static int
section_line(struct parse *p, cfg_t *section)
{
	int line = 0;

	for (struct seen *s = p->seen; s; s = s->next)
		if (s->section == section && (line == 0 || s->line < line))
			line = s->line;
	return line ? line : section->line;
}

static void
fill_option(struct parse *p, cfg_t *section, const struct spec *spec, void *object)
{
	unsigned int n = cfg_size(section, spec->option);
	int line = line_of(p, section, spec);

	if (line == 0) {
		if (spec->required)
			complain(p, section_line(p, section), "%s %s needs %s: %s", spec->section,
				cfg_title(section), spec->option, spec->allowed);
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		const char *word = cfg_getnstr(section, spec->option, i);

		if (!word || spec->store(object, word) < 0) {
			complain(p, line, "%s = %s is not allowed; allowed: %s", spec->option,
				word ? word : "(nothing)", spec->allowed);
			return;
		}
	}
}

static void
fill_section(struct parse *p, cfg_t *section, void *object)
{
	for (size_t i = 0; i < N_SPEC; i++)
		if (strcmp(schema[i].section, cfg_name(section)) == 0)
			fill_option(p, section, &schema[i], object);
}

/* "0", "vf0" or "pf1vf0" */
static int
vf_title(const char *title, uint32_t *pf, uint32_t *vf)
{
	*pf = 0;
	if (strncmp(title, "pf", 2) == 0 && title[2] >= '0' && title[2] < '0' + CFG_MAX_PF &&
		strncmp(title + 3, "vf", 2) == 0) {
		*pf = title[2] - '0';
		title += 5;
	} else if (strncmp(title, "vf", 2) == 0) {
		title += 2;
	}
	return store_number(vf, title, 0, CFG_MAX_VF - 1);
}

static void
add_pf(struct parse *p, cfg_t *section)
{
	struct config *c = p->c;
	struct cfg_pf_sec *pf = &c->pf[c->n_pf];
	int line = section_line(p, section);

	if (store_number(&pf->index, cfg_title(section), 0, CFG_MAX_PF - 1) < 0) {
		complain(p, line, "pf %s: allowed: 0 to %d", cfg_title(section), CFG_MAX_PF - 1);
		return;
	}
	pf->line = line;
	fill_section(p, section, pf);
	for (uint32_t i = 0; i < c->n_pf; i++)
		if (c->pf[i].index == pf->index || strcmp(c->pf[i].pci, pf->pci) == 0)
			complain(p, line, "pf %u: same number or PCI address as in line %d",
				pf->index, c->pf[i].line);
	c->n_pf++;
}

/* What options say together; the line is the first one's that the sentence names. */
static void
check_policy(struct parse *p, cfg_t *section, const struct cfg_vf_sec *vf)
{
	struct sriov_vf_policy policy = vf->policy;
	char option[32];
	const char *why;
	int line;

	policy.n_vlans = vf->n_vlans;
	why = sriov_policy_check(&policy);
	if (!why && policy.foreign_sources && !policy.trusted && vf->owner == CFG_OWNER_TENANT)
		why = "anti_spoof = no needs trusted = yes for a tenant's VF";
	if (!why)
		return;
	strlcpy(option, why, sizeof(option));
	option[strcspn(option, " ")] = '\0';
	line = line_of(p, section, find_spec("vf", option));
	complain(p, line ? line : vf->line, "vf %s: %s", cfg_title(section), why);
}

static void
add_vf(struct parse *p, cfg_t *section)
{
	struct config *c = p->c;
	struct cfg_vf_sec *vf = &c->vf[c->n_vf];
	int line = section_line(p, section);

	if (c->n_vf == CFG_MAX_PF * CFG_MAX_VF ||
		vf_title(cfg_title(section), &vf->pf, &vf->index) < 0) {
		complain(p, line, "vf %s: allowed: 0 to %d, or pf1vf0 where there are two PFs",
			cfg_title(section), CFG_MAX_VF - 1);
		return;
	}
	vf->line = line;
	sriov_policy_default(&vf->policy);
	fill_section(p, section, vf);
	check_policy(p, section, vf);
	for (uint32_t i = 0; i < c->n_vf; i++) {
		const struct cfg_vf_sec *other = &c->vf[i];

		if (other->pf == vf->pf && other->index == vf->index)
			complain(p, line, "vf %s: the same VF as in line %d", cfg_title(section),
				other->line);
		if (vf->has_mac && other->has_mac && memcmp(vf->mac, other->mac, 6) == 0)
			complain(p, line_of(p, section, find_spec("vf", "mac")),
				"mac: the same address as in line %d; each VF needs its own",
				other->line);
	}
	c->n_vf++;
}

/* "0", or pf1pool0 where there are two PFs */
static int
pool_title(const char *title, uint32_t *pf, uint32_t *pool)
{
	*pf = 0;
	if (strncmp(title, "pf", 2) == 0 && title[2] >= '0' && title[2] < '0' + CFG_MAX_PF &&
		strncmp(title + 3, "pool", 4) == 0) {
		*pf = title[2] - '0';
		title += 7;
	}
	return store_number(pool, title, 0, CFG_MAX_POOL - 1);
}

static void
add_pool(struct parse *p, cfg_t *section)
{
	struct config *c = p->c;
	struct cfg_pool_sec *pool = &c->pool[c->n_pool];

	pool->line = section_line(p, section);
	if (c->n_pool == CFG_MAX_PF * CFG_MAX_POOL ||
		pool_title(cfg_title(section), &pool->pf, &pool->index) < 0) {
		complain(p, pool->line, "pool %s: allowed: 0 to %d, or pf1pool0",
			cfg_title(section), CFG_MAX_POOL - 1);
		return;
	}
	fill_section(p, section, pool);
	snprintf(pool->name, sizeof(pool->name), "pf%upool%u", pool->pf, pool->index);
	if (!pool->has_mac && pool->index > 0)
		complain(p, pool->line,
			"pool %u needs mac: packets find it by that; pool 0 alone has the PF's own",
			pool->index);
	for (uint32_t i = 0; i < c->n_pool; i++) {
		const struct cfg_pool_sec *o = &c->pool[i];

		if (strcmp(o->name, pool->name) == 0)
			complain(p, pool->line, "pool %s: the same as in line %d",
				cfg_title(section), o->line);
		if (o->has_mac && pool->has_mac && memcmp(o->mac, pool->mac, 6) == 0)
			complain(p, line_of(p, section, find_spec("pool", "mac")),
				"mac: the same address as in line %d; each pool needs its own",
				o->line);
	}
	c->n_pool++;
}

/* Pools of a PF's own and VFs exclude each other: with VFs DPDK's PF has exactly one pool. */
static void
check_pools(struct parse *p)
{
	const struct config *c = p->c;

	for (uint32_t i = 0; i < c->n_pool; i++) {
		bool have = false;

		for (uint32_t k = 0; k < c->n_pf; k++)
			have |= c->pf[k].index == c->pool[i].pf;
		if (!have)
			complain(p, c->pool[i].line, "pool %u: there is no section pf %u",
				c->pool[i].index, c->pool[i].pf);
		for (uint32_t v = 0; v < c->n_vf; v++)
			if (c->vf[v].pf == c->pool[i].pf) {
				complain(p, c->pool[i].line,
					"pool %u beside vf %u (line %d): with VFs the PF has one "
					"pool; have either",
					c->pool[i].index, c->vf[v].index, c->vf[v].line);
				break;
			}
	}
}

/* What belongs to some modes only. */
static void
check_mode_options(struct parse *p, cfg_t *section, const struct cfg_forward *f)
{
	enum { FWD = 1 << CFG_IO | 1 << CFG_MAC | 1 << CFG_MACSWAP, SRC = 1 << CFG_SOURCE };
	static const struct {
		const char *option;
		unsigned int modes;
		const char *names;
	} table[] = {
		{"peer", FWD | SRC, "io, mac, macswap and source"},
		{"vlan_push", FWD | SRC, "io, mac, macswap and source"},
		{"vlan_pop", FWD, "io, mac and macswap"},
		{"address", 1 << CFG_ECHO, "echo"},
		{"sizes", SRC, "source"},
		{"flows", SRC, "source"},
		{"rate", SRC, "source"},
		{"count", SRC, "source"},
		{"pattern", SRC, "source"},
		{"probe", SRC, "source"},
		{"probes_of", 1 << CFG_SINK, "sink"},
		{"ip_from", SRC, "source"},
		{"ip_to", SRC, "source"},
	};
	const struct spec *spec;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		spec = find_spec("forward", table[i].option);
		if (line_of(p, section, spec) != 0 && !(table[i].modes & 1u << f->mode))
			complain(p, line_of(p, section, spec),
				"forward %s: %s is not for mode %s; allowed: %s", f->name,
				table[i].option, config_mode_name(f->mode), table[i].names);
	}
}

static void
add_forward(struct parse *p, cfg_t *section)
{
	struct config *c = p->c;
	struct cfg_forward *f = &c->forward[c->n_forward];
	const char *mode;

	f->line = section_line(p, section);
	if (c->n_forward == CFG_MAX_FORWARD || !is_port_name(cfg_title(section))) {
		complain(p, f->line,
			"forward %s: allowed: at most %d rules, names of letters, digits, "
			"- and _, at most %d long",
			cfg_title(section), CFG_MAX_FORWARD, CFG_NAME - 1);
		return;
	}
	strlcpy(f->name, cfg_title(section), sizeof(f->name));
	fill_section(p, section, f);
	mode = config_mode_name(f->mode);
	if (f->mode <= CFG_MACSWAP && !f->to[0])
		complain(p, f->line, "forward %s: mode %s needs to = PORT", f->name, mode);
	if (f->mode > CFG_MACSWAP && (f->to[0] || f->both))
		complain(p, f->line,
			"forward %s: mode %s stays on its own port; leave out to and both", f->name,
			mode);
	if (f->n_more > 0 && f->both)
		complain(p, f->line, "forward %s: with several ports in to, both must be no",
			f->name);
	check_mode_options(p, section, f);
	for (uint32_t i = 0; i < c->n_forward; i++) {
		const struct cfg_forward *o = &c->forward[i];

		if (strcmp(o->from, f->from) == 0 || (o->both && strcmp(o->to, f->from) == 0) ||
			(f->both && (strcmp(f->to, o->from) == 0 ||
					    (o->both && strcmp(f->to, o->to) == 0))))
			complain(p, f->line,
				"forward %s reads a port that forward %s (line %d) reads "
				"already",
				f->name, o->name, o->line);
	}
	c->n_forward++;
}

static void
add_lcore(struct parse *p, cfg_t *section)
{
	struct config *c = p->c;
	struct cfg_lcore *lc = &c->lcore[c->n_lcore];

	lc->line = section_line(p, section);
	if (store_number(&lc->id, cfg_title(section), 0, CFG_MAX_LCORE - 1) < 0) {
		complain(p, lc->line, "lcore %s: allowed: 0 to %d", cfg_title(section),
			CFG_MAX_LCORE - 1);
		return;
	}
	fill_section(p, section, lc);
	for (uint32_t i = 0; i < lc->n_queues; i++) {
		struct cfg_queue *q = &lc->queues[i];

		q->line = line_of(p, section, find_spec("lcore", "queues"));
		for (uint32_t l = 0; l <= c->n_lcore; l++) {
			uint32_t n = l == c->n_lcore ? i : c->lcore[l].n_queues;

			for (uint32_t k = 0; k < n; k++)
				if (c->lcore[l].queues[k].queue == q->queue &&
					strcmp(c->lcore[l].queues[k].port, q->port) == 0)
					complain(p, q->line,
						"queues: %s:%u is polled twice; a queue "
						"belongs to one lcore",
						q->port, q->queue);
		}
	}
	c->n_lcore++;
}

static void
add_port(struct parse *p, cfg_t *section)
{
	struct config *c = p->c;
	struct cfg_port *port = &c->port[c->n_port];

	port->line = section_line(p, section);
	if (c->n_port == CFG_MAX_PORT || !is_port_name(cfg_title(section))) {
		complain(p, port->line, "port %s: allowed: the names of at most %d ports",
			cfg_title(section), CFG_MAX_PORT);
		return;
	}
	strlcpy(port->name, cfg_title(section), sizeof(port->name));
	fill_section(p, section, port);
	c->n_port++;
}

static void
add_datapath(struct parse *p, cfg_t *section)
{
	p->c->datapath.line = section_line(p, section);
	fill_section(p, section, &p->c->datapath);
}

static void
add_rss(struct parse *p, cfg_t *section)
{
	struct config *c = p->c;
	struct cfg_rss *r = &c->rss[c->n_rss];
	struct vfp_err why = {0};

	r->line = section_line(p, section);
	if (c->n_rss == sizeof(c->rss) / sizeof(c->rss[0]) || !is_port_name(cfg_title(section))) {
		complain(p, r->line, "rss %s: allowed: a port such as pf0 or vf1",
			cfg_title(section));
		return;
	}
	strlcpy(r->port, cfg_title(section), sizeof(r->port));
	fill_section(p, section, r);
	c->n_rss++;
	if (!p->failed && config_rss_check(c, r, &why) < 0)
		complain(p, r->line, "rss %s: %s", r->port, why.text);
}

/* A word that looks like a PF's or VF's port must name one that the configuration has. */
static void
check_reference(struct parse *p, int line, const char *option, const char *port, bool polled)
{
	const struct config *c = p->c;
	uint32_t pf, vf;
	int end = 0;

	if (!port[0])
		return;
	if (sscanf(port, "pf%u%n", &pf, &end) == 1 && port[end] == '\0') {
		for (uint32_t i = 0; i < c->n_pf; i++)
			if (c->pf[i].index == pf)
				return;
		complain(p, line, "%s = %s: there is no section pf %u", option, port, pf);
		return;
	}
	if (strstr(port, "pool") && pool_title(port, &pf, &vf) == 0) {
		if (!config_pool(c, pf, vf))
			complain(p, line, "%s = %s: there is no section pool %u of pf %u", option,
				port, vf, pf);
		return;
	}
	if ((strncmp(port, "vf", 2) != 0 && strncmp(port, "pf", 2) != 0) ||
		vf_title(port, &pf, &vf) < 0)
		return; /* another ethdev's name: known only when EAL is up */
	for (uint32_t i = 0; i < c->n_vf; i++) {
		if (c->vf[i].pf != pf || c->vf[i].index != vf)
			continue;
		if (polled && c->vf[i].owner == CFG_OWNER_TENANT)
			complain(p, line,
				"%s = %s: that VF belongs to a tenant (line %d); "
				"vfplane does not poll it",
				option, port, c->vf[i].line);
		return;
	}
	complain(p, line, "%s = %s: there is no section vf %u%s", option, port, vf,
		c->n_pf > 1 ? " of that PF" : "");
}

/* Mode mac writes the next hop into each frame: what a VF sends by needs one. */
static void
check_next_hop(struct parse *p, int line, const struct cfg_forward *f, const char *out)
{
	if (f->opts.has_peer || f->peer[0])
		return;
	for (uint32_t i = 0; f->mode == CFG_MAC && out[0] && i < p->c->n_vf; i++) {
		const struct cfg_vf_sec *vf = &p->c->vf[i];
		uint32_t pf, index;

		if (vf_title(out, &pf, &index) == 0 && vf->pf == pf && vf->index == index &&
			!vf->has_peer_mac && !vf->peer[0])
			complain(p, line,
				"forward %s: mode mac sends by %s, which has no peer: its next "
				"hop is unknown",
				f->name, out);
	}
}

/* The line of the VF whose rate is one too many. */
static void
check_rates(struct parse *p, cfg_t *root)
{
	uint32_t sum[CFG_MAX_PF] = {0};

	for (uint32_t i = 0; i < p->c->n_vf; i++) {
		const struct cfg_vf_sec *vf = &p->c->vf[i];
		const uint32_t before = sum[vf->pf];

		sum[vf->pf] += vf->policy.rate;
		if (before <= SRIOV_LINK_MBIT && sum[vf->pf] > SRIOV_LINK_MBIT)
			complain(p, line_of(p, cfg_getnsec(root, "vf", i), find_spec("vf", "rate")),
				"rate = %u: the rates of all VFs together are %u Mbit/s; allowed: "
				"%d",
				vf->policy.rate, sum[vf->pf], SRIOV_LINK_MBIT);
	}
}

/* A pool is a port to rules and lcores, but a part of the PF's where that is set up. */
static void
check_port_section(struct parse *p, const struct cfg_port *port)
{
	uint32_t pf, pool;

	if (strstr(port->name, "pool") && pool_title(port->name, &pf, &pool) == 0)
		complain(p, port->line, "port %s: a pool is set up with its PF; allowed: port pf%u",
			port->name, pf);
	else
		check_reference(p, port->line, "port", port->name, true);
}

/* A sink takes probes of a rule that makes some. */
static void
check_probes_of(struct parse *p, cfg_t *section, const struct cfg_forward *f)
{
	const char *of = f->opts.probes_of;

	if (!of[0])
		return;
	for (uint32_t i = 0; i < p->c->n_forward; i++)
		if (strcmp(p->c->forward[i].name, of) == 0 &&
			p->c->forward[i].mode == CFG_SOURCE && p->c->forward[i].opts.source.probe)
			return;
	complain(p, line_of(p, section, find_spec("forward", "probes_of")),
		"probes_of = %s: there is no section forward %s of mode source with probe = yes",
		of, of);
}

static void
check_references(struct parse *p, cfg_t *root)
{
	const struct config *c = p->c;
	const struct spec *from = find_spec("forward", "from"), *to = find_spec("forward", "to");
	const struct spec *peer = find_spec("vf", "peer");

	for (uint32_t i = 0; i < c->n_vf; i++) {
		bool have = false;

		check_reference(p, line_of(p, cfg_getnsec(root, "vf", i), peer), "peer",
			c->vf[i].peer, false);
		for (uint32_t k = 0; k < c->n_pf; k++)
			have |= c->pf[k].index == c->vf[i].pf;
		if (c->vf[i].pf > 0 && !have)
			complain(p, c->vf[i].line, "vf %u: there is no section pf %u",
				c->vf[i].index, c->vf[i].pf);
	}
	for (uint32_t i = 0; i < c->n_forward; i++) {
		cfg_t *section = cfg_getnsec(root, "forward", i);

		check_reference(p, line_of(p, section, from), "from", c->forward[i].from, true);
		check_reference(p, line_of(p, section, to), "to", c->forward[i].to, true);
		for (uint32_t k = 0; k < c->forward[i].n_more; k++)
			check_reference(p, line_of(p, section, to), "to", c->forward[i].more[k], true);
		check_reference(p, line_of(p, section, find_spec("forward", "peer")), "peer",
			c->forward[i].peer, false);
		check_probes_of(p, section, &c->forward[i]);
		check_next_hop(p, c->forward[i].line, &c->forward[i], c->forward[i].to);
		if (c->forward[i].both)
			check_next_hop(p, c->forward[i].line, &c->forward[i], c->forward[i].from);
	}
	for (uint32_t i = 0; i < c->n_port; i++)
		check_port_section(p, &c->port[i]);
	for (uint32_t i = 0; i < c->n_rss; i++)
		check_reference(p, c->rss[i].line, "rss", c->rss[i].port, true);
	for (uint32_t i = 0; i < c->n_lcore; i++)
		for (uint32_t k = 0; k < c->lcore[i].n_queues; k++)
			check_reference(p, c->lcore[i].queues[k].line, "queues",
				c->lcore[i].queues[k].port, true);
}

static void
fill_all(struct parse *p, cfg_t *root)
{
	static void (*const add[N_SEC])(struct parse *, cfg_t *) = {
		add_pf, add_vf, add_pool, add_forward, add_lcore, add_port, add_datapath, add_rss};

	for (size_t s = 0; s < N_SEC; s++)
		for (unsigned int i = 0; i < cfg_size(root, sections[s]); i++)
			add[s](p, cfg_getnsec(root, sections[s], i));
	if (!p->failed)
		check_references(p, root);
	if (!p->failed)
		check_rates(p, root);
	if (!p->failed)
		check_pools(p);
	for (uint32_t i = 0; i < p->c->n_vf; i++)
		config_vf_name(p->c, p->c->vf[i].pf, p->c->vf[i].index, p->c->vf[i].name);
}

static cfg_t *
make_root(cfg_opt_t options[N_SEC][N_SPEC + 1], cfg_opt_t root_options[N_SEC + 1])
{
	static cfg_opt_t end = CFG_END();
	cfg_t *root;

	for (size_t s = 0; s < N_SEC; s++) {
		cfg_opt_t sec = CFG_SEC((char *)(uintptr_t)sections[s], options[s],
			is_single(sections[s]) ? CFGF_NONE
					       : CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
		size_t n = 0;

		for (size_t i = 0; i < N_SPEC; i++) {
			cfg_opt_t word = CFG_STR(schema[i].option, NULL, CFGF_NONE);
			cfg_opt_t list = CFG_STR_LIST(schema[i].option, NULL, CFGF_NONE);

			if (strcmp(schema[i].section, sections[s]) == 0)
				options[s][n++] = schema[i].list ? list : word;
		}
		options[s][n] = end;
		root_options[s] = sec;
	}
	root_options[N_SEC] = end;
	root = cfg_init(root_options, CFGF_NONE);
	if (!root)
		return NULL;
	cfg_set_error_function(root, on_error);
	for (size_t i = 0; i < N_SPEC; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s|%s", schema[i].section, schema[i].option);
		cfg_set_validate_func(root, path, on_option);
	}
	return root;
}

int
config_parse(const char *name, const char *text, struct config *c, char *err)
{
	cfg_opt_t options[N_SEC][N_SPEC + 1], root_options[N_SEC + 1];
	struct parse p = {.name = name, .err = err, .c = c};
	char *copy = strdup(text);
	cfg_t *root = NULL;
	int ret = -ENOMEM, open_line;

	memset(c, 0, sizeof(*c));
	err[0] = '\0';
	strlcpy(c->file, name, sizeof(c->file));
	current = &p;
	root = copy ? make_root(options, root_options) : NULL;
	if (!root) {
		snprintf(err, CFG_ERR_LEN, "%s: out of memory", name);
		goto out;
	}
	ret = -EINVAL;
	open_line = blank_comments(copy);
	if (open_line)
		complain(&p, open_line, "a comment is opened by /* and never closed");
	else if (cfg_parse_buf(root, copy) == CFG_SUCCESS)
		fill_all(&p, root);
	else if (!p.failed)
		complain(&p, root->line, "cannot be parsed");
	if (!p.failed)
		ret = 0;
out:
	while (p.seen) {
		struct seen *next = p.seen->next;

		free(p.seen);
		p.seen = next;
	}
	if (root)
		cfg_free(root);
	free(copy);
	current = NULL;
	return ret;
}

int
config_load(const char *path, struct config *c, char *err)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t len = 0;
	int ret;

	if (!f) {
		ret = -errno;
		snprintf(err, CFG_ERR_LEN, "%s: %s", path, strerror(errno));
		return ret;
	}
	if (getdelim(&text, &len, '\0', f) < 0) {
		ret = ferror(f) ? -EIO : config_parse(path, "", c, err);
		if (ret == -EIO)
			snprintf(err, CFG_ERR_LEN, "%s: cannot be read", path);
	} else if (fgetc(f) != EOF) {
		ret = -EINVAL;
		snprintf(err, CFG_ERR_LEN, "%s: holds a zero byte; it should be text", path);
	} else {
		ret = config_parse(path, text, c, err);
	}
	free(text);
	fclose(f);
	return ret;
}

const struct cfg_vf_sec *
config_vf(const struct config *c, uint32_t pf, uint32_t vf)
{
	for (uint32_t i = 0; i < c->n_vf; i++)
		if (c->vf[i].pf == pf && c->vf[i].index == vf)
			return &c->vf[i];
	return NULL;
}

const struct cfg_pool_sec *
config_pool(const struct config *c, uint32_t pf, uint32_t pool)
{
	for (uint32_t i = 0; i < c->n_pool; i++)
		if (c->pool[i].pf == pf && c->pool[i].index == pool)
			return &c->pool[i];
	return NULL;
}

uint32_t
config_pool_count(const struct config *c, uint32_t pf)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_pool; i++)
		if (c->pool[i].pf == pf && c->pool[i].index >= n)
			n = c->pool[i].index + 1;
	return n;
}

const struct cfg_port *
config_port(const struct config *c, const char *name)
{
	for (uint32_t i = 0; i < c->n_port; i++)
		if (strcmp(c->port[i].name, name) == 0)
			return &c->port[i];
	return NULL;
}

uint32_t
config_vf_count(const struct config *c, uint32_t pf)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_vf; i++)
		if (c->vf[i].pf == pf && c->vf[i].index >= n)
			n = c->vf[i].index + 1;
	return n;
}

uint32_t
config_vlan_count(const struct config *c, uint32_t pf)
{
	bool seen[4096] = {false};
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_vf; i++) {
		if (c->vf[i].pf != pf)
			continue;
		for (uint32_t k = 0; k < c->vf[i].n_vlans; k++)
			seen[c->vf[i].vlans[k] & 4095] = true;
		seen[c->vf[i].policy.port_vlan & 4095] = true;
	}
	for (uint32_t i = 0; i < c->n_pool; i++)
		for (uint32_t k = 0; c->pool[i].pf == pf && k < c->pool[i].n_vlans; k++)
			seen[c->pool[i].vlans[k] & 4095] = true;
	for (unsigned int vid = 1; vid < 4096; vid++)
		n += seen[vid];
	return n;
}

void
config_want(
	const struct config *c, const struct cfg_pf_sec *pf, uint32_t vfs, struct sriov_want *want)
{
	const uint32_t pools = config_pool_count(c, pf->index);

	/* Pools of the PF's own run without RSS. */
	*want = (struct sriov_want){.vfs = vfs,
		.queues = pf->queues_per_pool,
		.rss = pools == 0,
		.vlans = config_vlan_count(c, pf->index),
		.vmdq_pools = pools};
}

void
config_vf_name(const struct config *c, uint32_t pf, uint32_t vf, char out[CFG_NAME])
{
	if (c->n_pf > 1)
		snprintf(out, CFG_NAME, "pf%uvf%u", pf, vf);
	else
		snprintf(out, CFG_NAME, "vf%u", vf);
}
