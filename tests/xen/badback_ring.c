/* SPDX-License-Identifier: BSD-2-Clause */
/* A shared ring as its backend sees it (public/io/ring.h), and what can be wrong with it. */
#include "badback.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define REQ_PROD  0
#define REQ_EVENT 1
#define RSP_PROD  2
#define RSP_EVENT 3
#define HEADER    64u /* bytes before the first slot */

static uint32_t load(const struct ring *r, unsigned field)
{
    return __atomic_load_n(&r->head[field], __ATOMIC_ACQUIRE);
}

static void store(struct ring *r, unsigned field, uint32_t value)
{
    __atomic_store_n(&r->head[field], value, __ATOMIC_RELEASE);
}

bool ring_map(struct back *b, struct ring *r, const uint32_t *refs, unsigned n)
{
    uint32_t copy[RING_PAGES];

    memcpy(copy, refs, n * sizeof(copy[0]));
    void *page = xengnttab_map_domain_grant_refs(b->grants, n, b->domain, copy, PROT_READ | PROT_WRITE);
    if (page == NULL) {
        tell("no ring %s: reference %u", r->name, copy[0]);
        return false;
    }
    r->head = page;
    r->slots = (uint8_t *)page + HEADER;
    r->pages = n;
    r->size = 1;
    while (r->size * 2 * r->slot <= n * PAGE - HEADER) {
        r->size *= 2;
    }
    r->prod = r->told = r->cons = load(r, RSP_PROD);
    return true;
}

void ring_unmap(struct back *b, struct ring *r)
{
    if (r->head != NULL) {
        xengnttab_unmap(b->grants, (void *)r->head, r->pages);
        r->head = NULL;
    }
}

unsigned ring_waiting(const struct ring *r)
{
    unsigned n = load(r, REQ_PROD) - r->cons;

    if (n > r->size) {
        die("%s: the front end's index is wrong: %u requests", r->name, n);
    }
    return n;
}

bool ring_take(struct ring *r, void *request)
{
    if (ring_waiting(r) == 0) {
        store(r, REQ_EVENT, r->cons + 1);
        __atomic_thread_fence(__ATOMIC_SEQ_CST); /* it looks at req_event after its req_prod */
        if (ring_waiting(r) == 0) {
            return false;
        }
    }
    memcpy(request, r->slots + (r->cons++ & (r->size - 1)) * r->slot, r->slot);
    return true;
}

static void put(struct ring *r, const void *response)
{
    memcpy(r->slots + (r->prod++ & (r->size - 1)) * r->slot, response, r->slot);
}

bool fault_now(struct back *b, struct ring *r, enum fault fault)
{
    if (r->fault != fault || b->injected || b->responses < b->after) {
        return false;
    }
    b->injected = true;
    tell("injected %s", r->name);
    return true;
}

void ring_put(struct back *b, struct ring *r, void *response)
{
    if (fault_now(b, r, BAD_ID)) {
        memset(response, 0xee, r->id_bytes);
    }
    put(r, response);
    if (fault_now(b, r, REPEATED_ID)) {
        put(r, response);
    }
    b->responses++;
}

void ring_push(struct back *b, struct ring *r)
{
    uint32_t from = r->told;

    if (fault_now(b, r, BAD_INDEX)) {
        r->prod += 100000;
    } else if (fault_now(b, r, INDEX_ONE)) {
        r->prod = load(r, REQ_PROD) + 1;
    }
    if (r->prod == from) {
        return;
    }
    r->told = r->prod;
    store(r, RSP_PROD, r->prod);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    /* RING_PUSH_RESPONSES_AND_CHECK_NOTIFY */
    if (r->prod - load(r, RSP_EVENT) < r->prod - from) {
        xenevtchn_notify(b->events, b->port);
    }
}

void ring_scribble(struct ring *r)
{
    for (unsigned i = 0; i < r->size; i++) {
        uint32_t *word = (uint32_t *)(r->slots + i * r->slot);
        word[0] = (uint32_t)random();
        word[1] = (uint32_t)random();
    }
    store(r, RSP_PROD, r->prod + (uint32_t)random() % 8);
}

bool grant_copy(struct back *b, uint32_t ref, unsigned offset, void *memory, unsigned len, bool to_guest)
{
    xengnttab_grant_copy_segment_t s = {.len = (uint16_t)len};
    union xengnttab_copy_ptr ours = {.virt = memory};
    union xengnttab_copy_ptr theirs = {.foreign = {.ref = ref, .offset = (uint16_t)offset,
                                                   .domid = (uint16_t)b->domain}};

    s.source = to_guest ? ours : theirs;
    s.dest = to_guest ? theirs : ours;
    s.flags = to_guest ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
    return xengnttab_grant_copy(b->grants, 1, &s) == 0 && s.status == GNTST_okay;
}
