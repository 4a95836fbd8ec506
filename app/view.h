/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_VIEW_H
#define VFPLANE_VIEW_H

/**
 * @file
 * The one set of getters: what the CLI prints, the report holds and telemetry serves comes from
 * here. Each writes into a vfp_out, so text and JSON cannot differ. Callers hold app.lock.
 */

#include <vfp_out.h>

#include "vfplane.h"

/** What the numbers are counted from. */
enum view_since {
	VIEW_START, /**< since the ports came up: the report */
	VIEW_CLEAR, /**< since the last `clear` */
};

/** Everything that several getters need, read once. Take, use, free. */
struct view {
	struct app *app;
	struct dp_stats *st;
	enum view_since since;
	double seconds; /**< forwarded so far */
};

int view_take(struct app *app, enum view_since since, struct view *v);
void view_free(struct view *v);

void view_ports(const struct view *v, struct vfp_out *o);
/** One port with its queues. -ENOENT. */
int view_port(const struct view *v, struct vfp_out *o, const char *name);
void view_lcores(const struct view *v, struct vfp_out *o);
/** Latency of one rule, or of all with NULL. -ENOENT. */
int view_latency(const struct view *v, struct vfp_out *o, const char *rule);
/** What became of the probes of one source, with its streams, or of all with NULL. -ENOENT. */
int view_probes(const struct view *v, struct vfp_out *o, const char *rule);
/** Who polls what, and where it goes: the current plan. */
void view_config_fwd(const struct view *v, struct vfp_out *o);
void view_totals(const struct view *v, struct vfp_out *o);
void view_vfs(const struct view *v, struct vfp_out *o);
/** One VF: policy, mailbox, MAC, VLANs. -ENOENT. */
int view_vf(const struct view *v, struct vfp_out *o, const char *name);
/** RSS of one port: key, fields, table, spread, and why it does not spread. -ENOENT. */
int view_rss(const struct view *v, struct vfp_out *o, const char *name);
/** All ports in a table, a line each. */
void view_rss_all(const struct view *v, struct vfp_out *o);
void view_bringup(const struct view *v, struct vfp_out *o);
void view_layout(const struct view *v, struct vfp_out *o);
/** Which messages: of one VF (or -1), the last so many rows (0: all that are kept). */
struct mailbox_ask {
	int vf;
	uint32_t last;
};
/** The mailbox log, folded as sriov_log.h says; ask may be NULL for all. */
void view_mailbox(const struct view *v, struct vfp_out *o, const struct mailbox_ask *ask);
/** Some records of one PF, folded, as rows of a list that is open. */
void view_records(const struct view *v, struct vfp_out *o, const struct pf_dev *pf,
	const struct sriov_record *r, unsigned int n);
/** Which events undid settings, and how long their return took. */
void view_drift(const struct view *v, struct vfp_out *o);

/** "soft82599", "hardware", "vdev", "mixed" or "unknown". */
const char *view_source(const struct app *app);

/** NIC against workers, over all ports: how many packets nobody can account for. */
uint64_t view_unaccounted(const struct view *v);

/** Count from here on: port counters, or latency. */
int view_clear_stats(struct app *app);
int view_clear_latency(struct app *app);

#endif
