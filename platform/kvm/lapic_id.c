/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot CPU's local APIC id, from its register (Intel SDM vol 3, "Local APIC ID"). */
#include <kvm/lapic_id.h>

#include <stdbool.h>
#include <stddef.h>

#include <x86/cpu.h>
#include <x86/mem.h>

#define LAPIC_BASE 0xfee00000ULL
#define LAPIC_SIZE 0x1000
#define LAPIC_ID   0x20 /* bits 31..24 in xAPIC mode, which platform/x86 runs it in */

static uint32_t id;
static bool known;

uint32_t lapic_id(void)
{
    if (!known) {
        const volatile uint8_t *regs = mem_map_device(LAPIC_BASE, LAPIC_SIZE);
        id = regs == NULL ? 0 : mmio_read32(regs + LAPIC_ID) >> 24;
        known = true;
    }
    return id;
}
