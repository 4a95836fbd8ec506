/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HdrHistogram's V2 encoding (AbstractHistogram.encodeIntoByteBuffer() and ZigZagEncoding of
 * HdrHistogram 2.1): all big-endian, counts up to the last one that is not 0.
 *
 *   compressed: cookie, length, then deflate of
 *   plain:      cookie, length of the payload, normalizing offset, digits, lowest value, highest
 *               value, ratio (a double), payload
 *   payload:    a count, or minus the number of zeros in a row, zig-zag and LEB128, 9 bytes at most
 */
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lat_export.h"

#define COOKIE_PLAIN      0x1c849313u
#define COOKIE_COMPRESSED 0x1c849314u
#define DIGITS            3
#define LEB_MAX           9

struct plain_head {
	uint32_t cookie, length, offset, digits;
	uint64_t lowest, highest, ratio;
} __attribute__((packed));

struct compressed_head {
	uint32_t cookie, length;
} __attribute__((packed));

/* The ninth byte has eight bits of value. */
static uint8_t *
put_number(uint8_t *to, int64_t value)
{
	uint64_t z = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);

	for (int i = 0; i < LEB_MAX - 1; i++) {
		if (z < 0x80) {
			*to++ = (uint8_t)z;
			return to;
		}
		*to++ = (uint8_t)(z | 0x80);
		z >>= 7;
	}
	*to++ = (uint8_t)z;
	return to;
}

/* How many bytes it took; 0 when they end too early. */
static size_t
get_number(const uint8_t *from, size_t len, int64_t *value)
{
	uint64_t z = 0;

	for (size_t i = 0; i < len && i < LEB_MAX; i++) {
		const bool last = i == LEB_MAX - 1 || from[i] < 0x80;

		z |= (uint64_t)(i == LEB_MAX - 1 ? from[i] : from[i] & 0x7f) << (7 * i);
		if (last) {
			*value = (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
			return i + 1;
		}
	}
	return 0;
}

static uint32_t
buckets_used(const struct lat_hist *h)
{
	uint32_t n = LAT_HIST_BUCKETS;

	while (n > 0 && h->bucket[n - 1] == 0)
		n--;
	return n;
}

long
lat_pack(const struct lat_hist *h, uint8_t **bytes)
{
	const uint32_t n = buckets_used(h);
	uint8_t *to = malloc((size_t)n * LEB_MAX + 1);
	uint32_t i = 0;

	*bytes = to;
	if (to == NULL)
		return -ENOMEM;
	while (i < n) {
		int64_t zeros = 0;

		for (; h->bucket[i] == 0; i++)
			zeros++;
		if (zeros > 0)
			to = put_number(to, zeros == 1 ? 0 : -zeros);
		to = put_number(to, (int64_t)h->bucket[i++]);
	}
	return to - *bytes;
}

int
lat_unpack_add(struct lat_hist *h, const uint8_t *bytes, size_t len)
{
	uint64_t at = 0;

	while (len > 0) {
		int64_t value;
		const size_t took = get_number(bytes, len, &value);

		if (took == 0 || value < -(int64_t)LAT_HIST_BUCKETS)
			return -EINVAL;
		bytes += took;
		len -= took;
		if (value <= 0) {
			at += value == 0 ? 1 : (uint64_t)-value;
			continue;
		}
		if (at >= LAT_HIST_BUCKETS)
			return -EINVAL;
		h->bucket[at++] += (uint64_t)value;
	}
	return 0;
}

/* The plain form in one buffer. */
static long
plain_form(const struct lat_hist *ns, uint8_t **out)
{
	const double ratio = 1.0;
	uint8_t *payload;
	const long n = lat_pack(ns, &payload);
	struct plain_head head = {
		.cookie = htobe32(COOKIE_PLAIN),
		.length = htobe32((uint32_t)n),
		.digits = htobe32(DIGITS),
		.lowest = htobe64(1),
		.highest = htobe64(LAT_HIST_MAX),
	};
	uint64_t bits;

	*out = n < 0 ? NULL : malloc(sizeof(head) + (size_t)n);
	if (*out == NULL) {
		free(n < 0 ? NULL : payload);
		return -ENOMEM;
	}
	memcpy(&bits, &ratio, sizeof(bits));
	head.ratio = htobe64(bits);
	memcpy(*out, &head, sizeof(head));
	memcpy(*out + sizeof(head), payload, (size_t)n);
	free(payload);
	return (long)sizeof(head) + n;
}

char *
lat_to_text(const struct lat_hist *ns)
{
	uint8_t *plain, *packed = NULL;
	const long n = plain_form(ns, &plain);
	uLongf room = n < 0 ? 0 : compressBound((uLong)n);
	struct compressed_head head = {.cookie = htobe32(COOKIE_COMPRESSED)};
	size_t text_size = 4 * ((sizeof(head) + room + 2) / 3) + 1;
	char *text = NULL;

	if (n < 0)
		return NULL;
	packed = malloc(sizeof(head) + room);
	if (packed != NULL && compress(packed + sizeof(head), &room, plain, (uLong)n) == Z_OK)
		text = malloc(text_size);
	if (text != NULL) {
		head.length = htobe32((uint32_t)room);
		memcpy(packed, &head, sizeof(head));
		if (b64_ntop(packed, sizeof(head) + room, text, text_size) < 0) {
			free(text);
			text = NULL;
		}
	}
	free(packed);
	free(plain);
	return text;
}

/* Room for every count at its longest: more than that is no histogram of this layout. */
#define PLAIN_MAX (sizeof(struct plain_head) + (size_t)LAT_HIST_BUCKETS * LEB_MAX)

static int
add_plain(struct lat_hist *ns, const uint8_t *plain, size_t len)
{
	struct plain_head head;

	if (len < sizeof(head))
		return -EINVAL;
	memcpy(&head, plain, sizeof(head));
	if (be32toh(head.cookie) != COOKIE_PLAIN || be32toh(head.digits) != DIGITS ||
		head.offset != 0 || be64toh(head.lowest) != 1 ||
		be32toh(head.length) > len - sizeof(head))
		return -EINVAL;
	return lat_unpack_add(ns, plain + sizeof(head), be32toh(head.length));
}

int
lat_add_text(struct lat_hist *ns, const char *text)
{
	const size_t room = strlen(text) / 4 * 3 + 3;
	uint8_t *packed = malloc(room), *plain = malloc(PLAIN_MAX);
	struct compressed_head head;
	uLongf len = PLAIN_MAX;
	int n, ret = -ENOMEM;

	if (packed == NULL || plain == NULL)
		goto out;
	ret = -EINVAL;
	n = b64_pton(text, packed, room);
	if (n < (int)sizeof(head))
		goto out;
	memcpy(&head, packed, sizeof(head));
	if (be32toh(head.cookie) != COOKIE_COMPRESSED ||
		be32toh(head.length) > (size_t)n - sizeof(head) ||
		uncompress(plain, &len, packed + sizeof(head), be32toh(head.length)) != Z_OK)
		goto out;
	ret = add_plain(ns, plain, len);
out:
	free(packed);
	free(plain);
	return ret;
}
