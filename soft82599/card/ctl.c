/* SPDX-License-Identifier: BSD-3-Clause */
/* `ctl`: one row of a table for each verb, with its help and the function that does it. */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "wire.h"

#define WORDS		6
#define MAX_USEC	10000000
#define LATE_POLL_NS	100000	/* while delays are asked for, how often the clock is looked at */

struct ctl {
	struct card *card;
	struct s82_ctx ctx;		/* the server's first thread's, for verbs */
	struct s82_ctx late_ctx;	/* the thread's that does what is late */
	pthread_t late;
	pthread_mutex_t late_lock;	/* between its start and the card's end */
	bool late_runs;
	_Atomic bool stop;
	double hz;			/* ticks a second */
	uint64_t done;			/* verbs, and the newest */
	char last[CTL_TEXT];
};

/* A verb at work: its words after the first, NULL-terminated, and the sentence to answer with. */
struct request {
	struct ctl *ctl;
	struct s82_state *st;
	char *word[WORDS + 1];
	char *answer;
	size_t size;
};

struct verb {
	const char *word, *usage, *help;
	int (*run)(struct request *r);	/* 0, or -errno; -EINVAL alone is answered by the usage */
};

static int __attribute__((format(printf, 3, 4)))
say(struct request *r, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->answer, r->size, fmt, ap);
	va_end(ap);
	return status;
}

static void
lock(struct request *r)
{
	r->ctl->ctx.ops->lock(&r->ctl->ctx);
}

static void
unlock(struct request *r)
{
	r->ctl->ctx.ops->unlock(&r->ctl->ctx);
}

/* ---- words ---- */

static int
read_number(const char *word, long long max, uint64_t *value)
{
	const char *error;

	if (word == NULL)
		return -EINVAL;
	*value = strtonum(word, 0, max, &error);
	return error == NULL ? 0 : -EINVAL;
}

/* "pf", "vf3" or "3". */
static int
read_func(struct request *r, const char *word, unsigned int *func)
{
	uint64_t n;

	if (word == NULL)
		return -EINVAL;
	if (strcmp(word, "pf") == 0) {
		*func = S82_PF;
		return 0;
	}
	if (read_number(strncmp(word, "vf", 2) == 0 ? word + 2 : word, S82_MAX_VFS - 1, &n) < 0)
		return say(r, -EINVAL, "'%s': pf or the number of a VF is wanted", word);
	if (n >= r->st->num_vfs)
		return say(r, -ENODEV, "there is no VF %s: the card has %u", word, r->st->num_vfs);
	*func = n;
	return 0;
}

static int
read_vf(struct request *r, const char *word, unsigned int *vf)
{
	int err = read_func(r, word, vf);

	if (err == 0 && *vf == S82_PF)
		return say(r, -EINVAL, "'pf': the number of a VF is wanted");
	return err;
}

static const char *
func_name(unsigned int func, char *buf)
{
	if (func == S82_PF)
		strcpy(buf, "pf");
	else
		sprintf(buf, "vf%u", func);
	return buf;
}

/* ---- what comes late ---- */

static void *
late_thread(void *arg)
{
	struct ctl *c = arg;
	const struct timespec nap = { 0, LATE_POLL_NS };

	while (!atomic_load(&c->stop)) {
		c->late_ctx.ops->lock(&c->late_ctx);
		s82_fault_due(&c->late_ctx, c->late_ctx.ops->now(&c->late_ctx));
		c->late_ctx.ops->unlock(&c->late_ctx);
		nanosleep(&nap, NULL);
	}
	return NULL;
}

/* The thread exists from the first delay on: a card without faults has no use for it. */
static int
need_late(struct ctl *c)
{
	int err = 0;

	pthread_mutex_lock(&c->late_lock);
	if (atomic_load(&c->stop))
		err = -ESHUTDOWN;
	if (err == 0 && !c->late_runs) {
		err = s82_server_ctx_init(c->card->server, &c->late_ctx);
		if (err == 0) {
			/* verbs run with all signals blocked: the thread inherits that */
			err = -pthread_create(&c->late, NULL, late_thread, c);
			if (err != 0)
				s82_server_ctx_fini(&c->late_ctx);
		}
		c->late_runs = err == 0;
	}
	pthread_mutex_unlock(&c->late_lock);
	return err;
}

static uint64_t
ticks(struct ctl *c, uint64_t usec)
{
	if (c->hz == 0) {
		struct timespec a, b, nap = { 0, 20000000 };
		uint64_t t0 = c->ctx.ops->now(&c->ctx), t1;

		clock_gettime(CLOCK_MONOTONIC, &a);
		nanosleep(&nap, NULL);
		t1 = c->ctx.ops->now(&c->ctx);
		clock_gettime(CLOCK_MONOTONIC, &b);
		c->hz = (t1 - t0) / (b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9);
	}
	return usec * c->hz / 1e6;
}

/* ---- the verbs ---- */

static int
do_link(struct request *r)
{
	const char *word = r->word[0];
	bool up = word != NULL && strcmp(word, "up") == 0;

	if (word == NULL || (!up && strcmp(word, "down") != 0))
		return -EINVAL;
	lock(r);
	s82_fault_cable(&r->ctl->ctx, up);
	unlock(r);
	return say(r, 0, "the cable is %s; the link is %s", up ? "in" : "out",
		s82_link_up(r->st) ? "up" : up ? "down still: laser or partner are off" : "down");
}

static int
do_flr(struct request *r)
{
	unsigned int vf;
	int err = read_vf(r, r->word[0], &vf);

	if (err != 0)
		return err;
	lock(r);
	s82_flr(&r->ctl->ctx, vf);
	unlock(r);
	return say(r, 0, "vf%u was reset (FLR)", vf);
}

static int
do_remove(struct request *r)
{
	unsigned int func, i;
	char name[16];
	int err = read_func(r, r->word[0], &func);

	if (err != 0)
		return err;
	lock(r);
	err = s82_fault_remove(&r->ctl->ctx, func);
	unlock(r);
	if (err != 0)
		return say(r, err, "%s is out already", func_name(func, name));
	/* what Linux does with a device that has a user: it asks for it */
	for (i = 0; i < S82_FUNCS; i++)
		if (i == func || (func == S82_PF && atomic_load(&r->st->func[i].removed)))
			s82_server_ask_back(r->ctl->card->server, i);
	return say(r, 0, "%s was pulled out%s", func_name(func, name),
		func == S82_PF ? ", and all its VFs" : "");
}

static int
do_restore(struct request *r)
{
	unsigned int n;

	lock(r);
	n = s82_fault_restore(&r->ctl->ctx);
	unlock(r);
	return n == 0 ? say(r, -ENODEV, "nothing was pulled out") :
		say(r, 0, "%u function%s back, as after power-on", n, n == 1 ? " is" : "s are");
}

static int
do_irq(struct request *r)
{
	unsigned int func;
	uint64_t n;
	char name[16];
	int err;

	if (r->word[0] == NULL)
		return -EINVAL;
	if (strcmp(r->word[0], "delay") == 0) {
		if (read_number(r->word[1], MAX_USEC, &n) < 0)
			return -EINVAL;
		err = n > 0 ? need_late(r->ctl) : 0;
		if (err != 0)
			return say(r, err, "no thread for it: %s", strerror(-err));
		n = ticks(r->ctl, n);
		lock(r);
		r->st->faults.irq_delay = n;
		unlock(r);
		return say(r, 0, "interrupts come %s us late", r->word[1]);
	}
	if (strcmp(r->word[0], "drop") != 0 || read_number(r->word[1], UINT32_MAX, &n) < 0)
		return -EINVAL;
	err = read_func(r, r->word[2], &func);
	if (err != 0)
		return err;
	lock(r);
	r->st->faults.irq_drop[func] = n;
	unlock(r);
	return say(r, 0, "the next %s interrupts of %s get lost", r->word[1],
		func_name(func, name));
}

static int
do_mailbox(struct request *r)
{
	unsigned int vf = 0, last = r->st->num_vfs;
	uint64_t n;
	int err;

	if (r->word[0] == NULL || strcmp(r->word[0], "delay") != 0 ||
			read_number(r->word[1], MAX_USEC, &n) < 0)
		return -EINVAL;
	if (r->word[2] != NULL) {
		err = read_vf(r, r->word[2], &vf);
		if (err != 0)
			return err;
		last = vf + 1;
	}
	err = n > 0 ? need_late(r->ctl) : 0;
	if (err != 0)
		return say(r, err, "no thread for it: %s", strerror(-err));
	n = ticks(r->ctl, n);
	lock(r);
	for (; vf < last; vf++)
		r->st->faults.mbox_delay[vf] = n;
	unlock(r);
	return say(r, 0, "mail of %s%s is %s us under way", r->word[2] == NULL ? "all VFs" : "VF ",
		r->word[2] == NULL ? "" : r->word[2], r->word[1]);
}

static int
do_pool(struct request *r)
{
	const char *on = r->word[2];
	unsigned int vf;
	int err;

	if (r->word[0] == NULL || strcmp(r->word[0], "freeze") != 0 || r->word[1] == NULL ||
			on == NULL || (strcmp(on, "on") != 0 && strcmp(on, "off") != 0))
		return -EINVAL;
	err = read_func(r, r->word[1], &vf);
	if (err != 0)
		return err;
	if (vf == S82_PF)
		vf = r->st->num_vfs;	/* the pool behind the VFs' */
	lock(r);
	s82_fault_freeze(&r->ctl->ctx, vf, strcmp(on, "on") == 0);
	unlock(r);
	s82_resume(&r->ctl->ctx);
	return say(r, 0, "pool %u %s", vf, strcmp(on, "on") == 0 ? "takes nothing" :
		"takes frames again");
}

static int
do_wire(struct request *r)
{
	struct card *card = r->ctl->card;
	int err;

	pthread_mutex_lock(&card->wire_lock);
	err = card->wire == NULL ? say(r, -ENOTSUP, "this card has no wire (--wire none)") :
		wire_impair(card->wire, r->word, r->answer, r->size);
	pthread_mutex_unlock(&card->wire_lock);
	return err;
}

static const struct verb verbs[] = {
	{ "link", "link down|up", "pull the cable, or plug it in again", do_link },
	{ "flr", "flr VF", "reset a VF, as writing to its sysfs reset does", do_flr },
	{ "remove", "remove pf|VF", "pull a function out; the PF takes its VFs along", do_remove },
	{ "restore", "restore", "put everything back that was pulled out", do_restore },
	{ "irq", "irq drop N pf|VF, irq delay USEC",
		"lose the next N interrupts; deliver all of them late", do_irq },
	{ "mailbox", "mailbox delay USEC [VF]", "mail between PF and VF takes its time",
		do_mailbox },
	{ "wire", "wire loss|dup|reorder|corrupt N[/M] [in|out], wire delay USEC [in|out], "
		"wire clear", "hit the next N frames, or N of every M; hold each frame", do_wire },
	{ "pool", "pool freeze pf|VF on|off", "its rings take nothing, as if nobody polled",
		do_pool },
};

#define VERBS	(sizeof(verbs) / sizeof(verbs[0]))

void
ctl_help(void)
{
	printf("usage: soft82599 ctl --name NAME VERB...\n\n"
		"Makes something happen to a card that runs; `show` tells what is in force.\n\n");
	for (unsigned int i = 0; i < VERBS; i++)
		printf("  %s\n      %s\n", verbs[i].usage, verbs[i].help);
	printf("\nIn and out are seen from the card; without either, both. 0 ends an impairment.\n"
		"Exit status: 0 done; 1 the card refused; 2 usage; 3 there is no such card.\n");
}

static int
unknown(struct request *r, const char *word)
{
	size_t used = snprintf(r->answer, r->size, "'%s' is not a verb;", word);

	for (unsigned int i = 0; i < VERBS && used < r->size; i++)
		used += snprintf(r->answer + used, r->size - used, "%s %s", i == 0 ? "" : ",",
			verbs[i].word);
	if (used < r->size)
		snprintf(r->answer + used, r->size - used, " are");
	return -EINVAL;
}

int
ctl_do(void *arg, const char *text, char *answer, size_t size)
{
	struct ctl *c = arg;
	struct request r = { .ctl = c, .st = c->card->st, .answer = answer, .size = size };
	char copy[CTL_TEXT], *rest = copy, *verb, *word;
	unsigned int n = 0;
	int err;

	answer[0] = '\0';
	strlcpy(copy, text, sizeof(copy));
	verb = strsep(&rest, " ");
	while ((word = strsep(&rest, " ")) != NULL && n < WORDS)
		if (*word != '\0')
			r.word[n++] = word;
	for (unsigned int i = 0; i < VERBS; i++) {
		if (strcmp(verbs[i].word, verb) != 0)
			continue;
		err = verbs[i].run(&r);
		if (err < 0 && answer[0] == '\0')
			say(&r, err, "%s is what is allowed", verbs[i].usage);
		if (err == 0) {
			c->done++;
			strlcpy(c->last, text, sizeof(c->last));
		}
		return err;
	}
	return unknown(&r, verb);
}

/* ---- birth, death and `show` ---- */

struct ctl *
ctl_new(struct card *card)
{
	struct ctl *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->card = card;
	pthread_mutex_init(&c->late_lock, NULL);
	if (s82_server_ctx_init(card->server, &c->ctx) != 0) {
		free(c);
		return NULL;
	}
	return c;
}

void
ctl_stop(struct ctl *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->late_lock);
	atomic_store(&c->stop, true);
	if (c->late_runs) {
		pthread_join(c->late, NULL);
		s82_server_ctx_fini(&c->late_ctx);
	}
	c->late_runs = false;
	pthread_mutex_unlock(&c->late_lock);
}

void
ctl_free(struct ctl *c)
{
	if (c == NULL)
		return;
	s82_server_ctx_fini(&c->ctx);
	free(c);
}

static json_int_t
usec(const struct ctl *c, uint64_t t)
{
	return c->hz == 0 ? 0 : (json_int_t)(t * 1e6 / c->hz + 0.5);
}

/* By name, only what is not zero. */
static json_t *
by_func(const struct s82_state *st, uint64_t (*value)(const struct ctl *, const struct s82_state *,
	unsigned int), const struct ctl *c)
{
	json_t *object = json_object();
	char name[16];

	for (unsigned int i = 0; i < S82_FUNCS; i++)
		if (value(c, st, i) != 0)
			json_object_set_new(object, func_name(i, name),
				json_integer((json_int_t)value(c, st, i)));
	return object;
}

static uint64_t
to_lose(const struct ctl *c, const struct s82_state *st, unsigned int func)
{
	(void)c;
	return st->faults.irq_drop[func];
}

static uint64_t
lost(const struct ctl *c, const struct s82_state *st, unsigned int func)
{
	(void)c;
	return st->faults.irqs_lost[func];
}

static uint64_t
removed(const struct ctl *c, const struct s82_state *st, unsigned int func)
{
	(void)c;
	return atomic_load(&st->func[func].removed);
}

static uint64_t
mail_delay(const struct ctl *c, const struct s82_state *st, unsigned int func)
{
	return func < S82_MAX_VFS ? usec(c, st->faults.mbox_delay[func]) : 0;
}

json_t *
ctl_json(const struct ctl *c, const struct s82_state *st)
{
	const struct s82_faults *x = &st->faults;
	json_t *frozen = json_array();

	for (unsigned int p = 0; p < S82_POOLS; p++)
		if (x->frozen >> p & 1)
			json_array_append_new(frozen, json_integer(p));
	return json_pack("{s:I, s:s, s:b, s:b, s:o, s:o, s:o, s:I, s:I, s:o, s:I, s:o}",
		"verbs_done", (json_int_t)c->done, "last_verb", c->last,
		"cable_in", !atomic_load(&x->cable_out), "partner_up", !atomic_load(&x->partner_down),
		"removed", by_func(st, removed, c), "irqs_to_lose", by_func(st, to_lose, c),
		"irqs_lost", by_func(st, lost, c), "irq_delay_us", usec(c, x->irq_delay),
		"irqs_late", (json_int_t)x->irqs_late, "mailbox_delay_us", by_func(st, mail_delay, c),
		"mails_late", (json_int_t)x->mbox_late, "frozen_pools", frozen);
}
