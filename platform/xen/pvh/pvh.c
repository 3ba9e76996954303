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
};

/* A page that nobody uses yet: the last of a range, so that the range stays one. */
static void *take_page(struct boot_info *info)
{
    for (size_t i = info->nram; i-- > 0;) {
        struct boot_ram *ram = &info->ram[i];
        if (ram->npages > 1) {
            ram->npages--;
            return (char *)ram->start + ram->npages * PAGE_SIZE;
        }
    }
    return NULL;
}

/*
 * Have Xen write its wall clock into the page. For an HVM guest it does so only where it learns how
 * wide the guest is, at the write of a hypercall page, which we have none of, or of this parameter
 * (xen/arch/x86/hvm/hvm.c, hvm_latch_shinfo_size). 0 is "no interrupt", as it was.
 */
static void ask_wall_clock(void)
{
    struct xen_hvm_param none = {.domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = 0};

    xen_hvm_op(HVMOP_set_param, &none);
}

/* Put the shared info page in the place of one of our frames; Xen frees that frame. */
static int map_shared_info(struct boot_info *info)
{
    char *page = take_page(info);
    size_t len;

    if (page == NULL) {
        return -ENOMEM;
    }
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_shared_info,
        .gpfn = mem_to_paddr(page, PAGE_SIZE, &len) >> PAGE_SHIFT,
    };
    long error = xen_memory_op(XENMEM_add_to_physmap, &map);
    if (error == 0) {
        xen_shared_info = (struct shared_info *)page;
        ask_wall_clock();
    }
    return (int)error;
}

/* A parameter of the domain, 0 where it has none (public/hvm/params.h). */
static uint64_t hvm_param(uint32_t index)
{
    struct xen_hvm_param param = {.domid = DOMID_SELF, .index = index};

    return xen_hvm_op(HVMOP_get_param, &param) == 0 ? param.value : 0;
}

/*
 * Pages that the toolstack gave us: their numbers can be asked for before the seal only. The
 * console comes first of all that can fail.
 */
static void find_given(void)
{
    xen_given_console = (struct xen_given){hvm_param(HVM_PARAM_CONSOLE_PFN),
                                           (uint32_t)hvm_param(HVM_PARAM_CONSOLE_EVTCHN)};
    xen_given_store = (struct xen_given){hvm_param(HVM_PARAM_STORE_PFN),
                                         (uint32_t)hvm_param(HVM_PARAM_STORE_EVTCHN)};
    void *console = xen_map_frame(xen_given_console.frame);
    if (console != NULL) {
        xen_console_ring(console, xen_given_console.port);
    }
}

int xen_pvh_init(struct boot_info *info)
{
    boot_trace(__func__);
    xen_stop_init();
    find_given();
    int error = map_shared_info(info);
    if (error != 0) {
        return error;
    }
    struct percpu *cpu = percpu_this();
    struct vcpu_info *vcpu = &xen_shared_info->vcpu_info[0];
    cpu->platform[(PERCPU_XEN_VCPU - PERCPU_PLATFORM) / 8] = (uint64_t)vcpu;
    evtchn_init();
    vcpu->evtchn_upcall_mask = 0;
    xen_console_ready();

    irq_set(IRQ_XEN, pvh_event, NULL);
    struct xen_hvm_evtchn_upcall_vector vector = {.vcpu = 0, .vector = IRQ_XEN};
    error = (int)xen_hvm_op(HVMOP_set_evtchn_upcall_vector, &vector);
    if (error != 0) {
        return error;
    }
    return xen_time_init();
}
