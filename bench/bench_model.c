/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a packet costs in soft82599's model alone: no process besides, no driver, no trap, memory near.
 *
 *   bench_model [ROUNDS]
 *
 * A VF sends bursts of 32 UDP packets of 64 bytes to another VF: 64 pools of 2 queues, RSS over
 * addresses and ports, MAC and VLAN anti-spoof, VLAN filter and checksum verification on. Prints the
 * time from the store to TDT to its return, per packet: minimum and median over the rounds.
 */
#include <stdio.h>
#include <time.h>

#include "bench_card.h"

#define PKTS	32
#define FLOWS	64

static void *
all_memory(struct s82_ctx *ctx, unsigned int domain, uint64_t iova, size_t *avail, size_t *before)
{
	(void)ctx;
	(void)domain;
	*avail = SIZE_MAX - iova;
	*before = iova;
	return (void *)(uintptr_t)iova;
}

static struct bench *
card(void)
{
	static struct s82_ops ops;
	struct bench *b = bench_new(2);

	ops = *b->ctx.ops;
	ops.dma = all_memory;
	b->ctx.ops = &ops;
	pools_on(b, 0xb);
	set_mac(b, 127, mac_a, 1);
	set_mac(b, 126, mac_b, 2);
	set_rss(b, MRQC_IPV4 | MRQC_UDPIPV4, ms_key, 2);
	pf_write(b, R_PFVFSPOOF(0), 0x0303);
	rx_on(b, 2, 1);
	rx_on(b, 3, 1);
	tx_on(b, 0);
	return b;
}

/* IPv4 and UDP with checksums that are right, one port a flow. */
static void
udp_frame(uint8_t *f, unsigned int flow)
{
	static const uint8_t head[] = { 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 198, 18, 0, 1,
		198, 18, 0, 2, 0, 0, 0x23, 0x28, 0, 26, 0, 0 };
	uint32_t sum;

	frame(f, mac_b, mac_a, -1, 0x0800, 60);
	memcpy(f + 14, head, sizeof(head));
	f[34] = 0xc0;
	f[35] = (uint8_t)flow;
	sum = ~s82_sum16(f + 14, 20, 0) & 0xffff;
	f[24] = (uint8_t)(sum >> 8);
	f[25] = (uint8_t)sum;
	sum = ~s82_sum16(f + 34, 26, s82_sum16(f + 26, 8, 17 + 26)) & 0xffff;
	f[40] = (uint8_t)(sum >> 8);
	f[41] = (uint8_t)sum;
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The receiving driver's part: every buffer goes back. */
static unsigned int
take_all(struct bench *b, unsigned int queue)
{
	struct ring *r = b->rx[queue];
	unsigned int n = 0;

	while (r->desc[r->next][1] & RXD_DD) {
		r->desc[r->next][0] = (uintptr_t)r->buf[r->next];
		r->desc[r->next][1] = 0;
		r->next = (r->next + 1) % RING;
		n++;
	}
	pf_write(b, 0x1000 + queue * 64 + Q_RDT, (r->next + RING - 1) % RING);
	return n;
}

static int
compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : 20000, i, k, got = 0;
	struct bench *b = card();
	struct ring *r = b->tx[0];
	double *ns = calloc(rounds, sizeof(*ns));

	if (rounds == 0 || !ns)
		return 2;
	for (i = 0; i < rounds; i++) {
		uint64_t begin;

		for (k = 0; k < PKTS; k++) {
			uint32_t at = (r->next + k) % RING;

			udp_frame(r->buf[at], (i * PKTS + k) % FLOWS);
			r->desc[at][0] = (uintptr_t)r->buf[at];
			r->desc[at][1] = 60 | TXD_DTYP_DATA << 20 | TXD_DEXT | TXD_EOP |
				(k == PKTS - 1 ? TXD_RS : 0) | 60ull << 46;
		}
		r->next = (r->next + PKTS) % RING;
		begin = now_ns();
		pf_write(b, 0x6000 + Q_TDT, r->next);
		ns[i] = (double)(now_ns() - begin) / PKTS;
		got += take_all(b, 2) + take_all(b, 3);
	}
	qsort(ns, rounds, sizeof(*ns), compare);
	printf("%u packets sent, %u received, %.1f ns a packet at least, %.1f in the median\n",
		rounds * PKTS, got, ns[0], ns[rounds / 2]);
	free(ns);
	bench_free(b);
	return got == rounds * PKTS ? 0 : 1;
}
