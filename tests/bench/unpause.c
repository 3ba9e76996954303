/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lets a paused domain go and waits for the first byte on its console: `unpause NAME TTY` prints three
 * times in ns, all of dom0's wall clock, which the toolstack's host shares with its guests: before
 * `xl unpause`, at its end, and at the byte. For dom0, a Linux program without libraries.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 120000

static long long now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The time at which `xl unpause` was done; -1 when it failed. */
static long long unpause(const char *name)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        execlp("xl", "xl", "unpause", name, (char *)NULL);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        return -1;
    }
    return now_ns();
}

int main(int argc, char **argv)
{
    struct pollfd console = {.events = POLLIN};

    if (argc != 3 || (console.fd = open(argv[2], O_RDWR | O_NOCTTY)) < 0) {
        perror("unpause NAME TTY");
        return 1;
    }
    /* The byte may come while xl is still busy, so somebody else has to look. */
    int times[2];
    if (pipe(times) != 0) {
        return 1;
    }
    pid_t watcher = fork();
    if (watcher == 0) {
        long long at = poll(&console, 1, PATIENCE_MS) == 1 ? now_ns() : -1;
        return write(times[1], &at, sizeof(at)) != sizeof(at);
    }
    long long began = now_ns();
    long long done = unpause(argv[1]);
    long long byte = -1;
    if (watcher < 0 || done < 0 || read(times[0], &byte, sizeof(byte)) != sizeof(byte) || byte < 0) {
        fprintf(stderr, "%s was not let go, or says nothing\n", argv[1]);
        return 1;
    }
    printf("%lld %lld %lld\n", began, done, byte);
    return 0;
}
