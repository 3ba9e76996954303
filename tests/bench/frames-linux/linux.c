/* SPDX-License-Identifier: BSD-2-Clause */
/* The card by Linux's packet socket, as many frames a call as in the other one. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "../frames/card.h"

#define TYPE 0x88b5

static int fd;
static uint8_t received[BATCH][FRAME_MAX + 4];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

void card_open(uint8_t mac[6])
{
    struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(TYPE) };
    struct ifreq ifr = { .ifr_name = "eth0" };
    const int bytes = 4 << 20;
    fd = socket(AF_PACKET, SOCK_RAW, htons(TYPE));
    if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &ifr) != 0) {
        fail("eth0");
    }
    memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
    at.sll_ifindex = (int)if_nametoindex("eth0");
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        fail("bind");
    }
}

unsigned card_receive(struct frame *frames)
{
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    memset(messages, 0, sizeof(messages));
    for (unsigned i = 0; i < BATCH; i++) {
        pieces[i] = (struct iovec){ received[i], sizeof(received[i]) };
        messages[i].msg_hdr.msg_iov = &pieces[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
    if (n < 0) {
        fail("recvmmsg");
    }
    for (int i = 0; i < n; i++) {
        frames[i] = (struct frame){ received[i], messages[i].msg_len, NULL };
    }
    return (unsigned)n;
}

void card_drop(struct frame *frames, unsigned n)
{
    (void)frames;
    (void)n;
}

static void transmit(struct mmsghdr *messages, unsigned n)
{
    while (n > 0) {
        int taken = sendmmsg(fd, messages, n, 0);
        if (taken < 0 && errno != ENOBUFS) {
            fail("sendmmsg");
        }
        if (taken > 0) {
            messages += taken;
            n -= (unsigned)taken;
        }
    }
}

static void send_pieces(struct iovec *pieces, unsigned n)
{
    struct mmsghdr messages[BATCH];
    memset(messages, 0, n * sizeof(messages[0]));
    for (unsigned i = 0; i < n; i++) {
        messages[i].msg_hdr.msg_iov = &pieces[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    transmit(messages, n);
}

void card_return(struct frame *frames, unsigned n)
{
    struct iovec pieces[BATCH];
    for (unsigned i = 0; i < n; i++) {
        pieces[i] = (struct iovec){ frames[i].data, frames[i].len };
    }
    send_pieces(pieces, n);
}

void card_send(const uint8_t *frame, uint32_t len, unsigned n, bool copy)
{
    static uint8_t kept[FRAME_MAX];
    struct iovec pieces[BATCH];
    if (copy) {
        memcpy(kept, frame, len);
    }
    for (unsigned i = 0; i < n; i++) {
        pieces[i] = (struct iovec){ kept, len };
    }
    send_pieces(pieces, n);
}
