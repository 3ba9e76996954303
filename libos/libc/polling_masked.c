/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for descriptors under a mask of signals: what ppoll(), pselect() and epoll_pwait() are
 * for. A signal that the mask lets through, and that no descriptor was ready before, ends the call;
 * its handler runs under that mask.
 */
#include "point.h"
#include "polling.h"

int polling_masked(int (*once)(void *arg), void *arg, const sigset_t *mask)
{
    bool masked = mask != NULL && point_set_mask != NULL; /* else there are no signals */
    int r;
    libc_point();
    if (masked) {
        point_set_mask(*mask);
    }
    r = polling_plain(once, arg);
    if (masked) {
        point_end_mask();
    }
    return r;
}
