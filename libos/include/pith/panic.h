/* SPDX-License-Identifier: BSD-2-Clause */
/* Our own bugs: ASSERT and PANIC. Never for what a device, a ring or the network says. */
#pragma once

/* Print the report (message, registers of the caller, stacks) and end the machine as crashed. */
_Noreturn void panic_at(const char *file, int line, const char *fmt, ...)
    __attribute__((cold, format(printf, 3, 4)));

#define PANIC(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)
#define ASSERT(x)                                      \
    do {                                               \
        if (__builtin_expect(!(x), 0)) {               \
            PANIC("assertion failed: %s", #x);         \
        }                                              \
    } while (0)
