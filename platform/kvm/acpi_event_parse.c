/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The power button in ACPI tables as bytes: the FADT's event block (ACPI 6.5, 5.2.9 and 4.8.3), and
 * the Generic Event Device (5.6.9) of machines without one.
 */
#include <kvm/acpi_parse.h>

#include <errno.h>
#include <string.h>

#define FADT_SCI      46
#define FADT_PM1A_EVT 56
#define FADT_PM1_LEN  88
#define FADT_FLAGS    112
#define FADT_X_PM1A   148
#define FADT_CONTROL_METHOD (1u << 4)  /* PWR_BUTTON: the button is a device, not in the block */
#define FADT_HW_REDUCED     (1u << 20) /* there is no block */
#define GAS_PORT      1

#define RES_IRQ      0x89 /* extended interrupt descriptor, 6.4.3.6 */
#define RES_IRQ_SIZE 9
#define GED_WINDOW   256 /* how far behind its _HID a device's resources lie */

int acpi_parse_pm1_event(const void *fadt, size_t len, struct acpi_pm1_event *out)
{
    const uint8_t *t = fadt;
    if (len < FADT_FLAGS + 4 ||
        (acpi_u32(t + FADT_FLAGS) & (FADT_CONTROL_METHOD | FADT_HW_REDUCED))) {
        return -ENOENT;
    }
    uint32_t port = acpi_u32(t + FADT_PM1A_EVT);
    unsigned size = t[FADT_PM1_LEN];
    if (FADT_X_PM1A + 12 <= len && t[FADT_X_PM1A] == GAS_PORT && acpi_u64(t + FADT_X_PM1A + 4) != 0 &&
        acpi_u64(t + FADT_X_PM1A + 4) <= 0xffff) {
        port = acpi_u32(t + FADT_X_PM1A + 4);
    }
    if (port == 0 || port > 0xfff0 || size < 4 || size > 16) {
        return -ENOENT;
    }
    out->status = (uint16_t)port;
    out->enable = (uint16_t)(port + size / 2);
    out->irq = (uint16_t)(t[FADT_SCI] | t[FADT_SCI + 1] << 8);
    return out->irq < ACPI_ISA_IRQS ? 0 : -ENOENT;
}

/*
 * QEMU's device has the interrupt in its _CRS and behind it OperationRegion (EREG, SystemMemory,
 * address, 4), a register that tells what happened: 5b 80 "EREG" 00, then the address as a DWord
 * (hw/acpi/generic_event_device.c, build_ged_aml()). Others lay it out otherwise and aren't taken.
 */
int acpi_parse_ged(const void *dsdt, size_t len, struct acpi_ged *out)
{
    static const char hid[] = "ACPI0013", region[] = "\x5b\x80" "EREG\0\x0c";
    const uint8_t *t = dsdt;
    size_t at = ACPI_HEADER_SIZE, end;
    while (at + sizeof(hid) <= len && memcmp(t + at, hid, sizeof(hid)) != 0) {
        at++;
    }
    if (at + sizeof(hid) > len) {
        return -ENOENT;
    }
    end = len - at < GED_WINDOW ? len : at + GED_WINDOW;
    bool irq = false;
    for (; at + RES_IRQ_SIZE <= end; at++) {
        const uint8_t *p = t + at;
        if (!irq && p[0] == RES_IRQ && p[1] == 6 && p[2] == 0 && p[4] == 1) {
            out->gsi = acpi_u32(p + 5);
            irq = true;
        } else if (irq && at + sizeof(region) - 1 + 4 <= end &&
                   memcmp(p, region, sizeof(region) - 1) == 0) {
            out->selector = acpi_u32(p + sizeof(region) - 1);
            return out->selector != 0 && out->selector % 4 == 0 ? 0 : -ENOENT;
        }
    }
    return -ENOENT;
}
