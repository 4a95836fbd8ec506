/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RSS_FLOW_H
#define RSS_FLOW_H

/**
 * @file
 * One flow instead of a frame: written down by a person, predicted, turned into a frame; and the
 * reverse, a source port or a key that puts it on a wanted queue. And a count of flows, for the
 * heaviest of a capture. Pure; any thread.
 */

#include <vfp_err.h>

#include "rss_oracle.h"

struct rss_flow {
	bool v6;
	uint8_t proto; /**< 6, 17; any other, or 0, has no ports */
	uint8_t src[16], dst[16]; /**< IPv4 in the first four bytes */
	uint16_t sport, dport;
};

/**
 * Words into a flow.
 *
 * @param proto  tcp, udp or ip
 * @param src    10.0.0.3:40000 or [2001:db8::3]:40000; without a port for ip
 * @param dst    likewise, of the same family
 */
int rss_flow_parse(const char *proto, const char *src, const char *dst, struct rss_flow *f,
	struct vfp_err *err);

/** What is hashed of it with these fields on. */
void rss_flow_tuple(const struct rss_flow *f, uint32_t fields, struct rss_tuple *t);

#define RSS_FLOW_FRAME 128
/**
 * A frame of that flow, with right lengths and without payload or checksums.
 * @param vlan  tag, or 0 for none
 * @return bytes, at least 60
 */
size_t rss_flow_frame(const struct rss_flow *f, const uint8_t dst_mac[6], const uint8_t src_mac[6],
	uint16_t vlan, uint8_t frame[RSS_FLOW_FRAME]);

#define RSS_FLOW_TEXT 112
/** "tcp 10.0.0.3:40000 > 10.0.0.4:443". @return buf */
const char *rss_flow_text(const struct rss_flow *f, char buf[RSS_FLOW_TEXT]);

/** Predict, as rss_predict() does. */
void rss_flow_predict(const struct rss_oracle *o, unsigned int pool_queues,
	const struct rss_flow *f, struct rss_verdict *v);

/**
 * Source ports that put the flow on a queue, from the flow's own port upwards, around past 65535.
 *
 * @return how many were found, at most max; 0: the port is not hashed, or no entry of the table
 *         leads there
 */
unsigned int rss_find_ports(const struct rss_oracle *o, unsigned int pool_queues,
	const struct rss_flow *f, unsigned int queue, uint16_t *ports, unsigned int max);

/**
 * A key that puts each of n flows on its wanted queue, with everything else as it is.
 *
 * @param seed  where the search begins; the same seed finds the same key
 * @return 0; -ENOENT after a million keys (with q queues about q^n have to be tried); -EINVAL: a
 *         flow is not hashed, or no entry of the table leads to its queue
 */
int rss_find_key(const struct rss_conf *conf, unsigned int pool_queues, const struct rss_flow *flows,
	const unsigned int *queues, unsigned int n, uint64_t seed, uint8_t key[RSS_KEY_LEN]);

/** Counts flows by what is hashed of them. */
struct rss_flows;
struct rss_flow_count {
	struct rss_tuple tuple;
	uint32_t pool;
	uint64_t packets;
};

/** @param max  flows that are told apart; what comes later is counted as "other" */
struct rss_flows *rss_flows_new(unsigned int max);
void rss_flows_free(struct rss_flows *f);
/** 0; -ENOMEM when the table is full: counted as other. */
int rss_flows_add(struct rss_flows *f, uint32_t pool, const struct rss_tuple *t, uint64_t packets);
/** The n heaviest, heaviest first; how many there are in `top`. */
unsigned int rss_flows_top(const struct rss_flows *f, struct rss_flow_count *top, unsigned int n);
/** How many different ones. */
unsigned int rss_flows_count(const struct rss_flows *f);
/** "tcp4 10.0.0.3:40000 > 10.0.0.4:443" of what was hashed. @return buf */
const char *rss_tuple_text(const struct rss_tuple *t, char buf[RSS_FLOW_TEXT]);

#endif
