/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions of a PV guest: the trap table, the callbacks, and the way to the common handler. */
#include "pv.h"

#include <pith/percpu.h>
#include <pith/trap.h>
#include <x86/percpu_slots.h>
#include <x86/trap.h>
#include <xen/callback.h>

extern const char xen_pv_trap_stubs[];
extern const char xen_pv_event_entry[];
extern const char xen_pv_failsafe_entry[];

#define TRAP_STUB_SIZE 16u /* pv/entry.S */
#define TRAP_VECTORS   22u
#define TRAP_NMI       2u
#define TRAP_PF        14u

#define TRAP_DPL_ANY   3u /* `int n` at ring 3 reaches it */
#define TRAP_MASKED    4u /* events are masked on entry */

#define PF_USER        4u

/* What pv/entry.S leaves on the stack: struct trap_frame without its last word. */
struct pv_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

_Static_assert(offsetof(struct trap_frame, address) == sizeof(struct pv_frame), "pv/entry.S");

void xen_pv_trap(struct pv_frame *saved);

static void callback(unsigned type, const char *entry)
{
    struct callback_register arg = {
        .type = (uint16_t)type,
        .flags = CALLBACKF_mask_events,
        .address = (unsigned long)entry,
    };
    long error = xen_callback_op(CALLBACKOP_register, &arg);

    if (error != 0) {
        pv_boot_fail("callback_op", error);
    }
}

void pv_set_traps(void)
{
    /*
     * Vectors that can't reach a guest are left out: 2 has a callback of its own, 9 and 15 are
     * reserved.
     */
    static const uint8_t vectors[] = {0,  1,  3,  4,  5,  6,  7,  8,  10, 11,
                                      12, 13, 14, 16, 17, 18, 19, 20, 21};
    struct trap_info table[sizeof vectors + 1];
    uint16_t cs;

    __asm__("movw %%cs, %0" : "=r"(cs));
    for (unsigned i = 0; i < sizeof vectors; i++) {
        unsigned vector = vectors[i];
        bool software = vector == 3 || vector == 4; /* int3, into */
        table[i] = (struct trap_info){
            .vector = (uint8_t)vector,
            .flags = (uint8_t)(TRAP_MASKED | (software ? TRAP_DPL_ANY : 0)),
            .cs = cs,
            .address = (unsigned long)(xen_pv_trap_stubs + vector * TRAP_STUB_SIZE),
        };
    }
    table[sizeof vectors] = (struct trap_info){0};

    long error = xen_set_trap_table(table);
    if (error != 0) {
        pv_boot_fail("set_trap_table", error);
    }
    callback(CALLBACKTYPE_event, xen_pv_event_entry);
    callback(CALLBACKTYPE_failsafe, xen_pv_failsafe_entry);
    callback(CALLBACKTYPE_nmi, xen_pv_trap_stubs + TRAP_NMI * TRAP_STUB_SIZE);
}

/*
 * From pv/entry.S, masked. The frame gets its last word, and a page fault the bit that every other
 * platform shows: we run at ring 3, but Xen calls that kernel mode and clears it.
 */
void xen_pv_trap(struct pv_frame *saved)
{
    const struct vcpu_info *vcpu = (const void *)((const char *)percpu_this() + PERCPU_EVENT);
    struct trap_frame frame;

    __builtin_memcpy(&frame, saved, sizeof *saved);
    frame.cs &= 0xffff; /* above it lies the saved event mask */
    frame.address = 0;
    if (frame.vector == TRAP_PF) {
        frame.address = vcpu->arch.cr2;
        frame.error |= PF_USER;
    }
    /* Bits 32 to 39 of the saved CS: public/arch-x86/xen-x86_64.h, saved_upcall_mask. */
    *((uint8_t *)percpu_this() + PERCPU_OLD_MASK) = (uint8_t)(saved->cs >> 32);
    x86_trap(&frame);
    frame.cs = saved->cs;
    __builtin_memcpy(saved, &frame, sizeof *saved);
}
