/* SPDX-License-Identifier: BSD-3-Clause */
/* Which ports there will be, from -a, a configuration and a sysfs of our own making. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bringup.h"
#include "pci.h"

static struct app app;
static struct vfp_err err;
static char root[] = "/tmp/vfplane-devices-XXXXXX";

static void
file(const char *bdf, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, bdf);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/%s", root, bdf, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
link_to(const char *bdf, const char *name, const char *target)
{
	char path[256], to[64];

	snprintf(path, sizeof(path), "%s/%s/%s", root, bdf, name);
	snprintf(to, sizeof(to), "../%s", target);
	assert_int_equal(symlink(to, path), 0);
}

/* Two PFs: 03:00.0 with one VF, a real card's; 03:00.1 with two VFs, a software card's. */
static int
make_sysfs(void **state)
{
	static const char *const vfs[][2] = {{"0000:03:00.0", "0000:03:10.0"},
		{"0000:03:00.1", "0000:03:10.1"}, {"0000:03:00.1", "0000:03:10.3"}};
	static const char *const index[] = {"virtfn0", "virtfn0", "virtfn1"};

	(void)state;
	assert_non_null(mkdtemp(root));
	setenv("SYSFS_PCI_DEVICES", root, 1);
	for (size_t i = 0; i < 3; i++) {
		file(vfs[i][0], "vendor", "0x8086\n");
		file(vfs[i][1], "vendor", "0x8086\n");
		link_to(vfs[i][0], index[i], vfs[i][1]);
		link_to(vfs[i][1], "physfn", vfs[i][0]);
	}
	file("0000:03:00.0", "subsystem_vendor", "0x8086\n");
	file("0000:03:00.0", "subsystem_device", "0x0003\n");
	file("0000:03:00.1", "subsystem_vendor", "0x5f82\n");
	file("0000:03:00.1", "subsystem_device", "0x0599\n");
	return 0;
}

static int
remove_sysfs(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

/* Plan with a configuration (or NULL) and devices named by -a; the ports' names, joined. */
static const char *
plan(const char *conf, const char *first, ...)
{
	static char text[CFG_ERR_LEN];
	va_list ap;
	int ret;

	memset(&app, 0, sizeof(app));
	memset(&err, 0, sizeof(err));
	if (conf) {
		app.have_config = true;
		if (config_parse("t", conf, &app.cfg, text) < 0)
			fail_msg("%s", text);
	}
	va_start(ap, first);
	for (const char *bdf = first; bdf; bdf = va_arg(ap, const char *))
		snprintf(app.args.allow[app.args.n_allow++].bdf, 16, "%s", bdf);
	va_end(ap);
	ret = devices_plan(&app, &err);
	if (ret < 0) {
		snprintf(text, sizeof(text), "%d %s", ret, err.text);
		return text;
	}
	text[0] = '\0';
	for (uint16_t i = 0; i < app.n_ports; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s=%s", i ? " " : "",
			app.ports[i].name, app.ports[i].pci);
	return text;
}

static void
reads_sysfs(void **state)
{
	char bdf[16];
	unsigned int n;

	(void)state;
	assert_true(pci_exists("0000:03:00.1"));
	assert_false(pci_exists("0000:03:00.2"));
	assert_int_equal(pci_vf_count("0000:03:00.1"), 2);
	assert_int_equal(pci_vf_count("0000:03:10.1"), 0);
	assert_int_equal(pci_pf_of("0000:03:10.3", bdf, &n), 0);
	assert_string_equal(bdf, "0000:03:00.1");
	assert_int_equal(n, 1);
	assert_int_equal(pci_pf_of("0000:03:00.1", bdf, &n), -ENOENT);
	assert_int_equal(pci_is_software("0000:03:00.1"), 1);
	assert_int_equal(pci_is_software("0000:03:00.0"), 0);
	assert_true(pci_is_software("0000:03:10.1") < 0);
}

static void
a_configuration_alone_is_enough(void **state)
{
	(void)state;
	assert_string_equal(plan("pf 0 { pci = 03:00.1 }", NULL),
		"pf0=0000:03:00.1 vf0=0000:03:10.1 vf1=0000:03:10.3");
	assert_string_equal(plan("pf 0 { pci = 03:00.1 } vf 1 { vlans = {7} }", NULL),
		"pf0=0000:03:00.1 vf1=0000:03:10.3");
	assert_int_equal(app.pf[0].conf.vf[1].vlans[0], 7);
	assert_int_equal(app.pf[0].conf.vf[1].mac[5], 1);
	assert_string_equal(
		plan("pf 0 { pci = 03:00.1 } vf 0 { owner = tenant }", NULL), "pf0=0000:03:00.1");
	assert_string_equal(
		plan("pf 0 { pci = 03:00.1 } vf 0 { owner = tenant }", "0000:03:10.3", NULL),
		"pf0=0000:03:00.1 vf1=0000:03:10.3");
}

static void
allow_alone(void **state)
{
	(void)state;
	assert_string_equal(plan(NULL, "0000:03:10.3", "0000:03:00.1", NULL),
		"pf0=0000:03:00.1 vf1=0000:03:10.3");
	assert_string_equal(plan(NULL, "0000:03:10.3", "0000:03:10.1", NULL),
		"vf1=0000:03:10.3 vf0=0000:03:10.1");
	assert_int_equal(app.n_pfs, 0);
}

static void
two_pfs_name_their_vfs(void **state)
{
	(void)state;
	assert_string_equal(plan("pf 0 { pci = 03:00.0 } pf 1 { pci = 03:00.1 }", NULL),
		"pf0=0000:03:00.0 pf1=0000:03:00.1 pf0vf0=0000:03:10.0 pf1vf0=0000:03:10.1 "
		"pf1vf1=0000:03:10.3");
	/* A VF of somebody else's PF beside a PF of ours goes by its address. */
	assert_string_equal(plan("pf 0 { pci = 03:00.1 }", "0000:03:10.0", NULL),
		"pf0=0000:03:00.1 0000:03:10.0=0000:03:10.0");
}

static void
contradictions_are_told(void **state)
{
	(void)state;
	assert_non_null(strstr(
		plan("pf 0 { pci = 03:00.1 }\nvf 1 {\nowner = tenant }", "0000:03:10.3", NULL),
		"-a 0000:03:10.3 contradicts t:3"));
	assert_non_null(strstr(plan("pf 0 { pci = 03:00.1 }", "0000:03:00.0", NULL),
		"-a 0000:03:00.0 contradicts t"));
	assert_non_null(strstr(plan("vf 0 { vlans = {7} }", NULL), "no -a names its device"));
	assert_non_null(strstr(plan("pf 0 { pci = 03:00.1 } vf 2 { vlans = {7} }", NULL),
		"0000:03:00.1 has 2 VFs"));
	assert_non_null(strstr(plan("pf 0 { pci = 03:10.1 }", NULL), "is VF 0 of 0000:03:00.1"));
	assert_non_null(strstr(plan("pf 0 { pci = 04:00.0 }", NULL), "no PCI device 0000:04:00.0"));
	assert_non_null(strstr(plan(NULL, "0000:05:00.0", NULL), "0000:05:00.0"));
	/* The address that VF 1 has by default. */
	assert_non_null(strstr(plan("pf 0 { pci = 03:00.1 } vf 0 { mac = 02:09:c0:00:00:01 }", NULL),
		"VF 0 and VF 1 both have 02:09:c0:00:00:01"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_sysfs),
		cmocka_unit_test(a_configuration_alone_is_enough),
		cmocka_unit_test(allow_alone),
		cmocka_unit_test(two_pfs_name_their_vfs),
		cmocka_unit_test(contradictions_are_told),
	};

	return cmocka_run_group_tests(tests, make_sysfs, remove_sysfs);
}
