/* SPDX-License-Identifier: BSD-2-Clause */
/* Event counters, eventfd(2) of Linux. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EFD_SEMAPHORE 0x1
#define EFD_NONBLOCK  0x4000  /* newlib's O_NONBLOCK */
#define EFD_CLOEXEC   0x40000 /* newlib's O_CLOEXEC */

typedef uint64_t eventfd_t;

int eventfd(unsigned int count, int flags);
int eventfd_read(int fd, eventfd_t *value);
int eventfd_write(int fd, eventfd_t value);

#ifdef __cplusplus
}
#endif
