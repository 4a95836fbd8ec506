/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_TOKEN_H
#define VFPLANE_TOKEN_H

/**
 * @file
 * The VF token: a UUID that whoever opens a VF of a PF on vfio-pci must know.
 */

#include <vfp_err.h>

#define TOKEN_LEN 37 /**< a UUID and its NUL */

/**
 * Read the token of a PF from /run/vfplane/<PF-BDF>.token, or make it there, mode 0600.
 * @return 0; -EACCES and the like when it cannot be kept there (token is a fresh one all the same,
 *         good for this run); -EINVAL when the file is there and not to be trusted (no token).
 */
int token_get(const char *bdf, char token[TOKEN_LEN], struct vfp_err *err);

/** Read it only. 0; -ENOENT when nobody made one; -EACCES and the like; -EINVAL as above. */
int token_read(const char *bdf, char token[TOKEN_LEN], struct vfp_err *err);

#endif
