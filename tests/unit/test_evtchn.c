/* sources: platform/xen/events.c platform/xen/hypercall.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels against a made-up Xen: delivery, masking, and a host that sets bits nobody bound.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <pith/page.h>
#include <x86/mon.h>
#include <xenplat/evtchn.h>
#include <xenplat/hypercall.h>
#include <xenplat/suspend.h>

#include "unit.h"

#include "fake_cpu.h"
#include "fake_log.h"

/* ---- a Xen that knows event channels ---- */

static struct shared_info shared;
static struct vcpu_info vcpu;
static uint32_t next_port; /* what the next binding gets */
static uint32_t last_closed;
static long next_error;    /* raw answer of the next hypercall, when not 0 */
static unsigned notifies, unmasks, virqs;

static void xen_raise(uint32_t port)
{
    shared.evtchn_pending[port / 64] |= 1UL << port % 64;
    if (!(shared.evtchn_mask[port / 64] >> port % 64 & 1)) {
        vcpu.evtchn_pending_sel |= 1UL << port / 64;
        vcpu.evtchn_upcall_pending = 1;
    }
}

int64_t mon_hypercall(uint64_t nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
    (void)a3;
    (void)a4;
    (void)a5;
    long error = next_error;

    next_error = 0;
    if (error != 0 || nr != __HYPERVISOR_event_channel_op) {
        return error != 0 ? error : -38;
    }
    switch (a1) {
    case EVTCHNOP_bind_virq:
        virqs++;
        ((struct evtchn_bind_virq *)a2)->port = next_port;
        return 0;
    case EVTCHNOP_bind_ipi:
        ((struct evtchn_bind_ipi *)a2)->port = next_port;
        return 0;
    case EVTCHNOP_alloc_unbound:
        ((struct evtchn_alloc_unbound *)a2)->port = next_port;
        return 0;
    case EVTCHNOP_close:
        last_closed = ((struct evtchn_close *)a2)->port;
        return 0;
    case EVTCHNOP_send:
        notifies++;
        xen_raise(((struct evtchn_send *)a2)->port);
        return 0;
    case EVTCHNOP_unmask: {
        uint32_t port = ((struct evtchn_unmask *)a2)->port;
        unmasks++;
        shared.evtchn_mask[port / 64] &= ~(1UL << port % 64);
        if (shared.evtchn_pending[port / 64] >> port % 64 & 1) {
            xen_raise(port);
        }
        return 0;
    }
    default:
        return -38;
    }
}

void platform_irq_replay(void)
{
}

static bool no_memory;

void *page_alloc(unsigned order)
{
    (void)order;
    return no_memory ? NULL : aligned_alloc(PAGE_SIZE, PAGE_SIZE);
}

/* ---- the tests ---- */

static unsigned seen;
static uint32_t seen_port;
static void *seen_arg;
static unsigned again; /* how often the handler signals its own port */
static unsigned depth, depth_max;

static void handler(uint32_t port, void *arg)
{
    depth++;
    depth_max = depth > depth_max ? depth : depth_max;
    seen++;
    seen_port = port;
    seen_arg = arg;
    if (again > 0) {
        again--;
        evtchn_notify(port);
    }
    depth--;
}

static void delivery(void)
{
    int mark;

    next_port = 3;
    EXPECT(evtchn_bind_ipi(0, handler, &mark) == 3);
    EXPECT(evtchn_dispatch(&vcpu) == 0);
    EXPECT(evtchn_notify(3) == 0);
    EXPECT(evtchn_dispatch(&vcpu) == 1);
    EXPECT(seen == 1 && seen_port == 3 && seen_arg == &mark);
    EXPECT(evtchn_count(3) == 1);
    EXPECT(vcpu.evtchn_upcall_pending == 0 && shared.evtchn_pending[0] == 0);

    /* One that comes while its handler runs is handled after it, not inside it. */
    seen = 0;
    again = 1000;
    evtchn_notify(3);
    EXPECT(evtchn_dispatch(&vcpu) == 1001);
    EXPECT(seen == 1001 && depth_max == 1);
}

static void masking(void)
{
    seen = 0;
    evtchn_mask(3);
    evtchn_notify(3);
    EXPECT(evtchn_dispatch(&vcpu) == 0 && seen == 0);
    unmasks = 0;
    evtchn_unmask(3);
    EXPECT(unmasks == 1); /* it was pending: Xen has to be asked */
    EXPECT(evtchn_dispatch(&vcpu) == 1 && seen == 1);
    evtchn_mask(3);
    evtchn_unmask(3);
    EXPECT(unmasks == 1); /* nothing pending: no hypercall */
    evtchn_mask(EVTCHN_PORTS);
    evtchn_unmask(EVTCHN_PORTS + 77);
    evtchn_mask(UINT32_MAX);
}

static void unbound_ports(void)
{
    uint64_t before = evtchn_unexpected();

    seen = 0;
    shared.evtchn_mask[9] = 0;
    xen_raise(9 * 64 + 5);
    EXPECT(evtchn_dispatch(&vcpu) == 0);
    EXPECT(evtchn_unexpected() == before + 1);
    EXPECT(shared.evtchn_mask[9] == 1UL << 5); /* it can't come a second time */
    xen_raise(9 * 64 + 5);
    EXPECT(evtchn_dispatch(&vcpu) == 0 && evtchn_unexpected() == before + 1);

    /* Every bit that there is. */
    before = evtchn_unexpected();
    memset(shared.evtchn_mask, 0, sizeof(shared.evtchn_mask));
    memset(shared.evtchn_pending, 0xff, sizeof(shared.evtchn_pending));
    vcpu.evtchn_pending_sel = ~0UL;
    vcpu.evtchn_upcall_pending = 0xff;
    EXPECT(evtchn_dispatch(&vcpu) == 1 && seen == 1);
    EXPECT(evtchn_unexpected() == before + EVTCHN_PORTS - 1);

    /* Selectors that lead to nothing. */
    vcpu.evtchn_pending_sel = ~0UL;
    vcpu.evtchn_upcall_pending = 1;
    EXPECT(evtchn_dispatch(&vcpu) == 0 && vcpu.evtchn_pending_sel == 0);
}

static void other_cpu(void)
{
    seen = 0;
    next_port = 5;
    EXPECT(evtchn_bind_ipi(1, handler, NULL) == 5);
    evtchn_notify(5);
    EXPECT(evtchn_dispatch(&vcpu) == 0 && seen == 0);
    EXPECT(shared.evtchn_pending[0] == 1UL << 5); /* left for the CPU that it is bound to */
    evtchn_close(5);
    EXPECT(last_closed == 5 && shared.evtchn_pending[0] == 0);
}

static void many_ports(void)
{
    seen = 0;
    for (next_port = 16; next_port < EVTCHN_PORTS; next_port += 33) {
        EXPECT(evtchn_bind_virq(VIRQ_TIMER, 0, handler, NULL) == (int)next_port);
    }
    unsigned n = 0;
    for (uint32_t port = 16; port < EVTCHN_PORTS; port += 33, n++) {
        evtchn_notify(port);
    }
    EXPECT(evtchn_dispatch(&vcpu) == n && seen == n);
    for (uint32_t port = 16; port < EVTCHN_PORTS; port += 33) {
        EXPECT(evtchn_count(port) == 1);
        evtchn_close(port);
        xen_raise(port);
    }
    EXPECT(evtchn_dispatch(&vcpu) == 0 && seen == n);
}

static void refusals(void)
{
    /*
     * Ports that we can't have: out of range, in use, no memory for the slot. Each is given back.
     */
    next_port = EVTCHN_PORTS;
    EXPECT(evtchn_bind_ipi(0, handler, NULL) == -ENOSPC && last_closed == EVTCHN_PORTS);
    next_port = UINT32_MAX;
    EXPECT(evtchn_alloc_unbound(0, handler, NULL) == -ENOSPC && last_closed == UINT32_MAX);
    next_port = 3;
    EXPECT(evtchn_bind_ipi(0, handler, NULL) == -ENOSPC && last_closed == 3);

    next_error = -38; /* XEN_ENOSYS */
    EXPECT(evtchn_bind_virq(VIRQ_CONSOLE, 0, handler, NULL) == -ENOSYS);
    next_error = -28;
    EXPECT(evtchn_bind_virq(VIRQ_CONSOLE, 0, handler, NULL) == -ENOSPC);
    next_error = -22;
    EXPECT(evtchn_notify(77) == -EINVAL);
}

/* In a new domain all ports are closed; VIRQs and IPIs come back at other ports, with their counts. */
static void resumed(void)
{
    unsigned a = 0, b = 0;

    for (uint32_t port = 0; port < EVTCHN_PORTS; port++) {
        evtchn_close(port);
    }
    next_port = 9;
    EXPECT(evtchn_bind_virq(VIRQ_TIMER, 0, handler, &a) == 9);
    next_port = 300;
    EXPECT(evtchn_alloc_unbound(0, handler, &b) == 300);
    evtchn_unmask(300);
    xen_raise(9);
    EXPECT(evtchn_dispatch(&vcpu) == 1 && evtchn_count(9) == 1);

    memset(&shared, 0, sizeof(shared));
    next_port = 300; /* where another was before */
    virqs = 0;
    evtchn_resume();
    EXPECT(virqs == 1 && shared.evtchn_mask[0] == ~0UL && evtchn_count(300) == 1);
    xen_raise(300);
    EXPECT(evtchn_dispatch(&vcpu) == 1 && evtchn_count(300) == 2);
    uint64_t before = evtchn_unexpected();
    shared.evtchn_mask[0] &= ~(1UL << 9);
    xen_raise(9);
    EXPECT(evtchn_dispatch(&vcpu) == 0 && evtchn_unexpected() == before + 1);
    EXPECT(evtchn_adopt(9, handler, NULL) == 9);
    evtchn_close(9);
    evtchn_close(300);
}

static void errors(void)
{
    EXPECT(xen_errno(0) == 0 && xen_errno(4711) == 4711);
    EXPECT(xen_errno(-1) == -EPERM);
    EXPECT(xen_errno(-62) == -ETIMEDOUT);  /* XEN_ETIME */
    EXPECT(xen_errno(-107) == -ENOTCONN);
    EXPECT(xen_errno(-4000) == -EIO);      /* in the range of errors, but none that we know */
    EXPECT(xen_errno(-9) == -EIO);
    EXPECT(xen_errno(INT64_MIN) == INT64_MIN);
}

int main(void)
{
    fake_cpu_init();
    xen_shared_info = &shared;

    /* Before any slot page exists, and first: a page that was added stays. */
    evtchn_init();
    EXPECT(shared.evtchn_mask[63] == ~0UL);
    no_memory = true;
    next_port = 200;
    EXPECT(evtchn_bind_ipi(0, handler, NULL) == -ENOSPC && last_closed == 200);
    no_memory = false;

    delivery();
    masking();
    unbound_ports();
    other_cpu();
    many_ports();
    refusals();
    resumed();
    errors();
    return unit_done();
}
