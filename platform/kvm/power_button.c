/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ACPI power button: the fixed one of pc and q35, that of QEMU's Generic Event Device on
 * microvm.
 *
 * The SCI is level triggered by nature, and our input is edge triggered like those of all wires
 * here (virtio_mmio.c says why). So the handler goes on until the status bit is clear: only then
 * has the wire fallen, and the next press makes an edge. No other event is enabled that could hold
 * it.
 */
#include <kvm/stop_listen.h>

#include <stddef.h>

#include <kvm/acpi.h>
#include <kvm/ioapic.h>
#include <pith/log.h>
#include <pith/platform.h>
#include <x86/cpu.h>
#include <x86/irq.h>
#include <x86/mem.h>

#define PM1_POWER_BUTTON 0x100 /* in the status and in the enable register: ACPI 6.5, 4.8.3.1 */
#define PM1_SCI_ENABLE   0x001 /* in the control register, 4.8.3.2 */
#define PASSES           16    /* a status bit that can't be cleared is the host's fault */

#define GED_POWER_DOWN 0x2 /* QEMU docs/specs/acpi_hw_reduced_hotplug.rst */

static struct acpi_pm1_event pm1;
static volatile uint32_t *ged_selector; /* reading clears it */

static void pm1_interrupt(void *arg)
{
    (void)arg;
    bool pressed = false;
    for (unsigned i = 0; i < PASSES && (inw(pm1.status) & PM1_POWER_BUTTON); i++) {
        outw(pm1.status, PM1_POWER_BUTTON); /* a one clears it */
        pressed = true;
    }
    if (pressed) {
        stop_requested();
    }
}

static void ged_interrupt(void *arg)
{
    (void)arg;
    if (mmio_read32(ged_selector) & GED_POWER_DOWN) {
        stop_requested();
    }
}

static bool listen_to_pm1(void)
{
    struct acpi_pm1_event found;
    if (acpi_pm1_event(&found) < 0) {
        return false;
    }
    int vector = irq_alloc(IRQ_CLASS_LOW, pm1_interrupt, NULL);
    if (vector < 0) {
        return false;
    }
    pm1 = found;
    if (ioapic_route_gsi(acpi_isa_gsi(pm1.irq), (unsigned)vector, false, false) < 0) {
        irq_free((unsigned)vector);
        return false;
    }
    /*
     * Firmware that does no ACPI, like qboot, leaves the machine in legacy mode. The orderly way out
     * is an SMI, for which such firmware has no handler; QEMU lets the bit be set.
     */
    if (pm1.control != 0 && !(inw(pm1.control) & PM1_SCI_ENABLE)) {
        outw(pm1.control, (uint16_t)(inw(pm1.control) | PM1_SCI_ENABLE));
    }
    outw(pm1.status, PM1_POWER_BUTTON);
    outw(pm1.enable, PM1_POWER_BUTTON);
    return true;
}

static bool listen_to_ged(void)
{
    struct acpi_ged ged;
    if (acpi_ged(&ged) < 0) {
        return false;
    }
    ged_selector = mem_map_device(ged.selector, 4);
    int vector = ged_selector == NULL ? -1 : irq_alloc(IRQ_CLASS_LOW, ged_interrupt, NULL);
    if (vector < 0) {
        return false;
    }
    if (ioapic_route_gsi(ged.gsi, (unsigned)vector, false, false) < 0) {
        irq_free((unsigned)vector);
        return false;
    }
    /* Who pressed before we listened made an edge that nobody saw; the selector still has it. */
    ged_interrupt(NULL);
    return true;
}

bool power_button_listen(void)
{
    return listen_to_pm1() || listen_to_ged();
}
