/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio over PCI (virtio 1.2, 4.1), the modern interface; transitional devices are driven by
 * theirs.
 */
#include <errno.h>
#include <stddef.h>

#include <kvm/pci.h>
#include <kvm/pci_irq.h>
#include <kvm/virtio_bus.h>
#include <pith/log.h>
#include <x86/cpu.h>
#include <x86/irq.h>
#include <x86/mem.h>

/* Common configuration (4.1.4.3). */
#define COMMON_DEVICE_SELECT  0x00 /* 32 */
#define COMMON_DEVICE_FEATURE 0x04 /* 32 */
#define COMMON_DRIVER_SELECT  0x08 /* 32 */
#define COMMON_DRIVER_FEATURE 0x0c /* 32 */
#define COMMON_CONFIG_VECTOR  0x10 /* 16 */
#define COMMON_STATUS         0x14 /* 8 */
#define COMMON_GENERATION     0x15 /* 8 */
#define COMMON_QUEUE_SELECT   0x16 /* 16 */
#define COMMON_QUEUE_SIZE     0x18 /* 16 */
#define COMMON_QUEUE_VECTOR   0x1a /* 16 */
#define COMMON_QUEUE_ENABLE   0x1c /* 16 */
#define COMMON_NOTIFY_OFF     0x1e /* 16 */
#define COMMON_QUEUE_DESC     0x20 /* 64, as two halves (4.1.3.1) */
#define COMMON_QUEUE_DRIVER   0x28
#define COMMON_QUEUE_DEVICE   0x30

#define NO_VECTOR  0xffff
#define ISR_QUEUE  1u
#define ISR_CONFIG 2u

#define MAX_MAPPED (16 * 1024 * 1024) /* bytes of a BAR; QEMU's largest, page-per-vq, is 8 MiB */

static volatile uint8_t *common(struct virtio_device *dev, unsigned reg)
{
    return dev->pci.regs.common.at + reg;
}

static uint64_t pci_features(struct virtio_device *dev)
{
    mmio_write32(common(dev, COMMON_DEVICE_SELECT), 0);
    uint64_t low = mmio_read32(common(dev, COMMON_DEVICE_FEATURE));
    mmio_write32(common(dev, COMMON_DEVICE_SELECT), 1);
    return low | (uint64_t)mmio_read32(common(dev, COMMON_DEVICE_FEATURE)) << 32;
}

static void pci_accept(struct virtio_device *dev, uint64_t features)
{
    mmio_write32(common(dev, COMMON_DRIVER_SELECT), 0);
    mmio_write32(common(dev, COMMON_DRIVER_FEATURE), (uint32_t)features);
    mmio_write32(common(dev, COMMON_DRIVER_SELECT), 1);
    mmio_write32(common(dev, COMMON_DRIVER_FEATURE), (uint32_t)(features >> 32));
}

static uint8_t pci_status(struct virtio_device *dev)
{
    return mmio_read8(common(dev, COMMON_STATUS));
}

static void pci_set_status(struct virtio_device *dev, uint8_t status)
{
    mmio_write8(common(dev, COMMON_STATUS), status);
}

static uint8_t pci_generation(struct virtio_device *dev)
{
    return mmio_read8(common(dev, COMMON_GENERATION));
}

/* Each field at its own width, 64 bits as two halves; what lies outside of the part reads as 0. */
static void pci_config(struct virtio_device *dev, unsigned off, void *buf, unsigned len)
{
    const struct virtio_pci_part *part = &dev->pci.regs.config;
    uint8_t *out = buf;
    for (unsigned done = 0; done < len;) {
        unsigned left = len - done;
        unsigned width = left >= 4 ? 4 : left >= 2 ? 2 : 1;
        uint32_t v = 0;
        if (part->at != NULL && off + done + width <= part->len) {
            const volatile uint8_t *p = part->at + off + done;
            v = width == 4 ? mmio_read32(p) : width == 2 ? mmio_read16(p) : mmio_read8(p);
        }
        for (unsigned i = 0; i < width; i++) {
            out[done++] = (uint8_t)(v >> (8 * i));
        }
    }
}

/*
 * Map the parts that lie in one BAR, all at once: sizing and mapping cost more than all the rest.
 */
static int map_bar(uint16_t bdf, unsigned bar, struct virtio_pci_part **parts, unsigned n)
{
    uint64_t end = 0;
    paddr_t base;
    uint64_t len;
    for (unsigned i = 0; i < n; i++) {
        uint64_t part_end = (uint64_t)parts[i]->offset + parts[i]->len;
        if (parts[i]->len != 0 && parts[i]->bar == bar && part_end > end) {
            end = part_end;
        }
    }
    if (end == 0) {
        return 0;
    }
    int err = pci_bar(bdf, bar, &base, &len);
    if (err < 0) {
        return err;
    }
    volatile uint8_t *at = end > len || end > MAX_MAPPED ? NULL : mem_map_device(base, end);
    if (at == NULL) {
        return -EINVAL;
    }
    for (unsigned i = 0; i < n; i++) {
        if (parts[i]->len != 0 && parts[i]->bar == bar) {
            parts[i]->at = at + parts[i]->offset;
        }
    }
    return 0;
}

static int pci_open(struct virtio_device *dev)
{
    struct virtio_pci_regs *r = &dev->pci.regs;
    uint16_t bdf = dev->pci.bdf;
    if (r->common.at != NULL) {
        return 0;
    }
    int err = virtio_pci_find_caps(bdf, r);
    if (err < 0) {
        klog(LOG_WARNING, "%s: has no modern interface, not driven", dev->name);
        return err;
    }
    struct virtio_pci_part *parts[] = { &r->config, &r->isr, &r->notify, &r->common };
    for (unsigned bar = 0; bar < PCI_BARS; bar++) {
        err = map_bar(bdf, bar, parts, sizeof parts / sizeof parts[0]);
        if (err < 0) {
            klog(LOG_WARNING, "%s: its registers lie nowhere", dev->name);
            r->common.at = NULL;
            return err;
        }
    }
    uint16_t command = pci_read16(bdf, PCI_COMMAND);
    pci_write16(bdf, PCI_COMMAND, command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    dev->pci.msix_on = pci_msix_open(&dev->pci.msix, bdf) == 0;
    return 0;
}

static void config_interrupt(void *arg)
{
    struct virtio_device *dev = arg;
    if (dev->on_config != NULL) {
        dev->on_config(dev->arg);
    }
}

/* By wire: reading the ISR both tells the cause and lets go of the wire (4.1.4.5). */
static bool shared_interrupt(void *arg)
{
    struct virtio_device *dev = arg;
    if (dev->failed) {
        return false;
    }
    uint8_t isr = mmio_read8(dev->pci.regs.isr.at);
    if (isr & ISR_CONFIG) {
        config_interrupt(dev);
    }
    if (isr & ISR_QUEUE) {
        virtio_bus_dispatch(dev);
    }
    return (isr & (ISR_QUEUE | ISR_CONFIG)) != 0;
}

static int pci_listen(struct virtio_device *dev)
{
    if (!dev->pci.msix_on) {
        int err = pci_intx_add(dev->pci.bdf, shared_interrupt, dev);
        if (err < 0) {
            klog(LOG_WARNING, "%s: neither MSI-X nor a usable interrupt line", dev->name);
        }
        return err;
    }
    /*
     * Configuration changes are rare: doing without their interrupt is better than without the
     * device.
     */
    int entry = pci_msix_add(&dev->pci.msix, IRQ_CLASS_LOW, config_interrupt, dev);
    uint16_t wanted = entry < 0 ? NO_VECTOR : (uint16_t)entry;
    mmio_write16(common(dev, COMMON_CONFIG_VECTOR), wanted);
    if (mmio_read16(common(dev, COMMON_CONFIG_VECTOR)) != wanted) {
        klog(LOG_WARNING, "%s: takes no interrupt for its configuration", dev->name);
    }
    return 0;
}

static uint16_t pci_queue_max(struct virtio_device *dev, unsigned index)
{
    mmio_write16(common(dev, COMMON_QUEUE_SELECT), (uint16_t)index);
    uint16_t max = mmio_read16(common(dev, COMMON_QUEUE_SIZE));
    return max > 0x8000 ? 0 : max;
}

static void put_address(struct virtio_device *dev, unsigned reg, paddr_t pa)
{
    mmio_write32(common(dev, reg), (uint32_t)pa);
    mmio_write32(common(dev, reg + 4), (uint32_t)(pa >> 32));
}

static int set_vector(struct virtio_device *dev, struct virtio_queue *q)
{
    if (!dev->pci.msix_on) {
        return 0;
    }
    int entry = pci_msix_add(&dev->pci.msix, IRQ_CLASS_DEVICE, q->handler, q->arg);
    if (entry < 0) {
        return entry;
    }
    mmio_write16(common(dev, COMMON_QUEUE_VECTOR), (uint16_t)entry);
    return mmio_read16(common(dev, COMMON_QUEUE_VECTOR)) == (uint16_t)entry ? 0 : -ENOSPC;
}

static int pci_queue_start(struct virtio_device *dev, struct virtio_queue *q)
{
    size_t bytes = virtio_ring_bytes(q->ring.size);
    size_t contiguous;
    paddr_t pa = mem_to_paddr(q->memory, bytes, &contiguous);
    if (pa == PADDR_NONE || contiguous < bytes) {
        return -EIO;
    }
    mmio_write16(common(dev, COMMON_QUEUE_SELECT), q->index);
    /* The doorbell is where the device says, but inside of the part that is mapped. */
    uint64_t offset = (uint64_t)mmio_read16(common(dev, COMMON_NOTIFY_OFF)) *
                      dev->pci.regs.notify_multiplier;
    if (offset + 2 > dev->pci.regs.notify.len) {
        return -EIO;
    }
    int err = set_vector(dev, q);
    if (err < 0) {
        return err;
    }
    mmio_write16(common(dev, COMMON_QUEUE_SIZE), q->ring.size);
    put_address(dev, COMMON_QUEUE_DESC, pa);
    put_address(dev, COMMON_QUEUE_DRIVER, pa + virtio_ring_avail_offset(q->ring.size));
    put_address(dev, COMMON_QUEUE_DEVICE, pa + virtio_ring_used_offset(q->ring.size));
    mmio_write16(common(dev, COMMON_QUEUE_ENABLE), 1);
    q->doorbell = dev->pci.regs.notify.at + offset;
    q->doorbell_32 = false;
    return 0;
}

static void pci_silence(struct virtio_device *dev)
{
    uint16_t bdf = dev->pci.bdf;
    if (dev->pci.msix_on) {
        pci_msix_mask(&dev->pci.msix);
    }
    pci_intx_mask(bdf);
    /* Without mastery of the bus it can't touch memory, whatever its reset does. */
    pci_write16(bdf, PCI_COMMAND, pci_read16(bdf, PCI_COMMAND) & (uint16_t)~PCI_COMMAND_MASTER);
}

static const struct virtio_transport virtio_pci_transport = {
    .features = pci_features,
    .accept = pci_accept,
    .status = pci_status,
    .set_status = pci_set_status,
    .generation = pci_generation,
    .config = pci_config,
    .open = pci_open,
    .listen = pci_listen,
    .queue_max = pci_queue_max,
    .queue_start = pci_queue_start,
    .silence = pci_silence,
};

static void examine(uint16_t bdf)
{
    uint16_t id = virtio_pci_id(bdf);
    if (id == 0) {
        return;
    }
    struct virtio_device *dev = virtio_bus_add(&virtio_pci_transport, id);
    if (dev == NULL) {
        return;
    }
    log_format(dev->name, sizeof dev->name, "virtio-pci %02x:%02x.%x", bdf >> 8, bdf >> 3 & 31,
               bdf & 7);
    dev->pci.bdf = bdf;
}

void virtio_pci_scan(void)
{
    pci_scan(examine);
}
