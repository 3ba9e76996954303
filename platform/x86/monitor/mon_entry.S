/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries into the monitor: exceptions, the call, interrupts while idle.
 *
 * State at each entry: CPL 0, IF = 0 (interrupt gates), on the CPU's main stack or the exception's IST stack, both inside
 * its struct mon_cpu; %gs and %fs are CPL 3's and not used. Every instruction costs an emulation on a KVM
 * without hardware virtualisation, so the paths are short and nothing loops.
 */
#include <pith/percpu.h>
#include <x86/mon.h>
#include <x86/percpu_slots.h>

#include "mon.h"

    .text
    .globl mon_base
mon_base:

.macro EXCEPTION n
mon_exception_\n:
    .if (\n == 8) || (\n >= 10 && \n <= 14) || (\n == 17) || (\n == 21) || (\n == 29) || (\n == 30)
    .else
    pushq $0
    .endif
    pushq $\n
    jmp mon_reflect
.endm
.altmacro
.set vector, 0
.rept 32
    .if vector != 13
    EXCEPTION %vector
    .endif
    .set vector, vector + 1
.endr

/* #GP: a call when it comes from the call site, else a fault. Stack: error, rip, cs, rflags, rsp, ss. */
mon_exception_13:
    pushq %r11
    movq mon_state + MON_STATE_CALL_SITE(%rip), %r11
    cmpq %r11, 16(%rsp)
    popq %r11
    jne 1f
    addq $8, %rsp
    incq (%rsp)                    /* behind the one-byte hlt */
    cmpq $MON_OPS, %rax
    jae 2f
    subq $8, %rsp                  /* the ABI's alignment at a call */
    leaq mon_ops(%rip), %r11
    movslq (%r11, %rax, 4), %rax
    addq %r11, %rax
    call *%rax
    addq $8, %rsp
    iretq
2:  movq $-22, %rax                /* -EINVAL */
    iretq
1:  pushq $13

/* Hand a fault to CPL 3: all registers are kept, C rewrites the frame's RIP and RSP. */
mon_reflect:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    cld
    movq %rsp, %rdi
    call mon_fault
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

/*
 * Interrupts during the idle window: recorded, not acknowledged, so that depth is bounded by the priority
 * classes. The gates of the normal table lead to CPL 3 and can't be taken from CPL 0.
 */
    .balign 8
    .globl mon_idle_stub
mon_idle_stub:
.set vector, 0
.rept 64
    .balign 8
    pushq $vector
    jmp.d32 mon_idle_record
    .set vector, vector + 1
.endr
    .balign 8
    iretq                          /* stub 64: spurious, nothing to record */
mon_idle_record:
    pushq %rax
    pushq %rcx
    movq %rsp, %rcx
    andq $-MON_CPU_SIZE, %rcx
    movq MON_VARS(%rcx), %rcx
    movq 16(%rsp), %rax
    btsq %rax, PERCPU_VECTORS(%rcx)
    incq PERCPU_EOI_OWED(%rcx)
    movb $1, PERCPU_IRQ_PENDING(%rcx)
    popq %rcx
    popq %rax
    addq $8, %rsp
    iretq

/* MON_IDLE. An interrupt that came before `sti` is seen in irq_pending; one behind it ends the hlt. */
mon_op_idle:
    movq %rsp, %rcx
    andq $-MON_CPU_SIZE, %rcx
    movq MON_VARS(%rcx), %rcx
    xorl %eax, %eax
    cmpb $0, PERCPU_IRQ_PENDING(%rcx)
    jne 1f
    lidt mon_idle_idtr(%rip)
    sti
    hlt
    cli
    lidt mon_idtr(%rip)
1:  ret

mon_op_stop:
    pushq $0
    pushq $0
    lidt (%rsp)
    ud2

mon_op_flush:
    movq %cr3, %rax
    movq %rax, %cr3
    xorl %eax, %eax
    ret

/*
 * Instructions that may fault on what CPL 3 gave: a fault between the labels returns -EFAULT to the caller.
 * mon_copy(dst, src, words), mon_wrmsr(msr, value), mon_rdmsr(msr, *value).
 */
    .globl mon_fixup_start, mon_fixup_end, mon_fixup_fail, mon_copy, mon_wrmsr, mon_rdmsr
mon_fixup_start:
mon_copy:
    movq (%rsi), %rax
    movq %rax, (%rdi)
    addq $8, %rsi
    addq $8, %rdi
    decq %rdx
    jnz mon_copy
    xorl %eax, %eax
    ret
mon_wrmsr:
    movl %edi, %ecx
    movl %esi, %eax
    movq %rsi, %rdx
    shrq $32, %rdx
    wrmsr
    xorl %eax, %eax
    ret
mon_rdmsr:
    movl %edi, %ecx
    rdmsr
    shlq $32, %rdx
    movl %eax, %eax
    orq %rax, %rdx
    movq %rdx, (%rsi)
    xorl %eax, %eax
    ret
mon_fixup_end:
mon_fixup_fail:
    movq $-14, %rax                /* -EFAULT */
    ret

/* mon_vmcall(const uint64_t call[6]): hypercall-abi.rst: rax, rdi, rsi, rdx, r10, r8; clobbers rcx, r11 on AMD. */
    .globl mon_vmcall
mon_vmcall:
    movq %rdi, %r9
    movl (%r9), %eax
    movq 8(%r9), %rdi
    movq 16(%r9), %rsi
    movq 24(%r9), %rdx
    movq 32(%r9), %r10
    movq 40(%r9), %r8
    cmpl $1, mon_state + MON_STATE_XEN(%rip)
    jne 1f
    vmcall
    ret
1:  vmmcall
    ret

    .section .rodata.mon_entry, "a"
    .balign 4
    .globl mon_exception_offset
mon_exception_offset:
.set vector, 0
.macro OFFSET n
    .long mon_exception_\n - mon_base
.endm
.rept 32
    OFFSET %vector
    .set vector, vector + 1
.endr

/* Operations by number, relative to the table: in the text, since the monitor has no constants of its own. */
    .text
    .balign 4
mon_ops:
    .long mon_op_start - mon_ops
    .long mon_pages - mon_ops
    .long mon_op_idle - mon_ops
    .long mon_op_wrmsr - mon_ops
    .long mon_op_rdmsr - mon_ops
    .long mon_op_hypercall - mon_ops
    .long mon_cpu_prepare - mon_ops
    .long mon_op_stop - mon_ops
    .long mon_op_seal - mon_ops
    .long mon_donate - mon_ops
    .long mon_op_flush - mon_ops
    .globl mon_ops_end
mon_ops_end:

/* Pseudo-descriptors of LIDT, filled at boot: the monitor has no initialised data (link.ld asserts it). */
    .bss
    .balign 8
    .globl mon_idtr, mon_idle_idtr
mon_idtr:
    .skip 16
mon_idle_idtr:
    .skip 16
    .section .note.GNU-stack, "", @progbits
