/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions about threads, and their names. */
#include <string.h>

#include "pthread_impl.h"

#define NAME_SIZE 16 /* with the NUL, as on Linux */

static struct thread *thread_of(pthread_t t)
{
    return (struct thread *)(uintptr_t)t;
}

pthread_t pthread_self(void)
{
    return self_id();
}

int pthread_equal(pthread_t a, pthread_t b)
{
    return a == b;
}

int pthread_yield(void)
{
    thread_yield();
    return 0;
}

int pthread_setname_np(pthread_t t, const char *name)
{
    if (strlen(name) >= NAME_SIZE) {
        return ERANGE;
    }
    thread_set_name(thread_of(t), name);
    return 0;
}

int pthread_getname_np(pthread_t t, char *name, size_t size)
{
    const char *current = thread_name(thread_of(t));
    if (size < NAME_SIZE) {
        return ERANGE;
    }
    strncpy(name, current, NAME_SIZE - 1);
    name[NAME_SIZE - 1] = '\0';
    return 0;
}

int pthread_getattr_np(pthread_t t, pthread_attr_t *attr)
{
    void *low;
    size_t size;
    thread_stack(thread_of(t), &low, &size);
    *attr = (pthread_attr_t){ .__stack = low, .__stack_size = size };
    return 0;
}
