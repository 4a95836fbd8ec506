/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include <x86intrin.h>

#include "client.h"
#include "lock.h"
#include "patch_fast.h"
#include "sock.h"
#include "tick.h"

struct s82_client_proc s82_client = { .sock = -1, .fds_sock = -1, .doorbell = -1, .wire = -1,
	.nudge = -1 };

static pthread_mutex_t attach_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t request_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t fds_lock = PTHREAD_MUTEX_INITIALIZER;

struct log {
	enum s82_log_level level;
	const char *fmt;
	va_list *ap;
};

static void
write_log(void *arg)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	const struct log *l = arg;
	const char *want = getenv("SOFT82599_LOG");
	enum s82_log_level limit = S82_LOG_ERROR;
	char line[512];
	int n, saved = errno;

	for (n = 0; want != NULL && n < 4; n++)
		if (strcmp(want, names[n]) == 0)
			limit = n;
	if (l->level > limit)
		return;
	n = snprintf(line, sizeof(line), "soft82599: ");
	n += vsnprintf(line + n, sizeof(line) - n - 1, l->fmt, *l->ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		n = 0;
	errno = saved;
}

/* Also where a patched store has not saved what printing uses. */
void
s82_log(enum s82_log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	s82_saved(write_log, &(struct log){ level, fmt, &ap });
	va_end(ap);
}

bool
s82_enabled(void)
{
	const char *name = getenv(S82_ENV_NAME);

	return name != NULL && name[0] != '\0';
}

void
s82_signals_block(sigset_t *old)
{
	uint64_t all = ~0ull;

	/* The system call itself: sigprocmask is interposed, and libc's spares its own signals. */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, old, sizeof(all));
}

void
s82_signals_restore(const sigset_t *old)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, old, NULL, sizeof(uint64_t));
}

int
s82_fd_hide(int fd)
{
	struct rlimit lim;
	int high, want = 900;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < 1024)
		want = lim.rlim_cur > 128 ? (int)lim.rlim_cur - 64 : 3;
	high = fcntl(fd, F_DUPFD_CLOEXEC, want);
	if (high < 0)
		return fd;
	close(fd);
	return high;
}

void
s82_irq_keep(unsigned int func, unsigned int vector, int fd)
{
	int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3), old;

	if (copy >= 0)
		copy = s82_fd_hide(copy);
	old = atomic_exchange(&s82_client.irq_fd[func][vector], copy + 1);
	if (old > 0)
		close(old - 1);
}

/*
 * The card does not answer: all ones from now on, for this process alone. Others find out by
 * themselves, and it may be this process's doing, having closed descriptors that it did not open.
 */
static int
card_gone(void)
{
	if (!atomic_exchange(&s82_client.gone, true))
		s82_log(S82_LOG_INFO, "the card is gone");
	return -EIO;
}

int
s82_request(const struct s82_req *req, const int *fds, unsigned int nfds, struct s82_rep *rep,
	int *out, unsigned int *n_out)
{
	bool get_fd = req->op == S82_REQ_GET_FD;
	pthread_mutex_t *lock = get_fd ? &fds_lock : &request_lock;
	int sock = get_fd ? s82_client.fds_sock : s82_client.sock, rc;
	sigset_t old;

	s82_signals_block(&old);
	pthread_mutex_lock(lock);
	rc = s82_sock_send(sock, req, sizeof(*req), fds, nfds);
	if (rc == 0)
		rc = s82_sock_recv(sock, rep, sizeof(*rep), out, n_out);
	pthread_mutex_unlock(lock);
	s82_signals_restore(&old);
	if (rc == 0)
		return rep->err;
	return rc == -EPROTO ? -EMFILE : card_gone();
}

int
s82_ask(const struct s82_req *req, struct s82_rep *rep, int *fd)
{
	struct s82_rep ignored;
	unsigned int n = fd != NULL ? 1 : 0;
	int rc;

	if (fd != NULL)
		*fd = -1;
	rc = s82_request(req, NULL, 0, rep != NULL ? rep : &ignored, fd, &n);
	if (rc == 0 && fd != NULL && n != 1)
		return -EPROTO;
	return rc;
}

bool
s82_card_alive(void)
{
	static _Atomic uint32_t calls;
	char byte;
	ssize_t n;

	if (atomic_load_explicit(&s82_client.gone, memory_order_relaxed) ||
			atomic_load_explicit(&s82_client.st->dead, memory_order_relaxed))
		return false;
	/* A killed card cannot say so itself; its socket does. */
	if ((atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed) & 63) != 0)
		return true;
	n = recv(s82_client.sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return true;
	card_gone();
	return false;
}

/* ---- what the model asks of this process ---- */

static void *
op_dma(struct s82_ctx *ctx, unsigned int domain, uint64_t iova, size_t *avail, size_t *before)
{
	return s82_iova_find(&s82_client.iova, ctx->st, domain, iova, avail, before);
}

static void
ring(int fd)
{
	uint64_t one = 1;

	/*
	 * A full eventfd is as good as a ring. The system call itself: write(2) is a cancellation
	 * point, and the thread holds the card's lock.
	 */
	syscall(SYS_write, fd, &one, sizeof(one));
}

static void
op_irq(struct s82_ctx *ctx, unsigned int func, unsigned int vector)
{
	struct s82_func *f = &ctx->st->func[func];
	int fd;

	if (atomic_load(&f->irq_client) == s82_client.id) {
		fd = atomic_load(&s82_client.irq_fd[func][vector]);
		if (fd > 0) {
			ring(fd - 1);
			return;
		}
	}
	atomic_fetch_or(&f->irq_pending, 1ull << vector);
	ring(s82_client.doorbell);
}

static void
op_wire_kick(struct s82_ctx *ctx)
{
	(void)ctx;
	ring(s82_client.wire);
}

static void
op_lock(struct s82_ctx *ctx)
{
	s82_lock_take(ctx, s82_client.nudge);
}

static uint64_t
op_now(struct s82_ctx *ctx)
{
	(void)ctx;
	return __rdtsc();
}

static const struct s82_ops client_ops = {
	.dma = op_dma, .irq = op_irq, .wire_kick = op_wire_kick, .lock = op_lock,
	.unlock = s82_lock_leave, .now = op_now, .timer = s82_tick_wake,
};

static int
get_fd(void *arg, uint32_t fd_id)
{
	struct s82_req req = { .op = S82_REQ_GET_FD, .arg = { fd_id } };
	int fd, rc;

	(void)arg;
	rc = s82_ask(&req, NULL, &fd);
	return rc < 0 ? rc : fd;
}

/* ---- attaching ---- */

static void *
raw_map(size_t len, int flags, int fd)
{
	long p = syscall(SYS_mmap, NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0);

	return p == -1 ? NULL : (void *)p;
}

/* In the order in which they are taken where one is taken inside another. */
static pthread_mutex_t *const fork_locks[] = { &attach_lock, &s82_patch_lock, &s82_defer_lock,
	&s82_action_lock, &s82_bar_lock, &request_lock, &fds_lock };
#define FORK_LOCKS	(sizeof(fork_locks) / sizeof(fork_locks[0]))

static sigset_t fork_mask;	/* of the thread that forks; attach_lock */

static void
before_fork(void)
{
	sigset_t mask;
	unsigned int i;

	s82_signals_block(&mask);
	for (i = 0; i < FORK_LOCKS; i++)
		pthread_mutex_lock(fork_locks[i]);
	fork_mask = mask;
}

static void
after_fork_in_parent(void)
{
	sigset_t mask = fork_mask;
	unsigned int i;

	for (i = FORK_LOCKS; i-- > 0;)
		pthread_mutex_unlock(fork_locks[i]);
	s82_signals_restore(&mask);
}

/* In a child: what was inherited belongs to the parent's session with the card. */
static void
forget_parent(void)
{
	struct s82_client_proc *c = &s82_client;
	unsigned int f, v;
	int fd;

	if (!atomic_load(&c->attached))
		return;
	atomic_store(&c->attached, 0);
	close(c->sock);
	close(c->fds_sock);
	close(c->doorbell);
	close(c->wire);
	close(c->nudge);
	for (f = 0; f < S82_FUNCS; f++)
		for (v = 0; v < S82_VECTORS; v++) {
			fd = atomic_exchange(&c->irq_fd[f][v], 0);
			if (fd > 0)
				close(fd - 1);
		}
	atomic_store(&c->owns, 0);
	s82_iova_reset(&c->iova);
	syscall(SYS_munmap, c->st, sizeof(*c->st));
	c->st = NULL;
}

static void
after_fork_in_child(void)
{
	sigset_t mask = fork_mask;
	unsigned int i;

	forget_parent();
	for (i = 0; i < FORK_LOCKS; i++)
		pthread_mutex_init(fork_locks[i], NULL);
	s82_signals_restore(&mask);
}

static int
map_state(int fd)
{
	struct s82_client_proc *c = &s82_client;
	struct stat sb;
	uint8_t *mem;

	if (fstat(fd, &sb) < 0 || (size_t)sb.st_size < sizeof(*c->st))
		return -EPROTO;
	c->st = raw_map(sizeof(*c->st), MAP_SHARED, fd);
	if (c->st == NULL)
		return -ENOMEM;
	if (c->st->magic != S82_MAGIC || c->st->size != sizeof(*c->st))
		return -EPROTO;
	if (c->ctx.sw == NULL) {
		mem = raw_map(s82_switch_size() + 2 * S82_MAX_FRAME + 64,
			MAP_PRIVATE | MAP_ANONYMOUS, -1);
		if (mem == NULL)
			return -ENOMEM;
		c->ctx.sw = (struct s82_switch *)mem;
		c->ctx.bounce = mem + ((s82_switch_size() + 63) & ~63ull);
	} else {
		memset(c->ctx.sw, 0, s82_switch_size());
	}
	c->ctx.st = c->st;
	c->ctx.ops = &client_ops;
	c->ctx.host = c;
	c->iova.get_fd = get_fd;
	return 0;
}

static int
hello(int sock)
{
	struct s82_client_proc *c = &s82_client;
	struct s82_req req = { .op = S82_REQ_HELLO, .arg = { S82_PROTO_VERSION } };
	unsigned int i, n = S82_HELLO_FD_COUNT;
	int fds[S82_HELLO_FD_COUNT], rc;
	struct s82_rep rep;

	rc = s82_sock_send(sock, &req, sizeof(req), NULL, 0);
	if (rc == 0)
		rc = s82_sock_recv(sock, &rep, sizeof(rep), fds, &n);
	if (rc < 0)
		return rc;
	if (rep.err == 0 && n == S82_HELLO_FD_COUNT)
		rc = map_state(fds[S82_HELLO_STATE]);
	else
		rc = rep.err != 0 ? rep.err : -EPROTO;
	if (rc < 0) {
		for (i = 0; i < n; i++)
			close(fds[i]);
		return rc;
	}
	close(fds[S82_HELLO_STATE]);
	c->doorbell = s82_fd_hide(fds[S82_HELLO_DOORBELL]);
	c->wire = s82_fd_hide(fds[S82_HELLO_WIRE]);
	c->nudge = s82_fd_hide(fds[S82_HELLO_NUDGE]);
	c->fds_sock = s82_fd_hide(fds[S82_HELLO_FDS]);
	c->id = (uint32_t)rep.val[0];
	return 0;
}

static int
attach(void)
{
	const char *name = getenv(S82_ENV_NAME);
	struct sockaddr_un addr;
	static bool hooked;
	int sock, len, rc;

	if (!s82_enabled())
		return -ENOENT;
	len = s82_sock_addr(&addr, name);
	if (len < 0)
		return -ENOENT;
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	rc = connect(sock, (struct sockaddr *)&addr, len) < 0 ? -errno : hello(sock);
	if (rc < 0) {
		close(sock);
		s82_log(S82_LOG_WARN, "no card named %s: %s", name, strerror(-rc));
		return rc == -ECONNREFUSED || rc == -ECONNRESET ? -ENOENT : rc;
	}
	s82_client.sock = s82_fd_hide(sock);
	if (!hooked)
		pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
	hooked = true;
	atomic_store(&s82_client.gone, false);
	atomic_store(&s82_client.attached, 1);
	s82_log(S82_LOG_DEBUG, "attached to %s as client %u", name, s82_client.id);
	return 0;
}

int
s82_attach(void)
{
	sigset_t old;
	int rc = 0;

	if (atomic_load_explicit(&s82_client.attached, memory_order_acquire))
		return 0;
	s82_signals_block(&old);
	pthread_mutex_lock(&attach_lock);
	if (!atomic_load(&s82_client.attached))
		rc = attach();
	pthread_mutex_unlock(&attach_lock);
	s82_signals_restore(&old);
	return rc;
}

enum s82_handle_kind
s82_handle_of(int fd, unsigned int *index)
{
	const struct s82_handle *h;
	uint32_t kind;
	struct stat sb;
	unsigned int i;

	if (fd < 0 || syscall(SYS_fstat, fd, &sb) < 0 || !S_ISSOCK(sb.st_mode))
		return S82_HANDLE_FREE;
	if (s82_attach() < 0)
		return S82_HANDLE_FREE;
	for (i = 0; i < S82_MAX_HANDLES; i++) {
		h = &s82_client.st->handle[i];
		kind = atomic_load_explicit(&h->kind, memory_order_acquire);
		if (kind == S82_HANDLE_FREE || h->ino != sb.st_ino || h->dev != sb.st_dev)
			continue;
		*index = h->index;
		return kind;
	}
	return S82_HANDLE_FREE;
}
