/* SPDX-License-Identifier: BSD-2-Clause */
/* Page-permission attacks and bad monitor calls: each is stopped, and the machine goes on. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pith/page.h>
#include <pith/platform.h>
#include <x86/image.h>
#include <x86/mem.h>
#include <x86/mon.h>
#include <x86/trap.h>

#include "check.h"
#include "cpus.h"

#define ELSEWHERE elsewhere(0)

extern char mon_pml4[];
extern char mon_fault[];

static bool store_faults(volatile void *p)
{
    bool faulted = true;
    __asm__ volatile("1:\tmovq %%rax, (%1)\n\t"
                     "movb $0, %0\n"
                     "2:\n\t" X86_FIXUP(1b, 2b)
                     : "+m"(faulted) : "r"(p) : "memory");
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

static int64_t raw_map(void *va, uint64_t paddr, uint64_t npages, uint64_t flags)
{
    uint64_t done = 0;
    struct mon_map op = {(uint64_t)va, paddr, npages, flags};
    return mon_call(MON_PAGES, (uint64_t)&op, 1, (uint64_t)&done);
}

static uint64_t paddr_of(const void *p)
{
    size_t len;
    return mem_to_paddr(p, 1, &len);
}

#include "attack.h"

static void stores_are_stopped(void)
{
    CHECK(store_faults(stores_are_stopped));   /* text */
    CHECK(store_faults((void *)(uintptr_t) "")); /* constants */
    CHECK(store_faults(mon_pml4));             /* a page table */
    CHECK(store_faults(mon_fault));            /* the monitor */
    CHECK(store_faults(NULL));
    CHECK(store_faults((void *)0xff8));
}

static void loads_are_stopped(void)
{
    CHECK(load_faults(NULL));
    CHECK(load_faults((void *)0xff0));
    CHECK(load_faults(mon_pml4));
    CHECK(load_faults(mon_fault));
    CHECK(load_faults((void *)IMAGE_LINK)); /* the boot mapping is gone */
}

static void the_api_refuses(void)
{
    char *page = page_alloc(0);
    char *text = (char *)((uintptr_t)stores_are_stopped & ~4095ul);

    CHECK_EQ(change(page, page, PAGE_PROT_WRITE | PAGE_PROT_EXEC), -EPERM);
    CHECK_EQ(change(page, page, PAGE_PROT_EXEC), -EPERM);
    CHECK_EQ(change(ELSEWHERE, text, PAGE_PROT_WRITE), -EPERM);
    CHECK_EQ(change(text, text, PAGE_PROT_WRITE), -EPERM);
    CHECK_EQ(change(text, page, PAGE_PROT_READ), -EPERM);
    CHECK_EQ(change(text, NULL, PAGE_PROT_NONE), -EPERM);
    CHECK_EQ(change(__rodata_start, __rodata_start, PAGE_PROT_WRITE), -EPERM);
    CHECK_EQ(change(ELSEWHERE, mon_pml4, PAGE_PROT_READ), -EPERM);
    CHECK_EQ(change(mon_pml4, page, PAGE_PROT_WRITE), -EPERM);
    CHECK_EQ(change(page + 1, page, PAGE_PROT_WRITE), -EINVAL);
    CHECK_EQ(change((void *)0x1000, page, PAGE_PROT_WRITE), -EINVAL);
    CHECK_EQ(change(ELSEWHERE, (void *)0x1000, PAGE_PROT_WRITE), -EINVAL);
    page_free(page, 0);
}

static void the_api_changes_pages(void)
{
    char *page = page_alloc(0);

    strcpy(page, "kept");
    CHECK_EQ(change(page, page, PAGE_PROT_READ), 0);
    CHECK(store_faults(page));
    CHECK(!load_faults(page));
    CHECK_EQ(change(page, NULL, PAGE_PROT_NONE), 0);
    CHECK(load_faults(page));
    CHECK_EQ(change(ELSEWHERE, page, PAGE_PROT_WRITE), 0);
    CHECK(strcmp(ELSEWHERE, "kept") == 0);
    CHECK_EQ(change(ELSEWHERE, NULL, PAGE_PROT_NONE), 0);
    CHECK(load_faults(ELSEWHERE));
    CHECK_EQ(change(page, page, PAGE_PROT_WRITE), 0);
    CHECK(!store_faults(page));
    page_free(page, 0);
}

/* Enough far-apart mappings that the monitor needs page tables beyond its first pool. */
static void tables_are_donated(void)
{
    char *page = page_alloc(0);
    for (unsigned i = 0; i < 40; i++) {
        CHECK_EQ(change(ELSEWHERE + (i + 1ul) * (1ul << 31), page, PAGE_PROT_READ), 0);
    }
    CHECK(!load_faults(ELSEWHERE + (40ul << 31)));
    CHECK(store_faults(ELSEWHERE + (40ul << 31)));
    for (unsigned i = 0; i < 40; i++) {
        CHECK_EQ(change(ELSEWHERE + (i + 1ul) * (1ul << 31), NULL, PAGE_PROT_NONE), 0);
    }
    page_free(page, 0);
}

static void bad_calls_are_refused(void)
{
    char *page = page_alloc(0);
    uint64_t v;

    CHECK_EQ(mon_call(MON_OPS, 0, 0, 0), -EINVAL);
    CHECK_EQ(mon_call(UINT64_MAX, 0, 0, 0), -EINVAL);
    CHECK_EQ(mon_call(MON_START, 0, 0, 0), 0); /* once more does no harm */
    CHECK_EQ(raw_map(ELSEWHERE, paddr_of(mon_pml4), 1, MON_MAP_PRESENT), -EPERM);
    CHECK_EQ(raw_map(ELSEWHERE, paddr_of(__image_start), 1, MON_MAP_PRESENT | MON_MAP_WRITE), -EPERM);
    CHECK_EQ(raw_map(mon_pml4, 0, 1, 0), -EPERM);
    CHECK_EQ(raw_map(ELSEWHERE, paddr_of(page), 1ul << 40, MON_MAP_PRESENT), -EINVAL);
    CHECK_EQ(raw_map((void *)-4096l, paddr_of(page), 2, MON_MAP_PRESENT), -EINVAL);
    CHECK_EQ(mon_call(MON_PAGES, 8, 1, (uint64_t)&v), -EFAULT);
    CHECK_EQ(mon_call(MON_PAGES, (uint64_t)page, 0, (uint64_t)mon_pml4), -EFAULT);
    CHECK_EQ(mon_call(MON_PAGES, (uint64_t)mon_pml4, 1, (uint64_t)&v), -EFAULT);
    CHECK_EQ(mon_call(MON_WRMSR, 0xc0000080, 0, 0), -EPERM);
    CHECK_EQ(mon_call(MON_WRMSR, 0x1b, 0, 0), -EPERM);
    CHECK_EQ(mon_call(MON_WRMSR, 0xc0000100, 0x8000000000000000, 0), -EINVAL);
    CHECK_EQ(mon_call(MON_DONATE, paddr_of(__image_start), 0, 0), -EPERM);
    CHECK_EQ(mon_call(MON_DONATE, paddr_of(mon_pml4), 0, 0), -EPERM);
    CHECK_EQ(mon_call(MON_DONATE, 1ul << 45, 0, 0), -EPERM);
    char *other = page_alloc(0); /* at home of `page` it would be written in its place */
    CHECK_EQ(raw_map(page, paddr_of(other), 1, MON_MAP_PRESENT | MON_MAP_WRITE), 0);
    CHECK_EQ(mon_call(MON_DONATE, paddr_of(page), 0, 0), -EPERM);
    CHECK_EQ(change(page, NULL, PAGE_PROT_NONE), 0);
    CHECK_EQ(mon_call(MON_DONATE, paddr_of(page), 0, 0), -EPERM);
    CHECK_EQ(change(page, page, PAGE_PROT_WRITE), 0);
    page_free(other, 0);
    CHECK_EQ(mon_call(MON_CPU, (uint64_t)mon_pml4, 0, 0), -EFAULT);
    CHECK(mon_call(MON_HYPERCALL, 8, 1, 0) < 0);
    page_free(page, 0);
}

static void second_cpu(void)
{
    bool skip;
    const char *why = second_cpu_problem(&skip);

    if (skip) {
        check_skip(why);
    } else if (why) {
        CHECK_FAIL("%s", why);
    }
}

int main(void)
{
    check_run("stores_are_stopped", stores_are_stopped);
    check_run("loads_are_stopped", loads_are_stopped);
    check_run("the_api_refuses", the_api_refuses);
    check_run("the_api_changes_pages", the_api_changes_pages);
    check_run("tables_are_donated", tables_are_donated);
    check_run("bad_calls_are_refused", bad_calls_are_refused);
    check_run("aliased_table", attack_aliased_table);
    check_run("counts", attack_counts);
    check_run("large_page", attack_large_page);
    check_run("second_cpu", second_cpu);
    check_run("aliased_cpu", attack_aliased_cpu);
    check_run("cpu_block", attack_cpu_block);
    return check_done();
}
