/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <sriov_learn.h>
#include <sriov_log.h>

#include "mailbox.h"
#include "view.h"

#define BATCH SRIOV_LOG_SIZE


static struct {
	FILE *file;
	int follow; /* a VF, or one of these */
	uint64_t after[CFG_MAX_PF];
	struct sriov_learn learn[CFG_MAX_PF][SRIOV_MAX_VFS];
} box = {.follow = MAILBOX_FOLLOW_NONE};

/* What came since the last look, as a table. */
static void
tell_followed(struct app *app, const struct pf_dev *pf, struct sriov_record *r, unsigned int n)
{
	const struct view v = {.app = app};
	struct vfp_out *o;
	unsigned int kept = 0;

	for (unsigned int i = 0; i < n; i++)
		if (box.follow == MAILBOX_FOLLOW_ALL || r[i].vf == box.follow)
			r[kept++] = r[i];
	if (kept == 0)
		return;
	o = vfp_out_new(VFP_TEXT, app->say);
	vfp_out_list(o, "mailbox");
	view_records(&v, o, pf, r, kept);
	vfp_out_close(o);
	vfp_out_end(o);
	fflush(app->say);
}

static void
drain_pf(struct app *app, uint16_t i)
{
	static struct sriov_record r[BATCH]; /* the control thread's */
	struct sriov_pf *pf = app->pf[i].pf;
	uint64_t lost = 0;
	unsigned int n;

	do {
		n = sriov_log_read(sriov_pf_log(pf), &box.after[i], r, BATCH, &lost);
		for (unsigned int k = 0; k < n; k++) {
			struct sriov_vf_policy p;
			struct sriov_msg m;

			sriov_mbox_decode(r[k].words, &m);
			if (sriov_pf_policy(pf, r[k].vf, &p) == 0)
				sriov_learn_add(&box.learn[i][r[k].vf], &p, &m, r[k].at_us);
			if (box.file)
				sriov_log_write(box.file, &r[k]);
		}
		if (box.follow != MAILBOX_FOLLOW_NONE)
			tell_followed(app, &app->pf[i], r, n);
	} while (n == BATCH);
	if (box.file && lost)
		fprintf(box.file, "{\"lost\":%" PRIu64 "}\n", lost);
	if (box.file)
		fflush(box.file);
}

void
mailbox_drain(struct app *app)
{
	for (uint16_t i = 0; i < app->n_pfs; i++)
		if (app->pf[i].pf)
			drain_pf(app, i);
}

int
mailbox_record(struct app *app, const char *path, struct vfp_err *err)
{
	FILE *f = NULL;

	mailbox_drain(app);
	if (path) {
		f = fopen(path, "we");
		if (!f)
			return vfp_err_set(err, -errno, "%s: %s", path, strerror(errno));
	}
	if (box.file)
		fclose(box.file);
	box.file = f;
	/* What is still in the log belongs to the recording: it holds how the VFs came up. */
	if (f) {
		memset(box.after, 0, sizeof(box.after));
		memset(box.learn, 0, sizeof(box.learn));
		mailbox_drain(app);
	}
	return 0;
}

void
mailbox_follow(struct app *app, int vf)
{
	mailbox_drain(app);
	box.follow = vf;
}

int
mailbox_learned(struct app *app, uint16_t vf, FILE *to)
{
	struct sriov_vf_policy p;
	char name[CFG_NAME];

	mailbox_drain(app);
	if (app->n_pfs == 0 || !app->pf[0].pf || sriov_pf_policy(app->pf[0].pf, vf, &p) < 0)
		return -ENOENT;
	config_vf_name(&app->cfg, app->pf[0].index, vf, name);
	sriov_learn_print(&box.learn[0][vf], &p, name, to);
	return 0;
}
