/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of the loaders other than Xen PV, down to C at CPL 3.
 *
 *   start_pvh      PVH (xen docs/misc/pvh.pandoc): 32 bit, paging off, EBX = start_info
 *   start_mb2      multiboot2 3.3: 32 bit, paging off, EAX = magic, EBX = information
 *   start_linux64  Linux 64-bit boot protocol: long mode, identity mapped, RSI = zero page
 *
 * Nothing else is known: not the load address (GRUB may move the image), not a stack. On a KVM
 * without hardware virtualisation each instruction at CPL 0 is emulated, so this does the least:
 * map the low memory up to the image's end in 2 MiB pages, enter long mode, read CPUID, drop to CPL
 * 3.
 */
#include <x86/boot.h>

#include "mon_layout.h"

#define MSR_APIC_BASE    0x1b
#define APIC_BASE_X2     0x400
#define APIC_BASE_ENABLE 0x800
#define MSR_EFER   0xc0000080
#define EFER_BITS  0x900               /* LME, NXE */
#define CR0_BITS   0x80010033          /* PG WP NE ET MP PE; AM off */
#define CR4_BITS   0x620               /* PAE OSFXSR OSXMMEXCPT */
#define BIG_PAGE   0x87                /* present, writable, user, 2 MiB */

    .section .text.boot, "ax"
boot_base:
    .code32
    .globl start_pvh, start_mb2, start_linux64
start_pvh:
    movl $BOOT_PVH, %esi
    jmp start32
start_mb2:
    movl $BOOT_MULTIBOOT2, %esi
    cmpl $0x36d76289, %eax
    je start32
1:  hlt                                /* some other loader: nothing can be said here */
    jmp 1b

/* The first word of the loader's structure is the stack for one call, and is put back. */
start32:
    cli
    cld
    movl (%ebx), %edx
    leal 4(%ebx), %esp
    call 1f
1:  popl %ebp
    subl $(1b - boot_base), %ebp       /* where boot_base was loaded */
    movl %edx, (%ebx)
    leal (mon_cpu0 + MON_STACK_MAIN - boot_base)(%ebp), %esp

    leal (mon_pml4 - boot_base)(%ebp), %edi
    leal (mon_boot_tables - boot_base)(%ebp), %ecx
    leal 7(%ecx), %eax
    movl %eax, (%edi)
    leal 0x1007(%ecx), %eax
    movl %eax, (%ecx)
    leal 0x1000(%ecx), %ecx
    leal (__image_end - boot_base)(%ebp), %edx
    movl $BIG_PAGE, %eax
2:  movl %eax, (%ecx)
    addl $8, %ecx
    addl $0x200000, %eax
    cmpl %edx, %eax
    jb 2b

    movl $CR4_BITS, %eax
    movl %eax, %cr4
    movl %edi, %cr3
    movl $MSR_EFER, %ecx
    movl $EFER_BITS, %eax
    xorl %edx, %edx
    wrmsr
    movl $CR0_BITS, %eax
    movl %eax, %cr0
    leal (boot_gdt - boot_base)(%ebp), %eax
    pushl $0
    pushl %eax
    pushw $GDT_BYTES - 1
    lgdt (%esp)
    leal (start64 - boot_base)(%ebp), %eax
    pushl $SEL_KCODE
    pushl %eax
    lret

    .code64
/*
 * Paging is on with the loader's tables; they map us, but nobody says what else, so ours replace
 * them.
 */
start_linux64:
    cli
    cld
    movl %esi, %ebx
    leaq boot_base(%rip), %rbp
    movl $BOOT_LINUX64, %esi
    leaq mon_cpu0 + MON_STACK_MAIN(%rip), %rsp
    leaq mon_pml4(%rip), %rdi
    leaq mon_boot_tables(%rip), %rcx
    leaq 7(%rcx), %rax
    movq %rax, (%rdi)
    leaq 0x1007(%rcx), %rax
    movq %rax, (%rcx)
    leaq 0x1000(%rcx), %rcx
    leaq __image_end(%rip), %rdx
    movl $BIG_PAGE, %eax
1:  movq %rax, (%rcx)
    addq $8, %rcx
    addq $0x200000, %rax
    cmpq %rdx, %rax
    jb 1b
    movl $CR4_BITS, %eax
    movq %rax, %cr4
    movq %rdi, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_BITS, %eax
    wrmsr
    movl $CR0_BITS, %eax
    movq %rax, %cr0
    leaq boot_gdt(%rip), %rax
    pushq %rax
    subq $8, %rsp
    movw $GDT_BYTES - 1, 6(%rsp)
    lgdt 6(%rsp)
    leaq start64(%rip), %rax
    pushq $SEL_KCODE
    pushq %rax
    lretq

/* Long mode, CPL 0. EBX = loader's structure, ESI = BOOT_*, EBP = load address. */
start64:
    movl $SEL_KDATA, %eax
    movl %eax, %ss
    movl $SEL_UDATA, %eax
    movl %eax, %ds
    movl %eax, %es
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl %ebx, %r13d
    movl %esi, %r14d

    leaq boot_cpuid(%rip), %rdi        /* leaf and subleaf stand in the table */
    movl $BOOT_CPUIDS_N, %r8d
1:  movl (%rdi), %eax
    movl 4(%rdi), %ecx
    cpuid
    movl %eax, 8(%rdi)
    movl %ebx, 12(%rdi)
    movl %ecx, 16(%rdi)
    movl %edx, 20(%rdi)
    addq $24, %rdi
    decl %r8d
    jnz 1b

    /*
     * x2APIC mode has no MMIO; the way back goes through "disabled" (Intel SDM vol 3, "x2APIC State
     * Transitions").
     */
    movl $MSR_APIC_BASE, %ecx
    rdmsr
    testl $APIC_BASE_X2, %eax
    jz 2f
    andl $~(APIC_BASE_X2 | APIC_BASE_ENABLE), %eax
    wrmsr
    orl $APIC_BASE_ENABLE, %eax
    wrmsr
2:
    /* A TSS, so that #GP at CPL 3 has a stack and ports are open; an IDT with #GP alone. */
    leaq mon_cpu0(%rip), %rdi
    leaq MON_STACK_MAIN(%rdi), %rax
    movq %rax, 4(%rdi)
    movw $TSS_IOMAP, 102(%rdi)
    leaq boot_gdt(%rip), %rcx
    movl %edi, %eax
    shll $16, %eax
    movl $TSS_IOMAP + 8192, %edx
    orl %edx, %eax
    movl %eax, SEL_TSS(%rcx)
    movl %edi, %eax
    shrl $16, %eax
    movzbl %al, %edx
    andl $0xff00, %eax
    shll $16, %eax
    leal 0x8900(%rax, %rdx), %eax
    movl %eax, SEL_TSS + 4(%rcx)
    movl $SEL_TSS, %eax
    ltr %ax
    leaq boot_gp(%rip), %rax
    leaq mon_cpu0 + MON_BOOT_IDT(%rip), %rdi
    movw %ax, 13 * 16(%rdi)
    movw $SEL_KCODE, 13 * 16 + 2(%rdi)
    shrl $16, %eax
    movw $0x8e00, 13 * 16 + 4(%rdi)
    movw %ax, 13 * 16 + 6(%rdi)
    pushq %rdi
    subq $8, %rsp
    movw $14 * 16 - 1, 6(%rsp)
    lidt 6(%rsp)

    pushq $SEL_UDATA
    leaq boot_stack_top(%rip), %rax
    pushq %rax
    pushq $0x002                       /* IF = 0: the firmware's timer may be running, and there are no gates */
    pushq $SEL_UCODE
    leaq boot_cpl3(%rip), %rax
    pushq %rax
    iretq

boot_cpl3:
    xorl %ebp, %ebp
    movl %r14d, %edi
    movl %r13d, %esi
    call x86_boot
    ud2

/*
 * boot_enter(const struct boot_enter *) at CPL 3 raises #GP; at CPL 0 boot_gp loads the final
 * tables and returns to the image's high address. This code lies in a user page: SMEP comes on
 * later, in the monitor.
 */
    .globl boot_enter
boot_enter:
    xorl %eax, %eax
    hlt
/* int64_t boot_hypercall(nr, a1, a2): to Xen from CPL 0, whence a PVH guest has to make it. */
    .globl boot_hypercall
boot_hypercall:
    movl $1, %eax
    hlt
    ret
boot_gp:
    addq $8, %rsp
    testl %eax, %eax
    jz 2f
    incq (%rsp)                        /* behind the hlt */
    movl %edi, %eax
    movq %rsi, %rdi
    movq %rdx, %rsi
    cmpl $0x756e6547, boot_cpuid + 12(%rip) /* "Genu": Intel; else AMD's instruction */
    jne 3f
    vmcall
    iretq
3:  vmmcall
    iretq
2:
    lgdt BOOT_ENTER_GDTR(%rdi)
    lidt BOOT_ENTER_IDTR(%rdi)
    movl $SEL_TSS, %eax
    ltr %ax
    movq BOOT_ENTER_CR4(%rdi), %rax
    movq %rax, %cr4
    movl BOOT_ENTER_XCR0(%rdi), %eax
    testl %eax, %eax
    jz 1f
    xorl %ecx, %ecx
    xorl %edx, %edx
    xsetbv
1:  movl $0xc0000101, %ecx
    movl BOOT_ENTER_GS(%rdi), %eax
    movl BOOT_ENTER_GS + 4(%rdi), %edx
    wrmsr
    decl %ecx
    movl BOOT_ENTER_FS(%rdi), %eax
    movl BOOT_ENTER_FS + 4(%rdi), %edx
    wrmsr
    movq BOOT_ENTER_RIP(%rdi), %rax
    movq %rax, (%rsp)
    movq $0x202, 16(%rsp)              /* IF = 1 from here on: the mask is a flag in memory */
    movq BOOT_ENTER_RSP(%rdi), %rax
    movq %rax, 24(%rsp)
    iretq
    .globl boot_gp, boot_gp_end        /* what runs at CPL 0, for those who count it */
boot_gp_end:

    .data
    .balign 8
    .globl boot_cpuid
boot_cpuid:                            /* in the order of the enum in x86/boot.h */
    .long 0, 0, 0, 0, 0, 0
    .long 1, 0, 0, 0, 0, 0
    .long 7, 0, 0, 0, 0, 0
    .long 0xd, 0, 0, 0, 0, 0
    .long 0xd, 1, 0, 0, 0, 0
    .long 0x80000001, 0, 0, 0, 0, 0
    .long 0x40000000, 0, 0, 0, 0, 0
    .long 0x40000001, 0, 0, 0, 0, 0
    .long 0x15, 0, 0, 0, 0, 0
boot_cpuid_end:
    .set BOOT_CPUIDS_N, (boot_cpuid_end - boot_cpuid) / 24

    .globl boot_gdt
boot_gdt:
    .quad 0, 0
    .quad 0x00af9b000000ffff           /* 0x10 code, CPL 0 */
    .quad 0x00cf93000000ffff           /* 0x18 data, CPL 0 */
    .quad 0
    .quad 0x00cff3000000ffff           /* 0x2b data, CPL 3 */
    .quad 0x00affb000000ffff           /* 0x33 code, CPL 3 */
    .quad 0
    .quad 0, 0                         /* 0x40 TSS */

/*
 * Stacks, each with a guard page below it that the final mapping leaves out (image_guard() in
 * boot_tables.c).
 */
    .bss
    .balign 4096
    .globl boot_stack_guard, boot_stack_top, fault_stack_guard, fault_stack_low, fault_stack_high
boot_stack_guard:
    .skip 4096
    .skip 16384
boot_stack_top:
fault_stack_guard:
    .skip 4096
fault_stack_low:
    .skip 12288
fault_stack_high:

#define STRING_NOTE(type, string) \
    .balign 4; .long 4, 2f - 1f, type; .asciz "Xen"; 1: .asciz string; 2: .balign 4
    .section .note.Xen, "a", @note
    STRING_NOTE(5, "xen-3.0")
    STRING_NOTE(6, "Pith")
    STRING_NOTE(8, "generic")
    STRING_NOTE(10, "!writable_page_tables|pae_pgdir_above_4gb")
    .section .note.GNU-stack, "", @progbits
