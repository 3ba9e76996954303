/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt entry and exit at CPL 3: one restartable protocol for the monitor platforms and Xen PV.
 *
 * A vector's stub records it (bit, owed EOI, pending) and returns at once while the mask is set:
 * without an EOI the APIC holds back its priority class, so at most one frame per class piles up.
 * With the mask open it sets the mask and handles. The exit opens the mask, looks at pending once
 * more and returns; an interrupt that lands between those instructions sends the exit back to the
 * start (irq_redo) instead of nesting, so depth stays bounded.
 *
 * x86_irq_common: mask = 1, all registers as interrupted, RSP at a plain iret frame (rip cs rflags
 * rsp ss). irq_exit_start: the same state at the end: mask = 1, everything restored.
 */
#include <pith/percpu.h>
#include <x86/entry.h>
#include <x86/percpu_slots.h>
#include <x86/registers.h>

    .text
    .balign 8
    .globl irq_stubs, irq_spurious, x86_irq_common, irq_exit_start, irq_exit_end
irq_stubs:
.set index, 0
.rept 32
    .org irq_stubs + IRQ_STUB(index)
    pushq $index
    jmp 1f
    .set index, index + 1
.endr
1:  jmp.d32 irq_record
.rept 32
    .org irq_stubs + IRQ_STUB(index)
    pushq $index
    jmp irq_record
    .set index, index + 1
.endr
    .org irq_stubs + IRQ_STUB(63) + 4 /* as near as the short jumps above need it */
irq_record:
    pushq %rax
    movq 8(%rsp), %rax
    btsq %rax, %gs:PERCPU_VECTORS
    incq %gs:PERCPU_EOI_OWED
    movb $1, %gs:PERCPU_IRQ_PENDING
    popq %rax
    addq $8, %rsp
    cmpb $0, %gs:PERCPU_IRQ_MASK
    jne 1f
    movb $1, %gs:PERCPU_IRQ_MASK
    jmp x86_irq_common
irq_spurious:
1:  iretq

    .balign 16
x86_irq_common:
    pushq %rax
    leaq irq_exit_start(%rip), %rax
    subq 8(%rsp), %rax
    negq %rax
    cmpq $(irq_exit_end - irq_exit_start), %rax
    jb irq_merge
    PUSH_CALLER_SAVED
    cld
    call x86_irq_run
    testl %eax, %eax
    jnz irq_preempt
irq_restore_registers:
    POP_CALLER_SAVED
    popq %rax
irq_exit_start:
    movb $0, %gs:PERCPU_IRQ_MASK
    cmpb $0, %gs:PERCPU_IRQ_PENDING
    jne irq_redo
    iretq
irq_redo:
    movb $1, %gs:PERCPU_IRQ_MASK
irq_exit_end:
    jmp x86_irq_common

/*
 * The interrupted code is an exit: it holds no state but the outer frame at its RSP. Let it start
 * over.
 */
irq_merge:
    leaq irq_redo(%rip), %rax
    movq %rax, 8(%rsp)
    popq %rax
    iretq

/* The scheduler's turn: everything that XGETBV says is enabled goes on this thread's stack. */
irq_preempt:
    pushq %rbx
    movq %rsp, %rbx
    movl x86_xstate_size(%rip), %eax
    subq %rax, %rsp
    andq $-64, %rsp
    cmpl $0, x86_xstate_mask(%rip)
    je 2f
    xorl %eax, %eax
    movq %rax, 512(%rsp)               /* XSAVE leaves the header's reserved bytes, XRSTOR wants zeros */
    movq %rax, 520(%rsp)
    movq %rax, 528(%rsp)
    movq %rax, 536(%rsp)
    movq %rax, 544(%rsp)
    movq %rax, 552(%rsp)
    movq %rax, 560(%rsp)
    movq %rax, 568(%rsp)
    movl x86_xstate_mask(%rip), %eax
    xorl %edx, %edx
    xsave64 (%rsp)
    fninit                             /* the next thread expects an empty x87 stack */
    movq 80(%rbx), %rdi                /* where it was interrupted: above rbx, 8 registers and rax */
    call thread_preempt
    movl x86_xstate_mask(%rip), %eax
    xorl %edx, %edx
    xrstor64 (%rsp)
1:  movq %rbx, %rsp
    popq %rbx
    jmp irq_restore_registers
2:  fxsave64 (%rsp)
    fninit
    movq 80(%rbx), %rdi                /* where it was interrupted: above rbx, 8 registers and rax */
    call thread_preempt
    fxrstor64 (%rsp)
    jmp 1b
    .section .note.GNU-stack, "", @progbits
