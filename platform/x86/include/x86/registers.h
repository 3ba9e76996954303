/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For assembly: the general registers in the order of struct trap_frame (pith/trap.h), all of them, or
 * those that a C function may change. Pops leave the flags alone.
 */
#pragma once

#ifdef __ASSEMBLER__
.macro PUSH_ALL_REGISTERS
    .irp r, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
    pushq %\r
    .endr
.endm

.macro POP_ALL_REGISTERS
    .irp r, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
    popq %\r
    .endr
.endm

/* Without rax, which the interrupt entry has pushed already. */
.macro PUSH_CALLER_SAVED
    .irp r, rcx, rdx, rsi, rdi, r8, r9, r10, r11
    pushq %\r
    .endr
.endm

.macro POP_CALLER_SAVED
    .irp r, r11, r10, r9, r8, rdi, rsi, rdx, rcx
    popq %\r
    .endr
.endm

/* Offsets in struct trap_frame. */
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
#endif
