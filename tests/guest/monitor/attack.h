/* SPDX-License-Identifier: BSD-2-Clause */
/* Attacks on page tables through frames that are first CPL 3's, then the monitor's; for main.c alone, as check.h is. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <pith/page.h>
#include <pith/percpu.h>
#include <pith/platform.h>
#include <x86/image.h>
#include <x86/mem.h>
#include <x86/mon.h>

#include "check.h"
#include "elsewhere.h"

#define ALIAS    ((volatile uint64_t *)elsewhere(1))
#define VICTIM   elsewhere(2)
#define STEP     (1ul << 21) /* what a last table maps */
#define USES_MAX 254u        /* mappings of a frame beside home: MON_OWNED in mon_layout.h is one more */

static int64_t map(const volatile void *va, uint64_t paddr, uint64_t flags)
{
    uint64_t done = 0;
    struct mon_map op = {(uint64_t)va, paddr, 1, flags};
    return mon_call(MON_PAGES, (uint64_t)&op, 1, (uint64_t)&done);
}

static int64_t donate(const void *page)
{
    return mon_call(MON_DONATE, paddr_of(page), 0, 0);
}

static int api_map(char *va, void *page, unsigned prot)
{
    struct page_op op = {.va = va, .page = page, .npages = 1, .prot = prot};
    return platform_page_ops(&op, 1);
}

/*
 * Where the frame gets through, it is the first of the pool and becomes the next mapping's last table. The entry
 * there, read-only and not executable, is then made writable and executable through the alias.
 */
static bool entry_was_written(char *target)
{
    volatile char *victim = VICTIM + STEP;
    CHECK_EQ(api_map((char *)victim, target, PAGE_PROT_READ), 0);
    for (unsigned i = 0; i < 512; i++) {
        if ((ALIAS[i] & 0x000ffffffffff000) == paddr_of(target)) {
            ALIAS[i] = (ALIAS[i] | 2) << 1 >> 1;
        }
    }
    *target = (char)0xc3; /* ret */
    ((void (*)(void))(uintptr_t)victim)();
    *victim = 1;
    return *target == 1;
}

static void attack_aliased_table(void)
{
    char *page = page_alloc(0), *target = page_alloc(0);
    static const uint64_t kinds[] = {MON_MAP_PRESENT | MON_MAP_WRITE, MON_MAP_PRESENT};

    CHECK_EQ(api_map(VICTIM, target, PAGE_PROT_READ), 0); /* the tables above the one */
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(api_map((char *)ALIAS, page, i ? PAGE_PROT_READ : PAGE_PROT_WRITE), 0);
        CHECK_EQ(map(ALIAS, paddr_of(page), kinds[i]), 0);
        int64_t rc = donate(page);
        CHECK_EQ(rc, -EPERM);
        if (rc == 0) {
            CHECK(!entry_was_written(target));
            return;
        }
        CHECK_EQ(map(ALIAS, 0, 0), 0);
    }
    CHECK_EQ(map(VICTIM, 0, 0), 0);
    CHECK_EQ(donate(page), 0); /* without one it may go, for good, and once */
    CHECK_EQ(donate(page), -EPERM);
    CHECK_EQ(map(ALIAS, paddr_of(page), MON_MAP_PRESENT), -EPERM);
    CHECK_EQ(map(page, paddr_of(page), MON_MAP_PRESENT), -EPERM);
    page_free(target, 0);
}

static int64_t prepare(void *block, void *tables, void *percpu)
{
    struct mon_cpu_start request = {
        .block = (uint64_t)block, .tables = paddr_of(tables), .percpu = (uint64_t)percpu};
    return mon_call(MON_CPU, (uint64_t)&request, 0, 0);
}

static void attack_aliased_cpu(void)
{
    char *block = page_alloc(2), *tables = page_alloc(2), *percpu = page_alloc(0);

    CHECK_EQ(map(ALIAS, paddr_of(block), MON_MAP_PRESENT | MON_MAP_WRITE), 0);
    CHECK_EQ(prepare(block, tables, percpu), -EPERM);
    CHECK_EQ(map(ALIAS, paddr_of(tables), MON_MAP_PRESENT | MON_MAP_WRITE), 0);
    CHECK_EQ(prepare(block, tables, percpu), -EPERM);
    CHECK_EQ(map(ALIAS, 0, 0), 0); /* the block is the monitor's by now, for good */
}

static void attack_cpu_block(void)
{
    char *block = page_alloc(2), *tables = page_alloc(2), *percpu = page_alloc(0);

    CHECK_EQ(prepare(block, tables, mon_pml4), -EPERM);
    CHECK_EQ(prepare(block, tables, __image_start), -EPERM);
    CHECK_EQ(prepare(block, tables, percpu + 8), -EPERM);
    CHECK_EQ(prepare(block, tables, NULL), -EPERM);
    CHECK_EQ(prepare(block, tables, percpu), 0); /* no CPU is sent there */
    CHECK_EQ(prepare(block, tables, percpu), -EPERM);
    CHECK_EQ(donate(percpu), -EPERM);
    CHECK_EQ(donate(block), -EPERM);
    CHECK_EQ(donate(tables), -EPERM);
}

static void attack_counts(void)
{
    char *page = page_alloc(0), *other = page_alloc(0);
    static char in_image[4096] __attribute__((aligned(4096)));
    const uint64_t flags = MON_MAP_PRESENT | MON_MAP_WRITE;

    for (unsigned i = 0; i < USES_MAX; i++) {
        CHECK_EQ(api_map((char *)ALIAS + i * 4096ul, page, PAGE_PROT_WRITE), 0);
    }
    CHECK_EQ(map((char *)ALIAS + USES_MAX * 4096ul, paddr_of(page), flags), -EPERM);
    CHECK_EQ(donate(page), -EPERM);
    for (unsigned i = 0; i < USES_MAX - 1; i++) {
        CHECK_EQ(map((char *)ALIAS + i * 4096ul, i % 2 ? paddr_of(other) : 0, i % 2 ? flags : 0), 0);
    }
    CHECK_EQ(donate(page), -EPERM); /* the last one */
    for (unsigned i = 0; i < USES_MAX; i++) {
        CHECK_EQ(map((char *)ALIAS + i * 4096ul, 0, 0), 0);
        CHECK_EQ(map((char *)ALIAS + i * 4096ul, 0, 0), 0); /* twice counts once */
    }
    CHECK_EQ(map(page, paddr_of(page), MON_MAP_PRESENT), 0); /* home counts for nothing */
    CHECK_EQ(map(page, paddr_of(page), flags), 0);
    CHECK_EQ(donate(page), 0);
    CHECK_EQ(donate(other), 0);
    for (unsigned i = 0; i < 300; i++) { /* the image's pages come back after being unmapped, and never go */
        CHECK_EQ(api_map(in_image, NULL, PAGE_PROT_NONE), 0);
        CHECK_EQ(donate(in_image), -EPERM);
        CHECK_EQ(api_map(in_image, in_image, PAGE_PROT_WRITE), 0);
    }
    CHECK_EQ(donate(in_image), -EPERM);
}

static void attack_large_page(void)
{
    for (unsigned i = 0; i < 8; i++) {
        char *big = page_alloc(9); /* 2 MiB, whose first page becomes the table that splits them */
        if (!big) {
            break;
        }
        char *neighbour = big + 4096;
        CHECK_EQ(api_map((char *)ALIAS, neighbour, PAGE_PROT_WRITE), 0);
        CHECK_EQ(donate(neighbour), -EPERM);
        CHECK_EQ(donate(big), 0);
        uint64_t v;
        CHECK_EQ(platform_probe_read(&v, big, sizeof(v)), -EFAULT);
        *(volatile char *)neighbour = 1;
        CHECK_EQ(*(volatile char *)ALIAS, 1);
        CHECK_EQ(map(ALIAS, 0, 0), 0);
    }
}
