/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server's files share. All but what names a lock is touched by the first thread only. */
#ifndef S82_SERVER_PRIV_H
#define S82_SERVER_PRIV_H

#include <sys/resource.h>
#include <sys/types.h>

#include "../vfio/iova.h"
#include "../vfio/proto.h"
#include "server.h"

#define S82_OWNER_GONE	UINT32_MAX	/* func[].owner: open, but who opened it has died */
#define S82_MAX_MAPS	65535		/* mappings of one container, Linux's default */
#define S82_SERVER_THREADS 3
#define S82_MAX_FDS	(2 * S82_MAX_EXTENTS)

/* A client: index is its id; 0 is nobody. */
struct conn {
	int sock, pidfd;	/* -1: none */
	_Atomic pid_t pid;	/* 0: none */
	_Atomic int fds_sock;	/* -1: none. Once it is served, the second thread closes it. */
};

/* A mapping of a container, as MAP_DMA made it. Its extents may be shared with its neighbours. */
struct dma_map {
	uint64_t iova, size;
};

/* A container. Index: its domain. */
struct container {
	bool open;		/* some copy of its descriptor is */
	unsigned int groups;	/* attached to it */
	uint64_t iommu;		/* VFIO_TYPE1_IOMMU…; 0: not set */
	struct dma_map *map;	/* sorted by iova */
	unsigned int maps, room;
};

/* What VFIO has open of a function and of its group, which it is alone in. */
struct device {
	bool group_open;
	uint32_t domain;	/* container that the group is in; 0: none */
	_Atomic uint32_t handles;	/* device descriptors */
	uint32_t irq_type;	/* 1: MSI-X is enabled */
	uint32_t irq_vectors;	/* as many as were asked for at first */
	int irq_fd[S82_VECTORS];	/* irq_lock */
	int err_fd, req_fd;
};

/* A backing file. Index: fd_id - 1. fds_lock. */
struct backing {
	int fd;			/* -1: free */
	uint32_t refs;		/* extents */
	dev_t dev;
	ino_t ino;
};

struct s82_server {
	char name[64];
	struct s82_state *st;
	int memfd, listen, epfd, fds_epfd, stop, doorbell, wire, nudge;
	unsigned int threads;	/* that run */
	pthread_t thread[S82_SERVER_THREADS];
	struct s82_ctx ctx;	/* the first thread's */
	struct rlimit nofile;	/* of before */
	int (*show)(void *arg);
	void *show_arg;
	int (*ctl)(void *arg, const char *text, char *answer, size_t size);
	void *ctl_arg;
	uint64_t serial;	/* of the newest extent */
	struct conn conn[S82_MAX_CLIENTS];
	int handle_sock[S82_MAX_HANDLES];	/* our ends; -1: free */
	struct container container[S82_MAX_DOMAINS];
	struct device dev[S82_FUNCS];
	pthread_mutex_t irq_lock;	/* guards irq_fd[][]; taken inside st->lock */
	pthread_mutex_t fds_lock;	/* guards backing[]; taken inside st->lock */
	struct backing backing[S82_MAX_FDS];
	unsigned int backings;	/* slots in use lie below */
};

/* What an epoll event is about: kind << 32 | index; of SRC_HELLO, the index is the socket. */
enum source { SRC_LISTEN, SRC_HELLO, SRC_STOP, SRC_DOORBELL, SRC_CONN, SRC_PIDFD, SRC_HANDLE };

int s82_epoll_add(int epfd, int fd, uint32_t events, enum source kind, unsigned int index);

/* ---- requests.c ---- */

/* Answers one request. *fd: what goes with the reply, which the caller closes; -1: nothing. */
void s82_server_request(struct s82_server *s, unsigned int client, const struct s82_req *req,
	const int *fds, unsigned int nfds, struct s82_rep *rep, int *fd);

/* The last copy of descriptor `slot` closed. */
void s82_server_hangup(struct s82_server *s, unsigned int slot);

/* Whatever client `id` holds alone is closed by hang-ups; this forgets its name. */
void s82_server_orphan(struct s82_server *s, unsigned int id);

/* ---- memory.c ---- */

int s82_memory_map(struct s82_server *s, const uint64_t *arg, int fd, uint64_t *val);
int s82_memory_unmap(struct s82_server *s, unsigned int domain, uint64_t iova, uint64_t len,
	bool all, uint64_t *bytes);
void s82_memory_clear(struct s82_server *s, unsigned int domain);

/* A duplicate of the file behind fd_id, or -errno. Any thread. */
int s82_memory_fd(struct s82_server *s, uint32_t fd_id);

/* ---- nudge.c ---- */

/* The third thread: makes stopped processes leave st->lock. arg: struct s82_server. */
void *s82_nudge_thread(void *arg);

/* ---- irqs.c ---- */

int s82_irqs_set(struct s82_server *s, unsigned int client, const uint64_t *arg, const int *fds,
	unsigned int nfds);
int s82_irqs_trigger(struct s82_server *s, const uint64_t *arg);
void s82_irqs_ask_back(struct s82_server *s, unsigned int func);
void s82_irqs_clear(struct s82_server *s, unsigned int func);
/* Raises what clients left in irq_pending. */
void s82_irqs_deliver(struct s82_server *s);
void s82_irqs_raise(struct s82_server *s, unsigned int func, unsigned int vector);

#endif
