/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <bsd/string.h>

#include "telemetry.h"

#define SOCKET_NAME "dpdk_telemetry.v2"
#define ANSWER_MS   5000
#define DEFAULT_MAX 16384
#define MAX_FOUND   8

struct tel {
	int fd;
	size_t max;
	char path[108];
	char *buf;
};

/* Where EAL keeps its files: root's, and a user's own (eal_filesystem.h). */
static int
runtime_dirs(char dir[2][256])
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	int n = 0;

	if (xdg && xdg[0])
		snprintf(dir[n++], 256, "%s/dpdk", xdg);
	else if (geteuid() != 0)
		snprintf(dir[n++], 256, "/tmp/dpdk");
	snprintf(dir[n++], 256, "/var/run/dpdk");
	return n;
}

static int
receive(struct tel *t, struct vfp_err *err)
{
	struct pollfd p = {.fd = t->fd, .events = POLLIN};
	ssize_t n = poll(&p, 1, ANSWER_MS) > 0 ? recv(t->fd, t->buf, t->max, 0) : -1;

	if (n <= 0)
		return vfp_err_set(err, -EIO, "%s: no answer: it has ended, or hangs", t->path);
	t->buf[n] = '\0';
	return 0;
}

/* The first word is the server's: who it is and how long its answers get. */
static int
greet(struct tel *t, struct vfp_err *err)
{
	json_t *hello, *max;
	int ret = receive(t, err);

	if (ret < 0)
		return ret;
	hello = json_loads(t->buf, 0, NULL);
	max = json_object_get(hello, "max_output_len");
	if (json_is_integer(max) && json_integer_value(max) > DEFAULT_MAX &&
		json_integer_value(max) < (1 << 26)) {
		char *more = realloc(t->buf, (size_t)json_integer_value(max) + 1);

		if (more) {
			t->buf = more;
			t->max = (size_t)json_integer_value(max);
		}
	}
	json_decref(hello);
	return 0;
}

static int
connect_to(const char *path, struct tel **out, struct vfp_err *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct tel *t = calloc(1, sizeof(*t));
	int ret = 0;

	if (t)
		t->buf = malloc(DEFAULT_MAX + 1);
	if (!t || !t->buf) {
		free(t);
		return vfp_err_set(err, -ENOMEM, "out of memory");
	}
	t->max = DEFAULT_MAX;
	strlcpy(t->path, path, sizeof(t->path));
	strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
	t->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (t->fd < 0 || connect(t->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		ret = vfp_err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (ret == 0)
		ret = greet(t, err);
	if (ret < 0)
		tel_close(t);
	else
		*out = t;
	return ret;
}

/* Is it a vfplane? Other DPDK programs have the same socket. */
static bool
is_vfplane(struct tel *t)
{
	json_t *answer = NULL;
	const bool yes = tel_ask(t, "/vfplane/lcores", NULL, &answer, NULL) == 0;

	json_decref(answer);
	return yes;
}

/* Every socket of that runtime folder that somebody listens on; the first vfplane is kept. */
static void
look_in(const char *dir, struct tel **found, char *names, size_t size, unsigned int *n,
	bool *denied)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	*denied |= !d && errno == EACCES;
	while (d && (e = readdir(d))) {
		char path[1024];
		struct tel *t;
		int ret;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/" SOCKET_NAME, dir, e->d_name);
		if (strlen(path) >= sizeof((*found)->path))
			continue;
		ret = connect_to(path, &t, NULL);
		*denied |= ret == -EACCES;
		if (ret < 0)
			continue;
		if (!is_vfplane(t) || ++*n > 1) {
			tel_close(t);
			t = NULL;
		}
		if (t)
			*found = t;
		if (*n > 0 && *n <= MAX_FOUND && (t || *n > 1)) {
			strlcat(names, names[0] ? ", " : "", size);
			strlcat(names, e->d_name, size);
		}
	}
	if (d)
		closedir(d);
}

static int
find_only(struct tel **out, struct vfp_err *err)
{
	char dir[2][256], names[512] = "";
	bool denied = false;
	unsigned int n = 0;
	const int dirs = runtime_dirs(dir);

	*out = NULL;
	for (int i = 0; i < dirs; i++)
		look_in(dir[i], out, names, sizeof(names), &n, &denied);
	if (n == 1)
		return 0;
	tel_close(*out);
	*out = NULL;
	if (n > 1)
		return vfp_err_set(
			err, -ENOENT, "%u vfplanes run: %s; say which with --prefix", n, names);
	if (denied)
		return vfp_err_set(err, -EACCES,
			"no vfplane of yours runs, and /var/run/dpdk is closed to you: its socket "
			"belongs to "
			"the user who runs it");
	return vfp_err_set(
		err, -ENOENT, "no vfplane runs here, or it was started with --no-telemetry");
}

int
tel_open(const char *socket, const char *prefix, struct tel **t, struct vfp_err *err)
{
	char dir[2][256], path[1024];
	int dirs, ret = -ENOENT;

	*t = NULL;
	if (!socket && !prefix)
		return find_only(t, err);
	if (strlen(socket ? socket : prefix) > 512)
		return vfp_err_set(
			err, -ENAMETOOLONG, "%s: too long for a socket", socket ? socket : prefix);
	dirs = socket ? 1 : runtime_dirs(dir);
	for (int i = 0; i < dirs && ret < 0; i++) {
		if (socket)
			strlcpy(path, socket, sizeof(path));
		else
			snprintf(path, sizeof(path), "%s/%s/" SOCKET_NAME, dir[i], prefix);
		if (strlen(path) >= sizeof(((struct tel *)0)->path))
			return vfp_err_set(err, -ENAMETOOLONG, "%s: too long for a socket", path);
		ret = connect_to(path, t, err);
	}
	if (ret == -EACCES)
		vfp_err_set(err, ret,
			"%s: permission denied: it belongs to the user who runs vfplane, who can "
			"let you "
			"in: setfacl -m u:YOU:x on the folders, u:YOU:rw on the socket",
			path);
	if (ret == 0 && !is_vfplane(*t)) {
		tel_close(*t);
		*t = NULL;
		return vfp_err_set(err, -ENOENT, "%s: a DPDK program, but no vfplane", path);
	}
	return ret;
}

void
tel_close(struct tel *t)
{
	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	free(t->buf);
	free(t);
}

const char *
tel_path(const struct tel *t)
{
	return t->path;
}

int
tel_ask(struct tel *t, const char *command, const char *arg, json_t **answer, struct vfp_err *err)
{
	char question[256];
	json_t *all;
	int ret;

	*answer = NULL;
	snprintf(question, sizeof(question), "%s%s%s", command, arg ? "," : "", arg ? arg : "");
	if (send(t->fd, question, strlen(question), MSG_NOSIGNAL) < 0)
		return vfp_err_set(err, -EIO, "%s: %s", t->path, strerror(errno));
	ret = receive(t, err);
	if (ret < 0)
		return ret;
	all = json_loads(t->buf, 0, NULL);
	if (!all)
		return vfp_err_set(err, -EPROTO, "%s: what came back is no JSON", t->path);
	*answer = json_incref(json_object_get(all, command));
	json_decref(all);
	if (!json_is_object(*answer)) {
		json_decref(*answer);
		*answer = NULL;
		return vfp_err_set(err, -ENOENT, "it knows no %s%s%s",
			command + strlen("/vfplane/"), arg ? " " : "", arg ? arg : "");
	}
	return 0;
}
