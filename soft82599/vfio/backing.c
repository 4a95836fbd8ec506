/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "vfio.h"

/* A line of /proc/self/maps. */
struct map {
	uint64_t start, end, off, ino;
	dev_t dev;
	char perms[5];
	char path[512];
};

static bool
parse_map(const char *line, struct map *m)
{
	unsigned int maj, min;
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &m->start,
			&m->end, m->perms, &m->off, &maj, &min, &m->ino, &at) < 7)
		return false;
	m->dev = makedev(maj, min);
	snprintf(m->path, sizeof(m->path), "%s", line + at);
	m->path[strcspn(m->path, "\n")] = '\0';
	return true;
}

/* The mapping that `addr` lies in. */
static int
find_map(uint64_t addr, struct map *m)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[1024];
	int rc = -EFAULT;

	if (f == NULL)
		return -errno;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (parse_map(line, m) && addr >= m->start && addr < m->end) {
			rc = 0;
			break;
		}
	}
	fclose(f);
	return rc;
}

static bool
fits(int fd, const struct map *m)
{
	struct stat sb;
	int fl = fcntl(fd, F_GETFL);

	return fl >= 0 && (fl & O_ACCMODE) == O_RDWR && fstat(fd, &sb) == 0 &&
		sb.st_ino == m->ino && sb.st_dev == m->dev;
}

/* A descriptor that the program holds already: memfds and unlinked files have no other way. */
static int
fd_of_program(const struct map *m)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *de;
	int fd, found = -1;

	if (dir == NULL)
		return -1;
	while (found < 0 && (de = readdir(dir)) != NULL) {
		fd = atoi(de->d_name);
		if (de->d_name[0] != '.' && fd != dirfd(dir) && fits(fd, m))
			found = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	}
	closedir(dir);
	return found;
}

static int
fd_of_path(const struct map *m)
{
	char link[64];
	int fd;

	snprintf(link, sizeof(link), "/proc/self/map_files/%" PRIx64 "-%" PRIx64, m->start, m->end);
	fd = open(link, O_RDWR | O_CLOEXEC);	/* wants CAP_CHECKPOINT_RESTORE */
	if (fd < 0 && m->path[0] == '/')
		fd = open(m->path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && !fits(fd, m)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int
s82_backing_find(uint64_t start, uint64_t end, struct s82_backing *piece)
{
	struct map m;
	int rc = find_map(start, &m);

	if (rc < 0)
		return rc;
	if (m.perms[3] != 's' || m.ino == 0)
		return -ENOTSUP;
	piece->start = start;
	piece->len = (end < m.end ? end : m.end) - start;
	piece->off = m.off + (start - m.start);
	piece->fd = fd_of_program(&m);
	if (piece->fd < 0)
		piece->fd = fd_of_path(&m);
	return piece->fd < 0 ? -ENOTSUP : 0;
}
