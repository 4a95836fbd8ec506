/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The output of ping(8), of iputils and of busybox. Lines "# key: value" above it say what ping
 * does not know, such as the speed of the link.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_priv.h"

#define NS_PER_MS 1e6

struct reply {
	uint64_t seq;
	double ms;
};

struct ping {
	struct reply *replies;
	uint32_t n, room;
	uint64_t duplicates;
	uint64_t wraps, last_seq; /* ping's sequence has 16 bits */
	bool started, summed, timed;
	unsigned long long sent, received;
	double min, avg, max, mdev;
};

/* "# link_mbit: 1000" */
static void
read_note(const char *line, struct meas_run *r)
{
	char key[MEAS_KEY], value[MEAS_VALUE];

	if (sscanf(line, "# %31[a-z0-9_] : %159[^\r\n]", key, value) == 2 ||
		sscanf(line, "# %31[a-z0-9_]: %159[^\r\n]", key, value) == 2)
		run_fact(r, MEAS_SETTING, 0, key, "%s", value);
}

static int
keep_reply(struct ping *p, uint64_t seq, double ms)
{
	/* Sequence numbers come again from 0 after 65535. */
	if (p->n > 0 && p->last_seq > 49152 && seq < 16384)
		p->wraps++;
	p->last_seq = seq;
	seq += p->wraps << 16;
	if (p->n == p->room) {
		struct reply *more;

		p->room = p->room ? 2 * p->room : 1024;
		more = realloc(p->replies, p->room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		p->replies = more;
	}
	p->replies[p->n++] = (struct reply){seq, ms};
	return 0;
}

/* "64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.058 ms" */
static int
read_reply(const char *line, struct ping *p)
{
	const char *seq = strstr(line, "seq="), *time = strstr(line, "time=");
	char *end;
	double ms;

	if (!strstr(line, " bytes from ") || !seq || !time)
		return 0;
	ms = strtod(time + 5, &end);
	if (end == time + 5 || strncmp(end, " ms", 3) != 0 || !(ms >= 0 && ms < 1e8))
		return -EINVAL;
	if (strstr(line, "(DUP!)")) {
		p->duplicates++;
		return 0;
	}
	return keep_reply(p, strtoull(seq + 4, NULL, 10), ms);
}

static int
read_line(const char *line, struct ping *p, struct meas_run *r)
{
	const char *at;
	unsigned int bytes;

	if (line[0] == '#') {
		read_note(line, r);
	} else if (strncmp(line, "PING ", 5) == 0) {
		p->started = true;
		/* "56(84) bytes of data." and busybox's "56 data bytes" */
		for (at = strchr(line, ')'); at && *at; at++)
			if (sscanf(at, ") %u", &bytes) == 1 || sscanf(at, "): %u", &bytes) == 1) {
				run_fact(r, MEAS_SETTING, 0, "payload_bytes", "%u", bytes);
				break;
			}
	} else if ((at = strstr(line, " packets transmitted, "))) {
		p->summed =
			sscanf(line, "%llu packets transmitted, %llu", &p->sent, &p->received) == 2;
	} else if ((at = strstr(line, " = ")) && strstr(line, "min/avg/max")) {
		const int n = sscanf(at, " = %lf/%lf/%lf/%lf", &p->min, &p->avg, &p->max, &p->mdev);

		p->timed = n >= 3;
		if (n == 3)
			p->mdev = NAN; /* busybox has none */
	} else {
		return read_reply(line, p);
	}
	return 0;
}

static int
by_seq(const void *a, const void *b)
{
	const struct reply *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void
count_loss(const struct ping *p, uint64_t first, uint64_t warm_end, struct meas_run *r)
{
	const uint64_t end = p->summed ? first + p->sent : p->replies[p->n - 1].seq + 1;
	uint64_t warm_got = 0;

	for (uint32_t i = 0; i < p->n && p->replies[i].seq < warm_end; i++)
		warm_got++;
	if (warm_end > end)
		warm_end = end;
	r->loss_known = true;
	r->warm_sent = warm_end - first;
	r->warm_lost = r->warm_sent - warm_got;
	r->sent = end - warm_end;
	r->lost = r->sent > p->n - warm_got ? r->sent - (p->n - warm_got) : 0;
}

/* Replies one by one: warm-up, loss, and about as many blocks as each has replies. */
static int
take_replies(struct ping *p, const struct meas_choice *c, struct meas_run *r)
{
	struct lat_hist *all = calloc(1, sizeof(*all)), *part = calloc(1, sizeof(*part));
	uint64_t first, warm_end;
	uint32_t length, start = 0;
	int ret = all && part ? 0 : -ENOMEM;

	qsort(p->replies, p->n, sizeof(*p->replies), by_seq);
	/* iputils counts from 1, busybox from 0. */
	first = p->replies[0].seq == 0 ? 0 : 1;
	warm_end = c->warmup >= 0 ? first + (uint64_t)c->warmup : p->replies[0].seq + 1;
	count_loss(p, first, warm_end, r);
	while (start < p->n && p->replies[start].seq < warm_end)
		start++;
	for (uint32_t i = 0; ret == 0 && i < start; i++)
		lat_hist_add(part, (uint64_t)llround(p->replies[i].ms * NS_PER_MS), 1);
	if (ret == 0)
		run_summarise_warm(r, part);
	length = (uint32_t)fmax(1, sqrt(p->n - start));
	snprintf(r->unit, sizeof(r->unit), "%u replies", length);
	for (uint32_t i = start; ret == 0 && i < p->n;) {
		lat_hist_init(part);
		for (uint32_t k = 0; k < length && i < p->n; k++, i++)
			lat_hist_add(part, (uint64_t)llround(p->replies[i].ms * NS_PER_MS), 1);
		lat_hist_merge(all, part);
		ret = run_block(r, part);
	}
	if (ret == 0)
		run_summarise(r, all);
	free(all);
	free(part);
	return ret;
}

static void
take_summary(const struct ping *p, struct meas_run *r)
{
	r->summary_only = true;
	r->loss_known = true;
	r->sent = p->sent;
	r->lost = p->sent > p->received ? p->sent - p->received : 0;
	r->samples = p->received;
	r->min_ns = p->min * NS_PER_MS;
	r->mean_ns = p->avg * NS_PER_MS;
	r->max_ns = p->max * NS_PER_MS;
	r->stddev_ns = p->mdev * NS_PER_MS;
}

static int
read_all(char *text, struct ping *p, struct meas_run *r, struct vfp_err *err)
{
	unsigned int line = 0;
	char *save;

	for (char *l = text; *l; l = save) {
		const size_t n = strcspn(l, "\n");
		int ret;

		save = l[n] ? l + n + 1 : l + n;
		l[n] = '\0';
		line++;
		ret = read_line(l, p, r);
		if (ret == -EINVAL)
			return vfp_err_set(
				err, ret, "line %u: no time of the form \"time=1.23 ms\"", line);
		if (ret < 0)
			return vfp_err_set(err, ret, "out of memory");
	}
	return 0;
}

int
run_parse_ping(
	const char *text, const struct meas_choice *c, struct meas_run *r, struct vfp_err *err)
{
	struct ping p = {0};
	char *copy = strdup(text);
	int ret = copy ? read_all(copy, &p, r, err) : vfp_err_set(err, -ENOMEM, "out of memory");

	snprintf(r->what, sizeof(r->what), "ping");
	run_fact(r, MEAS_MEANING, 0, "kind", "rtt");
	run_fact(r, MEAS_MEANING, 0, "clock", "ping's");
	run_fact(r, MEAS_MEANING, 0, "source", "ping");
	if (ret == 0 && !p.started && p.n == 0)
		ret = vfp_err_set(err, -EINVAL,
			"neither a report of vfplane (--json) nor the output of ping");
	else if (ret == 0 && p.n == 0 && !(p.summed && p.timed))
		ret = vfp_err_set(err, -EINVAL, "no reply in it, and no summary with times");
	if (ret == 0 && p.n > 0) {
		ret = take_replies(&p, c, r);
		if (ret < 0)
			vfp_err_set(err, ret, "out of memory");
	} else if (ret == 0) {
		take_summary(&p, r);
	}
	r->duplicates = p.duplicates;
	free(p.replies);
	free(copy);
	return ret;
}
