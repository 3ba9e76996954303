/* SPDX-License-Identifier: BSD-2-Clause */
/* What the C library keeps in each thread, in the room that libos/core has set aside for it. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include <pith/thread.h>

struct thread_data {
    bool of_program; /* main's or from pthread_create(): the program lives as long as these */
    struct __pthread_cleanup *cleanup; /* handlers pushed and not popped, the last one first */
};

_Static_assert(sizeof(struct thread_data) <= THREAD_LIBC_SIZE, "room for it in a thread");

static inline struct thread_data *thread_data(void)
{
    return thread_libc(thread_current());
}
