/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The objects of <pthread.h>, for <sys/types.h>.
 *
 * Takes the place of newlib's file of that name, and like it is reached from <sys/types.h> before
 * size_t is sure to be declared, so only builtin types appear here. All zero bytes is the valid
 * initial state of every object: a static one needs no code, and lives in .bss.
 *
 * __guard is a struct spinlock and __wait a struct waitq (next, prev; NULL until the first wait);
 * libos/libc/pthread_impl.h asserts that the sizes agree.
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A number, as on Linux: programs print it, hash it and compare it with 0. It is the thread's
 * address.
 */
typedef unsigned long pthread_t;

typedef unsigned int pthread_key_t;

typedef struct {
    int __state; /* 0 new, 1 running, 2 done */
} pthread_once_t;

typedef struct {
    void *__stack; /* lowest address, NULL: ours */
    __SIZE_TYPE__ __stack_size;
    __SIZE_TYPE__ __guard_size;
    int __detached;
    int __inherit;
    int __policy;
    int __priority;
    int __scope;
} pthread_attr_t;

typedef struct {
    int __type;
    int __pshared;
    int __robust;
} pthread_mutexattr_t;

/*
 * __state: 0 free, 1 held, 2 held and somebody may wait. It stays next to __guard, because the last
 * store of an unlock clears both at once: after it the mutex may already be freed memory.
 */
typedef struct __pthread_mutex {
    unsigned char __state;
    unsigned char __guard;
    unsigned char __type;
    unsigned char __owner_state; /* of a robust one; libos/libc/pthread_robust.c */
    unsigned int __count; /* nesting of a recursive one, beyond the first */
    pthread_t __owner;    /* of the types that check it, else 0 */
    void *__wait[2];
    struct __pthread_mutex *__next; /* robust: the next one that its owner holds */
} pthread_mutex_t;

typedef struct {
    int __clock;
    int __pshared;
} pthread_condattr_t;

typedef struct {
    unsigned char __guard;
    int __clock;           /* clockid of timedwait, 0: CLOCK_REALTIME */
    unsigned int __inside; /* threads between entry and their last access; destroy waits for them */
    void *__wait[2];
} pthread_cond_t;

typedef struct {
    int __pshared;
} pthread_rwlockattr_t;

typedef struct {
    unsigned char __guard;
    int __holders; /* -1: a writer, else the number of readers */
    pthread_t __writer;
    void *__readers[2];
    void *__writers[2];
} pthread_rwlock_t;

typedef struct {
    int __pshared;
} pthread_barrierattr_t;

typedef struct {
    unsigned char __guard;
    unsigned int __count;
    unsigned int __arrived;
    unsigned int __round;
    unsigned int __inside; /* as in a condition variable */
    void *__wait[2];
} pthread_barrier_t;

typedef volatile int pthread_spinlock_t;

#ifdef __cplusplus
}
#endif
