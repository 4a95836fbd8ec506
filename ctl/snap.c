/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts in memory and in files */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <bsd/string.h>
#include <vfp_out.h>

#include "snap.h"

int
snap_add(struct snap_dev *dev, const char *key, const char *value)
{
	struct snap_fact *more = realloc(dev->facts, (dev->n + 1) * sizeof(*more));
	struct snap_fact f;
	size_t at = dev->n;

	if (!more)
		return -ENOMEM;
	dev->facts = more;
	f.key = strdup(key);
	f.value = strdup(value);
	if (!f.key || !f.value) {
		free(f.key);
		free(f.value);
		return -ENOMEM;
	}
	for (; at > 0 && strcmp(more[at - 1].key, key) > 0; at--)
		more[at] = more[at - 1];
	more[at] = f;
	dev->n++;
	return 0;
}

struct snap_dev *
snap_dev(struct snap *s, const char *pci)
{
	struct snap_dev *more;

	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->devs[i].pci, pci) == 0)
			return &s->devs[i];
	more = realloc(s->devs, (s->n + 1) * sizeof(*more));
	if (!more)
		return NULL;
	s->devs = more;
	memset(&more[s->n], 0, sizeof(*more));
	strlcpy(more[s->n].pci, pci, sizeof(more[s->n].pci));
	return &more[s->n++];
}

const char *
snap_get(const struct snap_dev *dev, const char *key)
{
	for (size_t i = 0; dev && i < dev->n; i++)
		if (strcmp(dev->facts[i].key, key) == 0)
			return dev->facts[i].value;
	return NULL;
}

void
snap_free(struct snap *s)
{
	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; k < s->devs[i].n; k++) {
			free(s->devs[i].facts[k].key);
			free(s->devs[i].facts[k].value);
		}
		free(s->devs[i].facts);
	}
	free(s->devs);
	*s = (struct snap){0};
}

int
snap_write(const struct snap *s, FILE *to)
{
	struct vfp_out *o = vfp_out_new(VFP_JSON, to);

	vfp_out_str(o, "schema", SNAP_SCHEMA);
	vfp_out_list(o, "devices");
	for (size_t i = 0; i < s->n; i++) {
		vfp_out_open(o, NULL);
		vfp_out_str(o, "pci", s->devs[i].pci);
		vfp_out_open(o, "facts");
		for (size_t k = 0; k < s->devs[i].n; k++)
			vfp_out_str(o, s->devs[i].facts[k].key, s->devs[i].facts[k].value);
		vfp_out_close(o);
		vfp_out_close(o);
	}
	vfp_out_close(o);
	return vfp_out_end(o);
}

static int
read_device(struct snap *s, json_t *j)
{
	const char *pci = json_string_value(json_object_get(j, "pci")), *key;
	json_t *facts = json_object_get(j, "facts"), *value;
	struct snap_dev *dev;
	int ret = 0;

	if (!pci || !json_is_object(facts) || strlen(pci) >= sizeof(dev->pci))
		return -EINVAL;
	dev = snap_dev(s, pci);
	if (!dev)
		return -ENOMEM;
	if (dev->n > 0)
		return -EINVAL; /* the same device twice */
	json_object_foreach(facts, key, value) {
		if (ret == 0)
			ret = json_is_string(value)
				? snap_add(dev, key, json_string_value(value))
				: -EINVAL;
	}
	return ret;
}

int
snap_read(struct snap *s, const char *file, struct vfp_err *err)
{
	json_error_t why;
	json_t *j = json_load_file(file, JSON_REJECT_DUPLICATES, &why), *devices, *one;
	const char *schema = json_string_value(json_object_get(j, "schema"));
	int ret = 0;
	size_t i;

	if (!j)
		return vfp_err_set(err, -EINVAL, "%s:%d: %s", file, why.line, why.text);
	devices = json_object_get(j, "devices");
	if (!schema || strcmp(schema, SNAP_SCHEMA) != 0 || !json_is_array(devices))
		ret = -EINVAL;
	json_array_foreach(devices, i, one) {
		if (ret == 0)
			ret = read_device(s, one);
	}
	json_decref(j);
	if (ret < 0)
		return vfp_err_set(err, ret,
			"%s is no snapshot (%s); make one: vfctl snapshot > FILE", file,
			SNAP_SCHEMA);
	return 0;
}
