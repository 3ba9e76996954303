/* SPDX-License-Identifier: BSD-2-Clause */
/* The explicit list of monitor platforms: Xen PVH by its CPUID signature, else KVM and its kin. */
#include "probe_platform.h"

#include <config.h>

#include <pith/panic.h>
#include <pith/platform.h>

#include <x86/boot.h>
#include <x86/cpu.h>
#include <x86/irq.h>
#include <x86/machine.h>
#include <x86/ops.h>

/* The rooms below us, each by the functions of its own that start it. */
bool xen_detect(void);
int xen_pvh_init(struct boot_info *info);
void serial_init(void);

#define SIGNATURE_KVM 0x4b4d564bu /* EBX of CPUID 0x40000000 */
#define SIGNATURE_TCG 0x54474354u

static void ipi(void *arg)
{
    (void)arg;
    cpu_interrupt();
}

void probe_platform(struct boot_info *info)
{
    uint32_t signature = boot_cpuid[CPUID_HV].ebx;

    if (CONFIG_XEN && xen_detect()) {
        platform_ops = &xen_pvh_ops;
        info->platform = "xen-pvh";
        return;
    }
    if (CONFIG_KVM) {
        platform_ops = &kvm_ops;
        info->platform = signature == SIGNATURE_KVM ? "kvm" : signature == SIGNATURE_TCG ? "tcg" : "pc";
        serial_init();
    }
}

void platform_start(struct boot_info *info)
{
    irq_set(IRQ_IPI, ipi, 0);
    if (CONFIG_XEN && platform_ops == &xen_pvh_ops) {
        int rc = xen_pvh_init(info);
        if (rc) {
            PANIC("Xen PVH services did not start: %d", rc);
        }
        return;
    }
    x86_clock_init();
}
