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

#define FRAME_WORDS_GPR 15
#define FRAME_RIP  (17 * 8)
#define FRAME_RSP  (20 * 8)

/*
 * The frame at rsi: copy registers and iret frame below the RSP that it has, where rdi points then;
 * there is no red zone.
 */
.macro COPY_FRAME
    movq FRAME_RSP(%rsi), %rdi
    subq $40, %rdi
    andq $-16, %rdi
    movl $4, %ecx
8:  movq FRAME_RIP(%rsi, %rcx, 8), %rax
    movq %rax, (%rdi, %rcx, 8)
    decl %ecx
    jns 8b
    subq $(FRAME_WORDS_GPR * 8), %rdi
    movl $(FRAME_WORDS_GPR - 1), %ecx
9:  movq (%rsi, %rcx, 8), %rax
    movq %rax, (%rdi, %rcx, 8)
    decl %ecx
    jns 9b
.endm

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

/*
 * Where a fault goes on that libos deals with. Entry: rdi = RSP = its frame, aligned to 64, the mask
 * open. The FP state is saved around trap_run(), which gets a fresh one; then all registers come
 * from the frame.
 */
    .globl trap_diverted
trap_diverted:
    movq %rdi, %rbx
    movl x86_xstate_size(%rip), %eax
    subq %rax, %rsp
    andq $-64, %rsp
    cmpl $0, x86_xstate_mask(%rip)
    je 2f
    leaq 512(%rsp), %rdi
    xorl %eax, %eax
    movl $8, %ecx
    rep stosq                          /* XRSTOR wants zeros in the header */
    movl x86_xstate_mask(%rip), %eax
    xorl %edx, %edx
    xsave64 (%rsp)
    call 3f
    movl x86_xstate_mask(%rip), %eax
    xorl %edx, %edx
    xrstor64 (%rsp)
1:  movq %rbx, %rsi
    COPY_FRAME
    movq %rdi, %rsp
    POP_ALL_REGISTERS
    iretq
2:  fxsave64 (%rsp)
    call 3f
    fxrstor64 (%rsp)
    jmp 1b
3:  leaq 8(%rsp), %rsi
    movq %rbx, %rdi
    fninit
    pushq $0x1f80                      /* psABI 3.2.1: all exceptions masked */
    ldmxcsr (%rsp)
    call trap_run
    addq $8, %rsp
    ret

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
