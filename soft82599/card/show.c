/* SPDX-License-Identifier: BSD-3-Clause */
/* `show`: fetches the card's JSON and prints it, or tables of at most 80 columns made from it. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"

#define COLUMNS	12
#define CELL	64
#define WIDTH	80	/* what is longer is cut; JSON has it all */

/* One column: its title and the field of each row's object that it shows. */
struct column {
	const char *title, *field;
};

/* A value as a person reads it. */
static void
cell(char *buf, size_t size, const json_t *value)
{
	size_t used = 0, i;
	json_t *one;
	const char *key;

	buf[0] = '\0';
	switch (json_typeof(value)) {
	case JSON_STRING:
		snprintf(buf, size, "%s", json_string_value(value));
		break;
	case JSON_INTEGER:
		snprintf(buf, size, "%lld", (long long)json_integer_value(value));
		break;
	case JSON_REAL:
		snprintf(buf, size, "%.1f", json_real_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		snprintf(buf, size, "%s", json_is_true(value) ? "yes" : "no");
		break;
	case JSON_ARRAY:
		json_array_foreach(value, i, one) {
			cell(buf + used, size - used, one);
			used += strlen(buf + used);
			if (i + 1 < json_array_size(value) && used + 2 < size)
				buf[used++] = ',';
			buf[used] = '\0';
		}
		break;
	case JSON_OBJECT:
		json_object_foreach((json_t *)value, key, one) {
			used += snprintf(buf + used, size - used, "%s%s ", used == 0 ? "" : ", ",
				key);
			if (used >= size - 1)
				return;
			cell(buf + used, size - used, one);
			used += strlen(buf + used);
		}
		break;
	default:
		break;
	}
	if (buf[0] == '\0')
		snprintf(buf, size, "-");
}

/* Appends a cell, padded but in the last column; numbers are right-aligned. */
static void
append(char *line, size_t size, const char *text, int width, bool right, bool first, bool last)
{
	size_t used = strlen(line);

	snprintf(line + used, size - used, "%s%*s", first ? "" : "  ",
		right ? width : last ? 0 : -width, text);
}

static void
print_rows(const json_t *rows, const struct column *columns, const int *width)
{
	char text[CELL], line[WIDTH + 1] = "";
	size_t i;
	json_t *row;

	for (int c = 0; columns[c].title != NULL; c++)
		append(line, sizeof(line), columns[c].title, width[c], false, c == 0,
			columns[c + 1].title == NULL);
	printf("%s\n", line);
	json_array_foreach(rows, i, row) {
		line[0] = '\0';
		for (int c = 0; columns[c].title != NULL; c++) {
			const json_t *value = json_object_get(row, columns[c].field);

			cell(text, sizeof(text), value);
			append(line, sizeof(line), text, width[c], json_is_integer(value), c == 0,
				columns[c + 1].title == NULL);
		}
		printf("%s\n", line);
	}
}

/* A table as wide as its contents; nothing if there are no rows. */
static void
table(const char *title, const json_t *rows, const struct column *columns)
{
	int width[COLUMNS];
	char text[CELL];
	size_t i;
	json_t *row;

	if (json_array_size(rows) == 0)
		return;
	for (int c = 0; columns[c].title != NULL; c++) {
		width[c] = strlen(columns[c].title);
		json_array_foreach(rows, i, row) {
			cell(text, sizeof(text), json_object_get(row, columns[c].field));
			if ((int)strlen(text) > width[c])
				width[c] = strlen(text);
		}
	}
	printf("\n%s\n", title);
	print_rows(rows, columns, width);
}

/* The fields of an object, one a line; lists of objects are left to tables. */
static void
object(const char *title, const json_t *fields)
{
	char text[CELL];
	const char *key;
	json_t *value;

	printf("\n%s\n", title);
	json_object_foreach((json_t *)fields, key, value) {
		if (json_is_array(value) || (json_is_object(value) && json_object_size(value) == 0))
			continue;
		if (json_is_object(value) && json_object_size(value) > 4) {
			object(key, value);
			continue;
		}
		cell(text, sizeof(text), value);
		printf("  %-22s %s\n", key, text);
	}
}

static const struct column function_columns[] = {
	{ "function", "name" }, { "bdf", "bdf" }, { "driver", "driver" }, { "group", "group" },
	{ "pid", "pid" }, { "resets", "resets" }, { "out", "removed" }, { "irqs", "interrupts" },
	{ "DMA faults", "dma_faults" }, { NULL, NULL },
};
static const struct column pool_columns[] = {
	{ "pool", "id" }, { "owner", "owner" }, { "rx", "rx" }, { "tx", "tx" },
	{ "MACs", "macs" }, { "VLANs", "vlans" }, { "accepts", "accepts" },
	{ NULL, NULL },
};
static const struct column guard_columns[] = {
	{ "pool", "id" }, { "owner", "owner" }, { "MAC spoof check", "mac_antispoof" },
	{ "VLAN spoof check", "vlan_antispoof" }, { "VLAN insert", "vlan_insert" },
	{ "RSS queues", "rss_queues" }, { NULL, NULL },
};
static const struct column pool_count_columns[] = {
	{ "pool", "id" }, { "owner", "owner" }, { "rx packets", "rx_packets" },
	{ "tx packets", "tx_packets" }, { "drops", "drops" }, { NULL, NULL },
};
static const struct column rx_queue_columns[] = {
	{ "rx queue", "id" }, { "pool", "pool" }, { "on", "enabled" }, { "size", "size" },
	{ "head", "head" }, { "tail", "tail" }, { "drop_en", "drop_en" },
	{ "packets", "packets" }, { "drops", "drops" }, { NULL, NULL },
};
static const struct column tx_queue_columns[] = {
	{ "tx queue", "id" }, { "pool", "pool" }, { "on", "enabled" }, { "size", "size" },
	{ "head", "head" }, { "tail", "tail" }, { "blocked", "blocked" },
	{ "packets", "packets" }, { "drops", "drops" }, { NULL, NULL },
};
static const struct column mailbox_columns[] = {
	{ "VF", "vf" }, { "holder", "holder" }, { "VF requests", "vf_requests" },
	{ "PF acks", "pf_acks" }, { "PF replies", "pf_replies" }, { "VF acks", "vf_acks" },
	{ "in reset", "reset_in_progress" }, { NULL, NULL },
};
static const struct column rar_columns[] = {
	{ "RAR", "index" }, { "MAC", "mac" }, { "pools", "pools" }, { NULL, NULL },
};
static const struct column vlvf_columns[] = {
	{ "VLVF", "index" }, { "VLAN", "vlan" }, { "pools", "pools" }, { NULL, NULL },
};

int
card_print(const char *text)
{
	json_t *root = json_loads(text, 0, NULL), *filters;

	if (root == NULL)
		return -EINVAL;
	filters = json_object_get(root, "filters");
	printf("card %s: a software 82599, process %lld, link %s\n",
		json_string_value(json_object_get(root, "name")),
		(long long)json_integer_value(json_object_get(root, "pid")),
		json_is_true(json_object_get(json_object_get(root, "link"), "up")) ? "up" : "down");
	object("Geometry", json_object_get(root, "geometry"));
	table("Functions", json_object_get(root, "functions"), function_columns);
	table("Pools", json_object_get(root, "pools"), pool_columns);
	table("Guards", json_object_get(root, "pools"), guard_columns);
	table("Traffic", json_object_get(root, "pools"), pool_count_columns);
	table("Receive queues", json_object_get(root, "rx_queues"), rx_queue_columns);
	table("Transmit queues", json_object_get(root, "tx_queues"), tx_queue_columns);
	table("Mailboxes", json_object_get(root, "mailboxes"), mailbox_columns);
	json_object_del(filters, "digests"); /* for programs: whether a table changed at all */
	object("Filters", filters);
	table("Receive addresses", json_object_get(filters, "rar"), rar_columns);
	table("VLANs of pools", json_object_get(filters, "vlvf"), vlvf_columns);
	object("Port", json_object_get(root, "stats"));
	object("Receive packet buffer", json_object_get(root, "rx_fifo"));
	object("Invariants", json_object_get(root, "invariants"));
	object("Wire", json_object_get(root, "wire"));
	object("Faults on request", json_object_get(root, "ctl"));
	json_decref(root);
	return 0;
}

/* Connects, or says that there is no such card. */
static int
reach(struct card_conn *conn, const char *name)
{
	int err = card_connect(conn, name);

	if (err != 0)
		card_log(CARD_LOG_ERROR, "no card named '%s' runs here: %s", name, strerror(-err));
	return err;
}

int
card_ctl(int argc, char **argv)
{
	struct card_opts opts;
	struct card_conn conn;
	char *answer;
	int err = card_options("ctl", argc, argv, &opts);

	if (err != 0)
		return err < 0 ? 0 : err;
	if (reach(&conn, opts.name) != 0)
		return EXIT_SETUP;
	err = card_order(&conn, opts.command, &answer);
	card_disconnect(&conn);
	if (answer == NULL) {
		card_log(CARD_LOG_ERROR, "card '%s' does not answer: %s", opts.name,
			strerror(-err));
		return EXIT_SETUP;
	}
	if (err == 0)
		printf("%s\n", answer);
	else
		fprintf(stderr, "soft82599 ctl: %s\n", answer);
	free(answer);
	return err == 0 ? 0 : err == -EINVAL ? EXIT_USAGE : EXIT_REFUSED;
}

int
card_show(int argc, char **argv)
{
	struct card_opts opts;
	struct card_conn conn;
	char *text;
	int err = card_options("show", argc, argv, &opts);

	if (err != 0)
		return err < 0 ? 0 : err;
	if (reach(&conn, opts.name) != 0)
		return EXIT_SETUP;
	text = card_fetch(&conn, &err);
	card_disconnect(&conn);
	if (text != NULL && opts.json)
		printf("%s\n", text);
	else if (text != NULL)
		err = card_print(text);
	free(text);
	if (err != 0)
		card_log(CARD_LOG_ERROR, "card '%s' does not answer: %s", opts.name,
			strerror(-err));
	return err == 0 ? 0 : EXIT_SETUP;
}
