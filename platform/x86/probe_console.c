/* SPDX-License-Identifier: BSD-2-Clause */
/* Where console devices come from, bus by bus. */
#include <config.h>
#include <pith/platform.h>
#include <x86/probe.h>

static const struct x86_source sources[] = {
#if CONFIG_KVM
    { "kvm", virtio_console_probe },
#endif
};

int platform_probe_console(void)
{
    return x86_probe(sources, sizeof(sources) / sizeof(sources[0]));
}
