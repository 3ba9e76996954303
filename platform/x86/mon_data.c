/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's memory, all of it: supervisor pages from MON_START on. */
#include "mon_layout.h"

#define PAGE __attribute__((aligned(4096)))

PAGE uint64_t mon_pml4[512];
PAGE uint64_t mon_boot_tables[2][512]; /* PDPT and PD of the low boot mapping; page tables of the pool later */
PAGE struct mon_gate mon_idt[256];
PAGE struct mon_gate mon_idle_idt[256];
PAGE struct mon_cpu mon_cpu0; /* link.ld aligns it to its size, which as an attribute would pad the file */
struct mon_state mon_state;
