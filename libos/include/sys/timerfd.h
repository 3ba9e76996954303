/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers that are files, timerfd_create(2) of Linux. */
#pragma once

#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TFD_NONBLOCK 0x4000  /* newlib's O_NONBLOCK */
#define TFD_CLOEXEC  0x40000 /* newlib's O_CLOEXEC */

#define TFD_TIMER_ABSTIME       0x1
#define TFD_TIMER_CANCEL_ON_SET 0x2 /* accepted; a read is never cancelled */

int timerfd_create(clockid_t clock, int flags);
int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old);
int timerfd_gettime(int fd, struct itimerspec *value);

#ifdef __cplusplus
}
#endif
