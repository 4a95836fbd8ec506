/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages with file descriptors over a SOCK_SEQPACKET socket. No allocation; signal-safe. */
#ifndef S82_SOCK_H
#define S82_SOCK_H

#include <stddef.h>

/*
 * Sends `len` bytes and `nfds` descriptors (at most S82_REQ_MAX_FDS), which stay the caller's.
 * Returns 0 or -errno; never raises SIGPIPE.
 */
int s82_sock_send(int sock, const void *msg, size_t len, const int *fds, unsigned int nfds);

/*
 * Receives one message of exactly `len` bytes and up to *nfds descriptors (close-on-exec), which
 * become the caller's; *nfds then says how many came. Surplus descriptors are closed.
 * Returns 0; -ECONNRESET if the other side hung up; -EPROTO if the message has another size or
 * lost descriptors on its way (the table of this process is full); or -errno.
 */
int s82_sock_recv(int sock, void *msg, size_t len, int *fds, unsigned int *nfds);

/* Fills *addr with the abstract address of card `name`. Returns its length or -ENAMETOOLONG. */
struct sockaddr_un;
int s82_sock_addr(struct sockaddr_un *addr, const char *name);

#endif
