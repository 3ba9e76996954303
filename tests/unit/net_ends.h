/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two programs at both ends of a connection over the mirror (net_mirror.h): each sends bytes of a
 * pattern in writes of any length, and checks what it reads.
 * Included once.
 */
#pragma once

#include "net_mirror.h"

#include "net_card.h"

#define PORT    7u
#define PATTERN 65521u /* a prime: no write and no segment falls into step with it */

static uint8_t pattern[2 * PATTERN];

/* One end: it writes `total` bytes of the pattern, and reads as many. */
struct end {
    struct tcp_pcb *pcb;
    uint32_t total, written, read;
    uint32_t unread; /* the window opens when it feels like it */
    bool fin, dead;
};

static struct end ends[2];

static struct tcp_pcb *listener;
static unsigned longest_read; /* bytes that came at once */
static bool fickle; /* the card takes more or less from one moment to the next */
static void (*weather)(void); /* what else happens, at each step */
static bool chatty; /* they write what fits into a segment, now and then */
static unsigned nocopy; /* of eight writes, how many are by reference */

/* ---- the program ---- */

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct end *e = arg;
    (void)pcb;
    (void)err;
    if (p == NULL) {
        e->fin = true;
        return ERR_OK;
    }
    unsigned left = p->tot_len;
    longest_read = left > longest_read ? left : longest_read;
    for (struct pbuf *q = p; q != NULL; q = q->next) {
        EXPECT(q->tot_len == left);
        left -= q->len;
        EXPECT(memcmp(q->payload, &pattern[e->read % PATTERN], q->len) == 0);
        e->read += q->len;
        e->unread += q->len;
    }
    pbuf_free(p);
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    struct end *e = arg;
    (void)err;
    e->dead = true;
    e->pcb = NULL;
}

static void adopt(struct end *e, struct tcp_pcb *pcb)
{
    e->pcb = pcb;
    tcp_arg(pcb, e);
    tcp_recv(pcb, on_recv);
    tcp_err(pcb, on_error);
    if (chance(3) != 0) {
        tcp_nagle_disable(pcb);
    }
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    EXPECT(err == ERR_OK && ends[1].pcb == NULL);
    adopt(&ends[1], pcb);
    return ERR_OK;
}

/* The queues are in order, and the last segments are known. */
static void check_queue(const struct tcp_seg *seg, const struct tcp_seg *last)
{
    uint32_t end = seg != NULL ? get32((const uint8_t *)seg->tcphdr + 4) : 0;
    for (; seg != NULL; seg = seg->next) {
        uint32_t at = get32((const uint8_t *)seg->tcphdr + 4);
        EXPECT(TCP_SEQ_LEQ(end, at) && seg->p->tot_len >= seg->len);
        end = at + TCP_TCPLEN(seg);
        EXPECT(seg->next != NULL || seg == last);
    }
}

static void write_some(struct end *e)
{
    uint32_t room = tcp_sndbuf(e->pcb), left = e->total - e->written;
    uint32_t part = 1 + chance(chatty ? 1400 : chance(4) ? 20000 : 100);
    part = part < left ? part : left;
    part = part < room ? part : room;
    part = part < PATTERN ? part : PATTERN;
    if (part == 0 || (chatty && chance(3) != 0)) {
        return;
    }
    uint8_t flags = !chatty && chance(8) < nocopy ? 0 : TCP_WRITE_FLAG_COPY;
    flags |= !chatty && chance(3) == 0 ? TCP_WRITE_FLAG_MORE : 0;
    if (tcp_write(e->pcb, &pattern[e->written % PATTERN], (u16_t)part, flags) == ERR_OK) {
        e->written += part;
    }
    if (chatty || chance(3) != 0 || e->written == e->total) {
        tcp_output(e->pcb);
    }
}

static void act(struct end *e)
{
    if (e->pcb == NULL) {
        return;
    }
    if (e->pcb->state == ESTABLISHED && e->written < e->total) {
        write_some(e);
    }
    if (e->unread > 0 && chance(3) == 0) {
        uint32_t part = e->unread < 0xffff ? e->unread : 0xffff;
        tcp_recved(e->pcb, (u16_t)part);
        e->unread -= part;
    }
    check_queue(e->pcb->unsent, e->pcb->unsent_last);
    check_queue(e->pcb->unacked, e->pcb->unacked_last);
}

/* ---- the runs ---- */

static bool sent_all(const struct end *e)
{
    return e->pcb == NULL ||
           (e->written == e->total && e->pcb->unsent == NULL && e->pcb->unacked == NULL);
}

/* Both ends send; returns how many bytes of TCP went over the cable for one that was needed. */
static double transfer(bool v6, uint32_t forth, uint32_t back, const struct spoiling *how)
{
    ip_addr_t to;

    spoil = (struct spoiling){ 0 };
    memset(ends, 0, sizeof(ends));
    ends[0].total = forth;
    ends[1].total = back;
    mirror_acquaint();
    net_lock();
    adopt(&ends[0], tcp_new_ip_type(v6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4));
    static uint16_t port = 40000; /* not a random one, so that two runs are the same */
    EXPECT(tcp_bind(ends[0].pcb, v6 ? IP6_ADDR_ANY : IP4_ADDR_ANY, port++) == ERR_OK);
    if (v6) {
        IP_ADDR6_HOST(&to, 0x20010db8, 0, 0, 1);
    } else {
        IP_ADDR4(&to, 10, 0, 0, 1);
    }
    EXPECT(tcp_connect(ends[0].pcb, &to, PORT, NULL) == ERR_OK);
    net_unlock();
    spoil = *how;
    mirror_payload = 0;
    uint64_t progress_at = fake_now;
    uint32_t progress = 0;
    while (ends[0].read < back || ends[1].read < forth || !sent_all(&ends[0]) ||
           !sent_all(&ends[1])) {
        net_lock();
        act(&ends[0]);
        act(&ends[1]);
        if (fickle && chance(50) == 0) {
            net_card_list->netif.tso_max = (uint16_t)(chance(2) ? chance(65392) : 65392);
            fake_dev.tso_max = chance(3) ? 65535 : 0;
        }
        if (weather != NULL) {
            weather();
        }
        net_unlock();
        mirror_step();
        if (progress != ends[0].read + ends[1].read) {
            progress = ends[0].read + ends[1].read;
            progress_at = fake_now;
        }
        if (ends[0].dead || ends[1].dead || fake_now - progress_at > 20000000000u) {
            printf("stalled at %u and %u bytes\n", ends[1].read, ends[0].read);
            EXPECT(!"the connection stalls");
            break;
        }
    }
    double cost = (double)mirror_payload / (forth + back);
    EXPECT(ends[0].read == back && ends[1].read == forth);
    spoil = (struct spoiling){ 0 };
    return cost;
}

static void finish_both(void)
{
    net_lock();
    for (int i = 0; i < 2; i++) {
        if (ends[i].pcb != NULL) {
            struct tcp_pcb *pcb = ends[i].pcb;
            pcb->rcv_wnd = TCP_WND_MAX(pcb);
            tcp_arg(pcb, NULL);
            tcp_recv(pcb, NULL);
            tcp_err(pcb, NULL);
            EXPECT(tcp_close(pcb) == ERR_OK);
        }
    }
    net_unlock();
    for (unsigned i = 0; i < 500 || tcp_active_pcbs != NULL || tcp_tw_pcbs != NULL; i++) {
        mirror_step();
        fake_now += 200000000;
        if (i > 5000) {
            EXPECT(!"connections stay");
            break;
        }
    }
}

static void ends_start(void)
{
    for (unsigned i = 0; i < PATTERN; i++) {
        pattern[i] = pattern[PATTERN + i] = (uint8_t)(unit_random(&mirror_seed) >> 24);
    }
    mirror_start();
    net_lock();
    struct tcp_pcb *t = tcp_new_ip_type(IPADDR_TYPE_ANY);
    EXPECT(tcp_bind(t, IP_ANY_TYPE, PORT) == ERR_OK);
    listener = tcp_listen(t);
    tcp_accept(listener, on_accept);
    net_unlock();
}
