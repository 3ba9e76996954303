/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pairing heap of timers, earliest first: inserting is O(1), removing any of them O(log n)
 * amortised, and the links lie in the timers, so that nothing is ever allocated.
 */
#pragma once

#include <pith/timer.h>

/* Both return the new root; a root has no siblings. `t` must be in no heap, or in this one. */
struct timer *timer_heap_insert(struct timer *root, struct timer *t);
struct timer *timer_heap_remove(struct timer *root, struct timer *t);
