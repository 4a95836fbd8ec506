/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The launcher's own declarations: what `run`, `exec` and `show` share. A process of `run` is
 * the card: it owns the state, the server, sysfs and the wire, and all of it ends with it.
 */
#ifndef S82_CARD_H
#define S82_CARD_H

#include <stdbool.h>
#include <stdint.h>

#include "server.h"

/* Exit statuses of the launcher itself; any other is COMMAND's. */
#define EXIT_REFUSED	1	/* ctl: the card said no */
#define EXIT_USAGE	2
#define EXIT_SETUP	3
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND	127

enum card_log { CARD_LOG_ERROR, CARD_LOG_WARN, CARD_LOG_INFO, CARD_LOG_DEBUG };

enum card_sysfs { CARD_SYSFS_AUTO, CARD_SYSFS_FUSE, CARD_SYSFS_FILES };

/* What the command line asked for. */
struct card_opts {
	char name[64];
	const char *log;		/* as given, NULL: not given */
	uint16_t pci_domain, pf_bdf;
	uint32_t vfs;
	bool token_strict;
	enum card_sysfs sysfs;
	const char *sysfs_fault[4];	/* as given; for tests */
	uint32_t wire;			/* enum s82_wire_mode */
	char *wire_in, *wire_out;	/* files; NULL: none */
	const char *verify_json;
	uint32_t window;		/* frames that verify leaves outstanding */
	uint64_t rounds;		/* times that verify sends its file; 0: without end */
	bool json;			/* show */
	char **command;			/* NULL-terminated */
};

struct sysfs;
struct timer;
struct wire;
struct ctl;

/* A running card, in the process of `run`. */
struct card {
	struct card_opts opts;
	struct s82_state *st;
	int memfd;
	struct s82_server *server;
	struct s82_ctx ctx;		/* the thread's that serves sysfs */
	struct s82_ctx show_ctx;	/* the server's first thread's, for card_report() */
	struct sysfs *sysfs;
	struct ctl *ctl;
	struct timer *timer;
	struct wire *wire;		/* by wire_lock: `show` may look while it ends */
	pthread_mutex_t wire_lock;
};

/* Prints "soft82599: " and the message to stderr if the level is shown. */
void card_log(enum card_log level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Which messages to show: "error", "warn", "info" or "debug". Returns 0 or -EINVAL. */
int card_log_level(const char *word);

/* The verbs. argv[0] is the verb. They return the exit status. */
int card_run(int argc, char **argv);
int card_exec(int argc, char **argv);
int card_show(int argc, char **argv);
int card_ctl(int argc, char **argv);
void card_help(void);
void ctl_help(void);

/*
 * Reads the options of a verb. Returns 0; EXIT_USAGE after it told on stderr what is wrong and
 * what is allowed; or -1 if --help or --version was asked for and answered.
 */
int card_options(const char *verb, int argc, char **argv, struct card_opts *opts);
void card_options_free(struct card_opts *opts);

/* Writes "0000:03:10.1". buf: at least 13 bytes. Returns buf. */
char *card_bdf(char *buf, const struct s82_state *st, unsigned int func);

/* Finds the library that card_become() preloads. First of all, while the paths are the caller's. */
void card_find_library(void);

/*
 * Replaces this process by COMMAND as a client of card `name`: the preloaded library, the
 * card's name and, if not NULL, the folder that stands for /sys/bus/pci/devices are put into
 * its environment. Returns only if that failed, with the exit status of a shell.
 */
int card_become(char **command, const char *name, const char *sysfs_devices);

/* A request to a running card. */
struct card_conn {
	int fd;
	int pid;	/* the card's process */
};

/* Connects to card `name`. Returns 0; -ECONNREFUSED if there is none; or -errno. */
int card_connect(struct card_conn *conn, const char *name);
void card_disconnect(struct card_conn *conn);

/* Fetches the JSON of `show`, to be freed by the caller; NULL and *err (-errno) on failure. */
char *card_fetch(struct card_conn *conn, int *err);

/*
 * Has the card do what `words` say. Returns 0, or -errno if it was refused; *answer is the
 * card's sentence, to be freed by the caller, NULL if it did not answer.
 */
int card_order(struct card_conn *conn, char **words, char **answer);

/* The JSON of `show`, built in the card's process; a memfd, or -errno. arg: struct card. */
int card_report(void *arg);

/* `show` as tables. Returns 0 or -EINVAL if the JSON is not what it should be. */
int card_print(const char *json);

#endif
