/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mixgen: writes a capture of a realistic packet mix for one VF, the same bytes for the same seed.
 *
 * Flows carry TCP, UDP, ICMP, ICMPv6 or fragmented UDP over IPv4 and IPv6, and are untagged, in the
 * VF's registered VLAN or in a foreign one. How often a flow speaks follows Zipf's law. Every
 * checksum is right. A flow is either always fragmented or never, so that all its packets meet the
 * same RSS hash type: on an 82599 a flow that mixes both may arrive out of order by design.
 */
#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <math.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <jansson.h>
#include <netinet/ether.h>
#include <pcap/pcap.h>

#define FRAME_MIN 60	/* without the FCS; 64 on the wire */
#define FRAME_MAX 1514	/* without FCS and VLAN tag; 1518 on the wire */
#define MTU (FRAME_MAX - ETHER_HDR_LEN)
#define DATAGRAM_MAX 4400
#define ZIPF_EXPONENT 1.1
#define PEERS 8
#define START_SECONDS 1700000000 /* fixed: the file depends on the options alone */

enum kind { TCP4, UDP4, TCP6, UDP6, ICMP4, ICMP6, FRAG4, FRAG6, N_KINDS };
enum tag { REGISTERED, UNTAGGED, OTHER, N_TAGS };

static const char *const kind_name[] = {
	"tcp4", "udp4", "tcp6", "udp6", "icmp4", "icmp6", "frag4", "frag6"};
static const unsigned int kind_share[] = {30, 20, 15, 10, 5, 5, 10, 5};
static const char *const tag_name[] = {"registered", "untagged", "other"};
static const unsigned int tag_share[] = {60, 25, 15};

struct options {
	struct ether_addr dst;
	unsigned int vlan, other_vlan;
	unsigned int flows, packets;
	uint64_t seed;
	bool json;
	const char *path;
};

struct flow {
	enum kind kind;
	enum tag tag;
	unsigned int peer;
	uint8_t src[16], dst[16]; /* IPv4 in the first four bytes; network order */
	uint16_t sport, dport;	  /* host order; ICMP's identifier is sport */
	uint32_t seq;
	uint16_t ip_id;
	double weight;
};

/* What was written; the summary shows it. */
struct tally {
	unsigned int packets, kind[N_KINDS], tag[N_TAGS], datagrams;
	unsigned int shortest, longest; /* on the wire with FCS, without a tag */
	uint64_t bytes;
};

struct mix {
	const struct options *opt;
	uint64_t rng;
	struct flow *flows;
	double weight_sum;
	pcap_dumper_t *out;
	uint64_t clock_us;
	struct tally tally;
};

/* splitmix64 (Steele, Lea, Flood 2014): the C library's generators differ between releases. */
static uint64_t
rng_next(struct mix *m)
{
	uint64_t z = (m->rng += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* A number in [0, n). */
static unsigned int
rng_below(struct mix *m, unsigned int n)
{
	return (unsigned int)(rng_next(m) % n);
}

static unsigned int
rng_between(struct mix *m, unsigned int low, unsigned int high)
{
	return low + rng_below(m, high - low + 1);
}

/* Index of a share table's entry, drawn by its share. */
static unsigned int
rng_share(struct mix *m, const unsigned int *share, unsigned int n)
{
	unsigned int sum = 0, at, i;

	for (i = 0; i < n; i++)
		sum += share[i];
	at = rng_below(m, sum);
	for (i = 0; at >= share[i]; i++)
		at -= share[i];
	return i;
}

/* One's complement sum of RFC 1071, continued from `sum`; an odd byte counts as a high one. */
static uint32_t
sum16(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (len & 1)
		sum += (uint32_t)p[len - 1] << 8;
	return sum;
}

/* The finished checksum in network order. */
static uint16_t
sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum & 0xffff);
}

static bool
is_v6(enum kind k)
{
	return k == TCP6 || k == UDP6 || k == ICMP6 || k == FRAG6;
}

static bool
is_fragmented(enum kind k)
{
	return k == FRAG4 || k == FRAG6;
}

static uint8_t
protocol_of(enum kind k)
{
	static const uint8_t protocol[] = {[TCP4] = IPPROTO_TCP, [TCP6] = IPPROTO_TCP,
		[ICMP4] = IPPROTO_ICMP, [ICMP6] = IPPROTO_ICMPV6, [UDP4] = IPPROTO_UDP,
		[UDP6] = IPPROTO_UDP, [FRAG4] = IPPROTO_UDP, [FRAG6] = IPPROTO_UDP};

	return protocol[k];
}

static size_t
l4_header_len(enum kind k)
{
	if (k == TCP4 || k == TCP6)
		return sizeof(struct tcphdr);
	return 8; /* UDP, ICMP echo and ICMPv6 echo alike */
}

/* The transport checksum with the pseudo header of RFC 768, 793 and 8200; ICMP has none. */
static uint16_t
l4_checksum(const struct flow *f, const uint8_t *l4, size_t len)
{
	size_t address = is_v6(f->kind) ? 16 : 4;
	uint32_t sum = 0;

	if (f->kind != ICMP4) {
		sum = sum16(sum, f->src, address);
		sum = sum16(sum, f->dst, address);
		sum += protocol_of(f->kind) + (uint32_t)len;
	}
	return sum_fold(sum16(sum, l4, len));
}

static void
put_tcp(struct flow *f, uint8_t *l4, size_t len)
{
	struct tcphdr h = {.th_sport = htons(f->sport),
		.th_dport = htons(f->dport),
		.th_seq = htonl(f->seq),
		.th_ack = htonl(f->seq ^ 0x5a5a5a5a),
		.th_off = sizeof(h) / 4,
		.th_flags = TH_ACK,
		.th_win = htons(29200)};

	if (len > sizeof(h))
		h.th_flags |= TH_PUSH;
	f->seq += (uint32_t)(len - sizeof(h));
	memcpy(l4, &h, sizeof(h));
	h.th_sum = l4_checksum(f, l4, len);
	memcpy(l4, &h, sizeof(h));
}

static void
put_udp(struct flow *f, uint8_t *l4, size_t len)
{
	struct udphdr h = {
		.uh_sport = htons(f->sport), .uh_dport = htons(f->dport), .uh_ulen = htons(len)};

	memcpy(l4, &h, sizeof(h));
	h.uh_sum = l4_checksum(f, l4, len);
	if (h.uh_sum == 0)
		h.uh_sum = 0xffff; /* RFC 768: zero would say that there is no checksum */
	memcpy(l4, &h, sizeof(h));
}

/* An echo request (RFC 792, 4443): ICMP and ICMPv6 share the layout. */
static void
put_echo(struct flow *f, uint8_t *l4, size_t len)
{
	struct {
		uint8_t type, code;
		uint16_t checksum, id, sequence;
	} h = {.type = f->kind == ICMP6 ? 128 : 8, .id = htons(f->sport)};

	h.sequence = htons((uint16_t)f->seq++);
	memcpy(l4, &h, sizeof(h));
	h.checksum = l4_checksum(f, l4, len);
	memcpy(l4, &h, sizeof(h));
}

static void
put_l4(struct mix *m, struct flow *f, uint8_t *l4, size_t len)
{
	size_t i;

	for (i = l4_header_len(f->kind); i < len; i++)
		l4[i] = (uint8_t)rng_next(m);
	switch (protocol_of(f->kind)) {
	case IPPROTO_TCP:
		put_tcp(f, l4, len);
		break;
	case IPPROTO_UDP:
		put_udp(f, l4, len);
		break;
	default:
		put_echo(f, l4, len);
	}
}

/* Ethernet header and, for a tagged flow, the VLAN tag; returns its length. */
static size_t
put_l2(const struct mix *m, const struct flow *f, uint8_t *frame)
{
	uint16_t type = htons(is_v6(f->kind) ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	const uint8_t src[ETHER_ADDR_LEN] = {0x02, 0x50, 0, 0, 0, (uint8_t)(f->peer + 1)};
	uint16_t tag[2];
	size_t at = 2 * ETHER_ADDR_LEN;

	memcpy(frame, &m->opt->dst, ETHER_ADDR_LEN);
	memcpy(frame + ETHER_ADDR_LEN, src, ETHER_ADDR_LEN);
	if (f->tag != UNTAGGED) {
		tag[0] = htons(ETHERTYPE_VLAN);
		tag[1] = htons(f->tag == OTHER ? m->opt->other_vlan : m->opt->vlan);
		memcpy(frame + at, tag, sizeof(tag));
		at += sizeof(tag);
	}
	memcpy(frame + at, &type, sizeof(type));
	return at + sizeof(type);
}

/* An IPv4 header for `len` bytes at `offset` of the datagram; returns its length. */
static size_t
put_ipv4(const struct flow *f, uint8_t *l3, size_t len, size_t offset, bool more)
{
	struct ip h = {.ip_v = 4,
		.ip_hl = sizeof(h) / 4,
		.ip_len = htons(sizeof(h) + len),
		.ip_id = htons(f->ip_id),
		.ip_ttl = 64,
		.ip_p = protocol_of(f->kind)};

	h.ip_off = htons(is_fragmented(f->kind) ? offset / 8 | (more ? IP_MF : 0) : IP_DF);
	memcpy(&h.ip_src, f->src, sizeof(h.ip_src));
	memcpy(&h.ip_dst, f->dst, sizeof(h.ip_dst));
	h.ip_sum = sum_fold(sum16(0, &h, sizeof(h)));
	memcpy(l3, &h, sizeof(h));
	return sizeof(h);
}

/* The same for IPv6, with a fragment header for a fragmented flow. */
static size_t
put_ipv6(const struct flow *f, uint8_t *l3, size_t len, size_t offset, bool more)
{
	struct ip6_frag frag = {.ip6f_nxt = protocol_of(f->kind),
		.ip6f_offlg = htons(offset | (more ? 1 : 0)),
		.ip6f_ident = htonl(f->ip_id)};
	size_t extra = is_fragmented(f->kind) ? sizeof(frag) : 0;
	struct ip6_hdr h = {.ip6_flow = htonl(6U << 28)};

	h.ip6_plen = htons(extra + len);
	h.ip6_nxt = extra > 0 ? IPPROTO_FRAGMENT : protocol_of(f->kind);
	h.ip6_hlim = 64;
	memcpy(&h.ip6_src, f->src, sizeof(h.ip6_src));
	memcpy(&h.ip6_dst, f->dst, sizeof(h.ip6_dst));
	memcpy(l3, &h, sizeof(h));
	memcpy(l3 + sizeof(h), &frag, extra);
	return sizeof(h) + extra;
}

/* Writes one frame that carries `len` bytes of `l4` from `offset` on. */
static void
emit(struct mix *m, const struct flow *f, const uint8_t *l4, size_t offset, size_t len, bool more)
{
	uint8_t frame[FRAME_MAX + 4] = {0};
	struct pcap_pkthdr header;
	struct tally *t = &m->tally;
	size_t at = put_l2(m, f, frame), tag = at - ETHER_HDR_LEN;
	unsigned int wire;

	at += is_v6(f->kind) ? put_ipv6(f, frame + at, len, offset, more)
			     : put_ipv4(f, frame + at, len, offset, more);
	memcpy(frame + at, l4 + offset, len);
	at += len;
	if (at - tag < FRAME_MIN)
		at = FRAME_MIN + tag; /* padding, as a NIC adds it */
	m->clock_us += 1 + rng_below(m, 40);
	header.ts.tv_sec = START_SECONDS + (time_t)(m->clock_us / 1000000);
	header.ts.tv_usec = (suseconds_t)(m->clock_us % 1000000);
	header.caplen = header.len = (bpf_u_int32)at;
	pcap_dump((u_char *)m->out, &header, frame);

	wire = (unsigned int)(at - tag) + ETHER_CRC_LEN;
	t->shortest = t->packets == 0 || wire < t->shortest ? wire : t->shortest;
	t->longest = wire > t->longest ? wire : t->longest;
	t->packets++;
	t->kind[f->kind]++;
	t->tag[f->tag]++;
	t->bytes += at;
}

/* Frame length without tag and FCS, as traffic has it: mostly small or full, some between. */
static unsigned int
draw_frame_len(struct mix *m)
{
	unsigned int roll = rng_below(m, 100);

	if (roll < 45)
		return FRAME_MIN;
	if (roll < 60)
		return 590;
	if (roll < 85)
		return FRAME_MAX;
	return rng_between(m, FRAME_MIN, FRAME_MAX);
}

static void
emit_whole(struct mix *m, struct flow *f)
{
	uint8_t l4[MTU];
	size_t headers = ETHER_HDR_LEN + (is_v6(f->kind) ? sizeof(struct ip6_hdr) : sizeof(struct ip));
	size_t len = l4_header_len(f->kind), frame = draw_frame_len(m);

	/* A quarter of TCP's smallest are bare acknowledgements, padded on the wire. */
	if (frame > headers + len && !(f->kind == TCP4 && frame == FRAME_MIN && rng_below(m, 4) == 0))
		len = frame - headers;
	put_l4(m, f, l4, len);
	emit(m, f, l4, 0, len, false);
	f->ip_id++;
}

/* A UDP datagram in `n` fragments, or fewer, at least two. */
static void
emit_fragments(struct mix *m, struct flow *f, unsigned int n)
{
	uint8_t l4[DATAGRAM_MAX];
	size_t room = f->kind == FRAG4 ? 1480 : 1448; /* MTU less headers, a multiple of 8 */
	size_t most = n * room < sizeof(l4) ? n * room : sizeof(l4);
	size_t len = rng_between(m, room + 8, most), at;

	put_l4(m, f, l4, len);
	for (at = 0; at < len; at += room)
		emit(m, f, l4, at, at + room < len ? room : len - at, at + room < len);
	f->ip_id++;
	m->tally.datagrams++;
}

static void
draw_addresses(struct mix *m, struct flow *f)
{
	uint32_t noise = htonl((uint32_t)rng_next(m));

	if (is_v6(f->kind)) {
		static const uint8_t net[4] = {0x20, 0x01, 0x0d, 0xb8}; /* RFC 3849 */

		memcpy(f->src, net, sizeof(net));
		memcpy(f->dst, net, sizeof(net));
		memcpy(f->src + 12, &noise, sizeof(noise));
		f->src[7] = (uint8_t)(f->peer + 1);
		f->dst[15] = 1;
	} else {
		memcpy(f->src, &noise, sizeof(noise));
		f->src[0] = 198; /* 198.18.0.0/15, RFC 2544 */
		f->src[1] = (uint8_t)(18 + (f->src[1] & 1));
		memcpy(f->dst, (const uint8_t[]){192, 0, 2, 1}, 4);
	}
}

/* The first flows go through every combination, the rest is drawn; ranks are dealt at random. */
static void
draw_flows(struct mix *m)
{
	static const uint16_t service[] = {22, 80, 443, 5201, 8080, 9000};
	unsigned int n = m->opt->flows, i, j;
	double swap;

	for (i = 0; i < n; i++) {
		struct flow *f = &m->flows[i];

		f->kind = i < N_KINDS * N_TAGS ? i % N_KINDS : rng_share(m, kind_share, N_KINDS);
		f->tag = i < N_KINDS * N_TAGS ? i / N_KINDS : rng_share(m, tag_share, N_TAGS);
		f->peer = rng_below(m, PEERS);
		f->sport = (uint16_t)rng_between(m, 32768, 60999);
		f->dport = service[rng_below(m, 6)];
		f->seq = (uint32_t)rng_next(m);
		f->ip_id = (uint16_t)rng_next(m);
		f->weight = 1.0 / pow(i + 1, ZIPF_EXPONENT);
		m->weight_sum += f->weight;
		draw_addresses(m, f);
	}
	for (i = n; i > 1; i--) {
		j = rng_below(m, i);
		swap = m->flows[j].weight;
		m->flows[j].weight = m->flows[i - 1].weight;
		m->flows[i - 1].weight = swap;
	}
}

static struct flow *
draw_flow(struct mix *m)
{
	double at = (double)(rng_next(m) >> 11) / (double)(1ULL << 53) * m->weight_sum;
	unsigned int i;

	for (i = 0; i + 1 < m->opt->flows && at >= m->flows[i].weight; i++)
		at -= m->flows[i].weight;
	return &m->flows[i];
}

/* One packet, or one fragmented datagram where there is room for two packets. */
static void
speak(struct mix *m, struct flow *f)
{
	unsigned int room = m->opt->packets - m->tally.packets;

	if (!is_fragmented(f->kind))
		emit_whole(m, f);
	else if (room >= 2)
		emit_fragments(m, f, room < 3 ? 2 : 3);
}

static int
write_mix(struct mix *m)
{
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, 65535);
	unsigned int i;
	int failed;

	if (dead == NULL)
		errx(1, "out of memory");
	m->out = pcap_dump_open(dead, m->opt->path);
	if (m->out == NULL)
		errx(1, "%s", pcap_geterr(dead));
	/* Each flow speaks once; after that Zipf decides. */
	for (i = 0; i < m->opt->flows && m->tally.packets < m->opt->packets; i++)
		speak(m, &m->flows[i]);
	while (m->tally.packets < m->opt->packets)
		speak(m, draw_flow(m));
	failed = pcap_dump_flush(m->out);
	pcap_dump_close(m->out);
	pcap_close(dead);
	return failed;
}

static void
summary_json(const struct mix *m)
{
	const struct tally *t = &m->tally;
	json_t *kinds = json_object(), *tags = json_object(), *top;
	unsigned int i;

	for (i = 0; i < N_KINDS; i++)
		json_object_set_new(kinds, kind_name[i], json_integer(t->kind[i]));
	for (i = 0; i < N_TAGS; i++)
		json_object_set_new(tags, tag_name[i], json_integer(t->tag[i]));
	top = json_pack("{s:s, s:I, s:i, s:i, s:I, s:i, s:i, s:i, s:i, s:o, s:o}", "file", m->opt->path,
		"seed", (json_int_t)m->opt->seed, "flows", m->opt->flows, "packets", t->packets,
		"bytes", (json_int_t)t->bytes, "shortest", t->shortest, "longest", t->longest,
		"peers", PEERS, "fragmented_datagrams", t->datagrams, "kinds", kinds, "tags", tags);
	if (top == NULL || json_dumpf(top, stdout, JSON_INDENT(2)) != 0)
		errx(1, "cannot write the summary");
	putchar('\n');
	json_decref(top);
}

static void
summary_text(const struct mix *m)
{
	const struct tally *t = &m->tally;
	const unsigned int *k = t->kind;

	printf("%s: %u packets of %u flows from %d peers, seed %llu\n", m->opt->path, t->packets,
		m->opt->flows, PEERS, (unsigned long long)m->opt->seed);
	printf("  %u to %u bytes on the wire\n", t->shortest, t->longest);
	printf("  IPv4: TCP %u, UDP %u, ICMP %u, fragments %u\n", k[TCP4], k[UDP4], k[ICMP4],
		k[FRAG4]);
	printf("  IPv6: TCP %u, UDP %u, ICMPv6 %u, fragments %u\n", k[TCP6], k[UDP6], k[ICMP6],
		k[FRAG6]);
	printf("  VLAN: %u in %u (registered), %u in %u (other), %u untagged\n",
		t->tag[REGISTERED], m->opt->vlan, t->tag[OTHER], m->opt->other_vlan,
		t->tag[UNTAGGED]);
}

static void
usage(FILE *to)
{
	fputs("usage: mixgen [OPTION...] OUT.pcap\n"
	      "  --dst-mac MAC     the VF's address (02:09:c0:00:00:00)\n"
	      "  --vlan ID         the VF's registered VLAN (100)\n"
	      "  --other-vlan ID   a VLAN that it is not in (200)\n"
	      "  --flows N         1 to 65536 (300)\n"
	      "  --packets N       at least 2 (4000)\n"
	      "  --seed N          the same seed makes the same file (1)\n"
	      "  --json            the summary as JSON\n",
		to);
}

static unsigned int
number(const char *option, const char *text, long long low, long long high)
{
	const char *reason;
	long long n = strtonum(text, low, high, &reason);

	if (reason != NULL)
		errx(2, "--%s %s: %s, %lld to %lld are allowed", option, text, reason, low, high);
	return (unsigned int)n;
}

static void
parse(struct options *o, int argc, char **argv)
{
	static const struct option table[] = {{"dst-mac", required_argument, NULL, 'd'},
		{"vlan", required_argument, NULL, 'v'}, {"other-vlan", required_argument, NULL, 'o'},
		{"flows", required_argument, NULL, 'f'}, {"packets", required_argument, NULL, 'p'},
		{"seed", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int c, at = 0;

	while ((c = getopt_long(argc, argv, "h", table, &at)) != -1) {
		if (c == 'd' && ether_aton_r(optarg, &o->dst) == NULL)
			errx(2, "--dst-mac %s: not a MAC address", optarg);
		else if (c == 'v')
			o->vlan = number("vlan", optarg, 1, 4094);
		else if (c == 'o')
			o->other_vlan = number("other-vlan", optarg, 1, 4094);
		else if (c == 'f')
			o->flows = number("flows", optarg, 1, 65536);
		else if (c == 'p')
			o->packets = number("packets", optarg, 2, 10000000);
		else if (c == 's')
			o->seed = number("seed", optarg, 0, UINT32_MAX);
		else if (c == 'j')
			o->json = true;
		else if (c == 'h' || c == '?') {
			usage(c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
	if (optind + 1 != argc) {
		usage(stderr);
		exit(2);
	}
	o->path = argv[optind];
}

int
main(int argc, char **argv)
{
	struct options opt = {.vlan = 100, .other_vlan = 200, .flows = 300, .packets = 4000, .seed = 1};
	struct mix m = {.opt = &opt};

	ether_aton_r("02:09:c0:00:00:00", &opt.dst);
	parse(&opt, argc, argv);
	m.rng = opt.seed;
	m.flows = calloc(opt.flows, sizeof(*m.flows));
	if (m.flows == NULL)
		err(1, "%u flows", opt.flows);
	draw_flows(&m);
	if (write_mix(&m) != 0)
		err(1, "%s", opt.path);
	if (opt.json)
		summary_json(&m);
	else
		summary_text(&m);
	free(m.flows);
	return 0;
}
