/* SPDX-License-Identifier: BSD-2-Clause */
/* Call chains by frame pointers, for crash reports. Private to libos/core. */
#pragma once

#include <stdint.h>

#define BACKTRACE_MAX 32

/* Print "name+0xoffset" and the address, one line. `call` says that addr is a return address. */
void backtrace_print_address(uintptr_t addr, int call, const char *indent);

/*
 * Print the return addresses of the chain that begins at frame pointer rbp, innermost first, at
 * most `max` different ones. Every load is probed, and the frames have to go up: a broken or
 * looping chain just ends.
 */
void backtrace_print(uintptr_t rbp, unsigned max, const char *indent);

/* The same for interrupted code: begins with rip itself, and finds a caller that has no frame yet. */
void backtrace_print_trap(uintptr_t rip, uintptr_t rsp, uintptr_t rbp, const char *indent);
