/* SPDX-License-Identifier: BSD-3-Clause */
/* rte_dev_event_callback_register() is marked so since 18.05, and unchanged. */
#define ALLOW_EXPERIMENTAL_API
#include <errno.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "pci.h"
#include "ports.h"
#include "removal.h"

/* Both callbacks run on the interrupt thread, where no port may be closed: they only tell. */
static void
on_device(const char *name, enum rte_dev_event_type event, void *arg)
{
	struct app *app = arg;

	for (uint16_t i = 0; event == RTE_DEV_EVENT_REMOVE && i < app->n_ports; i++)
		if (name && strcmp(app->ports[i].pci, name) == 0)
			atomic_store(&app->ports[i].gone, true);
}

static int
on_port(uint16_t port_id, enum rte_eth_event_type type, void *arg, void *ret_param)
{
	struct port *p = app_port_by_id(arg, port_id);

	(void)type;
	(void)ret_param;
	if (p)
		atomic_store(&p->gone, true);
	return 0;
}

int
removal_watch(struct app *app)
{
	/* VFIO's request interrupt arrives as a device event; some PMDs raise a port event. */
	int ret = rte_dev_event_callback_register(NULL, on_device, app);

	return ret < 0 ? ret
		       : rte_eth_dev_callback_register(
				 RTE_ETH_ALL, RTE_ETH_EVENT_INTR_RMV, on_port, app);
}

void
removal_unwatch(struct app *app)
{
	rte_dev_event_callback_unregister(NULL, on_device, app);
	rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_INTR_RMV, on_port, app);
}

void
removal_look(struct app *app)
{
	for (uint16_t i = 0; i < app->n_ports; i++) {
		struct port *p = &app->ports[i];
		unsigned long vendor = 0;

		if (!p->pci[0] || !p->probed || p->removed)
			continue;
		if (pci_read_number(p->pci, "vendor", &vendor) < 0 || vendor == 0xffff)
			atomic_store(&p->gone, true);
	}
}

static void
take_out(struct app *app, struct port *p)
{
	struct vfp_err err = {0};

	/* First of all: nobody reads its registers any more, they say nothing. */
	p->removed = true;
	if (app->dp && dp_port_pause(app->dp, p->port_id, true, &err) < 0)
		app_step(app, false, "%s: %s", p->name, err.text);
	port_detach(app, p);
	app_step(app, true, "%s: %s was pulled out; the other ports go on", p->name,
		p->pci[0] ? p->pci : "the device");
}

void
removal_serve(struct app *app)
{
	/* VFs before their PF, as at the end: they may still want something of it. */
	for (int role = PORT_VDEV; role >= PORT_PF; role--)
		for (uint16_t i = 0; i < app->n_ports; i++) {
			struct port *p = &app->ports[i];

			if ((int)p->role != role || p->removed || !p->probed ||
				!atomic_load(&p->gone))
				continue;
			pthread_mutex_lock(&app->lock);
			take_out(app, p);
			pthread_mutex_unlock(&app->lock);
		}
}
