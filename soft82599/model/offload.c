/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the NIC writes into a frame's headers on its way out: checksums [7.2.5] and the headers
 * of TCP segmentation [7.2.4]. Bytes in, bytes out; no queues, no registers.
 */
#include "internal.h"

#define TUCMD_IPV4	(1u << 10)
#define TUCMD_L4T	11	/* shift, 2 bits */
#define TCP_FLAGS	13	/* offset in the TCP header */

static void
set_be16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
add_be32(uint8_t *p, uint32_t add)
{
	uint32_t v = ((uint32_t)be16(p) << 16 | be16(p + 2)) + add;

	set_be16(p, v >> 16);
	set_be16(p + 2, v);
}

/*
 * A CRC of 32 bits, lowest bit first: `poly` is S82_CRC_ETHERNET or S82_CRC_SCTP, `crc` that of
 * what came before, 0 if nothing did.
 */
uint32_t
s82_crc(uint32_t poly, uint32_t crc, const uint8_t *p, uint32_t len)
{
	uint32_t nibble[16], i, k;

	crc = ~crc;
	for (i = 0; i < 16; i++) {
		nibble[i] = i;
		for (k = 0; k < 4; k++)
			nibble[i] = nibble[i] >> 1 ^ (nibble[i] & 1 ? poly : 0);
	}
	for (; len > 0; len--, p++) {
		crc ^= *p;
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return ~crc;
}

/* A context descriptor [7.2.3.2.3] and the POPTS and PAYLEN of the data descriptor that uses it. */
struct s82_offload
s82_offload(const uint64_t ctx[2], uint32_t olinfo)
{
	uint32_t tucmd = (uint32_t)ctx[1], mss_l4len = (uint32_t)(ctx[1] >> 32);

	return (struct s82_offload){
		.maclen = ctx[0] >> 9 & 0x7f,
		.iplen = ctx[0] & 0x1ff,
		.l4len = mss_l4len >> 8 & 0xff,
		.mss = mss_l4len >> 16,
		.ipv4 = tucmd & TUCMD_IPV4,
		.l4t = tucmd >> TUCMD_L4T & 3,
		.ixsm = olinfo >> 8 & 1,
		.txsm = olinfo >> 9 & 1,
		.paylen = olinfo >> 14,
	};
}

static void
insert_sctp(uint8_t *l4, uint32_t len)
{
	uint32_t crc;

	if (len < 12)
		return;
	memset(l4 + 8, 0, 4);
	crc = s82_crc(S82_CRC_SCTP, 0, l4, len);
	memcpy(l4 + 8, &crc, 4);	/* the lowest byte first [RFC 9260, appendix A] */
}

/*
 * Inserts what POPTS asks for. The L4 field already holds the sum of the pseudo header; `more` is
 * what that sum lacks: the length, in segmentation.
 */
void
s82_insert_checksums(uint8_t *d, uint32_t len, const struct s82_offload *o, uint32_t more)
{
	uint32_t l4 = o->maclen + o->iplen, at, sum;

	if (l4 > len)
		return;
	if (o->ixsm && o->ipv4 && o->iplen >= 20) {
		set_be16(d + o->maclen + 10, 0);
		set_be16(d + o->maclen + 10, ~s82_sum16(d + o->maclen, o->iplen, 0));
	}
	if (!o->txsm || o->l4t > S82_L4T_SCTP)
		return;
	if (o->l4t == S82_L4T_SCTP) {
		insert_sctp(d + l4, len - l4);
		return;
	}
	at = l4 + (o->l4t == S82_L4T_TCP ? 16 : 6);
	if (at + 2 > len)
		return;
	sum = ~s82_sum16(d + l4, len - l4, more) & 0xffff;
	set_be16(d + at, o->l4t == S82_L4T_UDP && sum == 0 ? 0xffff : sum);
}

/* A legacy descriptor's: from CSS to the end, written to CSO [7.2.3.2.2]. */
void
s82_insert_legacy(uint8_t *d, uint32_t len, uint32_t css, uint32_t cso)
{
	if (css >= len || cso + 2 > len)
		return;
	set_be16(d + cso, ~s82_sum16(d + css, len - css, 0));
}

/* May this be segmented at all? What the datasheet asks software to see to. */
bool
s82_tso_valid(const struct s82_offload *o, uint32_t len)
{
	uint32_t header = o->maclen + o->iplen + o->l4len;

	return o->mss > 0 && o->maclen >= 14 && o->iplen >= (o->ipv4 ? 20 : 40) &&
		o->l4len >= (o->l4t == S82_L4T_TCP ? 20 : 8) && o->l4t <= S82_L4T_TCP &&
		o->paylen > 0 && len == header + o->paylen && header + o->mss <= S82_MAX_FRAME - 8;
}

/*
 * The header of one segment [7.2.4.7]: `n` bytes of payload, `done` before them. TCP flags
 * outside of `flags` are cleared: FIN and PSH survive in the last segment alone.
 */
void
s82_tso_header(uint8_t *d, const struct s82_offload *o, uint32_t done, uint32_t n, uint32_t flags)
{
	uint8_t *ip = d + o->maclen, *l4 = ip + o->iplen;

	if (o->ipv4) {
		set_be16(ip + 2, o->iplen + o->l4len + n);
		set_be16(ip + 4, be16(ip + 4) + done / o->mss);
	} else {
		set_be16(ip + 4, o->iplen - 40 + o->l4len + n);
	}
	if (o->l4t == S82_L4T_UDP) {
		set_be16(l4 + 4, o->l4len + n);
		return;
	}
	add_be32(l4 + 4, done);
	l4[TCP_FLAGS] &= (uint8_t)flags;
	l4[TCP_FLAGS - 1] &= (uint8_t)(0xf0 | flags >> 8);
}
