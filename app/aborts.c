/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdatomic.h>

#include <linux/pci_regs.h>

#include "aborts.h"
#include "pci.h"

static bool
is_ours(struct app *app, const struct pf_dev *pf, uint16_t vf)
{
	char name[CFG_NAME];

	config_vf_name(&app->cfg, pf->index, vf, name);
	return app_port(app, name) != NULL;
}

/* Where the kernel lets nobody clear the mark, it tells of one abort until the VF's next FLR. */
static void
clear(const char *bdf, struct vf_mark *mark)
{
	uint16_t status;

	pci_status_clear(bdf, PCI_STATUS_REC_MASTER_ABORT);
	mark->old = pci_status(bdf, &status) == 0 && status & PCI_STATUS_REC_MASTER_ABORT;
}

static void
look(struct app *app, struct pf_dev *pf, uint16_t vf)
{
	const bool first = !atomic_load(&pf->mark[vf].known);
	struct vf_mark *mark = &pf->mark[vf];
	uint16_t status;
	int ret = pci_status(pf->vf_bdf[vf], &status);

	atomic_store(&mark->known, ret == 0);
	if (ret < 0)
		return;
	if (!(status & PCI_STATUS_REC_MASTER_ABORT)) {
		mark->old = false;
		return;
	}
	if (!first && !mark->old)
		sriov_pf_dma_abort(pf->pf, vf, !is_ours(app, pf, vf));
	clear(pf->vf_bdf[vf], mark);
}

void
aborts_look(struct app *app)
{
	for (uint16_t i = 0; i < app->n_pfs; i++)
		for (uint16_t vf = 0; app->pf[i].pf && vf < app->pf[i].n_vfs; vf++)
			look(app, &app->pf[i], vf);
}
