/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdbool.h>
#include <string.h>

#include "echo.h"

#define ETH 14
#define TAG 4
#define TYPE_ARP 0x0806
#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define TYPE_VLAN 0x8100

#define IPV6 40
#define ICMP 8
#define PROTO_ICMP 1
#define PROTO_ICMPV6 58
#define ICMP_ECHO 8
#define ICMPV6_ECHO 128
#define ICMPV6_ECHO_REPLY 129
#define ICMPV6_NS 135
#define ICMPV6_NA 136
#define ND_SOURCE_LLA 1
#define ND_TARGET_LLA 2
#define NS_LEN 24 /* of the message without options */
#define NA_LEN 32 /* with the target's link-layer address */

static uint16_t
load16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void
store16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* RFC 1071: the sum of 16-bit words, not yet complemented. */
static uint32_t
sum16(const uint8_t *p, uint16_t len, uint32_t sum)
{
	for (; len > 1; len -= 2, p += 2)
		sum += load16(p);
	if (len > 0)
		sum += (uint32_t)p[0] << 8;
	return sum;
}

static uint16_t
fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* RFC 1624, equation 3: a word of the sum became another. */
static void
update_sum(uint8_t *sum, uint16_t was, uint16_t is)
{
	store16(sum, (uint16_t)~fold((uint16_t)~load16(sum) + (uint32_t)(uint16_t)~was + is));
}

static void
swap(uint8_t *a, uint8_t *b, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const uint8_t t = a[i];

		a[i] = b[i];
		b[i] = t;
	}
}

static bool
listed(const struct dp_echo *e, const uint8_t *address, bool v6)
{
	for (uint16_t i = 0; i < e->n; i++)
		if (e->addresses[i].v6 == v6 &&
			memcmp(e->addresses[i].byte, address, v6 ? 16 : 4) == 0)
			return true;
	return false;
}

static bool
ours(const struct dp_echo *e, const uint8_t *address, bool v6)
{
	return e->n == 0 || listed(e, address, v6);
}

static bool
is_zero(const uint8_t *p, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

/* One station's: not 0.0.0.0/8, multicast, reserved or broadcast. */
static bool
unicast4(const uint8_t *a)
{
	return a[0] > 0 && a[0] < 224;
}

static bool
unicast6(const uint8_t *a)
{
	return a[0] != 0xff && !is_zero(a, 16);
}

/* Back to where it came from, with our address: the request may have gone to many. */
static void
turn_ethernet(const struct dp_echo *e, uint8_t *frame)
{
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, e->mac, 6);
}

static uint16_t
answer_arp(const struct dp_echo *e, uint8_t *frame, uint8_t *arp, uint16_t len, uint16_t whole)
{
	static const uint8_t request[8] = {0, 1, 8, 0, 6, 4, 0, 1};
	uint8_t *const sender = arp + 8, *const target = arp + 18;

	if (len < 28 || memcmp(arp, request, sizeof(request)) != 0 || !ours(e, target + 6, false))
		return 0;
	/* Somebody asks whether an address is free, or says that it is his: not for us to contest,
	 * unless it is really ours. */
	if (e->n == 0 && (is_zero(sender + 6, 4) || memcmp(sender + 6, target + 6, 4) == 0))
		return 0;
	turn_ethernet(e, frame);
	arp[7] = 2;
	memcpy(target, sender, 6);
	memcpy(sender, e->mac, 6);
	swap(sender + 6, target + 6, 4);
	return whole;
}

static uint16_t
answer_ipv4(const struct dp_echo *e, uint8_t *frame, uint8_t *ip, uint16_t len, uint16_t whole)
{
	const uint16_t header = (ip[0] & 15) * 4;
	uint8_t *icmp;

	if (len < 20 || ip[0] >> 4 != 4 || header < 20 || load16(ip + 2) > len ||
		load16(ip + 2) < header + ICMP)
		return 0;
	/* A fragment's first bytes may be no ICMP header, and its answer would need the rest. */
	if (ip[9] != PROTO_ICMP || (load16(ip + 6) & 0x3fff) != 0)
		return 0;
	icmp = ip + header;
	if (icmp[0] != ICMP_ECHO || icmp[1] != 0 || !unicast4(ip + 12) || !unicast4(ip + 16) ||
		!ours(e, ip + 16, false))
		return 0;
	turn_ethernet(e, frame);
	/* The sum of the header does not change with the order of its words. */
	swap(ip + 12, ip + 16, 4);
	icmp[0] = 0;
	update_sum(icmp + 2, ICMP_ECHO << 8, 0);
	return whole;
}

/* The sum over pseudo-header and message, RFC 8200 8.1. */
static void
set_sum6(const uint8_t *ip, uint8_t *icmp, uint16_t len)
{
	uint32_t sum;

	store16(icmp + 2, 0);
	sum = sum16(ip + 8, 32, len + PROTO_ICMPV6);
	store16(icmp + 2, (uint16_t)~fold(sum16(icmp, len, sum)));
}

/* Does a solicitation keep to RFC 4861 7.1.1? What fails must be silently discarded. */
static bool
good_solicitation(const uint8_t *ip, const uint8_t *icmp, uint16_t len)
{
	bool unknown = is_zero(ip + 8, 16);

	if (len < NS_LEN || ip[7] != 255 || icmp[1] != 0 || icmp[8] == 0xff)
		return false;
	for (uint16_t at = NS_LEN; at < len;) {
		if (at + 2 > len || icmp[at + 1] == 0 || at + icmp[at + 1] * 8 > len)
			return false;
		if (unknown && icmp[at] == ND_SOURCE_LLA)
			return false;
		at += icmp[at + 1] * 8;
	}
	return fold(sum16(icmp, len, sum16(ip + 8, 32, len + PROTO_ICMPV6))) == 0xffff;
}

static uint16_t
answer_solicitation(const struct dp_echo *e, uint8_t *frame, uint8_t *ip, uint16_t len,
	uint16_t room)
{
	static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
	static const uint8_t all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
	uint8_t *const icmp = ip + IPV6;
	const bool unknown = is_zero(ip + 8, 16);
	const uint16_t head = (uint16_t)(icmp - frame);

	if (!good_solicitation(ip, icmp, len) || !ours(e, icmp + 8, true) ||
		head + NA_LEN > room || (unknown && e->n == 0))
		return 0;
	turn_ethernet(e, frame);
	memcpy(ip + 24, ip + 8, 16);
	if (unknown) { /* it has no address yet: all are told that this one is taken */
		memcpy(ip + 24, all_nodes, 16);
		memcpy(frame, all_nodes_mac, 6);
	}
	memcpy(ip + 8, icmp + 8, 16);
	store16(ip + 4, NA_LEN);
	icmp[0] = ICMPV6_NA;
	memset(icmp + 4, 0, 4);
	icmp[4] = unknown ? 0x20 : 0x60; /* override, and solicited */
	icmp[NS_LEN] = ND_TARGET_LLA;
	icmp[NS_LEN + 1] = 1;
	memcpy(icmp + NS_LEN + 2, e->mac, 6);
	set_sum6(ip, icmp, NA_LEN);
	return head + NA_LEN;
}

static uint16_t
answer_ipv6(const struct dp_echo *e, uint8_t *frame, uint8_t *ip, uint16_t len, uint16_t whole,
	uint16_t room)
{
	uint8_t *const icmp = ip + IPV6;
	const uint16_t payload = len < IPV6 ? 0 : load16(ip + 4);

	if (payload < ICMP || payload > len - IPV6 || ip[0] >> 4 != 6 || ip[6] != PROTO_ICMPV6)
		return 0;
	if (icmp[0] == ICMPV6_NS)
		return answer_solicitation(e, frame, ip, payload, room);
	if (icmp[0] != ICMPV6_ECHO || icmp[1] != 0 || !unicast6(ip + 8) || !unicast6(ip + 24) ||
		!ours(e, ip + 24, true))
		return 0;
	turn_ethernet(e, frame);
	swap(ip + 8, ip + 24, 16);
	icmp[0] = ICMPV6_ECHO_REPLY;
	update_sum(icmp + 2, ICMPV6_ECHO << 8, ICMPV6_ECHO_REPLY << 8);
	return whole;
}

uint16_t
dp_echo_answer(const struct dp_echo *e, uint8_t *frame, uint16_t len, uint16_t room)
{
	uint16_t head = ETH, type;

	/* A source that is a group is nobody's. */
	if (len < ETH || (frame[6] & 1) != 0)
		return 0;
	type = load16(frame + 12);
	if (type == TYPE_VLAN && len >= ETH + TAG) {
		type = load16(frame + 16);
		head += TAG;
	}
	if (len <= head)
		return 0;
	if (type == TYPE_ARP)
		return answer_arp(e, frame, frame + head, len - head, len);
	if (type == TYPE_IPV4)
		return answer_ipv4(e, frame, frame + head, len - head, len);
	if (type == TYPE_IPV6)
		return answer_ipv6(e, frame, frame + head, len - head, len, room);
	return 0;
}
