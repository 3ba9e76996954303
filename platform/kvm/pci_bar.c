/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Base address registers (PCI 3.0, 6.2.5). Small firmware (qboot, bios-microvm) leaves them without
 * an address, so whoever needs one gets it here, from the hole below the I/O APIC.
 */
#include <kvm/pci.h>

#include <errno.h>

#include <pith/log.h>

#define BAR_IO        1u
#define BAR_TYPE      6u
#define BAR_TYPE_64   4u
#define BAR_FLAGS     0xfULL

/*
 * Addresses to give out. QEMU's pc and q35 route everything from the end of RAM (3.5 GiB at most)
 * to 0xfec00000 to PCI, except q35's ECAM at 0xb0000000; microvm with PCIe has 0xc0000000 to
 * 0xdfffffff (hw/i386/microvm.h: PCIE_MMIO_BASE).
 */
#define PC_WINDOW           0xf0000000ULL
#define PC_WINDOW_END       0xfb000000ULL
#define MICROVM_WINDOW      0xd0000000ULL
#define MICROVM_WINDOW_END  0xe0000000ULL

static uint64_t window, window_end;

/* Read the address of a BAR; 0 when it has none. */
static uint64_t bar_address(uint16_t bdf, unsigned bar, bool *is_64)
{
    unsigned off = PCI_BAR0 + 4 * bar;
    uint32_t low = pci_read32(bdf, off);
    *is_64 = (low & BAR_IO) == 0 && (low & BAR_TYPE) == BAR_TYPE_64;
    if (low & BAR_IO) {
        return 0;
    }
    uint64_t address = low & ~BAR_FLAGS;
    if (*is_64 && bar + 1 < PCI_BARS) {
        address |= (uint64_t)pci_read32(bdf, off + 4) << 32;
    }
    return address;
}

/*
 * How many bytes it decodes: ones written to it read back as its size's mask. Decoding is off
 * meanwhile.
 */
static uint64_t bar_size(uint16_t bdf, unsigned bar, bool is_64)
{
    unsigned off = PCI_BAR0 + 4 * bar;
    uint16_t command = pci_read16(bdf, PCI_COMMAND);
    pci_write16(bdf, PCI_COMMAND, command & (uint16_t)~(PCI_COMMAND_MEMORY | PCI_COMMAND_IO));
    uint32_t low = pci_read32(bdf, off);
    uint32_t high = is_64 ? pci_read32(bdf, off + 4) : ~0u;
    pci_write32(bdf, off, ~0u);
    uint64_t mask = pci_read32(bdf, off) & ~BAR_FLAGS;
    if (is_64) {
        pci_write32(bdf, off + 4, ~0u);
        mask |= (uint64_t)pci_read32(bdf, off + 4) << 32;
        pci_write32(bdf, off + 4, high);
    } else {
        mask |= 0xffffffffULL << 32;
    }
    pci_write32(bdf, off, low);
    pci_write16(bdf, PCI_COMMAND, command);
    return (mask & ~BAR_FLAGS) == 0 ? 0 : ~mask + 1;
}

/* Move the window's start behind what the firmware has given out already. */
static void avoid(uint16_t bdf)
{
    for (unsigned bar = 0; bar < PCI_BARS; bar++) {
        bool is_64;
        uint64_t address = bar_address(bdf, bar, &is_64);
        if (address >= window && address < window_end) {
            uint64_t size = bar_size(bdf, bar, is_64);
            window = size < window_end - address ? address + size : window_end;
        }
        bar += is_64;
    }
}

static int assign(uint16_t bdf, unsigned bar, uint64_t size, uint64_t *address)
{
    if (bdf >> 8 != 0) {
        return -ENOSPC; /* its bridges would have to be opened too, which only real firmware does */
    }
    if (window == 0) {
        window = pci_present() ? PC_WINDOW : MICROVM_WINDOW;
        window_end = pci_present() ? PC_WINDOW_END : MICROVM_WINDOW_END;
        pci_scan(avoid);
    }
    uint64_t at = (window + size - 1) & ~(size - 1);
    if (at < window || at > window_end || size > window_end - at) {
        return -ENOSPC;
    }
    window = at + size;
    uint16_t command = pci_read16(bdf, PCI_COMMAND);
    pci_write16(bdf, PCI_COMMAND, command & (uint16_t)~PCI_COMMAND_MEMORY);
    pci_write32(bdf, PCI_BAR0 + 4 * bar, (uint32_t)at); /* the flag bits are read-only */
    pci_write16(bdf, PCI_COMMAND, command);
    *address = at;
    return 0;
}

int pci_bar(uint16_t bdf, unsigned bar, paddr_t *base, uint64_t *len)
{
    bool is_64;
    if (bar >= PCI_BARS) {
        return -ENOENT;
    }
    uint64_t address = bar_address(bdf, bar, &is_64);
    *len = (pci_read32(bdf, PCI_BAR0 + 4 * bar) & BAR_IO) ? 0 : bar_size(bdf, bar, is_64);
    if (*len < 16 || (*len & (*len - 1)) != 0) {
        return -ENOENT;
    }
    if (address == 0) {
        int err = assign(bdf, bar, *len, &address);
        if (err < 0) {
            klog(LOG_WARNING, "pci %02x:%02x.%x: no address for %llu bytes", bdf >> 8,
                 bdf >> 3 & 31, bdf & 7, (unsigned long long)*len);
            return err;
        }
    }
    *base = address;
    return 0;
}
