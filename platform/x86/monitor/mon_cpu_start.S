/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How another CPU arrives: real mode at the trampoline's page, then long mode in one step, then CPL 3.
 * Entry: STARTUP IPI, CS = page >> 4, IP = 0 (Intel SDM vol 3, "MP Initialization"). The page is a copy
 * of mon_trampoline up to its end, with two words filled in.
 */
#include "../mon_layout.h"

    .text
    .globl mon_trampoline, mon_trampoline_end, mon_cpu_arrive
    .balign 8
    .code16
mon_trampoline:
    jmp 1f
    .org mon_trampoline + MON_TRAMPOLINE_CR3
    .quad 0
    .quad 0                            /* MON_TRAMPOLINE_ARRIVE */
trampoline_gdt:
    .quad 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff
trampoline_gdtr:
    .word 31
    .long trampoline_gdt - mon_trampoline
trampoline_jump:
    .long 2f - mon_trampoline
    .word SEL_KCODE
1:  movw %cs, %ax
    movw %ax, %ds
    movzwl %ax, %ebx
    shll $4, %ebx                      /* the page's address: added to what has to be linear */
    addl %ebx, trampoline_gdtr + 2 - mon_trampoline
    addl %ebx, trampoline_jump - mon_trampoline
    lgdtl trampoline_gdtr - mon_trampoline
    movl $0x620, %eax                  /* PAE OSFXSR OSXMMEXCPT */
    movl %eax, %cr4
    movl MON_TRAMPOLINE_CR3, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    movl $0x900, %eax                  /* EFER: LME, NXE */
    xorl %edx, %edx
    wrmsr
    movl $0x80010033, %eax             /* PG WP NE ET MP PE */
    movl %eax, %cr0
    ljmpl *(trampoline_jump - mon_trampoline)
    .code64
2:  jmp *mon_trampoline + MON_TRAMPOLINE_ARRIVE(%rip)
    .balign 8
mon_trampoline_end:

/* In the monitor's own text, still on the trampoline's tables, no stack yet. */
mon_cpu_arrive:
    movl $SEL_KDATA, %eax
    movl %eax, %ss
    movq mon_state + MON_STATE_ARRIVING(%rip), %rdi
    leaq MON_STACK_MAIN(%rdi), %rsp
    leaq MON_GDT(%rdi), %rax
    pushq %rax
    subq $8, %rsp
    movw $GDT_BYTES - 1, 6(%rsp)
    lgdt 6(%rsp)
    lidt mon_idtr(%rip)
    xorl %eax, %eax
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
1:  movl $0xc0000101, %ecx             /* GS base */
    movl MON_VARS(%rdi), %eax
    movl MON_VARS + 4(%rdi), %edx
    wrmsr
    movq mon_state + MON_STATE_CR3(%rip), %rax
    movq %rax, %cr3
    pushq $SEL_UDATA
    pushq MON_VARS + 32(%rdi)          /* stack */
    pushq $0x202
    pushq $SEL_UCODE
    pushq MON_VARS + 24(%rdi)          /* entry */
    iretq
