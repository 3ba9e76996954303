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
#endif
