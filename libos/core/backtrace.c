/* SPDX-License-Identifier: BSD-2-Clause */
/* Call chains by frame pointers: all code is compiled with -fno-omit-frame-pointer. */
#include "backtrace.h"

#include <stddef.h>

#include <pith/log.h>
#include <pith/platform.h>
#include <pith/symbols.h>

#include "cold.h"

#define NAME_MAX_LEN 48
#define WALK_MAX     65536u
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

COLD static void print_repeated(unsigned times, const char *indent)
{
    if (times != 0) {
        log_raw("%s(%u more of it)\n", indent, times);
    }
}

COLD void backtrace_print(uintptr_t rbp, unsigned max, const char *indent)
{
    uintptr_t last = 0;
    unsigned repeated = 0;
    struct frame frame;

    /* A recursion takes two lines, so that who began it is shown too. */
    for (unsigned walked = 0, lines = 0; walked < WALK_MAX && lines <= max; walked++) {
        if (rbp == 0 || rbp % sizeof(uintptr_t) != 0 ||
            platform_probe_read(&frame, (const void *)rbp, sizeof(frame)) != 0 ||
            frame.return_address == 0) {
            break;
        }
        if (frame.return_address == last) {
            repeated++;
        } else if (lines++ < max) {
            print_repeated(repeated, indent);
            repeated = 0;
            last = frame.return_address;
            backtrace_print_address(last, 1, indent);
        } else {
            log_raw("%s...\n", indent);
        }
        if (frame.caller_rbp <= rbp || frame.caller_rbp - rbp > FRAME_MAX) {
            break;
        }
        rbp = frame.caller_rbp;
    }
    print_repeated(repeated, indent);
}

COLD void backtrace_print_trap(uintptr_t rip, uintptr_t rsp, uintptr_t rbp, const char *indent)
{
    char name[NAME_MAX_LEN];
    uintptr_t caller;
    size_t offset;

    backtrace_print_address(rip, 0, indent);
    /* At a function's first instruction, and nowhere at all, there is no frame yet. */
    if ((symbol_lookup(rip, name, sizeof(name), &offset) != 0 || offset == 0) &&
        platform_probe_read(&caller, (const void *)rsp, sizeof(caller)) == 0 &&
        symbol_lookup(caller - 1, name, sizeof(name), &offset) == 0) {
        backtrace_print_address(caller, 1, indent);
    }
    backtrace_print(rbp, BACKTRACE_MAX, indent);
}
