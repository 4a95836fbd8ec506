/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * patch_threads: four threads store into tail registers through the same instruction, while it
 * turns from a trap into a call under them, and a timer's handler does so too. Each value must
 * be there when it is read back. Before that, two stores that are neighbours do the same, and all
 * vector registers that the processor has outlive a store. Exits 0, or says what was wrong.
 */
#include <cpuid.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>
#include <linux/vfio.h>

#define THREADS	4
#define ROUNDS	200000u
#define RDT(q)	((0x1000u + 0x40u * (q) + 0x18u) / 4)
#define TDT(q)	((0x6000u + 0x40u * (q) + 0x18u) / 4)

static volatile uint32_t *bar;
static _Atomic unsigned int bad, alarms;
static volatile uint32_t plain;		/* memory that is no register, through the same store */

static __attribute__((noinline)) void
store(volatile uint32_t *at, uint32_t val)
{
	*at = val;
}

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static void
open_bar(const char *group, const char *bdf)
{
	int container = open("/dev/vfio/vfio", O_RDWR), g = open(group, O_RDWR), dev;
	void *p;

	if (container < 0 || g < 0 || ioctl(g, VFIO_GROUP_SET_CONTAINER, &container) < 0 ||
			ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU) < 0)
		fail("container");
	dev = ioctl(g, VFIO_GROUP_GET_DEVICE_FD, bdf);
	if (dev < 0)
		fail("device");
	p = mmap(NULL, 0x20000, PROT_READ | PROT_WRITE, MAP_SHARED, dev, 0);
	if (p == MAP_FAILED)
		fail("mmap");
	bar = p;
}

/* A handler that touches registers: it must never find its own thread inside the model. */
static void
on_alarm(int sig)
{
	(void)sig;
	store(&bar[TDT(20)], 0);
	store(&bar[RDT(20)], ++alarms & 0xff);
}

static void *
worker(void *arg)
{
	unsigned int q = (unsigned int)(uintptr_t)arg, i;

	for (i = 0; i < ROUNDS; i++) {
		store(&bar[RDT(q)], i & 0xfff);
		store(&bar[TDT(q)], i & 0x1ff);
		if (i % 64 == 0 && (bar[RDT(q)] != (i & 0xfff) || bar[TDT(q)] != (i & 0x1ff)))
			bad++;
		if (q == 0)
			store(&plain, i);
		if (q == 0 && plain != i)
			bad++;
	}
	return NULL;
}

/*
 * Two stores of 2 bytes, one behind the other: the jump in place of the first takes bytes of the
 * second as its displacement, so these must never change. The nops make both jumps reachable.
 */
static void
neighbours(void)
{
	unsigned int i;

	for (i = 1; i < 1000; i++) {
		__asm__ volatile("movl %%eax, (%%rdi)\n\tmovl %%ecx, (%%rsi)\n\tnop\n\tnop\n\tnop"
			: : "a"(i & 0xfff), "c"(~i & 0xfff), "D"(&bar[RDT(8)]), "S"(&bar[RDT(9)])
			: "memory");
		if (bar[RDT(8)] != (i & 0xfff) || bar[RDT(9)] != (~i & 0xfff))
			bad++;
	}
}

/* XSAVE's numbers of what holds vectors and masks: SSE, AVX, and the three of AVX-512. */
#define SSE	1
#define VECTORS	0xe6u

/* Where a component lies in XSAVE's standard format; false: the processor has none. */
static bool
component(unsigned int n, unsigned int *at, unsigned int *len)
{
	unsigned int a = 0, b = 0, c = 0, d = 0;

	if (n == SSE) {
		*at = 160;
		*len = 256;
		return true;
	}
	__get_cpuid_count(0xd, 0, &a, &b, &c, &d);
	if (!(a & 1u << n))
		return false;
	__get_cpuid_count(0xd, n, &a, &b, &c, &d);
	*at = b;
	*len = a;
	return true;
}

/* The store, between loading the registers from one picture and taking another one. */
static __attribute__((noinline)) void
store_between(volatile uint32_t *reg, uint32_t val, const uint8_t *load, uint8_t *save)
{
	__asm__ volatile("movl %[mask], %%eax\n\txorl %%edx, %%edx\n\txrstor64 (%[load])\n\t"
		"movl %[val], (%[reg])\n\tnop\n\tnop\n\tnop\n\t"
		"movl %[mask], %%eax\n\txorl %%edx, %%edx\n\txsave64 (%[save])\n\t"
		: : [mask] "i"(VECTORS), [load] "r"(load), [save] "r"(save), [reg] "r"(reg), [val] "r"(val)
		: "memory", "rax", "rdx", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
		"xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void
vectors(void)
{
	static uint8_t before[16384] __attribute__((aligned(64)));
	static uint8_t after[16384] __attribute__((aligned(64)));
	unsigned int i, n, k, at, len, seen = 0;
	uint64_t state_bv = 0;

	__asm__ volatile("xsave64 (%0)" : : "r"(before), "a"(VECTORS), "d"(0) : "memory");
	for (i = 1; i < 1000; i++) {
		for (n = SSE; n < 8; n++) {
			if (!(VECTORS & 1u << n) || !component(n, &at, &len))
				continue;
			for (k = 0; k < len; k++)
				before[at + k] = (uint8_t)(i * 31 + n * 7 + k);
			state_bv |= 1u << n;
		}
		memcpy(before + 512, &state_bv, sizeof(state_bv));
		store_between(&bar[TDT(10)], i & 0x1ff, before, after);
		for (n = SSE; n < 8; n++) {
			if (!(state_bv & 1u << n) || !component(n, &at, &len))
				continue;
			seen |= 1u << n;
			if (memcmp(before + at, after + at, len) != 0) {
				printf("component %u did not outlive store %u\n", n, i);
				bad++;
				return;
			}
		}
		if (bar[TDT(10)] != (i & 0x1ff))
			bad++;
	}
	printf("components compared: 0x%x\n", seen);
}

int
main(void)
{
	struct itimerval every_ms = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
	pthread_t t[THREADS];
	unsigned int i;

	open_bar("/dev/vfio/31", "0000:03:00.1");
	neighbours();
	vectors();
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &every_ms, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, worker, (void *)(uintptr_t)i);
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	printf("%u wrong values, %u alarms\n", bad, alarms);
	return bad == 0 && alarms > 0 ? 0 : 1;
}
