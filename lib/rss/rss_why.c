/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "rss_why.h"

struct reasons {
	struct rss_why *out;
	unsigned int n;
};

/* The advice follows behind a newline. */
static void __attribute__((format(printf, 4, 5)))
say(struct reasons *r, enum rss_reason reason, bool stops, const char *fmt, ...)
{
	struct rss_why *w = &r->out[r->n++];
	char all[320];
	int split = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(all, sizeof(all), fmt, ap);
	va_end(ap);
	while (all[split] && all[split] != '\n')
		split++;
	*w = (struct rss_why){.reason = reason, .stops = stops};
	snprintf(w->text, sizeof(w->text), "%.*s", split, all);
	snprintf(w->advice, sizeof(w->advice), "%s", all[split] ? all + split + 1 : "");
}

/* The table is not even looked at. */
static bool
no_rss(const struct rss_facts *f)
{
	return f->pf_known && f->pools > 0 && !f->rss_mode;
}

static void
by_queues(const struct rss_facts *f, struct reasons *r)
{
	const unsigned int few = f->granted < f->layout_queues ? f->granted : f->layout_queues;

	if (no_rss(f)) {
		say(r, RSS_Y_POOL_MODE, true,
			"%u pools without RSS: a pool's packets all go to its first queue\n%s",
			f->pools,
			f->is_vf || f->is_pf_pool
				? "RSS runs with 64 pools of 2 or 32 pools of 4 queues: "
				  "queues_per_pool = 2 or 4"
				: "DPDK's PF has pools of its own or RSS: RSS in pools needs VFs");
		return;
	}
	if (f->is_pf_pool)
		say(r, RSS_Y_PF_POOL, true,
			"the PF's own pool beside its VFs uses one queue: net_ixgbe never writes its "
			"PSRTYPE; its VFs are not affected");
	else if (f->granted == 1 && f->is_vf && !f->chosen)
		say(r, RSS_Y_ONE_QUEUE, true,
			"one RX queue was granted\nthe queue count is asked for at the VF's reset: bring "
			"the PF up first, with an API of at least 1.1, then reset the VF");
	else if (f->granted == 1)
		say(r, RSS_Y_ONE_QUEUE, true,
			"one RX queue is configured\ngive the port more of them: queues = ... in its "
			"port section");
	else if (f->pf_known && f->is_vf && few < f->layout_queues)
		say(r, RSS_Y_FEWER, false, "%u of the pool's %u queues are in use\nreset the VF, or "
			"give it more queues", few, f->layout_queues);
	if (f->pf_known && f->is_vf && f->pf_queues == 1)
		say(r, RSS_Y_PF_ONE, true,
			"the PF has one RX queue, so every entry of the table it shares with its VFs is "
			"0\nconfigure the PF with as many RX queues as a pool has");
}

static void
by_fields(const struct rss_facts *f, struct reasons *r)
{
	char on[RSS_FIELDS_TEXT], off[RSS_FIELDS_TEXT];
	const uint32_t missing = RSS_F_ALL & ~f->conf->fields;

	if (f->conf->fields == 0)
		say(r, RSS_Y_FIELDS_NONE, true,
			"no hash field is on: nothing is hashed, so all goes to queue 0\n"
			"switch fields on in the PF's configuration: fields = {all}");
	else if (missing)
		say(r, RSS_Y_FIELD_OFF, false,
			"hashed over %s; off: %s\nwhat only those cover is not hashed over its ports, or "
			"not at all",
			rss_fields_text(f->conf->fields, on), rss_fields_text(missing, off));
}

static void
by_table(const struct rss_facts *f, struct reasons *r)
{
	unsigned int entries[RSS_SEEN_QUEUES], used = 0, least = RSS_RETA_SIZE, most = 0;

	if (f->granted < 2 || f->granted > RSS_SEEN_QUEUES)
		return;
	rss_reta_shares(f->conf->reta, RSS_RETA_SIZE, f->granted, entries);
	for (unsigned int q = 0; q < f->granted; q++) {
		used += entries[q] > 0;
		least = entries[q] < least ? entries[q] : least;
		most = entries[q] > most ? entries[q] : most;
	}
	if (used == 1)
		say(r, RSS_Y_RETA_ONE, true,
			"all %d entries of the table lead to one of its %u queues\n"
			"set another table: reta = even", RSS_RETA_SIZE, f->granted);
	else if (used < f->granted)
		say(r, RSS_Y_RETA_SKIPS, false,
			"%u of its %u queues are in no entry of the table\nset another table: reta = even",
			f->granted - used, f->granted);
	else if (most > least + 1)
		say(r, RSS_Y_RETA_UNEVEN, false,
			"a queue has %u to %u of the table's %d entries\nreta = even shares them out "
			"alike", least, most, RSS_RETA_SIZE);
}

static double
percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

static void
by_packets(const struct rss_facts *f, struct reasons *r)
{
	const struct rss_seen *s = f->seen;
	uint64_t bare;

	if (!s || s->packets == 0)
		return;
	bare = s->packets - s->hashed;
	if (s->note[RSS_N_NOT_IP] > 0)
		say(r, RSS_Y_NOT_IP, s->note[RSS_N_NOT_IP] == s->packets,
			"%.1f%% of %" PRIu64 " packets seen are not IP: not hashed, queue 0",
			percent(s->note[RSS_N_NOT_IP], s->packets), s->packets);
	if (bare > s->note[RSS_N_NOT_IP])
		say(r, RSS_Y_NOT_HASHED, s->hashed == 0,
			"%.1f%% of %" PRIu64 " packets seen are IP and came without a hash\n"
			"the PF's fields do not cover them, or it has one RX queue and so no RSS", percent(bare - s->note[RSS_N_NOT_IP],
			s->packets), s->packets);
	if (s->note[RSS_N_FRAGMENT] > 0)
		say(r, RSS_Y_FRAGMENTS,
			s->note[RSS_N_FRAGMENT] == s->packets && s->hashed_queues == 1,
			"%.1f%% of %" PRIu64 " packets seen are fragments: hashed over addresses alone, "
			"so that a pair of hosts shares one queue",
			percent(s->note[RSS_N_FRAGMENT], s->packets), s->packets);
	/* Without a hash it is queue 0 whatever the table says: ARP must not hide a flat table. */
	if (f->granted < 2 || s->hashed_queues != 1)
		return;
	if (s->entries_hit > 4)
		say(r, RSS_Y_HASHED_ONE, true,
			"packets are hashed and hit %" PRIu64 " entries of the table, yet all came to "
			"one queue: the table is flat\nthe PF has one RX queue, or its table names one",
			s->entries_hit);
	else
		say(r, RSS_Y_FEW_FLOWS, false,
			"what was seen hits %" PRIu64 " of the table's entries: too few flows to spread",
			s->entries_hit);
}

unsigned int
rss_why(const struct rss_facts *f, struct rss_why out[RSS_REASONS])
{
	struct reasons r = {.out = out};

	by_queues(f, &r);
	if (no_rss(f)) {
		/* neither fields nor table have a say */
	} else if (f->pf_known || !f->is_vf) {
		by_fields(f, &r);
		by_table(f, &r);
	} else {
		say(&r, RSS_Y_FOREIGN_PF, false,
			"key, fields and table are those of a PF that is not ours: not known here\n"
			"rss sample PORT on looks at what arrives");
	}
	by_packets(f, &r);
	/* What stops it first; otherwise in this order. */
	for (unsigned int i = 1; i < r.n; i++)
		for (unsigned int k = i; k > 0 && out[k].stops && !out[k - 1].stops; k--) {
			const struct rss_why w = out[k];

			out[k] = out[k - 1];
			out[k - 1] = w;
		}
	return r.n;
}

const char *
rss_reason_name(enum rss_reason r)
{
	static const char *const names[RSS_REASONS] = {
		[RSS_Y_FOREIGN_PF] = "foreign-pf",
		[RSS_Y_POOL_MODE] = "pool-mode",
		[RSS_Y_PF_POOL] = "pf-pool",
		[RSS_Y_ONE_QUEUE] = "one-queue",
		[RSS_Y_PF_ONE] = "pf-one-queue",
		[RSS_Y_FEWER] = "fewer-queues",
		[RSS_Y_FIELDS_NONE] = "no-field",
		[RSS_Y_FIELD_OFF] = "field-off",
		[RSS_Y_RETA_ONE] = "table-one-queue",
		[RSS_Y_RETA_SKIPS] = "table-skips",
		[RSS_Y_RETA_UNEVEN] = "table-uneven",
		[RSS_Y_NOT_HASHED] = "not-hashed",
		[RSS_Y_NOT_IP] = "not-ip",
		[RSS_Y_FRAGMENTS] = "fragments",
		[RSS_Y_FEW_FLOWS] = "few-flows",
		[RSS_Y_HASHED_ONE] = "flat-table",
	};

	return r < RSS_REASONS ? names[r] : "unknown";
}
