/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What changes rules, lcores and the burst while packets flow: set rule, add rule, remove rule, set
 * corelist, set nbcore, set burst, set eth-peer; show config fwd. Each edits a copy of the spec: an
 * error leaves all as it was.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include <vfp_parse.h>

#include "../lcores.h"
#include "cli.h"

struct rule {
	cmdline_fixed_string_t verb;
	cmdline_fixed_string_t noun;
	cmdline_fixed_string_t name;
	cmdline_fixed_string_t from_word;
	cmdline_fixed_string_t from;
	cmdline_fixed_string_t to_word;
	cmdline_fixed_string_t to;
	cmdline_fixed_string_t mode;
	uint32_t number;
	cmdline_fixed_string_t mac;
};

typedef int edit_fn(struct app *app, struct dp_spec *spec, const void *arg, struct vfp_err *err);

static bool
edited(struct cmdline *cl, edit_fn *edit, const struct rule *r)
{
	struct app *app = cli_app();
	struct vfp_err err = {0};
	int ret;

	pthread_mutex_lock(&app->lock);
	ret = lcores_edit(app, edit, r, &err);
	pthread_mutex_unlock(&app->lock);
	if (ret < 0)
		cmdline_printf(cl, "%s\n", err.text);
	return ret == 0;
}

static struct dp_spec_rule *
find_rule(struct dp_spec *spec, const char *name, struct vfp_err *err)
{
	char known[200] = "";

	for (uint16_t i = 0; i < spec->n_rules; i++) {
		if (strcmp(spec->rules[i].name, name) == 0)
			return &spec->rules[i];
		strlcat(known, i ? ", " : "", sizeof(known));
		strlcat(known, spec->rules[i].name, sizeof(known));
	}
	vfp_err_set(err, -ENOENT, "there is no rule %s; there %s %s", name,
		spec->n_rules == 1 ? "is" : "are", known[0] ? known : "none");
	return NULL;
}

/* By name, or by number as testpmd does. */
static int
find_port(struct app *app, const struct dp_spec *spec, const char *name, struct vfp_err *err)
{
	unsigned int id;
	int end = 0;

	(void)app;
	if (sscanf(name, "%u%n", &id, &end) != 1 || name[end] != '\0')
		id = RTE_MAX_ETHPORTS;
	for (uint16_t i = 0; i < spec->n_ports; i++)
		if (strcmp(spec->ports[i].name, name) == 0 || spec->ports[i].port_id == id)
			return i;
	return vfp_err_set(err, -ENODEV, "there is no port %s; show ports lists them", name);
}

static int
edit_rule_mode(struct app *app, struct dp_spec *spec, const void *arg, struct vfp_err *err)
{
	const struct rule *a = arg;
	struct dp_spec_rule *r = find_rule(spec, a->name, err);

	(void)app;
	if (!r)
		return -ENOENT;
	r->mode = cli_mode(a->mode);
	r->fixed = r->mode == DP_SINK || r->mode == DP_SOURCE;
	return 0;
}

static int
edit_rule_rate(struct app *app, struct dp_spec *spec, const void *arg, struct vfp_err *err)
{
	const struct rule *a = arg;
	struct dp_spec_rule *r = find_rule(spec, a->name, err);

	(void)app;
	if (!r)
		return -ENOENT;
	if (a->number > 100000000)
		return vfp_err_set(err, -ERANGE, "rate %u; allowed are 0 (all it can) to 100000000",
			a->number);
	r->opts.source.rate = a->number;
	return 0;
}

static int
add_rule(struct dp_spec *spec, const struct rule *a, int from, int to, struct vfp_err *err)
{
	struct dp_spec_rule *r = &spec->rules[spec->n_rules];

	if (from < 0 || to < 0)
		return -ENODEV;
	if (spec->n_rules == DP_MAX_RULES)
		return vfp_err_set(err, -ENOSPC, "there are %u rules, and room for no more",
			DP_MAX_RULES);
	memset(r, 0, sizeof(*r));
	if (strlcpy(r->name, a->name, CFG_NAME) >= CFG_NAME)
		return vfp_err_set(err, -EINVAL, "the name of a rule has at most %u characters",
			CFG_NAME - 1);
	r->from = from;
	r->to = to;
	r->mode = cli_mode(a->mode);
	r->fixed = r->mode == DP_SINK || r->mode == DP_SOURCE;
	spec->n_rules++;
	return 0;
}

static int
edit_add(struct app *app, struct dp_spec *spec, const void *arg, struct vfp_err *err)
{
	const struct rule *a = arg;
	int from = find_port(app, spec, a->from, err);

	return add_rule(spec, a, from, from < 0 ? from : find_port(app, spec, a->to, err), err);
}

static int
edit_add_own(struct app *app, struct dp_spec *spec, const void *arg, struct vfp_err *err)
{
	const struct rule *a = arg;
	int from = find_port(app, spec, a->from, err);

	return add_rule(spec, a, from, from, err);
}

static int
edit_remove(struct app *app, struct dp_spec *spec, const void *arg, struct vfp_err *err)
{
	struct dp_spec_rule *r = find_rule(spec, ((const struct rule *)arg)->name, err);
	size_t after;

	(void)app;
	if (!r)
		return -ENOENT;
	after = (size_t)(&spec->rules[spec->n_rules] - r) - 1;
	memmove(r, r + 1, after * sizeof(*r));
	spec->n_rules--;
	return 0;
}

static int
edit_burst(struct app *app, struct dp_spec *spec, const void *arg, struct vfp_err *err)
{
	const uint32_t n = ((const struct rule *)arg)->number;

	(void)app;
	if (n < 1 || n > DP_MAX_BURST)
		return vfp_err_set(err, -ERANGE, "burst %u; allowed are 1 to %u", n, DP_MAX_BURST);
	spec->burst = n;
	return 0;
}

/* Those lcores poll, in this order; what was given to the others by name is spread. */
static int
keep_lcores(struct dp_spec *spec, const uint32_t *ids, uint16_t n)
{
	struct dp_spec_lcore *kept = calloc(n, sizeof(*kept));

	if (!kept)
		return -ENOMEM;
	for (uint16_t i = 0; i < n; i++) {
		kept[i].id = ids[i];
		for (uint16_t l = 0; l < spec->n_lcores; l++)
			if (spec->lcores[l].id == ids[i])
				kept[i] = spec->lcores[l];
	}
	memcpy(spec->lcores, kept, n * sizeof(*kept));
	spec->n_lcores = n;
	free(kept);
	return 0;
}

static int
edit_nbcore(struct app *app, struct dp_spec *spec, const void *arg, struct vfp_err *err)
{
	const uint32_t n = ((const struct rule *)arg)->number;

	if (n < 1 || n > app->n_workers)
		return vfp_err_set(err, -ERANGE, "%u lcores; allowed are 1 to %u, EAL's workers", n,
			app->n_workers);
	return keep_lcores(spec, app->workers, n);
}

static int
edit_corelist(struct app *app, struct dp_spec *spec, const void *arg, struct vfp_err *err)
{
	bool set[RTE_MAX_LCORE] = {false};
	uint32_t ids[DP_MAX_LCORES];
	uint16_t n = 0, known = 0;
	int ret = vfp_parse_set(((const struct rule *)arg)->name, "corelist", set, RTE_MAX_LCORE, err);

	if (ret < 0)
		return ret;
	for (uint16_t i = 0; i < app->n_workers; i++)
		if (set[app->workers[i]])
			ids[n++] = app->workers[i];
	for (uint32_t i = 0; i < RTE_MAX_LCORE; i++)
		known += set[i];
	if (n == 0 || n < known)
		return vfp_err_set(err, -EINVAL,
			"corelist: allowed are EAL's workers, all lcores of -l but the main one");
	return keep_lcores(spec, ids, n);
}

static int
edit_peer(struct app *app, struct dp_spec *spec, const void *arg, struct vfp_err *err)
{
	const struct rule *a = arg;
	int i = find_port(app, spec, a->name, err);
	struct port *p = i < 0 ? NULL : app_port_by_id(app, spec->ports[i].port_id);
	int ret = i < 0 ? i : vfp_parse_unicast_mac(a->mac, "eth-peer", spec->ports[i].peer, err);

	if (ret == 0 && p && strcmp(p->name, spec->ports[i].name) == 0)
		memcpy(p->peer, spec->ports[i].peer, sizeof(p->peer));
	return ret;
}

/* data: what the words before the value chose */
static void
do_edit(void *parsed, struct cmdline *cl, void *data)
{
	edit_fn *const *edit = data;

	if (edited(cl, *edit, parsed))
		cmdline_printf(cl, "done; show config fwd tells who polls what now\n");
}

static void
do_show_config(void *parsed, struct cmdline *cl, void *data)
{
	(void)parsed;
	(void)data;
	cli_show(cl, view_config_fwd, NULL);
}

/* data: a rule is named */
static void
do_show_probes(void *parsed, struct cmdline *cl, void *data)
{
	const struct rule *a = parsed;

	cli_show(cl, view_probes, data ? a->name : NULL);
}

static edit_fn *const edits[] = {edit_rule_mode, edit_rule_rate, edit_add, edit_remove, edit_burst,
	edit_nbcore, edit_corelist, edit_peer, edit_add_own};

#define WORD(var, field, text)                                                                     \
	static cmdline_parse_token_string_t var = TOKEN_STRING_INITIALIZER(struct rule, field, text)
WORD(t_set, verb, "set");
WORD(t_add, verb, "add");
WORD(t_remove, verb, "remove");
WORD(t_show, verb, "show");
WORD(t_rule, noun, "rule");
WORD(t_burst, noun, "burst");
WORD(t_nbcore, noun, "nbcore");
WORD(t_corelist, noun, "corelist");
WORD(t_peer, noun, "eth-peer");
WORD(t_config, noun, "config");
WORD(t_fwd, name, "fwd");
WORD(t_probes, noun, "probes");
WORD(t_name, name, NULL);
WORD(t_mode_word, to_word, "mode");
WORD(t_rate_word, to_word, "rate");
WORD(t_from_word, from_word, "from");
WORD(t_from, from, NULL);
WORD(t_to_word, to_word, "to");
WORD(t_to, to, NULL);
WORD(t_mode, mode, CLI_MODES);
WORD(t_mac, mac, NULL);
static cmdline_parse_token_num_t t_number = TOKEN_NUM_INITIALIZER(struct rule, number, RTE_UINT32);

#define EDIT(var, i, help, ...)                                                                    \
	static cmdline_parse_inst_t var = {.f = do_edit,                                           \
		.data = (void *)(uintptr_t)&edits[i],                                              \
		.help_str = help,                                                                  \
		.tokens = {__VA_ARGS__, NULL}}
#define T(token) (void *)&token
EDIT(set_mode, 0, "set rule NAME mode MODE: of one rule; for the modes see set fwd", T(t_set),
	T(t_rule), T(t_name), T(t_mode_word), T(t_mode));
EDIT(set_rate, 1, "set rule NAME rate N: packets a second of a source; 0: all it can", T(t_set),
	T(t_rule), T(t_name), T(t_rate_word), T(t_number));
EDIT(add_from_to, 2, "add rule NAME from PORT to PORT MODE", T(t_add), T(t_rule), T(t_name),
	T(t_from_word), T(t_from), T(t_to_word), T(t_to), T(t_mode));
EDIT(add_from, 8, "add rule NAME from PORT MODE: stays on its own port", T(t_add), T(t_rule),
	T(t_name), T(t_from_word), T(t_from), T(t_mode));
EDIT(remove_rule, 3, "remove rule NAME: its port is drained from then on", T(t_remove), T(t_rule),
	T(t_name));
EDIT(set_burst, 4, "set burst N: packets asked for at once", T(t_set), T(t_burst), T(t_number));
EDIT(set_nbcore, 5, "set nbcore N: the first N of EAL's workers poll", T(t_set), T(t_nbcore),
	T(t_number));
EDIT(set_corelist, 6, "set corelist 1,2,…: these of EAL's workers poll", T(t_set), T(t_corelist),
	T(t_name));
EDIT(set_peer, 7, "set eth-peer PORT MAC: next hop of what leaves there", T(t_set), T(t_peer),
	T(t_name), T(t_mac));
static cmdline_parse_inst_t show_config = {.f = do_show_config,
	.help_str = "show config fwd: who polls what, and where it goes",
	.tokens = {T(t_show), T(t_config), T(t_fwd), NULL}};
static cmdline_parse_inst_t show_probes = {.f = do_show_probes,
	.help_str = "show probes [RULE]: what became of the probes of sources",
	.tokens = {T(t_show), T(t_probes), NULL}};
static cmdline_parse_inst_t show_probes_of = {.f = do_show_probes,
	.data = (void *)1,
	.help_str = "show probes RULE: each stream",
	.tokens = {T(t_show), T(t_probes), T(t_name), NULL}};

cmdline_parse_inst_t *const cmd_rules_list[] = {&set_mode, &set_rate, &add_from_to, &add_from,
	&remove_rule, &set_burst, &set_nbcore, &set_corelist, &set_peer, &show_config, &show_probes,
	&show_probes_of, NULL};
