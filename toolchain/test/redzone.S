/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code for pith-redzone-scan. Functions bad_* use memory below the stack pointer and must all be
 * reported; functions good_* come close, and none may be.
 */
    .text
    .globl main
main:
    ret

bad_store:
    mov %rax, -8(%rsp)
    ret
bad_load:
    mov -128(%rsp), %rax
    ret
bad_after_pop:
    push %rax
    pop %rcx
    mov -8(%rsp), %rdx
    ret
bad_vector:
    movups %xmm0, -0x18(%rsp)
    ret
bad_modify:
    addl $1, -4(%rsp)
    ret
bad_frame_pointer:              /* what gcc -O0 makes of a leaf function */
    push %rbp
    mov %rsp, %rbp
    mov %edi, -0x14(%rbp)
    pop %rbp
    ret
bad_copy:
    mov %rsp, %rax
    mov %rax, %rcx
    movq $0, -8(%rcx)
    ret
bad_lea:
    lea -64(%rsp), %rdx
    mov %rax, (%rdx)
    ret
bad_partial_frame:
    push %rbp
    mov %rsp, %rbp
    sub $16, %rsp
    mov %rax, -24(%rbp)
    leave
    ret
bad_jump:
    jmp *-16(%rsp)

good_frame:
    push %rbp
    mov %rsp, %rbp
    sub $32, %rsp
    mov %rax, -32(%rbp)
    mov %rax, (%rsp)
    leave
    ret
good_big_frame:                 /* sub $128 is assembled as add $-128 */
    push %rbp
    mov %rsp, %rbp
    add $-128, %rsp
    mov %rax, -128(%rbp)
    leave
    ret
good_lea:                       /* an address, no access */
    lea -8(%rsp), %rsp
    mov %rax, (%rsp)
    add $8, %rsp
    ret
good_index:                     /* the last byte of a buffer on the stack */
    sub $64, %rsp
    mov $1, %eax
    movb $0, -1(%rsp,%rax)
    add $64, %rsp
    ret
good_other_base:
    mov -8(%rdi), %rax
    mov %fs:-8, %rcx
    ret
good_reload:                    /* %rcx is no copy any more */
    mov %rsp, %rcx
    mov (%rdi), %rcx
    mov -8(%rcx), %rax
    ret
good_branch:                    /* two ways lead to the label, one with a frame */
    mov %rsp, %rbp
    test %eax, %eax
    jz 1f
    ret
1:  mov -8(%rbp), %rax
    ret
good_align:
    mov %rsp, %rbp
    and $-64, %rsp
    mov %rax, -8(%rbp)
    mov %rbp, %rsp
    ret

__noscan_begin_test:            /* bytes of another mode, which mean nothing here */
    mov %rax, -8(%rsp)
__noscan_end_test:
    ret
    .section .note.GNU-stack, "", @progbits
