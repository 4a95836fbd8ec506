/* SPDX-License-Identifier: BSD-3-Clause */
/* vfctl snapshot: the facts of devices at one time; vfctl diff: what changed, and why */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <vfp_out.h>

#include "ctl.h"
#include "snap.h"

#define COLUMNS 78
#define INDENT	6

static int
write_to(const struct snap *s, const char *file)
{
	FILE *to = file ? fopen(file, "we") : stdout;
	int ret = to ? snap_write(s, to) : -errno;

	if (to && file && fclose(to) != 0 && ret == 0)
		ret = -errno;
	if (ret == 0)
		return VFP_EXIT_OK;
	fprintf(stderr, "vfctl snapshot: %s: %s\n", file ? file : "standard output",
		strerror(-ret));
	return VFP_EXIT_DEVICE;
}

int
cmd_snapshot(int argc, char **argv)
{
	static const struct option options[] = {{"output", required_argument, NULL, 'o'}, {0}};
	struct snap s = {0};
	struct vfp_err err = {0};
	const char *file = NULL;
	int c, status, ret = 0;

	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		if (c != 'o')
			return ctl_usage("snapshot", "see above");
		file = optarg;
	}
	if (optind == argc)
		ret = snap_take_all(&s, &err);
	for (int i = optind; ret == 0 && i < argc; i++)
		ret = snap_take(&s, argv[i], &err);
	status = ret < 0 ? ctl_usage("snapshot", "%s", err.text) : write_to(&s, file);
	snap_free(&s);
	return status;
}

/* A sentence over as many lines as it needs. */
static void
wrap(struct vfp_out *o, const char *text)
{
	while (*text) {
		size_t len = strlen(text), cut = COLUMNS - INDENT;

		if (len > cut) {
			while (cut > 0 && text[cut] != ' ')
				cut--;
			len = cut > 0 ? cut : COLUMNS - INDENT;
		}
		vfp_out_note(o, "%*s%.*s", INDENT, "", (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
}

static void
put_text(struct vfp_out *o, const struct snap_changes *all)
{
	const char *pci = "";

	for (size_t i = 0; i < all->n; i++) {
		const struct snap_change *c = &all->list[i];

		if (strcmp(pci, c->pci) != 0)
			vfp_out_note(o, "%s%s", i ? "\n" : "", c->pci);
		pci = c->pci;
		if (c->before || c->after)
			vfp_out_note(o, "  %s: %s -> %s", c->what, c->before ? c->before : "-",
				c->after ? c->after : "-");
		else
			vfp_out_note(o, "  %s", c->what);
		wrap(o, c->meaning);
	}
	if (all->n == 0)
		vfp_out_note(o, "no difference");
}

static void
put_json(struct vfp_out *o, const struct snap_changes *all)
{
	vfp_out_str(o, "schema", "vfctl.diff/1");
	vfp_out_list(o, "changes");
	for (size_t i = 0; i < all->n; i++) {
		const struct snap_change *c = &all->list[i];

		vfp_out_open(o, NULL);
		vfp_out_str(o, "pci", c->pci);
		vfp_out_str(o, "what", c->what);
		vfp_out_str(o, "before", c->before);
		vfp_out_str(o, "after", c->after);
		vfp_out_str(o, "meaning", c->meaning);
		vfp_out_close(o);
	}
	vfp_out_close(o);
}

static int
show(const struct snap_changes *all, bool json)
{
	struct vfp_out *o = vfp_out_new(json ? VFP_JSON : VFP_TEXT, stdout);

	if (json)
		put_json(o, all);
	else
		put_text(o, all);
	return vfp_out_end(o) < 0 ? VFP_EXIT_DEVICE : VFP_EXIT_OK;
}

int
cmd_diff(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
	struct snap before = {0}, after = {0};
	struct snap_changes all = {0};
	struct vfp_err err = {0};
	bool json = false;
	int c, ret, status;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'j')
			return ctl_usage("diff", "see above");
		json = true;
	}
	if (optind + 2 != argc)
		return ctl_usage("diff", "needs two files of vfctl snapshot: BEFORE AFTER");
	ret = snap_read(&before, argv[optind], &err);
	if (ret == 0)
		ret = snap_read(&after, argv[optind + 1], &err);
	if (ret == 0 && snap_diff(&before, &after, &all) < 0)
		ret = vfp_err_set(&err, -ENOMEM, "out of memory");
	status = ret < 0 ? ctl_usage("diff", "%s", err.text) : show(&all, json);
	snap_changes_free(&all);
	snap_free(&before);
	snap_free(&after);
	return status;
}
