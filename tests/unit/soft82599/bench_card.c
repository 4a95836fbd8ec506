/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_card.h"

static void *
bench_dma(struct s82_ctx *ctx, unsigned int domain, uint64_t iova, size_t *avail, size_t *before)
{
	struct bench *b = ctx->host;
	unsigned int i;

	assert_int_equal(domain, 1);
	for (i = 0; i < 2 * S82_QUEUES; i++) {
		struct ring *r = i < S82_QUEUES ? b->rx[i] : b->tx[i - S82_QUEUES];
		uint64_t base = (uintptr_t)r;

		if (r != NULL && iova >= base && iova < base + sizeof(*r)) {
			*avail = base + sizeof(*r) - iova;
			*before = iova - base;
			return (void *)(uintptr_t)iova;
		}
	}
	return NULL;
}

static void
bench_irq(struct s82_ctx *ctx, unsigned int func, unsigned int vector)
{
	((struct bench *)ctx->host)->fired[func] |= S82_BIT(vector);
}

static void
bench_kick(struct s82_ctx *ctx)
{
	((struct bench *)ctx->host)->kicks++;
}

static void
bench_lock(struct s82_ctx *ctx)
{
	assert_int_equal(((struct bench *)ctx->host)->locked++, 0);
}

static void
bench_unlock(struct s82_ctx *ctx)
{
	assert_int_equal(--((struct bench *)ctx->host)->locked, 0);
}

static uint64_t
bench_now(struct s82_ctx *ctx)
{
	return ((struct bench *)ctx->host)->now;
}

static void
bench_timer(struct s82_ctx *ctx)
{
	((struct bench *)ctx->host)->timers++;
}

static const struct s82_ops bench_ops = {
	.dma = bench_dma,
	.irq = bench_irq,
	.wire_kick = bench_kick,
	.lock = bench_lock,
	.unlock = bench_unlock,
	.now = bench_now,
	.timer = bench_timer,
};

struct bench *
bench_new(unsigned int vfs)
{
	struct s82_config cfg = { .pf_bdf = 0x3 << 8 | 1, .num_vfs = vfs,
		.tick_hz = 1000000000 };
	struct bench *b = calloc(1, sizeof(*b));
	unsigned int i;

	b->st = calloc(1, sizeof(*b->st));
	b->ctx.st = b->st;
	b->ctx.ops = &bench_ops;
	b->ctx.host = b;
	b->ctx.sw = calloc(1, s82_switch_size());
	b->ctx.bounce = calloc(2, S82_MAX_FRAME);
	assert_int_equal(s82_power_on(b->st, &cfg), 0);
	for (i = 0; i < S82_FUNCS; i++) {
		uint16_t command = 6;

		b->st->func[i].domain = 1;
		b->st->func[i].irq_armed = ~0ull;
		if (b->st->func[i].present)
			assert_int_equal(s82_cfg_write(&b->ctx, i, 4, &command, 2), 0);
	}
	return b;
}

void
bench_free(struct bench *b)
{
	unsigned int i;

	for (i = 0; i < S82_QUEUES; i++) {
		free(b->rx[i]);
		free(b->tx[i]);
	}
	free(b->ctx.bounce);
	free(b->ctx.sw);
	free(b->st);
	free(b);
}

uint32_t
pf_read(struct bench *b, uint32_t off)
{
	return (uint32_t)s82_mmio_read(&b->ctx, S82_PF, off, 4);
}

void
pf_write(struct bench *b, uint32_t off, uint32_t val)
{
	s82_mmio_write(&b->ctx, S82_PF, off, val, 4);
}

uint32_t
vf_read(struct bench *b, unsigned int vf, uint32_t off)
{
	return (uint32_t)s82_mmio_read(&b->ctx, vf, off, 4);
}

void
vf_write(struct bench *b, unsigned int vf, uint32_t off, uint32_t val)
{
	s82_mmio_write(&b->ctx, vf, off, val, 4);
}

static uint32_t
rxq_at(unsigned int q)
{
	return q < 64 ? 0x1000 + q * 64 : 0xd000 + (q - 64) * 64;
}

void
rx_on(struct bench *b, unsigned int q, int drop_en)
{
	struct ring *r = aligned_alloc(128, (sizeof(*r) + 127) & ~127ul);
	uint32_t at = rxq_at(q);
	unsigned int i;

	memset(r, 0, sizeof(*r));
	b->rx[q] = r;
	for (i = 0; i < RING; i++)
		r->desc[i][0] = (uintptr_t)r->buf[i];
	pf_write(b, at + Q_RDBAL, (uint32_t)(uintptr_t)r->desc);
	pf_write(b, at + Q_RDBAH, (uint32_t)((uintptr_t)r->desc >> 32));
	pf_write(b, at + Q_RDLEN, sizeof(r->desc));
	pf_write(b, at + Q_SRRCTL, 2 | 1u << 25 | (drop_en ? SRRCTL_DROP_EN : 0));
	pf_write(b, at + Q_RXDCTL, RXDCTL_ENABLE);
	pf_write(b, at + Q_RDT, RING - 1);
}

void
tx_on(struct bench *b, unsigned int q)
{
	struct ring *r = aligned_alloc(128, (sizeof(*r) + 127) & ~127ul);
	uint32_t at = 0x6000 + q * 64;

	memset(r, 0, sizeof(*r));
	b->tx[q] = r;
	pf_write(b, at + Q_TDBAL, (uint32_t)(uintptr_t)r->desc);
	pf_write(b, at + Q_TDBAH, (uint32_t)((uintptr_t)r->desc >> 32));
	pf_write(b, at + Q_TDLEN, sizeof(r->desc));
	pf_write(b, at + Q_TXDCTL, TXDCTL_ENABLE);
}

void
pools_on(struct bench *b, uint32_t mrqe)
{
	unsigned int pf = b->st->num_vfs, i;

	pf_write(b, R_GCR_EXT, mrqe == 0xa ? 2 : 3);
	pf_write(b, R_MRQC, mrqe);
	pf_write(b, R_VT_CTL, VT_CTL_ENA | VT_CTL_RPL_EN | pf << VT_CTL_DEF_PL);
	for (i = 0; i < 2; i++) {
		pf_write(b, R_VFRE(i), ~0u);
		pf_write(b, R_VFTE(i), ~0u);
	}
	for (i = 0; i <= pf; i++)
		pf_write(b, R_VMOLR(i), VMOLR_AUPE | VMOLR_BAM);
	for (i = 0; i < 128; i++)
		pf_write(b, R_VFTA(i), ~0u);
	pf_write(b, R_VLNCTRL, 0x8100 | VLNCTRL_VFE);
	pf_write(b, R_FCTRL, FCTRL_BAM);
	pf_write(b, R_PFDTXGSWC, PFDTXGSWC_LBE);
	pf_write(b, R_RXCTRL, RXCTRL_RXEN);
	pf_write(b, R_RXCSUM, RXCSUM_PCSD);
	pf_write(b, R_DMATXCTL, pf_read(b, R_DMATXCTL) | DMATXCTL_TE);
}

void
set_mac(struct bench *b, unsigned int rar, const uint8_t mac[6], uint64_t pools)
{
	uint32_t low, high = 0;

	memcpy(&low, mac, 4);
	memcpy(&high, mac + 4, 2);
	pf_write(b, R_RAL(rar), low);
	pf_write(b, R_RAH(rar), high | RAH_AV);
	pf_write(b, R_MPSAR(rar), (uint32_t)pools);
	pf_write(b, R_MPSAR(rar) + 4, (uint32_t)(pools >> 32));
}

void
set_vlan(struct bench *b, unsigned int slot, unsigned int vid, uint64_t pools)
{
	pf_write(b, R_VLVF(slot), VLVF_VIEN | vid);
	pf_write(b, R_VLVFB(2 * slot), (uint32_t)pools);
	pf_write(b, R_VLVFB(2 * slot + 1), (uint32_t)(pools >> 32));
}

void
set_rss(struct bench *b, uint32_t fields, const uint8_t key[40], unsigned int queues)
{
	unsigned int i;

	for (i = 0; i < 10; i++)
		pf_write(b, R_RSSRK_LOW + 4 * i, key[4 * i] | (uint32_t)key[4 * i + 1] << 8 |
			(uint32_t)key[4 * i + 2] << 16 | (uint32_t)key[4 * i + 3] << 24);
	for (i = 0; i < 32; i++)
		pf_write(b, R_RETA_LOW + 4 * i, (4 * i % queues) | (4 * i + 1) % queues << 8 |
			(4 * i + 2) % queues << 16 | (4 * i + 3) % queues << 24);
	pf_write(b, R_MRQC, (pf_read(b, R_MRQC) & MRQC_MRQE) | fields);
	for (i = 0; i < b->st->num_vfs; i++)
		vf_write(b, i, V_PSRTYPE, (queues == 4 ? 2u : queues == 2 ? 1u : 0u) << 29);
}

uint32_t
frame(uint8_t *f, const uint8_t dst[6], const uint8_t src[6], int vid, uint16_t type, uint32_t len)
{
	uint32_t off = 12;

	memset(f, 0, len);
	memcpy(f, dst, 6);
	memcpy(f + 6, src, 6);
	if (vid >= 0) {
		f[off++] = 0x81;
		f[off++] = 0x00;
		f[off++] = (uint8_t)(vid >> 8);
		f[off++] = (uint8_t)vid;
	}
	f[off++] = (uint8_t)(type >> 8);
	f[off] = (uint8_t)type;
	return len;
}

int
tx_send(struct bench *b, unsigned int queue, const uint8_t *f, uint32_t len, unsigned int segs)
{
	struct ring *r = b->tx[queue];
	uint32_t part = len / segs, last = 0;
	unsigned int i;

	for (i = 0; i < segs; i++) {
		uint32_t n = i + 1 == segs ? len - part * i : part;
		uint32_t cmd = n | TXD_DTYP_DATA << 20 | TXD_DEXT | TXD_IFCS;

		last = r->next;
		memcpy(r->buf[last], f + part * i, n);
		if (i + 1 == segs)
			cmd |= TXD_EOP | TXD_RS;
		r->desc[last][0] = (uintptr_t)r->buf[last];
		r->desc[last][1] = cmd | (uint64_t)len << 46;
		r->next = (r->next + 1) % RING;
	}
	pf_write(b, 0x6000 + queue * 64 + Q_TDT, r->next);
	return r->desc[last][1] >> 32 & TXD_DD;
}

uint32_t
rx_take(struct bench *b, unsigned int queue, uint8_t *f, uint64_t desc[2])
{
	struct ring *r = b->rx[queue];
	uint64_t *d = r->desc[r->next];
	uint32_t len = d[1] >> 32 & 0xffff, i = r->next;

	if (!(d[1] & RXD_DD))
		return 0;
	if (f != NULL)
		memcpy(f, r->buf[i], len);
	if (desc != NULL)
		memcpy(desc, d, 16);
	d[0] = (uintptr_t)r->buf[i];
	d[1] = 0;
	r->next = (i + 1) % RING;
	pf_write(b, rxq_at(queue) + Q_RDT, i);
	return len;
}

struct s82_verdict
from_wire(struct bench *b, const uint8_t *f, uint32_t len)
{
	struct s82_verdict v;

	bench_lock(&b->ctx);
	v = s82_wire_rx(&b->ctx, f, len);
	bench_unlock(&b->ctx);
	return v;
}

void
run_until(struct bench *b, uint64_t now)
{
	uint64_t next;

	while ((next = s82_timer_run(&b->ctx)) != 0 && next <= now) {
		assert_true(next > b->now);
		b->now = next;
	}
	b->now = now;
}

uint64_t
drops(const struct bench *b, unsigned int pool, enum s82_drop why)
{
	return b->st->stats.pool[pool].drop[why];
}
