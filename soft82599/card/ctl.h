/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `ctl`: what happens to a running card on request. The verb travels as text, is done in the
 * card's process by the server's first thread, and answered with a sentence.
 */
#ifndef S82_CTL_H
#define S82_CTL_H

#include <jansson.h>

#include "card.h"

#define CTL_TEXT	128	/* bytes of a request, its end included */
#define CTL_ANSWER	512

struct ctl;

/* Makes what ctl needs in the card's process. NULL: no memory. */
struct ctl *ctl_new(struct card *card);
/* Before the server ends: no thread of its own any more. After it: the rest. NULL is allowed. */
void ctl_stop(struct ctl *ctl);
void ctl_free(struct ctl *ctl);

/* Does what `text` says. Returns 0 or -errno, and in both cases the sentence in `answer`. */
int ctl_do(void *arg, const char *text, char *answer, size_t size);

/* What `show` tells of it; a new reference. st: a snapshot. */
json_t *ctl_json(const struct ctl *ctl, const struct s82_state *st);

#endif
