/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_TELEMETRY_H
#define CTL_TELEMETRY_H

/**
 * @file
 * A client of DPDK's telemetry socket (version 2: one JSON object a packet). It belongs to the user
 * who runs vfplane: others are let in by that user, or not at all.
 */

#include <jansson.h>

#include <vfp_err.h>

struct tel;

/**
 * Connect to a running vfplane.
 *
 * @param socket its path, or NULL
 * @param prefix EAL's --file-prefix, or NULL: the only vfplane that runs
 * @return 0; -ENOENT nobody there, with who is; -EACCES, with what to do; -errno
 */
int tel_open(const char *socket, const char *prefix, struct tel **t, struct vfp_err *err);
void tel_close(struct tel *t);

/** Which it is: its path. */
const char *tel_path(const struct tel *t);

/**
 * Ask: "/vfplane/ports", arg NULL or "vf0".
 * @param answer the value under the command's name; json_decref() it
 * @return 0; -ENOENT it has no such thing; -EIO it went away; -EPROTO no JSON
 */
int tel_ask(
	struct tel *t, const char *command, const char *arg, json_t **answer, struct vfp_err *err);

#endif
