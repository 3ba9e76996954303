/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * int64_t mon_call(op, a, b, c): the one call site of the monitor (x86/mon.h).
 *
 * The hlt raises #GP at CPL 3; the monitor knows this address, runs the operation and returns
 * behind it. All caller-saved registers may change.
 */
    .text
    .globl mon_call, mon_call_site
mon_call:
    movq %rdi, %rax
    movq %rsi, %rdi
    movq %rdx, %rsi
    movq %rcx, %rdx
mon_call_site:
    hlt
    ret
    .section .note.GNU-stack, "", @progbits
