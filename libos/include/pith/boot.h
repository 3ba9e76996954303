/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every boot protocol is parsed into, and what libos_main() gets.
 *
 * All addresses are usable pointers: the platform has mapped all RAM before libos runs.
 * The structure and all it points to stay valid for the life of the machine.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BOOT_MAX_RAM     32
#define BOOT_MAX_MODULES 8
#define BOOT_CMDLINE_MAX 2048 /* Firecracker's limit, the largest of the loaders' that bound it */

/* Free RAM: page aligned, mapped read-write, not used by the image, page tables or modules. */
struct boot_ram {
    void *start;
    size_t npages;
};

struct boot_module {
    void *start;
    size_t len;          /* bytes */
    const char *cmdline; /* never NULL */
};

struct boot_info {
    const char *entry;    /* boot protocol: "pvh", "multiboot2", "linux64", "xen-pv" */
    const char *platform; /* "kvm", "tcg", "xen-pvh", "xen-pv", ... */
    const char *cmdline;  /* NUL-terminated copy, never NULL, cut at BOOT_CMDLINE_MAX - 1 */
    size_t ram_total;     /* bytes of RAM the machine has, used or not */
    size_t nram;
    struct boot_ram ram[BOOT_MAX_RAM];
    size_t nmodules;
    struct boot_module module[BOOT_MAX_MODULES];
};
