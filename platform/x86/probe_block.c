/* SPDX-License-Identifier: BSD-2-Clause */
/* Where block devices come from, bus by bus. */
#include <config.h>
#include <pith/platform.h>
#include <x86/probe.h>

static const struct x86_source sources[] = {
#if CONFIG_KVM
    { "kvm", virtio_blk_probe },
#endif
#if CONFIG_XEN
    { "xen-pv", xen_blkfront_probe },
    { "xen-pvh", xen_blkfront_probe },
#endif
};

int platform_probe_block(void)
{
    return x86_probe(sources, sizeof(sources) / sizeof(sources[0]));
}
