/* SPDX-License-Identifier: BSD-3-Clause */
/* `exec`: another COMMAND on a card that runs; and how a process becomes a client. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../vfio/proto.h"
#include "card.h"

#define LIBRARY	"libsoft82599.so"

int
card_connect(struct card_conn *conn, const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int n, err;

	n = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "%s%s", S82_SOCKET_PREFIX,
		name);
	if (n >= (int)sizeof(addr.sun_path) - 1)
		return -ENAMETOOLONG;
	conn->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		return -errno;
	if (connect(conn->fd, (struct sockaddr *)&addr,
			offsetof(struct sockaddr_un, sun_path) + 1 + n) != 0 ||
			getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0) {
		err = -errno;
		close(conn->fd);
		return err;
	}
	conn->pid = cred.pid;	/* who listens: the card */
	return 0;
}

void
card_disconnect(struct card_conn *conn)
{
	close(conn->fd);
}

/* Sends a request; a reply that carries descriptors has the first in *fd, others are closed. */
static int
request(struct card_conn *conn, const struct s82_req *req, struct s82_rep *rep, int *fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(S82_REQ_MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov = { rep, sizeof(*rep) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	ssize_t got;

	*fd = -1;
	if (send(conn->fd, req, sizeof(*req), MSG_NOSIGNAL) != (ssize_t)sizeof(*req))
		return -errno;
	do {
		got = recvmsg(conn->fd, &msg, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		unsigned int fds = c->cmsg_type == SCM_RIGHTS ?
			(c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;

		for (unsigned int i = 0; i < fds; i++) {
			int one;

			memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof(one));
			if (*fd < 0)
				*fd = one;
			else
				close(one);
		}
	}
	return got == (ssize_t)sizeof(*rep) ? rep->err : -ECONNRESET;
}

/* Says hello, and then `req`, whose answer is text in a file. NULL and *err on failure. */
static char *
ask(struct card_conn *conn, const struct s82_req *req, struct s82_rep *rep, int *err)
{
	struct s82_req hello = { .op = S82_REQ_HELLO, .arg = { S82_PROTO_VERSION } };
	struct stat st;
	char *text = NULL;
	int fd;

	*err = request(conn, &hello, rep, &fd);
	if (fd >= 0)
		close(fd);
	if (*err < 0)
		return NULL;
	*err = request(conn, req, rep, &fd);
	if (*err == 0 && fd < 0)
		*err = -EPROTO;
	if (*err == 0) {
		if (fstat(fd, &st) == 0 && (text = calloc(1, st.st_size + 1)) != NULL &&
				pread(fd, text, st.st_size, 0) != st.st_size) {
			free(text);
			text = NULL;
		}
		if (text == NULL)
			*err = -EIO;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

char *
card_fetch(struct card_conn *conn, int *err)
{
	struct s82_req req = { .op = S82_REQ_SHOW };
	struct s82_rep rep;

	return ask(conn, &req, &rep, err);
}

int
card_order(struct card_conn *conn, char **words, char **answer)
{
	struct s82_req req = { .op = S82_REQ_CTL };
	struct s82_rep rep;
	size_t used = 0;
	int err;

	*answer = NULL;
	for (; *words != NULL; words++) {
		used += snprintf(req.text + used, sizeof(req.text) - used, "%s%s",
			used == 0 ? "" : " ", *words);
		if (used >= sizeof(req.text))
			return -E2BIG;
	}
	*answer = ask(conn, &req, &rep, &err);
	return *answer == NULL ? err : -(int)rep.val[0];
}

static char library[4352];	/* empty: not found */

/*
 * The library lies beside the launcher in a build folder, in ../lib when installed. Looked for
 * before anything is unshared: in a chroot, /proc/self/exe then names what only others can reach.
 */
void
card_find_library(void)
{
	static const char *const places[] = { "", "vfio/", "../lib/soft82599/", "../lib/" };
	char dir[4096];
	ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);

	if (n < 0)
		return;
	dir[n] = '\0';
	*strrchr(dir, '/') = '\0';
	for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (snprintf(library, sizeof(library), "%s/%s" LIBRARY, dir, places[i]) <
				(int)sizeof(library) && access(library, R_OK) == 0)
			return;
	}
	library[0] = '\0';
}

int
card_become(char **command, const char *name, const char *sysfs_devices)
{
	char preload[8192];
	const char *old = getenv("LD_PRELOAD");
	int err;

	if (library[0] == '\0') {
		card_log(CARD_LOG_ERROR, "%s is not beside the launcher", LIBRARY);
		return EXIT_SETUP;
	}
	snprintf(preload, sizeof(preload), "%s%s%s", library, old != NULL && *old ? ":" : "",
		old != NULL ? old : "");
	setenv("LD_PRELOAD", preload, 1);
	setenv(S82_ENV_NAME, name, 1);
	if (sysfs_devices != NULL)
		setenv("SYSFS_PCI_DEVICES", sysfs_devices, 1);
	execvp(command[0], command);
	err = errno;
	card_log(CARD_LOG_ERROR, "%s: %s", command[0], strerror(err));
	return err == ENOENT || err == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

/* Goes into namespace `kind` of process pid. 1; 0 if this process is in it already; -errno. */
static int
join(int pid, const char *kind, int flag)
{
	char path[64];
	struct stat theirs, ours;
	int fd, done = 0;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	if (stat(path, &ours) != 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &theirs) != 0)
		done = -errno;
	else if (theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev)
		done = setns(fd, flag) == 0 ? 1 : -errno;
	close(fd);
	return done;
}

/* setns() leads to the root of the namespace, which in a chroot is not the card's. */
static int
go_back(int root, const char *cwd)
{
	if (fchdir(root) != 0 || chroot(".") != 0)
		return -errno;
	return cwd != NULL && chdir(cwd) == 0 ? 0 : -errno;
}

/* Joins the card's view of the file system, and stays in the working directory. */
static int
join_card(int pid)
{
	char *cwd = getcwd(NULL, 0), path[64];
	int done = join(pid, "user", CLONE_NEWUSER), root;

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (done >= 0 && root < 0)
		done = -errno;
	if (done >= 0)
		done = join(pid, "mnt", CLONE_NEWNS);
	if (done == 1)
		done = go_back(root, cwd);
	if (root >= 0)
		close(root);
	free(cwd);
	return done < 0 ? done : 0;
}

/* The folder that stands for /sys/bus/pci/devices; NULL if the card mounted it. */
static char *
sysfs_devices(const char *json)
{
	json_t *root = json_loads(json, 0, NULL);
	const char *path = json_string_value(json_object_get(json_object_get(root, "sysfs"),
		"devices"));
	char *copy = path == NULL ? NULL : strdup(path);

	json_decref(root);
	return copy;
}

int
card_exec(int argc, char **argv)
{
	struct card_opts opts;
	struct card_conn conn;
	char *json, *devices;
	int err = card_options("exec", argc, argv, &opts);

	if (err != 0)
		return err < 0 ? 0 : err;
	if (opts.log != NULL)
		setenv("SOFT82599_LOG", opts.log, 1);
	err = card_connect(&conn, opts.name);
	if (err != 0) {
		card_log(CARD_LOG_ERROR, "no card named '%s' runs here: %s", opts.name,
			strerror(-err));
		return EXIT_SETUP;
	}
	json = card_fetch(&conn, &err);
	if (json == NULL) {
		card_log(CARD_LOG_ERROR, "card '%s' does not answer: %s", opts.name,
			strerror(-err));
		card_disconnect(&conn);
		return EXIT_SETUP;
	}
	devices = sysfs_devices(json);
	free(json);
	err = devices == NULL ? join_card(conn.pid) : 0;
	card_disconnect(&conn);
	if (err != 0) {
		card_log(CARD_LOG_ERROR, "cannot join the namespaces of card '%s' (process %d): "
			"%s", opts.name, conn.pid, strerror(-err));
		return EXIT_SETUP;
	}
	err = card_become(opts.command, opts.name, devices);
	free(devices);
	return err;
}
