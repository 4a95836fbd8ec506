/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --wire peer:NAME: two cards back to back. A socket joins their launchers: whose name sorts
 * first listens, the other one connects, again and again until it succeeds, so that either may
 * start first and come back. Messages are frames, and "my light is on or off".
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire.h"

#define IN_BURST	64
#define SEEK_NS		20000000ull	/* between two attempts to find the partner */
#define PATIENCE_NS	100000000ull	/* for a partner that takes nothing; then frames are lost */
#define SOCKET_BYTES	(2 << 20)

enum peer_kind { PEER_DARK, PEER_LIGHT, PEER_FRAME };

struct peer {
	int listen, fd;		/* -1: none */
	struct sockaddr_un addr;
	socklen_t addr_len;
	bool listener;
	int told;		/* what the partner knows of our light; -1: nothing */
	bool partner_up;
	bool lossy;		/* it takes nothing for long: do not wait */
	uint64_t stuck_since;	/* ns; 0: not stuck */
	struct s82_wire_rec pending;	/* the frame that the socket had no room for */
	uint64_t sent, received, lost, connections;
	uint64_t dropped[S82_DROPS];
	uint8_t frame[S82_MAX_FRAME];	/* pending */
	uint8_t msg[S82_MAX_FRAME + 8];
};

static int
listen_there(struct peer *p)
{
	p->listen = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->listen < 0 || bind(p->listen, (struct sockaddr *)&p->addr, p->addr_len) != 0 ||
			listen(p->listen, 1) != 0)
		return -errno;
	return 0;
}

static int
peer_open(struct wire *w)
{
	struct peer *p = w->priv = calloc(1, sizeof(*p));
	const char *own = w->opts->name, *other = w->opts->wire_in;
	size_t room = sizeof(p->addr.sun_path) - 1;
	int n, err = 0;

	if (p == NULL)
		return -ENOMEM;
	p->listen = p->fd = -1;
	p->listener = strcmp(own, other) < 0;
	p->addr.sun_family = AF_UNIX;
	n = snprintf(p->addr.sun_path + 1, room, "soft82599-cable/%s/%s", p->listener ? own : other,
		p->listener ? other : own);
	if (n >= (int)room) {
		card_log(CARD_LOG_ERROR, "the names of the two cards are too long together");
		return -ENAMETOOLONG;
	}
	p->addr_len = offsetof(struct sockaddr_un, sun_path) + 1 + n;
	if (p->listener)
		err = listen_there(p);
	if (err != 0)
		card_log(CARD_LOG_ERROR, "the cable to card '%s': %s", other, strerror(-err));
	w->ctx.ops->lock(&w->ctx);
	s82_fault_partner(&w->ctx, false);
	w->ctx.ops->unlock(&w->ctx);
	return err;
}

/* ---- the partner comes and goes ---- */

static void
set_partner(struct wire *w, struct peer *p, bool up)
{
	if (p->partner_up == up)
		return;
	p->partner_up = up;
	w->ctx.ops->lock(&w->ctx);
	s82_fault_partner(&w->ctx, up);
	w->ctx.ops->unlock(&w->ctx);
}

static void
part(struct wire *w, struct peer *p)
{
	close(p->fd);
	p->fd = -1;
	p->told = -1;
	p->lost += p->pending.len != 0;
	p->pending.len = 0;
	p->stuck_since = 0;
	p->lossy = false;
	set_partner(w, p, false);
}

/* A partner of another user is none. */
static bool
same_user(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
		(cred.uid == geteuid() || cred.uid == 0);
}

static bool
find_partner(struct peer *p)
{
	int bytes = SOCKET_BYTES;

	if (p->listener) {
		p->fd = accept4(p->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	} else {
		p->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (p->fd >= 0 && connect(p->fd, (struct sockaddr *)&p->addr, p->addr_len) != 0) {
			close(p->fd);
			p->fd = -1;
		}
	}
	if (p->fd >= 0 && !same_user(p->fd)) {
		close(p->fd);
		p->fd = -1;
	}
	if (p->fd < 0)
		return false;
	/* as much as we may: FORCE is root's */
	if (setsockopt(p->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
		setsockopt(p->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	p->told = -1;
	p->connections++;
	return true;
}

static void
tell_light(struct wire *w, struct peer *p)
{
	uint8_t light = s82_link_own(w->st) ? PEER_LIGHT : PEER_DARK;

	if (p->told != light && send(p->fd, &light, 1, MSG_NOSIGNAL) == 1)
		p->told = light;
}

/* ---- frames ---- */

static int
send_frame(struct peer *p, const struct s82_wire_rec *rec, const uint8_t *frame)
{
	uint8_t kind = PEER_FRAME;
	struct iovec iov[2] = { { &kind, 1 }, { (void *)(uintptr_t)frame, rec->len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	return sendmsg(p->fd, &msg, MSG_NOSIGNAL) >= 0 ? 0 : -errno;
}

static void
peer_out(struct wire *w, const struct s82_wire_rec *rec, const uint8_t *frame)
{
	struct peer *p = w->priv;
	int err = p->fd < 0 || p->pending.len != 0 ? -ENOTCONN : send_frame(p, rec, frame);

	if (err == 0) {
		p->sent++;
		p->lossy = false;
	} else if (err == -EAGAIN && !p->lossy) {
		p->pending = *rec;
		memcpy(p->frame, frame, rec->len);
		p->stuck_since = wire_now_ns();
	} else {
		p->lost++;
	}
}

/* Frames stay in the NIC while the socket is full, as if the partner had sent a PAUSE. */
static bool
peer_ready(struct wire *w)
{
	struct peer *p = w->priv;
	int err;

	if (p->pending.len == 0)
		return true;
	err = send_frame(p, &p->pending, p->frame);
	if (err == -EAGAIN && wire_now_ns() < p->stuck_since + PATIENCE_NS) {
		w->poll_events = POLLIN | POLLOUT;
		if (w->wait_ns > PATIENCE_NS)
			w->wait_ns = PATIENCE_NS;
		return false;
	}
	p->lossy = err != 0;
	p->sent += err == 0;
	p->lost += err != 0;
	p->pending.len = 0;
	w->poll_events = POLLIN;
	return true;
}

static void
take_message(struct wire *w, struct peer *p, ssize_t len)
{
	struct s82_verdict v;

	if (p->msg[0] != PEER_FRAME) {
		set_partner(w, p, p->msg[0] == PEER_LIGHT);
		return;
	}
	p->received++;
	w->ctx.ops->lock(&w->ctx);
	v = wire_give(w, p->msg + 1, len - 1);
	w->ctx.ops->unlock(&w->ctx);
	if (v.drop >= 0)
		p->dropped[v.drop]++;
}

static unsigned int
peer_in(struct wire *w)
{
	struct peer *p = w->priv;
	unsigned int n = 0;

	if (p->fd < 0 && !find_partner(p)) {
		w->poll_fd = p->listen;
		w->poll_events = POLLIN;
		if (w->wait_ns > SEEK_NS)
			w->wait_ns = SEEK_NS;
		return 0;
	}
	w->poll_fd = p->fd;
	tell_light(w, p);
	while (n < IN_BURST) {
		ssize_t len = recv(p->fd, p->msg, sizeof(p->msg), 0);

		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (len <= 0) {
			part(w, p);
			return 1;
		}
		take_message(w, p, len);
		n++;
	}
	return n;
}

static int
peer_finish(struct wire *w)
{
	(void)w;
	return 0;
}

static json_t *
peer_json(struct wire *w)
{
	const struct peer *p = w->priv;

	return json_pack("{s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:o}", "mode", "peer",
		"partner", w->opts->wire_in, "connected", p->fd >= 0, "partner_up", p->partner_up,
		"connections", (json_int_t)p->connections, "sent", (json_int_t)p->sent,
		"received", (json_int_t)p->received, "lost", (json_int_t)p->lost,
		"dropped", wire_drops_json(p->dropped));
}

static void
peer_close(struct wire *w)
{
	struct peer *p = w->priv;

	if (p == NULL)
		return;
	if (p->fd >= 0)
		close(p->fd);
	if (p->listen >= 0)
		close(p->listen);
	free(p);
}

const struct wire_ops wire_peer = {
	.open = peer_open, .ready = peer_ready, .out = peer_out, .in = peer_in,
	.finish = peer_finish, .json = peer_json, .close = peer_close,
};
