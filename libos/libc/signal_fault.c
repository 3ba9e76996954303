/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults of the CPU as signals: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, where the program has a
 * handler that isn't blocked and there is a stack to run it on; else the crash report.
 *
 * The causes are those of Linux, arch/x86/kernel/traps.c and arch/x86/mm/fault.c.
 */
#include <stddef.h>
#include <string.h>

#include <pith/platform.h>
#include <pith/trap.h>

#include "signal_impl.h"

#define PAGE_FAULT_PRESENT 1u
#define HANDLER_ROOM       2048u /* below what the platform needs: trap_run() and some of the handler */
#define SKIPPED            256u  /* the code may be about to push; nothing is kept there */

struct cause {
    uint8_t vector, sig, code;
    bool has_address; /* si_addr is the instruction's */
};

static const struct cause causes[] = {
    { 0, SIGFPE, FPE_INTDIV, true },    { 1, SIGTRAP, TRAP_TRACE, true },
    { 3, SIGTRAP, SI_KERNEL, false },   { 4, SIGSEGV, SI_KERNEL, false },
    { 5, SIGSEGV, SI_KERNEL, false },   { 6, SIGILL, ILL_ILLOPN, true },
    { 11, SIGBUS, SI_KERNEL, false },   { 12, SIGBUS, SI_KERNEL, false },
    { 13, SIGSEGV, SI_KERNEL, false },  { 14, SIGSEGV, SEGV_MAPERR, false },
    { 16, SIGFPE, FPE_FLTINV, true },   { 17, SIGBUS, BUS_ADRALN, false },
    { 19, SIGFPE, FPE_FLTINV, true },
};

static const struct cause *cause_of(uint64_t vector)
{
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
        if (causes[i].vector == vector) {
            return &causes[i];
        }
    }
    return NULL;
}

/* Whether the pages from low to top can be read, which a guard page can't. */
static bool is_mapped(uintptr_t low, uintptr_t top)
{
    char byte;
    for (uintptr_t at = low; at < top; at = (at | (PAGE_SIZE - 1)) + 1) {
        if (platform_probe_read(&byte, (const void *)at, 1) != 0) {
            return false;
        }
    }
    return true;
}

/* Context: masked, on the stack where faults are taken; no lock: this CPU may hold one. */
static bool take(struct trap_frame *f)
{
    const struct cause *c = cause_of(f->vector);
    struct thread_data *data = thread_data();
    if (c == NULL || !data->of_program) {
        return false;
    }
    const struct sigaction *a = &signal_actions[c->sig];
    if (a->sa_handler == SIG_DFL || a->sa_handler == SIG_IGN ||
        (data->mask & signal_bit(c->sig)) != 0) {
        return false;
    }
    uintptr_t top = f->rsp - SKIPPED;
    size_t room = platform_trap_room() + HANDLER_ROOM;
    uintptr_t alternate = (uintptr_t)data->alternate.ss_sp;
    if ((a->sa_flags & SA_ONSTACK) && data->alternate.ss_size != 0 &&
        !signal_on_alternate(data, f->rsp)) {
        top = alternate + data->alternate.ss_size;
    }
    if (signal_on_alternate(data, top - 1) ? top - alternate < room : top < room) {
        return false;
    }
    if (!is_mapped(top - room, top)) {
        return false;
    }
    platform_trap_divert(f, (void *)top);
    return true;
}

/* What an SSE exception was about; Linux, arch/x86/kernel/fpu/core.c, fpu__exception_code(). */
static int sse_code(const void *fp)
{
    uint32_t mxcsr;
    memcpy(&mxcsr, (const char *)fp + 24, sizeof(mxcsr)); /* Intel SDM vol 1, "FXSAVE area" */
    uint32_t error = mxcsr & ~(mxcsr >> 7);
    return error & 1 ? FPE_FLTINV : error & 4 ? FPE_FLTDIV : error & 8 ? FPE_FLTOVF
           : error & 0x12 ? FPE_FLTUND : error & 0x20 ? FPE_FLTRES : FPE_FLTINV;
}

static int x87_code(const void *fp)
{
    uint16_t control, status;
    memcpy(&control, fp, sizeof(control));
    memcpy(&status, (const char *)fp + 2, sizeof(status));
    unsigned error = status & ~control;
    return error & 1 ? FPE_FLTINV : error & 4 ? FPE_FLTDIV : error & 8 ? FPE_FLTOVF
           : error & 0x12 ? FPE_FLTUND : error & 0x20 ? FPE_FLTRES : FPE_FLTINV;
}

/* The registers of struct trap_frame in the order of gregset_t's first ones. */
static const uint8_t registers[] = {
    offsetof(struct trap_frame, r8), offsetof(struct trap_frame, r9), offsetof(struct trap_frame, r10),
    offsetof(struct trap_frame, r11), offsetof(struct trap_frame, r12),
    offsetof(struct trap_frame, r13), offsetof(struct trap_frame, r14),
    offsetof(struct trap_frame, r15), offsetof(struct trap_frame, rdi),
    offsetof(struct trap_frame, rsi), offsetof(struct trap_frame, rbp),
    offsetof(struct trap_frame, rbx), offsetof(struct trap_frame, rdx),
    offsetof(struct trap_frame, rax), offsetof(struct trap_frame, rcx),
    offsetof(struct trap_frame, rsp), offsetof(struct trap_frame, rip),
    offsetof(struct trap_frame, rflags),
};

static void copy_registers(struct trap_frame *f, greg_t *gregs, bool back)
{
    for (size_t i = 0; i < sizeof(registers); i++) {
        char *at = (char *)f + registers[i];
        memcpy(back ? at : (char *)&gregs[i], back ? (char *)&gregs[i] : at, sizeof(greg_t));
    }
}

/* Context: thread, unmasked, on the handler's stack. */
static void run(struct trap_frame *f, void *fp)
{
    const struct cause *c = cause_of(f->vector);
    ucontext_t u = { .uc_mcontext = { .fpregs = fp } };
    siginfo_t info = { .si_signo = c->sig, .si_code = c->code };
    info.si_addr = c->has_address ? (void *)f->rip : (void *)f->address;
    if (f->vector == 14 && (f->error & PAGE_FAULT_PRESENT)) {
        info.si_code = SEGV_ACCERR;
    } else if (f->vector == 16 || f->vector == 19) {
        info.si_code = f->vector == 16 ? x87_code(fp) : sse_code(fp);
    }
    copy_registers(f, u.uc_mcontext.gregs, false);
    u.uc_mcontext.gregs[REG_ERR] = (greg_t)f->error;
    u.uc_mcontext.gregs[REG_TRAPNO] = (greg_t)f->vector;
    u.uc_mcontext.gregs[REG_CR2] = (greg_t)f->address;
    bool was = spin_lock(&signal_lock);
    struct sigaction a = signal_actions[c->sig];
    u.uc_sigmask = signal_mask_for(&a, c->sig);
    if (a.sa_flags & SA_RESETHAND) {
        signal_actions[c->sig] = (struct sigaction){ .sa_flags = 0 };
    }
    spin_unlock(&signal_lock, was);
    a.sa_flags &= ~SA_ONSTACK; /* it is there already */
    if (a.sa_handler != SIG_DFL && a.sa_handler != SIG_IGN) {
        signal_call(&a, &info, &u, !signal_on_alternate(thread_data(), f->rsp));
    }
    copy_registers(f, u.uc_mcontext.gregs, true);
}

void signal_take_faults(void)
{
    static const struct trap_user user = { .take = take, .run = run };
    trap_set_user(&user);
}
