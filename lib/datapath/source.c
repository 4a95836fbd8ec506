/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mode source: packets at a rate, and what becomes of them when they return, or come to a sink that
 * looks for them. Everything that costs is
 * done when the plan is made: headers with their sums, gaps of the pattern. Per burst there is one
 * clock read for the stamps, and one when probes came in.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mempool.h>
#include <rte_udp.h>

#include "dp_internal.h"

#define IP_FROM 0xc6120001 /* 198.18.0.1 */
#define IP_TO 0xc6130001   /* 198.19.0.1 */
#define PORT_FROM 16384 /* of the first flow */
#define PORT_TO 9	/* discard, RFC 863 */
#define FCS 4
#define TAG 4
#define HEADERS (DP_HEADER_MAX - TAG)
/* How long a source makes up for time that it did not get; what was due before is counted behind. */
#define OWED_MS 10

#define GAPS 1024
/* Exponential gaps of mean 1 << DP_GAP_BITS: the distribution cut into GAPS equal parts. */
static uint32_t gaps[GAPS];

static void
fill_gaps(void)
{
	double sum = 0, gap[GAPS];

	for (unsigned int i = 0; i < GAPS; i++)
		sum += gap[i] = -log((i + 0.5) / GAPS);
	for (unsigned int i = 0; i < GAPS; i++)
		gaps[i] = (uint32_t)(gap[i] * GAPS / sum * (1 << DP_GAP_BITS));
}

/* ---- worker ---- */

static uint64_t
next_random(struct dp_source *s)
{
	/* xorshift64*, Marsaglia 2003, Vigna 2016 */
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return s->random * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t
draw_gap(struct dp_source *s)
{
	if (s->conf.pattern != DP_POISSON)
		return s->gap;
	return (s->gap >> 8) * gaps[next_random(s) >> 54] >> (DP_GAP_BITS - 8);
}

/* How many packets are due now, at most max. */
static uint16_t
due(struct dp_source *s, uint64_t now, uint16_t max, uint64_t limit)
{
	uint16_t n = 0;

	if (s->gap != 0)
		s->owed += (now - s->now) << DP_GAP_BITS;
	__atomic_store_n(&s->now, now, __ATOMIC_RELAXED);
	if (s->gap == 0)
		return max;
	if (unlikely(s->owed > limit)) {
		const uint64_t given_up = (s->owed - limit) / s->gap;

		/* What is less than a packet stays owed: it adds up. */
		s->owed -= given_up * s->gap;
		dp_bump(&s->behind, given_up);
	}
	if (s->conf.pattern == DP_BURSTS) {
		if (s->owed < s->bursts_gap)
			return 0;
		s->owed -= s->bursts_gap;
		return max;
	}
	while (n < max && s->owed >= s->next_gap) {
		s->owed -= s->next_gap;
		s->next_gap = draw_gap(s);
		n++;
	}
	return n;
}

/* The next packet of the sequence. The stamp is written later, for all of a burst. */
static void
make(const struct dp_ext *x, struct dp_source *s, struct rte_mbuf *m)
{
	uint8_t *const p = rte_pktmbuf_mtod(m, uint8_t *);
	const uint16_t len = x->sizes[s->size].len;
	const rte_be16_t port = rte_cpu_to_be_16(x->port_first + s->flow);

	memcpy(p, x->sizes[s->size].header, DP_HEADER_MAX);
	/* What was in the buffer belonged to others. */
	memset(p + x->header_len, 0, len - x->header_len);
	memcpy(p + x->port_at, &port, sizeof(port));
	m->data_len = m->pkt_len = len;
}

static void
step(struct dp_source *s)
{
	if (++s->size == s->n_sizes)
		s->size = 0;
	if (++s->flow == s->flows) {
		s->flow = 0;
		s->round++;
	}
}

/* Those at the end of a burst were not sent: they are the next again. */
static void
step_back(struct dp_source *s, uint16_t n)
{
	for (; n > 0; n--) {
		s->size = (s->size == 0 ? s->n_sizes : s->size) - 1;
		if (s->flow == 0)
			s->round--;
		s->flow = (s->flow == 0 ? s->flows : s->flow) - 1;
	}
}

static void
stamp_all(const struct dp_ext *x, struct dp_source *s, struct rte_mbuf **pkts, uint16_t n)
{
	struct dp_probe p = {.stamp = rte_rdtsc()};

	/* Behind the flows of the burst: step back to its first, and go through it once more. */
	step_back(s, n);
	for (uint16_t i = 0; i < n; i++) {
		p.stream = s->queue * s->flows + s->flow;
		p.seq = s->round;
		dp_probe_write(rte_pktmbuf_mtod_offset(pkts[i], uint8_t *, x->header_len), s->id,
			&p);
		step(s);
	}
}

/* @return how many were sent */
static uint16_t
generate(struct dp_flow *f, uint64_t now)
{
	const struct dp_ext *x = f->ext;
	struct dp_source *s = x->source;
	struct rte_mbuf *pkts[DP_MAX_BURST];
	const uint64_t left = s->quota - s->made;
	uint16_t n = left < f->burst ? (uint16_t)left : f->burst, sent;

	if (n == 0)
		return 0;
	n = due(s, now, n, rte_get_tsc_hz() / (1000 / OWED_MS) << DP_GAP_BITS);
	if (n == 0)
		return 0;
	if (unlikely(rte_pktmbuf_alloc_bulk(s->pool, pkts, n) != 0)) {
		dp_bump(&s->behind, n);
		return 0;
	}
	for (uint16_t i = 0; i < n; i++) {
		make(x, s, pkts[i]);
		step(s);
	}
	if (s->conf.probe)
		stamp_all(x, s, pkts, n);
	sent = rte_eth_tx_burst(f->tx_id, f->tx_queue, pkts, n);
	if (unlikely(sent < n)) {
		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
		step_back(s, n - sent);
		s->owed += (n - sent) * s->gap;
	}
	dp_bump(&s->made, sent);
	dp_bump(&f->c.generated, sent);
	dp_bump(&f->c.tx, sent);
	return sent;
}

static void
take_probe(struct dp_source *s, const struct rte_mbuf *m, uint64_t now)
{
	const uint8_t *const frame = rte_pktmbuf_mtod(m, const uint8_t *);
	struct dp_probe p;
	uint16_t at = HEADERS;

	if (m->data_len < HEADERS)
		return;
	/* A tag may have come, or gone, on the way. */
	if (frame[12] == 0x81 && frame[13] == 0)
		at += TAG;
	if (m->data_len < at + DP_PROBE_LEN || !dp_probe_read(frame + at, s->id, &p) ||
		p.stream >= s->queues * s->flows)
		return;
	/* Another processor's counter may be a few ticks behind. */
	if (dp_stream_take(&s->streams[p.stream], p.seq) <= DP_SEEN_REORDERED)
		lat_hist_add(s->times, now > p.stamp ? now - p.stamp : 0, 1);
}

static void
take_back(struct dp_flow *f, struct rte_mbuf **pkts, uint16_t n)
{
	struct dp_source *s = f->ext->source;

	if (s->conf.probe) {
		const uint64_t now = rte_rdtsc();

		for (uint16_t i = 0; i < n; i++)
			take_probe(s, pkts[i], now);
	}
	rte_pktmbuf_free_bulk(pkts, n);
	dp_bump(&f->c.consumed, n);
}

void
dp_poll_source(struct dp_worker *w, struct dp_flow *f)
{
	struct rte_mbuf *pkts[DP_MAX_BURST];
	const uint64_t before = w->last;
	const uint16_t n = rte_eth_rx_burst(f->rx_id, f->rx_queue, pkts, f->burst);
	uint16_t made;

	if (n > 0)
		take_back(f, pkts, n);
	made = f->ext->quiet ? 0 : generate(f, before);
	if (n > 0) {
		dp_poll_done(w, f, n, before, rte_rdtsc());
	} else if (made > 0) {
		f->last_empty = before;
		dp_bump(&f->empty_polls, 1);
		dp_bump(&w->bursts[0], 1);
		__atomic_store_n(&w->last, rte_rdtsc(), __ATOMIC_RELAXED);
	} else {
		dp_poll_empty(w, f, before);
	}
}

/* ---- control ---- */

static void
write_header(struct dp_ext *x, const struct dp_source_conf *c, const struct dp_flow *f,
	unsigned int size)
{
	uint8_t *p = x->sizes[size].header;
	const uint16_t frame = c->n_sizes == 0 ? DP_FRAME_MIN : c->sizes[size];
	const uint16_t ip_len = frame - FCS - RTE_ETHER_HDR_LEN;
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(ip_len),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = rte_cpu_to_be_32(c->ip_from == 0 ? IP_FROM : c->ip_from),
		.dst_addr = rte_cpu_to_be_32(c->ip_to == 0 ? IP_TO : c->ip_to),
	};
	/* A sum of 0 is none, RFC 768: the payload changes in flight of the burst. */
	const struct rte_udp_hdr udp = {
		.dst_port = rte_cpu_to_be_16(PORT_TO),
		.dgram_len = rte_cpu_to_be_16(ip_len - sizeof(ip)),
	};

	memcpy(p, &f->mac_low, 8);
	memcpy(p + 8, &f->mac_high, 4);
	p += 12;
	if (x->opts.vlan_push != 0) {
		memcpy(p, (uint8_t[]){0x81, 0, x->opts.vlan_push >> 8, x->opts.vlan_push & 0xff}, 4);
		p += TAG;
	}
	memcpy(p, (uint8_t[]){8, 0}, 2);
	p += 2;
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(p, &ip, sizeof(ip));
	memcpy(p + sizeof(ip), &udp, sizeof(udp));
	x->sizes[size].len = frame - FCS + (x->opts.vlan_push != 0 ? TAG : 0);
}

static void
write_headers(struct dp_ext *x, const struct dp_flow *f)
{
	const struct dp_source_conf *c = &x->opts.source;

	for (unsigned int i = 0; i < x->source->n_sizes; i++)
		write_header(x, c, f, i);
	x->port_at = RTE_ETHER_HDR_LEN + (x->opts.vlan_push != 0 ? TAG : 0) +
		     sizeof(struct rte_ipv4_hdr);
	x->header_len = x->port_at + sizeof(struct rte_udp_hdr);
	x->port_first = PORT_FROM + x->source->queue * x->source->flows;
}

static struct dp_source *
find_source(struct dp_rule_state *r, const struct dp_source_conf *c, uint16_t queue, uint16_t queues)
{
	for (struct dp_source *s = r->sources; s != NULL; s = s->next)
		if (!s->arrivals && memcmp(&s->conf, c, sizeof(*c)) == 0 &&
			s->queue == queue && s->queues == queues)
			return s;
	return NULL;
}

static void
free_source(struct dp_source *s)
{
	free(s->times);
	free(s);
}

/* Its share of the rule's rate and count. */
static void
set_share(struct dp_source *s, uint16_t burst)
{
	const struct dp_source_conf *c = &s->conf;
	const double hz = (double)rte_get_tsc_hz();

	s->quota = UINT64_MAX;
	if (c->count != 0)
		s->quota = c->count / s->queues + (s->queue < c->count % s->queues);
	if (c->rate != 0)
		s->gap = (uint64_t)(hz * s->queues / (double)c->rate * (1 << DP_GAP_BITS));
	s->bursts_gap = s->gap * burst;
	s->next_gap = draw_gap(s);
}

static struct dp_source *
new_source(struct dp *dp, const struct dp_source_conf *c, uint16_t burst, uint16_t queue,
	uint16_t queues)
{
	static uint16_t last_id;
	const uint16_t flows = c->flows == 0 ? 1 : c->flows;
	const size_t streams = c->probe ? (size_t)queues * flows : 0;
	const size_t size = sizeof(struct dp_source) + streams * sizeof(struct dp_stream);
	struct dp_source *s = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE));

	if (s == NULL)
		return NULL;
	memset(s, 0, size);
	s->conf = *c;
	s->pool = dp->conf.pool;
	s->queue = queue;
	s->queues = queues;
	/* All of a rule's queues read each other's probes: the streams tell who sent them. */
	s->id = ++last_id;
	s->flows = flows;
	s->n_sizes = c->n_sizes == 0 ? 1 : c->n_sizes;
	s->random = UINT64_C(0x9e3779b97f4a7c15) * (queue + 1u);
	s->began = s->now = rte_rdtsc();
	if (c->probe) {
		s->times = malloc(sizeof(*s->times));
		if (s->times == NULL) {
			free(s);
			return NULL;
		}
		lat_hist_init(s->times);
	}
	set_share(s, burst);
	return s;
}

int
dp_source_prepare(struct dp *dp, struct dp_rule_state *r, struct dp_flow *f,
	const struct dp_spec_port *port)
{
	const struct dp_source_conf *c = &f->ext->opts.source;
	/* The port's: that of the ethdev is another one where the port is a part of it. */
	const uint16_t queue = f->rx_queue - port->first_queue;
	struct dp_source *s = find_source(r, c, queue, port->nb_rxq);

	if (gaps[0] == 0)
		fill_gaps();
	if (s == NULL) {
		const struct dp_source *mate = r->sources;

		s = new_source(dp, c, f->burst, queue, port->nb_rxq);
		if (s == NULL)
			return -ENOMEM;
		/* One id for all queues of one configuration. */
		while (mate != NULL && (mate->arrivals || mate->queues != s->queues ||
					       memcmp(&mate->conf, c, sizeof(*c)) != 0))
			mate = mate->next;
		if (mate != NULL)
			s->id = mate->id;
		s->next = r->sources;
		r->sources = s;
	}
	/* Nobody polls: the time until now is nobody's debt. */
	if (!dp->running) {
		const uint64_t now = rte_rdtsc();

		s->began += now - s->now;
		s->now = now;
	}
	f->ext->source = s;
	write_headers(f->ext, f);
	return 0;
}

/* A source of the rule of that name: they all have one id. */
static const struct dp_source *
source_of(const struct dp_runtime *rt, const char *rule)
{
	for (uint16_t e = 0; e < rt->plan->n_entries; e++) {
		const struct dp_flow *f = &rt->flows[e];

		if (f->ext != NULL && f->ext->source != NULL && !f->ext->source->arrivals &&
			strcmp(rt->plan->rules[rt->plan->entries[e].rule].name, rule) == 0)
			return f->ext->source;
	}
	return NULL;
}

static int
arrivals_prepare(struct dp *dp, struct dp_flow *f, const struct dp_source *sender)
{
	struct dp_rule_state *r = dp->rules[f->rule];
	struct dp_source *s = r->sources;

	while (s != NULL && !(s->arrivals && s->id == sender->id && s->queue == f->rx_queue))
		s = s->next;
	if (s == NULL) {
		s = new_source(dp, &sender->conf, f->burst, f->rx_queue, sender->queues);
		if (s == NULL)
			return -ENOMEM;
		s->arrivals = true;
		s->id = sender->id;
		s->quota = 0;
		s->next = r->sources;
		r->sources = s;
	}
	f->ext->source = s;
	return 0;
}

int
dp_arrivals_prepare(struct dp *dp, struct dp_runtime *rt)
{
	int rc = 0;

	for (uint16_t e = 0; rc == 0 && e < rt->plan->n_entries; e++) {
		const struct dp_plan_rule *r = &rt->plan->rules[rt->plan->entries[e].rule];
		const struct dp_source *sender = source_of(rt, r->opts.probes_of);

		if (rt->flows[e].op != DP_OP_SOURCE || r->mode != DP_SINK)
			continue;
		/* A source whose port has no RX queue is polled by nobody, and sends nothing. */
		if (sender == NULL)
			rt->flows[e].op = DP_OP_SINK;
		else
			rc = arrivals_prepare(dp, &rt->flows[e], sender);
	}
	return rc;
}

/* One burst of 64-byte frames by a flow's TX queue, while no worker runs. @return how many were sent */
static int
send_first(struct dp *dp, struct dp_flow *f)
{
	struct dp_source s = {.queue = f->rx_queue, .flows = 1, .n_sizes = 1};
	struct dp_ext x = {.source = &s};
	struct rte_mbuf *pkts[DP_MAX_BURST];
	uint16_t sent;

	write_headers(&x, f);
	if (rte_pktmbuf_alloc_bulk(dp->conf.pool, pkts, f->burst) != 0)
		return -ENOBUFS;
	for (uint16_t i = 0; i < f->burst; i++)
		make(&x, &s, pkts[i]);
	sent = rte_eth_tx_burst(f->tx_id, f->tx_queue, pkts, f->burst);
	if (sent < f->burst)
		rte_pktmbuf_free_bulk(pkts + sent, f->burst - sent);
	dp_bump(&f->c.generated, sent);
	dp_bump(&f->c.tx, sent);
	return sent;
}

int
dp_tx_first(struct dp *dp, uint16_t bursts, struct vfp_err *err)
{
	int rc = 0, sent = 0;

	pthread_mutex_lock(&dp->lock);
	if (dp->running || dp->rt == NULL || dp->conf.pool == NULL)
		rc = vfp_err_set(err, -EBUSY, "packets go first only before the start");
	else if (!dp->went_first)
		dp_spread_baselines(dp);
	dp->went_first = rc == 0;
	for (uint16_t b = 0; rc >= 0 && b < bursts; b++)
		for (uint16_t e = 0; rc >= 0 && e < dp->rt->plan->n_entries; e++) {
			struct dp_flow *f = &dp->rt->flows[e];

			if (f->txq == DP_NONE || f->paused || dp->paused[f->tx_id])
				continue;
			rc = send_first(dp, f);
			sent += rc > 0 ? rc : 0;
		}
	pthread_mutex_unlock(&dp->lock);
	if (rc == -ENOBUFS)
		return vfp_err_set(err, rc, "there are no buffers left for packets to go first");
	return rc < 0 ? rc : sent;
}

static bool
in_use(const struct dp *dp, const struct dp_source *s)
{
	for (uint16_t e = 0; e < dp->rt->plan->n_entries; e++)
		if (dp->rt->flows[e].ext != NULL && dp->rt->flows[e].ext->source == s)
			return true;
	return false;
}

void
dp_sources_sweep(struct dp *dp)
{
	/* While packets are only dropped the sources are not in the flows, but come back. */
	for (uint16_t r = 0; r < dp->n_rules && !dp->stopping; r++) {
		struct dp_source **at = &dp->rules[r]->sources;

		while (*at != NULL) {
			struct dp_source *s = *at;

			if (in_use(dp, s)) {
				at = &s->next;
				continue;
			}
			*at = s->next;
			free_source(s);
		}
	}
}

void
dp_sources_free(struct dp_rule_state *r)
{
	while (r->sources != NULL) {
		struct dp_source *s = r->sources;

		r->sources = s->next;
		free_source(s);
	}
}

static uint16_t
largest(const struct dp_source_conf *c)
{
	uint16_t max = DP_FRAME_MIN;

	for (uint16_t i = 0; i < c->n_sizes; i++)
		max = RTE_MAX(max, c->sizes[i]);
	return max;
}

static int
check_source(const struct dp *dp, const struct dp_plan_rule *r, const struct dp_spec_port *port,
	struct vfp_err *err)
{
	const struct dp_source_conf *c = &r->opts.source;
	const uint16_t frame = largest(c);
	uint16_t mtu, room;

	if (dp->conf.pool == NULL)
		return vfp_err_set(err, -EINVAL, "rule %s: there are no buffers to make packets in",
			r->name);
	for (uint16_t i = 0; i < c->n_sizes; i++)
		if (c->sizes[i] < DP_FRAME_MIN || c->sizes[i] > DP_FRAME_MAX)
			return vfp_err_set(err, -EINVAL,
				"rule %s: frames of %u bytes; allowed are %u to %u, FCS included",
				r->name, c->sizes[i], DP_FRAME_MIN, DP_FRAME_MAX);
	if (c->flows > DP_MAX_FLOWS)
		return vfp_err_set(err, -EINVAL, "rule %s: %u flows, allowed are 1 to %u", r->name,
			c->flows, DP_MAX_FLOWS);
	room = rte_pktmbuf_data_room_size(dp->conf.pool) - RTE_PKTMBUF_HEADROOM;
	if (frame - FCS + TAG > room)
		return vfp_err_set(err, -EINVAL,
			"rule %s: frames of %u bytes do not fit the buffers, which have room for %u",
			r->name, frame, room - TAG + FCS);
	if (rte_eth_dev_get_mtu(port->port_id, &mtu) == 0 &&
		frame - FCS - RTE_ETHER_HDR_LEN > mtu)
		return vfp_err_set(err, -EINVAL,
			"rule %s: frames of %u bytes do not fit port %s, whose MTU is %u (frames of %u)",
			r->name, frame, port->name, mtu, mtu + RTE_ETHER_HDR_LEN + FCS);
	return 0;
}

int
dp_sources_check(const struct dp *dp, const struct dp_plan *plan, struct vfp_err *err)
{
	int rc = 0;

	for (uint16_t r = 0; rc == 0 && r < plan->n_rules; r++)
		if (plan->rules[r].mode == DP_SOURCE)
			rc = check_source(dp, &plan->rules[r], &plan->ports[plan->rules[r].from], err);
	return rc;
}
