/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other end of `pith bench tcp` and `udp`; the same source runs on Linux.
 *
 * TCP port 5001, one connection at a time; its first byte says what for: S takes all that comes, R sends
 * until the client has gone, E returns each byte. Both with buffers of 64 KiB, by read() and write().
 * UDP port 5002, a thread of its own: returns each datagram.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_PORT 5001
#define UDP_PORT 5002

static char buffer[65536];

/* A socket at a port; -1 with a word about it. */
static int bound(int type, uint16_t port)
{
    const int on = 1;
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, type, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        perror("netpeer");
        return -1;
    }
    return fd;
}

static void *return_datagrams(void *arg)
{
    static char datagram[65536];
    int fd = *(int *)arg;

    while (fd >= 0) {
        struct sockaddr_in from;
        socklen_t size = sizeof(from);
        ssize_t n = recvfrom(fd, datagram, sizeof(datagram), 0, (struct sockaddr *)&from, &size);
        if (n >= 0) {
            /* What does not go out is lost, as datagrams are; the client counts it. */
            sendto(fd, datagram, (size_t)n, 0, (struct sockaddr *)&from, size);
        }
    }
    return arg;
}

static void serve(int fd)
{
    char what;

    if (read(fd, &what, 1) != 1) {
        return;
    }
    if (what == 'S') {
        while (read(fd, buffer, sizeof(buffer)) > 0) {
        }
    } else if (what == 'R') {
        while (write(fd, buffer, sizeof(buffer)) > 0) {
        }
    } else if (what == 'E') {
        while (read(fd, buffer, 1) == 1 && write(fd, buffer, 1) == 1) {
        }
    }
}

int main(void)
{
    static int udp;
    const int on = 1;
    pthread_t thread;
    int tcp = bound(SOCK_STREAM, TCP_PORT);

    signal(SIGPIPE, SIG_IGN);
    udp = bound(SOCK_DGRAM, UDP_PORT);
    if (tcp < 0 || udp < 0 || listen(tcp, 16) != 0 || pthread_create(&thread, NULL, return_datagrams, &udp) != 0) {
        fprintf(stderr, "netpeer: can't serve\n");
        return 1;
    }
    puts("netpeer listening");
    fflush(stdout);
    for (;;) {
        int fd = accept(tcp, NULL, NULL);
        if (fd >= 0) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            serve(fd);
            close(fd);
        }
    }
}
