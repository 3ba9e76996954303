/* SPDX-License-Identifier: BSD-2-Clause */
/* Filling the monitor's descriptor tables and state while boot code at CPL 3 still can. */
#include <string.h>

#include <x86/entry.h>
#include <x86/image.h>
#include <x86/irq.h>
#include <x86/mon.h>
#include <x86/percpu_slots.h>

#include "boot_tables.h"

#include "mon_layout.h"

#define CR4_BASE       0x620UL /* PAE OSFXSR OSXMMEXCPT */
#define CR4_UMIP       (1UL << 11)
#define CR4_FSGSBASE   (1UL << 16)
#define CR4_OSXSAVE    (1UL << 18)
#define CR4_SMEP       (1UL << 20)
#define XCR0_BASE      3UL
#define XCR0_AVX       4UL
#define XCR0_AVX512    0xe0UL
#define BRAND_LEAF     0x80000002U
#define BRAND_QEMU     0x554d4551U /* EAX of that: "QEMU" */

#define GATE_INTERRUPT 0x8eUL /* present, DPL 0: exceptions, to CPL 0 */
#define GATE_SOFTWARE  0xeeUL /* DPL 3: int3 */
#define GATE_TRAP_USER 0xefUL /* DPL 3 trap gate: IF stays set, IRETQ can't restore it at CPL 3 */

#define VECTOR_BP 3

#define SIGNATURE_VIRIDIAN 0x7263694du /* "Micr": Xen with Hyper-V's interface in front; xen_detect() decides */
#define VENDOR_INTEL       0x756e6547u /* EBX of CPUID 0: "Genu" */

extern uint64_t boot_gdt[GDT_BYTES / 8];

/* pseudo-descriptor of LIDT, filled for mon_entry.S */
struct pseudo {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

extern struct pseudo mon_idtr;
extern struct pseudo mon_idle_idtr;
extern struct percpu x86_percpu_boot;
extern char fault_stack_low[];
extern char fault_stack_high[];
extern char mon_call_site[];
extern uint64_t x86_boot_tcb[16];
extern char boot_stack_top[];

static struct mon_gate gate(uint64_t address, uint64_t selector, uint64_t type, uint64_t ist)
{
    struct mon_gate g;
    g.low = (address & 0xffff) | selector << 16 | ist << 32 | type << 40 |
            (address >> 16 & 0xffff) << 48;
    g.high = address >> 32;
    return g;
}

/* 1: #DF, 2: NMI, 3: #MC, 4: #DB have stacks of their own; the order of MON_STACK_*. */
static uint64_t ist_of(unsigned vector)
{
    switch (vector) {
    case 8:  return 1;
    case 2:  return 2;
    case 18: return 3;
    case 1:  return 4;
    default: return 0;
    }
}

static void build_idt(intptr_t delta)
{
    uint64_t base = (uint64_t)mon_base + (uint64_t)delta;
    uint64_t idle = (uint64_t)mon_idle_stub + (uint64_t)delta;
    uint64_t irq = (uint64_t)irq_stubs + (uint64_t)delta;
    struct mon_gate other = gate(irq + IRQ_STUB(IRQ_UNEXPECTED), SEL_UCODE, GATE_TRAP_USER, 0);
    struct mon_gate idle_other =
        gate(idle + MON_IDLE_STUB(IRQ_UNEXPECTED), SEL_KCODE, GATE_INTERRUPT, 0);

    for (unsigned v = 0; v < MON_EXCEPTIONS; v++) {
        mon_idt[v] = gate(base + v * MON_STUB_BYTES, SEL_KCODE,
                          v == VECTOR_BP ? GATE_SOFTWARE : GATE_INTERRUPT, ist_of(v));
        mon_idle_idt[v] = mon_idt[v];
    }
    for (unsigned v = 32; v < 256; v++) {
        mon_idt[v] = other;
        mon_idle_idt[v] = idle_other;
    }
    for (unsigned i = 0; i < IRQ_VECTORS; i++) {
        unsigned v = IRQ_VECTOR_FIRST + i;
        mon_idt[v] = gate(irq + IRQ_STUB(i), SEL_UCODE, GATE_TRAP_USER, 0);
        mon_idle_idt[v] = gate(idle + MON_IDLE_STUB(i), SEL_KCODE, GATE_INTERRUPT, 0);
    }
    mon_idt[IRQ_SPURIOUS] = gate((uint64_t)irq_spurious + (uint64_t)delta, SEL_UCODE, GATE_TRAP_USER, 0);
    mon_idle_idt[IRQ_SPURIOUS] = gate(idle + MON_IDLE_STUB(64), SEL_KCODE, GATE_INTERRUPT, 0);
    mon_idtr.limit = sizeof(mon_idt) - 1;
    mon_idle_idtr.limit = sizeof(mon_idle_idt) - 1;
    mon_idtr.base = (uint64_t)mon_idt + (uint64_t)delta;
    mon_idle_idtr.base = (uint64_t)mon_idle_idt + (uint64_t)delta;
}

/* The block of CPU 0, which will be at address `at`: TSS, GDT with its descriptor, stacks. */
static void fill_cpu(struct mon_cpu *cpu, uint64_t at)
{
    cpu->tss.rsp[0] = at + MON_STACK_MAIN;
    cpu->tss.ist[0] = at + MON_STACK_DF;
    cpu->tss.ist[1] = at + MON_STACK_NMI;
    cpu->tss.ist[2] = at + MON_STACK_MC;
    cpu->tss.ist[3] = at + MON_STACK_DB;
    cpu->tss.iomap_base = TSS_IOMAP;
    for (unsigned i = 0; i < SEL_TSS / 8; i++) {
        cpu->gdt[i] = boot_gdt[i];
    }
    mon_describe_tss(cpu->gdt, at);
}

static void build_cpu(intptr_t delta)
{
    struct mon_vars *vars = &mon_cpu0.vars;

    fill_cpu(&mon_cpu0, (uint64_t)&mon_cpu0 + (uint64_t)delta);
    vars->percpu = (uint64_t)&x86_percpu_boot + (uint64_t)delta;
    vars->fault_low = (uint64_t)fault_stack_low + (uint64_t)delta;
    vars->fault_high = (uint64_t)fault_stack_high + (uint64_t)delta;
}

/*
 * Xen in a TCG of QEMU before 8.2 (commit "target/i386: check intercept for XSETBV") does not hear of
 * a guest's XSETBV and takes it back when it goes from one guest to another: there AVX can't be used.
 */
static bool xcr0_is_lost(void)
{
    uint32_t eax = BRAND_LEAF, ebx, ecx, edx;

    if (boot_cpuid[CPUID_HV].ebx != SIGNATURE_XEN) {
        return false;
    }
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
    return eax == BRAND_QEMU;
}

static void choose_features(struct boot_enter *enter)
{
    const struct boot_cpuid *f = boot_cpuid;

    enter->cr4 = CR4_BASE;
    enter->xcr0 = 0;
    if (f[CPUID_1].ecx >> 26 & 1 && f[CPUID_0].eax >= 0xd) {
        enter->cr4 |= CR4_OSXSAVE;
        enter->xcr0 = XCR0_BASE | (xcr0_is_lost() ? 0 : f[CPUID_D].eax & XCR0_AVX);
        if ((f[CPUID_D].eax & XCR0_AVX512) == XCR0_AVX512 && enter->xcr0 & XCR0_AVX) {
            enter->xcr0 |= XCR0_AVX512;
        }
    }
    mon_state.cr4 = 0;
    if (f[CPUID_0].eax >= 7) {
        enter->cr4 |= f[CPUID_7].ebx & 1 ? CR4_FSGSBASE : 0;
        enter->cr4 |= f[CPUID_7].ecx >> 2 & 1 ? CR4_UMIP : 0;
        mon_state.cr4 = f[CPUID_7].ebx >> 7 & 1 ? CR4_SMEP : 0;
    }
    mon_state.cr4 |= enter->cr4;
    mon_state.xcr0 = enter->xcr0;
}

void boot_build_monitor(struct boot_enter *enter, intptr_t delta)
{
    const struct boot_layout *l = &boot_layout;

    build_idt(delta);
    build_cpu(delta);
    choose_features(enter);
    enter->gdt_limit = GDT_BYTES - 1;
    enter->gdt_base = (uint64_t)mon_cpu0.gdt + (uint64_t)delta;
    enter->idt_limit = sizeof(struct mon_gate) * 256 - 1;
    enter->idt_base = (uint64_t)mon_idt + (uint64_t)delta;
    enter->gs = (uint64_t)&x86_percpu_boot + (uint64_t)delta;
    enter->fs = (uint64_t)x86_boot_tcb + (uint64_t)delta;
    enter->rip = (uint64_t)x86_start_high + (uint64_t)delta;
    enter->rsp = (uint64_t)boot_stack_top + (uint64_t)delta - 8;

    mon_state.home_base = l->home_base;
    mon_state.uses = (uint8_t *)((uint64_t)mon_state.uses + l->home_base);
    mon_state.image_base = l->image_base;
    mon_state.image_paddr = l->image_paddr;
    mon_state.image_ro_pages = (uint64_t)(__data_start - __image_start) / 4096;
    mon_state.image_pages = (uint64_t)(__image_end - __image_start) / 4096;
    mon_state.trap_entry = (uint64_t)trap_entry + (uint64_t)delta;
    mon_state.call_site = (uint64_t)mon_call_site + (uint64_t)delta;
    mon_state.trampoline = l->trampoline;
    mon_state.cr3 = (uint64_t)mon_pml4; /* still its physical address */
    if (boot_cpuid[CPUID_HV].ebx == SIGNATURE_XEN || boot_cpuid[CPUID_HV].ebx == SIGNATURE_VIRIDIAN) {
        mon_state.xen = boot_cpuid[CPUID_0].ebx == VENDOR_INTEL ? 1 : 2;
    }
}
