/* SPDX-License-Identifier: BSD-2-Clause */
/* Call chains by frame pointers: all code is compiled with -fno-omit-frame-pointer. */
#include "backtrace.h"

#include <stddef.h>

#include <pith/log.h>
#include <pith/platform.h>
#include <pith/symbols.h>

#include "cold.h"

#define NAME_MAX_LEN 48
#define FRAME_MAX    (1UL << 20) /* no frame of ours is larger: farther up isn't a frame */

/* What a function has pushed at its begin (x86-64 psABI, "The Stack Frame"). */
struct frame {
    uintptr_t caller_rbp;
    uintptr_t return_address;
};

COLD void backtrace_print_address(uintptr_t addr, int call, const char *indent)
{
    char name[NAME_MAX_LEN];
    size_t offset;

    /* A call that never returns may be the function's last instruction: look one byte back. */
    if (symbol_lookup(addr - (call ? 1 : 0), name, sizeof(name), &offset) == 0) {
        log_raw("%s0x%016lx %s+0x%lx\n", indent, addr, name, offset + (call ? 1 : 0));
    } else {
        log_raw("%s0x%016lx ?\n", indent, addr);
    }
}

COLD void backtrace_print(uintptr_t rbp, unsigned max, const char *indent)
{
    struct frame frame;

    for (unsigned n = 0; n < max; n++) {
        if (rbp == 0 || rbp % sizeof(uintptr_t) != 0 ||
            platform_probe_read(&frame, (const void *)rbp, sizeof(frame)) != 0 ||
            frame.return_address == 0) {
            return;
        }
        backtrace_print_address(frame.return_address, 1, indent);
        if (frame.caller_rbp <= rbp || frame.caller_rbp - rbp > FRAME_MAX) {
            return;
        }
        rbp = frame.caller_rbp;
    }
    log_raw("%s...\n", indent);
}
