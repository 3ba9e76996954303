/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The name server. By the first label of the name:
 *
 *     ok        A 10.1.2.3, 10.1.2.4 and AAAA 2001:db8::1      v4  only the A
 *     alias     CNAME of ok.test
 *     nodata    no record                                       none  NXDOMAIN
 *     fail      SERVFAIL                                        silent  no answer
 *     late      an answer to the second time that it is asked
 *     trunc     TC by UDP, 5 addresses by TCP                   cut  TC by UDP, half a message by TCP
 *     forged    wrong id, wrong question, garbage and loops first, then A 10.1.2.3
 *     loop      only a message whose names point to themselves
 *     1|2       PTR: ok.test; a name that no program should see
 */
#include "server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TYPE_A     1
#define TYPE_CNAME 5
#define TYPE_PTR   12
#define TYPE_AAAA  28

unsigned server_udp, server_tcp, server_same_port, server_same_id;

static int udp, tcp;

struct message {
    uint8_t data[1024];
    size_t len;
};

static void put(struct message *m, const void *bytes, size_t n)
{
    memcpy(m->data + m->len, bytes, n);
    m->len += n;
}

static void put16(struct message *m, unsigned value)
{
    put(m, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void record(struct message *m, unsigned name, unsigned type, const void *data, size_t len)
{
    put16(m, 0xc000 | name);
    put16(m, type);
    put16(m, 1);
    put(m, "\0\0\0\x3c", 4);
    put16(m, (unsigned)len);
    put(m, data, len);
    m->data[7]++;
}

static void addresses(struct message *m, unsigned name, unsigned type, bool v6)
{
    if (type == TYPE_A) {
        record(m, name, TYPE_A, "\x0a\x01\x02\x03", 4);
        record(m, name, TYPE_A, "\x0a\x01\x02\x04", 4);
    } else if (type == TYPE_AAAA && v6) {
        record(m, name, TYPE_AAAA, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
    }
}

/* The question's type; its header and question become the beginning of an answer. */
static unsigned begin(struct message *m, const uint8_t *question, size_t len)
{
    size_t at = 12;
    while (at < len && question[at] != 0) {
        at += 1u + question[at];
    }
    at += 5;
    if (at > len || at > sizeof(m->data) / 2) {
        return 0;
    }
    memset(m, 0, sizeof(*m));
    put(m, question, at);
    m->data[2] = 0x81;
    m->data[3] = 0x80;
    memset(m->data + 6, 0, 6);
    return (unsigned)(question[at - 4] << 8 | question[at - 3]);
}

static bool is(const struct message *m, const char *label)
{
    return m->data[12] == strlen(label) && memcmp(m->data + 13, label, strlen(label)) == 0;
}

/* What spoils a resolver that trusts: sent before the right answer. */
static void forge(const struct message *good, const struct sockaddr_in *to)
{
    struct message bad = *good;
    bad.data[1] ^= 1; /* another id */
    record(&bad, 12, TYPE_A, "\x06\x06\x06\x06", 4);
    sendto(udp, bad.data, bad.len, 0, (const struct sockaddr *)to, sizeof(*to));
    bad.data[1] ^= 1;
    bad.data[14] ^= 1; /* another question */
    sendto(udp, bad.data, bad.len, 0, (const struct sockaddr *)to, sizeof(*to));
    for (size_t len = 0; len < 20; len++) {
        sendto(udp, bad.data, len, 0, (const struct sockaddr *)to, sizeof(*to));
    }
    memset(bad.data, 0xc0, sizeof(bad.data));
    sendto(udp, bad.data, 600, 0, (const struct sockaddr *)to, sizeof(*to));
    /* The right answer comes from the wrong port. */
    int stranger = socket(AF_INET, SOCK_DGRAM, 0);
    bad = *good;
    record(&bad, 12, TYPE_A, "\x06\x06\x06\x06", 4);
    sendto(stranger, bad.data, bad.len, 0, (const struct sockaddr *)to, sizeof(*to));
    close(stranger);
}

/* Fill in the answer; false: there is none. */
static bool answer(struct message *m, unsigned type, const struct sockaddr_in *from, bool by_tcp)
{
    static unsigned late;
    if (is(m, "ok") || is(m, "v4")) {
        addresses(m, 12, type, is(m, "ok"));
    } else if (is(m, "alias")) {
        record(m, 12, TYPE_CNAME, "\x02ok\x04test", 9);
        addresses(m, (unsigned)m->len - 9, type, true);
    } else if (is(m, "none")) {
        m->data[3] |= 3;
    } else if (is(m, "fail")) {
        m->data[3] |= 2;
    } else if (is(m, "silent")) {
        return false;
    } else if (is(m, "late")) {
        addresses(m, 12, type, false);
        return late++ >= 2; /* A and AAAA */
    } else if (is(m, "trunc") && by_tcp && type == TYPE_A) {
        for (uint8_t i = 0; i < 5; i++) {
            record(m, 12, TYPE_A, (uint8_t[]){10, 2, 0, i}, 4);
        }
    } else if ((is(m, "trunc") || is(m, "cut")) && !by_tcp) {
        m->data[2] |= 2;
    } else if (is(m, "forged")) {
        forge(m, from);
        addresses(m, 12, type, false);
    } else if (is(m, "loop")) {
        unsigned here = (unsigned)m->len;
        record(m, here, type, "\x0a\x01\x02\x03", 4);
        record(m, (unsigned)m->len + 12, TYPE_CNAME, (uint8_t[]){0xc0, (uint8_t)m->len}, 2);
    } else if (type == TYPE_PTR && is(m, "1")) {
        record(m, 12, TYPE_PTR, "\x02ok\x04test", 9);
    } else if (type == TYPE_PTR) {
        record(m, 12, TYPE_PTR, "\x06" "ab\n\x1b[m\x04test", 13);
    }
    return true;
}

static void *serve_udp(void *arg)
{
    uint8_t in[600];
    struct sockaddr_in from;
    uint16_t last_port = 0;
    uint8_t last_id[2] = {0};
    (void)arg;
    for (;;) {
        socklen_t len = sizeof(from);
        ssize_t n = recvfrom(udp, in, sizeof(in), 0, (struct sockaddr *)&from, &len);
        struct message m;
        if (n < 12) {
            continue;
        }
        __atomic_fetch_add(&server_udp, 1, __ATOMIC_SEQ_CST);
        server_same_port += from.sin_port == last_port;
        server_same_id += memcmp(in, last_id, 2) == 0;
        last_port = from.sin_port;
        memcpy(last_id, in, 2);
        unsigned type = begin(&m, in, (size_t)n);
        if (type != 0 && answer(&m, type, &from, false)) {
            sendto(udp, m.data, m.len, 0, (struct sockaddr *)&from, sizeof(from));
        }
    }
    return NULL;
}

static void *serve_tcp(void *arg)
{
    (void)arg;
    for (;;) {
        uint8_t in[600];
        struct message m;
        int fd = accept(tcp, NULL, NULL);
        ssize_t n = fd < 0 ? -1 : recv(fd, in, 2, MSG_WAITALL);
        if (n == 2) {
            n = recv(fd, in, sizeof(in), 0);
        }
        __atomic_fetch_add(&server_tcp, 1, __ATOMIC_SEQ_CST);
        unsigned type = n >= 12 ? begin(&m, in, (size_t)n) : 0;
        if (type != 0 && answer(&m, type, NULL, true)) {
            uint8_t length[2] = {(uint8_t)(m.len >> 8), (uint8_t)m.len};
            send(fd, length, 1, MSG_NOSIGNAL); /* in pieces, as a network may bring it */
            send(fd, length + 1, 1, MSG_NOSIGNAL);
            send(fd, m.data, 10, MSG_NOSIGNAL);
            if (!is(&m, "cut")) {
                send(fd, m.data + 10, m.len - 10, MSG_NOSIGNAL);
            }
        }
        close(fd);
    }
    return NULL;
}

int server_start(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(53),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    pthread_t thread;
    udp = socket(AF_INET, SOCK_DGRAM, 0);
    tcp = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(udp, (struct sockaddr *)&a, sizeof(a)) != 0 ||
        bind(tcp, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(tcp, 5) != 0) {
        return -1;
    }
    return pthread_create(&thread, NULL, serve_udp, NULL) != 0 ||
           pthread_create(&thread, NULL, serve_tcp, NULL) != 0 ? -1 : 0;
}
