/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the compiler calls to copy and fill, for this library alone: libc's use registers of AVX and
 * AVX-512, which a patched store does not save, see s82_patch_common(). String instructions use none.
 */
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);

void *
memcpy(void *to, const void *from, size_t n)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n) : : "memory");
	return to;
}

void *
memmove(void *to, const void *from, size_t n)
{
	unsigned char *last = (unsigned char *)to + n - 1;
	const unsigned char *end = (const unsigned char *)from + n - 1;

	if ((size_t)((unsigned char *)to - (const unsigned char *)from) >= n)
		return memcpy(to, from, n);
	__asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(last), "+S"(end), "+c"(n) : : "memory");
	return to;
}

void *
memset(void *to, int byte, size_t n)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(byte) : "memory");
	return to;
}
