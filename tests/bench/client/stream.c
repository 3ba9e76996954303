/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes in bulk, round trips of one byte, and datagrams to and from tests/bench/netpeer. */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_PORT   5001
#define UDP_PORT   5002
#define UDP_MAX    65000
#define WINDOW_MAX 1024
#define AMOUNT_SECONDS 60 /* an amount that takes longer is given up */
#define LOST_NS    (SECOND_NS / 5) /* nothing for so long: what is on its way is lost */

static char buffer[65536];

static void round_trip(int fd)
{
    uint64_t start = now_ns();
    if (write(fd, "x", 1) != 1 || read(fd, buffer, 1) != 1) {
        fail("round trip");
    }
    sample_add(now_ns() - start);
}

/* All of it has been taken when the other side, told that no more comes, closes. */
static void wait_taken(int fd)
{
    if (shutdown(fd, SHUT_WR) != 0 || read(fd, buffer, 1) != 0) {
        fail("end of transfer");
    }
}

void bulk_run(const char *address, char way, double seconds, uint64_t amount)
{
    int fd = dial(address, TCP_PORT, SOCK_STREAM);
    uint64_t start, now, end, bytes = 0;

    if (write(fd, &way, 1) != 1) {
        fail("write");
    }
    start = now_ns();
    end = start + (uint64_t)((amount != 0 ? AMOUNT_SECONDS : seconds) * SECOND_NS);
    do {
        ssize_t n = 1;
        if (way == 'S') {
            n = write(fd, buffer, sizeof(buffer));
        } else if (way == 'R') {
            n = read(fd, buffer, sizeof(buffer));
        } else {
            round_trip(fd);
        }
        if (n <= 0) {
            fail("transfer");
        }
        bytes += (uint64_t)n;
        now = now_ns();
    } while (now < end && (amount == 0 || bytes < amount));
    if (amount != 0 && way == 'S') {
        wait_taken(fd);
    }
    printf("bytes %llu seconds %.6f", (unsigned long long)bytes, (double)(now - start) / 1e9);
    sample_print();
    puts("");
}

/* Keep `window` datagrams on their way; each carries its number. */
void udp_run(const char *address, size_t size, unsigned window, double seconds)
{
    static uint64_t sent_at[WINDOW_MAX];
    struct timeval patience = { .tv_usec = LOST_NS / 1000 };
    int fd = dial(address, UDP_PORT, SOCK_DGRAM);
    uint64_t start = now_ns(), end = start + (uint64_t)(seconds * SECOND_NS);
    uint64_t sent = 0, back = 0, lost = 0;

    if (size < sizeof(sent) || size > UDP_MAX || window == 0 || window > WINDOW_MAX) {
        fail("udp: SIZE or WINDOW");
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    while (now_ns() < end) {
        for (; sent - back - lost < window; sent++) {
            memcpy(buffer, &sent, sizeof(sent));
            sent_at[sent % WINDOW_MAX] = now_ns();
            if (send(fd, buffer, size, 0) != (ssize_t)size) {
                fail("send");
            }
        }
        ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
        if (n == (ssize_t)size) {
            uint64_t number;
            memcpy(&number, buffer, sizeof(number));
            if (sent - number <= WINDOW_MAX) {
                sample_add(now_ns() - sent_at[number % WINDOW_MAX]);
            }
            back++;
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            lost = sent - back;
        } else {
            fail("recv");
        }
    }
    printf("answers %llu lost %llu seconds %.6f", (unsigned long long)back, (unsigned long long)lost,
           (double)(now_ns() - start) / 1e9);
    sample_print();
    puts("");
}
