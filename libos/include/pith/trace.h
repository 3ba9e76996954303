/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot=trace: the chain of functions from the entry to main(), as docs/architecture.md lists it.
 */
#pragma once

#include <stdbool.h>

/*
 * Note that a function of the boot chain has begun: boot_trace(__func__). The name is copied,
 * because the image may still move. Before boot_trace_enable() it is only kept. Context: boot, one
 * CPU.
 */
void boot_trace(const char *name);

/* Print what was kept, and from now on each name at once; or forget it all. */
void boot_trace_enable(bool on);
