/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's GFNI kernels, compiled for CPUs that have the instructions whatever DPDK was compiled for
 * (Debian's says corei7, and its rte_thash_gfni_supported() answers no). No function of this file
 * may be called before rss_oracle.c has asked the CPU: the compiler may use them anywhere here.
 */
#define ALLOW_EXPERIMENTAL_API
/* Its inline kernels call parts that are marked internal, and clang takes that for our calling. */
#define ALLOW_INTERNAL_API
#include <rte_thash.h>

#include "rss_gfni.h"

#ifdef RTE_THASH_GFNI_DEFINED

const bool rss_gfni_built = true;

uint32_t
rss_gfni_hash(const uint64_t *matrix, const uint8_t *data, size_t len)
{
	/* Addresses and ports, mostly: the compiler unrolls the kernel for a known length. */
	if (len == 12)
		return rte_thash_gfni(matrix, data, 12);
	if (len == 36)
		return rte_thash_gfni(matrix, data, 36);
	return rte_thash_gfni(matrix, data, (int)len);
}

void
rss_gfni_bulk(const uint64_t *matrix, const uint8_t *const data[], size_t len, uint32_t hash[],
	unsigned int n)
{
	/* DPDK's prototype lacks the const; it only reads. */
	uint8_t **in = (uint8_t **)(uintptr_t)data;

	if (len == 12)
		rte_thash_gfni_bulk(matrix, 12, in, hash, n);
	else if (len == 36)
		rte_thash_gfni_bulk(matrix, 36, in, hash, n);
	else
		rte_thash_gfni_bulk(matrix, (int)len, in, hash, n);
}

#else /* another architecture, or a compiler without the instructions */

const bool rss_gfni_built = false;

uint32_t
rss_gfni_hash(const uint64_t *matrix, const uint8_t *data, size_t len)
{
	(void)matrix;
	(void)data;
	(void)len;
	return 0;
}

void
rss_gfni_bulk(const uint64_t *matrix, const uint8_t *const data[], size_t len, uint32_t hash[],
	unsigned int n)
{
	(void)matrix;
	(void)data;
	(void)len;
	(void)hash;
	(void)n;
}

#endif
