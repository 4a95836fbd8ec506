/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers as memory: BAR 0 is mapped without access rights, each access faults, and the
 * handler decodes the instruction and calls the model in the thread that trapped.
 */
#ifndef S82_FAULT_H
#define S82_FAULT_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "../model/model.h"

/* Says that [addr, addr + len) is BAR 0 of `func` from `off` on. 0 or -ENOMEM: too many pages. */
int s82_bar_add(void *addr, size_t len, unsigned int func, uint32_t off);

/* [addr, addr + len) is about to become something else. Cheap if there is no BAR. */
void s82_bar_remove(const void *addr, size_t len);

/* Which register lies at addr? False: none. Any thread; the fault handler's look-up. */
bool s82_bar_find(uintptr_t addr, unsigned int *func, uint32_t *off);

/* Puts the fault handler in place, once; what the program had for SIGSEGV is kept for it. */
int s82_fault_install(void);

/* The program's sigaction(SIGSEGV): true if it was taken care of, since our handler stands. */
bool s82_fault_sigaction(const struct sigaction *act, struct sigaction *old);

/* The model's registers behind a BAR; all ones if the card is gone. Attached or attachable. */
uint64_t s82_reg_read(unsigned int func, uint32_t off, unsigned int size);
void s82_reg_write(unsigned int func, uint32_t off, uint64_t val, unsigned int size);

#endif
