/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_BALANCE_H
#define VFPLANE_BALANCE_H

/**
 * @file
 * Carries out what rss_balance.h plans, ten times a second: on a port's software table, and on the
 * card's own, whose load per entry the samples of all VFs polled here add up to. Control thread.
 */

#include <rss_balance.h>

#include "vfplane.h"

enum balance_mode { BALANCE_OFF, BALANCE_DRY, BALANCE_ON };

/** How it stands, for show. */
struct balance_state {
	enum balance_mode mode;
	bool software;
	uint64_t samples, moves; /**< moves planned; carried out too unless dry */
	uint64_t refused; /**< plans that could not be carried out */
	struct rss_spread spread; /**< the load as it lies now */
	unsigned int queues;
};

/**
 * Switch it for a port: one with a software table, or a PF of ours.
 * @param shared_ok  the card's table may be changed though others poll VFs
 * @return 0; -ENOTSUP, -EPERM with a sentence
 */
int balance_set(struct app *app, struct port *p, enum balance_mode mode, bool shared_ok,
	struct vfp_err *err);

/** What the configuration switched on. After the plan of lcores is made. */
int balance_begin(struct app *app, struct vfp_err *err);

/** Often; does something every 100 ms while forwarding. Takes app.lock. */
void balance_tick(struct app *app);

/** -ENOENT when it was never switched on. */
int balance_read(struct app *app, const struct port *p, struct balance_state *s);

void balance_free(struct port *p);

#endif
