/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels under load: 10^5 events that come while another is handled, counted, and the stack
 * that they take measured two ways: where the handlers ran, and how far below anything was written.
 */
#include <stdint.h>

#include <pith/irq.h>
#include <xenplat/evtchn.h>
#include <xenplat/services.h>

#include "check.h"

#define EVENTS     100000u
#define UPCALLS    20000u
#define PAINT      0x5a5a5a5a5a5a5a5aull
#define PAINT_SIZE 12288u /* of the main thread's stack */
#define DEPTH_MAX  2048u  /* one interrupt frame and the calls above it */

extern const char irq_exit_start[];
extern const char irq_exit_end[];

/*
 * Behave like an interrupt that lands on instruction `rip` of another interrupt's exit: an outer
 * frame that returns here, below it an inner one with that RIP, the mask set and an event pending.
 */
static __attribute__((noinline)) void enter_at_exit(const void *rip)
{
    __asm__ volatile("movq %%rsp, %%r10\n\t"
                     "andq $-16, %%rsp\n\t"
                     "movl %%ss, %%eax\n\t"
                     "movl %%cs, %%ecx\n\t"
                     "leaq 1f(%%rip), %%rdx\n\t"
                     "pushq %%rax\n\t" /* outer frame */
                     "pushq %%r10\n\t"
                     "pushfq\n\t"
                     "pushq %%rcx\n\t"
                     "pushq %%rdx\n\t"
                     "movq %%rsp, %%r11\n\t"
                     "andq $-16, %%rsp\n\t"
                     "pushq %%rax\n\t" /* inner frame */
                     "pushq %%r11\n\t"
                     "pushfq\n\t"
                     "pushq %%rcx\n\t"
                     "pushq %0\n\t"
                     "movb $1, %%gs:%c1\n\t"
                     "movb $1, %%gs:%c2\n\t"
                     "jmp x86_irq_common\n"
                     "1:"
                     :
                     : "D"(rip), "i"(PERCPU_IRQ_MASK), "i"(PERCPU_IRQ_PENDING)
                     : "rax", "rcx", "rdx", "r10", "r11", "memory", "cc");
}

static int ping, pong;
static volatile uint32_t pings, pongs, nested, inside;
static volatile uintptr_t lowest; /* frame address of the deepest handler */

static void note_depth(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (here < lowest) {
        lowest = here;
    }
}

/* The handler signals its own port, and sometimes the other: both arrive while it runs. */
static void on_ping(uint32_t port, void *arg)
{
    (void)arg;
    nested += inside++;
    note_depth();
    if (++pings < EVENTS) {
        evtchn_notify(port);
        if (pings % 4 == 0) {
            evtchn_notify((uint32_t)pong);
        }
    }
    inside--;
}

static void on_pong(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
    nested += inside++;
    note_depth();
    pongs++;
    inside--;
}

static __attribute__((noinline)) volatile uint64_t *stack_below(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return (volatile uint64_t *)(here - PAINT_SIZE);
}

/* From the far end up: the frames of these functions are at the near end, and are left alone. */
static __attribute__((noinline)) void stack_paint(void)
{
    volatile uint64_t *p = stack_below();
    for (unsigned i = 0; i < (PAINT_SIZE - 512) / 8; i++) {
        p[i] = PAINT;
    }
}

/* Bytes from the near end down to the lowest word that has been written. */
static __attribute__((noinline)) unsigned stack_used(void)
{
    volatile uint64_t *p = stack_below();
    unsigned i = 0;
    while (i < (PAINT_SIZE - 512) / 8 && p[i] == PAINT) {
        i++;
    }
    return PAINT_SIZE - i * 8;
}

static void binds(void)
{
    ping = evtchn_bind_ipi(0, on_ping, NULL);
    pong = evtchn_bind_ipi(0, on_pong, NULL);
    CHECK(ping > 0);
    CHECK(pong > 0);
    CHECK(ping != pong);
}

static void depth_ok(unsigned used)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    CHECK(lowest < here);
    CHECK(here - lowest < DEPTH_MAX);
    CHECK(used < DEPTH_MAX);
    CHECK_EQ(nested, 0);
}

/* Events whose handlers make the next ones. */
static void storm_from_handlers(void)
{
    pings = pongs = nested = 0;
    lowest = UINTPTR_MAX;
    uint64_t before = evtchn_count((uint32_t)pong);
    stack_paint();
    evtchn_notify((uint32_t)ping);
    while (pings < EVENTS) {
        __builtin_ia32_pause();
    }
    unsigned used = stack_used();
    CHECK_EQ(pings, EVENTS);
    CHECK_EQ(evtchn_count((uint32_t)pong) - before, pongs);
    CHECK(pongs > 0);
    depth_ok(used);
}

/* Each with the mask open: an upcall and a return per event, so the count is exact. */
static void storm_from_thread(void)
{
    pings = EVENTS; /* the handler only counts */
    pongs = nested = 0;
    lowest = UINTPTR_MAX;
    stack_paint();
    for (unsigned i = 0; i < UPCALLS; i++) {
        evtchn_notify((uint32_t)pong);
    }
    unsigned used = stack_used();
    CHECK_EQ(pongs, UPCALLS);
    depth_ok(used);
}

static void masked_events_wait(void)
{
    pongs = 0;
    bool was = irq_save();
    for (int i = 0; i < 1000; i++) {
        evtchn_notify((uint32_t)pong);
    }
    CHECK_EQ(pongs, 0);
    irq_restore(was);
    CHECK_EQ(pongs, 1); /* an event is a flag, not a counter */

    evtchn_mask((uint32_t)pong);
    evtchn_notify((uint32_t)pong);
    CHECK_EQ(pongs, 1);
    evtchn_unmask((uint32_t)pong);
    CHECK_EQ(pongs, 2);
}

/* Land on each byte of the exit, which includes each of its instructions. */
static void exit_is_restartable(void)
{
    pongs = 0;
    lowest = UINTPTR_MAX;
    unsigned places = 0;
    for (const char *rip = irq_exit_start; rip < irq_exit_end; rip++, places++) {
        (void)irq_save();
        evtchn_notify((uint32_t)pong);
        enter_at_exit(rip);
        CHECK(!irq_is_masked());
    }
    CHECK(places > 8);
    CHECK_EQ(pongs, places);
    depth_ok(0);
}

static void unbound_port_is_harmless(void)
{
    uint64_t before = evtchn_unexpected();
    uint32_t port = 1000; /* nobody's */
    unsigned word = port / 64;
    uint64_t bit = 1UL << port % 64;

    bool was = irq_save();
    __atomic_and_fetch(&xen_shared_info->evtchn_mask[word], ~bit, __ATOMIC_SEQ_CST);
    __atomic_or_fetch(&xen_shared_info->evtchn_pending[word], bit, __ATOMIC_SEQ_CST);
    __atomic_or_fetch(&xen_vcpu()->evtchn_pending_sel, 1UL << word, __ATOMIC_SEQ_CST);
    evtchn_notify((uint32_t)pong); /* selectors are only looked at when something has come */
    irq_restore(was);
    CHECK_EQ(evtchn_unexpected() - before, 1);
    CHECK(xen_shared_info->evtchn_mask[word] & bit);
    CHECK(evtchn_notify(EVTCHN_PORTS - 1) < 0);
}

static void closed_port_is_quiet(void)
{
    pongs = 0;
    evtchn_close((uint32_t)pong);
    CHECK(evtchn_notify((uint32_t)pong) < 0);
    CHECK_EQ(pongs, 0);
    evtchn_close((uint32_t)ping);
}

int main(void)
{
    check_run("binds", binds);
    check_run("storm_from_handlers", storm_from_handlers);
    check_run("storm_from_thread", storm_from_thread);
    check_run("masked_events_wait", masked_events_wait);
    check_run("exit_is_restartable", exit_is_restartable);
    check_run("unbound_port_is_harmless", unbound_port_is_harmless);
    check_run("closed_port_is_quiet", closed_port_is_quiet);
    return check_done();
}
