/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our heap and page allocator on the host: 64 MiB of RAM, and %gs pointed at a block for the mask.
 */
#include <asm/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <pith/boot.h>
#include <pith/heap.h>
#include <pith/page.h>
#include <pith/panic.h>
#include <pith/percpu.h>
#include <pith/random.h>

#include "libos/libc/heap_fast.h"

#include "allocator.h"

#define RAM_PAGES 16384u

static struct percpu cpu;

void *bench_malloc(size_t size)
{
    return heap_fast_alloc(size);
}

void bench_free(void *p)
{
    heap_fast_free(p);
}

void *bench_realloc(void *p, size_t size)
{
    return heap_resize(p, size);
}

void allocator_init(void)
{
    syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu);
    void *ram = mmap(NULL, RAM_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct boot_info info = { .nram = 1, .ram[0] = { ram, RAM_PAGES } };
    page_init(&info);
}

uint64_t random_u64(void)
{
    return 0x9e3779b97f4a7c15u;
}

void platform_irq_replay(void)
{
}

_Noreturn void panic_at(const char *file, int line, const char *fmt, ...)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, fmt);
    abort();
}
