/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The locks that newlib asks for: its eight static ones, and one per open stream.
 *
 * A lock is a mutex; the recursive ones are initialised as such, since newlib itself always knows
 * which kind it has.
 */
#include <stdlib.h>
#include <sys/lock.h>

#include <pith/platform.h>

#include "point.h"
#include "pthread_impl.h"
#include "thread_data.h"

#define EXIT_WAIT_NS 1000000000ULL /* for a thread that is writing, when the program ends */

/* Newlib asks for it by a patch of ours, so no header of its own has it. */
int __retarget_lock_acquire_at_exit(_LOCK_T lock);

struct __lock {
    pthread_mutex_t mutex;
    bool of_stream; /* taken at the start of each call of stdio: a cancellation point */
};

/* Referred to by name from newlib, see its sys/lock.h. */
struct __lock __lock___sfp_recursive_mutex = { .mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP };
struct __lock __lock___atexit_recursive_mutex = { .mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP };
struct __lock __lock___at_quick_exit_mutex = { .mutex = PTHREAD_MUTEX_INITIALIZER };
struct __lock __lock___malloc_recursive_mutex = { .mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP };
struct __lock __lock___env_recursive_mutex = { .mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP };
struct __lock __lock___tz_mutex = { .mutex = PTHREAD_MUTEX_INITIALIZER };
struct __lock __lock___dd_hash_mutex = { .mutex = PTHREAD_MUTEX_INITIALIZER };
struct __lock __lock___arc4random_mutex = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/*
 * What a stream gets when there is no memory for a lock of its own: newlib has no way to report it.
 * Sharing one recursive lock is slower, and still right.
 */
static struct __lock shared = { .mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP };

static void create(_LOCK_T *lock, int type)
{
    struct __lock *l = malloc(sizeof(*l));
    if (l == NULL) {
        *lock = &shared;
        return;
    }
    pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
    fresh.__type = (unsigned char)type;
    l->mutex = fresh;
    l->of_stream = type == PTHREAD_MUTEX_RECURSIVE;
    *lock = l;
}

void __retarget_lock_init(_LOCK_T *lock)
{
    create(lock, PTHREAD_MUTEX_NORMAL);
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
    create(lock, PTHREAD_MUTEX_RECURSIVE);
}

void __retarget_lock_close(_LOCK_T lock)
{
    if (lock != &shared) {
        pthread_mutex_destroy(&lock->mutex);
        free(lock);
    }
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    __retarget_lock_close(lock);
}

/* A thread that has some of these is not cancelled: nobody would release them. */
static bool entered(bool taken)
{
    thread_data()->library_locks += taken;
    return taken;
}

static void release(_LOCK_T lock)
{
    struct thread_data *data = thread_data();
    pthread_mutex_unlock(&lock->mutex);
    if (--data->library_locks == 0 && __builtin_expect(data->cancel_wanted, 0)) {
        point_cancel_again();
    }
}

void __retarget_lock_acquire(_LOCK_T lock)
{
    entered(pthread_mutex_lock(&lock->mutex) == 0);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
    if (lock->of_stream && __builtin_expect(thread_data()->cancel_wanted, 0)) {
        point_cancel();
    }
    entered(pthread_mutex_lock(&lock->mutex) == 0);
}

/* Nonzero on success, as newlib's own dummy has it. */
int __retarget_lock_try_acquire(_LOCK_T lock)
{
    return entered(pthread_mutex_trylock(&lock->mutex) == 0);
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    return entered(pthread_mutex_trylock(&lock->mutex) == 0);
}

/* For exit(), by newlib's patch 0022: nonzero when the holder has released it in time. */
int __retarget_lock_acquire_at_exit(_LOCK_T lock)
{
    return entered(pthread_mutex_take(&lock->mutex, platform_clock_ns() + EXIT_WAIT_NS) == 0);
}

void __retarget_lock_release(_LOCK_T lock)
{
    release(lock);
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
    release(lock);
}
