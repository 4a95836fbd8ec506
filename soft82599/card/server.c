/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients come and go: the socket, the two threads, and a thread's way to call the model. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../vfio/lock.h"
#include "../vfio/sock.h"
#include "../vfio/tick.h"
#include "server_priv.h"

#define EVENTS	64

int
s82_epoll_add(int epfd, int fd, uint32_t events, enum source kind, unsigned int index)
{
	struct epoll_event ev = { .events = events, .data.u64 = (uint64_t)kind << 32 | index };

	return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- the model's context in this process ---- */

struct card_host {
	struct s82_server *server;
	struct s82_iova iova;
};

static void *
op_dma(struct s82_ctx *ctx, unsigned int domain, uint64_t iova, size_t *avail, size_t *before)
{
	struct card_host *host = ctx->host;

	return s82_iova_find(&host->iova, ctx->st, domain, iova, avail, before);
}

static void
op_irq(struct s82_ctx *ctx, unsigned int func, unsigned int vector)
{
	struct card_host *host = ctx->host;

	s82_irqs_raise(host->server, func, vector);
}

static void
op_wire_kick(struct s82_ctx *ctx)
{
	struct card_host *host = ctx->host;

	eventfd_write(host->server->wire, 1);
}

static void
op_lock(struct s82_ctx *ctx)
{
	struct card_host *host = ctx->host;

	s82_lock_take(ctx, host->server->nudge);
}

static uint64_t
op_now(struct s82_ctx *ctx)
{
	(void)ctx;
	return __rdtsc();
}

static const struct s82_ops card_ops = {
	.dma = op_dma, .irq = op_irq, .wire_kick = op_wire_kick, .lock = op_lock,
	.unlock = s82_lock_leave, .now = op_now, .timer = s82_tick_wake,
};

static int
get_fd(void *arg, uint32_t fd_id)
{
	return s82_memory_fd(arg, fd_id);
}

int
s82_server_ctx_init(struct s82_server *s, struct s82_ctx *ctx)
{
	struct card_host *host = calloc(1, sizeof(*host));

	memset(ctx, 0, sizeof(*ctx));
	ctx->sw = calloc(1, s82_switch_size());
	ctx->bounce = calloc(2, S82_MAX_FRAME);
	ctx->host = host;
	if (host == NULL || ctx->sw == NULL || ctx->bounce == NULL) {
		free(host);
		free(ctx->sw);
		free(ctx->bounce);
		memset(ctx, 0, sizeof(*ctx));
		return -ENOMEM;
	}
	ctx->st = s->st;
	ctx->ops = &card_ops;
	host->server = s;
	host->iova.get_fd = get_fd;
	host->iova.arg = s;
	return 0;
}

void
s82_server_ctx_fini(struct s82_ctx *ctx)
{
	struct card_host *host = ctx->host;

	if (host != NULL)
		s82_iova_reset(&host->iova);
	free(host);
	free(ctx->sw);
	free(ctx->bounce);
	memset(ctx, 0, sizeof(*ctx));
}

/* ---- clients ---- */

static void
drop_client(struct s82_server *s, unsigned int id)
{
	struct conn *c = &s->conn[id];

	if (c->sock < 0)
		return;
	atomic_store(&c->pid, 0);
	close_fd(&c->sock);
	close_fd(&c->pidfd);
	/* The second thread may be using it: it closes it when it sees the end. */
	shutdown(atomic_load(&c->fds_sock), SHUT_RDWR);
	s82_server_orphan(s, id);
	s->st->client[id].pid = 0;
	s->st->client[id].used = 0;
}

static int
free_client(const struct s82_server *s)
{
	int id;

	for (id = 1; id < S82_MAX_CLIENTS; id++)
		if (s->conn[id].sock < 0 && atomic_load(&s->conn[id].fds_sock) < 0)
			return id;
	return -EUSERS;
}

/* The descriptors that a client starts with. */
static int
welcome(struct s82_server *s, int sock, unsigned int id, int fds_end)
{
	int fds[S82_HELLO_FD_COUNT] = { [S82_HELLO_STATE] = s->memfd,
		[S82_HELLO_DOORBELL] = s->doorbell, [S82_HELLO_WIRE] = s->wire,
		[S82_HELLO_FDS] = fds_end, [S82_HELLO_NUDGE] = s->nudge };
	struct s82_rep rep = { .val = { id } };

	return s82_sock_send(sock, &rep, sizeof(rep), fds, S82_HELLO_FD_COUNT);
}

/*
 * Takes the new client in while it waits for our answer, so that its pid cannot be another's by
 * now. Takes over `sock` if it succeeds.
 */
static int
admit(struct s82_server *s, int sock)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int id = free_client(s), pair[2], rc;
	struct conn *c;

	if (id < 0)
		return id;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	c = &s->conn[id];
	c->sock = sock;
	atomic_store(&c->fds_sock, pair[0]);
	c->pidfd = (int)syscall(SYS_pidfd_open, cred.pid, 0);
	atomic_store(&c->pid, cred.pid);
	s->st->client[id].pid = cred.pid;
	atomic_store(&s->st->client[id].traps, 0);
	atomic_store(&s->st->client[id].patched, 0);
	atomic_store(&s->st->client[id].unpatchable, 0);
	s->st->client[id].used = 1;
	rc = c->pidfd < 0 ? -errno : s82_epoll_add(s->epfd, c->pidfd, EPOLLIN, SRC_PIDFD, id);
	if (rc == 0)
		rc = s82_epoll_add(s->epfd, sock, EPOLLIN, SRC_CONN, id);
	if (rc == 0)
		rc = welcome(s, sock, id, pair[1]);
	/* Last: from here on the second thread closes it. */
	if (rc == 0)
		rc = s82_epoll_add(s->fds_epfd, pair[0], EPOLLIN, SRC_CONN, id);
	close(pair[1]);
	if (rc < 0) {
		c->sock = -1;	/* the caller's again */
		atomic_store(&c->pid, 0);
		atomic_store(&c->fds_sock, -1);
		close(pair[0]);
		close_fd(&c->pidfd);
		s->st->client[id].used = 0;
		epoll_ctl(s->epfd, EPOLL_CTL_DEL, sock, NULL);
	}
	return rc;
}

/* Whoever connects is heard when he says hello, and keeps nobody waiting until then. */
static void
accept_client(struct s82_server *s)
{
	int sock = accept4(s->listen, NULL, NULL, SOCK_CLOEXEC);

	if (sock >= 0 && s82_epoll_add(s->epfd, sock, EPOLLIN, SRC_HELLO, (unsigned int)sock) < 0)
		close(sock);
}

static void
greet(struct s82_server *s, int sock)
{
	struct s82_rep rep = { 0 };
	struct s82_req req;

	epoll_ctl(s->epfd, EPOLL_CTL_DEL, sock, NULL);
	rep.err = s82_sock_recv(sock, &req, sizeof(req), NULL, NULL);
	if (rep.err == 0 && (req.op != S82_REQ_HELLO || req.arg[0] != S82_PROTO_VERSION))
		rep.err = -EPROTO;
	if (rep.err == 0)
		rep.err = admit(s, sock);
	if (rep.err == 0)
		return;
	s82_sock_send(sock, &rep, sizeof(rep), NULL, 0);
	close(sock);
}

static void
serve(struct s82_server *s, unsigned int id)
{
	int fds[S82_REQ_MAX_FDS], fd, rc, sock = s->conn[id].sock;
	unsigned int nfds = S82_REQ_MAX_FDS;
	struct s82_req req;
	struct s82_rep rep;

	if (sock < 0)
		return;
	rc = s82_sock_recv(sock, &req, sizeof(req), fds, &nfds);
	if (rc < 0) {
		drop_client(s, id);
		return;
	}
	s82_server_request(s, id, &req, fds, nfds, &rep, &fd);
	while (nfds > 0)
		close(fds[--nfds]);
	rc = s82_sock_send(sock, &rep, sizeof(rep), &fd, fd >= 0 ? 1 : 0);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		drop_client(s, id);
}

/* ---- the first thread ---- */

static void
handle_event(struct s82_server *s, const struct epoll_event *ev, bool *stop)
{
	unsigned int index = (uint32_t)ev->data.u64;
	eventfd_t ignored;

	switch (ev->data.u64 >> 32) {
	case SRC_LISTEN:
		accept_client(s);
		break;
	case SRC_HELLO:
		greet(s, (int)index);
		break;
	case SRC_STOP:
		*stop = true;
		break;
	case SRC_DOORBELL:
		eventfd_read(s->doorbell, &ignored);
		s82_irqs_deliver(s);
		break;
	case SRC_CONN:
		serve(s, index);
		break;
	case SRC_PIDFD:
		drop_client(s, index);
		break;
	case SRC_HANDLE:
		s82_server_hangup(s, index);
		break;
	}
}

/*
 * Hang-ups come before deaths and requests: a process's descriptors are closed before its pidfd
 * tells of its end, and who asks for a device again must find it free. Newcomers come last: one
 * who is given the number of a client that has just died must not be taken for him, of whose
 * death there may be two events.
 */
static unsigned int
rank(const struct epoll_event *ev)
{
	switch (ev->data.u64 >> 32) {
	case SRC_HANDLE:
		return 0;
	case SRC_LISTEN: case SRC_HELLO:
		return 2;
	default:
		return 1;
	}
}

static void
handle_events(struct s82_server *s, const struct epoll_event *ev, int n, bool *stop)
{
	unsigned int r;
	int i;

	for (r = 0; r < 3; r++)
		for (i = 0; i < n; i++)
			if (rank(&ev[i]) == r)
				handle_event(s, &ev[i], stop);
}

static void *
events_thread(void *arg)
{
	struct s82_server *s = arg;
	struct epoll_event ev[EVENTS];
	bool stop = false;
	int n;

	while (!stop) {
		n = epoll_wait(s->epfd, ev, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			break;
		if (n > 0)
			handle_events(s, ev, n, &stop);
	}
	return NULL;
}

/* ---- the second thread: nothing but descriptors, and never st->lock ---- */

static void
give_fd(struct s82_server *s, struct conn *c)
{
	int sock = atomic_load(&c->fds_sock);
	struct s82_rep rep = { 0 };
	struct s82_req req;
	int fd;

	if (s82_sock_recv(sock, &req, sizeof(req), NULL, NULL) < 0) {
		close(sock);
		atomic_store(&c->fds_sock, -1);
		return;
	}
	fd = req.op == S82_REQ_GET_FD ? s82_memory_fd(s, (uint32_t)req.arg[0]) : -EINVAL;
	rep.err = fd < 0 ? fd : 0;
	s82_sock_send(sock, &rep, sizeof(rep), &fd, fd >= 0 ? 1 : 0);
	if (fd >= 0)
		close(fd);
}

static void *
fds_thread(void *arg)
{
	struct s82_server *s = arg;
	struct epoll_event ev[EVENTS];
	int i, n;

	for (;;) {
		n = epoll_wait(s->fds_epfd, ev, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			return NULL;
		for (i = 0; i < n; i++) {
			if (ev[i].data.u64 >> 32 == SRC_STOP)
				return NULL;
			give_fd(s, &s->conn[(uint32_t)ev[i].data.u64]);
		}
	}
}

/* ---- birth and death ---- */

static int
init_lock(struct s82_state *st)
{
	pthread_mutexattr_t attr;
	int rc;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	rc = pthread_mutex_init(&st->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return -rc;
}

static void
init_slots(struct s82_server *s)
{
	unsigned int i, v;

	s->listen = s->epfd = s->fds_epfd = s->stop = s->doorbell = s->wire = s->nudge = -1;
	for (i = 0; i < S82_MAX_CLIENTS; i++) {
		s->conn[i].sock = s->conn[i].pidfd = -1;
		atomic_store(&s->conn[i].fds_sock, -1);
	}
	for (i = 0; i < S82_MAX_HANDLES; i++)
		s->handle_sock[i] = -1;
	for (i = 0; i < S82_FUNCS; i++) {
		s->dev[i].err_fd = s->dev[i].req_fd = -1;
		for (v = 0; v < S82_VECTORS; v++)
			s->dev[i].irq_fd[v] = -1;
	}
	pthread_mutex_init(&s->irq_lock, NULL);
	pthread_mutex_init(&s->fds_lock, NULL);
}

static int
open_socket(struct s82_server *s)
{
	struct sockaddr_un addr;
	int len = s82_sock_addr(&addr, s->name);

	if (len < 0)
		return len;
	s->listen = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listen < 0)
		return -errno;
	if (bind(s->listen, (struct sockaddr *)&addr, len) < 0 || listen(s->listen, 64) < 0)
		return -errno;
	return 0;
}

static int
open_events(struct s82_server *s)
{
	int rc;

	s->epfd = epoll_create1(EPOLL_CLOEXEC);
	s->fds_epfd = epoll_create1(EPOLL_CLOEXEC);
	s->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->wire = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->nudge = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->epfd < 0 || s->fds_epfd < 0 || s->stop < 0 || s->doorbell < 0 || s->wire < 0 ||
			s->nudge < 0)
		return -errno;
	rc = s82_epoll_add(s->epfd, s->listen, EPOLLIN, SRC_LISTEN, 0);
	if (rc == 0)
		rc = s82_epoll_add(s->epfd, s->stop, EPOLLIN, SRC_STOP, 0);
	if (rc == 0)
		rc = s82_epoll_add(s->epfd, s->doorbell, EPOLLIN, SRC_DOORBELL, 0);
	if (rc == 0)
		rc = s82_epoll_add(s->fds_epfd, s->stop, EPOLLIN, SRC_STOP, 0);
	return rc;
}

/* The card keeps a descriptor for each page of memory that its clients map. */
static void
raise_limits(struct s82_server *s)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &s->nofile) < 0)
		return;
	lim = s->nofile;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
}

int
s82_server_create(struct s82_server **server, const char *name, struct s82_state *st, int memfd)
{
	struct s82_server *s;
	int rc;

	if (strlen(name) >= sizeof(s->name))
		return -ENAMETOOLONG;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	init_slots(s);
	strcpy(s->name, name);
	s->st = st;
	s->memfd = memfd;
	raise_limits(s);
	strcpy(st->name, name);
	st->card_pid = getpid();
	rc = init_lock(st);
	if (rc == 0)
		rc = open_socket(s);
	if (rc == 0)
		rc = open_events(s);
	if (rc == 0)
		rc = s82_server_ctx_init(s, &s->ctx);
	if (rc < 0) {
		s82_server_destroy(s);
		return rc;
	}
	*server = s;
	return 0;
}

void
s82_server_set_show(struct s82_server *s, int (*show)(void *arg), void *arg)
{
	s->show = show;
	s->show_arg = arg;
}

static void
end_threads(struct s82_server *s)
{
	eventfd_write(s->stop, 1);
	while (s->threads > 0)
		pthread_join(s->thread[--s->threads], NULL);
}

void
s82_server_set_ctl(struct s82_server *s,
	int (*ctl)(void *arg, const char *text, char *answer, size_t size), void *arg)
{
	s->ctl = ctl;
	s->ctl_arg = arg;
}

void
s82_server_ask_back(struct s82_server *s, unsigned int func)
{
	s82_irqs_ask_back(s, func);
}

int
s82_server_start(struct s82_server *s)
{
	void *(*const run[])(void *) = { events_thread, fds_thread, s82_nudge_thread };
	sigset_t all, old;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (rc == 0 && s->threads < S82_SERVER_THREADS) {
		rc = pthread_create(&s->thread[s->threads], NULL, run[s->threads], s);
		s->threads += rc == 0;
	}
	if (rc != 0)
		end_threads(s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -rc;
}

static void
close_everything(struct s82_server *s)
{
	unsigned int i, v;

	for (i = 0; i < S82_MAX_HANDLES; i++)
		close_fd(&s->handle_sock[i]);
	for (i = 0; i < S82_MAX_CLIENTS; i++) {
		close_fd(&s->conn[i].sock);
		if (s->conn[i].fds_sock >= 0)
			close(s->conn[i].fds_sock);
		close_fd(&s->conn[i].pidfd);
	}
	for (i = 0; i < S82_FUNCS; i++) {
		close_fd(&s->dev[i].err_fd);
		close_fd(&s->dev[i].req_fd);
		for (v = 0; v < S82_VECTORS; v++)
			close_fd(&s->dev[i].irq_fd[v]);
	}
	for (i = 0; i < s->backings; i++)
		close_fd(&s->backing[i].fd);
	for (i = 0; i < S82_MAX_DOMAINS; i++)
		free(s->container[i].map);
	close_fd(&s->listen);
	close_fd(&s->epfd);
	close_fd(&s->fds_epfd);
	close_fd(&s->stop);
	close_fd(&s->doorbell);
	close_fd(&s->wire);
	close_fd(&s->nudge);
}

void
s82_server_destroy(struct s82_server *s)
{
	if (s == NULL)
		return;
	atomic_store(&s->st->dead, 1);
	end_threads(s);
	if (s->ctx.host != NULL)
		s82_server_ctx_fini(&s->ctx);
	close_everything(s);
	pthread_mutex_destroy(&s->irq_lock);
	pthread_mutex_destroy(&s->fds_lock);
	free(s);
}

void
s82_server_child(const struct s82_server *s)
{
	setrlimit(RLIMIT_NOFILE, &s->nofile);
}

int
s82_server_wire_fd(const struct s82_server *s)
{
	return s->wire;
}

unsigned int
s82_server_users(const struct s82_server *s, unsigned int func)
{
	return func < S82_FUNCS ? atomic_load(&s->dev[func].handles) + s->dev[func].group_open : 0;
}

bool
s82_group_exists(const struct s82_state *st, unsigned int group)
{
	unsigned int i;

	for (i = 0; i < S82_FUNCS; i++)
		if (st->func[i].present && st->func[i].group == group &&
				st->func[i].driver == S82_DRV_VFIO)
			return true;
	return false;
}
