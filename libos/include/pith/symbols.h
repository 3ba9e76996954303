/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of the image's functions, for crash reports and back traces. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Find the function that an address lies in.
 *
 * addr    a code address of the running image
 * name    receives the function's name, cut at len - 1 bytes, always ended by NUL
 * len     size of name in bytes; at least 1
 * offset  receives the distance from the function's start; may be NULL
 * Context any, also after a fault: reads only the table, takes no lock, allocates nothing
 * Errors  -ENOENT  the address is not in the image's code, or the image carries no table
 *         -EINVAL  the table is damaged
 */
int symbol_lookup(uintptr_t addr, char *name, size_t len, size_t *offset);

/*
 * The other way: the address of a function by its name, of which SYMBOL_NAME_MAX - 1 bytes count.
 * Static ones are found as well, variables are not. Errors as above. Context: any.
 */
#define SYMBOL_NAME_MAX 256
int symbol_find(const char *name, uintptr_t *address);

/*
 * symbol_lookup() in a table at hand; symbol_lookup uses the one that the linker placed in the image.
 *
 * table, size   the table, made by the toolchain's pith-mksyms
 * distance      from the image's start to the address
 */
int symbol_table_lookup(const void *table, size_t size, uint64_t distance, char *name, size_t len,
                        size_t *offset);
