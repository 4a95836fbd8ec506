/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfp_out.h"
#include "vfp_parse.h"

int
vfp_parse_u64(const char *text, const char *what, uint64_t min, uint64_t max, uint64_t *value,
	struct vfp_err *err)
{
	const bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	char *end;
	uint64_t v;

	/* strtoull would take blanks, signs and an octal 010; strtonum stops at LLONG_MAX. */
	if (!(hex ? isxdigit((unsigned char)digits[0]) : isdigit((unsigned char)digits[0])))
		goto malformed;
	errno = 0;
	v = strtoull(digits, &end, hex ? 16 : 10);
	if (*end != '\0')
		goto malformed;
	if (errno == ERANGE || v < min || v > max)
		return vfp_err_set(err, -ERANGE,
			"%s: %s is out of range, allowed are %" PRIu64 " to %" PRIu64, what, text, min,
			max);
	*value = v;
	return 0;

malformed:
	return vfp_err_set(err, -EINVAL,
		"%s: \"%s\" is not a number, allowed are %" PRIu64 " to %" PRIu64, what, text, min,
		max);
}

int
vfp_parse_u32(const char *text, const char *what, uint32_t min, uint32_t max, uint32_t *value,
	struct vfp_err *err)
{
	uint64_t v;
	int rc = vfp_parse_u64(text, what, min, max, &v, err);

	if (rc == 0)
		*value = (uint32_t)v;
	return rc;
}

int
vfp_parse_u16(const char *text, const char *what, uint16_t min, uint16_t max, uint16_t *value,
	struct vfp_err *err)
{
	uint64_t v;
	int rc = vfp_parse_u64(text, what, min, max, &v, err);

	if (rc == 0)
		*value = (uint16_t)v;
	return rc;
}

int
vfp_parse_choice(const char *text, const char *what, const char *const names[], unsigned int n,
	unsigned int *value, struct vfp_err *err)
{
	char allowed[VFP_ERR_TEXT / 2] = "";
	size_t used = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (strcmp(text, names[i]) == 0) {
			*value = i;
			return 0;
		}
		if (used < sizeof(allowed))
			used += snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
				i == 0 ? "" : i + 1 == n ? " or " : ", ", names[i]);
	}
	return vfp_err_set(err, -EINVAL, "%s: \"%s\" is not known, allowed are %s", what, text,
		allowed);
}

int
vfp_parse_bool(const char *text, const char *what, bool *value, struct vfp_err *err)
{
	static const char *const names[] = {"yes", "no", "on", "off", "true", "false"};
	unsigned int i;
	int rc = vfp_parse_choice(text, what, names, 6, &i, err);

	if (rc == 0)
		*value = i % 2 == 0;
	return rc;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
vfp_parse_mac(const char *text, const char *what, uint8_t mac[6], struct vfp_err *err)
{
	const char sep = strlen(text) == VFP_MAC_TEXT - 1 ? text[2] : '\0';
	uint8_t out[6];

	if (sep != ':' && sep != '-')
		goto malformed;
	for (unsigned int i = 0; i < 6; i++) {
		const int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != sep))
			goto malformed;
		out[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(mac, out, sizeof(out));
	return 0;

malformed:
	return vfp_err_set(err, -EINVAL,
		"%s: \"%s\" is not a MAC address, expected six bytes as in 02:09:c0:00:00:01", what,
		text);
}

int
vfp_parse_unicast_mac(const char *text, const char *what, uint8_t mac[6], struct vfp_err *err)
{
	static const uint8_t zero[6];
	uint8_t out[6];
	int rc = vfp_parse_mac(text, what, out, err);

	if (rc != 0)
		return rc;
	if (out[0] & 1)
		return vfp_err_set(err, -ERANGE,
			"%s: %s is a group address, the first byte of a station's is even", what, text);
	if (memcmp(out, zero, sizeof(zero)) == 0)
		return vfp_err_set(err, -ERANGE, "%s: the address must not be all zero", what);
	memcpy(mac, out, sizeof(out));
	return 0;
}

const char *
vfp_mac_text(const uint8_t mac[6], char buf[VFP_MAC_TEXT])
{
	snprintf(buf, VFP_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		mac[4], mac[5]);
	return buf;
}

/* Exactly `count` hex digits, then `stop`; moves on behind it. */
static bool
take_hex(const char **at, unsigned int count, char stop, unsigned int *value)
{
	*value = 0;
	for (unsigned int i = 0; i < count; i++, (*at)++) {
		const int d = hex_digit(**at);

		if (d < 0)
			return false;
		*value = *value << 4 | (unsigned int)d;
	}
	return *(*at)++ == stop;
}

int
vfp_parse_bdf(const char *text, const char *what, struct vfp_bdf *bdf, struct vfp_err *err)
{
	unsigned int domain = 0, bus, dev, fn;
	const char *at = text;
	const size_t len = strlen(text);

	if ((len != 7 && len != 12) || (len == 12 && !take_hex(&at, 4, ':', &domain)) ||
		!take_hex(&at, 2, ':', &bus) || !take_hex(&at, 2, '.', &dev) ||
		!take_hex(&at, 1, '\0', &fn))
		return vfp_err_set(err, -EINVAL,
			"%s: \"%s\" is not a PCI address, expected 03:10.1 or 0000:03:10.1", what,
			text);
	if (dev > 31 || fn > 7)
		return vfp_err_set(err, -ERANGE,
			"%s: %s: a PCI device is 00 to 1f and a function 0 to 7", what, text);
	*bdf = (struct vfp_bdf){(uint16_t)domain, (uint8_t)bus, (uint8_t)dev, (uint8_t)fn};
	return 0;
}

const char *
vfp_bdf_text(const struct vfp_bdf *bdf, char buf[VFP_BDF_TEXT])
{
	snprintf(buf, VFP_BDF_TEXT, "%04x:%02x:%02x.%1x", bdf->domain, bdf->bus, bdf->dev & 0x1f,
		bdf->fn & 7);
	return buf;
}

int
vfp_bdf_normalise(const char *text, const char *what, char buf[VFP_BDF_TEXT], struct vfp_err *err)
{
	struct vfp_bdf bdf;
	int rc = vfp_parse_bdf(text, what, &bdf, err);

	if (rc == 0)
		vfp_bdf_text(&bdf, buf);
	return rc;
}

int
vfp_parse_duration(const char *text, const char *what, uint64_t min_ns, uint64_t max_ns,
	uint64_t *ns, struct vfp_err *err)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"", 1e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {"m", 60e9},
		{"h", 3600e9}};
	char low[32], high[32], *end;
	const double v = strtod(text, &end);

	/* strtod would also take blanks, signs, "inf" and 0x: the first character must be a digit. */
	for (unsigned int i = 0; isdigit((unsigned char)text[0]) && text[1] != 'x' && i < 7; i++) {
		const double whole = round(v * units[i].ns);

		if (strcmp(end, units[i].name) != 0)
			continue;
		if (whole < (double)min_ns || whole > (double)max_ns || whole >= 0x1p63)
			return vfp_err_set(err, -ERANGE,
				"%s: %s is out of range, allowed are %s to %s", what, text,
				vfp_humanize(low, sizeof(low), (double)min_ns, VFP_NS),
				vfp_humanize(high, sizeof(high), (double)max_ns, VFP_NS));
		*ns = (uint64_t)whole;
		return 0;
	}
	return vfp_err_set(err, -EINVAL,
		"%s: \"%s\" is not a duration, expected a number with ns, us, ms, s, m or h", what,
		text);
}

static int
list_item(const char *from, const char *to, const char *text, const char *what,
	int (*each)(const char *item, void *arg, struct vfp_err *err), void *arg,
	struct vfp_err *err)
{
	char item[256];

	if (from == to)
		return vfp_err_set(err, -EINVAL, "%s: \"%s\" has an empty item", what, text);
	if ((size_t)(to - from) >= sizeof(item))
		return vfp_err_set(err, -EINVAL, "%s: an item is longer than %zu characters", what,
			sizeof(item) - 1);
	memcpy(item, from, to - from);
	item[to - from] = '\0';
	return each(item, arg, err);
}

int
vfp_parse_list(const char *text, const char *what,
	int (*each)(const char *item, void *arg, struct vfp_err *err), void *arg,
	struct vfp_err *err)
{
	static const char blanks[] = " \t\r\n";
	const char *at = text + strspn(text, blanks);
	const char *stop = at + strlen(at);
	bool comma = false;

	while (stop > at && strchr(blanks, stop[-1]) != NULL)
		stop--;
	if (stop > at && *at == '{') {
		if (stop - at < 2 || stop[-1] != '}')
			return vfp_err_set(err, -EINVAL, "%s: \"%s\" lacks its closing brace", what,
				text);
		at++;
		stop--;
	}
	for (;;) {
		const char *item;
		int rc;

		at += strspn(at, blanks);
		if (at >= stop && !comma)
			return 0;
		item = at;
		while (at < stop && *at != ',' && strchr(blanks, *at) == NULL)
			at++;
		rc = list_item(item, at < item ? item : at, text, what, each, arg, err);
		if (rc != 0)
			return rc;
		at += strspn(at, blanks);
		comma = at < stop && *at == ',';
		at += comma;
	}
}

struct set_arg {
	const char *what;
	bool *set;
	unsigned int n;
};

static int
set_item(const char *item, void *arg, struct vfp_err *err)
{
	const struct set_arg *a = arg;
	char low[32];
	const char *dash = strchr(item, '-');
	uint32_t from, to;
	int rc;

	if (dash != NULL && (size_t)(dash - item) >= sizeof(low))
		return vfp_err_set(err, -EINVAL, "%s: \"%s\" is not a range", a->what, item);
	snprintf(low, sizeof(low), "%.*s", dash == NULL ? 31 : (int)(dash - item), item);
	rc = vfp_parse_u32(low, a->what, 0, a->n - 1, &from, err);
	if (rc != 0)
		return rc;
	to = from;
	if (dash != NULL)
		rc = vfp_parse_u32(dash + 1, a->what, from, a->n - 1, &to, err);
	for (uint32_t i = from; rc == 0 && i <= to; i++)
		a->set[i] = true;
	return rc;
}

int
vfp_parse_set(const char *text, const char *what, bool *set, unsigned int n, struct vfp_err *err)
{
	struct set_arg arg = {.what = what, .set = set, .n = n};

	return vfp_parse_list(text, what, set_item, &arg, err);
}
