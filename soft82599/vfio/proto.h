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
	S82_HELLO_FD_COUNT
};

enum s82_req_op {
	S82_REQ_HELLO,		/* arg[0]: version -> fds: enum s82_hello_fd; val[0]: client id */
	S82_REQ_CONTAINER_OPEN,	/* -> fd; val[0]: domain */
	S82_REQ_SET_IOMMU,	/* arg[0]: domain, [1]: VFIO_TYPE1_IOMMU or v2 */
	S82_REQ_DOMAIN_STATUS,	/* arg[0]: domain -> val[0]: IOMMU type, 0 if not set; [1]: free maps */
	S82_REQ_GROUP_OPEN,	/* arg[0]: group -> fd */
	S82_REQ_GROUP_STATUS,	/* arg[0]: func -> val[0]: VFIO_GROUP_FLAGS_* */
	S82_REQ_GROUP_SET,	/* arg[0]: func, [1]: domain */
	S82_REQ_GROUP_UNSET,	/* arg[0]: func */
	S82_REQ_DEVICE_OPEN,	/* arg[0]: func; text: "BDF" or "BDF vf_token=UUID" -> fd; val[0]: func */
	S82_REQ_DMA_MAP,	/* arg[0]: domain, [1]: iova, [2]: len, [3]: offset in the file,
				 * [4], [5]: iova and size of the whole mapping that this is a piece of
				 * (the first piece makes it); fd */
	S82_REQ_DMA_UNMAP,	/* arg[0]: domain, [1]: iova, [2]: len, [3]: 1: everything -> val[0]: bytes unmapped */
	S82_REQ_GET_FD,		/* arg[0]: fd_id of an extent -> fd. On the socket S82_HELLO_FDS. */
	S82_REQ_SET_IRQS,	/* arg[0]: func, [1]: first vector, [2]: count, [3]: bit k set: fd k is given,
				 * clear: vector is disarmed; fds: the eventfds of the set bits, in
				 * order; [4]: VFIO_PCI_*_IRQ_INDEX */
	S82_REQ_IRQ_TRIGGER,	/* arg[0]: func, [1]: first vector, [2]: count, [3]: bit k: raise it, [4]: index */
	S82_REQ_DEVICE_RESET,	/* arg[0]: func */
	S82_REQ_SHOW,		/* -> fd of a memfd that holds the JSON of `show` */
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
	uint64_t val[2];
};

#endif
