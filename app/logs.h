/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_LOGS_H
#define VFPLANE_LOGS_H

/**
 * @file
 * DPDK's log, where a VF can write into it: a driver logs an error for each message that it cannot read
 * or answer, and a VF decides how many those are. So lines that begin alike are limited; what was left
 * out is counted, and told.
 */

#define LOGS_A_MINUTE 20 /**< lines that begin alike, up to their first colon */

/** Take DPDK's log over, to stderr and syslog as EAL does it. After rte_eal_init(). 0 or -errno. */
int logs_limit(void);

/** Tell what was left out, and give the log back. */
void logs_end(void);

#endif
