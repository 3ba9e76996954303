/* SPDX-License-Identifier: BSD-2-Clause */
/* Event counters and timers. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tests.h"

#define ALL (POLLIN | POLLOUT)
#define MS  1000000ul

static void eventfd_states(void)
{
    eventfd_t v = 0;
    int e = eventfd(3, EFD_NONBLOCK);
    OK(e >= 0);
    EQ(events_of(e, ALL), POLLIN | POLLOUT);
    EQ(eventfd_read(e, &v), 0);
    EQ(v, 3);
    EQ(events_of(e, ALL), POLLOUT);
    FAILS(eventfd_read(e, &v), EAGAIN);
    EQ(eventfd_write(e, 5), 0);
    EQ(eventfd_write(e, UINT64_MAX - 6), 0);
    EQ(events_of(e, ALL), POLLIN);
    FAILS(eventfd_write(e, 1), EAGAIN);
    FAILS(eventfd_write(e, UINT64_MAX), EINVAL);
    EQ(eventfd_read(e, &v), 0);
    EQ(v, UINT64_MAX - 1);
    FAILS(read(e, &v, 7), EINVAL);
    FAILS(write(e, &v, 7), EINVAL);
    FAILS(lseek(e, 0, SEEK_CUR), ESPIPE);
    close(e);
    e = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
    EQ(eventfd_read(e, &v), 0);
    EQ(v, 1);
    EQ(eventfd_read(e, &v), 0);
    FAILS(eventfd_read(e, &v), EAGAIN);
    close(e);
    FAILS(eventfd(0, 2), EINVAL);
}

#define POSTS 20000

static void *post(void *arg)
{
    for (int i = 0; i < POSTS; i++) {
        EQ(eventfd_write(*(int *)arg, 1), 0);
    }
    return NULL;
}

static void eventfd_threads(void)
{
    pthread_t t[2];
    eventfd_t v;
    uint64_t sum = 0;
    int e = eventfd(0, 0);
    for (int i = 0; i < 2; i++) {
        EQ(pthread_create(&t[i], NULL, post, &e), 0);
    }
    while (sum < 2 * POSTS) {
        EQ(eventfd_read(e, &v), 0);
        sum += v;
    }
    EQ(sum, 2 * POSTS);
    for (int i = 0; i < 2; i++) {
        pthread_join(t[i], NULL);
    }
    close(e);
}

static void *drain_soon(void *arg)
{
    eventfd_t v;
    usleep(20000);
    eventfd_read(*(int *)arg, &v);
    return NULL;
}

/* There is room for 1 but not for as much as is added: the call waits for a read. */
static void eventfd_blocking_write(void)
{
    pthread_t t;
    eventfd_t v;
    int e = eventfd(0, 0);
    EQ(eventfd_write(e, UINT64_MAX - 5), 0);
    EQ(pthread_create(&t, NULL, drain_soon, &e), 0);
    EQ(eventfd_write(e, 1000), 0);
    EQ(eventfd_read(e, &v), 0);
    EQ(v, 1000);
    pthread_join(t, NULL);
    close(e);
}

static struct itimerspec its(unsigned long value, unsigned long interval)
{
    return (struct itimerspec){ .it_value = { (time_t)(value / 1000000000), (long)(value % 1000000000) },
                                .it_interval = { (time_t)(interval / 1000000000),
                                                 (long)(interval % 1000000000) } };
}

static unsigned long ns_of(const struct timespec *t)
{
    return (unsigned long)t->tv_sec * 1000000000 + (unsigned long)t->tv_nsec;
}

static void timerfd_once(void)
{
    uint64_t n = 0;
    struct itimerspec s = its(20 * MS, 0), old;
    int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    OK(t >= 0);
    FAILS(read(t, &n, 8), EAGAIN);
    unsigned long start = now_ns();
    EQ(timerfd_settime(t, 0, &s, NULL), 0);
    int early = events_of(t, ALL);
    EQ(timerfd_gettime(t, &old), 0);
    /* A busy host may have kept us from running for longer than that. */
    OK((early == 0 && ns_of(&old.it_value) > 0) || now_ns() - start >= 20 * MS);
    OK(ns_of(&old.it_value) <= 20 * MS);
    struct pollfd p = { .fd = t, .events = POLLIN };
    EQ(poll(&p, 1, -1), 1);
    OK(now_ns() - start >= 20 * MS);
    EQ(timerfd_gettime(t, &old), 0);
    EQ(ns_of(&old.it_value), 0);
    EQ(read(t, &n, 8), 8);
    EQ(n, 1);
    EQ(events_of(t, ALL), 0);
    FAILS(write(t, &n, 8), EINVAL);
    FAILS(read(t, &n, 7), EINVAL);
    s = its(1000 * MS, 7);
    EQ(timerfd_settime(t, 0, &s, &old), 0);
    s = its(0, 0);
    EQ(timerfd_settime(t, 0, &s, &old), 0);
    OK(ns_of(&old.it_value) > 500 * MS);
    EQ(ns_of(&old.it_interval), 7);
    s.it_value.tv_nsec = 1000000000;
    FAILS(timerfd_settime(t, 0, &s, NULL), EINVAL);
    FAILS(timerfd_settime(t, 8, &s, NULL), EINVAL);
    FAILS(timerfd_settime(1, 0, &old, NULL), EINVAL);
    FAILS(timerfd_settime(77, 0, &old, NULL), EBADF);
    FAILS(timerfd_gettime(1, &old), EINVAL);
    FAILS(timerfd_create(77, 0), EINVAL);
    close(t);
}

static void timerfd_periodic(void)
{
    uint64_t n = 0, sum = 0;
    struct itimerspec s = its(5 * MS, 5 * MS), old;
    int t = timerfd_create(CLOCK_BOOTTIME, 0);
    unsigned long start = now_ns();
    EQ(timerfd_settime(t, 0, &s, NULL), 0);
    while (sum < 6) {
        EQ(read(t, &n, 8), 8);
        OK(n >= 1);
        sum += n;
    }
    OK(now_ns() - start >= 30 * MS);
    usleep(40000);
    EQ(timerfd_gettime(t, &old), 0); /* counts what has passed */
    OK(ns_of(&old.it_value) > 0 && ns_of(&old.it_value) <= 5 * MS);
    EQ(read(t, &n, 8), 8);
    OK(n >= 7);
    sum += n;
    OK(sum <= (now_ns() - start) / (5 * MS));
    /* An interval that nobody can keep up with. */
    s = its(1, 1);
    start = now_ns();
    EQ(timerfd_settime(t, 0, &s, NULL), 0);
    usleep(1000);
    EQ(read(t, &n, 8), 8);
    OK(n >= 1000000 && n <= now_ns() - start);
    close(t);
}

static void timerfd_absolute(void)
{
    static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };
    for (int i = 0; i < 2; i++) {
        uint64_t n = 0;
        struct timespec now;
        int t = timerfd_create(clocks[i], 0);
        EQ(fcntl(t, F_GETFL), O_RDWR);
        EQ(clock_gettime(clocks[i], &now), 0);
        struct itimerspec s = its(ns_of(&now) + 10 * MS, 0);
        EQ(timerfd_settime(t, TFD_TIMER_ABSTIME, &s, NULL), 0);
        EQ(read(t, &n, 8), 8);
        EQ(n, 1);
        struct timespec after;
        clock_gettime(clocks[i], &after);
        OK(ns_of(&after) >= ns_of(&now) + 10 * MS);
        s = its(ns_of(&now), 1 * MS); /* past: all periods since then */
        EQ(timerfd_settime(t, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &s, NULL), 0);
        EQ(read(t, &n, 8), 8);
        OK(n >= 11);
        s = its(1, 0); /* long ago */
        EQ(timerfd_settime(t, TFD_TIMER_ABSTIME, &s, NULL), 0);
        EQ(read(t, &n, 8), 8);
        EQ(n, 1);
        close(t);
    }
}

/* Timers that are closed while they run. */
static void timerfd_closed(void)
{
    for (int i = 0; i < 500; i++) {
        struct itimerspec s = its(1000 + (unsigned long)i * 97 % 20000, 1000);
        int t = timerfd_create(CLOCK_MONOTONIC, 0);
        EQ(timerfd_settime(t, 0, &s, NULL), 0);
        if (i % 3 == 0) {
            usleep((unsigned)i % 20);
        }
        close(t);
    }
}

void counter_checks(void)
{
    run_check("eventfd_states", eventfd_states);
    run_check("eventfd_threads", eventfd_threads);
    run_check("eventfd_blocking_write", eventfd_blocking_write);
    run_check("timerfd_once", timerfd_once);
    run_check("timerfd_periodic", timerfd_periodic);
    run_check("timerfd_absolute", timerfd_absolute);
    run_check("timerfd_closed", timerfd_closed);
}
