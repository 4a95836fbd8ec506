/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RSS_INPUT_H
#define RSS_INPUT_H

#include "rss_hash.h"

/**
 * What of a frame is hashed. Addresses and ports mostly lie side by side in it, and then nothing is
 * copied: a copy in pieces would stall the wide load of the hash that follows.
 *
 * @param room  used where they do not lie side by side
 * @param n     bytes; 0 when nothing is hashed
 * @return into the frame or room; valid as long as they are
 */
const uint8_t *rss_input(uint32_t fields, const uint8_t *frame, size_t len,
	uint8_t room[RSS_INPUT_MAX], size_t *n, enum rss_type *type, enum rss_note *note);

#endif
