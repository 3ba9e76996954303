/* sources: libos/core/page.c libos/core/page_buddy.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page allocator: odd ranges, random use against a map of who owns what, exhaustion, merging,
 * misuse.
 */
#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <pith/page.h>

#include "unit.h"

#include "fake_cpu.h"

#define MAX_PAGES 8192

static char *ram;              /* aligned to its size, so that tests know what is aligned */
static struct boot_info info;
static uint8_t owner[MAX_PAGES];

void platform_irq_replay(void)
{
}

static void add_ram(size_t first, size_t npages)
{
    info.ram[info.nram++] = (struct boot_ram){ ram + first * PAGE_SIZE, npages };
}

static size_t free_pages(void)
{
    struct page_stats stats;

    page_stats(&stats);
    return stats.free;
}

static size_t total_pages(void)
{
    struct page_stats stats;

    page_stats(&stats);
    return stats.total;
}

static bool in_ram(size_t page)
{
    for (size_t i = 0; i < info.nram; i++) {
        size_t first = (size_t)((char *)info.ram[i].start - ram) / PAGE_SIZE;
        if (page >= first && page < first + info.ram[i].npages) {
            return true;
        }
    }
    return false;
}

/* Note who owns the pages now, and complain when somebody else does or when they are no RAM. */
static void own(void *block, size_t npages, uint8_t who)
{
    size_t first = (size_t)((char *)block - ram) / PAGE_SIZE;

    for (size_t i = first; i < first + npages; i++) {
        EXPECT(in_ram(i));
        EXPECT(who == 0 || owner[i] == 0);
        owner[i] = who;
    }
    if (who != 0) {
        memset(block, who, npages * PAGE_SIZE);
    }
}

struct piece {
    void *block;
    size_t npages;
    unsigned order;
    bool by_order;
};

static void check_contents(const struct piece *p, uint8_t who)
{
    const unsigned char *bytes = p->block;

    EXPECT(bytes[0] == who && bytes[p->npages * PAGE_SIZE - 1] == who);
    EXPECT(bytes[p->npages * PAGE_SIZE / 2] == who);
}

static void release(struct piece *p, uint8_t who)
{
    check_contents(p, who);
    own(p->block, p->npages, 0);
    if (p->by_order) {
        page_free(p->block, p->order);
    } else {
        page_free_n(p->block, p->npages);
    }
    p->block = NULL;
}

static void test_random_use(void)
{
    static struct piece pieces[250];
    uint64_t seed = 99;
    size_t all = free_pages();
    size_t used = 0;

    for (int round = 0; round < 60000 && unit_failed == 0; round++) {
        unsigned i = unit_random(&seed) % 250;
        struct piece *p = &pieces[i];
        uint8_t who = (uint8_t)(i + 1);
        if (p->block != NULL && !p->by_order && p->npages > 1 && unit_random(&seed) % 4 == 0) {
            size_t less = 1 + unit_random(&seed) % p->npages;
            own((char *)p->block + less * PAGE_SIZE, p->npages - less, 0);
            page_shrink(p->block, p->npages, less);
            used -= p->npages - less;
            p->npages = less;
        } else if (p->block != NULL) {
            used -= p->npages;
            release(p, who);
        } else {
            p->by_order = unit_random(&seed) % 2;
            p->order = unit_random(&seed) % 7;
            p->npages = p->by_order ? 1ul << p->order : 1 + unit_random(&seed) % 100;
            p->block = p->by_order ? page_alloc(p->order) : page_alloc_n(p->npages);
            if (p->block == NULL) {
                continue;
            }
            used += p->npages;
            own(p->block, p->npages, who);
            if (p->by_order) {
                EXPECT((size_t)((char *)p->block - ram) % (PAGE_SIZE << p->order) == 0);
            }
        }
        EXPECT(free_pages() == all - used);
    }
    for (unsigned i = 0; i < 250; i++) {
        if (pieces[i].block != NULL) {
            release(&pieces[i], (uint8_t)(i + 1));
        }
    }
    EXPECT(free_pages() == all);
}

/* Take everything in blocks of that order; returns how many there were. */
static size_t drain(unsigned order, void **list)
{
    size_t n = 0;
    void *block;

    while ((block = page_alloc(order)) != NULL) {
        list[n++] = block;
    }
    return n;
}

static void *blocks[MAX_PAGES];
static unsigned top;   /* order of the largest blocks while all is free ... */
static size_t largest; /* ... and how many of them there are */

static void give_all_back(size_t n, unsigned order)
{
    for (size_t i = 0; i < n; i++) {
        page_free(blocks[i], order);
    }
}

static void find_largest(void)
{
    for (top = PAGE_MAX_ORDER; (largest = drain(top, blocks)) == 0; top--) {
    }
    give_all_back(largest, top);
    EXPECT(top == 11); /* 2048 pages lie aligned in two of the ranges */
}

static void test_exhaustion_and_merging(void)
{
    size_t all = free_pages();

    for (int round = 0; round < 1000; round++) {
        size_t n = drain(0, blocks);
        EXPECT(n == all && free_pages() == 0);
        EXPECT(page_alloc(0) == NULL && page_alloc_n(1) == NULL && page_alloc_n(50) == NULL);
        for (size_t i = 0; i < n; i++) {
            page_free(blocks[round % 2 ? n - 1 - i : (i * 7919) % n], 0);
        }
    }
    EXPECT(free_pages() == all);
    EXPECT(drain(top, blocks) == largest);
    give_all_back(largest, top);
}

static void test_limits(void)
{
    EXPECT(page_alloc(PAGE_MAX_ORDER + 1) == NULL);
    EXPECT(page_alloc(PAGE_MAX_ORDER) == NULL);
    EXPECT(page_alloc(UINT32_MAX) == NULL);
    EXPECT(page_alloc_n(0) == NULL);
    EXPECT(page_alloc_n(SIZE_MAX) == NULL);
    EXPECT(page_alloc_n((1ul << PAGE_MAX_ORDER) + 1) == NULL);
}

static jmp_buf on_panic;

static void jump(void)
{
    longjmp(on_panic, 1);
}

static void expect_panic(void (*misuse)(void))
{
    fake_panic_hook = jump;
    if (setjmp(on_panic) == 0) {
        misuse();
        EXPECT(!"no PANIC");
    } else {
        EXPECT(1);
    }
    fake_panic_hook = NULL;
}

static bool reclaim_works;
static void *hoard[MAX_PAGES];
static unsigned reclaims;

static size_t reclaim(void)
{
    reclaims++;
    if (reclaim_works) {
        page_free(hoard[0], 0);
        reclaim_works = false;
        return 1;
    }
    return 0;
}

static void test_reclaim(void)
{
    size_t n = drain(0, hoard);

    page_add_reclaim(reclaim);
    EXPECT(page_alloc(0) == NULL && reclaims == 1);
    reclaim_works = true;
    hoard[0] = page_alloc(0);
    EXPECT(hoard[0] != NULL && reclaims == 2);
    bool was = irq_save();
    EXPECT(page_alloc(0) == NULL && reclaims == 2); /* it may need thread context */
    irq_restore(was);
    EXPECT(page_reclaim() == 0 && reclaims == 3);
    for (size_t i = 0; i < n; i++) {
        page_free(hoard[i], 0);
    }
}

static void *victim;

static void free_twice(void)
{
    page_free(victim, 0);
    page_free(victim, 0);
}

static void free_twice_later(void)
{
    page_free(victim, 0);
    for (unsigned order = 1; order < 9; order++) {
        page_free(page_alloc(order), order);
    }
    page_free(victim, 0);
}

static void free_other_size(void)
{
    page_free(victim, 1);
}

static void free_inside(void)
{
    page_free((char *)victim + PAGE_SIZE, 1);
}

static void free_foreign(void)
{
    page_free(&victim, 0);
}

static void use_after_free(void)
{
    static void *elsewhere[2];
    void *more[8];

    page_free(victim, 3);
    /* The blocks that were freed last are kept apart: get this one into the lists. */
    for (int i = 0; i < 8; i++) {
        more[i] = page_alloc(2);
    }
    for (int i = 0; i < 8; i++) {
        page_free(more[i], 2);
    }
    ((void **)victim)[0] = elsewhere;
    ((void **)victim)[1] = elsewhere;
    (void)drain(0, hoard);
}

/* A PANIC leaves the lock taken, so each misuse has a process of its own. */
static void expect_panic_in_child(void (*misuse)(void), unsigned order)
{
    int status = -1;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        fake_cpu_init();
        victim = page_alloc(order);
        EXPECT(victim != NULL);
        expect_panic(misuse);
        fflush(stdout);
        _exit(unit_failed != 0);
    }
    EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
    size_t size = MAX_PAGES * PAGE_SIZE;

    fake_cpu_init();
    char *area = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ram = (char *)(((uintptr_t)area + size - 1) & ~(size - 1));
    memset(ram, 0xa5, size); /* RAM isn't clean at boot */

    /* Odd sizes and places, adjacent ranges, one and two pages, none. */
    add_ram(3, 1021);
    add_ram(1024, 2);
    add_ram(1026, 1);
    add_ram(1030, 0);
    add_ram(1500, 3000);
    add_ram(4500, 1);
    add_ram(5000, 3192);
    page_init(&info);
    EXPECT(total_pages() == 1020 + 1 + 0 + 2999 + 3191);
    EXPECT(free_pages() == total_pages());

    find_largest();
    test_limits();
    test_random_use();
    test_exhaustion_and_merging();
    test_reclaim();
    expect_panic_in_child(free_twice, 0);
    expect_panic_in_child(free_twice_later, 0);
    expect_panic_in_child(free_other_size, 0);
    expect_panic_in_child(free_inside, 2);
    expect_panic_in_child(free_foreign, 0);
    expect_panic_in_child(use_after_free, 3);
    munmap(area, 2 * size);
    return unit_done();
}
