/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "sriov_mbox.h"

#define WORD0_TYPE 0x0000ffffu
#define WORD0_ACK  0x80000000u
#define MC_HASH    0x0fff
#define VLAN_ID    0x0fff

static const struct {
	uint16_t type;
	const char *name;
} names[] = {
	{SRIOV_EMPTY, "EMPTY"},
	{SRIOV_RESET, "RESET"},
	{SRIOV_SET_MAC, "SET_MAC"},
	{SRIOV_SET_MULTICAST, "SET_MULTICAST"},
	{SRIOV_SET_VLAN, "SET_VLAN"},
	{SRIOV_SET_LPE, "SET_LPE"},
	{SRIOV_SET_MACVLAN, "SET_MACVLAN"},
	{SRIOV_API_NEGOTIATE, "API_NEGOTIATE"},
	{SRIOV_GET_QUEUES, "GET_QUEUES"},
	{SRIOV_GET_RETA, "GET_RETA"},
	{SRIOV_GET_RSS_KEY, "GET_RSS_KEY"},
	{SRIOV_UPDATE_XCAST, "UPDATE_XCAST"},
	{SRIOV_IPSEC_ADD, "IPSEC_ADD"},
	{SRIOV_IPSEC_DEL, "IPSEC_DEL"},
	{SRIOV_GET_LINK_STATE, "GET_LINK_STATE"},
	{SRIOV_PF_LINK_STATE, "PF_LINK_STATE"},
	{SRIOV_FEATURES, "FEATURES"},
};

const char *
sriov_mbox_name(uint16_t type)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type)
			return names[i].name;
	return "unknown";
}

/* Bytes and 16-bit hashes lie in the words as a little-endian host stores them. */
static uint8_t
byte_at(const uint32_t *words, size_t i)
{
	return words[i / 4] >> (8 * (i % 4));
}

void
sriov_mbox_decode(const uint32_t words[SRIOV_MBOX_WORDS], struct sriov_msg *m)
{
	uint8_t info = words[0] >> 16;

	memset(m, 0, sizeof(*m));
	memcpy(m->words, words, sizeof(m->words));
	m->type = words[0] & WORD0_TYPE;
	switch (m->type) {
	case SRIOV_RESET:
		m->reset_done = words[0] == (WORD0_ACK | SRIOV_RESET);
		break;
	case SRIOV_SET_MACVLAN:
	case SRIOV_SET_MAC:
		m->index = info;
		for (size_t i = 0; i < 6; i++)
			m->mac[i] = byte_at(words + 1, i);
		break;
	case SRIOV_SET_MULTICAST:
		m->mc_asked = info;
		m->n_mc = info > SRIOV_MAX_MC ? SRIOV_MAX_MC : info;
		for (size_t i = 0; i < m->n_mc; i++)
			m->mc[i] =
				(byte_at(words + 1, 2 * i) | byte_at(words + 1, 2 * i + 1) << 8) &
				MC_HASH;
		break;
	case SRIOV_SET_VLAN:
		m->add = info != 0;
		m->vid = words[1] & VLAN_ID;
		break;
	default:
		m->value = words[1];
		break;
	}
}

const char *
sriov_mbox_api(uint32_t version)
{
	static const char *const api[] = {
		"1.0", "2.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7"};

	return version < sizeof(api) / sizeof(api[0]) ? api[version] : "?";
}

int
sriov_mbox_api_rank(uint32_t version)
{
	if (version == 0)
		return 0;
	return version == 1 || version > 8 ? -1 : (int)version - 1;
}

static void
args_text(const struct sriov_msg *m, char *buf, size_t len)
{
	static const char *const xcast[] = {"none", "multi", "allmulti", "promisc"};

	buf[0] = '\0';
	switch (m->type) {
	case SRIOV_SET_MAC:
	case SRIOV_SET_MACVLAN:
		if (m->type == SRIOV_SET_MACVLAN && m->index == 0)
			snprintf(buf, len, " clear");
		else
			snprintf(buf, len, " %02x:%02x:%02x:%02x:%02x:%02x", m->mac[0], m->mac[1],
				m->mac[2], m->mac[3], m->mac[4], m->mac[5]);
		break;
	case SRIOV_SET_MULTICAST:
		snprintf(buf, len, " %u hashes", m->mc_asked);
		break;
	case SRIOV_SET_VLAN:
		snprintf(buf, len, " %s %u", m->add ? "add" : "remove", m->vid);
		break;
	case SRIOV_SET_LPE:
		snprintf(buf, len, " %u bytes", m->value);
		break;
	case SRIOV_API_NEGOTIATE:
		snprintf(buf, len, " %s", sriov_mbox_api(m->value));
		break;
	case SRIOV_UPDATE_XCAST:
		snprintf(buf, len, " %s", m->value < 4 ? xcast[m->value] : "?");
		break;
	case SRIOV_RESET:
		if (!m->reset_done)
			snprintf(buf, len, ", malformed (0x%08x)", m->words[0]);
		break;
	case SRIOV_IPSEC_ADD:
	case SRIOV_IPSEC_DEL:
		snprintf(buf, len, " 0x%08x 0x%08x", m->words[1], m->words[2]);
		break;
	case SRIOV_FEATURES:
		snprintf(buf, len, " 0x%08x", m->value);
		break;
	default:
		break;
	}
}

const char *
sriov_mbox_text(const struct sriov_msg *m, char *buf, size_t len)
{
	const char *name = sriov_mbox_name(m->type);
	char args[64];

	args_text(m, args, sizeof(args));
	if (strcmp(name, "unknown") == 0)
		snprintf(buf, len, "message 0x%x (0x%08x 0x%08x)", m->type, m->words[0],
			m->words[1]);
	else
		snprintf(buf, len, "%s%s", name, args);
	return buf;
}
