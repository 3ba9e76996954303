/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The capability list of a PCI function (PCI 3.0, 6.7), which a device may have made into anything.
 */
#include <kvm/pci.h>

#define MAX_CAPS 48 /* 192 bytes behind the header, 4 bytes each at least */

unsigned pci_find_cap(uint16_t bdf, uint8_t id, unsigned after)
{
    if ((pci_read16(bdf, PCI_STATUS) & PCI_STATUS_CAPS) == 0) {
        return 0;
    }
    unsigned at = pci_read8(bdf, after == 0 ? PCI_CAPABILITIES : after + 1);
    for (unsigned n = 0; n < MAX_CAPS; n++) {
        at &= 0xfc; /* the two low bits are reserved */
        if (at < 0x40) {
            return 0;
        }
        if (pci_read8(bdf, at) == id) {
            return at;
        }
        at = pci_read8(bdf, at + 1);
    }
    return 0;
}
