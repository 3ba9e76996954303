/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thread-local storage, variant II of the ELF TLS ABI: the program's TLS data ends where the thread
 * control block begins, and %fs points there.
 *
 * Source: Drepper, "ELF Handling For Thread-Local Storage", 3 and 4.4.6: a variable lies at tp -
 * size + offset, size being the segment's rounded up to its alignment.
 */
#include <string.h>

#include <pith/panic.h>
#include <pith/random.h>

#include "sched.h"

#define BLOCK_ALIGN 64u /* of struct thread: its hot fields share cache lines */

/*
 * From the linker script. __tls_align lies as many bytes behind __tdata_start as the segment is
 * aligned to.
 */
extern const char __tdata_start[];
extern const char __tdata_end[];
extern const char __tbss_end[];
extern const char __tls_align[];

/* Written once by tls_init(). */
static size_t tls_size;
static size_t thread_offset;
static uintptr_t canary;

void tls_init(void)
{
    size_t align = (size_t)(__tls_align - __tdata_start);
    size_t outer = align > BLOCK_ALIGN ? align : BLOCK_ALIGN;

    ASSERT(align != 0 && (align & (align - 1)) == 0 && align <= PAGE_SIZE);
    tls_size = ((size_t)(__tbss_end - __tdata_start) + align - 1) & ~(align - 1);
    thread_offset = (tls_size + outer - 1) & ~(outer - 1);
    /* The zero byte comes first in memory: a string function that overruns stops there. */
    canary = random_u64() & ~(uintptr_t)0xff;
}

size_t tls_thread_offset(void)
{
    return thread_offset;
}

size_t tls_block_size(void)
{
    return thread_offset + sizeof(struct thread);
}

struct thread *tls_prepare(char *block)
{
    struct thread *t = (struct thread *)(void *)(block + thread_offset);
    char *data = (char *)t - tls_size;
    size_t init_size = (size_t)(__tdata_end - __tdata_start);

    memcpy(data, __tdata_start, init_size);
    memset(data + init_size, 0, tls_size - init_size + sizeof(*t));
    t->self = t;
    t->canary = canary;
    return t;
}
