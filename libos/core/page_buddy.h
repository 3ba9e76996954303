/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binary buddy under page.c, which holds its lock around each call. Private to libos/core.
 *
 * A block of npages lies on a boundary of the power of two that contains it. What it has beyond
 * powers of two is cut: it consists of one used block for each bit of npages, the largest first.
 */
#pragma once

#include <stddef.h>

#include <pith/boot.h>

/* Enter the ranges; returns how many pages there are to allocate. */
size_t buddy_init(const struct boot_info *info);

/* 0 < npages <= 2^PAGE_MAX_ORDER; NULL when there is no such block. */
void *buddy_take(size_t npages);

void buddy_give(void *block, size_t npages);

/* Keep the first npages of `had`; 0 < npages <= had. */
void buddy_shrink(void *block, size_t had, size_t npages);

/*
 * Mark a used block as given back by its owner, so that a second free is found out while page.c
 * keeps it for the next one; and the way back. PANICs when the block isn't one of npages in use.
 */
void buddy_park(void *block, size_t npages);
void buddy_unpark(void *block, size_t npages);
