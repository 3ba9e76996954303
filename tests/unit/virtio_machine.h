/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine that tests of virtio drivers run on: pages, addresses as a device sees them, a clock
 * that goes on at each look, a log that counts. Included once.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include <pith/page.h>
#include <pith/platform.h>
#include <x86/mem.h>

#include "unit.h"

#include "fake_log.h"

#define FAR (1ULL << 48) /* odd pages lie there for a device: no two are contiguous */

static uint64_t now_ns = 1000;
static bool scattered;
static long pages_out;
static bool no_pages;

#define MAX_BLOCKS 1024

/* What the page allocator has given out: contiguous, whatever other memory is. */
static struct {
    char *start;
    size_t npages;
} blocks[MAX_BLOCKS];

void *page_alloc_n(size_t n)
{
    unsigned i = 0;
    if (no_pages) {
        return NULL;
    }
    while (blocks[i].start != NULL) {
        i++;
    }
    pages_out += (long)n;
    blocks[i].start = aligned_alloc(PAGE_SIZE, n * PAGE_SIZE);
    blocks[i].npages = n;
    memset(blocks[i].start, 0xa5, n * PAGE_SIZE);
    return blocks[i].start;
}

void page_free_n(void *p, size_t n)
{
    unsigned i = 0;
    while (blocks[i].start != p) {
        EXPECT(++i < MAX_BLOCKS);
    }
    EXPECT(blocks[i].npages == n);
    pages_out -= (long)n;
    blocks[i].start = NULL;
    free(p);
}

void *page_alloc(unsigned order)
{
    return page_alloc_n(1UL << order);
}

void page_free(void *p, unsigned order)
{
    page_free_n(p, 1UL << order);
}

paddr_t mem_to_paddr(const void *p, size_t want, size_t *len)
{
    uintptr_t va = (uintptr_t)p;
    size_t in_page = PAGE_SIZE - va % PAGE_SIZE;
    for (unsigned i = 0; i < MAX_BLOCKS; i++) {
        size_t offset = va - (uintptr_t)blocks[i].start;
        size_t size = blocks[i].npages * PAGE_SIZE;
        if (blocks[i].start != NULL && offset < size) {
            *len = want < size - offset ? want : size - offset;
            return va;
        }
    }
    *len = scattered && want > in_page ? in_page : want;
    return scattered && va / PAGE_SIZE % 2 ? va + FAR : va;
}

static void *from_paddr(uint64_t pa)
{
    return (void *)(uintptr_t)(pa & (FAR - 1));
}

uint64_t platform_clock_ns(void)
{
    return now_ns += 1000;
}

void platform_irq_replay(void)
{
}
