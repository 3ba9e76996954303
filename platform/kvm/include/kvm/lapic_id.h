/* SPDX-License-Identifier: BSD-2-Clause */
/* Who gets the devices' interrupts. */
#pragma once

#include <stdint.h>

/*
 * The local APIC id of the boot CPU, 0..255 (a device's 8-bit destination), as CPU 0 reads it. CPUID does
 * not do: on a KVM without hardware virtualisation the outer host answers it. Context: thread, on CPU 0.
 */
uint32_t lapic_id(void);
