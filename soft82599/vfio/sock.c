/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto.h"
#include "sock.h"

union fd_cmsg {
	char buf[CMSG_SPACE(S82_REQ_MAX_FDS * sizeof(int))];
	struct cmsghdr align;
};

int
s82_sock_send(int sock, const void *msg, size_t len, const int *fds, unsigned int nfds)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)msg, .iov_len = len };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	union fd_cmsg control;
	ssize_t n;

	if (nfds > S82_REQ_MAX_FDS)
		return -E2BIG;
	if (nfds > 0) {
		memset(&control, 0, sizeof(control));
		hdr.msg_control = control.buf;
		hdr.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nfds * sizeof(int));
	}
	do {
		n = sendmsg(sock, &hdr, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Takes the descriptors out of a message; those beyond `room` are closed. */
static unsigned int
take_fds(struct msghdr *hdr, int *fds, unsigned int room)
{
	struct cmsghdr *cmsg;
	unsigned int got = 0;
	size_t i, n;
	int fd;

	for (cmsg = CMSG_FIRSTHDR(hdr); cmsg != NULL; cmsg = CMSG_NXTHDR(hdr, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
			if (got < room)
				fds[got++] = fd;
			else
				close(fd);
		}
	}
	return got;
}

int
s82_sock_recv(int sock, void *msg, size_t len, int *fds, unsigned int *nfds)
{
	struct iovec iov = { .iov_base = msg, .iov_len = len };
	union fd_cmsg control;
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf) };
	unsigned int got;
	ssize_t n;

	do {
		n = recvmsg(sock, &hdr, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	got = take_fds(&hdr, fds, nfds != NULL ? *nfds : 0);
	if ((size_t)n != len || (hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		while (got > 0)
			close(fds[--got]);
		return -EPROTO;
	}
	if (nfds != NULL)
		*nfds = got;
	return 0;
}

int
s82_sock_addr(struct sockaddr_un *addr, const char *name)
{
	size_t prefix = strlen(S82_SOCKET_PREFIX), len = strlen(name);

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (1 + prefix + len > sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	memcpy(addr->sun_path + 1, S82_SOCKET_PREFIX, prefix);
	memcpy(addr->sun_path + 1 + prefix, name, len);
	return (int)(offsetof(struct sockaddr_un, sun_path) + 1 + prefix + len);
}
