/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of file descriptors. */
#include <errno.h>
#include <string.h>

#include <pith/file.h>
#include <pith/heap.h>
#include <pith/spinlock.h>

#include "fd.h"

#define FIRST_FDS 16u

/*
 * The table: starts in static memory with the console three times, doubles as descriptors need it
 * and never shrinks. All under `lock`, which is not held while memory is allocated or a file
 * closed.
 */
static struct spinlock lock = SPINLOCK_INIT;
static struct file *first_table[FIRST_FDS] = { &console_file, &console_file, &console_file };
static struct file **table = first_table;
static unsigned nslots = FIRST_FDS;

struct file *fd_get(int fd)
{
    struct file *f = NULL;
    bool was = spin_lock(&lock);
    if ((unsigned)fd < nslots && (f = table[fd]) != NULL) {
        file_ref(f);
    }
    spin_unlock(&lock, was);
    return f;
}

/* Make the table larger than `slot`. */
static int grow(unsigned slot)
{
    unsigned want = FIRST_FDS;
    while (want <= slot) {
        want *= 2;
    }
    struct file **larger = heap_alloc(want * sizeof(*larger));
    if (larger == NULL) {
        return -ENOMEM;
    }
    struct file **unused = larger;
    bool was = spin_lock(&lock);
    if (nslots < want) {
        memcpy(larger, table, nslots * sizeof(*table));
        memset(larger + nslots, 0, (want - nslots) * sizeof(*table));
        unused = table == first_table ? NULL : table;
        table = larger;
        nslots = want;
    }
    spin_unlock(&lock, was);
    heap_free(unused);
    return 0;
}

int fd_install(struct file *f, int from)
{
    if (from < 0 || from >= FILE_MAX_FDS) {
        return -EINVAL;
    }
    for (;;) {
        bool was = spin_lock(&lock);
        unsigned slot = (unsigned)from;
        while (slot < nslots && table[slot] != NULL) {
            slot++;
        }
        if (slot < nslots) {
            table[slot] = f;
            spin_unlock(&lock, was);
            return (int)slot;
        }
        spin_unlock(&lock, was);
        if (slot >= FILE_MAX_FDS) {
            return -EMFILE;
        }
        int r = grow(slot);
        if (r < 0) {
            return r;
        }
    }
}

int fd_replace(struct file *f, int fd)
{
    if (fd < 0 || fd >= FILE_MAX_FDS) {
        return -EBADF;
    }
    bool was = spin_lock(&lock);
    bool fits = (unsigned)fd < nslots;
    spin_unlock(&lock, was);
    if (!fits) {
        int r = grow((unsigned)fd);
        if (r < 0) {
            return r;
        }
    }
    was = spin_lock(&lock);
    struct file *old = table[fd];
    table[fd] = f;
    spin_unlock(&lock, was);
    if (old != NULL) {
        file_unref(old);
    }
    return fd;
}

int fd_remove(int fd)
{
    struct file *f = NULL;
    bool was = spin_lock(&lock);
    if ((unsigned)fd < nslots) {
        f = table[fd];
        table[fd] = NULL;
    }
    spin_unlock(&lock, was);
    if (f == NULL) {
        return -EBADF;
    }
    file_unref(f);
    return 0;
}
