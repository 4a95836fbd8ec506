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

/**
 * A getter. arg names one thing, where a getter knows some: a port, a VF, a rule; NULL means all.
 *
 * @return 0; -ENOENT there is no such thing; -EINVAL it wants a name
 */
typedef int view_get(const struct view *v, struct vfp_out *o, const char *arg);

view_get view_ports;	  /**< all in a table, or one with its queues */
view_get view_lcores;
view_get view_latency;	  /**< of rules */
view_get view_probes;	  /**< what became of the probes of sources; of one with its streams */
view_get view_config_fwd; /**< who polls what, and where it goes: the current plan */
view_get view_totals;
view_get view_vfs;	  /**< in a table */
view_get view_vf;	  /**< one VF: policy, mailbox, MAC, VLANs */
view_get view_rss;	  /**< ports in a table; of one key, fields, table, spread, and why it does not */
view_get view_bringup;
view_get view_layout;
view_get view_drift;	  /**< which events undid settings, and how long their return took */
view_get view_mailbox;	  /**< the whole mailbox log, folded as sriov_log.h says */

/** Which messages: of one VF (or -1), the last so many rows (0: all that are kept). */
struct mailbox_ask {
	int vf;
	uint32_t last;
};
void view_mailbox_of(const struct view *v, struct vfp_out *o, const struct mailbox_ask *ask);
/** Some records of one PF, folded, as rows of a list that is open. */
void view_records(const struct view *v, struct vfp_out *o, const struct pf_dev *pf,
	const struct sriov_record *r, unsigned int n);

/** "soft82599", "hardware", "vdev", "mixed" or "unknown". */
const char *view_source(const struct app *app);

/** NIC against workers, over all ports: how many packets nobody can account for. */
uint64_t view_unaccounted(const struct view *v);

/** Count from here on: port counters, or latency. */
int view_clear_stats(struct app *app);
int view_clear_latency(struct app *app);

#endif
