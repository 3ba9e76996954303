/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first and the second entry of a PV guest: from Xen, and into the image's new place.
 */

    .section .text, "ax"

/*
 * Entry from Xen (ELF note ENTRY).
 *
 * State   64-bit ring 3, paging on, %rsi = struct start_info, %rsp = one page of boot stack, flat
 *         selectors, %ds %es %fs %gs 0, events masked; the image runs at VIRT_BASE + its physical
 *         address and its pointers are not relocated
 * Source  xen public/arch-x86/xen-x86_64.h and public/xen.h, "Start-of-day memory layout"
 */
    .globl start_pv
start_pv:
    cld
    xorl %ebp, %ebp
    leaq boot_stack_top(%rip), %rsp
    movq %rsi, %rdi
    call xen_pv_start
    ud2

/*
 * _Noreturn void xen_pv_jump(uintptr_t delta, void (*fn)(void), void *stack_top)
 *
 * Go on in fn at the same code moved by delta, on an empty stack. fn and stack_top are addresses of
 * the old place.
 */
    .globl xen_pv_jump
xen_pv_jump:
    leaq (%rdx, %rdi), %rsp
    addq %rdi, %rsi
    xorl %ebp, %ebp
    call *%rsi
    ud2

    .section .note.GNU-stack, "", @progbits
