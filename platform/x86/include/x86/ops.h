/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one table through which platform.h reaches what runs below: chosen once at boot, by what the
 * entry and CPUID say. Each function has the contract of its platform_ namesake in pith/platform.h.
 */
#pragma once

#include <pith/platform.h>

#include <x86/mem.h>

struct platform_ops {
    const char *name;
    uint64_t (*clock_ns)(void);
    uint64_t (*wall_ns)(void);
    void (*timer_set)(uint64_t deadline_ns);
    void (*idle)(void);
    /*
     * Handle all recorded events of this CPU. Context: masked; returns masked with irq_pending
     * clear.
     */
    void (*irq_dispatch)(void);
    int (*cpu_start)(unsigned cpu, struct percpu *percpu, void (*entry)(void *), void *arg);
    void (*cpu_kick)(unsigned cpu);
    unsigned (*cpu_count)(void);
    void (*set_fsbase)(void *tp); /* only where wrfsbase can't be used */
    int (*page_ops)(const struct page_op *ops, size_t n);
    void (*page_seal)(void);
    void (*console_write)(const char *data, size_t len);
    size_t (*console_read)(char *data, size_t len);
    int (*console_listen)(void);
    size_t console_window; /* platform_console_window() */
    void (*stop)(enum platform_stop how, int status); /* returns when the host ignores it */
    void (*stop_prepare)(void); /* NULL: nothing */
    int (*stop_listen)(void);   /* NULL: -ENOSYS */
    uint64_t (*steal_ns)(void); /* NULL: 0, as the next */
    size_t (*pages_away)(void);
    /* x86/mem.h where memory isn't simply mapped by offset (Xen PV); NULL elsewhere. */
    paddr_t (*mem_to_paddr)(const void *p, size_t want, size_t *len);
    void *(*mem_from_paddr)(paddr_t pa, size_t len);
};

/* The table in use; set early by the platform's boot code, never NULL afterwards. */
extern const struct platform_ops *platform_ops;

extern const struct platform_ops kvm_ops;     /* platform/kvm/kvm.c: KVM, TCG, Firecracker, ... */
extern const struct platform_ops xen_pvh_ops; /* platform/xen/pvh/pvh.c */
extern const struct platform_ops xen_pv_ops;  /* platform/xen/pv/pv.c */
