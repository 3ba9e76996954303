/* SPDX-License-Identifier: BSD-2-Clause */
/* Raw frames to and from tests/bench/frames, by a packet socket on the guest's tap; see there for what they say. */
#define _GNU_SOURCE /* sendmmsg(), recvmmsg() */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#define TYPE       0x88b5
#define HEADER     14u
#define LEAST      60u
#define MOST       1514u
#define BATCH      64u
#define IN_WINDOW  512u /* the guest answers each 128th */
#define OUT_WINDOW 64u
#define LOST_US    20000 /* nothing for so long: what is on its way is lost */

static int fd;
static uint8_t guest[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, own[6];

/* What a frame of the guest's says. */
struct said {
    char what;
    uint64_t received, sent;
};

static void open_interface(const char *name)
{
    struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(TYPE) };
    struct timeval patience = { .tv_usec = LOST_US };
    struct ifreq ifr = { .ifr_name = "" };
    const int bytes = 8 << 20, on = 1;

    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    fd = socket(AF_PACKET, SOCK_RAW, htons(TYPE));
    if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &ifr) != 0) {
        fail(name);
    }
    memcpy(own, ifr.ifr_hwaddr.sa_data, 6);
    at.sll_ifindex = (int)if_nametoindex(name);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        fail("bind");
    }
}

static void make(uint8_t *frame, char what, uint64_t a, uint64_t b)
{
    memcpy(frame, guest, 6);
    memcpy(frame + 6, own, 6);
    frame[12] = TYPE >> 8;
    frame[13] = TYPE & 0xff;
    frame[HEADER] = (uint8_t)what;
    memcpy(frame + HEADER + 8, &a, 8);
    memcpy(frame + HEADER + 16, &b, 8);
}

/* The same frame n times; what the tap has no room for is lost. */
static void send_many(uint8_t *frame, size_t size, unsigned n)
{
    struct iovec piece = { frame, size };
    struct mmsghdr messages[BATCH];

    memset(messages, 0, sizeof(messages));
    for (unsigned i = 0; i < BATCH; i++) {
        messages[i].msg_hdr.msg_iov = &piece;
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    while (n > 0) {
        unsigned now = n < BATCH ? n : BATCH;
        if (sendmmsg(fd, messages, now, 0) < 0 && errno != ENOBUFS) {
            fail("sendmmsg");
        }
        n -= now;
    }
}

/* What has arrived, up to BATCH; 0 when nothing has for LOST_US. */
static unsigned receive(struct said *said)
{
    static uint8_t data[BATCH][MOST + 4];
    struct iovec pieces[BATCH];
    struct mmsghdr messages[BATCH];

    memset(messages, 0, sizeof(messages));
    for (unsigned i = 0; i < BATCH; i++) {
        pieces[i] = (struct iovec){ data[i], sizeof(data[i]) };
        messages[i].msg_hdr.msg_iov = &pieces[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        fail("recvmmsg");
    }
    unsigned found = 0;
    for (int i = 0; i < n; i++) {
        if (messages[i].msg_len < LEAST) {
            continue;
        }
        said[found].what = (char)data[i][HEADER];
        memcpy(&said[found].received, data[i] + HEADER + 8, 8);
        memcpy(&said[found].sent, data[i] + HEADER + 16, 8);
        memcpy(guest, data[i] + 6, 6);
        found++;
    }
    return found;
}

/* Ask until the guest answers what it has counted. */
static struct said hello(double seconds)
{
    uint64_t end = now_ns() + (uint64_t)(seconds * SECOND_NS);
    struct said said[BATCH];
    uint8_t frame[LEAST] = { 0 };

    make(frame, 'H', 0, 0);
    while (now_ns() < end) {
        send_many(frame, sizeof(frame), 1);
        for (unsigned n; (n = receive(said)) > 0;) {
            for (unsigned i = 0; i < n; i++) {
                if (said[i].what == 'h') {
                    return said[i];
                }
            }
        }
    }
    errno = ETIMEDOUT;
    fail("hello");
}

/* Frames to the guest; `echo`: that come back. Prints how many it has got, and what was lost. */
static void run_in(bool echo, size_t size, double seconds)
{
    static uint8_t frame[MOST];
    struct said said[BATCH], before = hello(1);
    uint64_t start = now_ns(), end = start + (uint64_t)(seconds * SECOND_NS);
    uint64_t sent = 0, back = 0, lost = 0;
    unsigned window = echo ? OUT_WINDOW : IN_WINDOW;

    make(frame, echo ? 'E' : 'D', 0, 0);
    while (now_ns() < end) {
        if (sent - back - lost < window) {
            uint64_t more = window - (sent - back - lost);
            send_many(frame, size, (unsigned)more);
            sent += more;
        }
        unsigned n = receive(said);
        if (n == 0) {
            lost = sent - back;
        }
        for (unsigned i = 0; i < n; i++) {
            if (echo && said[i].what == 'E') {
                back++;
            } else if (said[i].what == 'A' && said[i].received >= before.received) {
                uint64_t arrived = said[i].received - before.received;
                back = arrived > back ? arrived : back;
            }
        }
        if (back + lost > sent) {
            lost = sent - back; /* it was late, not lost */
        }
    }
    double took = (double)(now_ns() - start) / 1e9;
    struct said after = hello(10);
    printf("frames %llu seconds %.6f sent %llu\n", (unsigned long long)(after.received - before.received), took,
           (unsigned long long)sent);
}

/* Frames from the guest. */
static void run_out(size_t size, double seconds)
{
    struct said said[BATCH], before = hello(1);
    uint8_t frame[LEAST] = { 0 };
    uint64_t start = now_ns(), until = start + (uint64_t)((seconds + 10) * SECOND_NS), arrived = 0;
    bool ended = false;

    make(frame, 'S', size, (uint64_t)(seconds * 1000));
    send_many(frame, sizeof(frame), 1);
    while (!ended && now_ns() < until) {
        unsigned n = receive(said);
        for (unsigned i = 0; i < n; i++) {
            arrived += said[i].what == 'D';
            ended |= said[i].what == 'e';
        }
    }
    double took = (double)(now_ns() - start) / 1e9;
    struct said after = hello(10);
    printf("frames %llu seconds %.6f arrived %llu\n", (unsigned long long)(after.sent - before.sent), took,
           (unsigned long long)arrived);
}

void frames_run(const char *interface, const char *way, size_t size, double seconds)
{
    if (size < LEAST || size > MOST) {
        errno = EINVAL;
        fail("frames: SIZE");
    }
    open_interface(interface);
    if (strcmp(way, "out") == 0) {
        run_out(size, seconds);
    } else if (strcmp(way, "hello") == 0) {
        struct said s = hello(seconds);
        printf("received %llu sent %llu\n", (unsigned long long)s.received, (unsigned long long)s.sent);
    } else {
        run_in(strcmp(way, "echo") == 0, size, seconds);
    }
}
