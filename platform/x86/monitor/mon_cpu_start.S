/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How another CPU arrives: real mode at the trampoline's page, then long mode in one step, then CPL 3.
 *
 * Entry: STARTUP IPI, CS = page >> 4, IP = 0 (Intel SDM vol 3, "MP Initialization"). The page holds a copy of
 * the code up to mon_trampoline_end and a struct mon_arrival at MON_ARRIVAL.
 */
#include "mon.h"

    .text
    .globl mon_trampoline, mon_trampoline_end, mon_cpu_arrive
    .code16
mon_trampoline:
    cli
    movw %cs, %ax
    movw %ax, %ds
    lgdtl MON_ARRIVAL + ARRIVAL_GDTR
    movl $0x620, %eax
    movl %eax, %cr4
    movl MON_ARRIVAL + ARRIVAL_CR3, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    movl $0x900, %eax
    xorl %edx, %edx
    wrmsr
    movl $0x80010033, %eax
    movl %eax, %cr0
    ljmpl *(MON_ARRIVAL + ARRIVAL_LONG)
    .org mon_trampoline + MON_TRAMPOLINE_LONG
    .code64
    leaq mon_trampoline + MON_ARRIVAL(%rip), %rbx
    jmp *ARRIVAL_ARRIVE(%rbx)
mon_trampoline_end:

/* In the monitor's own text, RBX = the arrival, still on the trampoline's tables. */
mon_cpu_arrive:
    movl $SEL_KDATA, %eax
    movl %eax, %ss
    movq ARRIVAL_BLOCK(%rbx), %rdi
    leaq MON_STACK_MAIN(%rdi), %rsp
    leaq MON_GDT(%rdi), %rax
    pushq %rax
    subq $8, %rsp
    movw $GDT_BYTES - 1, 6(%rsp)
    lgdt 6(%rsp)
    lidt mon_idtr(%rip)
    movl $SEL_UDATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl $SEL_TSS, %eax
    ltr %ax
    movq mon_state + MON_STATE_CR4(%rip), %rax
    movq %rax, %cr4
    movl mon_state + MON_STATE_XCR0(%rip), %eax
    testl %eax, %eax
    jz 1f
    xorl %ecx, %ecx
    xorl %edx, %edx
    xsetbv
1:  movl $0xc0000101, %ecx
    movl ARRIVAL_PERCPU(%rbx), %eax
    movl ARRIVAL_PERCPU + 4(%rbx), %edx
    wrmsr
    movq ARRIVAL_STACK(%rbx), %rsi
    movq ARRIVAL_ENTRY(%rbx), %rdx
    movq ARRIVAL_FINAL_CR3(%rbx), %rax
    movq %rax, %cr3
    pushq $SEL_UDATA
    pushq %rsi
    pushq $0x202
    pushq $SEL_UCODE
    pushq %rdx
    iretq
    .section .note.GNU-stack, "", @progbits
