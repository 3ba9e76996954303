# Sources of this room; platform/kvm/include/kvm has one header for each.
PLATFORM_KVM_SRCS := \
    kvm.c serial.c power.c rtc.c ioapic.c lapic_id.c acpi.c acpi_parse.c
