/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking for the devices of a class where this platform has them. */
#include <x86/probe.h>

#include <string.h>

#include <x86/ops.h>

int x86_probe(const struct x86_source *sources, unsigned n)
{
    int devices = 0;

    for (unsigned i = 0; i < n; i++) {
        if (strcmp(sources[i].platform, platform_ops->name) == 0) {
            devices += sources[i].probe();
        }
    }
    return devices;
}
