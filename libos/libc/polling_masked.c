/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for descriptors under a mask of signals: what ppoll(), pselect() and epoll_pwait() are
 * for. A signal that the mask lets through, and that no descriptor was ready before, ends the call;
 * its handler runs under that mask.
 */
#include "point.h"
#include "polling.h"
#include "thread_data.h"

static void set_mask(sigset_t mask)
{
    if (point_set_mask != NULL) {
        point_set_mask(mask);
    } else {
        thread_data()->mask = mask; /* there are no signals: it is just kept */
    }
}

int polling_masked(int (*once)(void *arg), void *arg, const sigset_t *mask)
{
    sigset_t before = thread_data()->mask;
    int r;
    libc_point();
    if (mask != NULL) {
        set_mask(*mask);
    }
    do {
        r = once(arg);
        if (r == 0 && (attention_now() & ATTENTION_SIGNAL) != 0) {
            r = -EINTR; /* the time was over before it could wait */
        }
    } while (libc_again_unless_handled(r));
    if (mask != NULL) {
        set_mask(before);
        libc_point();
    }
    return r;
}
