/* SPDX-License-Identifier: BSD-2-Clause */
/* Which monitor platform this is, and its own start. Private to platform/x86. */
#pragma once

#include <pith/boot.h>

/*
 * Choose platform_ops and make the console work, where it needs nothing else. Sets info->platform.
 */
void probe_platform(struct boot_info *info);

/* Clock, interrupts and services of the platform found. Context: APIC enabled, info->ram filled. */
void platform_start(struct boot_info *info);
