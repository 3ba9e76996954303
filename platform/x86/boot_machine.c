/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The low stage of boot on the monitor platforms: C at CPL 3, at the load address, identity mapped.
 *
 * It parses the loader's structures, places and maps everything, moves the image and never returns.
 */
#include <errno.h>
#include <string.h>

#include <config.h>

#include <x86/cpu.h>
#include <x86/image.h>
#include <x86/machine.h>
#include <x86/percpu_slots.h>

#include "boot_tables.h"
#include "mon_layout.h"

#define PIC1_DATA 0x21
#define PIC2_DATA 0xa1

struct percpu x86_percpu_boot __attribute__((aligned(64)));
uint64_t x86_boot_tcb[16] __attribute__((aligned(64)));
uint64_t x86_rsdp;

/*
 * Nothing has a console yet: say it on the first serial port, where every monitor platform but Xen
 * has one.
 */
static _Noreturn void boot_failed(const char *why)
{
    static const char prefix[] = "pith: can't boot: ";
    for (const char *p = prefix; *p != '\0'; p++) {
        outb(0x3f8, (uint8_t)*p);
    }
    for (; *why != '\0'; why++) {
        outb(0x3f8, (uint8_t)*why);
    }
    outb(0x3f8, '\n');
    outb(0xf4, 0x23); /* isa-debug-exit, where there is one */
    for (;;) {
        boot_enter(NULL); /* a bad descriptor table: triple fault */
    }
}

static int parse(uint32_t kind, uint64_t info)
{
    switch (kind) {
    case BOOT_PVH: {
        int rc = boot_parse_pvh(&boot_raw, info, boot_low);
        if (rc == -ENOENT && CONFIG_XEN && boot_cpuid[CPUID_HV].ebx == SIGNATURE_XEN) {
            rc = boot_xen_memory_map(&boot_raw);
        }
        return rc;
    }
    case BOOT_MULTIBOOT2:
        return boot_parse_multiboot2(&boot_raw, info, boot_low);
    default:
        return boot_parse_linux64(&boot_raw, info, boot_low);
    }
}

static int holds_module(uint64_t page)
{
    for (size_t i = 0; i < boot_raw.nmodules; i++) {
        const struct boot_raw_module *m = &boot_raw.module[i];
        if (m->start < page + 4096 && m->start + m->len > page) {
            return 1;
        }
    }
    return 0;
}

/* A free page below 640 KiB, where a starting CPU can execute in real mode. */
static uint64_t find_trampoline(void)
{
    for (size_t i = 0; i < boot_raw.nram && boot_raw.ram[i].start < 0xa0000; i++) {
        const struct boot_range *r = &boot_raw.ram[i];
        for (uint64_t at = r->end < 0xa0000 ? r->end : 0xa0000; at > r->start;) {
            at -= 4096;
            if (!holds_module(at)) {
                return at;
            }
        }
    }
    return 0;
}

_Noreturn void x86_boot(uint32_t kind, uint64_t info)
{
    static struct boot_enter enter;
    struct boot_layout *l = &boot_layout;

    image_relocate(image_offset());
    if (parse(kind, info)) {
        boot_failed("the loader's information is not valid");
    }
    x86_rsdp = boot_raw.rsdp;
    l->image_paddr = (uint64_t)__image_start;
    l->image_end = (uint64_t)__image_end;
    l->ram_top = boot_raw.ram[boot_raw.nram - 1].end;
    l->trampoline = find_trampoline();
    image_choose_bases(boot_option(boot_raw.cmdline, "base=fixed"),
                       (l->image_end - l->image_paddr) / 4096, &l->image_base, &l->home_base);
    if (boot_build_tables()) {
        boot_failed("not enough memory");
    }
    intptr_t delta = (intptr_t)(l->image_base - l->image_paddr);
    boot_build_monitor(&enter, delta);

    x86_percpu_boot.self = (struct percpu *)((uintptr_t)&x86_percpu_boot + (uintptr_t)delta);
    x86_percpu_boot.irq_mask = 1;
    x86_boot_tcb[0] = (uint64_t)x86_boot_tcb + (uint64_t)delta;
    x86_boot_tcb[5] = (l->image_base * 0x9e3779b97f4a7c15ULL ^ rdtsc()) << 8; /* canary at 0x28, low byte 0 */
    if (boot_cpuid[CPUID_HV].ebx != SIGNATURE_XEN) { /* a PVH guest of Xen has none */
        outb(PIC1_DATA, 0xff); /* firmware leaves its timer on, at a vector that is #DF to us */
        outb(PIC2_DATA, 0xff);
    }
    boot_raw.entry += delta; /* a string of the image: the one pointer that parsing has stored */
    image_relocate(delta);
    boot_enter(&enter);
    __builtin_unreachable();
}
