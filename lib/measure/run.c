/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "meas_manifest.h"
#include "run_priv.h"

#define RUN_FILE_MAX (64u << 20)

void
run_fact(struct meas_run *r, enum meas_role role, double tolerance, const char *key,
	const char *fmt, ...)
{
	struct meas_fact *f = &r->facts[r->n_facts];
	va_list ap;

	if (r->n_facts == MEAS_MAX_FACTS)
		return;
	strlcpy(f->key, key, sizeof(f->key));
	va_start(ap, fmt);
	vsnprintf(f->value, sizeof(f->value), fmt, ap);
	va_end(ap);
	f->role = role;
	f->tolerance = tolerance;
	r->n_facts += f->value[0] != '\0';
}

int
run_block(struct meas_run *r, const struct lat_hist *ns)
{
	struct meas_block b = {0}, *more;

	for (uint32_t i = 0; i < LAT_HIST_BUCKETS; i++)
		b.n += ns->bucket[i] != 0;
	if (b.n == 0)
		return 0;
	b.counts = malloc(b.n * sizeof(b.counts[0]));
	more = realloc(r->blocks, (r->n_blocks + 1) * sizeof(*more));
	if (more != NULL)
		r->blocks = more;
	if (b.counts == NULL || more == NULL) {
		free(b.counts);
		return -ENOMEM;
	}
	for (uint32_t i = 0, k = 0; i < LAT_HIST_BUCKETS; i++)
		if (ns->bucket[i] != 0)
			b.counts[k++] = (struct meas_count){i, ns->bucket[i]};
	r->blocks[r->n_blocks++] = b;
	return 0;
}

void
run_summarise(struct meas_run *r, const struct lat_hist *all)
{
	r->samples = lat_hist_count(all);
	r->min_ns = r->samples ? (double)lat_hist_min(all) : NAN;
	r->max_ns = r->samples ? (double)lat_hist_max(all) : NAN;
	r->mean_ns = lat_hist_mean(all);
	r->stddev_ns = lat_hist_stddev(all);
}

void
run_summarise_warm(struct meas_run *r, const struct lat_hist *warm)
{
	r->warm_samples = lat_hist_count(warm);
	r->warm_mean_ns = lat_hist_mean(warm);
	r->warm_max_ns = r->warm_samples ? (double)lat_hist_max(warm) : NAN;
}

int
meas_run_parse(const char *path, const char *text, const struct meas_choice *c, struct meas_run *r,
	struct vfp_err *err)
{
	const char *start = text + strspn(text, " \t\r\n");
	int ret;

	*r = (struct meas_run){.warm_mean_ns = NAN, .warm_max_ns = NAN};
	strlcpy(r->path, path, sizeof(r->path));
	if (*start == '{')
		ret = run_parse_report(text, c, r, err);
	else
		ret = run_parse_ping(text, c, r, err);
	if (ret < 0)
		meas_run_free(r);
	return ret < 0 ? vfp_err_prefix(err, ret, "%s", path) : 0;
}

int
meas_run_load(
	const char *path, const struct meas_choice *c, struct meas_run *r, struct vfp_err *err)
{
	char *text;
	int ret = meas_file_text(path, RUN_FILE_MAX, &text, err);

	if (ret < 0)
		return ret;
	ret = meas_run_parse(path, text, c, r, err);
	free(text);
	return ret;
}

void
meas_run_free(struct meas_run *r)
{
	for (uint32_t i = 0; i < r->n_blocks; i++)
		free(r->blocks[i].counts);
	free(r->blocks);
	r->blocks = NULL;
	r->n_blocks = 0;
}

const char *
meas_run_fact(const struct meas_run *r, const char *key)
{
	for (uint16_t i = 0; i < r->n_facts; i++)
		if (strcmp(r->facts[i].key, key) == 0)
			return r->facts[i].value;
	return NULL;
}

double
meas_run_loss(const struct meas_run *r)
{
	return r->loss_known && r->sent > 0 ? (double)r->lost / (double)r->sent : 0;
}
