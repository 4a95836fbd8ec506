/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the card knows of itself, as JSON: the independent witness of `show`. The state is
 * copied under the lock and told afterwards, so that nobody waits for the writing.
 */
#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../model/regs.h"
#include "card.h"
#include "ctl.h"
#include "sysfs.h"
#include "wire.h"

#define RARS		128
#define VLVFS		64
#define SNAPSHOT	(offsetof(struct s82_state, fifo) + offsetof(struct s82_fifo, mem))

static uint32_t
reg(const struct s82_state *st, uint32_t off)
{
	return st->reg[off / 4];
}

static uint64_t
reg64(const struct s82_state *st, uint32_t off)
{
	return reg(st, off) | (uint64_t)reg(st, off + 4) << 32;
}

static void
set_int(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer(value));
}

static void
set_bool(json_t *object, const char *name, bool value)
{
	json_object_set_new(object, name, json_boolean(value));
}

static void
set_str(json_t *object, const char *name, const char *value)
{
	json_object_set_new(object, name, json_string(value));
}

/* "vf3", "pf", or "-" for a pool that belongs to nobody. */
static char *
owner(const struct s82_state *st, unsigned int pool, char *buf)
{
	if (pool < st->num_vfs)
		sprintf(buf, "vf%u", pool);
	else
		strcpy(buf, pool == st->num_vfs ? "pf" : "-");
	return buf;
}

static json_t *
bits(uint64_t set)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < 64; i++) {
		if (set >> i & 1)
			json_array_append_new(list, json_integer(i));
	}
	return list;
}

static json_t *
drops(const uint64_t *count)
{
	json_t *object = json_object();

	for (unsigned int d = 0; d < S82_DROPS; d++) {
		if (count[d] != 0)
			set_int(object, s82_drop_name(d), count[d]);
	}
	return object;
}

static const char *
mac_text(uint32_t low, uint32_t high, char *buf)
{
	sprintf(buf, "%02x:%02x:%02x:%02x:%02x:%02x", low & 0xff, low >> 8 & 0xff,
		low >> 16 & 0xff, low >> 24, high & 0xff, high >> 8 & 0xff);
	return buf;
}

/* MRQC.MRQE [8.2.3.7.12] */
static const char *
layout(const struct s82_state *st)
{
	static const char *const names[16] = {
		[0x0] = "plain", [0x1] = "RSS", [0x8] = "64x2", [0xa] = "32x4 RSS",
		[0xb] = "64x2 RSS", [0xc] = "16x8", [0xd] = "32x4",
	};
	const char *name = names[reg(st, R_MRQC) & MRQC_MRQE];

	return name == NULL ? "other" : name;
}

static json_t *
geometry(const struct s82_state *st)
{
	uint32_t vt = reg(st, R_VT_CTL);
	unsigned int qpp = s82_queues_per_pool(st);
	json_t *object = json_object();

	set_str(object, "layout", layout(st));
	set_bool(object, "virtualization", (vt & VT_CTL_ENA) != 0);
	set_int(object, "queues_per_pool", qpp);
	set_int(object, "pools", S82_QUEUES / qpp > S82_POOLS ? S82_POOLS : S82_QUEUES / qpp);
	json_object_set_new(object, "default_pool", vt & VT_CTL_DIS_DEFPL ? json_null() :
		json_integer(vt >> VT_CTL_DEF_PL & 63));
	set_bool(object, "replication", (vt & VT_CTL_RPL_EN) != 0);
	set_bool(object, "loopback", (reg(st, R_PFDTXGSWC) & PFDTXGSWC_LBE) != 0);
	set_bool(object, "receiving", (reg(st, R_RXCTRL) & RXCTRL_RXEN) != 0);
	set_bool(object, "transmitting", (reg(st, R_DMATXCTL) & DMATXCTL_TE) != 0);
	set_int(object, "max_frame", reg(st, R_MAXFRS) >> 16);
	return object;
}

static json_t *
functions(const struct card *card, const struct s82_state *st)
{
	json_t *list = json_array();
	char name[16];

	for (unsigned int i = 0; i < S82_FUNCS; i++) {
		/* the PF first, though its index is the last */
		unsigned int f = (i + S82_PF) % S82_FUNCS;
		const struct s82_func *fn = &st->func[f];
		json_t *object;

		if (!fn->present && !atomic_load(&fn->removed))
			continue;
		object = json_object();
		set_str(object, "name", owner(st, f == S82_PF ? st->num_vfs : f, name));
		set_str(object, "bdf", card_bdf(name, st, f));
		set_str(object, "driver", sysfs_drivers[fn->driver]);
		set_int(object, "group", fn->group);
		json_object_set_new(object, "pid", fn->owner == 0 ? json_null() :
			json_integer(st->client[fn->owner % S82_MAX_CLIENTS].pid));
		set_int(object, "users", s82_server_users(card->server, f));
		set_int(object, "resets", fn->resets);
		set_bool(object, "removed", atomic_load(&fn->removed));
		set_int(object, "interrupts", fn->irqs);
		set_int(object, "dma_faults", fn->dma_faults);
		if (fn->dma_faults != 0)
			set_int(object, "dma_fault_iova", fn->dma_fault_iova);
		json_array_append_new(list, object);
	}
	return list;
}

/* The exact filters that name the pool. */
static json_t *
pool_macs(const struct s82_state *st, unsigned int pool)
{
	json_t *list = json_array();
	char text[24];

	for (unsigned int i = 0; i < RARS; i++) {
		if ((reg(st, R_RAH(i)) & RAH_AV) != 0 && reg64(st, R_MPSAR(i)) >> pool & 1)
			json_array_append_new(list, json_string(mac_text(reg(st, R_RAL(i)),
				reg(st, R_RAH(i)), text)));
	}
	return list;
}

static json_t *
pool_vlans(const struct s82_state *st, unsigned int pool)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < VLVFS; i++) {
		uint32_t vlvf = reg(st, R_VLVF(i));

		if ((vlvf & VLVF_VIEN) != 0 && reg64(st, R_VLVFB(2 * i)) >> pool & 1)
			json_array_append_new(list, json_integer(vlvf & 0xfff));
	}
	return list;
}

/* The bits of VMOLR that let frames in, by their names in the datasheet. */
static json_t *
pool_accepts(const struct s82_state *st, unsigned int pool)
{
	static const struct { uint32_t bit; const char *name; } names[] = {
		{ VMOLR_AUPE, "AUPE" }, { VMOLR_ROMPE, "ROMPE" }, { VMOLR_ROPE, "ROPE" },
		{ VMOLR_BAM, "BAM" }, { VMOLR_MPE, "MPE" },
	};
	json_t *list = json_array();

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (reg(st, R_VMOLR(pool)) & names[i].bit)
			json_array_append_new(list, json_string(names[i].name));
	}
	return list;
}

static json_t *
pool_json(const struct s82_state *st, unsigned int pool)
{
	const struct s82_pool_stats *ps = &st->stats.pool[pool];
	uint32_t spoof = reg(st, R_PFVFSPOOF(pool / 8)), vmvir = reg(st, R_VMVIR(pool));
	unsigned int qpp = s82_queues_per_pool(st);
	json_t *object = json_object();
	char name[16];

	set_int(object, "id", pool);
	set_str(object, "owner", owner(st, pool, name));
	json_object_set_new(object, "macs", pool_macs(st, pool));
	json_object_set_new(object, "vlans", pool_vlans(st, pool));
	set_bool(object, "rx", reg64(st, R_VFRE(0)) >> pool & 1);
	set_bool(object, "tx", reg64(st, R_VFTE(0)) >> pool & 1);
	json_object_set_new(object, "accepts", pool_accepts(st, pool));
	set_bool(object, "mac_antispoof", spoof >> pool % 8 & 1);
	set_bool(object, "vlan_antispoof", spoof >> (8 + pool % 8) & 1);
	json_object_set_new(object, "vlan_insert", (vmvir & VMVIR_VLANA) == VMVIR_DEFAULT ?
		json_integer(vmvir & 0xfff) : json_null());
	set_int(object, "first_queue", pool * qpp);
	set_int(object, "rss_queues", 1u << (reg(st, R_PSRTYPE(pool)) >> PSRTYPE_RQPL));
	set_int(object, "rx_packets", ps->rx_packets);
	set_int(object, "rx_bytes", ps->rx_bytes);
	set_int(object, "tx_packets", ps->tx_packets);
	set_int(object, "tx_bytes", ps->tx_bytes);
	set_int(object, "rx_multicast", ps->rx_mcast);
	json_object_set_new(object, "drops", drops(ps->drop));
	return object;
}

static json_t *
pools(const struct s82_state *st)
{
	json_t *list = json_array();

	for (unsigned int p = 0; p < S82_POOLS; p++) {
		const struct s82_pool_stats *ps = &st->stats.pool[p];
		bool busy = ps->rx_packets != 0 || ps->tx_packets != 0;

		for (unsigned int d = 0; d < S82_DROPS; d++)
			busy |= ps->drop[d] != 0;
		if (p <= st->num_vfs || busy)
			json_array_append_new(list, pool_json(st, p));
	}
	return list;
}

static json_t *
rx_queues(const struct s82_state *st)
{
	unsigned int qpp = s82_queues_per_pool(st);
	json_t *list = json_array();

	for (unsigned int i = 0; i < S82_QUEUES; i++) {
		const struct s82_rxq *q = &st->rxq[i];
		uint32_t size = q->rdlen / 16, tail = atomic_load(&q->rdt);
		json_t *object;

		if ((q->rxdctl & RXDCTL_ENABLE) == 0 && q->packets == 0 && q->drops == 0)
			continue;
		object = json_object();
		set_int(object, "id", i);
		set_int(object, "pool", i / qpp);
		set_bool(object, "enabled", (q->rxdctl & RXDCTL_ENABLE) != 0);
		set_int(object, "size", size);
		set_int(object, "head", q->rdh);
		set_int(object, "tail", tail);
		set_int(object, "free", size == 0 ? 0 : (tail + size - q->rdh) % size);
		set_bool(object, "drop_en", (q->srrctl & SRRCTL_DROP_EN) != 0 ||
			(st->qde[i / 64] >> i % 64 & 1) != 0);
		set_bool(object, "vlan_strip", (q->rxdctl & RXDCTL_VME) != 0);
		set_int(object, "packets", q->packets);
		set_int(object, "bytes", q->bytes);
		set_int(object, "drops", q->drops);
		json_array_append_new(list, object);
	}
	return list;
}

/* RTTBCNRC [8.2.3.10.16]: the link's rate divided by 10.14 bits; null: no limit. */
static json_t *
rate(uint32_t rttbcnrc)
{
	uint32_t factor = rttbcnrc & RTTBCNRC_FACTOR;

	if ((rttbcnrc & RTTBCNRC_ENA) == 0 || factor == 0)
		return json_null();
	return json_integer(((10000ull << 14) + factor / 2) / factor);
}

static json_t *
tx_queues(const struct s82_state *st)
{
	unsigned int qpp = s82_queues_per_pool(st);
	json_t *list = json_array();

	for (unsigned int i = 0; i < S82_QUEUES; i++) {
		const struct s82_txq *q = &st->txq[i];
		json_t *object;

		if ((q->txdctl & TXDCTL_ENABLE) == 0 && q->packets == 0 && q->drops == 0)
			continue;
		object = json_object();
		set_int(object, "id", i);
		set_int(object, "pool", i / qpp);
		set_bool(object, "enabled", (q->txdctl & TXDCTL_ENABLE) != 0);
		set_int(object, "size", q->tdlen / 16);
		set_int(object, "head", q->tdh);
		set_int(object, "tail", q->tdt);
		set_bool(object, "blocked", q->blocked != 0);
		json_object_set_new(object, "rate_mbps", rate(q->rate));
		set_int(object, "packets", q->packets);
		set_int(object, "bytes", q->bytes);
		set_int(object, "drops", q->drops);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *
mailboxes(const struct s82_state *st)
{
	json_t *list = json_array();

	for (unsigned int v = 0; v < st->num_vfs; v++) {
		const struct s82_mbox *m = &st->mbox[v];
		json_t *object = json_object();

		set_int(object, "vf", v);
		set_str(object, "holder", m->pfu ? "pf" : m->vfu ? "vf" : "-");
		set_int(object, "vf_requests", m->vf_requests);
		set_int(object, "pf_acks", m->pf_acks);
		set_int(object, "pf_replies", m->pf_replies);
		set_int(object, "vf_acks", m->vf_acks);
		set_bool(object, "reset_in_progress", m->rsti != 0);
		set_int(object, "word0", m->mem[0]);
		json_array_append_new(list, object);
	}
	return list;
}

static unsigned int
population(const struct s82_state *st, uint32_t table)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < 128; i++)
		n += __builtin_popcount(reg(st, table + 4 * i));
	return n;
}

/* A whole table in a word: two cards, or two moments, have the same one or not (FNV-1a). */
static json_t *
digest(const struct s82_state *st, uint32_t table)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	char text[24];

	for (unsigned int i = 0; i < 128; i++)
		hash = (hash ^ reg(st, table + 4 * i)) * 0x100000001b3ull;
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)hash);
	return json_string(text);
}

static json_t *
filters(const struct s82_state *st)
{
	json_t *object = json_object(), *rar = json_array(), *vlvf = json_array();
	uint32_t fctrl = reg(st, R_FCTRL);
	char text[24];

	for (unsigned int i = 0; i < RARS; i++) {
		if ((reg(st, R_RAH(i)) & RAH_AV) != 0)
			json_array_append_new(rar, json_pack("{s:i, s:s, s:o}", "index", (int)i,
				"mac", mac_text(reg(st, R_RAL(i)), reg(st, R_RAH(i)), text),
				"pools", bits(reg64(st, R_MPSAR(i)))));
	}
	for (unsigned int i = 0; i < VLVFS; i++) {
		if ((reg(st, R_VLVF(i)) & VLVF_VIEN) != 0)
			json_array_append_new(vlvf, json_pack("{s:i, s:i, s:o}", "index", (int)i,
				"vlan", (int)(reg(st, R_VLVF(i)) & 0xfff),
				"pools", bits(reg64(st, R_VLVFB(2 * i)))));
	}
	set_bool(object, "unicast_promiscuous", (fctrl & FCTRL_UPE) != 0);
	set_bool(object, "multicast_promiscuous", (fctrl & FCTRL_MPE) != 0);
	set_bool(object, "broadcast", (fctrl & FCTRL_BAM) != 0);
	set_bool(object, "vlan_filter", (reg(st, R_VLNCTRL) & VLNCTRL_VFE) != 0);
	set_int(object, "vlans_passed", population(st, R_VFTA(0)));
	set_int(object, "multicast_hashes", population(st, R_MTA(0)));
	set_int(object, "unicast_hashes", population(st, R_UTA(0)));
	json_object_set_new(object, "digests", json_pack("{s:o, s:o, s:o}", "vfta",
		digest(st, R_VFTA(0)), "mta", digest(st, R_MTA(0)), "uta", digest(st, R_UTA(0))));
	json_object_set_new(object, "rar", rar);
	json_object_set_new(object, "vlvf", vlvf);
	return object;
}

static json_t *
stats(const struct s82_state *st)
{
	const struct s82_stats *s = &st->stats;
	json_t *object = json_object();

	set_int(object, "wire_rx_packets", s->wire_rx_packets);
	set_int(object, "wire_rx_bytes", s->wire_rx_bytes);
	set_int(object, "wire_tx_packets", s->wire_tx_packets);
	set_int(object, "wire_tx_bytes", s->wire_tx_bytes);
	set_int(object, "loop_packets", s->loop_packets);
	set_int(object, "loop_bytes", s->loop_bytes);
	set_int(object, "replicated", s->replicated);
	set_int(object, "both_ways", s->both_ways);
	json_object_set_new(object, "drops", drops(s->drop));
	set_int(object, "lock_repairs", s->lock_repairs);
	set_int(object, "lock_nudges", atomic_load(&s->lock_nudges));
	set_int(object, "bad_access", s->bad_access);
	return object;
}

/* What has to hold, see s82_check(). */
static json_t *
invariants(const struct s82_state *st)
{
	json_t *object, *shared = json_array();
	struct s82_invariants inv;
	char text[24];

	s82_check(st, &inv);
	for (unsigned int i = 0; i < inv.shares && i < 8; i++)
		json_array_append_new(shared, json_pack("{s:s, s:o}", "mac", mac_text(
			(uint32_t)inv.shared[i][0], (uint32_t)(inv.shared[i][0] >> 32), text),
			"pools", bits(inv.shared[i][1])));
	object = json_pack("{s:b, s:o, s:i, s:i}", "hold", inv.hold, "unaccounted",
		json_pack("{s:I, s:I, s:I, s:I}", "received", (json_int_t)inv.received, "sent",
			(json_int_t)inv.sent, "rx_queues", (json_int_t)inv.rx_queues, "tx_queues",
			(json_int_t)inv.tx_queues), "shared_addresses", (int)inv.shares,
		"bad_rings", (int)inv.bad_rings);
	json_object_set_new(object, "shared", shared);
	set_bool(object, "repaired", inv.repaired);
	return object;
}

static json_t *
clients(const struct s82_state *st)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < S82_MAX_CLIENTS; i++) {
		const struct s82_client *c = &st->client[i];

		if (c->used)
			json_array_append_new(list, json_pack("{s:i, s:i, s:I, s:i, s:i}",
				"id", (int)i, "pid", (int)c->pid, "traps",
				(json_int_t)atomic_load(&c->traps),
				"patched", (int)atomic_load(&c->patched),
				"unpatchable", (int)atomic_load(&c->unpatchable)));
	}
	return list;
}

/* What clients hold of the card: all of it is back when they are gone. */
static json_t *
held(const struct s82_state *st)
{
	unsigned int i, domains = 0, extents = 0, handles = 0;

	for (i = 0; i < S82_MAX_DOMAINS; i++)
		domains += st->domain[i].used != 0;
	for (i = 0; i < S82_MAX_EXTENTS; i++)
		extents += st->extent[i].domain != 0;
	for (i = 0; i < S82_MAX_HANDLES; i++)
		handles += atomic_load(&st->handle[i].kind) != S82_HANDLE_FREE;
	return json_pack("{s:i, s:i, s:i}", "domains", (int)domains, "extents", (int)extents,
		"handles", (int)handles);
}

static json_t *
everything(struct card *card, const struct s82_state *st)
{
	json_t *root = json_object();
	char path[96];

	set_str(root, "name", card->opts.name);
	set_str(root, "source", "soft82599");
	set_str(root, "version", S82_VERSION);
	set_int(root, "pid", getpid());
	set_int(root, "vfs", st->num_vfs);
	set_str(root, "vf_token", st->token_strict ? "strict" : "lenient");
	json_object_set_new(root, "link", json_pack("{s:b, s:i}", "up", s82_link_up(st),
		"mbps", s82_link_up(st) ? 10000 : 0));
	snprintf(path, sizeof(path), "%s/bus/pci/devices", card->sysfs->dir);
	json_object_set_new(root, "sysfs", card->sysfs->mode == SYSFS_FILES ?
		json_pack("{s:s, s:s}", "how", "files", "devices", path) :
		json_pack("{s:s}", "how", "fuse"));
	json_object_set_new(root, "geometry", geometry(st));
	json_object_set_new(root, "functions", functions(card, st));
	json_object_set_new(root, "pools", pools(st));
	json_object_set_new(root, "rx_queues", rx_queues(st));
	json_object_set_new(root, "tx_queues", tx_queues(st));
	json_object_set_new(root, "mailboxes", mailboxes(st));
	json_object_set_new(root, "filters", filters(st));
	json_object_set_new(root, "stats", stats(st));
	json_object_set_new(root, "rx_fifo", json_pack("{s:i, s:i, s:I}", "packets",
		(int)st->fifo.packets, "bytes", (int)st->fifo.bytes, "stalls",
		(json_int_t)st->fifo.stalls));
	json_object_set_new(root, "invariants", invariants(st));
	json_object_set_new(root, "clients", clients(st));
	json_object_set_new(root, "ctl", ctl_json(card->ctl, st));
	json_object_set_new(root, "held", held(st));
	return root;
}

/* A copy of all but the frames, and when it was taken. */
static struct s82_state *
snapshot(struct card *card, struct timespec *when)
{
	struct s82_state *copy = malloc(sizeof(*copy));
	struct s82_ctx *ctx = &card->show_ctx;

	if (copy == NULL)
		return NULL;
	ctx->ops->lock(ctx);
	memcpy(copy, card->st, SNAPSHOT);
	clock_gettime(CLOCK_MONOTONIC, when);
	ctx->ops->unlock(ctx);
	return copy;
}

int
card_report(void *arg)
{
	struct card *card = arg;
	struct timespec when;
	struct s82_state *st = snapshot(card, &when);
	json_t *root;
	int fd;

	if (st == NULL)
		return -ENOMEM;
	root = everything(card, st);
	set_int(root, "monotonic_ns", (uint64_t)when.tv_sec * 1000000000 + (uint64_t)when.tv_nsec);
	free(st);
	pthread_mutex_lock(&card->wire_lock);
	if (card->wire != NULL)
		json_object_set_new(root, "wire", wire_json(card->wire));
	else
		json_object_set_new(root, "wire", json_pack("{s:s}", "mode", "none"));
	pthread_mutex_unlock(&card->wire_lock);
	fd = memfd_create("show", MFD_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	else if (json_dumpfd(root, fd, JSON_INDENT(2) | JSON_PRESERVE_ORDER) != 0) {
		close(fd);
		fd = -ENOMEM;
	}
	json_decref(root);
	return fd;
}
