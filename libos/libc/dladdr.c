/* SPDX-License-Identifier: BSD-2-Clause */
/* dladdr(): which of the image's functions an address lies in, by the table of the crash reports. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/symbols.h>

extern const uint8_t __image_start[]; /* placed by the linker script */

/* Names are kept in pieces and put together when they are asked for. */
static _Thread_local char name[SYMBOL_NAME_MAX];

int dladdr(const void *address, Dl_info *info)
{
    size_t offset;
    if (symbol_lookup((uintptr_t)address, name, sizeof(name), &offset) != 0) {
        return 0;
    }
    info->dli_fname = "image";
    info->dli_fbase = (void *)(uintptr_t)__image_start;
    info->dli_sname = name;
    info->dli_saddr = (void *)((uintptr_t)address - offset);
    return 1;
}
