/* SPDX-License-Identifier: BSD-2-Clause */
/* Where network devices come from, bus by bus. */
#include <config.h>
#include <pith/platform.h>
#include <x86/probe.h>

static const struct x86_source sources[] = {
#if CONFIG_KVM
    { "kvm", virtio_net_probe },
#endif
#if CONFIG_XEN
    { "xen-pv", xen_netfront_probe },
    { "xen-pvh", xen_netfront_probe },
#endif
};

int platform_probe_net(void)
{
    return x86_probe(sources, sizeof(sources) / sizeof(sources[0]));
}
