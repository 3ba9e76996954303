/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exit() while other threads are in the middle of a stream.
 *
 *   exitbusy read    threads wait for input: of a pipe, of a socket, of the console
 *   exitbusy write   one thread waits until it can write, another writes all the time
 *
 * Each has a text in stdout's buffer too, which must come out.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool waits(FILE *f)
{
    if (ftrylockfile(f) != 0) {
        return true;
    }
    funlockfile(f);
    return false;
}

static void *reads(void *arg)
{
    static char buffer[100];
    fread(buffer, 1, sizeof(buffer), arg);
    return NULL;
}

static void *reads_line(void *arg)
{
    static char line[100];
    while (fgets(line, sizeof(line), arg) != NULL) {
    }
    return NULL;
}

static void *fills(void *arg)
{
    static char buffer[1 << 20];
    fwrite(buffer, 1, sizeof(buffer), arg);
    return NULL;
}

static void *writes(void *arg)
{
    for (;;) {
        fputs("busy\n", arg);
        sched_yield();
    }
    return NULL;
}

static void begin(void *(*fn)(void *), FILE *f)
{
    pthread_t t;

    if (f == NULL || pthread_create(&t, NULL, fn, f) != 0) {
        puts("no stream or no thread");
        _Exit(1);
    }
}

/* A thread that is inside this stream and stays there. */
static void begin_inside(void *(*fn)(void *), FILE *f)
{
    begin(fn, f);
    while (!waits(f)) {
        usleep(1000);
    }
}

int main(int argc, char **argv)
{
    int pipes[2], sockets[2];
    bool write = argc == 2 && strcmp(argv[1], "write") == 0;

    if (pipe(pipes) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) {
        return 1;
    }
    if (write) {
        begin_inside(fills, fdopen(pipes[1], "w"));
        begin_inside(fills, fdopen(sockets[0], "r+"));
        begin(writes, fopen("/dev/null", "w"));
    } else {
        begin_inside(reads, fdopen(pipes[0], "r"));
        begin_inside(reads, fdopen(sockets[0], "r+"));
        begin_inside(reads_line, stdin);
    }
    printf("flushed by exit");
    exit(9);
}
