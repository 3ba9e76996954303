/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A life in a Xen domain: what a guest has that must go on when it is saved and restored. Everything
 * that is found wrong is a line "bad: ..." and fails the test.
 *
 *   xenlife [TICKS]      ends by itself after so many ticks; 0: never
 *
 * It prints "tick N generation G ..." ten times a second and echoes lines of the console as "echo:
 * LINE". SIGTERM ends it, with "term" and the checks.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pith/page.h>
#include <xenplat/grant.h>
#include <xenplat/services.h>
#include <xenplat/suspend.h>
#include <xenplat/xenstore.h>

#include "check.h"

#define MS             1000000ull
#define TICK           (100 * MS)
#define REAL_MIN       1600000000u /* 2020: a clock that was never set shows less */
#define DOM0           0u

static volatile sig_atomic_t term;
static bool over; /* atomic */
static uint64_t naps, stores, fired, pokes; /* atomic */
static unsigned long ticks, limit;

static uint64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

static void on_term(int sig)
{
    (void)sig;
    term = 1;
}

static void bad(const char *what, long a, long b)
{
    printf("bad: %s (%ld, %ld)\n", what, a, b);
    CHECK(!"nothing bad");
}

/* A thread that mostly sleeps: it wakes by its timer, never early. */
static void *nap(void *arg)
{
    const struct timespec time = {.tv_nsec = 30 * MS};

    while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
        uint64_t from = now(CLOCK_MONOTONIC);
        nanosleep(&time, NULL);
        uint64_t slept = now(CLOCK_MONOTONIC) - from;
        if ((slept < 30 * MS && !term) || slept > 60000 * MS) {
            bad("a nap of ns", (long)slept, 30 * MS);
        }
        __atomic_add_fetch(&naps, 1, __ATOMIC_RELAXED);
    }
    return arg;
}

static void on_change(struct xenstore_watch *watch)
{
    __atomic_add_fetch((uint64_t *)watch->arg, 1, __ATOMIC_RELAXED);
}

static int add_one(uint32_t tx, void *arg)
{
    uint64_t value, *expected = arg;
    int error = xenstore_read_u64(tx, "data/life", "n", &value);

    if (error == 0 && value != *expected) {
        bad("xenstore has another number", (long)value, (long)*expected);
    }
    return error != 0 ? error : xenstore_write_u64(tx, "data/life", "n", *expected + 1);
}

/*
 * Count in xenstore by transactions: none may be lost, none done twice. After a restore or a
 * migration the toolstack's tree does not have what the guest had written (a new domain's): that is
 * made anew.
 */
static void *count(void *arg)
{
    uint64_t n = 0;
    uint32_t generation = xen_generation();

    while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
        int error = n == 0 ? xenstore_write_u64(XENSTORE_NO_TX, "data/life", "n", 0)
                           : xenstore_transaction(add_one, &n);
        n += error == 0 && n != 0;
        n += error == 0 && n == 0 && xenstore_write_u64(XENSTORE_NO_TX, "data/life", "n", 1) == 0;
        if (error != 0 && generation != xen_generation()) {
            generation = xen_generation();
            n = 0;
        } else if (error != 0) {
            bad("xenstore", error, (long)n);
        }
        __atomic_add_fetch(&stores, 1, __ATOMIC_RELAXED);
        usleep(20000);
    }
    return arg;
}

/* Not by stdin: its lock would be held when the program ends. */
static void *echo(void *arg)
{
    static char line[256];
    size_t len = 0;
    ssize_t n;

    while ((n = read(STDIN_FILENO, line + len, sizeof(line) - len)) > 0) {
        len += (size_t)n;
        for (char *end; (end = memchr(line, '\n', len)) != NULL || len == sizeof(line);) {
            size_t taken = end != NULL ? (size_t)(end - line) + 1 : len;
            printf("echo: %.*s", (int)taken, line);
            len -= taken;
            memmove(line, line + taken, len);
        }
        fflush(stdout);
    }
    return arg;
}

/* One page stays granted to dom0; in a new domain it is granted again. */
static void keep_granted(void)
{
    static uint32_t ref, generation;
    static void *page;
    int error = 0;

    if (page == NULL) {
        page = page_alloc(0);
        error = grant_alloc(&ref, 1);
        generation = xen_generation() - 1;
    }
    if (error == 0 && generation != xen_generation()) {
        generation = xen_generation();
        error = grant_revoke(ref);
        error = grant_access(ref, DOM0, page, false);
    }
    if (error != 0) {
        bad("grant", error, (long)ref);
    }
    if (grant_revoke(ref) != 0 || grant_access(ref, DOM0, page, false) != 0) {
        bad("granting again", (long)ref, 0);
    }
}

static void tick(void)
{
    static uint64_t last_ns;
    static uint32_t generation;
    struct grant_stats grants = {0};
    struct timespec time = {.tv_nsec = TICK};

    nanosleep(&time, NULL);
    uint64_t mono = now(CLOCK_MONOTONIC), real = now(CLOCK_REALTIME);
    if (mono < last_ns + (term ? 0 : TICK)) { /* a signal ends a nap */
        bad("the clock went back", (long)mono, (long)last_ns);
    }
    last_ns = mono;
    if (real / (1000 * MS) < REAL_MIN) {
        bad("wall clock", (long)real, 0);
    }
    if (generation != xen_generation()) {
        generation = xen_generation();
        printf("moved %u\n", generation);
    }
    if (xen_given_store.frame != 0) {
        keep_granted();
        grant_stats(&grants);
    }
    printf("tick %lu generation %u mono %lu real %lu naps %lu stores %lu events %lu pokes %lu grants %u\n",
           ++ticks, generation, mono / MS, real / MS, naps, stores, fired, pokes, grants.used);
    fflush(stdout);
}

static void live(void)
{
    static struct xenstore_watch watch = {.path = "data/life", .fn = on_change, .arg = &fired};
    static struct xenstore_watch poke = {.path = "data/poke", .fn = on_change, .arg = &pokes};
    pthread_t napping, counting, echoing;
    bool store = xen_given_store.frame != 0;

    CHECK(pthread_create(&napping, NULL, nap, NULL) == 0);
    CHECK(pthread_create(&echoing, NULL, echo, NULL) == 0);
    if (store) {
        CHECK(xenstore_watch(&watch) == 0);
        CHECK(xenstore_watch(&poke) == 0);
        CHECK(pthread_create(&counting, NULL, count, NULL) == 0);
    }
    while (!term && (limit == 0 || ticks < limit)) {
        tick();
    }
    if (term) {
        puts("term");
    }
    __atomic_store_n(&over, true, __ATOMIC_RELEASE);
    pthread_join(napping, NULL);
    if (store) {
        pthread_join(counting, NULL);
    }
    CHECK(naps != 0);
    CHECK(!store || (stores != 0 && fired != 0));
}

int main(int argc, char **argv)
{
    signal(SIGTERM, on_term);
    limit = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    check_run("live", live);
    return check_done();
}
