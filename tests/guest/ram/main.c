/* SPDX-License-Identifier: BSD-2-Clause */
/* All the memory that was asked for is there, each page of it once: ram MIB. */
#include <check.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pith/machine.h>
#include <pith/page.h>

#define KIB 1024UL
#define MIB (KIB * KIB)

/* Below 1 MiB 384 KiB are devices and firmware; at the top firmware keeps its tables. */
#define FIRMWARE (384 * KIB + 256 * KIB)

#define IMAGE (640 * KIB) /* and its first page tables */

/* What allocator, monitor (a byte per frame) and tables keep; a PV guest has no large pages, but lists of frames. */
#define SHARE    1536
#define PV_SHARE 200

#define BLOCKS_MAX 2048

struct tag {
    struct tag *self;
    size_t number;
};

static size_t asked;
static struct tag *block[BLOCKS_MAX];
static unsigned char order_of[BLOCKS_MAX];

static void size(void)
{
    const struct boot_info *info = machine_boot_info();
    struct page_stats stats;
    size_t sum = 0;

    page_stats(&stats);
    for (size_t i = 0; i < info->nram; i++) {
        sum += info->ram[i].npages * PAGE_SIZE;
    }
    printf("asked %zu KiB, machine %zu, free at boot %zu, allocator %zu, free now %zu\n",
           asked / KIB, info->ram_total / KIB, sum / KIB, stats.total * 4, stats.free * 4);
    size_t share = asked / (strcmp(info->platform, "xen-pv") == 0 ? PV_SHARE : SHARE);
    CHECK(info->ram_total <= asked);
    CHECK(info->ram_total + FIRMWARE >= asked);
    CHECK(sum < info->ram_total);
    CHECK(stats.total * PAGE_SIZE <= sum);
    CHECK(stats.total * PAGE_SIZE + IMAGE + share >= info->ram_total);
}

/* Read and write both ends of each range. They may be in use: what is written is what was there. */
static void ends(void)
{
    const struct boot_info *info = machine_boot_info();

    CHECK(info->nram > 0);
    for (size_t i = 0; i < info->nram; i++) {
        char *start = info->ram[i].start, *end = start + info->ram[i].npages * PAGE_SIZE;
        __atomic_fetch_add((uint64_t *)(void *)start, 0, __ATOMIC_SEQ_CST);
        __atomic_fetch_add((uint64_t *)(void *)(end - 8), 0, __ATOMIC_SEQ_CST);
    }
}

/* The first bytes of a block's first (which 0) or last page; a single page has no 1. */
static struct tag *tag_at(size_t i, size_t which)
{
    char *start = (char *)block[i];
    return (struct tag *)(void *)(which ? start + (PAGE_SIZE << order_of[i]) - PAGE_SIZE : start);
}

static size_t tags_of(size_t i)
{
    return order_of[i] ? 2 : 1;
}

/* Take all of it in the largest blocks, and mark both ends of each: no two are the same memory. */
static void all(void)
{
    size_t n = 0, npages = 0, wrong = 0;
    struct page_stats before, after;

    page_stats(&before);
    for (int order = PAGE_MAX_ORDER; order >= 0; order--) {
        while (n < BLOCKS_MAX && (block[n] = page_alloc((unsigned)order)) != NULL) {
            order_of[n++] = (unsigned char)order;
            npages += 1UL << order;
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t which = 0; which < tags_of(i); which++) {
            *tag_at(i, which) = (struct tag){tag_at(i, which), i};
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t which = 0; which < tags_of(i); which++) {
            const struct tag *t = tag_at(i, which);
            wrong += t->self != t || t->number != i;
        }
    }
    while (n > 0) {
        n--;
        page_free(block[n], order_of[n]);
    }
    page_stats(&after);
    CHECK_EQ(wrong, 0);
    CHECK_EQ(npages, before.free);
    CHECK_EQ(after.free, before.free);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        printf("usage: ram MIB\n");
        return 2;
    }
    asked = strtoul(argv[1], NULL, 10) * MIB;
    check_run("size", size);
    check_run("ends", ends);
    check_run("all", all);
    return check_done();
}
