/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The points where library calls attend to signals and cancellation: on entry, and when a wait has
 * ended by -EINTR and the call has let go of everything that it held, so that a handler may leave by
 * siglongjmp() and a cancelled thread may end.
 *
 *     do {
 *         libc_point();
 *         r = call(...);
 *     } while (r < 0 && libc_again(r));
 */
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include <pith/attention.h>

enum attended {
    ATTENDED_NONE,      /* no handler has run */
    ATTENDED_RESTART,   /* all that have run had SA_RESTART */
    ATTENDED_INTERRUPT,
};

/* NULL where the image has no signals, no cancellation. They may never return. Context: thread. */
extern enum attended (*point_signals)(void);
extern void (*point_cancel)(void);
extern void (*point_cancel_again)(void); /* what kept a cancellation off may be over */
extern void (*point_set_mask)(sigset_t mask); /* for one call */
extern void (*point_end_mask)(void);
extern void (*point_leave)(void); /* the thread ends */

/* Run what is due; what handlers have run. Context: thread, no lock held. */
enum attended point_attend(void);

static inline void libc_point(void)
{
    if (__builtin_expect(attention_now() != 0, 0)) {
        point_attend();
    }
}

/*
 * Attend to what made a call fail with r: a signal, a broken pipe, nothing of ours. Whether the call
 * is to be made again: SA_RESTART, or nobody has been interrupted.
 */
bool libc_again(ssize_t r);

/* The same for the calls that no handler lets go on: those with a time limit. */
static inline bool libc_again_unless_handled(ssize_t r)
{
    return __builtin_expect(r == -EINTR, 0) && point_attend() == ATTENDED_NONE;
}

/* Make a call, and make it again as SA_RESTART wants it. */
#define LIBC_RESTARTING(r, call) \
    do {                         \
        libc_point();            \
        (r) = (call);            \
    } while (__builtin_expect((r) < 0, 0) && libc_again(r))
