# Sources of this room; platform/kvm/include/kvm has the headers.
PLATFORM_KVM_SRCS := \
    kvm.c serial.c power.c power_button.c i8042.c keyboard.c acpi_event_parse.c rtc.c ioapic.c acpi.c acpi_parse.c \
    pci.c pci_caps.c pci_bar.c pci_irq.c \
    virtio.c virtio_bus.c virtio_ring.c \
    virtio_mmio.c virtio_mmio_parse.c virtio_pci.c virtio_pci_caps.c \
    virtio_blk.c virtio_blk_probe.c virtio_blk_request.c virtio_blk_watch.c virtio_rng.c \
    virtio_net.c virtio_net_rx.c virtio_net_tx.c virtio_net_probe.c virtio_console.c virtio_9p.c
