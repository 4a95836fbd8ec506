/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rss_frames N SEED FILE.pcap [PF-MAC | VFS]: N random frames for a card with two VFs: TCP, UDP, ICMP,
 * fragments over IPv4 and IPv6, some with options, ARP; for either VF, the PF, everybody, a group or
 * nobody; untagged, in VLAN 100 (VF 0's), 300 (both VFs') or 555 (nobody's). Checksums are left zero:
 * RSS does not look at them. The same bytes for the same seed. With VFS: untagged, for so many VFs
 * alike.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/ether.h>
#include <pcap/pcap.h>

static uint64_t state;

static uint32_t
rnd(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

static void
put16(uint8_t *p, unsigned int v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

static void
put_random(uint8_t *p, unsigned int n)
{
	while (n-- > 0)
		*p++ = rnd(256);
}

static void
put_dst(uint8_t *f, const uint8_t *pf, int first, uint32_t vfs)
{
	static const uint8_t vf0[6] = {2, 9, 0xc0, 0, 0, 0}, group[6] = {0x33, 0x33, 0, 0, 0, 1};
	const uint32_t r = first ? 0 : rnd(100); /* a wire waits until somebody gets its first frame */

	memcpy(f, vf0, 6);
	if (vfs > 0) {
		f[5] = first ? 0 : rnd(vfs);
		return;
	}
	if (r >= 45 && r < 80)
		f[5] = 1;
	else if (r >= 80 && r < 88)
		memcpy(f, pf, 6);
	else if (r >= 88 && r < 92)
		memset(f, 0xff, 6);
	else if (r >= 92 && r < 95)
		memcpy(f, group, 6);
	else if (r >= 95)
		f[1] = 0x77;
}

/* Each returns the length of the header. */
static unsigned int
put_ipv4(uint8_t *ip, uint8_t proto, int fragment)
{
	const unsigned int options = rnd(8) == 0 ? 1 + rnd(10) : 0, header = 20 + 4 * options;

	ip[0] = 0x45 + options;
	put16(ip + 2, header + 24);
	put16(ip + 6, fragment ? 0x2000 | rnd(100) : 0);
	ip[8] = 64;
	ip[9] = proto;
	put_random(ip + 12, 8);
	memset(ip + 20, 1, 4 * options); /* no operation */
	return header;
}

static unsigned int
put_ipv6(uint8_t *ip, uint8_t proto, int fragment)
{
	const int option = rnd(8) == 0;
	unsigned int at = 40;

	ip[0] = 0x60;
	put16(ip + 4, 24 + 8 * fragment + 8 * option);
	ip[6] = option ? 60 : fragment ? 44 : proto;
	ip[7] = 64;
	put_random(ip + 8, 32);
	ip[8] = 0x20; /* no group */
	ip[24] = 0x20;
	if (option) {
		ip[at] = fragment ? 44 : proto;
		ip[at + 2] = 1; /* padding to the end */
		ip[at + 3] = 4;
		at += 8;
	}
	if (fragment) {
		ip[at] = proto;
		put16(ip + at + 2, rnd(100) << 3 | 1);
		at += 8;
	}
	return at;
}

/* Returns the length of the frame. */
static unsigned int
put_ip(uint8_t *f, unsigned int at)
{
	static const uint8_t protos[] = {6, 6, 6, 17, 17, 1};
	const uint8_t proto = protos[rnd(sizeof(protos))];
	const int v6 = rnd(2), fragment = rnd(8) == 0;
	unsigned int l4 = at + 2;

	if (rnd(20) == 0) {
		put16(f + at, 0x0806);
		return 64;
	}
	put16(f + at, v6 ? 0x86dd : 0x0800);
	l4 += v6 ? put_ipv6(f + l4, proto, fragment) : put_ipv4(f + l4, proto, fragment);
	put_random(f + l4, 4);
	if (proto == 6)
		f[l4 + 12] = 0x50;
	else if (proto == 17)
		put16(f + l4 + 4, 24);
	return l4 + 24 < 64 ? 64 : l4 + 24;
}

int
main(int argc, char **argv)
{
	static const uint16_t vids[] = {100, 300, 555};
	uint8_t pf[6] = {2, 0x77, 0, 0, 0, 9};
	pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);
	pcap_dumper_t *d;
	uint32_t vfs = 0;

	if (argc < 4)
		errx(2, "usage: rss_frames N SEED FILE.pcap [PF-MAC | VFS]");
	if (argc > 4 && strchr(argv[4], ':') == NULL)
		vfs = (uint32_t)atoi(argv[4]);
	else if (argc > 4 && ether_aton_r(argv[4], (struct ether_addr *)pf) == NULL)
		errx(2, "%s: no MAC address", argv[4]);
	state = strtoull(argv[2], NULL, 10);
	d = pcap_dump_open(p, argv[3]);
	if (d == NULL)
		errx(1, "%s", pcap_geterr(p));
	for (long n = 0; n < atol(argv[1]); n++) {
		uint8_t f[160] = {0};
		struct pcap_pkthdr h = {.ts.tv_sec = 1700000000};
		unsigned int at = 12;

		put_dst(f, pf, n == 0, vfs);
		memcpy(f + 6, "\x02\xaa\x00\x00\x00\x01", 6);
		if (n > 0 && vfs == 0 && rnd(2)) {
			put16(f + at, 0x8100);
			put16(f + at + 2, vids[rnd(3)]);
			at += 4;
		}
		h.caplen = h.len = put_ip(f, at);
		pcap_dump((u_char *)d, &h, f);
	}
	pcap_dump_close(d);
	pcap_close(p);
	return 0;
}
