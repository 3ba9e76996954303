/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcpy and memmove. They replace newlib's memcpy, whose non-temporal stores throw out of the cache
 * what the next function wants to read.
 *
 * Up to 64 bytes in general registers. What is longer goes in vectors of 32 bytes (AVX) while
 * interrupts are open, which a preemption saves; an interrupt handler calls these functions too, and
 * nobody saves vectors for it: its mask is set, and it gets general registers. So does everybody
 * until the platform has found and switched on AVX and says so in __string_wide.
 *
 * Every path loads the bytes at both ends before it stores over them, so the forward copy is also
 * right for overlapping areas with dst < src, and memmove shares it.
 *
 * On entry  rdi = dst, rsi = src, rdx = size (System V AMD64 ABI)
 * On exit   rax = dst; rcx, rdx, rsi, rdi, r8-r11, ymm0-ymm8 are lost; DF stays clear
 */
#include <pith/percpu.h>

    .bss
    .globl __string_wide        /* a byte: bit 0 when %gs is set and XCR0 has AVX; bit 1: AVX2, too */
__string_wide:
    .skip 1

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
    ja .Lover32

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

.Lover32:
    cmp $64, %rdx
    ja .Lover64
    mov -32(%rsi,%rdx), %r8     /* 33..64 bytes: the last 32 are stored last, from registers */
    mov -24(%rsi,%rdx), %r9
    mov -16(%rsi,%rdx), %r10
    mov -8(%rsi,%rdx), %r11
    mov (%rsi), %rcx
    mov %rcx, (%rdi)
    mov 8(%rsi), %rcx
    mov %rcx, 8(%rdi)
    mov 16(%rsi), %rcx
    mov %rcx, 16(%rdi)
    mov 24(%rsi), %rcx
    mov %rcx, 24(%rdi)
    mov %r8, -32(%rdi,%rdx)
    mov %r9, -24(%rdi,%rdx)
    mov %r10, -16(%rdi,%rdx)
    mov %r11, -8(%rdi,%rdx)
    ret

.Lover64:
    cmpb $0, __string_wide(%rip)
    je .Lplain
    cmpb $0, %gs:PERCPU_IRQ_MASK
    jne .Lplain
    vmovdqu -64(%rsi,%rdx), %ymm6
    vmovdqu -32(%rsi,%rdx), %ymm7
    vmovdqu (%rsi), %ymm8
    cmp $128, %rdx
    ja 1f
    vmovdqu 32(%rsi), %ymm5     /* 65..128 bytes: everything is loaded before the first store */
    vmovdqu %ymm5, 32(%rdi)
    jmp 4f
1:  vmovdqu -128(%rsi,%rdx), %ymm4
    vmovdqu -96(%rsi,%rdx), %ymm5
    lea -128(%rdi,%rdx), %r8
    sub %rdi, %rsi              /* from here on relative to rdi */
    and $-32, %rdi
    add $32, %rdi
    cmp %r8, %rdi
    jae 3f
2:  vmovdqu (%rdi,%rsi), %ymm0
    vmovdqu 32(%rdi,%rsi), %ymm1
    vmovdqu 64(%rdi,%rsi), %ymm2
    vmovdqu 96(%rdi,%rsi), %ymm3
    vmovdqa %ymm0, (%rdi)
    vmovdqa %ymm1, 32(%rdi)
    vmovdqa %ymm2, 64(%rdi)
    vmovdqa %ymm3, 96(%rdi)
    add $128, %rdi
    cmp %r8, %rdi
    jb 2b
3:  vmovdqu %ymm4, (%r8)        /* the ends, from registers: the tail and the head */
    vmovdqu %ymm5, 32(%r8)
4:  vmovdqu %ymm6, -64(%rax,%rdx)
    vmovdqu %ymm7, -32(%rax,%rdx)
    vmovdqu %ymm8, (%rax)
    vzeroupper
    ret

.Lplain:                        /* aligned quad words between an unaligned head and tail */
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
