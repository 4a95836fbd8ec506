/* SPDX-License-Identifier: BSD-3-Clause */
/* --wire tap:IF: the network stack of Linux is the link partner, behind a tap device. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "wire.h"

#define IN_BURST	64
#define MIN_FRAME	60

struct tap {
	int fd;			/* -1: somebody deleted the device */
	int carrier;		/* as the device shows it */
	uint64_t to_host, from_host;
	uint64_t host_down;	/* the device did not take them: it is not up */
	uint64_t dropped[S82_DROPS];	/* by the NIC */
	uint8_t frame[S82_MAX_FRAME];
};

/* Why a tap cannot be had, and what helps. */
static void
complain(const char *name, int err)
{
	card_log(CARD_LOG_ERROR, "tap device %s: %s%s", name, strerror(err),
		err == EPERM ? "; run as root, or have it made for you: ip tuntap add IF mode tap "
			"user NAME" :
		err == EBUSY ? "; another program has it" :
		err == EINVAL ? "; there is one of that name that is no tap" :
		err == ENOENT || err == ENODEV ? "; the kernel has no /dev/net/tun" : "");
}

static int
tap_open(struct wire *w)
{
	struct tap *t = w->priv = calloc(1, sizeof(*t));
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int err;

	if (t == NULL)
		return -ENOMEM;
	strcpy(ifr.ifr_name, w->opts->wire_in);
	t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->fd < 0 || ioctl(t->fd, TUNSETIFF, &ifr) != 0) {
		err = errno;
		complain(w->opts->wire_in, err);
		return -err;
	}
	/* no offloads: whole, finished frames, as on a cable. No light yet. */
	if (ioctl(t->fd, TUNSETOFFLOAD, 0) != 0 || ioctl(t->fd, TUNSETCARRIER, &t->carrier) != 0)
		card_log(CARD_LOG_INFO, "tap device %s: its carrier does not follow the link",
			w->opts->wire_in);
	w->poll_fd = t->fd;
	w->poll_events = POLLIN;
	return 0;
}

static void
tap_out(struct wire *w, const struct s82_wire_rec *rec, const uint8_t *frame)
{
	struct tap *t = w->priv;

	if (t->fd >= 0 && write(t->fd, frame, rec->len) == (ssize_t)rec->len)
		t->to_host++;
	else
		t->host_down++;
}

static void
mirror_carrier(struct wire *w, struct tap *t)
{
	int up = s82_link_up(w->st);

	if (up == t->carrier)
		return;
	t->carrier = up;
	if (ioctl(t->fd, TUNSETCARRIER, &t->carrier) != 0)
		card_log(CARD_LOG_DEBUG, "no carrier of %s", w->opts->wire_in);
}

/* The device was deleted, or its namespace: the light goes out. */
static void
lose(struct wire *w, struct tap *t, int err)
{
	card_log(CARD_LOG_WARN, "tap device %s is gone: %s", w->opts->wire_in, strerror(err));
	close(t->fd);
	t->fd = w->poll_fd = -1;
	w->ctx.ops->lock(&w->ctx);
	s82_fault_partner(&w->ctx, false);
	w->ctx.ops->unlock(&w->ctx);
}

static unsigned int
tap_in(struct wire *w)
{
	struct tap *t = w->priv;
	unsigned int n = 0;

	if (t->fd < 0)
		return 0;
	mirror_carrier(w, t);
	while (n < IN_BURST) {
		ssize_t len = read(t->fd, t->frame, sizeof(t->frame));
		struct s82_verdict v;

		if (len < 0) {
			if (errno != EAGAIN && errno != EINTR)
				lose(w, t, errno);
			break;
		}
		if (len < MIN_FRAME) {
			memset(t->frame + len, 0, MIN_FRAME - len);
			len = MIN_FRAME;
		}
		t->from_host++;
		w->ctx.ops->lock(&w->ctx);
		v = wire_give(w, t->frame, len);
		w->ctx.ops->unlock(&w->ctx);
		if (v.drop >= 0)
			t->dropped[v.drop]++;
		n++;
	}
	return n;
}

static int
tap_finish(struct wire *w)
{
	(void)w;
	return 0;
}

static json_t *
tap_json(struct wire *w)
{
	const struct tap *t = w->priv;

	return json_pack("{s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:o}", "mode", "tap",
		"device", w->opts->wire_in, "there", t->fd >= 0, "carrier", t->carrier,
		"to_host", (json_int_t)t->to_host, "from_host", (json_int_t)t->from_host,
		"host_down", (json_int_t)t->host_down, "dropped", wire_drops_json(t->dropped));
}

static void
tap_close(struct wire *w)
{
	struct tap *t = w->priv;

	if (t != NULL && t->fd >= 0)
		close(t->fd);
	free(t);
}

const struct wire_ops wire_tap = {
	.open = tap_open, .out = tap_out, .in = tap_in, .finish = tap_finish, .json = tap_json,
	.close = tap_close,
};
