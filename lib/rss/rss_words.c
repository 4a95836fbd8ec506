/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rss_words.h"

#define MAX_QUEUES 16

static const uint8_t symmetric[2] = {0x6d, 0x5a};

/* splitmix64, by Sebastiano Vigna */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void
rss_key_random(uint64_t seed, uint8_t key[RSS_KEY_LEN])
{
	for (unsigned int i = 0; i < RSS_KEY_LEN; i += 8) {
		const uint64_t r = next_random(&seed);

		for (unsigned int b = 0; b < 8; b++)
			key[i + b] = (uint8_t)(r >> (56 - 8 * b));
	}
}

int
rss_key_named(const char *text, uint64_t seed, uint8_t key[RSS_KEY_LEN], struct vfp_err *err)
{
	if (strcmp(text, "default") == 0)
		memcpy(key, rss_key_default, RSS_KEY_LEN);
	else if (strcmp(text, "random") == 0)
		rss_key_random(seed, key);
	else if (strcmp(text, "symmetric") == 0)
		for (unsigned int i = 0; i < RSS_KEY_LEN; i++)
			key[i] = symmetric[i % 2];
	else if (rss_key_parse(text, key) < 0)
		return vfp_err_set(err, -EINVAL,
			"key %.24s%s (%zu characters) is not allowed; allowed: default, symmetric, "
			"random, or %d hex digits",
			text, strlen(text) > 24 ? "…" : "", strlen(text), 2 * RSS_KEY_LEN);
	return 0;
}

bool
rss_key_is_symmetric(const uint8_t key[RSS_KEY_LEN])
{
	for (unsigned int i = 2; i < RSS_KEY_LEN; i++)
		if (key[i] != key[i - 2])
			return false;
	return true;
}

const char *
rss_key_kind(const uint8_t key[RSS_KEY_LEN])
{
	if (memcmp(key, rss_key_default, RSS_KEY_LEN) == 0)
		return "default";
	return rss_key_is_symmetric(key) ? "symmetric" : "given";
}

const char *
rss_key_text(const uint8_t key[RSS_KEY_LEN], char buf[RSS_KEY_TEXT])
{
	for (unsigned int i = 0; i < RSS_KEY_LEN; i++)
		snprintf(buf + 2 * i, 3, "%02x", key[i]);
	return buf;
}

static const struct {
	const char *word;
	uint32_t field;
} words[] = {
	{"ipv4", RSS_F_IPV4},
	{"tcp4", RSS_F_TCP4},
	{"udp4", RSS_F_UDP4},
	{"ipv6", RSS_F_IPV6},
	{"tcp6", RSS_F_TCP6},
	{"udp6", RSS_F_UDP6},
};

int
rss_field_add(const char *word, uint32_t *fields)
{
	if (strcmp(word, "none") == 0)
		return 0;
	if (strcmp(word, "all") == 0) {
		*fields = RSS_F_ALL;
		return 0;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i].word) == 0) {
			*fields |= words[i].field;
			return 0;
		}
	return -EINVAL;
}

const char *
rss_fields_text(uint32_t fields, char buf[RSS_FIELDS_TEXT])
{
	int at = 0;

	snprintf(buf, RSS_FIELDS_TEXT, "none");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (fields & words[i].field)
			at += snprintf(buf + at, RSS_FIELDS_TEXT - at, "%s%s", at ? " " : "",
				words[i].word);
	return buf;
}

/* Numbers separated by `sep`, at most max of them. How many, or -EINVAL, -ERANGE. */
static int
numbers(const char *text, char sep, unsigned int limit, unsigned int *out, unsigned int max)
{
	unsigned int n = 0;

	for (;;) {
		char *end;
		unsigned long v;

		text += strspn(text, " ");
		if (*text < '0' || *text > '9')
			return -EINVAL;
		v = strtoul(text, &end, 10);
		if (n == max || v > limit)
			return -ERANGE;
		out[n++] = v;
		text = end + strspn(end, " ");
		if (*text == '\0')
			return n;
		if (*text++ != sep)
			return -EINVAL;
	}
}

/*
 * Each entry goes to the queue that is furthest behind its share, so that a queue's entries lie
 * scattered and every stretch of the table has about the right mix.
 */
static void
fill_weighted(const unsigned int *weights, unsigned int queues, uint8_t *reta, unsigned int size)
{
	long credit[MAX_QUEUES] = {0}, sum = 0;

	for (unsigned int q = 0; q < queues; q++)
		sum += weights[q];
	for (unsigned int i = 0; i < size; i++) {
		unsigned int best = 0;

		for (unsigned int q = 0; q < queues; q++) {
			credit[q] += weights[q];
			if (credit[q] > credit[best])
				best = q;
		}
		credit[best] -= sum;
		reta[i] = best;
	}
}

static int
parse_weighted(const char *text, unsigned int queues, uint8_t *reta, unsigned int size,
	struct vfp_err *err)
{
	unsigned int weights[MAX_QUEUES] = {0}, sum = 0;
	int n = numbers(text, ':', 1000, weights, MAX_QUEUES);

	for (int q = 0; q < n; q++)
		sum += weights[q];
	if (n == -EINVAL || sum == 0)
		return vfp_err_set(err, -EINVAL,
			"weighted %s: a share from 0 to 1000 for each queue is needed, not all 0, as in "
			"weighted 3:1",
			text);
	if (n < 0 || (unsigned int)n > queues)
		return vfp_err_set(err, -ERANGE,
			"weighted %s: shares up to 1000 for at most %u queues are allowed", text,
			queues);
	fill_weighted(weights, n, reta, size);
	return 0;
}

static int
parse_list(const char *text, unsigned int queues, uint8_t *reta, unsigned int size,
	struct vfp_err *err)
{
	unsigned int *list = calloc(size, sizeof(*list));
	int ret = list ? numbers(text, ',', UINT16_MAX, list, size) : -ENOMEM;

	if (ret == -EINVAL)
		vfp_err_set(err, ret, "list %.40s: queue numbers are needed, as in list 0,1,1,3",
			text);
	else if (ret == -ERANGE)
		vfp_err_set(err, ret, "list: the table has %u entries", size);
	else if (ret < 0)
		vfp_err_set(err, ret, "out of memory");
	for (int i = 0; i < ret; i++)
		if (list[i] >= queues)
			ret = vfp_err_set(err, -ERANGE,
				"list: entry %d names queue %u, but there %s %u (0 to %u)", i,
				list[i], queues == 1 ? "is only" : "are only", queues, queues - 1);
	for (unsigned int i = 0; ret > 0 && i < size; i++)
		reta[i] = list[i % ret];
	free(list);
	return ret < 0 ? ret : 0;
}

int
rss_reta_parse(const char *text, unsigned int queues, uint8_t *reta, unsigned int size,
	struct vfp_err *err)
{
	if (queues > MAX_QUEUES)
		queues = MAX_QUEUES;
	if (queues == 0)
		queues = 1;
	if (strcmp(text, "even") == 0) {
		for (unsigned int i = 0; i < size; i++)
			reta[i] = i % queues;
		return 0;
	}
	/* With a colon the word needs no quotes in a configuration. */
	if (strncmp(text, "weighted", 8) == 0 && (text[8] == ' ' || text[8] == ':'))
		return parse_weighted(text + 9, queues, reta, size, err);
	if (strncmp(text, "list", 4) == 0 && (text[4] == ' ' || text[4] == ':'))
		return parse_list(text + 5, queues, reta, size, err);
	return vfp_err_set(err, -EINVAL, "table %.40s is not allowed; allowed: " RSS_RETA_WORDS, text);
}

bool
rss_reta_wellformed(const char *text)
{
	uint8_t reta[RSS_TABLE_MAX];

	return rss_reta_parse(text, MAX_QUEUES, reta, RSS_TABLE_MAX, NULL) == 0;
}

int
rss_reta_pairs(
	const char *text, unsigned int queues, uint8_t reta[RSS_RETA_SIZE], struct vfp_err *err)
{
	uint8_t next[RSS_RETA_SIZE];
	int n = 0;

	memcpy(next, reta, sizeof(next));
	for (const char *at = text;; at++) {
		unsigned int index, queue;
		int end = 0;

		if (sscanf(at, " ( %u , %u ) %n", &index, &queue, &end) != 2 || end == 0)
			return vfp_err_set(err, -EINVAL,
				"%.40s: pairs are needed, as in (0,1),(1,0)", text);
		if (index >= RSS_RETA_SIZE)
			return vfp_err_set(err, -ERANGE, "entry %u: the table has 0 to %d", index,
				RSS_RETA_SIZE - 1);
		if (queue >= queues)
			return vfp_err_set(err, -ERANGE,
				"entry %u: there is no queue %u; the PF has %u (0 to %u)", index,
				queue, queues, queues - 1);
		next[index] = queue;
		n++;
		at += end;
		if (*at == '\0')
			break;
		if (*at != ',')
			return vfp_err_set(err, -EINVAL, "%.40s: pairs are separated by commas",
				text);
	}
	memcpy(reta, next, sizeof(next));
	return n;
}

void
rss_reta_shares(const uint8_t *reta, unsigned int size, unsigned int pool_queues,
	unsigned int *entries)
{
	for (unsigned int q = 0; q < pool_queues; q++)
		entries[q] = 0;
	for (unsigned int i = 0; i < size; i++)
		entries[pool_queues > 1 ? reta[i] & (pool_queues - 1) : 0]++;
}
