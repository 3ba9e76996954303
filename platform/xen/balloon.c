/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon: pages go back to Xen and come again as the toolstack wants (xen
 * docs/misc/xenstore-paths.pandoc, memory/target; public/memory.h, XENMEM_decrease_reservation,
 * XENMEM_populate_physmap).
 *
 * Pages that go are taken from the page allocator, and what was free stays free for those who have
 * memory already: a reserve is never given away. More than at the start comes only as far as the
 * memory map says: on PVH that is maxmem, on PV memory.
 */
#include "balloon.h"

#include <pith/log.h>
#include <pith/machine.h>
#include <pith/page.h>
#include <x86/machine.h>
#include <x86/mem.h>
#include <xenplat/services.h>
#include <xenplat/xenstore.h>

#define RESERVE_PAGES 512u  /* 2 MiB, or an eighth of a small machine */
#define TURN_PAGES    2048u /* then others that wait for the thread have their turn */
#define CHUNK_PAGES   (PAGE_SIZE / sizeof(void *) - 2)
#define NOT_KNOWN     UINT64_MAX

/* Where the pages that are away belong. */
struct chunk {
    struct chunk *next;
    uint64_t n;
    void *page[CHUNK_PAGES];
};

_Static_assert(sizeof(struct chunk) == PAGE_SIZE, "a page of pages");

/* The thread's alone (and before it runs, its maker's), but for the count, which others read. */
static struct chunk *chunks;
static uint64_t away;                /* atomic */
static uint64_t missing = NOT_KNOWN; /* pages of the toolstack's count that are no RAM of ours */
static uint64_t told = NOT_KNOWN;    /* the target that was said to be out of reach */

static uint64_t all_pages(void)
{
    return machine_boot_info()->ram_total >> PAGE_SHIFT;
}

/* ---- one page ---- */

/* PVH: the monitor takes the address from the call itself, see mon_move_frame(). */
static long pvh_move(int cmd, void *page)
{
    size_t len;
    return (long)xen_hypercall(__HYPERVISOR_memory_op, (unsigned long)cmd, 0,
                               mem_to_paddr(page, PAGE_SIZE, &len), 0, 0);
}

static bool leave(void *page)
{
    if (xen_pv) {
        return xen_pv_page_leave(page) == 0;
    }
    if (pvh_move(XENMEM_decrease_reservation, page) == 1) {
        return true;
    }
    /* A page of a large mapping needs one of its own first, for which tables may be wanting. */
    struct page_op split = {.va = page, .page = page, .npages = 1, .prot = PAGE_PROT_WRITE};
    return x86_page_ops(&split, 1) == 0 && pvh_move(XENMEM_decrease_reservation, page) == 1;
}

static bool come_back(void *page)
{
    return xen_pv ? xen_pv_page_back(page) == 0 : pvh_move(XENMEM_populate_physmap, page) == 1;
}

static bool give_one(void)
{
    struct page_stats stats;
    size_t reserve = all_pages() / 8 < RESERVE_PAGES ? all_pages() / 8 : RESERVE_PAGES;

    page_stats(&stats);
    if (stats.free <= reserve) {
        return false;
    }
    if (chunks == NULL || chunks->n == CHUNK_PAGES) {
        struct chunk *chunk = page_alloc(0);
        if (chunk == NULL) {
            return false;
        }
        chunk->next = chunks;
        chunk->n = 0;
        chunks = chunk;
    }
    void *page = page_alloc(0);
    if (page == NULL) {
        return false;
    }
    if (!leave(page)) {
        page_free(page, 0);
        return false;
    }
    chunks->page[chunks->n++] = page;
    __atomic_add_fetch(&away, 1, __ATOMIC_RELAXED);
    return true;
}

static bool take_one(void)
{
    while (chunks != NULL && chunks->n == 0) {
        struct chunk *empty = chunks;
        chunks = empty->next;
        page_free(empty, 0);
    }
    if (chunks == NULL || !come_back(chunks->page[chunks->n - 1])) {
        return false;
    }
    page_free(chunks->page[--chunks->n], 0);
    __atomic_sub_fetch(&away, 1, __ATOMIC_RELAXED);
    return true;
}

/* ---- how many ---- */

/* Have `want` pages be away; at most TURN_PAGES at a time. */
static enum xen_balloon reach(uint64_t want)
{
    for (unsigned i = 0; i < TURN_PAGES; i++) {
        if (away == want) {
            return XEN_BALLOON_DONE;
        }
        if (!(away < want ? give_one() : take_one())) {
            return XEN_BALLOON_LATER;
        }
    }
    return XEN_BALLOON_GOES_ON;
}

void xen_balloon_begin(uint64_t pages)
{
    while (reach(pages) == XEN_BALLOON_GOES_ON) {
    }
}

/*
 * The toolstack counts all that it has given a PVH guest, its own pages in it too; what the memory map
 * lacks of static-max is none of ours.
 */
static uint64_t find_missing(void)
{
    uint64_t max_kib, own = all_pages();

    if (xen_pv || xenstore_read_u64(XENSTORE_NO_TX, "memory", "static-max", &max_kib) != 0) {
        return 0;
    }
    return max_kib / 4 > own ? max_kib / 4 - own : 0;
}

enum xen_balloon xen_balloon_look(void)
{
    uint64_t kib, own = all_pages();

    if (xenstore_read_u64(XENSTORE_NO_TX, "memory", "target", &kib) != 0) {
        return XEN_BALLOON_DONE;
    }
    if (missing == NOT_KNOWN) {
        missing = find_missing();
    }
    uint64_t keep = kib / 4 > missing ? kib / 4 - missing : 0;
    enum xen_balloon result = reach(keep < own ? own - keep : 0);
    if (result == XEN_BALLOON_DONE) {
        told = NOT_KNOWN;
    } else if (result == XEN_BALLOON_LATER && told != kib) {
        told = kib;
        klog(LOG_WARNING, "xen: %lu KiB wanted; %lu KiB it is for now, the rest is %s", kib,
             (own - away + missing) * 4, own - away > keep ? "in use" : "not to be had");
    }
    return result;
}

size_t xen_pages_away(void)
{
    return __atomic_load_n(&away, __ATOMIC_RELAXED);
}
