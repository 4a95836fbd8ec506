/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "out_tree.h"

#define TEXT_COLUMNS 80
#define TEXT_GAP 2
#define TEXT_CELL 128
#define TEXT_WRAP 24 /* a text is wrapped into no less */

/* A column of a table: a key that at least one row has as a plain value. */
struct column {
	const char *key;
	unsigned int unit;
	int width;
	bool left; /* text is aligned left, numbers right */
};

static bool
is_plain(const struct node *n)
{
	return n->type != NODE_OBJECT && n->type != NODE_LIST && n->type != NODE_NOTE;
}

static bool
is_hidden(const struct node *n)
{
	return (n->unit & VFP_DETAIL) != 0;
}

/* The key as a label: blanks for underscores, without the suffix that the value's unit says. */
static const char *
label(char buf[TEXT_CELL], const char *key, unsigned int unit)
{
	static const struct {
		unsigned int unit;
		const char *suffix;
	} said[] = {{VFP_NS, "_ns"}, {VFP_PPS, "_pps"}, {VFP_BPS, "_bps"}, {VFP_SECONDS, "_s"},
		{VFP_BYTES, "_bytes"}};
	size_t len;

	snprintf(buf, TEXT_CELL, "%s", key == NULL ? "" : key);
	len = strlen(buf);
	for (unsigned int i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		const size_t s = strlen(said[i].suffix);

		/* rx_bytes beside rx_packets would both be "rx": only time loses its suffix there. */
		if (said[i].unit == unit && (unit == VFP_NS || unit == VFP_SECONDS) && len > s &&
			strcmp(buf + len - s, said[i].suffix) == 0)
			buf[len - s] = '\0';
	}
	for (char *c = buf; *c != '\0'; c++)
		if (*c == '_')
			*c = ' ';
	return buf;
}

/* A value as text; returns the node's own string where there is one, so it is never cut. */
static const char *
cell(char buf[TEXT_CELL], const struct node *n)
{
	switch (n == NULL ? NODE_NULL : n->type) {
	case NODE_U64:
		if (n->unit == VFP_PLAIN)
			snprintf(buf, TEXT_CELL, "%" PRIu64, n->u64);
		else
			vfp_humanize(buf, TEXT_CELL, (double)n->u64, n->unit);
		return buf;
	case NODE_I64:
		if (n->unit == VFP_PLAIN)
			snprintf(buf, TEXT_CELL, "%" PRId64, n->i64);
		else
			vfp_humanize(buf, TEXT_CELL, (double)n->i64, n->unit);
		return buf;
	case NODE_DOUBLE:
		return vfp_humanize(buf, TEXT_CELL, n->dbl, n->unit);
	case NODE_BOOL:
		return n->yes ? "yes" : "no";
	case NODE_STR:
		return n->str;
	default:
		return "-";
	}
}

static const struct node *
find(const struct node *object, const char *key)
{
	const struct node *c;

	TAILQ_FOREACH(c, &object->below, next)
		if (c->key != NULL && strcmp(c->key, key) == 0)
			return c;
	return NULL;
}

/* How many columns a UTF-8 text takes, near enough: one for each byte that starts a character. */
static int
width_of(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void
pad(FILE *to, int n)
{
	fprintf(to, "%*s", n > 0 ? n : 0, "");
}

/* Where a text of more than `room` columns is broken: its last blank there, or the first behind. */
static const char *
break_of(const char *text, int room)
{
	const char *blank = NULL;

	for (int n = 0; *text != '\0' && (n <= room || blank == NULL); text++) {
		if (*text == ' ' && n > 0)
			blank = text;
		n += ((unsigned char)*text & 0xc0) != 0x80;
	}
	return blank;
}

/*
 * A text that may be long, which begins in column `at`: broken at blanks to stay within the columns,
 * further lines indented.
 */
static void
put_text(FILE *to, const char *text, int at, int indent)
{
	const char *end;

	while (TEXT_COLUMNS - at >= TEXT_WRAP && width_of(text) > TEXT_COLUMNS - at &&
		(end = break_of(text, TEXT_COLUMNS - at)) != NULL) {
		fprintf(to, "%.*s\n%*s", (int)(end - text), text, indent, "");
		text = end + 1;
		at = indent;
	}
	fputs(text, to);
}

/* A note may have lines of its own; what belongs to one stands further to the right. */
static void
put_note(FILE *to, char *text)
{
	for (char *line, *rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		put_text(to, line, 0, (int)strspn(line, " ") + 2);
		fputc('\n', to);
		if (rest != NULL)
			rest[-1] = '\n';
	}
}

static struct column *
find_column(struct column *columns, int n, const char *key)
{
	for (int i = 0; i < n; i++)
		if (strcmp(columns[i].key, key) == 0)
			return &columns[i];
	return NULL;
}

/* The columns in the order in which rows first show them; -ENOMEM. */
static int
gather_columns(const struct node *list, struct column **columns)
{
	struct column *all = NULL;
	const struct node *row, *c;
	char buf[TEXT_CELL];
	int n = 0;

	TAILQ_FOREACH(row, &list->below, next) {
		TAILQ_FOREACH(c, &row->below, next) {
			struct column *col;
			int w;

			if (!is_plain(c) || is_hidden(c) || c->key == NULL)
				continue;
			col = find_column(all, n, c->key);
			if (col == NULL) {
				struct column *more = realloc(all, (n + 1) * sizeof(*all));

				if (more == NULL) {
					free(all);
					return -ENOMEM;
				}
				all = more;
				col = &all[n++];
				*col = (struct column){c->key, c->unit,
					width_of(label(buf, c->key, c->unit)), false};
			}
			col->left |= c->type == NODE_STR;
			w = width_of(cell(buf, c));
			if (w > col->width)
				col->width = w;
		}
	}
	*columns = all;
	return n;
}

/* Puts one cell that begins at column `at`; the column where the next one begins. */
static int
put_cell(FILE *to, const char *text, const struct column *col, int at, bool last)
{
	const int gap = col->width - width_of(text);

	if (!col->left)
		pad(to, gap);
	if (last)
		put_text(to, text, at, at);
	else
		fputs(text, to);
	if (last)
		return at;
	pad(to, TEXT_GAP + (col->left ? gap : 0));
	return at + col->width + TEXT_GAP;
}

/* One line of a block: column 0 and the columns from..to-1, of a row or, without one, the labels. */
static void
put_line(const struct node *row, const struct column *columns, int from, int to, FILE *out)
{
	char buf[TEXT_CELL];
	int at = 0;

	for (int i = 0; i < to; i = i == 0 ? from : i + 1) {
		const struct column *col = &columns[i];

		at = put_cell(out, row == NULL ? label(buf, col->key, col->unit)
					       : cell(buf, find(row, col->key)),
			col, at, i + 1 == to || to <= 1);
	}
	fputc('\n', out);
}

static void
put_block(const struct node *list, const struct column *columns, int from, int to, FILE *out)
{
	const struct node *row;

	put_line(NULL, columns, from, to, out);
	TAILQ_FOREACH(row, &list->below, next)
		if (row->type == NODE_OBJECT)
			put_line(row, columns, from, to, out);
}

static int put_object(const struct node *object, FILE *to);
static int put_part(const struct node *n, const char *of, FILE *to);

/* What hangs below the rows: each under a title with the name of its row. */
static int
put_row_parts(const struct node *list, const struct column *columns, int n, FILE *to)
{
	const struct node *row, *c;
	char buf[TEXT_CELL];
	int rc = 0;

	TAILQ_FOREACH(row, &list->below, next)
		TAILQ_FOREACH(c, &row->below, next)
			if (rc == 0 && (c->type == NODE_OBJECT || c->type == NODE_LIST))
				rc = put_part(c, n > 0 ? cell(buf, find(row, columns[0].key)) : NULL,
					to);
	return rc;
}

static int
put_table(const struct node *list, FILE *to)
{
	struct column *columns = NULL;
	const int n = gather_columns(list, &columns);
	int rc;

	if (n < 0)
		return n;
	for (int from = n > 0 ? 1 : 0, end; n > 0; from = end) {
		int width = columns[0].width;

		for (end = from; end < n; end++) {
			const int more = TEXT_GAP + columns[end].width;

			/*
			 * At least one column a block, however wide; a text at the end is wrapped
			 * where there is room for that.
			 */
			if (end > from && width + more > TEXT_COLUMNS &&
				!(end == n - 1 && columns[end].left &&
					width + TEXT_GAP + TEXT_WRAP <= TEXT_COLUMNS))
				break;
			width += more;
		}
		put_block(list, columns, from, end, to);
		if (end >= n)
			break;
		fputc('\n', to);
	}
	rc = put_row_parts(list, columns, n, to);
	free(columns);
	return rc;
}

/* A list of plain values goes on one line. */
static void
put_values(const struct node *list, FILE *to)
{
	const struct node *c;
	char buf[TEXT_CELL];
	bool first = true;

	TAILQ_FOREACH(c, &list->below, next) {
		if (!is_plain(c))
			continue;
		fprintf(to, "%s%s", first ? "" : ", ", cell(buf, c));
		first = false;
	}
	fputs(first ? "-\n" : "\n", to);
}

static bool
has_rows(const struct node *list)
{
	const struct node *c;

	TAILQ_FOREACH(c, &list->below, next)
		if (c->type == NODE_OBJECT)
			return true;
	return false;
}

/* An object or list with its title. */
static int
put_part(const struct node *n, const char *of, FILE *to)
{
	char buf[TEXT_CELL];

	label(buf, n->key, 0);
	if (n->type == NODE_LIST && !has_rows(n)) {
		fprintf(to, "%s%s%s: ", buf, of == NULL ? "" : " of ", of == NULL ? "" : of);
		put_values(n, to);
		return 0;
	}
	if (n->key != NULL)
		fprintf(to, "\n%s%s%s\n", buf, of == NULL ? "" : " of ", of == NULL ? "" : of);
	return n->type == NODE_LIST ? put_table(n, to) : put_object(n, to);
}

static int
put_object(const struct node *object, FILE *to)
{
	const struct node *c;
	char buf[TEXT_CELL];
	int width = 0, rc = 0;

	TAILQ_FOREACH(c, &object->below, next)
		if (is_plain(c) && !is_hidden(c)) {
			const int w = width_of(label(buf, c->key, c->unit));

			width = w > width ? w : width;
		}
	TAILQ_FOREACH(c, &object->below, next) {
		if (rc != 0)
			break;
		if (c->type == NODE_NOTE) {
			put_note(to, c->str);
		} else if (!is_plain(c)) {
			rc = put_part(c, NULL, to);
		} else if (!is_hidden(c)) {
			label(buf, c->key, c->unit);
			fputs(buf, to);
			pad(to, width - width_of(buf) + TEXT_GAP);
			put_text(to, cell(buf, c), width + TEXT_GAP, width + TEXT_GAP);
			fputc('\n', to);
		}
	}
	return rc;
}

int
out_write_text(const struct node *root, FILE *to)
{
	return put_object(root, to);
}
