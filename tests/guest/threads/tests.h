/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of this test share; check.h is included by main.c alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct test {
    const char *name;
    void (*fn)(void);
};

extern const struct test lifecycle_tests[];
extern const struct test preemption_tests[];
extern const struct test memory_tests[];

void test_failed(const char *file, int line, const char *what);

#define EXPECT(x)                                     \
    do {                                              \
        if (!(x)) {                                   \
            test_failed(__FILE_NAME__, __LINE__, #x); \
        }                                             \
    } while (0)

#define MS 1000000ull
