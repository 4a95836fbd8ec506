/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>

#include "vfp_out.h"

/* A step up in unit, for values from `from` on. */
struct scale {
	double from;
	double divide;
	const char *suffix;
};

static const struct scale count_scales[] = {
	{1e12, 1e12, "T"}, {1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e5, 1e3, "k"}, {0, 1, ""}};
static const struct scale bytes_scales[] = {{1e12, 1e12, " TB"}, {1e9, 1e9, " GB"},
	{1e6, 1e6, " MB"}, {1e3, 1e3, " kB"}, {0, 1, " B"}};
static const struct scale pps_scales[] = {
	{1e9, 1e9, " Gpps"}, {1e6, 1e6, " Mpps"}, {1e3, 1e3, " kpps"}, {0, 1, " pps"}};
static const struct scale bps_scales[] = {{1e9, 1e9, " Gbit/s"}, {1e6, 1e6, " Mbit/s"},
	{1e3, 1e3, " kbit/s"}, {0, 1, " bit/s"}};
static const struct scale ns_scales[] = {
	{1e9, 1e9, " s"}, {1e6, 1e6, " ms"}, {1e3, 1e3, " us"}, {0, 1, " ns"}};

static const struct scale *
scales_of(unsigned int unit)
{
	switch (unit & ~VFP_DETAIL) {
	case VFP_COUNT:
		return count_scales;
	case VFP_BYTES:
		return bytes_scales;
	case VFP_PPS:
		return pps_scales;
	case VFP_BPS:
		return bps_scales;
	case VFP_NS:
		return ns_scales;
	default:
		return NULL;
	}
}

/* Three significant digits once something was divided; whole numbers stay whole. */
static void
put_scaled(char *buf, size_t size, double value, const struct scale *s)
{
	double shown;
	int digits = 0;

	while (fabs(value) < s->from)
		s++;
	shown = value / s->divide;
	if (s->divide > 1)
		digits = fabs(shown) < 10 ? 2 : fabs(shown) < 100 ? 1 : 0;
	snprintf(buf, size, "%.*f%s", digits, shown, s->suffix);
}

const char *
vfp_humanize(char *buf, size_t size, double value, unsigned int unit)
{
	const struct scale *s = scales_of(unit);

	if (!isfinite(value)) {
		snprintf(buf, size, "-");
	} else if (s != NULL) {
		put_scaled(buf, size, value, s);
	} else {
		switch (unit & ~VFP_DETAIL) {
		case VFP_SHARE:
			snprintf(buf, size, "%.1f%%", value * 100);
			break;
		case VFP_SECONDS:
			snprintf(buf, size, "%.2f s", value);
			break;
		case VFP_FIXED1:
			snprintf(buf, size, "%.1f", value);
			break;
		default:
			snprintf(buf, size, value == floor(value) && fabs(value) < 1e15 ? "%.0f" : "%g",
				value);
			break;
		}
	}
	return buf;
}
