/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C names of the heap, for programs and (the _r ones) for newlib.
 *
 * All in one file: newlib's own allocator has to stay out of the image as a whole.
 */
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <stdlib.h>
#include <string.h>

#include <pith/heap.h>

#include "heap_fast.h"

static inline void *or_enomem(void *p)
{
    if (__builtin_expect(p == NULL, 0)) {
        errno = ENOMEM;
    }
    return p;
}

/* Not inline in malloc(), where a call would cost the short way its stack frame. */
static __attribute__((noinline)) void *malloc_large(size_t size)
{
    return or_enomem(heap_alloc(size));
}

/* The heap's own way for when the shelf is empty is not malloc()'s, which has to set errno. */
static __attribute__((noinline)) void *malloc_slow(size_t shelf, bool was)
{
    return or_enomem(heap_small_alloc_slow(shelf, was));
}

void *malloc(size_t size)
{
    if (__builtin_expect(size > HEAP_SMALL_MAX, 0)) {
        return malloc_large(size);
    }
    return heap_small_alloc(heap_shelf_of(size), malloc_slow);
}

void free(void *p)
{
    heap_fast_free(p);
}

void *calloc(size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    void *p = or_enomem(heap_alloc(total));
    if (p != NULL) {
        memset(p, 0, total);
    }
    return p;
}

/* Size 0 keeps a block, as C leaves open: it never frees behind the caller's back. */
void *realloc(void *p, size_t size)
{
    return or_enomem(heap_resize(p, size));
}

void *reallocarray(void *p, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return or_enomem(heap_resize(p, total));
}

void *reallocf(void *p, size_t size)
{
    void *to = realloc(p, size);
    if (to == NULL) {
        heap_free(p);
    }
    return to;
}

static inline int is_power_of_two(size_t align)
{
    return align != 0 && (align & (align - 1)) == 0;
}

void *memalign(size_t align, size_t size)
{
    if (!is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    return or_enomem(heap_alloc_aligned(align, size));
}

void *aligned_alloc(size_t align, size_t size)
{
    return memalign(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    if (!is_power_of_two(align) || align % sizeof(void *) != 0) {
        return EINVAL;
    }
    void *p = heap_alloc_aligned(align, size);
    if (p == NULL) {
        return ENOMEM;
    }
    *out = p;
    return 0;
}

void *valloc(size_t size)
{
    return memalign(4096, size);
}

size_t malloc_usable_size(void *p)
{
    return heap_usable(p);
}

/* Give memory that is kept for later back to the page allocator; 1 when there was some. */
int malloc_trim(size_t pad)
{
    (void)pad;
    return heap_trim() != 0;
}

/* ---- newlib's entries; the context argument is not needed, errno is thread-local ---- */

void *_malloc_r(struct _reent *r, size_t size)
{
    (void)r;
    return malloc(size);
}

void _free_r(struct _reent *r, void *p)
{
    (void)r;
    heap_free(p);
}

void *_calloc_r(struct _reent *r, size_t n, size_t size)
{
    (void)r;
    return calloc(n, size);
}

void *_realloc_r(struct _reent *r, void *p, size_t size)
{
    (void)r;
    return realloc(p, size);
}

void *_reallocf_r(struct _reent *r, void *p, size_t size)
{
    (void)r;
    return reallocf(p, size);
}

void *_memalign_r(struct _reent *r, size_t align, size_t size)
{
    (void)r;
    return memalign(align, size);
}

size_t _malloc_usable_size_r(struct _reent *r, void *p)
{
    (void)r;
    return heap_usable(p);
}
