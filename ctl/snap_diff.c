/* SPDX-License-Identifier: BSD-3-Clause */
/* Two snapshots, fact by fact. Pure. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "snap.h"

static char *
copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

int
snap_change(struct snap_changes *out, const struct snap_dev *dev, const char *what,
	const char *before, const char *after, const char *meaning)
{
	struct snap_change *more = realloc(out->list, (out->n + 1) * sizeof(*more)), *c;

	if (!more)
		return -ENOMEM;
	out->list = more;
	c = &more[out->n++];
	memset(c, 0, sizeof(*c));
	strlcpy(c->pci, dev->pci, sizeof(c->pci));
	strlcpy(c->meaning, meaning, sizeof(c->meaning));
	c->what = copy(what);
	c->before = copy(before);
	c->after = copy(after);
	return c->what && (c->before || !before) && (c->after || !after) ? 0 : -ENOMEM;
}

void
snap_changes_free(struct snap_changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->list[i].what);
		free(c->list[i].before);
		free(c->list[i].after);
	}
	free(c->list);
	*c = (struct snap_changes){0};
}

/* Is word one of the words of list? */
static bool
has_word(const char *list, const char *word, size_t len)
{
	for (const char *p = list; p; p = strchr(p, ' ')) {
		p += *p == ' ';
		if (strncmp(p, word, len) == 0 && (p[len] == ' ' || p[len] == '\0'))
			return true;
	}
	return false;
}

/* Entries that other facts tell more of; a star stands for any end. */
static bool
is_told(const char *entry)
{
	static const char *const told[] = {"driver", "iommu_group", "iommu", "msi_irqs", "net",
		"physfn", "vfio-dev", "sriov_*", "virtfn*"};

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (fnmatch(told[i], entry, 0) == 0)
			return true;
	return false;
}

/* The names that the one list has and the other has not. */
static int
diff_entries(const struct snap_dev *was, const struct snap_dev *is, bool came,
	struct snap_changes *out)
{
	const char *list = snap_get(came ? is : was, "entries");
	const char *other = snap_get(came ? was : is, "entries");
	char name[80], key[88], text[SNAP_TEXT];
	int ret = 0;

	while (ret == 0 && list && list[0]) {
		const size_t len = strcspn(list, " ");

		snprintf(name, sizeof(name), "%.*s", (int)len, list);
		if (!is_told(name) && !has_word(other, list, len)) {
			snprintf(key, sizeof(key), "entry.%s", name);
			ret = snap_change(out, is, name, came ? NULL : "there",
				came ? "there" : NULL,
				snap_explain(came ? NULL : was, came ? is : NULL, key, text));
		}
		list += len + (list[len] == ' ');
	}
	return ret;
}

/* State and MTU of an interface that came or went are part of its coming and going. */
static bool
is_detail(const char *key)
{
	const char *dot = strrchr(key, '.');

	return strncmp(key, "net.", 4) == 0 && dot &&
		(strcmp(dot, ".state") == 0 || strcmp(dot, ".mtu") == 0);
}

static int
diff_fact(const struct snap_dev *was, const struct snap_dev *is, const char *key,
	struct snap_changes *out)
{
	const char *before = snap_get(was, key), *after = snap_get(is, key);
	char text[SNAP_TEXT];
	int ret;

	if (before && after && strcmp(before, after) == 0)
		return 0;
	if (strcmp(key, "entries") == 0) {
		ret = diff_entries(was, is, false, out);
		return ret < 0 ? ret : diff_entries(was, is, true, out);
	}
	if (strcmp(key, "config") == 0 && before && after)
		return snap_diff_config(is, before, after, out);
	if (is_detail(key) && (!before || !after))
		return 0;
	return snap_change(out, is, key, before, after, snap_explain(was, is, key, text));
}

/* Both lists are sorted: one walk over both meets every key once. */
static int
diff_device(const struct snap_dev *was, const struct snap_dev *is, struct snap_changes *out)
{
	size_t b = 0, a = 0;
	int ret = 0;

	while (ret == 0 && (b < was->n || a < is->n)) {
		const char *left = b < was->n ? was->facts[b].key : NULL;
		const char *right = a < is->n ? is->facts[a].key : NULL;
		const int order = !left ? 1 : !right ? -1 : strcmp(left, right);

		ret = diff_fact(was, is, order <= 0 ? left : right, out);
		b += order <= 0;
		a += order >= 0;
	}
	return ret;
}

static const struct snap_dev *
find(const struct snap *s, const char *pci)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->devs[i].pci, pci) == 0)
			return &s->devs[i];
	return NULL;
}

int
snap_diff(const struct snap *before, const struct snap *after, struct snap_changes *out)
{
	char text[SNAP_TEXT];
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < before->n; i++) {
		const struct snap_dev *was = &before->devs[i], *is = find(after, was->pci);

		if (is)
			ret = diff_device(was, is, out);
		else
			ret = snap_change(out, was, "device", "there", NULL,
				snap_explain(was, NULL, "device", text));
	}
	for (size_t i = 0; ret == 0 && i < after->n; i++)
		if (!find(before, after->devs[i].pci))
			ret = snap_change(out, &after->devs[i], "device", NULL, "there",
				snap_explain(NULL, &after->devs[i], "device", text));
	return ret;
}
