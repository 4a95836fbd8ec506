/* SPDX-License-Identifier: BSD-3-Clause */
/* `run`: this process becomes the card, starts COMMAND on it and ends with it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "card.h"
#include "ctl.h"
#include "sysfs.h"
#include "timer.h"
#include "wire.h"

/* Signals that are meant for COMMAND. */
static const int forwarded[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

static int
failed(const char *what, int err)
{
	card_log(CARD_LOG_ERROR, "%s: %s", what, strerror(-err));
	return err;
}

static int
make_state(struct card *card)
{
	const struct card_opts *o = &card->opts;
	struct s82_config cfg = {
		.pci_domain = o->pci_domain, .pf_bdf = o->pf_bdf, .num_vfs = o->vfs,
		.token_strict = o->token_strict, .wire_mode = o->wire,
		.tick_hz = timer_tick_hz(),
	};
	int err;

	card->memfd = memfd_create("soft82599", MFD_CLOEXEC);
	if (card->memfd < 0 || ftruncate(card->memfd, sizeof(*card->st)) != 0)
		return failed("no memory for the card", -errno);
	card->st = mmap(NULL, sizeof(*card->st), PROT_READ | PROT_WRITE, MAP_SHARED, card->memfd,
		0);
	if (card->st == MAP_FAILED) {
		card->st = NULL;
		return failed("no memory for the card", -errno);
	}
	err = s82_power_on(card->st, &cfg);
	return err == 0 ? 0 : failed("this PCI address leaves no room for the VFs", err);
}

static int
make_server(struct card *card)
{
	int err = s82_server_create(&card->server, card->opts.name, card->st, card->memfd);

	if (err == -EADDRINUSE) {
		card_log(CARD_LOG_ERROR, "a card named '%s' runs already; give another --name",
			card->opts.name);
		return err;
	}
	if (err != 0)
		return failed("the card's socket", err);
	err = s82_server_ctx_init(card->server, &card->ctx);
	if (err == 0)
		err = s82_server_ctx_init(card->server, &card->show_ctx);
	if (err != 0)
		return failed("the card's memory", err);
	s82_server_set_show(card->server, card_report, card);
	card->ctl = ctl_new(card);
	if (card->ctl == NULL)
		return failed("ctl", -ENOMEM);
	s82_server_set_ctl(card->server, ctl_do, card->ctl);
	return 0;
}

/* FUSE in a private namespace if that can be had; else, unless it was insisted on, files. */
static int
make_sysfs(struct card *card, int namespace)
{
	struct sysfs *s = calloc(1, sizeof(*s));
	int err = namespace;

	if (s == NULL)
		return -ENOMEM;
	s->st = card->st;
	s->ctx = &card->ctx;
	s->server = card->server;
	s->drivers_autoprobe = s->vf_autoprobe = s->enable_sriov = true;
	while (s->faults < SYSFS_FAULTS && card->opts.sysfs_fault[s->faults] != NULL) {
		sysfs_fault_parse(card->opts.sysfs_fault[s->faults], &s->fault[s->faults]);
		s->faults++;
	}
	card->sysfs = s;
	if (card->opts.sysfs != CARD_SYSFS_FILES) {
		if (err == 0)
			err = sysfs_fuse_start(s);
		if (err == 0)
			return 0;
		if (card->opts.sysfs == CARD_SYSFS_FUSE)
			return failed("sysfs cannot be mounted privately (--sysfs files can do "
				"without)", err);
		card_log(CARD_LOG_INFO, "no private mount of sysfs (%s): a folder stands for it",
			strerror(-err));
	}
	err = sysfs_files_start(s);
	return err == 0 ? 0 : failed("the folder that stands for sysfs", err);
}

static int
card_up(struct card *card)
{
	/* before any thread exists */
	int namespace = card->opts.sysfs == CARD_SYSFS_FILES ? 0 : sysfs_unshare();
	int err = make_state(card);
	struct wire *wire = NULL;

	if (err == 0)
		err = make_server(card);
	if (err == 0)
		err = make_sysfs(card, namespace);
	if (err == 0) {
		err = s82_server_start(card->server);
		if (err != 0)
			failed("the card's threads", err);
	}
	if (err == 0) {
		err = timer_start(&card->timer, card->server);
		if (err != 0)
			failed("the card's clock", err);
	}
	if (err == 0)
		err = wire_start(&wire, &card->opts, card->st, card->server);
	pthread_mutex_lock(&card->wire_lock);
	card->wire = wire;
	pthread_mutex_unlock(&card->wire_lock);
	return err;
}

/* Returns 1 if the wire found an error. */
static int
card_down(struct card *card)
{
	struct sysfs *s = card->sysfs;
	struct wire *wire;
	int found;

	pthread_mutex_lock(&card->wire_lock);
	wire = card->wire;
	card->wire = NULL;
	pthread_mutex_unlock(&card->wire_lock);
	found = wire_stop(wire);
	/* it asks the server who uses what */
	if (s != NULL && s->mode == SYSFS_FUSE && s->fuse != NULL)
		sysfs_fuse_stop(s);
	ctl_stop(card->ctl);
	timer_stop(card->timer);
	s82_server_destroy(card->server);
	ctl_free(card->ctl);
	if (s != NULL && s->mode == SYSFS_FILES && s->dir[0] != '\0')
		sysfs_files_stop(s);
	/* what FUSE and the rest still hold goes with the process */
	return found;
}

static pid_t
start_command(struct card *card, const sigset_t *mask)
{
	char devices[96];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	sigprocmask(SIG_SETMASK, mask, NULL);
	s82_server_child(card->server);
	if (card->opts.log != NULL)
		setenv("SOFT82599_LOG", card->opts.log, 1);
	snprintf(devices, sizeof(devices), "%s/bus/pci/devices", card->sysfs->dir);
	_exit(card_become(card->opts.command, card->opts.name,
		card->sysfs->mode == SYSFS_FILES ? devices : NULL));
}

/*
 * Waits for COMMAND and passes signals on. One that the terminal sent (SI_KERNEL) reached
 * COMMAND as well, which is in the same process group: twice might mean "at once" to it.
 */
static int
wait_command(pid_t pid, const sigset_t *set)
{
	siginfo_t info;
	int status;

	for (;;) {
		int sig = sigwaitinfo(set, &info);

		if (sig > 0 && sig != SIGCHLD && info.si_code != SI_KERNEL)
			kill(pid, sig);
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

int
card_run(int argc, char **argv)
{
	struct card card = { .memfd = -1, .wire_lock = PTHREAD_MUTEX_INITIALIZER };
	sigset_t set, before;
	int status = card_options("run", argc, argv, &card.opts), found;
	pid_t pid;

	if (status != 0)
		return status < 0 ? 0 : status;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (unsigned int i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(&set, forwarded[i]);
	signal(SIGCHLD, SIG_DFL);	/* ignored by who started us, it would hide the status */
	sigprocmask(SIG_BLOCK, &set, &before);

	status = EXIT_SETUP;
	if (card_up(&card) == 0) {
		pid = start_command(&card, &before);
		if (pid < 0)
			failed("fork", -errno);
		else
			status = wait_command(pid, &set);
	}
	found = card_down(&card);
	if (status == 0 && found)
		status = 1;
	card_options_free(&card.opts);
	return status;
}
