/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SRIOV_MBOX_H
#define SRIOV_MBOX_H

/**
 * @file
 * What a VF says to its PF: 16 words of 32 bits, decoded. Pure; any thread.
 *
 * The low 16 bits of word 0 are the message, bits 23:16 its argument, bits 31:29 the protocol's own
 * (ACK, NACK, clear to send). Source: the mailbox messages that Intel's public ixgbe drivers and
 * DPDK's PMD share.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SRIOV_MBOX_WORDS 16
#define SRIOV_MAX_MC     30 /**< multicast hashes that fit one message */

enum sriov_msg_type {
	SRIOV_EMPTY = 0x00, /**< what a PF reads around a function's reset */
	SRIOV_RESET = 0x01,
	SRIOV_SET_MAC = 0x02,
	SRIOV_SET_MULTICAST = 0x03,
	SRIOV_SET_VLAN = 0x04,
	SRIOV_SET_LPE = 0x05,
	SRIOV_SET_MACVLAN = 0x06,
	SRIOV_API_NEGOTIATE = 0x08,
	SRIOV_GET_QUEUES = 0x09,
	SRIOV_GET_RETA = 0x0a,
	SRIOV_GET_RSS_KEY = 0x0b,
	SRIOV_UPDATE_XCAST = 0x0c,
	SRIOV_IPSEC_ADD = 0x0d,
	SRIOV_IPSEC_DEL = 0x0e,
	SRIOV_GET_LINK_STATE = 0x10,
	SRIOV_PF_LINK_STATE = 0x11,
	SRIOV_FEATURES = 0x12,
};

enum sriov_xcast { SRIOV_XCAST_NONE, SRIOV_XCAST_MULTI, SRIOV_XCAST_ALLMULTI, SRIOV_XCAST_PROMISC };

struct sriov_msg {
	uint16_t type; /**< enum sriov_msg_type, or anything a VF may write */
	/**
	 * A reset that took place. The PMD resets only when the whole word is 1, and shows it to us
	 * after it wrote its reply; a word such as 0x00010001 has the same low 16 bits and is none.
	 */
	bool reset_done;
	uint8_t mac[6]; /**< SET_MAC, SET_MACVLAN */
	uint8_t index;  /**< SET_MACVLAN: 0 clears */
	uint16_t vid;   /**< SET_VLAN */
	bool add;       /**< SET_VLAN */
	uint32_t value; /**< SET_LPE: bytes; API_NEGOTIATE: version; UPDATE_XCAST: mode */
	uint8_t mc_asked; /**< SET_MULTICAST: how many hashes the message claims */
	uint8_t n_mc;     /**< hashes that follow, at most SRIOV_MAX_MC */
	uint16_t mc[SRIOV_MAX_MC];	  /**< each 12 bits */
	uint32_t words[SRIOV_MBOX_WORDS]; /**< as they were read */
};

/** Decode a message as the PF's callback sees it. Any 16 words are safe. */
void sriov_mbox_decode(const uint32_t words[SRIOV_MBOX_WORDS], struct sriov_msg *m);

/** "SET_VLAN", or "unknown" for what no API knows. Static. */
const char *sriov_mbox_name(uint16_t type);

/**
 * "SET_VLAN add 100": name and arguments for people; of an unknown message its first words.
 * Returns buf.
 */
const char *sriov_mbox_text(const struct sriov_msg *m, char *buf, size_t len);

/** "1.3" for the number that API_NEGOTIATE carries; "?" for an unknown one. */
const char *sriov_mbox_api(uint32_t version);

/** Which API is newer: 1.0 is 0, 1.1 is 1 and so on; -1 for 2.0 and what is unknown. */
int sriov_mbox_api_rank(uint32_t version);

#endif
