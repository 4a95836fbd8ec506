/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_PORTS_H
#define VFPLANE_PORTS_H

/**
 * @file
 * One ethdev from probe to close, and its NIC counters. Control thread; what touches a PF goes to
 * the interrupt thread by itself (sriov_pf.h says why).
 */

#include "vfplane.h"

/** Probe the PCI device of a port and learn its ethdev id. 0, or -errno with a sentence. */
int port_probe(struct app *app, struct port *p, struct vfp_err *err);

/** Take over an ethdev that EAL probed itself (a vdev). */
void port_adopt(struct app *app, uint16_t port_id);

/** Choose queues and descriptors, then configure, set queues up and start. */
int port_up(struct app *app, struct port *p, struct vfp_err *err);

/** Close a port whose device is gone, and give the device back. It never fails, it logs. */
void port_detach(struct app *app, struct port *p);

/** Stop and close, whatever state it is in; it never fails, it logs. */
void port_down(struct app *app, struct port *p);

/**
 * Read the NIC's counters of all ports. A PF's own counters count its VFs too (all queues map to
 * one counter by default), so its pool's share is what remains after the VFs'; that is known only
 * while every VF is polled here: port_nic_known().
 */
void ports_read_nic(struct app *app);
bool port_nic_known(struct app *app, const struct port *p);
/** Does this NIC say how many packets it missed? VFs do not. */
bool port_tells_missed(const struct port *p);

/** Serve a reset that a VF's PMD asked for: take it out of polling, reset, bring it up again. */
int port_reset(struct app *app, struct port *p, struct vfp_err *err);

/**
 * Stop a port and start it again, as it was configured; its counters go on. After a start of a PF all
 * its VFs' settings are set again, and each VF is told to reset. -EALREADY with a sentence.
 */
int port_stop(struct app *app, struct port *p, struct vfp_err *err);
int port_start(struct app *app, struct port *p, struct vfp_err *err);

/**
 * Stop a PF, configure and start it again with what p->rss says now, set all that a start loses, and
 * reset the VFs that are polled here; those of others are told by their mailbox. Traffic of all of
 * them stops meanwhile.
 */
int port_restart_pf(struct app *app, struct pf_dev *pf, struct vfp_err *err);

/** How many packet buffers these ports need, for bring-up's check. */
uint16_t ports_burst(const struct app *app);
uint32_t ports_mbuf_cache(const struct app *app);
/** Bytes of a buffer, headroom included. */
uint16_t ports_mbuf_size(const struct app *app);
uint32_t ports_mbufs(const struct app *app);

/** Is it a PF whose queues follow from its VFs or its own pools? */
bool port_has_layout(struct app *app, const struct port *p);

/**
 * Let a VF hear these multicast groups, now and whenever it starts again: its reset makes the PF forget
 * them. That the PF refuses is told, and no error.
 */
void port_hear(struct app *app, struct port *p, const struct rte_ether_addr *groups, uint16_t n);

/** Queues a port should have, before anything is probed. */
void port_plan_queues(struct app *app, struct port *p);

#endif
