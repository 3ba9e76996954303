/* SPDX-License-Identifier: BSD-2-Clause */
/* Where shared folders come from, bus by bus. */
#include <string.h>

#include <config.h>
#include <pith/platform.h>
#include <x86/ops.h>
#include <x86/probe.h>

static const struct {
    const char *platform; /* the name in platform_ops */
    int (*probe)(void);
} sources[] = {
#if CONFIG_KVM
    { "kvm", virtio_9p_probe },
#endif
#if CONFIG_XEN
    { "xen-pv", xen_9p_probe },
    { "xen-pvh", xen_9p_probe },
#endif
    { NULL, NULL },
};

int platform_probe_share(void)
{
    int n = 0;
    for (unsigned i = 0; sources[i].probe != NULL; i++) {
        if (strcmp(sources[i].platform, platform_ops->name) == 0) {
            n += sources[i].probe();
        }
    }
    return n;
}
