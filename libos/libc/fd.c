/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of file descriptors. A slot has the address of its file, and in bit 0, which is never
 * part of one, whether exec would close it: there is no exec, but programs ask for what they set.
 *
 * A bit per descriptor says which are taken, and a bit per word of those which words are full: so
 * the lowest free descriptor is found in a few steps among any number of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <pith/file.h>
#include <pith/heap.h>
#include <pith/spinlock.h>

#include "fd.h"

#define BITS      64u
#define FIRST_FDS BITS
#define MAX_WORDS (FILE_MAX_FDS / BITS)
#define CLOSES    1u /* on exec; of a slot */

_Static_assert(FILE_MAX_FDS % (BITS * BITS) == 0, "whole words of bits");

/*
 * The table: starts in static memory with the console three times, doubles as descriptors need it
 * and never shrinks; the bits of `taken` follow the slots in the same piece of memory. All under
 * `lock`, which is not held while memory is allocated or a file closed.
 */
static struct spinlock lock = SPINLOCK_INIT;
static char *first_table[FIRST_FDS] = { (char *)&console_file, (char *)&console_file,
                                        (char *)&console_file };
static uint64_t first_taken[FIRST_FDS / BITS] = { 7 };
static char **table = first_table;
static uint64_t *taken = first_taken;
static unsigned nslots = FIRST_FDS;
static uint64_t full[MAX_WORDS / BITS];

static struct file *file_of(char *slot)
{
    return (struct file *)(void *)(slot - ((uintptr_t)slot & CLOSES));
}

/* Called last by fd_get(), which so needs no stack frame. */
static __attribute__((noinline)) struct file *replay(struct file *f)
{
    platform_irq_replay();
    return f;
}

/* The table's own reference keeps the file while the lock is held, so it can't be at its end here. */
struct file *fd_get(int fd)
{
    struct file *f = NULL;
    bool was = spin_lock(&lock);
    if ((unsigned)fd < nslots && (f = file_of(table[fd])) != NULL) {
        __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
    }
    spin_release(&lock);
    return !was && __builtin_expect(irq_open(), 0) ? replay(f) : f;
}

/* Make the table larger than `slot`. */
static int grow(unsigned slot)
{
    unsigned want = FIRST_FDS;
    while (want <= slot) {
        want *= 2;
    }
    size_t slots_size = want * sizeof(*table);
    char **larger = heap_alloc(slots_size + want / 8);
    if (larger == NULL) {
        return -ENOMEM;
    }
    char **unused = larger;
    bool was = spin_lock(&lock);
    if (nslots < want) {
        uint64_t *bits = (uint64_t *)(larger + want);
        memset(larger + nslots, 0, slots_size + want / 8 - nslots * sizeof(*table));
        memcpy(larger, table, nslots * sizeof(*table));
        memcpy(bits, taken, nslots / 8);
        unused = table == first_table ? NULL : table;
        table = larger;
        taken = bits;
        nslots = want;
    }
    spin_unlock(&lock, was);
    heap_free(unused);
    return 0;
}

/* The first word from `word` on that isn't full; it may lie behind the table. */
static unsigned free_word(unsigned word)
{
    while (word < MAX_WORDS) {
        uint64_t open = ~full[word / BITS] & (~0ull << word % BITS);
        if (open != 0) {
            return word / BITS * BITS + (unsigned)__builtin_ctzll(open);
        }
        word = (word / BITS + 1) * BITS;
    }
    return MAX_WORDS;
}

/* The lowest free slot from `from` on; it may lie behind the table. Context: lock held. */
static unsigned free_slot(unsigned from)
{
    unsigned word = from / BITS;
    if (from < nslots) {
        uint64_t open = ~taken[word] & (~0ull << from % BITS);
        if (open != 0) {
            return word * BITS + (unsigned)__builtin_ctzll(open);
        }
        word = free_word(word + 1);
        from = word * BITS;
        if (from < nslots) {
            return from + (unsigned)__builtin_ctzll(~taken[word]);
        }
    }
    return from;
}

/* Store f in a slot, or NULL; returns what was there. Context: lock held. */
static struct file *put(unsigned slot, struct file *f, int flags)
{
    struct file *old = file_of(table[slot]);
    unsigned word = slot / BITS;
    uint64_t bit = 1ull << slot % BITS;
    table[slot] = (char *)f + (flags & O_CLOEXEC && f != NULL ? CLOSES : 0);
    taken[word] = f != NULL ? taken[word] | bit : taken[word] & ~bit;
    bit = 1ull << word % BITS;
    full[word / BITS] = taken[word] == ~0ull ? full[word / BITS] | bit : full[word / BITS] & ~bit;
    return old;
}

int fd_install(struct file *f, int from, int flags)
{
    if (from < 0 || from >= FILE_MAX_FDS) {
        return -EINVAL;
    }
    for (;;) {
        bool was = spin_lock(&lock);
        unsigned slot = free_slot((unsigned)from);
        if (slot < nslots) {
            put(slot, f, flags);
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

int fd_replace(struct file *f, int fd, int flags)
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
    struct file *old = put((unsigned)fd, f, flags);
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
        f = put((unsigned)fd, NULL, 0);
    }
    spin_unlock(&lock, was);
    if (f == NULL) {
        return -EBADF;
    }
    file_unref(f);
    return 0;
}

int fd_get_flags(int fd)
{
    bool was = spin_lock(&lock);
    char *slot = (unsigned)fd < nslots ? table[fd] : NULL;
    spin_unlock(&lock, was);
    return slot == NULL ? -EBADF : (uintptr_t)slot & CLOSES ? FD_CLOEXEC : 0;
}

int fd_set_flags(int fd, int flags)
{
    int r = -EBADF;
    bool was = spin_lock(&lock);
    if ((unsigned)fd < nslots && table[fd] != NULL) {
        table[fd] = (char *)file_of(table[fd]) + (flags & FD_CLOEXEC ? CLOSES : 0);
        r = 0;
    }
    spin_unlock(&lock, was);
    return r;
}
