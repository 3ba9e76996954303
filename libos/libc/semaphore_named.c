/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semaphores by name: one process, so a list of them. A name's semaphore lives until it is unlinked
 * and closed as often as it was opened; each sem_open() of it gives the same address.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <pith/libc.h>

#include "result.h"

#define PREFIX 4 /* bytes that Linux puts in front: the file is "sem.NAME" */

struct named {
    struct named *next;
    unsigned opened;
    bool linked; /* the name is still its own */
    sem_t sem;
    char name[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list and what is in it */
static struct named *list;

/* Leading slashes are nothing. Errors: -EINVAL, also for a long name, as glibc has it. */
static int check_name(const char **name)
{
    *name += strspn(*name, "/");
    size_t len = strlen(*name);
    return len == 0 || len > NAME_MAX - PREFIX || strchr(*name, '/') != NULL ? -EINVAL : 0;
}

static struct named *find(const char *name)
{
    for (struct named *n = list; n != NULL; n = n->next) {
        if (n->linked && strcmp(n->name, name) == 0) {
            return n;
        }
    }
    return NULL;
}

static int make(const char *name, unsigned value, struct named **out)
{
    size_t len = strlen(name) + 1;
    if (value > SEM_VALUE_MAX) {
        return -EINVAL;
    }
    struct named *n = malloc(sizeof(*n) + len);
    if (n == NULL) {
        return -ENOMEM;
    }
    *n = (struct named){ .next = list, .linked = true };
    sem_init(&n->sem, 1, value);
    memcpy(n->name, name, len);
    list = *out = n;
    return 0;
}

static int open_named(const char *name, int flags, unsigned value, struct named **out)
{
    int r = check_name(&name);
    if (r != 0) {
        return r;
    }
    *out = find(name);
    if (*out != NULL) {
        r = (flags & O_CREAT) && (flags & O_EXCL) ? -EEXIST : 0;
    } else {
        r = flags & O_CREAT ? make(name, value, out) : -ENOENT;
    }
    if (r == 0) {
        (*out)->opened++;
    }
    return r;
}

sem_t *sem_open(const char *name, int flags, ...)
{
    unsigned value = 0;
    if (flags & O_CREAT) {
        va_list ap;
        va_start(ap, flags);
        (void)va_arg(ap, mode_t);
        value = va_arg(ap, unsigned);
        va_end(ap);
    }
    struct named *n;
    libc_mutex_lock(&lock);
    int r = open_named(name, flags, value, &n);
    pthread_mutex_unlock(&lock);
    return libc_result(r) == 0 ? &n->sem : SEM_FAILED;
}

/* Free what nobody can reach any more. Context: lock held. */
static void sweep(void)
{
    for (struct named **at = &list; *at != NULL;) {
        struct named *n = *at;
        if (n->opened == 0 && !n->linked) {
            *at = n->next;
            free(n);
        } else {
            at = &n->next;
        }
    }
}

int sem_close(sem_t *sem)
{
    int r = -EINVAL;
    libc_mutex_lock(&lock);
    for (struct named *n = list; n != NULL; n = n->next) {
        if (&n->sem == sem && n->opened != 0) {
            n->opened--;
            r = 0;
            break;
        }
    }
    sweep();
    pthread_mutex_unlock(&lock);
    return (int)libc_result(r);
}

int sem_unlink(const char *name)
{
    int r = check_name(&name);
    libc_mutex_lock(&lock);
    struct named *n = r == 0 ? find(name) : NULL;
    if (n != NULL) {
        n->linked = false;
        sweep();
    }
    pthread_mutex_unlock(&lock);
    return (int)libc_result(n != NULL ? 0 : -ENOENT);
}
