/* SPDX-License-Identifier: BSD-2-Clause */
/* What grid.c measures and what only Pith can do. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a disk without a file system, since it was opened. */
struct disk_counts {
    uint64_t requests, kicks, interrupts;
};

/* What the driver of /dev/NAME has counted; false where that is not to be had. */
bool disk_counts(const char *name, struct disk_counts *counts);

/*
 * Transfers of `unit` bytes by the system's own calls, without files, `depth` at a time, for that
 * long, at places that place(i) names. Returns how many; 0 where there are no such calls.
 */
uint64_t disk_direct(const char *name, bool write, size_t unit, unsigned depth, uint64_t ns,
                     uint64_t (*place)(uint64_t i));

/* All sizes, depths and ways: each for limit_ns. `flags`: for opening the disk. */
void grid_run(uint64_t limit_ns, int flags);

uint64_t now_ns(void);
void fail(const char *what);
