/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The card's side of the protocol in vfio/proto.h: who the clients are, which VFIO descriptors
 * they hold, which memory they let the card reach and where its interrupts go.
 *
 * Three threads run it. The first takes requests, hang-ups, deaths and the doorbell. The second
 * only hands out descriptors (S82_REQ_GET_FD): whoever asks holds st->lock, for which the first
 * may be waiting. The third wakes whoever was stopped inside st->lock, until he has left it.
 *
 * The launcher does, in this order: memfd_create + ftruncate + mmap, s82_power_on(),
 * s82_server_create() (which initialises st->lock), s82_server_set_show(), s82_server_start(),
 * its own threads, fork of COMMAND (in the child: s82_server_child(), then execve),
 * waitpid(), its threads' end, s82_server_destroy().
 */
#ifndef S82_SERVER_H
#define S82_SERVER_H

#include "../model/model.h"

struct s82_server;

/*
 * Makes the server of card `name` and takes its abstract socket. `memfd` is the file behind
 * `st`; it stays the caller's. Initialises st->lock, st->name and st->card_pid, and raises
 * RLIMIT_NOFILE to its hard limit.
 * Returns 0; -EADDRINUSE if a card of that name lives; -ENAMETOOLONG; or -errno.
 */
int s82_server_create(struct s82_server **server, const char *name, struct s82_state *st,
	int memfd);

/*
 * `show` answers S82_REQ_SHOW: it returns a descriptor of a memfd with the JSON, which the
 * server sends and closes, or -errno. It runs in the server's thread without st->lock.
 */
void s82_server_set_show(struct s82_server *server, int (*show)(void *arg), void *arg);

/*
 * `ctl` answers S82_REQ_CTL: it does what `text` says and writes a sentence of less than `size`
 * bytes. Returns 0 or -errno. It runs in the server's thread without st->lock.
 */
void s82_server_set_ctl(struct s82_server *server,
	int (*ctl)(void *arg, const char *text, char *answer, size_t size), void *arg);

/* Asks whoever has `func` open to give it back: VFIO's REQ interrupt. The server's thread only. */
void s82_server_ask_back(struct s82_server *server, unsigned int func);

/* Starts the threads, with all signals blocked. Returns 0 or -errno. */
int s82_server_start(struct s82_server *server);

/* Marks the card dead, ends the threads, closes every descriptor. NULL is allowed. */
void s82_server_destroy(struct s82_server *server);

/* For a child that is about to become COMMAND: gives back the limits of before. Safe after fork. */
void s82_server_child(const struct s82_server *server);

/*
 * Makes a context by which one thread of the card process calls the model: it can reach all
 * memory that clients mapped and raise all interrupts. One context per thread. 0 or -errno.
 */
int s82_server_ctx_init(struct s82_server *server, struct s82_ctx *ctx);
void s82_server_ctx_fini(struct s82_ctx *ctx);

/*
 * The eventfd (non-blocking) that ops->wire_kick writes. The wire thread waits on it after it
 * set st->wire.sleeping and found the ring still empty. It stays the server's.
 */
int s82_server_wire_fd(const struct s82_server *server);

/*
 * For sysfs: how many descriptors of `func` (devices or its group) are open. A function in use
 * cannot be unbound. Any thread; takes no lock, so the answer may be old when it arrives.
 */
unsigned int s82_server_users(const struct s82_server *server, unsigned int func);

/* "/dev/vfio/N" exists: some function of IOMMU group N is bound to vfio-pci. Any thread. */
bool s82_group_exists(const struct s82_state *st, unsigned int group);

#endif
