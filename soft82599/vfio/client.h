/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * This process as a client of the card: attaching, requests, and the model's context.
 *
 * A process attaches when it first opens something below /dev/vfio (or uses a VFIO descriptor
 * that it was given). A forked child is another process: it attaches anew when it needs to.
 */
#ifndef S82_CLIENT_H
#define S82_CLIENT_H

#include <pthread.h>
#include <signal.h>

#include "../model/model.h"
#include "iova.h"
#include "proto.h"

struct s82_client_proc {
	_Atomic uint32_t attached;	/* last to be set */
	_Atomic bool gone;		/* the card does not answer any more */
	int sock, fds_sock, doorbell, wire, nudge;
	uint32_t id;
	struct s82_state *st;
	struct s82_ctx ctx;
	struct s82_iova iova;
	_Atomic uint32_t owns;		/* pieces of own memory that were mapped for DMA, ever */
	_Atomic int irq_fd[S82_FUNCS][S82_VECTORS];	/* own eventfd + 1; 0: none */
};

extern struct s82_client_proc s82_client;

/* Does the environment name a card? Cheap; any thread. */
bool s82_enabled(void);

/* Attaches if need be. 0; -ENOENT if no card is named or it does not answer; or -errno. */
int s82_attach(void);

/* Blocks all signals: whoever holds a lock must not be interrupted by a handler that wants it. */
void s82_signals_block(sigset_t *old);
void s82_signals_restore(const sigset_t *old);

/*
 * One request and its reply. `fds` are sent; up to *n_out descriptors are received in `out`.
 * Returns the reply's err (0 or -errno), or -EIO if the card is gone. Attached; any thread, also
 * in the fault handler for S82_REQ_GET_FD, which has a socket of its own.
 */
int s82_request(const struct s82_req *req, const int *fds, unsigned int nfds, struct s82_rep *rep,
	int *out, unsigned int *n_out);

/* A request that sends no descriptor and gets at most one: *fd is it or -1. fd may be NULL. */
int s82_ask(const struct s82_req *req, struct s82_rep *rep, int *fd);

/* Is the card still there? Looks at the socket now and then. */
bool s82_card_alive(void);

/*
 * What VFIO object `fd` is, or S82_HANDLE_FREE if it is none of ours. Attaches if fd might be a
 * descriptor that another process passed on. Any thread.
 */
enum s82_handle_kind s82_handle_of(int fd, unsigned int *index);

/*
 * Locks of other files, for fork: nobody must be inside when the child's copy is made, for only
 * the thread that forks lives on in it. st->lock is not among them, it stays the parent's.
 */
extern pthread_mutex_t s82_bar_lock, s82_defer_lock, s82_action_lock, s82_patch_lock;

/* Moves a descriptor of the shim's own up, out of the program's way. Returns the new one. */
int s82_fd_hide(int fd);

/* Keeps `fd` as the eventfd of a vector, for this process to write itself; -1: none. */
void s82_irq_keep(unsigned int func, unsigned int vector, int fd);

/* stderr, if SOFT82599_LOG asks for the level. Not from the fault handler. */
enum s82_log_level { S82_LOG_ERROR, S82_LOG_WARN, S82_LOG_INFO, S82_LOG_DEBUG };
void s82_log(enum s82_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
