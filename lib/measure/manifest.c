/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bsd/string.h>

#include "meas_manifest.h"
#include "meas_proc.h"

int
meas_file_text(const char *path, uint32_t max, char **text, struct vfp_err *err)
{
	FILE *f = fopen(path, "re");
	char *buf = malloc((size_t)max + 1);
	size_t n;
	int ret = 0;

	*text = NULL;
	if (!f)
		ret = vfp_err_set(err, -errno, "%s: %s", path, strerror(errno));
	else if (!buf)
		ret = vfp_err_set(err, -ENOMEM, "out of memory");
	if (ret == 0) {
		n = fread(buf, 1, (size_t)max + 1, f);
		if (ferror(f))
			ret = vfp_err_set(err, -EIO, "%s: %s", path, strerror(EIO));
		else if (n > max)
			ret = vfp_err_set(err, -EFBIG, "%s: longer than %u bytes", path, max);
		else
			buf[n] = '\0';
	}
	if (f)
		fclose(f);
	if (ret < 0)
		free(buf);
	else
		*text = buf;
	return ret;
}

int
meas_proc_line(const char *root, const char *path, char *buf, size_t size)
{
	char full[256];
	FILE *f;

	buf[0] = '\0';
	snprintf(full, sizeof(full), "%s%s", root, path);
	f = fopen(full, "re");
	if (!f)
		return -errno;
	if (!fgets(buf, (int)size, f))
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	fclose(f);
	return 0;
}

int64_t
meas_proc_number(const char *root, const char *path)
{
	char line[64], *end;
	long long v;

	if (meas_proc_line(root, path, line, sizeof(line)) < 0)
		return -1;
	v = strtoll(line, &end, 10);
	return end == line ? -1 : v;
}

/* "key : value" of cpu 0; false when the key is not there. */
static bool
cpuinfo(const char *root, const char *key, char *value, size_t size)
{
	char path[256], line[4096];
	const size_t len = strlen(key);
	bool found = false;
	FILE *f;

	value[0] = '\0';
	snprintf(path, sizeof(path), "%s/proc/cpuinfo", root);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f) && line[0] != '\n') {
		const char *colon = strchr(line, ':');

		if (!colon || strncmp(line, key, len) != 0 ||
			line + len + strspn(line + len, " \t") != colon)
			continue;
		colon += 1 + strspn(colon + 1, " ");
		strlcpy(value, colon, size);
		value[strcspn(value, "\n")] = '\0';
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

/* The value of word= on the kernel's command line. */
static void
boot_option(const char *cmdline, const char *word, char *value, size_t size)
{
	const size_t len = strlen(word);

	value[0] = '\0';
	for (const char *c = cmdline; *c; c += strcspn(c, " "), c += strspn(c, " ")) {
		if (strncmp(c, word, len) != 0 || c[len] != '=')
			continue;
		snprintf(value, size, "%.*s", (int)strcspn(c + len + 1, " "), c + len + 1);
	}
}

static void
read_boot(const char *root, struct meas_machine *m)
{
	char cmdline[4096];

	meas_proc_line(root, "/proc/cmdline", cmdline, sizeof(cmdline));
	boot_option(cmdline, "isolcpus", m->isolcpus, sizeof(m->isolcpus));
	boot_option(cmdline, "nohz_full", m->nohz_full, sizeof(m->nohz_full));
	boot_option(cmdline, "rcu_nocbs", m->rcu_nocbs, sizeof(m->rcu_nocbs));
	meas_proc_line(root, "/sys/devices/system/cpu/isolated", m->isolated, sizeof(m->isolated));
}

/* How many NAME<number> a folder of /sys has. */
static int
count_numbered(const char *root, const char *folder, const char *name)
{
	char path[256];
	struct dirent *e;
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s%s", root, folder);
	d = opendir(path);
	if (!d)
		return -1;
	while ((e = readdir(d))) {
		const char *digits = e->d_name + strlen(name);

		n += strncmp(e->d_name, name, strlen(name)) == 0 && *digits &&
		     digits[strspn(digits, "0123456789")] == '\0';
	}
	closedir(d);
	return n;
}

static void
read_governor(const char *root, struct meas_machine *m)
{
	for (int cpu = 0; cpu < m->cpus; cpu++) {
		char path[128], one[32];

		snprintf(path, sizeof(path),
			"/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu);
		if (meas_proc_line(root, path, one, sizeof(one)) < 0 || !one[0])
			continue;
		if (!m->governor[0])
			strlcpy(m->governor, one, sizeof(m->governor));
		else if (strcmp(m->governor, one) != 0)
			strlcpy(m->governor, "mixed", sizeof(m->governor));
	}
}

static void
read_turbo(const char *root, struct meas_machine *m)
{
	const int64_t off = meas_proc_number(root, "/sys/devices/system/cpu/intel_pstate/no_turbo");
	const int64_t boost = meas_proc_number(root, "/sys/devices/system/cpu/cpufreq/boost");

	if (off >= 0)
		strlcpy(m->turbo, off ? "off" : "on", sizeof(m->turbo));
	else if (boost >= 0)
		strlcpy(m->turbo, boost ? "on" : "off", sizeof(m->turbo));
}

/* "always [madvise] never": the word in brackets. */
static void
read_thp(const char *root, struct meas_machine *m)
{
	char line[64];
	const char *open;

	meas_proc_line(root, "/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof(line));
	open = strchr(line, '[');
	if (open)
		snprintf(m->thp, sizeof(m->thp), "%.*s", (int)strcspn(open + 1, "]"), open + 1);
}

static void
read_huge(const char *root, struct meas_machine *m)
{
	static const char folder[] = "/sys/kernel/mm/hugepages";
	char path[256];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s%s", root, folder);
	d = opendir(path);
	while (d && (e = readdir(d)) && m->n_huge < MEAS_HUGE_SIZES) {
		struct meas_huge *h = &m->huge[m->n_huge];
		unsigned long long kb;
		int64_t total, free_pages;

		if (sscanf(e->d_name, "hugepages-%llukB", &kb) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/hugepages-%llukB/nr_hugepages", folder, kb);
		total = meas_proc_number(root, path);
		snprintf(path, sizeof(path), "%s/hugepages-%llukB/free_hugepages", folder, kb);
		free_pages = meas_proc_number(root, path);
		if (total < 0 || free_pages < 0)
			continue;
		*h = (struct meas_huge){kb, (uint64_t)total, (uint64_t)free_pages};
		m->n_huge++;
	}
	if (d)
		closedir(d);
}

void
meas_machine_read(const char *root, struct meas_machine *m)
{
	char line[4096];

	*m = (struct meas_machine){0};
	meas_proc_line(root, "/proc/sys/kernel/osrelease", m->kernel, sizeof(m->kernel));
	cpuinfo(root, "model name", m->cpu, sizeof(m->cpu));
	cpuinfo(root, "microcode", m->microcode, sizeof(m->microcode));
	if (cpuinfo(root, "flags", line, sizeof(line)))
		strlcpy(m->hypervisor, strstr(line, " hypervisor") ? "yes" : "no",
			sizeof(m->hypervisor));
	m->cpus = count_numbered(root, "/sys/devices/system/cpu", "cpu");
	m->numa_nodes = count_numbered(root, "/sys/devices/system/node", "node");
	m->smt = (int)meas_proc_number(root, "/sys/devices/system/cpu/smt/active");
	read_boot(root, m);
	read_governor(root, m);
	read_turbo(root, m);
	read_thp(root, m);
	read_huge(root, m);
	meas_proc_line(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
		m->clocksource, sizeof(m->clocksource));
	m->load1 = meas_proc_line(root, "/proc/loadavg", line, sizeof(line)) == 0
			   ? strtod(line, NULL)
			   : NAN;
}

static void
put_text(struct vfp_out *o, const char *key, const char *text)
{
	vfp_out_str(o, key, text[0] ? text : NULL);
}

static void
put_count(struct vfp_out *o, const char *key, int n)
{
	if (n < 0)
		vfp_out_null(o, key);
	else
		vfp_out_i64(o, key, n, VFP_PLAIN);
}

void
meas_machine_put(const struct meas_machine *m, struct vfp_out *o)
{
	put_text(o, "kernel", m->kernel);
	put_text(o, "cpu", m->cpu);
	put_text(o, "microcode", m->microcode);
	put_text(o, "virtual", m->hypervisor);
	put_count(o, "cpus", m->cpus);
	put_count(o, "numa_nodes", m->numa_nodes);
	put_count(o, "smt_active", m->smt);
	put_text(o, "clocksource", m->clocksource);
	/* Not isolated is known where the kernel says so with an empty line: "none". */
	vfp_out_open(o, "isolation");
	vfp_out_str(o, "isolated", m->isolated[0] ? m->isolated : "none");
	vfp_out_str(o, "isolcpus", m->isolcpus[0] ? m->isolcpus : "none");
	vfp_out_str(o, "nohz_full", m->nohz_full[0] ? m->nohz_full : "none");
	vfp_out_str(o, "rcu_nocbs", m->rcu_nocbs[0] ? m->rcu_nocbs : "none");
	vfp_out_close(o);
	put_text(o, "governor", m->governor);
	put_text(o, "turbo", m->turbo);
	put_text(o, "transparent_hugepages", m->thp);
	vfp_out_list(o, "hugepages");
	for (uint16_t i = 0; i < m->n_huge; i++) {
		vfp_out_open(o, NULL);
		vfp_out_u64(o, "size_kb", m->huge[i].size_kb, VFP_PLAIN);
		vfp_out_u64(o, "total", m->huge[i].total, VFP_COUNT);
		vfp_out_u64(o, "free", m->huge[i].free, VFP_COUNT);
		vfp_out_close(o);
	}
	vfp_out_close(o);
	vfp_out_double(o, "load_1min", m->load1, VFP_PLAIN);
}

const char *
meas_sha256(const char *text, char hex[MEAS_SHA256])
{
	return SHA256Data((const uint8_t *)text, strlen(text), hex);
}

const char *
meas_date(double epoch_s, char buf[32])
{
	const time_t t = (time_t)epoch_s;
	struct tm tm;

	strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	return buf;
}
