/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the loader to libos: what the boot protocols are parsed into, before RAM has its home
 * addresses.
 *
 * Addresses are guest-physical. On Xen PV the same structure holds pseudo-physical ones.
 */
#pragma once

#define BOOT_PVH        1 /* EBX: struct hvm_start_info (xen public/arch-x86/hvm/start_info.h) */
#define BOOT_MULTIBOOT2 2 /* EBX: multiboot2 information */
#define BOOT_LINUX64    3 /* RSI: struct boot_params (Linux Documentation/arch/x86/boot.rst, 64-bit protocol) */

/* struct boot_enter of boot_tables.h, for boot_start.S */
#define BOOT_ENTER_GDTR 6
#define BOOT_ENTER_IDTR 22
#define BOOT_ENTER_CR4  32
#define BOOT_ENTER_XCR0 40
#define BOOT_ENTER_GS   48
#define BOOT_ENTER_FS   56
#define BOOT_ENTER_RIP  64
#define BOOT_ENTER_RSP  72

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/boot.h>

struct boot_range {
    uint64_t start, end; /* bytes */
};

struct boot_raw_module {
    uint64_t start, len;
    char cmdline[64];
    bool internal; /* data of the loader that stays in use: not handed out, and no module for the program */
};

struct boot_raw {
    const char *entry;
    size_t nram;
    struct boot_range ram[BOOT_MAX_RAM];
    size_t nmodules;
    struct boot_raw_module module[BOOT_MAX_MODULES + 1]; /* and one internal one */
    uint64_t rsdp; /* 0: not told */
    char cmdline[BOOT_CMDLINE_MAX];
};

/*
 * CPUID as CPL 0 saw it at boot, which is what the hypervisor promises (at CPL 3 a software KVM
 * shows the outer CPU).
 */
struct boot_cpuid {
    uint32_t leaf, subleaf, eax, ebx, ecx, edx;
};

enum { CPUID_0, CPUID_1, CPUID_7, CPUID_D, CPUID_D1, CPUID_EXT1, CPUID_HV, CPUID_HV1, CPUID_15, BOOT_CPUIDS };

extern struct boot_cpuid boot_cpuid[BOOT_CPUIDS];

/* How a parser reads guest-physical memory: NULL when [pa, pa+len) can't be read. */
typedef const void *boot_reader(uint64_t pa, size_t len);

/*
 * Parse the protocol's structures; bad entries are dropped. Returns 0, -EINVAL (wrong magic, no
 * RAM), or for PVH -ENOENT: version 0, which has no memory map; everything else is filled in.
 */
int boot_parse_pvh(struct boot_raw *raw, uint64_t pa, boot_reader *read);
int boot_parse_multiboot2(struct boot_raw *raw, uint64_t pa, boot_reader *read);
int boot_parse_linux64(struct boot_raw *raw, uint64_t pa, boot_reader *read);

/*
 * Add RAM [start, end), cut to whole pages, kept sorted and merged; too many ranges: the smallest
 * is dropped.
 */
void boot_add_ram(struct boot_raw *raw, uint64_t start, uint64_t end);

/* Copy a string of the loader, cut at size - 1 or where it can't be read. */
void boot_copy_string(char *dst, size_t size, uint64_t pa, boot_reader *read);

/* ACPI root pointer told by the loader, 0 when it said nothing. */
extern uint64_t x86_rsdp;

/*
 * Common end of all boots: home addresses are in force. Fill `info`, which is zero, from raw;
 * `to_home` turns an address into its home pointer; the `skip` ranges are in use and not given to
 * libos. Modules that do not lie in RAM are dropped; when what is left of RAM is in too many
 * pieces, so are the smallest.
 */
void boot_finish(struct boot_info *info, const struct boot_raw *raw, void *(*to_home)(uint64_t pa),
                 const struct boot_range *skip, size_t nskip);

/*
 * The value of a command line option in raw text ("boot=trace"), for code that runs before
 * cmdline_init().
 */
int boot_option(const char *cmdline, const char *word);
#endif
