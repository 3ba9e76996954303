/* SPDX-License-Identifier: BSD-2-Clause */
/* Where shared folders come from, bus by bus. */
#include <config.h>
#include <pith/platform.h>
#include <x86/probe.h>

static const struct x86_source sources[] = {
#if CONFIG_KVM
    { "kvm", virtio_9p_probe },
#endif
#if CONFIG_XEN
    { "xen-pv", xen_9p_probe },
    { "xen-pvh", xen_9p_probe },
#endif
};

int platform_probe_share(void)
{
    return x86_probe(sources, sizeof(sources) / sizeof(sources[0]));
}
