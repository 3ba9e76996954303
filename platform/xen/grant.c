/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grant references: which are free, and the entries of the table (public/grant_table.h, "Granting a
 * foreign domain access to a page", "Revoking").
 *
 * Xen writes to an entry's flags at any time, to nothing else. What we decide by is our own record:
 * one word per reference that says whether it is free (and which is the next free one), reserved,
 * granted or abandoned.
 */
#include <xenplat/grant.h>

#include <errno.h>

#include <pith/log.h>
#include <pith/page.h>
#include <pith/panic.h>
#include <pith/spinlock.h>
#include <x86/mem.h>
#include <xenplat/abi.h>
#include <xenplat/suspend.h>

#include <xen/grant_table.h>

#define FRAME_REFS (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define NOTE_REFS  (PAGE_SIZE / sizeof(uint16_t))
#define NOTE_PAGES (GRANT_MAX_FRAMES * FRAME_REFS / NOTE_REFS)
#define IN_USE     (GTF_reading | GTF_writing)
#define REAP_LOOKS 8u /* abandoned references that one call looks at */

/* A note: the next reference of the list that this one is in (0: the last), or one of these. */
#define NOTE_RESERVED 0xffffu
#define NOTE_GRANTED  0xfffeu

static struct grant_entry_v1 *frames[GRANT_MAX_FRAMES];
static uint16_t *notes[NOTE_PAGES];
static void **left_pages[GRANT_MAX_FRAMES]; /* per frame that has had one: an abandoned reference's page */
static unsigned nframes, limit;
static uint32_t first_free, nfree;
static uint32_t first_abandoned, nabandoned;

/* Guards all of the above; the page allocator and the page tables are locked inside. */
static struct spinlock lock = SPINLOCK_INIT;

static uint16_t *note(uint32_t ref)
{
    return &notes[ref / NOTE_REFS][ref % NOTE_REFS];
}

static struct grant_entry_v1 *entry(uint32_t ref)
{
    return &frames[ref / FRAME_REFS][ref % FRAME_REFS];
}

static bool is(uint32_t ref, uint16_t what)
{
    return ref >= GNTTAB_NR_RESERVED_ENTRIES && ref < nframes * FRAME_REFS && *note(ref) == what;
}

static void put_free(uint32_t ref)
{
    *note(ref) = (uint16_t)first_free;
    first_free = ref;
    nfree++;
}

/* The other domains' mappings and the table's contents are those of a new domain: none. */
static void moved(void)
{
    grant_frames_resume(nframes);
}

static struct xen_resume_hook hook = {.moved = moved};

/* One more frame. The first references belong to the toolstack. */
static int grow(void)
{
    uint32_t first = nframes * FRAME_REFS;

    if (limit == 0) {
        limit = grant_frames_limit();
    }
    if (nframes == limit) {
        return limit == 0 ? -ENOSYS : -ENOSPC;
    }
    if (notes[first / NOTE_REFS] == NULL) {
        notes[first / NOTE_REFS] = page_alloc(0);
        if (notes[first / NOTE_REFS] == NULL) {
            return -ENOMEM;
        }
    }
    frames[nframes] = grant_frame_map(nframes);
    if (frames[nframes] == NULL) {
        return nframes == 0 ? -ENOSYS : -ENOSPC;
    }
    if (nframes++ == 0) {
        xen_resume_add(&hook);
    }
    for (uint32_t ref = first + FRAME_REFS; ref-- > first;) {
        if (ref >= GNTTAB_NR_RESERVED_ENTRIES) {
            put_free(ref);
        }
    }
    return 0;
}

/* Clear an entry unless the other side uses it. Its flags change under our hands. */
static bool entry_end(uint32_t ref)
{
    uint16_t flags = __atomic_load_n(&entry(ref)->flags, __ATOMIC_ACQUIRE);

    do {
        if (flags & IN_USE) {
            return false;
        }
    } while (!__atomic_compare_exchange_n(&entry(ref)->flags, &flags, 0, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
    return true;
}

/* Look whether abandoned pages have come free; what is still in use goes to the list's end. */
static void reap(void)
{
    uint32_t old = first_abandoned, looks = nabandoned < REAP_LOOKS ? nabandoned : REAP_LOOKS;

    while (looks-- > 0) {
        uint32_t ref = old;
        old = *note(ref);
        first_abandoned = old;
        if (entry_end(ref)) {
            page_free(left_pages[ref / FRAME_REFS][ref % FRAME_REFS], 0);
            nabandoned--;
            put_free(ref);
            continue;
        }
        uint32_t last = old;
        while (last != 0 && *note(last) != 0) {
            last = *note(last);
        }
        *note(ref) = 0;
        if (last != 0) {
            *note(last) = (uint16_t)ref;
        } else {
            first_abandoned = ref;
            old = ref;
        }
    }
}

int grant_alloc(uint32_t *refs, size_t n)
{
    bool was = spin_lock(&lock);
    int error = 0;

    reap();
    while (nfree < n && error == 0) {
        error = grow();
    }
    for (size_t i = 0; i < n && error == 0; i++) {
        refs[i] = first_free;
        first_free = *note(first_free);
        nfree--;
        *note(refs[i]) = NOTE_RESERVED;
    }
    spin_unlock(&lock, was);
    return error;
}

void grant_free(const uint32_t *refs, size_t n)
{
    bool was = spin_lock(&lock);

    for (size_t i = 0; i < n; i++) {
        if (!is(refs[i], NOTE_RESERVED)) {
            PANIC("grant_free of reference %u, which is not reserved", refs[i]);
        }
        put_free(refs[i]);
    }
    spin_unlock(&lock, was);
}

int grant_access(uint32_t ref, unsigned domain, const void *page, bool readonly)
{
    size_t len;

    /* Masked from the frame's number on: a PV guest that is moved in between has others. */
    bool was = spin_lock(&lock);
    paddr_t pa = mem_to_paddr(page, PAGE_SIZE, &len);
    int error = is(ref, NOTE_RESERVED) ? 0 : is(ref, NOTE_GRANTED) ? -EBUSY : -EINVAL;
    if (pa == PADDR_NONE || pa % PAGE_SIZE != 0 || len < PAGE_SIZE) {
        error = -EINVAL;
    } else if (pa >> PAGE_SHIFT > UINT32_MAX) {
        error = -EOVERFLOW;
    }
    if (error == 0) {
        struct grant_entry_v1 *e = entry(ref);
        *note(ref) = NOTE_GRANTED;
        e->domid = (domid_t)domain;
        e->frame = (uint32_t)(pa >> PAGE_SHIFT);
        __atomic_store_n(&e->flags, (uint16_t)(GTF_permit_access | (readonly ? GTF_readonly : 0)),
                         __ATOMIC_RELEASE);
    }
    spin_unlock(&lock, was);
    if (error == -EOVERFLOW) {
        klog(LOG_ERROR, "xen: memory above 16 TiB can't be granted (grant table version 1)");
    }
    return error;
}

int grant_revoke(uint32_t ref)
{
    bool was = spin_lock(&lock);
    int error = -EINVAL;

    if (is(ref, NOTE_GRANTED)) {
        error = entry_end(ref) ? 0 : -EBUSY;
        if (error == 0) {
            *note(ref) = NOTE_RESERVED;
        }
    }
    spin_unlock(&lock, was);
    return error;
}

void grant_abandon(uint32_t ref, void *page)
{
    bool was = spin_lock(&lock);
    size_t len;

    /* After a resume the entry is empty; our note tells still that it was granted. */
    if (!is(ref, NOTE_GRANTED) || (entry(ref)->flags != 0 &&
        mem_to_paddr(page, PAGE_SIZE, &len) >> PAGE_SHIFT != entry(ref)->frame)) {
        PANIC("grant_abandon of reference %u, which does not stand for that page", ref);
    }
    void ***pages = &left_pages[ref / FRAME_REFS];
    if (*pages == NULL) {
        *pages = page_alloc(0);
    }
    if (*pages != NULL) {
        (*pages)[ref % FRAME_REFS] = page;
        *note(ref) = (uint16_t)first_abandoned;
        first_abandoned = ref;
        nabandoned++;
    } else {
        klog(LOG_WARNING, "xen: no memory to remember a page by that stays granted: it is lost");
    }
    spin_unlock(&lock, was);
}

void grant_stats(struct grant_stats *out)
{
    bool was = spin_lock(&lock);
    uint32_t all = nframes * FRAME_REFS;

    out->frames = nframes;
    out->used = nframes == 0 ? 0 : all - GNTTAB_NR_RESERVED_ENTRIES - nfree;
    out->abandoned = nabandoned;
    spin_unlock(&lock, was);
}
