/* SPDX-License-Identifier: BSD-3-Clause */
/* Which addresses are registers. Patched stores ask too: general registers only, see meson.build. */
#include <errno.h>
#include <pthread.h>

#include "client.h"
#include "fault.h"

#define PAGE_SHIFT	12
#define PAGE		4096u
#define BAR_SLOTS	8192u	/* a power of two; pages that are mapped stay below half */
#define REMOVED		1u	/* a key that no page has */

/* Page of a BAR -> function and offset: open addressing, read without a lock by the handler. */
struct bar_slot {
	_Atomic uintptr_t page;	/* address; 0: never used; REMOVED. Written last. */
	_Atomic uint64_t where;	/* func << 32 | offset of the page */
};

static struct bar_slot bar[BAR_SLOTS];
static _Atomic unsigned int bar_pages;
pthread_mutex_t s82_bar_lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned int
bar_hash(uintptr_t page)
{
	return (unsigned int)((page >> PAGE_SHIFT) * 0x9e3779b97f4a7c15ull >> 51) & (BAR_SLOTS - 1);
}

static struct bar_slot *
bar_slot_of(uintptr_t page)
{
	unsigned int i, h = bar_hash(page);
	uintptr_t key;

	for (i = 0; i < BAR_SLOTS; i++, h = (h + 1) & (BAR_SLOTS - 1)) {
		key = atomic_load_explicit(&bar[h].page, memory_order_acquire);
		if (key == page)
			return &bar[h];
		if (key == 0)
			return NULL;
	}
	return NULL;
}

bool
s82_bar_find(uintptr_t addr, unsigned int *func, uint32_t *off)
{
	struct bar_slot *slot = bar_slot_of(addr & ~(uintptr_t)(PAGE - 1));
	uint64_t where;

	if (slot == NULL)
		return false;
	where = atomic_load_explicit(&slot->where, memory_order_relaxed);
	*func = (unsigned int)(where >> 32);
	*off = (uint32_t)where + (addr & (PAGE - 1));
	return true;
}

static void
bar_insert(uintptr_t page, uint64_t where)
{
	unsigned int h = bar_hash(page);
	uintptr_t key;

	for (;; h = (h + 1) & (BAR_SLOTS - 1)) {
		key = atomic_load(&bar[h].page);
		if (key != 0 && key != REMOVED)
			continue;
		atomic_store(&bar[h].where, where);
		atomic_store_explicit(&bar[h].page, page, memory_order_release);
		return;
	}
}

static void
bar_drop(uintptr_t lo, uintptr_t hi)
{
	struct bar_slot *slot;
	unsigned int i;

	if ((hi - lo) >> PAGE_SHIFT > BAR_SLOTS) {
		for (i = 0; i < BAR_SLOTS; i++) {
			uintptr_t key = atomic_load(&bar[i].page);

			if (key > REMOVED && key >= lo && key < hi) {
				atomic_store(&bar[i].page, REMOVED);
				atomic_fetch_sub(&bar_pages, 1);
			}
		}
		return;
	}
	for (; lo < hi; lo += PAGE) {
		slot = bar_slot_of(lo);
		if (slot != NULL) {
			atomic_store(&slot->page, REMOVED);
			atomic_fetch_sub(&bar_pages, 1);
		}
	}
}

int
s82_bar_add(void *addr, size_t len, unsigned int func, uint32_t off)
{
	uintptr_t page = (uintptr_t)addr, end = page + len;
	sigset_t old;
	int rc = 0;

	s82_signals_block(&old);
	pthread_mutex_lock(&s82_bar_lock);
	bar_drop(page, end);
	if (atomic_load(&bar_pages) + (len >> PAGE_SHIFT) > BAR_SLOTS / 2)
		rc = -ENOMEM;
	for (; rc == 0 && page < end; page += PAGE, off += PAGE) {
		bar_insert(page, (uint64_t)func << 32 | off);
		atomic_fetch_add(&bar_pages, 1);
	}
	pthread_mutex_unlock(&s82_bar_lock);
	s82_signals_restore(&old);
	return rc;
}

void
s82_bar_remove(const void *addr, size_t len)
{
	uintptr_t lo = (uintptr_t)addr & ~(uintptr_t)(PAGE - 1);
	uintptr_t hi = ((uintptr_t)addr + len + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	sigset_t old;

	if (atomic_load_explicit(&bar_pages, memory_order_relaxed) == 0)
		return;
	s82_signals_block(&old);
	pthread_mutex_lock(&s82_bar_lock);
	bar_drop(lo, hi);
	pthread_mutex_unlock(&s82_bar_lock);
	s82_signals_restore(&old);
}
