/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables. What the monitor guarantees: CPL 3 gets no mapping of a page table or of the monitor, no writable one of the
 * image's text and constants, and no new executable one, through whatever address.
 */
#include <errno.h>

#include <x86/mon.h>

#include "mon.h"

#define PTE_P    1UL
#define PTE_W    2UL
#define PTE_U    4UL
#define PTE_UC   0x18UL /* PCD, PWT */
#define PTE_PS   0x80UL
#define PTE_NX   (1UL << 63)
#define PTE_ADDR 0x000ffffffffff000UL
#define LARGE    (512 * 4096UL)

static inline void flush_one(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline void flush_all(void)
{
    uint64_t v;
    __asm__ volatile("movq %%cr3, %0\n\tmovq %0, %%cr3" : "=r"(v) : : "memory");
}

static int owned(uint64_t frame)
{
    return frame < mon_state.ram_pages && (mon_state.owned[frame / 64] >> frame % 64 & 1);
}

/* May CPL 3 have the page at paddr, with that access? */
static int frame_ok(uint64_t paddr, uint64_t flags)
{
    uint64_t in_image = (paddr - mon_state.image_paddr) / 4096;

    if (owned(paddr / 4096)) {
        return 0;
    }
    return !(flags & MON_MAP_WRITE) || in_image >= mon_state.image_ro_pages;
}

static uint64_t *pool_take(void)
{
    uint64_t paddr = mon_state.pool;
    if (paddr == 0) {
        return 0;
    }
    uint64_t *table = mon_home(paddr);
    mon_state.pool = table[0];
    table[0] = 0;
    return table;
}

static inline uint64_t home_paddr(const void *p)
{
    return (uint64_t)p - mon_state.home_base;
}

/* Replace a 2 MiB mapping by `table` with the same 512 pages. */
static void split(uint64_t *entry, uint64_t *table)
{
    uint64_t page = *entry & ~PTE_PS;
    for (unsigned i = 0; i < 512; i++, page += 4096) {
        table[i] = page;
    }
    *entry = home_paddr(table) | PTE_P | PTE_W | PTE_U;
}

/* The last-level entry for va, tables made on the way; 0 when the pool is empty. Above a 2 MiB mapping it splits that. */
static uint64_t *leaf(uint64_t va)
{
    uint64_t *table = mon_pml4;
    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t *entry = &table[va >> shift & 511];
        if (!(*entry & PTE_P)) {
            uint64_t *fresh = pool_take();
            if (!fresh) {
                return 0;
            }
            *entry = home_paddr(fresh) | PTE_P | PTE_W | PTE_U;
        } else if (*entry & PTE_PS) {
            uint64_t *fresh = pool_take();
            if (!fresh) {
                return 0;
            }
            split(entry, fresh);
        }
        table = mon_home(*entry & PTE_ADDR);
    }
    return &table[va >> 12 & 511];
}

/* One operation, page by page; *changed counts entries that were present before. */
static int map_range(const struct mon_map *op, uint64_t *changed)
{
    uint64_t bits = 0, paddr = op->paddr, va = op->va;
    uint64_t *entry = 0;

    if (op->flags & MON_MAP_PRESENT) {
        bits = PTE_P | PTE_U | PTE_NX | (op->flags & MON_MAP_WRITE ? PTE_W : 0) |
               (op->flags & MON_MAP_DEVICE ? PTE_UC : 0);
    }
    for (uint64_t i = 0; i < op->npages; i++, va += 4096, paddr += 4096) {
        if (bits && !frame_ok(paddr, op->flags)) {
            return -EPERM;
        }
        if (!entry || (va >> 12 & 511) == 0) {
            entry = leaf(va);
            if (!entry) {
                return -ENOMEM;
            }
        }
        if ((*entry & (PTE_P | PTE_U)) == PTE_P) {
            return -EPERM; /* one of the monitor's own */
        }
        *changed += *entry & PTE_P;
        *entry++ = bits ? bits | paddr : 0;
    }
    return 0;
}

static int range_ok(const struct mon_map *op)
{
    uint64_t end = op->va + op->npages * 4096;
    uint64_t image_ro_end = mon_state.image_base + mon_state.image_ro_pages * 4096;

    if ((op->va | op->paddr) & 4095 || op->npages > 1UL << 27 || op->va < 257UL << 39 ||
        (int64_t)op->va >> 47 != -1 || (end != 0 && end < op->va) || op->paddr >> 46) {
        return -EINVAL;
    }
    if (op->va < image_ro_end && end > mon_state.image_base) {
        return -EPERM;
    }
    return 0;
}

/* MON_PAGES: *done counts finished operations; the failing one may be done in part. */
int64_t mon_pages(const struct mon_map *op, uint64_t n, uint64_t *done)
{
    uint64_t changed = 0, finished = 0, last = 0;
    int rc = 0;

    for (; rc == 0 && finished < n; finished += rc == 0) {
        struct mon_map one;
        rc = mon_copy_in(&one, op + finished, sizeof(one));
        rc = rc ? rc : range_ok(&one);
        if (rc == 0) {
            last = one.va;
            rc = map_range(&one, &changed);
        }
    }
    if (changed == 1) {
        flush_one(last);
    }
    if (changed > 1 || rc) {
        flush_all();
    }
    int out = mon_copy_out(done, &finished, sizeof(finished));
    return rc ? rc : out;
}

/* Take a page of RAM away from CPL 3 for good. `self`: it may split its own 2 MiB mapping by becoming the table (returns 1). */
static int own(uint64_t paddr, int self)
{
    uint64_t in_image = (paddr - mon_state.image_paddr) / 4096;
    uint64_t va = mon_state.home_base + paddr;
    uint64_t *table = mon_pml4;
    uint64_t *entry = 0;

    if (paddr & 4095 || paddr / 4096 >= mon_state.ram_pages || owned(paddr / 4096) ||
        in_image < mon_state.image_pages) {
        return -EPERM;
    }
    for (unsigned shift = 39; shift >= 12; shift -= 9) {
        entry = &table[va >> shift & 511];
        if (!(*entry & PTE_P)) {
            return -EPERM;
        }
        if (*entry & PTE_PS) {
            uint64_t *fresh = self ? (uint64_t *)va : pool_take();
            if (!fresh) {
                return -ENOMEM;
            }
            split(entry, fresh);
            table = fresh;
            entry = &table[va >> 12 & 511];
            *entry &= ~PTE_U;
            mon_state.owned[paddr / 4096 / 64] |= 1UL << paddr / 4096 % 64;
            flush_all();
            return self ? 1 : 0;
        }
        table = mon_home(*entry & PTE_ADDR);
    }
    *entry &= ~PTE_U;
    mon_state.owned[paddr / 4096 / 64] |= 1UL << paddr / 4096 % 64;
    flush_one(va);
    return 0;
}

int mon_protect(uint64_t paddr, uint64_t npages)
{
    int rc = 0;
    for (uint64_t i = 0; rc == 0 && i < npages; i++) {
        rc = own(paddr + i * 4096, 0);
    }
    return rc;
}

/* MON_DONATE: returns 1 when the page was used up by splitting its own mapping, 0 when it is in the pool. */
int64_t mon_donate(uint64_t paddr)
{
    int rc = own(paddr, 1);
    if (rc == 0) {
        uint64_t *table = mon_home(paddr);
        void *p = table;
        uint64_t words = 512;
        __asm__ volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(0L) : "memory");
        table[0] = mon_state.pool;
        mon_state.pool = paddr;
    }
    return rc;
}
