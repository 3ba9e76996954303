/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Self-IPIs in three priority classes, in bursts of one each: some find the mask open, some find a
 * handler running, some land in the exit's last instructions. Every one is counted and the stack
 * stays bounded.
 */
#include <stdint.h>
#include <stdlib.h>

#include <pith/irq.h>
#include <pith/platform.h>
#include <x86/irq.h>
#include <x86/machine.h>

#include "check.h"

#define CLASSES    3u
#define PAINT      0x5a5a5a5a5a5a5a5aull
#define PAINT_SIZE 12288u
#define DEPTH_MAX  2048u /* an interrupt frame, the handlers' frames, and one bare frame per class */
#define WAIT_NS    2000000000ull

static volatile uint64_t count[CLASSES];
static volatile uint64_t nested; /* the lowest handler raises the highest class while it runs */
static int vector[CLASSES];
static unsigned long total;

static void handler(void *arg)
{
    unsigned i = (unsigned)(uintptr_t)arg;
    count[i] = count[i] + 1;
    if (i == 0 && count[0] % 16 == 0) {
        nested = nested + 1;
        x86_lapic_self_ipi((unsigned)vector[2]);
    }
}

static uint64_t area_low; /* lowest painted address */

/* Paint the stack that the frames below our caller will use. */
static __attribute__((noinline)) void paint(void)
{
    volatile uint64_t area[PAINT_SIZE / 8];
    for (unsigned i = 0; i < PAINT_SIZE / 8; i++) {
        area[i] = PAINT;
    }
    area_low = (uint64_t)area;
}

static bool wait_for(unsigned i, uint64_t want)
{
    uint64_t until = platform_clock_ns() + WAIT_NS;
    for (unsigned spins = 0; count[i] < want; spins++) {
        if (spins % 1024 == 1023 && platform_clock_ns() > until) {
            return false;
        }
    }
    return true;
}

static __attribute__((noinline)) bool send_all(void)
{
    for (uint64_t n = 0; n < total / CLASSES; n++) {
        bool masked = n % 4 == 3;
        bool was = masked ? irq_save() : false;
        for (unsigned i = 0; i < CLASSES; i++) {
            x86_lapic_self_ipi((unsigned)vector[n % 2 ? i : CLASSES - 1 - i]);
        }
        if (masked) {
            irq_restore(was);
        }
        /*
         * The nested ones may merge with the burst's own of the same vector: that is the APIC's,
         * not ours.
         */
        if (!wait_for(0, n + 1) || !wait_for(1, n + 1) || !wait_for(2, n + 1)) {
            return false;
        }
    }
    return true;
}

static void storm(void)
{
    static const enum irq_class classes[CLASSES] = {IRQ_CLASS_LOW, IRQ_CLASS_DEVICE, IRQ_CLASS_HIGH};

    for (unsigned i = 0; i < CLASSES; i++) {
        vector[i] = irq_alloc(classes[i], handler, (void *)(uintptr_t)i);
        if (!CHECK(vector[i] > 0)) {
            return;
        }
    }
    paint();
    CHECK(send_all());
    const uint64_t *low = (const uint64_t *)area_low;
    unsigned used = PAINT_SIZE;
    for (unsigned i = 0; i < PAINT_SIZE / 8 && low[i] == PAINT; i++) {
        used -= 8;
    }
    printf("counted %llu %llu %llu, raised inside a handler %llu, stack %u bytes\n",
           (unsigned long long)count[0], (unsigned long long)count[1], (unsigned long long)count[2],
           (unsigned long long)nested, used);
    CHECK_EQ(count[0], total / CLASSES);
    CHECK_EQ(count[1], total / CLASSES);
    CHECK(count[2] >= total / CLASSES);
    CHECK(count[2] <= total / CLASSES + nested);
    CHECK(nested > 0);
    CHECK(used < DEPTH_MAX);
    CHECK_EQ(irq_unexpected(), 0);
}

int main(int argc, char **argv)
{
    total = argc > 1 ? strtoul(argv[1], NULL, 0) : 3000;
    check_run("self_ipi_storm", storm);
    return check_done();
}
