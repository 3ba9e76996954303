/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page permissions of a PV guest: through platform.h, by stores, and by hypercalls of the program's
 * own.
 *
 * The last kind can't be stopped by us: Xen takes a hypercall from any code of a PV guest. What Xen
 * itself enforces (no writable page table) holds; W^X holds only for those who ask the API.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <pith/page.h>
#include <pith/platform.h>
#include <x86/image.h>
#include <x86/trap.h>

#include "pv/pv.h"

#include "check.h"
#include "elsewhere.h"

/* Store `value`; returns whether that faulted. */
static bool store_faults(volatile void *p, uint64_t value)
{
    bool faulted = true;

    __asm__ volatile("1:\tmovq %2, (%1)\n\t"
                     "movb $0, %0\n"
                     "2:\n\t" X86_FIXUP(1b, 2b)
                     : "+m"(faulted)
                     : "r"(p), "r"(value)
                     : "memory");
    return faulted;
}

static bool load_faults(const void *p)
{
    uint64_t v;
    return platform_probe_read(&v, p, sizeof(v)) == -EFAULT;
}

static int change(void *va, void *page, unsigned prot)
{
    struct page_op op = {.va = va, .page = page, .npages = 1, .prot = prot};
    return platform_page_ops(&op, 1);
}

static char *home_of(uint64_t pfn)
{
    return pv_map.home + (pfn << PAGE_SHIFT);
}

static uint64_t *table_of(uint64_t entry)
{
    return (uint64_t *)home_of(machine_to_phys_mapping[(entry & PTE_ADDRESS) >> PAGE_SHIFT]);
}

/* The last-level entry of an address that is mapped, as the program can read it. */
static uint64_t *leaf_of(const void *p)
{
    uint64_t *table = (uint64_t *)home_of(pv_map.l4_pfn);
    for (unsigned shift = 39; shift > PAGE_SHIFT; shift -= 9) {
        table = table_of(table[(uintptr_t)p >> shift & (PT_ENTRIES - 1)]);
    }
    return &table[(uintptr_t)p >> PAGE_SHIFT & (PT_ENTRIES - 1)];
}

#define ELSEWHERE elsewhere(0)

static void api_changes_pages(void)
{
    char *page = page_alloc(0);

    strcpy(page, "kept");
    CHECK_EQ(change(page, page, PAGE_PROT_READ), 0);
    CHECK(store_faults(page, 0));
    CHECK_EQ(change(page, NULL, PAGE_PROT_NONE), 0);
    CHECK(load_faults(page));
    CHECK_EQ(change(ELSEWHERE, page, PAGE_PROT_READ | PAGE_PROT_WRITE), 0);
    CHECK(strcmp(ELSEWHERE, "kept") == 0);
    CHECK(!store_faults(ELSEWHERE, 0));
    CHECK_EQ(change(ELSEWHERE, NULL, PAGE_PROT_NONE), 0);
    CHECK(load_faults(ELSEWHERE));
    CHECK_EQ(change(page, page, PAGE_PROT_READ | PAGE_PROT_WRITE), 0);
    CHECK(!store_faults(page, 0));
    page_free(page, 0);
}

/* Two changes of one page in one batch: the second one counts. */
static void api_keeps_order(void)
{
    char *page = page_alloc(0);
    struct page_op ops[] = {
        {page, page, 1, PAGE_PROT_READ},
        {page, page, 1, PAGE_PROT_READ | PAGE_PROT_WRITE},
        {ELSEWHERE, page, 1, PAGE_PROT_READ},
        {ELSEWHERE, NULL, 1, PAGE_PROT_NONE},
    };

    CHECK_EQ(platform_page_ops(ops, 4), 0);
    CHECK(!store_faults(page, 1));
    CHECK(load_faults(ELSEWHERE));
    page_free(page, 0);
}

static void api_changes_many(void)
{
    enum { N = 1000 };
    char *block = page_alloc_n(N);
    struct page_op op = {block, block, N, PAGE_PROT_READ};

    if (!CHECK(block != NULL)) {
        return;
    }
    CHECK_EQ(platform_page_ops(&op, 1), 0);
    CHECK(store_faults(block, 0));
    CHECK(store_faults(block + (N - 1) * PAGE_SIZE, 0));
    op.prot |= PAGE_PROT_WRITE;
    CHECK_EQ(platform_page_ops(&op, 1), 0);
    for (unsigned i = 0; i < N; i++) {
        CHECK(!store_faults(block + i * PAGE_SIZE, i));
    }
    page_free_n(block, N);
}

static void api_refuses(void)
{
    char *page = page_alloc(0);
    char *text = __image_start, *table = home_of(pv_map.table_pfn);
    unsigned rw = PAGE_PROT_READ | PAGE_PROT_WRITE, rx = PAGE_PROT_READ | PAGE_PROT_EXEC;

    CHECK_EQ(change(page, page, rw | PAGE_PROT_EXEC), -EPERM);
    CHECK_EQ(change(page, page, rx), -EPERM);
    CHECK_EQ(change(text, text, rw), -EPERM);
    CHECK_EQ(change(text, NULL, PAGE_PROT_NONE), -EPERM);
    CHECK_EQ(change(__rodata_start, __rodata_start, rw), -EPERM);
    CHECK_EQ(change(ELSEWHERE, text, rw), -EPERM);
    CHECK_EQ(change(ELSEWHERE, home_of(pv_map.image_pfn), rw), -EPERM);
    CHECK_EQ(change(table, table, rw), -EPERM);
    CHECK_EQ(change(ELSEWHERE, table, rw), -EPERM);
    CHECK_EQ(change(table, NULL, PAGE_PROT_NONE), -EPERM);
    CHECK_EQ(change((void *)HYPERVISOR_VIRT_START, page, rw), -EPERM);
    CHECK_EQ(change(NULL, page, rw), -EINVAL);
    CHECK_EQ(change((void *)0x7ffffffff000, page, rw), -EINVAL);
    CHECK_EQ(change(ELSEWHERE + 1, page, rw), -EINVAL);
    CHECK_EQ(change(ELSEWHERE, page + 8, rw), -EINVAL);
    CHECK_EQ(change(ELSEWHERE, NULL, rw), -EINVAL);
    CHECK_EQ(change(page + PAGE_SIZE, page, rw), -EINVAL); /* another page's home */
    CHECK_EQ(change(ELSEWHERE, home_of(pv_map.npages), rw), -EINVAL);
    CHECK(load_faults(ELSEWHERE));
    CHECK(!store_faults(page, 0));
    page_free(page, 0);
}

static void stores_are_stopped(void)
{
    CHECK(load_faults(NULL));
    CHECK(load_faults((void *)0xff8));
    CHECK(store_faults(__image_start, 0));
    CHECK(store_faults(__rodata_start, 0));
    CHECK(load_faults((void *)(0xffffffff80000000 + IMAGE_LINK))); /* where Xen had put us */
    CHECK(load_faults(home_of(pv_map.image_pfn)));
    CHECK(store_faults((void *)pv_map.p2m, 0));
    CHECK(store_faults(home_of(pv_map.l4_pfn), 0));
}

/*
 * Xen takes a store to a last-level table for a request and emulates it where it may (dom0), else
 * it faults. What counts: the table stays right, and no table becomes writable by it.
 */
static void tables_hold_against_stores(void)
{
    char *page = page_alloc(0);
    uint64_t *slot = leaf_of(page);
    uint64_t table = pv_map.p2m[pv_map.table_pfn] << PAGE_SHIFT;

    CHECK((*slot & PTE_ADDRESS) >> PAGE_SHIFT == pv_map.p2m[(page - pv_map.home) >> PAGE_SHIFT]);
    (void)store_faults(slot, table | PTE_RW);
    CHECK((*slot & PTE_ADDRESS) != table || !(*slot & PTE_WRITE));
    (void)store_faults(page, 0);
    CHECK_EQ(change(page, page, PAGE_PROT_READ | PAGE_PROT_WRITE), 0);
    CHECK(!store_faults(page, 0));
    page_free(page, 0);
}

static void xen_refuses_writable_tables(void)
{
    char *page = page_alloc(0);
    uint64_t table = pv_map.p2m[pv_map.table_pfn] << PAGE_SHIFT;
    uint64_t top = pv_map.p2m[pv_map.l4_pfn] << PAGE_SHIFT;

    CHECK(xen_update_va_mapping(page, table | PTE_RW, UVMF_INVLPG) < 0);
    CHECK(xen_update_va_mapping(page, top | PTE_RW, UVMF_INVLPG) < 0);
    CHECK(!store_faults(page, 0));
    page_free(page, 0);
}

/*
 * PV's exception, by name: a hypercall of the program's own makes a page that can be written and
 * run.
 */
static void exception_wx_by_hypercall(void)
{
    static const unsigned char ret[] = {0xc3};
    char *page = page_alloc(0);
    uint64_t frame = pv_map.p2m[(page - pv_map.home) >> PAGE_SHIFT] << PAGE_SHIFT;

    CHECK_EQ(xen_update_va_mapping(page, frame | (PTE_RW & ~PTE_NX), UVMF_INVLPG), 0);
    memcpy(page, ret, sizeof(ret));
    ((void (*)(void))page)();
    CHECK_EQ(change(page, page, PAGE_PROT_READ | PAGE_PROT_WRITE), 0);
    page_free(page, 0);
}

int main(void)
{
    check_run("api_changes_pages", api_changes_pages);
    check_run("api_keeps_order", api_keeps_order);
    check_run("api_changes_many", api_changes_many);
    check_run("api_refuses", api_refuses);
    check_run("stores_are_stopped", stores_are_stopped);
    check_run("tables_hold_against_stores", tables_hold_against_stores);
    check_run("xen_refuses_writable_tables", xen_refuses_writable_tables);
    check_run("exception_wx_by_hypercall", exception_wx_by_hypercall);
    return check_done();
}
