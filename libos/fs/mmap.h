/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory mappings: the areas that mmap() gave out, for libos/libc/mman.c.
 *
 * An area of memory of its own (anonymous, private, or a copy of a file that has no pages) is one
 * block of the page allocator at its home address, so that devices can reach it. A shared mapping
 * of a file whose pages are memory (ramfs) shows those pages at an address beside: reads and writes
 * of the file and of the mapping are then the same memory.
 *
 * Addresses and lengths are whole pages, checked by the caller. Results 0 or -errno. All calls are
 * made in thread context and may sleep; one mutex orders them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct file;

#define MAPPING_GONE 0x80u /* unmapped, while other pages of the mapping are there */

struct mapping {
    char *start;
    size_t npages;
    size_t live;         /* pages that have not been unmapped */
    struct file *file;   /* with a reference; NULL: anonymous */
    off_t pos;           /* of the first page in it */
    bool shared;
    bool pinned;         /* the pages are the file's, else the block at `start` is ours */
    bool copied;         /* shared, of a file without pages: `before` has what was read of it */
    char *before;        /* what the file had when the copy was made or written back */
    void **pages;        /* pinned: their home addresses */
    uint8_t state[];     /* of each page: its PAGE_PROT_*, or MAPPING_GONE */
};

struct mapping_request {
    char *at;          /* NULL: anywhere */
    size_t npages;
    unsigned prot;     /* PAGE_PROT_* */
    bool shared;
    bool replace;      /* MAP_FIXED */
    struct file *file; /* NULL: anonymous; the reference stays the caller's */
    off_t pos;
};

/* Errors: -ENOMEM, -ENODEV (a kind of file that can't be mapped), -EINVAL, what reading answers. */
int mapping_make(const struct mapping_request *want, char **out);

/* Unmap what is mapped in the range. Errors: -ENOMEM, what writing back answers. */
int mapping_remove(char *start, size_t npages);

/* Errors: -ENOMEM (nothing of ours there), -EACCES (a read-only file), -EPERM turned to -EACCES. */
int mapping_protect(char *start, size_t npages, unsigned prot);

/* Write shared copies of the range back. Errors: -ENOMEM, what writing answers. */
int mapping_sync(char *start, size_t npages);

/* Make private and anonymous pages of the range what they were at the start. */
int mapping_forget(char *start, size_t npages);

/* Whether all of the range is mapped. */
bool mapping_covers(char *start, size_t npages);

/*
 * What would make the range again: `prot` as its first page has it, `file` with a reference for the
 * caller. Errors: -EFAULT (it isn't all of one mapping).
 */
int mapping_describe(char *start, size_t npages, struct mapping_request *out);

/* ---- mmap_file.c ---- */

/* Fill pages [first, first + n) of a mapping's own block from its file, zeros behind the end. */
int mapping_read(struct mapping *m, size_t first, size_t n);

/* Write what has changed of pages [first, first + n) of a copy to the file. */
int mapping_write(struct mapping *m, size_t first, size_t n);
