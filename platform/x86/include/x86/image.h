/* SPDX-License-Identifier: BSD-2-Clause */
/* The image itself: the linker script's symbols (platform/x86/link.ld), and moving it. */
#pragma once

#include <stdint.h>

#define IMAGE_LINK 0x100000UL /* link address, and load address except for GRUB and Linux-protocol loaders */

/* Page-aligned borders, in this order. */
extern char __image_start[]; /* text, R-X */
extern char __monitor_text_start[];
extern char __text_end[];
extern char __rodata_start[]; /* R */
extern char __rodata_end[];   /* in the last page of constants */
extern char __data_start[];   /* RW */
extern char __data_end[];
extern char __monitor_data_start[];
extern char __monitor_data_end[];
extern char __image_end[];

/*
 * Add `delta` to every pointer that the image holds. The image runs at (link + the sum of all
 * deltas) afterwards, so the caller must be about to jump there, or to have been loaded there.
 */
void image_relocate(intptr_t delta);

/* Where the image runs now, minus where it was linked. */
static inline intptr_t image_offset(void)
{
    return (intptr_t)((uintptr_t)__image_start - IMAGE_LINK);
}

/*
 * Page permissions that the final mapping of the image page at `offset` bytes from its start has.
 */
enum image_kind { IMAGE_TEXT, IMAGE_RODATA, IMAGE_DATA, IMAGE_MONITOR_TEXT, IMAGE_MONITOR_DATA };
enum image_kind image_kind_at(uintptr_t offset);

/*
 * Random placement: a page-aligned high address for `npages` pages, and a PML4 slot for the home
 * mapping of RAM, in different slots of 272..510. Fixed values when `fixed`, for debuggers.
 */
void image_choose_bases(int fixed, uint64_t npages, uint64_t *image_base, uint64_t *home_base);
