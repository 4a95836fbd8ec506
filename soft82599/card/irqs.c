/* SPDX-License-Identifier: BSD-3-Clause */
/* Where interrupts go: the eventfds of each function. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <unistd.h>

#include "server_priv.h"

static void
ring(int fd)
{
	uint64_t one = 1;

	/* Full is as good as rung. */
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return;
}

static void
put_fd(int *slot, int fd)
{
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

void
s82_irqs_raise(struct s82_server *s, unsigned int func, unsigned int vector)
{
	pthread_mutex_lock(&s->irq_lock);
	ring(s->dev[func].irq_fd[vector]);
	pthread_mutex_unlock(&s->irq_lock);
}

void
s82_irqs_deliver(struct s82_server *s)
{
	uint64_t pending;
	unsigned int f;

	for (f = 0; f < S82_FUNCS; f++) {
		if (atomic_load_explicit(&s->st->func[f].irq_pending, memory_order_relaxed) == 0)
			continue;
		pending = atomic_exchange(&s->st->func[f].irq_pending, 0);
		for (; pending != 0; pending &= pending - 1)
			s82_irqs_raise(s, f, (unsigned int)__builtin_ctzll(pending));
	}
}

/* MSI-X off: every vector loses its eventfd. */
static void
disable_msix(struct s82_server *s, unsigned int func)
{
	struct device *d = &s->dev[func];
	unsigned int v;

	atomic_store(&s->st->func[func].irq_armed, 0);
	atomic_store(&s->st->func[func].irq_client, 0);
	atomic_store(&s->st->func[func].irq_pending, 0);
	pthread_mutex_lock(&s->irq_lock);
	for (v = 0; v < S82_VECTORS; v++)
		put_fd(&d->irq_fd[v], -1);
	pthread_mutex_unlock(&s->irq_lock);
	d->irq_type = 0;
	d->irq_vectors = 0;
}

void
s82_irqs_clear(struct s82_server *s, unsigned int func)
{
	disable_msix(s, func);
	put_fd(&s->dev[func].err_fd, -1);
	put_fd(&s->dev[func].req_fd, -1);
}

void
s82_irqs_ask_back(struct s82_server *s, unsigned int func)
{
	ring(s->dev[func].req_fd);
}

/* ERR and REQ: one eventfd each, which this card never raises but on request. */
static int
set_single(struct device *d, const uint64_t *arg, const int *fds, unsigned int nfds)
{
	int *slot = arg[4] == VFIO_PCI_ERR_IRQ_INDEX ? &d->err_fd : &d->req_fd;

	if (arg[1] != 0 || arg[2] != 1)
		return -EINVAL;
	put_fd(slot, nfds > 0 ? fcntl(fds[0], F_DUPFD_CLOEXEC, 3) : -1);
	return 0;
}

/* Different clients' eventfds on one function: then only the card may write them. */
static void
note_owner(struct s82_func *f, unsigned int client, bool first)
{
	uint32_t now = atomic_load(&f->irq_client);

	if (first)
		now = client;
	else if (now != client)
		now = 0;
	atomic_store(&f->irq_client, now);
}

int
s82_irqs_set(struct s82_server *s, unsigned int client, const uint64_t *arg, const int *fds,
	unsigned int nfds)
{
	struct s82_func *f = &s->st->func[arg[0]];
	struct device *d = &s->dev[arg[0]];
	unsigned int i, v, used = 0;
	uint64_t end = arg[1] + arg[2];
	bool first = d->irq_type == 0;

	if (arg[4] != VFIO_PCI_MSIX_IRQ_INDEX)
		return set_single(d, arg, fds, nfds);
	if (arg[1] > f->vectors || arg[2] > f->vectors || end > f->vectors)
		return -EINVAL;
	if ((unsigned int)__builtin_popcountll(arg[3]) != nfds)
		return -EINVAL;
	/* The number of vectors is that of the first time until MSI-X is disabled. */
	if (!first && (arg[1] >= d->irq_vectors || end > d->irq_vectors))
		return -EINVAL;
	if (first) {
		d->irq_type = 1;
		d->irq_vectors = (uint32_t)end;
	}
	note_owner(f, client, first);
	pthread_mutex_lock(&s->irq_lock);
	for (i = 0; i < arg[2]; i++) {
		v = (unsigned int)arg[1] + i;
		if (arg[3] & (1ull << i)) {
			put_fd(&d->irq_fd[v], fcntl(fds[used++], F_DUPFD_CLOEXEC, 3));
			atomic_fetch_or(&f->irq_armed, 1ull << v);
		} else {
			atomic_fetch_and(&f->irq_armed, ~(1ull << v));
			put_fd(&d->irq_fd[v], -1);
		}
	}
	pthread_mutex_unlock(&s->irq_lock);
	return 0;
}

static int
trigger_single(struct device *d, const uint64_t *arg)
{
	int *slot = arg[4] == VFIO_PCI_ERR_IRQ_INDEX ? &d->err_fd : &d->req_fd;

	if (*slot < 0)
		return 0;
	if (arg[2] == 0) {
		if (arg[5])	/* DATA_BOOL without a bool */
			return -EINVAL;
		put_fd(slot, -1);
	} else if (arg[3] & 1) {
		ring(*slot);
	}
	return 0;
}

int
s82_irqs_trigger(struct s82_server *s, const uint64_t *arg)
{
	struct device *d = &s->dev[arg[0]];
	unsigned int i;

	if (arg[4] != VFIO_PCI_MSIX_IRQ_INDEX)
		return trigger_single(d, arg);
	if (d->irq_type == 0)
		return -EINVAL;
	if (arg[2] == 0 && !arg[5]) {
		disable_msix(s, (unsigned int)arg[0]);
		return 0;
	}
	if (arg[1] + arg[2] > d->irq_vectors)
		return -EINVAL;
	for (i = 0; i < arg[2]; i++)
		if (arg[3] & (1ull << i))
			s82_irqs_raise(s, (unsigned int)arg[0], (unsigned int)arg[1] + i);
	return 0;
}
