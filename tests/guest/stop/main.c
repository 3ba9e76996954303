/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host presses a button: what the program sees of it, by its first argument. host.py presses
 * when it reads "ready", which comes after the machine has begun to listen.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t seen;

static void on_term(int sig)
{
    seen = sig;
    printf("handler %d\n", sig);
    fflush(stdout);
}

static void ready(void)
{
    usleep(500000); /* listening begins at 100 ms */
    puts("ready");
    fflush(stdout);
}

/* The handler runs, and poll() returns EINTR. */
static int handle(void)
{
    struct sigaction a = { .sa_flags = 0 }, old;
    a.sa_handler = on_term;
    if (sigaction(SIGTERM, &a, NULL) != 0 || signal(SIGTERM, on_term) != on_term ||
        sigaction(SIGTERM, NULL, &old) != 0 || !(old.sa_flags & SA_RESTART)) {
        return 1;
    }
    ready();
    errno = 0;
    int r = poll(NULL, 0, -1);
    printf("poll %d %s, seen %d\n", r, errno == EINTR ? "EINTR" : "?", (int)seen);
    return seen == SIGTERM && r == -1 && errno == EINTR ? 5 : 1;
}

/* Held back while it is blocked, delivered by the call that unblocks it. */
static int block(void)
{
    sigset_t set, now;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    signal(SIGTERM, on_term);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        return 1;
    }
    ready();
    do {
        usleep(20000);
        sigpending(&now);
    } while (!sigismember(&now, SIGTERM));
    if (seen != 0) {
        return 2;
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    return seen == SIGTERM ? 6 : 3;
}

static int spin(void)
{
    ready();
    for (volatile unsigned long n = 0;; n++) {
    }
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    if (strcmp(how, "handle") == 0) {
        return handle();
    }
    if (strcmp(how, "block") == 0) {
        return block();
    }
    if (strcmp(how, "ignore") == 0) {
        signal(SIGTERM, SIG_IGN);
    }
    if (strcmp(how, "stubborn") == 0) {
        signal(SIGTERM, on_term);
    }
    return spin();
}
