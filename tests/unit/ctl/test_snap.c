/* SPDX-License-Identifier: BSD-3-Clause */
/* Two snapshots: what differs, in which register, and what is said of it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "snap.h"

#define VF "0000:03:10.1"

static struct snap one, two;
static struct snap_changes all;

static int
end(void **state)
{
	(void)state;
	snap_free(&one);
	snap_free(&two);
	snap_changes_free(&all);
	return 0;
}

static void
fact(struct snap *s, const char *key, const char *value)
{
	struct snap_dev *dev = snap_dev(s, VF);

	assert_non_null(dev);
	assert_int_equal(snap_add(dev, key, value), 0);
}

static const struct snap_change *
change(const char *what)
{
	for (size_t i = 0; i < all.n; i++)
		if (strcmp(all.list[i].what, what) == 0)
			return &all.list[i];
	fail_msg("%s is not among the %zu changes", what, all.n);
	return NULL;
}

static void
expect(const char *what, const char *before, const char *after, const char *meaning)
{
	const struct snap_change *c = change(what);

	if (before)
		assert_string_equal(c->before, before);
	else
		assert_null(c->before);
	if (after)
		assert_string_equal(c->after, after);
	else
		assert_null(c->after);
	if (!strstr(c->meaning, meaning))
		fail_msg("%s: \"%s\" has no \"%s\"", what, c->meaning, meaning);
}

/* The seed's VF: on ixgbevf with an interface and two vectors, then on vfio-pci. */
static void
bound(void **state)
{
	(void)state;
	fact(&one, "driver", "ixgbevf");
	fact(&one, "driver_override", "(null)");
	fact(&one, "iommu_group", "36");
	fact(&one, "net.enp3s16f1", "02:09:c0:00:00:00");
	fact(&one, "net.enp3s16f1.state", "down");
	fact(&one, "net.enp3s16f1.mtu", "1500");
	fact(&one, "msi_irqs", "72 73");
	fact(&one, "entries", "config driver msi_irqs net ptp virtfn0");
	fact(&two, "driver", "vfio-pci");
	fact(&two, "driver_override", "vfio-pci");
	fact(&two, "iommu_group", "36");
	fact(&two, "entries", "config driver vfio-dev virtfn1");
	assert_int_equal(snap_diff(&one, &two, &all), 0);
	expect("driver", "ixgbevf", "vfio-pci", "/dev/vfio/36; what ixgbevf made of it");
	expect("driver_override", "(null)", "vfio-pci", "only vfio-pci");
	expect("net.enp3s16f1", "02:09:c0:00:00:00", NULL, "was ixgbevf's and went with it");
	expect("msi_irqs", "72 73", NULL, "freed its 2 interrupt vectors");
	expect("ptp", "there", NULL, "PTP");
	/* Nothing twice: state, MTU, and entries that other facts tell. */
	assert_int_equal(all.n, 5);
}

static void
back_again(void **state)
{
	(void)state;
	fact(&one, "driver", "vfio-pci");
	fact(&one, "iommu_group", "36");
	fact(&two, "driver", "ixgbevf");
	fact(&two, "iommu_group", "41");
	fact(&two, "net.enp3s16f1", "52:11:22:33:44:55");
	fact(&two, "msi_irqs", "80 81");
	assert_int_equal(snap_diff(&one, &two, &all), 0);
	expect("driver", "vfio-pci", "ixgbevf", "back with a kernel driver");
	expect("iommu_group", "36", "41", "made anew, it got another");
	expect("net.enp3s16f1", NULL, "52:11:22:33:44:55", "came with its driver ixgbevf");
	expect("msi_irqs", NULL, "80 81", "took 2 interrupt vectors");
}

static void
came_and_went(void **state)
{
	(void)state;
	assert_int_equal(snap_add(snap_dev(&one, "0000:03:00.1"), "driver", "ixgbe"), 0);
	fact(&two, "driver", "ixgbevf");
	fact(&two, "physfn", "0000:03:00.1");
	fact(&two, "iommu_group", "36");
	assert_int_equal(snap_diff(&one, &two, &all), 0);
	assert_int_equal(all.n, 2);
	assert_string_equal(all.list[0].pci, "0000:03:00.1");
	assert_null(all.list[0].after);
	assert_string_equal(all.list[1].pci, VF);
	assert_non_null(strstr(all.list[1].meaning, "VF of 0000:03:00.1 came, on driver ixgbevf, "
						    "in IOMMU group 36"));
}

static void
nothing(void **state)
{
	(void)state;
	fact(&one, "driver", "ixgbe");
	fact(&two, "driver", "ixgbe");
	assert_int_equal(snap_diff(&one, &two, &all), 0);
	assert_int_equal(all.n, 0);
}

/* A configuration space with MSI-X at 0x70, PCIe at 0xa0, SR-IOV at 0x100. */
static void
put(char *hex, unsigned int at, unsigned int value)
{
	char byte[3];

	snprintf(byte, sizeof(byte), "%02x", value & 0xff);
	memcpy(hex + 2 * at, byte, 2);
}

static char *
space(unsigned int bytes)
{
	char *hex = malloc(2 * bytes + 1);

	assert_non_null(hex);
	memset(hex, '0', 2 * bytes);
	hex[2 * bytes] = '\0';
	if (bytes > 0x100) {
		put(hex, 0x34, 0x70);
		put(hex, 0x70, 0x11);
		put(hex, 0x71, 0xa0);
		put(hex, 0xa0, 0x10);
		put(hex, 0x100, 0x10);
		put(hex, 0x102, 0x01);
	}
	return hex;
}

static void
compare(char *was, char *is)
{
	fact(&one, "config", was);
	fact(&two, "config", is);
	free(was);
	free(is);
	assert_int_equal(snap_diff(&one, &two, &all), 0);
}

static void
registers(void **state)
{
	char *was = space(4096), *is = space(4096);

	(void)state;
	put(is, 0x04, 0x06);
	put(is, 0x05, 0x04);
	put(was, 0x73, 0x80);
	put(is, 0x108, 0x09);
	put(is, 0x110, 0x02);
	put(is, 0x134, 0x10);
	put(is, 0x4f, 0x01);
	compare(was, is);
	expect("config COMMAND", "0000", "0406",
		"enabling device; it may do DMA (bus master); its INTx line is off");
	expect("config MSI-X control", "8000", "0000", "MSI-X off: the vectors were given back");
	expect("config SR-IOV control", "0000", "0009", "its VFs are there; its VFs answer");
	expect("config SR-IOV NumVFs", "0000", "0002", "how many VFs");
	expect("config SR-IOV page size and addresses", "00000000", "00000010",
		"registers of all VFs");
	expect("config 0x04c", "00000000", "01000000", "a register of the header");
	assert_int_equal(all.n, 6);
}

static void
sixty_four_bytes(void **state)
{
	char *was = space(4096), *is = space(64);

	(void)state;
	put(was, 0x34, 0);
	put(is, 0x04, 0x02);
	put(was, 0x1000 - 1, 0xff);
	compare(was, is);
	assert_int_equal(all.n, 2);
	assert_non_null(strstr(all.list[0].meaning, "without root"));
	expect("config COMMAND", "0000", "0002", "enabling device");
}

/* A list of capabilities that bites its own tail must not catch us. */
static void
endless_list(void **state)
{
	char *was = space(4096), *is = space(4096);

	(void)state;
	put(was, 0xa1, 0x70);
	put(is, 0xa1, 0x70);
	put(was, 0x103, 0x10); /* the next one is itself */
	put(is, 0x103, 0x10);
	put(is, 0xff, 1);
	put(is, 0x200, 1);
	compare(was, is);
	assert_int_equal(all.n, 2);
}

static void
no_snapshot(void **state)
{
	char file[] = "/tmp/snapXXXXXX";
	static const char *const bad[] = {"", "[]", "{}", "{\"schema\": \"vfctl.snapshot/2\", "
		"\"devices\": []}",
		"{\"schema\": \"vfctl.snapshot/1\"}",
		"{\"schema\": \"vfctl.snapshot/1\", \"devices\": [{\"pci\": 5, \"facts\": {}}]}",
		"{\"schema\": \"vfctl.snapshot/1\", \"devices\": [{\"pci\": \"a\", \"facts\": "
		"{\"b\": 5}}]}",
		"{\"schema\": \"vfctl.snapshot/1\", \"devices\": [{\"pci\": \"0123456789abcdef\", "
		"\"facts\": {}}]}"};
	const int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vfp_err err = {0};

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, bad[i], strlen(bad[i]), 0), (ssize_t)strlen(bad[i]));
		assert_true(snap_read(&one, file, &err) < 0);
		assert_non_null(strstr(err.text, file));
		snap_free(&one);
	}
	close(fd);
	unlink(file);
}

static void
written_and_read(void **state)
{
	char file[] = "/tmp/snapXXXXXX";
	const int fd = mkstemp(file);
	struct vfp_err err = {0};
	FILE *f = fdopen(fd, "w");

	(void)state;
	assert_non_null(f);
	fact(&one, "driver", "ixgbe");
	fact(&one, "config", "8680");
	assert_int_equal(snap_write(&one, f), 0);
	fclose(f);
	assert_int_equal(snap_read(&two, file, &err), 0);
	unlink(file);
	assert_string_equal(snap_get(snap_dev(&two, VF), "driver"), "ixgbe");
	assert_int_equal(snap_diff(&one, &two, &all), 0);
	assert_int_equal(all.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(bound, end),
		cmocka_unit_test_teardown(back_again, end),
		cmocka_unit_test_teardown(came_and_went, end),
		cmocka_unit_test_teardown(nothing, end),
		cmocka_unit_test_teardown(registers, end),
		cmocka_unit_test_teardown(sixty_four_bytes, end),
		cmocka_unit_test_teardown(endless_list, end),
		cmocka_unit_test_teardown(no_snapshot, end),
		cmocka_unit_test_teardown(written_and_read, end),
	};

	return cmocka_run_group_tests_name("snap", tests, NULL, NULL);
}
