/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include <vfp_parse.h>

#include "args.h"

/* A year: longer runs are spelled by leaving --run out. */
#define MAX_SECONDS (366 * 24 * 3600)

/* One row an option; the parser, the help text and the "what is allowed" sentence read it. */
struct opt_row {
	char short_name; /* 0: none */
	const char *name;
	const char *arg; /* NULL: takes no argument */
	const char *help;
	bool offline; /* ends before EAL starts */
};

static const struct opt_row rows[] = {
	{'i', "interactive", NULL, "prompt for commands"},
	{'c', "config", "FILE", "configuration; without it ports forward in pairs, io mode"},
	{0, "run", "SECONDS", "forward for so long, then drain and report"},
	{0, "json", "FILE", "write the report there (- for standard output)"},
	{0, "hist-dir", "DIR", "write latency histograms there: .hgrm, .csv, .hlog"},
	{0, "stats-period", "S", "print live tables every S seconds"},
	{0, "cmdline-file", "FILE", "run these commands first"},
	{0, "check", NULL, "check the configuration and print the plan; touches nothing", true},
	{0, "version", NULL, "print the version", true},
	{'h', "help", NULL, "print this text", true},
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void
allowed_options(char *buf, size_t len)
{
	buf[0] = '\0';
	for (size_t i = 0; i < N_ROWS; i++) {
		strlcat(buf, i ? ", --" : "--", len);
		strlcat(buf, rows[i].name, len);
	}
}

void
args_help(void)
{
	char left[64];

	printf("usage: vfplane EAL-ARGS -- [OPTIONS]\n"
	       "       vfplane --check --config FILE | --help | --version\n\n"
	       "Runs an 82599-family NIC with its virtual functions: bring-up in a safe order,\n"
	       "mailbox policy, forwarding, latency. EAL-ARGS are DPDK's (-l, -a, --vdev, ...);\n"
	       "devices named by -a are probed by vfplane itself.\n\noptions:\n");
	for (size_t i = 0; i < N_ROWS; i++) {
		snprintf(left, sizeof(left), "%c%c%s--%s%s%s", rows[i].short_name ? '-' : ' ',
			rows[i].short_name ? rows[i].short_name : ' ',
			rows[i].short_name ? ", " : "  ", rows[i].name, rows[i].arg ? " " : "",
			rows[i].arg ? rows[i].arg : "");
		printf("  %-26s %s\n", left, rows[i].help);
	}
	printf("\nexit status: 0 done; %d usage or configuration error; %d device or bring-up "
	       "failed;\n"
	       "%d ran, but packets are unaccounted for\n",
		VFP_EXIT_USAGE, VFP_EXIT_DEVICE, VFP_EXIT_UNACCOUNTED);
}

int
args_eal_append(struct args *a, const char *fmt, ...)
{
	const char **grown = realloc(a->eal_argv, sizeof(*grown) * (a->eal_argc + 2));
	char *copy;
	va_list ap;
	int n;

	if (!grown)
		return -ENOMEM;
	a->eal_argv = grown;
	va_start(ap, fmt);
	n = vasprintf(&copy, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	a->eal_argv[a->eal_argc++] = copy;
	a->eal_argv[a->eal_argc] = NULL;
	return 0;
}

void
args_free(struct args *a)
{
	for (int i = 0; i < a->eal_argc; i++)
		free((char *)(uintptr_t)a->eal_argv[i]);
	free(a->eal_argv);
	a->eal_argv = NULL;
	a->eal_argc = 0;
}

/* "-a 0000:03:00.1,key=value": take it out of EAL's argv and keep it for our own probe. */
static int
add_allow(struct args *a, const char *value, char *err)
{
	struct args_allow *w = &a->allow[a->n_allow];
	const char *addr = strncmp(value, "pci:", 4) == 0 ? value + 4 : value;
	size_t len = strcspn(addr, ",");
	char bdf[32];

	if (a->n_allow == ARGS_MAX_ALLOW) {
		snprintf(err, ARGS_ERR_LEN, "more than %d devices named by -a", ARGS_MAX_ALLOW);
		return -EINVAL;
	}
	if (len >= sizeof(bdf)) {
		len = sizeof(bdf) - 1;
	}
	memcpy(bdf, addr, len);
	bdf[len] = '\0';
	if (vfp_bdf_normalise(bdf, "-a", w->bdf, NULL) < 0) {
		snprintf(err, ARGS_ERR_LEN,
			"-a %s: not a PCI address; allowed: [DOMAIN:]BUS:DEVICE.FUNCTION[,devargs]",
			value);
		return -EINVAL;
	}
	for (unsigned int i = 0; i < a->n_allow; i++) {
		if (strcmp(a->allow[i].bdf, w->bdf) == 0) {
			snprintf(err, ARGS_ERR_LEN, "-a %s: named twice", w->bdf);
			return -EINVAL;
		}
	}
	strlcpy(w->devargs, addr[len] == ',' ? addr + len + 1 : "", sizeof(w->devargs));
	a->n_allow++;
	return 0;
}

/* The value of -aX, -a X, --allow=X or --allow X at argv[*i], or NULL when it is another option. */
static const char *
allow_value(int argc, char **argv, int *i, bool *is_allow)
{
	const char *arg = argv[*i];
	size_t len = strlen("--allow");

	*is_allow = true;
	if (strcmp(arg, "-a") == 0 || strcmp(arg, "--allow") == 0)
		return *i + 1 < argc ? argv[++*i] : NULL;
	if (strncmp(arg, "-a", 2) == 0)
		return arg + 2;
	if (strncmp(arg, "--allow=", len + 1) == 0)
		return arg + len + 1;
	*is_allow = false;
	return NULL;
}

static int
split_eal(int argc, char **argv, struct args *a, char *err)
{
	for (int i = 1; i < argc; i++) {
		bool is_allow;
		const char *value = allow_value(argc, argv, &i, &is_allow);
		int ret;

		if (is_allow) {
			if (!value) {
				snprintf(err, ARGS_ERR_LEN, "-a needs a PCI address");
				return -EINVAL;
			}
			ret = add_allow(a, value, err);
			if (ret < 0)
				return ret;
			continue;
		}
		if (strncmp(argv[i], "--iova-mode", 11) == 0)
			a->eal_iova_mode = true;
		if (strncmp(argv[i], "--vfio-vf-token", 15) == 0)
			a->eal_vf_token = true;
		if (strncmp(argv[i], "--vdev", 6) == 0)
			a->eal_vdev = true;
		ret = args_eal_append(a, "%s", argv[i]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int
parse_seconds(const char *name, const char *value, uint32_t *out, char *err)
{
	const char *why;
	long long v = strtonum(value, 1, MAX_SECONDS, &why);

	if (why) {
		snprintf(err, ARGS_ERR_LEN, "--%s %s: %s; allowed: whole seconds from 1 to %d",
			name, value, why, MAX_SECONDS);
		return -EINVAL;
	}
	*out = v;
	return 0;
}

static int
apply_option(struct args *a, const struct opt_row *row, const char *value, char *err)
{
	if (row->arg && value[0] == '\0') {
		snprintf(err, ARGS_ERR_LEN, "--%s needs %s", row->name, row->arg);
		return -EINVAL;
	}
	if (strcmp(row->name, "interactive") == 0)
		a->interactive = true;
	else if (strcmp(row->name, "config") == 0)
		a->config = value;
	else if (strcmp(row->name, "json") == 0)
		a->json = value;
	else if (strcmp(row->name, "hist-dir") == 0)
		a->hist_dir = value;
	else if (strcmp(row->name, "cmdline-file") == 0)
		a->cmdline_file = value;
	else if (strcmp(row->name, "run") == 0)
		return parse_seconds(row->name, value, &a->run_seconds, err);
	else if (strcmp(row->name, "stats-period") == 0)
		return parse_seconds(row->name, value, &a->stats_period, err);
	else if (strcmp(row->name, "check") == 0)
		a->check = true;
	else if (strcmp(row->name, "version") == 0)
		a->version = true;
	else if (strcmp(row->name, "help") == 0)
		a->help = true;
	return 0;
}

static const struct opt_row *
row_of(int c)
{
	if (c >= 0x100 && c < 0x100 + (int)N_ROWS)
		return &rows[c - 0x100];
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].short_name && rows[i].short_name == c)
			return &rows[i];
	return NULL;
}

static void
explain_option(int c, char **argv, char *err)
{
	const char *what = argv[optind - 1];
	char all[160];

	allowed_options(all, sizeof(all));
	if (c == ':')
		snprintf(err, ARGS_ERR_LEN, "%s needs an argument", what);
	else
		snprintf(err, ARGS_ERR_LEN, "unknown or ambiguous option %s; allowed: %s", what,
			all);
}

/* Our own part; argv[0] is any word (getopt skips it). */
static int
parse_own(int argc, char **argv, struct args *a, char *err)
{
	struct option longs[N_ROWS + 1] = {0};
	char shorts[2 * N_ROWS + 3] = "+:";
	int c;

	for (size_t i = 0; i < N_ROWS; i++) {
		longs[i].name = rows[i].name;
		longs[i].has_arg = rows[i].arg ? required_argument : no_argument;
		longs[i].val = 0x100 + (int)i;
		if (rows[i].short_name)
			snprintf(shorts + strlen(shorts), 3, "%c%s", rows[i].short_name,
				rows[i].arg ? ":" : "");
	}
	optind = 0; /* a fresh scan: EAL and the tests use getopt too */
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct opt_row *row = row_of(c);
		int ret;

		if (!row) {
			explain_option(c, argv, err);
			return -EINVAL;
		}
		ret = apply_option(a, row, optarg ? optarg : "", err);
		if (ret < 0)
			return ret;
	}
	if (optind < argc) {
		snprintf(err, ARGS_ERR_LEN, "unexpected argument %s; every option starts with --",
			argv[optind]);
		return -EINVAL;
	}
	return 0;
}

static bool
is_offline(const char *arg)
{
	if (strcmp(arg, "-h") == 0)
		return true;
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].offline && strncmp(arg, "--", 2) == 0 &&
			strcmp(arg + 2, rows[i].name) == 0)
			return true;
	return false;
}

int
args_parse(int argc, char **argv, struct args *a, char *err)
{
	int split, ret;

	memset(a, 0, sizeof(*a));
	for (split = 1; split < argc; split++)
		if (strcmp(argv[split], "--") == 0)
			break;
	if (split == argc) {
		for (int i = 1; i < argc; i++) {
			if (is_offline(argv[i])) {
				split = 0;
				break;
			}
		}
	}
	ret = args_eal_append(a, "%s", argc > 0 ? argv[0] : "vfplane");
	if (ret == 0)
		ret = split_eal(split, argv, a, err);
	if (ret == 0 && split < argc)
		ret = parse_own(argc - split, argv + split, a, err);
	if (ret == 0 && a->check && !a->config && !a->help && !a->version) {
		snprintf(err, ARGS_ERR_LEN, "--check needs --config FILE");
		ret = -EINVAL;
	}
	if (ret < 0)
		args_free(a);
	return ret;
}
