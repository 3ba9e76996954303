/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cancellation, deferred: a thread that somebody cancels ends at its next cancellation point, which
 * is every call that can block for long (point.h). Asynchronous cancellation is refused: it can't be
 * told what the interrupted code holds.
 */
#include <errno.h>
#include <stddef.h>

#include "point.h"
#include "pthread_impl.h"
#include "thread_data.h"

static struct thread_data *data_of(pthread_t t)
{
    return thread_libc((struct thread *)(uintptr_t)t);
}

/* Whether the calling thread is cancelled at its next point. */
static bool may_end(const struct thread_data *data)
{
    return !data->cancel_off && !data->leaving && data->library_locks == 0 &&
           __atomic_load_n(&data->cancel_wanted, __ATOMIC_ACQUIRE);
}

/* At a point, with nothing held. Returns when the thread may not be cancelled now. */
static void end(void)
{
    bool may = may_end(thread_data());
    attention_drop(thread_current(), ATTENTION_CANCEL);
    if (may) {
        pthread_exit(PTHREAD_CANCELED);
    }
}

static void again(void)
{
    if (may_end(thread_data())) {
        attention_raise(thread_current(), ATTENTION_CANCEL);
    }
}

int pthread_cancel(pthread_t t)
{
    struct thread_data *data = data_of(t);
    __atomic_store_n(&point_cancel_again, again, __ATOMIC_RELEASE);
    __atomic_store_n(&point_cancel, end, __ATOMIC_RELEASE);
    __atomic_store_n(&data->cancel_wanted, true, __ATOMIC_RELEASE);
    if (!data->cancel_off && !data->leaving) {
        attention_raise((struct thread *)(uintptr_t)t, ATTENTION_CANCEL);
    }
    return 0;
}

int pthread_setcancelstate(int state, int *old)
{
    struct thread_data *data = thread_data();
    if (state != PTHREAD_CANCEL_ENABLE && state != PTHREAD_CANCEL_DISABLE) {
        return EINVAL;
    }
    if (old != NULL) {
        *old = data->cancel_off ? PTHREAD_CANCEL_DISABLE : PTHREAD_CANCEL_ENABLE;
    }
    data->cancel_off = state == PTHREAD_CANCEL_DISABLE;
    if (data->cancel_off) {
        attention_drop(thread_current(), ATTENTION_CANCEL);
    } else {
        again();
    }
    return 0;
}

int pthread_setcanceltype(int type, int *old)
{
    if (type == PTHREAD_CANCEL_ASYNCHRONOUS) {
        return ENOTSUP;
    }
    if (type != PTHREAD_CANCEL_DEFERRED) {
        return EINVAL;
    }
    if (old != NULL) {
        *old = PTHREAD_CANCEL_DEFERRED;
    }
    return 0;
}

void pthread_testcancel(void)
{
    libc_point();
}
