/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest-physical addresses, for drivers: the wall that libos never sees behind.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef uint64_t paddr_t;

#define PADDR_NONE (~(paddr_t)0)

/*
 * The guest-physical address of a byte of ours (image data, stacks, anything of the page allocator
 * or heap), and in *len how many bytes from there are contiguous (at most `want`). PADDR_NONE when
 * it isn't RAM.
 */
paddr_t mem_to_paddr(const void *p, size_t want, size_t *len);

/*
 * The other way, for RAM outside the image only (firmware tables, modules, what mem_to_paddr
 * returned). NULL when [pa, pa+len) isn't RAM or firmware memory that is mapped.
 */
void *mem_from_paddr(paddr_t pa, size_t len);

/*
 * Map device registers [pa, pa+len), uncached, writable. Returns the address of byte `pa` or NULL.
 * Mappings last; the same range gives the same address. RAM is refused. Context: thread.
 */
void *mem_map_device(paddr_t pa, size_t len);

/*
 * The same for memory that somebody else gave us beside our RAM (pages of the host's daemons):
 * cached, writable.
 */
void *mem_map_shared(paddr_t pa, size_t len);

/* The same for read-only firmware tables (ACPI), which may lie in any kind of memory. */
const void *mem_map_firmware(paddr_t pa, size_t len);
