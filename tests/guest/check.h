/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every guest test is written with: named checks, each of which ends in one result line.
 *
 *     static void adds(void)
 *     {
 *         CHECK(1 + 1 == 2);
 *     }
 *
 *     int main(void)
 *     {
 *         check_run("adds", adds);
 *         return check_done();
 *     }
 *
 * prints `ok adds` and at the end `checks: 1 ok, 0 failed, 0 skipped`, which `pith test` compares
 * with what it has seen: a guest that dies before that line has failed. Include it in one .c file
 * only.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

struct check_state {
    unsigned ok, failed, skipped;
    unsigned errors;    /* of the check that is running; any thread adds to it */
    char why[200];      /* the first of them, or the reason for skipping */
    bool skip;
};

static struct check_state check_state;

/* Not called by tests: what CHECK does when its expression is false. */
__attribute__((format(printf, 3, 4), unused))
static void check_failed(const char *file, int line, const char *fmt, ...)
{
    if (__atomic_fetch_add(&check_state.errors, 1, __ATOMIC_SEQ_CST) > 0) {
        return;
    }
    int n = snprintf(check_state.why, sizeof(check_state.why), "%s:%d: ", file, line);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(check_state.why + n, sizeof(check_state.why) - (size_t)n, fmt, ap);
    va_end(ap);
}

/*
 * The check goes on after a failure; true when x holds, so that `if (!CHECK(p)) { return; }` works.
 */
#define CHECK(x) check_true(__FILE_NAME__, __LINE__, #x, (x))

/* Two integers that have to be equal; prints both. Each is evaluated once. */
#define CHECK_EQ(a, b) check_equal(__FILE_NAME__, __LINE__, #a " == " #b, (long long)(a), (long long)(b))

/* Fail with words of one's own. */
#define CHECK_FAIL(...) check_failed(__FILE_NAME__, __LINE__, __VA_ARGS__)

__attribute__((unused))
static bool check_true(const char *file, int line, const char *text, bool holds)
{
    if (!holds) {
        check_failed(file, line, "%s", text);
    }
    return holds;
}

__attribute__((unused))
static bool check_equal(const char *file, int line, const char *text, long long a, long long b)
{
    if (a != b) {
        check_failed(file, line, "%s: %lld and %lld", text, a, b);
    }
    return a == b;
}

/*
 * Say in a check that it can't be done here; it counts as skipped unless something failed before.
 */
__attribute__((unused))
static void check_skip(const char *why)
{
    check_state.skip = true;
    if (check_state.errors == 0) {
        snprintf(check_state.why, sizeof(check_state.why), "%s", why);
    }
}

/* Run one check; `name` has no blanks. */
__attribute__((unused))
static void check_run(const char *name, void (*fn)(void))
{
    check_state.errors = 0;
    check_state.skip = false;
    check_state.why[0] = '\0';
    fn();
    if (check_state.errors > 0) {
        check_state.failed++;
        printf("FAIL %s: %s", name, check_state.why);
        if (check_state.errors > 1) {
            printf(" (and %u more)", check_state.errors - 1);
        }
        printf("\n");
    } else if (check_state.skip) {
        check_state.skipped++;
        printf("skip %s: %s\n", name, check_state.why);
    } else {
        check_state.ok++;
        printf("ok %s\n", name);
    }
    fflush(stdout);
}

/* The summary; main returns its result. Having checked nothing is a failure. */
__attribute__((unused))
static int check_done(void)
{
    printf("checks: %u ok, %u failed, %u skipped\n", check_state.ok, check_state.failed,
           check_state.skipped);
    fflush(stdout);
    return check_state.failed > 0 || check_state.ok + check_state.skipped == 0;
}
