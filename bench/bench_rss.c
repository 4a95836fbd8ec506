/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_rss: how fast the oracle predicts, beside DPDK's rte_softrss and its GFNI kernels over the
 * same inputs. Rounds alternate, so that whatever else the machine does meets all of them alike.
 * Where a whole frame is the input, rte_softrss gets what it hashes from the oracle's own parser.
 * Exit status 1 when the oracle is below 10 x rte_softrss, or above 1.1 x the kernel's time.
 *
 *	bench_rss [ROUNDS]
 */
#define ALLOW_EXPERIMENTAL_API
/* Its inline kernels call parts that are marked internal, and clang takes that for our calling. */
#define ALLOW_INTERNAL_API
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_thash.h>

#include <rss_flow.h>
#include <rss_words.h>

#define INPUTS	   1024 /* they fit the second-level cache with room to spare */
#define ROUNDS	   401
#define MAX_ROUNDS 1001

struct input {
	uint8_t frame[RSS_FLOW_FRAME]; /* begins a cache line, as in an mbuf */
	size_t frame_len;
	uint8_t bytes[RSS_INPUT_MAX];
	uint32_t words[9]; /* the same in host order, for rte_softrss */
} __attribute__((aligned(64)));

static struct input in[INPUTS];
static const uint8_t *each[INPUTS];
static struct rss_oracle o;
static size_t len; /* of each input; 0: they differ, and only whole frames are measured */
static volatile uint32_t sink;

enum way {
	SOFTRSS,
	KERNEL,
	KERNEL_BULK,
	TABLE,
	HASH,
	BULK,
	SOFT_FRAME, /* from here on whole frames */
	PREDICT_TABLE,
	PREDICT,
	WAYS
};
static const char *const names[WAYS] = {
	"rte_softrss, to queues",
	"rte_thash_gfni, one at a time",
	"rte_thash_gfni_bulk, to queues",
	"oracle, tables (other CPUs)",
	"oracle, hash of one input",
	"oracle, bulk, to queues",
	"rte_softrss, whole frame to queue (same parser)",
	"oracle, whole frame to queue, tables",
	"oracle, whole frame to queue",
};

/* Can it be had here? */
static bool
measurable(enum way way, bool gfni)
{
	return (gfni || (way != KERNEL && way != KERNEL_BULK)) && (len > 0 || way >= SOFT_FRAME);
}

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* As rss_oracle_predict(), with DPDK's hash. */
static uint32_t
soft_frame(const struct input *i)
{
	struct rss_tuple t;
	uint32_t words[9], hash;

	rss_tuple(o.conf.fields, i->frame, i->frame_len, &t);
	for (unsigned int w = 0; w < t.len / 4u; w++) {
		memcpy(&words[w], t.bytes + 4 * w, 4);
		words[w] = __builtin_bswap32(words[w]);
	}
	hash = rte_softrss(words, t.len / 4, o.conf.key);
	sink = rss_queue(&o.conf, 4, hash);
	return hash;
}

/* From hashes to queues: the same for all. The hashes summed up, for comparing. */
static uint32_t
queues(const uint32_t hash[INPUTS])
{
	uint32_t sum = 0, q = 0;

	for (unsigned int i = 0; i < INPUTS; i++) {
		sum ^= hash[i];
		q += rss_queue(&o.conf, 4, hash[i]);
	}
	sink = q;
	return sum;
}

static uint32_t
run(enum way way)
{
	static uint32_t hash[INPUTS];
	uint32_t sum = 0;

	switch (way) {
	case SOFTRSS:
		for (unsigned int i = 0; i < INPUTS; i++)
			hash[i] = rte_softrss(in[i].words, len / 4, o.conf.key);
		return queues(hash);
	case KERNEL:
#ifdef RTE_THASH_GFNI_DEFINED
		for (unsigned int i = 0; i < INPUTS; i++)
			sum ^= rte_thash_gfni(o.matrix, each[i], (int)len);
#endif
		return sum;
	case KERNEL_BULK:
#ifdef RTE_THASH_GFNI_DEFINED
		rte_thash_gfni_bulk(o.matrix, (int)len, (uint8_t **)(uintptr_t)each, hash, INPUTS);
		return queues(hash);
#endif
		return sum;
	case TABLE:
	case HASH:
		for (unsigned int i = 0; i < INPUTS; i++)
			sum ^= rss_oracle_hash(&o, each[i], len);
		return sum;
	case BULK:
		rss_oracle_bulk(&o, each, len, hash, INPUTS);
		return queues(hash);
	case SOFT_FRAME:
		for (unsigned int i = 0; i < INPUTS; i++)
			sum ^= soft_frame(&in[i]);
		return sum;
	case PREDICT_TABLE:
	case PREDICT:
		for (unsigned int i = 0; i < INPUTS; i++) {
			struct rss_verdict v;

			rss_oracle_predict(&o, 4, in[i].frame, in[i].frame_len, &v);
			sum ^= v.hash;
		}
		return sum;
	default:
		return 0;
	}
}

enum kind { IPV4, IPV6, MIX };
static const char *const kinds[] = {"IPv4, 12 bytes", "IPv6, 36 bytes",
	"IPv4 and IPv6, TCP and UDP, with a tag or without, at random"};

static void
make_inputs(enum kind kind)
{
	static const uint8_t mac[6] = {2};

	len = kind == MIX ? 0 : kind == IPV6 ? 36 : 12;
	for (unsigned int i = 0; i < INPUTS; i++) {
		const unsigned int even = i % 2 | (kind == IPV6) << 1;
		const unsigned int pick = kind == MIX ? (unsigned int)rand() >> 8 : even;
		struct rss_flow f = {.v6 = pick & 2, .proto = pick & 1 ? 6 : 17,
			.sport = (uint16_t)rand(), .dport = (uint16_t)rand()};
		struct rss_tuple t;

		for (unsigned int k = 0; k < 16; k++) {
			f.src[k] = (uint8_t)rand();
			f.dst[k] = (uint8_t)rand();
		}
		rss_flow_tuple(&f, RSS_F_ALL, &t);
		memcpy(in[i].bytes, t.bytes, t.len);
		each[i] = in[i].bytes;
		for (unsigned int w = 0; w < t.len / 4u; w++)
			in[i].words[w] = (uint32_t)t.bytes[4 * w] << 24 | t.bytes[4 * w + 1] << 16 |
					 t.bytes[4 * w + 2] << 8 | t.bytes[4 * w + 3];
		in[i].frame_len = rss_flow_frame(&f, mac, mac, pick & 4 ? 100 : 0, in[i].frame);
	}
}

static int
by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* ns an input, the median of the rounds. Every way must give the same hashes. */
static int
measure(unsigned int rounds, double ns[WAYS])
{
	static double t[WAYS][MAX_ROUNDS];
	const bool gfni = o.gfni;
	const uint32_t want = run(SOFT_FRAME);

	for (unsigned int r = 0; r < rounds; r++)
		for (unsigned int w = 0; w < WAYS; w++) {
			double at;
			uint32_t got;

			if (!measurable(w, gfni))
				continue;
			o.gfni = gfni && w != TABLE && w != PREDICT_TABLE;
			at = now_ns();
			got = run(w);
			t[w][r] = (now_ns() - at) / INPUTS;
			sink ^= got;
			if (got != want) {
				printf("%s: %08x, but rte_softrss says %08x\n", names[w], got,
					want);
				return 1;
			}
		}
	o.gfni = gfni;
	for (unsigned int w = 0; w < WAYS; w++) {
		qsort(t[w], rounds, sizeof(double), by_value);
		ns[w] = t[w][rounds / 2];
	}
	return 0;
}

static int
verdict(const char *what, double ratio, bool at_least, double limit)
{
	const bool good = at_least ? ratio >= limit : ratio <= limit;

	printf("  %-52s %7.2f  (%s %.1f: %s)\n", what, ratio, at_least ? "at least" : "at most",
		limit, good ? "yes" : "NO");
	return !good;
}

static int
bench(enum kind kind, unsigned int rounds)
{
	double ns[WAYS];
	int bad = 0;

	make_inputs(kind);
	if (measure(rounds, ns) != 0)
		return 1;
	printf("%s; ns each, median of %u rounds of %d\n", kinds[kind], rounds, INPUTS);
	for (unsigned int w = 0; w < WAYS; w++)
		if (measurable(w, o.gfni))
			printf("  %-52s %7.2f\n", names[w], ns[w]);
	if (len > 0)
		bad |= verdict("rte_softrss / oracle, bulk", ns[SOFTRSS] / ns[BULK], true, 10);
	bad |= verdict("whole frame: rte_softrss / oracle", ns[SOFT_FRAME] / ns[PREDICT], true, 10);
	if (len > 0 && o.gfni)
		bad |= verdict("oracle, bulk / rte_thash_gfni_bulk", ns[BULK] / ns[KERNEL_BULK],
			false, 1.1);
	return bad;
}

int
main(int argc, char **argv)
{
	const int asked = argc > 1 ? atoi(argv[1]) : ROUNDS;
	const unsigned int rounds = asked > 0 && asked <= MAX_ROUNDS ? asked : ROUNDS;
	struct rss_conf conf;
	int bad = 0;

	rss_conf_default(&conf, 4);
	rss_oracle_init(&o, &conf);
	printf("hash by %s\n", o.gfni ? "GFNI and AVX-512" : "tables: this CPU has no GFNI");
	for (enum kind kind = IPV4; kind <= MIX; kind++)
		bad |= bench(kind, rounds);
	return bad;
}
