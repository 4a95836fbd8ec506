/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dp_plan.h"

const char *const dp_mode_names[DP_MODES] = {"io", "mac", "macswap", "sink", "echo", "source"};

const char *const dp_idle_names[DP_IDLES] = {"busy", "pause", "interrupt"};
const char *const dp_pattern_names[DP_PATTERNS] = {"steady", "bursts", "poisson"};

#define DEFAULT_BURST 32

/* The plan while it is made. */
struct draft {
	const struct dp_spec *spec;
	struct vfp_err *err;
	struct dp_plan *plan;
	uint16_t reader[DP_MAX_PORTS];			  /* which rule reads the port */
	uint16_t owner[DP_MAX_PORTS][DP_MAX_QUEUES];	  /* lcore (index) of an RX queue */
	uint16_t load[DP_MAX_LCORES];			  /* RX queues of an lcore */
	bool sends[DP_MAX_PORTS][DP_MAX_LCORES];	  /* lcore sends to port */
	uint16_t used[DP_MAX_PORTS][DP_MAX_LCORES];	  /* entries that have their TX queue */
	bool target[DP_MAX_PORTS][DP_MAX_LCORES]; /* lcore works on what a spread port receives */
};

/* Do two ports share a queue? */
static bool
overlap(const struct dp_spec_port *a, const struct dp_spec_port *b)
{
	const uint16_t na = a->nb_rxq > a->nb_txq ? a->nb_rxq : a->nb_txq;
	const uint16_t nb = b->nb_rxq > b->nb_txq ? b->nb_rxq : b->nb_txq;

	return a->port_id == b->port_id && a->first_queue < b->first_queue + nb &&
	       b->first_queue < a->first_queue + na;
}

static int
check_ports(const struct dp_spec *s, struct vfp_err *err)
{
	if (s->n_ports == 0 || s->n_ports > DP_MAX_PORTS)
		return vfp_err_set(err, -EINVAL, "%u ports, allowed are 1 to %u", s->n_ports,
			DP_MAX_PORTS);
	for (uint16_t p = 0; p < s->n_ports; p++) {
		const struct dp_spec_port *port = &s->ports[p];

		if (port->nb_rxq > DP_MAX_QUEUES || port->nb_txq > DP_MAX_QUEUES)
			return vfp_err_set(err, -EINVAL,
				"port %s has %u RX and %u TX queues, allowed are up to %u", port->name,
				port->nb_rxq, port->nb_txq, DP_MAX_QUEUES);
		if (port->spread > DP_SPREAD_MAX || (port->spread & (port->spread - 1)) != 0)
			return vfp_err_set(err, -EINVAL,
				"port %s: a table of %u entries, allowed are powers of two up to %u",
				port->name, port->spread, DP_SPREAD_MAX);
		for (uint16_t q = 0; q < p; q++)
			if (overlap(&s->ports[q], port))
				return vfp_err_set(err, -EINVAL, "ports %s and %s are the same one",
					s->ports[q].name, port->name);
	}
	return 0;
}

/* Modes that send, if at all, by the port that they read. */
static bool
stays(enum dp_mode mode)
{
	return mode == DP_SINK || mode == DP_ECHO || mode == DP_SOURCE;
}

static int
check_fan(const struct dp_spec *s, const struct dp_spec_rule *rule, struct vfp_err *err)
{
	if (rule->n_more == 0)
		return 0;
	if (rule->n_more > DP_MAX_FAN - 1)
		return vfp_err_set(err, -EINVAL, "rule %s: up to %u ports to send to are allowed",
			rule->name, DP_MAX_FAN);
	if (rule->both)
		return vfp_err_set(err, -EINVAL,
			"rule %s: with several ports to send to, both must be no", rule->name);
	for (uint16_t i = 0; i < rule->n_more; i++)
		if (rule->more[i] >= s->n_ports)
			return vfp_err_set(err, -EINVAL, "rule %s: to is no port", rule->name);
	if (s->ports[rule->from].nb_rxq <= rule->n_more && !stays(rule->mode))
		return vfp_err_set(err, -EINVAL,
			"rule %s: port %s has %u RX queues and cannot feed %u ports: each takes whole "
			"queues",
			rule->name, s->ports[rule->from].name, s->ports[rule->from].nb_rxq,
			rule->n_more + 1);
	return 0;
}

/*
 * A software table hands packets to any of its lcores. A fan-out goes by RX queue, which is not known
 * behind the table; a source tells what comes back to it by RX queue, and so does a sink of probes.
 */
static int
check_spread(const struct dp_spec_port *port, const struct dp_spec_rule *rule, struct vfp_err *err)
{
	if (port->spread == 0)
		return 0;
	if (rule->mode == DP_SOURCE)
		return vfp_err_set(err, -EINVAL,
			"rule %s: port %s has a software table, which a source does not go with; leave "
			"the table out, or take another mode",
			rule->name, port->name);
	if (dp_takes_probes(rule->mode, &rule->opts))
		return vfp_err_set(err, -EINVAL,
			"rule %s: port %s has a software table, which a sink of probes does not go "
			"with; leave either out",
			rule->name, port->name);
	if (rule->n_more > 0 && !stays(rule->mode))
		return vfp_err_set(err, -EINVAL,
			"rule %s: port %s has a software table and cannot feed %u ports: they would "
			"get whole queues, the table spreads flows; leave out either",
			rule->name, port->name, rule->n_more + 1);
	return 0;
}

static int
check_rule(const struct dp_spec *s, uint16_t r, struct vfp_err *err)
{
	const struct dp_spec_rule *rule = &s->rules[r];
	int rc;

	if (rule->name[0] == '\0')
		return vfp_err_set(err, -EINVAL, "rule %u has no name", r);
	for (uint16_t q = 0; q < r; q++)
		if (strcmp(s->rules[q].name, rule->name) == 0)
			return vfp_err_set(err, -EINVAL, "two rules are named %s", rule->name);
	if ((unsigned int)rule->mode >= DP_MODES)
		return vfp_err_set(err, -EINVAL, "rule %s: no such mode", rule->name);
	if (rule->from >= s->n_ports)
		return vfp_err_set(err, -EINVAL, "rule %s: from is no port", rule->name);
	if (rule->to >= s->n_ports && (rule->both || !stays(rule->mode)))
		return vfp_err_set(err, -EINVAL, "rule %s: to is no port", rule->name);
	if (rule->both && rule->from == rule->to)
		return vfp_err_set(err, -EINVAL,
			"rule %s: from and to are the same port, both must be no", rule->name);
	rc = check_spread(&s->ports[rule->from], rule, err);
	if (rc == 0 && rule->both)
		rc = check_spread(&s->ports[rule->to], rule, err);
	return rc == 0 ? check_fan(s, rule, err) : rc;
}

static int
check_probes(const struct dp_spec *s, const struct dp_spec_rule *rule, struct vfp_err *err)
{
	if (!dp_takes_probes(rule->mode, &rule->opts))
		return 0;
	for (uint16_t r = 0; r < s->n_rules; r++)
		if (strcmp(s->rules[r].name, rule->opts.probes_of) == 0 &&
			s->rules[r].mode == DP_SOURCE && s->rules[r].opts.source.probe)
			return 0;
	return vfp_err_set(err, -EINVAL,
		"rule %s takes the probes of %s, which is no rule of mode source with probe = yes",
		rule->name, rule->opts.probes_of);
}

static int
check_lcores(const struct dp_spec *s, struct vfp_err *err)
{
	if (s->n_lcores == 0 || s->n_lcores > DP_MAX_LCORES)
		return vfp_err_set(err, -EINVAL,
			"%u lcores to poll with, allowed are 1 to %u: EAL's -l needs one more than the "
			"main lcore",
			s->n_lcores, DP_MAX_LCORES);
	for (uint16_t a = 0; a < s->n_lcores; a++)
		for (uint16_t b = 0; b < a; b++)
			if (s->lcores[a].id == s->lcores[b].id)
				return vfp_err_set(err, -EINVAL, "lcore %u is there twice",
					s->lcores[a].id);
	return 0;
}

static int
check_spec(const struct dp_spec *s, struct vfp_err *err)
{
	int rc = check_ports(s, err);

	if (rc == 0)
		rc = check_lcores(s, err);
	if (rc == 0 && s->n_rules > DP_MAX_RULES)
		rc = vfp_err_set(err, -EINVAL, "%u rules, allowed are up to %u", s->n_rules,
			DP_MAX_RULES);
	if (rc == 0 && s->burst > DP_MAX_BURST)
		rc = vfp_err_set(err, -EINVAL, "burst %u, allowed are 1 to %u", s->burst,
			DP_MAX_BURST);
	for (uint16_t r = 0; rc == 0 && r < s->n_rules; r++)
		rc = check_rule(s, r, err);
	for (uint16_t r = 0; rc == 0 && r < s->n_rules; r++)
		rc = check_probes(s, &s->rules[r], err);
	return rc;
}

static struct dp_plan *
plan_alloc(uint16_t ports, uint16_t rules, uint16_t lcores, uint16_t entries)
{
	struct dp_plan *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->ports = calloc(ports, sizeof(*p->ports));
	p->rules = calloc(rules, sizeof(*p->rules));
	p->lcores = calloc(lcores, sizeof(*p->lcores));
	/* calloc(0) may be NULL without being a failure. */
	p->entries = calloc(entries + 1, sizeof(*p->entries));
	if (p->ports == NULL || p->rules == NULL || p->lcores == NULL || p->entries == NULL) {
		dp_plan_free(p);
		return NULL;
	}
	return p;
}

void
dp_plan_free(struct dp_plan *p)
{
	if (p == NULL)
		return;
	free(p->ports);
	free(p->rules);
	free(p->lcores);
	free(p->entries);
	free(p);
}

static int
check_sends(struct draft *d, const struct dp_plan_rule *r, uint16_t to)
{
	if (to != DP_NONE && d->spec->ports[to].nb_txq == 0)
		return vfp_err_set(d->err, -EINVAL, "rule %s sends to port %s, which has no TX queue",
			r->name, d->spec->ports[to].name);
	return 0;
}

/* One direction more; a port feeds one rule. */
static int
add_rule(struct draft *d, const char *name, const char *suffix, uint16_t from,
	const struct dp_spec_rule *spec, uint16_t to)
{
	const struct dp_spec_port *port = &d->spec->ports[from];
	struct dp_plan_rule *r = &d->plan->rules[d->plan->n_rules];
	int rc;

	if (snprintf(r->name, sizeof(r->name), "%s%s", name, suffix) >= (int)sizeof(r->name))
		return vfp_err_set(d->err, -EINVAL, "the rule name %s%s is too long", name, suffix);
	if (d->reader[from] != DP_NONE)
		return vfp_err_set(d->err, -EINVAL,
			"rules %s and %s both read port %s: one port can feed one rule",
			d->plan->rules[d->reader[from]].name, r->name, port->name);
	r->from = from;
	r->mode = spec == NULL ? DP_SINK : spec->mode;
	if (spec != NULL)
		r->opts = spec->opts;
	r->to = r->mode == DP_SINK ? DP_NONE : stays(r->mode) ? from : to;
	rc = check_sends(d, r, r->to);
	if (!stays(r->mode) && spec->n_more > 0) {
		r->n_more = spec->n_more;
		memcpy(r->more, spec->more, sizeof(r->more));
		for (uint16_t i = 0; rc == 0 && i < r->n_more; i++)
			rc = check_sends(d, r, r->more[i]);
	}
	d->reader[from] = d->plan->n_rules++;
	return rc;
}

/* Where a rule sends what an RX queue gives. */
static uint16_t
rule_to(const struct dp_plan_rule *r, uint16_t queue)
{
	const uint16_t i = queue % (1 + r->n_more);

	return i == 0 ? r->to : r->more[i - 1];
}

/* The user's rules by direction, then a sink for every port that none of them reads. */
static int
expand_rules(struct draft *d)
{
	int rc = 0;

	memset(d->reader, 0xff, sizeof(d->reader));
	for (uint16_t i = 0; rc == 0 && i < d->spec->n_rules; i++) {
		const struct dp_spec_rule *r = &d->spec->rules[i];

		rc = add_rule(d, r->name, "", r->from, r, r->to);
		if (rc == 0 && r->both)
			rc = add_rule(d, r->name, "-back", r->to, r, r->from);
	}
	for (uint16_t p = 0; rc == 0 && p < d->spec->n_ports; p++) {
		if (d->reader[p] != DP_NONE || d->spec->ports[p].nb_rxq == 0)
			continue;
		rc = add_rule(d, "unread-", d->spec->ports[p].name, p, NULL, DP_NONE);
		if (rc == 0)
			d->plan->rules[d->reader[p]].implicit = true;
	}
	return rc;
}

static void
place(struct draft *d, uint16_t port, uint16_t queue, uint16_t lcore)
{
	const uint16_t to = rule_to(&d->plan->rules[d->reader[port]], queue);

	d->owner[port][queue] = lcore;
	d->load[lcore]++;
	if (to != DP_NONE)
		d->sends[to][lcore] = true;
}

/* What the user gave to an lcore by name. */
static int
place_explicit(struct draft *d)
{
	memset(d->owner, 0xff, sizeof(d->owner));
	for (uint16_t l = 0; l < d->spec->n_lcores; l++) {
		const struct dp_spec_lcore *lcore = &d->spec->lcores[l];

		for (uint16_t i = 0; i < lcore->n_queues && i < DP_MAX_PORTS; i++) {
			const struct dp_spec_queue *q = &lcore->queues[i];
			const struct dp_spec_port *port;

			if (q->port >= d->spec->n_ports)
				return vfp_err_set(d->err, -EINVAL, "lcore %u: no such port",
					lcore->id);
			port = &d->spec->ports[q->port];
			if (q->queue >= port->nb_rxq)
				return vfp_err_set(d->err, -EINVAL,
					"lcore %u: port %s has no RX queue %u, it has %u", lcore->id,
					port->name, q->queue, port->nb_rxq);
			if (d->owner[q->port][q->queue] != DP_NONE)
				return vfp_err_set(d->err, -EINVAL,
					"queue %s:%u is given to lcore %u and to lcore %u", port->name,
					q->queue, d->spec->lcores[d->owner[q->port][q->queue]].id,
					lcore->id);
			place(d, q->port, q->queue, l);
		}
	}
	return 0;
}

static uint16_t
count_senders(const struct draft *d, uint16_t port)
{
	uint16_t n = 0;

	for (uint16_t l = 0; l < d->spec->n_lcores; l++)
		n += d->sends[port][l];
	return n;
}

/* The lcore with the fewest queues, among those that find a TX queue of their own. */
static uint16_t
choose_lcore(const struct draft *d, uint16_t to)
{
	const bool full = to != DP_NONE && count_senders(d, to) >= d->spec->ports[to].nb_txq;
	uint16_t best = DP_NONE;

	for (uint16_t l = 0; l < d->spec->n_lcores; l++) {
		if (full && !d->sends[to][l])
			continue;
		if (best == DP_NONE || d->load[l] < d->load[best])
			best = l;
	}
	return best;
}

static void
place_rest(struct draft *d)
{
	for (uint16_t p = 0; p < d->spec->n_ports; p++)
		for (uint16_t q = 0; q < d->spec->ports[p].nb_rxq; q++)
			if (d->owner[p][q] == DP_NONE)
				place(d, p, q,
					choose_lcore(d, rule_to(&d->plan->rules[d->reader[p]], q)));
}

/*
 * A spread port is worked on by as many lcores as can have a TX queue of their own where it sends
 * to; those that poll it come first, then the others in their order.
 */
static void
choose_targets(struct draft *d)
{
	for (uint16_t p = 0; p < d->spec->n_ports; p++) {
		const uint16_t to = d->plan->rules[d->reader[p]].to;
		uint16_t n = 0;

		if (d->spec->ports[p].spread == 0)
			continue;
		for (uint16_t q = 0; q < d->spec->ports[p].nb_rxq; q++) {
			n += !d->target[p][d->owner[p][q]];
			d->target[p][d->owner[p][q]] = true;
		}
		for (uint16_t l = 0; l < d->spec->n_lcores && n < DP_SPREAD_LCORES; l++) {
			if (d->target[p][l] || (to != DP_NONE && !d->sends[to][l] &&
						       count_senders(d, to) >= d->spec->ports[to].nb_txq))
				continue;
			d->target[p][l] = true;
			if (to != DP_NONE)
				d->sends[to][l] = true;
			n++;
		}
	}
}

static bool
polls(const struct draft *d, uint16_t port, uint16_t lcore)
{
	for (uint16_t q = 0; q < d->spec->ports[port].nb_rxq; q++)
		if (d->owner[port][q] == lcore)
			return true;
	return false;
}

/* Only explicit assignments can ask for more TX queues than there are. */
static int
check_tx_queues(const struct draft *d)
{
	for (uint16_t p = 0; p < d->spec->n_ports; p++) {
		const struct dp_spec_port *port = &d->spec->ports[p];
		const uint16_t senders = count_senders(d, p);

		if (senders > port->nb_txq)
			return vfp_err_set(d->err, -EINVAL,
				"port %s has %u TX queue%s but %u lcores send to it; give it more TX "
				"queues, or give the queues that feed it to fewer lcores",
				port->name, port->nb_txq, port->nb_txq == 1 ? "" : "s", senders);
	}
	return 0;
}

/*
 * The k senders of a port share its TX queues by rank: rank r has r, r + k, r + 2k, …, and its
 * entries take them in turn. So no two lcores meet on one, and a single lcore uses them all.
 */
static uint16_t
choose_tx_queue(struct draft *d, uint16_t port, uint16_t lcore)
{
	const uint16_t k = count_senders(d, port), n = d->spec->ports[port].nb_txq;
	uint16_t rank = 0, mine;

	for (uint16_t l = 0; l < lcore; l++)
		rank += d->sends[port][l];
	mine = (n - rank + k - 1) / k;
	return d->spec->ports[port].first_queue + rank + k * (d->used[port][lcore]++ % mine);
}

/* The next entry of lcore l, for packets of a port: an RX queue's, or what another lcore polled. */
static void
write_entry(struct draft *d, uint16_t l, uint16_t port, uint16_t queue, uint16_t handed_by)
{
	struct dp_plan *plan = d->plan;
	const uint16_t rule = d->reader[port], to = rule_to(&plan->rules[rule], queue);

	plan->entries[plan->n_entries++] = (struct dp_plan_entry){
		.rule = rule,
		.handed_by = handed_by,
		.rx_port = port,
		.rx_queue = handed_by == DP_NONE ? d->spec->ports[port].first_queue + queue : 0,
		.tx_port = to,
		.tx_queue = to == DP_NONE ? DP_NONE : choose_tx_queue(d, to, l),
	};
}

static void
write_entries(struct draft *d)
{
	struct dp_plan *plan = d->plan;

	for (uint16_t l = 0; l < d->spec->n_lcores; l++) {
		struct dp_plan_lcore *lcore = &plan->lcores[plan->n_lcores++];

		lcore->id = d->spec->lcores[l].id;
		lcore->first = plan->n_entries;
		for (uint16_t p = 0; p < d->spec->n_ports; p++)
			for (uint16_t q = 0; q < d->spec->ports[p].nb_rxq; q++)
				if (d->owner[p][q] == l)
					write_entry(d, l, p, q, DP_NONE);
		for (uint16_t p = 0; p < d->spec->n_ports; p++)
			for (uint16_t by = 0; by < d->spec->n_lcores; by++)
				if (d->target[p][l] && by != l && polls(d, p, by))
					write_entry(d, l, p, 0, by);
		lcore->n = plan->n_entries - lcore->first;
	}
}

static int
draft_plan(struct draft *d)
{
	int rc = expand_rules(d);

	if (rc == 0)
		rc = place_explicit(d);
	if (rc == 0) {
		place_rest(d);
		choose_targets(d);
		rc = check_tx_queues(d);
	}
	if (rc == 0)
		write_entries(d);
	return rc;
}

int
dp_plan_make(const struct dp_spec *spec, struct dp_plan **plan, struct vfp_err *err)
{
	struct draft *d;
	uint16_t entries = 0;
	int rc = check_spec(spec, err);

	if (rc != 0)
		return rc;
	for (uint16_t p = 0; p < spec->n_ports; p++) {
		const uint16_t pollers = spec->ports[p].nb_rxq < spec->n_lcores
						 ? spec->ports[p].nb_rxq
						 : spec->n_lcores;

		entries += spec->ports[p].nb_rxq;
		if (spec->ports[p].spread != 0)
			entries += pollers * DP_SPREAD_LCORES;
	}
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return vfp_err_set(err, -ENOMEM, "out of memory");
	d->spec = spec;
	d->err = err;
	d->plan = plan_alloc(spec->n_ports, 2 * spec->n_rules + spec->n_ports, spec->n_lcores,
		entries);
	if (d->plan == NULL) {
		rc = vfp_err_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	d->plan->burst = spec->burst == 0 ? DEFAULT_BURST : spec->burst;
	d->plan->n_ports = spec->n_ports;
	memcpy(d->plan->ports, spec->ports, spec->n_ports * sizeof(*spec->ports));
	rc = draft_plan(d);
	if (rc == 0)
		*plan = d->plan;
	else
		dp_plan_free(d->plan);
out:
	free(d);
	return rc;
}

uint16_t
dp_plan_workers(const struct dp_plan *plan, uint16_t port, uint16_t *lcores, uint16_t max)
{
	uint16_t n = 0;

	for (uint16_t l = 0; l < plan->n_lcores && n < max; l++)
		for (uint16_t i = 0; i < plan->lcores[l].n; i++)
			if (plan->entries[plan->lcores[l].first + i].rx_port == port) {
				lcores[n++] = l;
				break;
			}
	return n;
}

void
dp_spec_set_mode(struct dp_spec *spec, enum dp_mode mode)
{
	for (uint16_t r = 0; r < spec->n_rules; r++)
		if (!spec->rules[r].fixed)
			spec->rules[r].mode = mode;
}

void
dp_source_imix(struct dp_source_conf *c)
{
	/* In an order that keeps the large ones apart. */
	static const uint16_t mix[] = {64, 594, 64, 64, 594, 64, 1518, 64, 594, 64, 64, 594};

	c->n_sizes = sizeof(mix) / sizeof(mix[0]);
	memcpy(c->sizes, mix, sizeof(mix));
}

/* "vf0-vf1", cut so that "-back" still fits. */
static void
pair_name(char name[DP_NAME], const char *from, const char *to)
{
	char text[DP_NAME];

	snprintf(text, sizeof(text), "%.28s-%.28s", from, to);
	memcpy(name, text, sizeof(text));
}

int
dp_spec_pairs(struct dp_spec *spec, enum dp_mode mode)
{
	spec->n_rules = 0;
	for (uint16_t p = 0; p < spec->n_ports; p += 2) {
		struct dp_spec_rule *r = &spec->rules[spec->n_rules++];

		r->from = p;
		r->both = p + 1 < spec->n_ports;
		r->to = r->both ? p + 1 : p;
		r->mode = mode;
		pair_name(r->name, spec->ports[p].name, spec->ports[r->to].name);
	}
	return spec->n_rules;
}
