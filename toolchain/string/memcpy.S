/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcpy and memmove with general registers only.
 *
 * Interrupt handlers call them, and nobody saves vector registers there. They replace newlib's
 * memcpy, whose non-temporal stores throw out of the cache what the next function wants to read.
 * Every path loads the bytes at both ends before it stores over them, so the forward copy is also
 * right for overlapping areas with dst < src, and memmove shares it.
 *
 * On entry  rdi = dst, rsi = src, rdx = size (System V AMD64 ABI)
 * On exit   rax = dst; rcx, rdx, rsi, rdi, r8-r11 are lost; DF stays clear
 */

/* Above this size the start-up cost of `rep movsq` is worth paying. */
#define REP_MIN 256

    .section .text.memcpy, "ax", @progbits
    .globl memcpy, memmove
    .type memcpy, @function
    .type memmove, @function

    .p2align 4
memmove:
    mov %rdi, %rcx
    sub %rsi, %rcx
    cmp %rdx, %rcx              /* unsigned: dst inside [src, src + size)? */
    jb .Lbackward
memcpy:
    mov %rdi, %rax
    cmp $16, %rdx
    jb .Lsmall
    cmp $32, %rdx
    ja .Lforward

.Lupto32:                       /* 16..32 bytes: two pairs that may overlap */
    mov (%rsi), %rcx
    mov 8(%rsi), %r8
    mov -16(%rsi,%rdx), %r9
    mov -8(%rsi,%rdx), %r10
    mov %rcx, (%rdi)
    mov %r8, 8(%rdi)
    mov %r9, -16(%rdi,%rdx)
    mov %r10, -8(%rdi,%rdx)
    ret

.Lforward:
    cmp $REP_MIN, %rdx
    ja .Lrep
    mov -16(%rsi,%rdx), %r9     /* the tail is stored last, from registers */
    mov -8(%rsi,%rdx), %r10
    lea -16(%rdi,%rdx), %r11
1:  mov (%rsi), %rcx
    mov 8(%rsi), %r8
    mov %rcx, (%rdi)
    mov %r8, 8(%rdi)
    add $16, %rsi
    add $16, %rdi
    cmp %r11, %rdi
    jb 1b
    mov %r9, (%r11)
    mov %r10, 8(%r11)
    ret

.Lrep:                          /* aligned quad words between an unaligned head and tail */
    mov (%rsi), %r8
    mov -8(%rsi,%rdx), %r9
    lea -8(%rdi,%rdx), %r10
    lea 8(%rdi), %rcx
    and $-8, %rcx
    sub %rdi, %rcx              /* 1..8 bytes to the aligned destination */
    add %rcx, %rsi
    add %rcx, %rdi
    sub %rcx, %rdx
    mov %rdx, %rcx
    shr $3, %rcx
    rep movsq
    mov %r8, (%rax)
    mov %r9, (%r10)
    ret

.Lsmall:
    cmp $8, %edx
    jb 1f
    mov (%rsi), %rcx
    mov -8(%rsi,%rdx), %r8
    mov %rcx, (%rdi)
    mov %r8, -8(%rdi,%rdx)
    ret
1:  cmp $4, %edx
    jb 2f
    mov (%rsi), %ecx
    mov -4(%rsi,%rdx), %r8d
    mov %ecx, (%rdi)
    mov %r8d, -4(%rdi,%rdx)
    ret
2:  test %edx, %edx
    jz 3f
    movzbl (%rsi), %ecx         /* 1..3 bytes: first, middle, last */
    movzbl -1(%rsi,%rdx), %r8d
    mov %rdx, %r9
    shr %r9
    movzbl (%rsi,%r9), %r10d
    mov %cl, (%rdi)
    mov %r10b, (%rdi,%r9)
    mov %r8b, -1(%rdi,%rdx)
3:  ret

.Lbackward:                     /* src < dst < src + size */
    mov %rdi, %rax
    cmp $16, %rdx
    jb .Lsmall
    cmp $32, %rdx
    jbe .Lupto32
    mov (%rsi), %r9             /* the head is stored last, from registers */
    mov 8(%rsi), %r10
1:  mov -8(%rsi,%rdx), %rcx
    mov -16(%rsi,%rdx), %r8
    mov %rcx, -8(%rdi,%rdx)
    mov %r8, -16(%rdi,%rdx)
    sub $16, %rdx
    cmp $16, %rdx
    ja 1b
    mov %r9, (%rdi)
    mov %r10, 8(%rdi)
    ret
    .size memmove, memcpy - memmove
    .size memcpy, . - memcpy

    .section .note.GNU-stack, "", @progbits
