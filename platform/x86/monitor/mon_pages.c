/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables. CPL 3 gets no mapping of a page table or of the monitor, no writable one of the image's
 * text and constants, and no new executable one, through whatever address. What becomes a table has no other
 * mapping left: of each frame of RAM, those that are not at its home address are counted.
 */
#include <errno.h>

#include <x86/mon.h>

#include "../mon_layout.h"

void mon_flush(void)
{
    uint64_t v;
    __asm__ volatile("movq %%cr3, %0\n\tmovq %0, %%cr3" : "=r"(v) : : "memory");
}

int mon_owned(uint64_t frame)
{
    return frame < mon_state.ram_pages && mon_state.uses[frame] == MON_OWNED;
}

int mon_count(uint64_t va, uint64_t paddr, int step)
{
    if (paddr / 4096 < mon_state.ram_pages) {
        uint8_t *uses = &mon_state.uses[paddr / 4096];
        int n = *uses + (va - mon_state.home_base == paddr ? 0 : step);
        if (n >= MON_OWNED) {
            return -EPERM;
        }
        *uses = (uint8_t)n;
    }
    return 0;
}

/* The last-level entry for va, or 0 when a table is missing on the way: for that, or to split a 2 MiB
 * mapping, *spare is used up if it is not 0, else one of the pool. */
static uint64_t *leaf(uint64_t va, uint64_t *spare)
{
    uint64_t *table = mon_pml4;
    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t *entry = &table[va >> shift & 511];
        if (!(*entry & PTE_P) || *entry & PTE_PS) {
            uint64_t paddr = *spare ? *spare : mon_state.pool;
            uint64_t *fresh = mon_home(paddr);
            if (paddr == 0) {
                return 0;
            }
            if (*spare) {
                *spare = 0;
            } else {
                mon_state.pool = fresh[0];
            }
            fresh[0] = 0;
            uint64_t page = *entry & ~PTE_PS;
            for (unsigned i = 0; page && i < 512; i++, page += 4096) {
                fresh[i] = page;
            }
            *entry = paddr | PTE_TABLE;
        }
        table = mon_home(*entry & PTE_ADDR);
    }
    return &table[va >> 12 & 511];
}

/* One operation, page by page; *changed counts entries that were present before. */
static int map_range(const struct mon_map *op, uint64_t *changed)
{
    uint64_t bits = 0, none = 0, *entry = 0;
    if (op->flags & MON_MAP_PRESENT) {
        bits = PTE_P | PTE_U | PTE_NX | (op->flags & MON_MAP_WRITE ? PTE_W : 0) |
               (op->flags & MON_MAP_DEVICE ? PTE_UC : 0);
    }
    for (uint64_t i = 0; i < op->npages; i++) {
        uint64_t va = op->va + i * 4096, paddr = op->paddr + i * 4096;
        uint64_t in_image = (paddr - mon_state.image_paddr) / 4096;
        entry = entry && (va >> 12 & 511) ? entry + 1 : leaf(va, &none);
        if (!entry) {
            return -ENOMEM;
        }
        if ((*entry & (PTE_P | PTE_U)) == PTE_P || /* one of the monitor's own */
            (bits & PTE_W && in_image < mon_state.image_ro_pages) || (bits && mon_count(va, paddr, 1))) {
            return -EPERM;
        }
        if (*entry & PTE_P) {
            mon_count(va, *entry & PTE_ADDR, -1);
            ++*changed;
        }
        *entry = bits ? bits | paddr : 0;
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
    return op->va < image_ro_end && end > mon_state.image_base ? -EPERM : 0;
}

/* MON_PAGES: *done counts finished operations; the failing one may be done in part. */
int64_t mon_pages(const struct mon_map *op, uint64_t n, uint64_t *done)
{
    uint64_t changed = 0, finished = 0;
    struct mon_map one;
    int rc = 0;
    for (; rc == 0 && finished < n; finished += rc == 0) {
        rc = mon_copy_in(&one, op + finished, sizeof(one));
        rc = rc ? rc : range_ok(&one);
        rc = rc ? rc : map_range(&one, &changed);
    }
    if (changed) {
        mon_flush();
    }
    int out = mon_copy_out(done, &finished, sizeof(finished));
    return rc ? rc : out;
}

/* Take a page of RAM away from CPL 3 for good. *spare as for leaf(). */
static int own(uint64_t paddr, uint64_t *spare)
{
    uint64_t frame = paddr / 4096;
    if (paddr & 4095 || frame >= mon_state.ram_pages || mon_state.uses[frame] ||
        (paddr - mon_state.image_paddr) / 4096 < mon_state.image_pages) {
        return -EPERM;
    }
    uint64_t *entry = leaf(mon_state.home_base + paddr, spare);
    if (!entry) {
        return -ENOMEM;
    }
    if (!(*entry & PTE_P) || *entry << 12 >> 24 != frame) {
        return -EPERM; /* a hole in RAM, unmapped by its owner, or another frame in its place: we use home addresses */
    }
    *entry &= ~PTE_U;
    mon_state.uses[frame] = MON_OWNED;
    mon_flush();
    return 0;
}

int mon_protect(uint64_t paddr, uint64_t npages)
{
    int rc = 0;
    uint64_t none = 0;
    for (uint64_t i = 0; rc == 0 && i < npages; i++) {
        rc = own(paddr + i * 4096, &none);
    }
    return rc;
}

/*
 * memory_op 1 and 6: a frame of CPL 3's goes back to Xen (decrease_reservation) or comes again (populate_physmap).
 * Meanwhile it counts as the monitor's, so nobody can map it or make a page table of it.
 */
int64_t mon_move_frame(struct mon_hypercall *c)
{
    uint64_t paddr = c->arg[2], frame = paddr / 4096, none = 0;
    uint64_t reservation[4] = {(uint64_t)&frame, 1, 0, DOMID_SELF}; /* xen public/memory.h, one frame of order 0 */
    int comes = c->arg[0] == 6;
    int64_t rc = !comes ? own(paddr, &none) : paddr & 4095 || !mon_owned(frame) ? -EPERM : 0;
    uint64_t *entry = rc ? 0 : leaf(mon_state.home_base + paddr, &none);
    if (!entry || (comes && !(*entry & PTE_AWAY))) {
        return rc ? rc : -EPERM;
    }
    *entry |= PTE_AWAY;
    c->arg[1] = (uint64_t)reservation;
    rc = mon_vmcall(c);
    if ((rc == 1) == comes) {
        *entry ^= PTE_AWAY | PTE_U;
        mon_state.uses[frame] = 0;
        mon_flush();
    }
    return rc;
}

/* MON_DONATE: the page becomes a page table: at once when its own 2 MiB mapping has to be split, else in the pool. */
int64_t mon_donate(uint64_t paddr)
{
    uint64_t spare = paddr;
    int rc = own(paddr, &spare);
    if (rc == 0 && spare) {
        uint64_t *table = mon_home(paddr), words = 512;
        void *p = table;
        __asm__ volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(0L) : "memory");
        table[0] = mon_state.pool;
        mon_state.pool = paddr;
    }
    return rc;
}
