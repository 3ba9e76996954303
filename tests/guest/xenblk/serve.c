/* SPDX-License-Identifier: BSD-2-Clause */
/* A web server of one page, a thread per connection: load on the card while the log is written. */
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"

#define BODY "a page that moves\n"

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 18\r\n\r\n" BODY;

_Static_assert(sizeof(BODY) - 1 == 18, "Content-Length");

/* One request at a time, which the clients of these tests keep to; until the client goes. */
static void *serve_one(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char request[2048];
    size_t have = 0;
    for (;;) {
        ssize_t got = recv(fd, request + have, sizeof(request) - have, 0);
        if (got <= 0) {
            break;
        }
        have += (size_t)got;
        if (have >= 4 && memcmp(request + have - 4, "\r\n\r\n", 4) == 0) {
            if (send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof(answer) - 1)) {
                break;
            }
            have = 0;
        } else if (have == sizeof(request)) {
            break;
        }
    }
    close(fd);
    return NULL;
}

static void *serve_all(void *arg)
{
    int listener = (int)(intptr_t)arg;
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            perror("xenblk: FAIL accept");
            return NULL;
        }
        if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) != 0) {
            printf("xenblk: FAIL no thread\n");
            close(fd);
        } else {
            pthread_detach(thread);
        }
    }
}

int serve_start(unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    pthread_t thread;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 16) != 0 ||
        pthread_create(&thread, NULL, serve_all, (void *)(intptr_t)fd) != 0) {
        perror("xenblk: FAIL serve");
        return 1;
    }
    pthread_detach(thread);
    return 0;
}
