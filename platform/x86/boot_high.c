/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The high stage of boot on the monitor platforms: at the final address, in the boot list's order.
 */
#include <string.h>

#include <pith/panic.h>
#include <pith/trace.h>

#include <x86/image.h>
#include <x86/machine.h>
#include <x86/mem.h>
#include <x86/mon.h>
#include <x86/ops.h>
#include <x86/trap.h>

#include "boot_tables.h"
#include "pages.h"
#include "probe_platform.h"

static struct boot_info boot_info;

static void *to_home(uint64_t pa)
{
    return mem_from_paddr(pa, 1);
}

static void fill_boot_info(void)
{
    const struct boot_layout *l = &boot_layout;
    const struct boot_range used[] = {
        {l->image_paddr, l->image_end},
        {l->tables, l->tables_end},
        {l->trampoline, l->trampoline ? l->trampoline + 4096 : 0},
    };
    boot_finish(&boot_info, &boot_raw, to_home, used, sizeof(used) / sizeof(used[0]));
}

/* The assembly at the loader's entry, which had nowhere to note its name. */
static const char *entry_function(void)
{
    if (strcmp(boot_raw.entry, "pvh") == 0) {
        return "start_pvh";
    }
    return strcmp(boot_raw.entry, "linux64") == 0 ? "start_linux64" : "start_mb2";
}

_Noreturn void x86_start_high(void)
{
    mem_set_image(boot_layout.image_paddr, boot_layout.home_base);
    boot_trace(entry_function());
    boot_trace("x86_boot");
    boot_trace(__func__);
    (void)mon_call(MON_START, 0, 0, 0);
    probe_platform(&boot_info); /* which machine: sets platform_ops, console from here on */
    x86_probe_fsgsbase();
    x86_xstate_init();
    x86_lapic_init();
    fill_boot_info();
    platform_start(&boot_info); /* clock, interrupts, what is the platform's own */
    libos_main(&boot_info);
}
