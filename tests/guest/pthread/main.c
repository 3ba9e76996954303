/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX threads: start and end, attributes, keys, and that nothing is left of ten thousand of
 * them.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "pthread_help.h"

static __thread int tls_value = 42;

static void *returns_arg(void *arg)
{
    /* TLS begins with its initial values in each thread, and errno is one of them. */
    int fresh = tls_value == 42 && errno == 0;
    tls_value = 1;
    errno = EIO;
    return fresh ? arg : NULL;
}

static void *exits_deep(void *arg)
{
    char buf[100];
    snprintf(buf, sizeof(buf), "%.3f", 1.0 / 3);
    pthread_exit(arg);
}

static void create_join(void)
{
    pthread_t t;
    void *result = NULL;
    errno = 0;
    tls_value = 7;
    CHECK_EQ(pthread_create(&t, NULL, returns_arg, (void *)5), 0);
    CHECK_EQ(pthread_join(t, &result), 0);
    CHECK_EQ((intptr_t)result, 5);
    CHECK_EQ(tls_value, 7);
    CHECK_EQ(errno, 0);
    CHECK_EQ(pthread_create(&t, NULL, exits_deep, (void *)6), 0);
    CHECK_EQ(pthread_join(t, &result), 0);
    CHECK_EQ((intptr_t)result, 6);
    CHECK(pthread_equal(pthread_self(), pthread_self()));
    CHECK_EQ(pthread_join(pthread_self(), NULL), EDEADLK);
}

static void *sleeps(void *arg)
{
    sleep_ms((long)arg);
    return NULL;
}

static void timed_join(void)
{
    pthread_t t;
    struct timespec soon = in_ms(CLOCK_REALTIME, 20);
    CHECK_EQ(pthread_create(&t, NULL, sleeps, (void *)100l), 0);
    CHECK_EQ(pthread_tryjoin_np(t, NULL), EBUSY);
    CHECK_EQ(pthread_timedjoin_np(t, NULL, &soon), ETIMEDOUT);
    CHECK_EQ(pthread_join(t, NULL), 0);
}

static void *uses_stack(void *arg)
{
    volatile char big[300 * 1024];
    for (size_t i = 0; i < sizeof(big); i += 512) {
        big[i] = 1;
    }
    pthread_attr_t own;
    void *low;
    size_t size;
    pthread_getattr_np(pthread_self(), &own);
    pthread_attr_getstack(&own, &low, &size);
    (void)arg;
    return (void *)(intptr_t)((uintptr_t)&big >= (uintptr_t)low &&
                              (uintptr_t)&big < (uintptr_t)low + size && size >= 400 * 1024);
}

static void attributes(void)
{
    pthread_attr_t a;
    pthread_t t;
    void *result = NULL;
    size_t size;
    CHECK_EQ(pthread_attr_init(&a), 0);
    CHECK_EQ(pthread_attr_getstacksize(&a, &size), 0);
    CHECK(size >= 65536);
    CHECK_EQ(pthread_attr_setstacksize(&a, 100), EINVAL);
    CHECK_EQ(pthread_attr_setstacksize(&a, 400 * 1024), 0);
    CHECK_EQ(pthread_attr_setschedpolicy(&a, SCHED_FIFO), ENOTSUP);
    CHECK_EQ(pthread_create(&t, &a, uses_stack, NULL), 0);
    CHECK_EQ(pthread_join(t, &result), 0);
    CHECK(result != NULL);
    /* A stack of the caller's own. */
    void *own = aligned_alloc(4096, 64 * 1024);
    CHECK_EQ(pthread_attr_setstack(&a, own, 64 * 1024), 0);
    CHECK_EQ(pthread_create(&t, &a, exits_deep, (void *)9), 0);
    CHECK_EQ(pthread_join(t, &result), 0);
    CHECK_EQ((intptr_t)result, 9);
    free(own);
    CHECK_EQ(pthread_attr_destroy(&a), 0);
    CHECK_EQ(pthread_setname_np(pthread_self(), "a name that is too long"), ERANGE);
    CHECK_EQ(pthread_setname_np(pthread_self(), "tester"), 0);
    char name[16];
    CHECK_EQ(pthread_getname_np(pthread_self(), name, sizeof(name)), 0);
    CHECK(strcmp(name, "tester") == 0);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int once_runs;

static void slow_init(void)
{
    sleep_ms(10);
    once_runs++;
}

static void *initialises(void *arg)
{
    (void)arg;
    pthread_once(&once, slow_init);
    return (void *)(intptr_t)once_runs; /* it is complete for whoever returns */
}

static void once_only(void)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(pthread_create(&t[i], NULL, initialises, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *result = NULL;
        pthread_join(t[i], &result);
        CHECK_EQ((intptr_t)result, 1);
    }
}

static pthread_key_t key, other;
static int destroyed;

static void destroys(void *value)
{
    destroyed += (int)(intptr_t)value;
    if ((intptr_t)value > 1) {
        pthread_setspecific(key, (void *)1); /* a second round has to find this */
    }
}

static void *sets_keys(void *arg)
{
    void *before = pthread_getspecific(key);
    pthread_setspecific(key, (void *)10);
    pthread_setspecific(other, (void *)20);
    (void)arg;
    return (void *)(intptr_t)(before == NULL && pthread_getspecific(key) == (void *)10);
}

static void keys(void)
{
    CHECK_EQ(pthread_key_create(&key, destroys), 0);
    CHECK_EQ(pthread_key_create(&other, NULL), 0);
    CHECK_EQ(pthread_setspecific(key, (void *)3), 0);
    CHECK_EQ(in_thread(sets_keys, NULL), 1);
    CHECK_EQ(destroyed, 11);
    CHECK_EQ((intptr_t)pthread_getspecific(key), 3);
    CHECK_EQ(pthread_key_delete(key), 0);
    CHECK_EQ(pthread_key_delete(key), EINVAL);
    CHECK_EQ(pthread_setspecific(key, (void *)3), EINVAL);
    pthread_key_t again;
    CHECK_EQ(pthread_key_create(&again, NULL), 0);
    CHECK_EQ(again, key);
    CHECK(pthread_getspecific(again) == NULL); /* not the deleted key's value */
    int n = 0;
    pthread_key_t many[PTHREAD_KEYS_MAX];
    while (n < PTHREAD_KEYS_MAX && pthread_key_create(&many[n], NULL) == 0) {
        n++;
    }
    CHECK_EQ(n, PTHREAD_KEYS_MAX - 2);
    while (n > 0) {
        pthread_key_delete(many[--n]);
    }
}

static int cleaned;

static void cleans(void *arg)
{
    cleaned = cleaned * 10 + (int)(intptr_t)arg;
}

static void *has_handlers(void *arg)
{
    pthread_cleanup_push(cleans, (void *)1);
    pthread_cleanup_push(cleans, (void *)2);
    pthread_cleanup_push(cleans, (void *)3);
    pthread_cleanup_pop(1);
    pthread_exit(arg);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void cleanup(void)
{
    in_thread(has_handlers, NULL);
    CHECK_EQ(cleaned, 321);
}

/* ---- ten thousand threads ---- */

static void *does_little(void *arg)
{
    char buf[40];
    /* newlib allocates for this. */
    snprintf(buf, sizeof(buf), "%.17g", 0.1 + (double)(intptr_t)arg);
    pthread_setspecific(key, buf);
    return arg;
}

static void leaks(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        pthread_t t;
        if (!CHECK(pthread_create(&t, NULL, does_little, (void *)(intptr_t)i) == 0)) {
            return;
        }
        if (i % 2 == 0) {
            pthread_join(t, NULL);
        } else {
            pthread_detach(t);
            sched_yield();
        }
    }
    sleep_ms(20); /* the last detached one */
}

static void ten_thousand(void)
{
    pthread_key_create(&key, NULL);
    leaks(200);
    long before = sysconf(_SC_AVPHYS_PAGES);
    leaks(10000);
    long lost = before - sysconf(_SC_AVPHYS_PAGES);
    if (lost > 4) {
        CHECK_FAIL("%ld pages are gone after 10,000 threads", lost);
    }
}

static void *spins_forever(void *arg)
{
    volatile int *stop = arg;
    while (!*stop) {
    }
    return NULL;
}

/* A thread that never gives the CPU up does not stop another. */
static void preemption(void)
{
    static volatile int stop;
    pthread_t t;
    CHECK_EQ(pthread_create(&t, NULL, spins_forever, (void *)(uintptr_t)&stop), 0);
    long start = ms_now();
    sleep_ms(30);
    CHECK(ms_now() - start < 1000);
    stop = 1;
    CHECK_EQ(pthread_join(t, NULL), 0);
}

/* ---- C11 ---- */

static mtx_t c11_lock;
static cnd_t c11_cond;
static int c11_ready;

static int c11_thread(void *arg)
{
    mtx_lock(&c11_lock);
    while (!c11_ready) {
        cnd_wait(&c11_cond, &c11_lock);
    }
    mtx_unlock(&c11_lock);
    thrd_exit(*(int *)arg + 1);
}

static void c11(void)
{
    thrd_t t;
    int number = 41, result = 0;
    CHECK_EQ(mtx_init(&c11_lock, mtx_recursive | mtx_timed), thrd_success);
    CHECK_EQ(mtx_init(&c11_lock, 99), thrd_error);
    CHECK_EQ(cnd_init(&c11_cond), thrd_success);
    CHECK_EQ(thrd_create(&t, c11_thread, &number), thrd_success);
    thrd_yield();
    mtx_lock(&c11_lock);
    CHECK_EQ(mtx_trylock(&c11_lock), thrd_success);
    mtx_unlock(&c11_lock);
    c11_ready = 1;
    cnd_broadcast(&c11_cond);
    mtx_unlock(&c11_lock);
    CHECK_EQ(thrd_join(t, &result), thrd_success);
    CHECK_EQ(result, 42);
    struct timespec soon = in_ms(CLOCK_REALTIME, 5);
    mtx_lock(&c11_lock);
    CHECK_EQ(cnd_timedwait(&c11_cond, &c11_lock, &soon), thrd_timedout);
    mtx_unlock(&c11_lock);
}

int main(void)
{
    check_run("create_join", create_join);
    check_run("timed_join", timed_join);
    check_run("attributes", attributes);
    check_run("once_only", once_only);
    check_run("keys", keys);
    check_run("cleanup", cleanup);
    check_run("c11", c11);
    check_run("preemption", preemption);
    check_run("ten_thousand", ten_thousand);
    return check_done();
}
