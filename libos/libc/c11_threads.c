/* SPDX-License-Identifier: BSD-2-Clause */
/* C11 threads: the POSIX calls with the results that C11 asks for. */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

static int result_of(int error)
{
    switch (error) {
    case 0:
        return thrd_success;
    case EBUSY:
        return thrd_busy;
    case ENOMEM:
    case EAGAIN:
        return thrd_nomem;
    case ETIMEDOUT:
        return thrd_timedout;
    default:
        return thrd_error;
    }
}

struct start {
    thrd_start_t fn;
    void *arg;
};

static void *run(void *arg)
{
    struct start start = *(struct start *)arg;
    free(arg);
    return (void *)(intptr_t)start.fn(start.arg);
}

int thrd_create(thrd_t *thread, thrd_start_t fn, void *arg)
{
    struct start *start = malloc(sizeof(*start));
    if (start == NULL) {
        return thrd_nomem;
    }
    *start = (struct start){ fn, arg };
    int r = pthread_create(thread, NULL, run, start);
    if (r != 0) {
        free(start);
    }
    return result_of(r);
}

thrd_t thrd_current(void)
{
    return pthread_self();
}

int thrd_detach(thrd_t thread)
{
    return result_of(pthread_detach(thread));
}

int thrd_equal(thrd_t a, thrd_t b)
{
    return a == b;
}

_Noreturn void thrd_exit(int result)
{
    pthread_exit((void *)(intptr_t)result);
}

int thrd_join(thrd_t thread, int *result)
{
    void *value;
    int r = pthread_join(thread, &value);
    if (r == 0 && result != NULL) {
        *result = (int)(intptr_t)value;
    }
    return result_of(r);
}

int thrd_sleep(const struct timespec *duration, struct timespec *remaining)
{
    return nanosleep(duration, remaining) == 0 ? 0 : -2; /* -1 would mean "by a signal" */
}

void thrd_yield(void)
{
    sched_yield();
}

int mtx_init(mtx_t *mutex, int type)
{
    pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
    if (type & ~(mtx_recursive | mtx_timed)) {
        return thrd_error;
    }
    fresh.__type = type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL;
    *mutex = fresh;
    return thrd_success;
}

void mtx_destroy(mtx_t *mutex)
{
    pthread_mutex_destroy(mutex);
}

int mtx_lock(mtx_t *mutex)
{
    return result_of(pthread_mutex_lock(mutex));
}

int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict abstime)
{
    return result_of(pthread_mutex_timedlock(mutex, abstime));
}

int mtx_trylock(mtx_t *mutex)
{
    return result_of(pthread_mutex_trylock(mutex));
}

int mtx_unlock(mtx_t *mutex)
{
    return result_of(pthread_mutex_unlock(mutex));
}

int cnd_init(cnd_t *cond)
{
    return result_of(pthread_cond_init(cond, NULL));
}

void cnd_destroy(cnd_t *cond)
{
    pthread_cond_destroy(cond);
}

int cnd_wait(cnd_t *cond, mtx_t *mutex)
{
    return result_of(pthread_cond_wait(cond, mutex));
}

int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex,
                  const struct timespec *restrict abstime)
{
    return result_of(pthread_cond_timedwait(cond, mutex, abstime));
}

int cnd_signal(cnd_t *cond)
{
    return result_of(pthread_cond_signal(cond));
}

int cnd_broadcast(cnd_t *cond)
{
    return result_of(pthread_cond_broadcast(cond));
}

void call_once(once_flag *once, void (*routine)(void))
{
    pthread_once(once, routine);
}

int tss_create(tss_t *key, tss_dtor_t destructor)
{
    return result_of(pthread_key_create(key, destructor));
}

void tss_delete(tss_t key)
{
    pthread_key_delete(key);
}

void *tss_get(tss_t key)
{
    return pthread_getspecific(key);
}

int tss_set(tss_t key, void *value)
{
    return result_of(pthread_setspecific(key, value));
}
