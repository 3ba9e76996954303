/* SPDX-License-Identifier: BSD-2-Clause */
/* What poll(), select() and epoll_wait() share: their times, and the wait for descriptors. */
#pragma once

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

#include <pith/file.h>
#include <pith/platform.h>

#include "deadline.h"
#include "point.h"

/*
 * poll() with a monotonic deadline: 0 only looks, NO_DEADLINE waits without limit. `always` are
 * events that count unasked. Returns how many descriptors have events. Errors: -EINTR, -ENOMEM.
 */
int poll_descriptors(struct pollfd *fds, unsigned n, int always, uint64_t deadline);

/* Make a call that waits for descriptors; again only when it was interrupted by nothing of ours. */
static inline int polling_plain(int (*once)(void *arg), void *arg)
{
    int r;
    do {
        r = once(arg);
        if (r == 0 && (attention_now() & ATTENTION_SIGNAL) != 0) {
            r = -EINTR; /* the time was over before it could wait */
        }
    } while (libc_again_unless_handled(r));
    return r;
}

/* The same at a point, and under a mask where there is one. polling_masked.c */
int polling_masked(int (*once)(void *arg), void *arg, const sigset_t *mask);

/* The deadline of a span that begins now; a span of 0 gives 0. */
static inline uint64_t polling_deadline(uint64_t span)
{
    uint64_t at = 0;
    if (span != 0 && __builtin_add_overflow(platform_clock_ns(), span, &at)) {
        at = NO_DEADLINE;
    }
    return at;
}

/* Of a time in ms; negative: no limit. */
static inline uint64_t polling_deadline_ms(int ms)
{
    return ms < 0 ? NO_DEADLINE : polling_deadline((uint64_t)ms * 1000000);
}

/* Of a timespec; NULL: no limit. Errors: -EINVAL. */
static inline int polling_deadline_ts(const struct timespec *span, uint64_t *out)
{
    uint64_t ns;
    if (span == NULL) {
        *out = NO_DEADLINE;
        return 0;
    }
    int r = span_ns(span, &ns);
    *out = r == 0 ? polling_deadline(ns) : 0;
    return r;
}
