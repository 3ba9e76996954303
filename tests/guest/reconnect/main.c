/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thousands of connections to one server that closes each of them first, and so keeps its ports in
 * TIME_WAIT: none may be refused or reset, as a proxy's would be that gives a port again too soon.
 *
 * Arguments: how many connections, the server's port at 10.0.2.2 (host.py adds it).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

#define THREADS 4

static unsigned count;
static struct sockaddr_in server;
static atomic_uint begun, done;

/* 0, or errno of the call that has failed; -1: the answer is another one. */
static int exchange(unsigned number)
{
    char text[16] = "", line[16];
    int len = snprintf(line, sizeof(line), "%u\n", number);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int got = 0, r = 0;
    if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof(server)) != 0 ||
        write(fd, line, (size_t)len) != len) {
        r = errno;
    }
    while (r == 0 && (size_t)got < sizeof(text)) {
        ssize_t n = read(fd, text + got, sizeof(text) - (size_t)got);
        if (n <= 0) {
            r = n < 0 ? errno : 0;
            break;
        }
        got += (int)n;
    }
    if (fd >= 0) {
        close(fd);
    }
    return r != 0 ? r : got == len && memcmp(text, line, (size_t)len) == 0 ? 0 : -1;
}

static void *client(void *arg)
{
    unsigned number;
    while ((number = atomic_fetch_add(&begun, 1)) < count) {
        int r = exchange(number);
        if (r == 0) {
            atomic_fetch_add(&done, 1);
        } else {
            CHECK_FAIL("connection %u: %s", number, r < 0 ? "a wrong answer" : strerror(r));
        }
    }
    return arg;
}

static void all_are_served(void)
{
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, client, NULL), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_EQ(atomic_load(&done), count);
}

int main(int argc, char **argv)
{
    count = argc > 2 ? (unsigned)atoi(argv[1]) : 0;
    server.sin_family = AF_INET;
    server.sin_port = htons(argc > 2 ? (uint16_t)atoi(argv[2]) : 0);
    inet_pton(AF_INET, "10.0.2.2", &server.sin_addr);
    check_run("all-are-served", all_are_served);
    return check_done();
}
