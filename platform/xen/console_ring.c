/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The byte rings of a guest's console (public/io/console.h).
 *
 * Indices run freely modulo 2^32 and are taken modulo the ring's size, a power of two; the producer
 * writes its bytes before it publishes its index, the consumer reads them before it publishes its.
 */
#include <xenplat/console_ring.h>

#include <stdbool.h>

#define OUT_SIZE CONSOLE_RING_OUT
#define IN_SIZE  ((uint32_t)sizeof(((struct xencons_interface *)0)->in))

static uint32_t load(const XENCONS_RING_IDX *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void publish(XENCONS_RING_IDX *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

void console_ring_init(struct console_ring *ring, struct xencons_interface *shared)
{
    *ring = (struct console_ring){.shared = shared};
    if (shared != NULL) {
        ring->out_prod = load(&shared->out_prod);
        ring->in_cons = load(&shared->in_cons);
    }
}

/* How much of the output ring is in use, at most all of it; false when that can't be. */
static bool out_used(struct console_ring *ring, uint32_t *used)
{
    *used = ring->out_prod - load(&ring->shared->out_cons);
    if (*used > OUT_SIZE) {
        ring->bad++;
        return false;
    }
    return true;
}

size_t console_ring_put(struct console_ring *ring, const char *data, size_t len)
{
    uint32_t used;

    if (!out_used(ring, &used)) {
        return 0;
    }
    size_t n = len < OUT_SIZE - used ? len : OUT_SIZE - used;
    for (size_t i = 0; i < n; i++) {
        ring->shared->out[(ring->out_prod + i) % OUT_SIZE] = data[i];
    }
    ring->out_prod += (uint32_t)n;
    publish(&ring->shared->out_prod, ring->out_prod);
    return n;
}

size_t console_ring_get(struct console_ring *ring, char *data, size_t len)
{
    uint32_t ready = load(&ring->shared->in_prod) - ring->in_cons;

    if (ready > IN_SIZE) {
        ring->bad++;
        return 0;
    }
    size_t n = len < ready ? len : ready;
    for (size_t i = 0; i < n; i++) {
        data[i] = ring->shared->in[(ring->in_cons + i) % IN_SIZE];
    }
    ring->in_cons += (uint32_t)n;
    publish(&ring->shared->in_cons, ring->in_cons);
    return n;
}

size_t console_ring_unsent(struct console_ring *ring)
{
    uint32_t used;
    return out_used(ring, &used) ? used : OUT_SIZE;
}
