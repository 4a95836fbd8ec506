/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "meas_manifest.h"
#include "meas_noise.h"
#include "meas_proc.h"

#define FILE_MAX (4u << 20) /* /proc/interrupts of a machine with hundreds of CPUs */

struct core_state {
	struct meas_core id;
	int64_t preempted; /* involuntary switches of its thread; -1: not told */
	int64_t waited_ns; /* time it was ready and another ran */
	int64_t khz;       /* the frequency now */
	int64_t switches;  /* changes of frequency */
	int64_t throttled; /* times that the CPU was too hot */
};

struct meas_noise {
	char *stat, *interrupts;
	uint16_t n;
	struct core_state core[];
};

bool
meas_stat_cpu(const char *text, int cpu, uint64_t *steal, uint64_t *total)
{
	char head[16];
	uint64_t v[8];
	const char *line = text;

	snprintf(head, sizeof(head), "cpu%d ", cpu);
	for (; line && strncmp(line, head, strlen(head)) != 0; line = line ? line + 1 : NULL) {
		line = strchr(line, '\n');
		if (!line)
			return false;
	}
	if (!line || sscanf(line + strlen(head),
			     "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			     " %" SCNu64 " %" SCNu64,
			     &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) != 8)
		return false;
	*total = 0;
	for (int i = 0; i < 8; i++)
		*total += v[i];
	*steal = v[7];
	return true;
}

int
meas_irq_column(const char *text, int cpu)
{
	const char *end = text + strcspn(text, "\n");
	int column = 0, id, took;

	for (const char *c = text; c < end && sscanf(c, " CPU%d%n", &id, &took) == 1; c += took) {
		if (id == cpu)
			return column;
		column++;
	}
	return -1;
}

/* Past all numbers of a line: what the interrupt is. The last word names the device. */
static void
irq_name(const char *rest, char *what, size_t size)
{
	char line[256];
	char *last;

	rest += strspn(rest, " \t");
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(rest, "\n"), rest);
	last = strrchr(line, ' ');
	/* "IO-APIC 4-edge ttyS0", but "Local timer interrupts". */
	strlcpy(what,
		last && (strstr(line, "-edge") || strstr(line, "-fasteoi") || strstr(line, "MSI") ||
				strstr(line, "-level"))
			? last + 1
			: line,
		size);
}

bool
meas_irq_next(const char **cursor, int column, struct meas_irq *irq)
{
	const char *line = strchr(*cursor, '\n'), *c;
	char *end;

	if (!line || line[1] == '\0')
		return false;
	*cursor = ++line;
	line += strspn(line, " ");
	c = line + strcspn(line, ":\n");
	if (*c != ':')
		return false;
	*irq = (struct meas_irq){0};
	snprintf(irq->name, sizeof(irq->name), "%.*s", (int)(c - line), line);
	c++;
	for (int k = 0;; k++) {
		const uint64_t v = strtoull(c, &end, 10);

		/* "4-edge" is no count, and ERR has one number, whatever the CPUs. */
		if (end == c || (*end != ' ' && *end != '\n' && *end != '\0'))
			break;
		if (k == column)
			irq->count = v;
		c = end;
		if (*end != ' ')
			break;
	}
	irq_name(c, irq->what, sizeof(irq->what));
	return true;
}

int
meas_worker_tid(const char *root, uint32_t lcore)
{
	char path[300], comm[32], want[2][32];
	struct dirent *e;
	int tid = 0;
	DIR *d;

	/* DPDK 22.11's name, and the one since 23.07; the kernel keeps 15 characters. */
	snprintf(want[0], sizeof(want[0]), "rte-worker-%u", lcore);
	snprintf(want[1], sizeof(want[1]), "dpdk-worker%u", lcore);
	want[0][15] = want[1][15] = '\0';
	snprintf(path, sizeof(path), "%s/proc/self/task", root);
	d = opendir(path);
	while (d && tid == 0 && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", e->d_name);
		if (meas_proc_line(root, path, comm, sizeof(comm)) == 0 &&
			(strcmp(comm, want[0]) == 0 || strcmp(comm, want[1]) == 0))
			tid = atoi(e->d_name);
	}
	if (d)
		closedir(d);
	return tid;
}

/* "nonvoluntary_ctxt_switches:  12" in the thread's status. */
static int64_t
preemptions(const char *root, int tid)
{
	static const char key[] = "nonvoluntary_ctxt_switches:";
	char path[256], *text;
	const char *at;
	int64_t n = -1;

	snprintf(path, sizeof(path), "%s/proc/self/task/%d/status", root, tid);
	if (meas_file_text(path, FILE_MAX, &text, NULL) < 0)
		return -1;
	at = strstr(text, key);
	if (at)
		n = strtoll(at + strlen(key), NULL, 10);
	free(text);
	return n;
}

/* The second number of schedstat; a kernel that does not keep it says 0 run time. */
static int64_t
waited(const char *root, int tid)
{
	char path[64], line[96];
	long long ran, wait;

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", tid);
	if (meas_proc_line(root, path, line, sizeof(line)) < 0 ||
		sscanf(line, "%lld %lld", &ran, &wait) != 2 || ran == 0)
		return -1;
	return wait;
}

static int64_t
of_cpu(const char *root, int cpu, const char *file)
{
	char path[160];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/%s", cpu, file);
	return meas_proc_number(root, path);
}

struct meas_noise *
meas_noise_take(const char *root, const struct meas_core *cores, uint16_t n)
{
	struct meas_noise *s = calloc(1, sizeof(*s) + n * sizeof(s->core[0]));
	char path[256];

	if (!s)
		return NULL;
	s->n = n;
	snprintf(path, sizeof(path), "%s/proc/stat", root);
	meas_file_text(path, FILE_MAX, &s->stat, NULL);
	snprintf(path, sizeof(path), "%s/proc/interrupts", root);
	meas_file_text(path, FILE_MAX, &s->interrupts, NULL);
	for (uint16_t i = 0; i < n; i++)
		s->core[i] = (struct core_state){
			.id = cores[i],
			.preempted = cores[i].tid ? preemptions(root, cores[i].tid) : -1,
			.waited_ns = cores[i].tid ? waited(root, cores[i].tid) : -1,
			.khz = of_cpu(root, cores[i].cpu, "cpufreq/scaling_cur_freq"),
			.switches = of_cpu(root, cores[i].cpu, "cpufreq/stats/total_trans"),
			.throttled =
				of_cpu(root, cores[i].cpu, "thermal_throttle/core_throttle_count"),
		};
	return s;
}

void
meas_noise_free(struct meas_noise *s)
{
	if (!s)
		return;
	free(s->stat);
	free(s->interrupts);
	free(s);
}

/* What one core lost. Negative: not told by this machine. */
struct loss {
	double steal;                /* share of its time */
	double timer, device, other; /* interrupts a second */
	double preempted;            /* a second */
	double waited;               /* share of its time */
	int64_t switches, throttled;
	struct meas_irq worst; /* the device interrupt that came most often */
};

static double
per_second(int64_t from, int64_t to, double seconds)
{
	return from < 0 || to < 0 || seconds <= 0 ? -1 : (double)(to - from) / seconds;
}

/* The line of that name in an earlier text, from the cursor on: lines come and go with their
 * devices, their order stays. The cursor moves past it, or not at all. */
static uint64_t
count_before(const char **cursor, int column, const char *name)
{
	const char *look = *cursor;
	struct meas_irq was;

	while (meas_irq_next(&look, column, &was))
		if (strcmp(was.name, name) == 0) {
			*cursor = look;
			return was.count;
		}
	return 0;
}

static void
count_interrupts(const struct meas_noise *from, const struct meas_noise *to, int cpu,
	double seconds, struct loss *l)
{
	const char *then = from->interrupts, *now = to->interrupts;
	const int was = then ? meas_irq_column(then, cpu) : -1;
	const int is = now ? meas_irq_column(now, cpu) : -1;
	struct meas_irq irq;

	l->timer = l->device = l->other = was >= 0 && is >= 0 ? 0 : -1;
	while (l->timer >= 0 && meas_irq_next(&now, is, &irq)) {
		double *sum = strcmp(irq.name, "LOC") == 0               ? &l->timer
			      : irq.name[0] >= '0' && irq.name[0] <= '9' ? &l->device
									 : &l->other;
		const uint64_t before = count_before(&then, was, irq.name);

		irq.count -= before < irq.count ? before : irq.count;
		*sum += (double)irq.count / seconds;
		if (sum == &l->device && irq.count > l->worst.count)
			l->worst = irq;
	}
}

static const struct core_state *
core_of(const struct meas_noise *s, uint32_t lcore)
{
	for (uint16_t i = 0; i < s->n; i++)
		if (s->core[i].id.lcore == lcore)
			return &s->core[i];
	return NULL;
}

static void
compare_core(const struct meas_noise *from, const struct meas_noise *to, const struct core_state *b,
	double seconds, struct loss *l)
{
	const struct core_state *a = core_of(from, b->id.lcore);
	uint64_t s0, t0, s1, t1;

	*l = (struct loss){-1, -1, -1, -1, -1, -1, -1, -1, {{0}, {0}, 0}};
	/* One that began to poll later: nothing is known of it. */
	if (!a)
		return;
	if (from->stat && to->stat && meas_stat_cpu(from->stat, a->id.cpu, &s0, &t0) &&
		meas_stat_cpu(to->stat, a->id.cpu, &s1, &t1) && t1 > t0)
		l->steal = (double)(s1 - s0) / (double)(t1 - t0);
	count_interrupts(from, to, a->id.cpu, seconds, l);
	l->preempted = per_second(a->preempted, b->preempted, seconds);
	l->waited = per_second(a->waited_ns, b->waited_ns, seconds * 1e9);
	l->switches = a->switches < 0 || b->switches < 0 ? -1 : b->switches - a->switches;
	l->throttled = a->throttled < 0 || b->throttled < 0 ? -1 : b->throttled - a->throttled;
}

static void
put_known(struct vfp_out *o, const char *key, double value, unsigned int unit)
{
	if (value < 0)
		vfp_out_null(o, key);
	else
		vfp_out_double(o, key, value, unit);
}

static void
put_row(struct vfp_out *o, const struct core_state *c, const struct loss *l)
{
	vfp_out_open(o, NULL);
	vfp_out_u64(o, "lcore", c->id.lcore, VFP_PLAIN);
	vfp_out_i64(o, "cpu", c->id.cpu, VFP_PLAIN);
	put_known(o, "stolen", l->steal, VFP_SHARE);
	put_known(o, "waited", l->waited, VFP_SHARE);
	put_known(o, "preempted_per_s", l->preempted, VFP_FIXED1);
	put_known(o, "timer_per_s", l->timer, VFP_FIXED1);
	put_known(o, "device_irqs_per_s", l->device, VFP_FIXED1);
	put_known(o, "other_irqs_per_s", l->other, VFP_FIXED1);
	put_known(o, "mhz", c->khz < 0 ? -1 : (double)c->khz / 1000, VFP_FIXED1);
	put_known(o, "mhz_changes", (double)l->switches, VFP_PLAIN);
	put_known(o, "throttled", (double)l->throttled, VFP_PLAIN | VFP_DETAIL);
	vfp_out_close(o);
}

/* A thing that takes time, from when on it is worth a word, and what helps. */
struct remedy {
	const char *what;
	double above;
	const char *text;
};

/* At most 127 characters each: telemetry cuts longer ones. */
static const struct remedy remedies[] = {
	{"stolen by the hypervisor", 0.001,
		"give the virtual CPU a host core of its own: virsh vcpupin, and isolcpus= on the "
		"host"},
	{"other threads ran on it", 0.1,
		"keep them off: isolcpus= or a cpuset partition; ps -eLo psr,comm tells who they "
		"are"},
	{"timer interrupts", 10,
		"nohz_full= and rcu_nocbs= for this CPU, and no second thread that may run on it"},
	{"interrupts of devices", 1,
		"another CPU into /proc/irq/NUMBER/smp_affinity_list; IRQBALANCE_BANNED_CPULIST "
		"keeps "
		"irqbalance away"},
	{"calls from other CPUs", 10,
		"fewer wake-ups and mappings in other processes; isolcpus= takes it out of "
		"balancing"},
	{"the frequency changed", 0,
		"cpupower frequency-set -g performance; turbo off where steady matters more than "
		"fast"},
	{"throttled, too hot", 0, "cooling, or a lower fixed frequency"},
};

#define N_REMEDIES (sizeof(remedies) / sizeof(remedies[0]))

static void
put_finding(struct vfp_out *o, const struct core_state *c, const struct loss *l, unsigned int which)
{
	const struct remedy *r = &remedies[which];

	vfp_out_open(o, NULL);
	vfp_out_u64(o, "lcore", c->id.lcore, VFP_PLAIN);
	if (which == 3 && l->worst.count > 0)
		vfp_out_strf(o, "what", "%s, most of them %s (%s)", r->what, l->worst.name,
			l->worst.what);
	else
		vfp_out_str(o, "what", r->what);
	if (vfp_out_format(o) == VFP_JSON)
		vfp_out_str(o, "remedy", r->text);
	vfp_out_close(o);
}

static void
put_findings(struct vfp_out *o, const struct meas_noise *s, const struct loss *losses)
{
	bool told[N_REMEDIES] = {false};

	vfp_out_list(o, "findings");
	for (uint16_t i = 0; i < s->n; i++) {
		const struct loss *l = &losses[i];
		const double amount[N_REMEDIES] = {l->steal, l->preempted, l->timer, l->device,
			l->other, (double)l->switches, (double)l->throttled};

		for (unsigned int k = 0; k < N_REMEDIES; k++) {
			if (!(amount[k] > remedies[k].above))
				continue;
			put_finding(o, &s->core[i], l, k);
			told[k] = true;
		}
	}
	vfp_out_close(o);
	for (unsigned int k = 0; k < N_REMEDIES; k++)
		if (told[k])
			vfp_out_note(o, "%s: %s", remedies[k].what, remedies[k].text);
}

void
meas_noise_put(const struct meas_noise *from, const struct meas_noise *to, double seconds,
	struct vfp_out *o)
{
	struct loss *losses = calloc(to->n ? to->n : 1, sizeof(*losses));

	vfp_out_open(o, "noise");
	vfp_out_double(o, "seconds", seconds, VFP_SECONDS);
	vfp_out_list(o, "cores");
	for (uint16_t i = 0; losses && i < to->n; i++) {
		compare_core(from, to, &to->core[i], seconds, &losses[i]);
		put_row(o, &to->core[i], &losses[i]);
	}
	vfp_out_close(o);
	if (losses)
		put_findings(o, to, losses);
	vfp_out_note(o, "From the kernel's own counters; - is what this machine does not tell.");
	vfp_out_close(o);
	free(losses);
}
