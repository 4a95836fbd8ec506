/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line. Every option is one row of a table, with its help and its reader. */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card.h"
#include "sysfs.h"

#define VERB_RUN	1u
#define VERB_EXEC	2u
#define VERB_SHOW	4u
#define VERB_CTL	8u
#define MAX_WINDOW	65536
#define DEFAULT_WINDOW	256
#define DEFAULT_VFS	2
#define DEFAULT_PF	0x0301	/* 03:00.1 */

struct option_row {
	const char *name;
	unsigned int verbs;
	const char *value;	/* what it takes; NULL: nothing */
	/* returns NULL, or what is allowed */
	const char *(*read)(struct card_opts *opts, char *arg);
	const char *help;
};

static const char *
read_name(struct card_opts *opts, char *arg)
{
	if (*arg == '\0' || strlcpy(opts->name, arg, sizeof(opts->name)) >= sizeof(opts->name))
		return "1 to 63 characters are allowed";
	return NULL;
}

static const char *
read_pf(struct card_opts *opts, char *arg)
{
	unsigned int domain = 0, bus, device, function;
	int end = 0;

	if (sscanf(arg, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) != 4 ||
			arg[end] != '\0') {
		domain = 0;
		end = 0;
		if (sscanf(arg, "%2x:%2x.%1x%n", &bus, &device, &function, &end) != 3 ||
				arg[end] != '\0')
			return "a PCI address is wanted, such as 0000:03:00.1";
	}
	if (device > 0x1f || function > 1)
		return "an 82599 has the functions 0 and 1, such as 0000:03:00.1";
	opts->pci_domain = domain;
	opts->pf_bdf = bus << 8 | device << 3 | function;
	return NULL;
}

static const char *
read_vfs(struct card_opts *opts, char *arg)
{
	const char *error;

	opts->vfs = strtonum(arg, 0, S82_MAX_VFS, &error);
	return error == NULL ? NULL : "0 to 63 are allowed";
}

/* IN[:OUT]; OUT may be missing. Returns -EINVAL if IN is empty, or OUT is but for the colon. */
static int
read_files(struct card_opts *opts, const char *spec)
{
	const char *colon = strchr(spec, ':');

	if (*spec == '\0' || colon == spec || (colon != NULL && colon[1] == '\0'))
		return -EINVAL;
	opts->wire_in = colon == NULL ? strdup(spec) : strndup(spec, colon - spec);
	opts->wire_out = colon == NULL ? NULL : strdup(colon + 1);
	return 0;
}

static const char *
read_wire(struct card_opts *opts, char *arg)
{
	static const char allowed[] =
		"none, loop, pcap:IN[:OUT], verify:IN[:FIRST.pcap], tap:IF and peer:NAME are "
		"allowed";

	free(opts->wire_in);
	free(opts->wire_out);
	opts->wire_in = opts->wire_out = NULL;
	if (strcmp(arg, "none") == 0) {
		opts->wire = S82_WIRE_NONE;
	} else if (strcmp(arg, "loop") == 0) {
		opts->wire = S82_WIRE_LOOP;
	} else if (strncmp(arg, "pcap:", 5) == 0) {
		opts->wire = S82_WIRE_PCAP;
		return read_files(opts, arg + 5) == 0 ? NULL : "pcap:IN[:OUT] names files";
	} else if (strncmp(arg, "verify:", 7) == 0) {
		opts->wire = S82_WIRE_VERIFY;
		return read_files(opts, arg + 7) == 0 ? NULL :
			"verify:IN[:FIRST.pcap] names files";
	} else if (strncmp(arg, "tap:", 4) == 0) {
		opts->wire = S82_WIRE_TAP;
		opts->wire_in = strdup(arg + 4);
		return arg[4] != '\0' && strlen(arg + 4) < IFNAMSIZ && strchr(arg, '/') == NULL ?
			NULL : "tap:IF names an interface, 1 to 15 characters";
	} else if (strncmp(arg, "peer:", 5) == 0) {
		opts->wire = S82_WIRE_PEER;
		opts->wire_in = strdup(arg + 5);
		return arg[5] != '\0' && strlen(arg + 5) < sizeof(opts->name) ? NULL :
			"peer:NAME is the name of the other card";
	} else {
		return allowed;
	}
	return NULL;
}

static const char *
read_token(struct card_opts *opts, char *arg)
{
	opts->token_strict = strcmp(arg, "strict") == 0;
	return opts->token_strict || strcmp(arg, "lenient") == 0 ? NULL :
		"strict and lenient are allowed";
}

static const char *
read_sysfs(struct card_opts *opts, char *arg)
{
	if (strcmp(arg, "auto") == 0)
		opts->sysfs = CARD_SYSFS_AUTO;
	else if (strcmp(arg, "fuse") == 0)
		opts->sysfs = CARD_SYSFS_FUSE;
	else if (strcmp(arg, "files") == 0)
		opts->sysfs = CARD_SYSFS_FILES;
	else
		return "auto, fuse and files are allowed";
	return NULL;
}

static const char *
read_sysfs_fault(struct card_opts *opts, char *arg)
{
	struct sysfs_fault fault;
	unsigned int n = 0;

	while (n < SYSFS_FAULTS && opts->sysfs_fault[n] != NULL)
		n++;
	if (n == SYSFS_FAULTS || sysfs_fault_parse(arg, &fault) != 0)
		return "K:ERRNO, K:hang and K+:... are allowed, K from 1, up to four times";
	opts->sysfs_fault[n] = arg;
	return NULL;
}

static const char *
read_verify_json(struct card_opts *opts, char *arg)
{
	opts->verify_json = arg;
	return *arg != '\0' ? NULL : "a file is wanted";
}

static const char *
read_window(struct card_opts *opts, char *arg)
{
	const char *error;

	opts->window = strtonum(arg, 1, MAX_WINDOW, &error);
	return error == NULL ? NULL : "1 to 65536 are allowed";
}

static const char *
read_rounds(struct card_opts *opts, char *arg)
{
	const char *error;

	opts->rounds = strtonum(arg, 0, 1000000000, &error);
	return error == NULL ? NULL : "0 (no end) to 1000000000 are allowed";
}

static const char *
read_log(struct card_opts *opts, char *arg)
{
	opts->log = arg;
	return card_log_level(arg) == 0 ? NULL : "error, warn, info and debug are allowed";
}

static const char *
read_json(struct card_opts *opts, char *arg)
{
	(void)arg;
	opts->json = true;
	return NULL;
}

static const struct option_row rows[] = {
	{ "name", VERB_RUN | VERB_EXEC | VERB_SHOW | VERB_CTL, "NAME", read_name,
		"which card; for run the default is card-PID" },
	{ "pf", VERB_RUN, "BDF", read_pf, "PCI address of the port (0000:03:00.1)" },
	{ "vfs", VERB_RUN, "N", read_vfs, "virtual functions, 0 to 63 (2)" },
	{ "wire", VERB_RUN, "WIRE", read_wire, "what the port is plugged into (none):" },
	{ "vf-token", VERB_RUN, "MODE", read_token,
		"strict: a VF needs its PF's token; lenient (default)" },
	{ "sysfs", VERB_RUN, "HOW", read_sysfs,
		"fuse: mounted privately; files: a folder; auto (default)" },
	{ "sysfs-fault", VERB_RUN, "K:E", read_sysfs_fault,
		"tests: the K-th write to sysfs fails or hangs" },
	{ "verify-json", VERB_RUN, "FILE", read_verify_json, "where verify writes its result" },
	{ "window", VERB_RUN, "N", read_window, "verify: frames under way at a time (256)" },
	{ "rounds", VERB_RUN, "N", read_rounds, "verify: send IN N times (0: without end)" },
	{ "log", VERB_RUN | VERB_EXEC, "LEVEL", read_log,
		"error, warn (default), info or debug, on stderr" },
	{ "json", VERB_SHOW, NULL, read_json, "JSON instead of tables" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void
help_options(unsigned int verbs)
{
	char left[32];

	for (unsigned int i = 0; i < ROWS; i++) {
		if ((rows[i].verbs & verbs) == 0)
			continue;
		snprintf(left, sizeof(left), "--%s %s", rows[i].name,
			rows[i].value == NULL ? "" : rows[i].value);
		printf("  %-19s %s\n", left, rows[i].help);
		if (rows[i].read == read_wire)
			printf("  %-19s   none                    what is sent vanishes\n"
				"  %-19s   loop                    what is sent comes back\n"
				"  %-19s   pcap:IN[:OUT]           sends IN once, records OUT\n"
				"  %-19s   verify:IN[:FIRST.pcap]  sends IN in a loop and checks\n"
				"  %-19s                           each frame that comes back\n"
				"  %-19s   tap:IF                  a tap: Linux is the partner\n"
				"  %-19s   peer:NAME               another card, back to back\n",
				"", "", "", "", "", "", "");
	}
}

void
card_help(void)
{
	printf("soft82599 %s: a software 82599 with VFs, behind the VFIO user API\n"
		"\n"
		"usage: soft82599 run [OPTION]... -- COMMAND...\n"
		"       soft82599 exec --name NAME -- COMMAND...\n"
		"       soft82599 show --name NAME [--json]\n"
		"       soft82599 ctl --name NAME VERB...\n"
		"       soft82599 --help | --version\n"
		"\n"
		"run    makes a card and runs COMMAND on it; the card ends with COMMAND\n"
		"exec   runs another COMMAND on a card that is running\n"
		"show   prints what the card knows: pools, filters, queues, mailboxes, drops\n"
		"ctl    makes something happen to a card; soft82599 ctl --help lists what\n"
		"\n"
		"COMMAND sees this card alone in /sys/bus/pci and /sys/kernel/iommu_groups; the\n"
		"machine's own devices are hidden from it, so that nothing else is touched.\n"
		"No kernel driver runs: a function bound to ixgbe or ixgbevf has no netdev.\n"
		"\n", S82_VERSION);
	help_options(VERB_RUN | VERB_EXEC | VERB_SHOW);
	printf("\n"
		"Exit status: COMMAND's (128 + n if signal n ended it, 127 not found, 126 not\n"
		"executable); 1 if COMMAND ended well but verify found an error; 2 usage;\n"
		"3 the card could not be set up.\n");
}

static int
usage(const char *verb, const char *what, const char *arg, const char *allowed)
{
	fprintf(stderr, "soft82599 %s: %s%s%s: %s\n", verb, what, arg == NULL ? "" : " ",
		arg == NULL ? "" : arg, allowed);
	return EXIT_USAGE;
}

static unsigned int
verb_bit(const char *verb)
{
	return strcmp(verb, "run") == 0 ? VERB_RUN : strcmp(verb, "exec") == 0 ? VERB_EXEC :
		strcmp(verb, "ctl") == 0 ? VERB_CTL : VERB_SHOW;
}

/* What only holds for several options together. */
static int
check_together(const char *verb, struct card_opts *opts)
{
	unsigned int bit = verb_bit(verb);

	if (bit == VERB_CTL && opts->command[0] == NULL)
		return usage(verb, "VERB", NULL, "is missing; soft82599 ctl --help lists them");
	if (bit != VERB_SHOW && opts->command[0] == NULL)
		return usage(verb, "COMMAND", NULL, "is missing; write it after --");
	if (bit == VERB_SHOW && opts->command[0] != NULL)
		return usage(verb, opts->command[0], NULL, "show takes options only");
	if (bit == VERB_RUN && opts->name[0] == '\0')
		snprintf(opts->name, sizeof(opts->name), "card-%d", (int)getpid());
	if (opts->name[0] == '\0')
		return usage(verb, "--name", NULL, "is missing: which card?");
	if (opts->verify_json != NULL && opts->wire != S82_WIRE_VERIFY)
		return usage(verb, "--verify-json", opts->verify_json,
			"goes with --wire verify:IN only");
	if (opts->wire == S82_WIRE_PEER && strcmp(opts->wire_in, opts->name) == 0)
		return usage(verb, "--wire peer", opts->wire_in,
			"is this card itself; --wire loop is a cable to oneself");
	return 0;
}

int
card_options(const char *verb, int argc, char **argv, struct card_opts *opts)
{
	struct option longs[ROWS + 3];
	unsigned int n = 0;
	int index, c;

	memset(opts, 0, sizeof(*opts));
	opts->pf_bdf = DEFAULT_PF;
	opts->vfs = DEFAULT_VFS;
	opts->window = DEFAULT_WINDOW;
	for (unsigned int i = 0; i < ROWS; i++) {
		if ((rows[i].verbs & verb_bit(verb)) != 0)
			longs[n++] = (struct option){ rows[i].name,
				rows[i].value != NULL ? required_argument : no_argument,
				NULL, 256 + i };
	}
	longs[n++] = (struct option){ "help", no_argument, NULL, 'h' };
	longs[n++] = (struct option){ "version", no_argument, NULL, 'V' };
	longs[n] = (struct option){ 0 };

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "+:", longs, &index)) != -1) {
		const char *allowed;

		if (c == 'h' || c == 'V') {
			if (c == 'h' && verb_bit(verb) == VERB_CTL)
				ctl_help();
			else if (c == 'h')
				card_help();
			else
				printf("soft82599 %s\n", S82_VERSION);
			return -1;
		}
		if (c == ':')
			return usage(verb, argv[optind - 1], NULL, "a value is missing");
		if (c < 256)
			return usage(verb, argv[optind - 1], NULL,
				"no such option here; --help lists them");
		allowed = rows[c - 256].read(opts, optarg);
		if (allowed != NULL) {
			char name[32];

			snprintf(name, sizeof(name), "--%s", rows[c - 256].name);
			return usage(verb, name, optarg, allowed);
		}
	}
	opts->command = argv + optind;
	return check_together(verb, opts);
}

void
card_options_free(struct card_opts *opts)
{
	free(opts->wire_in);
	free(opts->wire_out);
	opts->wire_in = opts->wire_out = NULL;
}
