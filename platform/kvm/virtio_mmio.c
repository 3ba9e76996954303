/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio over MMIO (virtio 1.2, 4.2), version 2.
 *
 * Inputs are taken as edge triggered whatever the tables say. Firecracker pulses its wires, and a
 * pulse between delivery and EOI is lost on a level input. QEMU holds them until they are
 * acknowledged, which makes an edge too; and the software KVM (found in 2026) delivers a level-
 * triggered vector again and again before the handler's first instruction, until the stack is full.
 *
 * Where the devices are: what the command line says, else the ACPI DSDT, else, on a machine with
 * neither and without PCI, the slots of QEMU's microvm. A slot may be empty (device id 0).
 */
#include <errno.h>
#include <stddef.h>

#include <kvm/acpi.h>
#include <kvm/ioapic.h>
#include <kvm/pci.h>
#include <kvm/virtio_bus.h>
#include <kvm/virtio_mmio_parse.h>
#include <pith/log.h>
#include <pith/machine.h>
#include <x86/cpu.h>
#include <x86/irq.h>
#include <x86/mem.h>

/* Registers (4.2.2), all 32 bits wide. */
#define REG_MAGIC            0x000
#define REG_VERSION          0x004
#define REG_DEVICE_ID        0x008
#define REG_DEVICE_FEATURES  0x010
#define REG_DEVICE_SELECT    0x014
#define REG_DRIVER_FEATURES  0x020
#define REG_DRIVER_SELECT    0x024
#define REG_QUEUE_SELECT     0x030
#define REG_QUEUE_MAX        0x034
#define REG_QUEUE_SIZE       0x038
#define REG_QUEUE_READY      0x044
#define REG_NOTIFY           0x050
#define REG_IRQ_STATUS       0x060
#define REG_IRQ_ACK          0x064
#define REG_STATUS           0x070
#define REG_QUEUE_DESC       0x080
#define REG_QUEUE_DRIVER     0x090
#define REG_QUEUE_DEVICE     0x0a0
#define REG_GENERATION       0x0fc
#define REG_CONFIG           0x100

#define MAGIC      0x74726976 /* "virt" */
#define IRQ_QUEUE  1u
#define IRQ_CONFIG 2u

#define MAX_USELESS 10000 /* interrupts in a row without a cause */
#define MAX_LISTED  64    /* devices in the DSDT */

/* QEMU hw/i386/microvm.c: slots without ACPI; devices are plugged into the last one first. */
#define MICROVM_BASE  0xfeb00000ULL
#define MICROVM_SLOT  512
#define MICROVM_SLOTS 8
#define MICROVM_GSI   5

static uint32_t get(struct virtio_device *dev, unsigned reg)
{
    return mmio_read32(dev->mmio.regs + reg);
}

static void put(struct virtio_device *dev, unsigned reg, uint32_t v)
{
    mmio_write32(dev->mmio.regs + reg, v);
}

static uint64_t mmio_features(struct virtio_device *dev)
{
    put(dev, REG_DEVICE_SELECT, 0);
    uint64_t low = get(dev, REG_DEVICE_FEATURES);
    put(dev, REG_DEVICE_SELECT, 1);
    return low | (uint64_t)get(dev, REG_DEVICE_FEATURES) << 32;
}

static void mmio_accept(struct virtio_device *dev, uint64_t features)
{
    put(dev, REG_DRIVER_SELECT, 0);
    put(dev, REG_DRIVER_FEATURES, (uint32_t)features);
    put(dev, REG_DRIVER_SELECT, 1);
    put(dev, REG_DRIVER_FEATURES, (uint32_t)(features >> 32));
}

static uint8_t mmio_status(struct virtio_device *dev)
{
    return (uint8_t)get(dev, REG_STATUS);
}

static void mmio_set_status(struct virtio_device *dev, uint8_t status)
{
    put(dev, REG_STATUS, status);
}

static uint8_t mmio_generation(struct virtio_device *dev)
{
    return (uint8_t)get(dev, REG_GENERATION);
}

/* Fields are read at their own width, 64 bits as two halves (4.2.2.2). */
static void mmio_config(struct virtio_device *dev, unsigned off, void *buf, unsigned len)
{
    const volatile uint8_t *p = dev->mmio.regs + REG_CONFIG + off;
    uint8_t *out = buf;
    for (unsigned done = 0; done < len;) {
        unsigned left = len - done;
        uint32_t v;
        unsigned width = left >= 4 ? 4 : left >= 2 ? 2 : 1;
        if (width == 4) {
            v = mmio_read32(p + done);
        } else {
            v = width == 2 ? mmio_read16(p + done) : mmio_read8(p + done);
        }
        for (unsigned i = 0; i < width; i++) {
            out[done++] = (uint8_t)(v >> (8 * i));
        }
    }
}

static int mmio_open(struct virtio_device *dev)
{
    (void)dev;
    return 0; /* mapped when it was found */
}

static void mmio_interrupt(void *arg)
{
    struct virtio_device *dev = arg;
    uint32_t status = get(dev, REG_IRQ_STATUS);
    /*
     * The input is edge triggered, so the wire has to fall before the queues are looked at: both
     * bits are acknowledged, also one that has just come. A queue's loses nothing, as the queues
     * come next; a configuration change within these two instructions goes unnoticed until the next
     * one.
     */
    put(dev, REG_IRQ_ACK, IRQ_QUEUE | IRQ_CONFIG);
    dev->mmio.useless = status != 0 ? 0 : dev->mmio.useless + 1;
    if (dev->mmio.useless == MAX_USELESS) {
        virtio_fail(dev, "interrupts without a cause");
    }
    if ((status & IRQ_CONFIG) && dev->on_config != NULL) {
        dev->on_config(dev->arg);
    }
    virtio_bus_dispatch(dev);
}

static int mmio_listen(struct virtio_device *dev)
{
    int vector = irq_alloc(IRQ_CLASS_DEVICE, mmio_interrupt, dev);
    if (vector == -ENOSPC) {
        vector = irq_alloc(IRQ_CLASS_HIGH, mmio_interrupt, dev); /* very many devices */
    }
    if (vector < 0) {
        return vector;
    }
    int err = ioapic_route_gsi(dev->mmio.gsi, (unsigned)vector, false, dev->mmio.low);
    if (err < 0) {
        irq_free((unsigned)vector);
        klog(LOG_WARNING, "%s: no I/O APIC has input %u", dev->name, dev->mmio.gsi);
    }
    return err;
}

static uint16_t mmio_queue_max(struct virtio_device *dev, unsigned index)
{
    put(dev, REG_QUEUE_SELECT, index);
    uint32_t max = get(dev, REG_QUEUE_MAX);
    return max > 0x8000 ? 0 : (uint16_t)max;
}

static void put_address(struct virtio_device *dev, unsigned reg, paddr_t pa)
{
    put(dev, reg, (uint32_t)pa);
    put(dev, reg + 4, (uint32_t)(pa >> 32));
}

static int mmio_queue_start(struct virtio_device *dev, struct virtio_queue *q)
{
    size_t bytes = virtio_ring_bytes(q->ring.size);
    size_t contiguous;
    paddr_t pa = mem_to_paddr(q->memory, bytes, &contiguous);
    if (pa == PADDR_NONE || contiguous < bytes) {
        return -EIO;
    }
    put(dev, REG_QUEUE_SELECT, q->index);
    if (get(dev, REG_QUEUE_READY) != 0) {
        return -EIO; /* 4.2.3.2: it must be unused after the reset */
    }
    put(dev, REG_QUEUE_SIZE, q->ring.size);
    put_address(dev, REG_QUEUE_DESC, pa);
    put_address(dev, REG_QUEUE_DRIVER, pa + virtio_ring_avail_offset(q->ring.size));
    put_address(dev, REG_QUEUE_DEVICE, pa + virtio_ring_used_offset(q->ring.size));
    put(dev, REG_QUEUE_READY, 1);
    q->doorbell = dev->mmio.regs + REG_NOTIFY;
    q->doorbell_32 = true;
    return 0;
}

static void mmio_silence(struct virtio_device *dev)
{
    ioapic_mask_gsi(dev->mmio.gsi);
}

static const struct virtio_transport virtio_mmio_transport = {
    .features = mmio_features,
    .accept = mmio_accept,
    .status = mmio_status,
    .set_status = mmio_set_status,
    .generation = mmio_generation,
    .config = mmio_config,
    .open = mmio_open,
    .listen = mmio_listen,
    .queue_max = mmio_queue_max,
    .queue_start = mmio_queue_start,
    .silence = mmio_silence,
};

/* Look whether there is a device at `base`, and enter it. */
static void examine(paddr_t base, size_t len, uint32_t gsi, bool low)
{
    volatile uint8_t *regs = len < REG_CONFIG ? NULL : mem_map_device(base, len);
    if (regs == NULL || mmio_read32(regs + REG_MAGIC) != MAGIC) {
        return;
    }
    uint32_t id = mmio_read32(regs + REG_DEVICE_ID);
    if (id == 0) {
        return; /* an empty slot */
    }
    uint32_t version = mmio_read32(regs + REG_VERSION);
    if (version != 2) {
        klog(LOG_ERROR, "virtio-mmio@%llx: version %u is not driven%s", (unsigned long long)base,
             version, version == 1 ? "; QEMU: -global virtio-mmio.force-legacy=off" : "");
        return;
    }
    struct virtio_device *dev = virtio_bus_add(&virtio_mmio_transport, (uint16_t)id);
    if (dev == NULL) {
        return;
    }
    log_format(dev->name, sizeof dev->name, "virtio-mmio@%llx", (unsigned long long)base);
    dev->mmio.base = base;
    dev->mmio.regs = regs;
    dev->mmio.gsi = gsi;
    dev->mmio.low = low;
}

void virtio_mmio_scan(void)
{
    struct virtio_mmio_place place;
    const char *text = machine_boot_info()->cmdline;
    unsigned n = 0;
    for (; virtio_mmio_parse(text, n, &place) == 0; n++) {
        examine(place.base, place.len, place.gsi, false);
    }
    if (n > 0) {
        return;
    }
    struct acpi_virtio_mmio found; /* in the table's order, which is that of QEMU's command line */
    for (; n < MAX_LISTED && acpi_virtio_mmio(n, &found) == 0; n++) {
        examine(found.base, found.len, found.gsi, found.low);
    }
    if (acpi_present() || pci_present()) {
        return;
    }
    for (unsigned i = MICROVM_SLOTS; i-- > 0;) {
        examine(MICROVM_BASE + i * MICROVM_SLOT, MICROVM_SLOT, MICROVM_GSI + i, false);
    }
}
