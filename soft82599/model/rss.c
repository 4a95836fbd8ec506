/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parsing of a received frame, and the RSS hash [7.1.2.8].
 *
 * The hash is Toeplitz over the fields that MRQC enables, in network order: source address,
 * destination address, source port, destination port. Table `n` holds what each value of input
 * byte `n` adds, so that a byte costs one load and one exclusive or.
 */
#include "internal.h"

enum rss_type {
	RSS_NONE, RSS_TCPIPV4, RSS_IPV4, RSS_TCPIPV6, RSS_IPV6EX, RSS_IPV6, RSS_TCPIPV6EX,
	RSS_UDPIPV4, RSS_UDPIPV6,
};

/* The 32 bits of the key that begin at `bit`; the key's first bit is the top of byte 0. */
static uint32_t
key_window(const uint8_t *key, unsigned int bit)
{
	uint64_t w = 0;
	unsigned int i;

	for (i = 0; i < 5; i++)
		w = w << 8 | (bit / 8 + i < 40 ? key[bit / 8 + i] : 0);
	return (uint32_t)(w >> (8 - bit % 8));
}

void
s82_rss_tables(struct s82_switch *sw, const uint32_t key[10])
{
	uint8_t k[40];
	unsigned int n, v, b;

	if (sw->hash_valid && memcmp(sw->key, key, sizeof(sw->key)) == 0)
		return;
	/* RSSRK[0] holds the key's first four bytes, the first of them lowest [8.2.3.7.14] */
	for (n = 0; n < 40; n++)
		k[n] = (uint8_t)(key[n / 4] >> (8 * (n % 4)));
	for (n = 0; n < S82_HASH_BYTES; n++) {
		sw->hash[n][0] = 0;
		for (b = 0; b < 8; b++)
			sw->hash[n][0x80 >> b] = key_window(k, 8 * n + b);
		for (v = 1; v < 256; v++)
			sw->hash[n][v] = sw->hash[n][v & (v - 1)] ^ sw->hash[n][v & -v];
	}
	memcpy(sw->key, key, sizeof(sw->key));
	sw->hash_valid = true;
}

/* Hashes `len` bytes; `n` is how many bytes of input came before them. */
static inline uint32_t
toeplitz(const struct s82_switch *sw, const uint8_t *p, unsigned int len, unsigned int n)
{
	uint32_t h = 0;
	unsigned int i;

	for (i = 0; i < len; i++)
		h ^= sw->hash[n + i][p[i]];
	return h;
}

/*
 * Adds up 16-bit words as they lie in memory; folded by complete() [RFC 1071]. Two halves of 32 bits
 * at a time: up to 16 kB of them leave room in 64 bits.
 */
static inline uint64_t
add_words(uint64_t acc, const uint8_t *p, uint32_t len)
{
	uint32_t low, high;
	uint16_t word;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&low, p, 4);
		memcpy(&high, p + 4, 4);
		acc += low;
		acc += high;
	}
	if (len & 4) {
		memcpy(&low, p, 4);
		acc += low;
		p += 4;
	}
	if (len & 2) {
		memcpy(&word, p, 2);
		acc += word;
		p += 2;
	}
	return acc + (len & 1 ? *p : 0);
}

/* Folds to 16 bits, with end-around carries. */
static inline uint32_t
complete(uint64_t acc)
{
	acc = (acc & 0xffffffff) + (acc >> 32);
	acc = (acc & 0xffff) + (acc >> 16);
	acc = (acc & 0xffff) + (acc >> 16);
	return (uint32_t)((acc & 0xffff) + (acc >> 16));
}

/* Is the sum, however far it is folded, all ones? Never of nothing but zeroes. */
static inline bool
is_right(uint64_t acc)
{
	return acc % 0xffff == 0;
}

/* The ones' complement sum of `len` bytes, in host order; `sum` is what to begin with. */
uint32_t
s82_sum16(const uint8_t *p, uint32_t len, uint32_t sum)
{
	/* summed in memory order; a sum may be swapped at the end as well as at the start */
	return complete(__builtin_bswap16((uint16_t)complete(add_words(0, p, len))) + (uint64_t)sum);
}

/* What a protocol and a length add to a pseudo header's sum in memory order. */
static inline uint64_t
pseudo_tail(uint8_t proto, uint32_t len)
{
	return ((uint64_t)proto << 8) + __builtin_bswap16((uint16_t)len) +
		__builtin_bswap16((uint16_t)(len >> 16));
}

/* The CRC of an SCTP packet, computed with its own field zero [RFC 9260, appendix A]. */
static void
check_sctp(struct s82_frame *f, const uint8_t *h, uint32_t len)
{
	const uint8_t zero[4] = { 0 };
	uint32_t got, crc = s82_crc(S82_CRC_SCTP, 0, h, 8);

	memcpy(&got, h + 8, 4);
	crc = s82_crc(S82_CRC_SCTP, crc, zero, 4);
	crc = s82_crc(S82_CRC_SCTP, crc, h + 12, len - 12);
	f->p.status |= RXD_L4I | (got != crc ? RXD_L4E : 0);
}

static void
parse_l4(struct s82_frame *f, uint8_t proto, uint32_t off, uint32_t l4_len, uint64_t pseudo)
{
	const uint8_t *h = f->data + off;
	uint32_t need = proto == 6 ? 20 : proto == 17 ? 8 : 12;

	if ((proto != 6 && proto != 17 && proto != 132) || off + need > f->len)
		return;
	f->p.l4 = (uint16_t)off;
	f->p.type |= proto == 6 ? PKT_TCP : proto == 17 ? PKT_UDP : PKT_SCTP;
	if (off + l4_len > f->len || l4_len < need)
		return;
	if (proto == 132) {
		check_sctp(f, h, l4_len);
		return;
	}
	/* a UDP checksum of zero was not computed by its sender: nothing to verify */
	if (proto == 17 && h[6] == 0 && h[7] == 0)
		return;
	f->p.status |= RXD_L4I | (proto == 17 ? RXD_UDPCS : 0);
	if (!is_right(add_words(pseudo, h, l4_len)))
		f->p.status |= RXD_L4E;
}

static void
parse_ipv4(const struct s82_switch *sw, struct s82_frame *f, uint32_t off)
{
	const uint8_t *h = f->data + off;
	uint32_t ihl, total;
	bool l4;

	if (off + 20 > f->len || h[0] >> 4 != 4)
		return;
	ihl = (h[0] & 15) * 4u;
	total = be16(h + 2);
	if (ihl < 20 || off + ihl > f->len || total < ihl)
		return;
	f->p.l3 = (uint16_t)off;
	f->p.type |= PKT_IPV4 | (ihl > 20 ? PKT_IPV4E : 0);
	f->p.status |= RXD_IPCS;
	if (!is_right(add_words(0, h, ihl)))
		f->p.status |= RXD_IPE;
	f->p.frag = (be16(h + 6) & 0x3fff) != 0;
	if (!f->p.frag)
		parse_l4(f, h[9], off + ihl, total - ihl,
			add_words(pseudo_tail(h[9], total - ihl), h + 12, 8));
	l4 = f->p.l4 != 0 && off + ihl + 4 <= f->len;
	if (l4 && f->p.type & PKT_TCP && sw->mrqc & MRQC_TCPIPV4)
		f->p.rss_type = RSS_TCPIPV4;
	else if (l4 && f->p.type & PKT_UDP && sw->mrqc & MRQC_UDPIPV4)
		f->p.rss_type = RSS_UDPIPV4;
	else if (sw->mrqc & MRQC_IPV4)
		f->p.rss_type = RSS_IPV4;
	else
		return;
	f->p.hash = toeplitz(sw, h + 12, 8, 0);
	if (f->p.rss_type != RSS_IPV4)
		f->p.hash ^= toeplitz(sw, f->data + f->p.l4, 4, 8);
}

static inline uint64_t
load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

static inline uint64_t
halves(uint64_t v)
{
	return (v & 0xffffffff) + (v >> 32);
}

/*
 * The common case: TCP or UDP in IPv4 without options, whole, all of it in the frame. False: it is
 * something else, and nothing has been done. What parse_ipv4() finds, in a third of its instructions.
 */
static inline bool
parse_plain(const struct s82_switch *sw, struct s82_frame *f, uint32_t off)
{
	const uint8_t *const h = f->data + off;
	uint32_t total, need, enabled;
	uint64_t a, b, c, sum;
	bool tcp;

	if (off + 28 > f->len)
		return false;
	a = load64(h);		/* version and header's length, TOS, length, identification, fragment */
	b = load64(h + 8);	/* TTL, protocol, checksum, source */
	c = load64(h + 12) >> 32;	/* destination */
	tcp = (b >> 8 & 0xff) == 6;
	need = 20 + (tcp ? 20 : 8);
	total = __builtin_bswap16((uint16_t)(a >> 16));
	if ((a & 0xff3f0000000000ff) != 0x45 || (!tcp && (b >> 8 & 0xff) != 17) || total < need ||
			off + total > f->len)
		return false;
	f->p.l3 = (uint16_t)off;
	f->p.l4 = (uint16_t)(off + 20);
	f->p.type = PKT_IPV4 | (tcp ? PKT_TCP : PKT_UDP);
	f->p.status = RXD_IPCS | (is_right(halves(a) + halves(b) + c) ? 0 : RXD_IPE);
	/* a UDP checksum of zero was not computed by its sender: nothing to verify */
	if (tcp || h[26] || h[27]) {
		sum = (b >> 32) + c + pseudo_tail((uint8_t)(b >> 8), total - 20);
		f->p.status |= RXD_L4I | (tcp ? 0 : RXD_UDPCS);
		if (!is_right(add_words(sum, h + 20, total - 20)))
			f->p.status |= RXD_L4E;
	}
	enabled = sw->mrqc & (tcp ? MRQC_TCPIPV4 : MRQC_UDPIPV4);
	if (!enabled && !(sw->mrqc & MRQC_IPV4))
		return true;
	f->p.rss_type = !enabled ? RSS_IPV4 : tcp ? RSS_TCPIPV4 : RSS_UDPIPV4;
	f->p.hash = toeplitz(sw, h + 12, 8, 0);
	if (enabled)
		f->p.hash ^= toeplitz(sw, h + 20, 4, 8);
	return true;
}

/* Walks IPv6 extension headers. Returns the last next-header value and moves *off behind them. */
static uint8_t
ipv6_extensions(struct s82_frame *f, uint8_t next, uint32_t *off)
{
	while (next == 0 || next == 43 || next == 60 || next == 44) {
		const uint8_t *e = f->data + *off;

		if (*off + 8 > f->len)
			return 59;
		f->p.type |= PKT_IPV6E;
		if (next == 44) {
			f->p.frag = 1;
			*off += 8;
		} else {
			*off += 8u + e[1] * 8u;
		}
		next = e[0];
	}
	return next;
}

static void
parse_ipv6(const struct s82_switch *sw, struct s82_frame *f, uint32_t off)
{
	const uint8_t *h = f->data + off;
	uint32_t l4 = off + 40, payload, l4_len;
	uint8_t next;

	if (off + 40 > f->len || h[0] >> 4 != 6)
		return;
	f->p.l3 = (uint16_t)off;
	f->p.type |= PKT_IPV6;
	payload = be16(h + 4);
	next = ipv6_extensions(f, h[6], &l4);
	l4_len = payload + 40 > l4 - off ? payload + 40 - (l4 - off) : 0;
	if (!f->p.frag)
		parse_l4(f, next, l4, l4_len,
			add_words(pseudo_tail(next, l4_len), h + 8, 32));
	if (f->p.l4 && f->p.type & PKT_TCP && sw->mrqc & MRQC_TCPIPV6)
		f->p.rss_type = RSS_TCPIPV6;
	else if (f->p.l4 && f->p.type & PKT_UDP && sw->mrqc & MRQC_UDPIPV6)
		f->p.rss_type = RSS_UDPIPV6;
	else if (sw->mrqc & MRQC_IPV6)
		f->p.rss_type = RSS_IPV6;
	else
		return;
	f->p.hash = toeplitz(sw, h + 8, 32, 0);
	if (f->p.rss_type != RSS_IPV6)
		f->p.hash ^= toeplitz(sw, f->data + f->p.l4, 4, 32);
}

void
s82_parse_l2(const struct s82_switch *sw, struct s82_frame *f)
{
	memset(&f->p, 0, sizeof(f->p));
	if (be16(f->data + 12) == (sw->vlnctrl & VLNCTRL_VET) && f->len >= 18) {
		f->p.tagged = true;
		f->p.tci = be16(f->data + 14);
	}
}

void
s82_parse_l3(const struct s82_switch *sw, struct s82_frame *f)
{
	uint32_t off = f->p.tagged ? 18 : 14;
	uint16_t type = be16(f->data + off - 2);

	if (type == 0x0800 && !parse_plain(sw, f, off))
		parse_ipv4(sw, f, off);
	else if (type == 0x86dd)
		parse_ipv6(sw, f, off);
}
