/* SPDX-License-Identifier: BSD-3-Clause */
/* Which devices there will be. No EAL: all of it is known from -a, the configuration and sysfs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include <vfp_parse.h>

#include "bringup.h"
#include "pci.h"

struct port *
app_port(struct app *app, const char *name)
{
	for (uint16_t i = 0; i < app->n_ports; i++)
		if (strcmp(app->ports[i].name, name) == 0)
			return &app->ports[i];
	return NULL;
}

struct port *
app_port_by_id(struct app *app, uint16_t port_id)
{
	for (uint16_t i = 0; i < app->n_ports; i++)
		if (app->ports[i].probed && app->ports[i].port_id == port_id)
			return &app->ports[i];
	return NULL;
}

struct pf_dev *
app_pf_of(struct app *app, const struct port *port)
{
	for (uint16_t i = 0; port->role != PORT_VDEV && i < app->n_pfs; i++)
		if (app->pf[i].index == port->pf)
			return &app->pf[i];
	return NULL;
}

static const struct args_allow *
allowed(const struct app *app, const char *bdf)
{
	for (uint16_t i = 0; i < app->args.n_allow; i++)
		if (strcmp(app->args.allow[i].bdf, bdf) == 0)
			return &app->args.allow[i];
	return NULL;
}

static struct port *
add_port(struct app *app, enum port_role role, const char *bdf, struct vfp_err *err)
{
	const struct args_allow *a = allowed(app, bdf);
	struct port *p = &app->ports[app->n_ports];

	/* Debian builds DPDK with room for 32 ports in a process. */
	if (app->n_ports == APP_MAX_PORTS || app->n_ports == RTE_MAX_ETHPORTS) {
		vfp_err_set(err, -E2BIG,
			"more than %d ports in one process; give the other VFs to "
			"tenants (owner = tenant)",
			RTE_MIN(APP_MAX_PORTS, RTE_MAX_ETHPORTS));
		return NULL;
	}
	memset(p, 0, sizeof(*p));
	p->role = role;
	strlcpy(p->pci, bdf, sizeof(p->pci));
	if (a)
		strlcpy(p->devargs, a->devargs, sizeof(p->devargs));
	app->n_ports++;
	return p;
}

static void
fill_policy(struct app *app, struct pf_dev *pf, uint16_t v)
{
	const struct cfg_vf_sec *sec = config_vf(&app->cfg, pf->index, v);
	struct sriov_vf_policy *p = &pf->conf.vf[v];

	sriov_policy_default(p);
	if (sec)
		*p = sec->policy;
	sriov_policy_default_mac(pf->index, v, p->mac);
	if (!sec)
		return;
	if (sec->has_mac)
		memcpy(p->mac, sec->mac, sizeof(p->mac));
	for (uint32_t i = 0; i < sec->n_vlans && i < SRIOV_POLICY_VLANS; i++)
		p->vlans[p->n_vlans++] = sec->vlans[i];
}

/* Configured addresses differ, but one of them may be what another VF has by default. */
static int
check_macs(const struct pf_dev *pf, struct vfp_err *err)
{
	char mac[VFP_MAC_TEXT];

	for (uint16_t v = 1; v < pf->n_vfs; v++)
		for (uint16_t u = 0; u < v; u++)
			if (memcmp(pf->conf.vf[u].mac, pf->conf.vf[v].mac, 6) == 0)
				return vfp_err_set(err, -EINVAL,
					"pf%u: VF %u and VF %u both have %s: give each its own mac",
					pf->index, u, v, vfp_mac_text(pf->conf.vf[v].mac, mac));
	return 0;
}

/* A PF that vfplane owns: its layout, its policy, and the names of its VFs. */
static int
add_pf(struct app *app, uint32_t index, const char *bdf, uint32_t queues, struct vfp_err *err)
{
	struct pf_dev *pf = &app->pf[app->n_pfs];
	struct sriov_want want;
	char other[16];
	unsigned int n;
	int ret;

	if (!pci_exists(bdf))
		return vfp_err_set(err, -ENODEV, "pf%u: there is no PCI device %s", index, bdf);
	if (pci_pf_of(bdf, other, &n) == 0)
		return vfp_err_set(
			err, -EINVAL, "pf%u: %s is VF %u of %s, not a PF", index, bdf, n, other);
	pf->used = true;
	pf->index = index;
	strlcpy(pf->bdf, bdf, sizeof(pf->bdf));
	pf->n_vfs = pci_vf_count(bdf);
	config_want(&app->cfg, &(struct cfg_pf_sec){.index = index, .queues_per_pool = queues},
		pf->n_vfs, &want);
	ret = sriov_layout_solve(&want, &pf->layout, err);
	if (ret < 0)
		return vfp_err_prefix(err, ret, "pf%u", index);
	strlcpy(pf->conf.device, bdf, sizeof(pf->conf.device));
	pf->conf.layout = pf->layout;
	for (uint16_t v = 0; v < pf->n_vfs; v++) {
		pci_vf_of(bdf, v, pf->vf_bdf[v]);
		fill_policy(app, pf, v);
	}
	app->n_pfs++;
	return check_macs(pf, err);
}

static int
add_pfs(struct app *app, struct vfp_err *err)
{
	int ret = 0;

	for (uint32_t i = 0; ret == 0 && i < app->cfg.n_pf; i++)
		ret = add_pf(app, app->cfg.pf[i].index, app->cfg.pf[i].pci,
			app->cfg.pf[i].queues_per_pool, err);
	for (uint16_t i = 0; ret == 0 && i < app->args.n_allow; i++) {
		const char *bdf = app->args.allow[i].bdf;
		unsigned int n;
		char pf[16];
		bool known = false;

		for (uint16_t k = 0; k < app->n_pfs; k++)
			known |= strcmp(app->pf[k].bdf, bdf) == 0;
		if (known || pci_pf_of(bdf, pf, &n) == 0)
			continue;
		if (app->have_config)
			return vfp_err_set(err, -EINVAL,
				"-a %s contradicts %s: that device is in no pf "
				"section there; add pf %u { pci = %s } or leave -a out",
				bdf, app->cfg.file, app->cfg.n_pf, bdf);
		if (app->n_pfs == CFG_MAX_PF)
			return vfp_err_set(err, -E2BIG, "more than %d PFs", CFG_MAX_PF);
		ret = add_pf(app, app->n_pfs, bdf, 0, err);
	}
	return ret;
}

/* Is this VF polled here? By its section, by -a, or because nothing was said about any VF. */
static bool
is_polled(const struct app *app, const struct pf_dev *pf, uint16_t v)
{
	const struct cfg_vf_sec *sec = config_vf(&app->cfg, pf->index, v);

	if (sec)
		return sec->owner == CFG_OWNER_VFPLANE;
	if (allowed(app, pf->vf_bdf[v]))
		return true;
	return app->cfg.n_pf > 0 && app->cfg.n_vf == 0 && app->args.n_allow == 0;
}

static void
name_vf(struct app *app, struct port *p)
{
	if (app->n_pfs > 1 || app->cfg.n_pf > 1)
		snprintf(p->name, sizeof(p->name), "pf%uvf%u", p->pf, p->vf);
	else
		snprintf(p->name, sizeof(p->name), "vf%u", p->vf);
}

static int
add_own_vfs(struct app *app, struct pf_dev *pf, struct vfp_err *err)
{
	for (uint32_t i = 0; i < app->cfg.n_vf; i++)
		if (app->cfg.vf[i].pf == pf->index && app->cfg.vf[i].index >= pf->n_vfs)
			return vfp_err_set(err, -ENODEV,
				"%s:%d: vf %u: %s has %u VFs; make more: scripts/bind_vfio.sh pf "
				"%s --vfs %u, or take the section out",
				app->cfg.file, app->cfg.vf[i].line, app->cfg.vf[i].index, pf->bdf,
				pf->n_vfs, pf->bdf, config_vf_count(&app->cfg, pf->index));
	for (uint16_t v = 0; v < pf->n_vfs; v++) {
		const struct cfg_vf_sec *sec = config_vf(&app->cfg, pf->index, v);
		struct port *p;

		if (sec && sec->owner == CFG_OWNER_TENANT && allowed(app, pf->vf_bdf[v]))
			return vfp_err_set(err, -EINVAL,
				"-a %s contradicts %s:%d: vf %u belongs to a "
				"tenant",
				pf->vf_bdf[v], app->cfg.file, sec->line, v);
		if (!is_polled(app, pf, v))
			continue;
		p = add_port(app, PORT_VF, pf->vf_bdf[v], err);
		if (!p)
			return -E2BIG;
		p->pf = pf->index;
		p->vf = v;
		name_vf(app, p);
	}
	return 0;
}

/* VFs named by -a whose PF belongs to somebody else: plain VFs. */
static int
add_plain_vfs(struct app *app, struct vfp_err *err)
{
	char first[16] = "", pf[16];
	unsigned int n;

	for (uint16_t i = 0; i < app->args.n_allow; i++) {
		const char *bdf = app->args.allow[i].bdf;
		const struct cfg_vf_sec *sec;
		bool ours = false;
		struct port *p;

		if (pci_pf_of(bdf, pf, &n) < 0)
			continue;
		for (uint16_t k = 0; k < app->n_pfs; k++)
			ours |= strcmp(app->pf[k].bdf, pf) == 0;
		if (ours)
			continue;
		p = add_port(app, PORT_VF, bdf, err);
		if (!p)
			return -E2BIG;
		if (!first[0])
			strlcpy(first, pf, sizeof(first));
		/* Whoever owns it, it is no PF of ours: an index that no pf section can have. */
		p->pf = CFG_MAX_PF + (strcmp(first, pf) != 0);
		p->vf = n;
		if (app->n_pfs > 0 || strcmp(first, pf) != 0)
			strlcpy(p->name, bdf, sizeof(p->name));
		else
			snprintf(p->name, sizeof(p->name), "vf%u", n);
		sec = config_vf(&app->cfg, 0, n);
		if (sec && sec->owner == CFG_OWNER_TENANT)
			return vfp_err_set(err, -EINVAL,
				"-a %s contradicts %s:%d: vf %u belongs to a "
				"tenant",
				bdf, app->cfg.file, sec->line, n);
	}
	return 0;
}

static int
check_all_found(struct app *app, struct vfp_err *err)
{
	for (uint16_t i = 0; i < app->args.n_allow; i++)
		if (!pci_exists(app->args.allow[i].bdf))
			return vfp_err_set(err, -ENODEV, "-a %s: there is no such PCI device",
				app->args.allow[i].bdf);
	for (uint32_t i = 0; i < app->cfg.n_vf; i++) {
		const struct cfg_vf_sec *sec = &app->cfg.vf[i];

		if (sec->owner == CFG_OWNER_VFPLANE && !app_port(app, sec->name))
			return vfp_err_set(err, -ENODEV,
				"%s:%d: vf %u: no pf section and no -a names "
				"its device",
				app->cfg.file, sec->line, sec->index);
	}
	return 0;
}

int
devices_plan(struct app *app, struct vfp_err *err)
{
	int ret = add_pfs(app, err);

	for (uint16_t i = 0; ret == 0 && i < app->n_pfs; i++) {
		struct port *p = add_port(app, PORT_PF, app->pf[i].bdf, err);

		if (!p)
			return -E2BIG;
		p->pf = app->pf[i].index;
		snprintf(p->name, sizeof(p->name), "pf%u", p->pf);
	}
	for (uint16_t i = 0; ret == 0 && i < app->n_pfs; i++)
		ret = add_own_vfs(app, &app->pf[i], err);
	if (ret == 0)
		ret = add_plain_vfs(app, err);
	if (ret == 0)
		ret = check_all_found(app, err);
	return ret;
}

/* Drivers by which DPDK can have a device. */
static bool
is_ours(const char *driver)
{
	return strcmp(driver, "vfio-pci") == 0 || strcmp(driver, "igb_uio") == 0 ||
		strcmp(driver, "uio_pci_generic") == 0;
}

/* Which port is held by another driver; NULL if none is. */
static const struct port *
foreign_port(const struct app *app, char driver[64])
{
	for (uint16_t i = 0; i < app->n_ports; i++) {
		if (app->ports[i].role == PORT_VDEV)
			continue;
		pci_driver(app->ports[i].pci, driver, 64);
		if (!is_ours(driver))
			return &app->ports[i];
	}
	return NULL;
}

/* What to type: the PF and its VFs go together, VFs of somebody else's PF one by one. */
static void
bind_command(struct app *app, const struct port *p, char *text, size_t len)
{
	const struct pf_dev *pf = app_pf_of(app, p);
	char driver[64];

	if (pf && pf->n_vfs > 0) {
		snprintf(text, len, "scripts/bind_vfio.sh pf %s --vfs %u", pf->bdf, pf->n_vfs);
		return;
	}
	strlcpy(text, "scripts/bind_vfio.sh", len);
	for (uint16_t i = 0; i < app->n_ports; i++) {
		const struct port *other = &app->ports[i];

		if (other->role == PORT_VDEV || app_pf_of(app, other) != pf)
			continue;
		pci_driver(other->pci, driver, sizeof(driver));
		if (is_ours(driver))
			continue;
		strlcat(text, " ", len);
		strlcat(text, other->pci, len);
	}
}

int
devices_check_drivers(struct app *app, struct vfp_err *err)
{
	char driver[64], command[256];
	const struct port *p = foreign_port(app, driver);

	if (!p)
		return 0;
	bind_command(app, p, command, sizeof(command));
	return vfp_err_set(err, -ENODEV, "%s: %s is on %s%s, not on vfio-pci; type: %s", p->name, p->pci,
		driver[0] ? "driver " : "no driver", driver, command);
}
