/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries into the monitor: exceptions, the call, interrupts while idle.
 * State at each: CPL 0, IF = 0, on the CPU's main stack or the exception's IST stack, both inside its
 * struct mon_cpu; %gs and %fs are CPL 3's and not used. Short, since some KVMs emulate all of it.
 */
#include <pith/percpu.h>
#include <x86/mon.h>
#include <x86/percpu_slots.h>

#include "../mon_layout.h"

    .text
    .globl mon_base, mon_idle_stub, mon_idtr, mon_idle_idtr
/* One stub per exception, MON_STUB_BYTES apart: error code (0 where the CPU pushes none) and vector. */
mon_base:
.set vector, 0
.rept MON_EXCEPTIONS
    .org mon_base + vector * MON_STUB_BYTES
    .if vector == 13
    jmp mon_gp
    .else
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
    pushq $0
    .endif
    pushq $vector
    jmp mon_reflect
    .endif
    .set vector, vector + 1
.endr

/* Hand a fault to CPL 3: all registers are kept, C rewrites the frame's RIP and RSP. */
    .org mon_base + vector * MON_STUB_BYTES
mon_reflect:
.irp r, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
    pushq %\r
.endr
    cld
    movq %rsp, %rdi
    call mon_fault
.irp r, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
    popq %\r
.endr
    addq $16, %rsp
    iretq

/* #GP: a call when it comes from the call site, else a fault. Stack: error, rip, cs, rflags, rsp, ss. */
mon_gp:
    pushq %r11
    movq mon_state + MON_STATE_CALL_SITE(%rip), %r11
    cmpq %r11, 16(%rsp)
    popq %r11
    jne 1f
    addq $8, %rsp
    incq (%rsp)                        /* behind the one-byte hlt */
    cmpq $MON_OPS, %rax
    jae 2f
    subq $8, %rsp                      /* the ABI's alignment at a call */
    leaq mon_ops(%rip), %r11
    movslq (%r11, %rax, 4), %rax
    addq %r11, %rax
    call *%rax
    addq $8, %rsp
    iretq
2:  movq $-22, %rax                    /* -EINVAL */
    iretq
1:  pushq $13
    jmp mon_reflect

/*
 * Interrupts during the idle window: recorded, not acknowledged, so that depth is bounded by the priority classes. The
 * gates of the normal table lead to CPL 3 and can't be taken from CPL 0. Behind each half of the stubs, as
 * far as a short jump goes, is a long one. Stub 64 is for spurious ones.
 */
mon_idle_stub:
.set vector, 0
.rept 64
    .org mon_idle_stub + MON_IDLE_STUB(vector)
    pushq $vector
    jmp mon_idle_stub + MON_IDLE_STUB((vector | 31) + 1) - 8
    .set vector, vector + 1
    .if vector % 32 == 0
    jmp mon_idle_record
    .endif
.endr
    .org mon_idle_stub + MON_IDLE_STUB(64)
    iretq
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
    leaq mon_idle_hlt(%rip), %rax
    cmpq %rax, 24(%rsp)
    jne 1f
    incq 24(%rsp)                      /* before the hlt: don't sleep on what has come */
1:  popq %rcx
    popq %rax
    addq $8, %rsp
    iretq

/* MON_IDLE. An interrupt that came before `sti` is seen in irq_pending; one behind it ends or skips the hlt. */
mon_op_idle:
    movq %rsp, %rcx
    andq $-MON_CPU_SIZE, %rcx
    movq MON_VARS(%rcx), %rcx
    xorl %eax, %eax
    cmpb $0, PERCPU_IRQ_PENDING(%rcx)
    jne 1f
    lidt mon_idle_idtr(%rip)
    sti                                /* no shadow behind it in QEMU's nested SVM, nor for an NMI */
mon_idle_hlt:
    hlt
    cli
    lidt mon_idtr(%rip)
1:  ret

mon_op_seal:
    movl $1, mon_state + MON_STATE_SEALED(%rip)
    xorl %eax, %eax
    ret

mon_op_stop:
    lidt mon_pml4(%rip)                /* zeros: no gates, so the next fault is a triple one */
    ud2

/* Instructions that may fault on what CPL 3 gave; then the caller gets -EFAULT. mon_copy(dst, src, words) */
    .globl mon_fixup_start, mon_fixup_end, mon_copy, mon_wrmsr
mon_fixup_start:
mon_copy:
    movq %rdx, %rcx
    xorl %eax, %eax
    rep movsq
    ret
mon_wrmsr:                             /* (msr, value) */
    movl %edi, %ecx
    movl %esi, %eax
    movq %rsi, %rdx
    shrq $32, %rdx
    wrmsr
    xorl %eax, %eax
    ret
mon_fixup_end:                         /* and where a fault continues */
    movq $-14, %rax
    ret

/* mon_vmcall(struct mon_hypercall *): Xen keeps all registers but rax, and r9 and the arguments in debug builds */
    .globl mon_vmcall
mon_vmcall:
    movq (%rdi), %rax
    movq 16(%rdi), %rsi
    movq 24(%rdi), %rdx
    movq 32(%rdi), %r10
    movq 40(%rdi), %r8
    movq 8(%rdi), %rdi
    cmpl $1, mon_state + MON_STATE_XEN(%rip)
    jne 1f
    vmcall
    ret
1:  vmmcall
    ret

/* Operations by number, as offsets: the monitor's constants need no relocation. */
mon_ops:
.irp op, mon_op_start, mon_pages, mon_op_idle, mon_op_wrmsr, mon_op_hypercall, mon_cpu_prepare, mon_op_stop, mon_op_seal, mon_donate
    .long \op - mon_ops
.endr

/* Pseudo-descriptors of LIDT, filled at boot: the monitor has no initialised data (link.ld asserts it). */
    .bss
    .balign 8
mon_idtr: .skip 16
mon_idle_idtr: .skip 16
