/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stores that trapped often become calls.
 *
 * A trap costs about 2 us, nearly all of it the kernel's signal round trip. The store of a driver
 * to a tail register is executed once a burst from a handful of places; after a few dozen traps
 * such a place is overwritten with a jump to a stub that calls the same register-write function:
 * same thread, same order, same meaning. Whatever cannot be patched goes on trapping.
 *
 * The jump takes 5 bytes and the store has 2 to 4: its displacement borrows its upper bytes from
 * the instructions that follow, which stay as they are, and the stub is mapped where that leads
 * (instruction punning). So nothing is assumed about where else the program jumps to.
 */
#ifndef S82_PATCH_H
#define S82_PATCH_H

#include <ucontext.h>

#include "decode.h"

/* Notes that the store at `rip` trapped, and patches it if it does so often. In the handler. */
void s82_patch_note(uintptr_t rip, const struct s82_insn *insn);

/*
 * A thread may trap at a place that another one is just overwriting. True: `rip` is such a place,
 * and *insn the store that was there. Ask before and after decoding. Any thread.
 */
bool s82_patch_store_at(uintptr_t rip, struct s82_insn *insn);

/*
 * Asynchronous signals: a program's handler must not run while its thread is inside the model and
 * holds the card's lock, for it might touch a register. In a trap the kernel's mask sees to that;
 * in a patched store this does: the handler is called when the thread has left the model. And it
 * runs in the thread that it would run in without traps.
 */

/* From now on: called when registers begin to trap, all signals blocked. */
void s82_defer_activate(void);

/* The program's sigaction(2) for an asynchronous signal. True: taken care of, *rc is its result. */
bool s82_defer_sigaction(int sig, const struct sigaction *act, struct sigaction *old, int *rc);

/* Around every call into the model that no trap masks. */
void s82_defer_begin(void);
void s82_defer_end(void);

#endif
