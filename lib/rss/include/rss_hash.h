/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RSS_HASH_H
#define RSS_HASH_H

/**
 * @file
 * Receive side scaling as an 82599 does it: which fields of a frame are hashed, the Toeplitz hash,
 * the redirection table, and the queue within a pool that comes out.
 *
 * Pure: no EAL, no allocation; any thread. Bytes of frames and keys are in wire order.
 *
 * Sources: Microsoft, "RSS hashing types" (the hash and its published test vectors); Intel 82599
 * datasheet sections 7.1.2.8 (RSS) and 7.10.3 (pools), as drivers quote them. Where only that much
 * is known, the reading is that of soft82599's INTERPRETATIONS.md (R1 to R4): any fragment hashes
 * over its addresses alone, since its ports are not in every piece; ports behind IPv6 extension
 * headers count, home-address and routing options do not.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RSS_KEY_LEN   40  /**< bytes */
#define RSS_RETA_SIZE 128 /**< entries of an 82599's table; a power of two */
#define RSS_INPUT_MAX 36  /**< bytes that are hashed at most: IPv6 addresses and ports */

/** Fields that MRQC enables, bits 16 and up there (RSS_MRQC_SHIFT). */
enum rss_field {
	RSS_F_TCP4 = 1 << 0,
	RSS_F_IPV4 = 1 << 1,
	RSS_F_IPV6 = 1 << 4,
	RSS_F_TCP6 = 1 << 5,
	RSS_F_UDP4 = 1 << 6,
	RSS_F_UDP6 = 1 << 7,
};
#define RSS_F_ALL      (RSS_F_TCP4 | RSS_F_IPV4 | RSS_F_IPV6 | RSS_F_TCP6 | RSS_F_UDP4 | RSS_F_UDP6)
#define RSS_MRQC_SHIFT 16

/** RSS type as the RX descriptor reports it. */
enum rss_type {
	RSS_T_NONE = 0,
	RSS_T_TCP4 = 1,
	RSS_T_IPV4 = 2,
	RSS_T_TCP6 = 3,
	RSS_T_IPV6 = 5,
	RSS_T_UDP4 = 7,
	RSS_T_UDP6 = 8,
};

/** Why a frame is hashed over less than its ports, or not at all. */
enum rss_note {
	RSS_N_FULL,	 /**< over addresses and ports */
	RSS_N_NO_PORTS,	 /**< neither TCP nor UDP, or cut short: addresses */
	RSS_N_FRAGMENT,	 /**< a piece of a datagram: addresses */
	RSS_N_PORTS_OFF, /**< TCP or UDP, whose own field is off: addresses */
	RSS_N_FIELD_OFF, /**< no field is on that covers it: not hashed */
	RSS_N_NOT_IP,	 /**< neither IPv4 nor IPv6, or broken: not hashed */
	RSS_NOTES
};

/** What one port's RSS is set to; on an 82599 the PF's holds for every VF too. */
struct rss_conf {
	uint8_t key[RSS_KEY_LEN];
	uint32_t fields; /**< enum rss_field */
	uint8_t reta[RSS_RETA_SIZE];
};

/** What of a frame is hashed. */
struct rss_tuple {
	enum rss_type type;
	enum rss_note note;
	uint8_t len; /**< 0 when type is RSS_T_NONE */
	uint8_t bytes[RSS_INPUT_MAX];
};

/** What the NIC will do with one frame. */
struct rss_verdict {
	enum rss_type type;
	enum rss_note note;
	uint32_t hash; /**< 0 when type is RSS_T_NONE */
	uint8_t index; /**< into the redirection table */
	uint8_t queue; /**< within the pool */
};

/** The key of Microsoft's test vectors, which also spreads well; vfplane's default. */
extern const uint8_t rss_key_default[RSS_KEY_LEN];

/**
 * The Toeplitz hash of len bytes, bit by bit: the reference that rss_oracle.h is tested against.
 * @param len  at most RSS_KEY_LEN - 4 (a longer input would run out of key)
 */
uint32_t rss_toeplitz(const uint8_t key[RSS_KEY_LEN], const uint8_t *data, size_t len);

/** 80 hex digits, ":" allowed between bytes, to a key. 0 or -EINVAL. */
int rss_key_parse(const char *text, uint8_t key[RSS_KEY_LEN]);

/** Default key, all fields, table filled round-robin over queues (as the PMD does at start). */
void rss_conf_default(struct rss_conf *conf, unsigned int queues);

/** Fill a table round-robin: entry i goes to queue i mod queues. queues 0 counts as 1. */
void rss_reta_fill(uint8_t reta[RSS_RETA_SIZE], unsigned int queues);

/**
 * What of an Ethernet frame is hashed with these fields on. One 802.1Q tag is looked behind;
 * anything that is not IP, is cut short, or has none of its fields enabled is RSS_T_NONE.
 */
void rss_tuple(uint32_t fields, const uint8_t *frame, size_t len, struct rss_tuple *t);

/** Hash one Ethernet frame, as rss_predict() does. */
enum rss_type rss_hash_frame(
	const struct rss_conf *conf, const uint8_t *frame, size_t len, uint32_t *hash);

/**
 * Predict where a frame goes within its pool: the reference, header by header and bit by bit, that
 * rss_oracle_predict() is tested against.
 *
 * @param pool_queues  queues the pool's owner enabled: 1, 2 or 4. A VF with fewer queues than the
 *                     layout gives uses fewer bits of the table's entry (VFPSRTYPE.RQPL).
 */
void rss_predict(const struct rss_conf *conf, unsigned int pool_queues, const uint8_t *frame,
	size_t len, struct rss_verdict *v);

/** "tcp4", "ipv6", "none", … */
const char *rss_type_name(enum rss_type type);
/** A few words: "a fragment: addresses only", … */
const char *rss_note_text(enum rss_note note);

#endif
