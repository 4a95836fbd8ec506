/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RSS_GFNI_H
#define RSS_GFNI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The functions of rss_gfni.c, which alone is compiled for these instructions. */
extern const bool rss_gfni_built;
uint32_t rss_gfni_hash(const uint64_t *matrix, const uint8_t *data, size_t len);
void rss_gfni_bulk(const uint64_t *matrix, const uint8_t *const data[], size_t len, uint32_t hash[],
	unsigned int n);

#endif
