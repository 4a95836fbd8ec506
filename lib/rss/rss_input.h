/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RSS_INPUT_H
#define RSS_INPUT_H

#include <string.h>

#include "rss_hash.h"

/**
 * What of a frame is hashed. Addresses and ports mostly lie side by side in it, and then nothing is
 * copied: a copy in pieces would stall the wide load of the hash that follows.
 *
 * @param room  used where they do not lie side by side
 * @param n     bytes; 0 when nothing is hashed
 * @return into the frame or room; valid as long as they are
 */
const uint8_t *rss_input(uint32_t fields, const uint8_t *frame, size_t len,
	uint8_t room[RSS_INPUT_MAX], size_t *n, enum rss_type *type, enum rss_note *note);

#define RSS_PLAIN_LEN 60 /**< Ethernet's least, without the checksum */

/* Of the first eight bytes of IPv4, what tells a whole packet without options. */
static inline bool
rss_plain_ipv4(const uint8_t *ip)
{
	static const uint8_t care[8] = {0xff, 0, 0, 0, 0, 0, 0x3f, 0xff}, want[8] = {0x45};
	uint64_t head, mask, value;

	memcpy(&head, ip, 8);
	memcpy(&mask, care, 8);
	memcpy(&value, want, 8);
	return (head & mask) == value && (ip[2] << 8 | ip[3]) >= 20;
}

/**
 * rss_input() of most frames, in a few comparisons: TCP or UDP, in one piece, over IPv4 without
 * options or IPv6 without extension headers, at most one tag, ports hashed.
 *
 * @return NULL for any other frame: that is rss_input()'s
 */
static inline const uint8_t *
rss_input_plain(
	uint32_t fields, const uint8_t *frame, size_t len, size_t *n, enum rss_type *type)
{
	const uint8_t *ip = frame + 14, *end = frame + len;
	uint8_t proto;
	bool udp;

	if (len < RSS_PLAIN_LEN)
		return NULL;
	if (ip[-2] == 0x81 && ip[-1] == 0x00)
		ip += 4;
	if (ip[-2] == 0x08 && ip[-1] == 0x00 && rss_plain_ipv4(ip)) {
		proto = ip[9];
		udp = proto == 17;
		if ((proto != 6 && !udp) || !(fields & (udp ? RSS_F_UDP4 : RSS_F_TCP4)))
			return NULL;
		*type = udp ? RSS_T_UDP4 : RSS_T_TCP4;
		*n = 12;
		return ip + 12; /* 18 + 20 + 20 bytes are within RSS_PLAIN_LEN */
	}
	if (ip[-2] == 0x86 && ip[-1] == 0xdd && ip[0] >> 4 == 6) {
		proto = ip[6];
		udp = proto == 17;
		if ((proto != 6 && !udp) || !(fields & (udp ? RSS_F_UDP6 : RSS_F_TCP6)) ||
			end - ip < (udp ? 48 : 60))
			return NULL;
		*type = udp ? RSS_T_UDP6 : RSS_T_TCP6;
		*n = 36;
		return ip + 8;
	}
	return NULL;
}

#endif
