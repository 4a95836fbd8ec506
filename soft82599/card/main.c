/* SPDX-License-Identifier: BSD-3-Clause */
/* soft82599: a software 82599 for programs that drive one through the VFIO user API. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "card.h"

static const char *const levels[] = {
	[CARD_LOG_ERROR] = "error", [CARD_LOG_WARN] = "warn",
	[CARD_LOG_INFO] = "info", [CARD_LOG_DEBUG] = "debug",
};
static enum card_log shown = CARD_LOG_WARN;

int
card_log_level(const char *word)
{
	for (unsigned int i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(word, levels[i]) == 0) {
			shown = i;
			return 0;
		}
	}
	return -EINVAL;
}

void
card_log(enum card_log level, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (level > shown)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* one write, so that lines of several processes do not mix */
	fprintf(stderr, "soft82599: %s\n", text);
}

char *
card_bdf(char *buf, const struct s82_state *st, unsigned int func)
{
	unsigned int bdf = st->func[func].bdf;

	sprintf(buf, "%04x:%02x:%02x.%x", st->pci_domain, bdf >> 8, (bdf >> 3) & 0x1f, bdf & 7);
	return buf;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *word;
		int (*run)(int argc, char **argv);
	} verbs[] = {
		{ "run", card_run },
		{ "exec", card_exec },
		{ "show", card_show },
		{ "ctl", card_ctl },
	};

	card_find_library();
	for (unsigned int i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[1], verbs[i].word) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	}
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		card_help();
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		printf("soft82599 %s\n", S82_VERSION);
		return 0;
	}
	if (argc > 1)
		fprintf(stderr, "soft82599: '%s' is not a verb; run, exec, show, ctl, --help and "
			"--version are\n", argv[1]);
	else
		fprintf(stderr, "soft82599: a verb is missing: run, exec, show or ctl; --help tells "
			"more\n");
	return EXIT_USAGE;
}
