/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "token.h"

#define TOKEN_DIR "/run/vfplane"

/* A random UUID, version 4 (RFC 9562 section 5.4). */
static void
make_uuid(char token[TOKEN_LEN])
{
	unsigned char b[16];
	size_t at = 0;

	arc4random_buf(b, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (size_t i = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			token[at++] = '-';
		snprintf(token + at, 3, "%02x", b[i]);
		at += 2;
	}
}

static int
is_uuid(const char *token)
{
	for (size_t i = 0; i < TOKEN_LEN - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? token[i] != '-' : !isxdigit((unsigned char)token[i]))
			return 0;
	}
	return token[TOKEN_LEN - 1] == '\0';
}

static int
read_file(const char *path, char token[TOKEN_LEN], struct vfp_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	/* Somebody else's file, or one that others can read, is no secret. */
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 077)) {
		close(fd);
		return vfp_err_set(
			err, -EINVAL, "%s is not a file of mode 0600 of our own; remove it", path);
	}
	n = read(fd, token, TOKEN_LEN - 1);
	close(fd);
	token[n > 0 ? n : 0] = '\0';
	if (n != TOKEN_LEN - 1 || !is_uuid(token))
		return vfp_err_set(err, -EINVAL, "%s holds no UUID; remove it", path);
	return 0;
}

int
token_read(const char *bdf, char token[TOKEN_LEN], struct vfp_err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s.token", TOKEN_DIR, bdf);
	return read_file(path, token, err);
}

int
token_get(const char *bdf, char token[TOKEN_LEN], struct vfp_err *err)
{
	char path[64];
	ssize_t n;
	int fd, ret = token_read(bdf, token, err);

	snprintf(path, sizeof(path), "%s/%s.token", TOKEN_DIR, bdf);
	if (ret != -ENOENT && ret != -EACCES)
		return ret;
	make_uuid(token);
	if (mkdir(TOKEN_DIR, 0755) < 0 && errno != EEXIST)
		return vfp_err_set(err, -errno, "%s: %s", TOKEN_DIR, strerror(errno));
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return vfp_err_set(err, -errno, "%s: %s", path, strerror(errno));
	n = write(fd, token, TOKEN_LEN - 1);
	close(fd);
	if (n != TOKEN_LEN - 1) {
		unlink(path);
		return vfp_err_set(err, -EIO, "%s cannot be written", path);
	}
	return 0;
}
