/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads on the real machine: life cycle, TLS, preemption, sleeping, timers, stacks, pages. */
#include "tests.h"

#include "check.h"

void test_failed(const char *file, int line, const char *what)
{
    check_failed(file, line, "%s", what);
}

int main(void)
{
    for (const struct test *t = lifecycle_tests; t->name != NULL; t++) {
        check_run(t->name, t->fn);
    }
    for (const struct test *t = preemption_tests; t->name != NULL; t++) {
        check_run(t->name, t->fn);
    }
    for (const struct test *t = memory_tests; t->name != NULL; t++) {
        check_run(t->name, t->fn);
    }
    return check_done();
}
