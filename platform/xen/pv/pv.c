/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen PV: from Xen's entry to libos, and the table of what the platform does afterwards.
 *
 *   start_pv -> xen_pv_start (boot mapping, image where Xen put it)
 *   -> xen_pv_jump -> pv_high (new place) -> libos_main
 */
#include "pv.h"

#include <errno.h>

#include <pith/percpu.h>
#include <pith/trace.h>
#include <x86/boot.h>
#include <x86/cpu.h>
#include <x86/image.h>
#include <x86/machine.h>
#include <x86/ops.h>
#include <x86/trap.h>
#include <xenplat/evtchn.h>
#include <xenplat/pv.h>
#include <xenplat/services.h>

_Noreturn void xen_pv_start(const struct start_info *si);
_Noreturn void xen_pv_jump(uintptr_t delta, void (*fn)(void), void *stack_top);

#define CR4_FSGSBASE         (1UL << 16)
#define CR4_OSXSAVE          (1UL << 18)
#define CPUID_1_ECX_XSAVE    (1U << 26)
#define CPUID_7_EBX_FSGSBASE (1U << 0)
#define XCR0_WANTED          0xe7U /* x87, SSE, AVX, AVX-512: what a preemption saves */

/* platform/x86/boot_start.S */
extern char boot_stack_guard[];
extern char boot_stack_top[];
extern char fault_stack_guard[];

struct start_info *pv_start_info;

static void say(const char *text)
{
    xen_console_write(text, __builtin_strlen(text));
}

_Noreturn void pv_boot_fail(const char *what, long error)
{
    char number[24];
    char *p = number + sizeof(number) - 1;
    unsigned long value = error < 0 ? -(unsigned long)error : (unsigned long)error;

    *p = '\0';
    do {
        *--p = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    if (error < 0) {
        *--p = '-';
    }
    say("pith: can't boot on Xen PV: ");
    say(what);
    say(": ");
    say(p);
    say("\n");
    xen_stop(PLATFORM_CRASH, 0);
    for (;;) {
        cpu_relax();
    }
}

static void fail_on(const char *what, long error)
{
    if (error != 0) {
        pv_boot_fail(what, error);
    }
}

/* ---- the operations ---- */

static void pv_idle(void)
{
    /*
     * Opens the mask and sleeps in one step, so no event is lost; the upcall comes before the call
     * returns to us.
     */
    xen_sched_op(SCHEDOP_block, NULL);
    irq_save();
}

static void pv_irq_dispatch(void)
{
    evtchn_dispatch(xen_vcpu());
}

static int pv_cpu_start(unsigned cpu, struct percpu *percpu, void (*entry)(void *), void *arg)
{
    (void)cpu;
    (void)percpu;
    (void)entry;
    (void)arg;
    return -ENOSYS;
}

static void pv_cpu_kick(unsigned cpu)
{
    (void)cpu; /* there is one */
}

static unsigned pv_cpu_count(void)
{
    return 1;
}

static void pv_set_fsbase(void *tp)
{
    xen_set_segment_base(SEGBASE_FS, tp);
}

/* Ring 3 is kernel mode to Xen, so the base in use is the one that it calls the kernel's. */
static void pv_set_gsbase(void *gs)
{
    xen_set_segment_base(SEGBASE_GS_KERNEL, gs);
}

const struct platform_ops xen_pv_ops = {
    .name = "xen-pv",
    .clock_ns = xen_clock_ns,
    .wall_ns = xen_wall_ns,
    .timer_set = xen_timer_set,
    .idle = pv_idle,
    .irq_dispatch = pv_irq_dispatch,
    .cpu_start = pv_cpu_start,
    .cpu_kick = pv_cpu_kick,
    .cpu_count = pv_cpu_count,
    .set_fsbase = pv_set_fsbase,
    .page_ops = pv_page_ops,
    .page_seal = pv_page_seal,
    .console_write = xen_console_write,
    .console_read = xen_console_read,
    .console_listen = xen_console_listen,
    .console_window = XEN_CONSOLE_WINDOW,
    .stop = xen_stop,
    .stop_prepare = xen_control_prepare,
    .stop_listen = xen_control_listen,
    .steal_ns = xen_steal_ns,
    .pages_away = xen_pages_away,
    .mem_to_paddr = pv_mem_to_paddr,
    .mem_from_paddr = pv_mem_from_paddr,
};

/* ---- CPUID ---- */

/* As Xen wants a PV guest to see it: a bare CPUID shows the machine. */
static void pv_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
    /*
     * ud2 followed by "xen" asks Xen to emulate the next instruction (public/arch-x86/xen.h,
     * XEN_EMULATE_PREFIX).
     */
    __asm__ volatile(XEN_CPUID
                     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                     : "0"(leaf), "2"(subleaf));
}

static void read_cpuid(void)
{
    for (unsigned i = 0; i < BOOT_CPUIDS; i++) {
        struct boot_cpuid *c = &boot_cpuid[i];
        uint32_t r[4];
        pv_cpuid(c->leaf, c->subleaf, r);
        c->eax = r[0];
        c->ebx = r[1];
        c->ecx = r[2];
        c->edx = r[3];
    }
}

/* ---- the second half of the boot: at the new place ---- */

/* Registering copies the old block, mask and all. */
long pv_register_vcpu(void)
{
    struct percpu *cpu = &x86_percpu_boot;
    size_t len;
    paddr_t at = pv_mem_to_paddr((char *)cpu + PERCPU_EVENT, sizeof(struct vcpu_info), &len);
    struct vcpu_register_vcpu_info arg = {
        .mfn = at >> PAGE_SHIFT,
        .offset = (uint32_t)(at & (PAGE_SIZE - 1)),
    };

    return xen_vcpu_op(VCPUOP_register_vcpu_info, 0, &arg);
}

/*
 * Per-CPU data, and in it the block that Xen shares with us: so the event mask is a byte that one
 * instruction reaches.
 */
static void percpu_setup(void)
{
    struct percpu *cpu = &x86_percpu_boot;

    _Static_assert(sizeof(struct vcpu_info) == 64, "it has to fit into struct percpu");
    pv_set_gsbase(cpu);
    pv_set_fsbase(x86_boot_tcb);
    cpu->platform[(PERCPU_XEN_VCPU - PERCPU_PLATFORM) / 8] = (uint64_t)cpu + PERCPU_EVENT;
    fail_on("register_vcpu_info", pv_register_vcpu());
}

/*
 * Xen emulates CR4 and XSETBV for us. It starts a guest without FSGSBASE and with x87 and SSE state
 * alone, and lets both be switched on as far as its CPUID says; a refusal leaves them off.
 */
static void enable_features(void)
{
    uint64_t cr4 = 0;

    if (boot_cpuid[CPUID_7].ebx & CPUID_7_EBX_FSGSBASE) {
        cr4 |= CR4_FSGSBASE;
    }
    if (boot_cpuid[CPUID_1].ecx & CPUID_1_ECX_XSAVE) {
        cr4 |= CR4_OSXSAVE;
    }
    __asm__ volatile("1:\tmovq %%cr4, %%rax\n\t"
                     "orq %0, %%rax\n"
                     "2:\tmovq %%rax, %%cr4\n"
                     "3:\n\t" X86_FIXUP(1b, 3b) X86_FIXUP(2b, 3b)
                     : : "r"(cr4) : "rax", "cc");
    if (cr4 & CR4_OSXSAVE) {
        __asm__ volatile("1:\txsetbv\n"
                         "2:\n\t" X86_FIXUP(1b, 2b)
                         : : "a"(boot_cpuid[CPUID_D].eax & XCR0_WANTED), "c"(0), "d"(0));
    }
    x86_probe_fsgsbase();
    x86_xstate_init();
}

/*
 * A stack that overflows faults, but PV can't report it: Xen has nowhere to put the frame and ends
 * the domain itself.
 */
static void guard_stacks(void)
{
    const struct page_op ops[] = {
        {.va = boot_stack_guard, .npages = 1},
        {.va = fault_stack_guard, .npages = 1},
    };
    fail_on("guard pages", pv_page_ops(ops, sizeof(ops) / sizeof(ops[0])));
}

void pv_find_given(void)
{
    const struct start_info *si = pv_start_info;

    xen_given_store = (struct xen_given){si->store_mfn, si->store_evtchn};
    if (!(si->flags & SIF_INITDOMAIN)) { /* whose field tells of a screen instead */
        xen_given_console = (struct xen_given){si->console.domU.mfn, si->console.domU.evtchn};
    }
}

/* The console again at its lasting address, and where xenstore is. */
static void find_given(void)
{
    pv_find_given();
    if (xen_given_console.frame != 0) {
        xen_console_ring(xen_map_frame(xen_given_console.frame), xen_given_console.port);
    }
    xen_console_ready();
}

static void pv_high(void)
{
    struct boot_info info = {
        .entry = "xen-pv",
        .platform = "xen-pv",
        .cmdline = (const char *)pv_start_info->cmd_line,
    };

    boot_trace(__func__);
    percpu_setup();
    xen_shared_info = (struct shared_info *)(pv_map.image + (pv_map.image_npages - 1) * PAGE_SIZE);
    evtchn_init();
    pv_set_traps();
    platform_ops = &xen_pv_ops;
    find_given();
    pv_drop_boot_map();
    guard_stacks();
    read_cpuid();
    enable_features();
    fail_on("timer", xen_time_init());
    pv_fill_boot_info(pv_start_info, &info);
    libos_main(&info);
}

/* ---- the first half: where Xen has put us ---- */

/* The toolstack's page lies right behind the image, where the boot mapping reaches it. */
static void early_console(const struct start_info *si, uintptr_t base)
{
    if (!(si->flags & SIF_INITDOMAIN) && si->console.domU.mfn != 0) {
        uint64_t pfn = machine_to_phys_mapping[si->console.domU.mfn];
        if (pfn < si->nr_pages) {
            xen_console_ring((void *)(base + (pfn << PAGE_SHIFT)), si->console.domU.evtchn);
        }
    }
}

_Noreturn void xen_pv_start(const struct start_info *si)
{
    image_relocate(image_offset());
    xen_pv = true;
    xen_stop_init();
    boot_trace("start_pv");
    boot_trace(__func__);
    if (__builtin_memcmp(si->magic, "xen-", 4) != 0) {
        pv_boot_fail("start_info has a bad magic", 0);
    }
    uintptr_t base = (uintptr_t)__image_start - IMAGE_LINK;
    early_console(si, base);
    pv_build_map(si, boot_option((const char *)si->cmd_line, "base=fixed"));

    intptr_t delta = pv_map.image - __image_start;
    pv_start_info = (struct start_info *)(pv_map.home + ((uintptr_t)si - base));
    x86_percpu_boot.self = (struct percpu *)((uintptr_t)&x86_percpu_boot + (uintptr_t)delta);
    x86_percpu_boot.irq_mask = 1;
    x86_boot_tcb[0] = (uint64_t)x86_boot_tcb + (uint64_t)delta;
    /* The canary, with a zero byte that no string copy gets past. */
    x86_boot_tcb[5] = ((uint64_t)pv_map.image * 0x9e3779b97f4a7c15ULL ^ rdtsc()) << 8;
    image_relocate(delta);
    xen_pv_jump((uintptr_t)delta, pv_high, boot_stack_top);
}
