/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thread-specific data.
 *
 * A thread's values lie in blocks that it allocates when it first sets a key of that block. Each
 * value carries the serial number of its key, so that a key that is deleted and created anew starts
 * as NULL in every thread.
 */
#include <stdlib.h>

#include "pthread_impl.h"
#include "pthread_keys.h"

#define BLOCK_KEYS 32u
#define NBLOCKS    (PTHREAD_KEYS_MAX / BLOCK_KEYS)

struct key {
    unsigned serial; /* odd while the key exists; atomic, changed under `lock` */
    void (*destructor)(void *);
};

struct value {
    unsigned serial; /* of the key that it was set for */
    void *data;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct key keys[PTHREAD_KEYS_MAX];
static __thread struct value *values[NBLOCKS];

static unsigned serial_of(pthread_key_t key)
{
    return __atomic_load_n(&keys[key].serial, __ATOMIC_ACQUIRE);
}

/* One pass over the values of this thread; returns whether a destructor ran. */
static bool destroy_values(void)
{
    bool any = false;
    for (pthread_key_t k = 0; k < PTHREAD_KEYS_MAX; k++) {
        struct value *block = values[k / BLOCK_KEYS];
        if (block == NULL) {
            k += BLOCK_KEYS - 1;
            continue;
        }
        struct value *v = &block[k % BLOCK_KEYS];
        pthread_mutex_lock(&lock);
        void (*destructor)(void *) = keys[k].destructor;
        void *data = v->serial == keys[k].serial ? v->data : NULL;
        pthread_mutex_unlock(&lock);
        if (data != NULL && destructor != NULL) {
            v->data = NULL;
            destructor(data);
            any = true;
        }
    }
    return any;
}

static void leave(void)
{
    for (int i = 0; i < PTHREAD_DESTRUCTOR_ITERATIONS && destroy_values(); i++) {
    }
    for (unsigned i = 0; i < NBLOCKS; i++) {
        free(values[i]);
        values[i] = NULL;
    }
}

int pthread_key_create(pthread_key_t *out, void (*destructor)(void *))
{
    int r = EAGAIN;
    pthread_mutex_lock(&lock);
    pthread_keys_leave = leave;
    for (pthread_key_t k = 0; k < PTHREAD_KEYS_MAX && r != 0; k++) {
        if (keys[k].serial % 2 == 0) {
            keys[k].destructor = destructor;
            __atomic_store_n(&keys[k].serial, keys[k].serial + 1, __ATOMIC_RELEASE);
            *out = k;
            r = 0;
        }
    }
    pthread_mutex_unlock(&lock);
    return r;
}

int pthread_key_delete(pthread_key_t key)
{
    int r = EINVAL;
    pthread_mutex_lock(&lock);
    if (key < PTHREAD_KEYS_MAX && keys[key].serial % 2 == 1) {
        __atomic_store_n(&keys[key].serial, keys[key].serial + 1, __ATOMIC_RELEASE);
        r = 0;
    }
    pthread_mutex_unlock(&lock);
    return r;
}

int pthread_setspecific(pthread_key_t key, const void *data)
{
    if (key >= PTHREAD_KEYS_MAX || serial_of(key) % 2 == 0) {
        return EINVAL;
    }
    struct value **block = &values[key / BLOCK_KEYS];
    if (*block == NULL) {
        if (data == NULL) {
            return 0;
        }
        *block = calloc(BLOCK_KEYS, sizeof(**block));
        if (*block == NULL) {
            return ENOMEM;
        }
    }
    (*block)[key % BLOCK_KEYS] = (struct value){ serial_of(key), (void *)(uintptr_t)data };
    return 0;
}

void *pthread_getspecific(pthread_key_t key)
{
    if (key >= PTHREAD_KEYS_MAX || values[key / BLOCK_KEYS] == NULL) {
        return NULL;
    }
    struct value *v = &values[key / BLOCK_KEYS][key % BLOCK_KEYS];
    return v->serial == serial_of(key) ? v->data : NULL;
}
