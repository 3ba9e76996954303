/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of the program: start, end, join. */
#include <reent.h>
#include <stdlib.h>

#include "point.h"
#include "pthread_impl.h"
#include "pthread_keys.h"
#include "thread_data.h"

struct start {
    void *(*fn)(void *);
    void *arg;
    sigset_t mask;
};

/* Threads of the program that have not ended; main's is the first. Atomic. */
static unsigned living = 1;

static void no_keys(void)
{
}

void (*pthread_keys_leave)(void) = no_keys;

/*
 * What a thread leaves behind in the C library. Context: the ending thread, its TLS still there.
 * The program's last thread ends the program as exit(0) would: stdio is flushed, exit handlers run.
 */
static void leave(void)
{
    if (!thread_data()->of_program) {
        return;
    }
    thread_data()->leaving = true;
    pthread_keys_leave();
    if (pthread_robust != NULL) {
        pthread_robust->leave();
    }
    if (point_leave != NULL) {
        point_leave();
    }
    if (__atomic_sub_fetch(&living, 1, __ATOMIC_ACQ_REL) == 0) {
        exit(0);
    }
    _reclaim_reent(_REENT);
}

static void *run(void *arg)
{
    struct start start = *(struct start *)arg;
    free(arg);
    thread_data()->mask = start.mask;
    thread_data()->of_program = true;
    return start.fn(start.arg);
}

int pthread_create(pthread_t *restrict out, const pthread_attr_t *restrict attr,
                   void *(*fn)(void *), void *restrict arg)
{
    struct thread_attr how = { 0 };
    if (attr != NULL) {
        how.stack = attr->__stack;
        how.stack_size = attr->__stack_size;
        how.guard_size = attr->__guard_size;
        how.detached = attr->__detached != 0;
    }
    struct start *start = malloc(sizeof(*start));
    if (start == NULL) {
        return EAGAIN; /* POSIX: "lacks the necessary resources", memory among them */
    }
    *start = (struct start){ fn, arg, thread_data()->mask };
    thread_set_exit_hook(leave);
    __atomic_add_fetch(&living, 1, __ATOMIC_RELAXED);
    struct thread *t;
    int r = thread_create(&t, &how, run, start);
    if (r != 0) {
        __atomic_sub_fetch(&living, 1, __ATOMIC_RELAXED);
        free(start);
        return r == -ENOMEM ? EAGAIN : -r;
    }
    *out = (pthread_t)(uintptr_t)t;
    return 0;
}

_Noreturn void pthread_exit(void *result)
{
    struct thread_data *data = thread_data();
    data->leaving = true;
    while (data->cleanup != NULL) {
        __pthread_cleanup_pop(data->cleanup, 1);
    }
    thread_set_exit_hook(leave);
    thread_exit(result);
}

void __pthread_cleanup_push(struct __pthread_cleanup *record)
{
    struct thread_data *data = thread_data();
    record->__next = data->cleanup;
    data->cleanup = record;
}

void __pthread_cleanup_pop(struct __pthread_cleanup *record, int execute)
{
    thread_data()->cleanup = record->__next;
    if (execute) {
        record->__routine(record->__arg);
    }
}

static struct thread *thread_of(pthread_t t)
{
    return (struct thread *)(uintptr_t)t;
}

/* A signal's handler does not end it, and a cancellation leaves `t` as it was. */
static int join_until(pthread_t t, void **result, uint64_t deadline)
{
    int r;
    libc_point();
    while ((r = thread_join(thread_of(t), result, deadline)) == -EINTR) {
        point_attend();
    }
    return -r;
}

int pthread_join(pthread_t t, void **result)
{
    return join_until(t, result, NO_DEADLINE);
}

int pthread_tryjoin_np(pthread_t t, void **result)
{
    int r = -thread_join(thread_of(t), result, 0);
    return r == ETIMEDOUT || r == EINTR ? EBUSY : r;
}

int pthread_timedjoin_np(pthread_t t, void **result, const struct timespec *abstime)
{
    uint64_t deadline;
    int r = deadline_ns(CLOCK_REALTIME, abstime, &deadline);
    return r != 0 ? -r : join_until(t, result, deadline);
}

int pthread_detach(pthread_t t)
{
    return -thread_detach(thread_of(t));
}
