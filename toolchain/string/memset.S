/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memset: more than 64 bytes in vectors where memcpy.S may use them, too.
 *
 * On entry  rdi = dst, esi = byte, rdx = size (System V AMD64 ABI)
 * On exit   rax = dst; rcx, rdx, rsi, rdi, r8, r9, ymm0 are lost; DF stays clear
 */
#include <pith/percpu.h>

    .section .text.memset, "ax", @progbits
    .globl memset
    .type memset, @function

    .p2align 4
memset:
    mov %rdi, %r8
    movzbl %sil, %ecx
    mov $0x0101010101010101, %rax
    imul %rcx, %rax             /* the byte, eight times */
    cmp $16, %rdx
    jb .Lsmall
    cmp $64, %rdx
    ja .Lover64
    lea -16(%rdi,%rdx), %r9
1:  mov %rax, (%rdi)
    mov %rax, 8(%rdi)
    add $16, %rdi
    cmp %r9, %rdi
    jb 1b
    mov %rax, (%r9)
    mov %rax, 8(%r9)
    mov %r8, %rax
    ret

.Lover64:
    cmpb $0, __string_wide(%rip)
    je .Lrep
    cmpb $0, %gs:PERCPU_IRQ_MASK
    jne .Lrep
    vmovq %rax, %xmm0
    vpunpcklqdq %xmm0, %xmm0, %xmm0
    vinsertf128 $1, %xmm0, %ymm0, %ymm0
    lea -128(%rdi,%rdx), %r9
    vmovdqu %ymm0, (%rdi)
    vmovdqu %ymm0, 32(%rdi)
    vmovdqu %ymm0, 64(%r9)
    vmovdqu %ymm0, 96(%r9)
    cmp $128, %rdx
    jbe 2f
    vmovdqu %ymm0, (%r9)
    vmovdqu %ymm0, 32(%r9)
    and $-32, %rdi
    add $32, %rdi
    cmp %r9, %rdi
    jae 2f
1:  vmovdqa %ymm0, (%rdi)
    vmovdqa %ymm0, 32(%rdi)
    vmovdqa %ymm0, 64(%rdi)
    vmovdqa %ymm0, 96(%rdi)
    add $128, %rdi
    cmp %r9, %rdi
    jb 1b
2:  mov %r8, %rax
    vzeroupper
    ret

.Lrep:                          /* aligned quad words between an unaligned head and tail */
    mov %rax, (%rdi)
    mov %rax, -8(%rdi,%rdx)
    lea (%rdi,%rdx), %rcx
    add $8, %rdi
    and $-8, %rdi
    sub %rdi, %rcx
    shr $3, %rcx
    rep stosq
    mov %r8, %rax
    ret

.Lsmall:
    cmp $8, %edx
    jb 1f
    mov %rax, (%rdi)
    mov %rax, -8(%rdi,%rdx)
    mov %r8, %rax
    ret
1:  cmp $4, %edx
    jb 2f
    mov %eax, (%rdi)
    mov %eax, -4(%rdi,%rdx)
    mov %r8, %rax
    ret
2:  test %edx, %edx
    jz 3f
    mov %al, (%rdi)             /* 1..3 bytes: first, middle, last */
    mov %al, -1(%rdi,%rdx)
    shr %edx
    mov %al, (%rdi,%rdx)
3:  mov %r8, %rax
    ret
    .size memset, . - memset

    .section .note.GNU-stack, "", @progbits
