/* SPDX-License-Identifier: BSD-3-Clause */
/* The manifest's and the noise's readers, on a tree of files that the test writes. */
#include <errno.h>
#include <math.h>
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
#include <jansson.h>

#include "meas_manifest.h"
#include "meas_noise.h"

static char root[] = "/tmp/vfp-test-machine-XXXXXX";

/* Write a file below the root, with its folders. */
static void
put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *c = full + strlen(root) + 1; (c = strchr(c, '/')); c++) {
		*c = '\0';
		assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
		*c = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
a_machine_that_tells_everything(void **state)
{
	struct meas_machine m;

	(void)state;
	put("/proc/cpuinfo",
		"processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon E5-2680 v2\n"
		"microcode\t: 0x42e\nflags\t\t: fpu vme hypervisor\n\nprocessor\t: 1\nmodel "
		"name\t: other\n");
	put("/proc/cmdline",
		"BOOT_IMAGE=/vmlinuz isolcpus=managed_irq,domain,1-3 xisolcpus=9 nohz_full=1-3\n");
	put("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
	put("/proc/loadavg", "0.25 0.1 0.1 1/100 1234\n");
	put("/sys/devices/system/cpu/isolated", "1-3\n");
	put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
	put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n");
	put("/sys/devices/system/cpu/cpufreq/boost", "1\n");
	put("/sys/devices/system/cpu/smt/active", "0\n");
	put("/sys/devices/system/node/node0/cpulist", "0-1\n");
	put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
	put("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "500\n");
	meas_machine_read(root, &m);
	assert_string_equal(m.cpu, "Xeon E5-2680 v2");
	assert_string_equal(m.microcode, "0x42e");
	assert_string_equal(m.hypervisor, "yes");
	assert_string_equal(m.kernel, "6.1.0-18-amd64");
	assert_string_equal(m.isolcpus, "managed_irq,domain,1-3");
	assert_string_equal(m.nohz_full, "1-3");
	assert_string_equal(m.rcu_nocbs, "");
	assert_string_equal(m.isolated, "1-3");
	assert_string_equal(m.governor, "mixed");
	assert_string_equal(m.turbo, "on");
	assert_string_equal(m.thp, "madvise");
	assert_true(m.cpus == 2 && m.numa_nodes == 1 && m.smt == 0 && m.load1 == 0.25);
	assert_true(m.n_huge == 1 && m.huge[0].size_kb == 2048 && m.huge[0].total == 512 &&
		    m.huge[0].free == 500);
}

static void
what_is_not_told_is_null(void **state)
{
	struct meas_machine m;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct vfp_out *o = vfp_out_new(VFP_JSON, f);
	json_t *j;

	(void)state;
	meas_machine_read("/nonexistent", &m);
	meas_machine_put(&m, o);
	assert_int_equal(vfp_out_end(o), 0);
	fclose(f);
	j = json_loads(text, 0, NULL);
	assert_non_null(j);
	assert_true(json_is_null(json_object_get(j, "cpu")));
	assert_true(json_is_null(json_object_get(j, "governor")));
	assert_true(json_is_null(json_object_get(j, "numa_nodes")));
	assert_true(json_is_null(json_object_get(j, "load_1min")));
	json_decref(j);
	free(text);
}

static void
a_configuration_has_its_hash(void **state)
{
	char hex[MEAS_SHA256], *text, path[128];
	struct vfp_err err;

	(void)state;
	/* FIPS 180-2, appendix B.1 */
	assert_string_equal(meas_sha256("abc", hex),
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	put("/conf", "vf 0 { }\n");
	snprintf(path, sizeof(path), "%s/conf", root);
	assert_int_equal(meas_file_text(path, 100, &text, &err), 0);
	assert_string_equal(text, "vf 0 { }\n");
	free(text);
	assert_int_equal(meas_file_text(path, 4, &text, &err), -EFBIG);
	assert_non_null(strstr(err.text, "longer than 4 bytes"));
	assert_null(text);
	assert_int_equal(meas_file_text("/nonexistent", 4, &text, &err), -ENOENT);
}

static const char interrupts_before[] =
	"           CPU0       CPU2\n"
	" 24:          1         50  IO-APIC   5-edge      ACPI:Ged\n"
	" 36:        100        200 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0\n"
	"NMI:          0          0   Non-maskable interrupts\n"
	"LOC:       1000       2000   Local timer interrupts\n"
	"RES:          5         10   Rescheduling interrupts\n"
	"ERR:          7\n";
/* Later: 24 went away, 37 came, the timer ticked 500 times. */
static const char interrupts_after[] =
	"           CPU0       CPU2\n"
	" 36:        100        220 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0\n"
	" 37:          0         60 PCI-MSIX-0000:00:02.0   2-edge      eth0-rx-0\n"
	"NMI:          0          0   Non-maskable interrupts\n"
	"LOC:       9000       2500   Local timer interrupts\n"
	"RES:          5        410   Rescheduling interrupts\n"
	"ERR:          7\n";

static void
interrupts_are_read_by_cpu_not_by_column(void **state)
{
	const char *cursor = interrupts_before;
	struct meas_irq irq;

	(void)state;
	assert_int_equal(meas_irq_column(interrupts_before, 0), 0);
	assert_int_equal(meas_irq_column(interrupts_before, 1), -1);
	assert_int_equal(meas_irq_column(interrupts_before, 2), 1);
	assert_true(meas_irq_next(&cursor, 1, &irq));
	assert_string_equal(irq.name, "24");
	assert_string_equal(irq.what, "ACPI:Ged");
	assert_int_equal(irq.count, 50);
	assert_true(meas_irq_next(&cursor, 1, &irq) && irq.count == 200);
	assert_string_equal(irq.what, "virtio1-req.0");
	assert_true(meas_irq_next(&cursor, 1, &irq) && meas_irq_next(&cursor, 1, &irq));
	assert_string_equal(irq.what, "Local timer interrupts");
	assert_true(meas_irq_next(&cursor, 1, &irq) && meas_irq_next(&cursor, 1, &irq));
	assert_string_equal(irq.name, "ERR");
	assert_true(irq.count == 0 && !meas_irq_next(&cursor, 1, &irq));
}

static void
stolen_time_is_of_one_cpu(void **state)
{
	static const char stat[] = "cpu  1 1 1 1 1 1 1 99 0 0\ncpu1 10 0 5 80 0 0 0 5 0 0\n"
				   "cpu12 1 2 3 4 5 6 7 8 0 0\nintr 5\n";
	uint64_t steal, total;

	(void)state;
	assert_true(meas_stat_cpu(stat, 1, &steal, &total) && steal == 5 && total == 100);
	assert_true(meas_stat_cpu(stat, 12, &steal, &total) && steal == 8 && total == 36);
	assert_false(meas_stat_cpu(stat, 2, &steal, &total));
	assert_false(meas_stat_cpu("", 0, &steal, &total));
}

static json_t *
noise_between(const struct meas_noise *from, const struct meas_noise *to)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct vfp_out *o = vfp_out_new(VFP_JSON, f);
	json_t *j, *noise;

	meas_noise_put(from, to, 10, o);
	assert_int_equal(vfp_out_end(o), 0);
	fclose(f);
	j = json_loads(text, 0, NULL);
	free(text);
	noise = json_incref(json_object_get(j, "noise"));
	json_decref(j);
	assert_non_null(noise);
	return noise;
}

static double
number(json_t *noise, const char *key)
{
	return json_number_value(
		json_object_get(json_array_get(json_object_get(noise, "cores"), 0), key));
}

static bool
found(json_t *noise, const char *what)
{
	json_t *each;
	size_t i;

	json_array_foreach(json_object_get(noise, "findings"), i,
		each) if (strstr(json_string_value(json_object_get(each, "what")), what))
	{
		assert_true(strlen(json_string_value(json_object_get(each, "remedy"))) > 20);
		return true;
	}
	return false;
}

static void
every_noise_is_told_with_its_remedy(void **state)
{
	const struct meas_core core = {.lcore = 5, .cpu = 2, .tid = 77};
	struct meas_noise *from, *to;
	json_t *noise;

	(void)state;
	put("/proc/stat", "cpu2 100 0 0 900 0 0 0 0 0 0\n");
	put("/proc/interrupts", interrupts_before);
	put("/proc/self/task/77/comm", "rte-worker-5\n");
	put("/proc/self/task/77/status", "Name:\tx\nvoluntary_ctxt_switches:\t9\n"
					 "nonvoluntary_ctxt_switches:\t3\n");
	put("/proc/self/task/77/schedstat", "1000 5000000 7\n");
	put("/sys/devices/system/cpu/cpu2/cpufreq/scaling_cur_freq", "2800000\n");
	put("/sys/devices/system/cpu/cpu2/cpufreq/stats/total_trans", "4\n");
	put("/sys/devices/system/cpu/cpu2/thermal_throttle/core_throttle_count", "1\n");
	assert_int_equal(meas_worker_tid(root, 5), 77);
	assert_int_equal(meas_worker_tid(root, 7), 0);
	from = meas_noise_take(root, &core, 1);
	noise = noise_between(from, from);
	assert_int_equal(json_array_size(json_object_get(noise, "findings")), 0);
	json_decref(noise);

	put("/proc/stat", "cpu2 600 0 0 1350 0 0 0 50 0 0\n");
	put("/proc/interrupts", interrupts_after);
	put("/proc/self/task/77/status", "nonvoluntary_ctxt_switches:\t23\n");
	put("/proc/self/task/77/schedstat", "9000 505000000 7\n");
	put("/sys/devices/system/cpu/cpu2/cpufreq/stats/total_trans", "6\n");
	put("/sys/devices/system/cpu/cpu2/thermal_throttle/core_throttle_count", "2\n");
	to = meas_noise_take(root, &core, 1);
	noise = noise_between(from, to);
	assert_true(number(noise, "lcore") == 5 && number(noise, "cpu") == 2);
	assert_true(fabs(number(noise, "stolen") - 0.05) < 1e-9);
	assert_true(number(noise, "preempted_per_s") == 2 && number(noise, "timer_per_s") == 50);
	assert_true(fabs(number(noise, "waited") - 0.05) < 1e-9);
	assert_true(
		number(noise, "device_irqs_per_s") == 8 && number(noise, "other_irqs_per_s") == 40);
	assert_true(number(noise, "mhz") == 2800 && number(noise, "mhz_changes") == 2);
	assert_true(
		found(noise, "stolen") && found(noise, "other threads") && found(noise, "timer"));
	assert_true(found(noise, "most of them 37 (eth0-rx-0)") && found(noise, "other CPUs"));
	assert_true(found(noise, "frequency") && found(noise, "too hot"));
	json_decref(noise);
	meas_noise_free(from);
	meas_noise_free(to);
}

static int
make_root(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int
remove_root(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_that_tells_everything),
		cmocka_unit_test(what_is_not_told_is_null),
		cmocka_unit_test(a_configuration_has_its_hash),
		cmocka_unit_test(interrupts_are_read_by_cpu_not_by_column),
		cmocka_unit_test(stolen_time_is_of_one_cpu),
		cmocka_unit_test(every_noise_is_told_with_its_remedy),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
