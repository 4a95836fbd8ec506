/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "out_tree.h"

static struct node *
node_new(struct vfp_out *o, const char *key, enum node_type type, unsigned int unit)
{
	struct node *n;

	if (o == NULL || o->rc != 0)
		return NULL;
	n = calloc(1, sizeof(*n));
	if (n != NULL && key != NULL && o->top->type != NODE_LIST)
		n->key = strdup(key);
	if (n == NULL || (key != NULL && o->top->type != NODE_LIST && n->key == NULL)) {
		free(n);
		o->rc = -ENOMEM;
		return NULL;
	}
	n->type = type;
	n->unit = unit;
	n->up = o->top;
	TAILQ_INIT(&n->below);
	TAILQ_INSERT_TAIL(&o->top->below, n, next);
	return n;
}

static void
node_free(struct node *n)
{
	struct node *c;

	while ((c = TAILQ_FIRST(&n->below)) != NULL) {
		TAILQ_REMOVE(&n->below, c, next);
		node_free(c);
	}
	if (n->type == NODE_STR || n->type == NODE_NOTE)
		free(n->str);
	free(n->key);
	free(n);
}

struct vfp_out *
vfp_out_new(enum vfp_format format, FILE *to)
{
	struct vfp_out *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->format = format;
	o->to = to;
	o->root.type = NODE_OBJECT;
	TAILQ_INIT(&o->root.below);
	o->top = &o->root;
	return o;
}

enum vfp_format
vfp_out_format(const struct vfp_out *o)
{
	return o->format;
}

void
vfp_out_open(struct vfp_out *o, const char *key)
{
	struct node *n = node_new(o, key, NODE_OBJECT, 0);

	if (n != NULL)
		o->top = n;
}

void
vfp_out_list(struct vfp_out *o, const char *key)
{
	struct node *n = node_new(o, key, NODE_LIST, 0);

	if (n != NULL)
		o->top = n;
}

void
vfp_out_close(struct vfp_out *o)
{
	if (o == NULL || o->rc != 0)
		return;
	if (o->top == &o->root)
		o->rc = -EINVAL;
	else
		o->top = o->top->up;
}

void
vfp_out_u64(struct vfp_out *o, const char *key, uint64_t value, unsigned int unit)
{
	struct node *n = node_new(o, key, NODE_U64, unit);

	if (n != NULL)
		n->u64 = value;
}

void
vfp_out_i64(struct vfp_out *o, const char *key, int64_t value, unsigned int unit)
{
	struct node *n = node_new(o, key, NODE_I64, unit);

	if (n != NULL)
		n->i64 = value;
}

void
vfp_out_double(struct vfp_out *o, const char *key, double value, unsigned int unit)
{
	struct node *n = node_new(o, key, isfinite(value) ? NODE_DOUBLE : NODE_NULL, unit);

	if (n != NULL)
		n->dbl = value;
}

void
vfp_out_bool(struct vfp_out *o, const char *key, bool value)
{
	struct node *n = node_new(o, key, NODE_BOOL, 0);

	if (n != NULL)
		n->yes = value;
}

void
vfp_out_null(struct vfp_out *o, const char *key)
{
	node_new(o, key, NODE_NULL, 0);
}

void
vfp_out_str(struct vfp_out *o, const char *key, const char *value)
{
	struct node *n = node_new(o, key, value == NULL ? NODE_NULL : NODE_STR, 0);

	if (n == NULL || value == NULL)
		return;
	n->str = strdup(value);
	if (n->str == NULL)
		o->rc = -ENOMEM;
}

static void
put_format(struct vfp_out *o, struct node *n, const char *fmt, va_list ap)
{
	if (n != NULL && vasprintf(&n->str, fmt, ap) < 0) {
		n->str = NULL;
		o->rc = -ENOMEM;
	}
}

void
vfp_out_strf(struct vfp_out *o, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_format(o, node_new(o, key, NODE_STR, 0), fmt, ap);
	va_end(ap);
}

void
vfp_out_note(struct vfp_out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_format(o, node_new(o, NULL, NODE_NOTE, 0), fmt, ap);
	va_end(ap);
}

/* JSON integers are signed 64 bits in jansson: what lies above goes as a real, not as a negative. */
static json_t *
json_scalar(const struct node *n)
{
	switch (n->type) {
	case NODE_U64:
		return n->u64 <= INT64_MAX ? json_integer((json_int_t)n->u64)
					   : json_real((double)n->u64);
	case NODE_I64:
		return json_integer(n->i64);
	case NODE_DOUBLE:
		return json_real(n->dbl);
	case NODE_STR:
		return json_string(n->str);
	case NODE_BOOL:
		return json_boolean(n->yes);
	default:
		return json_null();
	}
}

static json_t *
json_tree(const struct node *n)
{
	const struct node *c;
	json_t *j;

	if (n->type != NODE_OBJECT && n->type != NODE_LIST)
		return json_scalar(n);
	j = n->type == NODE_OBJECT ? json_object() : json_array();
	TAILQ_FOREACH(c, &n->below, next) {
		int rc;

		if (c->type == NODE_NOTE)
			continue;
		if (n->type == NODE_OBJECT)
			rc = c->key == NULL ? -1 : json_object_set_new(j, c->key, json_tree(c));
		else
			rc = json_array_append_new(j, json_tree(c));
		if (rc != 0) {
			json_decref(j);
			return NULL;
		}
	}
	return j;
}

static int
write_json(struct vfp_out *o)
{
	json_t *j = json_tree(&o->root);
	int rc = 0;

	if (j == NULL)
		return -EINVAL;
	if (json_dumpf(j, o->to, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) != 0 ||
		fputc('\n', o->to) == EOF)
		rc = -EIO;
	json_decref(j);
	return rc;
}

int
vfp_out_end(struct vfp_out *o)
{
	struct node *c;
	int rc;

	if (o == NULL)
		return -ENOMEM;
	rc = o->rc;
	if (rc == 0 && o->top != &o->root)
		rc = -EINVAL;
	if (rc == 0)
		rc = o->format == VFP_JSON ? write_json(o) : out_write_text(&o->root, o->to);
	if (rc == 0 && (fflush(o->to) != 0 || ferror(o->to)))
		rc = -EIO;
	while ((c = TAILQ_FIRST(&o->root.below)) != NULL) {
		TAILQ_REMOVE(&o->root.below, c, next);
		node_free(c);
	}
	free(o);
	return rc;
}

