/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels by the 2-level ABI, the same for PV and PVH.
 *
 * A pending event is a bit in shared_info; a selector word and a flag in the CPU's vcpu_info lead
 * to it (public/xen.h, struct shared_info). All of it is written by Xen at any time and only ever
 * read once per decision.
 */
#include <xenplat/evtchn.h>

#include <errno.h>
#include <stddef.h>

#include <pith/log.h>
#include <pith/page.h>
#include <pith/panic.h>
#include <pith/percpu.h>
#include <pith/spinlock.h>
#include <xenplat/hypercall.h>
#include <xenplat/suspend.h>

#define WORD_BITS 64u
#define WORDS     (EVTCHN_PORTS / WORD_BITS)

#define RESUME_MAX 64u /* VIRQs and IPIs; a CPU has at most 24 of the former (public/xen.h) */

struct slot {
    evtchn_handler *handler; /* NULL: free */
    void *arg;
    uint64_t count;
    uint32_t cpu;
    uint32_t bound; /* what can be bound again after a resume: BOUND_IPI, BOUND_VIRQ + its number, or 0 */
};

#define BOUND_IPI  1u
#define BOUND_VIRQ 2u

/*
 * Xen gives the lowest free port, so most machines need few: the first ports have their slots here,
 * the others in pages that are added when such a port is bound, and stay.
 */
#define FIRST_SLOTS 16u
#define PAGE_SLOTS  (PAGE_SIZE / sizeof(struct slot))
#define SLOT_PAGES  (EVTCHN_PORTS / PAGE_SLOTS)

static struct slot first_slot[FIRST_SLOTS];
static struct slot *slot_page[SLOT_PAGES];
static uint64_t unexpected;

/* Orders bind and close; handlers run without it. */
static struct spinlock slots_lock = SPINLOCK_INIT;

struct shared_info *xen_shared_info;

static struct slot *slot_find(uint32_t port)
{
    if (port < FIRST_SLOTS) {
        return &first_slot[port];
    }
    if (port >= EVTCHN_PORTS || slot_page[port / PAGE_SLOTS] == NULL) {
        return NULL;
    }
    return &slot_page[port / PAGE_SLOTS][port % PAGE_SLOTS];
}

static struct slot *slot_make(uint32_t port)
{
    if (port >= FIRST_SLOTS && port < EVTCHN_PORTS && slot_page[port / PAGE_SLOTS] == NULL) {
        struct slot *page = page_alloc(0);
        if (page != NULL) {
            __builtin_memset(page, 0, PAGE_SIZE);
        }
        slot_page[port / PAGE_SLOTS] = page;
    }
    return slot_find(port);
}

static inline uint64_t word_load(const xen_ulong_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline bool bit_test(const xen_ulong_t *words, uint32_t port)
{
    return word_load(&words[port / WORD_BITS]) >> port % WORD_BITS & 1;
}

static inline void bit_set(xen_ulong_t *words, uint32_t port)
{
    __atomic_fetch_or(&words[port / WORD_BITS], 1UL << port % WORD_BITS, __ATOMIC_ACQ_REL);
}

static inline void bit_clear(xen_ulong_t *words, uint32_t port)
{
    __atomic_fetch_and(&words[port / WORD_BITS], ~(1UL << port % WORD_BITS), __ATOMIC_ACQ_REL);
}

void evtchn_init(void)
{
    for (unsigned i = 0; i < WORDS; i++) {
        __atomic_store_n(&xen_shared_info->evtchn_mask[i], ~0UL, __ATOMIC_RELAXED);
    }
}

static void close_port(uint32_t port)
{
    struct evtchn_close arg = {.port = port};
    xen_event_channel_op(EVTCHNOP_close, &arg);
}

/* Give a port its handler; it stays masked. */
static int slot_take(uint32_t port, unsigned cpu, uint32_t bound, evtchn_handler *handler, void *arg)
{
    bool was = spin_lock(&slots_lock);
    struct slot *slot = slot_make(port);
    int result = (int)port;

    if (slot == NULL) {
        result = -ENOSPC;
    } else if (slot->handler != NULL) {
        result = -EBUSY;
    } else {
        slot->arg = arg;
        slot->cpu = cpu;
        slot->bound = bound;
        slot->count = 0;
        __atomic_store_n(&slot->handler, handler, __ATOMIC_RELEASE);
    }
    spin_unlock(&slots_lock, was);
    return result;
}

/* The same for a port that we have just opened and close where there is no room for it. */
static int slot_fill(uint32_t port, unsigned cpu, uint32_t bound, evtchn_handler *handler, void *arg)
{
    int result = slot_take(port, cpu, bound, handler, arg);

    if (result < 0) {
        klog(LOG_ERROR, "xen: no room for event channel %u", port);
        close_port(port);
        return -ENOSPC;
    }
    return result;
}

int evtchn_adopt(uint32_t port, evtchn_handler *handler, void *arg)
{
    return slot_take(port, 0, 0, handler, arg);
}

int evtchn_bind_virq(unsigned virq, unsigned cpu, evtchn_handler *handler, void *arg)
{
    struct evtchn_bind_virq bind = {.virq = virq, .vcpu = cpu};
    long error = xen_event_channel_op(EVTCHNOP_bind_virq, &bind);

    if (error != 0) {
        return (int)error;
    }
    int port = slot_fill(bind.port, cpu, BOUND_VIRQ + virq, handler, arg);
    if (port >= 0) {
        evtchn_unmask((uint32_t)port);
    }
    return port;
}

int evtchn_bind_ipi(unsigned cpu, evtchn_handler *handler, void *arg)
{
    struct evtchn_bind_ipi bind = {.vcpu = cpu};
    long error = xen_event_channel_op(EVTCHNOP_bind_ipi, &bind);

    if (error != 0) {
        return (int)error;
    }
    int port = slot_fill(bind.port, cpu, BOUND_IPI, handler, arg);
    if (port >= 0) {
        evtchn_unmask((uint32_t)port);
    }
    return port;
}

int evtchn_alloc_unbound(unsigned remote, evtchn_handler *handler, void *arg)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = (domid_t)remote};
    long error = xen_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);

    return error != 0 ? (int)error : slot_fill(alloc.port, 0, 0, handler, arg);
}

void evtchn_close(uint32_t port)
{
    struct slot *slot = slot_find(port);

    if (slot == NULL || slot->handler == NULL) {
        return;
    }
    evtchn_mask(port);
    close_port(port);
    bool was = spin_lock(&slots_lock);
    __atomic_store_n(&slot->handler, NULL, __ATOMIC_RELEASE);
    bit_clear(xen_shared_info->evtchn_pending, port);
    spin_unlock(&slots_lock, was);
}

int evtchn_notify(uint32_t port)
{
    struct evtchn_send send = {.port = port};
    return (int)xen_event_channel_op(EVTCHNOP_send, &send);
}

void evtchn_mask(uint32_t port)
{
    if (port < EVTCHN_PORTS) {
        bit_set(xen_shared_info->evtchn_mask, port);
    }
}

void evtchn_unmask(uint32_t port)
{
    if (port >= EVTCHN_PORTS) {
        return;
    }
    /*
     * An event that came meanwhile has set its pending bit only. Xen passes it on when it does the
     * unmasking, so the call is worth its price only then; a bit that is set after our look finds
     * the mask open.
     */
    bit_clear(xen_shared_info->evtchn_mask, port);
    if (bit_test(xen_shared_info->evtchn_pending, port)) {
        struct evtchn_unmask arg = {.port = port};
        bit_set(xen_shared_info->evtchn_mask, port);
        xen_event_channel_op(EVTCHNOP_unmask, &arg);
    }
}

static bool port_handle(uint32_t port, unsigned cpu)
{
    struct slot *slot = slot_find(port);
    evtchn_handler *handler = NULL;

    if (slot != NULL) {
        handler = __atomic_load_n(&slot->handler, __ATOMIC_ACQUIRE);
    }
    if (handler != NULL && slot->cpu != cpu) {
        return false; /* another CPU's: its own selector leads it here */
    }
    bit_clear(xen_shared_info->evtchn_pending, port);
    if (handler == NULL) {
        evtchn_mask(port);
        unexpected++;
        return false;
    }
    slot->count++;
    handler(port, slot->arg);
    return true;
}

unsigned evtchn_dispatch(struct vcpu_info *vcpu)
{
    unsigned cpu = percpu_this()->id;
    unsigned handled = 0;

    /* The flag is cleared before the words are read, so whatever comes later sets it again. */
    while (__atomic_exchange_n(&vcpu->evtchn_upcall_pending, 0, __ATOMIC_ACQ_REL) != 0) {
        uint64_t selected = __atomic_exchange_n(&vcpu->evtchn_pending_sel, 0, __ATOMIC_ACQ_REL);
        while (selected != 0) {
            unsigned word = (unsigned)__builtin_ctzl(selected);
            selected &= selected - 1;
            uint64_t ready = word_load(&xen_shared_info->evtchn_pending[word]) &
                             ~word_load(&xen_shared_info->evtchn_mask[word]);
            while (ready != 0) {
                unsigned bit = (unsigned)__builtin_ctzl(ready);
                ready &= ready - 1;
                handled += port_handle(word * WORD_BITS + bit, cpu);
            }
        }
    }
    return handled;
}

void evtchn_resume(void)
{
    struct slot again[RESUME_MAX];
    unsigned n = 0;

    for (uint32_t port = 0; port < EVTCHN_PORTS; port++) {
        struct slot *slot = slot_find(port);
        if (slot == NULL) {
            port |= (uint32_t)(PAGE_SLOTS - 1); /* none of this page */
            continue;
        }
        if (slot->handler != NULL && slot->bound != 0) {
            if (n == RESUME_MAX) {
                PANIC("more than %u events to bind again", n);
            }
            again[n++] = *slot;
        }
        __atomic_store_n(&slot->handler, NULL, __ATOMIC_RELEASE);
    }
    evtchn_init();
    for (unsigned i = 0; i < n; i++) {
        const struct slot *s = &again[i];
        int port = s->bound == BOUND_IPI
                       ? evtchn_bind_ipi(s->cpu, s->handler, s->arg)
                       : evtchn_bind_virq(s->bound - BOUND_VIRQ, s->cpu, s->handler, s->arg);
        if (port < 0) {
            klog(LOG_ERROR, "xen: event %u of CPU %u is lost (%d)", s->bound, s->cpu, port);
        } else {
            slot_find((uint32_t)port)->count = s->count;
        }
    }
}

uint64_t evtchn_count(uint32_t port)
{
    struct slot *slot = slot_find(port);
    return slot != NULL ? slot->count : 0;
}

uint64_t evtchn_unexpected(void)
{
    return unexpected;
}
