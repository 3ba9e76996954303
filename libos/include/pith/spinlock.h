/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spin locks: short critical sections, shared between CPUs and with interrupt handlers.
 *
 * Taking one masks interrupts on this CPU, which also stops preemption, so a holder never sleeps
 * and never loses the CPU. The order of locks is written where each lock is declared.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <pith/irq.h>

struct spinlock {
    uint8_t held;
};

#define SPINLOCK_INIT { 0 }

/* Take and release the lock without touching the mask. Context: masked. */
static inline void spin_acquire(struct spinlock *lock)
{
    while (__builtin_expect(__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE), 0)) {
        while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED)) {
            __builtin_ia32_pause();
        }
    }
}

static inline void spin_release(struct spinlock *lock)
{
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

/* Mask and take the lock; returns the mask state to hand to spin_unlock(). Context: any. */
static inline bool spin_lock(struct spinlock *lock)
{
    bool was = irq_save();
    spin_acquire(lock);
    return was;
}

static inline void spin_unlock(struct spinlock *lock, bool was_masked)
{
    spin_release(lock);
    irq_restore(was_masked);
}
