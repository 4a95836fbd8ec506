/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vfp_parse.h>

#include "vf_change.h"

struct port *
cli_port(const char *word, struct vfp_err *err)
{
	struct app *app = cli_app();
	struct port *p = app_port(app, word);
	uint16_t id;

	if (!p && vfp_parse_u16(word, "port", 0, UINT16_MAX, &id, NULL) == 0)
		p = app_port_by_id(app, id);
	if (!p)
		vfp_err_set(err, -ENOENT, "there is no port %s; show ports lists them", word);
	return p;
}

struct pf_dev *
cli_pf(const char *word, struct vfp_err *err)
{
	struct app *app = cli_app();
	struct port *p = cli_port(word, err);
	struct pf_dev *pf = p ? app_pf_of(app, p) : NULL;

	if (!p)
		return NULL;
	if (p->role == PORT_PF && pf && pf->pf && !p->removed)
		return pf;
	if (pf && pf->port)
		vfp_err_set(err, -EINVAL, "port %s is %s: name its PF, which is port %u (%s)", word,
			p->name, pf->port->port_id, pf->port->name);
	else
		vfp_err_set(err, -EINVAL, "port %s is %s, which has no PF that vfplane owns", word,
			p->name);
	return NULL;
}

int
cli_vf(const struct pf_dev *pf, const char *word, uint16_t *vf, struct vfp_err *err)
{
	const char *digits = strncmp(word, "vf", 2) == 0 ? word + 2 : word;

	if (vfp_parse_u16(digits, "VF", 0, SRIOV_MAX_VFS, vf, NULL) < 0 || *vf >= pf->n_vfs)
		return vfp_err_set(err, -EINVAL, "there is no VF %s: pf%u has %u, from 0", word,
			pf->index, pf->n_vfs);
	return 0;
}

bool
cli_on(const char *word)
{
	return strcmp(word, "on") == 0;
}

/* What else in this process knows of it: the table of pools, and the VF's own port. */
static void
spread(struct app *app, const struct cli_change *c, struct port *own)
{
	const bool mac = memcmp(c->pf->conf.vf[c->vf].mac, c->policy->mac, 6) != 0;

	pthread_mutex_lock(&app->lock);
	c->pf->conf.vf[c->vf] = *c->policy;
	pthread_mutex_unlock(&app->lock);
	/* It learns its address from the answer to its reset. */
	if (mac && own)
		atomic_store(&own->reset_wanted, true);
}

void
cli_change(struct cmdline *cl, const struct cli_words *words, const char *pf_word,
	const char *vf_word, int (*edit)(struct cli_change *c, struct vfp_err *err))
{
	struct cli_change c = {.words = words};
	struct app *app = cli_app();
	struct sriov_vf_policy policy;
	struct vfp_err err = {0};
	char name[CFG_NAME];
	struct port *own;
	int ret = -EINVAL;

	c.pf = cli_pf(pf_word, &err);
	if (c.pf)
		ret = cli_vf(c.pf, vf_word, &c.vf, &err);
	if (ret == 0)
		ret = sriov_pf_policy(c.pf->pf, c.vf, &policy);
	if (ret < 0) {
		cmdline_printf(cl, "%s\n", err.text);
		return;
	}
	config_vf_name(&app->cfg, c.pf->index, c.vf, name);
	own = app_port(app, name);
	c.tenant = own == NULL;
	c.policy = &policy;
	ret = edit(&c, &err);
	if (ret == 0)
		ret = sriov_pf_set_policy(c.pf->pf, c.vf, &policy, &err);
	if (ret == 0)
		spread(app, &c, own);
	cmdline_printf(cl, "%s%s%s\n", ret == 0 ? name : "", ret == 0 ? ": " : "",
		ret == 0 ? c.said : err.text);
}
