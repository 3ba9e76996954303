/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC in xAPIC mode, which boot_start.S has seen to (Intel SDM vol 3, "Advanced
 * Programmable Interrupt Controller"), by MMIO from CPL 3.
 *
 * Also the one-shot timer. Each access is an exit on KVM: a deadline that moves away, or is
 * cancelled, leaves the hardware alone, and the early interrupt is filtered here.
 */
#include <pith/log.h>
#include <pith/panic.h>

#include <x86/cpu.h>
#include <x86/irq.h>
#include <x86/machine.h>
#include <x86/mem.h>

#include "lapic.h"

#define APIC_PADDR         0xfee00000UL

#define REG_ID        0x020
#define REG_TPR       0x080
#define REG_EOI       0x0b0
#define REG_SPURIOUS  0x0f0
#define REG_ICR_LOW   0x300
#define REG_ICR_HIGH  0x310
#define REG_LVT_TIMER 0x320
#define REG_LVT_LINT0 0x350
#define REG_TIMER_INITIAL 0x380
#define REG_TIMER_CURRENT 0x390
#define REG_TIMER_DIVIDE  0x3e0

#define LVT_MASKED    (1u << 16)
#define ICR_SELF      (1u << 18)
#define ICR_INIT      0x00004500u
#define ICR_STARTUP   0x00004600u
#define DIVIDE_BY_1   0xbu
#define SVR_ENABLE    0x100u

static char *lapic;

static uint32_t get(unsigned reg)
{
    return mmio_read32(lapic + reg);
}

static void put(unsigned reg, uint32_t v)
{
    mmio_write32(lapic + reg, v);
}

void lapic_enable(void)
{
    put(REG_SPURIOUS, SVR_ENABLE | IRQ_SPURIOUS);
    put(REG_TPR, 0);
    put(REG_LVT_LINT0, LVT_MASKED); /* the PIC's wire */
    put(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    put(REG_LVT_TIMER, IRQ_TIMER); /* one-shot */
}

void x86_lapic_init(void)
{
    lapic = mem_map_device(APIC_PADDR, 4096);
    if (!lapic) {
        PANIC("no memory to map the local APIC");
    }
    lapic_enable();
}

void x86_lapic_eoi(void)
{
    put(REG_EOI, 0);
}

uint32_t x86_lapic_id(void)
{
    return get(REG_ID) >> 24;
}

void x86_lapic_ipi(uint32_t apic_id, unsigned vector)
{
    bool was = irq_save(); /* the two writes belong together */
    put(REG_ICR_HIGH, apic_id << 24);
    put(REG_ICR_LOW, vector);
    irq_restore(was);
}

void x86_lapic_self_ipi(unsigned vector)
{
    put(REG_ICR_LOW, ICR_SELF | vector);
}

void lapic_start_cpu(uint32_t apic_id, uint64_t trampoline)
{
    put(REG_ICR_HIGH, apic_id << 24);
    put(REG_ICR_LOW, ICR_INIT);
    for (unsigned i = 0; i < 2; i++) { /* MP specification B.4: INIT, then two STARTUPs */
        uint64_t until = x86_clock_ns() + (i ? 200000 : 10000000);
        while (x86_clock_ns() < until) {
            cpu_relax();
        }
        put(REG_ICR_HIGH, apic_id << 24);
        put(REG_ICR_LOW, ICR_STARTUP | (uint32_t)(trampoline >> 12));
    }
}

void lapic_timer_start(uint32_t ticks)
{
    put(REG_TIMER_INITIAL, ticks);
}

uint32_t lapic_timer_left(void)
{
    return get(REG_TIMER_CURRENT);
}
