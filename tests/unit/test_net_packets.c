/* sources: LWIP */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole stack against a neighbour that sends mutated packets: nothing is read or written where
 * it should not be (AddressSanitizer), no assertion fails, each buffer comes back, no memory stays.
 */
#include "unit.h"

#include "fake_net.h"
#include "net_frames.h"
#include "no_sockets.h"

#include <lwip/opt.h>

#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>

#include <pith/netstats.h>

#include <lwip_hooks.h>

#include "net.h"
#include "net_icmp.h"
#include "net_memory.h"

#define PORT   7u
#define ROUNDS 20000u

static uint64_t seed = 7;
static unsigned bytes_read, errors_told;

static const char *fake_option(const char *name)
{
    return strcmp(name, "ip") == 0    ? "10.0.0.2/24,gw=10.0.0.1,dns=10.0.0.1"
           : strcmp(name, "ip6") == 0 ? "2001:db8::2/64,gw=2001:db8::1"
                                      : NULL;
}

static unsigned chance(unsigned n)
{
    return (unsigned)(unit_random(&seed) >> 16) % n;
}

/* ---- the program: it echoes ---- */

static err_t tcp_data(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    (void)err;
    if (p == NULL) {
        tcp_close(pcb);
        return ERR_OK;
    }
    for (struct pbuf *q = p; q != NULL; q = q->next) {
        for (unsigned i = 0; i < q->len; i++) {
            bytes_read += ((uint8_t *)q->payload)[i] != 0;
        }
        tcp_write(pcb, q->payload, q->len, TCP_WRITE_FLAG_COPY);
    }
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static err_t tcp_come(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    if (err == ERR_OK && pcb != NULL) {
        tcp_recv(pcb, tcp_data);
    }
    return ERR_OK;
}

static void udp_data(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                     uint16_t port)
{
    (void)arg;
    struct pbuf *copy = pbuf_clone(PBUF_TRANSPORT, PBUF_RAM, p);
    if (copy != NULL) {
        udp_sendto(pcb, copy, from, port);
        pbuf_free(copy);
    }
    pbuf_free(p);
}

static void error_told(const struct net_icmp_error *e)
{
    errors_told++;
    EXPECT((e->tcp != NULL) != (e->udp != NULL) && e->error < 0);
}

static void program(void)
{
    net_lock();
    struct tcp_pcb *t = tcp_new_ip_type(IPADDR_TYPE_ANY);
    EXPECT(tcp_bind(t, IP_ANY_TYPE, PORT) == ERR_OK);
    tcp_accept(tcp_listen(t), tcp_come);
    struct udp_pcb *u = udp_new_ip_type(IPADDR_TYPE_ANY);
    EXPECT(udp_bind(u, IP_ANY_TYPE, PORT) == ERR_OK);
    udp_recv(u, udp_data, NULL);
    net_icmp_listen(error_told);
    net_unlock();
}

/* ---- the neighbour ---- */

static struct frame last; /* what the stack sent last, and of what kinds so far */
static unsigned seen_tcp, seen_udp, seen_icmp, seen_arp;
static uint32_t their_seq, their_ack; /* of the last TCP segment */
static uint16_t their_port;

/* The checksum of a frame that was sent must be right, whoever has made it. */
static void check_sums(const uint8_t *data, unsigned len)
{
    static struct frame copy;
    if (len > FRAME_MAX || len < 34) {
        return;
    }
    memcpy(copy.data, data, len);
    copy.len = len;
    finish(&copy);
    if (memcmp(copy.data, data, len) != 0) {
        EXPECT(!"a frame with a wrong checksum or length");
    }
}

static void on_sent(const uint8_t *data, unsigned len)
{
    unsigned at = get16(data + 12) == 0x86dd ? 54 : 34;
    unsigned protocol = get16(data + 12) == 0x86dd ? data[20] : data[23];

    last.len = len < FRAME_MAX ? len : FRAME_MAX;
    memcpy(last.data, data, last.len);
    seen_arp += get16(data + 12) == 0x0806;
    if (get16(data + 12) == 0x0806) {
        return;
    }
    check_sums(data, len);
    seen_icmp += protocol == 1 || protocol == 58;
    seen_udp += protocol == 17;
    if (protocol == 6) {
        seen_tcp++;
        their_port = get16(data + at + 2);
        their_seq = get32(data + at + 4);
        their_ack = get32(data + at + 8);
    }
}

static void give(const struct frame *f, unsigned flags)
{
    unsigned cut = chance(3) == 0 ? 54 + chance(40) : 0;
    while (!fake_arrive(f->data, f->len, cut, flags)) {
        fake_run();
    }
    fake_run();
}

/* The neighbour's addresses are known, so that answers go out at once. */
static void acquaint(void)
{
    struct frame f;
    make_arp(&f, 1);
    give(&f, 0);
    make_echo(&f, true, 8);
    give(&f, 0);
    make_na(&f);
    give(&f, 0);
}

static void test_honest(void)
{
    struct frame f;

    acquaint();
    EXPECT(seen_arp > 0);
    for (int v6 = 0; v6 < 2; v6++) {
        unsigned icmp = seen_icmp, udp = seen_udp, tcp = seen_tcp;
        make_echo(&f, v6, 100);
        give(&f, 0);
        EXPECT(seen_icmp == icmp + 1);
        EXPECT(memcmp(last.data + last.len - 100, f.data + f.len - 100, 100) == 0);
        make_udp(&f, v6, 4000, PORT, "hello", 5);
        give(&f, 0);
        EXPECT(seen_udp == udp + 1 && memcmp(last.data + last.len - 5, "hello", 5) == 0);
        make_udp(&f, v6, 4000, 9, "hello", 5);
        give(&f, 0);
        EXPECT(seen_icmp == icmp + 2); /* port unreachable */
        make_tcp(&f, v6, 4001, PORT, 1000, 0, 2, "", 0, 0);
        give(&f, 0);
        EXPECT(seen_tcp == tcp + 1 && their_ack == 1001);
        make_tcp(&f, v6, 4001, PORT, 1001, their_seq + 1, 0x10, "", 0, 0);
        give(&f, 0);
        make_tcp(&f, v6, 4001, PORT, 1001, their_seq + 1, 0x18, "", 0, 10);
        give(&f, 0);
        EXPECT(seen_tcp == tcp + 2 && their_ack == 1011 && last.data[last.len - 1] == 0x66);
        make_tcp(&f, v6, 4001, PORT, 1011, their_seq + 10, 0x14, "", 0, 0); /* RST */
        give(&f, 0);
        make_tcp(&f, v6, 4002, 9, 1000, 0, 2, "", 0, 0);
        give(&f, 0);
        EXPECT((last.data[v6 ? 67 : 47] & 4) != 0); /* refused */
    }
}

/* What the host says of a checksum counts for whole packets, and only then. */
static void test_checksum_flags(void)
{
    struct frame f;
    unsigned udp = seen_udp;

    make_udp(&f, false, 4000, PORT, "hello", 5);
    f.data[40] ^= 1; /* the checksum */
    give(&f, 0);
    EXPECT(seen_udp == udp);
    give(&f, NETBUF_CSUM_VALID);
    EXPECT(seen_udp == udp + 1);
    f.data[24] ^= 1; /* IPv4's own is always looked at */
    give(&f, NETBUF_CSUM_VALID);
    EXPECT(seen_udp == udp + 1);
    make_udp(&f, true, 4000, PORT, "hello", 5);
    f.data[60] ^= 1;
    give(&f, 0);
    EXPECT(seen_udp == udp + 1);
    give(&f, NETBUF_CSUM_PARTIAL);
    EXPECT(seen_udp == udp + 2);
}

/* ---- mutations ---- */

static const uint8_t syn_options[] = { 2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 1, 1 };

static void make_tcp_any(struct frame *f, bool v6)
{
    static const unsigned flags[] = { 2, 2, 0x10, 0x10, 0x18, 0x18, 0x18, 0x11, 0x14, 4, 0x12, 1, 0x29,
                                      0 };
    unsigned which = flags[chance(sizeof(flags) / sizeof(flags[0]))];
    unsigned port = 5000 + chance(8);
    uint32_t ahead = chance(3) == 0 ? chance(6000) : 0;
    uint32_t seq = chance(4) == 0 ? (uint32_t)unit_random(&seed) : their_ack + ahead;
    uint32_t ack = chance(4) == 0 ? (uint32_t)unit_random(&seed) : their_seq + chance(3);

    make_tcp(f, v6, chance(3) != 0 && their_port >= 5000 ? their_port : port, PORT, seq, ack, which,
             syn_options, which == 2 ? 12 : chance(4) * 4, chance(2) * chance(1400));
}

static void make_nd(struct frame *f)
{
    static const uint8_t types[] = { 133, 134, 135, 136, 137, 130, 131, 132, 2, 1, 3, 4, 129 };
    begin_ip6(f, 58);
    put16(f, types[chance(sizeof(types))] << 8);
    put16(f, 0);
    put32(f, (uint32_t)unit_random(&seed));
    for (unsigned n = chance(4); n > 0; n--) {
        put(f, chance(2) ? our_ip6 : peer_ip6, 16);
    }
    for (unsigned n = chance(4); n > 0; n--) { /* options: type, length in 8 bytes */
        static const uint8_t kinds[] = { 1, 2, 3, 4, 5, 24, 25, 31 };
        put16(f, kinds[chance(sizeof(kinds))] << 8 | chance(6));
        for (unsigned k = chance(40); k > 0; k--) {
            f->data[f->len++] = (uint8_t)unit_random(&seed);
        }
    }
    finish(f);
}

/* An ICMP error that quotes what the stack has sent. */
static void make_error(struct frame *f, bool v6)
{
    begin_any(f, v6, v6 ? 58 : 1);
    put16(f, (v6 ? 1 + chance(4) : 3 + chance(10)) << 8 | chance(8));
    put16(f, 0);
    put32(f, chance(1500));
    put(f, last.data + 14, last.len > 14 + 600 ? 600 : last.len > 14 ? last.len - 14 : 0);
    finish(f);
}

static void make_fragment(struct frame *f, bool v6)
{
    unsigned offset = chance(10) * 8 + chance(2) * 1400, more = chance(2), id = chance(20);
    if (v6) {
        begin_ip6(f, 44);
        put16(f, 17 << 8);
        put16(f, offset | more);
        put32(f, id);
    } else {
        begin_ip4(f, 17, offset / 8 | more << 13);
        set16(f->data + 18, id);
    }
    f->len += chance(200) * 8;
    finish(f);
}

static void make_extension(struct frame *f)
{
    static const uint8_t kinds[] = { 0, 43, 44, 50, 51, 59, 60, 6, 17, 58 };
    begin_ip6(f, kinds[chance(sizeof(kinds))]);
    for (unsigned n = chance(6); n > 0; n--) {
        put16(f, kinds[chance(sizeof(kinds))] << 8 | chance(4));
        for (unsigned k = 6 + 8 * chance(4); k > 0; k--) {
            f->data[f->len++] = (uint8_t)chance(8);
        }
    }
    finish(f);
}

static void make_any(struct frame *f)
{
    bool v6 = chance(2);
    uint8_t data[64] = { 0x94, 0, 0, 0 };

    memset(f->data, 0, sizeof(f->data));
    switch (chance(16)) {
    case 0: make_arp(f, 1 + chance(3)); break;
    case 1: make_echo(f, v6, chance(1400)); break;
    case 2: make_udp(f, v6, 4000, chance(2) ? PORT : chance(65536), data, chance(64)); break;
    case 3: make_udp(f, v6, 53, 32768 + chance(100), data, 64); break;
    case 4: make_error(f, v6); break;
    case 5: make_fragment(f, v6); break;
    case 6: make_extension(f); break;
    case 7: make_nd(f); break;
    case 8: /* IGMP */
        begin_ip4(f, 2, 0);
        put32(f, (0x11u + chance(8)) << 24 | chance(256) << 16);
        put32(f, 0xe0000001 + chance(3));
        finish(f);
        break;
    default: make_tcp_any(f, v6); break;
    }
}

static void mutate(struct frame *f)
{
    for (unsigned n = chance(4); n > 0 && f->len > 0; n--) {
        f->data[chance(4) ? 12 + chance(60) : chance(f->len)] ^= (uint8_t)(1u << chance(8));
    }
    if (chance(4) == 0) {
        f->data[14 + chance(60)] = (uint8_t)(chance(2) ? 0xff : unit_random(&seed));
    }
    if (chance(2)) {
        finish(f); /* the sums are right again: it gets further */
    }
    if (chance(6) == 0) {
        f->len = chance(f->len + 1);
    }
}

static void test_mutated(void)
{
    static const unsigned flags[] = { 0, 0, 0, NETBUF_CSUM_VALID, NETBUF_CSUM_PARTIAL };
    struct frame f;

    for (unsigned i = 0; i < ROUNDS; i++) {
        make_any(&f);
        if (chance(4) != 0) {
            mutate(&f);
        }
        fake_tx_full = chance(50) == 0 ? !fake_tx_full : fake_tx_full && chance(20) != 0;
        give(&f, flags[chance(5)]);
        if (chance(20) == 0) {
            fake_sleep(chance(3) * 500);
        }
        if (chance(2000) == 0) {
            acquaint();
        }
    }
    fake_tx_full = false;
    EXPECT(bytes_read > 1000);
    EXPECT(seen_tcp > ROUNDS / 10);
}

/* When all connections are gone and everything has timed out, what is left is what was. */
static void test_nothing_left(const struct net_memory_stats *before)
{
    struct net_memory_stats after;

    for (unsigned i = 0; i < 40 && tcp_active_pcbs != NULL; i++) {
        net_lock();
        while (tcp_active_pcbs != NULL) {
            tcp_abort(tcp_active_pcbs);
        }
        net_unlock();
        fake_sleep(1000);
    }
    fake_sleep(200000);
    EXPECT(fake_dev.rx_lent == 0);
    net_memory_stats(&after);
    if (after.used != before->used || after.tcp != 0 || after.segments != 0) {
        printf("memory %zu before, %zu after; %u connections, %u segments\n", before->used,
               after.used, after.tcp, after.segments);
        EXPECT(!"memory is left");
    }
}

/* Initial sequence numbers: neither the same nor one after the other. */
static void test_sequence_numbers(void)
{
    struct frame f;
    uint32_t isn[200];

    for (unsigned i = 0; i < 200; i++) {
        make_tcp(&f, i % 2, 7000 + i / 2, PORT, 1, 0, 2, "", 0, 0);
        give(&f, 0);
        isn[i] = their_seq;
        make_tcp(&f, i % 2, 7000 + i / 2, PORT, 2, 0, 4, "", 0, 0);
        give(&f, 0);
    }
    unsigned near = 0;
    for (unsigned i = 0; i < 200; i++) {
        for (unsigned k = 0; k < i; k++) {
            near += isn[i] - isn[k] + 1000000 < 2000000;
        }
    }
    EXPECT(near < 60); /* of 19,900 pairs 9 by chance */
}

/* Thousands of connections, one after the other, each closed by us: TIME_WAIT is bounded. */
static void test_many_connections(void)
{
    struct net_memory_stats m;
    struct frame f;

    for (unsigned i = 0; i < 4000; i++) {
        unsigned port = 10000 + i % 50000;
        make_tcp(&f, false, port, PORT, 1, 0, 2, "", 0, 0);
        give(&f, 0);
        uint32_t seq = their_seq + 1;
        make_tcp(&f, false, port, PORT, 2, seq, 0x10, "", 0, 0);
        give(&f, 0);
        net_lock();
        struct tcp_pcb *pcb = tcp_active_pcbs;
        bool there = pcb != NULL && pcb->remote_port == port;
        if (there) {
            tcp_close(pcb);
        }
        net_unlock();
        EXPECT(there);
        if (!there) {
            return;
        }
        fake_run();
        make_tcp(&f, false, port, PORT, 2, seq + 1, 0x11, "", 0, 0);
        give(&f, 0);
    }
    net_memory_stats(&m);
    EXPECT(m.tcp > 1000 && m.tcp <= m.tcp_limit);
    EXPECT(tcp_active_pcbs == NULL && tcp_tw_pcbs != NULL);
}

int main(void)
{
    struct net_memory_stats before;

    fake_on_sent = on_sent;
    EXPECT(net_start() == 0 && fake_engine != NULL);
    program();
    fake_sleep(3000);
    net_memory_stats(&before);
    test_honest();
    test_checksum_flags();
    test_sequence_numbers();
    test_mutated();
    test_nothing_left(&before);
    test_honest();
    test_many_connections();
    test_nothing_left(&before);
    return unit_done();
}
