/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include <vfp_parse.h>

#include "explain.h"

static void
find_path(const struct explain *x, const uint8_t *frame, size_t len, struct sriov_path *p)
{
	if (x->from < 0)
		sriov_steer_wire(x->steer, frame, len, p);
	else
		sriov_steer_vf(x->steer, x->from, frame, len, p);
}

/* "vf0, vf2, pf0", or "none". */
static const char *
pool_list(const struct explain *x, uint64_t pools, char *buf, size_t size)
{
	char name[CFG_NAME];
	unsigned int n = 0;

	buf[0] = '\0';
	for (unsigned int p = 0; p <= x->steer->layout.pf_pool; p++) {
		if (!(pools >> p & 1))
			continue;
		if (++n > 6) {
			strlcat(buf, ", …", size);
			break;
		}
		x->name(x->arg, p, name);
		strlcat(buf, n > 1 ? ", " : "", size);
		strlcat(buf, name, size);
	}
	if (n == 0)
		strlcpy(buf, "none", size);
	return buf;
}

static void __attribute__((format(printf, 4, 5)))
step(struct vfp_out *o, const char *name, const char *result, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	vfp_out_open(o, NULL);
	vfp_out_str(o, "step", name);
	vfp_out_str(o, "result", result);
	vfp_out_str(o, "decided_by", text);
	vfp_out_close(o);
}

static void
put_switch(const struct explain *x, const struct sriov_path *p, const uint8_t *frame,
	struct vfp_out *o)
{
	char list[96], mac[VFP_MAC_TEXT];

	if (x->from >= 0)
		step(o, "anti-spoof", p->dropped ? "dropped" : "passes", "%s",
			p->dropped ? p->dropped
			: x->steer->vf[x->from].foreign_sources
				? "off for this VF"
				: "its own source address and VLAN");
	if (strcmp(p->mac, "-") == 0)
		return;
	step(o, "mac", pool_list(x, p->by_mac, list, sizeof(list)), "%s: %s",
		vfp_mac_text(frame, mac), p->mac);
	if (strcmp(p->vlan, "-") == 0)
		return;
	if (p->tagged)
		step(o, "vlan", pool_list(x, p->by_vlan, list, sizeof(list)), "VLAN %u%s: %s",
			p->vid,
			x->from >= 0 && x->steer->vf[x->from].port_vlan ? ", the port VLAN" : "",
			p->by_vlan ? p->by_default ? "not the addressee's" : "registered for these"
				   : "registered for nobody");
	else
		step(o, "vlan", pool_list(x, p->by_vlan, list, sizeof(list)),
			"untagged: all but those with a port VLAN");
	if (p->by_default)
		step(o, "default", pool_list(x, p->pools, list, sizeof(list)),
			"no pool wants it: the PF's, which is the default pool");
}

static void
put_copy(const struct explain *x, unsigned int pool, const uint8_t *frame, size_t len,
	struct vfp_out *o)
{
	const unsigned int queues = x->queues(x->arg, pool);
	struct explain_queue q = {.lcore = UINT32_MAX};
	char name[CFG_NAME];
	struct rss_verdict v;

	x->name(x->arg, pool, name);
	rss_oracle_predict(x->oracle, queues, frame, len, &v);
	x->queue(x->arg, pool, v.queue, &q);
	vfp_out_open(o, NULL);
	vfp_out_str(o, "name", name);
	vfp_out_u64(o, "pool", pool, VFP_PLAIN);
	vfp_out_strf(o, "hash", "0x%08x", v.hash);
	if (v.type == RSS_T_NONE)
		vfp_out_null(o, "entry");
	else
		vfp_out_u64(o, "entry", v.index, VFP_PLAIN);
	vfp_out_u64(o, "queue", v.queue, VFP_PLAIN);
	if (q.lcore == UINT32_MAX)
		vfp_out_null(o, "lcore");
	else
		vfp_out_u64(o, "lcore", q.lcore, VFP_PLAIN);
	vfp_out_str(o, "then", q.then[0] ? q.then : NULL);
	vfp_out_close(o);
}

/* What decided in a pool, below the tables. */
static void
say_copy(const struct explain *x, unsigned int pool, const uint8_t *frame, size_t len,
	struct vfp_out *o)
{
	char name[CFG_NAME], text[96];
	struct rss_verdict v;

	x->name(x->arg, pool, name);
	rss_oracle_predict(x->oracle, x->queues(x->arg, pool), frame, len, &v);
	vfp_out_note(o, "%s: hash over %s", name, rss_note_text(v.note));
	if (x->queues(x->arg, pool) == 1)
		vfp_out_note(o, "%s: one queue, so that RSS has nothing to choose", name);
	if (x->table && v.type != RSS_T_NONE && x->table(x->arg, pool, v.hash, text, sizeof(text)))
		vfp_out_note(o, "%s: %s", name, text);
}

void
explain_frame(const struct explain *x, const uint8_t *frame, size_t len, struct vfp_out *o)
{
	struct sriov_path p;

	find_path(x, frame, len, &p);
	vfp_out_list(o, "steps");
	put_switch(x, &p, frame, o);
	if (p.dropped)
		step(o, "end", "dropped", "%s", p.dropped);
	else if (p.wire)
		step(o, "wire", "leaves", p.pools ? "a group goes both ways"
						  : "no pool of this card takes it");
	vfp_out_close(o);
	vfp_out_list(o, "copies");
	for (unsigned int pool = 0; pool <= x->steer->layout.pf_pool; pool++)
		if (p.pools >> pool & 1)
			put_copy(x, pool, frame, len, o);
	vfp_out_close(o);
	for (unsigned int pool = 0; pool <= x->steer->layout.pf_pool; pool++)
		if (p.pools >> pool & 1)
			say_copy(x, pool, frame, len, o);
}

const char *
explain_line(const struct explain *x, const uint8_t *frame, size_t len, char *buf, size_t size)
{
	struct sriov_path p;
	struct rss_verdict v;
	size_t at = 0;

	find_path(x, frame, len, &p);
	buf[0] = '\0';
	if (p.dropped)
		snprintf(buf, size, "dropped: %s", p.dropped);
	for (unsigned int pool = 0; pool <= x->steer->layout.pf_pool && at < size; pool++) {
		if (!(p.pools >> pool & 1))
			continue;
		rss_oracle_predict(x->oracle, x->queues(x->arg, pool), frame, len, &v);
		at += snprintf(buf + at, size - at, "%s%u:%u:0x%08x", at ? " " : "", pool, v.queue,
			v.hash);
	}
	if (p.wire && at < size)
		snprintf(buf + at, size - at, "%swire", at ? " " : "");
	return buf;
}

static int
parse_hex(const char *text, uint8_t *frame, size_t size, struct vfp_err *err)
{
	size_t n = 0;

	for (; *text; text++) {
		unsigned int byte;

		if (*text == ' ' || *text == ':')
			continue;
		if (n == size || sscanf(text, "%2x", &byte) != 1 || !text[1])
			return vfp_err_set(err, -EINVAL,
				"hex: pairs of hex digits are needed, at most %zu bytes", size);
		frame[n++] = byte;
		text++;
	}
	if (n < 14)
		return vfp_err_set(err, -EINVAL,
			"hex: %zu bytes; an Ethernet header alone has 14", n);
	return (int)n;
}

int
explain_parse(int n, const char *const words[], const uint8_t src_mac[6], uint8_t *frame,
	size_t size, struct vfp_err *err)
{
	struct rss_flow flow;
	uint8_t mac[6], room[RSS_FLOW_FRAME];
	uint16_t vlan = 0;
	size_t len;
	int at = 2, ret;

	if (n == 2 && strcmp(words[0], "hex") == 0)
		return parse_hex(words[1], frame, size, err);
	if (n < 5 || strcmp(words[0], "to") != 0)
		return vfp_err_set(err, -EINVAL, "a frame is: " EXPLAIN_WORDS);
	ret = vfp_parse_mac(words[1], "to", mac, err);
	if (ret == 0 && strcmp(words[2], "vlan") == 0) {
		ret = vfp_parse_u16(words[3], "vlan", 1, 4094, &vlan, err);
		at = 4;
	}
	if (ret < 0)
		return ret;
	if (n != at + 3)
		return vfp_err_set(err, -EINVAL, "a frame is: " EXPLAIN_WORDS);
	ret = rss_flow_parse(words[at], words[at + 1], words[at + 2], &flow, err);
	if (ret < 0)
		return ret;
	len = rss_flow_frame(&flow, mac, src_mac, vlan, room);
	if (len > size)
		return vfp_err_set(err, -ENOSPC, "no room for the frame");
	memcpy(frame, room, len);
	return (int)len;
}
