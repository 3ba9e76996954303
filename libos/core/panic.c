/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Crash reports: what happened, where, in which thread; the registers; the stacks. Everything that
 * is read may be broken, so addresses are probed, no lock is taken, and a crash in the report ends
 * it.
 */
#include <pith/panic.h>

#include <stdarg.h>

#include <pith/exit.h>
#include <pith/log.h>
#include <pith/platform.h>
#include <pith/thread.h>
#include <pith/trap.h>

#include "backtrace.h"
#include "cold.h"
#include "sched.h"

#define INDENT             "    "
#define OTHERS_MAX         16u /* threads shown besides the crashed one */
#define OTHERS_DEPTH       8u
#define VECTOR_PAGE_FAULT  14u
/* Error code of a page fault: Intel SDM vol 3, "Page-Fault Exceptions". */
#define FAULT_PRESENT 1u
#define FAULT_WRITE   2u
#define FAULT_FETCH   16u

extern const char __image_start[]; /* linker script */

static unsigned crashes; /* reports begun, on any CPU */

/* The first crash reports. One inside the report says so and ends it; a third only stops. */
COLD static void begin(const char *what)
{
    irq_save();
    unsigned before = __atomic_fetch_add(&crashes, 1, __ATOMIC_SEQ_CST);
    if (before == 1) {
        log_raw("\n*** Crash during the crash report: %s\n", what);
        machine_crash();
    }
    if (before > 1) {
        platform_stop(PLATFORM_CRASH, 1);
    }
}

COLD static void print_where(void)
{
    struct percpu *cpu = percpu_this();
    uint64_t us = platform_clock_ns() / 1000;

    if (cpu->current != NULL) {
        log_raw("    in thread %u \"%s\"%s, ", thread_id(cpu->current), thread_name(cpu->current),
                cpu->irq_depth != 0 ? " (interrupt handler)" : "");
    } else {
        log_raw("    in boot code, ");
    }
    log_raw("CPU %u, %lu.%06lu s after boot; image at %p\n", cpu->id, us / 1000000, us % 1000000,
            (const void *)__image_start);
}

COLD static void print_registers(const struct trap_frame *f)
{
    log_raw("registers\n"
            "    rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n"
            "    rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx\n",
            f->rax, f->rbx, f->rcx, f->rdx, f->rsi, f->rdi, f->rbp, f->rsp);
    log_raw("    r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n"
            "    r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n",
            f->r8, f->r9, f->r10, f->r11, f->r12, f->r13, f->r14, f->r15);
    log_raw("    rip %016lx  rflags %lx  cs %lx  ss %lx  vector %lu  error %lx\n", f->rip,
            f->rflags, f->cs, f->ss, f->vector, f->error);
}

COLD static void print_other(struct thread *t, void *arg)
{
    static const char *const names[] = { "running", "ready", "blocked", "ended" };
    unsigned *count = arg;
    uintptr_t rbp;

    if (t == thread_current() || ++*count > OTHERS_MAX) {
        return;
    }
    log_raw("thread %u \"%s\" (%s)\n", t->id, t->name,
            t->state <= THREAD_DEAD ? names[t->state] : "?");
    /* platform_context_switch() leaves the frame pointer on top of the stack. */
    if (t->state != THREAD_RUNNING && platform_probe_read(&rbp, t->context.sp, sizeof(rbp)) == 0) {
        backtrace_print(rbp, OTHERS_DEPTH, INDENT);
    }
}

COLD static _Noreturn void finish(void)
{
    unsigned count = 0;

    thread_for_each(print_other, &count);
    if (count > OTHERS_MAX) {
        log_raw("%u more threads\n", count - OTHERS_MAX);
    }
    machine_crash();
}

COLD _Noreturn void panic_at(const char *file, int line, const char *fmt, ...)
{
    char message[LOG_LINE_MAX];
    va_list ap;

    va_start(ap, fmt);
    log_vformat(message, sizeof(message), fmt, ap);
    va_end(ap);
    begin(message);
    log_raw("\n*** Crash: %.200s\n", message);
    log_raw("    at %s:%d\n", file, line);
    print_where();
    log_raw("stack\n");
    backtrace_print((uintptr_t)__builtin_frame_address(0), BACKTRACE_MAX, INDENT);
    finish();
}

COLD static void print_page_fault(const struct trap_frame *f)
{
    const struct thread *overflown = thread_guarded_at(f->address);
    const char *access = "read of";

    if (f->error & FAULT_FETCH) {
        access = "execution of";
    } else if (f->error & FAULT_WRITE) {
        access = "write to";
    }
    if (overflown != NULL) {
        log_raw("\n*** Crash: stack overflow of thread %u \"%s\" (%lu KiB), %s %p\n", overflown->id,
                overflown->name, overflown->memory.stack_size >> 10, access, (void *)f->address);
        return;
    }
    log_raw("\n*** Crash: page fault, %s %p, which is %s\n", access, (void *)f->address,
            f->address < PAGE_SIZE ? "a null pointer"
            : f->error & FAULT_PRESENT ? "not permitted there" : "not mapped");
}

COLD _Noreturn void panic_trap(const struct trap_frame *frame)
{
    begin(trap_name(frame->vector));
    if (frame->vector == VECTOR_PAGE_FAULT) {
        print_page_fault(frame);
    } else {
        log_raw("\n*** Crash: %s, error code 0x%lx\n", trap_name(frame->vector), frame->error);
    }
    backtrace_print_address(frame->rip, 0, "    at ");
    print_where();
    print_registers(frame);
    log_raw("stack\n");
    backtrace_print_trap(frame->rip, frame->rsp, frame->rbp, INDENT);
    finish();
}
