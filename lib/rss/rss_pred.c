/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "rss_pred.h"

/* One pass over the file. Returns 0 at its end, 1 when enough frames were seen. */
static int
walk_once(pcap_t *pcap, uint64_t *left, uint64_t *seen, rss_pred_frame each, void *arg,
	struct vfp_err *err)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int ret;

	while ((ret = pcap_next_ex(pcap, &header, &bytes)) == 1) {
		(*seen)++;
		ret = each(arg, bytes, header->caplen);
		if (ret != 0)
			return ret;
		if (*left > 0 && --*left == 0)
			return 1;
	}
	if (ret == PCAP_ERROR)
		return vfp_err_set(err, -EINVAL, "%s", pcap_geterr(pcap));
	return 0;
}

int
rss_pred_walk(
	const char *file, uint64_t packets, rss_pred_frame each, void *arg, struct vfp_err *err)
{
	uint64_t left = packets, seen = 0;
	int ret;

	if (access(file, R_OK) < 0)
		return vfp_err_set(err, -errno, "%s cannot be read", file);
	do {
		char why[PCAP_ERRBUF_SIZE];
		pcap_t *pcap = pcap_open_offline(file, why);

		if (!pcap)
			return vfp_err_set(err, -EINVAL, "%s: %s", file, why);
		if (pcap_datalink(pcap) == DLT_EN10MB)
			ret = walk_once(pcap, &left, &seen, each, arg, err);
		else
			ret = vfp_err_set(
				err, -EINVAL, "%s: not a capture of Ethernet frames", file);
		pcap_close(pcap);
		if (ret == 0 && packets > 0 && seen == 0)
			ret = vfp_err_set(err, -EINVAL, "%s: holds no packet", file);
	} while (ret == 0 && packets > 0);
	return ret == 1 ? 0 : ret;
}
