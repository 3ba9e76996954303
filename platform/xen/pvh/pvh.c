/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen PVH: a monitor platform whose timer, clock, console and end are Xen's.
 *
 * Events come as vector IRQ_XEN through the local APIC, like any interrupt, and the mask is our own
 * per-CPU byte: the one in Xen's vcpu_info stays open and is not used. The vector must be set per
 * vCPU by HVMOP_set_evtchn_upcall_vector. The older HVM_PARAM_CALLBACK_IRQ bypasses the APIC: with
 * it Xen raises the vector again at each instruction while the pending word is set, and as our
 * gates leave IF alone, the first event would overflow the stack (xen/arch/x86/hvm/irq.c,
 * hvm_vcpu_has_pending_irq).
 */
#include <xenplat/pvh.h>

#include <errno.h>

#include <pith/log.h>
#include <pith/trace.h>
#include <x86/boot.h>
#include <x86/cpu.h>
#include <x86/irq.h>
#include <x86/machine.h>
#include <x86/mem.h>
#include <x86/ops.h>
#include <xen/arch-x86/cpuid.h>
#include <xenplat/evtchn.h>
#include <xenplat/grant.h>
#include <xenplat/services.h>

#include <xen/hvm/params.h>

static bool is_xen(uint32_t ebx, uint32_t ecx, uint32_t edx)
{
    return ebx == XEN_CPUID_SIGNATURE_EBX && ecx == XEN_CPUID_SIGNATURE_ECX &&
           edx == XEN_CPUID_SIGNATURE_EDX;
}

bool xen_detect(void)
{
    const struct boot_cpuid *c = &boot_cpuid[CPUID_HV];

    if (is_xen(c->ebx, c->ecx, c->edx)) {
        return true;
    }
    /*
     * Xen leaves the first range of leaves to Hyper-V's interface where a guest is to see that, and
     * moves up by 0x100. "Microsoft Hv" begins with this word; nobody else is asked, since others
     * answer for such leaves at random.
     */
    if (c->ebx != 0x7263694d) {
        return false;
    }
    uint32_t eax = 0x40000100, ebx, ecx = 0, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return is_xen(ebx, ecx, edx);
}

static void pvh_event(void *arg)
{
    (void)arg;
    evtchn_dispatch(xen_vcpu());
}

const struct platform_ops xen_pvh_ops = {
    .name = "xen-pvh",
    .clock_ns = xen_clock_ns,
    .wall_ns = xen_wall_ns,
    .timer_set = xen_timer_set,
    .idle = x86_idle,
    .irq_dispatch = x86_irq_dispatch,
    .cpu_start = x86_cpu_start,
    .cpu_kick = x86_cpu_kick,
    .cpu_count = x86_cpu_count,
    .set_fsbase = x86_set_fsbase,
    .page_ops = x86_page_ops,
    .page_seal = x86_page_seal,
    .console_write = xen_console_write,
    .console_read = xen_console_read,
    .console_listen = xen_console_listen,
    .console_window = XEN_CONSOLE_WINDOW,
    .stop = xen_stop,
    .stop_prepare = xen_control_prepare,
    .stop_listen = xen_control_listen,
    .steal_ns = xen_steal_ns,
    .pages_away = xen_pages_away,
};

/*
 * Xen's own pages (shared info, grant table) lie in frames above all RAM: none of ours is lost by them,
 * a restored domain gets them at the same place, and the monitor, all of whose frames are RAM, has
 * nothing to fear from them. Below 4 GiB a dom0 has the machine's devices.
 */
#define WINDOW_FRAMES (1 + GRANT_MAX_FRAMES)
#define WINDOW_MIN    (1UL << 32)

static char *window;
static uint64_t window_gfn;

static int map_window(void)
{
    uint64_t top = boot_raw.ram[boot_raw.nram - 1].end;
    uint64_t pa = top > WINDOW_MIN ? (top + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1) : WINDOW_MIN;

    window_gfn = pa >> PAGE_SHIFT;
    window = mem_map_shared(pa, WINDOW_FRAMES * PAGE_SIZE);
    return window == NULL ? -ENOMEM : 0;
}

void *xen_pvh_place(unsigned space, unsigned index)
{
    unsigned slot = space == XENMAPSPACE_shared_info ? 0 : 1 + index;

    if (slot >= WINDOW_FRAMES || xen_place_frame(space, index, window_gfn + slot) != 0) {
        return NULL;
    }
    return window + slot * PAGE_SIZE;
}

/* A parameter of the domain, 0 where it has none (public/hvm/params.h). */
static uint64_t hvm_param(uint32_t index)
{
    struct xen_hvm_param param = {.domid = DOMID_SELF, .index = index};

    return xen_hvm_op(HVMOP_get_param, &param) == 0 ? param.value : 0;
}

/* hvm_op with what the monitor knows by itself (monitor/mon_ops.c): it takes no structure of ours. */
static long hvm_op_fixed(int op, unsigned vcpu)
{
    return xen_errno(xen_hypercall(__HYPERVISOR_hvm_op, (unsigned long)op, 0, vcpu, 0, 0));
}

void xen_pvh_find_given(void)
{
    xen_given_console = (struct xen_given){hvm_param(HVM_PARAM_CONSOLE_PFN),
                                           (uint32_t)hvm_param(HVM_PARAM_CONSOLE_EVTCHN)};
    xen_given_store = (struct xen_given){hvm_param(HVM_PARAM_STORE_PFN),
                                         (uint32_t)hvm_param(HVM_PARAM_STORE_EVTCHN)};
}

int xen_pvh_attach(void)
{
    xen_shared_info = xen_pvh_place(XENMAPSPACE_shared_info, 0);
    if (xen_shared_info == NULL) {
        return -EIO;
    }
    struct vcpu_info *vcpu = &xen_shared_info->vcpu_info[0];
    percpu_this()->platform[(PERCPU_XEN_VCPU - PERCPU_PLATFORM) / 8] = (uint64_t)vcpu;
    vcpu->evtchn_upcall_mask = 0;
    /*
     * CALLBACK_IRQ: the toolstack tells a guest of a cancelled suspension only where it is set (xen
     * tools/libs/guest/xg_resume.c), and Xen writes its wall clock into the page when it is being set,
     * or at the write of a hypercall page, which we have none of (xen/arch/x86/hvm/hvm.c,
     * hvm_latch_shinfo_size). As a line of interrupt controllers that PVH has not, it does nothing else.
     */
    hvm_op_fixed(HVMOP_set_param, 0);
    return (int)hvm_op_fixed(HVMOP_set_evtchn_upcall_vector, 0);
}

/* The answer counts a few pages of the toolstack's too; memory/target makes up for them later. */
static uint64_t pages_short;

static void count_pages(const struct boot_info *info)
{
    domid_t self = DOMID_SELF;
    long given = xen_memory_op(XENMEM_current_reservation, &self);
    uint64_t mapped = info->ram_total >> PAGE_SHIFT;

    pages_short = given > 0 && (uint64_t)given < mapped ? mapped - (uint64_t)given : 0;
}

uint64_t xen_pvh_pages_short(void)
{
    return pages_short;
}

int xen_pvh_init(struct boot_info *info)
{
    boot_trace(__func__);
    xen_stop_init();
    xen_pvh_find_given();
    /* The console comes first of all that can fail. */
    void *console = xen_map_frame(xen_given_console.frame);
    if (console != NULL) {
        xen_console_ring(console, xen_given_console.port);
    }
    irq_set(IRQ_XEN, pvh_event, NULL);
    int error = map_window();
    if (error == 0) {
        error = xen_pvh_attach();
    }
    if (error != 0) {
        return error;
    }
    evtchn_init();
    xen_console_ready();
    count_pages(info);
    return xen_time_init();
}
