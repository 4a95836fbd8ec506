/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RSS_WORDS_H
#define RSS_WORDS_H

/**
 * @file
 * RSS settings as people write them: keys, hash fields and tables; and back to text. Pure; any
 * thread. Functions that take err say in it what was wrong and what is allowed; the output is
 * untouched then.
 */

#include <vfp_err.h>

#include "rss_hash.h"

/**
 * A key by name or by value: default (Microsoft's), symmetric (both directions of a flow hash
 * alike: 6d5a repeated, after Woo and Park, "Scalable TCP Session Monitoring with Symmetric
 * Receive-side Scaling", 2012), random, or 80 hex digits.
 *
 * @param seed  what "random" is made of: the same seed gives the same key
 * @return 0 or -EINVAL
 */
int rss_key_named(
	const char *text, uint64_t seed, uint8_t key[RSS_KEY_LEN], struct vfp_err *err);

/** A key from a seed. */
void rss_key_random(uint64_t seed, uint8_t key[RSS_KEY_LEN]);

/** "default", "symmetric", or "given" for every other. */
const char *rss_key_kind(const uint8_t key[RSS_KEY_LEN]);

/** The same hash for both directions of every flow? */
bool rss_key_is_symmetric(const uint8_t key[RSS_KEY_LEN]);

#define RSS_KEY_TEXT (2 * RSS_KEY_LEN + 1)
/** 80 hex digits. @return buf */
const char *rss_key_text(const uint8_t key[RSS_KEY_LEN], char buf[RSS_KEY_TEXT]);

/** One word into the set: ipv4, tcp4, udp4, ipv6, tcp6, udp6, all or none. 0 or -EINVAL. */
int rss_field_add(const char *word, uint32_t *fields);
#define RSS_FIELD_WORDS "ipv4, tcp4, udp4, ipv6, tcp6, udp6; or all; or none"

#define RSS_FIELDS_TEXT 40
/** "ipv4 tcp4 …" or "none". @return buf */
const char *rss_fields_text(uint32_t fields, char buf[RSS_FIELDS_TEXT]);

/**
 * A table: "even"; "weighted:3:1", a share for each queue; "list:0,1,1,3", repeated to the end of
 * the table. A blank may stand for the first colon.
 *
 * @param queues  how many there are: an entry beyond is refused
 * @param size    entries, up to RSS_TABLE_MAX
 * @return 0, -EINVAL (not of that form), -ERANGE (a queue that does not exist, more entries than
 *         the table has)
 */
int rss_reta_parse(const char *text, unsigned int queues, uint8_t *reta, unsigned int size,
	struct vfp_err *err);
#define RSS_RETA_WORDS "even, weighted:3:1 (a share for each queue) or \"list:0,1,1,3\" (queues)"

#define RSS_TABLE_MAX 4096 /**< entries of a software table */

/** Is it of rss_reta_parse()'s form, whatever the number of queues will be? */
bool rss_reta_wellformed(const char *text);

/**
 * testpmd's pairs "(HASH_INDEX,QUEUE)[,(…)]" into a table that is changed at these entries only.
 * @return how many; -EINVAL, -ERANGE
 */
int rss_reta_pairs(const char *text, unsigned int queues, uint8_t reta[RSS_RETA_SIZE],
	struct vfp_err *err);

/** How many entries each of the first `queues` queues has, seen by a pool of pool_queues. */
void rss_reta_shares(const uint8_t *reta, unsigned int size, unsigned int pool_queues,
	unsigned int *entries);

#endif
