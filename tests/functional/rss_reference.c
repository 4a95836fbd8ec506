/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rss_reference ip|udp QUEUES FILE.pcap: for each frame the queue and the hash that an 82599
 * should give it, by DPDK's rte_softrss and Microsoft's key. One line a frame, "QUEUE HASH", or
 * "0 none" for what the chosen fields do not cover. It shares nothing with the model or the oracle.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pcap/pcap.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_thash.h>
#include <rte_udp.h>

static const uint8_t key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static uint16_t
ether_type(const uint8_t *d, size_t *off)
{
	uint16_t type;

	*off = 12;
	memcpy(&type, d + *off, 2);
	if (type == rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN)) {
		*off += 4;
		memcpy(&type, d + *off, 2);
	}
	*off += 2;
	return rte_be_to_cpu_16(type);
}

/* Fills the tuple in words of host order, as rte_softrss wants them. Returns words, 0: none. */
static unsigned int
tuple4(const uint8_t *d, int udp, uint32_t *w)
{
	const struct rte_ipv4_hdr *ip = (const void *)d;
	const struct rte_udp_hdr *l4 = (const void *)(d + (ip->version_ihl & 15) * 4);

	w[0] = rte_be_to_cpu_32(ip->src_addr);
	w[1] = rte_be_to_cpu_32(ip->dst_addr);
	if (!udp)
		return 2;
	if (ip->next_proto_id != 17 || (ip->fragment_offset & RTE_BE16(0x3fff)))
		return 0;
	w[2] = (uint32_t)rte_be_to_cpu_16(l4->src_port) << 16 | rte_be_to_cpu_16(l4->dst_port);
	return 3;
}

static unsigned int
tuple6(const uint8_t *d, int udp, uint32_t *w)
{
	const struct rte_ipv6_hdr *ip = (const void *)d;
	const struct rte_udp_hdr *l4 = (const void *)(ip + 1);
	unsigned int i;

	for (i = 0; i < 8; i++) {
		memcpy(&w[i], d + 8 + 4 * i, 4);
		w[i] = rte_be_to_cpu_32(w[i]);
	}
	if (!udp)
		return 8;
	if (ip->proto != 17)
		return 0;
	w[8] = (uint32_t)rte_be_to_cpu_16(l4->src_port) << 16 | rte_be_to_cpu_16(l4->dst_port);
	return 9;
}

int
main(int argc, char **argv)
{
	char err[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const uint8_t *d;
	unsigned int queues;
	pcap_t *p;
	int udp;

	if (argc != 4 || (strcmp(argv[1], "ip") != 0 && strcmp(argv[1], "udp") != 0)) {
		fprintf(stderr, "usage: rss_reference ip|udp QUEUES FILE.pcap\n");
		return 2;
	}
	udp = strcmp(argv[1], "udp") == 0;
	queues = (unsigned int)atoi(argv[2]);
	p = pcap_open_offline(argv[3], err);
	if (p == NULL || queues == 0) {
		fprintf(stderr, "rss_reference: %s\n", p == NULL ? err : "QUEUES must be 1 or more");
		return 2;
	}
	while (pcap_next_ex(p, &h, &d) == 1) {
		uint32_t w[16], hash;
		unsigned int n = 0;
		size_t off;
		uint16_t type = ether_type(d, &off);

		if (type == RTE_ETHER_TYPE_IPV4)
			n = tuple4(d + off, udp, w);
		else if (type == RTE_ETHER_TYPE_IPV6)
			n = tuple6(d + off, udp, w);
		if (n == 0) {
			printf("0 none\n");
			continue;
		}
		hash = rte_softrss(w, n, key);
		printf("%u 0x%x\n", (hash & 127) % queues, hash);
	}
	pcap_close(p);
	return 0;
}
