/* SPDX-License-Identifier: BSD-2-Clause */
/* What grid.c asks for and Linux does not have. */
#include "../disk/grid.h"

bool disk_counts(const char *name, struct disk_counts *counts)
{
    (void)name;
    (void)counts;
    return false;
}

uint64_t disk_direct(const char *name, bool write, size_t unit, unsigned depth, uint64_t ns,
                     uint64_t (*place)(uint64_t i))
{
    (void)name;
    (void)write;
    (void)unit;
    (void)depth;
    (void)ns;
    (void)place;
    return 0;
}
