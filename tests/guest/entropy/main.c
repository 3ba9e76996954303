/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entropy devices: bytes arrive, differ, and come to readers at the same time.
 */
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include <pith/platform.h>
#include <pith/rngdev.h>

#include "check.h"

static struct rngdev *first;

static void found(void)
{
    CHECK_EQ(platform_probe_entropy(), 1);
    first = rngdev_at(0);
    CHECK(first != NULL);
    CHECK(rngdev_at(1) == NULL);
}

/* No two reads agree, and all byte values come: a buffer of zeros or an old one would not do. */
static void bytes(void)
{
    unsigned seen[256] = { 0 };
    unsigned char now[64], before[64] = { 0 };
    unsigned total = 0;
    while (total < 20000) {
        int n = first->read(first, now, sizeof now);
        if (!CHECK(n > 0 && n <= (int)sizeof now)) {
            return;
        }
        CHECK(n < 16 || memcmp(now, before, 16) != 0);
        for (int i = 0; i < n; i++) {
            seen[now[i]]++;
        }
        memcpy(before, now, sizeof now);
        total += (unsigned)n;
    }
    for (unsigned i = 0; i < 256; i++) {
        CHECK(seen[i] > 20 && seen[i] < 200); /* 78 expected; chance leaves this in no lifetime */
    }
}

static void *reader(void *arg)
{
    unsigned char buf[100];
    for (unsigned i = 0; i < 200; i++) {
        if (first->read(first, buf, sizeof buf) <= 0) {
            return arg;
        }
    }
    return NULL;
}

static void readers(void)
{
    pthread_t t[4];
    void *result;
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, reader, &t[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(t[i], &result);
        CHECK(result == NULL);
    }
}

int main(void)
{
    check_run("found", found);
    if (first != NULL) {
        check_run("bytes", bytes);
        check_run("readers", readers);
    }
    return check_done();
}
