/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of pure code on the host: EXPECT() says which expression failed and where; the
 * program's exit status is unit_done()'s. A test names the sources it is linked with in its first
 * comment: "sources: PATH...".
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned unit_passed;
static unsigned unit_failed;

static inline void unit_expect(int ok, const char *expression, const char *file, int line)
{
    if (ok) {
        unit_passed++;
        return;
    }
    unit_failed++;
    printf("%s:%d: expected: %s\n", file, line, expression);
}

#define EXPECT(x) unit_expect((x) != 0, #x, __FILE__, __LINE__)

/* Compare strings and show both when they differ. */
static inline void unit_expect_str(const char *got, const char *want, const char *file, int line)
{
    if (got != NULL && want != NULL ? strcmp(got, want) == 0 : got == want) {
        unit_passed++;
        return;
    }
    unit_failed++;
    printf("%s:%d: got \"%s\", expected \"%s\"\n", file, line, got ? got : "(null)",
           want ? want : "(null)");
}

#define EXPECT_STR(got, want) unit_expect_str(got, want, __FILE__, __LINE__)

/* A small deterministic generator (xorshift64): failures repeat. */
static inline uint64_t unit_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Print the sum; the value for main() to return. */
static inline int unit_done(void)
{
    printf("%u passed, %u failed\n", unit_passed, unit_failed);
    return unit_failed != 0 || unit_passed == 0;
}
