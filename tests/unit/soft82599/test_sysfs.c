/* SPDX-License-Identifier: BSD-3-Clause */
/* What sysfs shows, and what writing to it does, without mounting it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "sysfs.h"

#define PF	"0000:03:00.1"
#define VF0	"0000:03:10.1"
#define VF1	"0000:03:10.3"

static void
nothing(struct s82_ctx *ctx)
{
	(void)ctx;
}

static const struct s82_ops ops = { .lock = nothing, .unlock = nothing };
static struct s82_ctx ctx = { .ops = &ops };

/* The tree asks the server who uses a function only if there is one. */
unsigned int
s82_server_users(const struct s82_server *server, unsigned int func)
{
	(void)server, (void)func;
	return 0;
}

static int
setup(void **state)
{
	struct s82_config cfg = { .pf_bdf = 0x0301, .num_vfs = 2 };
	struct sysfs *s = calloc(1, sizeof(*s));

	s->st = calloc(1, sizeof(*s->st));
	s->ctx = &ctx;
	ctx.st = s->st;
	s->drivers_autoprobe = s->vf_autoprobe = s->enable_sriov = true;
	*state = s;
	return s82_power_on(s->st, &cfg);
}

static int
teardown(void **state)
{
	struct sysfs *s = *state;

	for (unsigned int f = 0; f < S82_FUNCS; f++)
		free(s->driver_override[f]);
	free(s->st);
	free(s);
	return 0;
}

/* Writes as `echo` does. 0 or -errno. */
static int
echo(struct sysfs *s, const char *value, const char *path)
{
	struct sysfs_node node;
	char text[128];
	int n = snprintf(text, sizeof(text), "%s\n", value);
	ssize_t done;

	assert_int_equal(sysfs_lookup(s, path, &node), 0);
	assert_int_equal(node.type, SYSFS_FILE);
	done = sysfs_write(s, &node, text, n, 0);
	if (done >= 0)
		assert_int_equal(done, n);
	return done < 0 ? done : 0;
}

static void
assert_text(struct sysfs *s, const char *path, const char *want)
{
	struct sysfs_node node;
	char buf[SYSFS_VALUE + 1];
	ssize_t n;

	assert_int_equal(sysfs_lookup(s, path, &node), 0);
	n = sysfs_read(s, &node, buf, SYSFS_VALUE, 0);
	assert_true(n >= 0);
	buf[n] = '\0';
	assert_string_equal(buf, want);
}

static void
assert_link(struct sysfs *s, const char *path, const char *want)
{
	struct sysfs_node node;

	assert_int_equal(sysfs_lookup(s, path, &node), 0);
	assert_int_equal(node.type, SYSFS_LINK);
	assert_string_equal(node.target, want);
}

static void
assert_none(struct sysfs *s, const char *path)
{
	struct sysfs_node node;

	assert_int_equal(sysfs_lookup(s, path, &node), -ENOENT);
}

static void
attributes(void **state)
{
	assert_text(*state, "/pci/devices/" PF "/vendor", "0x8086\n");
	assert_text(*state, "/pci/devices/" PF "/device", "0x10fb\n");
	assert_text(*state, "/pci/devices/" VF0 "/device", "0x10ed\n");
	assert_text(*state, "/pci/devices/" VF0 "/subsystem_vendor", "0x5f82\n");
	assert_text(*state, "/pci/devices/" PF "/sriov_numvfs", "2\n");
	assert_text(*state, "/pci/devices/" PF "/sriov_totalvfs", "2\n");
	assert_text(*state, "/pci/devices/" PF "/sriov_offset", "128\n");
	assert_text(*state, "/pci/devices/" PF "/driver_override", "(null)\n");
	assert_text(*state, "/pci/drivers_autoprobe", "1\n");
	assert_none(*state, "/pci/devices/" VF0 "/sriov_numvfs");
	assert_none(*state, "/pci/devices/0000:03:00.0");
	assert_none(*state, "/pci/devices/" PF "/nonsense");
	assert_none(*state, "/elsewhere");
}

static void
links(void **state)
{
	assert_link(*state, "/pci/devices/" PF "/driver", "../../drivers/vfio-pci");
	assert_link(*state, "/pci/devices/" PF "/virtfn1", "../" VF1);
	assert_link(*state, "/pci/devices/" VF1 "/physfn", "../" PF);
	assert_link(*state, "/pci/drivers/vfio-pci/" VF0, "../../devices/" VF0);
	assert_none(*state, "/pci/drivers/ixgbe/" PF);
	assert_none(*state, "/pci/devices/" PF "/physfn");
	assert_none(*state, "/pci/devices/" PF "/virtfn2");
}

/* Everything that a folder lists is there, to the leaves. */
static struct sysfs *walked;
static unsigned int seen;

static void
walk(void *arg, const char *name)
{
	char path[256];
	struct sysfs_node node;

	snprintf(path, sizeof(path), "%s/%s", (const char *)arg, name);
	assert_int_equal(sysfs_lookup(walked, path, &node), 0);
	seen++;
	if (node.type == SYSFS_DIR)
		assert_int_equal(sysfs_list(walked, path, walk, path), 0);
}

static void
lists_what_it_has(void **state)
{
	walked = *state;
	seen = 0;
	assert_int_equal(sysfs_list(*state, "/", walk, ""), 0);
	assert_true(seen > 100);
	assert_int_equal(sysfs_list(*state, "/pci/devices/" PF "/vendor", walk, ""), -ENOTDIR);
	assert_int_equal(sysfs_list(*state, "/pci/x", walk, ""), -ENOENT);
}

static void
bind_and_unbind(void **state)
{
	struct sysfs *s = *state;

	assert_int_equal(echo(s, VF0, "/pci/drivers/ixgbevf/unbind"), -ENODEV);
	assert_int_equal(echo(s, "0000:99:00.0", "/pci/drivers/vfio-pci/unbind"), -ENODEV);
	assert_int_equal(echo(s, VF0, "/pci/drivers/vfio-pci/unbind"), 0);
	assert_none(s, "/pci/devices/" VF0 "/driver");
	/* vfio-pci has no ids of its own */
	assert_int_equal(echo(s, VF0, "/pci/drivers/vfio-pci/bind"), -ENODEV);
	assert_int_equal(echo(s, VF0, "/pci/drivers/ixgbe/bind"), -ENODEV);
	assert_int_equal(echo(s, VF0, "/pci/drivers/ixgbevf/bind"), 0);
	assert_link(s, "/pci/devices/" VF0 "/driver", "../../drivers/ixgbevf");
	assert_int_equal(echo(s, VF0, "/pci/drivers/ixgbevf/bind"), -EBUSY);
	assert_int_equal(echo(s, VF0, "/pci/drivers/ixgbevf/unbind"), 0);
	assert_int_equal(echo(s, "vfio-pci", "/pci/devices/" VF0 "/driver_override"), 0);
	assert_text(s, "/pci/devices/" VF0 "/driver_override", "vfio-pci\n");
	/* the override is for this function alone, and against all other drivers */
	assert_int_equal(echo(s, VF0, "/pci/drivers/ixgbevf/bind"), -ENODEV);
	assert_int_equal(echo(s, VF0, "/pci/drivers/vfio-pci/bind"), 0);
	assert_int_equal(s->st->func[0].driver, S82_DRV_VFIO);
	assert_int_equal(echo(s, "", "/pci/devices/" VF0 "/driver_override"), 0);
	assert_text(s, "/pci/devices/" VF0 "/driver_override", "(null)\n");
	/* what is bound stays bound */
	assert_link(s, "/pci/devices/" VF0 "/driver", "../../drivers/vfio-pci");
}

static void
in_use(void **state)
{
	struct sysfs *s = *state;

	s->st->func[0].owner = 1;
	assert_int_equal(echo(s, VF0, "/pci/drivers/vfio-pci/unbind"), -EBUSY);
	assert_int_equal(echo(s, "0", "/pci/devices/" PF "/sriov_numvfs"), -EBUSY);
	assert_int_equal(s->st->func[0].driver, S82_DRV_VFIO);
	s->st->func[0].owner = 0;
	assert_int_equal(echo(s, VF0, "/pci/drivers/vfio-pci/unbind"), 0);
}

static void
drivers_probe(void **state)
{
	struct sysfs *s = *state;

	assert_int_equal(echo(s, "0000:99:00.0", "/pci/drivers_probe"), -ENODEV);
	echo(s, VF1, "/pci/drivers/vfio-pci/unbind");
	assert_int_equal(echo(s, VF1, "/pci/drivers_probe"), 0);
	assert_int_equal(s->st->func[1].driver, S82_DRV_IXGBEVF);
	echo(s, VF1, "/pci/drivers/ixgbevf/unbind");
	echo(s, "vfio-pci", "/pci/devices/" VF1 "/driver_override");
	assert_int_equal(echo(s, VF1, "/pci/drivers_probe"), 0);
	assert_int_equal(s->st->func[1].driver, S82_DRV_VFIO);
	/* a driver that is not there takes nothing, and that is no error */
	echo(s, VF1, "/pci/drivers/vfio-pci/unbind");
	echo(s, "nonsense", "/pci/devices/" VF1 "/driver_override");
	assert_int_equal(echo(s, VF1, "/pci/drivers_probe"), 0);
	assert_int_equal(s->st->func[1].driver, S82_DRV_NONE);
}

static void
new_id(void **state)
{
	struct sysfs *s = *state;

	echo(s, VF0, "/pci/drivers/vfio-pci/unbind");
	s->st->func[S82_PF].driver = S82_DRV_NONE;
	assert_int_equal(echo(s, "8086", "/pci/drivers/vfio-pci/new_id"), -EINVAL);
	assert_int_equal(echo(s, "8086 10ed", "/pci/drivers/vfio-pci/new_id"), 0);
	/* all of that id without a driver are taken, others are not */
	assert_int_equal(s->st->func[0].driver, S82_DRV_VFIO);
	assert_int_equal(s->st->func[S82_PF].driver, S82_DRV_NONE);
	assert_int_equal(echo(s, "8086 10ed", "/pci/drivers/vfio-pci/new_id"), -EEXIST);
	assert_int_equal(echo(s, "8086 10ed", "/pci/drivers/vfio-pci/remove_id"), 0);
	assert_int_equal(echo(s, "8086 10ed", "/pci/drivers/vfio-pci/remove_id"), -ENODEV);
}

#define NUMVFS	"/pci/devices/" PF "/sriov_numvfs"

static void
numvfs(void **state)
{
	struct sysfs *s = *state;

	assert_int_equal(echo(s, "2", NUMVFS), 0);
	assert_int_equal(echo(s, "x", NUMVFS), -EINVAL);
	assert_int_equal(echo(s, "3", NUMVFS), -ERANGE);
	assert_int_equal(echo(s, "1", NUMVFS), -EBUSY);
	assert_int_equal(echo(s, "0", NUMVFS), 0);
	assert_text(s, NUMVFS, "0\n");
	assert_none(s, "/pci/devices/" VF0);
	assert_none(s, "/pci/devices/" PF "/virtfn0");
	/* fewer than the card can have: the others are not there */
	assert_int_equal(echo(s, "1", NUMVFS), 0);
	assert_link(s, "/pci/devices/" PF "/virtfn0", "../" VF0);
	assert_none(s, "/pci/devices/" VF1);
	/* a PF on vfio-pci captures its VFs, */
	assert_text(s, "/pci/devices/" VF0 "/driver_override", "vfio-pci\n");
	assert_int_equal(s->st->func[0].driver, S82_DRV_VFIO);
	/* and while it has some nothing changes without enable_sriov */
	assert_int_equal(echo(s, "N", "/module/vfio_pci/parameters/enable_sriov"), 0);
	assert_text(s, "/module/vfio_pci/parameters/enable_sriov", "N\n");
	assert_int_equal(echo(s, "0", NUMVFS), -ENOENT);
	assert_int_equal(echo(s, "1", "/module/vfio_pci/parameters/enable_sriov"), 0);
	/* the VFs go with the PF's driver */
	assert_int_equal(echo(s, PF, "/pci/drivers/vfio-pci/unbind"), 0);
	assert_none(s, "/pci/devices/" VF0);
	assert_int_equal(echo(s, "1", NUMVFS), -ENOENT);
}

static void
numvfs_of_a_kernel_pf(void **state)
{
	struct sysfs *s = *state;

	echo(s, PF, "/pci/drivers/vfio-pci/unbind");
	assert_int_equal(echo(s, PF, "/pci/drivers/ixgbe/bind"), 0);
	assert_int_equal(echo(s, "0", "/pci/devices/" PF "/sriov_drivers_autoprobe"), 0);
	assert_int_equal(echo(s, "2", NUMVFS), 0);
	assert_int_equal(s->st->func[0].driver, S82_DRV_NONE);
	/* without autoprobe an override is the way to any driver (pci_device_can_probe) */
	assert_int_equal(echo(s, VF0, "/pci/drivers/ixgbevf/bind"), -ENODEV);
	assert_int_equal(echo(s, "ixgbevf", "/pci/devices/" VF0 "/driver_override"), 0);
	assert_int_equal(echo(s, VF0, "/pci/drivers/ixgbevf/bind"), 0);
	/* vfio-pci takes no PF with VFs: bind says so, drivers_probe does not */
	echo(s, "vfio-pci", "/pci/devices/" PF "/driver_override");
	s->st->func[S82_PF].driver = S82_DRV_NONE;
	assert_int_equal(echo(s, PF, "/pci/drivers/vfio-pci/bind"), -EBUSY);
	assert_int_equal(echo(s, PF, "/pci/drivers_probe"), 0);
	assert_int_equal(s->st->func[S82_PF].driver, S82_DRV_NONE);
}

static void
faults(void **state)
{
	struct sysfs *s = *state;

	assert_int_equal(sysfs_fault_parse("2:EBUSY", &s->fault[0]), 0);
	assert_int_equal(sysfs_fault_parse("4+:hang", &s->fault[1]), 0);
	s->faults = 2;
	assert_int_equal(sysfs_fault_next(s), 0);
	assert_int_equal(sysfs_fault_next(s), -EBUSY);
	assert_int_equal(sysfs_fault_next(s), 0);
	assert_int_equal(sysfs_fault_next(s), SYSFS_HANG);
	assert_int_equal(sysfs_fault_next(s), SYSFS_HANG);
	for (const char *const *bad = (const char *const[]){ "", "0:EBUSY", "1", "1:", "1:BUSY",
			"-1:EIO", "1-:EIO", NULL }; *bad != NULL; bad++)
		assert_int_equal(sysfs_fault_parse(*bad, &s->fault[2]), -EINVAL);
}

static void
read_only_and_write_only(void **state)
{
	struct sysfs *s = *state;
	struct sysfs_node node;
	char buf[16];

	assert_int_equal(echo(s, "1", "/pci/devices/" PF "/vendor"), -EIO);
	assert_int_equal(sysfs_lookup(s, "/pci/drivers/ixgbe/bind", &node), 0);
	assert_int_equal(sysfs_read(s, &node, buf, sizeof(buf), 0), -EIO);
}

static void
config_space(void **state)
{
	struct sysfs_node node;
	uint8_t buf[8];

	assert_int_equal(sysfs_lookup(*state, "/pci/devices/" VF0 "/config", &node), 0);
	assert_int_equal(sysfs_size(&node), 4096);
	assert_int_equal(sysfs_read(*state, &node, (char *)buf, 4, 0), 4);
	assert_memory_equal(buf, ((uint8_t[]){ 0x86, 0x80, 0xed, 0x10 }), 4);
	assert_int_equal(sysfs_read(*state, &node, (char *)buf, 8, 4092), 4);
	assert_int_equal(sysfs_read(*state, &node, (char *)buf, 8, 4096), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(attributes, setup, teardown),
		cmocka_unit_test_setup_teardown(links, setup, teardown),
		cmocka_unit_test_setup_teardown(lists_what_it_has, setup, teardown),
		cmocka_unit_test_setup_teardown(bind_and_unbind, setup, teardown),
		cmocka_unit_test_setup_teardown(in_use, setup, teardown),
		cmocka_unit_test_setup_teardown(drivers_probe, setup, teardown),
		cmocka_unit_test_setup_teardown(new_id, setup, teardown),
		cmocka_unit_test_setup_teardown(numvfs, setup, teardown),
		cmocka_unit_test_setup_teardown(numvfs_of_a_kernel_pf, setup, teardown),
		cmocka_unit_test_setup_teardown(faults, setup, teardown),
		cmocka_unit_test_setup_teardown(read_only_and_write_only, setup, teardown),
		cmocka_unit_test_setup_teardown(config_space, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
