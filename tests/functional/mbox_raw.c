/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A tenant that means no good: opens a VF through the VFIO API and writes raw words into its
 * mailbox.
 *
 *   mbox_raw BDF      reads lines, and answers each with one line of JSON
 *
 *   say W...            one message of up to 16 words; the answer is told with its words
 *   repeat N W...       the same N times; a word may count: BASE+STEP%MODULUS
 *   for SECONDS W...    as often as the PF answers
 *   hammer SECONDS W... without waiting for it, 20 us apart; `others` are answers that grant
 *                       something else than a reset
 *   random N SEED       N messages of random words, resets among them
 *   hold | release      keep the buffer (VFU), as no driver does
 *   jam SECONDS         requests while the buffer is kept: the PF can neither read nor answer
 *   vfrst               a reset of the function by its own register (VFCTRL.RST)
 *   quit                as the end of input
 *   link                what the VF sees of the link
 *   send DST SRC | quiet    frames without end from queue 0, while the above goes on
 *   wild                one frame from memory that was never mapped
 *
 * An answer is ack, nack, or silence: the PF took the message (PFACK) and said nothing.
 * Register numbers: the VF's of the 82599, as Intel's public drivers name them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BAR_SIZE    0x4000
#define VFCTRL      0x000
#define VFLINKS     0x010
#define VFMBMEM     0x200
#define VFMAILBOX   0x2fc
#define VFTDBAL     0x2000
#define VFTDBAH     0x2004
#define VFTDLEN     0x2008
#define VFTDH       0x2010
#define VFTDT       0x2018
#define VFTXDCTL    0x2028

#define CTRL_RST    (1u << 26)
#define MB_REQ      (1u << 0)
#define MB_ACK      (1u << 1)
#define MB_VFU      (1u << 2)
#define MB_PFSTS    (1u << 4)
#define MB_PFACK    (1u << 5)
#define TYPE_ACK    (1u << 31)
#define TYPE_NACK   (1u << 30)
#define PF_PING     0x100
#define TXD_ENABLE  (1u << 25)
#define TXD_COMMAND 0x2b300000u /* data descriptor: EOP, IFCS, RS, DEXT */
#define TXD_PAYLEN  14          /* shift */

#define WORDS       16
#define ANSWER_MS   1000 /* patience with a PF that took the message */
#define SILENCE_MS  1000 /* then it says nothing */
#define DESCRIPTORS 512
#define FRAME       60
#define IOVA        0x10000000ull

enum answer { ACK, NACK, SILENT, UNTAKEN, ANSWERS };

static const char *const answer_names[] = {"ack", "nack", "silent", "untaken"};

static volatile uint32_t *bar;
static int container;
static uint64_t pings;

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
nap(void)
{
	nanosleep(&(struct timespec){0, 20000}, NULL);
}

static void
die(const char *what)
{
	fprintf(stderr, "mbox_raw: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
group_number(const char *bdf)
{
	const char *dir = getenv("SYSFS_PCI_DEVICES");
	char path[512], target[512];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s/iommu_group", dir ? dir : "/sys/bus/pci/devices", bdf);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		die(path);
	target[n] = '\0';
	return atoi(strrchr(target, '/') + 1);
}

static void
open_vf(const char *bdf, const char *token)
{
	char path[64], name[128];
	int group, fd;

	snprintf(path, sizeof(path), "/dev/vfio/%d", group_number(bdf));
	snprintf(name, sizeof(name), "%s%s%s", bdf, token ? " vf_token=" : "", token ? token : "");
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	group = open(path, O_RDWR | O_CLOEXEC);
	if (container < 0 || group < 0)
		die(path);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) < 0 ||
		ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0)
		die("container");
	fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
	if (fd < 0)
		die(bdf);
	/* bus master: without it nothing is sent */
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (pwrite(fd, &(uint16_t){0x0406}, 2, ((off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40) + 4) !=
		2)
		die("PCI command");
	bar = mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bar == MAP_FAILED)
		die("BAR 0");
}

/* ---- the mailbox ---- */

/*
 * PFSTS and PFACK go when they are read: whoever waits for one keeps the other. It is looks that
 * are counted, some 10 a millisecond: a machine that stood still for a while is no PF that is
 * silent.
 */
static uint32_t
wait_for(uint32_t *seen, uint32_t bit, unsigned int ms)
{
	for (unsigned int left = 10 * ms; left > 0; left--) {
		*seen |= bar[VFMAILBOX / 4];
		if (*seen & bit)
			break;
		nap();
	}
	return *seen & bit;
}

static bool
take_buffer(uint32_t *seen)
{
	for (unsigned int left = 10 * ANSWER_MS; left > 0; left--) {
		bar[VFMAILBOX / 4] = MB_VFU;
		*seen |= bar[VFMAILBOX / 4];
		if (*seen & MB_VFU)
			return true;
		nap();
	}
	return false;
}

static void
read_buffer(uint32_t *words)
{
	for (unsigned int i = 0; i < WORDS; i++)
		words[i] = bar[VFMBMEM / 4 + i];
}

/*
 * What the PF says of itself: a ping, or the bare NACK with which DPDK's PF meets an
 * acknowledgement of a VF that has not reset yet. None is acknowledged: two that do, NACK and
 * acknowledgement, would go on for ever.
 */
static bool
unasked(uint32_t word)
{
	return (word & 0xffff) == PF_PING || word == TYPE_NACK;
}

/* One message; its answer comes back in its place. */
static enum answer
exchange_once(uint32_t *words)
{
	uint32_t seen = 0, reply[WORDS];

	if (!take_buffer(&seen))
		return UNTAKEN;
	if (seen & MB_PFSTS)
		pings++;
	for (unsigned int i = 0; i < WORDS; i++)
		bar[VFMBMEM / 4 + i] = words[i];
	(void)bar[VFMAILBOX / 4];
	bar[VFMAILBOX / 4] = MB_REQ;
	seen = 0;
	if (!wait_for(&seen, MB_PFACK, ANSWER_MS)) {
		pings += unasked(bar[VFMBMEM / 4]);
		return UNTAKEN;
	}
	for (;;) {
		if (!wait_for(&seen, MB_PFSTS, SILENCE_MS))
			return SILENT;
		read_buffer(reply);
		if (!unasked(reply[0]))
			break;
		pings++;
		seen = 0;
	}
	bar[VFMAILBOX / 4] = MB_ACK;
	memcpy(words, reply, sizeof(reply));
	return reply[0] & TYPE_NACK ? NACK : reply[0] & TYPE_ACK ? ACK : SILENT;
}

/* The PF writes those over what lies in the buffer: then a driver asks again. */
static enum answer
exchange(uint32_t *words)
{
	enum answer a = UNTAKEN;

	for (unsigned int tries = 0; tries < 3; tries++) {
		const uint64_t before = pings;

		a = exchange_once(words);
		if (a == ACK || a == NACK || pings == before)
			break;
	}
	return a;
}

/* ---- many messages ---- */

struct tally {
	uint64_t n[ANSWERS], others;
	uint64_t sent;
	uint32_t *us;
	size_t room;
};

static void
count(struct tally *t, enum answer a, uint64_t ns)
{
	if (t->sent == t->room) {
		t->room = t->room ? 2 * t->room : 1024;
		t->us = realloc(t->us, t->room * sizeof(*t->us));
		if (!t->us)
			die("memory");
	}
	t->us[t->sent++] = ns / 1000;
	t->n[a]++;
}

static int
compare(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void
tell(struct tally *t, uint64_t ns)
{
	printf("{\"sent\":%" PRIu64, t->sent);
	for (int i = 0; i < ANSWERS; i++)
		printf(",\"%s\":%" PRIu64, answer_names[i], t->n[i]);
	printf(",\"others\":%" PRIu64, t->others);
	if (t->us) {
		qsort(t->us, t->sent, sizeof(*t->us), compare);
		printf(",\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u", t->us[t->sent / 2],
			t->us[t->sent * 99 / 100], t->us[t->sent - 1]);
	}
	printf(",\"pings\":%" PRIu64 ",\"seconds\":%.3f}\n", pings, ns / 1e9);
	free(t->us);
}

struct word {
	uint64_t base, step, modulus;
};

static unsigned int
read_words(char *text, struct word *w)
{
	unsigned int n = 0;
	char *save = NULL;

	for (char *one = strtok_r(text, " \n", &save); one && n < WORDS;
		one = strtok_r(NULL, " \n", &save)) {
		w[n] = (struct word){strtoull(one, &one, 0), 0, UINT64_MAX};
		if (*one == '+')
			w[n].step = strtoull(one + 1, &one, 0);
		if (*one == '%')
			w[n].modulus = strtoull(one + 1, &one, 0);
		n++;
	}
	return n;
}

static void
fill(uint32_t *words, const struct word *w, unsigned int n, uint64_t i)
{
	memset(words, 0, WORDS * sizeof(*words));
	for (unsigned int k = 0; k < n; k++)
		words[k] = w[k].base + i % w[k].modulus * w[k].step;
}

static void
many(uint64_t times, double seconds, char *text)
{
	const uint64_t from = now_ns();
	struct word w[WORDS];
	unsigned int n = read_words(text, w);
	struct tally t = {0};
	uint32_t words[WORDS];

	for (uint64_t i = 0; i < times && (!seconds || now_ns() - from < seconds * 1e9); i++) {
		uint64_t asked = now_ns();
		enum answer a;

		fill(words, w, n, i);
		a = exchange(words);
		count(&t, a, now_ns() - asked);
	}
	tell(&t, now_ns() - from);
}

/* A PF that is not there, or just coming up, answers nothing: the tally is of what came back. */
static void
hammer(double seconds, char *text)
{
	const uint64_t from = now_ns();
	struct word w[WORDS];
	unsigned int n = read_words(text, w);
	struct tally t = {0};
	uint32_t words[WORDS];

	for (; now_ns() - from < seconds * 1e9 && bar[VFLINKS / 4] != UINT32_MAX; t.sent++) {
		fill(words, w, n, t.sent);
		bar[VFMAILBOX / 4] = MB_VFU;
		for (unsigned int k = 0; k < n; k++)
			bar[VFMBMEM / 4 + k] = words[k];
		bar[VFMAILBOX / 4] = MB_REQ;
		nap();
		if (!(bar[VFMAILBOX / 4] & MB_PFSTS))
			continue;
		words[0] = bar[VFMBMEM / 4];
		t.n[ACK] += (words[0] & (TYPE_ACK | TYPE_NACK)) == TYPE_ACK;
		t.n[NACK] += (words[0] & TYPE_NACK) != 0;
		t.others +=
			(words[0] & (TYPE_ACK | TYPE_NACK)) == TYPE_ACK && (words[0] & 0xffff) != 1;
	}
	tell(&t, now_ns() - from);
}

static void
jam(double seconds)
{
	const uint64_t from = now_ns();
	struct tally t = {0};

	for (; now_ns() - from < seconds * 1e9; t.sent++) {
		bar[VFMAILBOX / 4] = MB_VFU | MB_REQ;
		nap();
	}
	bar[VFMAILBOX / 4] = 0;
	tell(&t, now_ns() - from);
}

static void
say(char *text)
{
	struct word w[WORDS];
	uint32_t words[WORDS];
	enum answer a;

	fill(words, w, read_words(text, w), 0);
	a = exchange(words);
	printf("{\"answer\":\"%s\",\"words\":[%u,%u,%u,%u,%u]}\n", answer_names[a], words[0],
		words[1], words[2], words[3], words[4]);
}

static uint32_t
random_word(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 16;
}

/* Mostly messages that exist, with arguments that are small or wild. */
static void
random_messages(uint64_t times, uint64_t seed)
{
	const uint64_t from = now_ns();
	struct tally t = {0};
	uint32_t words[WORDS];

	seed = seed * 2654435761u + 1;
	for (uint64_t i = 0; i < times; i++) {
		uint32_t kind = random_word(&seed);
		uint64_t asked = now_ns();
		enum answer a;

		for (unsigned int k = 0; k < WORDS; k++)
			words[k] = random_word(&seed) >> (kind >> 16 & 1 ? 0 : 20);
		if (kind % 16 == 0)
			words[0] = 1;
		else if (kind % 256 != 1)
			words[0] &= 0x00ff0013; /* no ACK, no NACK: those get no answer */
		a = exchange(words);
		count(&t, a, now_ns() - asked);
	}
	tell(&t, now_ns() - from);
}

/* ---- frames without end ---- */

static struct {
	pthread_t thread;
	atomic_bool go;
	bool on;
	uint64_t sent;
	struct {
		uint64_t address;
		uint32_t command, status;
	} * ring;
	uint8_t *frame;
} tx;

static bool
read_mac(const char *text, uint8_t *mac)
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		       &mac[4], &mac[5]) == 6;
}

static void
make_ring(void)
{
	struct vfio_iommu_type1_dma_map map = {.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = IOVA,
		.size = 4 * 4096};
	int fd = memfd_create("mbox_raw", MFD_CLOEXEC);
	void *mem;

	if (fd < 0 || ftruncate(fd, map.size) < 0)
		die("memfd");
	mem = mmap(NULL, map.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	map.vaddr = (uintptr_t)mem;
	if (mem == MAP_FAILED || ioctl(container, VFIO_IOMMU_MAP_DMA, &map) < 0)
		die("DMA");
	tx.ring = mem;
	tx.frame = (uint8_t *)mem + 3 * 4096;
	for (unsigned int i = 0; i < DESCRIPTORS; i++) {
		tx.ring[i].address = IOVA + 3 * 4096;
		tx.ring[i].command = TXD_COMMAND | FRAME;
		tx.ring[i].status = FRAME << TXD_PAYLEN;
	}
}

/* A reset of the function took it away, perhaps. */
static void
set_ring(void)
{
	bar[VFTXDCTL / 4] = 0;
	bar[VFTDBAL / 4] = (uint32_t)IOVA;
	bar[VFTDBAH / 4] = IOVA >> 32;
	bar[VFTDLEN / 4] = DESCRIPTORS * sizeof(*tx.ring);
	bar[VFTDH / 4] = 0;
	bar[VFTDT / 4] = 0;
	bar[VFTXDCTL / 4] = TXD_ENABLE;
}

/* One frame at a time, so that each meets the registers as they are at its moment. */
static void *
sender(void *arg)
{
	uint32_t tail = 0;

	(void)arg;
	while (atomic_load(&tx.go)) {
		tail = (tail + 1) % DESCRIPTORS;
		tx.ring[(tail + DESCRIPTORS - 1) % DESCRIPTORS].command = TXD_COMMAND | FRAME;
		tx.ring[(tail + DESCRIPTORS - 1) % DESCRIPTORS].status = FRAME << TXD_PAYLEN;
		bar[VFTDT / 4] = tail;
		tx.sent++;
		for (int tries = 0; bar[VFTDH / 4] != tail && tries < 100000; tries++)
			;
	}
	return NULL;
}

static void
quiet(void)
{
	if (!tx.on)
		return;
	atomic_store(&tx.go, false);
	pthread_join(tx.thread, NULL);
	tx.on = false;
}

static void
send_frames(const char *args)
{
	char dst[32] = "", src[32] = "";

	quiet();
	if (!tx.ring)
		make_ring();
	sscanf(args, "%31s %31s", dst, src);
	if (!read_mac(dst, tx.frame) || !read_mac(src, tx.frame + 6)) {
		printf("{\"error\":\"send DST SRC\"}\n");
		return;
	}
	set_ring();
	tx.frame[12] = 0x88; /* an ethertype for experiments */
	tx.frame[13] = 0xb5;
	atomic_store(&tx.go, true);
	tx.sent = 0;
	tx.on = pthread_create(&tx.thread, NULL, sender, NULL) == 0;
	printf("{\"sending\":%s}\n", tx.on ? "true" : "false");
}

/* Somebody else's memory, if nothing stood between. */
static void
send_wild(void)
{
	quiet();
	if (!tx.ring)
		make_ring();
	set_ring();
	tx.ring[0].address = IOVA << 8;
	tx.ring[0].command = TXD_COMMAND | FRAME;
	tx.ring[0].status = FRAME << TXD_PAYLEN;
	atomic_thread_fence(memory_order_seq_cst); /* else the compiler leaves this address out */
	bar[VFTDT / 4] = 1;
	for (int tries = 0; bar[VFTDH / 4] != 1 && tries < 100000; tries++)
		;
	tx.ring[0].address = IOVA + 3 * 4096;
	printf("{\"wild\":%s}\n", bar[VFTDH / 4] == 1 ? "true" : "false");
}

/* ---- lines ---- */

static void
serve(char *line)
{
	char *end, *args = line + strcspn(line, " \n");
	char word[16];

	snprintf(word, sizeof(word), "%.*s", (int)(args - line), line);
	if (strcmp(word, "say") == 0) {
		say(args);
	} else if (strcmp(word, "repeat") == 0) {
		uint64_t n = strtoull(args, &end, 0);

		many(n, 0, end);
	} else if (strcmp(word, "for") == 0) {
		double seconds = strtod(args, &end);

		many(UINT64_MAX, seconds, end);
	} else if (strcmp(word, "hammer") == 0) {
		double seconds = strtod(args, &end);

		hammer(seconds, end);
	} else if (strcmp(word, "jam") == 0) {
		jam(strtod(args, NULL));
	} else if (strcmp(word, "random") == 0) {
		uint64_t n = strtoull(args, &end, 0);

		random_messages(n, strtoull(end, NULL, 0));
	} else if (strcmp(word, "hold") == 0) {
		uint32_t seen = 0;

		printf("{\"held\":%s}\n", take_buffer(&seen) ? "true" : "false");
	} else if (strcmp(word, "release") == 0) {
		bar[VFMAILBOX / 4] = 0;
		printf("{\"held\":false}\n");
	} else if (strcmp(word, "vfrst") == 0) {
		bar[VFCTRL / 4] = CTRL_RST;
		printf("{\"reset\":true}\n");
	} else if (strcmp(word, "link") == 0) {
		printf("{\"links\":%u,\"mailbox\":%u}\n", bar[VFLINKS / 4], bar[VFMAILBOX / 4]);
	} else if (strcmp(word, "send") == 0) {
		send_frames(args);
	} else if (strcmp(word, "wild") == 0) {
		send_wild();
	} else if (strcmp(word, "quiet") == 0) {
		quiet();
		printf("{\"frames\":%" PRIu64 "}\n", tx.sent);
	} else {
		printf("{\"error\":\"no such line\"}\n");
	}
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: mbox_raw BDF [TOKEN]\n");
		return 2;
	}
	open_vf(argv[1], argv[2]);
	while (getline(&line, &size, stdin) > 0 && strcmp(line, "quit\n") != 0)
		serve(line);
	quiet();
	free(line);
	return 0;
}
