/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memset with general registers only: interrupt handlers call it (see memcpy.S).
 *
 * On entry  rdi = dst, esi = byte, rdx = size (System V AMD64 ABI)
 * On exit   rax = dst; rcx, rdx, rsi, rdi, r8, r9 are lost; DF stays clear
 */

/* Above this size the start-up cost of `rep stosq` is worth paying. */
#define REP_MIN 128

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
    cmp $REP_MIN, %rdx
    ja .Lrep
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
