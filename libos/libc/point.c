/* SPDX-License-Identifier: BSD-2-Clause */
/* Where calls attend to signals and cancellation: by way of pointers, since few programs have them. */
#include "point.h"

#include <stddef.h>

enum attended (*point_signals)(void);
void (*point_cancel)(void);
void (*point_cancel_again)(void);
void (*point_set_mask)(sigset_t mask);
void (*point_end_mask)(void);
void (*point_leave)(void);

enum attended point_attend(void)
{
    enum attended done = ATTENDED_NONE;
    unsigned due = attention_now();
    if ((due & ATTENTION_SIGNAL) != 0 && point_signals != NULL) {
        done = point_signals();
    }
    if ((due & ATTENTION_CANCEL) != 0 && point_cancel != NULL) {
        point_cancel();
    }
    return done;
}

bool libc_again(ssize_t r)
{
    if (r == -EPIPE) {
        libc_point(); /* SIGPIPE */
    }
    return r == -EINTR && point_attend() != ATTENDED_INTERRUPT;
}
