/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_RSS_H
#define VFPLANE_RSS_H

/**
 * @file
 * RSS of the ports: chosen before bring-up, written at each start, changed at the prompt. On an
 * 82599 key, fields and table are one set for the PF and all its VFs, so whatever changes them says
 * whom it touches and refuses where somebody else polls a VF, unless that is allowed. Control
 * thread.
 */

#include <rss_why.h>

#include "vfplane.h"

/** Choose each port's RSS from the configuration. Nothing is touched. -EINVAL with a sentence. */
int rss_plan(struct app *app, struct vfp_err *err);

/** Before a port's configure: the default for its queues where nothing was planned. */
void rss_settle(struct app *app, struct port *p);

/** Fill the software tables as the configuration says. After the plan of lcores is made. */
int rss_soft_tables(struct app *app, struct vfp_err *err);

/** After a PF's start: write its table, read all back. On the interrupt thread. */
int rss_write_table(struct port *p, struct vfp_err *err);

/** The setting that decides for a port: the PF's where it is ours, else its own. */
const struct rss_conf *rss_of(struct app *app, const struct port *p);

/** "pf0 and 3 VFs: vf0, vf1 (polled here), vf2 (a tenant's)". */
void rss_touched(struct app *app, const struct pf_dev *pf, char *text, size_t len);

/** May the PF's setting be changed? -EPERM with a sentence where a VF of others would be touched. */
int rss_may_change(struct app *app, const struct pf_dev *pf, bool shared_ok, struct vfp_err *err);

/** Write another table, at once. A port that is no PF of ours: -ENOTSUP with a sentence. */
int rss_set_table(struct app *app, struct port *p, const uint8_t reta[RSS_RETA_SIZE],
	bool shared_ok, struct vfp_err *err);

/**
 * Another key and other fields. DPDK's update takes the card out of its pools (64-pool mode) or
 * refuses (32-pool mode), so the PF is restarted with them, and its VFs with it.
 */
int rss_set_hash(struct app *app, struct port *p, const uint8_t key[RSS_KEY_LEN], uint32_t fields,
	bool shared_ok, struct vfp_err *err);

/** What is known of a port, for rss_why(). seen may be NULL; it is filled from the samples. */
void rss_facts_of(
	struct app *app, const struct port *p, struct rss_facts *f, struct rss_seen *seen);

/** Who works on a packet of a port with a software table: 0 and a sentence; -ENOENT without one. */
int rss_soft_worker(struct app *app, const struct port *p, uint32_t hash, char *text, size_t len);

/** How many queues RSS chooses from when a packet comes to this port. */
unsigned int rss_pool_queues(struct app *app, const struct port *p);

#endif
