/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vfp_parse.h"

/* The sentence names the thing, the text that was wrong, and what is allowed. */
static void
assert_says(const struct vfp_err *err, const char *part)
{
	if (strstr(err->text, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err->text, part);
}

static void
numbers_are_taken_within_their_range(void **state)
{
	struct vfp_err err;
	uint64_t v = 7;
	uint16_t s = 7;

	(void)state;
	assert_int_equal(vfp_parse_u64("0", "n", 0, 10, &v, &err), 0);
	assert_int_equal(v, 0);
	assert_int_equal(vfp_parse_u64("0x1F", "n", 0, 31, &v, &err), 0);
	assert_int_equal(v, 31);
	assert_int_equal(vfp_parse_u64("010", "n", 0, 10, &v, &err), 0);
	assert_int_equal(v, 10);
	assert_int_equal(
		vfp_parse_u64("18446744073709551615", "n", 0, UINT64_MAX, &v, &err), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(vfp_parse_u16("65535", "n", 1, 65535, &s, &err), 0);
	assert_int_equal(s, 65535);
}

static void
numbers_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = {"", " 1", "1 ", "-1", "+1", "1k", "0x", "one", "1.5", "0x-1"};
	struct vfp_err err;
	uint64_t v = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(vfp_parse_u64(bad[i], "burst", 1, 9, &v, &err), -EINVAL);
		assert_says(&err, "burst");
		assert_says(&err, "1 to 9");
	}
	assert_int_equal(vfp_parse_u64("0", "burst", 1, 9, &v, &err), -ERANGE);
	assert_int_equal(vfp_parse_u64("10", "burst", 1, 9, &v, &err), -ERANGE);
	assert_int_equal(
		vfp_parse_u64("18446744073709551616", "burst", 1, UINT64_MAX, &v, &err), -ERANGE);
	assert_int_equal(v, 7);
	assert_int_equal(vfp_parse_u64("x", "burst", 1, 9, &v, NULL), -EINVAL);
}

static void
a_choice_lists_what_is_allowed(void **state)
{
	static const char *const names[] = {"io", "mac", "macswap"};
	struct vfp_err err;
	unsigned int v = 9;
	bool b = false;

	(void)state;
	assert_int_equal(vfp_parse_choice("macswap", "mode", names, 3, &v, &err), 0);
	assert_int_equal(v, 2);
	assert_int_equal(vfp_parse_choice("macs", "mode", names, 3, &v, &err), -EINVAL);
	assert_says(&err, "mode: \"macs\" is not known, allowed are io, mac or macswap");
	assert_int_equal(vfp_parse_bool("on", "both", &b, &err), 0);
	assert_true(b);
	assert_int_equal(vfp_parse_bool("no", "both", &b, &err), 0);
	assert_false(b);
	assert_int_equal(vfp_parse_bool("maybe", "both", &b, &err), -EINVAL);
}

static void
mac_addresses(void **state)
{
	static const char *const bad[] = {"", "02:09:c0:00:00", "02:09:c0:00:00:0g",
		"02:09:c0:00:00:001", "02-09:c0:00:00:01", "2:9:c0:0:0:1", "02 09 c0 00 00 01"};
	static const uint8_t want[6] = {0x02, 0x09, 0xc0, 0, 0xAb, 1};
	char text[VFP_MAC_TEXT];
	struct vfp_err err;
	uint8_t mac[6] = {0};

	(void)state;
	assert_int_equal(vfp_parse_mac("02:09:C0:00:aB:01", "mac", mac, &err), 0);
	assert_memory_equal(mac, want, 6);
	assert_int_equal(vfp_parse_mac("02-09-c0-00-ab-01", "mac", mac, &err), 0);
	assert_string_equal(vfp_mac_text(mac, text), "02:09:c0:00:ab:01");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vfp_parse_mac(bad[i], "mac", mac, &err), -EINVAL);
	assert_int_equal(vfp_parse_unicast_mac("01:00:5e:00:00:01", "mac", mac, &err), -ERANGE);
	assert_int_equal(vfp_parse_unicast_mac("00:00:00:00:00:00", "mac", mac, &err), -ERANGE);
	assert_memory_equal(mac, want, 6);
}

static void
pci_addresses_are_normalised(void **state)
{
	static const char *const bad[] = {"", "3:10.1", "03:10", "03:10.", "0000:03:10.1 ",
		"0000-03:10.1", "03.10.1", "00:03:10.1", "g3:10.1", "03:10.11"};
	char text[VFP_BDF_TEXT];
	struct vfp_err err;

	(void)state;
	assert_int_equal(vfp_bdf_normalise("03:10.1", "pci", text, &err), 0);
	assert_string_equal(text, "0000:03:10.1");
	assert_int_equal(vfp_bdf_normalise("10AB:fF:1F.7", "pci", text, &err), 0);
	assert_string_equal(text, "10ab:ff:1f.7");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vfp_bdf_normalise(bad[i], "pci", text, &err), -EINVAL);
	assert_int_equal(vfp_bdf_normalise("03:20.0", "pci", text, &err), -ERANGE);
	assert_int_equal(vfp_bdf_normalise("03:10.8", "pci", text, &err), -ERANGE);
}

static void
durations(void **state)
{
	static const char *const bad[] = {"", "s", "5 s", "-1s", "1x", "inf", "nan", "0x5", ".5"};
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {{"5", 5000000000}, {"0.5", 500000000}, {"5s", 5000000000}, {"100ms", 100000000},
		{"2m", 120000000000}, {"1.5us", 1500}, {"7ns", 7}, {"1h", 3600000000000}};
	struct vfp_err err;
	uint64_t ns = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(vfp_parse_duration(good[i].text, "t", 0, UINT64_MAX, &ns, &err), 0);
		assert_true(ns == good[i].ns);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vfp_parse_duration(bad[i], "t", 0, UINT64_MAX, &ns, &err), -EINVAL);
	assert_int_equal(vfp_parse_duration("2s", "run", 1000, 1000000000, &ns, &err), -ERANGE);
	assert_says(&err, "run: 2s is out of range");
}

static int
collect(const char *item, void *arg, struct vfp_err *err)
{
	(void)err;
	strcat(arg, item);
	strcat(arg, "|");
	return strcmp(item, "stop") == 0 ? -ECANCELED : 0;
}

static void
lists_with_and_without_braces(void **state)
{
	static const struct {
		const char *text, *items;
		int rc;
	} cases[] = {{"", "", 0}, {" { } ", "", 0}, {"a", "a|", 0}, {"a,b", "a|b|", 0},
		{" {vf0:0, vf1:0} ", "vf0:0|vf1:0|", 0}, {"a b\tc", "a|b|c|", 0},
		{"a,,b", "a|", -EINVAL}, {"a,", "a|", -EINVAL}, {",a", "", -EINVAL},
		{"{a", "", -EINVAL}, {"{a,}", "a|", -EINVAL}, {"a,stop,b", "a|stop|", -ECANCELED}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char got[64] = "";
		struct vfp_err err;

		assert_int_equal(
			vfp_parse_list(cases[i].text, "list", collect, got, &err), cases[i].rc);
		assert_string_equal(got, cases[i].items);
	}
}

static void
sets_of_numbers_and_ranges(void **state)
{
	struct vfp_err err;
	bool set[8] = {0};

	(void)state;
	assert_int_equal(vfp_parse_set("1,3-5", "lcores", set, 8, &err), 0);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(set[i], i == 1 || (i >= 3 && i <= 5));
	assert_int_equal(vfp_parse_set("8", "lcores", set, 8, &err), -ERANGE);
	assert_int_equal(vfp_parse_set("5-3", "lcores", set, 8, &err), -ERANGE);
	assert_int_equal(vfp_parse_set("1-", "lcores", set, 8, &err), -EINVAL);
}

static void
a_reason_gets_its_place_in_front(void **state)
{
	struct vfp_err err;

	(void)state;
	assert_int_equal(vfp_err_set(&err, -EINVAL, "bad %d", 1), -EINVAL);
	assert_int_equal(vfp_err_prefix(&err, -ENOENT, "x.conf:%d", 3), -ENOENT);
	assert_string_equal(err.text, "x.conf:3: bad 1");
	assert_int_equal(vfp_err_set(NULL, -EIO, "x"), -EIO);
	assert_int_equal(vfp_err_prefix(NULL, -EIO, "x"), -EIO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_taken_within_their_range),
		cmocka_unit_test(numbers_that_are_none_are_refused),
		cmocka_unit_test(a_choice_lists_what_is_allowed),
		cmocka_unit_test(mac_addresses),
		cmocka_unit_test(pci_addresses_are_normalised),
		cmocka_unit_test(durations),
		cmocka_unit_test(lists_with_and_without_braces),
		cmocka_unit_test(sets_of_numbers_and_ranges),
		cmocka_unit_test(a_reason_gets_its_place_in_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
