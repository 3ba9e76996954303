/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt vectors of the monitor platforms: who handles which, and the dispatch of what was
 * recorded.
 */
#include <x86/irq.h>

#include <errno.h>
#include <stddef.h>

#include <pith/spinlock.h>

#include <x86/entry.h>
#include <x86/machine.h>
#include <x86/percpu_slots.h>

struct vector {
    irq_handler *handler;
    void *arg;
    uint64_t count;
};

static struct vector vectors[IRQ_VECTORS];
static uint64_t unexpected;
static struct spinlock lock; /* vectors[].handler against concurrent irq_alloc(); dispatch reads without */

/* Taken at boot, never given out. */
static int is_fixed(unsigned i)
{
    unsigned v = IRQ_VECTOR_FIRST + i;
    return v == IRQ_TIMER || v == IRQ_IPI || v == IRQ_XEN || i == IRQ_UNEXPECTED;
}

void irq_set(unsigned vector, irq_handler *handler, void *arg)
{
    struct vector *v = &vectors[vector - IRQ_VECTOR_FIRST];
    v->arg = arg;
    __atomic_store_n(&v->handler, handler, __ATOMIC_RELEASE);
}

int irq_alloc(enum irq_class irq_class, irq_handler *handler, void *arg)
{
    int found = -ENOSPC;
    bool was = spin_lock(&lock);

    for (unsigned i = (unsigned)irq_class - IRQ_VECTOR_FIRST, end = i + 16; i < end; i++) {
        if (!is_fixed(i) && !vectors[i].handler) {
            found = (int)(IRQ_VECTOR_FIRST + i);
            irq_set((unsigned)found, handler, arg);
            break;
        }
    }
    spin_unlock(&lock, was);
    return found;
}

void irq_free(unsigned vector)
{
    bool was = spin_lock(&lock);
    __atomic_store_n(&vectors[vector - IRQ_VECTOR_FIRST].handler, NULL, __ATOMIC_RELEASE);
    spin_unlock(&lock, was);
}

uint64_t irq_count(unsigned vector)
{
    return vectors[vector - IRQ_VECTOR_FIRST].count;
}

uint64_t irq_unexpected(void)
{
    return unexpected;
}

/*
 * Handlers first, then as many EOIs as there were entries: each EOI ends the highest class in
 * service, and only the number has to fit, since every entry has set one ISR bit.
 */
void x86_irq_dispatch(void)
{
    struct percpu *cpu = percpu_this();
    uint64_t *recorded = (uint64_t *)((char *)cpu + PERCPU_VECTORS);
    uint64_t *owed = (uint64_t *)((char *)cpu + PERCPU_EOI_OWED);

    do {
        __atomic_store_n(&cpu->irq_pending, 0, __ATOMIC_SEQ_CST); /* before the vectors are read */
        uint64_t bits = __atomic_exchange_n(recorded, 0, __ATOMIC_SEQ_CST);
        while (bits) {
            unsigned i = 63 - (unsigned)__builtin_clzll(bits); /* highest class first */
            struct vector *v = &vectors[i];
            irq_handler *handler = __atomic_load_n(&v->handler, __ATOMIC_ACQUIRE);
            bits &= ~(1ULL << i);
            v->count++;
            if (handler) {
                handler(v->arg);
            } else {
                unexpected++;
            }
        }
        for (uint64_t n = __atomic_exchange_n(owed, 0, __ATOMIC_SEQ_CST); n > 0; n--) {
            x86_lapic_eoi();
        }
    } while (__atomic_load_n(&cpu->irq_pending, __ATOMIC_SEQ_CST));
}
