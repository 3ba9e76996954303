/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A cable that spoils what it carries: frames between two ends are lost, doubled, swapped and
 * changed, at random from a seed.
 *
 *     impair [-s SEED] [-l LOSS] [-r REORDER] [-d DUPLICATE] [-c CORRUPT] END END
 *
 * Rates are per mille of the frames of each direction. An END is tap:NAME[@NETNS], a tap interface
 * (made when missing) in the network namespace of that file, or unix:OURS:PEER, a pair of datagram
 * sockets as QEMU's `-netdev dgram` has them. It says "ready", runs until SIGTERM or the end of its
 * standard input, and prints what it did: one line per direction.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX   65536
#define HELD        8  /* frames that may be held back at once */
#define HOLD_MAX    6  /* a frame lets at most this many others pass */
#define HOLD_MS     5  /* and leaves after this time when nothing follows */
#define BATCH       64
#define ETHER_BYTES 14

struct end {
    int fd;
    struct sockaddr_un peer; /* sun_path empty for a tap */
};

struct frame {
    bool used;
    unsigned passes; /* others that still go first */
    uint64_t due_ms; /* when it goes in any case */
    size_t len;
    unsigned char data[FRAME_MAX];
};

/* One direction: its rates are common, its random numbers its own, so that both are repeatable. */
struct way {
    struct end *from, *to;
    uint64_t random;
    struct frame held[HELD];
    uint64_t frames, bytes, tcp_payload;                      /* as they came */
    uint64_t lost, doubled, swapped, changed, unsent;
};

static unsigned loss, reorder, duplicate, corrupt;
static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* xorshift64* (Vigna 2016). */
static uint32_t draw(struct way *w)
{
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return (uint32_t)((w->random * 0x2545F4914F6CDD1Dull) >> 32);
}

static bool hits(struct way *w, unsigned per_mille)
{
    return draw(w) % 1000 < per_mille;
}

static void open_tap(struct end *e, char *name)
{
    char *where = strchr(name, '@');
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (where) {
        *where++ = '\0';
        int there = open(where, O_RDONLY | O_CLOEXEC);
        if (there < 0 || setns(there, CLONE_NEWNET) < 0) {
            die(where);
        }
        close(there);
    }
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
    e->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (e->fd < 0 || ioctl(e->fd, TUNSETIFF, &request) < 0) {
        die(name);
    }
    if (where && setns(home, CLONE_NEWNET) < 0) {
        die("setns");
    }
    close(home);
}

static void open_unix(struct end *e, char *ours)
{
    char *peer = strchr(ours, ':');
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    if (!peer) {
        fprintf(stderr, "unix:%s: OURS:PEER is missing\n", ours);
        exit(2);
    }
    *peer++ = '\0';
    e->peer.sun_family = AF_UNIX;
    strncpy(here.sun_path, ours, sizeof(here.sun_path) - 1);
    strncpy(e->peer.sun_path, peer, sizeof(e->peer.sun_path) - 1);
    /* Blocking: where QEMU's short queue is full the cable waits, instead of losing what it should not. */
    e->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int room = 4 << 20;
    struct timeval patience = {.tv_sec = 1};
    setsockopt(e->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    setsockopt(e->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    setsockopt(e->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (e->fd < 0 || bind(e->fd, (struct sockaddr *)&here, sizeof(here)) < 0) {
        die(ours);
    }
}

static void open_end(struct end *e, char *text)
{
    if (strncmp(text, "tap:", 4) == 0) {
        open_tap(e, text + 4);
    } else if (strncmp(text, "unix:", 5) == 0) {
        open_unix(e, text + 5);
    } else {
        fprintf(stderr, "%s: an end is tap:NAME or unix:OURS:PEER\n", text);
        exit(2);
    }
}

static void send_frame(struct way *w, const unsigned char *data, size_t len)
{
    const struct end *e = w->to;
    ssize_t n = e->peer.sun_path[0]
        ? sendto(e->fd, data, len, 0, (const struct sockaddr *)&e->peer, sizeof(e->peer))
        : write(e->fd, data, len);
    if (n != (ssize_t)len) {
        w->unsent++; /* a queue is full, or nobody is there */
    }
}

/* Bytes of TCP's data in a frame, as far as its headers are whole. */
static size_t tcp_payload(const unsigned char *f, size_t len)
{
    size_t at = ETHER_BYTES, end;
    if (len < ETHER_BYTES + 40) {
        return 0;
    }
    if (f[12] == 0x08 && f[13] == 0x00 && f[at + 9] == 6) {
        end = at + ((size_t)f[at + 2] << 8 | f[at + 3]);
        at += (size_t)(f[at] & 15) * 4;
    } else if (f[12] == 0x86 && f[13] == 0xdd && f[at + 6] == 6) {
        end = at + 40 + ((size_t)f[at + 4] << 8 | f[at + 5]);
        at += 40;
    } else {
        return 0;
    }
    if (at + 20 > len || end > len) {
        return 0;
    }
    at += (size_t)(f[at + 12] >> 4) * 4;
    return at < end ? end - at : 0;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Release what enough frames have passed (one more does) or what has waited long; true when some stay. */
static bool let_go(struct way *w, bool passed)
{
    bool stay = false;
    for (int i = 0; i < HELD; i++) {
        struct frame *h = &w->held[i];
        if (!h->used) {
            continue;
        }
        if ((passed && --h->passes == 0) || now_ms() >= h->due_ms) {
            h->used = false;
            send_frame(w, h->data, h->len);
        } else {
            stay = true;
        }
    }
    return stay;
}

static bool hold(struct way *w, const unsigned char *data, size_t len)
{
    for (int i = 0; i < HELD; i++) {
        struct frame *h = &w->held[i];
        if (!h->used) {
            h->used = true;
            h->passes = 1 + draw(w) % HOLD_MAX;
            h->due_ms = now_ms() + HOLD_MS;
            h->len = len;
            memcpy(h->data, data, len);
            return true;
        }
    }
    return false;
}

static void carry(struct way *w, unsigned char *data, size_t len)
{
    w->frames++;
    w->bytes += len;
    w->tcp_payload += tcp_payload(data, len);
    if (hits(w, loss)) {
        w->lost++;
        return;
    }
    /* Not in the Ethernet header: there a real cable has a checksum. */
    if (hits(w, corrupt) && len > ETHER_BYTES) {
        data[ETHER_BYTES + draw(w) % (len - ETHER_BYTES)] ^= (unsigned char)(1u << draw(w) % 8);
        w->changed++;
    }
    if (hits(w, reorder) && hold(w, data, len)) {
        w->swapped++;
        return;
    }
    send_frame(w, data, len);
    if (hits(w, duplicate)) {
        w->doubled++;
        send_frame(w, data, len);
    }
    let_go(w, true);
}

static void pump(struct way *w)
{
    static unsigned char data[FRAME_MAX];
    for (int i = 0; i < BATCH; i++) {
        ssize_t n = w->from->peer.sun_path[0] ? recv(w->from->fd, data, sizeof(data), MSG_DONTWAIT)
                                              : read(w->from->fd, data, sizeof(data));
        if (n <= 0) {
            return;
        }
        carry(w, data, (size_t)n);
    }
}

static void report(const char *name, const struct way *w)
{
    printf("%s frames %" PRIu64 " bytes %" PRIu64 " tcp %" PRIu64 " lost %" PRIu64 " doubled %" PRIu64
           " swapped %" PRIu64 " changed %" PRIu64 " unsent %" PRIu64 "\n", name, w->frames, w->bytes,
           w->tcp_payload, w->lost, w->doubled, w->swapped, w->changed, w->unsent);
}

static void run(struct way ways[2])
{
    struct pollfd fds[3] = {{.fd = ways[0].from->fd, .events = POLLIN},
                            {.fd = ways[1].from->fd, .events = POLLIN},
                            {.fd = 0, .events = POLLIN}};
    while (!stop) {
        bool first = let_go(&ways[0], false), second = let_go(&ways[1], false);
        int n = poll(fds, 3, first || second ? 1 : -1);
        if (n < 0 && errno != EINTR) {
            die("poll");
        }
        for (int i = 0; n > 0 && i < 2; i++) {
            if (fds[i].revents) {
                pump(&ways[i]);
            }
        }
        char word[16];
        if (n > 0 && fds[2].revents && read(0, word, sizeof(word)) <= 0) {
            return;
        }
    }
}

int main(int argc, char **argv)
{
    static struct end ends[2];
    static struct way ways[2];
    uint64_t seed = 1;
    int option;
    while ((option = getopt(argc, argv, "s:l:r:d:c:")) != -1) {
        unsigned value = option == '?' ? 0 : (unsigned)strtoul(optarg, NULL, 10);
        switch (option) {
        case 's': seed = value; break;
        case 'l': loss = value; break;
        case 'r': reorder = value; break;
        case 'd': duplicate = value; break;
        case 'c': corrupt = value; break;
        default: return 2;
        }
    }
    if (argc - optind != 2) {
        fprintf(stderr, "usage: impair [-s SEED] [-l N] [-r N] [-d N] [-c N] END END\n");
        return 2;
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    for (int i = 0; i < 2; i++) {
        open_end(&ends[i], argv[optind + i]);
        ways[i].from = &ends[i];
        ways[i].to = &ends[1 - i];
        ways[i].random = (seed * 2 + (uint64_t)i + 1) * 0x9E3779B97F4A7C15ull;
    }
    puts("ready");
    fflush(stdout);
    run(ways);
    report("first", &ways[0]);
    report("second", &ways[1]);
    return 0;
}
