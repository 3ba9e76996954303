/* sources: libos/libc/heap.c libos/libc/heap_large.c libos/libc/heap_map.c libos/libc/heap_slab.c libos/core/page.c libos/core/page_buddy.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap over the real page allocator: random use with patterns, exhaustion a thousand times
 * without loss, alignment, wrong frees. Interrupt masking writes to %gs, which is pointed at a
 * block here.
 */
#include <asm/prctl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <pith/boot.h>
#include <pith/heap.h>
#include <pith/page.h>
#include <pith/panic.h>
#include <pith/percpu.h>
#include <pith/random.h>
#include <pith/spinlock.h>

#include "unit.h"

#define ARENA_PAGES 512u /* the smallest machine has 2 MiB */

static _Alignas(64) struct percpu cpu;
static jmp_buf panicked;
static bool expecting;
static char panic_text[200];

_Noreturn void panic_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(panic_text, sizeof(panic_text), fmt, ap);
    va_end(ap);
    if (!expecting) {
        printf("%s:%d: %s\n", file, line, panic_text);
        fflush(stdout);
        abort();
    }
    longjmp(panicked, 1);
}

uint64_t random_u64(void)
{
    return 0x9e3779b97f4a7c15u;
}

void platform_irq_replay(void)
{
}

static uint32_t seed = 12345;

static uint32_t rnd(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static size_t pages_free(void)
{
    struct page_stats s;
    page_stats(&s);
    return s.free;
}

/* Sizes as programs have them: mostly small, some up to 100 KiB. */
static size_t some_size(void)
{
    switch (rnd(8)) {
    case 0:
        return rnd(100000);
    case 1:
        return rnd(5000);
    default:
        return rnd(300);
    }
}

static void fill(unsigned char *p, size_t size, unsigned char v)
{
    memset(p, v, size);
}

static bool holds(const unsigned char *p, size_t size, unsigned char v)
{
    for (size_t i = 0; i < size; i++) {
        if (p[i] != v) {
            return false;
        }
    }
    return true;
}

static void test_random_use(void)
{
    enum { N = 400 };
    static unsigned char *block[N];
    static size_t size[N];
    unsigned failures = 0, broken = 0, unaligned = 0, unusable = 0;
    for (unsigned step = 0; step < 200000; step++) {
        unsigned i = rnd(N);
        unsigned char tag = (unsigned char)(i * 7 + 1);
        if (block[i] == NULL) {
            size[i] = some_size();
            block[i] = heap_alloc(size[i]);
            if (block[i] == NULL) {
                failures++;
                continue;
            }
            unaligned += (uintptr_t)block[i] % 16 != 0;
            unusable += heap_usable(block[i]) < size[i];
            fill(block[i], size[i], tag);
        } else if (rnd(4) == 0) {
            size_t to = some_size();
            unsigned char *p = heap_resize(block[i], to);
            if (p == NULL) {
                failures++;
                broken += !holds(block[i], size[i], tag);
                continue;
            }
            broken += !holds(p, to < size[i] ? to : size[i], tag);
            block[i] = p;
            size[i] = to;
            fill(p, to, tag);
        } else {
            broken += !holds(block[i], size[i], tag);
            heap_free(block[i]);
            block[i] = NULL;
        }
    }
    for (unsigned i = 0; i < N; i++) {
        heap_free(block[i]);
        block[i] = NULL;
    }
    EXPECT(broken == 0);
    EXPECT(unaligned == 0);
    EXPECT(unusable == 0);
    EXPECT(failures > 0); /* the arena is small enough that memory did run out */
    struct heap_stats s;
    heap_stats(&s);
    EXPECT(s.small_bytes == 0);
    EXPECT(s.large_pages == 0);
}

/*
 * Take blocks of one size until there is no more, in a list through the blocks; returns how many.
 */
static unsigned take_all(size_t size, void **list)
{
    unsigned n = 0;
    void **p;
    while ((p = heap_alloc(size)) != NULL) {
        *p = *list;
        *list = p;
        n++;
    }
    return n;
}

static void test_exhaustion(void)
{
    static const size_t sizes[] = { 16, 64, 200, 512, 1000, 2048, 4096, 10000, 65536 };
    enum { NSIZES = sizeof(sizes) / sizeof(sizes[0]) };
    unsigned first[NSIZES] = { 0 };
    unsigned lost = 0;
    for (unsigned round = 0; round < 1000; round++) {
        unsigned which = round % NSIZES;
        void *list = NULL;
        unsigned n = take_all(sizes[which], &list);
        while (list != NULL) {
            void *next = *(void **)list;
            heap_free(list);
            list = next;
        }
        if (first[which] == 0) {
            first[which] = n;
        }
        lost += n < first[which];
    }
    EXPECT(lost == 0);
    EXPECT(first[0] > 100000 / 16);
    heap_trim();
    struct heap_stats s;
    heap_stats(&s);
    EXPECT(s.pages == s.map_pages);
    EXPECT(s.map_pages <= 3);
}

static void test_alignment(void)
{
    unsigned bad = 0, none = 0;
    for (size_t align = 16; align <= 65536; align *= 2) {
        for (size_t size = 0; size < 9000; size += 1 + size / 3) {
            unsigned char *p = heap_alloc_aligned(align, size);
            none += p == NULL;
            bad += (uintptr_t)p % align != 0 || heap_usable(p) < size;
            if (p != NULL) {
                fill(p, size, 0x55);
            }
            heap_free(p);
        }
    }
    EXPECT(bad == 0);
    EXPECT(none == 0);
}

/* Every size class: neighbours do not overlap, and each object is found again from its address. */
static void test_classes(void)
{
    unsigned bad = 0;
    for (size_t size = 1; size <= HEAP_SMALL_MAX; size++) {
        void *p[20];
        for (unsigned i = 0; i < 20; i++) {
            p[i] = heap_alloc(size);
            size_t usable = heap_usable(p[i]);
            bad += p[i] == NULL || usable < size || usable > size + size / 4 + 16;
            fill(p[i], size, (unsigned char)i);
        }
        for (unsigned i = 0; i < 20; i++) {
            bad += !holds(p[i], size, (unsigned char)i);
            heap_free(p[i]);
        }
    }
    EXPECT(bad == 0);
}

static void test_limits(void)
{
    EXPECT(heap_alloc(SIZE_MAX) == NULL);
    EXPECT(heap_alloc(SIZE_MAX / 2) == NULL);
    EXPECT(heap_alloc_aligned(1ul << 40, 100) == NULL);
    EXPECT(heap_alloc_aligned(4096, SIZE_MAX - 4096) == NULL);
    heap_free(NULL);
    EXPECT(heap_usable(NULL) == 0);
    void *p = heap_resize(NULL, 10);
    EXPECT(p != NULL);
    EXPECT(heap_resize(p, SIZE_MAX) == NULL);
    void *q = heap_resize(p, 16);
    EXPECT(q == p); /* same class: in place */
    heap_free(q);
    void *a = heap_alloc(0), *b = heap_alloc(0);
    EXPECT(a != NULL && b != NULL && a != b);
    heap_free(a);
    heap_free(b);
}

/*
 * Do something that has to end in a PANIC whose text contains `words`. The heap's lock stays taken
 * when it panicked inside, so it is released by hand: the machine would have ended there.
 */
extern struct spinlock heap_lock;

#define EXPECT_PANIC(words, statement)                 \
    do {                                               \
        panic_text[0] = '\0';                          \
        expecting = true;                              \
        if (setjmp(panicked) == 0) {                   \
            statement;                                 \
        }                                              \
        expecting = false;                             \
        heap_lock.held = 0;                            \
        cpu.irq_mask = 0;                              \
        EXPECT(strstr(panic_text, words) != NULL);     \
    } while (0)

static void test_wrong_frees(void)
{
    char *keep = heap_alloc(100);
    char *p = heap_alloc(100);
    int local = 0;
    heap_free(p);
    EXPECT_PANIC("freed twice", heap_free(p));
    EXPECT_PANIC("no block", heap_free(keep + 16));
    EXPECT_PANIC("no block", heap_free(keep + 1));
    EXPECT_PANIC("no block", heap_free(&local));
    EXPECT_PANIC("no block", heap_free((void *)8));
    EXPECT_PANIC("no block", heap_free((void *)((uintptr_t)keep & ~4095ul)));
    char *large = heap_alloc(300000);
    EXPECT_PANIC("no block", heap_free(large + 4096));
    EXPECT_PANIC("no block", heap_free(large + 8 * 4096));
    EXPECT_PANIC("no block", heap_free(large + 100));
    heap_free(large);
    EXPECT_PANIC("no block", heap_free(large));
    heap_free(keep);
    /* A write after free: the next allocation of that object finds it. */
    char *guard = heap_alloc(48);
    char *stale = heap_alloc(48);
    heap_free(stale);
    memset(stale, 0x41, 16);
    EXPECT_PANIC("after it was freed", heap_alloc(48));
    (void)guard;
}

int main(void)
{
    syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu);
    cpu.self = &cpu;
    void *arena = mmap(NULL, ARENA_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct boot_info info = { .nram = 1, .ram[0] = { arena, ARENA_PAGES } };
    page_init(&info);
    size_t before = pages_free();
    test_classes();
    test_alignment();
    test_limits();
    test_random_use();
    test_exhaustion();
    EXPECT(before - pages_free() <= 3); /* the map */
    EXPECT(cpu.irq_mask == 0);
    test_wrong_frees(); /* last: each leaves the heap where the machine would have ended */
    return unit_done();
}
