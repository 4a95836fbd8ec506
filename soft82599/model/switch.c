/* SPDX-License-Identifier: BSD-3-Clause */
/* Which pools get a frame: L2 filters [7.1.1] and the switch of virtualization [7.10.3]. */
#include "internal.h"

size_t
s82_switch_size(void)
{
	return sizeof(struct s82_switch);
}

unsigned int
s82_func_of_pool(const struct s82_state *st, unsigned int pool)
{
	return pool < st->num_vfs ? pool : S82_PF;
}

/*
 * Two loads as wide as what was stored: a key put together in memory would be read back before the
 * parts have arrived there, which costs some 5 ns.
 */
static inline uint64_t
mac_key(const uint8_t *m)
{
	uint32_t low;
	uint16_t high;

	memcpy(&low, m, 4);
	memcpy(&high, m + 4, 2);
	return low | (uint64_t)high << 32 | S82_MAC_USED;
}

static struct s82_mac_slot *
mac_slot(struct s82_switch *sw, uint64_t key)
{
	uint32_t i = (uint32_t)((key * 0x9e3779b97f4a7c15ull) >> 40);

	for (;; i++) {
		struct s82_mac_slot *s = &sw->mac[i % S82_MAC_SLOTS];

		if (s->key == 0 || s->key == key)
			return s;
	}
}

static void
build_macs(struct s82_switch *sw, const struct s82_state *st)
{
	unsigned int i;

	memset(sw->mac, 0, sizeof(sw->mac));
	for (i = 0; i < S82_RARS; i++) {
		uint64_t rah = s82_reg(st, R_RAH(i));
		struct s82_mac_slot *s;
		uint64_t key;

		if (!(rah & RAH_AV))
			continue;
		key = s82_reg(st, R_RAL(i)) | (rah & 0xffff) << 32 | S82_MAC_USED;
		s = mac_slot(sw, key);
		s->key = key;
		s->pools |= s82_reg64(st, R_MPSAR(i));
	}
}

static void
build_vlans(struct s82_switch *sw, const struct s82_state *st)
{
	unsigned int i;

	memset(sw->vlan_pools, 0, sizeof(sw->vlan_pools));
	memset(sw->vlan_known, 0, sizeof(sw->vlan_known));
	for (i = 0; i < 64; i++) {
		uint32_t vlvf = s82_reg(st, R_VLVF(i));
		unsigned int vid = vlvf & 0xfff;

		if (!(vlvf & VLVF_VIEN))
			continue;
		sw->vlan_known[vid / 8] |= (uint8_t)(1 << vid % 8);
		sw->vlan_pools[vid] |= s82_reg64(st, R_VLVFB(2 * i));
	}
}

static void
build_pools(struct s82_switch *sw, const struct s82_state *st)
{
	unsigned int i;

	sw->bam = sw->rompe = sw->rope = sw->mpe = sw->aupe = 0;
	sw->spoof_mac = sw->spoof_vlan = 0;
	for (i = 0; i < S82_POOLS; i++) {
		uint32_t v = s82_reg(st, R_VMOLR(i));
		uint32_t spoof = s82_reg(st, R_PFVFSPOOF(i / 8));

		sw->bam |= v & VMOLR_BAM ? S82_BIT(i) : 0;
		sw->rompe |= v & VMOLR_ROMPE ? S82_BIT(i) : 0;
		sw->rope |= v & VMOLR_ROPE ? S82_BIT(i) : 0;
		sw->mpe |= v & VMOLR_MPE ? S82_BIT(i) : 0;
		sw->aupe |= v & VMOLR_AUPE ? S82_BIT(i) : 0;
		sw->spoof_mac |= spoof >> i % 8 & 1 ? S82_BIT(i) : 0;
		sw->spoof_vlan |= spoof >> (8 + i % 8) & 1 ? S82_BIT(i) : 0;
	}
	sw->vfre = s82_reg64(st, R_VFRE(0));
	sw->vfte = s82_reg64(st, R_VFTE(0));
	sw->to_self = s82_reg64(st, R_VMTXSW(0));
}

static void
build_mirrors(struct s82_switch *sw, const struct s82_state *st)
{
	unsigned int i;

	sw->mirrors = 0;
	for (i = 0; i < S82_MIRRORS; i++) {
		struct s82_mirror *m = &sw->mirror[i];
		uint32_t ctl = s82_reg(st, R_MRCTL(i));

		m->what = sw->vt ? ctl & MRCTL_ALL : 0;
		m->to = S82_BIT(ctl >> MRCTL_MP & 63);
		m->pools = s82_reg(st, R_MRVM(i)) | (uint64_t)s82_reg(st, R_MRVM(i + 4)) << 32;
		m->vlvf = s82_reg(st, R_MRVLAN(i)) | (uint64_t)s82_reg(st, R_MRVLAN(i + 4)) << 32;
		sw->mirrors |= m->what;
	}
}

/* MRQC.MRQE: what shares the queues out [8.2.3.7.12]. */
static void
build_layout(struct s82_switch *sw)
{
	switch (sw->mrqc & MRQC_MRQE) {
	case 0x8:	/* 64 pools, no RSS */
	case 0xb:	/* 64 pools, RSS */
		sw->qpp = 2;
		break;
	case 0xa:	/* 32 pools, RSS */
	case 0xd:	/* 32 pools, 4 traffic classes */
		sw->qpp = 4;
		break;
	case 0xc:	/* 16 pools, 8 traffic classes */
		sw->qpp = 8;
		break;
	default:
		sw->qpp = 1;
	}
	sw->pools = (uint8_t)(S82_QUEUES / sw->qpp > S82_POOLS ? S82_POOLS : S82_QUEUES / sw->qpp);
}

/* RETA, and how many of its bits each pool uses: PSRTYPE.RQPL, but no more than it has queues. */
static void
build_rss(struct s82_switch *sw, const struct s82_state *st)
{
	uint32_t mrqe = sw->mrqc & MRQC_MRQE;
	unsigned int i;

	for (i = 0; i < 128; i++)
		sw->reta[i] = s82_reg(st, R_RETA(i / 4)) >> (8 * (i % 4)) & 15;
	for (i = 0; i < S82_POOLS; i++) {
		unsigned int queues = 1u << (s82_reg(st, R_PSRTYPE(i)) >> PSRTYPE_RQPL);

		queues = queues > sw->qpp ? sw->qpp : queues;
		sw->pool_base[i] = (uint8_t)(i * sw->qpp % S82_QUEUES);
		sw->pool_mask[i] = mrqe == 0xa || mrqe == 0xb ? (uint8_t)(queues - 1) : 0;
	}
	if (!sw->vt) {	/* RSS alone: 16 queues */
		sw->pool_base[0] = 0;
		sw->pool_mask[0] = mrqe == 0x1 ? 15 : 0;
	}
	s82_rss_tables(sw, &st->reg[R_RSSRK(0) / 4]);
}

void
s82_switch_update(struct s82_ctx *ctx)
{
	const struct s82_state *st = ctx->st;
	struct s82_switch *sw = ctx->sw;
	uint32_t gen = atomic_load_explicit(&st->switch_gen, memory_order_acquire);

	sw->burst++;
	if (sw->gen == gen)
		return;
	sw->rxctrl = s82_reg(st, R_RXCTRL);
	sw->fctrl = s82_reg(st, R_FCTRL);
	sw->vlnctrl = s82_reg(st, R_VLNCTRL);
	sw->mcstctrl = s82_reg(st, R_MCSTCTRL);
	sw->mrqc = s82_reg(st, R_MRQC);
	sw->vt_ctl = s82_reg(st, R_VT_CTL);
	sw->rxcsum = s82_reg(st, R_RXCSUM);
	sw->maxfrs = s82_reg(st, R_MAXFRS) >> 16;
	sw->jumbo = s82_reg(st, R_HLREG0) & HLREG0_JUMBOEN;
	sw->pad_small = s82_reg(st, R_HLREG0) & HLREG0_TXPADEN;
	sw->keep_crc = !(s82_reg(st, R_HLREG0) & HLREG0_RXCRCSTRP);
	sw->tx_vet = s82_reg(st, R_DMATXCTL) >> DMATXCTL_VT;
	sw->lpbk = s82_reg(st, R_HLREG0) & HLREG0_LPBK;
	sw->vt = sw->vt_ctl & VT_CTL_ENA;
	sw->loopback = s82_reg(st, R_PFDTXGSWC) & PFDTXGSWC_LBE;
	sw->tx_on = s82_reg(st, R_DMATXCTL) & DMATXCTL_TE;
	sw->def_pool = sw->vt_ctl & VT_CTL_DIS_DEFPL ? -1 : (int)(sw->vt_ctl >> VT_CTL_DEF_PL & 63);
	build_layout(sw);
	build_pools(sw, st);
	build_mirrors(sw, st);
	build_macs(sw, st);
	build_vlans(sw, st);
	build_rss(sw, st);
	sw->gen = gen;
}

static bool
is_broadcast(const uint8_t *d)
{
	return (d[0] & d[1] & d[2] & d[3] & d[4] & d[5]) == 0xff;
}

/* The 12 bits of an address that MTA and UTA are looked up by, MCSTCTRL.MO says which. */
static bool
hash_table_hit(const struct s82_ctx *ctx, const uint8_t *d, uint32_t table)
{
	static const uint8_t shift[4] = { 4, 3, 2, 0 };
	uint32_t v = ((uint32_t)(d[5] << 8 | d[4]) >> shift[ctx->sw->mcstctrl & MCSTCTRL_MO]) & 0xfff;

	return ctx->st->reg[table / 4 + (v >> 5)] >> (v & 31) & 1;
}

/* L2 filters: may the frame come in at all [7.1.1.1]? *exact gets the pools of an exact filter. */
static bool
l2_filter(struct s82_ctx *ctx, const uint8_t *d, uint64_t *exact)
{
	struct s82_switch *sw = ctx->sw;
	const struct s82_mac_slot *s = mac_slot(sw, mac_key(d));

	*exact = s->pools;
	if (s->key != 0)
		return true;
	if (is_broadcast(d))
		return sw->fctrl & (FCTRL_BAM | FCTRL_MPE);
	if (d[0] & 1)
		return sw->fctrl & FCTRL_MPE ||
			(sw->mcstctrl & MCSTCTRL_MFE && hash_table_hit(ctx, d, R_MTA(0)));
	return sw->fctrl & FCTRL_UPE || hash_table_hit(ctx, d, R_UTA(0));
}

/* Steps 1 to 5 of the pool list [7.10.3.3, 7.10.3.4]: by address, before VLANs. */
static uint64_t
pools_by_mac(struct s82_ctx *ctx, const uint8_t *d, uint64_t exact)
{
	const struct s82_switch *sw = ctx->sw;
	uint64_t pools = exact;

	if (is_broadcast(d))
		return pools | sw->bam;
	if (!(d[0] & 1)) {
		if (!pools && hash_table_hit(ctx, d, R_UTA(0)))
			pools = sw->rope;
		return pools;
	}
	if (!pools && sw->mcstctrl & MCSTCTRL_MFE && hash_table_hit(ctx, d, R_MTA(0)))
		pools = sw->rompe;
	return pools | sw->mpe;
}

/* Step 7: VLAN groups. Relevant only while VLAN filtering is on. */
static uint64_t
pools_by_vlan(const struct s82_switch *sw, const struct s82_parsed *p)
{
	if (!(sw->vlnctrl & VLNCTRL_VFE))
		return ~0ull;
	/* a tag with VID 0 carries a priority only, but is tagged all the same */
	return p->tagged ? sw->vlan_pools[p->tci & 0xfff] : sw->aupe;
}

static bool
vlan_filtered(const struct s82_ctx *ctx, const struct s82_parsed *p)
{
	uint32_t vid = p->tci & 0xfff;

	return p->tagged && ctx->sw->vlnctrl & VLNCTRL_VFE &&
		!(s82_reg(ctx->st, R_VFTA(vid >> 5)) >> (vid & 31) & 1);
}

/*
 * Without replication a frame goes to one pool [7.10.3.4]: the lowest of its list, and the
 * default pool for a group that no exact filter holds.
 */
static uint64_t
one_pool(const struct s82_switch *sw, const uint8_t *d, uint64_t exact, uint64_t pools)
{
	if (d[0] & 1 && !exact)
		return sw->def_pool >= 0 ? S82_BIT(sw->def_pool) : 0;
	return pools & -pools;
}

/* The VLVF entries that hold a frame's VLAN, as MRVLAN names them. */
static uint64_t
vlvf_entries(const struct s82_state *st, const struct s82_parsed *p)
{
	uint64_t set = 0;
	unsigned int i;

	for (i = 0; p->tagged && i < 64; i++) {
		uint32_t vlvf = s82_reg(st, R_VLVF(i));

		if (vlvf & VLVF_VIEN && (vlvf & 0xfff) == (p->tci & 0xfff))
			set |= S82_BIT(i);
	}
	return set;
}

/* What the mirror rules add to a frame's pools [7.10.3.8]. `port`: MRCTL_UPME or MRCTL_DPME. */
static uint64_t
mirrored(struct s82_ctx *ctx, const struct s82_frame *f, uint64_t pools, uint32_t port)
{
	const struct s82_switch *sw = ctx->sw;
	uint64_t vlans = sw->mirrors & MRCTL_VLME ? vlvf_entries(ctx->st, &f->p) : 0, add = 0;
	unsigned int i;

	for (i = 0; i < S82_MIRRORS; i++) {
		const struct s82_mirror *m = &sw->mirror[i];

		if (m->what & port || (m->what & MRCTL_VPME && m->pools & pools) ||
				(m->what & MRCTL_VLME && m->vlvf & vlans))
			add |= m->to;
	}
	return pools | add;
}

/* The pools of a frame from the wire; 0 and the reason in *drop if it goes nowhere. */
uint64_t
s82_switch_rx(struct s82_ctx *ctx, const struct s82_frame *f, int *drop)
{
	const struct s82_switch *sw = ctx->sw;
	uint64_t pools, exact;

	if (!l2_filter(ctx, f->data, &exact)) {
		*drop = S82_DROP_L2_FILTER;
		return 0;
	}
	if (vlan_filtered(ctx, &f->p)) {
		*drop = S82_DROP_VLAN_FILTER;
		return 0;
	}
	if (!sw->vt)
		return S82_BIT(0);
	pools = pools_by_mac(ctx, f->data, exact) & pools_by_vlan(sw, &f->p);
	if (!(sw->vt_ctl & VT_CTL_RPL_EN))
		pools = one_pool(sw, f->data, exact, pools);
	if (!pools && sw->def_pool >= 0)
		pools = S82_BIT(sw->def_pool);
	if (!pools)
		*drop = S82_DROP_NO_POOL;
	if (sw->mirrors && pools)
		pools = mirrored(ctx, f, pools, MRCTL_UPME);
	return pools;
}

/*
 * VLAN anti-spoof [7.10.3.9.2]: a tag must be one of the pool's VLANs. A frame without tag passes
 * if the pool takes such frames too: by AUPE, or as a member of VLAN 0.
 */
static bool
vlan_spoofed(const struct s82_switch *sw, const struct s82_parsed *p, uint64_t me)
{
	uint64_t may = p->tagged ? sw->vlan_pools[p->tci & 0xfff] : sw->aupe | sw->vlan_pools[0];

	return !(may & me);
}

static bool
spoofed(struct s82_ctx *ctx, const struct s82_frame *f, int *drop)
{
	struct s82_switch *sw = ctx->sw;
	uint64_t me = S82_BIT(f->src_pool);

	if (sw->spoof_mac & me && !(mac_slot(sw, mac_key(f->data + 6))->pools & me)) {
		*drop = S82_DROP_SPOOF_MAC;
		return true;
	}
	if (sw->spoof_vlan & me && vlan_spoofed(sw, &f->p, me)) {
		*drop = S82_DROP_SPOOF_VLAN;
		return true;
	}
	return false;
}

/*
 * A frame that a pool sends [7.10.3.5]: local pools, the wire, or both. A unicast address of a
 * local pool stays inside; groups go both ways; what no local pool takes goes to the wire. The
 * sender's own pool is no target unless PFVMTXSW says so.
 */
uint64_t
s82_switch_tx(struct s82_ctx *ctx, const struct s82_frame *f, bool *to_wire, int *drop)
{
	struct s82_switch *sw = ctx->sw;
	const uint8_t *d = f->data;
	uint64_t pools, exact;

	*to_wire = false;
	if (!sw->vt) {
		*to_wire = true;
		return 0;
	}
	if (!(sw->vfte & S82_BIT(f->src_pool))) {
		*drop = S82_DROP_TX_DISABLED;
		return 0;
	}
	if (spoofed(ctx, f, drop))
		return 0;
	exact = mac_slot(sw, mac_key(d))->pools;
	*to_wire = d[0] & 1 || !exact;
	if (!sw->loopback) {
		*to_wire = true;
		return sw->mirrors ? mirrored(ctx, f, 0, MRCTL_DPME) : 0;
	}
	pools = pools_by_mac(ctx, d, exact) & pools_by_vlan(sw, &f->p);
	if (!(sw->vt_ctl & VT_CTL_RPL_EN))
		pools = one_pool(sw, d, exact, pools);
	pools &= ~S82_BIT(f->src_pool) | sw->to_self;
	/* a local address that no pool may get in this VLAN leaves by the wire */
	if (!pools)
		*to_wire = true;
	if (sw->mirrors)
		pools = mirrored(ctx, f, pools, *to_wire ? MRCTL_DPME : 0);
	return pools;
}

/* How many queues RSS may choose from in a pool. */
unsigned int
s82_rss_queues(const struct s82_ctx *ctx, unsigned int pool)
{
	return ctx->sw->pool_mask[ctx->sw->vt ? pool : 0] + 1u;
}
