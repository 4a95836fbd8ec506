/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tree as plain files in a temporary folder, for machines that grant no namespace or no
 * FUSE: enough for programs that look where SYSFS_PCI_DEVICES points, as DPDK does. Writing to
 * it has no effect. A janitor process removes it when the card is gone, however it went.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "card.h"
#include "sysfs.h"

/* The branches as they lie under /sys, so that the relative links hold. */
static const char *const branches[][2] = {
	{ "/pci", "/bus/pci" },
	{ "/iommu_groups", "/kernel/iommu_groups" },
};

struct copy {
	struct sysfs *s;
	char from[256], to[512];
	int err;
};

static void copy_one(void *arg, const char *name);

static int
copy_file(struct sysfs *s, const struct sysfs_node *node, const char *to)
{
	char buf[SYSFS_VALUE];
	ssize_t n = node->attr->mode & 0444 ? sysfs_read(s, node, buf, sizeof(buf), 0) : 0;
	int fd, err = 0;

	if (n < 0)
		return n;
	fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, buf, n) != n)
		err = -errno;
	close(fd);
	return err;
}

static int
copy_node(struct copy *c)
{
	struct sysfs_node node;
	int err = sysfs_lookup(c->s, c->from, &node);

	if (err != 0)
		return err;
	if (node.type == SYSFS_LINK)
		return symlink(node.target, c->to) == 0 ? 0 : -errno;
	if (node.type == SYSFS_FILE)
		return copy_file(c->s, &node, c->to);
	if (mkdir(c->to, 0755) != 0)
		return -errno;
	sysfs_list(c->s, c->from, copy_one, c);
	return c->err;
}

static void
copy_one(void *arg, const char *name)
{
	struct copy *above = arg;
	struct copy c = { .s = above->s };

	if (above->err != 0)
		return;
	if (snprintf(c.from, sizeof(c.from), "%s/%s", above->from, name) >= (int)sizeof(c.from) ||
			snprintf(c.to, sizeof(c.to), "%s/%s", above->to, name) >=
			(int)sizeof(c.to))
		above->err = -ENAMETOOLONG;
	else
		above->err = copy_node(&c);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

/* Waits until the card closes its end of the pipe, or is killed. */
static void
janitor(const char *dir, int fd)
{
	char c;
	sigset_t all;

	/* its own session: a terminal's Ctrl-C or hang-up must not end it first */
	setsid();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/* nobody who waits for the card's descriptors to close must wait for the janitor */
	dup2(fd, 0);
	close_range(1, ~0u, 0);
	while (read(0, &c, 1) < 0 && errno == EINTR)
		;
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	_exit(0);
}

/* A grandchild, so that the card has no child but COMMAND. */
static int
start_janitor(struct sysfs *s)
{
	int pipefd[2], status;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC) != 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(pipefd[1]);
		if (fork() == 0)
			janitor(s->dir, pipefd[0]);
		_exit(0);
	}
	close(pipefd[0]);
	s->janitor_fd = pipefd[1];
	if (pid < 0)
		return -errno;
	waitpid(pid, &status, 0);
	return 0;
}

int
sysfs_files_start(struct sysfs *s)
{
	const char *tmp = getenv("TMPDIR");
	char path[128];
	int err;

	s->mode = SYSFS_FILES;
	s->janitor_fd = -1;
	if (tmp == NULL || strlen(tmp) > sizeof(s->dir) - 32)
		tmp = "/tmp";
	snprintf(s->dir, sizeof(s->dir), "%s/soft82599-XXXXXX", tmp);
	if (mkdtemp(s->dir) == NULL)
		return -errno;
	err = start_janitor(s);
	chmod(s->dir, 0755);
	for (unsigned int i = 0; i < sizeof(branches) / sizeof(branches[0]) && err == 0; i++) {
		struct copy c = { .s = s };

		snprintf(path, sizeof(path), "%s%.*s", s->dir,
			(int)strcspn(branches[i][1] + 1, "/") + 1, branches[i][1]);
		mkdir(path, 0755);
		snprintf(c.from, sizeof(c.from), "%s", branches[i][0]);
		snprintf(c.to, sizeof(c.to), "%s%s", s->dir, branches[i][1]);
		err = copy_node(&c);
	}
	if (err != 0)
		sysfs_files_stop(s);
	return err;
}

void
sysfs_files_stop(struct sysfs *s)
{
	/* here and now, so that nothing is left when the card has exited; the janitor finds
	 * nothing then */
	nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (s->janitor_fd >= 0)
		close(s->janitor_fd);
	s->janitor_fd = -1;
}
