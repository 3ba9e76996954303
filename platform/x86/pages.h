/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing mappings through the monitor, with the page tables that this may need. Private to
 * platform/x86.
 */
#pragma once

#include <stddef.h>

#include <x86/mon.h>

/* Carry out op[0..n). Returns 0, -EPERM, -EINVAL or -ENOMEM. Context: any. */
int pages_map(const struct mon_map *op, size_t n);

/* What the low stage found: where the image lies and RAM's home base (mem.c). */
void mem_set_image(uint64_t paddr, uint64_t home_base);
