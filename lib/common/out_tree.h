/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef OUT_TREE_H
#define OUT_TREE_H

/* What the calls of vfp_out.h build, and both writers walk. Private to lib/common. */

#include <sys/queue.h>

#include "vfp_out.h"

enum node_type {
	NODE_OBJECT,
	NODE_LIST,
	NODE_U64,
	NODE_I64,
	NODE_DOUBLE,
	NODE_STR,
	NODE_BOOL,
	NODE_NULL,
	NODE_NOTE,
};

TAILQ_HEAD(node_list, node);

struct node {
	TAILQ_ENTRY(node) next;
	struct node *up;
	char *key; /* NULL in a list and for a note */
	enum node_type type;
	unsigned int unit;
	union {
		uint64_t u64;
		int64_t i64;
		double dbl;
		char *str;
		bool yes;
	};
	struct node_list below;
};

struct vfp_out {
	enum vfp_format format;
	FILE *to;
	int rc; /* the first error; from then on calls do nothing */
	struct node root;
	struct node *top; /* the innermost open object or list */
};

/* 0 or -ENOMEM; the caller looks at ferror(). */
int out_write_text(const struct node *root, FILE *to);

#endif
