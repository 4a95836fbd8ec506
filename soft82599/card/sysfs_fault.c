/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests: writes to sysfs that fail or hang. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs.h"

int
sysfs_fault_parse(const char *text, struct sysfs_fault *fault)
{
	static const struct {
		const char *name;
		int err;
	} names[] = {
		{ "hang", SYSFS_HANG }, { "EACCES", -EACCES }, { "EBUSY", -EBUSY },
		{ "EINVAL", -EINVAL }, { "EIO", -EIO }, { "ENODEV", -ENODEV },
		{ "ENOENT", -ENOENT }, { "ENOMEM", -ENOMEM }, { "EPERM", -EPERM },
	};
	char *end;

	if (*text < '1' || *text > '9')
		return -EINVAL;
	fault->from = fault->to = strtoul(text, &end, 10);
	if (*end == '+') {
		fault->to = UINT64_MAX;
		end++;
	}
	for (size_t i = 0; *end == ':' && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(end + 1, names[i].name) == 0) {
			fault->err = names[i].err;
			return 0;
		}
	}
	return -EINVAL;
}

int
sysfs_fault_next(struct sysfs *s)
{
	s->writes++;
	for (unsigned int i = 0; i < s->faults; i++) {
		if (s->writes >= s->fault[i].from && s->writes <= s->fault[i].to)
			return s->fault[i].err;
	}
	return 0;
}
