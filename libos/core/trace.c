/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of boot functions that `boot=trace` prints. */
#include <pith/trace.h>

#include <stddef.h>

#include <pith/log.h>

#include "cold.h"

#define TRACE_BYTES 768

enum mode { TRACE_KEEP, TRACE_PRINT, TRACE_OFF };

/* Names with their NULs. Boot only, so no lock. */
static char kept[TRACE_BYTES];
static size_t nkept;
static enum mode mode = TRACE_KEEP;

COLD static void print(const char *name)
{
    log_raw("boot: %s\n", name);
}

COLD void boot_trace(const char *name)
{
    if (mode == TRACE_OFF) {
        return;
    }
    if (mode == TRACE_PRINT) {
        print(name);
        return;
    }
    size_t start = nkept;
    do {
        if (nkept == sizeof(kept)) {
            nkept = start; /* no room: this one is left out */
            return;
        }
        kept[nkept++] = *name;
    } while (*name++ != '\0');
}

COLD void boot_trace_enable(bool on)
{
    mode = on ? TRACE_PRINT : TRACE_OFF;
    if (!on) {
        return;
    }
    size_t at = 0;
    while (at < nkept) {
        print(&kept[at]);
        while (kept[at++] != '\0') {
        }
    }
}
