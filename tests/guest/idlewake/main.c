/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wake-ups that come while the CPU is about to stop: thousands of sleeps of all short lengths, so
 * that timer events land on every instruction of the way into the idle state. One that is lost
 * stops the machine for good.
 */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define SLEEPS 4000
#define STEP   37  /* ns: another length each time */
#define SPAN   120000
#define INPUT  3000 /* bytes of `stdin` in test.cfg */

static void short_sleeps(void)
{
    for (long i = 0; i < SLEEPS; i++) {
        struct timespec t = {0, i * STEP % SPAN};
        CHECK(nanosleep(&t, NULL) == 0);
    }
}

static void *sleeper(void *arg)
{
    volatile bool *stop = arg;
    while (!*stop) {
        usleep(20000);
    }
    return NULL;
}

/* Input comes in small portions, each an event while the CPU has just stopped or is about to. */
static void input_and_timer(void)
{
    static volatile bool stop;
    pthread_t thread;
    char buf[256];
    long total = 0;

    CHECK_EQ(pthread_create(&thread, NULL, sleeper, (void *)&stop), 0);
    for (ssize_t n; (n = read(0, buf, sizeof(buf))) > 0;) {
        total += n;
    }
    stop = true;
    pthread_join(thread, NULL);
    CHECK_EQ(total, INPUT);
}

int main(void)
{
    check_run("short_sleeps", short_sleeps);
    check_run("input_and_timer", input_and_timer);
    return check_done();
}
