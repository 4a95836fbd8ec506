/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_version.h>

#include "manifest.h"
#include "noise.h"
#include "report.h"
#include "series.h"

int
report_write(const struct view *v, const char *path, struct vfp_err *err)
{
	bool to_stdout = strcmp(path, "-") == 0;
	FILE *f = to_stdout ? stdout : fopen(path, "we");
	struct vfp_out *o;
	int ret;

	if (!f)
		return vfp_err_set(err, -errno, "%s: %s", path, strerror(errno));
	o = vfp_out_new(VFP_JSON, f);
	vfp_out_str(o, "schema", "vfplane.report/1");
	vfp_out_str(o, "source", view_source(v->app));
	vfp_out_str(o, "dpdk", rte_version());
	vfp_out_double(o, "duration_s", v->seconds, VFP_SECONDS);
	view_ports(v, o, NULL);
	view_lcores(v, o, NULL);
	view_latency(v, o, NULL);
	view_probes(v, o, NULL);
	view_totals(v, o, NULL);
	series_put(v->app, o);
	noise_put(v, o, NULL);
	manifest_put(v->app, o);
	ret = vfp_out_end(o);
	if (!to_stdout && fclose(f) != 0 && ret == 0)
		ret = -errno;
	if (ret < 0)
		return vfp_err_set(err, ret, "%s: %s", path, strerror(-ret));
	return 0;
}

void
report_tables(const struct view *v, FILE *to, bool final)
{
	struct vfp_out *o = vfp_out_new(VFP_TEXT, to);

	vfp_out_note(o, "%s after %.1f s, NIC: %s", final ? "totals" : "running", v->seconds,
		view_source(v->app));
	view_ports(v, o, NULL);
	view_lcores(v, o, NULL);
	view_latency(v, o, NULL);
	view_probes(v, o, NULL);
	view_totals(v, o, NULL);
	vfp_out_end(o);
	fflush(to);
}
