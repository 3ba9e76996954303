/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ethernet frames of a neighbour, for tests of the stack on the host: builders for each protocol,
 * and checksums put right again after a change.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FRAME_MAX 2048

struct frame {
    uint8_t data[FRAME_MAX];
    unsigned len;
};

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 1 }, peer_mac[6] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t our_ip[4] = { 10, 0, 0, 2 }, peer_ip[4] = { 10, 0, 0, 1 };
static const uint8_t our_ip6[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 2 };
static const uint8_t peer_ip6[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 };

static inline uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline void set16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void set32(uint8_t *p, uint32_t v)
{
    set16(p, v >> 16);
    set16(p + 2, v & 0xffff);
}

static inline uint32_t sum_words(const uint8_t *p, unsigned len, uint32_t sum)
{
    for (; len > 1; len -= 2, p += 2) {
        sum += get16(p);
    }
    return len ? sum + (uint32_t)(p[0] << 8) : sum;
}

static inline uint16_t fold(uint32_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static inline void put(struct frame *f, const void *data, unsigned len)
{
    memcpy(f->data + f->len, data, len);
    f->len += len;
}

static inline void put16(struct frame *f, unsigned v)
{
    set16(f->data + f->len, v);
    f->len += 2;
}

static inline void put32(struct frame *f, uint32_t v)
{
    set32(f->data + f->len, v);
    f->len += 4;
}

static inline void begin(struct frame *f, unsigned type)
{
    f->len = 0;
    put(f, our_mac, 6);
    put(f, peer_mac, 6);
    put16(f, type);
}

/* Headers up to the upper protocol's; lengths and sums come with finish(). */
static inline void begin_ip4(struct frame *f, unsigned protocol, unsigned flags_offset)
{
    begin(f, 0x0800);
    put16(f, 0x4500);
    put16(f, 0);
    put16(f, 0x1234); /* id */
    put16(f, flags_offset);
    put16(f, 64 << 8 | protocol);
    put16(f, 0);
    put(f, peer_ip, 4);
    put(f, our_ip, 4);
}

static inline void begin_ip6(struct frame *f, unsigned next)
{
    begin(f, 0x86dd);
    put32(f, 6u << 28);
    put16(f, 0);
    put16(f, next << 8 | 255);
    put(f, peer_ip6, 16);
    put(f, our_ip6, 16);
}

/* Where the checksum of an upper protocol stands, from its header; -1: it has none. */
static inline int sum_place(unsigned protocol)
{
    bool icmp = protocol == 1 || protocol == 58 || protocol == 2;
    return protocol == 6 ? 16 : protocol == 17 ? 6 : icmp ? 2 : -1;
}

/* Make all lengths and checksums fit what the frame has now, as far as its headers make sense. */
static inline void finish(struct frame *f)
{
    uint8_t *ip = f->data + 14;
    unsigned start, protocol, len;
    uint32_t sum = 0;

    if (f->len < 34 || (get16(f->data + 12) == 0x86dd && f->len < 54)) {
        return;
    }
    if (get16(f->data + 12) == 0x0800) {
        start = 14 + (ip[0] & 15) * 4u;
        protocol = ip[9];
        if (start > f->len || start < 34) {
            return;
        }
        set16(ip + 2, f->len - 14);
        set16(ip + 10, 0);
        set16(ip + 10, fold(sum_words(ip, start - 14, 0)));
        if ((get16(ip + 6) & 0x3fff) != 0) {
            return; /* of a fragment: the datagram's sum is the builder's business */
        }
        len = f->len - start;
        if (protocol == 6 || protocol == 17) {
            sum = sum_words(ip + 12, 8, protocol + len);
        }
    } else if (get16(f->data + 12) == 0x86dd) {
        start = 54;
        protocol = ip[6];
        set16(ip + 4, f->len - 54);
        len = f->len - start;
        sum = sum_words(ip + 8, 32, protocol + len);
    } else {
        return;
    }
    int place = sum_place(protocol);
    if (place < 0 || start + (unsigned)place + 2 > f->len) {
        return;
    }
    if (protocol == 17) {
        set16(f->data + start + 4, len);
    }
    set16(f->data + start + place, 0);
    set16(f->data + start + place, fold(sum_words(f->data + start, len, sum)));
}

static inline void begin_any(struct frame *f, bool v6, unsigned protocol)
{
    if (v6) {
        begin_ip6(f, protocol);
    } else {
        begin_ip4(f, protocol, 0);
    }
}

static inline void make_arp(struct frame *f, unsigned operation)
{
    static const uint8_t head[6] = { 0, 1, 8, 0, 6, 4 };
    begin(f, 0x0806);
    put(f, head, 6);
    put16(f, operation);
    put(f, peer_mac, 6);
    put(f, peer_ip, 4);
    put(f, our_mac, 6);
    put(f, our_ip, 4);
}

static inline void make_echo(struct frame *f, bool v6, unsigned size)
{
    begin_any(f, v6, v6 ? 58 : 1);
    put16(f, v6 ? 128 << 8 : 8 << 8);
    put16(f, 0);
    put32(f, 0x00010002);
    memset(f->data + f->len, 0x55, size);
    f->len += size;
    finish(f);
}

static inline void make_udp(struct frame *f, bool v6, unsigned from, unsigned to, const void *data,
                            unsigned size)
{
    begin_any(f, v6, 17);
    put16(f, from);
    put16(f, to);
    put32(f, 0);
    put(f, data, size);
    finish(f);
}

/* options: whole words. */
static inline void make_tcp(struct frame *f, bool v6, unsigned from, unsigned to, uint32_t seq,
                            uint32_t ack, unsigned flags, const void *options, unsigned noptions,
                            unsigned size)
{
    begin_any(f, v6, 6);
    put16(f, from);
    put16(f, to);
    put32(f, seq);
    put32(f, ack);
    put16(f, (5 + noptions / 4) << 12 | flags);
    put16(f, 0x7fff);
    put32(f, 0);
    put(f, options, noptions);
    memset(f->data + f->len, 0x66, size);
    f->len += size;
    finish(f);
}

/* A neighbour advertisement for our question, solicited. */
static inline void make_na(struct frame *f)
{
    begin_ip6(f, 58);
    put32(f, 136u << 24);
    put32(f, 0x60000000);
    put(f, peer_ip6, 16);
    put16(f, 0x0201);
    put(f, peer_mac, 6);
    finish(f);
}
