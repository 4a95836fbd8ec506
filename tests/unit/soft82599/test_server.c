/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The card's side of the protocol, spoken to message by message: what a client's library takes
 * for granted. A real card state, no VFIO.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <linux/futex.h>
#include <linux/vfio.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "card/server.h"
#include "vfio/proto.h"
#include "vfio/sock.h"

#define PAGE	4096u
#define IOVA	0x40000000ull
#define VF0	0u

struct bench {
	struct s82_state *st;
	struct s82_server *server;
	struct s82_ctx ctx;	/* as the wire thread has */
	int memfd;
	char name[32];
};

/* A client: its sockets and what HELLO gave. */
struct client {
	int sock, fds[S82_HELLO_FD_COUNT];
	unsigned int id;
};

static int
setup(void **state)
{
	struct s82_config cfg = { .pf_bdf = 0x301, .num_vfs = 2 };
	struct bench *b = calloc(1, sizeof(*b));

	snprintf(b->name, sizeof(b->name), "unit-%d", (int)getpid());
	b->memfd = memfd_create("soft82599", MFD_CLOEXEC);
	if (b->memfd < 0 || ftruncate(b->memfd, sizeof(*b->st)) < 0)
		return -1;
	b->st = mmap(NULL, sizeof(*b->st), PROT_READ | PROT_WRITE, MAP_SHARED, b->memfd, 0);
	if (b->st == MAP_FAILED || s82_power_on(b->st, &cfg) < 0)
		return -1;
	if (s82_server_create(&b->server, b->name, b->st, b->memfd) < 0 ||
			s82_server_start(b->server) < 0 ||
			s82_server_ctx_init(b->server, &b->ctx) < 0)
		return -1;
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	s82_server_ctx_fini(&b->ctx);
	s82_server_destroy(b->server);
	munmap(b->st, sizeof(*b->st));
	close(b->memfd);
	free(b);
	return 0;
}

/* One request on one of the client's sockets. Returns the reply's err. */
static int
ask(int sock, const struct s82_req *req, int fd, struct s82_rep *rep, int *got)
{
	struct s82_rep ignored;
	int fds[1] = { -1 };
	unsigned int n = 1;

	if (rep == NULL)
		rep = &ignored;
	assert_int_equal(s82_sock_send(sock, req, sizeof(*req), &fd, fd >= 0), 0);
	assert_int_equal(s82_sock_recv(sock, rep, sizeof(*rep), fds, &n), 0);
	if (got != NULL)
		*got = n > 0 ? fds[0] : -1;
	else if (n > 0)
		close(fds[0]);
	return rep->err;
}

static int
dial(const struct bench *b)
{
	struct sockaddr_un addr;
	int len = s82_sock_addr(&addr, b->name), sock;

	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_true(sock >= 0 && connect(sock, (struct sockaddr *)&addr, len) == 0);
	return sock;
}

static struct client
hello(const struct bench *b)
{
	struct s82_req req = { .op = S82_REQ_HELLO, .arg = { S82_PROTO_VERSION } };
	struct client c = { .sock = dial(b) };
	unsigned int n = S82_HELLO_FD_COUNT;
	struct s82_rep rep;

	assert_int_equal(s82_sock_send(c.sock, &req, sizeof(req), NULL, 0), 0);
	assert_int_equal(s82_sock_recv(c.sock, &rep, sizeof(rep), c.fds, &n), 0);
	assert_int_equal(rep.err, 0);
	assert_int_equal(n, S82_HELLO_FD_COUNT);
	c.id = (unsigned int)rep.val[0];
	return c;
}

static void
bye(struct client *c)
{
	unsigned int i;

	close(c->sock);
	for (i = 0; i < S82_HELLO_FD_COUNT; i++)
		close(c->fds[i]);
}

/* A VF with all that belongs to it. */
struct vf {
	int container, group, device;
	uint64_t domain;
};

static struct vf
open_vf(const struct bench *b, struct client *c)
{
	struct s82_req copen = { .op = S82_REQ_CONTAINER_OPEN };
	struct s82_req gopen = { .op = S82_REQ_GROUP_OPEN, .arg = { b->st->func[VF0].group } };
	struct s82_req gset = { .op = S82_REQ_GROUP_SET, .arg = { VF0 } };
	struct s82_req iommu = { .op = S82_REQ_SET_IOMMU, .arg = { 0, VFIO_TYPE1v2_IOMMU } };
	struct s82_req dopen = { .op = S82_REQ_DEVICE_OPEN, .arg = { VF0 },
		.text = "0000:03:10.1" };
	struct s82_rep rep;
	struct vf vf;

	assert_int_equal(ask(c->sock, &copen, -1, &rep, &vf.container), 0);
	vf.domain = gset.arg[1] = iommu.arg[0] = rep.val[0];
	assert_int_equal(ask(c->sock, &gopen, -1, NULL, &vf.group), 0);
	assert_int_equal(ask(c->sock, &gset, -1, NULL, NULL), 0);
	assert_int_equal(ask(c->sock, &iommu, -1, NULL, NULL), 0);
	assert_int_equal(ask(c->sock, &dopen, -1, &rep, &vf.device), 0);
	assert_int_equal(rep.val[0], VF0);
	return vf;
}

static void
close_vf(struct vf *vf)
{
	close(vf->device);
	close(vf->group);
	close(vf->container);
}

/* What ends in the server's thread ends soon: a second is for slow machines. */
static bool
soon(bool (*done)(const struct bench *), const struct bench *b)
{
	int i;

	for (i = 0; i < 1000 && !done(b); i++)
		usleep(1000);
	return done(b);
}

static bool
vf_free(const struct bench *b)
{
	return s82_server_users(b->server, VF0) == 0;
}

static void *
translate(struct bench *b, uint64_t domain, uint64_t iova, size_t *avail)
{
	size_t before;
	void *p;

	b->ctx.ops->lock(&b->ctx);
	p = b->ctx.ops->dma(&b->ctx, (unsigned int)domain, iova, avail, &before);
	b->ctx.ops->unlock(&b->ctx);
	return p;
}

static int
map(struct client *c, uint64_t domain, uint64_t iova, uint64_t len, uint64_t off, int fd)
{
	struct s82_req req = { .op = S82_REQ_DMA_MAP,
		.arg = { domain, iova, len, off, iova, len } };

	return ask(c->sock, &req, fd, NULL, NULL);
}

static uint64_t
unmap(struct client *c, uint64_t domain, uint64_t iova, uint64_t len)
{
	struct s82_req req = { .op = S82_REQ_DMA_UNMAP, .arg = { domain, iova, len } };
	struct s82_rep rep;

	assert_int_equal(ask(c->sock, &req, -1, &rep, NULL), 0);
	return rep.val[0];
}

static void
test_one_card_of_a_name(void **state)
{
	struct bench *b = *state;
	struct s82_state *st = calloc(1, sizeof(*st));
	struct s82_server *other = NULL;

	assert_int_equal(s82_server_create(&other, b->name, st, b->memfd), -EADDRINUSE);
	assert_null(other);
	free(st);
}

static void
test_greets_only_its_own_version(void **state)
{
	struct bench *b = *state;
	struct s82_req req = { .op = S82_REQ_HELLO, .arg = { S82_PROTO_VERSION + 1 } };
	int sock = dial(b);
	struct client c;

	assert_int_equal(ask(sock, &req, -1, NULL, NULL), -EPROTO);
	close(sock);
	/* somebody who connects and says nothing keeps nobody waiting */
	sock = dial(b);
	c = hello(b);
	assert_int_equal(b->st->client[c.id].pid, getpid());
	bye(&c);
	close(sock);
}

static void
test_dma_is_what_was_mapped(void **state)
{
	struct bench *b = *state;
	struct client c = hello(b);
	struct vf vf = open_vf(b, &c);
	int fd = memfd_create("dma", MFD_CLOEXEC), other = memfd_create("dma2", MFD_CLOEXEC);
	size_t avail = 0;
	char *p, *mine;

	assert_true(ftruncate(fd, 8 * PAGE) == 0 && ftruncate(other, 8 * PAGE) == 0);
	mine = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_null(translate(b, vf.domain, IOVA, &avail));
	assert_int_equal(map(&c, vf.domain, IOVA, 4 * PAGE, 2 * PAGE, fd), 0);
	p = translate(b, vf.domain, IOVA + 100, &avail);
	assert_non_null(p);
	assert_int_equal(avail, 4 * PAGE - 100);
	strcpy(p, "written by the card");
	assert_string_equal(mine + 2 * PAGE + 100, "written by the card");
	assert_null(translate(b, vf.domain, IOVA + 4 * PAGE, &avail));
	assert_null(translate(b, vf.domain, IOVA - 1, &avail));
	assert_null(translate(b, vf.domain + 1, IOVA, &avail));
	/* the same addresses on other memory: no cache may remember the old */
	assert_int_equal(unmap(&c, vf.domain, IOVA, 4 * PAGE), 4 * PAGE);
	assert_null(translate(b, vf.domain, IOVA + 100, &avail));
	assert_int_equal(map(&c, vf.domain, IOVA, 4 * PAGE, 0, other), 0);
	p = translate(b, vf.domain, IOVA + 100, &avail);
	assert_non_null(p);
	assert_int_equal(*p, '\0');
	close_vf(&vf);
	assert_true(soon(vf_free, b));
	assert_null(translate(b, vf.domain, IOVA, &avail));
	munmap(mine, 8 * PAGE);
	close(fd);
	close(other);
	bye(&c);
}

/* As DPDK does it since 23.03: page after page of one file, more of them than there are extents. */
static void
test_dma_page_by_page(void **state)
{
	const uint64_t pages = S82_MAX_EXTENTS + 100, hole = IOVA + 50 * PAGE;
	struct bench *b = *state;
	struct client c = hello(b);
	struct vf vf = open_vf(b, &c);
	const struct s82_domain *d = &b->st->domain[vf.domain];
	int fd = memfd_create("dma", MFD_CLOEXEC), other = memfd_create("dma2", MFD_CLOEXEC);
	size_t avail = 0;
	uint64_t i;
	char *p;

	assert_true(ftruncate(fd, (off_t)pages * PAGE) == 0 && ftruncate(other, PAGE) == 0);
	for (i = 0; i < pages; i++) {
		assert_int_equal(map(&c, vf.domain, IOVA + i * PAGE, PAGE, i * PAGE, fd), 0);
		if (i == 49)	/* what the card knows already gets longer */
			assert_non_null(translate(b, vf.domain, hole - PAGE, &avail));
	}
	assert_int_equal(d->extents, 1);
	assert_int_equal(d->bytes, pages * PAGE);
	assert_non_null(translate(b, vf.domain, IOVA, &avail));
	assert_int_equal(avail, pages * PAGE);
	/* another file goes on at the address, the same file elsewhere: neither is joined */
	assert_int_equal(map(&c, vf.domain, IOVA + pages * PAGE, PAGE, 0, other), 0);
	assert_int_equal(map(&c, vf.domain, IOVA + (pages + 1) * PAGE, PAGE, 0, fd), 0);
	assert_int_equal(d->extents, 3);
	/* a page in the middle goes; its neighbours are what they were */
	p = translate(b, vf.domain, hole + PAGE, &avail);
	strcpy(p, "behind");
	assert_int_equal(unmap(&c, vf.domain, hole, PAGE), PAGE);
	assert_null(translate(b, vf.domain, hole, &avail));
	assert_string_equal(translate(b, vf.domain, hole + PAGE, &avail), "behind");
	assert_int_equal(avail, (pages - 51) * PAGE);
	assert_non_null(translate(b, vf.domain, hole - 100, &avail));
	assert_int_equal(avail, 100);
	/* the first one, the last one */
	assert_int_equal(unmap(&c, vf.domain, IOVA, PAGE), PAGE);
	assert_int_equal(unmap(&c, vf.domain, IOVA + (pages - 1) * PAGE, PAGE), PAGE);
	assert_null(translate(b, vf.domain, IOVA, &avail));
	assert_null(translate(b, vf.domain, IOVA + (pages - 1) * PAGE, &avail));
	assert_int_equal(d->bytes, (pages + 2 - 3) * PAGE);
	assert_int_equal(unmap(&c, vf.domain, IOVA, (pages + 2) * PAGE), (pages - 1) * PAGE);
	assert_int_equal(d->extents, 0);
	assert_int_equal(d->bytes, 0);
	close_vf(&vf);
	assert_true(soon(vf_free, b));
	close(fd);
	close(other);
	bye(&c);
}

/* Whoever asks for a descriptor holds the lock, for which the other thread may be waiting. */
static void *
reset_vf(void *arg)
{
	struct s82_req req = { .op = S82_REQ_DEVICE_RESET, .arg = { VF0 } };

	ask(((struct client *)arg)->sock, &req, -1, NULL, NULL);
	return NULL;
}

static void
test_descriptors_while_locked(void **state)
{
	struct bench *b = *state;
	struct client c = hello(b);
	struct vf vf = open_vf(b, &c);
	struct s82_req req = { .op = S82_REQ_GET_FD };
	int fd = memfd_create("dma", MFD_CLOEXEC), got = -1;
	struct pollfd waiting = { .fd = c.sock, .events = POLLIN };
	uint64_t resets = b->st->func[VF0].resets;
	pthread_t thread;

	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_int_equal(map(&c, vf.domain, IOVA, PAGE, 0, fd), 0);
	req.arg[0] = b->st->extent[0].fd_id;
	b->ctx.ops->lock(&b->ctx);
	assert_int_equal(pthread_create(&thread, NULL, reset_vf, &c), 0);
	assert_int_equal(ask(c.fds[S82_HELLO_FDS], &req, -1, NULL, &got), 0);
	assert_true(got >= 0);
	req.arg[0] = 12345;
	assert_int_equal(ask(c.fds[S82_HELLO_FDS], &req, -1, NULL, NULL), -ENOENT);
	assert_int_equal(poll(&waiting, 1, 0), 0);	/* the reset is not done */
	b->ctx.ops->unlock(&b->ctx);
	pthread_join(thread, NULL);
	assert_int_equal(b->st->func[VF0].resets, resets + 1);
	close(got);
	close(fd);
	close_vf(&vf);
	assert_true(soon(vf_free, b));
	bye(&c);
}

static void
test_interrupts_cross_processes(void **state)
{
	struct bench *b = *state;
	struct client c = hello(b);
	struct vf vf = open_vf(b, &c);
	struct s82_req req = { .op = S82_REQ_SET_IRQS, .arg = { VF0, 1, 1, 1,
		VFIO_PCI_MSIX_IRQ_INDEX } };
	struct s82_func *f = &b->st->func[VF0];
	int efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct pollfd pfd = { .fd = efd, .events = POLLIN };
	eventfd_t v;

	assert_int_equal(ask(c.sock, &req, efd, NULL, NULL), 0);
	assert_int_equal(atomic_load(&f->irq_armed), 2);
	assert_int_equal(atomic_load(&f->irq_client), c.id);
	/* from the card itself */
	b->ctx.ops->irq(&b->ctx, VF0, 1);
	assert_int_equal(eventfd_read(efd, &v), 0);
	/* from another client, by the doorbell */
	atomic_fetch_or(&f->irq_pending, 2);
	assert_int_equal(eventfd_write(c.fds[S82_HELLO_DOORBELL], 1), 0);
	assert_int_equal(poll(&pfd, 1, 1000), 1);
	assert_int_equal(eventfd_read(efd, &v), 0);
	assert_int_equal(atomic_load(&f->irq_pending), 0);
	/* a reset leaves the eventfds, the last close takes them */
	close(vf.device);
	close(vf.group);
	assert_true(soon(vf_free, b));
	close(vf.container);
	b->ctx.ops->lock(&b->ctx);	/* the hang-up is dealt with under the lock */
	b->ctx.ops->unlock(&b->ctx);
	assert_int_equal(atomic_load(&f->irq_armed), 0);
	b->ctx.ops->irq(&b->ctx, VF0, 1);
	assert_int_equal(poll(&pfd, 1, 20), 0);
	close(efd);
	bye(&c);
}

static bool
no_clients(const struct bench *b)
{
	unsigned int i, n = 0;

	for (i = 0; i < S82_MAX_CLIENTS; i++)
		n += b->st->client[i].used;
	return n == 0 && vf_free(b);
}

/* A client that is killed inside the lock, with a device open and memory mapped. */
static void
killed_inside(struct bench *b)
{
	struct client c = hello(b);
	struct vf vf = open_vf(b, &c);
	int fd = memfd_create("dma", MFD_CLOEXEC);

	if (ftruncate(fd, PAGE) < 0 || map(&c, vf.domain, IOVA, PAGE, 0, fd) < 0)
		_exit(1);
	pthread_mutex_lock(&b->st->lock);
	raise(SIGKILL);
}

static void
test_death_inside_the_lock(void **state)
{
	struct bench *b = *state;
	uint64_t resets = b->st->func[VF0].resets;
	struct client c;
	struct vf vf;
	pid_t pid = fork();
	int status, i;

	if (pid == 0)
		killed_inside(b);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(soon(no_clients, b));
	b->ctx.ops->lock(&b->ctx);
	b->ctx.ops->unlock(&b->ctx);
	assert_int_equal(b->st->func[VF0].resets, resets + 1);
	assert_int_equal(b->st->func[VF0].owner, 0);
	assert_int_equal(b->st->func[VF0].domain, 0);
	for (i = 0; i < S82_MAX_EXTENTS; i++)
		assert_int_equal(b->st->extent[i].domain, 0);
	/* and the next one finds a working card */
	c = hello(b);
	vf = open_vf(b, &c);
	assert_int_equal(b->st->func[VF0].owner, c.id);
	close_vf(&vf);
	assert_true(soon(vf_free, b));
	bye(&c);
}

/* Stops itself inside the lock; once woken, leaves it and waits for its end. */
static void
stopped_inside(struct bench *b)
{
	struct client c = hello(b);

	pthread_mutex_lock(&b->st->lock);
	raise(SIGSTOP);
	pthread_mutex_unlock(&b->st->lock);
	for (;;)
		pause();
	bye(&c);
}

/* The card gets the lock from a process that is stopped, and the process stays stopped. */
static void
test_stop_inside_the_lock(void **state)
{
	struct bench *b = *state;
	pid_t pid = fork();
	siginfo_t info;
	int status;

	if (pid == 0)
		stopped_inside(b);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(pthread_mutex_trylock(&b->st->lock), EBUSY);
	b->ctx.ops->lock(&b->ctx);
	b->ctx.ops->unlock(&b->ctx);
	assert_int_equal(b->st->stats.lock_repairs, 0);
	assert_true(atomic_load(&b->st->stats.lock_nudges) >= 1);
	assert_int_equal(waitid(P_PID, pid, &info, WSTOPPED), 0);
	assert_int_equal(info.si_code, CLD_STOPPED);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_true(soon(no_clients, b));
}

/* Who is no client is nobody that the card may wake: the lock comes when its owner leaves. */
static void *
leave_later(void *arg)
{
	usleep(100000);
	kill(*(pid_t *)arg, SIGCONT);
	return NULL;
}

static void
test_strangers_are_not_woken(void **state)
{
	struct bench *b = *state;
	pid_t pid = fork();
	pthread_t thread;
	int status;

	if (pid == 0) {
		pthread_mutex_lock(&b->st->lock);
		raise(SIGSTOP);
		pthread_mutex_unlock(&b->st->lock);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_int_equal(pthread_create(&thread, NULL, leave_later, &pid), 0);
	b->ctx.ops->lock(&b->ctx);
	b->ctx.ops->unlock(&b->ctx);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&b->st->stats.lock_nudges), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void
wait_byte(int fd)
{
	char byte;

	assert_int_equal(read(fd, &byte, 1), 1);
}

/* A client that hangs up when told, and ends when told again. */
static void
leaves_in_two_steps(struct bench *b, int in, int out)
{
	struct client c = hello(b);
	char byte = 0;

	if (write(out, &byte, 1) != 1 || read(in, &byte, 1) != 1)
		_exit(1);
	bye(&c);
	if (write(out, &byte, 1) != 1 || read(in, &byte, 1) != 1)
		_exit(1);
	_exit(0);
}

/*
 * The card is busy; a client hangs up, another one says hello, the first one's process ends. When
 * the card looks again, the newcomer is given the number that is free, and is not thrown out for
 * the death of him who had it.
 */
static void
test_newcomer_is_not_the_dead(void **state)
{
	struct s82_req req = { .op = S82_REQ_HELLO, .arg = { S82_PROTO_VERSION } };
	struct s82_req copen = { .op = S82_REQ_CONTAINER_OPEN };
	struct bench *b = *state;
	struct client a = hello(b), next;
	struct vf vf = open_vf(b, &a);
	unsigned int n = S82_HELLO_FD_COUNT;
	int to[2], from[2], status, fd;
	struct s82_rep rep;
	pthread_t thread;
	pid_t pid;

	assert_true(pipe(to) == 0 && pipe(from) == 0);
	pid = fork();
	if (pid == 0)
		leaves_in_two_steps(b, to[0], from[1]);
	wait_byte(from[0]);
	next.sock = dial(b);
	reset_vf(&a);	/* twice round: by then he was let in to say hello */
	reset_vf(&a);
	b->ctx.ops->lock(&b->ctx);
	assert_int_equal(pthread_create(&thread, NULL, reset_vf, &a), 0);
	while (!(__atomic_load_n(&b->st->lock.__data.__lock, __ATOMIC_RELAXED) & FUTEX_WAITERS))
		usleep(100);
	assert_int_equal(write(to[1], "", 1), 1);
	wait_byte(from[0]);
	usleep(20000);	/* the thread that is not busy closes its end, too */
	assert_int_equal(s82_sock_send(next.sock, &req, sizeof(req), NULL, 0), 0);
	assert_int_equal(write(to[1], "", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	b->ctx.ops->unlock(&b->ctx);
	pthread_join(thread, NULL);
	assert_int_equal(s82_sock_recv(next.sock, &rep, sizeof(rep), next.fds, &n), 0);
	assert_int_equal(rep.err, 0);
	assert_int_equal(ask(next.sock, &copen, -1, NULL, &fd), 0);
	close(fd);
	close_vf(&vf);
	bye(&next);
	bye(&a);
	assert_true(soon(no_clients, b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_card_of_a_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_greets_only_its_own_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dma_is_what_was_mapped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dma_page_by_page, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptors_while_locked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupts_cross_processes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_death_inside_the_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newcomer_is_not_the_dead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_inside_the_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strangers_are_not_woken, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
