/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to the boot of the monitor platforms: what the low stage leaves to the high stage. */
#pragma once

#include <x86/boot.h>

#define SIGNATURE_XEN 0x566e6558u /* EBX of CPUID 0x40000000: "XenV" */

/* Operand of boot_enter(): offsets stand in x86/boot.h. */
struct boot_enter {
    uint16_t pad0[3];
    uint16_t gdt_limit; /* offset 6 */
    uint64_t gdt_base;
    uint16_t pad1[3];
    uint16_t idt_limit; /* offset 22 */
    uint64_t idt_base;
    uint64_t cr4;       /* offset 32 */
    uint64_t xcr0, gs, fs, rip, rsp;
};

_Static_assert(offsetof(struct boot_enter, gdt_limit) == BOOT_ENTER_GDTR, "asm offset");
_Static_assert(offsetof(struct boot_enter, idt_limit) == BOOT_ENTER_IDTR, "asm offset");
_Static_assert(offsetof(struct boot_enter, cr4) == BOOT_ENTER_CR4, "asm offset");
_Static_assert(offsetof(struct boot_enter, rsp) == BOOT_ENTER_RSP, "asm offset");

struct boot_layout {
    uint64_t image_paddr, image_base, image_bytes; /* bytes without the monitor's data */
    uint64_t image_end;                            /* paddr */
    uint64_t home_base;
    uint64_t tables, tables_next, tables_end;      /* paddr: page tables and the frame bitmap */
    uint64_t trampoline;                           /* paddr of a page below 1 MiB, 0: none */
    uint64_t ram_top;
};

extern struct boot_raw boot_raw;
extern struct boot_layout boot_layout;

/* Build the final page tables in identity-mapped memory. Returns 0 or -ENOMEM. */
int boot_build_tables(void);

/* Read low memory through the boot mapping (1 GiB); the boot_reader of the parsers. */
const void *boot_low(uint64_t pa, size_t len);

/*
 * Fill the monitor's descriptor tables and state for the final addresses; `delta` = final - current
 * address.
 */
void boot_build_monitor(struct boot_enter *enter, intptr_t delta);

void boot_enter(struct boot_enter *enter);

/* A hypercall of the low stage, of a Xen PVH guest only. */
int64_t boot_hypercall(uint64_t nr, uint64_t a1, uint64_t a2);

/* Ask Xen for the memory map. Returns 0 or -EINVAL. */
int boot_xen_memory_map(struct boot_raw *raw);
_Noreturn void x86_boot(uint32_t kind, uint64_t info);
_Noreturn void x86_start_high(void);
