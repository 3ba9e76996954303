/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The final page tables of the monitor platforms, built at CPL 3 through the identity mapping of
 * boot.
 *
 * Two things are mapped: the image at its random base in 4 KiB pages with its permissions, and all
 * RAM at its home addresses, in 2 MiB pages where a whole one is ordinary memory. The image has no
 * second mapping there; page tables and the monitor's data have a supervisor one, which is how the
 * monitor reaches them.
 */
#include <errno.h>
#include <string.h>

#include <x86/image.h>

#include "boot_tables.h"
#include "mon_layout.h"

#define PAGE  4096UL
#define BIG   (2UL << 20)
#define GIB   (1UL << 30)

#define ORDINARY   (PTE_P | PTE_W | PTE_U | PTE_NX)
#define SUPERVISOR (PTE_P | PTE_W | PTE_NX)

#define SPARE_TABLES 4u /* the pool's first pages; more are donated when they are needed */

struct boot_layout boot_layout;
struct boot_raw boot_raw;

extern char boot_stack_guard[];
extern char fault_stack_guard[];

/* Ranges of RAM that are not ordinary memory, sorted by address. */
struct special {
    uint64_t start, end, flags; /* flags 0: not mapped at home */
};

const void *boot_low(uint64_t pa, size_t len)
{
    if (pa + len < pa || pa + len > GIB) {
        return NULL;
    }
    for (uint64_t i = pa / BIG; i <= (pa + len - 1) / BIG; i++) {
        if (mon_boot_tables[1][i] == 0) {
            mon_boot_tables[1][i] = i * BIG | PTE_TABLE | PTE_PS; /* absent before: no flush needed */
        }
    }
    return (const void *)pa;
}

static void clear_page(void *page)
{
    uint64_t n = PAGE / 8;
    __asm__ volatile("rep stosq" : "+D"(page), "+c"(n) : "a"(0L) : "memory");
}

static uint64_t *new_table(void)
{
    uint64_t pa = boot_layout.tables_next;
    boot_layout.tables_next += PAGE;
    clear_page((void *)pa);
    return (uint64_t *)pa;
}

/* The table below `entry`, made when it is missing. */
static uint64_t *descend(uint64_t *entry)
{
    if (*entry == 0) {
        *entry = (uint64_t)new_table() | PTE_TABLE;
    }
    return (uint64_t *)(*entry & 0x000ffffffffff000UL);
}

static uint64_t *directory(uint64_t va)
{
    uint64_t *pdpt = descend(&mon_pml4[va >> 39 & 511]);
    return descend(&pdpt[va >> 30 & 511]);
}

static void map_pages(uint64_t va, uint64_t pa, uint64_t end, uint64_t flags)
{
    while (pa < end) {
        uint64_t *pt = descend(&directory(va)[va >> 21 & 511]);
        uint64_t i = va >> 12 & 511;
        for (; i < 512 && pa < end; i++, pa += PAGE, va += PAGE) {
            pt[i] = pa | flags;
        }
    }
}

static void map_home(uint64_t start, uint64_t end, uint64_t flags)
{
    while (start < end) {
        uint64_t next = (start + BIG) & ~(BIG - 1);
        if (start % BIG == 0 && end - start >= BIG) {
            directory(boot_layout.home_base + start)[start >> 21 & 511] = start | flags | PTE_PS;
        } else {
            next = next < end ? next : end;
            map_pages(boot_layout.home_base + start, start, next, flags);
        }
        start = next;
    }
}

static void map_ram(const struct special *special, size_t nspecial)
{
    for (size_t i = 0; i < boot_raw.nram; i++) {
        uint64_t at = boot_raw.ram[i].start, end = boot_raw.ram[i].end;
        for (size_t k = 0; k < nspecial; k++) {
            if (special[k].start >= end || special[k].end <= at) {
                continue;
            }
            map_home(at, special[k].start, ORDINARY);
            if (special[k].flags) {
                map_home(special[k].start, special[k].end, special[k].flags);
            }
            at = special[k].end;
        }
        map_home(at, end, ORDINARY);
    }
}

static void map_image_part(const char *from, const char *to, uint64_t flags)
{
    uint64_t offset = (uint64_t)(from - __image_start);
    uint64_t pa = boot_layout.image_paddr + offset;
    map_pages(boot_layout.image_base + offset, pa, pa + (uint64_t)(to - from), flags);
}

static void map_image(void)
{
    map_image_part(__image_start, __monitor_text_start, PTE_P | PTE_U);
    map_image_part(__monitor_text_start, __text_end, PTE_P);
    map_image_part(__rodata_start, __data_start, PTE_P | PTE_U | PTE_NX);
    map_image_part(__data_start, boot_stack_guard, ORDINARY);
    map_image_part(boot_stack_guard + PAGE, fault_stack_guard, ORDINARY);
    map_image_part(fault_stack_guard + PAGE, __data_end, ORDINARY);
    map_image_part(__monitor_data_start, __monitor_data_end, SUPERVISOR);
}

/* How many pages the tables and the frames' counts can need at the most. */
static uint64_t tables_needed(void)
{
    uint64_t image_pages = (boot_layout.image_end - boot_layout.image_paddr) / PAGE;
    uint64_t tables = image_pages / 512 + 5;                 /* image: PDPT, directories, tables */
    tables += 1 + (boot_layout.ram_top + GIB - 1) / GIB;      /* home: PDPT, directories */
    tables += 2 * boot_raw.nram + 8 + image_pages / 512;      /* home: tables of partial 2 MiB */
    tables += (boot_layout.ram_top / PAGE + PAGE - 1) / PAGE;
    tables += tables / 512;
    return tables + SPARE_TABLES;
}

/*
 * The end of what is in use in [at, at + bytes), 0 when nothing is: image, trampoline, what the
 * loader left.
 */
static uint64_t used_until(uint64_t at, uint64_t bytes)
{
    const struct boot_layout *l = &boot_layout;

    if (l->image_paddr < at + bytes && l->image_end > at) {
        return l->image_end;
    }
    if (l->trampoline && l->trampoline < at + bytes && l->trampoline + PAGE > at) {
        return l->trampoline + PAGE;
    }
    for (size_t i = 0; i < boot_raw.nmodules; i++) {
        const struct boot_raw_module *m = &boot_raw.module[i];
        if (m->start < at + bytes && m->start + m->len > at) {
            return (m->start + m->len + PAGE - 1) & ~(PAGE - 1);
        }
    }
    return 0;
}

/* The lowest place from `from` on, in RAM that boot can reach; 0: there is none. */
static uint64_t find_place(uint64_t from, uint64_t bytes)
{
    for (size_t i = 0; i < boot_raw.nram; i++) {
        const struct boot_range *r = &boot_raw.ram[i];
        uint64_t at = r->start > from ? r->start : from, used;
        while (at < r->end && r->end - at >= bytes && at + bytes <= GIB) {
            used = used_until(at, bytes);
            if (used == 0) {
                return boot_low(at, bytes) ? at : 0;
            }
            at = used;
        }
    }
    return 0;
}

/* Behind the image, or where that is the end of RAM, as GRUB likes to have it, anywhere else. */
static int place_tables(void)
{
    uint64_t bytes = tables_needed() * PAGE;
    uint64_t at = find_place(boot_layout.image_end, bytes);

    at = at ? at : find_place(0, bytes);
    boot_layout.tables = boot_layout.tables_next = at;
    boot_layout.tables_end = at + bytes;
    return at ? 0 : -ENOMEM;
}

static void set_uses(uint64_t start, uint64_t end, uint8_t uses)
{
    for (uint64_t frame = start / PAGE; frame < end / PAGE; frame++) {
        mon_state.uses[frame] = uses;
    }
}

/* Insert by address, unless it is empty. Returns the new count. */
static size_t add_special(struct special *list, size_t n, uint64_t start, uint64_t end, uint64_t flags)
{
    if (start >= end) {
        return n;
    }
    size_t i = n;
    for (; i > 0 && list[i - 1].start > start; i--) {
        list[i] = list[i - 1];
    }
    list[i] = (struct special){start, end, flags};
    return n + 1;
}

int boot_build_tables(void)
{
    struct boot_layout *l = &boot_layout;
    uint64_t monitor_data = l->image_paddr + (uint64_t)(__monitor_data_start - __image_start);
    int rc = place_tables();

    if (rc) {
        return rc;
    }
    mon_state.uses = (uint8_t *)l->tables_next;
    for (uint64_t i = 0; i < l->ram_top / PAGE; i += PAGE) {
        new_table();
    }
    mon_state.ram_pages = l->ram_top / PAGE;

    struct special special[4];
    size_t n = 0;
    n = add_special(special, n, l->trampoline, l->trampoline ? l->trampoline + PAGE : 0, SUPERVISOR);
    n = add_special(special, n, l->image_paddr, monitor_data, 0);
    n = add_special(special, n, monitor_data, l->image_end, SUPERVISOR);
    n = add_special(special, n, l->tables, l->tables_end, SUPERVISOR);
    map_image();
    map_ram(special, n);

    set_uses(l->image_paddr, l->image_end, 1); /* the image's addresses are not home */
    set_uses(l->image_paddr + (uint64_t)(__monitor_text_start - __image_start),
             l->image_paddr + (uint64_t)(__text_end - __image_start), MON_OWNED);
    set_uses(monitor_data, l->image_end, MON_OWNED);
    set_uses(l->tables, l->tables_end, MON_OWNED);
    set_uses(l->trampoline, l->trampoline ? l->trampoline + PAGE : 0, MON_OWNED);
    while (l->tables_next < l->tables_end) { /* what is left becomes the monitor's pool */
        uint64_t *table = new_table();
        table[0] = mon_state.pool;
        mon_state.pool = (uint64_t)table;
    }
    return 0;
}
