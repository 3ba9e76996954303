/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine for the thread system inside a Linux process: real stacks and switches, guard pages by
 * mprotect, and a clock that the test moves. An "interrupt" comes at each opening of the mask while
 * fake_percpu.irq_pending is set. Included once, after libos/core/sched.h.
 */
#pragma once

#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include "fake_cpu.h"
#include "unit.h"

#define MS        1000000ull
#define RAM_PAGES 16384ul

static uint64_t now;
static uint64_t alarm_ns = UINT64_MAX;
static unsigned clock_sets;
static unsigned long switches;
static unsigned idle_limit = 1000000;
static size_t page_op_calls;
static bool page_ops_fail;
static bool storm; /* time passes at every opening of the mask */

/* TLS data of the "program": 8 initialised bytes, aligned to 32, 92 bytes of zeros behind. */
__asm__(".data\n.balign 64\n"
        ".globl __tdata_start, __tdata_end, __tbss_end, __tls_align\n"
        "__tdata_start:\n.ascii \"TLS-INIT\"\n"
        "__tdata_end:\n.zero 24\n"
        "__tls_align:\n.zero 68\n"
        "__tbss_end:\n.text\n");

uint64_t platform_clock_ns(void)
{
    return now;
}

size_t platform_entropy(void *buf, size_t len)
{
    memset(buf, 0x11, len);
    return len;
}

void platform_timer_set(uint64_t deadline_ns)
{
    EXPECT(irq_is_masked());
    clock_sets++;
    alarm_ns = deadline_ns;
}

/* What an interrupt of the clock does. Context: masked. */
static void deliver(void)
{
    if (alarm_ns <= now) {
        alarm_ns = UINT64_MAX;
        fake_percpu.irq_depth = 1;
        timer_interrupt();
        fake_percpu.irq_depth = 0;
    }
}

void platform_irq_replay(void)
{
    irq_save();
    now += storm ? 3 * MS : 1;
    deliver();
    if (fake_percpu.need_resched && fake_percpu.preempt_count == 0) {
        thread_preempt(0);
    }
    EXPECT(irq_is_masked());
    fake_percpu.irq_mask = 0;
}

void platform_idle(void)
{
    EXPECT(irq_is_masked());
    if (alarm_ns == UINT64_MAX || idle_limit-- == 0) {
        printf("idle without an alarm: a wake-up was lost\n");
        exit(3);
    }
    now = now < alarm_ns ? alarm_ns : now;
    deliver();
}

void platform_cpu_kick(unsigned cpu)
{
    (void)cpu;
    EXPECT(!"kick on one CPU");
}

void platform_set_tp(void *tp)
{
    (void)tp;
}

int platform_page_ops(const struct page_op *ops, size_t n)
{
    page_op_calls++;
    EXPECT(!irq_is_masked());
    for (size_t i = 0; i < n && !page_ops_fail; i++) {
        int prot = ops[i].prot == PAGE_PROT_NONE ? PROT_NONE : PROT_READ | PROT_WRITE;
        EXPECT(mprotect(ops[i].va, ops[i].npages * PAGE_SIZE, prot) == 0);
    }
    return page_ops_fail ? -ENOMEM : 0;
}

void switch_stacks(void **from, void *to);
__asm__(".text\n.globl switch_stacks\nswitch_stacks:\n"
        "push %rbx\npush %r12\npush %r13\npush %r14\npush %r15\npush %rbp\n"
        "mov %rsp, (%rdi)\nmov %rsi, %rsp\n"
        "pop %rbp\npop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\nret\n"
        "first_code:\nmov %r12, %rdi\ncall *%rbx\nud2\n");
extern const char first_code[];

void platform_context_init(struct context *ctx, void *stack_top, void (*entry)(void *), void *arg)
{
    const struct thread *t = arg;
    uintptr_t *sp = stack_top;

    EXPECT((uintptr_t)stack_top % 16 == 0);
    __asan_unpoison_memory_region(t->memory.stack, t->memory.stack_size);
    sp -= 2; /* keeps the ABI's alignment at the call */
    *--sp = (uintptr_t)first_code;
    *--sp = (uintptr_t)entry; /* rbx */
    *--sp = (uintptr_t)arg;   /* r12 */
    *--sp = 0;
    *--sp = 0;
    *--sp = 0;
    *--sp = 0; /* rbp */
    ctx->sp = sp;
}

void platform_context_switch(struct context *from, const struct context *to, void *tp)
{
    EXPECT(irq_is_masked());
    EXPECT(fake_percpu.current == tp);
    switches++;
    __asan_handle_no_return();
    switch_stacks(&from->sp, to->sp);
}

_Noreturn void machine_exit(int status)
{
    EXPECT(status == 0);
    exit(unit_done());
}
