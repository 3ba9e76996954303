/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark client, on this host:
 *
 *     client ADDRESS tcp S|R|E SECONDS                      (tests/bench/netpeer)
 *     client ADDRESS tcp S|R|E 0 BYTES                      (the same, until so many have been taken)
 *     client ADDRESS udp SIZE WINDOW SECONDS                (the same)
 *     client INTERFACE frames hello|in|out|echo SIZE SECONDS (tests/bench/frames)
 *     client ADDRESS http PORT CONNECTIONS RATE SECONDS     (requests at fixed moments: an open loop)
 *     client ADDRESS http PORT CONNECTIONS 0 REQUESTS       (each connection asks again when it has its answer)
 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static uint64_t *samples;
static size_t nsamples, room;

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

void fail(const char *what)
{
    fprintf(stderr, "client: %s: %s\n", what, strerror(errno));
    exit(1);
}

int dial(const char *address, uint16_t port, int type)
{
    const int on = 1;
    struct timeval patience = { .tv_sec = 10 };
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, type, 0);

    if (fd < 0 || inet_pton(AF_INET, address, &a.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        fail(address);
    }
    if (type == SOCK_STREAM) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return fd;
}

void sample_add(uint64_t ns)
{
    if (nsamples == room) {
        room = room == 0 ? 1 << 16 : 2 * room;
        samples = realloc(samples, room * sizeof(*samples));
        if (samples == NULL) {
            fail("samples");
        }
    }
    samples[nsamples++] = ns;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void sample_print(void)
{
    static const struct {
        const char *name;
        double part;
    } wanted[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 } };

    if (nsamples == 0) {
        return;
    }
    qsort(samples, nsamples, sizeof(*samples), by_value);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        size_t at = (size_t)((double)nsamples * wanted[i].part);
        printf(" %s %.1f", wanted[i].name, (double)samples[at] / 1e3);
    }
    printf(" max %.1f\n", (double)samples[nsamples - 1] / 1e3);
}

int main(int argc, char **argv)
{
    if ((argc == 5 || argc == 6) && strcmp(argv[2], "tcp") == 0) {
        bulk_run(argv[1], argv[3][0], atof(argv[4]), argc == 6 ? strtoull(argv[5], NULL, 10) : 0);
    } else if (argc == 6 && strcmp(argv[2], "udp") == 0) {
        udp_run(argv[1], strtoul(argv[3], NULL, 10), (unsigned)strtoul(argv[4], NULL, 10), atof(argv[5]));
    } else if (argc == 6 && strcmp(argv[2], "frames") == 0) {
        frames_run(argv[1], argv[3], strtoul(argv[4], NULL, 10), atof(argv[5]));
    } else if (argc == 7 && strcmp(argv[2], "http") == 0) {
        http_run(argv[1], (uint16_t)atoi(argv[3]), (unsigned)strtoul(argv[4], NULL, 10), atof(argv[5]),
                 atof(argv[6]));
    } else {
        fprintf(stderr, "client: see the first comment of main.c\n");
        return 2;
    }
    return 0;
}
