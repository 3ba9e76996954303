/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP has to know of the compiler and of us; its lwip/arch.h includes this. */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <arch/checksum.h>

/* Of the C library lwIP needs memory and string functions only. */
#define LWIP_NO_CTYPE_H  1
#define LWIP_NO_UNISTD_H 1
#ifndef SSIZE_MAX
#define SSIZE_MAX LONG_MAX /* else lwIP declares ssize_t itself */
#endif

/* Errors beyond the wall are err_t only; errno belongs to libos/libc. */
#define LWIP_ERRNO_STDINCLUDE 1

/* Ports, transaction ids, addresses: nothing that a peer may guess. Context: net_lock held. */
uint32_t net_rand32(void);
#define LWIP_RAND() net_rand32()

#define LWIP_CHKSUM checksum_sum

/*
 * LWIP_ASSERT is for lwIP's own invariants and our use of its API. A packet must never make one
 * fail, and the tests with mutated packets are there to find one that does. If one fails
 * nevertheless, memory may be about to be corrupted, so the machine stops with a report.
 */
_Noreturn void net_assert_failed(int line);
#define LWIP_PLATFORM_ASSERT(x) net_assert_failed(__LINE__) /* the words would be 6 KiB of the image */

/* Checks of arguments: the call returns its error, and that's all. */
#define LWIP_ERROR(message, expression, handler) \
    do {                                         \
        if (!(expression)) {                     \
            handler;                             \
        }                                        \
    } while (0)

/* lwIP's messages are for its own debugging. */
#define LWIP_PLATFORM_DIAG(x) \
    do {                      \
    } while (0)
