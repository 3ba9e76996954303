/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where Xen enters a PV guest: exceptions and events.
 *
 * Xen builds the frame on the interrupted stack, aligned to 16 bytes, from low to high: rcx, r11,
 * [error code], rip, cs, rflags, rsp, ss. Byte 4 of the cs slot holds the event mask as it was; cs
 * and ss come with RPL 0, which iretq at ring 3 would refuse. Source: xen
 * public/arch-x86/xen-x86_64.h; xen/arch/x86/x86_64/entry.S, create_bounce_frame.
 */
#include <x86/registers.h>

#define SAVED_CS   8
#define SAVED_MASK 12
#define SAVED_SS   32

/* Offsets in struct trap_frame (pith/trap.h), whose first 22 words this file pushes. */
#define FRAME_REGS 120 /* 15 registers */
#define FRAME_IRET (FRAME_REGS + 16)

    .section .text, "ax"

/*
 * One stub of 16 bytes per exception vector, so that the trap table is computed and not stored. Xen
 * masks events on the way in (flag 4 of the trap table): the next page fault would overwrite CR2.
 */
    .macro TRAP_STUB vector
    .balign 16
    popq %rcx
    popq %r11
    .if (\vector == 8) || (\vector >= 10 && \vector <= 14) || (\vector == 17) || (\vector == 21)
    .else
    pushq $0
    .endif
    pushq $\vector
    jmp trap_common
    .endm

    .balign 16
    .globl xen_pv_trap_stubs
xen_pv_trap_stubs:
    .irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21
    TRAP_STUB \vector
    .endr

/*
 * Xen could not return to us because a segment register would not load; it pushes ds, es, fs, gs
 * below rip. Nothing of ours loads bad selectors, so report it as the #GP it is.
 */
    .balign 16
    .globl xen_pv_failsafe_entry
xen_pv_failsafe_entry:
    popq %rcx
    popq %r11
    addq $32, %rsp
    pushq $0
    pushq $13

trap_common:
    PUSH_ALL_REGISTERS
    orb $3, FRAME_IRET + SAVED_CS(%rsp)
    orb $3, FRAME_IRET + SAVED_SS(%rsp)
    cld
    movq %rsp, %rdi
    call xen_pv_trap /* 22 words lie on a 16-byte border: the stack is aligned */
    POP_ALL_REGISTERS
    addq $16, %rsp
    /*
     * iretq does not put the event mask back: where it was open, leave by the exit that opens it.
     */
    testb $1, SAVED_MASK(%rsp)
    jz irq_exit_start
    iretq

/* Event upcall. Xen has set the mask: from here it is an interrupt as on every other platform. */
    .balign 16
    .globl xen_pv_event_entry
xen_pv_event_entry:
    popq %rcx
    popq %r11
    orb $3, SAVED_CS(%rsp)
    orb $3, SAVED_SS(%rsp)
    jmp x86_irq_common

    .section .note.GNU-stack, "", @progbits
