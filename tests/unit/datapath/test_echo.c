/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers, byte by byte, against checksums that are computed here once more, from the RFCs and over
 * the whole message. And that nothing else is answered, whatever it is made of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "echo.h"

static const uint8_t mac[6] = {2, 9, 0xc0, 0, 0, 1}, peer[6] = {2, 0xaa, 0, 0, 0, 7};
static const uint8_t ip4[4] = {192, 0, 2, 1}, from4[4] = {192, 0, 2, 9};
static const uint8_t ip6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
static const uint8_t from6[16] = {0x20, 1, 0xd, 0xb8, [15] = 9};

static struct dp_ip both[2];
static struct dp_echo listed, any;

static uint8_t frame[2048];
static uint16_t len;

static void
put(const void *bytes, uint16_t n)
{
	memcpy(frame + len, bytes, n);
	len += n;
}

#define PUT(...) put((uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

/* The sum of RFC 1071 in its plainest form: 0 over a message whose sum is right. */
static uint16_t
sum(const uint8_t *p, size_t n, uint32_t s)
{
	for (size_t i = 0; i < n; i++)
		s += i % 2 == 0 ? p[i] * 256u : p[i];
	s %= 65535;
	return s == 0 ? 0 : (uint16_t)~s;
}

static uint32_t
pseudo6(const uint8_t *ip, uint16_t n)
{
	return n + 58u + (uint16_t)~sum(ip + 8, 32, 0);
}

static bool
sum6_good(const uint8_t *ip)
{
	const uint16_t n = (uint16_t)(ip[4] << 8 | ip[5]);
	const uint16_t s = sum(ip + 40, n, pseudo6(ip, n));

	return s == 0 || s == 0xffff;
}

static void
fix_sum6(uint8_t *ip)
{
	const uint16_t n = (uint16_t)(ip[4] << 8 | ip[5]);
	uint16_t s;

	ip[42] = ip[43] = 0;
	s = sum(ip + 40, n, pseudo6(ip, n));
	ip[42] = (uint8_t)(s >> 8);
	ip[43] = (uint8_t)s;
}

static void
ethernet(uint8_t high, uint8_t low, bool tagged)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	memset(frame, 0, sizeof(frame));
	len = 0;
	put(all, 6);
	put(peer, 6);
	if (tagged)
		PUT(0x81, 0, 0x20, 100);
	PUT(high, low);
}

static uint8_t *
arp(const uint8_t sender[4], const uint8_t target[4])
{
	ethernet(8, 6, false);
	PUT(0, 1, 8, 0, 6, 4, 0, 1);
	put(peer, 6);
	put(sender, 4);
	PUT(0, 0, 0, 0, 0, 0);
	put(target, 4);
	return frame + 14;
}

static uint8_t *
ping4(uint16_t data, bool tagged)
{
	uint8_t *ip, *icmp;
	uint16_t s;

	ethernet(8, 0, tagged);
	ip = frame + len;
	PUT(0x45, 0, (28 + data) >> 8, (uint8_t)(28 + data), 1, 2, 0x40, 0, 64, 1, 0, 0);
	put(from4, 4);
	put(ip4, 4);
	s = sum(ip, 20, 0);
	ip[10] = (uint8_t)(s >> 8);
	ip[11] = (uint8_t)s;
	icmp = frame + len;
	PUT(8, 0, 0, 0, 0x12, 0x34, 0, 7);
	for (uint16_t i = 0; i < data; i++)
		PUT((uint8_t)(i * 7));
	s = sum(icmp, 8 + data, 0);
	icmp[2] = (uint8_t)(s >> 8);
	icmp[3] = (uint8_t)s;
	return ip;
}

static uint8_t *
icmp6(const uint8_t *from, const uint8_t *to, uint8_t hops, uint8_t type, const uint8_t *rest,
	uint16_t n)
{
	uint8_t *ip;

	ethernet(0x86, 0xdd, false);
	ip = frame + len;
	PUT(0x60, 0, 0, 0, (4 + n) >> 8, (uint8_t)(4 + n), 58, hops);
	put(from, 16);
	put(to, 16);
	PUT(type, 0, 0, 0);
	put(rest, n);
	fix_sum6(ip);
	return ip;
}

/* A solicitation for `target`; with_lla: who asks says its address. */
static uint8_t *
solicit(const uint8_t *from, const uint8_t *target, bool with_lla)
{
	static const uint8_t group[16] = {0xff, 2, [11] = 1, 0xff, 0, 0, 1};
	uint8_t rest[28] = {0};

	memcpy(rest + 4, target, 16);
	rest[20] = 1;
	rest[21] = 1;
	memcpy(rest + 22, peer, 6);
	return icmp6(from, group, 255, 135, rest, with_lla ? 28 : 20);
}

static uint16_t
answer(const struct dp_echo *e)
{
	const uint16_t n = dp_echo_answer(e, frame, len, sizeof(frame));

	if (n > 0) {
		assert_memory_equal(frame + 6, mac, 6);
		len = n;
	}
	return n;
}

static void
silent(const struct dp_echo *e, const char *what)
{
	static uint8_t before[sizeof(frame)];

	memcpy(before, frame, sizeof(frame));
	if (dp_echo_answer(e, frame, len, sizeof(frame)) != 0)
		fail_msg("answered: %s", what);
	assert_memory_equal(before, frame, sizeof(frame));
}

static void
arp_is_answered(void **state)
{
	static const uint8_t zero[4] = {0}, other[4] = {192, 0, 2, 2};
	uint8_t *a = arp(from4, ip4);

	(void)state;
	assert_int_equal(answer(&listed), 42);
	assert_memory_equal(frame, peer, 6);
	assert_memory_equal(a, ((uint8_t[]){0, 1, 8, 0, 6, 4, 0, 2}), 8);
	assert_memory_equal(a + 8, mac, 6);
	assert_memory_equal(a + 14, ip4, 4);
	assert_memory_equal(a + 18, peer, 6);
	assert_memory_equal(a + 24, from4, 4);
	arp(from4, other);
	silent(&listed, "ARP for another's address");
	assert_int_equal(answer(&any), 42);
	/* Who looks for a free address finds this one taken, if it is really ours. */
	arp(zero, ip4);
	silent(&any, "an ARP probe");
	assert_int_equal(answer(&listed), 42);
	arp(other, other);
	silent(&any, "a gratuitous ARP");
	a = arp(from4, ip4);
	a[7] = 2;
	silent(&any, "an ARP reply");
	arp(from4, ip4);
	len--;
	silent(&any, "a short ARP");
}

static void
ping_is_answered(void **state)
{
	(void)state;
	for (uint16_t data = 0; data < 1472; data += 37)
		for (int tagged = 0; tagged < 2; tagged++) {
			uint8_t *ip = ping4(data, tagged), want[1500];

			memcpy(want, ip + 24, 4 + data);
			assert_int_equal(answer(&listed), len);
			assert_memory_equal(frame, peer, 6);
			assert_memory_equal(ip + 12, ip4, 4);
			assert_memory_equal(ip + 16, from4, 4);
			assert_int_equal(ip[20], 0);
			assert_int_equal(sum(ip, 20, 0), 0);
			assert_int_equal(sum(ip + 20, 8 + data, 0), 0);
			/* identifier, number and data as they came */
			assert_memory_equal(want, ip + 24, 4 + data);
			if (tagged)
				assert_memory_equal(frame + 12, ((uint8_t[]){0x81, 0, 0x20, 100}), 4);
		}
}

/* A checksum on the edge of one's complement zero. */
static void
every_checksum_comes_out_right(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < 65536; n++) {
		uint8_t *ip = ping4(2, false);
		uint16_t s;

		ip[28] = (uint8_t)(n >> 8);
		ip[29] = (uint8_t)n;
		ip[22] = ip[23] = 0;
		s = sum(ip + 20, 10, 0);
		ip[22] = (uint8_t)(s >> 8);
		ip[23] = (uint8_t)s;
		assert_int_equal(answer(&any), len);
		s = sum(ip + 20, 10, 0);
		if (s != 0 && s != 0xffff)
			fail_msg("payload %04x: sum %04x", n, s);
	}
}

static void
other_ipv4_is_not_answered(void **state)
{
	uint8_t *ip;

	(void)state;
	ip = ping4(8, false);
	ip[6] = 0x20;
	silent(&any, "a first fragment");
	ip[6] = 0;
	ip[7] = 1;
	silent(&any, "a later fragment");
	ping4(8, false)[20] = 0;
	silent(&any, "an echo reply");
	ping4(8, false)[9] = 17;
	silent(&any, "UDP");
	ping4(8, false)[16] = 224;
	silent(&any, "a ping of a group");
	memset(ping4(8, false) + 12, 255, 4);
	silent(&any, "a ping that comes from broadcast");
	ping4(8, false)[19] = 2;
	silent(&listed, "a ping of another");
	ping4(8, false)[0] = 0x4f;
	silent(&any, "a header longer than the packet");
	ping4(8, false)[2] = 1;
	silent(&any, "a packet longer than the frame");
	ping4(8, false);
	frame[6] |= 1;
	silent(&any, "a frame from a group");
}

static void
ping6_is_answered(void **state)
{
	static const uint8_t rest[] = {0x12, 0x34, 0, 9, 1, 2, 3, 4, 5};
	uint8_t *ip = icmp6(from6, ip6, 64, 128, rest, sizeof(rest));

	(void)state;
	assert_true(sum6_good(ip));
	assert_int_equal(answer(&listed), len);
	assert_memory_equal(frame, peer, 6);
	assert_memory_equal(ip + 8, ip6, 16);
	assert_memory_equal(ip + 24, from6, 16);
	assert_int_equal(ip[40], 129);
	assert_memory_equal(ip + 44, rest, sizeof(rest));
	assert_true(sum6_good(ip));
	icmp6(from6, from6, 64, 128, rest, sizeof(rest));
	silent(&listed, "a ping6 of another");
	icmp6(from6, (uint8_t[16]){0xff, 2, [15] = 1}, 64, 128, rest, sizeof(rest));
	silent(&any, "a ping6 of a group");
	icmp6(from6, ip6, 64, 129, rest, sizeof(rest));
	silent(&any, "an ICMPv6 echo reply");
	icmp6(from6, ip6, 64, 128, rest, sizeof(rest))[5]++;
	silent(&any, "a payload longer than the frame");
}

static void
neighbours_are_told(void **state)
{
	static const uint8_t zero[16] = {0};
	uint8_t *ip;

	(void)state;
	for (int lla = 0; lla < 2; lla++) {
		ip = solicit(from6, ip6, lla);
		assert_true(sum6_good(ip));
		assert_int_equal(answer(&listed), 14 + 40 + 32);
		assert_memory_equal(frame, peer, 6);
		assert_int_equal(ip[7], 255);
		assert_memory_equal(ip + 8, ip6, 16);
		assert_memory_equal(ip + 24, from6, 16);
		assert_int_equal(ip[40], 136);
		assert_int_equal(ip[44], 0x60);
		assert_memory_equal(ip + 48, ip6, 16);
		assert_memory_equal(ip + 64, ((uint8_t[]){2, 1, 2, 9, 0xc0, 0, 0, 1}), 8);
		assert_true(sum6_good(ip));
	}
	/* Duplicate address detection: who has the address says so to all. */
	ip = solicit(zero, ip6, false);
	silent(&any, "a claim to a free address");
	assert_int_equal(answer(&listed), 14 + 40 + 32);
	assert_memory_equal(frame, ((uint8_t[]){0x33, 0x33, 0, 0, 0, 1}), 6);
	assert_memory_equal(ip + 24, ((uint8_t[16]){0xff, 2, [15] = 1}), 16);
	assert_int_equal(ip[44], 0x20);
	assert_true(sum6_good(ip));
}

static void
bad_solicitations_are_dropped(void **state)
{
	static const uint8_t zero[16] = {0};
	uint8_t *ip;

	(void)state;
	ip = solicit(from6, ip6, true);
	ip[7] = 254; /* came through a router */
	silent(&any, "hop limit 254");
	ip = solicit(from6, ip6, true);
	ip[43] ^= 1;
	silent(&any, "a wrong checksum");
	ip = solicit(from6, ip6, true);
	ip[65] = 0;
	fix_sum6(ip);
	silent(&any, "an option of length 0");
	ip = solicit(from6, ip6, true);
	ip[65] = 2;
	fix_sum6(ip);
	silent(&any, "an option beyond the end");
	solicit(zero, ip6, true);
	silent(&listed, "no source, but a source's link-layer address");
	solicit(from6, from6, true);
	silent(&listed, "a solicitation for another");
	solicit(from6, ip6, false);
	assert_int_equal(dp_echo_answer(&any, frame, len, len + 7), 0);
	assert_int_equal(dp_echo_answer(&any, frame, len, len + 8), len + 8);
}

/* Cut and changed requests: it reads and writes only what it was given (the sanitizers look on). */
static void
damaged_frames_do_no_harm(void **state)
{
	static const uint8_t rest[] = {0x12, 0x34, 0, 9, 1, 2, 3, 4, 5};
	unsigned int answered = 0;

	(void)state;
	srand(7);
	for (unsigned int round = 0; round < 200000; round++) {
		const struct dp_echo *e = round % 2 ? &any : &listed;
		uint8_t *copy;
		uint16_t n;

		switch (rand() % 4) {
		case 0:
			arp(from4, ip4);
			break;
		case 1:
			ping4(rand() % 64, rand() % 2);
			break;
		case 2:
			icmp6(from6, ip6, 64, 128, rest, sizeof(rest));
			break;
		default:
			solicit(from6, ip6, rand() % 2);
		}
		for (int i = rand() % 3; i > 0; i--)
			frame[rand() % len] = (uint8_t)rand();
		if (rand() % 4 == 0)
			len = rand() % (len + 1);
		copy = malloc(len + 8);
		assert_non_null(copy);
		memcpy(copy, frame, len);
		n = dp_echo_answer(e, copy, len, len + (rand() % 2) * 8);
		assert_true(n <= len + 8);
		answered += n > 0;
		free(copy);
	}
	assert_true(answered > 50000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_is_answered),
		cmocka_unit_test(ping_is_answered),
		cmocka_unit_test(every_checksum_comes_out_right),
		cmocka_unit_test(other_ipv4_is_not_answered),
		cmocka_unit_test(ping6_is_answered),
		cmocka_unit_test(neighbours_are_told),
		cmocka_unit_test(bad_solicitations_are_dropped),
		cmocka_unit_test(damaged_frames_do_no_harm),
	};

	memcpy(both[0].byte, ip4, 4);
	memcpy(both[1].byte, ip6, 16);
	both[1].v6 = true;
	memcpy(any.mac, mac, 6);
	listed = any;
	listed.n = 2;
	listed.addresses = both;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
