/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels: Xen's interrupts (2-level ABI: public/xen.h, struct shared_info;
 * public/event_channel.h).
 *
 * A port is bound to one CPU, where its handler runs masked: it wakes or records, and never sleeps.
 * A port without a handler that fires is counted and masked: the host can't keep us busy with it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <xenplat/abi.h>

typedef void evtchn_handler(uint32_t port, void *arg);

#define EVTCHN_PORTS 4096u /* 64 words of 64 bits */

/* The page that Xen shares with us; set before evtchn_init(). */
extern struct shared_info *xen_shared_info;

/* Mask all ports. Called once, when xen_shared_info is mapped. */
void evtchn_init(void);

/*
 * Bind a virtual interrupt or an inter-CPU channel to `cpu`, open. Return the port, -ENOSPC or
 * Xen's answer.
 */
int evtchn_bind_virq(unsigned virq, unsigned cpu, evtchn_handler *handler, void *arg);
int evtchn_bind_ipi(unsigned cpu, evtchn_handler *handler, void *arg);

/* A port that domain `remote` may bind; CPU 0, masked until evtchn_unmask(). */
int evtchn_alloc_unbound(unsigned remote, evtchn_handler *handler, void *arg);

/*
 * Give a handler to a port that is open already: the toolstack opens those of the console and of
 * xenstore. CPU 0, masked until evtchn_unmask(). Returns the port, or -ENOSPC and leaves it alone;
 * -EBUSY when it has a handler.
 */
int evtchn_adopt(uint32_t port, evtchn_handler *handler, void *arg);

/* Close the port; no handler of it runs or will run on this CPU on return. */
void evtchn_close(uint32_t port);

/* Signal the other end. One hypercall. Context: any. Errors: -EINVAL (not a port of ours). */
int evtchn_notify(uint32_t port);

/* While masked an event stays pending; unmasking delivers it. Context: any. */
void evtchn_mask(uint32_t port);
void evtchn_unmask(uint32_t port);

/*
 * Run the handlers of this CPU's pending ports until none is left; `vcpu` is its vcpu_info.
 * Context: interrupt, masked. Returns how many were handled.
 */
unsigned evtchn_dispatch(struct vcpu_info *vcpu);

/* How often the port's handler ran, and how many events came for ports that have none. */
uint64_t evtchn_count(uint32_t port);
uint64_t evtchn_unexpected(void);
