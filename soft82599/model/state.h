/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The card's state: one block of memory that the card process owns and every client maps.
 *
 * It holds offsets and indices only, never a pointer, so it may lie at another address in each
 * process. Fields are written under `lock` unless a comment names another rule.
 *
 * Numbers: "func" is a PCI function (0 to 62: VF n; S82_PF: the PF); "pool" is a VMDq pool
 * (0 to 63); "queue" is an absolute queue (0 to 127).
 */
#ifndef S82_STATE_H
#define S82_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define S82_MAGIC	0x3939353238733031ull	/* "10s82599" */
#define S82_MAX_VFS	63
#define S82_PF		63	/* the PF's index among the functions */
#define S82_FUNCS	64
#define S82_POOLS	64
#define S82_QUEUES	128
#define S82_VECTORS	64	/* MSI-X vectors of the PF */
#define S82_VF_VECTORS	3
#define S82_PF_BAR0	0x20000	/* bytes */
#define S82_VF_BAR0	0x4000
#define S82_MAX_FRAME	16128	/* longest frame that the model carries, bytes */
#define S82_MAX_EXTENTS	16384
#define S82_MAX_DOMAINS	128
#define S82_MAX_CLIENTS	128
#define S82_MAX_HANDLES	512
#define S82_WIRE_RING	(4u << 20)	/* bytes, a power of two */
#define S82_RX_FIFO	(512u << 10)	/* bytes: the RX packet buffer */

/* soft82599's own PCI subsystem id: how anybody tells this card from silicon. */
#define S82_SUBVENDOR	0x5f82
#define S82_SUBDEVICE	0x0599

/* Why a packet went nowhere. */
enum s82_drop {
	S82_DROP_NO_DESC,	/* RX ring empty, drop-enable set */
	S82_DROP_BUFFER_FULL,	/* RX packet buffer full: the head of the line is blocked */
	S82_DROP_L2_FILTER,	/* no unicast, multicast or broadcast filter took it */
	S82_DROP_VLAN_FILTER,	/* VFTA does not have the VLAN */
	S82_DROP_NO_POOL,	/* no pool wanted it and the default pool is off */
	S82_DROP_RX_DISABLED,	/* RXCTRL.RXEN, VFRE or RXDCTL.ENABLE is off */
	S82_DROP_OVERSIZE,	/* longer than MAXFRS or the queue's limit */
	S82_DROP_UNDERSIZE,
	S82_DROP_SPOOF_MAC,	/* TX: the source MAC is not the pool's */
	S82_DROP_SPOOF_VLAN,	/* TX: the VLAN is not the pool's */
	S82_DROP_TX_DISABLED,	/* TX: VFTE is off */
	S82_DROP_TX_BAD_DESC,	/* TX: a descriptor that the datasheet does not allow */
	S82_DROP_DMA_FAULT,	/* RX: memory that the function's owner has not mapped */
	S82_DROP_NO_LOOPBACK,	/* TX: for a local pool only, while local loopback is off */
	S82_DROP_LINK_DOWN,	/* wire, while the link is down */
	S82_DROP_TX_DMA_FAULT,	/* TX: memory that the function's owner has not mapped */
	S82_DROP_RESET,		/* waited in the RX packet buffer when the card was reset */
	S82_DROPS
};

/* How the wire of the port is connected. */
enum s82_wire_mode {
	S82_WIRE_NONE,	/* link up; what is sent is counted and vanishes */
	S82_WIRE_LOOP,	/* what is sent comes back */
	S82_WIRE_PCAP,
	S82_WIRE_VERIFY,
	S82_WIRE_TAP,
	S82_WIRE_PEER,
};

struct s82_rxq {
	/* registers; RDT is stored by the owner without the lock */
	uint32_t rdbal, rdbah, rdlen, srrctl, rxdctl, dca, rscctl;
	uint32_t rdh;
	_Atomic uint32_t rdt;
	uint32_t reserved;
	/* counters since power-on: a packet counts here or in drops, once */
	uint64_t packets, bytes, drops;
};

struct s82_txq {
	uint32_t tdbal, tdbah, tdlen, txdctl, tdwbal, tdwbah, dca;
	uint32_t tdh, tdt;
	uint32_t blocked;	/* waits for room in the RX packet buffer or on the wire */
	uint32_t tso_done;	/* bytes of the packet at tdh that went out in segments */
	uint32_t rate;		/* RTTBCNRC: how many times slower than the link, 10.14 bits */
	uint32_t waits;		/* has something to send, but not before `next` */
	uint64_t next;		/* tick that the next frame of a limited queue may leave at */
	uint64_t idle;		/* tick since when a limited queue has had nothing to send */
	uint64_t packets, bytes, drops;
	uint64_t ctx[2][2];	/* the last context descriptor of IDX 0 and of IDX 1 */
};

enum s82_driver { S82_DRV_NONE, S82_DRV_VFIO, S82_DRV_IXGBE, S82_DRV_IXGBEVF };

/* A PCI function: what VFIO and the bus know of it. */
struct s82_func {
	uint32_t present;
	uint32_t owner;		/* client that has the device open, 0: nobody */
	uint32_t domain;	/* index of its DMA domain, 0: none, so that DMA is refused */
	uint32_t group;		/* IOMMU group number */
	uint16_t bdf;		/* bus << 8 | device << 3 | function */
	uint16_t vectors;
	uint32_t driver;	/* enum s82_driver: what sysfs shows as bound */
	uint8_t cfg[4096];	/* PCI configuration space */
	uint32_t msix_table[S82_VECTORS * 4];
	_Atomic uint64_t irq_pending;	/* vectors that the card process shall raise; lock-free */
	_Atomic uint64_t irq_armed;	/* vectors that have an eventfd: VFIO's, no reset clears them */
	_Atomic uint32_t irq_client;	/* the client whose eventfds they are and who writes them
					 * itself; 0: the card does it for everybody */
	uint64_t irqs;		/* interrupts raised */
	uint64_t irq_held;	/* vectors that moderation holds back, see timer.c */
	uint64_t irq_next[S82_VECTORS];	/* tick before which a vector is not raised again */
	uint64_t dma_faults, dma_fault_iova;	/* how many, and where the last one was */
	uint64_t resets;	/* FLRs */
	_Atomic uint32_t removed;	/* pulled out: reads give all ones */
	/* a VF's own registers; a PF's lie in s82_state.reg */
	uint32_t vf_reg[S82_VF_BAR0 / 4];
};

/* The mailbox between the PF and one VF. */
struct s82_mbox {
	uint32_t mem[16];
	uint32_t pfu, vfu;	/* who owns the buffer */
	uint32_t pfsts, pfack, rsti, rstd;	/* what the VF sees in VFMAILBOX */
	uint64_t vf_requests, pf_replies, vf_acks, pf_acks;
};

/* A range of IOVA of one domain, and where its memory lies. */
struct s82_extent {
	uint32_t domain;	/* 0: this slot is free */
	uint32_t fd_id;		/* the card's name for the backing file */
	uint64_t iova, len;	/* bytes */
	uint64_t off;		/* offset in the backing file, bytes */
	uint64_t serial;	/* never used twice: what a cache knows the extent by */
};

struct s82_domain {
	uint32_t used;
	uint32_t client;	/* who made it */
	_Atomic uint32_t gen;	/* raised by every map and unmap: caches compare it */
	uint32_t extents;	/* how many slots it has */
	uint64_t bytes;
};

enum s82_handle_kind { S82_HANDLE_FREE, S82_HANDLE_CONTAINER, S82_HANDLE_GROUP, S82_HANDLE_DEVICE };

/* A VFIO file descriptor, known by its inode, so that it survives dup, fork and SCM_RIGHTS. */
struct s82_handle {
	_Atomic uint32_t kind;	/* written last when made, first when freed */
	uint32_t index;		/* domain; func, for a group too, which holds just one */
	uint64_t dev, ino;
};

struct s82_client {
	uint32_t used;
	int32_t pid;
	_Atomic uint64_t traps;	/* register accesses that faulted */
	_Atomic uint32_t patched, unpatchable;	/* places whose store became a call, or could not */
};

/*
 * Frames on their way from the NIC to the wire. Producers hold the lock; the one consumer is
 * the wire thread of the card. A record is a struct s82_wire_rec and the frame, padded to a
 * multiple of 8 bytes; both may wrap around the end of the ring.
 */
struct s82_wire_rec {
	uint32_t len;		/* bytes of the frame, without CRC */
	uint16_t pool, queue;	/* who sent it */
	uint64_t tsc;		/* when the NIC put it on the wire */
};

struct s82_wire {
	uint32_t mode;		/* enum s82_wire_mode */
	_Atomic uint32_t consumer;	/* 1: a wire thread reads the ring; 0: frames vanish when sent */
	_Atomic uint32_t sleeping;	/* 1: the consumer wants ops->wire_kick */
	_Atomic uint64_t head;	/* bytes taken out; the consumer's */
	_Atomic uint64_t tail;	/* bytes put in; the producers' */
	uint8_t ring[S82_WIRE_RING];
};

/* The RX packet buffer: holds frames only while the head of the line cannot be delivered. */
struct s82_fifo {
	uint32_t head, tail, bytes, packets;
	uint32_t copies;	/* as many pools' frames wait: at least `packets` */
	uint32_t unused;
	_Atomic uint32_t busy;	/* not empty: an RDT write has to drain it */
	uint32_t reserved;
	uint64_t stalls;	/* times that the head of the line blocked */
	uint8_t mem[S82_RX_FIFO];
};

struct s82_pool_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;	/* bytes without CRC */
	uint64_t rx_mcast;
	uint64_t drop[S82_DROPS];
};

struct s82_stats {
	/* the port's wire side, since power-on */
	uint64_t wire_rx_packets, wire_rx_bytes, wire_tx_packets, wire_tx_bytes;
	uint64_t loop_packets, loop_bytes;	/* through the internal switch */
	uint64_t replicated;	/* copies beyond a frame's first pool, delivered or not */
	uint64_t both_ways;	/* frames that went to local pools and to the wire */
	uint64_t drop[S82_DROPS];	/* drops that no pool can be named for */
	struct s82_pool_stats pool[S82_POOLS];
	uint64_t lock_repairs;
	_Atomic uint64_t lock_nudges;	/* times that a stopped process had to leave the lock */
	uint64_t bad_access;	/* register accesses outside of the BAR or of a wrong width */
};

/* What happens between PF and VF, as bits: the VF's request, its acknowledgement; the PF's. */
enum s82_mbox_event { S82_MBOX_VF_REQ, S82_MBOX_VF_ACK, S82_MBOX_PF_STS, S82_MBOX_PF_ACK,
	S82_MBOX_EVENTS };

/* What goes wrong on request, see faults.c. Delays and instants in ticks. */
struct s82_faults {
	_Atomic uint32_t cable_out;	/* this end's cable is pulled */
	_Atomic uint32_t partner_down;	/* the other end of the wire is dark */
	_Atomic uint64_t frozen;	/* pools whose rings take nothing */
	uint32_t irq_drop[S82_FUNCS];	/* so many interrupts are still to get lost */
	uint64_t irqs_lost[S82_FUNCS];
	uint64_t irq_delay, irqs_late;
	uint64_t late_irq[S82_FUNCS], late_irq_at[S82_FUNCS];	/* vectors; when they are due */
	uint64_t mbox_delay[S82_MAX_VFS], mbox_late;
	uint32_t late_mbox[S82_MAX_VFS];	/* 1 << enum s82_mbox_event */
	uint64_t late_mbox_at[S82_MAX_VFS][S82_MBOX_EVENTS];
};

/* What waits for an instant; see timer.c. */
struct s82_timers {
	_Atomic uint32_t seq;	/* moves when `next` comes sooner: the card's thread sleeps on it */
	uint32_t reserved;
	uint64_t next;		/* the earliest instant, in ticks; 0: none */
	uint64_t funcs;		/* functions that have vectors in irq_held */
	uint64_t txq[2];	/* queues that wait for txq[].next */
};

struct s82_nvm {
	/* Serial lines that software clocks by hand. */
	struct { uint32_t shift, bits, addr, out, state; } spi;
	struct { uint32_t scl, sda, shift, bits, state, started, acking, offset, out; } i2c;
};

struct s82_state {
	uint64_t magic;
	uint32_t size;		/* sizeof(struct s82_state) */
	uint32_t num_vfs;
	uint32_t lan_id;	/* function number of the PF: 0 or 1 */
	uint32_t vf_offset, vf_stride;
	uint16_t pci_domain, pf_bdf;
	uint32_t token_strict;	/* 1: a VF of a vfio PF needs the token, as a real kernel asks */
	uint32_t token_set;
	uint8_t token[16];	/* the PF's VF token, once a client has opened the PF with one */
	int32_t card_pid;
	uint64_t tick_hz;	/* how fast ops->now() runs */
	_Atomic uint32_t dead;	/* the card is gone or was pulled out: reads give all ones */
	char name[64];

	_Alignas(64) pthread_mutex_t lock;	/* process-shared, robust, priority-inheriting */

	_Alignas(64) uint32_t reg[S82_PF_BAR0 / 4];	/* PF registers that are plain memory */
	_Atomic uint32_t switch_gen;	/* raised by every write that bears on steering */
	uint64_t qde[2];	/* queues with drop-enable by PFQDE */
	struct s82_rxq rxq[S82_QUEUES];
	struct s82_txq txq[S82_QUEUES];
	struct s82_func func[S82_FUNCS];
	struct s82_mbox mbox[S82_MAX_VFS];
	struct s82_domain domain[S82_MAX_DOMAINS];
	struct s82_extent extent[S82_MAX_EXTENTS];
	struct s82_handle handle[S82_MAX_HANDLES];
	struct s82_client client[S82_MAX_CLIENTS];
	struct s82_stats stats;
	uint64_t hw[160];	/* PF statistics registers since they were last read, see stats.c */
	struct s82_nvm nvm;
	struct s82_faults faults;
	struct s82_timers timers;
	struct s82_fifo fifo;
	struct s82_wire wire;
};

#endif
