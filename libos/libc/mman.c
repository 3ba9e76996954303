/* SPDX-License-Identifier: BSD-2-Clause */
/* <sys/mman.h>: arguments checked as Linux does, and what has no meaning with all memory real. */
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include <pith/file.h>
#include <pith/page.h>

#include "../fs/mmap.h"
#include "point.h"
#include "result.h"

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

/* A whole range of pages from an address and a length. Errors: -EINVAL, -ENOMEM (it wraps). */
static int pages_of(const void *addr, size_t len, size_t *npages)
{
    if ((uintptr_t)addr % PAGE_SIZE != 0) {
        return -EINVAL;
    }
    *npages = len / PAGE_SIZE + (len % PAGE_SIZE != 0);
    return len > UINTPTR_MAX - (uintptr_t)addr ? -ENOMEM : 0;
}

static unsigned page_prot(int prot)
{
    unsigned write = prot & PROT_WRITE ? PAGE_PROT_READ | PAGE_PROT_WRITE : PAGE_PROT_NONE;
    return write | (prot & PROT_READ ? PAGE_PROT_READ : PAGE_PROT_NONE);
}

/* Whether a file may be mapped in that way. */
static int check_file(const struct file *f, int prot, int flags)
{
    int mode = f->flags & O_ACCMODE;
    if (mode == O_WRONLY) {
        return -EACCES;
    }
    return (flags & MAP_TYPE) != MAP_PRIVATE && (prot & PROT_WRITE) && mode != O_RDWR ? -EACCES : 0;
}

static int make(void *addr, size_t len, int prot, int flags, int fd, off_t pos, char **out)
{
    int type = flags & MAP_TYPE;
    bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    struct mapping_request want = { .at = addr, .shared = type != MAP_PRIVATE, .pos = pos };
    if (pos % PAGE_SIZE != 0 || len == 0 || (fixed && (uintptr_t)addr % PAGE_SIZE != 0) ||
        type < MAP_SHARED || type > MAP_SHARED_VALIDATE) {
        return -EINVAL;
    }
    if (prot & PROT_EXEC) {
        return -EACCES;
    }
    want.npages = len / PAGE_SIZE + (len % PAGE_SIZE != 0);
    want.prot = page_prot(prot);
    off_t end;
    if (len > PTRDIFF_MAX - PAGE_SIZE) {
        return -ENOMEM;
    }
    if ((flags & MAP_FIXED_NOREPLACE) && !(flags & MAP_FIXED)) {
        return mapping_covers(addr, 1) ? -EEXIST : -ENOMEM; /* addresses are ours to choose */
    }
    want.replace = flags & MAP_FIXED;
    if (flags & MAP_ANONYMOUS) {
        return mapping_make(&want, out);
    }
    want.file = fd_get(fd);
    if (want.file == NULL) {
        return -EBADF;
    }
    int r = check_file(want.file, prot, flags);
    if (r == 0 && (pos < 0 || __builtin_add_overflow(pos, (off_t)len, &end))) {
        r = -EOVERFLOW;
    }
    r = r == 0 ? mapping_make(&want, out) : r;
    file_unref(want.file);
    return r;
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t pos)
{
    char *at;
    int r = make(addr, len, prot, flags, fd, pos, &at);
    return r == 0 ? at : (void *)libc_result(r);
}

int munmap(void *addr, size_t len)
{
    size_t npages;
    int r = len == 0 ? -EINVAL : pages_of(addr, len, &npages);
    return (int)libc_result(r == -ENOMEM ? -EINVAL : r == 0 ? mapping_remove(addr, npages) : r);
}

int mprotect(void *addr, size_t len, int prot)
{
    size_t npages;
    int r = pages_of(addr, len, &npages);
    if (r == 0 && (prot & ~PROT_ALL)) {
        r = -EINVAL;
    } else if (r == 0 && len != 0) {
        r = prot & PROT_EXEC ? -EACCES : mapping_protect(addr, npages, page_prot(prot));
    }
    return (int)libc_result(r);
}

int msync(void *addr, size_t len, int flags)
{
    size_t npages;
    libc_point();
    int r = pages_of(addr, len, &npages);
    if (r == 0 && ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) ||
                   (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))) {
        r = -EINVAL;
    }
    return (int)libc_result(r == 0 && len != 0 ? mapping_sync(addr, npages) : r);
}

static int advise(void *addr, size_t len, int advice)
{
    size_t npages;
    int r = pages_of(addr, len, &npages);
    if (r != 0) {
        return -EINVAL;
    }
    switch (advice) {
    case MADV_DONTNEED:
        return len != 0 ? mapping_forget(addr, npages) : 0;
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_FREE:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
        return len == 0 || mapping_covers(addr, npages) ? 0 : -ENOMEM;
    default:
        return -EINVAL;
    }
}

int madvise(void *addr, size_t len, int advice)
{
    return (int)libc_result(advise(addr, len, advice));
}

/* What is not needed stays: POSIX's advice may not change contents. */
int posix_madvise(void *addr, size_t len, int advice)
{
    if (advice < POSIX_MADV_NORMAL || advice > POSIX_MADV_DONTNEED) {
        return EINVAL;
    }
    return -advise(addr, len, advice == POSIX_MADV_DONTNEED ? MADV_NORMAL : advice);
}

int mincore(void *addr, size_t len, unsigned char *vec)
{
    size_t npages;
    int r = pages_of(addr, len, &npages);
    if (r == 0 && npages != 0 && !mapping_covers(addr, npages)) {
        r = -ENOMEM;
    }
    if (r == 0) {
        memset(vec, 1, npages);
    }
    return (int)libc_result(r);
}
