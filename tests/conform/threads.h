/* SPDX-License-Identifier: BSD-2-Clause */
/* For conformance programs about threads: calls that answer an error number, and short threads. */
#pragma once

#include <pthread.h>

#include "conform.h"

#define ERR(expr) printf("%d: %s: %s\n", __LINE__, #expr, error_name(expr))

MAYBE void *run_in_thread(void *(*f)(void *), void *arg)
{
    pthread_t t;
    void *result = NULL;
    MUST(-pthread_create(&t, NULL, f, arg));
    MUST(-pthread_join(t, &result));
    return result;
}
