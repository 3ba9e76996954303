/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Switching threads: what the C ABI says a call preserves (rbx, rbp, r12-r15, MXCSR, x87 control
 * word).
 *
 * The saved stack holds, from ctx->sp: rbp rbx r12 r13 r14 r15, MXCSR and control word, return
 * address.
 */
    .text
    .globl platform_context_switch
/* platform_context_switch(struct context *from, const struct context *to, void *tp) */
platform_context_switch:
    subq $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    pushq %r15
    pushq %r14
    pushq %r13
    pushq %r12
    pushq %rbx
    pushq %rbp
    movq %rsp, (%rdi)
    movq (%rsi), %rsp
    cmpb $0, x86_has_fsgsbase(%rip)
    je 2f
    wrfsbase %rdx
1:  popq %rbp
    popq %rbx
    popq %r12
    popq %r13
    popq %r14
    popq %r15
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    ret
2:  movq %rdx, %rdi
    call platform_set_tp
    jmp 1b

/*
 * First activation of a context: platform_context_init() put the function in rbx, its argument in
 * r12.
 */
    .globl context_start
context_start:
    movq %r12, %rdi
    xorl %ebp, %ebp
    call *%rbx
    ud2
    .section .note.GNU-stack, "", @progbits
