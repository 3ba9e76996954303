/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newlib's own allocator (its _mallocr.c, by Doug Lea) on the host, through the functions that take
 * a context. Its locks are left out, which makes it look a little better than it would be.
 */
#include <stddef.h>
#include <unistd.h>

#include "allocator.h"

struct _reent;
_Thread_local int _tls_errno; /* newlib's errno */
void *_malloc_r(struct _reent *r, size_t size);
void _free_r(struct _reent *r, void *p);
void *_realloc_r(struct _reent *r, void *p, size_t size);
void *_sbrk_r(struct _reent *r, ptrdiff_t by);
void __malloc_lock(struct _reent *r);
void __malloc_unlock(struct _reent *r);

void *_sbrk_r(struct _reent *r, ptrdiff_t by)
{
    static _Alignas(4096) char arena[64 << 20];
    static size_t used;
    (void)r;
    void *p = arena + used;
    used += (size_t)by;
    return p;
}

void __malloc_lock(struct _reent *r)
{
    (void)r;
}

void __malloc_unlock(struct _reent *r)
{
    (void)r;
}

void *bench_malloc(size_t size)
{
    return _malloc_r(NULL, size);
}

void bench_free(void *p)
{
    _free_r(NULL, p);
}

void *bench_realloc(void *p, size_t size)
{
    return _realloc_r(NULL, p, size);
}

void allocator_init(void)
{
}
