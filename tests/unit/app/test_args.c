/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line: split between EAL and us, -a in all spellings, errors. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "args.h"

static char err[ARGS_ERR_LEN];
static struct args a;

static int
parse(const char *first, ...)
{
	char *argv[32] = {(char *)(uintptr_t) "vfplane"};
	int argc = 1;
	va_list ap;

	va_start(ap, first);
	for (const char *s = first; s; s = va_arg(ap, const char *))
		argv[argc++] = (char *)(uintptr_t)s;
	va_end(ap);
	err[0] = '\0';
	return args_parse(argc, argv, &a, err);
}

static void
splits_at_the_dashes(void **state)
{
	(void)state;
	assert_int_equal(parse("-l", "0-1", "--vdev=net_null0", "--", "--run", "5", "-i", NULL), 0);
	assert_int_equal(a.eal_argc, 4);
	assert_string_equal(a.eal_argv[1], "-l");
	assert_string_equal(a.eal_argv[3], "--vdev=net_null0");
	assert_null(a.eal_argv[4]);
	assert_true(a.eal_vdev);
	assert_int_equal(a.run_seconds, 5);
	assert_true(a.interactive);
	args_free(&a);
}

static void
takes_out_every_spelling_of_allow(void **state)
{
	(void)state;
	assert_int_equal(
		parse("-a", "03:00.1", "-a0000:03:10.1,pflink_fullchk=1", "--allow=0000:03:10.3",
			"--allow", "pci:03:10.5", "-b", "01:00.0", "--", NULL),
		0);
	assert_int_equal(a.eal_argc, 3);
	assert_string_equal(a.eal_argv[1], "-b");
	assert_int_equal(a.n_allow, 4);
	assert_string_equal(a.allow[0].bdf, "0000:03:00.1");
	assert_string_equal(a.allow[1].bdf, "0000:03:10.1");
	assert_string_equal(a.allow[1].devargs, "pflink_fullchk=1");
	assert_string_equal(a.allow[2].bdf, "0000:03:10.3");
	assert_string_equal(a.allow[3].bdf, "0000:03:10.5");
	args_free(&a);
}

static void
refuses_bad_devices(void **state)
{
	(void)state;
	assert_int_equal(parse("-a", "net_null0", "--", NULL), -EINVAL);
	assert_non_null(strstr(err, "DOMAIN"));
	assert_int_equal(parse("-a", "03:00.1", "-a", "0000:03:00.1", "--", NULL), -EINVAL);
	assert_non_null(strstr(err, "twice"));
	assert_int_equal(parse("-l", "0", "-a", "--", NULL), -EINVAL);
	assert_non_null(strstr(err, "needs"));
	assert_int_equal(parse("-a", "03:20.1", "--", NULL), -EINVAL);
	assert_int_equal(parse("-a", "03:00.8", "--", NULL), -EINVAL);
}

static void
notes_what_the_user_said_of_iova_and_token(void **state)
{
	(void)state;
	assert_int_equal(parse("--iova-mode=pa", "--vfio-vf-token=x", "--", NULL), 0);
	assert_true(a.eal_iova_mode);
	assert_true(a.eal_vf_token);
	args_free(&a);
	assert_int_equal(parse("-l", "0", NULL), 0);
	assert_false(a.eal_iova_mode);
	assert_false(a.eal_vf_token);
	args_free(&a);
}

static void
offline_options_need_no_dashes(void **state)
{
	(void)state;
	assert_int_equal(parse("--help", NULL), 0);
	assert_true(a.help);
	args_free(&a);
	assert_int_equal(parse("--check", "--config", "x.conf", NULL), 0);
	assert_true(a.check);
	assert_string_equal(a.config, "x.conf");
	args_free(&a);
	assert_int_equal(parse("--check", NULL), -EINVAL);
	assert_non_null(strstr(err, "--config"));
}

static void
errors_name_what_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(parse("--", "--rum", "5", NULL), -EINVAL);
	assert_non_null(strstr(err, "--rum"));
	assert_non_null(strstr(err, "--run"));
	assert_int_equal(parse("--", "-x", NULL), -EINVAL);
	assert_non_null(strstr(err, "allowed"));
	assert_int_equal(parse("--", "--json", NULL), -EINVAL);
	assert_non_null(strstr(err, "argument"));
	assert_int_equal(parse("--", "--run", "0", NULL), -EINVAL);
	assert_int_equal(parse("--", "--run", "5s", NULL), -EINVAL);
	assert_non_null(strstr(err, "whole seconds"));
	assert_int_equal(parse("--", "--stats-period", "-1", NULL), -EINVAL);
	assert_int_equal(parse("--", "stray", NULL), -EINVAL);
	assert_non_null(strstr(err, "stray"));
	assert_int_equal(parse("--", "--config=", NULL), -EINVAL);
}

static void
appends_to_eal(void **state)
{
	(void)state;
	assert_int_equal(parse("-l", "0", "--", NULL), 0);
	assert_int_equal(args_eal_append(&a, "--iova-mode=%s", "va"), 0);
	assert_int_equal(a.eal_argc, 4);
	assert_string_equal(a.eal_argv[3], "--iova-mode=va");
	assert_null(a.eal_argv[4]);
	args_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_at_the_dashes),
		cmocka_unit_test(takes_out_every_spelling_of_allow),
		cmocka_unit_test(refuses_bad_devices),
		cmocka_unit_test(notes_what_the_user_said_of_iova_and_token),
		cmocka_unit_test(offline_options_need_no_dashes),
		cmocka_unit_test(errors_name_what_is_allowed),
		cmocka_unit_test(appends_to_eal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
