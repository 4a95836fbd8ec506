/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_CONFIG_RSS_H
#define VFPLANE_CONFIG_RSS_H

/**
 * @file
 * The options of the section "rss": one word each into a struct cfg_rss. For config.c's schema.
 */

#include <vfp_err.h>

#include "config.h"

int store_rss_key(void *object, const char *word);
int store_rss_field(void *object, const char *word);
int store_rss_reta(void *object, const char *word);
int store_rss_table(void *object, const char *word);
int store_rss_balance(void *object, const char *word);
int store_rss_shared_ok(void *object, const char *word);

/** What the options say together, and with the rest of the configuration; a sentence in err. */
int config_rss_check(const struct config *c, const struct cfg_rss *r, struct vfp_err *err);

#endif
