/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a fault goes on that libos deals with. Entry: rdi = RSP = its frame, aligned to 64, the mask
 * open. The FP state is saved around trap_run(), which gets a fresh one; then all registers come
 * from the frame.
 */
#include <x86/registers.h>

    .text
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
    .section .note.GNU-stack, "", @progbits
