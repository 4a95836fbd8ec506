/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include <rte_log.h>

#include "logs.h"

#define KINDS    32
#define KIND_LEN 40
#define MINUTE   60

/* Lines of one kind. The stream's own lock sees to it that one thread at a time is here. */
struct kind {
	char text[KIND_LEN];
	uint64_t since; /* seconds */
	uint32_t said, left_out;
};

static struct {
	FILE *stream;
	struct kind kinds[KINDS];
} logs;

static uint64_t
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec;
}

static void
put(int level, const char *text, size_t len)
{
	fwrite(text, 1, len, stderr);
	syslog(level, "%.*s", (int)len, text);
}

static void
tell_left_out(struct kind *k)
{
	char text[KIND_LEN + 64];
	int n = snprintf(text, sizeof(text), "%s: %u more lines like that were left out\n", k->text,
		k->left_out);

	if (k->left_out > 0)
		put(LOG_WARNING, text, n);
	k->left_out = 0;
}

/* The entry of its kind; a new kind takes the place of the one that was quiet for longest. */
static struct kind *
kind_of(const char *line, size_t len)
{
	struct kind *oldest = &logs.kinds[0];
	char text[KIND_LEN];
	size_t n = 0;

	while (n < len && n < sizeof(text) - 1 && line[n] != ':' && line[n] != '\n')
		n++;
	memcpy(text, line, n);
	text[n] = '\0';
	for (unsigned int i = 0; i < KINDS; i++) {
		if (strcmp(logs.kinds[i].text, text) == 0)
			return &logs.kinds[i];
		if (logs.kinds[i].since < oldest->since)
			oldest = &logs.kinds[i];
	}
	tell_left_out(oldest);
	*oldest = (struct kind){.since = now_s()};
	memcpy(oldest->text, text, n + 1);
	return oldest;
}

static ssize_t
write_line(void *cookie, const char *line, size_t len)
{
	struct kind *k = kind_of(line, len);
	const uint64_t now = now_s();

	(void)cookie;
	if (now - k->since >= MINUTE) {
		tell_left_out(k);
		k->since = now;
		k->said = 0;
	}
	if (k->said++ < LOGS_A_MINUTE)
		put((int)rte_log_cur_msg_loglevel() - 1, line, len);
	else
		k->left_out++;
	return len;
}

int
logs_limit(void)
{
	const cookie_io_functions_t io = {.write = write_line};

	logs.stream = fopencookie(NULL, "w", io);
	if (!logs.stream)
		return -ENOMEM;
	return rte_openlog_stream(logs.stream);
}

void
logs_end(void)
{
	if (!logs.stream)
		return;
	rte_openlog_stream(NULL);
	fclose(logs.stream);
	logs.stream = NULL;
	for (unsigned int i = 0; i < KINDS; i++)
		tell_left_out(&logs.kinds[i]);
}
