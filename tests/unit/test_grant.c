/* sources: platform/xen/grant.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Grant references against a Xen of the test's, whose other side maps pages and does not let go. */
#include <errno.h>

#include <pith/page.h>
#include <x86/mem.h>
#include <xenplat/abi.h>
#include <xenplat/grant.h>
#include <xenplat/suspend.h>

#include <xen/grant_table.h>

#include "unit.h"

#include "fake_cpu.h"
#include "fake_log.h"

#define PER_FRAME 512u
#define LIMIT     4u

/* Pages have the frame numbers 0x100 and up; the last one is beyond what version 1 can name. */
#define PAGES 64u
static char *memory;
static unsigned freed[PAGES];
static bool no_memory;
static struct grant_entry_v1 *table[LIMIT];
static unsigned limit = LIMIT, asked;

static char *page_at(unsigned i)
{
    return memory + i * PAGE_SIZE;
}

void platform_irq_replay(void)
{
}

void *page_alloc(unsigned order)
{
    (void)order;
    return no_memory ? NULL : aligned_alloc(PAGE_SIZE, PAGE_SIZE);
}

void page_free(void *page, unsigned order)
{
    EXPECT(order == 0);
    freed[((char *)page - memory) / PAGE_SIZE]++;
}

paddr_t mem_to_paddr(const void *p, size_t want, size_t *len)
{
    size_t offset = (size_t)((const char *)p - memory);

    *len = want;
    if (offset >= PAGES * PAGE_SIZE) {
        return PADDR_NONE;
    }
    return offset == (PAGES - 1) * PAGE_SIZE ? 1UL << 44 : 0x100000 + offset;
}

void *mem_from_paddr(paddr_t pa, size_t len)
{
    EXPECT(len == PAGE_SIZE && pa >= 0x100000);
    return memory + (pa - 0x100000);
}

unsigned grant_frames_limit(void)
{
    return limit;
}

void *grant_frame_map(unsigned index)
{
    EXPECT(index == asked);
    asked++;
    if (index >= LIMIT) {
        return NULL;
    }
    table[index] = calloc(PER_FRAME, sizeof(struct grant_entry_v1));
    return table[index];
}

static struct xen_resume_hook *hook;
static unsigned mapped_again;

void xen_resume_add(struct xen_resume_hook *h)
{
    EXPECT(hook == NULL);
    hook = h;
}

void grant_frames_resume(unsigned n)
{
    mapped_again = n;
}

static struct grant_entry_v1 *entry(uint32_t ref)
{
    return &table[ref / PER_FRAME][ref % PER_FRAME];
}

static void life(void)
{
    uint32_t ref;

    EXPECT(grant_alloc(&ref, 1) == 0 && ref >= GNTTAB_NR_RESERVED_ENTRIES);
    EXPECT(grant_revoke(ref) == -EINVAL);
    EXPECT(grant_access(ref, 7, page_at(3), true) == 0);
    EXPECT(entry(ref)->domid == 7 && entry(ref)->frame == 0x103);
    EXPECT(entry(ref)->flags == (GTF_permit_access | GTF_readonly));
    EXPECT(grant_access(ref, 7, page_at(4), false) == -EBUSY && entry(ref)->frame == 0x103);

    entry(ref)->flags |= GTF_reading; /* mapped */
    EXPECT(grant_revoke(ref) == -EBUSY && entry(ref)->flags & GTF_permit_access);
    entry(ref)->flags &= (uint16_t)~GTF_reading;
    EXPECT(grant_revoke(ref) == 0 && entry(ref)->flags == 0);
    EXPECT(grant_revoke(ref) == -EINVAL);

    EXPECT(grant_access(ref, 0, page_at(4), false) == 0 && entry(ref)->flags == GTF_permit_access);
    EXPECT(grant_revoke(ref) == 0);
    EXPECT(grant_access(ref, 0, page_at(4) + 8, false) == -EINVAL);
    EXPECT(grant_access(ref, 0, "not RAM", false) == -EINVAL);
    EXPECT(grant_access(ref, 0, page_at(PAGES - 1), false) == -EOVERFLOW);
    grant_free(&ref, 1);
    EXPECT(grant_access(ref, 0, page_at(4), false) == -EINVAL);

    /* None of the toolstack's, none out of range. */
    for (uint32_t bad = 0; bad < 8; bad++) {
        EXPECT(grant_access(bad, 0, page_at(1), false) == -EINVAL && grant_revoke(bad) == -EINVAL);
    }
    EXPECT(grant_access(LIMIT * PER_FRAME, 0, page_at(1), false) == -EINVAL);
    EXPECT(grant_access(UINT32_MAX, 0, page_at(1), false) == -EINVAL);
}

/* As many as there are, no two alike; all or none; the table grows as it has to. */
static void all_of_them(void)
{
    static uint32_t refs[LIMIT * PER_FRAME];
    static bool seen[LIMIT * PER_FRAME];
    const unsigned n = LIMIT * PER_FRAME - GNTTAB_NR_RESERVED_ENTRIES;
    struct grant_stats stats;

    EXPECT(asked == 1);
    EXPECT(grant_alloc(refs, n) == 0 && asked == LIMIT);
    for (unsigned i = 0; i < n; i++) {
        EXPECT(refs[i] >= 8 && refs[i] < LIMIT * PER_FRAME && !seen[refs[i]]);
        seen[refs[i]] = true;
    }
    uint32_t more;
    EXPECT(grant_alloc(&more, 1) == -ENOSPC);
    grant_free(refs, 3);
    EXPECT(grant_alloc(refs, 4) == -ENOSPC);
    grant_stats(&stats);
    EXPECT(stats.used == n - 3 && stats.frames == LIMIT && stats.abandoned == 0);
    EXPECT(grant_alloc(refs, 3) == 0);
    grant_free(refs, n);
    grant_stats(&stats);
    EXPECT(stats.used == 0);
}

/* Pages that the other side keeps: neither they nor their references come back before it lets go. */
static void abandoned(void)
{
    uint32_t refs[40], other;
    struct grant_stats stats;

    EXPECT(grant_alloc(refs, 40) == 0);
    for (unsigned i = 0; i < 40; i++) {
        EXPECT(grant_access(refs[i], 1, page_at(i), false) == 0);
        entry(refs[i])->flags |= GTF_writing;
        EXPECT(grant_revoke(refs[i]) == -EBUSY);
        grant_abandon(refs[i], page_at(i));
        EXPECT(grant_revoke(refs[i]) == -EINVAL && grant_access(refs[i], 1, page_at(i), false) == -EINVAL);
    }
    for (unsigned round = 0; round < 100; round++) {
        EXPECT(grant_alloc(&other, 1) == 0);
        for (unsigned i = 0; i < 40; i++) {
            EXPECT(other != refs[i]);
        }
        grant_free(&other, 1);
    }
    grant_stats(&stats);
    EXPECT(stats.abandoned == 40 && stats.used == 40);
    for (unsigned i = 0; i < 40; i += 2) {
        entry(refs[i])->flags &= (uint16_t)~GTF_writing;
    }
    for (unsigned round = 0; round < 40; round++) {
        EXPECT(grant_alloc(&other, 1) == 0);
        grant_free(&other, 1);
    }
    for (unsigned i = 0; i < 40; i++) {
        EXPECT(freed[i] == (i % 2 == 0));
        EXPECT(entry(refs[i])->flags == (i % 2 == 0 ? 0 : GTF_permit_access | GTF_writing));
        entry(refs[i])->flags &= (uint16_t)~GTF_writing;
    }
    for (unsigned round = 0; round < 40; round++) {
        EXPECT(grant_alloc(&other, 1) == 0);
        grant_free(&other, 1);
    }
    grant_stats(&stats);
    EXPECT(stats.abandoned == 0 && stats.used == 0);
    for (unsigned i = 0; i < 40; i++) {
        EXPECT(freed[i] == 1);
    }
}

/* A new domain: the table is empty and nobody has anything mapped; references stay whose they were. */
static void resumed(void)
{
    uint32_t refs[4], other;
    struct grant_stats stats;

    EXPECT(grant_alloc(refs, 4) == 0);
    for (unsigned i = 0; i < 3; i++) {
        EXPECT(grant_access(refs[i], 1, page_at(i), false) == 0);
        entry(refs[i])->flags |= GTF_writing;
        freed[i] = 0;
    }
    EXPECT(grant_revoke(refs[0]) == -EBUSY);
    grant_abandon(refs[0], page_at(0));
    EXPECT(grant_revoke(refs[2]) == -EBUSY);
    for (unsigned i = 0; i < LIMIT; i++) {
        memset(table[i], 0, PER_FRAME * sizeof(struct grant_entry_v1));
    }
    EXPECT(hook != NULL && hook->ready == NULL);
    hook->moved();
    EXPECT(mapped_again == LIMIT);

    EXPECT(grant_access(refs[1], 1, page_at(5), false) == -EBUSY);
    EXPECT(grant_revoke(refs[1]) == 0 && grant_access(refs[1], 2, page_at(5), false) == 0);
    EXPECT(entry(refs[1])->frame == 0x105 && grant_revoke(refs[1]) == 0);
    EXPECT(grant_access(refs[3], 1, page_at(6), false) == 0 && grant_revoke(refs[3]) == 0);
    grant_abandon(refs[2], page_at(2)); /* its owner has seen the -EBUSY of before */
    grant_free(&refs[1], 1);
    grant_free(&refs[3], 1);
    for (unsigned round = 0; round < 10; round++) {
        EXPECT(grant_alloc(&other, 1) == 0);
        grant_free(&other, 1);
    }
    EXPECT(freed[0] == 1 && freed[1] == 0 && freed[2] == 1);
    grant_stats(&stats);
    EXPECT(stats.abandoned == 0 && stats.used == 0);
}

static void panicked(void)
{
    exit(unit_done());
}

int main(void)
{
    uint32_t ref;

    fake_cpu_init();
    memory = aligned_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
    limit = 0;
    EXPECT(grant_alloc(&ref, 1) == -ENOSYS);
    limit = LIMIT;
    no_memory = true;
    EXPECT(grant_alloc(&ref, 1) == -ENOMEM);
    no_memory = false;
    life();
    all_of_them();
    abandoned();
    resumed();

    /* Given back while it is granted: the program's bug, and the end. */
    EXPECT(grant_alloc(&ref, 1) == 0 && grant_access(ref, 0, page_at(1), false) == 0);
    fake_panic_hook = panicked;
    grant_free(&ref, 1);
    printf("grant_free of a granted reference went through\n");
    return 1;
}
