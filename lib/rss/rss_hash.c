/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "rss_hash.h"
#include "rss_input.h"

#define ETH_HLEN_       14
#define ETHERTYPE_VLAN_ 0x8100
#define ETHERTYPE_IPV4_ 0x0800
#define ETHERTYPE_IPV6_ 0x86dd
#define PROTO_TCP       6
#define PROTO_UDP       17
#define IPV6_HLEN       40
#define EXT_HOP         0
#define EXT_ROUTING     43
#define EXT_FRAGMENT    44
#define EXT_DEST        60
#define EXT_NONE        59 /* no next header */

const uint8_t rss_key_default[RSS_KEY_LEN] = {
	0x6d,
	0x5a,
	0x56,
	0xda,
	0x25,
	0x5b,
	0x0e,
	0xc2,
	0x41,
	0x67,
	0x25,
	0x3d,
	0x43,
	0xa3,
	0x8f,
	0xb0,
	0xd0,
	0xca,
	0x2b,
	0xcb,
	0xae,
	0x7b,
	0x30,
	0xb4,
	0x77,
	0xcb,
	0x2d,
	0xa3,
	0x80,
	0x30,
	0xf2,
	0x0c,
	0x6a,
	0x42,
	0xb7,
	0x3b,
	0xbe,
	0xac,
	0x01,
	0xfa,
};

uint32_t
rss_toeplitz(const uint8_t key[RSS_KEY_LEN], const uint8_t *data, size_t len)
{
	/* The 64 bits of key under the current byte; each set bit takes 32 of them. */
	uint64_t window = 0;
	uint32_t hash = 0;

	for (size_t i = 0; i < 8; i++)
		window = window << 8 | key[i];
	for (size_t i = 0; i < len; i++) {
		for (unsigned int bit = 0; bit < 8; bit++)
			if (data[i] & (0x80 >> bit))
				hash ^= (uint32_t)(window << bit >> 32);
		window = window << 8 | (i + 8 < RSS_KEY_LEN ? key[i + 8] : 0);
	}
	return hash;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
rss_key_parse(const char *text, uint8_t key[RSS_KEY_LEN])
{
	uint8_t out[RSS_KEY_LEN];

	for (size_t i = 0; i < RSS_KEY_LEN; i++) {
		int high, low;

		if (i > 0 && *text == ':')
			text++;
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return -EINVAL;
		out[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	if (*text)
		return -EINVAL;
	memcpy(key, out, sizeof(out));
	return 0;
}

void
rss_reta_fill(uint8_t reta[RSS_RETA_SIZE], unsigned int queues)
{
	for (unsigned int i = 0; i < RSS_RETA_SIZE; i++)
		reta[i] = queues ? i % queues : 0;
}

void
rss_conf_default(struct rss_conf *conf, unsigned int queues)
{
	memcpy(conf->key, rss_key_default, RSS_KEY_LEN);
	conf->fields = RSS_F_ALL;
	rss_reta_fill(conf->reta, queues);
}

static uint16_t
be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* What the parser found: where the addresses start and whether the ports follow usable. */
struct parsed {
	const uint8_t *addresses;
	size_t address_bytes; /* both addresses */
	const uint8_t *ports; /* NULL: hash without them */
	uint8_t proto;
	bool v6;
	bool fragment;
};

/* The ports, where the whole header of the protocol is there; else NULL. */
static const uint8_t *
find_ports(const uint8_t *l4, const uint8_t *end, uint8_t proto)
{
	const ptrdiff_t need = proto == PROTO_TCP ? 20 : 8;

	return (proto == PROTO_TCP || proto == PROTO_UDP) && end - l4 >= need ? l4 : NULL;
}

static int
parse_ipv4(const uint8_t *ip, size_t len, struct parsed *p)
{
	size_t header;

	if (len < 20 || ip[0] >> 4 != 4)
		return -EINVAL;
	header = (size_t)(ip[0] & 0xf) * 4;
	if (header < 20 || header > len || be16(ip + 2) < header)
		return -EINVAL;
	*p = (struct parsed){ip + 12, 8, NULL, ip[9], false, false};
	/* More-fragments or an offset: a piece. Only the first has ports: hash with none. */
	p->fragment = (be16(ip + 6) & 0x3fff) != 0;
	if (!p->fragment)
		p->ports = find_ports(ip + header, ip + len, p->proto);
	return 0;
}

/* Walks over extension headers to the protocol; a fragment header makes it a piece. */
static const uint8_t *
skip_extensions(const uint8_t *at, const uint8_t *end, struct parsed *p)
{
	while (p->proto == EXT_HOP || p->proto == EXT_ROUTING || p->proto == EXT_DEST ||
		p->proto == EXT_FRAGMENT) {
		if (end - at < 8) {
			p->proto = EXT_NONE;
			break;
		}
		p->fragment |= p->proto == EXT_FRAGMENT;
		p->proto = at[0];
		/* The fragment header has no length: it is 8 bytes. */
		at += p->fragment ? 8 : 8 + at[1] * 8;
		if (at > end)
			at = end;
	}
	return at;
}

static int
parse_ipv6(const uint8_t *ip, size_t len, struct parsed *p)
{
	const uint8_t *l4;

	if (len < IPV6_HLEN || ip[0] >> 4 != 6)
		return -EINVAL;
	*p = (struct parsed){ip + 8, 32, NULL, ip[6], true, false};
	l4 = skip_extensions(ip + IPV6_HLEN, ip + len, p);
	if (!p->fragment)
		p->ports = find_ports(l4, ip + len, p->proto);
	return 0;
}

static int
parse_frame(const uint8_t *frame, size_t len, struct parsed *p)
{
	size_t at = ETH_HLEN_;
	uint16_t type;

	if (len < at)
		return -EINVAL;
	type = be16(frame + 12);
	if (type == ETHERTYPE_VLAN_) {
		at += 4;
		if (len < at)
			return -EINVAL;
		type = be16(frame + 16);
	}
	if (type == ETHERTYPE_IPV4_)
		return parse_ipv4(frame + at, len - at, p);
	if (type == ETHERTYPE_IPV6_)
		return parse_ipv6(frame + at, len - at, p);
	return -EINVAL;
}

/* The type that the enabled fields allow: with ports if there are any, else addresses alone. */
static enum rss_type
choose_type(uint32_t fields, const struct parsed *p)
{
	if (p->ports && p->proto == PROTO_TCP && (fields & (p->v6 ? RSS_F_TCP6 : RSS_F_TCP4)))
		return p->v6 ? RSS_T_TCP6 : RSS_T_TCP4;
	if (p->ports && p->proto == PROTO_UDP && (fields & (p->v6 ? RSS_F_UDP6 : RSS_F_UDP4)))
		return p->v6 ? RSS_T_UDP6 : RSS_T_UDP4;
	if (fields & (p->v6 ? RSS_F_IPV6 : RSS_F_IPV4))
		return p->v6 ? RSS_T_IPV6 : RSS_T_IPV4;
	return RSS_T_NONE;
}

static enum rss_note
note_of(const struct parsed *p, enum rss_type type)
{
	if (type == RSS_T_NONE)
		return RSS_N_FIELD_OFF;
	if (type != RSS_T_IPV4 && type != RSS_T_IPV6)
		return RSS_N_FULL;
	if (p->fragment)
		return RSS_N_FRAGMENT;
	return p->ports ? RSS_N_PORTS_OFF : RSS_N_NO_PORTS;
}

const uint8_t *
rss_input(uint32_t fields, const uint8_t *frame, size_t len, uint8_t room[RSS_INPUT_MAX], size_t *n,
	enum rss_type *type, enum rss_note *note)
{
	struct parsed p;

	*type = RSS_T_NONE;
	*note = RSS_N_NOT_IP;
	*n = 0;
	if (parse_frame(frame, len, &p) < 0)
		return room;
	*type = choose_type(fields, &p);
	*note = note_of(&p, *type);
	if (*type == RSS_T_NONE)
		return room;
	*n = p.address_bytes;
	if (*note != RSS_N_FULL)
		return p.addresses;
	*n += 4;
	if (p.ports == p.addresses + p.address_bytes)
		return p.addresses;
	memcpy(room, p.addresses, p.address_bytes);
	memcpy(room + p.address_bytes, p.ports, 4);
	return room;
}

void
rss_tuple(uint32_t fields, const uint8_t *frame, size_t len, struct rss_tuple *t)
{
	uint8_t room[RSS_INPUT_MAX];
	size_t n;
	const uint8_t *from = rss_input_plain(fields, frame, len, &n, &t->type);

	t->note = RSS_N_FULL;
	if (!from)
		from = rss_input(fields, frame, len, room, &n, &t->type, &t->note);
	t->len = n;
	memcpy(t->bytes, from, n);
}

enum rss_type
rss_hash_frame(const struct rss_conf *conf, const uint8_t *frame, size_t len, uint32_t *hash)
{
	struct rss_verdict v;

	rss_predict(conf, 1, frame, len, &v);
	*hash = v.hash;
	return v.type;
}

void
rss_predict(const struct rss_conf *conf, unsigned int pool_queues, const uint8_t *frame, size_t len,
	struct rss_verdict *v)
{
	uint8_t room[RSS_INPUT_MAX];
	size_t n;
	const uint8_t *input = rss_input(conf->fields, frame, len, room, &n, &v->type, &v->note);

	v->hash = rss_toeplitz(conf->key, input, n);
	v->index = v->hash & (RSS_RETA_SIZE - 1);
	v->queue = 0;
	if (v->type != RSS_T_NONE && pool_queues > 1)
		v->queue = conf->reta[v->index] & (pool_queues - 1);
}

const char *
rss_note_text(enum rss_note note)
{
	static const char *const texts[RSS_NOTES] = {
		[RSS_N_FULL] = "addresses and ports",
		[RSS_N_NO_PORTS] = "addresses; it has no TCP or UDP ports",
		[RSS_N_FRAGMENT] = "addresses; it is a fragment",
		[RSS_N_PORTS_OFF] = "addresses; the field for its ports is off",
		[RSS_N_FIELD_OFF] = "not hashed; no field that is on covers it",
		[RSS_N_NOT_IP] = "not hashed; it is not IP",
	};

	return note < RSS_NOTES ? texts[note] : "unknown";
}

const char *
rss_type_name(enum rss_type type)
{
	switch (type) {
	case RSS_T_NONE:
		return "none";
	case RSS_T_TCP4:
		return "tcp4";
	case RSS_T_IPV4:
		return "ipv4";
	case RSS_T_TCP6:
		return "tcp6";
	case RSS_T_IPV6:
		return "ipv6";
	case RSS_T_UDP4:
		return "udp4";
	case RSS_T_UDP6:
		return "udp6";
	}
	return "unknown";
}
