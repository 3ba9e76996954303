/* SPDX-License-Identifier: BSD-2-Clause */
/* How fast code, faults and calls below are. In cycles of the time stamp counter. */
#include "selftest.h"

#include <stdlib.h>
#include <string.h>

#include <pith/platform.h>

#define LOOPS   20000000ull
#define REPEATS 200

/* The fewest cycles of REPEATS calls, and the mean. */
static void cost(const char *name, bool (*op)(void))
{
    uint64_t least = UINT64_MAX, sum = 0;
    bool good = true;

    for (int i = 0; i < REPEATS; i++) {
        uint64_t start = cycles();
        good &= op();
        uint64_t took = cycles() - start;
        sum += took;
        least = took < least ? took : least;
    }
    row(name, good, "%llu cycles at best, %llu on average", (unsigned long long)least,
        (unsigned long long)(sum / REPEATS));
}

/* A read of page 0, which has to fault, be fixed up, and be told. */
static bool fault(void)
{
    char c;
    return platform_probe_read(&c, NULL, 1) != 0;
}

static char *page;

/* One page made read-only and writable again: two calls into the monitor (or Xen). */
static bool protect(void)
{
    struct page_op off = { page, page, 1, PAGE_PROT_READ };
    struct page_op on = { page, page, 1, PAGE_PROT_READ | PAGE_PROT_WRITE };
    return platform_page_ops(&off, 1) == 0 && platform_page_ops(&on, 1) == 0;
}

static bool write_sealed(void)
{
    struct page_op op = { page, page, 1, PAGE_PROT_READ | PAGE_PROT_WRITE | PAGE_PROT_EXEC };
    return platform_page_ops(&op, 1) != 0;
}

void test_speed(void)
{
    uint64_t n = LOOPS, start = cycles();
    __asm__ volatile("1: decq %0\n\tjnz 1b" : "+r"(n));
    uint64_t took = cycles() - start;
    /* Native: 0.5 to 2. TCG: about 5. A host that emulates CPL 3 instruction by instruction: 1000. */
    row("loop at CPL 3", took < 100 * LOOPS, "%llu.%02llu cycles per round",
        (unsigned long long)(took / LOOPS), (unsigned long long)(took * 100 / LOOPS % 100));
    cost("fault and fixup", fault);
    page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    if (page == NULL) {
        row("page permission", false, "no memory for a page");
        return;
    }
    cost("page permission, twice", protect);
    memset(page, 0, PAGE_SIZE);
    row("W+X is refused", write_sealed(), "a page that is writable and executable");
    free(page);
}
