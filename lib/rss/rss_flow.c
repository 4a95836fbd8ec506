/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vfp_parse.h>

#include "rss_flow.h"
#include "rss_words.h"

#define TCP       6
#define UDP       17
#define NO_NEXT   59 /* IPv6's "no next header" */
#define TEST_PROT 253 /* IPv4's number for experiments, RFC 3692 */
#define MAX_KEYS  1000000
#define MAX_FLOWS 64

/* "A:P", "[A6]:P", or without ":P" where no port is wanted. */
static int
parse_end(const char *text, bool port_wanted, int *family, uint8_t *addr, uint16_t *port,
	struct vfp_err *err)
{
	char host[64];
	const char *colon = text[0] == '[' ? strstr(text, "]:") : strrchr(text, ':');
	size_t len;

	if (colon && text[0] == '[')
		colon++;
	if (!port_wanted)
		colon = NULL;
	else if (!colon)
		return vfp_err_set(err, -EINVAL,
			"%s: a port is missing; allowed: 10.0.0.3:40000 or [2001:db8::3]:40000",
			text);
	len = colon ? (size_t)(colon - text) : strlen(text);
	if (text[0] == '[' && len > 2 && text[len - 1] == ']')
		snprintf(host, sizeof(host), "%.*s", (int)len - 2, text + 1);
	else
		snprintf(host, sizeof(host), "%.*s", (int)len, text);
	*family = strchr(host, ':') ? AF_INET6 : AF_INET;
	if (*family == AF_INET6 && port_wanted && text[0] != '[')
		return vfp_err_set(err, -EINVAL,
			"%s: an IPv6 address with a port stands in brackets: [2001:db8::3]:40000",
			text);
	if (inet_pton(*family, host, addr) != 1)
		return vfp_err_set(err, -EINVAL, "%s: no IP address; allowed: %s", text,
			port_wanted ? "10.0.0.3:40000 or [2001:db8::3]:40000"
				    : "10.0.0.3 or 2001:db8::3");
	return port_wanted ? vfp_parse_u16(colon + 1, "port", 0, 65535, port, err) : 0;
}

int
rss_flow_parse(const char *proto, const char *src, const char *dst, struct rss_flow *f,
	struct vfp_err *err)
{
	static const char *const names[] = {"tcp", "udp", "ip"};
	static const uint8_t protos[] = {TCP, UDP, 0};
	struct rss_flow out = {0};
	unsigned int which;
	int a, b, ret = vfp_parse_choice(proto, "protocol", names, 3, &which, err);

	if (ret == 0)
		ret = parse_end(src, which < 2, &a, out.src, &out.sport, err);
	if (ret == 0)
		ret = parse_end(dst, which < 2, &b, out.dst, &out.dport, err);
	if (ret < 0)
		return ret;
	if (a != b)
		return vfp_err_set(err, -EINVAL, "%s and %s: one is IPv4, the other IPv6", src, dst);
	out.proto = protos[which];
	out.v6 = a == AF_INET6;
	*f = out;
	return 0;
}

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

static size_t
put_ip(const struct rss_flow *f, size_t l4, uint8_t *ip)
{
	if (f->v6) {
		ip[0] = 0x60;
		put16(ip + 4, l4);
		ip[6] = f->proto ? f->proto : NO_NEXT;
		ip[7] = 64;
		memcpy(ip + 8, f->src, 16);
		memcpy(ip + 24, f->dst, 16);
		return 40;
	}
	ip[0] = 0x45;
	put16(ip + 2, 20 + l4);
	ip[8] = 64;
	ip[9] = f->proto ? f->proto : TEST_PROT;
	memcpy(ip + 12, f->src, 4);
	memcpy(ip + 16, f->dst, 4);
	return 20;
}

size_t
rss_flow_frame(const struct rss_flow *f, const uint8_t dst_mac[6], const uint8_t src_mac[6],
	uint16_t vlan, uint8_t frame[RSS_FLOW_FRAME])
{
	const size_t l4 = f->proto == TCP ? 20 : f->proto == UDP ? 8 : 0;
	size_t at = 12;

	memset(frame, 0, RSS_FLOW_FRAME);
	memcpy(frame, dst_mac, 6);
	memcpy(frame + 6, src_mac, 6);
	if (vlan) {
		put16(frame + at, 0x8100);
		put16(frame + at + 2, vlan);
		at += 4;
	}
	put16(frame + at, f->v6 ? 0x86dd : 0x0800);
	at += 2;
	at += put_ip(f, l4, frame + at);
	if (l4) {
		put16(frame + at, f->sport);
		put16(frame + at + 2, f->dport);
		if (f->proto == TCP)
			frame[at + 12] = 5 << 4;
		else
			put16(frame + at + 4, l4);
	}
	at += l4;
	return at < 60 ? 60 : at;
}

void
rss_flow_tuple(const struct rss_flow *f, uint32_t fields, struct rss_tuple *t)
{
	static const uint8_t no_mac[6];
	uint8_t frame[RSS_FLOW_FRAME];
	size_t len = rss_flow_frame(f, no_mac, no_mac, 0, frame);

	rss_tuple(fields, frame, len, t);
}

const char *
rss_flow_text(const struct rss_flow *f, char buf[RSS_FLOW_TEXT])
{
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];
	const int family = f->v6 ? AF_INET6 : AF_INET;

	inet_ntop(family, f->src, a, sizeof(a));
	inet_ntop(family, f->dst, b, sizeof(b));
	if (f->proto != TCP && f->proto != UDP)
		snprintf(buf, RSS_FLOW_TEXT, "ip %s > %s", a, b);
	else
		snprintf(buf, RSS_FLOW_TEXT, f->v6 ? "%s [%s]:%u > [%s]:%u" : "%s %s:%u > %s:%u",
			f->proto == TCP ? "tcp" : "udp", a, f->sport, b, f->dport);
	return buf;
}

const char *
rss_tuple_text(const struct rss_tuple *t, char buf[RSS_FLOW_TEXT])
{
	struct rss_flow f = {.v6 = t->len >= 32};
	const unsigned int size = f.v6 ? 16 : 4;

	if (t->type == RSS_T_NONE)
		return strcpy(buf, "not hashed");
	memcpy(f.src, t->bytes, size);
	memcpy(f.dst, t->bytes + size, size);
	if (t->type == RSS_T_TCP4 || t->type == RSS_T_TCP6)
		f.proto = TCP;
	else if (t->type == RSS_T_UDP4 || t->type == RSS_T_UDP6)
		f.proto = UDP;
	if (f.proto) {
		const uint8_t *ports = t->bytes + 2 * size;

		f.sport = ports[0] << 8 | ports[1];
		f.dport = ports[2] << 8 | ports[3];
	}
	return rss_flow_text(&f, buf);
}

void
rss_flow_predict(const struct rss_oracle *o, unsigned int pool_queues, const struct rss_flow *f,
	struct rss_verdict *v)
{
	static const uint8_t no_mac[6];
	uint8_t frame[RSS_FLOW_FRAME];
	size_t len = rss_flow_frame(f, no_mac, no_mac, 0, frame);

	rss_oracle_predict(o, pool_queues, frame, len, v);
}

unsigned int
rss_find_ports(const struct rss_oracle *o, unsigned int pool_queues, const struct rss_flow *f,
	unsigned int queue, uint16_t *ports, unsigned int max)
{
	struct rss_tuple t;
	uint8_t *sport;
	unsigned int n = 0;

	rss_flow_tuple(f, o->conf.fields, &t);
	if (t.note != RSS_N_FULL)
		return 0;
	sport = t.bytes + (f->v6 ? 32 : 8);
	for (unsigned int i = 0; i < 65536 && n < max; i++) {
		const uint16_t port = f->sport + i;

		put16(sport, port);
		if (rss_queue(&o->conf, pool_queues, rss_oracle_hash(o, t.bytes, t.len)) == queue)
			ports[n++] = port;
	}
	return n;
}

/* Can any hash lead there? */
static bool
reachable(const struct rss_conf *conf, unsigned int pool_queues, unsigned int queue)
{
	for (uint32_t i = 0; i < RSS_RETA_SIZE; i++)
		if (rss_queue(conf, pool_queues, i) == queue)
			return true;
	return false;
}

int
rss_find_key(const struct rss_conf *conf, unsigned int pool_queues, const struct rss_flow *flows,
	const unsigned int *queues, unsigned int n, uint64_t seed, uint8_t key[RSS_KEY_LEN])
{
	struct rss_tuple t[MAX_FLOWS];

	if (n == 0 || n > MAX_FLOWS)
		return -EINVAL;
	for (unsigned int i = 0; i < n; i++) {
		rss_flow_tuple(&flows[i], conf->fields, &t[i]);
		if (t[i].type == RSS_T_NONE || !reachable(conf, pool_queues, queues[i]))
			return -EINVAL;
	}
	for (unsigned int round = 0; round < MAX_KEYS; round++) {
		unsigned int i = 0;
		uint8_t k[RSS_KEY_LEN];

		rss_key_random(seed + round, k);
		while (i < n && rss_queue(conf, pool_queues, rss_toeplitz(k, t[i].bytes, t[i].len)) ==
					queues[i])
			i++;
		if (i == n) {
			memcpy(key, k, RSS_KEY_LEN);
			return 0;
		}
	}
	return -ENOENT;
}
