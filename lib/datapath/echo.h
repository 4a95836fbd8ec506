/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DP_ECHO_H
#define DP_ECHO_H

/*
 * Who answers: pure, one frame in, its answer out, in place. What it answers:
 *
 *   ARP request (RFC 826), not a probe for a free address unless the address is ours (RFC 5227)
 *   ICMP echo request (RFC 792), whole packets, to one of our addresses
 *   ICMPv6 echo request (RFC 4443 4.1) and neighbour solicitation (RFC 4861 7.2.3, 7.2.4)
 *
 * behind at most one VLAN tag, which the answer keeps. IP options are left as they are.
 */

#include <stdint.h>

#include "dp_plan.h"

struct dp_echo {
	uint8_t mac[6];
	uint16_t n; /* addresses; 0: every one is ours, but nobody's claim to one is contested */
	const struct dp_ip *addresses;
};

/*
 * @param frame len bytes without FCS, and place for `room` in all
 * @return the answer's length, or 0: none, and the frame is as it was
 */
uint16_t dp_echo_answer(const struct dp_echo *e, uint8_t *frame, uint16_t len, uint16_t room);

#endif
