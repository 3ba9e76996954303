/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that have to look at something besides what they wait for: a signal, a cancellation.
 *
 * A thread's attention is a set of bits. Raising one ends its waits that hear it by -EINTR; what is
 * to be done is the C library's business, and so is dropping the bit. Images whose C library has no
 * such user contain no more of this than the tests of the bits.
 */
#pragma once

#include <stdint.h>

#include <pith/spinlock.h>
#include <pith/thread.h>
#include <pith/waitq.h>

#define ATTENTION_SIGNAL 1u /* a signal can be delivered */
#define ATTENTION_CANCEL 2u /* the thread is to end at a cancellation point */
#define ATTENTION_ALL    3u

#define THREAD_ATTENTION 0x30 /* where struct thread has them, which is libos/core's own */

/* The calling thread's bits. Inline, since every call that may sleep begins with it. Context: thread. */
static inline unsigned attention_now(void)
{
    const uint8_t *bits = (const uint8_t *)thread_current() + THREAD_ATTENTION;
    return __atomic_load_n(bits, __ATOMIC_RELAXED);
}

/*
 * Set bits of a thread: its waits that hear them end, and where a signal is due and the thread runs,
 * the hook is called soon. Context: any, no wait queue's lock held; the thread exists.
 */
void attention_raise(struct thread *t, unsigned bits);

/* Clear bits. Context: any. */
void attention_drop(struct thread *t, unsigned bits);

/*
 * Have hook(rip) called when a thread with ATTENTION_SIGNAL has been interrupted at rip and runs
 * again: on its stack, masked, in the thread's context, with all its registers saved; it may open
 * the mask, run the program's code, and never return. Called every now and then until the bit is
 * dropped. One hook. Context: any.
 */
void attention_set_hook(void (*hook)(uintptr_t rip));

/* waitq_wait() that ends by -EINTR when one of the bits `hears` of the thread is set. */
int waitq_wait_for(struct waitq *q, struct spinlock *lock, uint64_t deadline_ns, unsigned hears);

/*
 * The first thread, oldest first, that fn() accepts; NULL when there is none. fn() is called with
 * the list of threads locked. Context: any.
 */
struct thread *thread_find(bool (*fn)(struct thread *t, void *arg), void *arg);
