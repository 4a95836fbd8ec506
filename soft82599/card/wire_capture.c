/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture files: reading what the wire sends, recording what it gets. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define MIN_FRAME	60	/* bytes without CRC */

/* One pass over the file: counts, or copies if `frames` has memory. 0 or -errno. */
static int
pass(pcap_t *pcap, const char *path, struct wire_frames *frames, size_t *bytes)
{
	struct pcap_pkthdr *hdr;
	const uint8_t *data;
	int got;

	frames->count = 0;
	*bytes = 0;
	while ((got = pcap_next_ex(pcap, &hdr, &data)) == 1) {
		uint32_t len = hdr->caplen < MIN_FRAME ? MIN_FRAME : hdr->caplen;

		if (hdr->caplen < hdr->len || hdr->caplen < 14 || len > S82_MAX_FRAME) {
			card_log(CARD_LOG_ERROR, "%s: frame %u is %s", path, frames->count + 1,
				hdr->caplen < hdr->len ? "cut short (captured with a snap length)"
				: len > S82_MAX_FRAME ? "too long" : "too short for Ethernet");
			return -EINVAL;
		}
		if (frames->mem != NULL) {
			memcpy(frames->mem + *bytes, data, hdr->caplen);
			frames->frame[frames->count] =
				(struct wire_frame){ frames->mem + *bytes, len };
		}
		frames->count++;
		*bytes += len;
	}
	if (got != PCAP_ERROR_BREAK) {
		card_log(CARD_LOG_ERROR, "%s: %s", path, pcap_geterr(pcap));
		return -EINVAL;
	}
	return 0;
}

static int
open_and_pass(const char *path, struct wire_frames *frames, size_t *bytes)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, why);
	int err = 0;

	if (pcap == NULL) {
		card_log(CARD_LOG_ERROR, "%s", why);
		return -EINVAL;
	}
	if (pcap_datalink(pcap) != DLT_EN10MB) {
		card_log(CARD_LOG_ERROR, "%s: not a capture of Ethernet but of %s", path,
			pcap_datalink_val_to_name(pcap_datalink(pcap)));
		err = -EINVAL;
	}
	if (err == 0)
		err = pass(pcap, path, frames, bytes);
	pcap_close(pcap);
	return err;
}

int
wire_load(const char *path, struct wire_frames *frames)
{
	size_t bytes;
	int err;

	memset(frames, 0, sizeof(*frames));
	err = open_and_pass(path, frames, &bytes);
	if (err != 0)
		return err;
	if (frames->count == 0) {
		card_log(CARD_LOG_ERROR, "%s: no frame in it", path);
		return -EINVAL;
	}
	frames->mem = calloc(1, bytes);
	frames->frame = calloc(frames->count, sizeof(frames->frame[0]));
	err = frames->mem == NULL || frames->frame == NULL ? -ENOMEM :
		open_and_pass(path, frames, &bytes);
	if (err != 0)
		wire_unload(frames);
	return err;
}

void
wire_unload(struct wire_frames *frames)
{
	free(frames->mem);
	free(frames->frame);
	memset(frames, 0, sizeof(*frames));
}

struct wire_record {
	pcap_t *dead;
	pcap_dumper_t *dump;
	uint64_t last_ns;
};

struct wire_record *
wire_record_open(const char *path)
{
	struct wire_record *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->dead = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, S82_MAX_FRAME,
		PCAP_TSTAMP_PRECISION_NANO);
	r->dump = r->dead == NULL ? NULL : pcap_dump_open(r->dead, path);
	if (r->dump == NULL) {
		card_log(CARD_LOG_ERROR, "%s", r->dead == NULL ? "no memory" :
			pcap_geterr(r->dead));
		wire_record_close(r);
		return NULL;
	}
	return r;
}

void
wire_record_put(const struct wire *w, struct wire_record *r, const struct s82_wire_rec *rec,
	const uint8_t *frame)
{
	/* the clock's rate is measured while it runs: keep the times in order */
	uint64_t ns = wire_real_ns(w, rec->tsc);
	struct pcap_pkthdr hdr = { .caplen = rec->len, .len = rec->len };

	r->last_ns = ns > r->last_ns ? ns : r->last_ns;
	hdr.ts.tv_sec = r->last_ns / 1000000000ull;
	hdr.ts.tv_usec = r->last_ns % 1000000000ull;	/* ns, as the file's header says */
	pcap_dump((u_char *)r->dump, &hdr, frame);
}

int
wire_record_flush(struct wire_record *r, const char *path)
{
	if (pcap_dump_flush(r->dump) == 0)
		return 0;
	card_log(CARD_LOG_ERROR, "%s could not be written", path);
	return -EIO;
}

void
wire_record_close(struct wire_record *r)
{
	if (r == NULL)
		return;
	if (r->dump != NULL)
		pcap_dump_close(r->dump);
	if (r->dead != NULL)
		pcap_close(r->dead);
	free(r);
}
