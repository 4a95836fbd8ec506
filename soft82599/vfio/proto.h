/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a client talks to the card: SOCK_SEQPACKET on the abstract unix socket "\0soft82599/NAME".
 * One request, one reply; file descriptors travel as SCM_RIGHTS. Every reply's `err` is 0 or a
 * negative errno, and becomes the errno of the client's system call.
 *
 * A device, group or container descriptor that a client holds is one end of a socket pair whose
 * other end the card keeps: when the last copy closes, in whatever process, the card's end hangs
 * up. That is the "last close" of VFIO: FLR for a device, unmap of everything for a container.
 */
#ifndef S82_PROTO_H
#define S82_PROTO_H

#include <stdint.h>

#define S82_SOCKET_PREFIX	"soft82599/"	/* after the leading NUL */
#define S82_ENV_NAME		"SOFT82599_NAME"	/* which card this process sees */
#define S82_PROTO_VERSION	1
#define S82_REQ_MAX_FDS		64

/* What HELLO hands out, in this order. */
enum s82_hello_fd {
	S82_HELLO_STATE,	/* memfd of struct s82_state */
	S82_HELLO_DOORBELL,	/* eventfd: some func[].irq_pending has a bit for the card */
	S82_HELLO_WIRE,		/* eventfd: wakes the wire thread */
	S82_HELLO_FDS,		/* a second socket, for S82_REQ_GET_FD alone: the asker holds
				 * st->lock, for which the card may be waiting on the first */
	S82_HELLO_NUDGE,	/* eventfd: st->lock has been held for too long */
	S82_HELLO_FD_COUNT
};

/* Arguments are a[0] to a[5]; values of the reply v[0] and v[1]. */
enum s82_req_op {
	S82_REQ_HELLO,		/* a: version -> fds: enum s82_hello_fd; v: client id */
	S82_REQ_CONTAINER_OPEN,	/* -> fd; v: domain */
	S82_REQ_SET_IOMMU,	/* a: domain, VFIO_TYPE1_IOMMU or v2 */
	S82_REQ_DOMAIN_STATUS,	/* a: domain -> v: IOMMU type, mappings that are left */
	S82_REQ_GROUP_OPEN,	/* a: group number -> fd */
	S82_REQ_GROUP_STATUS,	/* a: func -> v: VFIO_GROUP_FLAGS_* */
	S82_REQ_GROUP_SET,	/* a: func, domain */
	S82_REQ_GROUP_UNSET,	/* a: func */
	S82_REQ_DEVICE_OPEN,	/* a: func; text: "BDF" or "BDF vf_token=UUID" -> fd; v: func */
	S82_REQ_DMA_MAP,	/* a: domain, iova, length and offset in the file of this piece,
				 * iova and size of the whole mapping (the first piece makes it);
				 * fd -> v: serial and slot of the extent; the serial before, if it
				 * was there and became longer, or 0 */
	S82_REQ_DMA_UNMAP,	/* a: domain, iova, length, 1: everything -> v: bytes unmapped */
	S82_REQ_GET_FD,		/* a: fd_id of an extent -> fd. On the socket S82_HELLO_FDS. */
	S82_REQ_SET_IRQS,	/* a: func, first vector, count, bits (k set: vector first + k gets
				 * the next fd, clear: it is disarmed), VFIO_PCI_*_IRQ_INDEX; fds */
	S82_REQ_IRQ_TRIGGER,	/* a: func, first vector, count, bits (k: raise it), index, 1: the
				 * bits came as bools */
	S82_REQ_DEVICE_RESET,	/* a: func */
	S82_REQ_SHOW,		/* -> fd of a memfd that holds the JSON of `show` */
	S82_REQ_CTL,		/* text: what to do -> fd of a memfd that holds the answer, a
				 * sentence; v: 0, or a positive errno if it was refused */
};

struct s82_req {
	uint32_t op;
	uint32_t reserved;
	uint64_t arg[6];
	char text[128];
};

struct s82_rep {
	int32_t err;
	uint32_t reserved;
	uint64_t val[3];
};

#endif
