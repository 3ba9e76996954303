/* SPDX-License-Identifier: BSD-2-Clause */
/* mremap(2): smaller in place; larger as a new mapping of the same kind, to which all is copied. */
#include <sys/mman.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <pith/file.h>
#include <pith/page.h>

#include "../fs/mmap.h"
#include "result.h"

#define READ_WRITE (PAGE_PROT_READ | PAGE_PROT_WRITE)

/* What private memory has, or memory without a file: its file's own pages come with the new one. */
static int move_contents(char *from, size_t npages, const struct mapping_request *old, char *to)
{
    if (old->shared && old->file != NULL) {
        return 0;
    }
    /* It goes away afterwards: that nobody may read it does not matter any more. */
    int r = old->prot == PAGE_PROT_NONE ? mapping_protect(from, npages, PAGE_PROT_READ) : 0;
    if (r == 0) {
        memcpy(to, from, npages * PAGE_SIZE);
    }
    return r;
}

static int move(char *from, size_t npages, size_t larger, char **out)
{
    struct mapping_request want;
    int r = mapping_describe(from, npages, &want);
    if (r != 0) {
        return r;
    }
    unsigned prot = want.prot;
    bool copied = want.file == NULL || !want.shared;
    want.npages = larger;
    if (want.shared && want.file != NULL) {
        r = mapping_sync(from, npages); /* where the new one reads it from the file */
    } else {
        want.prot = READ_WRITE;
    }
    r = r == 0 ? mapping_make(&want, out) : r;
    want.prot = prot;
    if (r == 0) {
        r = move_contents(from, npages, &want, *out);
        if (r == 0 && copied && prot != READ_WRITE) {
            r = mapping_protect(*out, larger, prot);
        }
        if (r != 0) {
            (void)mapping_remove(*out, larger);
        }
    }
    if (want.file != NULL) {
        file_unref(want.file);
    }
    return r != 0 ? r : mapping_remove(from, npages);
}

static int remap(char *addr, size_t len, size_t new_len, int flags, char **out)
{
    if ((flags & ~MREMAP_MAYMOVE) != 0 || (uintptr_t)addr % PAGE_SIZE != 0 || len == 0 ||
        new_len == 0 || len > PTRDIFF_MAX || new_len > PTRDIFF_MAX) {
        return -EINVAL;
    }
    size_t npages = (len + PAGE_SIZE - 1) / PAGE_SIZE;
    size_t wanted = (new_len + PAGE_SIZE - 1) / PAGE_SIZE;
    *out = addr;
    if (!mapping_covers(addr, npages)) {
        return -EFAULT;
    }
    if (wanted < npages) {
        return mapping_remove(addr + wanted * PAGE_SIZE, npages - wanted);
    }
    if (wanted == npages) {
        return 0;
    }
    return flags & MREMAP_MAYMOVE ? move(addr, npages, wanted, out) : -ENOMEM;
}

void *mremap(void *addr, size_t len, size_t new_len, int flags, ...)
{
    char *at;
    int r = remap(addr, len, new_len, flags, &at);
    return r == 0 ? at : (void *)libc_result(r);
}
