/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a fault of CPL 3 continues after the monitor has recorded it.
 *
 * Entry: masked (the monitor set the flag), RSP on this CPU's fault stack, all other registers as
 * at the fault; the rest is in percpu's fault record. A fault that was fixed up returns to the
 * faulting stack first and leaves from there, so that nobody is preempted while on the fault stack.
 */
#include <pith/percpu.h>
#include <x86/percpu_slots.h>
#include <x86/registers.h>

    .text
    .globl trap_entry
trap_entry:
    subq $8, %rsp
    pushq %gs:PERCPU_FAULT + 56        /* address */
    pushq %gs:PERCPU_FAULT + 48        /* ss */
    pushq %gs:PERCPU_FAULT + 40        /* rsp */
    pushq %gs:PERCPU_FAULT + 32        /* rflags */
    pushq %gs:PERCPU_FAULT + 24        /* cs */
    pushq %gs:PERCPU_FAULT + 16        /* rip */
    pushq %gs:PERCPU_FAULT + 8         /* error */
    pushq %gs:PERCPU_FAULT             /* vector */
    PUSH_ALL_REGISTERS
    cld
    movq %gs:PERCPU_OLD_MASK, %rbx     /* survives nested faults in a callee-saved register */
    movq %rsp, %rdi
    call x86_trap

    movq %rsp, %rsi
    COPY_FRAME
    movq %rdi, %rsp
    testb %bl, %bl
    POP_ALL_REGISTERS
    jz irq_exit_start                  /* pops leave the flags alone: the mask was open */
    iretq

/* int platform_probe_read(void *dst, const void *src, size_t n): 0 or -EFAULT (14). */
    .globl platform_probe_read
platform_probe_read:
    movq %rdx, %rcx
    xorl %eax, %eax
1:  rep movsb
    ret
2:  movq $-14, %rax
    ret
    .pushsection .pith.fixup, "a"
    .long 1b - ., 2b - .
    .popsection
    .section .note.GNU-stack, "", @progbits
