/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pages that a block backend sees.
 *
 * A pool of pages of our own stays granted, so that the backend may keep them mapped (blkif.h,
 * feature-persistent: last used first) and nothing else that happens to lie in a page of the
 * program is shown to it. Where that is switched off, the program's pages are granted for the time
 * of a request.
 */
#include <xenplat/blkfront.h>

#include <errno.h>
#include <string.h>

#include <pith/log.h>
#include <pith/machine.h>
#include <pith/page.h>
#include <xenplat/grant.h>

#define POOL_LEAST 96u /* a request of 64 pages, its list, and some that are smaller */
#define POOL_PART  16u /* of the machine's memory */
#define REFS_LEAST 128u

#define TABLE_PAGES ((BLKFRONT_REFS * sizeof(struct blkfront_page) + PAGE_SIZE - 1) / PAGE_SIZE)

static void push(struct blkfront_page **list, struct blkfront_page *p)
{
    p->next = *list;
    *list = p;
}

static struct blkfront_page *pop(struct blkfront_page **list)
{
    struct blkfront_page *p = *list;
    if (p != NULL) {
        *list = p->next;
        p->next = NULL;
    }
    return p;
}

int blkfront_pages_init(struct blkfront *b)
{
    uint32_t refs[BLKFRONT_REFS];
    int err = -ENOSPC;

    b->page = page_alloc_n(TABLE_PAGES);
    if (b->page == NULL) {
        return -ENOMEM;
    }
    memset(b->page, 0, TABLE_PAGES * PAGE_SIZE);
    for (unsigned n = BLKFRONT_REFS; n >= REFS_LEAST && err == -ENOSPC; n /= 2) {
        err = grant_alloc(refs, n);
        b->npages = err == 0 ? n : 0;
    }
    for (unsigned i = 0; i < b->npages; i++) {
        b->page[i].ref = refs[i];
        push(&b->bare, &b->page[i]);
    }
    size_t part = machine_boot_info()->ram_total / PAGE_SIZE / POOL_PART;
    b->pool_max = part < POOL_LEAST ? POOL_LEAST : part < b->npages ? (unsigned)part : b->npages;
    return err;
}

struct blkfront_page *blkfront_page_get(struct blkfront *b)
{
    struct blkfront_page *p = pop(&b->granted);
    if (p != NULL || b->pool == b->pool_max) {
        return p;
    }
    p = pop(&b->bare);
    if (p == NULL) {
        return NULL;
    }
    p->page = page_alloc(0);
    if (p->page == NULL || grant_access(p->ref, b->bus.domain, p->page, false) != 0) {
        if (p->page != NULL) {
            page_free(p->page, 0);
            p->page = NULL;
        }
        push(&b->bare, p);
        return NULL;
    }
    memset(p->page, 0, PAGE_SIZE); /* what lay there is none of the backend's business */
    p->own = p->granted = true;
    b->pool++;
    return p;
}

struct blkfront_page *blkfront_page_lend(struct blkfront *b, const void *p, bool readonly)
{
    struct blkfront_page *entry = pop(&b->bare);
    char *page = (char *)((uintptr_t)p & ~(PAGE_SIZE - 1));

    if (entry == NULL) {
        return NULL;
    }
    if (grant_access(entry->ref, b->bus.domain, page, readonly) != 0) {
        push(&b->bare, entry);
        return NULL;
    }
    entry->page = page;
    entry->own = false;
    entry->granted = true;
    return entry;
}

bool blkfront_pages_put(struct blkfront *b, struct blkfront_page *list)
{
    bool well = true;
    struct blkfront_page *p;

    while ((p = pop(&list)) != NULL) {
        if (p->own) {
            push(&b->granted, p);
        } else if (grant_revoke(p->ref) == 0) {
            p->granted = false;
            p->page = NULL;
            push(&b->bare, p);
        } else {
            b->stuck++; /* neither reference nor entry is used again before it lets go */
            well = false;
        }
    }
    return well;
}

/* End the grant and leave the entry without a page; what the backend keeps is left to it. */
static bool take_back(struct blkfront *b, struct blkfront_page *p)
{
    bool back = grant_revoke(p->ref) == 0;

    if (p->own) {
        if (back) {
            page_free(p->page, 0);
        } else {
            grant_abandon(p->ref, p->page);
        }
        b->pool--;
    }
    p->own = p->granted = false;
    p->page = NULL;
    return back;
}

void blkfront_pages_again(struct blkfront *b)
{
    unsigned n = 0;

    b->granted = b->bare = NULL;
    for (unsigned i = 0; i < b->npages; i++) {
        struct blkfront_page *p = &b->page[i];
        if (p->granted && (!p->own || grant_revoke(p->ref) != 0 ||
                           grant_access(p->ref, b->bus.domain, p->page, false) != 0)) {
            b->stuck += !take_back(b, p);
            continue; /* one reference less: it does not happen */
        }
        push(p->granted ? &b->granted : &b->bare, p);
        n++;
    }
    if (n < b->npages) {
        klog(LOG_WARNING, "%s: %u pages could not be granted again", b->blkdev.name, b->npages - n);
    }
}

void blkfront_pages_free(struct blkfront *b)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < b->npages; i++) {
        struct blkfront_page *p = &b->page[i];
        bool back = !p->granted || take_back(b, p);
        if (back) {
            grant_free(&p->ref, 1);
        }
        kept += !back;
    }
    if (kept > 0) {
        klog(LOG_WARNING, "%s: its backend keeps %u pages", b->blkdev.name, kept);
    }
    if (b->page != NULL) {
        page_free_n(b->page, TABLE_PAGES);
    }
    b->page = b->granted = b->bare = NULL;
    b->npages = b->pool = 0;
}
