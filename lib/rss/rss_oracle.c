/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "rss_gfni.h"
#include "rss_input.h"
#include "rss_oracle.h"

/* The key's bits from `bit` on, 32 of them; the key's first bit is the top of byte 0. */
static uint32_t
window(const uint8_t *key, unsigned int bit)
{
	uint64_t w = 0;

	for (unsigned int i = bit / 8; i < bit / 8 + 5; i++)
		w = w << 8 | (i < RSS_KEY_LEN ? key[i] : 0);
	return (uint32_t)(w >> (8 - bit % 8));
}

/* Toeplitz is linear: a byte adds what its bits add. */
static void
fill_table(struct rss_oracle *o)
{
	for (unsigned int n = 0; n < RSS_INPUT_MAX; n++) {
		o->table[n][0] = 0;
		for (unsigned int b = 0; b < 8; b++)
			o->table[n][0x80 >> b] = window(o->conf.key, 8 * n + b);
		for (unsigned int v = 1; v < 256; v++)
			o->table[n][v] = o->table[n][v & (v - 1)] ^ o->table[n][v & -v];
	}
}

/* Row j of matrix i: the eight bits of the key that an input bit j of byte i meets. */
static void
fill_matrix(struct rss_oracle *o)
{
	uint8_t rows[sizeof(o->matrix)];

	for (unsigned int bit = 0; bit < sizeof(rows); bit++)
		rows[bit] = window(o->conf.key, bit) >> 24;
	memcpy(o->matrix, rows, sizeof(rows));
}

/* __builtin_cpu_supports() asks the operating system too: AVX-512 state must be saved. */
static bool
gfni_usable(void)
{
#ifdef __x86_64__
	return rss_gfni_built && __builtin_cpu_supports("gfni") &&
	       __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vbmi");
#else
	return false;
#endif
}

void
rss_oracle_init(struct rss_oracle *o, const struct rss_conf *conf)
{
	o->conf = *conf;
	o->gfni = gfni_usable();
	fill_matrix(o);
	fill_table(o);
}

static uint32_t
by_table(const struct rss_oracle *o, const uint8_t *data, size_t len)
{
	const uint32_t(*t)[256] = o->table;
	uint32_t hash = 0;

	/* Addresses and ports are of whole words: four look-ups that do not wait for each other. */
	for (; len >= 4; len -= 4, t += 4, data += 4)
		hash ^= (t[0][data[0]] ^ t[1][data[1]]) ^ (t[2][data[2]] ^ t[3][data[3]]);
	for (; len > 0; len--, t++, data++)
		hash ^= t[0][data[0]];
	return hash;
}

uint32_t
rss_oracle_hash(const struct rss_oracle *o, const uint8_t *data, size_t len)
{
	return o->gfni ? rss_gfni_hash(o->matrix, data, len) : by_table(o, data, len);
}

void
rss_oracle_bulk(const struct rss_oracle *o, const uint8_t *const data[], size_t len,
	uint32_t hash[], unsigned int n)
{
	if (o->gfni) {
		rss_gfni_bulk(o->matrix, data, len, hash, n);
		return;
	}
	for (unsigned int i = 0; i < n; i++)
		hash[i] = by_table(o, data[i], len);
}

void
rss_oracle_predict(const struct rss_oracle *o, unsigned int pool_queues, const uint8_t *frame,
	size_t len, struct rss_verdict *v)
{
	uint8_t room[RSS_INPUT_MAX];
	size_t n;
	const uint8_t *input = rss_input_plain(o->conf.fields, frame, len, &n, &v->type);

	v->note = RSS_N_FULL;
	if (!input)
		input = rss_input(o->conf.fields, frame, len, room, &n, &v->type, &v->note);
	v->hash = v->index = v->queue = 0;
	if (v->type == RSS_T_NONE)
		return;
	v->hash = rss_oracle_hash(o, input, n);
	v->index = v->hash & (RSS_RETA_SIZE - 1);
	v->queue = rss_queue(&o->conf, pool_queues, v->hash);
}
