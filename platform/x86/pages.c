/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * platform_page_ops() of the monitor platforms: batches for the monitor, and pages for its tables.
 */
#include "pages.h"

#include <errno.h>

#include <pith/page.h>
#include <pith/spinlock.h>

#include <x86/machine.h>
#include <x86/mem.h>

#define BATCH 16

/* A page for one more page table. Returns 0 or -ENOMEM. */
static int donate(void)
{
    size_t len;
    void *page = page_alloc(0);
    if (!page) {
        return -ENOMEM;
    }
    int64_t rc = mon_call(MON_DONATE, mem_to_paddr(page, PAGE_SIZE, &len), 0, 0);
    if (rc < 0) {
        page_free(page, 0);
        return (int)rc;
    }
    return 0;
}

/* One CPU at a time: the monitor has no lock of its own. Taken inside the lock of mem.c. */
static struct spinlock lock;

static int map_locked(const struct mon_map *op, size_t n)
{
    while (n > 0) {
        uint64_t done = 0;
        int rc = (int)mon_call(MON_PAGES, (uint64_t)op, n, (uint64_t)&done);
        op += done;
        n -= done;
        if (rc == -ENOMEM) {
            rc = donate(); /* what was done of the operation is done again: harmless */
        }
        if (rc) {
            return rc;
        }
    }
    return 0;
}

int pages_map(const struct mon_map *op, size_t n)
{
    bool was = spin_lock(&lock);
    int rc = map_locked(op, n);
    spin_unlock(&lock, was);
    return rc;
}

static int translate(struct mon_map *out, const struct page_op *op)
{
    size_t bytes = op->npages * PAGE_SIZE, len;

    out->va = (uint64_t)op->va;
    out->npages = op->npages;
    out->paddr = 0;
    out->flags = 0;
    if (op->prot & PAGE_PROT_EXEC) {
        return -EPERM; /* only the image's text runs */
    }
    if (op->prot == PAGE_PROT_NONE) {
        return 0;
    }
    out->flags = MON_MAP_PRESENT | (op->prot & PAGE_PROT_WRITE ? MON_MAP_WRITE : 0);
    out->paddr = mem_to_paddr(op->page, bytes, &len);
    return out->paddr == PADDR_NONE || len < bytes ? -EINVAL : 0;
}

int x86_page_ops(const struct page_op *ops, size_t n)
{
    while (n > 0) {
        struct mon_map batch[BATCH];
        size_t k = 0;
        int rc = 0;
        for (; k < n && k < BATCH && rc == 0; k++) {
            rc = translate(&batch[k], &ops[k]);
        }
        int mapped = pages_map(batch, rc ? k - 1 : k);
        if (mapped || rc) {
            return mapped ? mapped : rc;
        }
        ops += k;
        n -= k;
    }
    return 0;
}

void x86_page_seal(void)
{
    (void)mon_call(MON_SEAL, 0, 0, 0);
}
