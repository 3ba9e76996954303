/* SPDX-License-Identifier: BSD-2-Clause */
/* The remaining operations: start, seal, MSRs, hypercalls, and copies from and to CPL 3. */
#include <errno.h>

#include <x86/mon.h>

#include "mon.h"

#define MSR_APIC_BASE    0x1bu
#define MSR_FS_BASE      0xc0000100u
#define MSR_GS_BASE      0xc0000101u
#define MSR_KVM_WALL     0x4b564d00u
#define MSR_KVM_TIME     0x4b564d01u

int mon_copy(void *dst, const void *src, size_t words);
int mon_wrmsr(uint64_t msr, uint64_t value);
int mon_rdmsr(uint64_t msr, uint64_t *value);
int64_t mon_vmcall(const uint64_t *call);
int64_t mon_op_start(void);
int64_t mon_op_seal(void);
int64_t mon_op_wrmsr(uint64_t msr, uint64_t value);
int64_t mon_op_rdmsr(uint64_t msr, uint64_t *value);
int64_t mon_op_hypercall(struct mon_hypercall *call, uint64_t n);

/* May CPL 3 itself touch [va, va+n)? CPL 0 could touch more, and must not do it for others. */
static int user_ok(uint64_t va, uint64_t n, int write)
{
    uint64_t in_image = va - mon_state.image_base;
    uint64_t home = va - mon_state.home_base;

    if ((int64_t)va >> 47 != -1 || va + n < va || n > 4096) {
        return 0;
    }
    if (in_image < mon_state.image_pages * 4096) {
        uint64_t first = mon_state.image_paddr + in_image;
        home = first;
        if (write && in_image / 4096 < mon_state.image_ro_pages) {
            return 0;
        }
    }
    for (uint64_t frame = home / 4096; frame <= (home + n - 1) / 4096; frame++) {
        if (frame < mon_state.ram_pages && (mon_state.owned[frame / 64] >> frame % 64 & 1)) {
            return 0;
        }
    }
    return 1;
}

int mon_copy_in(void *dst, const void *src, size_t n)
{
    return user_ok((uint64_t)src, n, 0) ? mon_copy(dst, src, n / 8) : -EFAULT;
}

int mon_copy_out(void *dst, const void *src, size_t n)
{
    return user_ok((uint64_t)dst, n, 1) ? mon_copy(dst, src, n / 8) : -EFAULT;
}

/* MON_START: the image runs at its final address; the low mapping that it booted through goes away. */
int64_t mon_op_start(void)
{
    uint64_t v;

    if (mon_pml4[0] == 0) {
        return -EPERM;
    }
    mon_pml4[0] = 0;
    __asm__ volatile("movq %0, %%cr4" : : "r"(mon_state.cr4) : "memory");
    __asm__ volatile("movq %%cr3, %0\n\tmovq %0, %%cr3" : "=r"(v) : : "memory");
    return 0;
}

int64_t mon_op_seal(void)
{
    mon_state.sealed = 1;
    return 0;
}

int64_t mon_op_wrmsr(uint64_t msr, uint64_t value)
{
    if (msr == MSR_FS_BASE || msr == MSR_GS_BASE) {
        return (int64_t)(value << 16) >> 16 == (int64_t)value ? mon_wrmsr(msr, value) : -EINVAL;
    }
    if (mon_state.sealed || (msr != MSR_APIC_BASE && msr != MSR_KVM_WALL && msr != MSR_KVM_TIME)) {
        return -EPERM;
    }
    /* The KVM ones make the host write to a guest-physical address: not into what is not CPL 3's. */
    if (msr != MSR_APIC_BASE && !user_ok(mon_state.home_base + (value & ~3UL), 32, 1)) {
        return -EPERM;
    }
    return mon_wrmsr(msr, value);
}

int64_t mon_op_rdmsr(uint64_t msr, uint64_t *value)
{
    uint64_t v;
    if (msr != MSR_APIC_BASE) {
        return -EPERM;
    }
    int rc = mon_rdmsr(msr, &v);
    return rc ? rc : mon_copy_out(value, &v, sizeof(v));
}

/* Which argument of a hypercall is a pointer, and whether it stays allowed after the seal. 0: not allowed. */
static int hypercall_class(uint64_t nr, uint64_t sub)
{
    switch (nr) {
    case 15: /* set_timer_op */
    case 17: /* xen_version: only sub-calls without pointer matter here */
        return nr == 17 && sub > 1 && sub != 6 ? 0x12 : 0x10;
    case 18: return 0x13; /* console_io(op, n, pointer) */
    case 29: return 0x12; /* sched_op(op, pointer) */
    case 32: return 0x12; /* event_channel_op(op, pointer) */
    case 24: return sub == 8 || sub == 9 ? 0x13 : 0x03; /* vcpu_op: the one-shot timer stays */
    case 12: /* memory_op */
    case 34: /* hvm_op */
    case 20: /* grant_table_op */
        return 0x02;
    default: return 0;
    }
}

/* MON_HYPERCALL: Xen refuses hypercalls from CPL 3 of a PVH guest, so a batch of them goes through here. */
int64_t mon_op_hypercall(struct mon_hypercall *call, uint64_t n)
{
    if (mon_state.xen == 0) {
        return -EPERM;
    }
    for (uint64_t i = 0; i < n; i++) {
        struct mon_hypercall one;
        int rc = mon_copy_in(&one, call + i, sizeof(one));
        if (rc) {
            return rc;
        }
        int kind = hypercall_class(one.nr, one.arg[0]);
        unsigned pointer = (unsigned)kind & 15;
        uint64_t size = one.nr == 18 ? one.arg[1] : 64;
        if (kind == 0 || (mon_state.sealed && kind < 0x10) ||
            (pointer && one.arg[pointer - 1] && size && !user_ok(one.arg[pointer - 1], size, 1) &&
             !(one.nr == 18 && user_ok(one.arg[pointer - 1], size, one.arg[0] != 0)))) {
            return -EPERM;
        }
        one.result = mon_vmcall(&one.nr);
        rc = mon_copy_out(&call[i].result, &one.result, sizeof(one.result));
        if (rc) {
            return rc;
        }
    }
    return 0;
}
