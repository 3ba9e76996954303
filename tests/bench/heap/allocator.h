/* SPDX-License-Identifier: BSD-2-Clause */
/* The allocator that bench.c is compiled for: ALLOCATOR_PITH, _NEWLIB, _MIMALLOC, or the host's. */
#pragma once

#include <stddef.h>

#if defined(ALLOCATOR_PITH) || defined(ALLOCATOR_NEWLIB)
void *bench_malloc(size_t size);
void bench_free(void *p);
void *bench_realloc(void *p, size_t size);
void allocator_init(void);
#elif defined(ALLOCATOR_MIMALLOC)
#include <mimalloc.h>
#define bench_malloc  mi_malloc
#define bench_free    mi_free
#define bench_realloc mi_realloc
#define allocator_init() ((void)0)
#else
#include <stdlib.h>
#define bench_malloc  malloc
#define bench_free    free
#define bench_realloc realloc
#define allocator_init() ((void)0)
#endif
