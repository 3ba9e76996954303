/* SPDX-License-Identifier: BSD-2-Clause */
/* I/O APICs: which wire of the machine raises which vector. */
#pragma once

#include <stdbool.h>

/*
 * Deliver ISA interrupt `irq` (0..15) as `vector` to the boot CPU, as the firmware's overrides say
 * (edge triggered, active high without one).
 * Errors: -ENXIO no I/O APIC has that input. Context: thread.
 */
int ioapic_route_isa(unsigned irq, unsigned vector);

/* The same for a global system interrupt, the machine-wide number of an I/O APIC input. */
int ioapic_route_gsi(unsigned gsi, unsigned vector, bool level, bool low);

/* Mask the input again. */
void ioapic_mask_gsi(unsigned gsi);
