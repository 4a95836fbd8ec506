/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vfp_out.h"

struct sink {
	char *text;
	size_t size;
	FILE *f;
};

static struct vfp_out *
begin(struct sink *s, enum vfp_format format)
{
	struct vfp_out *o;

	s->f = open_memstream(&s->text, &s->size);
	assert_non_null(s->f);
	o = vfp_out_new(format, s->f);
	assert_non_null(o);
	return o;
}

static void
end(struct sink *s, struct vfp_out *o, int rc)
{
	assert_int_equal(vfp_out_end(o), rc);
	fclose(s->f);
}

/* The same calls for both formats. */
static void
fill(struct vfp_out *o)
{
	vfp_out_note(o, "measured here");
	vfp_out_str(o, "source", "vdev");
	vfp_out_double(o, "duration_s", 1.5, VFP_SECONDS);
	vfp_out_list(o, "ports");
	for (unsigned int i = 0; i < 2; i++) {
		vfp_out_open(o, NULL);
		vfp_out_strf(o, "name", "vf%u", i);
		vfp_out_u64(o, "rx_packets", 1234567 + i, VFP_COUNT);
		if (i == 0)
			vfp_out_null(o, "rx_missed");
		else
			vfp_out_u64(o, "rx_missed", 0, VFP_COUNT);
		vfp_out_u64(o, "secret", 42, VFP_PLAIN | VFP_DETAIL);
		vfp_out_double(o, "p50_ns", i == 0 ? NAN : 1250.0, VFP_NS);
		vfp_out_bool(o, "up", true);
		vfp_out_close(o);
	}
	vfp_out_close(o);
	vfp_out_open(o, "totals");
	vfp_out_i64(o, "gap", -3, VFP_PLAIN);
	vfp_out_list(o, "tags");
	vfp_out_u64(o, NULL, 1, VFP_PLAIN);
	vfp_out_str(o, NULL, "b");
	vfp_out_close(o);
	vfp_out_close(o);
}

static void
json_is_strict_and_unknown_is_null(void **state)
{
	struct sink s;
	struct vfp_out *o = begin(&s, VFP_JSON);
	json_t *j, *port;

	(void)state;
	fill(o);
	end(&s, o, 0);
	j = json_loads(s.text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(j, "source")), "vdev");
	port = json_array_get(json_object_get(j, "ports"), 0);
	assert_int_equal(json_integer_value(json_object_get(port, "rx_packets")), 1234567);
	assert_true(json_is_null(json_object_get(port, "rx_missed")));
	assert_true(json_is_null(json_object_get(port, "p50_ns")));
	assert_int_equal(json_integer_value(json_object_get(port, "secret")), 42);
	assert_true(json_is_true(json_object_get(port, "up")));
	j = (json_decref(j), json_loads(s.text, 0, NULL));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "totals"), "gap")),
		-3);
	assert_null(strstr(s.text, "measured"));
	json_decref(j);
	free(s.text);
}

static void
text_aligns_a_table(void **state)
{
	static const char want[] = "measured here\n"
				   "source    vdev\n"
				   "duration  1.50 s\n"
				   "\nports\n"
				   "name  rx packets  rx missed      p50   up\n"
				   "vf0        1.23M          -        -  yes\n"
				   "vf1        1.23M          0  1.25 us  yes\n"
				   "\ntotals\n"
				   "gap  -3\n"
				   "tags: 1, b\n";
	struct sink s;
	struct vfp_out *o = begin(&s, VFP_TEXT);

	(void)state;
	fill(o);
	end(&s, o, 0);
	assert_string_equal(s.text, want);
	free(s.text);
}

static void
a_wide_table_continues_within_80_columns(void **state)
{
	struct sink s;
	struct vfp_out *o = begin(&s, VFP_TEXT);
	unsigned int lines = 0;

	(void)state;
	vfp_out_list(o, "ports");
	vfp_out_open(o, NULL);
	vfp_out_str(o, "name", "vf0");
	for (unsigned int i = 0; i < 12; i++) {
		char key[32];

		snprintf(key, sizeof(key), "column_number_%u", i);
		vfp_out_u64(o, key, i, VFP_PLAIN);
	}
	vfp_out_close(o);
	vfp_out_close(o);
	end(&s, o, 0);
	for (char *line = strtok(s.text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		assert_true(strlen(line) <= 80);
		lines += strncmp(line, "vf0 ", 4) == 0;
	}
	assert_int_equal(lines, 3);
	free(s.text);
}

static void
long_texts_are_wrapped(void **state)
{
	static const char want[] =
		"A note that is longer than eighty columns goes on in a second line, a little to\n"
		"  the right.\n"
		"label  a value that is long goes on where it began, that is behind its label,\n"
		"       and not before it: \u00fc\u00fc\u00fc\u00fc\u00fc\n"
		"\nsteps\n"
		"step  what\n"
		"   1  short\n"
		"  22  so long that a person would not want to see it at the left edge, nor in\n"
		"      another block of the table\n";
	struct sink s;
	struct vfp_out *o = begin(&s, VFP_TEXT);

	(void)state;
	vfp_out_note(o, "A note that is longer than eighty columns goes on in a second line, a "
			"little to the right.");
	vfp_out_str(o, "label", "a value that is long goes on where it began, that is behind its "
				"label, and not before it: \u00fc\u00fc\u00fc\u00fc\u00fc");
	vfp_out_list(o, "steps");
	for (unsigned int i = 1; i <= 22; i += 21) {
		vfp_out_open(o, NULL);
		vfp_out_u64(o, "step", i, VFP_PLAIN);
		vfp_out_str(o, "what", i == 1 ? "short"
					      : "so long that a person would not want to see it at the "
						"left edge, nor in another block of the table");
		vfp_out_close(o);
	}
	vfp_out_close(o);
	end(&s, o, 0);
	assert_string_equal(s.text, want);
	free(s.text);
}

static void
lists_inside_rows_follow_the_table(void **state)
{
	struct sink s;
	struct vfp_out *o = begin(&s, VFP_TEXT);

	(void)state;
	vfp_out_list(o, "ports");
	vfp_out_open(o, NULL);
	vfp_out_str(o, "name", "vf0");
	vfp_out_list(o, "queues");
	vfp_out_open(o, NULL);
	vfp_out_u64(o, "id", 0, VFP_PLAIN);
	vfp_out_close(o);
	vfp_out_close(o);
	vfp_out_close(o);
	vfp_out_close(o);
	end(&s, o, 0);
	assert_string_equal(s.text, "\nports\nname\nvf0\n\nqueues of vf0\nid\n 0\n");
	free(s.text);
}

static void
what_does_not_match_is_told(void **state)
{
	struct sink s;
	struct vfp_out *o = begin(&s, VFP_JSON);

	(void)state;
	vfp_out_open(o, "left open");
	end(&s, o, -EINVAL);
	free(s.text);
	o = begin(&s, VFP_TEXT);
	vfp_out_close(o);
	vfp_out_u64(o, "ignored", 1, VFP_PLAIN);
	end(&s, o, -EINVAL);
	free(s.text);
	o = begin(&s, VFP_JSON);
	vfp_out_str(o, "name", "not utf-8: \xff");
	end(&s, o, -EINVAL);
	free(s.text);
	assert_int_equal(vfp_out_end(NULL), -ENOMEM);
}

static void
a_full_stream_is_an_error(void **state)
{
	FILE *f = fopen("/dev/full", "w");
	struct vfp_out *o;

	(void)state;
	assert_non_null(f);
	o = vfp_out_new(VFP_JSON, f);
	fill(o);
	assert_int_equal(vfp_out_end(o), -EIO);
	fclose(f);
}

static void
numbers_for_people(void **state)
{
	static const struct {
		double value;
		unsigned int unit;
		const char *text;
	} cases[] = {{12345, VFP_COUNT, "12345"}, {1234567, VFP_COUNT, "1.23M"},
		{123456, VFP_COUNT, "123k"}, {14880000, VFP_PPS, "14.9 Mpps"},
		{999, VFP_NS, "999 ns"}, {1250, VFP_NS, "1.25 us"}, {0, VFP_NS, "0 ns"},
		{1e10, VFP_BPS, "10.0 Gbit/s"}, {0.125, VFP_SHARE, "12.5%"},
		{31.84, VFP_FIXED1, "31.8"}, {1500, VFP_BYTES, "1.50 kB"}, {7, VFP_PLAIN, "7"},
		{-2500, VFP_COUNT, "-2500"}, {NAN, VFP_PPS, "-"}};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(
			vfp_humanize(buf, sizeof(buf), cases[i].value, cases[i].unit), cases[i].text);
}

static void
a_long_text_is_broken_at_blanks(void **state)
{
	struct sink s;
	struct vfp_out *o = begin(&s, VFP_TEXT);
	char word[101] = {0};

	(void)state;
	memset(word, 'w', 100);
	vfp_out_note(o, "%s", "short");
	vfp_out_note(o, "%078d %s", 7, "two and more");
	vfp_out_note(o, "a %s b", word);
	end(&s, o, 0);
	assert_non_null(strstr(s.text, "short\n0000"));
	assert_non_null(strstr(s.text, "07\n  two and more\n"));
	/* A word that is longer than a line stays whole. */
	assert_non_null(strstr(s.text, "a\n  wwww"));
	assert_non_null(strstr(s.text, "www\n  b\n"));
	free(s.text);
	o = begin(&s, VFP_JSON);
	vfp_out_note(o, "for people");
	end(&s, o, 0);
	assert_null(strstr(s.text, "people"));
	free(s.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_strict_and_unknown_is_null),
		cmocka_unit_test(text_aligns_a_table),
		cmocka_unit_test(a_wide_table_continues_within_80_columns),
		cmocka_unit_test(long_texts_are_wrapped),
		cmocka_unit_test(lists_inside_rows_follow_the_table),
		cmocka_unit_test(what_does_not_match_is_told),
		cmocka_unit_test(a_full_stream_is_an_error),
		cmocka_unit_test(numbers_for_people),
		cmocka_unit_test(a_long_text_is_broken_at_blanks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
