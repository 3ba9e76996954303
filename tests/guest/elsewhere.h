/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses that nothing lies at, wherever this boot has placed the image and the memory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The n-th part of 512 GiB, which has top-level tables of its own, without the image, stacks and pages. */
static inline char *elsewhere(unsigned n)
{
    const uintptr_t image = (uintptr_t)&elsewhere >> 39, memory = (uintptr_t)__builtin_frame_address(0) >> 39;
    uintptr_t part = 0xffffa00000000000 >> 39;

    for (;; part++) {
        bool used = part == image || part == memory;
        if (!used && n-- == 0) {
            return (char *)(part << 39);
        }
    }
}
